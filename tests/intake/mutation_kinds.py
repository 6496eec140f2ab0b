"""Kinds of damage to a sound delivery, each drawn from a source of chance."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import openpyxl

from integstat.intake import workbook_layout as layout

from .mutations import Files, Mutation

# --- damage to a workbook


class Book:
    """A workbook opened, with its counts at hand."""

    def __init__(self, content: bytes) -> None:
        self.book = openpyxl.load_workbook(io.BytesIO(content))
        self.rows: dict[tuple[str, str, str], tuple[Any, int]] = {}
        self.years: dict[str, list[int]] = {}
        for sheet in self.book.worksheets:
            anchors = [str(cell.value or "") for cell in sheet[layout.ANCHOR_ROW]]
            if not anchors[0].startswith(layout.FIELD_PREFIX):
                continue
            self.years[sheet.title] = [i + 1 for i, name in enumerate(anchors) if name.startswith(layout.YEAR_PREFIX)]
            for row in range(layout.FIRST_ROW, sheet.max_row + 1):
                key = tuple(str(sheet.cell(row, column).value or "") for column in (1, 2, 3))
                if key[0]:
                    self.rows[key[0], key[1], key[2]] = (sheet, row)

    def cell(self, definition: str, group: str, part: str, year: int) -> Any:
        sheet, row = self.rows[definition, group, part]
        return sheet.cell(row, self.years[sheet.title][year])

    def pair(self, definition: str, group: str, year: int) -> tuple[Any, Any]:
        """Numerator's and denominator's cell."""
        return self.cell(definition, group, "numerator", year), self.cell(definition, group, "denominator", year)

    def any(self, rng: np.random.Generator, *, groups: int = 1) -> tuple[str, str]:
        """A definition (with as many groups) and one of its groups."""
        known = sorted({(definition, group) for definition, group, _ in self.rows})
        if groups == 2:
            known = [one for one in known if (one[0], "reference") in known]
        return known[int(rng.integers(len(known)))]

    def save(self) -> bytes:
        buffer = io.BytesIO()
        self.book.save(buffer)
        return buffer.getvalue()


def _one(files: Files, rng: np.random.Generator) -> str:
    names = sorted(files)
    return names[int(rng.integers(len(names)))]


def in_book(change: Callable[[Book, np.random.Generator], object]) -> Callable[[Files, np.random.Generator], None]:
    """Change one city's workbook."""

    def damage(files: Files, rng: np.random.Generator) -> None:
        name = _one(files, rng)
        book = Book(files[name])
        change(book, rng)
        files[name] = book.save()

    return damage


Change = Callable[[float, float], tuple[Any, Any]]


def counts(change: Change, years: tuple[int, ...] = (0, 1)) -> Callable[[Files, np.random.Generator], None]:
    """Change numerator and denominator of one definition and group, in these years (an empty tuple: in one by chance)."""

    def damage(book: Book, rng: np.random.Generator) -> None:
        definition, group = book.any(rng)
        for year in years or (int(rng.integers(2)),):
            y, n = book.pair(definition, group, year)
            y.value, n.value = change(y.value, n.value)

    return in_book(damage)


def cell(change: Callable[[float], Any], number_format: str = "") -> Callable[[Files, np.random.Generator], None]:
    """Change one figure; of numerator or denominator, by chance."""

    def damage(book: Book, rng: np.random.Generator) -> None:
        definition, group = book.any(rng)
        one = book.pair(definition, group, int(rng.integers(2)))[int(rng.integers(2))]
        one.value = change(one.value)
        if number_format:
            one.number_format = number_format

    return in_book(damage)


def numerator(change: Callable[[float], Any]) -> Callable[[Files, np.random.Generator], None]:
    """Change the numerator of one year."""
    return counts(lambda y, n: (change(y), n), ())


def _whole(value: float) -> int:
    return round(value)


def _swap(one: Any, other: Any) -> None:
    one.value, other.value = other.value, one.value


def swap_years(book: Book, rng: np.random.Generator, parts: tuple[int, ...] = (0, 1)) -> None:
    definition, group = book.any(rng)
    first, last = book.pair(definition, group, 0), book.pair(definition, group, 1)
    for part in parts:
        _swap(first[part], last[part])


def swap_groups(book: Book, rng: np.random.Generator, years: tuple[int, ...] = (0, 1)) -> None:
    definition, _ = book.any(rng, groups=2)
    for year in years:
        for one, other in zip(book.pair(definition, "target", year), book.pair(definition, "reference", year), strict=True):
            _swap(one, other)


def swap_definitions(book: Book, rng: np.random.Generator) -> None:
    definitions = sorted({definition for definition, _, _ in book.rows})
    first, second = (str(one) for one in rng.choice(definitions, 2, replace=False))
    for year in (0, 1):
        for one, other in zip(book.pair(first, "target", year), book.pair(second, "target", year), strict=True):
            _swap(one, other)


def copy_year(book: Book, rng: np.random.Generator, everything: bool = True) -> None:
    chosen, _ = book.any(rng)
    for definition, group, part in book.rows:
        if everything or definition == chosen:
            book.cell(definition, group, part, 1).value = book.cell(definition, group, part, 0).value


def merge(book: Book, rng: np.random.Generator) -> None:
    definition, group = book.any(rng)
    sheet, row = book.rows[definition, group, "numerator"]
    first = book.years[sheet.title][0]
    sheet.merge_cells(start_row=row, end_row=row, start_column=first, end_column=first + 1)


def delete_row(book: Book, rng: np.random.Generator) -> None:
    definition, group = book.any(rng)
    sheet, row = book.rows[definition, group, "denominator"]
    sheet.delete_rows(row)


def double_row(book: Book, rng: np.random.Generator) -> None:
    definition, group = book.any(rng)
    sheet, row = book.rows[definition, group, "numerator"]
    last = sheet.max_row + 1
    for column in range(1, sheet.max_column + 1):
        sheet.cell(last, column).value = sheet.cell(row, column).value


def _sheet(book: Book, rng: np.random.Generator) -> Any:
    titles = sorted(book.years)
    return book.book[titles[int(rng.integers(len(titles)))]]


def delete_sheet(book: Book, rng: np.random.Generator) -> None:
    book.book.remove(_sheet(book, rng))


def empty_sheet(book: Book, rng: np.random.Generator) -> None:
    sheet = _sheet(book, rng)
    sheet.delete_rows(1, sheet.max_row)


def blank_figures(book: Book, rng: np.random.Generator) -> None:
    sheet = _sheet(book, rng)
    for row in range(layout.FIRST_ROW, sheet.max_row + 1):
        for column in book.years[sheet.title]:
            sheet.cell(row, column).value = None


def copy_sheet(book: Book, rng: np.random.Generator) -> None:
    book.book.copy_worksheet(_sheet(book, rng))


def rename_sheet(book: Book, rng: np.random.Generator) -> None:
    _sheet(book, rng).title = "Tabelle1"


def swap_headings(book: Book, rng: np.random.Generator) -> None:
    sheet = _sheet(book, rng)
    first, second = book.years[sheet.title]
    _swap(sheet.cell(layout.HEADER_ROW, first), sheet.cell(layout.HEADER_ROW, second))


def swap_labels(book: Book, rng: np.random.Generator) -> None:
    """Sort what is seen without what is hidden."""
    definition, group = book.any(rng)
    (sheet, one), (_, other) = (book.rows[definition, group, part] for part in ("numerator", "denominator"))
    for column in range(layout.INDICATOR_DE, book.years[sheet.title][-1] + 1):
        _swap(sheet.cell(one, column), sheet.cell(other, column))


def damage_anchor(book: Book, rng: np.random.Generator) -> None:
    definition, group = book.any(rng)
    sheet, row = book.rows[definition, group, "numerator"]
    sheet.cell(row, 1).value = f"{definition}x"


def hide_row(book: Book, rng: np.random.Generator) -> None:
    definition, group = book.any(rng)
    sheet, row = book.rows[definition, group, "numerator"]
    sheet.row_dimensions[row].hidden = True


def set_key(key: str | int | None) -> Callable[[Book, np.random.Generator], None]:
    def change(book: Book, rng: np.random.Generator) -> None:
        sheet = book.book[layout.GUIDE]
        for row in range(1, sheet.max_row + 1):
            if sheet.cell(row, 1).value == layout.GUIDE_CITY:
                sheet.cell(row, layout.GUIDE_VALUE_COLUMN).value = key

    return change


def other_city(files: Files, rng: np.random.Generator) -> None:
    """A city sends its neighbour's file."""
    names = sorted(files)
    one, other = (str(name) for name in rng.choice(names, 2, replace=False))
    files[one] = files[other]


def other_figures(files: Files, rng: np.random.Generator) -> None:
    """A city fills in its neighbour's figures."""
    names = sorted(files)
    one, other = (str(name) for name in rng.choice(names, 2, replace=False))
    mine, theirs = Book(files[one]), Book(files[other])
    for key in mine.rows:
        for year in (0, 1):
            mine.cell(*key, year).value = theirs.cell(*key, year).value
    files[one] = mine.save()


def exchanged_figures(files: Files, rng: np.random.Generator) -> None:
    """Two cities have one definition's figures exchanged."""
    names = sorted(files)
    one, other = (str(name) for name in rng.choice(names, 2, replace=False))
    mine, theirs = Book(files[one]), Book(files[other])
    definition, group = mine.any(rng)
    for year in (0, 1):
        for a, b in zip(mine.pair(definition, group, year), theirs.pair(definition, group, year), strict=True):
            _swap(a, b)
    files[one], files[other] = mine.save(), theirs.save()


def in_bytes(change: Callable[[bytes, np.random.Generator], bytes]) -> Callable[[Files, np.random.Generator], None]:
    """Change the bytes of one file."""

    def damage(files: Files, rng: np.random.Generator) -> None:
        name = _one(files, rng)
        files[name] = change(files[name], rng)

    return damage


def flip(content: bytes, rng: np.random.Generator) -> bytes:
    """Forty bytes in the middle of the file overwritten."""
    at = int(rng.integers(len(content) // 4, 3 * len(content) // 4))
    return content[:at] + rng.bytes(40) + content[at + 40 :]


def twice(files: Files, rng: np.random.Generator) -> None:
    name = _one(files, rng)
    files[name.replace(".xlsx", "_neu.xlsx")] = files[name]


def away(files: Files, rng: np.random.Generator) -> None:
    del files[_one(files, rng)]


# --- damage to a table

TABLE = "data/counts.csv"


def in_text(change: Callable[[list[str], np.random.Generator], list[str]]) -> Callable[[Files, np.random.Generator], None]:
    """Change the lines of the table; the first is the header."""

    def damage(files: Files, rng: np.random.Generator) -> None:
        lines = files[TABLE].decode().splitlines()
        files[TABLE] = ("\n".join([lines[0], *change(lines[1:], rng)]) + "\n").encode()

    return damage


def in_line(change: Callable[[list[str]], list[str]]) -> Callable[[Files, np.random.Generator], None]:
    """Change the fields of one line: ags, city, definition, group, year, y, n."""

    def damage(lines: list[str], rng: np.random.Generator) -> list[str]:
        at = int(rng.integers(len(lines)))
        return [*lines[:at], ",".join(change(lines[at].split(","))), *lines[at + 1 :]]

    return in_text(damage)


def of_city(change: Callable[[list[str]], list[str]]) -> Callable[[Files, np.random.Generator], None]:
    """Change the fields of all lines of one city."""

    def damage(lines: list[str], rng: np.random.Generator) -> list[str]:
        keys = sorted({line.split(",")[0] for line in lines})
        key = keys[int(rng.integers(len(keys)))]
        return [",".join(change(line.split(","))) if line.startswith(f"{key},") else line for line in lines]

    return in_text(damage)


def slipped(lines: list[str], rng: np.random.Generator) -> list[str]:
    """The column of keys slips by one row."""
    at = int(rng.integers(len(lines) // 2))
    keys = [line.split(",", 1)[0] for line in lines]
    shifted = [*keys[:at], keys[-1], *keys[at:-1]]
    return [f"{key},{line.split(',', 1)[1]}" for key, line in zip(shifted, lines, strict=True)]


def a_line(lines: list[str], rng: np.random.Generator) -> str:
    return lines[int(rng.integers(len(lines)))]


def nested(lines: list[str], rng: np.random.Generator) -> list[str]:
    """A part of a city delivered beside it."""
    key = a_line(lines, rng)[:5]
    return [*lines, *(line.replace(key, f"{key}001", 1) for line in lines if line.startswith(key))]


def of_bytes(change: Callable[[bytes], bytes]) -> Callable[[Files, np.random.Generator], None]:
    def damage(files: Files, rng: np.random.Generator) -> None:
        files[TABLE] = change(files[TABLE])

    return damage


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(len(content) // 2, len(content) - 2))]


def cut_at_line(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: content.rindex(b"\n", 0, int(rng.integers(len(content) // 2, len(content) - 2))) + 1]


# --- the kinds

_SENSE = "a figure that makes sense: nothing contradicts it, and the ring's cities differ by as much"
_HARMLESS = "no figure changes"
_SMALL = "small counts, or a city close to the limit: in a ring of eight cities little can be said to be out of line"
_TURNED = "a change turned round is as likely as the change itself; only last year's delivery can tell"
_LEFT = "the ring's cities are those whose workbooks came; the city is missing in every table of the report"


def _digits(value: float) -> str:
    return f"{value:.0f}"


def _transposed(value: float) -> int:
    text = _digits(value)
    at = next((i for i in range(len(text) - 1) if text[i] != text[i + 1]), 0)
    return int(text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :])


KINDS = (
    # figures of a workbook
    Mutation("numerator ten times, one year", "books", numerator(lambda y: y * 10), _SMALL),
    Mutation("numerator a tenth, one year", "books", numerator(lambda y: _whole(y / 10)), _SMALL),
    Mutation("denominator ten times, one year", "books", counts(lambda y, n: (y, n * 10), ())),
    Mutation("denominator a tenth, one year", "books", counts(lambda y, n: (y, _whole(n / 10)), ())),
    Mutation("numerator in tens, both years", "books", counts(lambda y, n: (_whole(y / 10), n)), _SMALL),
    Mutation("denominator in tens, both years", "books", counts(lambda y, n: (y, _whole(n / 10)))),
    Mutation("numerator in thousands, both years", "books", counts(lambda y, n: (_whole(y / 1000), n)), _SMALL),
    Mutation("denominator in thousands, both years", "books", counts(lambda y, n: (y, max(_whole(n / 1000), 1)))),
    Mutation("denominator a thousand times, both years", "books", counts(lambda y, n: (y, n * 1000))),
    Mutation("both in tens, both years", "books", counts(lambda y, n: (_whole(y / 10), _whole(n / 10))), _SENSE),
    Mutation("per cent for the count, one decimal", "books", counts(lambda y, n: (round(100 * y / n, 1), n))),
    Mutation("per cent for the count, whole", "books", counts(lambda y, n: (_whole(100 * y / n), n)), _SMALL),
    Mutation("per mille for the count, whole", "books", counts(lambda y, n: (_whole(1000 * y / n), n)), _SENSE),
    Mutation("per cent of one hundred", "books", counts(lambda y, n: (_whole(100 * y / n), 100)), _SMALL),
    Mutation("per mille of one thousand", "books", counts(lambda y, n: (_whole(1000 * y / n), 1000)), _SENSE),
    Mutation("numerator above denominator", "books", counts(lambda y, n: (n + 7, n), ())),
    Mutation("numerator and denominator exchanged", "books", counts(lambda y, n: (n, y), ())),
    Mutation("years exchanged", "books", in_book(swap_years), _TURNED),
    Mutation("years of the numerator exchanged", "books", in_book(lambda book, rng: swap_years(book, rng, (0,))), _TURNED),
    Mutation("years of the denominator exchanged", "books", in_book(lambda book, rng: swap_years(book, rng, (1,))), _SENSE),
    Mutation("groups exchanged", "books", in_book(swap_groups), _SMALL),
    Mutation("groups exchanged in one year", "books", in_book(lambda book, rng: swap_groups(book, rng, (1,))), _SENSE),
    Mutation("two definitions exchanged", "books", in_book(swap_definitions), _SENSE),
    Mutation("last year's figures, all", "books", in_book(copy_year)),
    Mutation("last year's figures, one definition", "books", in_book(lambda book, rng: copy_year(book, rng, False)), _SMALL),
    Mutation("another city's file", "books", other_city),
    Mutation("another city's figures", "books", other_figures),
    Mutation("figures of two cities exchanged", "books", exchanged_figures, _SENSE),
    Mutation("negative", "books", cell(lambda value: -value)),
    Mutation("half a person", "books", numerator(lambda y: y + 0.5), "annual means of months need not be whole; half a person"),
    Mutation("thousands point read as decimal", "books", cell(lambda value: value / 1000), "means of months need not be whole"),
    Mutation("last digit lost", "books", cell(lambda value: int(_digits(value)[:-1] or 0)), _SMALL),
    Mutation("last digit doubled", "books", cell(lambda value: int(_digits(value) + _digits(value)[-1])), _SMALL),
    Mutation("two digits exchanged", "books", cell(_transposed), _SENSE),
    Mutation("a fifth too many", "books", numerator(lambda y: _whole(y * 1.2)), _SENSE),
    Mutation("zero for the numerator", "books", numerator(lambda y: 0), _SMALL),
    Mutation("dash for the numerator", "books", numerator(lambda y: "-"), _SMALL),
    Mutation("zero for the denominator", "books", counts(lambda y, n: (y, 0), ())),
    Mutation("nought of nought", "books", counts(lambda y, n: (0, 0), ())),
    Mutation("enormous", "books", cell(lambda value: 1e12)),
    # cells of a workbook
    Mutation("number as text", "books", cell(_digits)),
    Mutation("number as text with thousands point", "books", cell(lambda value: f"{_digits(value + 1000)[:-3]}.123")),
    Mutation("number with a remark behind it", "books", cell(lambda value: f"{_digits(value)} (geschätzt)")),
    Mutation("about", "books", cell(lambda value: f"ca. {_digits(value)}")),
    Mutation("other digits", "books", cell(lambda value: _digits(value).translate({48 + i: 0xFF10 + i for i in range(10)}))),
    Mutation("no-break space within", "books", cell(lambda value: f"{_digits(value + 1000)[:-3]}\u00a0123")),
    Mutation("date", "books", cell(lambda value: datetime.date(2021, 3, 1))),
    Mutation("true", "books", cell(lambda value: True)),
    Mutation("formula", "books", cell(lambda value: f"={_digits(value)}+0")),
    Mutation("broken formula", "books", cell(lambda value: "#DIV/0!")),
    Mutation("per cent format", "books", cell(lambda value: 0.35, "0.0%")),
    Mutation("per cent sign", "books", cell(lambda value: "35 %")),
    Mutation("secret", "books", cell(lambda value: ".")),
    Mutation("unreliable", "books", cell(lambda value: "/")),
    Mutation("senseless", "books", cell(lambda value: "x")),
    Mutation("below three", "books", cell(lambda value: "<3")),
    Mutation("not delivered", "books", cell(lambda value: "…")),
    Mutation("unknown sign", "books", cell(lambda value: "?")),
    Mutation("left empty", "books", cell(lambda value: None)),
    Mutation("merged cells", "books", in_book(merge)),
    # rows, sheets and files
    Mutation("row deleted", "books", in_book(delete_row)),
    Mutation("row doubled", "books", in_book(double_row)),
    Mutation("row hidden", "books", in_book(hide_row)),
    Mutation("sorted without the hidden columns", "books", in_book(swap_labels)),
    Mutation("anchor damaged", "books", in_book(damage_anchor)),
    Mutation("headings exchanged", "books", in_book(swap_headings)),
    Mutation("sheet deleted", "books", in_book(delete_sheet)),
    Mutation("sheet emptied", "books", in_book(empty_sheet)),
    Mutation("figures of a sheet emptied", "books", in_book(blank_figures)),
    Mutation("sheet copied", "books", in_book(copy_sheet)),
    Mutation("sheet renamed", "books", in_book(rename_sheet)),
    Mutation("key of another city", "books", in_book(set_key("91077"))),
    Mutation("key of a part", "books", in_book(set_key("91001001"))),
    Mutation("key with a digit lost", "books", in_book(set_key(9100))),
    Mutation("key missing", "books", in_book(set_key(None))),
    Mutation("workbook cut off", "books", in_bytes(lambda content, rng: content[: int(rng.integers(10, len(content) - 30))])),
    Mutation("workbook empty", "books", in_bytes(lambda content, rng: b"")),
    Mutation("workbook damaged", "books", in_bytes(flip), "a part that is not read, or not a byte of it"),
    Mutation("CSV named .xlsx", "books", in_bytes(lambda content, rng: b"ags;y;n\n91001;1;2\n")),
    Mutation("web page named .xlsx", "books", in_bytes(lambda content, rng: b"<!DOCTYPE html><html></html>")),
    Mutation("city delivered twice", "books", twice),
    Mutation("workbook missing", "books", away, _LEFT),
    # a table
    Mutation("Latin-1 for UTF-8", "table", of_bytes(lambda content: content.decode().replace("r", "ß", 1).encode("latin-1"))),
    Mutation("UTF-16", "table", of_bytes(lambda content: content.decode().encode("utf-16"))),
    Mutation("byte order mark", "table", of_bytes(lambda content: b"\xef\xbb\xbf" + content), _HARMLESS),
    Mutation("line ends of Windows", "table", of_bytes(lambda content: content.replace(b"\n", b"\r\n")), _HARMLESS),
    Mutation("semicolons", "table", of_bytes(lambda content: content.replace(b",", b";"))),
    Mutation("null byte", "table", of_bytes(lambda content: content + b"\x00")),
    Mutation("cut off within a line", "table", in_bytes(cut), "where the cut hits the end of a line: see the next kind"),
    Mutation("cut off at a line's end", "table", in_bytes(cut_at_line)),
    Mutation("decimal comma", "table", in_line(lambda one: [*one[:5], f'"{one[5]},0"', one[6]])),
    Mutation("thousands comma", "table", in_line(lambda one: [*one[:6], f"{int(one[6]) // 1000},{int(one[6]) % 1000:03d}"])),
    Mutation("thousands point", "table", in_line(lambda one: [*one[:6], "12.345"])),
    Mutation("zero lost", "table", of_city(lambda one: [one[0].removeprefix("0"), *one[1:]])),
    Mutation("zeros lost everywhere", "table", in_text(lambda lines, rng: [line.removeprefix("0") for line in lines])),
    Mutation("keys slipped", "table", in_text(slipped)),
    Mutation("part beside its city", "table", in_text(nested), _HARMLESS),
    Mutation("line doubled", "table", in_text(lambda lines, rng: [*lines, a_line(lines, rng)])),
    Mutation("line missing", "table", in_text(lambda lines, rng: [line for line in lines if line != a_line(lines, rng)][1:])),
    Mutation("lines shuffled", "table", in_text(lambda lines, rng: [lines[i] for i in rng.permutation(len(lines))]), _HARMLESS),
    Mutation("city renamed", "table", in_line(lambda one: [one[0], "Neustadt", *one[2:]])),
    Mutation("year mistyped", "table", in_line(lambda one: [*one[:4], "2201", *one[5:]])),
    Mutation("year of another line", "table", in_line(lambda one: [*one[:4], str(4041 - int(one[4])), *one[5:]])),
    Mutation("year before", "table", in_line(lambda one: [*one[:4], "2019", *one[5:]])),
    Mutation("groups of a city exchanged", "table", of_city(lambda one: [*one[:3], _other_group(one), *one[4:]]), _SENSE),
    Mutation("group renamed", "table", in_line(lambda one: [*one[:3], "Zielgruppe", *one[4:]])),
    Mutation("columns y and n exchanged", "table", of_bytes(lambda content: content.replace(b"y,n", b"n,y", 1))),
    Mutation("column renamed", "table", of_bytes(lambda content: content.replace(b",y,", b",count,", 1))),
    Mutation("quotation mark open", "table", in_line(lambda one: [one[0], f'"{one[1]}', *one[2:]])),
    Mutation("text for a figure", "table", in_line(lambda one: [*one[:5], "viele", one[6]])),
    Mutation("other digits in a table", "table", in_line(lambda one: [*one[:5], "٣٤", one[6]])),
    Mutation("minus of typesetters", "table", in_line(lambda one: [*one[:5], f"−{one[5]}", one[6]])),
    Mutation("exponent", "table", in_line(lambda one: [*one[:5], "1e999", one[6]])),
    Mutation("city's figures in thousands", "table", of_city(lambda one: [*one[:6], str(max(int(one[6]) // 1000, 1))])),
)


def _other_group(one: list[str]) -> str:
    return "reference" if one[3] == "target" else "target"
