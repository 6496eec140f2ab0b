"""A history as a table: for programs with all figures, for the terminal with those to read."""

from __future__ import annotations

import pandas as pd

from integstat.history.file import HistoryFile, HistoryRow

_WITH_LIMITS = {
    "share": "Anteil der Streuung einer Einjahresveränderung, der bleibt: tau² / (2 sigma² + tau²)",
    "sigma": "Standardabweichung dessen, was nach einem Jahr vergangen ist (Link-Skala)",
    "tau": "Standardabweichung des Schrittes eines Jahres, der bleibt (Link-Skala)",
    "omega": "Standardabweichung der Trends der Städte je Jahr (Link-Skala)",
    "sd_change": "Standardabweichung der Einjahresveränderung zwischen den Städten, Trends eingeschlossen (Link-Skala)",
    "shift_sd": "quadratisches Mittel der gemeinsamen Verschiebungen aller Städte zwischen Nachbarjahren (Link-Skala)",
    "overlap": "Anteil des Zählfehlers, den Nachbarjahre gemeinsam haben; leer, wo kein Bestand gezählt wird",
}
_PLAIN = {
    "definition": "Definition, als Indikator.Definition",
    "group": "target: Zielgruppe; reference: Vergleichsgruppe von Personen",
    "first_year": "erstes Jahr mit Zahlen",
    "last_year": "letztes Jahr mit Zahlen",
    "years": "Zahl der Jahre mit Zahlen, Bruchjahre des Katalogs ausgenommen",
    "cities": "Städte mit genügend Fällen",
    "informs": "True: die Vorgeschichte sagt, was bleibt; sonst gilt die Voreinstellung",
    "reason": "warum sie es nicht sagt",
    "pairs": "Nachbarjahre, aus denen shift_sd stammt",
    "share_moments": "derselbe Anteil aus den Streuungen der Differenzen, nur zur Kontrolle",
}


def _order() -> list[str]:
    return list(HistoryRow.model_fields)


def _codebook() -> dict[str, str]:
    found = dict(_PLAIN)
    for name, meaning in _WITH_LIMITS.items():
        found[name] = meaning
        found[f"{name}_lower"] = f"untere Grenze des 90-%-Intervalls von {name}"
        found[f"{name}_upper"] = f"obere Grenze des 90-%-Intervalls von {name}"
    return {name: found[name] for name in _order()}


CODEBOOK = _codebook()


def history_table(content: HistoryFile) -> pd.DataFrame:
    """Return all estimates, one row per definition and group; columns `CODEBOOK`."""
    return pd.DataFrame([row.model_dump() for row in content.estimate], columns=_order())


def readable_rows(content: HistoryFile) -> list[tuple[str, ...]]:
    """Return the rows for the terminal, German: see `READABLE`."""
    return [_readable(row) for row in content.estimate]


READABLE = ("Definition", "Gruppe", "Jahre", "Städte", "bleibt", "Streuung 1 Jahr", "σ", "τ", "ω", "gemeinsam", "Überlappung", "")
_GROUP = {"target": "Zielgruppe", "reference": "Vergleich"}


def _readable(row: HistoryRow) -> tuple[str, ...]:
    years = f"{row.first_year}–{row.last_year}" if row.first_year is not None else "–"
    said = "sagt, was bleibt" if row.informs else f"sagt nicht, was bleibt: {row.reason}"
    return (
        row.definition,
        _GROUP[row.group],
        f"{years} ({row.years})",
        str(row.cities),
        _interval(row.share, row.share_lower, row.share_upper),
        _interval(row.sd_change, row.sd_change_lower, row.sd_change_upper),
        _number(row.sigma),
        _number(row.tau),
        _number(row.omega),
        _number(row.shift_sd),
        _interval(row.overlap, row.overlap_lower, row.overlap_upper),
        said,
    )


def _interval(value: float | None, lower: float | None, upper: float | None) -> str:
    return "–" if value is None else f"{_number(value)} ({_number(lower)} bis {_number(upper)})"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace(".", ",")
