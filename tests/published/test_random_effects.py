"""Binomial and Poisson counts with random effects: the engine against answers that others published for the same counts.

Tolerances are such that the usual mistakes fail: no random effects (too sure), no pooling, complete pooling.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.special import expit

from integstat.bare import fit_table
from integstat.catalogue.schema import Kind
from integstat.change import ChangeData, ChangeSettings, fit
from integstat.change.settings import Priors

# Efron & Morris (1975, doi:10.1080/01621459.1975.10479864): hits in the first 45 at bats and averages of the season's rest
HITS = np.array([18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7])
SEASON = np.array([346, 298, 276, 222, 273, 270, 263, 210, 269, 230, 264, 256, 303, 264, 226, 285, 316, 200]) / 1000
# Tarone (1982, Biometrics 38, 215-220): rats with a tumour in 70 control groups and in the current one, the last
TUMOURS = [0] * 14 + [1] * 8 + [2] * 9 + [1, 5, 2, 5, 3, 2, 7, 7, 3, 3, 2, 9, 10, 4, 4, 4, 4, 4, 4, 4, 10, 4, 4, 4, 5, 11, 12]
TUMOURS += [5, 5, 6, 5, 6, 6, 6, 6, 16, 15, 15, 9, 4]
RATS = [20] * 7 + [19] * 4 + [18, 18, 17] + [20] * 4 + [19, 19, 18, 18, 25, 24, 23] + [20] * 6 + [10, 49, 19, 46, 27, 17]
RATS += [49, 47, 20, 20, 13, 48, 50] + [20] * 7 + [48, 19, 19, 19, 22, 46, 49, 20, 20, 23, 19, 22, 20, 20, 20, 52, 46]
RATS += [47, 24, 14]


def counts(y: np.ndarray | Sequence[float], n: np.ndarray | Sequence[float], kind: Kind = "share", **given: object) -> ChangeData:
    """One group; a single year, or as many as the counts have columns."""
    y, n = (np.asarray(values, dtype=float) for values in (y, n))
    y, n = (values.reshape(len(values), 1, -1) for values in (y, n))
    years = tuple(range(2020, 2020 + y.shape[2]))
    cities = tuple(f"{i:02d}" for i in range(len(y)))
    return ChangeData("published", kind, cities, ("target",), years, y, n, **given)  # type: ignore[arg-type]


def settings(**priors: float) -> ChangeSettings:
    return ChangeSettings(engine="laplace", draws=2000, peers="none", priors=Priors(**priors))  # type: ignore[arg-type]


def means(data: ChangeData, **priors: float) -> np.ndarray:
    """Draws of the level of each unit on the link scale, shape (S, C)."""
    tree = fit(data, settings(**priors), 1, cores=1, threads=1)
    return np.asarray(tree["posterior"]["mean"].to_numpy().reshape(-1, len(data.cities)))


def test_overdispersed_seeds_have_the_published_effects_and_standard_errors() -> None:
    # Crowder (1978, doi:10.2307/2346223), table 3; penalised quasi-likelihood of Breslow & Clayton (1993,
    # doi:10.1080/01621459.1993.10594284). Without random effects the standard errors would be a third smaller.
    y = [10, 23, 23, 26, 17, 5, 53, 55, 32, 46, 10, 8, 10, 8, 23, 0, 3, 22, 15, 32, 3]
    n = [39, 62, 81, 51, 39, 6, 74, 72, 51, 79, 13, 16, 30, 28, 45, 4, 12, 41, 30, 51, 7]
    seed, extract = np.repeat([0.0, 1.0], [11, 10]), np.repeat([0.0, 1.0, 0.0, 1.0], [5, 6, 5, 5])
    features = np.column_stack([seed, extract, seed * extract])
    data = counts(y, n, covariates=features, covariate_names=("seed", "extract", "both"))
    table = fit_table(data, settings(covariate_sd=10.0), 1, cores=1).query("city == ''").set_index("quantity")
    published = {"alpha": (-0.542, 0.190), "seed": (0.077, 0.308), "extract": (1.339, 0.270), "both": (-0.825, 0.430)}
    for name, (mean, error) in published.items():
        assert table.loc[name, "mean"] == pytest.approx(mean, abs=0.2 * error), name
        assert table.loc[name, "sd"] == pytest.approx(error, rel=0.2), name
    assert table.loc["sd_mean", "mean"] == pytest.approx(0.313, abs=0.121)


def test_batting_averages_shrink_as_james_and_stein_said() -> None:
    level = expit(means(counts(HITS, np.full(18, 45)))).mean(axis=0)
    # Efron (2010, doi:10.1017/CBO9780511761362), table 1.1: James-Stein estimates
    james_stein = [0.294, 0.289, 0.285, 0.280, 0.275, 0.275, 0.270, 0.266, 0.261, 0.261, *[0.256] * 5, 0.252, 0.247, 0.242]
    assert level == pytest.approx(np.array(james_stein), abs=0.005)
    raw, ours = (float(((values - SEASON) ** 2).sum()) for values in (HITS / 45, level))
    assert raw / ours == pytest.approx(3.5, abs=0.3)  # Efron & Morris: 3.5 times as efficient


def test_the_current_rats_borrow_from_seventy_earlier_groups() -> None:
    # Gelman et al. (2013, doi:10.1201/b16018), section 5.3: population Beta(2.4, 14.3); alone the group says 4/14 = 0.286
    level = expit(means(counts(TUMOURS, RATS))).mean(axis=0)
    assert (len(TUMOURS), sum(TUMOURS), sum(RATS)) == (71, 267, 1739)
    assert level[-1] == pytest.approx((4 + 2.4) / (14 + 16.7), abs=0.01)
    assert level[0] == pytest.approx(2.4 / (20 + 16.7), abs=0.015)
    assert level.mean() == pytest.approx(2.4 / 16.7, abs=0.01)


def test_pumps_have_the_published_rates() -> None:
    # Gaver & O'Muircheartaigh (1987, Technometrics 29, 1-15); gamma population of George, Makov & Smith (1993), with
    # the posterior means of its shape and rate, 0.70 and 0.93. Raw rates miss the second by a third, the ninth by a fifth.
    y = np.array([5, 1, 5, 14, 3, 19, 1, 1, 4, 22])
    n = np.array([94.3, 15.7, 62.9, 126, 5.24, 31.4, 1.05, 1.05, 2.1, 10.5])
    rate = np.exp(means(counts(y, n, "rate"), sd_mean_scale=5.0)).mean(axis=0)
    off = rate / ((y + 0.70) / (n + 0.93)) - 1
    told = np.array([True, True, True, True, False, True, False, False, True, True])  # the others hold too little
    assert np.abs(off[told]).max() < 0.06
    assert np.abs(off).max() < 0.20


def test_thirteen_vaccine_trials_give_the_published_mean_and_spread_of_the_change() -> None:
    # Colditz et al. (1994, doi:10.1001/jama.1994.03510330076038): tuberculosis without (first) and with BCG (last). Log odds
    # ratio, bivariate model of van Houwelingen, Arends & Stijnen (2002, doi:10.1002/sim.1040): -0.738, SE 0.180; variance
    # between trials 1.431 + 2.407 - 2 x 1.757 = 0.324. With one effect for all trials it would be -0.44, far too sure.
    cases = [(11, 4), (29, 6), (11, 3), (248, 62), (47, 33), (372, 180), (10, 8), (499, 505), (45, 29), (65, 17), (141, 186)]
    persons = [(139, 123), (303, 306), (220, 231), (12867, 13598), (5808, 5069), (1451, 1541), (629, 2545), (88391, 88391)]
    persons += [(7277, 7499), (1665, 1716), (27338, 50634), (2341, 2498), (17854, 16913)]
    data = counts(np.array([*cases, (3, 5), (29, 27)]), np.array(persons))
    tree = fit(data, settings(sd_change_median=0.5, sd_change_log_sd=1.5, shift_sd=5.0, sd_mean_scale=3.0), 1, cores=1, threads=1)
    shift, spread = (tree["posterior"][name].to_numpy().ravel() for name in ("delta", "sd_change"))
    assert shift.mean() == pytest.approx(-0.738, abs=0.07)
    assert shift.std() == pytest.approx(0.180, rel=0.25)
    assert np.median(spread) == pytest.approx(np.sqrt(0.324), rel=0.15)
