"""The ring's cities: chosen from the rows of a source or brought along by the workbooks."""

from __future__ import annotations

import pandas as pd

from integstat.intake.numbers import german
from integstat.intake.problems import Problem, enumerate_some
from integstat.intake.regions import NO_NEED, land_name, parent
from integstat.intake.series import KEY, Series
from integstat.intake.settings import CitySettings, RegionSettings
from integstat.intake.tables import Table


def city_table(names: dict[str, str]) -> pd.DataFrame:
    """Cities with their Land.

    Parameters
    ----------
    names : dict
        Name by AGS; the first two digits are the Land.

    Returns
    -------
    pandas.DataFrame
        Columns `city`, `name`, `land`, `land_name`, sorted by `city`.
    """
    rows = [(key, name, key[:2], land_name(key[:2]) or "") for key, name in sorted(names.items())]
    return pd.DataFrame(rows, columns=["city", "name", "land", "land_name"])


def choose_cities(
    settings: CitySettings, rule: RegionSettings, tables: list[Table], minimum: Series | None
) -> tuple[dict[str, str], list[Problem]]:
    """Choose the ring's cities from the rows of a source.

    Parameters
    ----------
    settings : CitySettings
    rule : RegionSettings
        Of the source, for the column with the names.
    tables : list of Table
        Tables of the source, with the column `KEY`.
    minimum : Series or None
        The series of `settings.minimum`, evaluated for its year.

    Returns
    -------
    names : dict
        Name by AGS.
    problems : list of Problem
        Who is left out and why; a region and its part both taken is an error.
    """
    problems: list[Problem] = []
    candidates: dict[str, str] = {}
    refused: dict[str, str] = {}
    for table in tables:
        frame = table.frame[table.frame[KEY] != ""]
        fits = pd.Series(True, index=frame.index)
        for column, value in settings.where.items():
            wanted = (value,) if isinstance(value, str) else value
            fits &= frame[column].isin([text for text in frame[column].unique() if text.strip() in wanted])
        for target, chosen in ((candidates, fits), (refused, ~fits)):
            for key, name in zip(frame.loc[chosen, KEY], frame.loc[chosen, rule.name or KEY], strict=True):
                target.setdefault(key, name.strip())
    file = tables[0].file if tables else ""
    refused = {key: name for key, name in refused.items() if key not in candidates}
    if refused:
        rules = ", ".join(f"{column} = {_said(value)}" for column, value in settings.where.items())
        problems.append(_left_out(file, refused, f"nicht {rules}"))
    candidates, more = _named(settings, candidates, file)
    problems += more
    if settings.minimum is not None and minimum is not None:
        small = {
            key: name
            for key, name in candidates.items()
            if (figure := minimum.figures.get((key, settings.minimum.year))) is None or not figure.value >= settings.minimum.value
        }
        candidates = {key: name for key, name in candidates.items() if key not in small}
        if small:
            limit = german(settings.minimum.value)
            problems.append(_left_out(file, small, f"{settings.minimum.year} unter {limit} oder ohne Zahl"))
    parts = {key: name for key, name in candidates.items() if parent(key, candidates)}
    if parts and not settings.only:
        candidates = {key: name for key, name in candidates.items() if key not in parts}
        problems.append(_left_out(file, parts, "Teil einer Region, die selbst im Ring ist"))
    elif parts:
        key = min(parts)
        problems.append(
            Problem(
                "error",
                file,
                "Städteliste",
                f"{key} ist ein Teil von {key[:5]}, beide sind im Ring",
                "bitte eines von beiden streichen",
                check="city_list",
            )
        )
    if not candidates:
        problems.append(
            Problem(
                "error",
                file,
                "Städteliste",
                "keine Stadt erfüllt die Bedingungen",
                "bitte [ring.cities] prüfen",
                check="city_list",
            )
        )
    return candidates, problems


def _named(settings: CitySettings, candidates: dict[str, str], file: str) -> tuple[dict[str, str], list[Problem]]:
    """Apply `only` and `without`; a key named there that the file does not have is an error."""
    problems = [
        Problem(
            "error",
            file,
            "Städteliste",
            f"die Stadt {key} steht nicht in der Datei",
            "bitte den AGS in [ring.cities] prüfen",
            check="city_list",
        )
        for key in (*settings.only, *settings.without)
        if key not in candidates
    ]
    chosen = {
        key: name
        for key, name in candidates.items()
        if (not settings.only or key in settings.only) and key not in settings.without
    }
    dropped = {key: candidates[key] for key in settings.without if key in candidates}
    if dropped:
        problems.append(_left_out(file, dropped, "in der Konfiguration ausgenommen"))
    return chosen, problems


def _left_out(file: str, regions: dict[str, str], why: str) -> Problem:
    number = "1 Gebiet bleibt" if len(regions) == 1 else f"{len(regions)} Gebiete bleiben"
    listed = enumerate_some([f"{key} {name}" for key, name in sorted(regions.items())], 10)
    return Problem("hint", file, "Städteliste", f"{number} außen vor ({why}): {listed}", NO_NEED, check="city_list")


def _said(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else " oder ".join(value)
