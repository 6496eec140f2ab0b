"""From probabilities to findings: the headline mixed over models, thresholds frozen on it, and the finding in every universe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from integstat.catalogue import Catalogue
from integstat.findings import Findings, FindingSettings
from integstat.findings.build import redeclared
from integstat.findings.declare import Declaration
from integstat.findings.words import at_threshold, declare_all, finding_codes
from integstat.sensitivity.compute import COLUMNS, ELIGIBLE, Answers
from integstat.sensitivity.evaluate import LASTING_DOUBT
from integstat.sensitivity.robustness import mixed
from integstat.sensitivity.space import Space, measurement_axes
from integstat.sensitivity.universes import NOT_THERE, Universes


@dataclass(frozen=True)
class Decided:
    """Findings of the run with the models mixed, and the universes with theirs.

    Attributes
    ----------
    findings : Findings
        The grid's probabilities are means over the models, by their stated weights; its words, thresholds and kinds follow from
        them. Means and intervals are those of the ring's own model.
    universes : dict of str to Universes
        By indicator; cities in the order of the panel.
    """

    findings: Findings
    universes: dict[str, Universes]


def decide(
    findings: Findings,
    answers: Mapping[str, Answers],
    space: Space,
    catalogue: Catalogue,
    cities: pd.DataFrame,
) -> Decided:
    """Mix the models into the headline, freeze its thresholds, and say what is found in every universe.

    Parameters
    ----------
    findings : Findings
        Of the ring's own universe.
    answers : mapping of str to Answers
    space : Space
    catalogue : Catalogue
    cities : pandas.DataFrame
        Of the panel.

    Notes
    -----
    Measurement and question axes never enter the headline. A universe is judged at the thresholds of the headline, for its own
    decision where it has another one; so a finding changes because the probability of its cell does, not because other cells
    do.
    """
    bare = {one: _undecided(answer, space, catalogue, cities) for one, answer in answers.items()}
    grid = _mixed_grid(findings.grid, bare)
    new, declared = redeclared(findings, grid, space.base.findings)
    own = (0,) * len(space.decision_axes)
    known = {own: declared}
    out = {}
    for one, universes in bare.items():
        codes = np.full(universes.finding.shape, NOT_THERE, dtype=np.int8)
        for rows, combo in _groups(space, universes.number):
            settings = space.choices(combo).findings
            decision = tuple(combo[place] for place in space.decision_axes)
            if decision not in known:
                only = [combo[i] if axis.sort == "decision" else 0 for i, axis in enumerate(space.axes)]
                known[decision] = declare_all(grid, space.choices(only).findings)[0]
            codes[rows] = _codes(answers[one], rows, known[decision], settings)
        estimable = np.any([np.isfinite(universes.probability[name]) for name in ("p_success", "p_deficit", "p_stable")], axis=0)
        applies = universes.applies & (estimable | universes.failed[:, None])
        out[one] = replace(universes, applies=applies, finding=np.where(applies & estimable, codes, NOT_THERE).astype(np.int8))
    return Decided(new, out)


def _undecided(answers: Answers, space: Space, catalogue: Catalogue, cities: pd.DataFrame) -> Universes:
    """The universes of an indicator, before words."""
    own, places = measurement_axes(space, answers.indicator, catalogue)
    rows = answers.rows
    weights = np.array([space.definition_weight[one] for one in answers.definition])
    return Universes(
        indicator=answers.indicator,
        cities=tuple(cities["city"].astype(str)),
        axes=(*space.axes, *own),
        choice=np.hstack([space.combos[rows], places[space.slot[rows]]]).astype(np.int16),
        number=rows,
        definition=answers.definition,
        weight=space.weight[rows] * weights,
        probability={name: answers.cells[name] for name in COLUMNS},
        finding=np.full(answers.applies.shape, NOT_THERE, dtype=np.int8),
        applies=answers.applies,
        reason=answers.reason,
        lasting_doubt=answers.cells[LASTING_DOUBT],
        definition_kind=np.array([space.definition_kind[one] for one in answers.definition]),
    )


def _mixed_grid(grid: pd.DataFrame, universes: Mapping[str, Universes]) -> pd.DataFrame:
    """Put the mean over the models in the place of every probability that is estimable in the ring's own universe."""
    out = grid.copy()
    for indicator, one in universes.items():
        rows = np.flatnonzero((grid["indicator"] == indicator).to_numpy())
        places = pd.Index(one.cities).get_indexer(pd.Index(grid["city"].iloc[rows].astype(str)))
        for name in COLUMNS:
            values, own = mixed(one, name)[places], grid[name].to_numpy(float)[rows]
            column = out[name].to_numpy(float).copy()
            column[rows] = np.where(np.isfinite(own) & np.isfinite(values), values, own)
            out[name] = column
    return out


def _groups(space: Space, numbers: np.ndarray) -> list[tuple[np.ndarray, tuple[int, ...]]]:
    """Rows that ask and decide alike, with these choices; the others at the ring's own."""
    combos = space.combos[numbers].copy()
    combos[:, space.model_axes] = 0
    distinct, inside = np.unique(combos, axis=0, return_inverse=True)
    order = inside.ravel()
    return [(np.flatnonzero(order == i), tuple(int(one) for one in combo)) for i, combo in enumerate(distinct)]


def _codes(answers: Answers, rows: np.ndarray, declared: Mapping[str, Declaration], settings: FindingSettings) -> np.ndarray:
    """Findings of these universes at the thresholds of the headline, shape (rows, C)."""
    cells = {name: answers.cells[name][rows] for name in (*COLUMNS, *ELIGIBLE)}
    return finding_codes({kind: at_threshold(cells, kind, one, settings).declared for kind, one in declared.items()})
