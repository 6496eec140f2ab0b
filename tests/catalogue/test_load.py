"""Reading a catalogue: what it answers, and what it refuses with file and line."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integstat.catalogue import Catalogue, load_catalogue
from integstat.catalogue.schema import BreakEntry
from integstat.errors import UsageError


def test_small_catalogue_answers(folder: Path) -> None:
    catalogue = load_catalogue(folder)
    assert list(catalogue.fields) == ["work", "health"]
    assert list(catalogue.indicators) == ["U1", "U2", "H1"]
    assert catalogue.definition_ids == ["U1.share", "U1.survey", "U2.cases", "H1.booklet"]
    indicator, definition = catalogue.definition("U1.survey")
    assert (indicator.id, definition.id) == ("U1", "survey")
    assert catalogue.main_definition("U1") == "U1.share"
    assert [catalogue.polarity(one) for one in catalogue.definition_ids] == [-1, -1, 0, 1]
    assert [catalogue.kind(one) for one in catalogue.definition_ids] == ["mean_of_months", "survey", "rate", "share"]
    assert [catalogue.finding_allowed(one) for one in catalogue.definition_ids] == [True, True, False, True]
    assert catalogue.indicator("U1").groups == ("target", "reference")
    assert catalogue.indicator("H1").groups == ("target",)
    assert catalogue.group_names("U1.share") == ("Ausländerinnen und Ausländer", "Deutsche")
    assert catalogue.group_names("U1.survey")[0] == "Personen mit Migrationshintergrund"
    assert catalogue.group_names("H1.booklet") == ("", "")


def test_a_stock_without_a_number_overlaps_by_half(folder: Path) -> None:
    edit(folder, "fields/1_work.toml", "overlap = 0.5\n", "")
    catalogue = load_catalogue(folder)
    assert (catalogue.indicator("U1").overlap, catalogue.indicator("U2").overlap) == (0.5, 0.0)
    edit(folder, "fields/1_work.toml", "stock = true\n", "stock = true\noverlap = 0.0\n")
    assert load_catalogue(folder).indicator("U1").overlap == 0.0


def test_definition_may_turn_the_polarity(folder: Path) -> None:
    edit(folder, "fields/1_work.toml", 'kind = "survey"', 'kind = "survey"\npolarity = "none"')
    catalogue = load_catalogue(folder)
    assert catalogue.polarity("U1.survey") == 0
    assert not catalogue.finding_allowed("U1.survey")
    assert catalogue.finding_allowed("U1.share")


def test_digest_tells_contents_apart(folder: Path) -> None:
    before = load_catalogue(folder).digest
    assert load_catalogue(folder).digest == before
    edit(folder, "counts.toml", 'name_en = "checked"', 'name_en = "examined"')
    assert load_catalogue(folder).digest != before


def test_catalogue_can_be_sent_to_another_process(folder: Path) -> None:
    catalogue = load_catalogue(folder)
    assert pickle.loads(pickle.dumps(catalogue)) == catalogue


def test_breaks_may_be_none(folder: Path) -> None:
    (folder / "breaks.toml").write_text("", encoding="utf-8")
    assert load_catalogue(folder).breaks == ()


@pytest.mark.parametrize(
    ("definition", "land", "years", "expected"),
    [
        ("U1.share", "03", (2020, 2021), ["one_land"]),
        ("U1.share", "03", (2019, 2020), ["one_land"]),
        ("U1.share", "03", (2019, 2021), []),
        ("U1.share", "05", (2020, 2021), []),
        ("H1.booklet", "03", (2020,), ["one_land"]),
        ("U1.survey", "05", (2019, 2021), ["sample"]),
        ("U1.survey", "05", (2021, 2019), ["sample"]),
        ("U1.survey", "05", (2020, 2021), []),
        ("U1.survey", "05", (2018, 2019), []),
        ("U1.survey", "05", (2020,), []),
        ("U2.cases", "01", (2020, 2021), ["everywhere"]),
        ("U2.cases", "16", (2020, 2021), ["everywhere"]),
        ("U2.cases", "91", (2020, 2021), []),
        ("U2.cases", "01", (), []),
    ],
)
def test_breaks_for(folder: Path, definition: str, land: str, years: tuple[int, ...], expected: list[str]) -> None:
    assert [one.id for one in load_catalogue(folder).breaks_for(definition, land, years)] == expected


def test_break_of_a_source_touches_the_denominator_too(folder: Path) -> None:
    edit(folder, "breaks.toml", 'sources = ["mikrozensus"]', 'sources = ["melderegister"]')
    assert [one.id for one in load_catalogue(folder).breaks_for("U1.share", "05", (2019, 2021))] == ["sample"]


@given(
    st.lists(st.integers(2000, 2030), min_size=1, max_size=4),
    st.lists(st.integers(2000, 2030), max_size=3),
    st.integers(2000, 2030),
)
def test_touching_does_not_depend_on_the_order_and_grows_with_the_years(
    compared: list[int], years: list[int], since: int
) -> None:
    one = BreakEntry(id="x", years=tuple(years), since=since, effect="cap", reason_de="d", reason_en="e", source="s")
    touched = one.touches_years(tuple(compared))
    assert one.touches_years(tuple(reversed(compared))) == touched
    assert not touched or one.touches_years((*compared, 2015))
    crosses = any(a < since <= b for a in compared for b in compared)
    assert touched == (crosses or bool(set(compared) & set(years)))


def edit(folder: Path, file: str, old: str, new: str, occurrence: int = 0) -> tuple[Path, str]:
    """Replace one occurrence of `old`; return the path and the new text."""
    path = folder / file
    parts = path.read_text(encoding="utf-8").split(old)
    assert len(parts) > occurrence + 1
    text = old.join(parts[: occurrence + 1]) + new + old.join(parts[occurrence + 1 :])
    path.write_text(text, encoding="utf-8")
    return path, text


WORK, HEALTH = "fields/1_work.toml", "fields/2_health.toml"


@pytest.mark.parametrize(
    ("file", "old", "new", "occurrence", "at", "words"),
    [
        (WORK, 'confidence = "h"', 'confidence = "h"\ncolour = "red"', 0, 'colour = "red"', "unbekannter Schlüssel 'colour'"),
        (WORK, 'group_concept = "none"', 'group_koncept = "none"', 0, "group_koncept", "vielleicht ist 'group_concept' gemeint"),
        (WORK, 'source = "local"', 'source = "hearsay"', 0, "hearsay", "'source' hat den unzulässigen Wert 'hearsay'"),
        (WORK, 'denominator = "residents"', 'denominator = "residence"', 1, "residence", "die Grundzahl 'residence' gibt es"),
        (WORK, 'numerator = "unemployed"', 'numerator = "xyz"', 2, "xyz", "bitte die Schreibweise prüfen oder ergänzen"),
        (
            WORK,
            'field = "work"',
            'field = "wrok"',
            1,
            "wrok",
            "das Handlungsfeld 'wrok' gibt es im Katalog nicht; vielleicht ist 'work'",
        ),
        (
            WORK,
            'field = "work"',
            'field = "health"',
            0,
            'field = "health"',
            "gehört zum Handlungsfeld 'health', steht aber bei 'work'",
        ),
        (
            WORK,
            "stock = true",
            'stock = "yes"',
            0,
            "stock",
            "'stock' hat den unzulässigen Wert 'yes'; erwartet wird true oder false",
        ),
        (
            WORK,
            "overlap = 0.5",
            "overlap = 1.5",
            0,
            "overlap",
            "'overlap' hat den unzulässigen Wert 1.5; erlaubt ist weniger als 1.0",
        ),
        (
            WORK,
            "age_from = 15",
            'age_from = "15"',
            0,
            "age_from",
            "'age_from' hat den unzulässigen Wert '15'; erwartet wird eine Zahl",
        ),
        (
            WORK,
            'id = "survey"',
            'id = "sur.vey"',
            0,
            "sur.vey",
            "'id' hat den unzulässigen Wert 'sur.vey'; erlaubt ist nur das Muster",
        ),
        (WORK, 'id = "U2"', 'id = "U1"', 0, ('id = "U1"', 1), "der Indikator 'U1' steht doppelt"),
        (HEALTH, 'id = "H1"', 'id = "U1"', 0, 'id = "U1"', "der Indikator 'U1' steht doppelt"),
        (HEALTH, 'id = "health"', 'id = "work"', 0, 'id = "work"', "das Handlungsfeld 'work' steht doppelt"),
        (WORK, 'id = "survey"', 'id = "share"', 0, "[[indicator]]", "die Definition 'share' des Indikators 'U1' steht doppelt"),
        (WORK, 'main_definition = "cases"', 'main_definition = "x"', 0, ("[[indicator]]", 1), "die Hauptdefinition 'x'"),
        (WORK, "finding_allowed = false", "finding_allowed = true", 0, ("[[indicator]]", 1), "darf keinen Befund tragen"),
        (
            WORK,
            "age_below = 65",
            "age_below = 15",
            0,
            "[[indicator.definition]]",
            "die Altersspanne der Definition 'share' ist leer",
        ),
        (WORK, "stock = true\n", "", 0, "[[indicator]]", "hat eine Überlappung, ist aber kein Bestand"),
        (WORK, "composition_risk = true\n", "", 0, "[[indicator]]", "'composition_risk' und 'composition_note_de' zusammen"),
        (
            WORK,
            'kind = "rate"',
            'kind = "share"',
            0,
            ("[[indicator]]", 1),
            "kann über 100 % liegen, ist aber nicht als 'rate'",
        ),
        (
            HEALTH,
            'source = "seu"',
            'source = "seu"\nverified_against_report = true',
            0,
            "[[indicator.definition]]",
            "'verified_on'",
        ),
        (HEALTH, 'source = "seu"', 'source = "seu"\ndesign_effect = 2', 0, "[[indicator]]", "nennt einen Designeffekt"),
        (
            "counts.toml",
            'id = "children"',
            'id = "checked"',
            0,
            ('id = "checked"', 1),
            "die Grundzahl 'checked' steht doppelt",
        ),
        ("counts.toml", 'name_de = "checked"\n', "", 0, ("[[count]]", 2), "der Schlüssel 'name_de' fehlt; bitte ergänzen"),
        ("breaks.toml", '"U1.share"', '"U1.shar"', 0, "definitions", "die Definition 'U1.shar' gibt es im Katalog nicht"),
        (
            "breaks.toml",
            'indicator = "U2"',
            'indicator = "U3"',
            0,
            'indicator = "U3"',
            "den Indikator 'U3' gibt es im Katalog nicht",
        ),
        (
            "breaks.toml",
            "years = [2021]",
            'years = [2021]\ndefinitions = ["H1"]',
            0,
            'definitions = ["H1"]',
            "gehört nicht zum Indikator",
        ),
        ("breaks.toml", 'id = "sample"', 'id = "one_land"', 0, ('id = "one_land"', 1), "der Bruch 'one_land' steht doppelt"),
        ("breaks.toml", "since = 2020\n", "", 0, ("[[break]]", 1), "nennt kein Jahr"),
        ("breaks.toml", 'laender = ["03"]', 'laender = ["3"]', 0, "laender", "'laender' hat den unzulässigen Wert '3'"),
        ("breaks.toml", "years = [2020]", 'years = ["2020"]', 0, "years", "'years' hat den unzulässigen Wert '2020'"),
        ("breaks.toml", 'effect = "note"', 'effect = "stop"', 0, 'effect = "stop"', "erlaubt sind 'cap' oder 'note'"),
    ],
)
def test_faults_are_told_with_file_and_line(
    folder: Path, file: str, old: str, new: str, occurrence: int, at: str | tuple[str, int], words: str
) -> None:
    path, text = edit(folder, file, old, new, occurrence)
    with pytest.raises(UsageError) as caught:
        load_catalogue(folder)
    wanted, nth = (at, 0) if isinstance(at, str) else at
    lines = [number for number, line in enumerate(text.split("\n"), start=1) if wanted in line]
    assert caught.value.place == f"{path}, Zeile {lines[nth]}"
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


def test_missing_parts_of_the_folder(folder: Path) -> None:
    with pytest.raises(UsageError, match="diesen Katalogordner gibt es nicht"):
        load_catalogue(folder / "elsewhere")
    (folder / "breaks.toml").unlink()
    with pytest.raises(UsageError, match=r"breaks\.toml: diese Datei gibt es nicht"):
        load_catalogue(folder)
    for path in (folder / "fields").iterdir():
        path.unlink()
    with pytest.raises(UsageError, match="der Katalog enthält kein Handlungsfeld"):
        load_catalogue(folder)


@pytest.mark.parametrize("wanted", ["A2.restricted_bas", "A2", "A2.", ".", "restricted_base", ""])
def test_unknown_definition(shipped: Catalogue, wanted: str) -> None:
    with pytest.raises(UsageError, match="die Definition '.*' gibt es im Katalog nicht"):
        shipped.definition(wanted)


def test_unknown_names_are_answered_with_a_proposal(shipped: Catalogue) -> None:
    with pytest.raises(UsageError, match=r"vielleicht ist 'A2\.restricted_base' gemeint"):
        shipped.polarity("A2.restricted_bas")
    with pytest.raises(UsageError, match="den Indikator 'Q9' gibt es im Katalog nicht"):
        shipped.indicator("Q9")
