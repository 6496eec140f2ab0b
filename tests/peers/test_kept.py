"""What is kept of peer groups serves as well as the groups themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from integstat.peers.build import build_partitions
from integstat.peers.kept import SAMPLED, KeptPeers, from_tree, kept_peers, to_tree
from integstat.peers.partitions import Partitions
from integstat.pipeline import baseline, peer_kernel
from integstat.steps import Store

from .rings import islands, ring, settings

NOTIONS: tuple[Literal["groups", "neighbours"], ...] = ("groups", "neighbours")


@pytest.fixture(scope="module", params=[24, 9, 5], ids="{} cities".format)
def partitions(request: pytest.FixtureRequest) -> Partitions:
    """Of rings with and without groups; the smallest has no neighbours either."""
    points, _ = islands(3, 8, seed=2)
    return build_partitions(ring(points[: request.param]), settings(k_min=2, neighbours=3), 1)


@pytest.fixture(params=["taken", "in a tree", "in a file"])
def kept(partitions: Partitions, request: pytest.FixtureRequest, tmp_path: Path) -> KeptPeers:
    taken = kept_peers(partitions)
    if request.param == "taken":
        return taken
    tree = to_tree(taken)
    if request.param == "in a tree":
        return from_tree(tree)
    Store(tmp_path).write("a" * 64, tree)
    return from_tree(Store(tmp_path).read("a" * 64))


def test_nothing_that_is_read_is_lost(partitions: Partitions, kept: KeptPeers) -> None:
    assert (kept.cities, kept.size, kept.names) == (partitions.cities, partitions.size, partitions.names)
    np.testing.assert_array_equal(kept.summary, partitions.summary)
    np.testing.assert_array_equal(kept.coassignment, partitions.coassignment)
    np.testing.assert_array_equal(kept.sampled(), partitions.sampled(SAMPLED))
    assert kept.coassignment.dtype == partitions.coassignment.dtype  # the digest of the data reads it
    assert (kept.neighbours is None) == (partitions.neighbours is None)


@pytest.mark.parametrize("choice", ["coassignment", "neighbours", "groups", "none"])
def test_the_kernel_is_the_same(choice: str, partitions: Partitions, kept: KeptPeers) -> None:
    own, other = peer_kernel(partitions, choice), peer_kernel(kept, choice)
    assert (own is None) == (other is None)
    if own is not None and other is not None:
        np.testing.assert_array_equal(own, other)


@pytest.mark.parametrize("notion", NOTIONS)
def test_the_yardstick_is_the_same(notion: Literal["groups", "neighbours"], partitions: Partitions, kept: KeptPeers) -> None:
    own, other = baseline(partitions, notion), baseline(kept, notion)
    assert (own is None) == (other is None)
    if own is None or other is None:
        return
    assert own.cities == other.cities
    if notion == "groups":
        np.testing.assert_array_equal(own.labels, other.labels)
    else:
        np.testing.assert_array_equal(own.weights.toarray(), other.weights.toarray())


def test_other_numbers_of_partitions_were_not_kept(kept: KeptPeers) -> None:
    with pytest.raises(ValueError, match=f"{SAMPLED} partitions were kept, not 50"):
        kept.sampled(50)
