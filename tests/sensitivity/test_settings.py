"""What a file of other choices may say, and what it is refused for, in one sentence with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.sensitivity.tiny import axis, settings

from integstat.change.settings import ChangeSettings, Priors
from integstat.errors import UsageError
from integstat.findings import FindingSettings
from integstat.peers.settings import PeerSettings
from integstat.sensitivity.settings import DECISIONS, MOST_AXES, load_multiverse, sort_of

ROOT = Path(__file__).parents[2]
PLAIN = """\
name_de = "Probe"

[definitions]
kind = "equivalent"

[[axis]]
id = "land"
name_de = "Land"
[[axis.alternative]]
id = "off"
name_de = "ohne"
kind = "equivalent"
set = { "change.land" = false }

[[axis]]
id = "step"
name_de = "Schwelle"
[[axis.alternative]]
id = "half"
name_de = "halb"
set = { "findings.rho_times" = 0.5 }

[[exclude]]
where = { land = "off", step = "half" }
reason_de = "nicht zusammen"
"""
LAND, STEP = 'set = { "change.land" = false }', 'set = { "findings.rho_times" = 0.5 }'


def written(folder: Path, text: str) -> Path:
    path = folder / "multiverse.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults(tmp_path: Path) -> None:
    found = load_multiverse(written(tmp_path, PLAIN))
    assert (found.design, found.definitions.vary, found.definitions.main_weight) == ("full", True, 1.0)
    assert [one.sort for one in found.axis] == ["model", "question"]
    assert found.axis[0].main_weight == found.axis[0].alternative[0].weight == 1.0


@pytest.mark.parametrize("name", [path.stem for path in sorted((ROOT / "configs" / "multiverse").glob("*.toml"))])
def test_the_shipped_files_load(name: str) -> None:
    found = load_multiverse(ROOT / "configs" / "multiverse" / f"{name}.toml")
    assert {one.sort for one in found.axis} == {"model", "question", "decision"}


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ('name_de = "Probe"', 'name_de = "Probe"\ncolour = "red"', 2, "unbekannter Schlüssel 'colour'"),
        ('kind = "equivalent"\n\n', 'kind = "equivalent"\nweigth = 2.0\n\n', 5, "unbekannter Schlüssel 'weigth'"),
        ('id = "land"', 'id = "land"\nsort = "model"', 8, "unbekannter Schlüssel 'sort'"),
        ('id = "off"', 'id = "off"\nset_ = 1', 11, "unbekannter Schlüssel 'set_'"),
        ('id = "off"', 'id = "Off"', 10, "erlaubt ist nur das Muster"),
        ('id = "land"', 'id = "definition"', 6, "der Name ist vergeben"),
        ('kind = "equivalent"\nset', "set", 6, "fehlt 'kind'"),
        (STEP, f'kind = "equivalent"\n{STEP}', 15, "ohne 'kind' und 'weight'"),
        (STEP, f"weight = 2.0\n{STEP}", 15, "ohne 'kind' und 'weight'"),
        (LAND, 'set = { "change.land" = false, "findings.caps" = false }', 6, "vermischt Modell, Frage und Entscheidung"),
        (STEP, 'set = { "findings.rho_times" = 0.5, "findings.q" = 0.2 }', 15, "vermischt Modell, Frage und Entscheidung"),
        (LAND, 'set = { "change.draws" = 500 }', 6, "kann 'change.draws' nicht verändern"),
        (LAND, 'set = { "peers.feature" = [] }', 6, "kann 'peers.feature' nicht verändern"),
        (LAND, 'set = { "ring.years" = [2020] }', 6, "kann 'ring.years' nicht verändern"),
        (LAND, "set = {}", 13, "nötig ist ein Eintrag oder mehr"),
        (STEP, STEP.replace("rho_times", "caps") + '\n[[axis]]\nid = "b"\nname_de = "B"\n[[axis.alternative]]\nid = "x"\n'
         'name_de = "X"\nset = { "findings.caps" = false }', None, "'findings.caps' steht auf zwei Achsen: 'step' und 'b'"),
        ('id = "step"', 'id = "land"', None, "zwei Achsen heißen gleich"),
        ('id = "half"', 'id = "main"', 15, "steht die Alternative 'main' doppelt"),
        ('land = "off"', 'land = "on"', None, "nennt 'land = on', das gibt es nicht"),
        ('land = "off"', 'sea = "off"', None, "nennt 'sea = off', das gibt es nicht"),
        ('where = { land = "off", step = "half" }', 'where = { land = "main" }', None, "schließt den Rechenweg des Rings"),
        ('name_de = "Land"', 'name_de = "Land"\nleave_out_each = true', 6, "entweder Alternativen oder 'leave_out_each = true'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(tmp_path: Path, old: str, new: str, line: int | None, what: str) -> None:
    assert PLAIN.count(old) >= 1
    path = written(tmp_path, PLAIN.replace(old, new, 1))
    with pytest.raises(UsageError) as caught:
        load_multiverse(path)
    assert what in caught.value.sentence()
    assert caught.value.place == (f"{path}, Zeile {line}" if line else str(path))


def test_without_alternatives_there_is_no_axis() -> None:
    with pytest.raises(ValidationError, match="entweder Alternativen oder"):
        settings(axis("nothing"))
    assert settings(axis("left_out", leave_out_each=True)).axis[0].sort == "model"


def test_there_is_a_limit_to_the_axes() -> None:
    paths = [f"change.priors.{name}" for name in Priors.model_fields if not name.endswith("_source")]
    some = [axis(f"axis{i}", {path: 0.4}) for i, path in enumerate(paths[: MOST_AXES + 1])]
    assert len(settings(*some[:MOST_AXES]).axis) == MOST_AXES
    with pytest.raises(ValidationError, match="at most"):
        settings(*some)


@pytest.mark.parametrize(
    ("path", "sort"),
    [
        ("change.peers", "model"),
        ("change.priors.sd_change_median", "model"),
        ("change.overlap", "model"),
        ("peers.k", "model"),
        ("peers.notion", "model"),
        ("peers.without", "model"),
        ("ring.leave_out", "model"),
        ("findings.headline", "question"),
        ("findings.rho_times", "question"),
        ("findings.gap_scale", "question"),
        ("findings.caps", "question"),
        ("findings.q", "decision"),
        ("findings.rule", "decision"),
        ("change.priors.lasting_source", None),
        ("change.history", None),
        ("change.draws", None),
        ("findings.interval", None),
        ("peers.feature", None),
        ("peers.", None),
        ("ring.main", None),
        ("seed", None),
        ("", None),
    ],
)
def test_every_path_has_one_sort(path: str, sort: str | None) -> None:
    assert sort_of(path) == sort


def test_every_path_that_may_vary_exists() -> None:
    fields = {"findings": FindingSettings, "change": ChangeSettings, "peers": PeerSettings, "change.priors": Priors}
    known = {f"{section}.{name}" for section, model in fields.items() for name in model.model_fields}
    varying = {path for path in known if sort_of(path)}
    assert {f"findings.{name}" for name in DECISIONS} < varying
    assert len([path for path in varying if path.startswith("findings.")]) == 12  # eight questions, four decisions
    assert "change.history" not in varying and "change.draws" not in varying
