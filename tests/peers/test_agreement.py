import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from integstat.peers.agreement import information, pair_agreement, variation_of_information

labelling = st.lists(st.integers(0, 3), min_size=7, max_size=7).map(np.array)


def by_definition(first: list[int], second: list[int]) -> tuple[float, float]:
    """H(X|Y) + H(Y|X) and I(X; Y), summed cell by cell."""
    n = len(first)
    a, b, both = Counter(first), Counter(second), Counter(zip(first, second, strict=True))
    variation = -sum(c / n * (math.log2(c / a[x]) + math.log2(c / b[y])) for (x, y), c in both.items())
    mutual = sum(c / n * math.log2(c * n / (a[x] * b[y])) for (x, y), c in both.items())
    return variation, mutual


@run(deadline=None)
@given(labelling, labelling)
def test_variation_of_information_is_as_defined(first: np.ndarray, second: np.ndarray) -> None:
    variation, mutual = information(first, second[None, :])
    wanted = by_definition(first.tolist(), second.tolist())
    assert (variation[0], mutual[0]) == pytest.approx(wanted, abs=1e-9)


@run(deadline=None)
@given(labelling, labelling, labelling)
def test_variation_of_information_is_a_metric(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> None:
    there, back = variation_of_information(first, second), variation_of_information(second, first)
    assert there == pytest.approx(back, abs=1e-9)
    same = bool(((first[:, None] == first) == (second[:, None] == second)).all())
    assert (there == 0.0) == same
    assert there <= variation_of_information(first, third) + variation_of_information(third, second) + 1e-9
    assert there <= math.log2(len(first)) + 1e-9


@run(deadline=None)
@given(labelling, st.permutations(range(4)))
def test_labels_carry_no_meaning(first: np.ndarray, names: list[int]) -> None:
    assert variation_of_information(first, np.array(names)[first]) == 0.0


def test_cities_outside_the_draw_do_not_count() -> None:
    draw = np.array([[0, 0, 1, -1, -1]])
    assert information(np.array([0, 0, 1, 1, 0]), draw)[0][0] == 0.0
    assert information(np.array([0, 1, 1, 0, 0]), draw)[0][0] == pytest.approx(by_definition([0, 1, 1], [0, 0, 1])[0])


def test_pair_agreement_is_the_adjusted_rand_index_on_common_cities() -> None:
    rng = np.random.default_rng(1)
    draws = rng.integers(0, 3, size=(6, 20))
    draws[rng.random(draws.shape) < 0.2] = -1
    found = pair_agreement(draws)
    for s in range(6):
        for t in range(6):
            common = (draws[s] >= 0) & (draws[t] >= 0)
            assert found[s, t] == pytest.approx(adjusted_rand_score(draws[s, common], draws[t, common]), abs=1e-5)


def test_pair_agreement_without_common_cities_is_unknown() -> None:
    draws = np.array([[0, 1, -1, -1], [-1, -1, 0, 0]])
    assert np.isnan(pair_agreement(draws)[0, 1])
