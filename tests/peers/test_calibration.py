"""Shares of sampled partitions read as probabilities, held against rings whose groups are known."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from integstat.peers.build import recommend
from integstat.peers.consensus import coassignment, summarise
from integstat.peers.draws import sample_partitions
from integstat.peers.features.build import scale_features
from integstat.peers.structure import structure_test

from .rings import overlapping, ring, settings

pytestmark = pytest.mark.slow
KS = range(2, 9)


def test_pairs_are_together_as_often_as_they_are_given() -> None:
    """Rings of every separation together; the bins are wide since a ring's pairs are far from independent."""
    choice = settings(8, resamples=60, k_min=2, k_max=8)
    pairs, together, given, rand = np.zeros(5), np.zeros(5), np.zeros(5), {}
    for separation in (0.5, 0.75, 1.0, 1.5, 2.5):
        for number in range(6):
            points, truth = overlapping(separation, np.random.default_rng([int(100 * separation), number]))
            with threadpool_limits(limits=1):
                scaled = scale_features(ring(points), choice, number)
                structure = structure_test(scaled.points(0)[None], KS, number, clouds=39, cores=2)
                draws = sample_partitions(scaled, KS, choice, number, excess=structure.excess, cores=2)
                overall = coassignment(draws)
                best = recommend([summarise(draws, k, overall) for k in KS], structure)
            rand.setdefault(separation, []).append(adjusted_rand_score(truth, best.partition))
            upper = np.triu_indices(len(truth), k=1)
            share = overall[upper]
            place = np.minimum((share * 5).astype(int), 4)
            for total, weight in ((pairs, np.ones(len(share))), (together, truth[upper[0]] == truth[upper[1]]), (given, share)):
                total += np.bincount(place, weights=weight, minlength=5)
    assert np.abs(together / pairs - given / pairs).max() < 0.12
    assert np.abs(together - given).sum() / pairs.sum() < 0.06
    means = [float(np.mean(one)) for one in rand.values()]
    assert means[-1] > 0.7
    assert means[-1] > means[2] > means[0]


def test_structure_is_seldom_found_in_clouds_and_found_where_it_is_clear() -> None:
    found = {}
    for separation, rings in ((0.0, 20), (2.5, 8)):
        tests = []
        for number in range(rings):
            points, _ = overlapping(separation, np.random.default_rng([7, int(100 * separation), number]))
            tests.append(structure_test(points[None], KS, number, clouds=39, cores=2).grouped)
        found[separation] = sum(tests)
    assert found[0.0] <= 4
    assert found[2.5] >= 7
