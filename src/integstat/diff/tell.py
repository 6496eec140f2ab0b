"""The difference of two runs in German sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from integstat.diff.build import Difference
from integstat.texts import Texts

_RUN_REASONS = {
    "catalogue": "der Katalog der Indikatoren",
    "rules": "die Regeln (Definitionen, Schwellen, Vorannahmen, Vergleichsgruppen oder andere Rechenwege)",
    "seed": "der Startwert der Zufallszahlen",
    "code": "der Programmstand",
    "versions": "die Versionen der Rechenpakete",
    "config": "sonst etwas in der Konfiguration",
}
REASON_WORDS = {
    "own_figures": "eigene Zahlen",
    "other_definition": "Zahlen einer anderen Definition",
    "peer_figures": "Zahlen einer Stadt der Vergleichsgruppe",
    "ring_figures": "Zahlen einer anderen Stadt des Rings",
    "main_definition": "andere Hauptdefinition",
    "peer_group": "andere Vergleichsgruppe",
    "peer_members": "andere Städte in der Vergleichsgruppe",
    "disclosure": "Geheimhaltung von Zahlen des Indikators",
    "flags": "andere Vermerke",
    "threshold": "die Schwelle des Rings",
}
KIND_WORDS = {
    "new": "neu",
    "lost": "entfallen",
    "turned": "umgeschlagen",
    "added": "Zelle neu",
    "dropped": "Zelle weg",
}
_FILES = {"changed": "geändert", "added": "hinzugekommen", "dropped": "weggefallen"}
_COUNTS = _FILES | {"rounded": "anders gerundet"}
_PROTECTION = {"told": "jetzt offen oder genauer", "hidden": "jetzt zurückgehalten oder gröber"}
_MOST = 5


def sentences(found: Difference, texts: Texts) -> list[str]:
    """Tell in a few sentences what differs: data, files, findings, and what differs for all of them."""
    told = [_of_counts(found, texts), *_of_protection(found, texts), *_of_files(found), _of_findings(found, texts)]
    if found.run_reasons:
        told.append(f"Für alle Befunde anders ist außerdem: {', '.join(_RUN_REASONS[one] for one in found.run_reasons)}.")
    else:
        told.append("Katalog, Regeln, Startwert, Programmstand und Versionen sind dieselben.")
    if len(found.findings) and found.findings["kind"].isin(("new", "lost", "turned")).any():
        told.append("Was daneben steht, hat sich mit dem Befund geändert; woran er hängt, sagt das noch nicht.")
    return told


def _of_counts(found: Difference, texts: Texts) -> str:
    counts = found.counts[found.counts["kind"].isin(list(_COUNTS))]
    if not len(counts):
        return "Daten: keine Zahl ist anders."
    noun = "Zahl ist" if len(counts) == 1 else "Zahlen sind"
    return f"Daten: {texts.number(len(counts), 0)} {noun} anders ({_numbers(counts, _COUNTS, texts)}), {_where(counts)}."


def _of_protection(found: Difference, texts: Texts) -> list[str]:
    counts = found.counts[found.counts["kind"].isin(list(_PROTECTION))]
    if not len(counts):
        return []
    noun = "bei einer Zahl" if len(counts) == 1 else f"bei {texts.number(len(counts), 0)} Zahlen"
    told = f"Geheimhaltung: {noun} anders ({_numbers(counts, _PROTECTION, texts)}), {_where(counts)}"
    return [f"{told}; ob sich die Zahl dahinter geändert hat, ist nicht zu sehen."]


def _numbers(counts: pd.DataFrame, words: Mapping[str, str], texts: Texts) -> str:
    number = {kind: int((counts["kind"] == kind).sum()) for kind in words}
    return ", ".join(f"{texts.number(n, 0)} {words[kind]}" for kind, n in number.items() if n)


def _where(counts: pd.DataFrame) -> str:
    cities = list(dict.fromkeys(counts["city_name"]))
    return f"in einer Stadt ({cities[0]})" if len(cities) == 1 else f"in {len(cities)} Städten ({_some(cities)})"


def _of_files(found: Difference) -> list[str]:
    return [
        f"Dateien {word}: {_some(names)}."
        for kind, word in _FILES.items()
        if (names := [name for name, one in found.files.items() if one == kind])
    ]


def _of_findings(found: Difference, texts: Texts) -> str:
    kinds = found.findings["kind"].value_counts().to_dict()
    parts = [f"{kinds.get(kind, 0)} {KIND_WORDS[kind]}" for kind in ("new", "lost", "turned")]
    more = [
        f"{kinds[kind]} {word}"
        for kind, word in (("added", "Zellen nur jetzt"), ("dropped", "Zellen nur vorher"))
        if kind in kinds
    ]
    shifted = f", bei {kinds['shifted']} davon mit anderer Wahrscheinlichkeit" if "shifted" in kinds else ""
    same = f"{texts.number(found.kept, 0)} von {texts.number(found.cells, 0)} Zellen bleiben dabei{shifted}"
    return f"Befunde: {', '.join([*parts, *more])}; {same}."


def reasons_text(row: Mapping[str, Any]) -> str:
    """What changed along with one finding, in words."""
    words = [REASON_WORDS[one] for one in str(row["reasons"]).split(";") if one]
    if words:
        return ", ".join(words)
    return "nur der Lauf selbst" if row["run_reasons"] else "nichts, was die beiden Läufe verraten"


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - _MOST
    return ", ".join(listed[:_MOST]) + (f" und {more} weitere" if more > 0 else "")
