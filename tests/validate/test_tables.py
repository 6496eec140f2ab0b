"""Tables say what the rings say, and the report holds them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from tests.validate.made import QUANTITIES, ring

from integstat.validate.report import CODEBOOK, TABLES, write_report
from integstat.validate.tables import Results, gather
from integstat.validate.trial import SCENARIOS, ValidateSettings

RINGS = 100


@pytest.fixture(scope="module")
def results() -> Results:
    model = [ring(rank=place, covered=10 if place % 4 else 8, wrong=place % 2) for place in range(RINGS)]
    tails = [ring(rank=place // 3, covered=7, wrong=2, opposite=1, base_jump=int(place < 40)) for place in range(RINGS)]
    settings = ValidateSettings(rings=RINGS, scenarios=("model", "heavy_tails"))
    return gather(settings, {"model": model, "heavy_tails": tails})


def test_coverage_is_counted_by_quantity_and_pooled(results: Results) -> None:
    at = results.coverage.set_index(["scenario", "quantity", "level"])
    assert at.loc[("model", "relative", 0.9), "share"] == pytest.approx(0.95)
    assert at.loc[("model", "relative", 0.9), "cells"] == 20 * RINGS
    assert at.loc[("model", "ring", 0.5), "cells"] == 20 * RINGS
    assert at.loc[("model", "city", 0.5), "cells"] == 30 * RINGS
    assert at.loc[("model", "city", 0.9), "se"] == pytest.approx(np.sqrt(0.1**2 * 3) / 2 / np.sqrt(RINGS), rel=0.01)
    assert at.loc[("heavy_tails", "gap", 0.9), "beyond_model"] == pytest.approx(-0.25)
    assert at.loc[("model", "gap", 0.9), "beyond_model"] == 0


def test_false_discoveries_are_means_over_rings(results: Results) -> None:
    at = results.discoveries.set_index(["scenario", "kind"])
    assert at.loc[("model", "success"), "fdr"] == pytest.approx(0.125)
    assert at.loc[("model", "success"), "power"] == pytest.approx(3.5 / 6)
    assert at.loc[("heavy_tails", "worse"), "fdr"] == pytest.approx(0.5)
    assert at.loc[("heavy_tails", "worse"), "false_sign"] == pytest.approx(0.25)
    assert at.loc[("heavy_tails", "worse"), "beyond_model"] == pytest.approx(0.375)
    assert at.loc[("model", "deficit"), "expected"] == 0.5 * RINGS


def test_a_ring_that_declares_nothing_counts_as_nothing_wrong() -> None:
    rings = [ring(declared=0, wrong=0), ring(declared=2, wrong=1)]
    table = gather(ValidateSettings(rings=2), {"model": rings}).discoveries
    assert table["fdr"].tolist() == [0.25] * len(table)
    assert table["pooled"].tolist() == [0.5] * len(table)


def test_uniform_ranks_pass_and_others_do_not(results: Results) -> None:
    passed = results.uniformity.groupby("scenario")["p_family"].agg(["min", "max", "size"])
    assert passed.loc["model", "min"] > 0.5
    assert passed.loc["heavy_tails", "max"] < 0.01
    assert (passed["size"] == len(QUANTITIES)).all()
    assert results.uniformity.loc[0, "counts"] == " ".join(["5"] * 20)
    assert results.uniformity.loc[0, "mean"] == pytest.approx(0.5) and results.uniformity.loc[0, "spread"] == pytest.approx(1)


def test_probabilities_are_held_against_what_happened(results: Results) -> None:
    row = results.calibration.query("scenario == 'model' and event == 'p_deficit'")
    assert row[["from", "cells", "told", "share"]].to_numpy().tolist() == [[0.7, 4 * RINGS, 0.75, 0.75]]
    score = results.scores.set_index(["scenario", "event"]).loc[("model", "p_success")]
    assert score["brier"] == pytest.approx(0.1875) and score["brier_if_right"] == pytest.approx(0.1875)
    assert score["log"] == pytest.approx(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))


def test_a_check_tells_only_if_it_speaks_up_more_often_than_under_the_model(results: Results) -> None:
    at = results.checks.set_index(["scenario", "check"])["tells"]
    assert at.loc[("heavy_tails", "base_jump")]
    assert not at.drop(("heavy_tails", "base_jump")).any()


def test_targets_are_those_of_the_first_scenario(results: Results) -> None:
    at = results.targets.set_index("target")
    assert at.loc["coverage_city", "value"] == pytest.approx(0.95) and not at.loc["coverage_city", "holds"]
    assert at.loc["p_family", "holds"] and at.loc["refused", "holds"]
    assert not at.loc["fdr_most", "holds"] and at.loc["fdr_most", "most"] == pytest.approx(0.11)
    refused = [ring(rank=place, refused=place == 0, sampler=place == 1) for place in range(20)]
    again = gather(ValidateSettings(rings=20), {"model": refused}).targets.set_index("target")
    assert again.loc["refused", "value"] == pytest.approx(2 / 40) and not again.loc["refused", "holds"]


def test_the_report_tells_all_and_its_tables_have_a_codebook(results: Results, tmp_path: Path) -> None:
    write_report(results, tmp_path)
    page = (tmp_path / "validation.md").read_text(encoding="utf-8")
    for words in (
        "0,950",
        "**nein**",
        SCENARIOS["heavy_tails"].what_de,
        "Sprung der Grundgesamtheit (40,0 % der Ringe)",
        "−0,250",
    ):
        assert words in page
    assert not re.search(r"\bnan\b|inf|None", page)
    for name in TABLES:
        columns = (tmp_path / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
        assert set(columns) <= set(CODEBOOK)
    assert {one.name for one in tmp_path.glob("*.svg")} == {"ranks.svg", "reliability.svg", "scenarios.svg"}
    assert all(one.stat().st_size < 300_000 for one in tmp_path.iterdir())
