"""Figures of a validation as SVG files: ranks against their bands, reliability, coverage by scenario."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from integstat.steps import writing
from integstat.validate.tables import FAMILY, Results, is_city
from integstat.validate.trial import PROBABILITIES, RANKED, SCENARIOS
from integstat.validate.uniform import bounds, pointwise

EVENT_NAMES = {"p_success": "P(Erfolg)", "p_deficit": "P(Defizit)", "p_lasting": "P(bleibt)"}
_STYLE: Any = {"font.size": 9, "svg.hashsalt": "integstat", "axes.spines.top": False, "axes.spines.right": False}
_LINE, _OUT, _BAND = "#4a5d6e", "#b3261e", "#d9dee3"


def write_figures(results: Results, out: Path) -> list[str]:
    """Draw all figures into a folder and return their names."""
    drawn = {"ranks.svg": _ranks, "reliability.svg": _reliability}
    if len(results.settings.scenarios) > 1:
        drawn["scenarios.svg"] = _scenarios
    for name, draw in drawn.items():
        with rc_context(_STYLE), writing(out / name) as part:
            figure = draw(results)
            figure.savefig(part, format="svg", metadata={"Date": None}, bbox_inches="tight")
    return list(drawn)


def _ranks(results: Results) -> Figure:
    figure = Figure(figsize=(8, 3))
    left, right = figure.subplots(1, 2, sharey=True)
    p = results.uniformity.groupby(["indicator", "quantity"], sort=False)["p_family"].first()
    for axes, city, title in ((left, False, "Parameter des Rings"), (right, True, "Größen der Städte")):
        mine = {name: ranks for name, ranks in results.ranks.items() if is_city(name.split(" ")[1]) == city}
        _ecdf(axes, mine, {name: float(p.loc[tuple(name.split(" ", 1))]) < FAMILY for name in mine}, len(results.ranks))
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("Rang der Wahrheit unter den Ziehungen")
    left.set_ylabel("Verteilungsfunktion minus Gleichverteilung")
    return figure


def _ecdf(axes: Axes, ranks: Mapping[str, np.ndarray], out: Mapping[str, bool], family: int) -> None:
    """Draw distribution functions minus the uniform one, on the band of the fewest rings."""
    z = np.arange(1, RANKED + 1) / (RANKED + 1)
    size = min(len(values) for values in ranks.values())
    low, high = bounds(size, RANKED, pointwise(size, RANKED, FAMILY / family))
    axes.fill_between(z, low / size - z, high / size - z, step="mid", color=_BAND, linewidth=0)
    for name, values in ranks.items():
        share = np.cumsum(np.bincount(values, minlength=RANKED + 1))[:RANKED] / len(values)
        axes.plot(z, share - z, color=_OUT if out[name] else _LINE, linewidth=0.7)
        if out[name]:
            worst = int(np.argmax(np.abs(share - z)))
            axes.annotate(name, (z[worst], (share - z)[worst]), fontsize=7, color=_OUT)


def _reliability(results: Results) -> Figure:
    figure = Figure(figsize=(8, 2.8))
    first = results.calibration[results.calibration["scenario"] == results.settings.scenarios[0]]
    for axes, event in zip(figure.subplots(1, len(PROBABILITIES), sharey=True), PROBABILITIES, strict=True):
        mine = first[first["event"] == event]
        axes.plot([0, 1], [0, 1], color=_BAND)
        axes.errorbar(mine["told"], mine["share"], yerr=2 * mine["se"], fmt="o", markersize=3.5, color=_LINE, linewidth=1)
        axes.set_title(EVENT_NAMES[event], fontsize=9)
        axes.set_xlabel("angegeben")
        axes.set_aspect("equal")
    figure.axes[0].set_ylabel("eingetroffen")
    return figure


def _scenarios(results: Results) -> Figure:
    names = list(results.settings.scenarios)
    figure = Figure(figsize=(8, 0.3 * len(names) + 1))
    left, right = figure.subplots(1, 2, sharey=True)
    at = results.coverage[results.coverage["level"] == 0.90]
    for marker, quantity, label in (
        ("o", "relative", "relative Veränderung"),
        ("s", "standing", "Stand"),
        ("^", "lasting", "bleibt"),
    ):
        mine = at[at["quantity"] == quantity].set_index("scenario").reindex(names)
        left.errorbar(mine["share"], range(len(names)), xerr=2 * mine["se"], fmt=marker, markersize=4, label=label, linewidth=0.8)
    for marker, kind, label in (("o", "success", "Erfolg"), ("s", "deficit", "Defizit")):
        mine = results.discoveries[results.discoveries["kind"] == kind].set_index("scenario").reindex(names)
        right.errorbar(mine["fdr"], range(len(names)), xerr=2 * mine["se"], fmt=marker, markersize=4, label=label, linewidth=0.8)
    left.axvline(0.90, color=_BAND, zorder=0)
    right.axvline(0.10, color=_BAND, zorder=0)
    left.set_yticks(range(len(names)), [SCENARIOS[name].name_de for name in names])
    left.invert_yaxis()
    for axes, title in ((left, "Abdeckung der 90-%-Intervalle"), (right, "Anteil falscher unter den erklärten")):
        axes.set_title(title, fontsize=9)
        axes.legend(fontsize=7, frameon=False)
    return figure
