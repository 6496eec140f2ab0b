"""The usual practice: plain rates, their intervals and tests, city by city. Shown beside the findings, never one of them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, test_proportions_2indep
from statsmodels.stats.rates import confint_poisson, test_poisson_2indep

from integstat.catalogue import Catalogue
from integstat.findings.magnitude import unit_of
from integstat.panel import Panel

USUAL_CODEBOOK: dict[str, str] = {
    "city": "Amtlicher Gemeindeschlüssel (Text)",
    "indicator": "Indikator",
    "definition": "Definition, als indicator.definition",
    "rate_first": "gelieferte Quote der Zielgruppe im ersten Jahr, in Punkten; leer, wo keine Zahl steht",
    "rate_first_lower": "untere Grenze des Wilson-Intervalls dazu (bei Raten: Score-Intervall nach Poisson)",
    "rate_first_upper": "obere Grenze dazu",
    "rate_last": "gelieferte Quote der Zielgruppe im letzten Jahr, in Punkten",
    "rate_last_lower": "untere Grenze dazu",
    "rate_last_upper": "obere Grenze dazu",
    "rate_change": "Differenz der Quoten, in Punkten; plus ist besser, ohne Polung: plus ist mehr",
    "p_value": "p-Wert des zweiseitigen Tests auf gleiche Quoten in beiden Jahren; leer, wo nicht getestet werden kann",
    "p_value_bh": "derselbe nach Benjamini und Hochberg, über alle Zellen, die einen Befund tragen können",
    "called_changed": "True: nach diesem Test verändert",
    "called_changed_bh": "True: auch nach der Korrektur verändert",
    "direction": "improved oder worsened nach dem Vorzeichen der Differenz; leer ohne Test, ohne Differenz oder ohne Polung",
}
COMPARE_CODEBOOK: dict[str, str] = {
    "indicator": "Indikator; leer: der ganze Lauf",
    "adjusted": "True: p-Werte nach Benjamini und Hochberg",
    "called": "was die übliche Praxis sagt: changed, not_changed oder no_test",
    "cells": "Zellen, die einen Befund tragen können",
    "improved": "davon hier: verbessert",
    "worsened": "davon hier: verschlechtert",
    "unchanged": "davon hier: unverändert",
    "open": "davon hier: offen",
    "with_ring": "darunter, gleich in welcher der vier Spalten: nur mit dem Ring verändert",
    "opposite": "darunter: hier verbessert oder verschlechtert, die Quoten gehen andersherum",
}
_CALLED = ("changed", "not_changed", "no_test")
_WORDS = ("improved", "worsened", "unchanged", "open")
_ENDS = ("first", "last")


def usual_practice(
    panel: Panel,
    catalogue: Catalogue,
    definitions: Iterable[str],
    years: tuple[int, ...],
    alpha: float = 0.10,
    *,
    grid: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Read plain rates as a city would that has no model: an interval for each year and a test between the two.

    Parameters
    ----------
    panel : Panel
    catalogue : Catalogue
    definitions : iterable of str
        Full ids; one per indicator for a grid.
    years : tuple of int
        The first and the last are compared. With a single one there is no first year and no test.
    alpha : float
        Level of the test and of the adjusted test; intervals cover 1 − alpha.
    grid : pandas.DataFrame, optional
        Columns `city`, `definition`, `eligible`: p values are adjusted over its eligible cells, the others get none. None: over
        all cells that can be tested.

    Returns
    -------
    pandas.DataFrame
        A row per definition and city of the panel, columns `USUAL_CODEBOOK`. Points are per cent or cases per 1,000.

    Notes
    -----
    Shares: Wilson interval (Wilson 1927, doi:10.1080/01621459.1927.10502953) and the test of two proportions with the pooled
    variance, without correction of continuity. Rates: their counterparts for Poisson counts. Where nobody, or everybody, is
    counted in both years, p is 1. Adjusted: Benjamini & Hochberg (1995, doi:10.1111/j.2517-6161.1995.tb02031.x).

    Rounded counts are taken as delivered. A count that is known as `< 3` only has no rate. Of a mean of months the average month
    is counted once, as if its persons were one year's cases. Surveys count with answers over design effect. The two years are
    taken as independent, although a stock counts most persons in both: there the test is too cautious.

    A significant difference may be the ring's common shift or something special about one of the years, and too small to matter;
    a difference that is not significant is not 'unchanged'. Unadjusted, alpha of all cells without a change are called changed.
    """
    cells = pd.concat([_counts(panel, catalogue, one, years) for one in definitions], ignore_index=True)
    y, n = (cells[[f"{name}_{end}" for end in _ENDS]].to_numpy(float) for name in "yn")
    poisson, unit = cells["poisson"].to_numpy(bool), cells["unit"].to_numpy(float)
    out = cells[["city", "indicator", "definition"]].copy()
    for t, end in enumerate(_ENDS):
        lower, upper = _interval(y[:, t], n[:, t], poisson, alpha)
        out[f"rate_{end}"] = unit * y[:, t] / n[:, t]
        out[f"rate_{end}_lower"], out[f"rate_{end}_upper"] = unit * lower, unit * upper
    polarity = cells["polarity"].to_numpy(int)
    out["rate_change"] = np.where(polarity < 0, -1.0, 1.0) * (out["rate_last"] - out["rate_first"])
    out["p_value"] = _p_values(y, n, poisson)
    out["p_value_bh"] = _adjusted(out["p_value"].to_numpy(), _counted(out, grid))
    out["called_changed"] = out["p_value"] <= alpha
    out["called_changed_bh"] = out["p_value_bh"] <= alpha
    told = out["p_value"].notna() & (polarity != 0)
    out["direction"] = np.select([told & (out["rate_change"] > 0), told & (out["rate_change"] < 0)], _WORDS[:2], "")
    return out[list(USUAL_CODEBOOK)]


def _counts(panel: Panel, catalogue: Catalogue, definition: str, years: tuple[int, ...]) -> pd.DataFrame:
    """Counts and bases of the target group in the first and last year; NaN where there is no rate to speak of."""
    indicator, entry = catalogue.definition(definition)
    kind = catalogue.kind(definition)
    ends = (years[0], years[-1]) if len(years) > 1 else years
    cities, y, n = (np.asarray(part) for part in panel.arrays(definition, ("target",), ends))
    y, n = y[:, 0], n[:, 0]
    if len(ends) == 1:
        y, n = np.pad(y, ((0, 0), (1, 0))), np.pad(n, ((0, 0), (1, 0)))
    unusable = (n <= 0) | (kind == "measure") | ((kind != "rate") & (y > n))
    effect = entry.design_effect if kind == "survey" else 1.0
    y, n = np.where(unusable, np.nan, y / effect), np.where(unusable, np.nan, n / effect)
    columns = {f"{name}_{end}": values[:, t] for name, values in (("y", y), ("n", n)) for t, end in enumerate(_ENDS)}
    return pd.DataFrame(
        {"city": cities, "indicator": indicator.id, "definition": definition}
        | columns
        | {"poisson": kind == "rate", "unit": unit_of(indicator), "polarity": catalogue.polarity(definition)}
    )


def _interval(y: np.ndarray, n: np.ndarray, poisson: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Limits of the score intervals, two arrays of shape (N,), as shares or rates; NaN where there is no count."""
    limits = np.full((2, len(y)), np.nan)
    share, rate = np.isfinite(y) & ~poisson, np.isfinite(y) & poisson
    limits[:, share] = proportion_confint(y[share], n[share], alpha, method="wilson")
    limits[:, rate] = confint_poisson(y[rate], n[rate], method="score", alpha=alpha)
    return limits[0], limits[1]


def _p_values(y: np.ndarray, n: np.ndarray, poisson: np.ndarray) -> np.ndarray:
    """Two-sided p values of the score tests of equal rates, counts of shape (N, 2); NaN where a year lacks its count."""
    p = np.full(len(y), np.nan)
    known = np.isfinite(y).all(axis=1)
    total, base = y.sum(axis=1), n.sum(axis=1)
    same = known & ((total == 0) | (~poisson & (total == base)))  # no variance under the null
    share, rate = known & ~same & ~poisson, known & ~same & poisson
    with np.errstate(divide="ignore", invalid="ignore"):  # of ratios that are computed beside the difference
        p[share] = test_proportions_2indep(
            y[share, 1], n[share, 1], y[share, 0], n[share, 0], method="score", correction=False, return_results=False
        )[1]
        p[rate] = test_poisson_2indep(y[rate, 1], n[rate, 1], y[rate, 0], n[rate, 0], method="score").pvalue
    p[same] = 1.0
    return p


def _counted(cells: pd.DataFrame, grid: pd.DataFrame | None) -> np.ndarray:
    """Cells over which p values are adjusted."""
    if grid is None:
        return np.ones(len(cells), dtype=bool)
    key = ["city", "definition"]
    eligible = pd.MultiIndex.from_frame(grid.loc[grid["eligible"].astype(bool), key])
    return np.asarray(pd.MultiIndex.from_frame(cells[key]).isin(eligible))


def _adjusted(p: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Adjust the p values of the counted cells by Benjamini and Hochberg; NaN for the others."""
    out = np.full(len(p), np.nan)
    tested = np.isfinite(p) & counted
    if tested.any():
        out[tested] = multipletests(p[tested], method="fdr_bh")[1]
    return out


def compare(usual: pd.DataFrame, grid: pd.DataFrame) -> pd.DataFrame:
    """Count what usual practice calls changed against what stands here, over the cells that may carry a finding.

    Parameters
    ----------
    usual : pandas.DataFrame
        As `usual_practice` returns it, of the grid's definitions.
    grid : pandas.DataFrame
        Columns `city`, `indicator`, `definition`, `finding_change`, `eligible`, `flags` (joined by ;).

    Returns
    -------
    pandas.DataFrame
        Columns `COMPARE_CODEBOOK`; for the run and for each indicator with an eligible cell, with and without adjustment, a row
        each for `changed`, `not_changed` and `no_test`. `improved` + `worsened` + `unchanged` + `open` = `cells`; `with_ring` and
        `opposite` are counted among them.

    Notes
    -----
    Usual practice asks whether the city's own rate moved, a finding whether it moved beyond the others: they differ by the
    question as well as by the uncertainty. Neither column is the truth.
    """
    key = ["city", "indicator", "definition"]
    cells = grid.loc[grid["eligible"].astype(bool), [*key, "finding_change", "flags"]].merge(
        usual[[*key, "p_value", "called_changed", "called_changed_bh", "direction"]], on=key, how="left", validate="one_to_one"
    )
    word = cells["finding_change"]
    counts = pd.DataFrame({name: word == name for name in _WORDS})
    counts.insert(0, "cells", True)
    counts["with_ring"] = cells["flags"].str.split(";").map(lambda flags: "with_ring" in flags).astype(bool)
    reverse = cells["direction"].map({"improved": "worsened", "worsened": "improved"})
    counts["opposite"] = word.isin(_WORDS[:2]) & (word == reverse)
    blocks = []
    for adjusted, column in ((False, "called_changed"), (True, "called_changed_bh")):
        called = np.select([cells["p_value"].isna(), cells[column].eq(True)], ["no_test", "changed"], "not_changed")
        block = counts.assign(indicator=cells["indicator"], adjusted=adjusted, called=pd.Categorical(called, _CALLED))
        blocks += [block.assign(indicator=""), block]
    everything = pd.concat(blocks, ignore_index=True)
    order = ["", *dict.fromkeys(cells["indicator"])]
    everything["indicator"] = pd.Categorical(everything["indicator"], order)
    by = ["indicator", "adjusted", "called"]
    table = everything.groupby(by, observed=False)[list(counts)].sum().astype(int).reset_index()
    return table.astype({"indicator": str, "called": str})[list(COMPARE_CODEBOOK)]
