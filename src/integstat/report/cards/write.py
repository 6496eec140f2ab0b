"""Cards as PDF: objects go to the template as JSON, so no text of a delivery is ever read as markup."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import typst

from integstat.report.cards.card import Card, cards_of
from integstat.report.data import ReportData
from integstat.report.view.lookup import Lookup, build_lookup
from integstat.steps import writing
from integstat.texts import Texts

FILE_NAME, FOLDER = "cards.pdf", "cards"
_HEADINGS = (
    "page_two", "indicator", "finding", "change", "standing", "level", "reading", "words", "doubts", "changes",
    "cannot", "partners", "questions", "nothing", "foot",
)  # fmt: skip
_LETTERS = ((0x20, 0x052F), (0x1E00, 0x22FF))  # what the fonts in the package hold between them
_UNKNOWN = "?"


def write_cards(data: ReportData, folder: Path, language: str = "de") -> None:
    """Write `cards.pdf` with all cities and `cards/<AGS>.pdf` for each.

    Parameters
    ----------
    data : ReportData
    folder : Path
        What stood in its `cards/` is removed.
    language : str

    Raises
    ------
    ReportError
        If there is nothing to report on.
    UsageError
        If there are no texts in the language.

    Notes
    -----
    The files keep to PDF/UA-1 and PDF/A-2a, use only fonts that come with the typesetter, and are dated by the data: the same
    data give the same bytes. Letters that those fonts lack are written as a question mark.
    """
    look = build_lookup(data, Texts(language))
    cards = cards_of(look)
    template = resources.files("integstat.report.cards") / "card.typ"
    with resources.as_file(template) as path:
        compiler = typst.Compiler(str(path), root=str(path.parent), ignore_system_fonts=True)
        shutil.rmtree(folder / FOLDER, ignore_errors=True)  # cities that are no longer in the ring
        for card in cards:
            _write(folder / FOLDER / f"{card.key}.pdf", _pdf(compiler, look, [card]))
        _write(folder / FILE_NAME, _pdf(compiler, look, cards))


def _write(path: Path, content: bytes) -> None:
    with writing(path) as part:
        part.write_bytes(content)


def _pdf(compiler: typst.Compiler, look: Lookup, cards: Sequence[Card]) -> bytes:
    texts, year = look.texts, int(look.data.years[-1]) + 1
    interval = texts.percent(look.data.settings.interval)
    given = {
        "lang": texts.language,
        "title": texts.t("cards.title", ring=look.data.ring_name),
        "year": year,
        "two_years": look.two_years,
        "t": {key: texts.t(f"cards.{key}", interval=interval) for key in _HEADINGS},
        "cards": [dataclasses.asdict(card) for card in cards],
    }
    written = json.dumps(_legible(given), ensure_ascii=False)
    moment = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    pdf = compiler.compile(format="pdf", sys_inputs={"data": written}, pdf_standards=["ua-1", "a-2a"], timestamp=moment)
    assert isinstance(pdf, bytes)
    return pdf


def _legible(value: object) -> object:
    """Replace letters no font holds, everywhere in the data."""
    if isinstance(value, str):
        return "".join(one if any(low <= ord(one) <= high for low, high in _LETTERS) else _UNKNOWN for one in value)
    if isinstance(value, dict):
        return {key: _legible(one) for key, one in value.items()}
    return [_legible(one) for one in value] if isinstance(value, (list, tuple)) else value
