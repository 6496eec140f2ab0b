"""What changed between two runs: figures, findings, and what went along."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.diff import COUNT_CODEBOOK, FINDING_CODEBOOK, Difference, difference, read_run
from integstat.diff.build import changed_files
from integstat.diff.counts import changed_counts
from integstat.diff.findings import REASONS, regrouped
from integstat.diff.tell import KIND_WORDS, REASON_WORDS, sentences
from integstat.errors import DataError, UsageError
from integstat.texts import Texts

from .runs import CITIES, Made, made

FIRST, LAST = CITIES[0], CITIES[-1]  # of different groups


def compared(before: Made, after: Made) -> Difference:
    return difference(before.run(), after.run())


def reasons(found: Difference, city: str, indicator: str = "E1") -> set[str]:
    (row,) = found.findings[(found.findings["city"] == city) & (found.findings["indicator"] == indicator)].to_dict("records")
    return set(str(row["reasons"]).split(";")) - {""}


def test_a_run_and_itself_differ_in_nothing() -> None:
    found = compared(made(), made())
    assert (len(found.counts), len(found.findings), found.run_reasons, found.files) == (0, 0, (), {})
    assert found.cells == found.kept == 16
    assert list(found.counts.columns) == list(COUNT_CODEBOOK)
    assert list(found.findings.columns) == list(FINDING_CODEBOOK)
    told = sentences(found, Texts())
    assert told[0] == "Daten: keine Zahl ist anders."
    assert "16 von 16 Zellen bleiben dabei" in told[1]


def test_a_corrected_figure_its_finding_and_its_neighbours() -> None:
    after = made()
    after.manifest["inputs"] = {"a.csv": "2"}
    after.counts.loc[after.figure(FIRST, "E1.main")] = 7.0
    after.find(FIRST, "E1", "deficit", deficit=0.97, success=0.01, stable=0.02)
    after.find(CITIES[1], "E1", "open", success=0.4)
    after.find(LAST, "E1", "open", success=0.4)
    found = compared(made(), after)
    (figure,) = found.counts.to_dict("records")
    assert (figure["city"], figure["definition"], figure["part"], figure["kind"]) == (FIRST, "E1.main", "y", "changed")
    assert (figure["after"], figure["code_before"], figure["code_after"]) == (7.0, "value", "value")
    first = found.findings.iloc[0]
    assert (first["kind"], first["event"], first["p_before"], first["p_after"]) == ("new", "deficit", 0.2, 0.97)
    assert reasons(found, FIRST) == {"own_figures"}
    assert reasons(found, CITIES[1]) == {"peer_figures"}
    assert reasons(found, LAST) == {"ring_figures"}
    assert not found.findings["indicator"].eq("E2").any()  # a figure of E1 is nothing to E2
    assert (found.run_reasons, found.files, found.kept) == ((), {"a.csv": "changed"}, 15)
    told = " ".join(sentences(found, Texts()))
    assert "Daten: 1 Zahl ist anders (1 geändert), in einer Stadt (Stadt 03001)." in told
    assert "Dateien geändert: a.csv." in told
    assert "Befunde: 1 neu, 0 entfallen, 0 umgeschlagen; 15 von 16 Zellen bleiben dabei" in told
    assert "woran er hängt, sagt das noch nicht" in told


def test_figures_added_dropped_and_replaced_by_signs() -> None:
    before, after = made(), made()
    gone, _ = after.figure(FIRST, "E1.main")
    after.counts = after.counts.drop(index=gone)
    before.counts = before.counts.drop(index=before.figure(LAST, "E2.other")[0])
    after.counts.loc[after.figure(CITIES[2], "E2.main")] = np.nan
    after.counts.loc[after.figure(CITIES[2], "E2.main", part="y_code")] = "secret"
    rows = compared(before, after).counts
    assert [(row.city, row.part, row.kind) for row in rows.itertuples()] == [
        (FIRST, "y", "dropped"),
        (FIRST, "n", "dropped"),
        (CITIES[2], "y", "hidden"),
        (LAST, "y", "added"),
        (LAST, "n", "added"),
    ]
    assert list(rows["code_after"]) == ["", "", "secret", "value", "value"]
    assert list(rows["code_before"]) == ["value", "value", "value", "", ""]
    assert np.isnan(rows["after"].iloc[2])


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ((5.0, "value"), (np.nan, "secret"), "hidden"),
        ((1.0, "value"), (np.nan, "below_3"), "hidden"),
        ((0.0, "nothing"), (np.nan, "secret"), "hidden"),
        ((np.nan, "below_3"), (np.nan, "secret"), "hidden"),
        ((5.0, "value"), (np.nan, "below_3"), "changed"),  # five is not below three
        ((5.0, "value"), (np.nan, "missing"), "changed"),
        ((5.0, "value"), (6.0, "value"), "changed"),
    ],
)
def test_protection_is_told_apart_from_other_data(before: tuple[float, str], after: tuple[float, str], kind: str) -> None:
    runs = made(), made()
    for run, (figure, code) in zip(runs, (before, after), strict=True):
        run.counts.loc[run.figure(FIRST, "E1.main")] = figure
        run.counts.loc[run.figure(FIRST, "E1.main", part="y_code")] = code
    found, back = compared(*runs), compared(*runs[::-1])
    turned = {"hidden": "told", "changed": "changed"}
    assert (list(found.counts["kind"]), list(back.counts["kind"])) == ([kind], [turned[kind]])
    assert reasons(found, FIRST) == ({"disclosure"} if kind == "hidden" else {"own_figures"})
    assert reasons(found, LAST) == ({"disclosure"} if kind == "hidden" else {"ring_figures"})
    assert not found.findings["indicator"].eq("E2").any()
    told = sentences(found, Texts())
    assert told[0].startswith("Daten: keine Zahl" if kind == "hidden" else "Daten: 1 Zahl ist anders (1 geändert)")
    assert told[1].startswith("Geheimhaltung: bei einer Zahl anders (1 jetzt zurück") == (kind == "hidden")


@pytest.mark.parametrize(
    ("steps", "figures", "kinds"),
    [
        ((0, 10), (140.0, 140.0), ["rounded"]),
        ((0, 10), (143.0, 140.0), ["rounded"]),
        ((0, 10), (146.0, 140.0), ["changed"]),
        ((10, 10), (140.0, 150.0), ["changed"]),
        ((0, 1), (140.0, 140.0), []),  # both say: not rounded
        ((None, 10), (140.0, 140.0), ["rounded"]),  # an earlier run, without the column
    ],
)
def test_declared_rounding_is_compared(
    steps: tuple[int | None, int], figures: tuple[float, float], kinds: list[str], tmp_path: Path
) -> None:
    runs = []
    for name, step, figure in zip("ab", steps, figures, strict=True):
        run = made()
        if step is not None:
            run.counts["y_step"] = 0
            run.counts.loc[run.figure(FIRST, "E1.main", part="y_step")] = step
        run.counts.loc[run.figure(FIRST, "E1.main")] = figure
        runs.append(read_run(run.write(tmp_path / name)))
    found = difference(*runs)
    assert list(found.counts["kind"]) == kinds
    if "rounded" in kinds:
        assert (found.counts["step_after"].iloc[0], found.counts["part"].iloc[0]) == (10, "y")
        assert "Daten: 1 Zahl ist anders (1 anders gerundet)" in sentences(found, Texts())[0]
        assert reasons(found, FIRST) == {"own_figures"}


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("open", "success", "new"),
        ("success", "open", "lost"),
        ("success", "deficit", "turned"),
        ("open", "open", "shifted"),
        ("success", "success", "shifted"),
    ],
)
def test_kinds_of_changes(old: str, new: str, kind: str) -> None:
    before, after = made(), made()
    before.find(FIRST, "E1", old, success=0.85)
    after.find(FIRST, "E1", new, success=0.4)
    (row,) = compared(before, after).findings.to_dict("records")
    assert (row["kind"], row["finding_before"], row["finding_after"]) == (kind, old, new)


def test_a_probability_that_would_be_printed_the_same_is_no_change() -> None:
    after = made()
    after.find(FIRST, "E1", "open", success=0.304)
    assert len(compared(made(), after).findings) == 0


def test_cells_that_only_one_run_has() -> None:
    before, after = made(), made()
    before.findings = before.findings.drop(index=before.cell(FIRST, "E1"))
    after.findings = after.findings.drop(index=after.cell(LAST, "E2"))
    found = compared(before, after)
    assert {row.city: row.kind for row in found.findings.itertuples()} == {FIRST: "added", LAST: "dropped"}
    assert (found.cells, found.kept) == (14, 14)


def test_the_threshold_alone() -> None:
    before, after = made(), made(findings=[{"kind": "success", "threshold": 0.9}, {"kind": "deficit", "threshold": None}])
    before.find(FIRST, "E1", "success", success=0.85)
    after.find(FIRST, "E1", "open", success=0.85)
    before.find(LAST, "E1", "success", success=0.95)
    after.find(LAST, "E1", "open", success=0.6)
    found = compared(before, after)
    assert reasons(found, FIRST) == {"threshold"}
    assert reasons(found, LAST) == set()


def test_definition_flags_and_other_definitions() -> None:
    before, after = made(), made()
    after.findings.loc[after.cell(FIRST, "E1"), "definition"] = "E1.other"
    before.findings.loc[before.cell(CITIES[1], "E1"), "flags"] = "unverified;jump"
    after.findings.loc[after.cell(CITIES[1], "E1"), "flags"] = "jump;unverified"
    after.findings.loc[after.cell(CITIES[2], "E1"), "flags"] = "break"
    after.counts.loc[after.figure(LAST, "E2.other")] = 1.0
    found = compared(before, after)
    assert reasons(found, FIRST) == {"main_definition"}
    assert CITIES[1] not in set(found.findings["city"][found.findings["indicator"] == "E1"])
    assert reasons(found, CITIES[2]) == {"flags"}
    assert reasons(found, LAST, "E2") == {"other_definition"}


def test_a_city_that_moves_and_those_it_leaves() -> None:
    after = made()
    after.groups = {city: {"West": "A", "Ost": "B"}[group] for city, group in after.groups.items()} | {FIRST: "B"}
    found = compared(made(), after)
    assert reasons(found, FIRST) == {"peer_group"}
    assert {frozenset(reasons(found, city)) for city in CITIES[1:]} == {frozenset({"peer_members"})}


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.sampled_from("abc"), min_size=6, max_size=6), st.permutations("abc"), st.integers(0, 5), st.sampled_from("abc")
)
def test_names_of_groups_mean_nothing(labels: list[str], names: list[str], who: int, where: str) -> None:
    before = pd.Series(labels, index=list("uvwxyz"))
    renamed = before.map(dict(zip("abc", names, strict=True)))
    assert regrouped(before, renamed) == (set(), set())
    after = renamed.copy()
    after.iloc[who] = where
    moved, other = regrouped(before, after)
    assert len(moved) <= 1  # one city changed its group, so one at most is needed to explain it
    assert moved <= other


@pytest.mark.parametrize(
    ("changed", "reasons"),
    [
        ({"seed": 2, "key": "l"}, ("seed",)),
        ({"code": "q", "versions": {"numpy": "3"}, "key": "l"}, ("code", "versions")),
        ({"catalogue": "d", "rules": "s", "key": "l"}, ("catalogue",)),
        ({"rules": "s", "key": "l"}, ("rules",)),
        ({"key": "l"}, ("config",)),
        ({"key": "l", "inputs": {"a.csv": "2"}}, ()),
    ],
)
def test_what_differs_for_the_whole_run(changed: dict[str, object], reasons: tuple[str, ...]) -> None:
    found = compared(made(), made(**changed))
    assert found.run_reasons == reasons
    said = "Für alle Befunde anders ist außerdem" in " ".join(sentences(found, Texts()))
    assert said == bool(reasons)


def test_a_new_vintage_of_a_city_is_one_changed_file() -> None:
    before = {"03241/mappe.xlsx": "1", "02000/mappe.xlsx": "2", "sub/a.csv": "3", "b.csv": "4"}
    after = {"03241/mappe neu.xlsx": "5", "02000/mappe.xlsx": "6", "sub/c.csv": "3", "b.csv": "4"}
    assert changed_files(before, after) == {
        "02000/mappe.xlsx": "changed",
        "03241/mappe.xlsx → mappe neu.xlsx": "changed",
        "sub/a.csv": "dropped",
        "sub/c.csv": "added",
    }


@pytest.mark.parametrize("seed", range(3))
def test_swapping_the_panels_swaps_before_and_after(seed: int) -> None:
    rng, panels = np.random.default_rng(seed), []
    whole = made().counts.head(40)
    for _ in range(2):
        frame = whole.sample(30, random_state=rng).assign(y=rng.choice([0.0, 1.0, np.nan], 30))
        codes = np.where(frame["y"].isna(), rng.choice(["missing", "secret", "below_3"], 30), "value")
        panels.append(frame.assign(y_code=codes, y_step=rng.choice([0, 10], 30)))
    there, back = changed_counts(*panels, {}), changed_counts(*panels[::-1], {})
    swap = {"before": "after", "after": "before", "code_before": "code_after", "code_after": "code_before"}
    swap |= {"step_before": "step_after", "step_after": "step_before"}
    back = back.rename(columns=swap)[list(COUNT_CODEBOOK)]
    back["kind"] = back["kind"].replace({"added": "dropped", "dropped": "added", "told": "hidden", "hidden": "told"})
    pd.testing.assert_frame_equal(there, back, check_dtype=False)
    assert set(there["kind"]) == {"changed", "added", "dropped", "rounded", "told", "hidden"}
    assert len(changed_counts(panels[0], panels[0], {})) == 0


def test_read_back_it_is_the_run_that_was_written(tmp_path: Path) -> None:
    before, after = made(), made()
    after.counts.loc[after.figure(FIRST, "E1.main")] = np.nan
    after.counts.loc[after.figure(FIRST, "E1.main", part="y_code")] = "below_3"
    after.find(FIRST, "E1", "success", success=0.9)
    after.groups.pop(LAST)
    there = difference(read_run(before.write(tmp_path / "before")), read_run(after.write(tmp_path / "after")))
    direct = compared(before, after)
    pd.testing.assert_frame_equal(there.counts, direct.counts, check_dtype=False)
    pd.testing.assert_frame_equal(there.findings, direct.findings, check_dtype=False)
    assert read_run(tmp_path / "after").thresholds == {"success": 0.8, "deficit": 0.8, "stable": 0.8}


def test_every_reason_and_kind_has_its_words() -> None:
    assert set(REASON_WORDS) == set(REASONS)
    assert set(KIND_WORDS) == {"new", "lost", "turned", "added", "dropped"}


def test_runs_without_a_common_cell_are_refused() -> None:
    after = made()
    after.findings["indicator"] = "X" + after.findings["indicator"]
    with pytest.raises(UsageError, match="keine Stadt mit einem gemeinsamen Indikator"):
        compared(made(), after)


@pytest.mark.parametrize(
    ("damage", "error", "what"),
    [
        ("no folder", UsageError, "diesen Ordner gibt es nicht"),
        ("a file", UsageError, "das ist eine Datei"),
        ("no manifest", UsageError, "das ist kein Lauf"),
        ("other json", UsageError, "das ist kein Lauf"),
        ("unfinished", UsageError, "nicht bis zu den Befunden gekommen"),
        ("cut manifest", DataError, "manifest.json: diese Datei ist beschädigt"),
        ("no counts", DataError, "counts.parquet: diese Datei fehlt"),
        ("cut findings", DataError, "findings.parquet: diese Datei ist beschädigt"),
        ("other peers", DataError, "peer_groups.csv: diese Datei ist beschädigt"),
    ],
)
def test_what_is_no_run_is_refused(tmp_path: Path, damage: str, error: type[Exception], what: str) -> None:
    run = made()
    if damage == "unfinished":
        run.manifest["stages"] = {"findings": {"status": "running"}}
    folder = run.write(tmp_path / "run")
    match damage:
        case "no folder":
            folder = tmp_path / "none"
        case "a file":
            folder = folder / "manifest.json"
        case "no manifest":
            (folder / "manifest.json").unlink()
        case "other json":
            (folder / "manifest.json").write_text("[1]")
        case "cut manifest":
            (folder / "manifest.json").write_text(json.dumps(run.manifest)[:-5])
        case "no counts":
            (folder / "counts.parquet").unlink()
        case "cut findings":
            (folder / "findings.parquet").write_bytes((folder / "findings.parquet").read_bytes()[:-20])
        case "other peers":
            (folder / "peer_groups.csv").write_text("a,b\n1,2\n")
    with pytest.raises(error, match=what):
        read_run(folder)
