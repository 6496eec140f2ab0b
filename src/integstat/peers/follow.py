"""The same groups in another year: which group continues which, who moved, and how much of that is news."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from integstat.errors import DataError
from integstat.peers.bundle import Bundle
from integstat.texts import Texts

CONTINUES = 0.5  # least Jaccard similarity of a group with the one it continues; below it a group counts as dissolved
_PART = 0.5  # a group is a part of another where more than this share of its cities comes from it
MOVE_COLUMNS = ["city", "city_name", "group_before", "group_now", "p_moved", "p_moved_by_chance", "moved"]
GROUP_COLUMNS = ["group", "name", "name_before", "name_today", "status", "similarity", "size_before", "size_now"]


@dataclass(frozen=True)
class Followed:
    """Groups of an earlier run and what became of them.

    Attributes
    ----------
    labels : ndarray of int, shape (C',)
        Group of each city of the new run, numbered on from the earlier: a group that continues keeps its number, a new one
        takes the next.
    names : tuple of str
        Name by number; a group that continues keeps its name, a dissolved one stays in the list.
    moves : pandas.DataFrame
        One row per city in both runs: `city`, `city_name`, `group_before`, `group_now`; `p_moved`, probability that a draw of
        its group then and one now differ; `p_moved_by_chance`, the same between two draws of one year, the mean of both
        years; `moved`, whether the groups told differ.
    groups : pandas.DataFrame
        One row per number: `name`; `name_before`, `name_today`, what each run called it; `status` (continues, new,
        dissolved); `similarity`, Jaccard of its cities then and now; sizes.
    joined, left : tuple of str
        AGS of cities in the new run only, and in the old only.
    notes : tuple of str
        German sentences: what the runs do not have in common (years in order, features, cities); new, dissolved, split, merged
        groups, called as in `names`; names that no longer fit.

    Notes
    -----
    Where `p_moved` is hardly above `p_moved_by_chance`, a run of the same year again would have moved the city about as
    often: no news. The two differ even then where features, settings or the ring's other cities changed: a move
    does not say that the city itself changed.
    """

    labels: np.ndarray
    names: tuple[str, ...]
    moves: pd.DataFrame
    groups: pd.DataFrame
    joined: tuple[str, ...]
    left: tuple[str, ...]
    notes: tuple[str, ...]

    def sentences(self) -> list[str]:
        """Tell the groups that continue, the notes, and each city whose group is another, with the probabilities; in German."""
        status = self.groups["status"]
        told = [_kept(int((status != "new").sum()), int((status == "continues").sum())), *self.notes]
        moved = self.moves[self.moves["moved"]]
        if moved.empty:
            return [*told, "Keine Stadt hat die Gruppe gewechselt."]
        percent = Texts("de").percent
        columns = [moved[name] for name in ("city_name", "group_before", "group_now", "p_moved", "p_moved_by_chance")]
        for name, before, now, p, by_chance in zip(*columns, strict=True):
            told.append(
                f"{name}: bisher '{before}', jetzt '{now}'. Wahrscheinlichkeit eines Wechsels "
                f"{percent(p)}, allein durch Zufall {percent(by_chance)}."
            )
        return told


def follow(old: Bundle, new: Bundle) -> Followed:
    """Match the groups of two runs and report the moves.

    Parameters
    ----------
    old, new : Bundle
        Of an earlier and of a later year, or of two versions of one ring.

    Returns
    -------
    Followed

    Raises
    ------
    DataError
        If the two rings have no city in common.

    Notes
    -----
    Groups are paired so that the expected number of common cities that stay, over the groups' probabilities of both years, is
    largest (Kuhn 1955, https://doi.org/10.1002/nav.3800020109). A pair continues if the cities it was told to hold have a Jaccard
    similarity of at least 0.5, Hennig's point of dissolution (https://doi.org/10.1016/j.csda.2006.11.025); so at most one group
    can continue another. Given the pairing, draws of the two years are independent. Probabilities are those of the bundles: where
    a year has many draws in which groups merge, they are spread, and both probabilities of a move are high.
    """
    before = {city: i for i, city in enumerate(old.cities)}
    common = [city for city in new.cities if city in before]
    then = np.array([before[city] for city in common], dtype=int)
    now = np.array([i for i, city in enumerate(new.cities) if city in before], dtype=int)
    if not common:
        raise DataError(
            "die beiden Läufe haben keine gemeinsame Stadt",
            place=f"Vergleichsgruppen {old.year} und {new.year}",
            mend="bitte zwei Läufe desselben Rings nennen",
        )
    pairs = _pairs(old, new, then, now)
    number, names = _numbers(old, new, pairs)
    moves = _moves(old, new, then, now, number, names)
    return Followed(
        labels=number[new.summary],
        names=names,
        moves=moves,
        groups=_groups(old, new, then, now, number, names),
        joined=tuple(city for city in new.cities if city not in before),
        left=tuple(city for city in old.cities if city not in set(new.cities)),
        notes=(*_differences(old, new), *_notes(old, new, then, now, number, names)),
    )


def _pairs(old: Bundle, new: Bundle, then: np.ndarray, now: np.ndarray) -> dict[int, int]:
    """Old group by new group, only of those that continue."""
    overlap = old.probability[then].T @ new.probability[now]
    rows, columns = linear_sum_assignment(-overlap.round(9))
    jaccard = _jaccard(old, new, then, now)
    return {int(h): int(g) for g, h in zip(rows, columns, strict=True) if jaccard[g, h] >= CONTINUES}


def _shared(old: Bundle, new: Bundle, then: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Cities in both runs by group then and group now, shape (K, K')."""
    table = np.zeros((len(old.groups), len(new.groups)))
    np.add.at(table, (old.summary[then], new.summary[now]), 1.0)
    return table


def _jaccard(old: Bundle, new: Bundle, then: np.ndarray, now: np.ndarray) -> np.ndarray:
    shared = _shared(old, new, then, now)
    union = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0, keepdims=True) - shared
    return np.asarray(shared / np.maximum(union, 1.0))


def _numbers(old: Bundle, new: Bundle, pairs: dict[int, int]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Number of each new group, shape (K',), and the name of each number."""
    number = np.empty(len(new.groups), dtype=int)
    names = list(old.groups)
    for h, name in enumerate(new.groups):
        if h in pairs:
            number[h] = pairs[h]
        else:
            number[h] = len(names)
            names.append(name if name not in names else f"{name} ({new.year})")
    return number, tuple(names)


def _moves(
    old: Bundle, new: Bundle, then: np.ndarray, now: np.ndarray, number: np.ndarray, names: tuple[str, ...]
) -> pd.DataFrame:
    first, last = np.zeros((len(then), len(names))), np.zeros((len(now), len(names)))
    first[:, : len(old.groups)] = old.probability[then]
    last[:, number] = new.probability[now]
    alone = ((1 - (first**2).sum(axis=1)) + (1 - (last**2).sum(axis=1))) / 2
    group_then, group_now = old.summary[then], number[new.summary[now]]
    table = {
        "city": [new.cities[i] for i in now],
        "city_name": [new.names[i] for i in now],
        "group_before": [names[g] for g in group_then],
        "group_now": [names[g] for g in group_now],
        "p_moved": np.clip(1 - (first * last).sum(axis=1), 0.0, 1.0).round(6),
        "p_moved_by_chance": np.clip(alone, 0.0, 1.0).round(6),
        "moved": group_then != group_now,
    }
    return pd.DataFrame(table, columns=MOVE_COLUMNS)


def _groups(
    old: Bundle, new: Bundle, then: np.ndarray, now: np.ndarray, number: np.ndarray, names: tuple[str, ...]
) -> pd.DataFrame:
    jaccard = _jaccard(old, new, then, now)
    today = {int(number[h]): h for h in range(len(new.groups))}
    rows = []
    for g, name in enumerate(names):
        h = today.get(g)
        was, there = g < len(old.groups), h is not None
        status = "continues" if was and there else "dissolved" if was else "new"
        rows.append(
            (
                g,
                name,
                old.groups[g] if was else "",
                new.groups[h] if h is not None else "",
                status,
                float(jaccard[g, h]) if was and h is not None else float("nan"),
                int((old.summary == g).sum()) if was else 0,
                int((new.summary == h).sum()) if there else 0,
            )
        )
    return pd.DataFrame(rows, columns=GROUP_COLUMNS)


def _kept(groups: int, kept: int) -> str:
    """How many of the groups of the earlier run continue."""
    if groups == 1:
        return f"Die eine Gruppe besteht {'fort' if kept else 'nicht fort'}."
    if kept == groups:
        return f"Alle {groups} Gruppen bestehen fort."
    return f"Von {groups} Gruppen " + {0: "besteht keine", 1: "besteht eine"}.get(kept, f"bestehen {kept}") + " fort."


def _differences(old: Bundle, new: Bundle) -> list[str]:
    """What else than the groups tells the runs apart, a sentence each."""
    if old.hash == new.hash:
        return ["Beide Male ist dieselbe Einteilung genannt, die Prüfsumme ist gleich."]
    told = []
    if old.year > new.year:
        told.append(f"Die Jahre stehen verkehrt herum: vorher {old.year}, jetzt {new.year}.")
    told += _other_features(old, new)
    for words, these, others in (("Neu im Ring", new, old), ("Nicht mehr im Ring", old, new)):
        missing = [name for city, name in zip(these.cities, these.names, strict=True) if city not in others.cities]
        if missing:
            told.append(f"{words}: {', '.join(missing)}.")
    return told


def _other_features(old: Bundle, new: Bundle) -> list[str]:
    before, now = ({feature.id: feature for feature in bundle.features} for bundle in (old, new))
    use = [{one: (f.transform, f.whole, f.weight) for one, f in features.items()} for features in (before, now)]
    parts = {
        "nur vorher": [feature.name_de for one, feature in before.items() if one not in now],
        "nur jetzt": [feature.name_de for one, feature in now.items() if one not in before],
        "anders umgeformt oder gewichtet": [now[one].name_de for one in now if one in before and use[0][one] != use[1][one]],
    }
    listed = "; ".join(f"{words} {', '.join(names)}" for words, names in parts.items() if names)
    return [f"Die Merkmale sind nicht dieselben ({listed}); schon deshalb können Städte wechseln."] if listed else []


def _notes(old: Bundle, new: Bundle, then: np.ndarray, now: np.ndarray, number: np.ndarray, names: tuple[str, ...]) -> list[str]:
    shared = _shared(old, new, then, now)
    into = shared / np.maximum(shared.sum(axis=1, keepdims=True), 1.0)  # of an old group, where it went
    out_of = shared / np.maximum(shared.sum(axis=0, keepdims=True), 1.0)  # of a new group, where it came from
    notes = []
    for g, name in enumerate(old.groups):
        parts = [names[number[h]] for h in np.flatnonzero(out_of[g] > _PART)]
        if len(parts) > 1:
            notes.append(f"Die Gruppe '{name}' hat sich geteilt: {_quoted(parts)}.")
        elif g not in number:
            notes.append(f"Die Gruppe '{name}' gibt es so nicht mehr.")
    for h, today in enumerate(new.groups):
        name, continues = names[number[h]], number[h] < len(old.groups)
        parts = [old.groups[g] for g in np.flatnonzero(into[:, h] > _PART)]
        if len(parts) > 1:
            notes.append(f"In der Gruppe '{name}' sind mehrere aufgegangen: {_quoted(parts)}.")
        elif not continues:
            notes.append(f"Die Gruppe '{name}' ist neu.")
        if today != name and continues:
            notes.append(f"Die Gruppe '{name}' behält ihren Namen; nach den Merkmalen hieße sie jetzt '{today}'.")
        elif today != name:
            notes.append(f"Die Gruppe '{name}' heißt im späteren Lauf '{today}'; so hieß vorher schon eine andere.")
    return notes


def _quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
