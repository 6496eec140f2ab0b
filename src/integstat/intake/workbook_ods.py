"""Read a workbook that was saved as OpenDocument (.ods): cells as they stand, formulas as formulas.

Only `content.xml` is read, as a stream, without entities and with limits on what is kept. The result is an openpyxl workbook
of values, so that one reader serves both forms.
"""

from __future__ import annotations

import datetime
import re
import warnings
import zipfile
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

import openpyxl
from openpyxl.worksheet.cell_range import CellRange
from openpyxl.worksheet.dimensions import ColumnDimension

from integstat.intake.numbers import german
from integstat.intake.problems import UnreadableFile
from integstat.intake.workbook_layout import MAX_COLUMNS, MAX_ROWS, column_letters

MIME = b"application/vnd.oasis.opendocument.spreadsheet"
MAX_CELLS = 1_000_000  # cells with content, all sheets together
MAX_SPAN = 300_000  # cells that merged ranges reach over
MAX_SHEETS = 100

_CHUNK = 1 << 16
_LONGEST = 33_000  # characters of a cell's text that are kept: a few more than Excel allows
_NAMESPACES = {
    "urn:oasis:names:tc:opendocument:xmlns:office:1.0": "office",
    "urn:oasis:names:tc:opendocument:xmlns:table:1.0": "table",
    "urn:oasis:names:tc:opendocument:xmlns:text:1.0": "text",
    "urn:oasis:names:tc:opendocument:xmlns:style:1.0": "style",
    "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0": "draw",
}
_PASSED_OVER = (  # elements that hold texts or tables which are no cells
    "office:annotation",
    "table:tracked-changes",
    "table:dde-links",
    "table:shapes",
    "table:content-validations",
    "table:named-expressions",
)
_HIDDEN = ("collapse", "filter")
_DURATION = re.compile(r"^(-?)PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,]\d+)?S)?$")
_SAVE_AGAIN = "bitte in LibreOffice öffnen und neu speichern"


class _Refused(Exception):
    """What is read is not what a city fills in."""


@dataclass
class _Cell:
    """A cell while it is read, and how often it stands side by side."""

    attributes: dict[str, str]
    repeated: int
    paragraphs: list[str] = field(default_factory=list)

    @property
    def formula(self) -> str:
        return self.attributes.get("table:formula", "")

    @property
    def filled(self) -> bool:
        return bool(self.formula or "office:value-type" in self.attributes or any(self.paragraphs))


def is_ods(names: set[str], archive: zipfile.ZipFile) -> bool:
    """Whether an archive with these members is an OpenDocument spreadsheet."""
    if not {"content.xml", "mimetype"} <= names:
        return False
    with archive.open("mimetype") as mime:
        return mime.read(len(MIME)) == MIME


def read_ods(archive: zipfile.ZipFile, name: str) -> Any:
    """Return an openpyxl workbook with the cells of all sheets.

    Parameters
    ----------
    archive : zipfile.ZipFile
        Its unpacked size was looked at before.
    name : str
        Name of the file for people.

    Raises
    ------
    UnreadableFile
        If it is encrypted or damaged, or holds more than `MAX_CELLS`.

    Notes
    -----
    Kept are values, formulas (as text), merged cells, hidden rows, columns and sheets, and whether a number is a percentage. A
    formula's stored result is dropped. A sheet that reaches beyond `MAX_ROWS` or `MAX_COLUMNS` is cut one row or column behind.
    """
    if "META-INF/manifest.xml" in archive.namelist() and b"encryption-data" in archive.read("META-INF/manifest.xml"):
        what = "die Mappe ist mit einem Kennwort verschlüsselt"
        raise UnreadableFile(name, "", what, "bitte ohne Kennwort zum Öffnen speichern")
    reader = _Reader()
    try:
        with archive.open("content.xml") as content, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a sheet's name may be longer than Excel allows
            while piece := content.read(_CHUNK):
                reader.feed(piece)
            reader.feed(b"", final=True)
    except _Refused as error:
        raise UnreadableFile(name, "content.xml", str(error), "bitte die Zahlen in eine frische Vorlage übertragen") from error
    except Exception as error:  # a damaged part can make the parser fail in any way
        what = "die Mappe ist beschädigt und lässt sich nicht öffnen"
        raise UnreadableFile(name, "content.xml", what, _SAVE_AGAIN) from error
    return reader.book


class _Reader:
    """Takes the events of the parser and fills a workbook."""

    def __init__(self) -> None:
        self.book = openpyxl.Workbook()
        self.book.remove(self.book.active)
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _no_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._skipped = 0  # depth inside an element that is passed over
        self._style = ""
        self._hidden_styles: set[str] = set()
        self._sheet: Any = None
        self._row, self._column = 1, 1
        self._row_attributes: dict[str, str] = {}
        self._cells: list[tuple[int, _Cell]] = []
        self._cell: _Cell | None = None
        self._kept, self._spanned = 0, 0

    def feed(self, piece: bytes, *, final: bool = False) -> None:
        self._parser.Parse(piece, final)

    def _start(self, long_name: str, long_attributes: dict[str, str]) -> None:
        name = _short(long_name)
        if self._skipped or name in _PASSED_OVER or name.startswith("draw:"):
            self._skipped += 1
            return
        attributes = {_short(key): value for key, value in long_attributes.items()}
        if name == "style:style":
            self._style = attributes.get("style:name", "")
        elif name == "style:table-properties" and attributes.get("table:display") == "false":
            self._hidden_styles.add(self._style)
        elif name == "table:table":
            self._begin_sheet(attributes)
        elif name == "table:table-column":
            self._columns(attributes)
        elif name == "table:table-row":
            self._row_attributes, self._cells, self._column = attributes, [], 1
        elif name in ("table:table-cell", "table:covered-table-cell"):
            self._cell = _Cell(attributes, _times(attributes, "table:number-columns-repeated"))
        elif self._cell is not None:
            self._inside(name, attributes, self._cell)

    @staticmethod
    def _inside(name: str, attributes: dict[str, str], cell: _Cell) -> None:
        """Take what makes up the text of a cell."""
        if name == "text:p":
            cell.paragraphs.append("")
        elif cell.paragraphs and len(cell.paragraphs[-1]) < _LONGEST:
            signs = {"text:s": " " * min(_times(attributes, "text:c"), 1000), "text:tab": "\t", "text:line-break": "\n"}
            cell.paragraphs[-1] += signs.get(name, "")

    def _text(self, text: str) -> None:
        if self._skipped or self._cell is None or not self._cell.paragraphs:
            return
        if len(self._cell.paragraphs[-1]) < _LONGEST:
            self._cell.paragraphs[-1] += text

    def _end(self, long_name: str) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        name = _short(long_name)
        if name == "table:table-row":
            self._end_row()
        elif name in ("table:table-cell", "table:covered-table-cell") and self._cell is not None:
            if self._cell.filled or _spans(self._cell.attributes):
                self._cells.append((self._column, self._cell))
            self._column += self._cell.repeated
            self._cell = None

    def _begin_sheet(self, attributes: dict[str, str]) -> None:
        if len(self.book.worksheets) >= MAX_SHEETS:
            raise _Refused(f"die Mappe hat mehr als {MAX_SHEETS} Blätter")
        self._sheet = self.book.create_sheet(attributes.get("table:name", ""))
        if attributes.get("table:style-name") in self._hidden_styles:
            self._sheet.sheet_state = "hidden"
        self._row, self._column = 1, 1

    def _columns(self, attributes: dict[str, str]) -> None:
        """Note hidden columns; widths are nothing that is read."""
        first, times = self._column, _times(attributes, "table:number-columns-repeated")
        self._column += times
        if attributes.get("table:visibility") in _HIDDEN and first <= MAX_COLUMNS:
            letters, last = column_letters(first), min(first + times - 1, MAX_COLUMNS)
            self._sheet.column_dimensions[letters] = ColumnDimension(self._sheet, letters, min=first, max=last, hidden=True)

    def _end_row(self) -> None:
        times = _times(self._row_attributes, "table:number-rows-repeated")
        hidden = self._row_attributes.get("table:visibility") in _HIDDEN
        if self._cells:
            for row in range(self._row, min(self._row + times, MAX_ROWS + 2)):
                if hidden:
                    self._sheet.row_dimensions[row].hidden = True
                for column, cell in self._cells:
                    self._put(row, column, cell)
            if self._row > MAX_ROWS:
                self._sheet.cell(row=MAX_ROWS + 1, column=1).value = "…"
        self._row += times

    def _put(self, row: int, first: int, cell: _Cell) -> None:
        if first > MAX_COLUMNS:
            if cell.filled:
                self._sheet.cell(row=row, column=MAX_COLUMNS + 1).value = "…"
            return
        self._merge(row, first, cell.attributes)
        for column in range(first, min(first + cell.repeated, MAX_COLUMNS + 2)) if cell.filled else ():
            self._kept += 1
            if self._kept > MAX_CELLS:
                raise _Refused(f"die Mappe hat mehr als {german(MAX_CELLS)} ausgefüllte Zellen")
            _fill(self._sheet.cell(row=row, column=column), cell)

    def _merge(self, row: int, column: int, attributes: dict[str, str]) -> None:
        """Note a merged range, as far as the sheet may reach."""
        if not _spans(attributes):
            return
        last_row = min(row + _times(attributes, "table:number-rows-spanned") - 1, MAX_ROWS + 1)
        last_column = min(column + _times(attributes, "table:number-columns-spanned") - 1, MAX_COLUMNS + 1)
        self._spanned += (last_row - row + 1) * (last_column - column + 1)
        if self._spanned > MAX_SPAN:
            raise _Refused(f"die Mappe hat mehr als {german(MAX_SPAN)} verbundene Zellen")
        span = CellRange(min_row=row, min_col=column, max_row=last_row, max_col=last_column)
        self._sheet.merged_cells.ranges.add(span)


def _fill(target: Any, cell: _Cell) -> None:
    """Put value and kind into an openpyxl cell; text stays text, whatever it begins with."""
    if cell.formula:
        target.value, kind = f"={cell.formula.partition('=')[2] or cell.formula}", "f"
    else:
        value, kind = _value(cell)
        target.value = value
    if kind == "%":
        target.number_format, kind = "0%", "n"
    if target.value is not None:
        target.data_type = kind


def _value(cell: _Cell) -> tuple[Any, str]:
    """Value of a cell and its kind, as openpyxl has them; a number in per cent has the kind '%'."""
    get, text = cell.attributes.get, "\n".join(cell.paragraphs)
    kind = get("office:value-type", "")
    if kind in ("float", "currency", "percentage"):
        number = float(get("office:value", ""))
        return int(number) if number.is_integer() and abs(number) < 1e15 else number, "%" if kind == "percentage" else "n"
    if kind == "boolean":
        return get("office:boolean-value") == "true", "b"
    if kind == "date":
        return datetime.datetime.fromisoformat(get("office:date-value", "")), "d"
    if kind == "time":
        return _duration(get("office:time-value", "")), "d"
    return get("office:string-value", text), "s"


def _duration(text: str) -> datetime.timedelta:
    found = _DURATION.match(text)
    if found is None:
        raise ValueError(text)
    hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    return datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds) * (-1 if found[1] else 1)


def _spans(attributes: dict[str, str]) -> bool:
    return any(_times(attributes, f"table:number-{what}-spanned") > 1 for what in ("rows", "columns"))


def _times(attributes: dict[str, str], name: str) -> int:
    """How often something stands; 1 where nothing is said."""
    return max(1, int(attributes.get(name, "1")))


def _short(name: str) -> str:
    """Name with the usual prefix of its namespace: 'table:table-cell'."""
    space, _, local = name.rpartition(" ")
    return f"{_NAMESPACES.get(space, '?')}:{local}"


def _no_doctype(*_: object) -> None:
    raise _Refused("die Mappe enthält eine DOCTYPE-Erklärung, das tut kein Tabellenprogramm")
