"""The groups: members, what sets each apart, how well it recurs, and who falls together with whom."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from integstat.peers.groups import DISSOLVED, STABLE
from integstat.peers.partitions import Partitions
from integstat.report.figures_peers import group_mark, membership, profile_bar, together
from integstat.report.view.lookup import City, Lookup, axis_limit
from integstat.report.view.peers_words import feature_word, letter


@dataclass(frozen=True)
class Member:
    """A city in its group; the second choice has letter, shape, name and probability, or is None."""

    city: City
    probability: str
    borderline: bool
    second: tuple[str, Markup, str, str] | None
    figure: Markup


@dataclass(frozen=True)
class Group:
    """A group with its members.

    Attributes
    ----------
    stability : str
        Word and number; empty where there is but one group.
    profile : tuple
        Name, number and bar of each feature.
    """

    letter: str
    mark: Markup
    name: str
    size: str
    stability: str
    apart: str
    profile: tuple[tuple[str, str, Markup], ...]
    members: tuple[Member, ...]


@dataclass(frozen=True)
class GroupsView:
    """All groups, and the figure of co-assignment; empty where there is but one group."""

    groups: tuple[Group, ...]
    figure: Markup


def groups_view(look: Lookup, partitions: Partitions) -> GroupsView:
    """Tell the groups in their order."""
    cities = {city.key: city for city in look.cities}
    order = {city.key: place for place, city in enumerate(look.cities)}
    limit = _limit(partitions)
    groups, keys = [], []
    for group, name in enumerate(partitions.names):
        own = {city for city, label in zip(partitions.cities, partitions.summary, strict=True) if label == group}
        rows = look.data.peers[look.data.peers["city"].isin(own)].sort_values("city", key=lambda key: key.map(order))
        members = tuple(_member(look, partitions, cities[str(row["city"])], row) for _, row in rows.iterrows())
        keys.append([member.city.key for member in members])
        several = partitions.size > 1
        groups.append(
            Group(
                letter=letter(group),
                mark=group_mark(group),
                name=look.group_name(name),
                size=look.texts.plural(len(members), look.texts.t("noun.city.single"), look.texts.t("noun.city.several")),
                stability=_stability(look, float(partitions.groups["jaccard"].iloc[group])),
                apart=_apart(look, partitions, str(partitions.groups["apart"].iloc[group])) if several else "",
                profile=_profile(look, partitions, group, limit) if several else (),
                members=members,
            )
        )
    return GroupsView(tuple(groups), _together(look, partitions, keys) if partitions.size > 1 else Markup(""))


def _member(look: Lookup, partitions: Partitions, city: City, row: pd.Series) -> Member:
    t, percent = look.texts.t, look.texts.percent
    own, second = float(row["probability"]), float(row["second_probability"])
    title, choice = t("peers.figure.one", city=city.name, own=percent(own)), None
    if np.isfinite(second) and second >= 0.005:
        group = partitions.names.index(str(row["second_group"]))
        title = t("peers.figure.two", city=city.name, own=percent(own), second=percent(second))
        choice = letter(group), group_mark(group), look.group_name(partitions.names[group]), percent(second)
    bar = membership(own, second, title=title, description=t("peers.figure.reading"))
    return Member(city, percent(own), bool(row["borderline"]), choice, bar)


def _stability(look: Lookup, jaccard: float) -> str:
    if not np.isfinite(jaccard):
        return ""
    shown = round(jaccard, 2)  # word and number must not disagree
    word = "stable" if shown >= STABLE else "dissolved" if shown < DISSOLVED else "moderate"
    return look.texts.t(f"peers.stability.{word}", x=look.texts.number(shown, 2))


def _apart(look: Lookup, partitions: Partitions, told: str) -> str:
    features = {feature.id: feature for feature in partitions.scaled.features} if partitions.scaled else {}
    found = re.findall(r"(\S+):([+-][\d.]+)", told)
    words = [
        f"{feature_word(features[name], float(by) > 0, look.texts)} ({look.texts.number(float(by), 1, sign=True)})"
        for name, by in found
        if name in features
    ]
    return look.texts.t("peers.apart", features=", ".join(words)) if words else look.texts.t("peers.apart_nothing")


def _limit(partitions: Partitions) -> float:
    values = np.abs(partitions.profile.to_numpy(float))
    return axis_limit(values[np.isfinite(values)], 1.0)


def _profile(look: Lookup, partitions: Partitions, group: int, limit: float) -> tuple[tuple[str, str, Markup], ...]:
    if partitions.scaled is None:
        return ()
    values = partitions.profile.loc[group, [one.id for one in partitions.scaled.features]].to_numpy(float)
    return tuple(
        (look.texts.of(one), look.texts.number(float(value), 1, sign=True), profile_bar(float(value), limit))
        for one, value in zip(partitions.scaled.features, values, strict=True)
    )


def _together(look: Lookup, partitions: Partitions, keys: list[list[str]]) -> Markup:
    place = {city: i for i, city in enumerate(partitions.cities)}
    order = [place[key] for group in keys for key in group]
    return together(
        partitions.coassignment[np.ix_(order, order)],
        [len(group) for group in keys],
        [letter(group) for group in range(len(keys))],
        title=look.texts.t("peers.together.title"),
        description=look.texts.t(
            "peers.together.description", groups=look.texts.listing(look.group_name(one) for one in partitions.names)
        ),
    )
