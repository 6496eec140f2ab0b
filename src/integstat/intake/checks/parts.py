"""Checks on tables that hold a whole beside its parts: what adds up nearly everywhere should do so everywhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from integstat.intake.checks.base import Check
from integstat.intake.numbers import german, parse_number
from integstat.intake.problems import Problem
from integstat.intake.tables import LINE, Table

WHOLE = ("insgesamt", "gesamt", "zusammen", "total")
_MOST_PARTS = 12
_HOLDS = 0.8  # share of the lines in which a sum must hold to be a rule of the table
_HOLDS_RANGE = 0.98
_FEWEST = 20  # lines from which on a rule is learnt
_ROUNDED = 5.0  # largest error of a figure that is rounded to five, or a sum of such
_SEEN = 0.3  # share of multiples of five above which figures count as rounded; 0.2 come by chance
_MOST_TOLD = 5
_MOST_LABELS = 60  # of a dimension; a column with more is a name or a figure
_LINES = 200_000  # a table with more lines is not searched
_SLIGHT, _SLIGHT_RATE = 1e-3, 0.02  # of the whole: smaller disagreements are rounding, of rates that of their counts

SUM_OF_PARTS = Check(
    "sum_of_parts",
    ("doubt",),
    "a total against the sum of its parts, beyond rounding, where the table's other lines add up",
    "{whole} ({shown}) ist nicht die Summe von {parts} ({total}) bei {city_key}, {year}",
    "bitte prüfen, welche der Zahlen falsch ist",
)
OUTSIDE_PARTS = Check(
    "outside_parts",
    ("doubt",),
    "a rate of the whole outside the range of its parts' rates, where those of the table's other lines lie inside",
    "{whole} ({shown}) liegt außerhalb von {parts} ({low} bis {high}) bei {city_key}, {year}",
    "bitte prüfen, welche der Quoten falsch ist",
)
CHECKS = (SUM_OF_PARTS, OUTSIDE_PARTS)


def check_parts(
    table: Table, values: Sequence[str], key: str, year: str, told: Collection[str], years: Collection[str] | None = None
) -> list[Problem]:
    """Hold totals against their parts.

    Parameters
    ----------
    table : Table
        Cells as text.
    values : sequence of str
        Columns of figures.
    key, year : str
        Columns with the region and with the year; '' where there is no year.
    told : collection of str
        Regions whose faults are told; the rule is learnt from all.
    years : collection of str, optional
        Texts of the year column that are told; all without it.

    Returns
    -------
    list of Problem
        At most five by column of figures.

    Notes
    -----
    Which parts make up a whole is not said anywhere: a set of parts counts as a partition where it adds up in 80 % of at least
    twenty lines, and rates of parts as such where 98 % of the wholes lie between them. A fault in all lines is not seen. Where a
    part of the line, in the partition or not, is a sign (`.`, `x`), nothing is told: the sign may be what is lacking, and the
    difference would be the figure that it hides.
    """
    frame = table.frame
    if len(frame) > _LINES:
        return []
    others = [one for one in frame.columns if one not in (*values, key, year) and not one.startswith("__")]
    for column in others:
        labels = [str(label) for label in frame[column].unique()]
        whole = [label for label in labels if label.strip().lower() in WHOLE]
        parts = [label for label in labels if label not in whole and label.strip()]
        if len(whole) == 1 and 2 <= len(parts) <= _MOST_PARTS:
            return [
                problem for value in values for problem in _column(table, value, key, year, column, whole[0], parts, told, years)
            ]
    return []


def _column(
    table: Table,
    value: str,
    key: str,
    year: str,
    column: str,
    whole: str,
    parts: list[str],
    told: Collection[str],
    years: Collection[str] | None,
) -> list[Problem]:
    """Hold one column of figures against the sums or ranges of one dimension."""
    frame = table.frame
    numbers = {text: _number(text, table.decimal) for text in frame[value].unique()}
    where = [key, *([year] if year else []), *_dimensions(frame, column, value, key, year)]
    wide = pd.DataFrame({"figure": frame[value].map(numbers), "line": frame[LINE], **{one: frame[one] for one in where}})
    wide["label"] = frame[column]
    wide = wide[(wide[key] != "") & wide["label"].isin([whole, *parts])].drop_duplicates([*where, "label"])
    figures = wide.pivot_table(index=where, columns="label", values="figure", aggfunc="first")
    signs = wide["figure"].isna().groupby([wide[one] for one in where]).any()
    wholes = wide[wide["label"] == whole]
    lines = dict(zip(wholes[where].itertuples(index=False, name=None), wholes["line"], strict=True))
    blocks = [one for one in where if one not in (key, year)]
    problems: list[Problem] = []
    for _, block in figures.groupby(level=blocks) if blocks else [((), figures)]:
        cells = block.reindex(columns=[whole, *parts])
        rule = _rule(cells.to_numpy(float))
        if rule is None:
            continue
        chosen, is_sum = rule
        bad = _broken(cells.to_numpy(float), chosen, is_sum) & ~signs.reindex(cells.index, fill_value=False).to_numpy()
        for place, row in cells[bad].iterrows():
            named = place if isinstance(place, tuple) else (place,)
            at = dict(zip(where, named, strict=True))
            if at[key] in told and (years is None or not year or at[year] in years):
                some = {parts[k - 1]: float(row.iloc[k]) for k in chosen}
                problems.append(_tell(table, value, int(lines[named]), at[key], at.get(year, ""), whole, row, some, is_sum))
    return problems[:_MOST_TOLD]


def _dimensions(frame: pd.DataFrame, column: str, value: str, key: str, year: str) -> list[str]:
    """Columns beside whole and parts that tell lines apart: few texts, and not the region's name."""
    return [
        one
        for one in frame.columns
        if one not in (column, value, key, year)
        and not one.startswith("__")
        and frame[one].nunique() <= _MOST_LABELS
        and not _is_name(frame, one, key)
        and not _all_numbers(frame[one])
    ]


def _is_name(frame: pd.DataFrame, column: str, key: str) -> bool:
    """Whether a column says no more than the key: one text for each region."""
    mine = frame[frame[key] != ""]
    return len(mine[[key, column]].drop_duplicates()) <= mine[key].nunique() + 1


def _all_numbers(texts: pd.Series) -> bool:
    return all(np.isfinite(_number(str(text), ".")) or np.isfinite(_number(str(text), ",")) for text in texts.unique()[:50])


def _number(text: str, decimal: str) -> float:
    try:
        return parse_number(text, decimal)[0]
    except ValueError:
        return float("nan")


def _rule(block: np.ndarray) -> tuple[tuple[int, ...], bool] | None:
    """Columns of the parts that make up the whole in column 0, and whether they add up; else it lies between them; None: no rule.

    Parameters
    ----------
    block : ndarray, shape (lines, 1 + parts)
    """
    every = tuple(k for k in range(1, block.shape[1]) if np.isfinite(block[:, k]).any())
    sets = [every, *combinations(every, 2)] if len(every) > 2 else [every]
    for holds, is_sum in ((_HOLDS, True), (_HOLDS_RANGE, False)):
        for chosen in sets:
            known = np.isfinite(block[:, (0, *chosen)]).all(axis=1)
            if len(chosen) > 1 and known.sum() >= _FEWEST and 1 - _broken(block[known], chosen, is_sum).mean() >= holds:
                return chosen, is_sum
    return None


def _broken(block: np.ndarray, parts: tuple[int, ...], is_sum: bool) -> np.ndarray:
    """Lines in which whole and parts disagree, shape (lines,); False where one of them has no number."""
    total, some = block[:, 0], block[:, parts]
    known = np.isfinite(block[:, (0, *parts)]).all(axis=1)
    slack = (_SLIGHT if is_sum else _SLIGHT_RATE) * np.abs(total)
    if not is_sum:
        return np.asarray(known & ((total < some.min(axis=1) - slack) | (total > some.max(axis=1) + slack)))
    if known.any() and np.mean(block[known][:, (0, *parts)] % 5 == 0) > _SEEN:
        slack = np.maximum(slack, _ROUNDED * (len(parts) + 1))
    return np.asarray(known & (np.abs(total - some.sum(axis=1)) > slack))


def _tell(
    table: Table,
    value: str,
    line: int,
    city: str,
    year: str,
    whole: str,
    row: pd.Series,
    parts: dict[str, float],
    is_sum: bool,
) -> Problem:
    total, figures = float(row.iloc[0]), list(parts.values())
    digits = 0 if all(one.is_integer() for one in (total, *figures)) else 2
    said = {
        "whole": f"'{whole.strip()}'",
        "shown": german(total, digits),
        "parts": " und ".join(f"'{part.strip()}'" for part in parts) if len(parts) < 4 else f"{len(parts)} Teilen",
        "city_key": city,
        "year": year,
    }
    held = "; ".join(f"{one:g}" for one in (total, *figures))
    where = f"Zeile {line}, Spalte {value}"
    if is_sum:
        return SUM_OF_PARTS.problem(table.file, where, city=city, value=held, total=german(sum(figures), digits), **said)
    low, high = german(min(figures), digits), german(max(figures), digits)
    return OUTSIDE_PARTS.problem(table.file, where, city=city, value=held, low=low, high=high, **said)
