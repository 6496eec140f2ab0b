import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

import integstat.peers.agreement
from integstat.peers.agreement import contingency, information, pair_agreement

labelling = st.lists(st.integers(0, 3), min_size=7, max_size=7).map(np.array)


def variation_of_information(first: np.ndarray, second: np.ndarray) -> float:
    return float(information(first, second[None, :])[0][0])


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


def test_contingency_counts_cities() -> None:
    found = contingency(np.array([0, 0, 1]), np.array([[0, 1, 1], [2, 2, 2]]))
    assert found.tolist() == [[[1, 1, 0], [0, 1, 0]], [[0, 0, 2], [0, 0, 1]]]


def test_pair_agreement_is_the_adjusted_rand_index() -> None:
    draws = np.random.default_rng(1).integers(0, 3, size=(6, 20))
    draws[5] = 0
    found = pair_agreement(draws)
    wanted = [[adjusted_rand_score(first, second) for first in draws] for second in draws]
    np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = np.random.default_rng(2).integers(0, 4, size=(9, 31))
    partition = draws[0]
    whole = pair_agreement(draws), information(partition, draws)
    monkeypatch.setattr(integstat.peers.agreement, "_CHUNK", 100)
    np.testing.assert_array_equal(pair_agreement(draws), whole[0])
    np.testing.assert_array_equal(information(partition, draws), whole[1])
