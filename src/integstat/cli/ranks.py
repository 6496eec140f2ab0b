"""Ranks of a run's cities, for whoever asks. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from integstat.cli.peers import Force
from integstat.errors import DataError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xarray as xr

    from integstat.findings.ranks import Comparison, MainDefinition

BY = {
    "level": "Niveau im letzten Jahr",
    "standing": "Stand gegenüber den Vergleichsstädten",
    "relative": "Veränderung über den Median der übrigen Städte hinaus",
}
_POSTERIORS = "change.nc"
_TOLD_APART = 0.95
_OTHER = "bitte einen anderen Indikator nennen"
_RERUN = "bitte den Lauf mit 'integstat run' neu rechnen"


def ranks_command(
    run: Annotated[Path, typer.Argument(metavar="LAUF", help="Ordner eines Laufs")],
    indicator: Annotated[str, typer.Argument(metavar="INDIKATOR", help="Kürzel des Indikators, etwa A2")],
    by: Annotated[str, typer.Option("--by", metavar="level|standing|relative", help="wonach gereiht wird")] = "level",
    csv: Annotated[Path | None, typer.Option("--csv", metavar="CSV", help="Tabelle zusätzlich in diese Datei")] = None,
    force: Force = False,
) -> None:
    """Rangplätze der Städte bei einem Indikator mit ihrer Unsicherheit; keine Rangliste.

    Beispiel: integstat ranks results/ring A2 --by standing
    """
    from integstat.findings.ranks import FILE_NAME, rank_table, read_comparison, told_apart

    _check_call(run, by, csv, force)
    comparison = read_comparison(run / FILE_NAME)
    main = _main(comparison, indicator, by, run)
    cities, values = _values(comparison, main, by, run)
    _check_figures(values, indicator, by)
    table = rank_table(values, cities)
    table.insert(1, "city_name", [comparison.cities[city] for city in cities])
    _print(table, f"{indicator} ({main.definition}), {BY[by]}", told_apart(values, _TOLD_APART))
    if csv is not None:
        _write(csv, table)


def _check_call(run: Path, by: str, csv: Path | None, force: bool) -> None:
    if by not in BY:
        raise UsageError(f"nach '{by}' wird nicht gereiht", place="--by", mend=f"bitte {', '.join(BY)} nennen")
    if not run.is_dir():
        what = "das ist eine Datei, kein Ordner" if run.exists() else "diesen Ordner gibt es nicht"
        raise UsageError(what, place=str(run), mend="bitte den Ordner eines Laufs nennen")
    if csv is not None and csv.is_dir():
        raise UsageError("das ist ein Ordner", place=str(csv), mend="bitte mit --csv eine Datei nennen")
    if csv is not None and csv.exists() and not force:
        raise UsageError("diese Datei gibt es schon", place=str(csv), mend="bitte eine andere nennen oder --force")


def _main(comparison: Comparison, indicator: str, by: str, run: Path) -> MainDefinition:
    """Return the indicator's main definition, if cities may be ranked by it."""
    if indicator not in comparison.main:
        what = f"den Indikator '{indicator}' gibt es in diesem Lauf nicht"
        raise UsageError(what, place=str(run), mend=f"bitte einen von diesen nennen: {', '.join(comparison.main)}")
    main = comparison.main[indicator]
    if main.polarity == 0:
        raise UsageError(
            f"beim Indikator '{indicator}' ist weder mehr noch weniger besser, ein Rang hätte keinen Sinn", mend=_OTHER
        )
    if not main.finding_allowed:
        raise UsageError(f"der Indikator '{indicator}' trägt keinen Befund und wird nicht gereiht", mend=_OTHER)
    if main.scope == "own_series":
        raise UsageError(f"die Zahlen von '{main.definition}' sind nur in ihrer eigenen Stadt vergleichbar", mend=_OTHER)
    if main.scope == "same_land":
        what = f"die Zahlen von '{main.definition}' sind nur innerhalb eines Landes vergleichbar, die Städte liegen in mehreren"
        raise UsageError(what, mend=_OTHER)
    if by == "relative" and len(comparison.years) < 2:
        raise UsageError("dieser Lauf hat nur ein Jahr, ohne Veränderung", place="--by", mend="bitte level oder standing nennen")
    if by == "standing" and comparison.peers is None:
        what = "dieser Lauf hat keine Vergleichsstädte, einen Stand gegenüber ihnen gibt es nicht"
        raise UsageError(what, place="--by", mend="bitte level oder relative nennen")
    return main


def _values(comparison: Comparison, main: MainDefinition, by: str, run: Path) -> tuple[list[str], np.ndarray]:
    """All cities, and draws of what they are ranked by, plus is better; NaN where no finding may stand."""
    import numpy as np

    from integstat.findings.estimands import estimands

    tree = _posterior(run / _POSTERIORS, main.definition)
    cities = [str(city) for city in tree["posterior"]["city"].to_numpy()]
    eligible = ~np.isin(cities, main.left_out)
    found = estimands(tree, main.polarity, 1.0, yardstick=eligible, baseline=comparison.baseline)
    draws = {"level": main.polarity * found.level_last, "standing": found.standing, "relative": found.relative}[by]
    assert draws is not None
    everyone = list(comparison.cities)
    values = np.full((len(draws), len(everyone)), np.nan)
    values[:, [everyone.index(city) for city in cities]] = np.where(eligible, draws, np.nan)
    return everyone, values


def _posterior(path: Path, definition: str) -> xr.DataTree:
    import h5py
    import xarray as xr

    try:
        with h5py.File(path) as file:
            fitted = definition in file
        if fitted:
            with xr.open_datatree(path, engine="h5netcdf", group=definition) as tree:
                return tree.load()
    except FileNotFoundError as error:
        raise DataError("diese Datei fehlt", place=str(path), mend=_RERUN) from error
    except OSError as error:
        raise DataError("diese Datei ist beschädigt", place=str(path), mend=_RERUN) from error
    raise DataError(f"für '{definition}' ist nichts gerechnet, keine Stadt hat brauchbare Zahlen", place=str(path), mend=_OTHER)


def _check_figures(values: np.ndarray, indicator: str, by: str) -> None:
    import numpy as np

    if np.isfinite(values).all(axis=0).sum() < 2:
        what = f"'{indicator}' hat dafür weniger als zwei Städte mit einer vergleichbaren Zahl ({BY[by]})"
        raise DataError(what, place=f"--by {by}", mend="bitte anders reihen oder einen anderen Indikator nennen")


def _print(table: pd.DataFrame, title: str, apart: float) -> None:
    """Warning, table and what it cannot tell, to standard output."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from integstat.findings.ranks import WARNING
    from integstat.texts import Texts

    texts = Texts()
    console = Console(no_color="NO_COLOR" in os.environ, width=None if sys.stdout.isatty() else 120, highlight=False)
    ranked, without = table[table["rank_mean"].notna()].sort_values("rank_mean", kind="stable"), table[table["rank_mean"].isna()]
    pairs = len(ranked) * (len(ranked) - 1) // 2
    shown = Table(show_lines=False)
    shown.add_column("Stadt", overflow="fold")
    for heading in ("Rang im Mittel", "Spanne (90 %)", "P(bestes Viertel)", "P(schlechtestes Viertel)"):
        shown.add_column(heading, justify="right")
    for row in ranked.to_dict("records"):
        span = " bis ".join(texts.number(row[end]).removesuffix(",0") for end in ("rank_lower", "rank_upper"))
        quarters = [texts.percent(row[p]).replace("\u202f", " ") for p in ("p_top_quarter", "p_bottom_quarter")]
        shown.add_row(escape(row["city_name"]), texts.number(row["rank_mean"]), span, *quarters)
    console.print(WARNING, markup=False)
    console.print(f"\n{title}; Rang 1 ist der beste von {len(ranked)}", markup=False)
    sure = f"Mit einer Wahrscheinlichkeit von mindestens {100 * _TOLD_APART:.0f} % auseinanderzuhalten:"
    console.print(f"{sure} {texts.number(apart * pairs, 0)} von {texts.number(pairs, 0)} Paaren von Städten", markup=False)
    console.print(shown)
    if len(without):
        console.print(f"Ohne Rang, keine vergleichbare Zahl oder ein Bruch: {', '.join(without['city_name'])}", markup=False)


def _write(csv: Path, table: pd.DataFrame) -> None:
    from integstat.report.tables import write_csv

    try:
        write_csv(csv, table)
    except OSError as error:
        what = f"diese Datei lässt sich nicht schreiben ({error.strerror})"
        raise UsageError(what, place=str(csv), mend="bitte mit --csv eine andere nennen") from error
