"""A whole run on a simulated ring, its posteriors made by hand: folder, manifest, continuing, repeating."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import xarray as xr
from tests.columns import FINDING_COLUMNS
from tests.conftest import CITIES, FakeFit

from integstat.catalogue import Catalogue
from integstat.change import ChangeData
from integstat.config import load_ring
from integstat.errors import ConvergenceError, DataError, UsageError
from integstat.intake.take_in import take_in
from integstat.peers.build import build_partitions
from integstat.pipeline import change_data, seed_of
from integstat.run import STAGES, RunOptions, RunResult, Stage, run
from integstat.simulate import simulate_ring, write_ring
from integstat.steps import digest

DEFINITIONS = ["R1.eight_years_previous", "R2.third_country", "K2.residence"]
FILES = {
    "beside_codebook.md",
    "change.nc",
    "comparison.json",
    "counts.parquet",
    "fields.csv",
    "findings.csv",
    "findings.parquet",
    "findings.xlsx",
    "findings_codebook.md",
    "findings_definitions.csv",
    "learning_partners.csv",
    "ledger.csv",
    "manifest.json",
    "measures.csv",
    "partner_measures.csv",
    "peer_groups.csv",
    "peer_groups_codebook.md",
    "peers",
    "peers_bundle.json",
    "problems.csv",
    "report.html",
    "themes.csv",
    "usual_compared.csv",
    "usual_practice.csv",
}
PEER_COLUMNS = ["city", "city_name", "peer_group", "probability", "second_group", "second_probability", "borderline"]
ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"


DONE = [stage for stage in STAGES if stage != "sensitivity"]  # where no other choices are named


def go(folder: Path, out: Path, **options: object) -> tuple[RunResult, list[tuple[str, int, int, bool]]]:
    """Run and return, beside the result, what progress was told."""
    told: list[tuple[str, int, int, bool]] = []

    def progress(definition: str, done: int, total: int, kept: bool) -> None:
        told.append((definition, done, total, kept))

    return run(folder / "ring.toml", RunOptions(out, **options), say=lambda text: None, progress=progress), told  # type: ignore[arg-type]


def manifest(out: Path) -> dict[str, object]:
    """Content of the manifest."""
    content = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def status(out: Path) -> dict[str, str]:
    """Status of each stage."""
    stages = manifest(out)["stages"]
    assert isinstance(stages, dict)
    return {stage: entry["status"] for stage, entry in stages.items()}


def visible(out: Path) -> set[str]:
    """Names in the folder of a run, its kept steps left out."""
    return {path.name for path in out.iterdir()} - {".steps"}


def test_a_run_leaves_its_folder_and_nothing_half_written(ring_folder: Path, tmp_path: Path, fake_fit: FakeFit) -> None:
    result, told = go(ring_folder, tmp_path / "out")
    assert visible(tmp_path / "out") == FILES
    assert sorted(definition for definition, *_ in told) == sorted(DEFINITIONS)  # in the order in which fits are done
    assert [rest for _, *rest in told] == [[place, 3, False] for place in (1, 2, 3)]
    assert sorted(fake_fit.fitted) == sorted(DEFINITIONS)
    assert {path.suffix for path in (tmp_path / "out" / ".steps").iterdir()} == {".npz"}
    assert result.data is not None
    assert result.data.fictional


def test_the_manifest_says_what_was_done_with_what(ring_folder: Path, tmp_path: Path, fake_fit: FakeFit) -> None:
    go(ring_folder, tmp_path / "out")
    content = manifest(tmp_path / "out")
    books = sorted((ring_folder / "workbooks").iterdir())
    assert content["inputs"] == {book.name: hashlib.sha256(book.read_bytes()).hexdigest() for book in books}
    assert len(books) == CITIES
    assert status(tmp_path / "out") == dict.fromkeys(DONE, "done")
    assert content["seed"] == 7
    assert content["config"] == "ring.toml"
    assert {"integstat", "pymc", "nutpie", "numpy"} <= set(content["versions"])  # type: ignore[call-overload]
    assert [fit["definition"] for fit in content["fits"]] == DEFINITIONS  # type: ignore[attr-defined]
    config, catalogue = load_ring(ring_folder / "ring.toml")
    assert content["rules"] == config.rules_digest(catalogue)
    assert str(tmp_path) not in (tmp_path / "out" / "manifest.json").read_text(encoding="utf-8")


def test_findings_have_the_columns_others_read(ring_folder: Path, tmp_path: Path, fake_fit: FakeFit) -> None:
    go(ring_folder, tmp_path / "out")
    out = tmp_path / "out"
    findings = pd.read_csv(out / "findings.csv", dtype={"city": str})
    assert list(findings.columns) == FINDING_COLUMNS
    assert list(pd.read_csv(out / "findings_definitions.csv").columns) == FINDING_COLUMNS
    assert len(findings) == CITIES * len(DEFINITIONS)
    assert not findings.duplicated(["city", "indicator"]).any()
    assert set(findings["definition"]) == set(DEFINITIONS)
    assert set(findings["finding"]) <= {"success", "deficit", "stable", "open"}
    one_group = findings["indicator"].isin(["R1", "R2"])
    gap = ["gap_change_points", "gap_change_ratio", "gap_change_logit", "p_gap_narrowed", "p_gap_widened", "finding_gap"]
    assert findings.loc[one_group, gap].isna().all(axis=None)
    assert findings.loc[~one_group, gap].notna().all(axis=None)
    assert (findings["relative_change_lower"] <= findings["relative_change_upper"]).all()
    parquet = pd.read_parquet(out / "findings.parquet")
    assert list(parquet.columns) == FINDING_COLUMNS
    assert list(parquet["city"]) == list(findings["city"])
    sheet = openpyxl.load_workbook(out / "findings.xlsx")["Befunde"]
    assert sheet.max_row == len(findings) + 1
    assert sheet["C2"].value in set(findings["city"])  # text, not a number
    for name, columns in (("findings", FINDING_COLUMNS), ("peer_groups", PEER_COLUMNS)):
        codebook = (out / f"{name}_codebook.md").read_text(encoding="utf-8")
        assert [line.split("`")[1] for line in codebook.splitlines() if line.startswith("| `")] == columns


def test_steering_cards_are_written_on_request(ring_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    go(ring_folder, out, cards=True)
    cities = pd.read_csv(out / "findings.csv", dtype={"city": str})["city"].unique()
    assert sorted(path.name for path in (out / "cards").iterdir()) == sorted(f"{city}.pdf" for city in cities)
    assert (out / "cards.pdf").read_bytes().startswith(b"%PDF-")


def test_peer_groups_have_the_columns_others_read(ring_folder: Path, tmp_path: Path) -> None:
    go(ring_folder, tmp_path / "out", until="peers")
    peers = pd.read_csv(tmp_path / "out" / "peer_groups.csv", dtype={"city": str})
    assert list(peers.columns) == PEER_COLUMNS
    assert len(peers) == CITIES
    assert peers["probability"].between(0, 1).all()
    assert visible(tmp_path / "out") == {
        "counts.parquet",
        "problems.csv",
        "peer_groups.csv",
        "peer_groups_codebook.md",
        "peers",
        "peers_bundle.json",
        "manifest.json",
    }


def test_the_posterior_of_every_definition_is_kept_for_arviz(ring_folder: Path, tmp_path: Path, fake_fit: FakeFit) -> None:
    go(ring_folder, tmp_path / "out", until="change")
    with xr.open_datatree(tmp_path / "out" / "change.nc", engine="h5netcdf") as tree:
        assert set(tree.children) == set(DEFINITIONS)
        posterior = tree["K2.residence/posterior"]
        assert posterior["change"].dims == ("chain", "draw", "city", "group")
        assert tree["K2.residence"].attrs["link"] == "logit"


def test_the_same_run_twice_gives_the_same_bytes(ring_folder: Path, tmp_path: Path, fake_fit: FakeFit) -> None:
    for name in ("one", "two"):
        go(ring_folder, tmp_path / name)
    tables = {f"peers/{path.name}" for path in (tmp_path / "one" / "peers").iterdir()}
    assert len(tables) == 11
    for name in sorted((FILES | tables) - {"manifest.json", "change.nc", "peers"}):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    one, two = manifest(tmp_path / "one"), manifest(tmp_path / "two")
    assert one.pop("stages") != {}
    two.pop("stages")
    assert one == two


def test_a_failed_run_says_where_and_continues_there(ring_folder: Path, tmp_path: Path, fake_fit: FakeFit) -> None:
    out = tmp_path / "out"

    def stop(data: ChangeData) -> None:
        if data.definition == DEFINITIONS[2]:
            raise ConvergenceError("nicht zur Ruhe gekommen", place=data.definition)

    fake_fit.before = stop
    with pytest.raises(ConvergenceError):
        go(ring_folder, out)
    stages = manifest(out)["stages"]
    assert status(out) == {"intake": "done", "peers": "done", "change": "failed"}
    assert stages["change"]["reason"] == "K2.residence: nicht zur Ruhe gekommen."  # type: ignore[index]
    assert "report.html" not in visible(out)
    assert "change.nc" not in visible(out)
    fake_fit.before = lambda data: None
    _, told = go(ring_folder, out)
    assert [kept for *_, kept in told] == [True, True, False]
    assert sorted(fake_fit.fitted) == sorted(DEFINITIONS)  # each exactly once
    assert status(out) == dict.fromkeys(DONE, "done")
    assert visible(out) == FILES
    go(ring_folder, tmp_path / "whole")
    for name in ("findings.csv", "report.html"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_an_interruption_is_noted_too(ring_folder: Path, tmp_path: Path, fake_fit: FakeFit) -> None:
    def interrupt(data: ChangeData) -> None:
        raise KeyboardInterrupt

    fake_fit.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        go(ring_folder, tmp_path / "out")
    stages = manifest(tmp_path / "out")["stages"]
    assert stages["change"] == {"status": "failed", "reason": "KeyboardInterrupt"}  # type: ignore[index]


@pytest.mark.parametrize(("stage", "fits"), [("intake", 3), ("peers", 3), ("change", 3), ("findings", 0), ("report", 0)])
def test_from_a_stage_on_nothing_kept_is_used(
    stage: Stage, fits: int, ring_folder: Path, tmp_path: Path, fake_fit: FakeFit
) -> None:
    go(ring_folder, tmp_path / "out")
    fake_fit.fitted.clear()
    go(ring_folder, tmp_path / "out", redo_from=stage)
    assert len(fake_fit.fitted) == fits
    assert status(tmp_path / "out") == dict.fromkeys(DONE, "done")


def test_one_stage_of_a_finished_run_forgets_nothing_about_the_others(
    ring_folder: Path, tmp_path: Path, fake_fit: FakeFit
) -> None:
    go(ring_folder, tmp_path / "out")
    before = manifest(tmp_path / "out")
    go(ring_folder, tmp_path / "out", until="peers")
    after = manifest(tmp_path / "out")
    assert status(tmp_path / "out") == dict.fromkeys(DONE, "done")
    assert before.keys() == after.keys()
    assert after["fits"] == before["fits"]


def test_another_run_is_not_overwritten_and_with_force_leaves_no_trace(
    ring_folder: Path, tmp_path: Path, fake_fit: FakeFit
) -> None:
    out = tmp_path / "out"
    go(ring_folder, out)
    (out / "notes.txt").write_text("somebody's own")
    report = (out / "report.html").read_bytes()
    config = ring_folder / "ring.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("seed = 7", "seed = 8"), encoding="utf-8")
    with pytest.raises(UsageError, match="Lauf mit anderen Daten") as caught:
        go(ring_folder, out)
    assert str(out) in str(caught.value)
    assert (out / "report.html").read_bytes() == report
    go(ring_folder, out, force=True, until="peers")
    assert manifest(out)["seed"] == 8
    assert status(out) == {"intake": "done", "peers": "done"}
    assert "report.html" not in visible(out)
    assert "findings.csv" not in visible(out)
    assert (out / "notes.txt").read_text() == "somebody's own"


@pytest.mark.parametrize("change", ["workbook", "findings", "change"])
def test_a_run_belongs_to_its_data_and_its_rules(change: str, ring_folder: Path, tmp_path: Path) -> None:
    go(ring_folder, tmp_path / "out", until="peers")
    if change == "workbook":
        book = openpyxl.load_workbook(ring_folder / "workbooks" / "91001.xlsx")
        book.save(ring_folder / "workbooks" / "91001.xlsx")
    else:
        config = ring_folder / "ring.toml"
        more = "\n[findings]\nq = 0.05\n" if change == "findings" else "\n[change]\ndraws = 1500\n"
        config.write_text(config.read_text(encoding="utf-8") + more, encoding="utf-8")
    with pytest.raises(UsageError, match="Lauf mit anderen Daten"):
        go(ring_folder, tmp_path / "out", until="peers")


def test_a_folder_that_is_no_run_is_left_alone(ring_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="nicht leer und kein Lauf"):
        go(ring_folder, out, until="intake")
    assert visible(out) == {"letter.txt"}
    with pytest.raises(UsageError, match="das ist eine Datei, kein Ordner"):
        go(ring_folder, out / "letter.txt", until="intake")
    for force in (False, True):
        with pytest.raises(UsageError, match="lässt sich nicht anlegen"):
            go(ring_folder, out / "letter.txt" / "deeper", until="intake", force=force)
    empty = tmp_path / "empty"
    empty.mkdir()
    go(ring_folder, empty, until="intake")
    assert status(empty) == {"intake": "done"}


def test_a_broken_manifest_counts_as_another_run(ring_folder: Path, tmp_path: Path) -> None:
    go(ring_folder, tmp_path / "out", until="intake")
    (tmp_path / "out" / "manifest.json").write_text('{"key": "', encoding="utf-8")
    with pytest.raises(UsageError, match="Lauf mit anderen Daten"):
        go(ring_folder, tmp_path / "out", until="intake")


def test_what_a_killed_run_left_half_written_is_removed(ring_folder: Path, tmp_path: Path, fake_fit: FakeFit) -> None:
    out = tmp_path / "out"
    go(ring_folder, out, until="change")
    left = [out / ".report-x1.part.html", out / ".steps" / ".abc-x2.part.nc"]
    for path in left:
        path.write_text("half")
    go(ring_folder, out)
    assert not any(path.exists() for path in left)
    assert sorted(fake_fit.fitted) == sorted(DEFINITIONS)


def test_broken_data_leave_no_folder(ring_folder: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(ring_folder / "workbooks" / "92002.xlsx")
    sheet = next(sheet for sheet in book.worksheets if sheet.title == "Rechtliche Integration")
    sheet["I5"] = -4
    book.save(ring_folder / "workbooks" / "92002.xlsx")
    with pytest.raises(DataError, match=r"92002\.xlsx, Blatt 'Rechtliche Integration', Zelle I5: negative Zahl"):
        go(ring_folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_peers_without_context_are_a_fault_of_the_data_and_leave_no_folder(shipped: Catalogue, tmp_path: Path) -> None:
    ring = simulate_ring(shipped, 3, 1, 1)
    write_ring(dataclasses.replace(ring, context=ring.context[[]]), shipped, tmp_path / "ring", 1)
    with pytest.raises(DataError, match="fehlen die Strukturdaten"):
        go(tmp_path / "ring", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_feature_nobody_delivers_is_told_before_anything_is_written(ring_folder: Path, tmp_path: Path) -> None:
    config = ring_folder / "ring.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('id = "rent_level"', 'id = "rent"'), encoding="utf-8")
    with pytest.raises(UsageError, match="'rent' steht nicht in den Strukturdaten"):
        go(ring_folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_ring_without_peers_makes_no_statement_about_levels(ring_folder: Path, tmp_path: Path, fake_fit: FakeFit) -> None:
    config = ring_folder / "ring.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text[: text.index("[peers]")], encoding="utf-8")
    go(ring_folder, tmp_path / "out")
    findings = pd.read_csv(tmp_path / "out" / "findings.csv")
    assert findings[["standing_mean", "peer_group"]].isna().all(axis=None)
    assert set(findings["finding_level"]) == {"open"}
    assert visible(tmp_path / "out") == FILES - {"peers", "peers_bundle.json"}


def test_seeds_of_steps_differ_and_depend_on_nothing_else() -> None:
    seeds = {seed_of(seed, name) for seed in range(20) for name in DEFINITIONS}
    assert len(seeds) == 60
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert seed_of(7, "peers") == int(digest(7, "peers")[:8], 16) % 2**31


@pytest.mark.skipif(not DATA.is_dir(), reason="the real data lie in ../shared/data, which is not here")
@pytest.mark.parametrize(("name", "cities", "definitions"), [("employment67", 67, 3), ("lower_saxony", 35, 7)])
def test_real_rings_get_as_far_as_the_model(name: str, cities: int, definitions: int) -> None:
    path = ROOT / "configs" / "rings" / f"{name}.toml"
    config, catalogue = load_ring(path)
    delivery = take_in(config, path, catalogue)
    assert [problem for problem in delivery.problems if problem.severity == "error"] == []
    assert config.peers is not None
    assert delivery.context is not None
    quick = config.peers.model_copy(update={"resamples": 10})
    partitions = build_partitions(delivery.context, quick, seed_of(config.seed, "peers"))
    assert len(partitions.cities) == cities
    assert partitions.size > 1
    main = config.main_definitions(catalogue, delivery.panel.definitions)
    assert set(main.values()) <= set(delivery.panel.definitions)
    prepared = {
        definition: change_data(delivery.panel, definition, catalogue, config.ring.years, config.change, partitions)
        for definition in delivery.panel.definitions
    }
    assert len(prepared) == definitions
    for data in prepared.values():
        assert 30 <= len(data.cities) <= cities
        assert data.years == config.ring.years
        assert data.usable[:, 0].any(axis=1).all()
    if name == "employment67":
        assert prepared["A2.restricted_base"].kind == "mean_of_months"
        assert prepared["A2.restricted_base"].groups == ("target", "reference")
