"""Tests of two rates, adjustment and expected ranks against published worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from tests.findings.rings import indicator
from tests.findings.test_usual import read

from integstat.findings.ranks import rank_table
from integstat.findings.usual import _adjusted


def test_aspirin_and_heart_attacks_have_the_published_chi_square() -> None:
    # Physicians' Health Study as in Agresti (2002, doi:10.1002/0471249688): 189 of 11,034 with placebo, 104 of 11,037 with
    # aspirin; Pearson's chi-square 25.01. With Yates' correction it would be 24.4.
    row = read([[(189, 11034), (104, 11037)]]).iloc[0]
    assert stats.chi2.isf(row["p_value"], 1) == pytest.approx(25.01, abs=0.005)
    assert row["called_changed"]


def test_two_poisson_rates_have_the_published_p_value() -> None:
    # Coronary heart disease, smokers and others: Gu, Ng, Tang & Schucany (2008, doi:10.1002/bimj.200710403), example 1: one-sided
    # p of the score statistic 0.000316; of Wald's 0.000356.
    row = read([[(30, 54308.7), (60, 51477.5)]], indicator("U", kind="rate", unit="per_1000")).iloc[0]
    assert row["p_value"] / 2 == pytest.approx(0.000316, abs=1e-6)


def test_four_of_fifteen_p_values_stand_after_adjustment() -> None:
    # Benjamini & Hochberg (1995, doi:10.1111/j.2517-6161.1995.tb02031.x), the worked example: at 0.05 four are rejected, by
    # Bonferroni three
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    order = np.random.default_rng(1).permutation(15)
    adjusted = _adjusted(np.array(p)[order], np.ones(15, dtype=bool))[np.argsort(order)]
    assert (adjusted <= 0.05).tolist() == [True] * 4 + [False] * 11
    assert adjusted[3] == pytest.approx(0.0095 * 15 / 4)


def test_expected_ranks_of_eight_schools_are_those_of_laird_and_louis() -> None:
    # Rubin (1981, doi:10.3102/10769986006004377): effects of coaching and their standard errors. Laird & Louis (1989,
    # doi:10.3102/10769986014001029): a posterior expected rank is 1 plus the probabilities that another is better.
    effect, error = np.array([28, 8, -3, 7, -1, 1, 18, 12.0]), np.array([15, 10, 16, 11, 9, 11, 10, 18.0])
    better = stats.norm.cdf((effect - effect[:, None]) / np.hypot(error, error[:, None]))
    expected = 1 + better.sum(axis=1) - 0.5
    draws = effect + error * np.random.default_rng(2).standard_normal((20_000, 8))
    table = rank_table(draws, list("ABCDEFGH"))
    assert table["rank_mean"].to_numpy() == pytest.approx(expected, abs=0.06)
    assert np.abs(expected - stats.rankdata(-effect)).max() > 0.9  # ranks of the estimates are not it
