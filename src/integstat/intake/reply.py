"""What goes back to a city after a check: its own workbook with the cells marked, or a page where there is none."""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties

from integstat.errors import UsageError
from integstat.intake import workbook_layout as layout
from integstat.intake.assemble import assemble
from integstat.intake.cities import city_table
from integstat.intake.files import FileContent, find_files, read_once
from integstat.intake.problems import Problem, UnreadableFile, problem_table
from integstat.intake.regions import key_fault
from integstat.intake.tables import rows_of
from integstat.intake.workbook import WorkbookDelivery, read_workbook
from integstat.intake.workbook_anchors import find_anchors
from integstat.intake.workbook_look import INPUT, LINE_HEIGHT, lines
from integstat.intake.workbook_open import open_workbook
from integstat.steps import writing

if TYPE_CHECKING:
    from integstat.catalogue.load import Catalogue
    from integstat.intake.settings import IntakeSettings
    from integstat.intake.take_in import Delivery

SEVERITY_DE = {"error": "Fehler", "doubt": "Zweifel", "hint": "Hinweis"}
COLOUR = {"error": "FF9999", "doubt": "FFC000", "hint": "BDD7EE"}
TAIL = "-rueckmeldung"

_AUTHOR = "Rückmeldung"
_COLUMNS = (("", 10), ("Stelle", 44), ("Was", 80), ("Was zu tun ist", 60), ("Definition", 26))
_CELL = re.compile(r"\b([A-Z]{1,3}[1-9][0-9]{0,4})(?::([A-Z]{1,3}[1-9][0-9]{0,4}))?(?![\w.])")
_ROW = re.compile(r"\bZeilen? ([0-9, ]*[0-9])")
_COLUMN = re.compile(r"\bSpalte ([A-Z]{1,3})\b")
_OWN_FUNCTIONS = {"IF", "AND", "OR", "ISNUMBER", "MAX", "MIN", "ABS", "SQRT", "N", "INT", "LEN", "ISTEXT"}
_OWN_FORMULA = re.compile(r"=[A-Z0-9.,;()<>=+\-*/ ]*")
_STRING = re.compile(r'"[^"]*"')
_PAGE = """<!doctype html>
<html lang="de">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #111; background: #fff }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid #bbb; overflow-wrap: anywhere }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{counted}</p>
{table}
</body>
</html>
"""


def write_replies(folder: Path, delivery: Delivery, root: Path, settings: IntakeSettings, catalogue: Catalogue) -> list[Path]:
    """Write a reply per workbook of a ring, and one per city whose figures came otherwise.

    Parameters
    ----------
    folder : pathlib.Path
        Made if it is not there; earlier replies of the same names are replaced.
    delivery : Delivery
        What was taken in, with everything that was found.
    root : pathlib.Path
        The data folder it came from.
    settings : IntakeSettings
    catalogue : Catalogue

    Returns
    -------
    list of pathlib.Path
        `<name>-rueckmeldung.xlsx` for a workbook, `.html` for one that is no .xlsx or cannot be opened and for a city without
        one; `ring-rueckmeldung.html` for what belongs to no single city.

    Raises
    ------
    UsageError
        If the replies would lie among the deliveries, or the folder cannot be written.

    Notes
    -----
    A reply tells a city of itself alone: what names several cities at once is found again on its own figures, or left out.
    """
    if folder.resolve().is_relative_to(root.resolve()):
        what = "hier liegen die Lieferungen, Rückmeldungen würden als solche gelesen"
        raise UsageError(what, place=str(folder), mend="bitte mit --reply einen anderen Ordner nennen")
    as_of = settings.ring.as_of
    books = [file for source in settings.source if source.reader == "workbook" for file in _files(root, source.files, as_of)]
    written, answered = [], set()
    try:
        for file in books:
            book = read_workbook(file.path, file.content, catalogue, name=file.name)
            answered.add(book.city)
            problems = problems_of(book, delivery.problems, catalogue)
            written.append(_write_book(folder, file, book.city_name or book.city, problems))
        written += _write_pages(folder, delivery, answered)
    except OSError as error:
        what = "die Rückmeldung lässt sich nicht schreiben"
        raise UsageError(what, place=str(folder), mend="bitte mit --reply einen anderen Ordner nennen") from error
    return written


def _files(root: Path, patterns: Sequence[str], as_of: date | None) -> list[FileContent]:
    """Files that fit; one that cannot be read at all has no reply of its own."""
    found = []
    for one in find_files(root, patterns, as_of)[0]:
        try:
            found.append(read_once(one.path, one.name, one.sha256))
        except UnreadableFile:
            continue
    return found


def problems_of(book: WorkbookDelivery, found: Iterable[Problem], catalogue: Catalogue) -> list[Problem]:
    """Problems that one city may read: its own, and on its figures alone what the ring's check told of several cities."""
    if not book.city:
        return [one for one in found if one.file == book.file and not one.city]
    own = [one for one in found if one.city == book.city]
    if key_fault(book.city) is not None or not len(book.rows):
        return own
    years = sorted(int(year) for year in book.rows["year"].unique())
    _, again = assemble(book.rows, city_table({book.city: book.city_name or book.city}), catalogue, years, {})
    told = {(one.place, one.definition) for one in own}
    return own + [one for one in again if (one.place, one.definition) not in told]


def _write_book(folder: Path, file: FileContent, city: str, problems: Sequence[Problem]) -> Path:
    """Write the reply to a workbook; a page where it cannot be marked."""
    stem = file.name.rpartition(".")[0].replace("/", "__")
    if file.name.lower().endswith((".xlsx", ".xlsm")):
        try:
            content = marked(file.content, file.name, city, problems)
        except UnreadableFile:
            pass
        else:
            path = folder / f"{stem}{TAIL}.xlsx"
            with writing(path) as part:
                part.write_bytes(content)
            return path
    return _write_page(folder / f"{stem}{TAIL}.html", f"Rückmeldung zu {file.name}", problems)


def _write_pages(folder: Path, delivery: Delivery, answered: set[str]) -> list[Path]:
    names = dict(zip(delivery.panel.cities["city"], delivery.panel.cities["name"], strict=True))
    by_city: dict[str, list[Problem]] = {}
    for one in delivery.problems:
        if one.city not in answered or not one.city:
            by_city.setdefault(one.city, []).append(one)
    written = []
    for city, problems in sorted(by_city.items()):
        title = f"Rückmeldung an {names.get(city, city)}" if city else "Rückmeldung, die keine einzelne Stadt betrifft"
        written.append(_write_page(folder / f"{city or 'ring'}{TAIL}.html", title, problems))
    return written


def _write_page(path: Path, title: str, problems: Sequence[Problem]) -> Path:
    with writing(path) as part:
        part.write_text(page(title, problems), encoding="utf-8", newline="\n")
    return path


def page(title: str, problems: Sequence[Problem]) -> str:
    """Put problems into a page that asks nothing of the network; every text of a delivery is escaped."""
    heads = ("", "Datei", "Stelle", "Was", "Was zu tun ist", "Definition")
    rows = [
        (SEVERITY_DE[row.severity], row.file, row.place, row.what, row.mend, row.definition)
        for row in rows_of(problem_table(problems))
    ]
    lines = [_html_row("th", heads), *(_html_row("td", row) for row in rows)]
    table = "<table>\n" + "\n".join(lines) + "\n</table>" if rows else ""
    return _PAGE.format(title=html.escape(title), counted=counted(problems), table=table)


def _html_row(tag: str, texts: Iterable[object]) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(str(text))}</{tag}>" for text in texts) + "</tr>"


def counted(problems: Sequence[Problem]) -> str:
    """Say how much was found."""
    if not problems:
        return "Nichts zu beanstanden."
    of = {severity: sum(one.severity == severity for one in problems) for severity in SEVERITY_DE}
    hints = "1 Hinweis" if of["hint"] == 1 else f"{of['hint']} Hinweise"
    return f"{of['error']} Fehler, {of['doubt']} Zweifel, {hints}."


def marked(content: bytes, name: str, city: str, problems: Sequence[Problem]) -> bytes:
    """Return a city's workbook with the places of the problems coloured and commented, and a sheet that lists them all.

    Parameters
    ----------
    content : bytes
        The workbook as delivered; marks of an earlier reply are taken off.
    name, city : str
        File and city for people.
    problems : sequence of Problem
        Of this city; only those of this file are marked.

    Returns
    -------
    bytes
        An .xlsx that can be corrected and sent back as it is. The same arguments give the same bytes.

    Raises
    ------
    UnreadableFile
        If it cannot be opened.

    Notes
    -----
    Formulas that are not the template's own become text, links and macros are dropped: a reply runs nothing that somebody else
    put into the workbook. A place that names no cell is in the list only.
    """
    book = open_workbook(content, name)
    _neutralise(book)
    _unmark(book)
    by_cell: dict[tuple[str, str], list[Problem]] = {}
    rows = list(rows_of(problem_table(problems)))
    for row in rows:
        for place in places(row.place, book) if row.file in ("", name) else ():
            by_cell.setdefault(place, []).append(row)
    for (title, coordinate), some in by_cell.items():
        _mark(book[title], coordinate, some)
    _list(book, city, name, problems, rows)
    buffer = io.BytesIO()
    book.save(buffer)
    return _timeless(buffer.getvalue())


def places(text: str, book: Any) -> list[tuple[str, str]]:
    """Cells of a workbook that a problem's place names, as (sheet, cell); a row and a column by their labels."""
    found: dict[tuple[str, str], None] = {}
    for piece in re.split(r"(?=Blatt ')", text):
        titles = [title for title in book.sheetnames if piece.startswith(f"Blatt '{title}'")]
        if not titles:
            continue
        title = max(titles, key=len)
        rest = piece[len(f"Blatt '{title}'") :]
        cells = [coordinate for span in _CELL.finditer(rest) for coordinate in _span(*span.groups())] if "Zelle" in rest else []
        cells += [f"A{int(row)}" for span in _ROW.findall(rest) for row in span.split(",")]
        cells += [f"{letters}{_heading(book[title])}" for letters in _COLUMN.findall(rest)]
        found |= dict.fromkeys((title, coordinate) for coordinate in cells)
    return list(found)


def _span(first: str, last: str | None) -> list[str]:
    """First and last cell of a range, once where they are the same."""
    return list(dict.fromkeys(one for one in (first, last) if one))


def _heading(sheet: Any) -> int:
    anchored = find_anchors(sheet)
    return anchored[1].row + 1 if anchored else 1


def _mark(sheet: Any, coordinate: str, problems: Sequence[Any]) -> None:
    cell = sheet[coordinate]
    if isinstance(cell, MergedCell):
        span = next(span for span in sheet.merged_cells.ranges if coordinate in span)
        cell = sheet.cell(row=span.min_row, column=span.min_col)
    worst = next(severity for severity in COLOUR if any(one.severity == severity for one in problems))
    cell.fill = PatternFill("solid", fgColor=COLOUR[worst])
    text = "\n".join(f"{SEVERITY_DE[one.severity]}: {one.what}; {one.mend}." for one in problems)
    before = f"{cell.comment.text}\n\n" if cell.comment is not None else ""
    cell.comment = Comment(_plain(f"{before}{_AUTHOR}:\n{text}"), _AUTHOR, height=160, width=360)


def _list(book: Any, city: str, name: str, problems: Sequence[Problem], rows: Sequence[Any]) -> None:
    """Put a sheet with everything that was found in front."""
    sheet = book.create_sheet(layout.REPLY, 0)
    title = f"Rückmeldung an {city} zu {name}" if city else f"Rückmeldung zu {name}"
    _text(sheet, 1, 1, title).font = Font(name="Calibri", bold=True, size=16)
    sheet.row_dimensions[1].height = 2 * LINE_HEIGHT
    _text(sheet, 2, 1, counted(problems))
    how = (
        "Bitte die markierten Zellen in dieser Mappe berichtigen und sie noch einmal senden; "
        "was doch stimmt, bitte in der Spalte Bemerkung begründen."
    )
    _text(sheet, 3, 1, how if problems else "")
    for column, (head, width) in enumerate(_COLUMNS, start=1):
        sheet.column_dimensions[layout.column_letters(column)].width = width
        _text(sheet, 5, column, head).font = Font(name="Calibri", bold=True)
    for line, row in enumerate(rows, start=6):
        own = row.file in ("", name)
        where = row.place if own else f"{row.file}, {row.place}"
        for column, text in enumerate((SEVERITY_DE[row.severity], where, row.what, row.mend, row.definition), start=1):
            _text(sheet, line, column, str(text)).alignment = Alignment(wrap_text=True, vertical="top")
        shown = zip((str(row.what), str(row.mend), where), (80, 60, 44), strict=True)
        sheet.row_dimensions[line].height = LINE_HEIGHT * max(lines(text, width) for text, width in shown)
        sheet.cell(row=line, column=1).fill = PatternFill("solid", fgColor=COLOUR[row.severity])
        for title, coordinate in places(row.place, book)[:1] if own else ():
            quoted = title.replace("'", "''")
            sheet.cell(row=line, column=2).hyperlink = Hyperlink(ref=f"B{line}", location=f"'{quoted}'!{coordinate}")
    sheet.freeze_panes = "A6"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.fitToHeight = 0
    book.active = 0
    for one in book.worksheets:
        one.sheet_view.tabSelected = one is sheet


def _text(sheet: Any, row: int, column: int, text: str) -> Any:
    """Write a text that stays one, whatever it begins with."""
    cell = sheet.cell(row=row, column=column)
    cell.value = _plain(text)
    cell.data_type = "s"
    return cell


def _plain(text: str) -> str:
    return str(ILLEGAL_CHARACTERS_RE.sub("", text))


def _unmark(book: Any) -> None:
    """Take off what an earlier reply put in."""
    if layout.REPLY in book.sheetnames:
        del book[layout.REPLY]
    for sheet in book.worksheets:
        for cell in _cells(sheet):
            if cell.comment is not None and f"{_AUTHOR}:\n" in cell.comment.text:
                kept = cell.comment.text.partition(f"{_AUTHOR}:\n")[0].strip()
                cell.comment = Comment(kept, cell.comment.author) if kept else None
            if cell.fill.fill_type == "solid" and str(cell.fill.fgColor.rgb)[-6:] in COLOUR.values():
                cell.fill = PatternFill() if cell.protection.locked else PatternFill("solid", fgColor=INPUT.lstrip("#"))


def _neutralise(book: Any) -> None:
    """Turn foreign formulas into text, and drop links and names; rules that reach out of the workbook go as well."""
    book.defined_names.clear()
    for sheet in book.worksheets:
        for cell in _cells(sheet):
            cell.hyperlink = None
            if cell.data_type == "f" and not _own(cell.value):
                cell.value = _plain(str(getattr(cell.value, "text", None) or cell.value))
                cell.data_type, cell.quotePrefix = "s", True
        rules = sheet.data_validations.dataValidation
        outside = [rule for rule in rules if re.search(r"[\[|]", f"{rule.formula1}{rule.formula2}")]
        sheet.data_validations.dataValidation = [rule for rule in rules if rule not in outside]


def _own(formula: object) -> bool:
    """Whether a formula only compares and divides cells of its own sheet, as the template's do."""
    bare = _STRING.sub("", formula) if isinstance(formula, str) else ""
    return bool(_OWN_FORMULA.fullmatch(bare)) and set(re.findall(r"([A-Z]+)\(", bare)) <= _OWN_FUNCTIONS


def _cells(sheet: Any) -> Iterable[Any]:
    return (cell for row in sheet.iter_rows() for cell in row if not isinstance(cell, MergedCell))


def _timeless(content: bytes) -> bytes:
    """Take the clock out of a workbook, so that the same reply has the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for part in before.infolist():
            held = before.read(part)
            if part.filename == "docProps/core.xml":
                held = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2000-01-01T00:00:00Z", held)
            after.writestr(zipfile.ZipInfo(part.filename), held, zipfile.ZIP_DEFLATED)
    return out.getvalue()
