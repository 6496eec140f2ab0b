"""Which delivered figures differ between two runs."""

from __future__ import annotations

import numpy as np
import pandas as pd

COUNT_CODEBOOK = {
    "city": "Amtlicher Gemeindeschlüssel (Text)",
    "city_name": "Name der Stadt",
    "definition": "Definition (Indikator.Definition)",
    "group": "Personengruppe: target Zielgruppe, reference Vergleichsgruppe",
    "year": "Berichtsjahr",
    "part": "y Zähler, n Nenner",
    "kind": "changed geändert, added hinzugekommen, dropped weggefallen",
    "before": "Zahl im ersten Lauf; leer, wo keine stand",
    "after": "Zahl im zweiten Lauf; leer, wo keine steht",
    "code_before": "Zeichen im ersten Lauf (value: Zahl); leer, wo die Zeile fehlte",
    "code_after": "Zeichen im zweiten Lauf (value: Zahl); leer, wo die Zeile fehlt",
}
_KEY = ["city", "definition", "group", "year"]


def changed_counts(before: pd.DataFrame, after: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Figures that two panels do not have in common.

    Parameters
    ----------
    before, after : pandas.DataFrame
        Counts as in `counts.parquet`.
    names : dict of str to str
        Names of the cities.

    Returns
    -------
    pandas.DataFrame
        Columns `COUNT_CODEBOOK`, a row per figure, sorted by key. Swapping the panels swaps before and after.
    """
    columns = [*_KEY, "y", "n", "y_code", "n_code"]
    both = before[columns].merge(after[columns], on=_KEY, how="outer", suffixes=("_before", "_after"), indicator="kind")
    both["kind"] = both["kind"].astype(str).map({"both": "changed", "left_only": "dropped", "right_only": "added"})
    parts = []
    for part in ("y", "n"):
        old, new = both[f"{part}_before"], both[f"{part}_after"]
        old_code, new_code = both[f"{part}_code_before"].fillna(""), both[f"{part}_code_after"].fillna("")
        differs = ~((old == new) | (old.isna() & new.isna())) | (old_code != new_code)
        whole = both.assign(part=part, before=old, after=new, code_before=old_code, code_after=new_code)
        parts.append(whole[differs])
    found = pd.concat(parts, ignore_index=True)
    found["city_name"] = [names.get(city, city) for city in found["city"]]
    order = np.where(found["part"] == "y", 0, 1)
    found = found.assign(order=order).sort_values([*_KEY, "order"], ignore_index=True)
    return found[list(COUNT_CODEBOOK)]
