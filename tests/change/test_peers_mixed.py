"""One fit with the co-assignment kernel against separate fits over the partitions it is made of, mixed with equal weights.

Prints how far they are apart. `analyses/benchmarks/peers_mixed.py` does it with 50 partitions.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.change.rings import parameters, ring

from integstat.change import ChangeSettings, fit
from integstat.change.kernel import leading
from integstat.findings import Baseline
from integstat.findings.estimands import estimands

pytestmark = pytest.mark.slow

PARTITIONS, MOVED = 12, 0.25
SETTINGS = ChangeSettings(engine="laplace")
LIMITS = {"change": 0.15, "standing": 0.1, "against_peers": 0.15}  # root mean square over the cities, in posterior SDs


def test_the_kernel_says_what_the_mixture_says(capsys) -> None:
    data, _ = ring(40, 1000, seed=5, truth_from=parameters(sd_peer_level=0.3, sd_peer_change=0.15))
    rng = np.random.default_rng(5)
    assert data.peers is not None
    moved = rng.random((PARTITIONS, 40)) < MOVED
    partitions = np.where(moved, rng.integers(0, 4, moved.shape), data.peers)
    mixture: dict[str, list[np.ndarray]] = {name: [] for name in LIMITS}
    for place, labels in enumerate(partitions):
        tree = fit(replace(data, peers=labels), SETTINGS, 100 + place)
        found = estimands(tree, 1, 100.0, baseline=Baseline(data.cities, labels=labels[None]))
        for name, values in mixture.items():
            values.append(getattr(found, name))
    kernel = leading((partitions[:, :, None] == partitions[:, None, :]).mean(axis=0))
    tree = fit(replace(data, kernel=kernel), SETTINGS, 99)
    found = estimands(tree, 1, 100.0, baseline=Baseline(data.cities, labels=partitions))
    lines, results = [], {}
    for name, values in mixture.items():
        ours, theirs = getattr(found, name), np.concatenate(values)
        sd = theirs.std(axis=0)
        gap, ratio = (ours.mean(axis=0) - theirs.mean(axis=0)) / sd, ours.std(axis=0) / sd
        results[name] = float(np.sqrt((gap**2).mean())), float(ratio.mean())
        lines.append(f"{name}: rms {results[name][0]:.3f}, largest {np.abs(gap).max():.3f}, ratio of SDs {results[name][1]:.3f}")
    with capsys.disabled():
        print("\nkernel against mixture, in posterior SDs", *lines, sep="\n")
    for name, (rms, ratio) in results.items():
        assert rms < LIMITS[name], name
        assert 0.95 < ratio < 1.1, name
