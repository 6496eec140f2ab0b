"""A small catalogue and a sound workbook, and ways to damage it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl

from integstat.catalogue.schema import DefinitionEntry, IndicatorEntry
from integstat.errors import UsageError
from integstat.intake.workbook import WorkbookDelivery, read_workbook
from integstat.intake.workbook_writer import Count, CountKey, workbook_bytes

CITY, NAME = "03241001", "Musterstadt"
YEARS = (2020, 2021)


def _definition(identifier: str, name: str, numerator: str, denominator: str, **more: Any) -> DefinitionEntry:
    return DefinitionEntry(
        id=identifier,
        name_de=name,
        name_en=name,
        numerator=numerator,
        denominator=denominator,
        group_concept="nationality",
        reference_date="31-12",
        source="ba",
        **more,
    )


WORK = IndicatorEntry(
    id="A1",
    field="work",
    name_de="Beschäftigungsquote",
    name_en="Employment",
    unit="percent",
    polarity="+",
    kind="share",
    target_de="Ausländer",
    reference_de="Deutsche",
    confidence="h",
    main_definition="main",
    definition=(
        _definition("main", "Beschäftigte je 100 Personen", "employed", "residents"),
        _definition("monthly", "Beschäftigte im Jahresmittel", "employed_mean", "residents", kind="mean_of_months"),
    ),
)
LEGAL = IndicatorEntry(
    id="R1",
    field="legal",
    name_de="Einbürgerungsquote",
    name_en="Naturalisation",
    unit="per_1000",
    polarity="+",
    kind="rate",
    target_de="Ausländer",
    confidence="h",
    main_definition="eight",
    definition=(_definition("eight", "ab acht Jahren Aufenthalt", "naturalised", "foreigners", denominator_lag=1),),
)
ENTRIES = [(WORK, WORK.definition[0]), (WORK, WORK.definition[1]), (LEGAL, LEGAL.definition[0])]
FIELDS = {"legal": "Rechtliche Integration", "work": "Arbeit"}
COUNT_NAMES = {
    "employed": "Beschäftigte am Wohnort",
    "employed_mean": "Beschäftigte, Mittel der Monate",
    "residents": "Bevölkerung von 15 bis unter 65 Jahren",
    "naturalised": "Einbürgerungen",
    "foreigners": "Ausländer mit acht und mehr Jahren Aufenthalt",
}
FEATURES = {"pop": "Einwohnerinnen und Einwohner", "share_65plus": "Anteil ab 65 Jahren in Prozent"}
CONTEXT = {"pop": 123456.0, "share_65plus": 21.7}

# Blatt 'Arbeit': A1.main in rows 5 to 8, A1.monthly in rows 9 to 12; 'Rechtliche Integration': R1.eight in rows 5 and 6.
# Column I holds 2020, J 2021, K and L the rates, M what was delivered last, N a hint, O what exactly to count, P an example,
# Q how exact the figures are, R another definition, S the remarks.
COUNTS: dict[CountKey, Count] = {
    ("A1.main", "target", 2020, "numerator"): 5121.0,
    ("A1.main", "target", 2021, "numerator"): 5408.0,
    ("A1.main", "target", 2020, "denominator"): 9876.0,
    ("A1.main", "target", 2021, "denominator"): 10012.0,
    ("A1.main", "reference", 2020, "numerator"): 41234.0,
    ("A1.main", "reference", 2021, "numerator"): 41518.0,
    ("A1.main", "reference", 2020, "denominator"): 64001.0,
    ("A1.main", "reference", 2021, "denominator"): 63900.0,
    ("A1.monthly", "target", 2020, "numerator"): 5100.25,
    ("A1.monthly", "target", 2021, "numerator"): 5390.5,
    ("A1.monthly", "target", 2020, "denominator"): 9876.0,
    ("A1.monthly", "target", 2021, "denominator"): 10012.0,
    ("A1.monthly", "reference", 2020, "numerator"): 41200.0,
    ("A1.monthly", "reference", 2021, "numerator"): "/",
    ("A1.monthly", "reference", 2020, "denominator"): 64001.0,
    ("A1.monthly", "reference", 2021, "denominator"): 63900.0,
    ("R1.eight", "target", 2020, "numerator"): "-",
    ("R1.eight", "target", 2021, "numerator"): "<3",
    ("R1.eight", "target", 2020, "denominator"): 6040.0,
    ("R1.eight", "target", 2021, "denominator"): 6322.0,
}


class SmallCatalogue:
    """Knows the definitions above and refuses others as the shipped catalogue does."""

    def definition(self, definition_id: str) -> tuple[IndicatorEntry, DefinitionEntry]:
        for indicator, definition in ENTRIES:
            if definition_id == f"{indicator.id}.{definition.id}":
                return indicator, definition
        raise UsageError(f"die Definition '{definition_id}' gibt es nicht")


def arguments(**other: Any) -> dict[str, Any]:
    """Arguments of the writer for the sound workbook, some of them replaced."""
    return {
        "ring_name": "Proberunde",
        "city": CITY,
        "city_name": NAME,
        "years": YEARS,
        "catalogue_entries": ENTRIES,
        "field_names": FIELDS,
        "count_names": COUNT_NAMES,
        "counts": COUNTS,
        "context": CONTEXT,
        "context_names": FEATURES,
    } | other


GOOD = workbook_bytes(**arguments())


def damaged(change: Callable[[Any], object], content: bytes = GOOD) -> bytes:
    """Open a workbook, change it, and return its bytes."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    change(book)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def read(content: bytes) -> WorkbookDelivery:
    """Read bytes as the file 'stadt.xlsx'."""
    return read_workbook(Path("eingang/stadt.xlsx"), content, SmallCatalogue())


def figures(delivery: WorkbookDelivery) -> dict[CountKey, tuple[float, str]]:
    """Value and code by definition, group, year and part."""
    return {
        (row.definition, row.group, int(row.year), row.part): (float(row.value), str(row.code))
        for row in delivery.rows.itertuples()
    }
