"""The ledger of a change adds up, draw by draw and in the means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.findings.rings import catalogue, findings, indicator, tree

from integstat.findings.ledger import LEDGER_CODEBOOK, PARTS, ledger_table


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["+", "-"]), st.sampled_from(["share", "rate"]))
def test_parts_add_up_to_the_raw_change(seed: int, polarity: str, kind: str) -> None:
    rng = np.random.default_rng(seed)
    shape = (60, 9, 1)
    made = tree(
        rng.normal(-1.2, 0.3, shape),
        rng.normal(0.1, 0.3, shape),
        lasting=rng.normal(0, 0.1, shape),
        link="log" if kind == "rate" else "logit",
    )
    n = made["observed_data"].to_dataset(inherit=False)["n"].to_numpy()
    y = np.round(n * rng.uniform(0.1, 0.5, n.shape))
    made["observed_data"] = made["observed_data"].to_dataset().assign(y=(("city", "group", "year"), y))
    out = findings({"U.main": made}, catalogue(indicator("U", polarity, kind=kind, groups=1)))
    table = ledger_table(out.grid)
    assert list(table) == list(LEDGER_CODEBOOK)
    assert len(table) == 9
    total = sum(table[f"{part}_mean"] for part in PARTS)
    np.testing.assert_allclose(total, table["change_raw"], atol=1e-9)
    np.testing.assert_allclose(table["year_mean"] + table["lasting_mean"], out.grid["relative_change_mean"], atol=1e-9)
    for part in PARTS:
        assert (table[f"{part}_lower"] <= table[f"{part}_upper"]).all()


def test_what_is_certain_has_no_width() -> None:
    still = np.zeros((40, 8, 1))
    out = findings({"U.main": tree(still - 1, still, lasting=still)}, catalogue(indicator("U", groups=1)))
    table = ledger_table(out.grid)
    assert (table[["ring_mean", "year_mean", "lasting_mean"]] == 0).all(axis=None)
    assert (table["chance_upper"] - table["chance_lower"]).max() == pytest.approx(0)


def test_without_five_others_there_is_no_ledger() -> None:
    still = np.zeros((40, 5, 1))
    out = findings({"U.main": tree(still, still)}, catalogue(indicator("U", groups=1)))
    assert ledger_table(out.grid).empty
