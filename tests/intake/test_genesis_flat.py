"""Flat files of GENESIS in their older and newer form: the same table from both."""

from __future__ import annotations

import pytest

from integstat.intake.genesis_flat import read_genesis_flat
from integstat.intake.problems import UnreadableFile

from .reading import cells, file_of, read_series, source

OLDER = """\
Statistik_Code;Statistik_Label;Zeit_Code;Zeit_Label;Zeit;1_Merkmal_Code;1_Merkmal_Label;1_Auspraegung_Code;\
1_Auspraegung_Label;2_Merkmal_Code;2_Merkmal_Label;2_Auspraegung_Code;2_Auspraegung_Label;\
BEVSTD__Bevoelkerungsstand__Anzahl;BEVSTD__Bevoelkerungsstand__q;FLC006__Gebietsflaeche__qkm
12411;F;STAG;Stichtag;31.12.2020;KREISE;K;01002;Kiel;GES;G;GESM;männlich;119000;e;118,65
12411;F;STAG;Stichtag;31.12.2020;KREISE;K;01002;Kiel;GES;G;GESW;weiblich;-;e;118,65
12411;F;STAG;Stichtag;31.12.2021;KREISE;K;01002;Kiel;GES;G;GESM;männlich;.;p;118,65
12411;F;STAG;Stichtag;31.12.2021;KREISE;K;DG;Deutschland;GES;G;GESM;männlich;41.000.000;p;357595,99
"""
NEWER = """\
statistics_code;statistics_label;time_code;time_label;time;1_variable_code;1_variable_label;1_variable_attribute_code;\
1_variable_attribute_label;2_variable_code;2_variable_label;2_variable_attribute_code;2_variable_attribute_label;\
value;value_unit;value_variable_code;value_variable_label;value_q
12411;F;STAG;Stichtag;2020-12-31;KREISE;K;01002;Kiel;GES;G;GESM;männlich;119000;Anzahl;BEVSTD;Stand;e
12411;F;STAG;Stichtag;2020-12-31;KREISE;K;01002;Kiel;GES;G;GESW;weiblich;-;Anzahl;BEVSTD;Stand;e
12411;F;STAG;Stichtag;2021-12-31;KREISE;K;01002;Kiel;GES;G;GESM;männlich;.;Anzahl;BEVSTD;Stand;p
12411;F;STAG;Stichtag;2020-12-31;KREISE;K;01002;Kiel;GES;G;GESM;männlich;118,65;qkm;FLC006;Gebietsfläche;e
"""
FORMS = pytest.mark.parametrize("text", [OLDER, NEWER], ids=["older", "newer"])
SPEC = source("genesis_flat", region={"column": "1_Auspraegung_Code", "name": "1_Auspraegung_Label"})


@FORMS
def test_one_config_reads_both_forms(text: str) -> None:
    men = {"2_Auspraegung_Label": "männlich", "Wert_Code": "BEVSTD"}
    found = read_series(file_of(text), SPEC, men, kind="Qualität")
    assert cells(found) == {("01002", 2020): (119000.0, "value"), ("01002", 2021): (-1.0, "secret")}
    assert found.kinds == ("e", "p")
    women = read_series(file_of(text), SPEC, {"2_Auspraegung_Code": "GESW", "Wert_Code": "BEVSTD"})
    assert cells(women) == {("01002", 2020): (0.0, "nothing")}


@FORMS
def test_each_measure_stands_in_rows_of_its_own(text: str) -> None:
    where = {"2_Auspraegung_Code": "GESM", "Einheit": "qkm"}
    assert cells(read_series(file_of(text), SPEC, where, measure="rate", years=[2020])) == {("01002", 2020): (118.65, "value")}


@FORMS
def test_places_are_those_of_the_file(text: str) -> None:
    table = read_genesis_flat(file_of(text), SPEC)
    column = text.split("\n", 1)[0].split(";").index("value" if text == NEWER else "BEVSTD__Bevoelkerungsstand__Anzahl") + 1
    rows = table.frame[(table.frame["Wert_Code"] == "BEVSTD") & (table.frame["2_Auspraegung_Code"] == "GESW")]
    assert table.places(rows, "Wert") == [f"Zeile 3, Spalte {column}"]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (";Zeit;", ";Tag;", "die Spalte 'Zeit' fehlt"),
        ("1_Auspraegung_Code", "Kreis", "die Spalte '1_Auspraegung_Code' fehlt"),
        ("Statistik_Code;", "time;", "die Spalte '1_Auspraegung_Code' fehlt|die Spalte 'Wert' fehlt"),
        ("__", "_", "die Spalte 'Wert' fehlt, das ist keine Flat-Datei"),
    ],
)
def test_another_table_is_refused(old: str, new: str, what: str) -> None:
    assert old in OLDER
    with pytest.raises(UnreadableFile, match=what) as raised:
        read_genesis_flat(file_of(OLDER.replace(old, new)), SPEC)
    assert raised.value.problem.file == "f.csv"


def test_the_table_form_is_told_apart() -> None:
    with pytest.raises(UnreadableFile, match="nur eine Spalte"):
        read_genesis_flat(file_of("GENESIS-Tabelle: 1\n;;a\n"), SPEC)
