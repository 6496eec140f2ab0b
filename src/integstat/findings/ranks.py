"""Ranks of cities with their uncertainty, only for whoever asks for them, and what a run leaves so that they can be asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import ValidationError
from scipy import sparse
from scipy.stats import rankdata

from integstat.catalogue import Catalogue
from integstat.catalogue.schema import Scope
from integstat.errors import DataError
from integstat.findings.baseline import Baseline
from integstat.panel import Panel
from integstat.steps import write_text
from integstat.tomlfile import Strict

WARNING = (
    "Das ist keine Rangliste. Rangplätze gehören zum Unsichersten, wonach sich Zahlen von Städten fragen lassen (Goldstein & "
    "Spiegelhalter 1996), am meisten in der Mitte und bei Veränderungen; wie weit sie hier schwanken, zeigen die Spannen. "
    "Auch ein sicherer Rang sagt nicht, wer besser arbeitet: Städte haben verschiedene Voraussetzungen, und die Hälfte jedes "
    "Rings liegt unter seiner Mitte, auch wenn alle gut sind. Ein Befund folgt daraus nicht."
)
RANK_COLUMNS = ("city", "rank_mean", "rank_lower", "rank_upper", "p_top_quarter", "p_bottom_quarter")
FILE_NAME = "comparison.json"
_QUARTER = 4
_RERUN = "bitte den Lauf mit 'integstat run' neu rechnen"


def rank_table(values: np.ndarray, cities: Sequence[str], *, interval: float = 0.90) -> pd.DataFrame:
    """Rank the cities in each draw and summarise the ranks.

    Parameters
    ----------
    values : ndarray, shape (S, C)
        Draws, turned so that plus is better; NaN columns for cities without a figure, which get and take no rank.
    cities : sequence of str
        Length C.
    interval : float
        Probability of the equal-tailed interval.

    Returns
    -------
    pandas.DataFrame
        Columns `RANK_COLUMNS`, in the order of `cities`; NaN where a city has no figure. Rank 1 is best, ties share the mean of
        their ranks. The limits are ranks that occur; between them lies at least `interval`. Among R ranked cities, a
        quarter are R / 4 rounded to a whole number; with fewer than four there is none.

    Notes
    -----
    Ranks are far less certain than what they are made of, and middle ranks least (Goldstein & Spiegelhalter 1996, Journal of the
    Royal Statistical Society A 159(3), doi:10.2307/2983325). The mean rank is drawn to the middle where figures are uncertain: it
    is no rank a city holds. An interval speaks of one city; it does not say which order of all is likely. `WARNING` belongs
    beside every table.
    """
    shown = np.isfinite(values).all(axis=0)
    ranks = rankdata(-values[:, shown], axis=1)
    count, tail = int(shown.sum()), (1 - interval) / 2
    table = pd.DataFrame({"city": list(cities)} | dict.fromkeys(RANK_COLUMNS[1:], np.nan))
    if count == 0:
        return table
    lower, upper = np.quantile(ranks, [tail, 1 - tail], axis=0, method="inverted_cdf")
    ends = (ranks, count + 1 - ranks)
    quarters = [(rank <= count / _QUARTER + 0.5).mean(axis=0) if count >= _QUARTER else np.full(count, np.nan) for rank in ends]
    table.loc[shown, list(RANK_COLUMNS[1:])] = np.column_stack([ranks.mean(axis=0), lower, upper, *quarters])
    return table


def told_apart(values: np.ndarray, probability: float = 0.95) -> float:
    """Share of the pairs of cities of which one is better than the other with at least this probability.

    Parameters
    ----------
    values : ndarray, shape (S, C)
        As `rank_table` takes them.
    probability : float
        Above 0.5.

    Returns
    -------
    float
        NaN with fewer than two cities. Each pair is looked at by itself: of those counted, some are in the wrong order.
    """
    kept = values[:, np.isfinite(values).all(axis=0)]
    count = kept.shape[1]
    if count < 2:
        return float("nan")
    sure = sum(int(((kept[:, [c]] > kept).mean(axis=0) >= probability).sum()) for c in range(count))
    return float(2 * sure / (count * (count - 1)))


class MainDefinition(Strict):
    """What a comparison of cities by an indicator has to respect.

    Attributes
    ----------
    definition : str
        Full id of the ring's main definition.
    polarity : {1, -1, 0}
    finding_allowed : bool
    scope : {'all_cities', 'same_land', 'own_series'}
        As the catalogue has it; `same_land` only where the ring has cities in several Länder.
    left_out : tuple of str
        Cities in which no finding may stand: capped by a break, without a figure.
    """

    definition: str
    polarity: Literal[-1, 0, 1]
    finding_allowed: bool
    scope: Scope
    left_out: tuple[str, ...]


class Yardstick(Strict):
    """A `Baseline` as a file holds it: partitions (a row of labels each), or weights as (city, other, weight) by place."""

    cities: tuple[str, ...]
    labels: tuple[tuple[int, ...], ...] | None = None
    weights: tuple[tuple[int, int, float], ...] | None = None


class Comparison(Strict):
    """What a run leaves beside the posteriors so that its cities can be compared later.

    Attributes
    ----------
    years : tuple of int
    cities : dict of str to str
        Name by AGS.
    main : dict of str to MainDefinition
        By indicator.
    peers : Yardstick or None
        Whom cities are compared with in standing; None: without peers.
    """

    years: tuple[int, ...]
    cities: dict[str, str]
    main: dict[str, MainDefinition]
    peers: Yardstick | None = None

    @property
    def baseline(self) -> Baseline | None:
        """Every city's peers, as the findings had them."""
        if self.peers is None:
            return None
        if self.peers.labels is not None:
            return Baseline(self.peers.cities, labels=np.array(self.peers.labels, dtype=int))
        size, entries = len(self.peers.cities), np.array(self.peers.weights).reshape(-1, 3)
        rows, columns = entries[:, :2].astype(int).T
        return Baseline(self.peers.cities, weights=sparse.coo_array((entries[:, 2], (rows, columns)), shape=(size, size)))


def comparison_of(
    main: Mapping[str, str],
    panel: Panel,
    catalogue: Catalogue,
    years: tuple[int, ...],
    grid: pd.DataFrame,
    baseline: Baseline | None,
) -> Comparison:
    """Gather what a later comparison needs.

    Parameters
    ----------
    main : mapping of str to str
        Main definition (full id) by indicator id.
    panel : Panel
    catalogue : Catalogue
    years : tuple of int
    grid : pandas.DataFrame
        Columns `city`, `definition`, `eligible`.
    baseline : Baseline, optional
        As handed to `build_findings`.
    """
    one_land = panel.cities["land"].nunique() == 1
    out = grid[~grid["eligible"].astype(bool)].groupby("definition")["city"].agg(tuple)
    entries = {}
    for indicator, definition in main.items():
        scope = catalogue.definition(definition)[1].scope
        entries[indicator] = MainDefinition(
            definition=definition,
            polarity=_sign(catalogue.polarity(definition)),
            finding_allowed=catalogue.finding_allowed(definition),
            scope="all_cities" if scope == "same_land" and one_land else scope,
            left_out=out.get(definition, ()),
        )
    names = dict(zip(panel.cities["city"], panel.cities["name"], strict=True))
    return Comparison(years=years, cities=names, main=entries, peers=_yardstick(baseline))


def _sign(polarity: int) -> Literal[-1, 0, 1]:
    return 1 if polarity > 0 else -1 if polarity < 0 else 0


def _yardstick(baseline: Baseline | None) -> Yardstick | None:
    if baseline is None:
        return None
    if baseline.labels is not None:
        return Yardstick(cities=baseline.cities, labels=tuple(map(tuple, baseline.labels.tolist())))
    near = baseline.weights.tocoo()
    entries = zip(near.row.tolist(), near.col.tolist(), near.data.tolist(), strict=True)
    return Yardstick(cities=baseline.cities, weights=tuple(entries))


def write_comparison(path: Path, comparison: Comparison) -> None:
    """Write the file, whole or not at all."""
    write_text(path, comparison.model_dump_json() + "\n")


def read_comparison(path: Path) -> Comparison:
    """Read what a run left.

    Raises
    ------
    DataError
        If there is no such file, or it is damaged.
    """
    try:
        return Comparison.model_validate_json(path.read_bytes())
    except OSError as error:
        what = "diese Datei fehlt, der Lauf ist nicht bis zu den Befunden gekommen oder stammt von einem älteren Programmstand"
        raise DataError(what, place=str(path), mend=_RERUN) from error
    except ValidationError as error:
        raise DataError("diese Datei ist beschädigt oder von Hand geändert", place=str(path), mend=_RERUN) from error
