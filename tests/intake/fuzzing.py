"""Damage to sound files, drawn by hypothesis, and the way of any bytes through every reader.

`read` takes bytes to the figures as a ring would and lets pass only the project's own errors; what comes out must keep the
promises of the readers. `damaged` draws what to feed it. The quick tests, the corpus of found cases and the long run in
`analyses/fuzz_readers.py` all go through here.
"""

from __future__ import annotations

import io
import math
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import openpyxl
from hypothesis import strategies as st
from tests.peers.bundles import bundle_of
from tests.peers.rings import islands

from integstat.errors import IntegstatError
from integstat.intake.check_files import check_files
from integstat.intake.key_changes import follow, read_key_changes
from integstat.intake.other_cities import read_city
from integstat.intake.problems import Problem
from integstat.intake.readers import read_table
from integstat.intake.regions import classify
from integstat.intake.series import KEY, evaluate_series
from integstat.intake.settings import SeriesSettings, SourceSettings
from integstat.intake.tables import COLUMN, LINE, need_columns
from integstat.panel import CODES

from . import test_genesis, test_genesis_flat, test_inkar, test_key_changes, test_wegweiser
from . import test_labour_agency as labour
from . import test_municipalities as directory
from . import workbook_samples as samples
from .reading import REGION, file_of, source

TIDY = "ags,city,year,group,y\n01002,Kiel,2020,a,301\n01002,Kiel,2021,a,.\n16056,Eisenach,2020,a,-\n03241001,Hannover,2021,a,7\n"
OPEN_SDG = "Year,Gebietseinheit,GeoCode,Value\n2020,Kiel,K01002,100\n2021,Kiel,K01002,\n2020,Land,,5\n2020,Alt,#NV,7\n"
CITIES = "city,name,f0,f1,f2,f3\n05315,Köln,4,3.5,,-1e-3\n05515000,Münster,1,-,.,2\n"
CHANGES = test_key_changes.changes()
PORTAL = source("wegweiser", keys=test_wegweiser.KEYS)
GERMAN_MEN = (("Nationalität", "Deutsche"), ("Geschlecht", "männlich"))
MEN = (("2_Auspraegung_Code", "GESM"), ("Wert_Code", "BEVSTD"))
UNEMPLOYED = (("Indikator", "Arbeitslosenquote"),)
PEOPLE = (("Indikator", "Bevölkerung (Anzahl)"),)
WORDS = (
    "", " ", "-", ".", "…", "*", "x", "/", "< 3", "k.A.", "#NV", "#BEZUG!", "=1+1", "1.234", "1,5", "-7", "1e999", "1e-7", "nan",
    "٣", "２０", "²", "00000", "01002", "1002", "99999999", "9" * 400, "DG", "2020", "31.12.2021", "2020-13-45", '"', '"a', "'",
    ";", ",", "\t", "|", "\r", "\n", "\r\n", "\x0b", "\x1c", "\x85", "\u2028", "\ufeff", "\u00a0", "\x00", "__line", "__key",
    "__column", "Wert", "Zeit", "time", "value", "Kennziffer", "Aggregat", "AGS", "Indikatoren", "2020\nKiel", "___________",
    "GENESIS-Tabelle", "Stichtag: 30.06.2020", "[[change]]", "<c>", "&#0;", "a" * 300,
)  # fmt: skip
NUMBERS = (
    "1e999", "-1e999", "1e-9", "1E5", "-0", "007", "nan", "inf", "", "1.5", "1,5", "1.234", "1.234,5", "9" * 21, "-", ".", "*",
    "31.02.2021", "2021-02-30", "0", "99999",
)  # fmt: skip
_BUNDLE = bundle_of(islands(3, 8)[0])


@dataclass(frozen=True)
class Target:
    """A reader with a sound file to begin from."""

    name: str
    content: bytes
    source: SourceSettings | None = None
    value: str | None = None
    where: tuple[tuple[str, str], ...] = ()
    encoding: str = "utf-8"

    @property
    def is_book(self) -> bool:
        """Whether the file is a workbook."""
        return self.name.endswith(".xlsx")


def _tables() -> Iterable[Target]:
    plain = {"year": "year", "value": "y", "region": {"column": "ags", "name": "city"}}
    yield Target("tidy.csv", TIDY.encode(), source("tidy", **plain))
    sdg = source("open_sdg", region={"column": "GeoCode", "name": "Gebietseinheit", "strip_prefix": "K"})
    yield Target("open_sdg.csv", OPEN_SDG.encode(), sdg)
    yield Target("genesis.csv", test_genesis.EXPORT.encode("iso-8859-1"), test_genesis.source(), None, GERMAN_MEN, "iso-8859-1")
    yield Target("genesis_flat_older.csv", test_genesis_flat.OLDER.encode(), test_genesis_flat.SPEC, None, MEN)
    yield Target("genesis_flat_newer.csv", test_genesis_flat.NEWER.encode(), test_genesis_flat.SPEC, None, MEN)
    yield Target("inkar_wide.csv", test_inkar.WIDE.encode(), test_inkar.SPEC, None, UNEMPLOYED)
    yield Target("inkar_bulk.csv", test_inkar.BULK.encode(), test_inkar.SPEC, None, UNEMPLOYED)
    yield Target("wegweiser_portal.csv", test_wegweiser.PORTAL.encode(), PORTAL, None, PEOPLE)
    yield Target("wegweiser_below.csv", test_wegweiser.BELOW.encode(), source("wegweiser"))
    yield Target("labour_agency.xlsx", labour.workbook().content, labour.SPEC, None, (("Gruppe", "Deutsche"),))
    yield Target("municipalities.xlsx", directory.directory().content, directory.SPEC, "Bevölkerung", (("Satzart", "Kreis"),))


TARGETS = {
    target.name: target
    for target in (
        *_tables(),
        Target("key_changes.csv", test_key_changes.CHANGES.encode()),
        Target("key_changes.toml", test_key_changes.TOML.encode()),
        Target("other_cities.csv", CITIES.encode()),
        Target("city_workbook.xlsx", samples.GOOD),
        Target("check_files.csv", TIDY.encode()),
    )
}


def read(name: str, content: bytes) -> bool:
    """Take bytes through a reader and everything behind it.

    Returns
    -------
    bool
        Whether they were read without a fault that would stop a run.

    Raises
    ------
    AssertionError
        If what was read breaks a promise. Any exception but the project's own gets through: that is what is looked for.
    """
    target = TARGETS[name]
    try:
        if target.source is not None:
            problems = _through(target, target.source, content)
        elif name.startswith("key_changes"):
            read_key_changes(file_of(content, name))
            problems = []
        elif name == "city_workbook.xlsx":
            problems = samples.read(content).problems
        else:
            problems = _from_disk(name, content)
    except IntegstatError as error:
        refused = error
    else:
        for problem in problems:
            assert problem.what and problem.mend, problem
            assert not re.search(r"Traceback|\bNone\b|\bnan\b", f"{problem.place} {problem.mend}"), problem
        return all(problem.severity != "error" for problem in problems)
    assert refused.what and refused.mend, refused
    assert not re.search(r"Traceback|Error\b|\bNone\b", refused.sentence()), refused.sentence()
    return False


def _through(target: Target, spec: SourceSettings, content: bytes) -> list[Problem]:
    """Table, keys, changed keys, and every figure as one series."""
    table = read_table(file_of(content, target.name), spec)
    rule = REGION[spec.reader] if spec.region is None else spec.region
    assert not isinstance(rule, str)
    texts = [column for column in table.frame.columns if not column.startswith("__")]
    assert all(type(text) is str for column in texts for text in table.frame[column])
    assert all(line >= 1 for line in table.frame[LINE])
    assert COLUMN not in table.frame or all(column >= 1 for column in table.frame[COLUMN])
    need_columns(table, [rule.column, spec.year_column, *([rule.name] if rule.name else [])])
    keys, problems = classify(table, rule)
    keys, more = follow(table, keys, rule, CHANGES)
    table.frame[KEY] = keys
    assert all(re.fullmatch("([0-9]{5}|[0-9]{8})?", key) for key in keys)
    told = [*table.problems, *problems, *more]
    for where in {(), target.where}:
        picked = {"id": "one", "source": "s", "value": target.value or spec.value_column, "where": dict(where), "measure": "mean"}
        found = evaluate_series(SeriesSettings.model_validate(picked), spec, [table], (2020, 2021, 2022))
        for figure in found.figures.values():
            assert figure.code in CODES
            assert math.isfinite(figure.value) == (figure.code in ("value", "nothing"))
            assert figure.place and figure.file == target.name
        told += found.problems if where == target.where else ()
    return told


def _from_disk(name: str, content: bytes) -> list[Problem]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        if name == "other_cities.csv":
            read_city(path, _BUNDLE)
            return []
        return check_files([path], samples.SmallCatalogue())  # type: ignore[arg-type]


def damaged(target: Target) -> st.SearchStrategy[bytes]:
    """Bytes that were once a sound file, or only look like one."""
    raw = _bytes_changed(target.content)
    if target.is_book:
        cells = _cells_changed(target.content)
        return st.one_of(cells, cells, _figures_swapped(target.content), _parts_changed(target.content), raw)
    text = target.content.decode(target.encoding)
    encodings = st.sampled_from((*[target.encoding] * 12, "utf-8", "utf-8-sig", "iso-8859-1", "utf-16"))
    separator = "," if text.count(",") > text.count(";") else ";"
    edited = st.tuples(_text_changed(text), encodings).map(lambda pair: pair[0].encode(pair[1], "replace"))
    made = _random_table(text, separator).map(lambda table: table.encode(target.encoding, "replace"))
    other = _cells_swapped(text).map(lambda table: table.encode(target.encoding, "replace"))
    return st.one_of(edited, edited, edited, other, other, raw, made)


_EDITS: dict[str, Callable[[list[str], int, int, str], None]] = {
    "drop": lambda lines, at, other, word: lines.__delitem__(at),
    "double": lambda lines, at, other, word: lines.insert(other, lines[at]),
    "swap": lambda lines, at, other, word: _swap(lines, at, other),
    "blank": lambda lines, at, other, word: lines.insert(at, word),
    "insert": lambda lines, at, other, word: lines.__setitem__(at, _within(lines[at], other, word, 0)),
    "replace": lambda lines, at, other, word: lines.__setitem__(at, _within(lines[at], other, word, 3)),
    "cell": lambda lines, at, other, word: lines.__setitem__(at, _cell(lines[at], other, word)),
    "everywhere": lambda lines, at, other, word: lines.__setitem__(slice(None), [_cell(one, other, word) for one in lines]),
    "cut": lambda lines, at, other, word: lines.__setitem__(slice(at, None), [lines[at][: other % (len(lines[at]) + 1)]]),
    "hollow": lambda lines, at, other, word: lines.__setitem__(at, " " + re.sub("[^;,]", "", lines[at])),
    "many": lambda lines, at, other, word: lines.__setitem__(slice(at, at), [lines[at]] * 30),
}


@st.composite
def _text_changed(draw: st.DrawFn, text: str) -> str:
    lines = text.split("\n")
    word = st.one_of(st.sampled_from(WORDS), st.text(max_size=5))
    number = st.integers(0, 400)
    for edit, at, other, what in draw(
        st.lists(st.tuples(st.sampled_from(list(_EDITS)), number, number, word), min_size=1, max_size=3)
    ):
        if not lines:
            break
        _EDITS[edit](lines, at % len(lines), other, what)
    return draw(st.sampled_from((*["\n"] * 8, "\r\n", "\r"))).join(lines)


@st.composite
def _cells_swapped(draw: st.DrawFn, text: str) -> str:
    """The structure stays; many cells, of one column or anywhere, hold something else."""
    word = st.one_of(st.sampled_from(NUMBERS), st.sampled_from(WORDS), st.text(max_size=5), st.integers(-(10**6), 10**6).map(str))
    lines = text.split("\n")
    column = draw(st.one_of(st.none(), st.integers(0, 15)))
    most = draw(st.sampled_from((1, 1, 3, 12)))
    for at, other, what in draw(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15), word), min_size=1, max_size=most)):
        lines[at % len(lines)] = _cell(lines[at % len(lines)], other if column is None else column, what)
    return "\n".join(lines)


@st.composite
def _figures_swapped(draw: st.DrawFn, content: bytes) -> bytes:
    """A workbook whose numbers are others, as they are written in its XML."""
    drawn = iter(draw(st.lists(st.one_of(st.sampled_from(NUMBERS), st.floats().map(repr)), min_size=20, max_size=20)))

    def other(found: re.Match[bytes]) -> bytes:
        return next(drawn, found[0].decode()).encode()

    return _zipped(content, lambda name, data: re.sub(rb"(?<=<v>)[0-9.]+(?=</v>)", other, data))


@st.composite
def _bytes_changed(draw: st.DrawFn, content: bytes) -> bytes:
    out = bytearray(content)
    for at, kind, byte in draw(
        st.lists(st.tuples(st.integers(0, len(content)), st.integers(0, 3), st.integers(0, 255)), max_size=6)
    ):
        at = min(at, max(len(out) - 1, 0))
        if kind == 0 and out:
            out[at] = byte
        elif kind == 1:
            out[at:at] = bytes([byte])
        elif kind == 2:
            del out[at : at + byte]
        elif len(out) > 1:
            del out[at:]
    return bytes(out)


@st.composite
def _random_table(draw: st.DrawFn, text: str, separator: str) -> str:
    """Cells of the sound file and others, in any order and number."""
    known = [cell for line in text.split("\n")[:8] for cell in line.split(separator)]
    cell = st.one_of(st.sampled_from(known), st.sampled_from(WORDS))
    rows = draw(st.lists(st.lists(cell, min_size=1, max_size=6), max_size=6))
    return text.split("\n", 1)[0] * draw(st.booleans()) + "\n".join(separator.join(row) for row in rows)


@st.composite
def _parts_changed(draw: st.DrawFn, content: bytes) -> bytes:
    """A workbook with one part edited."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    part = draw(st.sampled_from([one for one in parts if "theme" not in one]))
    edited = _text_changed(parts[part].decode().replace("><", ">\n<")).map(str.encode)
    changed = draw(st.one_of(edited, edited, _bytes_changed(parts[part])))
    return _zipped(content, lambda name, data: changed if name == part else data)


@st.composite
def _cells_changed(draw: st.DrawFn, content: bytes) -> bytes:
    """A workbook with other cells, merged ranges and sheets."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    value = st.one_of(
        st.none(), st.booleans(), st.integers(-(10**12), 10**12), st.floats(), st.dates(), st.times(), st.timedeltas(),
        st.sampled_from([word for word in WORDS if word.isprintable()]),
    )  # fmt: skip
    cells = st.tuples(st.integers(1, 16), st.integers(1, 14), value, st.sampled_from(("General", "0.0%", "00000", "dd.mm.yyyy")))
    sheet = book.worksheets[draw(st.integers(0, len(book.worksheets) - 1))]
    if draw(st.booleans()):
        row, column = draw(st.integers(1, 14)), draw(st.integers(1, 8))
        sheet.merge_cells(start_row=row, start_column=column, end_row=row + draw(st.integers(0, 3)), end_column=column + 2)
    for row, column, what, shown in draw(st.lists(cells, max_size=8)):
        cell = sheet.cell(row, column)
        if type(cell).__name__ == "Cell":
            cell.value, cell.number_format = what, shown
    if draw(st.booleans()):
        sheet.title = draw(st.sampled_from(("A", "Tabelle, 'x'", "Kennungen2")))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _zipped(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


def _swap(lines: list[str], at: int, other: int) -> None:
    other %= len(lines)
    lines[at], lines[other] = lines[other], lines[at]


def _within(line: str, at: int, word: str, over: int) -> str:
    at %= len(line) + 1
    return line[:at] + word + line[at + over :]


def _cell(line: str, at: int, word: str) -> str:
    separator = max(";,", key=line.count)
    cells = line.split(separator)
    cells[at % len(cells)] = word
    return separator.join(cells)
