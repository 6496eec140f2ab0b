"""All universes as one table: a row per universe, city and indicator, small enough to mail."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from integstat.sensitivity.universes import FINDINGS, KINDS, NOT_THERE, Universes

FILE_NAME = "universes.parquet"
_PROBABILITIES = ("p_success", "p_deficit", "p_stable", "p_lasting", "p_gap_narrowed", "p_gap_widened")
UNIVERSES_CODEBOOK: dict[str, str] = {
    "universe": "Nummer des Rechenwegs; 0 ist der des Rings",
    "indicator": "Indikator",
    "definition": "Definition, als indicator.definition",
    "city": "Amtlicher Gemeindeschlüssel (Text)",
    "<Achse>": "je Achse eine Spalte: die gewählte Alternative; main ist die des Rings",
    "kind": "wie der Rechenweg zu dem des Rings steht: equivalent, uncertain oder not_equivalent",
    "same_question": "True: dieselbe Frage und Entscheidung wie die des Rings, nur Modell oder Definition sind anders",
    "weight": "festgelegtes Gewicht der Wahl auf den Modell- und Messachsen, nicht normiert",
    **dict.fromkeys(_PROBABILITIES, "Wahrscheinlichkeit wie in findings.csv, auf diesem Rechenweg; leer: nicht bestimmbar"),
    "finding": "Befund an der Schwelle des Laufs: success, deficit, stable oder open; leer, wo es die Zelle nicht gibt",
    "reason": "warum ein Rechenweg nicht zu rechnen war; sonst leer",
}


def universes_table(universes: Mapping[str, Universes]) -> pd.DataFrame:
    """Lay out every universe of every indicator, cities within universes; a failed universe has its rows too.

    Returns
    -------
    pandas.DataFrame
        Columns as in `UNIVERSES_CODEBOOK`; text as categories, probabilities in single precision.
    """
    parts = [_table(one) for one in universes.values()]
    if not parts:
        return pd.DataFrame(columns=[name for name in UNIVERSES_CODEBOOK if not name.startswith("<")])
    shared = [axis.id for axis in next(iter(universes.values())).axes if axis.sort != "measurement"]
    out = pd.concat(parts, ignore_index=True)
    for name in ("indicator", "definition", "city", *shared, "kind", "finding", "reason"):
        out[name] = out[name].astype("category")
    return out


def _table(one: Universes) -> pd.DataFrame:
    count = len(one.cities)
    named = np.array([*FINDINGS, ""], dtype=object)
    columns: dict[str, np.ndarray] = {
        "universe": np.repeat(one.number.astype(np.int32), count),
        "indicator": np.full(len(one.number) * count, one.indicator, dtype=object),
        "definition": np.repeat(np.array(one.definition, dtype=object), count),
        "city": np.tile(np.array(one.cities, dtype=object), len(one.number)),
    }
    for place, axis in enumerate(one.axes):
        if axis.sort != "measurement":
            ids = np.array([alternative.id for alternative in axis.alternatives], dtype=object)
            columns[axis.id] = np.repeat(ids[one.choice[:, place]], count)
    columns["kind"] = np.repeat(np.array(KINDS, dtype=object)[one.kind], count)
    columns["same_question"] = np.repeat(one.same_question, count)
    columns["weight"] = np.repeat(one.weight.astype(np.float32), count)
    columns |= {name: one.probability[name].astype(np.float32).ravel() for name in _PROBABILITIES}
    columns["finding"] = named[np.where(one.finding == NOT_THERE, len(FINDINGS), one.finding).ravel()]
    columns["reason"] = np.repeat(np.array(one.reason, dtype=object), count)
    return pd.DataFrame(columns)
