"""`integstat plan`: where its figures come from, tables, page, and what it refuses."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from integstat.catalogue import Catalogue
from integstat.cli.plan import FILES, plan_command
from integstat.config import RingConfig, load_ring
from integstat.errors import UsageError
from integstat.panel import Context, Panel
from integstat.planning.build import INPUT_CODEBOOK, PLAN_CODEBOOK, RING_CODEBOOK, Plan, make_plan
from integstat.planning.inputs import Inputs, gather, made_up
from integstat.planning.page import write_page

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ring() -> tuple[RingConfig, Catalogue]:
    return load_ring(ROOT / "configs" / "rings" / "employment67.toml")


@pytest.fixture(scope="module")
def inputs(ring: tuple[RingConfig, Catalogue]) -> Inputs:
    return gather(*ring, None, None, 12)


@pytest.fixture(scope="module")
def plan(ring: tuple[RingConfig, Catalogue], inputs: Inputs) -> Plan:
    return make_plan(inputs, ring[0].findings, 1)


def test_without_counts_the_magnitudes_speak(inputs: Inputs) -> None:
    assert not inputs.delivered
    assert [one.indicator for one in inputs.planned] == ["A2", "A5"]
    assert {one.counts for one in inputs.planned} == {"magnitudes"}
    assert inputs.planned[0].other == "A2.share_15_64"
    assert inputs.left_out == {"X1": "no_finding"}


def delivered(cities: int) -> tuple[Panel, Context]:
    """Counts of A2 by city, and inhabitants."""
    keys = [f"91{1 + c:03d}" for c in range(cities)]
    rows = [
        (key, "A2", "A2.restricted_base", "target", year, 90.0 + 10 * c + 5 * t, 1000.0 + 100 * c)
        for c, key in enumerate(keys)
        for t, year in enumerate((2020, 2021))
    ]
    counts = pd.DataFrame(rows, columns=["city", "indicator", "definition", "group", "year", "y", "n"])
    table = pd.DataFrame({"city": keys, "name": keys, "land": "91", "land_name": "Land 91"})
    people = pd.DataFrame({"pop": 20_000.0 + 2000 * np.arange(cities)}, index=keys)
    return Panel(counts.assign(y_code="value", n_code="value", note="", place=""), table), Context(people, 2020)


def test_counts_speak_where_they_are(ring: tuple[RingConfig, Catalogue]) -> None:
    panel, context = delivered(9)
    inputs = gather(*ring, panel, context, 99)
    assert inputs.delivered
    assert inputs.cities == 9
    one = inputs.planned[0]
    assert (one.definition, one.counts, one.size) == ("A2.restricted_base", "counts", "counts")
    assert one.level == pytest.approx(np.median([(92.5 + 10 * c) / (1000 + 100 * c) for c in range(9)]))
    assert one.bases.tolist() == [1000.0 + 100 * c for c in range(9)]
    assert one.per_1000 == pytest.approx(50.0)


def test_too_few_counts_tell_no_median(ring: tuple[RingConfig, Catalogue]) -> None:
    assert gather(*ring, *delivered(4), 9).planned[0].counts == "magnitudes"


def test_without_inhabitants_the_base_per_head_is_a_magnitude(ring: tuple[RingConfig, Catalogue]) -> None:
    one = gather(*ring, delivered(9)[0], None, 9).planned[0]
    assert (one.counts, one.size) == ("counts", "magnitudes")
    assert one.per_1000 == 115.0


def test_the_configs_own_prior_is_the_spread(ring: tuple[RingConfig, Catalogue]) -> None:
    config, catalogue = ring
    text = {"A2": {"sd_change_median": 0.33}}
    changed = config.model_copy(update={"change": config.change.model_validate({"indicator": text})})
    one = gather(changed, catalogue, None, None, 12).planned[0]
    assert (one.sd_change, one.spread) == (0.33, "config")
    assert one.priors.sd_change_median == 0.33


def test_points_become_a_link_step_at_the_typical_level(ring: tuple[RingConfig, Catalogue]) -> None:
    config, catalogue = ring
    rules = config.findings.model_validate({"step": {"A2": {"rho_points": 1.0}}, "rho_times": 2.0})
    one = gather(config.model_copy(update={"findings": rules}), catalogue, None, None, 12).planned[0]
    assert one.rho == pytest.approx(2 * 1.0 / (100 * one.level * (1 - one.level)))


def test_tables_have_the_columns_of_their_codebooks(plan: Plan) -> None:
    for table, codebook in ((plan.table, PLAN_CODEBOOK), (plan.ring, RING_CODEBOOK), (plan.assumptions, INPUT_CODEBOOK)):
        assert list(table.columns) == list(codebook)
    assert len(plan.table) == 2 * 2 * 7
    assert not plan.table.duplicated(["indicator", "years", "size"]).any()
    assert (plan.ring["right_improved"] <= plan.ring["truly_improved"]).all()


def test_the_same_seed_gives_the_same_plan(plan: Plan, inputs: Inputs) -> None:
    pd.testing.assert_frame_equal(make_plan(inputs, plan.settings, 1).table, plan.table)


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_page_stands_alone_and_says_what_the_tables_say(
    plan: Plan, ring: tuple[RingConfig, Catalogue], language: str
) -> None:
    page = write_page(plan, ring[1], "Ring <1>", "", language)
    assert page == write_page(plan, ring[1], "Ring <1>", "", language)
    assert f'<html lang="{language}">' in page
    assert "Ring &lt;1&gt;" in page
    assert not re.search(r"<script|<link|https?://", page)
    assert page.count("<svg") == len(plan.inputs.planned)
    assert ("×1,5" if language == "de" else "×1.5") in page
    weak = plan.of(2, 100_000).query("not carries").index
    listed = re.findall(r"<li>[^<]*\((\w+)\)", page)
    assert listed == list(weak)


def test_nothing_to_plan_for_is_refused(plan: Plan, inputs: Inputs) -> None:
    with pytest.raises(UsageError, match="Größenordnungen"):
        make_plan(replace(inputs, planned=()), plan.settings, 1)
    with pytest.raises(UsageError, match="5 Städte"):
        make_plan(replace(inputs, cities=5), plan.settings, 1)


def test_a_made_up_ring_has_large_cities_in_order() -> None:
    people = made_up(24)
    assert (np.diff(people) >= 0).all()
    assert people[0] >= 100_000


def test_the_command_writes_all_files_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "configs" / "rings" / "employment67.toml").read_text(encoding="utf-8")
    config = tmp_path / "ring.toml"
    config.write_text(re.sub(r'^data = ".+"', 'data = "nowhere"', text, flags=re.M), encoding="utf-8")
    out = tmp_path / "plan"
    plan_command(config, out=out, data=None, cities=8, lang="en", force=False)
    shown = capsys.readouterr()
    assert shown.out.strip() == str(out / FILES[0])
    assert "noch keine Zahlen" in shown.err
    assert {path.name for path in out.iterdir()} >= set(FILES)
    with pytest.raises(UsageError, match="schon"):
        plan_command(config, out=out, data=None, cities=8, lang="de", force=False)
    with pytest.raises(UsageError, match="Sprache"):
        plan_command(config, out=tmp_path / "x", data=None, cities=8, lang="fr", force=False)
    with pytest.raises(UsageError, match="kein Ordner"):
        plan_command(config, out=config / "x", data=None, cities=8, lang="de", force=False)
