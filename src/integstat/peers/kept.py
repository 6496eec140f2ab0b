"""What later stages read of peer groups and neighbours, as arrays that can be kept and sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy import sparse

from integstat.peers.partitions import Partitions

SAMPLED = 200  # partitions over which standing and change against peers are averaged


@dataclass(frozen=True)
class KeptNeighbours:
    """The part of `Neighbours` that change model and yardstick read."""

    cities: tuple[str, ...]
    similarity: np.ndarray | None
    weights: Any


@dataclass(frozen=True)
class KeptPeers:
    """The part of `Partitions` that change model and yardstick read; the attributes mean the same there.

    Attributes
    ----------
    cities : tuple of str
        Length C.
    size : int
    summary : ndarray of int, shape (C,)
    names : tuple of str
    labels : ndarray of int, shape (`SAMPLED`, C)
    coassignment : ndarray, shape (C, C)
    neighbours : KeptNeighbours or None
    """

    cities: tuple[str, ...]
    size: int
    summary: np.ndarray
    names: tuple[str, ...]
    labels: np.ndarray
    coassignment: np.ndarray
    neighbours: KeptNeighbours | None

    def sampled(self, count: int = SAMPLED) -> np.ndarray:
        """Sampled partitions, as many as were kept.

        Raises
        ------
        ValueError
            If another number is asked for.
        """
        if count != len(self.labels):
            raise ValueError(f"{len(self.labels)} partitions were kept, not {count}")
        return self.labels


def kept_peers(partitions: Partitions) -> KeptPeers:
    """Take from the partitions what later stages read."""
    near = partitions.neighbours
    return KeptPeers(
        cities=partitions.cities,
        size=partitions.size,
        summary=partitions.summary,
        names=partitions.names,
        labels=partitions.sampled(SAMPLED),
        coassignment=partitions.coassignment,
        neighbours=None if near is None else KeptNeighbours(near.cities, near.similarity, near.weights),
    )


def to_tree(kept: KeptPeers) -> xr.DataTree:
    """Return the same as a tree with the group `peers`; `from_tree` reads it."""
    pair = ("city", "other")
    data: dict[str, Any] = {
        "summary": ("city", kept.summary),
        "labels": (("partition", "city"), kept.labels),
        "coassignment": (pair, kept.coassignment),
    }
    if kept.neighbours is not None:
        data["weights"] = (pair, sparse.csr_array(kept.neighbours.weights).toarray())
        if kept.neighbours.similarity is not None:
            data["similarity"] = (pair, kept.neighbours.similarity)
    peers = xr.Dataset(data, coords={"city": list(kept.cities), "peer_group": list(kept.names)})
    tree = xr.DataTree.from_dict({"peers": peers})
    tree.attrs = {"size": kept.size}
    return tree


def from_tree(tree: xr.DataTree) -> KeptPeers:
    """Return what `to_tree` put in."""
    data = tree["peers"].to_dataset()
    cities = tuple(str(city) for city in data["city"].to_numpy())
    near = None
    if "weights" in data:
        similarity = data["similarity"].to_numpy() if "similarity" in data else None
        near = KeptNeighbours(cities, similarity, sparse.csr_array(data["weights"].to_numpy()))
    return KeptPeers(
        cities=cities,
        size=int(tree.attrs["size"]),
        summary=data["summary"].to_numpy(),
        names=tuple(str(name) for name in data["peer_group"].to_numpy()),
        labels=data["labels"].to_numpy(),
        coassignment=data["coassignment"].to_numpy(),
        neighbours=near,
    )
