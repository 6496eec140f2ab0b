"""A ring's config as a whole: defaults, refusals with their line, and the digest of the rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from integstat.catalogue import Catalogue
from integstat.config import load_ring
from integstat.errors import UsageError

ROOT = Path(__file__).parents[1]

PLAIN = """\
[ring]
id = "r"
name = "Ring"
years = [2020, 2021]
data = "workbooks"
main = { E3 = "leavers" }

[ring.cities]
workbooks = true

[[source]]
id = "cities"
reader = "workbook"
file = "*.xlsx"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "ring.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults(tmp_path: Path) -> None:
    config, catalogue = load_ring(written(tmp_path, PLAIN))
    assert config.peers is None
    assert not config.fictional
    assert config.findings.q == 0.10
    assert config.change.priors.shift_sd >= 0.3
    assert "E3" in catalogue.indicators


@pytest.mark.parametrize("name", ["employment67", "lower_saxony"])
def test_the_shipped_rings_load(name: str) -> None:
    config, catalogue = load_ring(ROOT / "configs" / "rings" / f"{name}.toml")
    for indicator, definition in config.ring.main.items():
        assert catalogue.definition(f"{indicator}.{definition}")


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ('id = "r"', 'id = "r"\ncolour = "red"', 3, "colour"),
        ('name = "Ring"', "name = 5", 3, "ein Text in Anführungszeichen"),
        ("years = [2020, 2021]", 'years = [2020, "x"]', 4, "eine ganze Zahl"),
        ("workbooks = true", 'workbooks = true\n[change]\nengine = "stan"', 11, "stan"),
        ("workbooks = true", "workbooks = true\n[change.priors]\nshift_sd = 0.1", 11, "0.3"),
        ("workbooks = true", "workbooks = true\n[findings]\nq = 2", 11, "q"),
        ("workbooks = true", "workbooks = ", 9, ""),
    ],
)
def test_a_wrong_key_or_value_is_told_with_its_line(old: str, new: str, line: int, what: str, tmp_path: Path) -> None:
    assert old in PLAIN
    path = written(tmp_path, PLAIN.replace(old, new))
    with pytest.raises(UsageError) as caught:
        load_ring(path)
    assert f"{path}, Zeile {line}" in caught.value.sentence()
    assert what in caught.value.sentence()


def test_peers_need_context(tmp_path: Path) -> None:
    text = PLAIN.replace("workbooks = true", 'source = "cities"').replace('reader = "workbook"', 'reader = "tidy"')
    text = text.replace('file = "*.xlsx"', 'file = "a.csv"\nyear = "year"\nregion = { column = "ags" }')
    peers = '\n[peers]\n[[peers.feature]]\nid = "pop"\nname_de = "Einwohner"\nkind = "structural"\n'
    peers += 'transform = "log"\nhigh_de = "groß"\nlow_de = "klein"\n'
    assert load_ring(written(tmp_path, text))[0].peers is None
    with pytest.raises(UsageError, match=r"fehlt der Abschnitt \[context\]"):
        load_ring(written(tmp_path, text + peers))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('E3 = "leavers"', 'E3 = "goers"', "'goers'"),
        ('E3 = "leavers"', 'E99 = "leavers"', "'E99'"),
        ("workbooks = true", "workbooks = true\n[findings.step.E99]\nrho = 0.1", "'E99'"),
    ],
)
def test_what_the_catalogue_does_not_have_is_refused(old: str, new: str, what: str, tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN.replace(old, new))
    with pytest.raises(UsageError, match=what) as caught:
        load_ring(path)
    assert caught.value.mend


def test_main_definitions_are_the_ring_s_else_the_catalogue_s(tmp_path: Path, shipped: Catalogue) -> None:
    config, _ = load_ring(written(tmp_path, PLAIN.replace('E3 = "leavers"', 'E3 = "residents_15_20"')))
    delivered = ["R1.all_same_year", "E3.leavers", "E3.residents_15_20"]
    found = config.main_definitions(shipped, delivered)
    assert found == {"R1": shipped.main_definition("R1"), "E3": "E3.residents_15_20"}
    assert list(found) == [one for one in shipped.indicators if one in found]


def test_the_digest_of_the_rules_sees_what_decides_about_findings_and_nothing_else(tmp_path: Path) -> None:
    def rules(text: str) -> str:
        config, catalogue = load_ring(written(tmp_path, text))
        return config.rules_digest(catalogue)

    before = rules(PLAIN)
    assert rules("seed = 3\nfictional = true\n" + PLAIN.replace('name = "Ring"', 'name = "Kreis"')) == before
    deciding = [
        PLAIN + "[findings]\nq = 0.05\n",
        PLAIN + "[findings.step.E3]\nrho = 0.1\n",
        PLAIN + "[change.priors]\nshift_sd = 0.6\n",
        PLAIN.replace('E3 = "leavers"', 'E3 = "residents_15_20"'),
    ]
    assert len({before, *map(rules, deciding)}) == 5
