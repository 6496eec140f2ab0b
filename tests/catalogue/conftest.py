"""A small catalogue of its own to break, and the one that is shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from integstat.catalogue import Catalogue, load_catalogue

WORK = """\
[field]
id = "work"
name_de = "Arbeit"
name_en = "Work"

[[indicator]]
id = "U1"
field = "work"
name_de = "Arbeitslosigkeit"
name_en = "Unemployment"
unit = "percent"
polarity = "-"
kind = "mean_of_months"
target_de = "Ausländerinnen und Ausländer"
reference_de = "Deutsche"
stock = true
overlap = 0.5
composition_risk = true
composition_note_de = "Eingebürgerte verlassen die Gruppe."
confidence = "h"
main_definition = "share"

[[indicator.definition]]
id = "share"
name_de = "Anteil"
name_en = "Share"
numerator = "unemployed"
denominator = "residents"
group_concept = "nationality"
age_from = 15
age_below = 65
reference_date = "annual_mean"
source = "ba"
denominator_source = "melderegister"

[[indicator.definition]]
id = "survey"
name_de = "Umfrage"
name_en = "Survey"
numerator = "unemployed"
denominator = "residents"
group_concept = "migration_background"
reference_date = "survey"
source = "mikrozensus"
kind = "survey"
target_de = "Personen mit Migrationshintergrund"
reference_de = "Personen ohne Migrationshintergrund"

[[indicator]]
id = "U2"
field = "work"
name_de = "Meldungen"
name_en = "Reports"
unit = "per_1000"
polarity = "none"
kind = "rate"
finding_allowed = false
confidence = "l"
main_definition = "cases"

[[indicator.definition]]
id = "cases"
name_de = "Fälle"
name_en = "Cases"
numerator = "unemployed"
denominator = "residents"
group_concept = "none"
reference_date = "year"
source = "local"
may_exceed_one = true
"""

HEALTH = """\
[field]
id = "health"
name_de = "Gesundheit"
name_en = "Health"

[[indicator]]
id = "H1"
field = "health"
name_de = "Vorsorge"
name_en = "Check"
unit = "percent"
polarity = "+"
kind = "share"
confidence = "m"
main_definition = "booklet"

[[indicator.definition]]
id = "booklet"
name_de = "mit Heft"
name_en = "With booklet"
numerator = "checked"
denominator = "children"
group_concept = "none"
reference_date = "school_entry"
source = "seu"
"""

COUNTS = "\n".join(
    f'[[count]]\nid = "{one}"\nname_de = "{one}"\nname_en = "{one}"\n'
    for one in ("unemployed", "residents", "checked", "children")
)

BREAKS = """\
[[break]]
id = "one_land"
laender = ["03"]
definitions = ["U1.share", "H1"]
years = [2020]
effect = "cap"
reason_de = "Grund"
reason_en = "Reason"
source = "Quelle"

[[break]]
id = "sample"
sources = ["mikrozensus"]
since = 2020
effect = "cap"
reason_de = "Grund"
reason_en = "Reason"
source = "Quelle"

[[break]]
id = "everywhere"
indicator = "U2"
years = [2021]
effect = "note"
reason_de = "Grund"
reason_en = "Reason"
source = "Quelle"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a small sound catalogue."""
    (tmp_path / "fields").mkdir()
    for name, text in (("fields/1_work", WORK), ("fields/2_health", HEALTH), ("counts", COUNTS), ("breaks", BREAKS)):
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture(scope="session")
def shipped() -> Catalogue:
    """Return the catalogue that comes with the package."""
    return load_catalogue()
