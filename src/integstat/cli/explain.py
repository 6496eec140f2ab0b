"""The story of one finding of a run. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from integstat.cli.peers import Force
from integstat.errors import DataError, UsageError

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from integstat.report.figures_sensitivity import Curve
    from integstat.texts import Texts

_RERUN = "bitte den Lauf mit 'integstat run' neu rechnen"
_UNVARIED = "bitte 'integstat sensitivity' mit der Konfiguration und diesem Ordner aufrufen; sie muss andere Rechenwege nennen"
_CANDIDATES = 8  # named where a name fits several
_BAR = 20  # letters of the longest bar
_EVENTS = {"p_success": "success", "p_deficit": "deficit", "p_stable": "stable"}
_LEDGER = {
    "chance": "davon Zufall (Zählfehler)",
    "ring": "davon gemeinsam mit dem Ring",
    "year": "davon Besonderes der beiden Jahre",
    "lasting": "davon bleibend",
}


def explain_command(
    run: Annotated[Path, typer.Argument(metavar="LAUF", help="Ordner eines Laufs")],
    city: Annotated[str, typer.Argument(metavar="STADT", help="Gemeindeschlüssel, Name oder ein Teil davon")],
    indicator: Annotated[str, typer.Argument(metavar="INDIKATOR", help="Kürzel des Indikators, Name oder ein Teil davon")],
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="SVG", help="alle Rechenwege zusätzlich als Bild in diese Datei")
    ] = None,
    force: Force = False,
) -> None:
    """Einen Befund erklären: woraus er folgt, was ihn ändern würde, woraus der Zweifel besteht.

    Beispiel: integstat explain results/ring Hannover E3 --picture e3.svg
    """
    _check_call(run, picture, force)
    try:
        _explain(run, city, indicator, picture)
    except KeyError as error:
        raise DataError(f"in den Tabellen dieses Laufs fehlt {error}", place=str(run), mend=_RERUN) from error


def _explain(run: Path, city: str, indicator: str, picture: Path | None) -> None:
    findings = _table(run / "findings.csv")
    names = _indicator_names(findings)
    place = _one_of(dict(zip(findings["city"], findings["city_name"], strict=True)), city, "Stadt", "STADT")
    what = _one_of(names, indicator, "Indikator", "INDIKATOR")
    row = _row(findings, place, what)
    if row is None:
        raise UsageError(f"zu '{what}' gibt es in dieser Stadt nichts", place=str(run), mend="bitte einen anderen nennen")
    from integstat.texts import Texts

    texts, console = Texts(), _console()
    console.print(f"{row['city_name']}: {names[what]} ({row['definition']})", style="bold", markup=False)
    _print_finding(console, texts, row, _row(_table(run / "ledger.csv"), place, what))
    if not (run / "sensitivity.csv").is_file():
        if picture is not None:
            raise UsageError("andere Rechenwege sind in diesem Lauf nicht gerechnet", place=str(run), mend=_UNVARIED)
        console.print(f"\nAndere Rechenwege sind in diesem Lauf nicht gerechnet; {_UNVARIED}.", markup=False)
        return
    found = _row(_table(run / "sensitivity.csv"), place, what)
    if found is None:
        if picture is not None:
            raise UsageError(
                f"zu '{what}' sind keine anderen Rechenwege gerechnet", place=str(run), mend="bitte einen anderen nennen"
            )
        console.print(
            "\nZu diesem Indikator sind keine anderen Rechenwege gerechnet: Er kann keinen Befund tragen.", markup=False
        )
        return
    described = _described(run / "sensitivity.json")
    universes = _universes(run / "universes.parquet", place, what)
    _print_reach(console, texts, found, _row(_table(run / "sensitivity_sentences.csv"), place, what))
    _print_definitions(console, texts, universes, described, what, str(found["event"]))
    _print_doubt(console, texts, _table(run / "sensitivity_attribution.csv"), place, what)
    if picture is not None:
        curve = _curve(universes, described, found)
        _draw(picture, curve, _EVENTS[str(found["event"])], f"{row['city_name']}, {names[what]}", texts)


def _check_call(run: Path, picture: Path | None, force: bool) -> None:
    if not run.is_dir():
        what = "das ist eine Datei, kein Ordner" if run.exists() else "diesen Ordner gibt es nicht"
        raise UsageError(what, place=str(run), mend="bitte den Ordner eines Laufs nennen")
    if picture is not None and picture.is_dir():
        raise UsageError("das ist ein Ordner", place=str(picture), mend="bitte mit --picture eine Datei nennen")
    if picture is not None and picture.suffix.lower() != ".svg":
        raise UsageError("das Bild ist SVG", place=str(picture), mend="bitte einen Namen mit der Endung .svg nennen")
    if picture is not None and picture.exists() and not force:
        raise UsageError("diese Datei gibt es schon", place=str(picture), mend="bitte eine andere nennen oder --force")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say of a file of the run that it is missing, or damaged."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError("diese Datei fehlt", place=str(path), mend=_RERUN) from error
    except (ValueError, OSError) as error:
        raise DataError("diese Datei ist beschädigt", place=str(path), mend=_RERUN) from error


def _table(path: Path) -> pd.DataFrame:
    import pandas as pd

    with _reading(path):
        return pd.read_csv(path, dtype={"city": str}, keep_default_na=False, na_values=[""])


def _described(path: Path) -> dict[str, Any]:
    with _reading(path):
        return dict(json.loads(path.read_text(encoding="utf-8")))


def _universes(path: Path, city: str, indicator: str) -> pd.DataFrame:
    """Universes of one cell."""
    import pandas as pd

    with _reading(path):
        found = pd.read_parquet(path, filters=[("city", "==", city), ("indicator", "==", indicator)])
    texts = found.select_dtypes("category").columns
    return found.assign(**{name: found[name].astype(str) for name in texts})


def _indicator_names(findings: pd.DataFrame) -> dict[str, str]:
    """Names of the run's indicators, by id; the id where the package's catalogue has none."""
    from integstat.catalogue import load_catalogue

    known = load_catalogue().indicators
    ids = dict.fromkeys(str(one) for one in findings["indicator"])
    return {one: known[one].name_de if one in known else one for one in ids}


def _one_of(known: dict[str, str], asked: str, noun: str, place: str) -> str:
    """Return the key that is meant: itself, a name, or a part of one name alone."""
    wanted = asked.strip().casefold()
    exact = [key for key, name in known.items() if wanted in (key.casefold(), name.casefold())]
    meant = exact or [key for key, name in known.items() if wanted and wanted in name.casefold()]
    if len(meant) == 1:
        return meant[0]
    shown = ", ".join(f"{known[key]} ({key})" for key in (meant or list(known))[:_CANDIDATES])
    more = len(meant or known) - _CANDIDATES
    mend = f"bitte eines von diesen nennen: {shown}" + (f" und {more} weitere" if more > 0 else "")
    what = f"'{asked}' passt auf mehrere" if meant else f"'{asked}' gibt es in diesem Lauf nicht"
    raise UsageError(f"{noun}: {what}", place=place, mend=mend)


def _row(table: pd.DataFrame, city: str, indicator: str) -> pd.Series | None:
    rows = table[(table["city"] == city) & (table["indicator"].astype(str) == indicator)]
    return rows.iloc[0] if len(rows) else None


def _console() -> Console:
    from rich.console import Console

    return Console(no_color="NO_COLOR" in os.environ, width=None if sys.stdout.isatty() else 120, highlight=False)


def _percent(texts: Texts, p: Any) -> str:
    return texts.percent(float(p)).replace("\u202f", " ")


def _print_finding(console: Console, texts: Texts, row: pd.Series, ledger: pd.Series | None) -> None:
    """What the run found, with flags, intervals and ledger."""
    console.print(f"Befund: {texts.t('word.' + str(row['finding']))}", markup=False)
    known = [f"{texts.t('word.' + one)} {_percent(texts, row[p])}" for p, one in _EVENTS.items() if row[p] == row[p]]
    if known:
        console.print(f"Wahrscheinlichkeiten: {', '.join(known)}", markup=False)
    if row["flags"] == row["flags"]:
        console.print(f"Vermerke: {str(row['flags']).replace(';', ', ')} (siehe findings_codebook.md)", markup=False)
    for name, noun in (("relative_change", "Veränderung gegenüber dem Ring"), ("standing", "Stand gegenüber Vergleichsstädten")):
        mean, lower, upper = (row[f"{name}_{part}"] for part in ("mean", "lower", "upper"))
        if mean == mean:
            console.print(f"{noun}: {texts.number(mean, 2, sign=True)} Punkte [{texts.interval(lower, upper, 2)}]", markup=False)
    if ledger is None or ledger["change_raw"] != ledger["change_raw"]:
        return
    console.print(f"Differenz der gelieferten Quoten: {texts.number(ledger['change_raw'], 2, sign=True)} Punkte", markup=False)
    for part, noun in _LEDGER.items():
        mean, lower, upper = (ledger[f"{part}_{end}"] for end in ("mean", "lower", "upper"))
        if mean == mean:
            console.print(f"  {noun}: {texts.number(mean, 2, sign=True)} [{texts.interval(lower, upper, 2)}]", markup=False)


def _print_reach(console: Console, texts: Texts, found: pd.Series, told: pd.Series | None) -> None:
    """How far the finding reaches, and what would change it."""
    word = texts.t("word." + _EVENTS[str(found["event"])])
    console.print("\nWie weit der Befund trägt", style="bold")
    for name, noun in (
        ("p_own", "auf dem Rechenweg des Rings"),
        ("p_headline", "über die Modelle gemittelt; daraus folgt der Befund"),
        ("p_pooled", "über Modelle und Definitionen gemittelt"),
    ):
        if found[name] == found[name]:
            console.print(f"  P({word}) {_percent(texts, found[name])}: {noun}", markup=False)
    if told is None:
        return
    if told["held"] == told["held"]:
        console.print(f"  Derselbe Befund auf gleichwertigen Rechenwegen: {_held(texts, found, told)}", markup=False)
    console.print(str(told["sentence"]).replace("\u202f", " "), markup=False)
    if told["sentence_without_cap"] == told["sentence_without_cap"]:
        console.print(str(told["sentence_without_cap"]).replace("\u202f", " "), markup=False)


def _held(texts: Texts, found: pd.Series, told: pd.Series) -> str:
    """How many agree; beside it the share with those that may not be equivalent, where there are such."""
    out, number = str(told["held"]).replace("\u202f", " "), int(found["universes_with_uncertain"])
    if number == found["universes"]:
        return out
    share = _percent(texts, found["robustness_with_uncertain"])
    return f"{out}; mit denen, deren Gleichwertigkeit offen ist: {share} von {texts.number(number, 0)}"


def _print_definitions(
    console: Console, texts: Texts, universes: pd.DataFrame, described: dict[str, Any], indicator: str, event: str
) -> None:
    """Findings of the definitions side by side, everything else as the ring chose it."""
    from rich.markup import escape
    from rich.table import Table

    names: dict[str, str] = described["indicators"][indicator]["definitions"]
    own = universes
    for axis in described["axes"]:
        own = own[own[axis["id"]] == axis["alternatives"][0]["id"]]
    if len(own) < 2:
        return
    shown = Table(title="Nach jeder Definition, sonst wie im Ring", title_justify="left", show_lines=False)
    shown.add_column("Definition", overflow="fold")
    shown.add_column("Befund")
    shown.add_column(f"P({texts.t('word.' + _EVENTS[event])})", justify="right")
    for row in own.to_dict("records"):
        word = texts.t(f"word.{row['finding']}") if row["finding"] else row["reason"] or "nicht da"
        main = " (Hauptdefinition)" if row["definition"] == next(iter(names)) else ""
        shown.add_row(escape(names.get(row["definition"], row["definition"]) + main), escape(word), _percent(texts, row[event]))
    console.print(shown)


def _print_doubt(console: Console, texts: Texts, table: pd.DataFrame, city: str, indicator: str) -> None:
    """What the doubt is made of, as bars of text, for each event in the table."""
    parts = table[(table["city"] == city) & (table["indicator"].astype(str) == indicator) & table["share"].notna()]
    for event, rows in parts.groupby("event", sort=False):
        word = "ob etwas bleibt" if event == "p_lasting" else f"am Ereignis „{texts.t('word.' + _EVENTS[str(event)])}“"
        console.print(f"\nWoraus der Zweifel besteht, {word}", style="bold", markup=False)
        for row in rows.sort_values("share", ascending=False, kind="stable").to_dict("records"):
            bar = "█" * round(_BAR * row["share"])
            console.print(f"  {_percent(texts, row['share']):>6} {bar:<{_BAR}} {row['part_name']}", markup=False)


def _curve(universes: pd.DataFrame, described: dict[str, Any], found: pd.Series) -> Curve:
    """Gather the universes that ask the ring's question and are equivalent or might be."""
    import numpy as np

    from integstat.report.figures_sensitivity import Choices, Curve

    there = (universes["finding"] != "") | (universes["reason"] != "")
    rows = universes[universes["same_question"] & (universes["kind"] != "not_equivalent") & there].reset_index(drop=True)
    names: dict[str, str] = described["indicators"][str(found["indicator"])]["definitions"]
    axes = [("Definition", list(names), list(names.values()), "definition")]
    for axis in described["axes"]:
        if axis["sort"] == "model":
            ids, shown = ([one[key] for one in axis["alternatives"]] for key in ("id", "name_de"))
            axes.append((axis["name_de"], ids, shown, axis["id"]))
    own = np.flatnonzero((rows["universe"] == 0).to_numpy())
    return Curve(
        probability=rows[str(found["event"])].to_numpy(float),
        finding=tuple(rows["finding"]),
        headline=str(found["finding"]),
        own=int(own[0]) if len(own) else 0,
        threshold=float(described["thresholds"].get(str(found["event"]), float("nan"))),
        axes=tuple(
            Choices(name, tuple(shown), np.array([ids.index(one) for one in rows[column]], dtype=int))
            for name, ids, shown, column in axes
        ),
    )


def _draw(path: Path, curve: Curve, event: str, title: str, texts: Texts) -> None:
    """Write the specification curve of this event."""
    from integstat.report.figures_sensitivity import specification_curve, standalone
    from integstat.report.view.sensitivity import curve_words
    from integstat.steps import write_text

    if not len(curve.finding):
        raise UsageError(
            "zu dieser Zelle gibt es keinen Rechenweg", mend="bitte eine andere Stadt oder einen anderen Indikator nennen"
        )
    known = sum(bool(one) for one in curve.finding)
    description = f"{len(curve.finding)} Rechenwege, davon {known} mit Ergebnis"
    words = curve_words(texts, event, curve.threshold)
    figure = specification_curve(curve, words, title=title, description=description)
    try:
        write_text(path, standalone(figure))
    except OSError as error:
        what = f"diese Datei lässt sich nicht schreiben ({error.strerror})"
        raise UsageError(what, place=str(path), mend="bitte mit --picture eine andere nennen") from error
