"""Cards as PDF: objects go to the template as JSON, so no text of a delivery is ever read as markup."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import typst

from integstat.report.data import ReportData
from integstat.report.view.cards import Card, card_parts, cards_of
from integstat.report.view.lookup import Lookup, build_lookup
from integstat.steps import writing
from integstat.texts import Texts

FILE_NAME, FOLDER = "cards.pdf", "cards"
_HEADINGS = (
    "page_two", "indicator", "finding", "relative_change", "change_against_peers", "standing", "level", "sign", "figures",
    "words", "doubts", "changes", "cannot", "partners", "questions", "notes", "nothing", "foot",
)  # fmt: skip
_STRANGE = re.compile("[^\u0020-\u052f\u1e00-\u22ff]")  # beyond what the fonts in the package hold between them
_UNKNOWN = "?"
_UNBROKEN = re.compile(r"(\S{40})(?=\S)")  # longer than any word

_START = [{"place": 0}, {"place": 0}]

Fit = list[dict[str, Any]]  # for each page of a card: size of the letters, entries, room between rows


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
    data give the same bytes. Letters that those fonts lack are written as a question mark. How large the letters of a page may
    be is found out once, when a city's own file is set; the common file takes it over.
    """
    look = build_lookup(data, Texts(language))
    cards = cards_of(look, card_parts(look))
    with _compiler() as compiler:
        shutil.rmtree(folder / FOLDER, ignore_errors=True)  # cities that are no longer in the ring
        fits, fit = [], _START
        for card in cards:
            fit = _fit(compiler, look, card, fit)
            fits.append(fit)
            _write(folder / FOLDER / f"{card.key}.pdf", _pdf(compiler, look, [card], [fit]))
        _write(folder / FILE_NAME, _pdf(compiler, look, cards, fits))


@contextmanager
def _compiler() -> Iterator[typst.Compiler]:
    template = resources.files("integstat.report.cards") / "card.typ"
    with resources.as_file(template) as path:
        yield typst.Compiler(str(path), root=str(path.parent), ignore_system_fonts=True)


def _write(path: Path, content: bytes) -> None:
    with writing(path) as part:
        part.write_bytes(content)


def _fit(compiler: typst.Compiler, look: Lookup, card: Card, near: Fit) -> Fit:
    """Find out how large the letters of a card may be; `near` tells where to look first and does not change the answer."""
    compiler.compile(format="pdf", sys_inputs=_given(look, [card], [near], fitting=True))
    found: Fit = json.loads(compiler.query("<fit>", field="value", one=True))[0]
    return found


def _pdf(compiler: typst.Compiler, look: Lookup, cards: Sequence[Card], fits: Sequence[Fit]) -> bytes:
    moment = int(datetime(_dated(look), 1, 1, tzinfo=UTC).timestamp())
    given = _given(look, cards, fits)
    pdf = compiler.compile(format="pdf", sys_inputs=given, pdf_standards=["ua-1", "a-2a"], timestamp=moment)
    assert isinstance(pdf, bytes)
    return pdf


def _given(look: Lookup, cards: Sequence[Card], fits: Sequence[Fit], *, fitting: bool = False) -> dict[str, str]:
    """What the template reads."""
    texts = look.texts
    longest = max(len(part) for card in cards for part in (card.rows, card.doubts, card.changes, card.cannot, card.partners))
    given = {
        "fitting": fitting,
        "lang": texts.language,
        "title": texts.t("cards.title", ring=look.data.ring_name),
        "year": _dated(look),
        "t": {key: texts.t(f"cards.{key}") for key in _HEADINGS},
        "more": [texts.t("cards.more", n=n) for n in range(longest + 1)],
        "cards": [dataclasses.asdict(card) | {"fit": fit} for card, fit in zip(cards, fits, strict=True)],
    }
    return {"data": json.dumps(_legible(given), ensure_ascii=False)}


def _dated(look: Lookup) -> int:
    return int(look.data.years[-1]) + 1


def _legible(value: object) -> object:
    """Replace letters no font holds, and let lines break in words without end, everywhere in the data."""
    if isinstance(value, str):
        return _UNBROKEN.sub("\\1\u200b", _STRANGE.sub(_UNKNOWN, value))
    if isinstance(value, dict):
        return {key: _legible(one) for key, one in value.items()}
    return [_legible(one) for one in value] if isinstance(value, (list, tuple)) else value
