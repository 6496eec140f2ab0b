"""A small ring of three cities, whose files and config a test may damage."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from integstat.catalogue.load import Catalogue
from integstat.catalogue.schema import DefinitionEntry, IndicatorEntry
from integstat.intake.problems import Problem
from integstat.intake.settings import IntakeSettings
from integstat.intake.take_in import Delivery, take_in
from integstat.tomlfile import load_model

COUNTS = """\
ags,city,year,group,y,n
01002,Kiel,2020,foreigners,301,1210
01002,Kiel,2020,germans,411,9111
01002,Kiel,2021,foreigners,322,1224
01002,Kiel,2021,germans,402,9093
02000,Hamburg,2020,foreigners,3013,12113
02000,Hamburg,2020,germans,4117,91112
02000,Hamburg,2021,foreigners,3224,12241
02000,Hamburg,2021,germans,4021,90934
03101,Braunschweig,2020,foreigners,207,902
03101,Braunschweig,2020,germans,316,8117
03101,Braunschweig,2021,foreigners,214,931
03101,Braunschweig,2021,germans,309,8122
"""

CONFIG = """\
[ring]
id = "small"
name = "Kleiner Ring"
years = [2020, 2021]
data = "data"
main = { T1 = "all" }

[ring.cities]
source = "counts"

[[source]]
id = "counts"
reader = "tidy"
file = "counts.csv"
year = "year"
region = { column = "ags", name = "city" }

[[series]]
id = "y_foreigners"
source = "counts"
where = { group = "foreigners" }
value = "y"

[[series]]
id = "n_foreigners"
source = "counts"
where = { group = "foreigners" }
value = "n"

[[series]]
id = "y_germans"
source = "counts"
where = { group = "germans" }
value = "y"

[[series]]
id = "n_germans"
source = "counts"
where = { group = "germans" }
value = "n"

[[delivery]]
definition = "T1.all"
group = "target"
numerator = "y_foreigners"
denominator = "n_foreigners"

[[delivery]]
definition = "T1.all"
group = "reference"
numerator = "y_germans"
denominator = "n_germans"
"""


@dataclass
class Ring:
    """Files and config of a ring in a temporary folder."""

    folder: Path
    catalogue: Catalogue
    files: dict[str, str | bytes] = field(default_factory=lambda: {"counts.csv": COUNTS})
    config: str = CONFIG

    def edit(self, old: str, new: str, file: str = "counts.csv") -> Ring:
        """Replace a piece of a file that must be there."""
        text = self.files[file]
        assert isinstance(text, str)
        assert old in text, f"{old!r} does not occur in {file}"
        self.files[file] = text.replace(old, new)
        return self

    def configure(self, old: str, new: str) -> Ring:
        """Replace a piece of the config that must be there."""
        assert old in self.config, f"{old!r} does not occur in the config"
        self.config = self.config.replace(old, new)
        return self

    def write(self) -> Path:
        """Write everything; return the path of the config."""
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        for name, content in self.files.items():
            path = data / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path = self.folder / "ring.toml"
        path.write_text(self.config, encoding="utf-8")
        return path

    def settings(self) -> IntakeSettings:
        """Write everything and read the config."""
        return load_model(self.write(), IntakeSettings)

    def take_in(self) -> Delivery:
        """Write everything and take it in."""
        path = self.write()
        return take_in(load_model(path, IntakeSettings), path, self.catalogue)

    def problems(self, severity: str | None = None) -> list[Problem]:
        """What the intake finds, of one severity or of all."""
        return [problem for problem in self.take_in().problems if severity in (None, problem.severity)]


def definition(name: str, **changes: object) -> DefinitionEntry:
    """A definition about which nothing is special."""
    usual: dict[str, object] = {
        "id": name,
        "name_de": name,
        "name_en": name,
        "numerator": "a",
        "denominator": "b",
        "group_concept": "nationality",
        "reference_date": "31-12",
        "source": "local",
    }
    return DefinitionEntry.model_validate(usual | changes)


def indicator(name: str, kind: str, definitions: tuple[DefinitionEntry, ...], reference: str = "Deutsche") -> IndicatorEntry:
    """An indicator with the definitions given, the first one main."""
    return IndicatorEntry.model_validate(
        {
            "id": name,
            "field": "test",
            "name_de": name,
            "name_en": name,
            "unit": "percent",
            "polarity": "-",
            "kind": kind,
            "target_de": "Ausländer",
            "reference_de": reference,
            "confidence": "h",
            "main_definition": definitions[0].id,
            "definition": definitions,
        }
    )
