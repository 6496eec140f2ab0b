"""Peer groups: a convention with probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from integstat.report.figures import membership, together
from integstat.report.view.lookup import City, Lookup


@dataclass(frozen=True)
class Member:
    """A city in its group."""

    city: City
    probability: str
    borderline: bool
    second: str
    second_probability: str
    figure: Markup


@dataclass(frozen=True)
class Group:
    """A group with its members."""

    name: str
    size: str
    members: tuple[Member, ...]


@dataclass(frozen=True)
class PeersView:
    """Groups, the figure of who falls together with whom, and how the number of groups was chosen."""

    groups: tuple[Group, ...]
    lead: str
    figure: Markup
    trials: tuple[tuple[str, str, str, str, bool], ...]
    notes: tuple[str, ...]


def peers_view(look: Lookup) -> PeersView:
    """Tell the groups; without groups the view is empty but for a sentence."""
    t, frame, partitions = look.texts.t, look.data.peers, look.data.partitions
    if frame.empty:
        return PeersView((), t("peers.nothing"), Markup(""), (), partitions.notes if partitions else ())
    names = list(partitions.names) if partitions else list(dict.fromkeys(frame["peer_group"]))
    cities = {city.key: city for city in look.cities}
    order = {city.key: place for place, city in enumerate(look.cities)}
    groups = []
    for name in names:
        rows = frame[frame["peer_group"] == name].sort_values("city", key=lambda keys: keys.map(order))
        members = tuple(_member(look, cities[str(row["city"])], row) for _, row in rows.iterrows())
        if members:
            groups.append(Group(name, look.texts.plural(len(members), t("noun.city.single"), t("noun.city.several")), members))
    borderline = int(frame["borderline"].sum())
    return PeersView(
        groups=tuple(groups),
        lead=t("peers.lead", groups=look.texts.plural(len(groups), t("noun.group.single"), t("noun.group.several")))
        + " "
        + t("peers.borderline", n=borderline),
        figure=_together(look, groups),
        trials=_trials(look),
        notes=partitions.notes if partitions else (),
    )


def _member(look: Lookup, city: City, row: pd.Series) -> Member:
    percent = look.texts.percent
    own, second = float(row["probability"]), float(row["second_probability"])
    named = str(row["second_group"]) if np.isfinite(second) and second >= 0.005 else ""
    key = "peers.figure.two" if named else "peers.figure.one"
    return Member(
        city=city,
        probability=percent(own),
        borderline=bool(row["borderline"]),
        second=named,
        second_probability=percent(second) if named else "",
        figure=membership(
            own, second, title=look.texts.t(key, city=city.name, own=percent(own), second=percent(second)), description=""
        ),
    )


def _together(look: Lookup, groups: list[Group]) -> Markup:
    partitions = look.data.partitions
    if partitions is None:
        return Markup("")
    place = {city: i for i, city in enumerate(partitions.cities)}
    order = [place[member.city.key] for group in groups for member in group.members if member.city.key in place]
    return together(
        partitions.coassignment[np.ix_(order, order)],
        [len(group.members) for group in groups],
        title=look.texts.t("peers.together.title"),
        description=look.texts.t("peers.together.description", groups=look.texts.listing(group.name for group in groups)),
    )


def _trials(look: Lookup) -> tuple[tuple[str, str, str, str, bool], ...]:
    partitions = look.data.partitions
    if partitions is None or not {"k", "stability", "expected_loss", "smallest_group", "chosen"} <= set(partitions.diagnostics):
        return ()
    number = look.texts.number
    return tuple(
        (
            number(float(row["k"]), 0),
            number(float(row["stability"]), 2),
            number(float(row["expected_loss"]), 2),
            number(float(row["smallest_group"]), 0),
            bool(row["chosen"]),
        )
        for _, row in partitions.diagnostics.iterrows()
    )
