import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from integstat.peers.naming import MIDDLE, ONE_GROUP, group_names, group_profile, ordered
from integstat.peers.settings import FeatureSettings

FEATURES = (
    FeatureSettings(id="pop", name_de="Einwohnerzahl", high_de="groß", low_de="klein", high_en="large", low_en="small"),
    FeatureSettings(id="rent", name_de="Mieten", high_de="hohe Mieten", low_de="niedrige Mieten"),
    FeatureSettings(id="age", name_de="Anteil ab 65"),
)


def frame(rows: list[list[float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["pop", "rent", "age"])


def test_names_tell_what_sets_a_group_apart() -> None:
    values = frame([[3, 2.5, 0], [3, 2.5, 0], [-1, 0, 0], [-1, 0, 0], [0, -0.1, 2.0], [0, -0.1, 2.0]])
    names = group_names(np.array([0, 0, 1, 1, 2, 2]), values, FEATURES)
    assert names[0] == "Groß, hohe Mieten"
    assert names[1].startswith("Klein")
    assert names[2].startswith("Anteil ab 65 hoch")


def test_names_in_english_fall_back_on_the_name() -> None:
    values = frame([[3, 0, -2.0], [3, 0, -2.0], [-1, 0, 2.0], [-1, 0, 2.0]])
    assert group_names(np.array([0, 0, 1, 1]), values, FEATURES, "en") == ("Large, Anteil ab 65 low", "Small, Anteil ab 65 high")


def test_groups_that_no_feature_sets_apart_are_the_middle_and_numbered() -> None:
    names = group_names(np.array([0, 0, 1, 1]), frame([[0.0, 0, 0]] * 4), FEATURES)
    assert names == (f"{MIDDLE['de']} (1)", f"{MIDDLE['de']} (2)")


def test_a_single_group_is_the_whole_ring() -> None:
    assert group_names(np.zeros(3, dtype=int), frame([[1.0, 2, 3]] * 3), FEATURES) == (ONE_GROUP["de"],)


@run(deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_names_are_unique_and_none_says_only_what_another_says(seed: int, groups: int) -> None:
    rng = np.random.default_rng(seed)
    partition = np.arange(groups * 3) % groups
    names = group_names(partition, frame(rng.normal(size=(groups * 3, 3)).round(1).tolist()), FEATURES)
    assert len(set(names)) == groups
    assert all(name[0].isupper() for name in names)


@run(deadline=None)
@given(st.permutations(range(4)))
def test_order_does_not_depend_on_labels(names: list[int]) -> None:
    values = frame(np.random.default_rng(7).normal(size=(12, 3)).tolist())
    partition = np.arange(12) % 4
    assert ordered(np.array(names)[partition], values).tolist() == ordered(partition, values).tolist()


def test_order_is_by_the_first_feature_from_high_to_low() -> None:
    values = frame([[0.0, 1, 0], [2, 0, 0], [-1, 0, 0], [0, 3, 0]])
    assert ordered(np.array([5, 1, 0, 9]), values).tolist() == [2, 0, 3, 1]
    profile = group_profile(ordered(np.array([5, 1, 0, 9]), values), values)
    assert profile["pop"].tolist() == [2.0, 0.0, 0.0, -1.0]
    assert profile.index.tolist() == [0, 1, 2, 3]
