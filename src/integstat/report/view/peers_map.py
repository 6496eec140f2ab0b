"""The map of the cities: who is like whom, in the two directions in which they differ most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from integstat.peers.partitions import Partitions
from integstat.report.figures_peers import MANY, Dot, city_map, group_mark
from integstat.report.view.lookup import Lookup
from integstat.report.view.peers_words import feature_word, letter, short_names

_CLEAR = 0.5  # correlation from which a feature helps to explain an axis
_WORDS = 3  # features that explain an end


@dataclass(frozen=True)
class MapView:
    """A sentence, the figure, what its four ends mean, its groups where there are several, and how far it can be trusted."""

    lead: str
    figure: Markup
    left: str
    right: str
    up: str
    down: str
    legend: tuple[tuple[Markup, str, str], ...]
    notes: tuple[str, ...]


def map_view(look: Lookup, partitions: Partitions) -> MapView | None:
    """Draw the cities; None where there are no places to show."""
    t, place = look.texts.t, partitions.place
    if place.empty or partitions.scaled is None:
        return None
    names = short_names(look.cities)
    full = {city.key: city.name for city in look.cities}
    borderline = dict(zip(look.data.peers["city"], look.data.peers["borderline"], strict=True))
    dots = []
    for i, key in enumerate(partitions.cities):
        group = int(partitions.summary[i])
        x, y, spread = (float(one) for one in place.loc[key, ["x", "y", "spread"]].to_numpy(float))
        sure = float(partitions.probability[i, group])
        told = t(
            "peers.map.city",
            city=full[key],
            letter=letter(group),
            group=look.group_name(partitions.names[group]),
            p=look.texts.percent(sure),
        )
        dots.append(
            Dot(
                label=names[key],
                title=told,
                x=x,
                y=y,
                spread=spread,
                group=group,
                probability=sure,
                borderline=bool(borderline[key]),
            )
        )
    left, right = _ends(look, partitions, "x")
    down, up = _ends(look, partitions, "y")
    labelled = t("peers.map.labels_some" if len(dots) > MANY else "peers.map.labels_room")
    several = partitions.size > 1
    related = t("peers.map.related", x=_related(look, partitions, "x"), y=_related(look, partitions, "y"))
    return MapView(
        lead=t("peers.map.lead", groups=t("peers.map.lead_groups") if several else ""),
        figure=city_map(
            dots,
            title=t("peers.map.title"),
            description=t("peers.map.description", left=left, right=right, down=down, up=up),
        ),
        left=left,
        right=right,
        up=up,
        down=down,
        legend=tuple(
            (group_mark(group), letter(group), look.group_name(name)) for group, name in enumerate(partitions.names) if several
        ),
        notes=(t("peers.map.shown", shown=look.texts.percent(partitions.shown)), labelled, related),
    )


def _telling(partitions: Partitions, axis: str) -> list[tuple[int, float]]:
    """Features that explain an axis, the most related first: place and correlation."""
    related = partitions.axes[axis].to_numpy(float)
    order = [int(i) for i in np.argsort(-np.abs(related).round(6), kind="stable")]
    clear = [i for i in order if abs(related[i]) >= _CLEAR][:_WORDS] or order[:1]
    return [(i, float(related[i])) for i in clear]


def _ends(look: Lookup, partitions: Partitions, axis: str) -> tuple[str, str]:
    """Words for the low and the high end of an axis."""
    assert partitions.scaled is not None
    told = [(partitions.scaled.features[i], related > 0) for i, related in _telling(partitions, axis)]
    low, high = (", ".join(feature_word(one, up == end, look.texts) for one, up in told) for end in (False, True))
    return low, high


def _related(look: Lookup, partitions: Partitions, axis: str) -> str:
    assert partitions.scaled is not None
    return ", ".join(
        f"{look.texts.of(partitions.scaled.features[i])} {look.texts.number(related, 2, sign=True)}"
        for i, related in _telling(partitions, axis)
    )
