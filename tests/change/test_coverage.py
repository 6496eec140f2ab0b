"""Coverage on rings whose truth is drawn from the prior the fit uses. Takes minutes: `make slow`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.change.rings import ring

from integstat.change import ChangeSettings, fit
from integstat.errors import ConvergenceError
from integstat.findings.estimands import flat
from integstat.simulate import from_priors

RINGS, CITIES = 20, 24


@pytest.mark.slow
def test_intervals_of_change_cover_the_truth_drawn_from_the_prior(capsys):
    settings = ChangeSettings()
    inside: list[np.ndarray] = []
    refused: list[int] = []
    for seed in range(RINGS):
        rng = np.random.default_rng([seed, 77])
        truth_from = from_priors(settings.priors, np.array([-1.5, -2.0]), rng)
        data, truth = ring(CITIES, (150.0, 5000.0)[seed % 2], seed=1000 + seed, truth_from=truth_from)
        try:
            tree = fit(replace(data, definition=f"Ring {seed}"), settings, seed)
        except ConvergenceError:
            refused.append(seed)
            continue
        low, high = np.quantile(flat(tree["posterior"]["change"]), [0.05, 0.95], axis=0)
        inside.append((low < truth.change) & (truth.change < high))
    share = float(np.mean(inside))
    with capsys.disabled():
        print(f"\ncoverage of 90 % intervals of change: {share:.3f} of {np.size(inside)} cells; refused by the gate: {refused}")
    assert 0.85 <= share <= 0.95
    assert len(refused) <= 2
