"""The change model on a bare table of counts: no ring, no catalogue, polarity plus."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from integstat.catalogue.schema import Kind
from integstat.change import ChangeData, ChangeSettings, fit
from integstat.change.model import design, inverse_link
from integstat.errors import DataError, UsageError
from integstat.findings.estimands import estimands, flat
from integstat.intake.files import decode, read_once
from integstat.intake.numbers import parse_number, thousands_or_decimal
from integstat.intake.problems import UnreadableFile
from integstat.intake.tables import LINE, plain_table

GROUPS = ("target", "reference")
COLUMNS = ("quantity", "city", "group", "year", "mean", "sd", "q2.5", "q5", "q50", "q95", "q97.5")
RANKS = ("rank_q2.5", "rank_q50", "rank_q97.5")
_PROBABILITIES = (0.025, 0.05, 0.5, 0.95, 0.975)
_SCALES = ("points", "ratio", "logit")
_QUANTITIES = ("level", "change", "relative_change", "lasting_change", *(f"gap_change_{scale}" for scale in _SCALES))
BOUNDS = ("y_low", "y_high")
_BELOW_3, _EXACT = (0.0, 2.0), (np.nan, np.nan)
_MOST_YEARS = 12
_TAKEN = {"city", "group", "year", "y", "n", *BOUNDS, *_QUANTITIES, "alpha", "delta", "sd_mean", "sd_change"}
_SURELY_DECIMAL = r"\d{4,}(\.\d+)?|\d+\.(\d{1,2}|\d{4,})"


def read_counts(path: Path, kind: Kind, covariates: Sequence[str], *, overlap: float = 0.0) -> ChangeData:
    """Read a table of counts.

    Parameters
    ----------
    path : Path
        UTF-8 CSV with commas and decimal points; columns `city`, optional `group` (target, reference) and `year`, then
        `y`, `n`, optional `y_low` and `y_high` (a count known within bounds; `y` is empty there) and the covariates.
        Without `year` it is a table of one year.
    kind : {'share', 'rate'}
    covariates : sequence of str
        Columns that enter the level; one value per city (its rows must agree).
    overlap : float
        Share of the persons of a stock who are counted in every year; 0: other persons each year.

    Raises
    ------
    DataError
        One sentence with file, line and mend.
    UsageError
        If a covariate is named twice or carries the name of another column or quantity.
    """
    try:
        file = read_once(path)
        table = plain_table(decode(file, "utf-8"), file.name, ",", ".")
    except UnreadableFile as error:
        place = f"{path}, {error.problem.place}".rstrip(", ")
        raise DataError(error.problem.what, place=place, mend=error.problem.mend) from error
    frame = table.frame
    _check_covariates(covariates)
    for column in ("city", "y", "n", *covariates):
        if column not in frame.columns:
            raise DataError(f"die Spalte '{column}' fehlt", place=str(path), mend="bitte ergänzen")
    bounded = [column for column in BOUNDS if column in frame.columns]
    if len(bounded) == 1:
        raise DataError(f"die Spalte '{bounded[0]}' steht allein", place=str(path), mend=f"bitte {' und '.join(BOUNDS)} liefern")
    for column in {"city", "group", "year"} & set(frame.columns):
        frame[column] = frame[column].str.strip()
    _check_names(frame, path)
    _check_thousands(frame, path)
    years = _years(frame, path)
    groups = _groups(frame, path)
    cities = tuple(dict.fromkeys(frame["city"]))
    shape = (len(cities), len(groups), len(years))
    y, n, seen = np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=bool)
    coarse = np.full((*shape, 2), np.nan)
    features = np.full((len(cities), len(covariates)), np.nan)
    for row in frame.to_dict("records"):
        where = f"{path}, Zeile {row[LINE]}"
        spot = (
            cities.index(row["city"]),
            groups.index(row["group"]) if "group" in row else 0,
            years.index(int(row["year"])) if "year" in row else 0,
        )
        if seen[spot]:
            raise DataError(f"'{row['city']}' steht für Gruppe und Jahr doppelt", place=where, mend="bitte eine Zeile streichen")
        seen[spot] = True
        y[spot], n[spot], coarse[spot] = _counts(row, kind, where)
        for slot, name in enumerate(covariates):
            value = _number(row[name], name, where)
            if np.isfinite(features[spot[0], slot]) and features[spot[0], slot] != value:
                raise DataError(f"'{name}' ist bei '{row['city']}' nicht überall gleich", place=where, mend="bitte angleichen")
            features[spot[0], slot] = value
    if not (n[:, 0] > 0).any():
        raise DataError("keine Zeile der Zielgruppe hat eine Grundgesamtheit über 0", place=str(path), mend="bitte prüfen")
    return ChangeData(
        definition=path.name,
        kind=kind,
        cities=cities,
        groups=groups,
        years=tuple(years),
        y=y,
        n=n,
        coarse=coarse if np.isfinite(coarse).any() else None,
        overlap=overlap,
        covariates=features,
        covariate_names=tuple(covariates),
    )


def _check_covariates(covariates: Sequence[str]) -> None:
    """Refuse a covariate that stands twice, or whose row in the result could be taken for another quantity."""
    for name in covariates:
        if covariates.count(name) > 1:
            raise UsageError(f"'{name}' ist doppelt genannt", place="--covariates", mend="bitte einmal streichen")
        if name in _TAKEN:
            what = f"'{name}' kann keine Kovariate sein, der Name ist vergeben"
            raise UsageError(what, place="--covariates", mend="bitte die Spalte umbenennen")


def _check_names(frame: pd.DataFrame, path: Path) -> None:
    nameless = frame[frame["city"] == ""]
    if len(nameless):
        raise DataError("die Stadt fehlt", place=f"{path}, Zeile {nameless[LINE].iloc[0]}, Spalte city", mend="bitte eintragen")


def _check_thousands(frame: pd.DataFrame, path: Path) -> None:
    """Refuse bases such as 12.083 where all of them look as if the point separated thousands.

    They do not where any base reaches 1,000 without a point, or has another number of digits behind it.
    """
    rows = frame[frame["n"].map(lambda text: thousands_or_decimal(text, "."))]
    if len(rows) and not frame["n"].str.strip().str.fullmatch(_SURELY_DECIMAL).any():
        raise DataError(
            f"'{rows['n'].iloc[0].strip()}' hat Punkte, die hier vor Dezimalstellen stehen; gemeint sind wohl Tausender",
            place=f"{path}, Zeile {rows[LINE].iloc[0]}, Spalte n",
            mend="bitte ohne Tausenderpunkt schreiben",
        )


def _years(frame: pd.DataFrame, path: Path) -> list[int]:
    if "year" not in frame.columns:
        return [0]
    bad = frame[~frame["year"].str.fullmatch(r"\d{4}")]
    if len(bad):
        raise DataError(
            f"'{bad['year'].iloc[0]}' ist kein Jahr", place=f"{path}, Zeile {bad[LINE].iloc[0]}", mend="bitte vierstellig angeben"
        )
    years = sorted(int(year) for year in frame["year"].unique())
    if len(years) > _MOST_YEARS:
        raise DataError(f"die Tabelle enthält {len(years)} Jahre", place=str(path), mend="bitte auf höchstens zwölf Jahre kürzen")
    return years


def _groups(frame: pd.DataFrame, path: Path) -> tuple[str, ...]:
    if "group" not in frame.columns:
        return ("target",)
    bad = frame[~frame["group"].isin(GROUPS)]
    if len(bad):
        raise DataError(
            f"'{bad['group'].iloc[0]}' ist keine Gruppe",
            place=f"{path}, Zeile {bad[LINE].iloc[0]}",
            mend="bitte 'target' oder 'reference' angeben",
        )
    return tuple(group for group in GROUPS if (frame["group"] == group).any())


def _counts(row: Mapping[Hashable, str], kind: Kind, where: str) -> tuple[float, float, tuple[float, float]]:
    """Count, base and bounds of the count; all 0 and no bounds where the row tells nothing."""
    y, n = _number(row["y"], "y", where, gaps=True), _number(row["n"], "n", where, gaps=True)
    bounds = _bounds(row, where)
    if y < 0 or n < 0:
        raise DataError("eine Anzahl ist negativ", place=where, mend="bitte berichtigen")
    least = bounds[0] if np.isnan(y) else y
    if n == 0 and least > 0:
        raise DataError(f"y ({least:g}) braucht eine Grundgesamtheit, n ist 0", place=where, mend="bitte berichtigen")
    if np.isfinite(bounds[0]):
        if np.isfinite(y):
            raise DataError("y und y_low/y_high stehen nebeneinander", place=where, mend="bitte y leer lassen oder die Grenzen")
        if kind == "share" and bounds[0] > n:
            what = f"y_low ({bounds[0]:g}) ist größer als n ({n:g})"
            raise DataError(what, place=where, mend="bitte berichtigen oder --kind rate wählen")
        return (0.0, n, bounds) if n > 0 else (0.0, 0.0, _EXACT)
    if np.isnan(y) or np.isnan(n) or n == 0:
        return 0.0, 0.0, _EXACT
    if kind == "share" and y > n:
        raise DataError(f"y ({y:g}) ist größer als n ({n:g})", place=where, mend="bitte berichtigen oder --kind rate wählen")
    return y, n, _EXACT


def _bounds(row: Mapping[Hashable, str], where: str) -> tuple[float, float]:
    """Smallest and largest count of a row: its two columns, or 0 and 2 where y is '< 3'; NaN where there are none."""
    low, high = (_number(row[column], column, where, gaps=True) if column in row else np.nan for column in BOUNDS)
    if np.isnan(low) != np.isnan(high):
        raise DataError("y_low und y_high gehören zusammen", place=where, mend="bitte beide angeben oder keine")
    if np.isnan(low):
        return _BELOW_3 if parse_number(row["y"], decimal=".")[1] == "below_3" else _EXACT
    if low != round(low) or high != round(high):
        raise DataError("eine Grenze ist keine ganze Zahl", place=where, mend="bitte berichtigen")
    if not 0 <= low <= high:
        what = f"die Grenzen {low:g} und {high:g} sind negativ oder vertauscht"
        raise DataError(what, place=where, mend="bitte berichtigen")
    return low, high


def _number(text: str, column: str, where: str, *, gaps: bool = False) -> float:
    try:
        value, code = parse_number(text, decimal=".")
    except ValueError as error:
        raise DataError(
            f"'{text}' in Spalte '{column}' ist keine Zahl mit Dezimalpunkt", place=where, mend="bitte berichtigen"
        ) from error
    if code not in ("value", "nothing") and not gaps:
        raise DataError(f"in Spalte '{column}' fehlt eine Zahl", place=where, mend="bitte ergänzen")
    return value


def fit_table(data: ChangeData, settings: ChangeSettings, seed: int, *, cores: int = 2) -> pd.DataFrame:
    """Fit a table of counts and summarise every quantity.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS` and `RANKS`. Every change is the last year's figure minus the first's. `level` is a propensity
        between 0 and 1 (a rate per person of the base); `change`, `relative_change`, `lasting_change` and
        `gap_change_points` are differences of propensities; `gap_change_ratio` and
        `gap_change_logit` (log for rates) the other two scales of the gap. Plus is more. Rows with an empty city are ring
        parameters on the link scale: `alpha` (level where every covariate is 0), `delta`, `sd_mean`, `sd_change`, and each
        covariate per unit. Ranks run from low to high among the cities; they say little where intervals overlap.
    """
    tree = fit(data, settings, seed, cores=cores)
    rows: list[dict[str, object]] = []
    for g, group in enumerate(data.groups):
        rows += _group_rows(tree, data, g, group)
    found = estimands(tree, 1, 1.0)
    for name, values in zip(_SCALES, (found.gap_points, found.gap_ratio, found.gap), strict=True):
        if values is not None:
            rows += _city_rows(f"gap_change_{name}", values, data.cities, "", "")
    rows += _ring_rows(tree, data)
    return pd.DataFrame(rows, columns=[*COLUMNS, *RANKS])


def _group_rows(tree: xr.DataTree, data: ChangeData, g: int, group: str) -> list[dict[str, object]]:
    """Levels by year, and change, relative and lasting change, of one group."""
    rows: list[dict[str, object]] = []
    posterior = tree["posterior"].to_dataset()
    usable = data.usable[:, g]
    for year, (t, eta) in _eta_by_year(posterior, g, data.years).items():
        level = np.where(usable[None, :, t], inverse_link(eta, data.link), np.nan)
        rows += _city_rows("level", level, data.cities, group, year or "")
    if "change" not in posterior:
        return rows
    one = xr.DataTree.from_dict(
        {
            "posterior": posterior.isel(group=[g]),
            "observed_data": tree["observed_data"].to_dataset().isel(group=[g]),
            "constant_data": tree["constant_data"].to_dataset(),
        }
    )
    one.attrs = tree.attrs
    found = estimands(one, 1, 1.0)
    for name, values in (
        ("change", found.change_points),
        ("relative_change", found.relative_points),
        ("lasting_change", found.lasting_points),
    ):
        if values is not None:
            rows += _city_rows(name, values, data.cities, group, "")
    return rows


def _eta_by_year(posterior: xr.Dataset, g: int, years: Sequence[int]) -> dict[int, tuple[int, np.ndarray]]:
    """Place of each year and draws of its predictor, shape (S, C); without `path` first and last year alone are known."""
    if "path" in posterior:
        path = flat(posterior["path"])[:, :, g]
        return {year: (t, path[:, :, t]) for t, year in enumerate(years)}
    mean = flat(posterior["mean"])[:, :, g]
    if "change" not in posterior:
        return {years[0]: (0, mean)}
    change = flat(posterior["change"])[:, :, g]
    return {years[0]: (0, mean - 0.5 * change), years[-1]: (len(years) - 1, mean + 0.5 * change)}


def _city_rows(name: str, values: np.ndarray, cities: Sequence[str], group: str, year: object) -> list[dict[str, object]]:
    shown = np.isfinite(values[0])
    ranks = np.full(values.shape, np.nan)
    ranks[:, shown] = np.argsort(np.argsort(values[:, shown], axis=1), axis=1) + 1
    return [
        _summary(name, values[:, c], city, group, year)
        | dict(zip(RANKS, np.quantile(ranks[:, c], (0.025, 0.5, 0.975)), strict=True))
        for c, city in enumerate(cities)
        if shown[c]
    ]


def _summary(name: str, draws: np.ndarray, city: str, group: str, year: object) -> dict[str, object]:
    figures = (draws.mean(), draws.std(ddof=1), *np.quantile(draws, _PROBABILITIES))
    return dict(zip(COLUMNS, (name, city, group, year, *figures), strict=True))


def _ring_rows(tree: xr.DataTree, data: ChangeData) -> list[dict[str, object]]:
    posterior = tree["posterior"].to_dataset()
    parts = design(data)
    rows = []
    for g, group in enumerate(data.groups):

        def draws(name: str, g: int = g) -> np.ndarray:
            return np.asarray(posterior[name].isel(group=g).to_numpy()).reshape(-1)

        alpha = draws("alpha")
        slopes = []
        for place, name in enumerate(data.covariate_names):
            beta = posterior["beta"].isel(covariate=place, group=g).to_numpy().reshape(-1) / parts.scale[place]
            alpha = alpha - beta * parts.centre[place]
            slopes.append(_summary(name, beta, "", group, ""))
        rows.append(_summary("alpha", alpha, "", group, ""))
        rows += [_summary(name, draws(name), "", group, "") for name in ("delta", "sd_mean", "sd_change") if name in posterior]
        rows += slopes
    return rows
