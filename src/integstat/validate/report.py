"""The report of a validation: one page of Markdown, tables as CSV with the meaning of their columns, figures."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined

from integstat.steps import write_text
from integstat.steps.tablefile import write_table
from integstat.validate.figures import EVENT_NAMES, write_figures
from integstat.validate.tables import FAMILY, Results, is_city
from integstat.validate.trial import LEVELS, SCENARIOS

PAGE = "validation.md"
TABLES = ("targets", "uniformity", "coverage", "discoveries", "calibration", "scores", "checks")
CODEBOOK: dict[str, str] = {
    "scenario": "was anders ist als im Modell; 'model': nichts",
    "target": "was zu erreichen ist",
    "value": "was erreicht wurde",
    "least": "mindestens",
    "most": "höchstens",
    "holds": "ob es erreicht wurde",
    "indicator": "Indikator",
    "quantity": "Parameter des Rings oder Größe einer Stadt, mit der Gruppe; city und ring: alle zusammen",
    "rings": "Zahl der Ringe",
    "mean": "mittlerer Rang der Wahrheit, 0 bis 1; 0,5 wäre recht",
    "spread": "Streuung der Ränge, geteilt durch die der Gleichverteilung; über 1: die Verteilung ist zu eng",
    "p": "Wahrscheinlichkeit, dass gleichverteilte Ränge irgendwo so weit abweichen",
    "p_family": "dieselbe, mal der Zahl der Größen (Bonferroni)",
    "counts": "Ränge in 20 gleich breiten Klassen",
    "level": "Wahrscheinlichkeit der Intervalle",
    "cells": "Zahl der Zellen",
    "share": "Anteil: abgedeckt, eingetroffen oder gemeldet",
    "se": "Standardfehler dazu; Zellen eines Rings hängen zusammen",
    "beyond_model": "Unterschied zum ersten Szenario auf denselben Ringen, Mittel über Ringe",
    "beyond_model_se": "Standardfehler dazu",
    "kind": "Art des Befunds",
    "fdr": "Mittel über Ringe von falsch ÷ erklärt, 0 wo nichts erklärt ist",
    "declared": "erklärte Zellen",
    "wrong": "davon falsch",
    "true": "Zellen, in denen es so ist",
    "expected": "wie viele als falsch angekündigt sind",
    "pooled": "falsch ÷ erklärt über alle Ringe",
    "false_sign": "Anteil der erklärten, bei denen das Gegenteil stimmt (falsches Vorzeichen); 0, wo es keines gibt",
    "power": "Anteil der wahren, die erklärt werden",
    "event": "Ereignis",
    "from": "untere Grenze der Klasse der angegebenen Wahrscheinlichkeit",
    "told": "mittlere angegebene Wahrscheinlichkeit",
    "brier": "mittlerer quadratischer Fehler (Brier)",
    "brier_if_right": "wie groß er wäre, wenn die Wahrscheinlichkeiten stimmen",
    "brier_of_share": "wie groß er wäre, wenn immer der Anteil gesagt würde",
    "log": "mittlerer logarithmischer Fehler",
    "log_if_right": "wie groß er wäre, wenn die Wahrscheinlichkeiten stimmen",
    "check": "Prüfung: base_jump Grundgesamtheit springt, land_shift erstes Land bewegt sich, pareto_k Näherung verworfen",
    "tells": "ob sie deutlich öfter anschlägt als im ersten Szenario (um mehr als 0,1 und mehr als zwei Standardfehler)",
}
_TARGETS = {
    "p_family": "Ränge gleichverteilt: kleinstes p über alle Größen, mal deren Zahl",
    "coverage_city": "90-%-Intervalle der Städte, alle Größen zusammen",
    "coverage_ring": "90-%-Intervalle der Ringparameter, alle zusammen",
    "coverage_ring_least": "… der Parameter mit der kleinsten Abdeckung",
    "coverage_ring_most": "… der Parameter mit der größten Abdeckung",
    "fdr_most": "größte Falschentdeckungsrate einer Art von Befund",
    "refused": "Näherung verworfen oder dem Stichprobenverfahren überlassen, Anteil der Rechnungen",
}
_CHECKS = {"base_jump": "Sprung der Grundgesamtheit", "land_shift": "erstes Land bewegt sich", "pareto_k": "Näherung verworfen"}
_SHOWN = ("level", "change", "relative", "standing", "gap", "lasting")
_NAMES = dict(zip(_SHOWN, ("Niveau", "Veränderung", "relative", "Stand", "Abstand", "bleibt"), strict=True))


def write_report(results: Results, out: Path) -> Path:
    """Write page, tables, codebook and figures into a folder.

    Returns
    -------
    Path
        The page.
    """
    for name in TABLES:
        frame = getattr(results, name)
        write_table(out / f"{name}.csv", frame.round(5))
    lines = ["# Spalten", "", "| Spalte | Bedeutung |", "|---|---|"]
    write_text(out / "codebook.md", "\n".join([*lines, *(f"| `{name}` | {text} |" for name, text in CODEBOOK.items())]) + "\n")
    figures = write_figures(results, out)
    write_text(out / PAGE, page(results, figures))
    return out / PAGE


def page(results: Results, figures: list[str]) -> str:
    """Return the page as Markdown."""
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)
    environment.filters |= {"number": _number, "percent": _percent}
    text = resources.files("integstat.validate").joinpath("report.md.j2").read_text(encoding="utf-8")
    first = results.settings.scenarios[0]
    return environment.from_string(text).render(
        settings=results.settings,
        first=SCENARIOS[first],
        figures=figures,
        family=FAMILY,
        targets=results.targets.assign(name=results.targets["target"].map(_TARGETS)).to_dict("records"),
        quantities=len(results.ranks),
        worst=results.uniformity[results.uniformity["scenario"] == first].nsmallest(5, "p").to_dict("records"),
        levels=LEVELS,
        coverage=_wide(results.coverage[results.coverage["scenario"] == first]),
        kinds=results.discoveries[results.discoveries["scenario"] == first].to_dict("records"),
        scores=[row | {"name": EVENT_NAMES[row["event"]]} for row in _records(results.scores, first)],
        others=[_other(results, name) for name in results.settings.scenarios[1:]],
        shown=[_NAMES[name] for name in _SHOWN],
        plain=_other(results, first),
        checks=[(row["check"], _CHECKS[row["check"]], row["share"]) for row in _records(results.checks, first)],
    )


def _records(frame: pd.DataFrame, scenario: str) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame[frame["scenario"] == scenario].to_dict("records")]


def _wide(coverage: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per quantity, its levels beside each other."""
    out = []
    for quantity, part in coverage.groupby("quantity", sort=False):
        shares = part.set_index("level")["share"]
        name = {"city": "**Städte zusammen**", "ring": "**Ring zusammen**"}.get(str(quantity), f"`{quantity}`")
        order = (is_city(str(quantity)) or quantity == "city", quantity not in ("city", "ring"))
        row = {"name": name, "order": order, "shares": [shares[level] for level in LEVELS], "cells": int(part["cells"].iloc[0])}
        out.append(row | {"se": part.set_index("level")["se"][0.90]})
    return sorted(out, key=lambda row: row["order"])


def _other(results: Results, scenario: str) -> dict[str, Any]:
    """What one scenario comes to: coverage at 90 % by estimand, false discoveries, and which checks tell."""
    at = results.coverage[(results.coverage["scenario"] == scenario) & (results.coverage["level"] == 0.90)].set_index("quantity")
    kinds = results.discoveries[results.discoveries["scenario"] == scenario].set_index("kind")
    told = results.checks[(results.checks["scenario"] == scenario) & results.checks["tells"]]
    worst = str(kinds.index[int(kinds["fdr"].to_numpy().argmax())])
    return {
        "scenario": SCENARIOS[scenario],
        "rings": int(kinds["rings"].max()),
        "shares": [at["share"].get(name, np.nan) for name in _SHOWN],
        "apart": [at["beyond_model"].get(name, np.nan) for name in _SHOWN],
        "kinds": {name: kinds.loc[name].to_dict() for name in ("success", "deficit")},
        "worst": {"kind": worst} | kinds.loc[worst].to_dict(),
        "told": ", ".join(
            f"{_CHECKS[name]} ({_percent(share)} der Ringe)" for name, share in zip(told["check"], told["share"], strict=True)
        )
        or "keine",
    }


def _number(value: float, digits: int = 3) -> str:
    return "–" if not np.isfinite(value) else f"{value:.{digits}f}".replace(".", ",").replace("-", "−")


def _percent(value: float, digits: int = 1) -> str:
    return "–" if not np.isfinite(value) else f"{100 * value:.{digits}f} %".replace(".", ",")
