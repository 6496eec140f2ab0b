"""Which findings differ between two runs, and what of their surroundings changed with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from integstat.diff.counts import PROTECTION

EVENTS = ("success", "deficit", "stable")
MOVED = 0.005  # a probability that moved by less would be printed the same
REASONS = (
    "own_figures",  # a figure of this city in this definition
    "other_definition",  # a figure of another definition of this indicator, in any city
    "peer_figures",  # a figure in this definition of a city of the same peer group
    "ring_figures",  # a figure in this definition of a city outside of it
    "main_definition",  # the indicator's main definition is another
    "peer_group",  # the city is in another peer group
    "peer_members",  # other cities came into its peer group or left it
    "disclosure",  # a figure of this indicator, in any city, is told or hidden that was not
    "flags",  # its flags are others
    "threshold",  # its probability lies between the two runs' thresholds
)
FINDING_CODEBOOK = {
    "city": "Amtlicher Gemeindeschlüssel (Text)",
    "city_name": "Name der Stadt",
    "indicator": "Kürzel des Indikators",
    "kind": "new neuer Befund, lost entfallen, turned umgeschlagen, shifted nur die Wahrscheinlichkeit, same_word sonstiges, "
    "added Zelle nur im zweiten Lauf, dropped nur im ersten",
    "finding_before": "Befund im ersten Lauf",
    "finding_after": "Befund im zweiten Lauf",
    "event": "Ereignis, dessen Wahrscheinlichkeit daneben steht: der neue Befund, sonst der alte, sonst das wahrscheinlichste",
    "p_before": "Wahrscheinlichkeit des Ereignisses im ersten Lauf",
    "p_after": "Wahrscheinlichkeit des Ereignisses im zweiten Lauf",
    **{
        f"p_{event}_{when}": f"P({event}), {word} Lauf"
        for event in EVENTS
        for when, word in (("before", "erster"), ("after", "zweiter"))
    },
    "definition_before": "Hauptdefinition im ersten Lauf",
    "definition_after": "Hauptdefinition im zweiten Lauf",
    "peer_group_before": "Vergleichsgruppe im ersten Lauf",
    "peer_group_after": "Vergleichsgruppe im zweiten Lauf",
    "flags_before": "Vermerke im ersten Lauf",
    "flags_after": "Vermerke im zweiten Lauf",
    "reasons": "was an dieser Zelle und um sie her anders ist, durch ; getrennt; nicht, woran der Wechsel liegt",
    "run_reasons": "was am ganzen Lauf anders ist, durch ; getrennt",
}
_TAKEN = ("finding", *(f"p_{event}" for event in EVENTS), "definition", "flags")


@dataclass(frozen=True)
class Around:
    """What of a cell's surroundings changed.

    Attributes
    ----------
    figures : pandas.DataFrame
        Changed figures, columns `city`, `definition` and `kind`.
    before, after : pandas.Series
        Peer group by city.
    thresholds_before, thresholds_after : mapping of str to float
        Smallest declared probability, by event.
    """

    figures: pd.DataFrame
    before: pd.Series
    after: pd.Series
    thresholds_before: Mapping[str, float]
    thresholds_after: Mapping[str, float]


def changed_findings(before: pd.DataFrame, after: pd.DataFrame, around: Around, run_reasons: tuple[str, ...]) -> pd.DataFrame:
    """Cells whose finding, probability, definition, peer group or flags differ.

    Parameters
    ----------
    before, after : pandas.DataFrame
        Findings of the runs.
    around : Around
    run_reasons : tuple of str
        What differs between the runs as a whole.

    Returns
    -------
    pandas.DataFrame
        Columns `FINDING_CODEBOOK`, changed words first. `reasons` tells what changed along with a finding, not what it would
        have been without: for that a run would have to be repeated with one change at a time.
    """
    key = ["city", "indicator"]
    columns = [*key, "city_name", *_TAKEN]
    both = before[columns].merge(after[columns], on=key, how="outer", suffixes=("_before", "_after"), indicator="where")
    both["city_name"] = both["city_name_after"].fillna(both["city_name_before"])
    for name in ("finding", "definition", "flags"):
        for when in ("before", "after"):
            both[f"{name}_{when}"] = both[f"{name}_{when}"].fillna("")
    for when, groups in (("before", around.before), ("after", around.after)):
        both[f"peer_group_{when}"] = both["city"].map(groups).fillna("")
    both["kind"] = _kinds(both)
    both["event"] = _events(both)
    for when in ("before", "after"):
        both[f"p_{when}"] = _of_event(both, when)
    both["reasons"] = _reasons(both, around)
    both["run_reasons"] = ";".join(run_reasons)
    order = {name: place for place, name in enumerate(("turned", "new", "lost", "dropped", "added", "shifted", "same_word"))}
    both["order"] = both["kind"].map(order)
    quiet = both["kind"].eq("same_word") & both["reasons"].eq("")
    shown = both[~quiet].sort_values(["order", *key], ignore_index=True)
    return shown[list(FINDING_CODEBOOK)]


def regrouped(before: pd.Series, after: pd.Series) -> tuple[set[str], set[str]]:
    """Cities that moved to another peer group, and cities whose group has other members.

    Groups carry no fixed names: those of the runs are matched one to one so that most cities stay (Hungarian method).

    Returns
    -------
    moved, other_members : set of str
        Only cities that are in both runs; who moved has other members too.
    """
    first, second = _members(before), _members(after)
    common = before.index.intersection(after.index)
    if not len(common) or set(first.values()) == set(second.values()):
        return set(), set()
    from scipy.optimize import linear_sum_assignment  # takes a while to import, and most runs have the same groups

    table = pd.crosstab(before[common], after[common])
    rows, columns = linear_sum_assignment(-table.to_numpy())
    match = dict(zip(table.index[rows], table.columns[columns], strict=True))
    moved = {str(city) for city in common if match.get(before[city]) != after[city]}
    return moved, {str(city) for city in common if first[before[city]] != second[after[city]]}


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame by the names of its columns."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _members(groups: pd.Series) -> dict[str, frozenset[str]]:
    return {str(name): frozenset(map(str, one.index)) for name, one in groups.groupby(groups)}


def _kinds(both: pd.DataFrame) -> np.ndarray:
    old, new = both["finding_before"], both["finding_after"]
    moved = np.zeros(len(both), bool)
    for event in EVENTS:
        p, q = both[f"p_{event}_before"].to_numpy(float), both[f"p_{event}_after"].to_numpy(float)
        moved |= (np.abs(p - q) >= MOVED) | (np.isnan(p) != np.isnan(q))
    where = both["where"].astype(str)
    conditions = [where == "right_only", where == "left_only", old == new, old == "open", new == "open"]
    return np.select(conditions, ["added", "dropped", np.where(moved, "shifted", "same_word"), "new", "lost"], "turned")


def _events(both: pd.DataFrame) -> list[str]:
    events = []
    for row in records(both):
        words = [row[f"finding_{when}"] for when in ("after", "before") if row[f"finding_{when}"] in EVENTS]
        known = {event: p for event in EVENTS if (p := np.nanmax([row[f"p_{event}_before"], row[f"p_{event}_after"], -1.0])) >= 0}
        events.append(words[0] if words else max(known, key=lambda event: known[event]) if known else "")
    return events


def _of_event(both: pd.DataFrame, when: str) -> np.ndarray:
    values = np.full(len(both), np.nan)
    for event in EVENTS:
        values = np.where(both["event"] == event, both[f"p_{event}_{when}"].to_numpy(float), values)
    return values


def _reasons(both: pd.DataFrame, around: Around) -> list[str]:
    """What changed of every cell and around it, as names from `REASONS` joined by ';'."""
    moved, other_members = regrouped(around.before, around.after)
    groups = [_members(around.before), _members(around.after)]
    changed: dict[str, set[str]] = {}
    protected: set[str] = set()
    for figure in records(around.figures):
        if figure["kind"] in PROTECTION:
            protected.add(figure["definition"].partition(".")[0])
        else:
            changed.setdefault(figure["definition"], set()).add(figure["city"])
    found = []
    for row in records(both):
        city, main = row["city"], {row["definition_before"], row["definition_after"]} - {""}
        peers = {one for by_name, when in zip(groups, ("before", "after"), strict=True)
                 for one in by_name.get(row[f"peer_group_{when}"], ())} - {city}  # fmt: skip
        cities = set().union(*(changed.get(one, set()) for one in main))
        others = {name for name in changed if name.partition(".")[0] == row["indicator"]} - main
        both_runs = row["kind"] not in ("added", "dropped")
        holds = {
            "own_figures": city in cities,
            "other_definition": bool(others),
            "peer_figures": bool(cities & peers),
            "ring_figures": bool(cities - peers - {city}),
            "main_definition": len(main) == 2,
            "peer_group": city in moved,
            "peer_members": city in other_members and city not in moved,
            "disclosure": row["indicator"] in protected,
            "flags": both_runs and set(row["flags_before"].split(";")) != set(row["flags_after"].split(";")),
            "threshold": _by_threshold(row, around),
        }
        found.append(";".join(name for name in REASONS if holds[name]))
    return found


def _by_threshold(row: dict[str, Any], around: Around) -> bool:
    """Whether the word would have stayed with the first run's threshold."""
    event, p = row["event"], row["p_after"]
    if event not in around.thresholds_before or np.isnan(p):
        return False
    above = p >= around.thresholds_before[event]
    return bool((row["kind"] == "lost" and above) or (row["kind"] == "new" and not above))
