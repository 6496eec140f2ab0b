"""Which delivered figures differ between two runs."""

from __future__ import annotations

import numpy as np
import pandas as pd

PROTECTION = ("told", "hidden")  # kinds that are no change of data
COUNT_CODEBOOK = {
    "city": "Amtlicher Gemeindeschlüssel (Text)",
    "city_name": "Name der Stadt",
    "definition": "Definition (Indikator.Definition)",
    "group": "Personengruppe: target Zielgruppe, reference Vergleichsgruppe",
    "year": "Berichtsjahr",
    "part": "y Zähler, n Nenner",
    "kind": "changed geändert, added hinzugekommen, dropped weggefallen, rounded anders gerundet, told jetzt offen oder genauer, "
    "hidden jetzt zurückgehalten oder gröber; ob sich hinter told und hidden die Zahl selbst geändert hat, ist nicht zu sehen",
    "before": "Zahl im ersten Lauf; leer, wo keine stand",
    "after": "Zahl im zweiten Lauf; leer, wo keine steht",
    "code_before": "Zeichen im ersten Lauf (value: Zahl); leer, wo die Zeile fehlte",
    "code_after": "Zeichen im zweiten Lauf (value: Zahl); leer, wo die Zeile fehlt",
    "step_before": "auf Vielfache wovon die Stadt im ersten Lauf gerundet hat; leer, wo sie nichts dazu sagt",
    "step_after": "auf Vielfache wovon die Stadt im zweiten Lauf gerundet hat; leer, wo sie nichts dazu sagt",
}
_KEY = ["city", "definition", "group", "year"]
_STEP = "y_step"
_BELOW = 3
_KNOWN = {"secret": 0, "below_3": 1, "value": 2, "nothing": 2}  # how much a sign tells of a count


def changed_counts(before: pd.DataFrame, after: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Figures that two panels do not have in common.

    Parameters
    ----------
    before, after : pandas.DataFrame
        Counts as in `counts.parquet`; without `y_step` nothing is said of rounding.
    names : dict of str to str
        Names of the cities.

    Returns
    -------
    pandas.DataFrame
        Columns `COUNT_CODEBOOK`, a row per figure, sorted by key. Swapping the panels swaps before and after, added and dropped,
        told and hidden. `told` and `hidden` say that protection is another; the figure behind it may be another as well.
    """
    both = _stepped(before).merge(_stepped(after), on=_KEY, how="outer", suffixes=("_before", "_after"), indicator="kind")
    both["kind"] = both["kind"].astype(str).map({"both": "changed", "left_only": "dropped", "right_only": "added"})
    parts = []
    for part in ("y", "n"):
        whole = both.assign(part=part)
        for when in ("before", "after"):
            whole[when] = both[f"{part}_{when}"]
            whole[f"code_{when}"] = both[f"{part}_code_{when}"].fillna("")
            step = both[f"{_STEP}_{when}"].where(both[f"{_STEP}_{when}"] > 1)
            whole[f"step_{when}"] = step if part == "y" else np.nan
        found = whole[_differs(whole)]
        parts.append(found.assign(kind=_kinds(found)))
    found = pd.concat(parts, ignore_index=True)
    found["city_name"] = [names.get(city, city) for city in found["city"]]
    order = np.where(found["part"] == "y", 0, 1)
    found = found.assign(order=order).sort_values([*_KEY, "order"], ignore_index=True)
    return found[list(COUNT_CODEBOOK)]


def _stepped(counts: pd.DataFrame) -> pd.DataFrame:
    steps = counts[_STEP] if _STEP in counts.columns else 0
    return counts[[*_KEY, "y", "n", "y_code", "n_code"]].assign(**{_STEP: steps})


def _same(rows: pd.DataFrame, name: str) -> pd.Series:
    one, two = rows[f"{name}_before"], rows[f"{name}_after"]
    return (one == two) | (one.isna() & two.isna())


def _differs(rows: pd.DataFrame) -> pd.Series:
    figure = (rows["before"] == rows["after"]) | (rows["before"].isna() & rows["after"].isna())
    rounded = ~_same(rows, "step") & rows["before"].notna() & rows["after"].notna()
    return ~figure | (rows["code_before"] != rows["code_after"]) | rounded


def _kinds(rows: pd.DataFrame) -> np.ndarray:
    """Tell protection and rounding from changed data, where one row stands against another.

    A figure of three or more against `< 3` is other data; so are figures that the coarser rounding does not make one.
    """
    known = [rows[f"code_{when}"].map(_KNOWN) for when in ("before", "after")]
    low = (rows["code_before"] == "below_3") | (rows["code_after"] == "below_3")
    contradicted = low & (rows[["before", "after"]].max(axis=1) >= _BELOW)
    protected = rows["kind"].eq("changed") & known[0].notna() & known[1].notna() & ~contradicted
    half = rows[["step_before", "step_after"]].max(axis=1) / 2
    rounded = rows["kind"].eq("changed") & ~_same(rows, "step") & ((rows["before"] - rows["after"]).abs() <= half)
    conditions = [protected & (known[0] < known[1]), protected & (known[0] > known[1]), rounded]
    return np.select(conditions, ["told", "hidden", "rounded"], rows["kind"])
