"""One order for the same data, however labelled: so that labels and their order cannot touch a result.

Engines draw random numbers in the order of the axes. Put into an order that follows from the counts alone, data that differ only
in names, in the order of cities or groups, or in the direction of time get the same draws; `Order.back` gives them their own
labels, and what points from the first year to the last its sign.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from integstat.change.data import ChangeData

_DIRECTED = ("delta", "delta_step", "change", "expected_change", "group_change", "lasting_change", "lasting_scatter",
             "peer_change", "land_change")  # fmt: skip


@dataclass(frozen=True)
class Order:
    """How the axes of a data set were arranged.

    Attributes
    ----------
    cities, groups, peers, land : ndarray of int
        For each place in the new order, the place in the old.
    backwards : bool
        Whether time was turned.
    """

    cities: np.ndarray
    groups: np.ndarray
    peers: np.ndarray
    land: np.ndarray
    backwards: bool

    def back(self, posterior: dict[str, xr.Variable]) -> dict[str, xr.Variable]:
        """Arrange a posterior as the data were: dims `city`, `group`, `peer_group`, `land`, `year`, `step`.

        Takes the variables out of the dictionary one by one, so that no second copy of all of them is held.
        """
        places = {"city": self.cities, "group": self.groups, "peer_group": self.peers, "land": self.land}
        where = {dim: np.argsort(place) for dim, place in places.items() if _moved(place)}
        turned = ("year", "step") if self.backwards else ()
        out = {}
        for name in list(posterior):
            values = posterior.pop(name)
            array = values.to_numpy()
            for axis, dim in enumerate(values.dims):
                if dim in where:
                    array = np.take(array, where[str(dim)], axis)
                elif dim in turned:
                    array = np.flip(array, axis)
            out[name] = xr.Variable(values.dims, -array if self.backwards and name in _DIRECTED else array)
        return out


def _moved(place: np.ndarray) -> bool:
    return bool((place != np.arange(len(place))).any())


def canonical(data: ChangeData) -> tuple[ChangeData, Order]:
    """Arrange a data set by its counts.

    Returns
    -------
    data : ChangeData
        Groups by size, time so that the last year has the more cases, cities by their counts, peer groups and Länder by
        their first city; labels replaced by numbers. The order of covariates stays.
    order : Order
    """
    groups = np.array(sorted(range(len(data.groups)), key=lambda g: (-_sum(data.n[:, g]), -_sum(_middle(data)[:, g]))))
    first, last = ((_sum(_middle(data)[:, :, t]), _sum(data.n[:, :, t])) for t in (0, -1))
    backwards = first > last
    turned = data.swapped() if backwards else data
    cities = _by_content(turned, groups)
    peers = _by_appearance(None if data.peers is None else data.peers[cities])
    names = data.land_names
    land_of = None if data.land is None else np.array([names.index(one) if one in names else 0 for one in data.land])
    land = _by_appearance(land_of[cities] if land_of is not None and names else None)

    def arranged(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[cities][:, groups]

    y, n = turned.y[cities][:, groups], turned.n[cities][:, groups]
    new = replace(
        turned,
        cities=tuple(str(place) for place in range(len(cities))),
        groups=tuple(str(place) for place in range(len(groups))),
        y=y,
        n=n,
        coarse=arranged(turned.coarse),
        parts=arranged(turned.parts),
        peers=None if data.peers is None else np.argsort(peers)[data.peers[cities]],
        peer_names=(),
        kernel=None if data.kernel is None else data.kernel[np.ix_(cities, cities)],
        land=None if land_of is None or not names else tuple(f"{place:03d}" for place in np.argsort(land)[land_of[cities]]),
        covariates=data.covariates[cities] if data.covariates.size else data.covariates,
    )
    return new, Order(cities, groups, peers, land, backwards)


def _middle(data: ChangeData) -> np.ndarray:
    """Counts, with the middle of the bounds where they are coarse."""
    if data.coarse is None:
        return data.y
    middle = data.coarse.mean(axis=-1)
    return np.where(np.isfinite(middle), middle, data.y)


def _sum(values: np.ndarray) -> float:
    """Sum that does not depend on the order."""
    return float(np.sort(values, axis=None).sum())


def _by_content(data: ChangeData, groups: np.ndarray) -> np.ndarray:
    """Places of the cities in the order of what is known of them; what is all alike stays in the order it came in."""
    count = len(data.cities)
    known = [data.n[:, groups], _middle(data)[:, groups]]
    if data.coarse is not None:
        known.append(np.nan_to_num(data.coarse[:, groups], nan=-1.0))
    if data.covariates.size:
        known.append(data.covariates)
    if data.kernel is not None:
        known.append(np.sort(data.kernel, axis=1))
    columns = np.concatenate([one.reshape(count, -1) for one in known], axis=1)
    return np.asarray(np.lexsort(columns.T[::-1]))


def _by_appearance(labels: np.ndarray | None) -> np.ndarray:
    """Labels 0 … K-1 in the order of their first appearance, absent ones at the end; empty without labels."""
    if labels is None:
        return np.zeros(0, dtype=int)
    present, first = np.unique(labels, return_index=True)
    absent = np.setdiff1d(np.arange(labels.max() + 1), present)
    return np.concatenate([present[np.argsort(first)], absent])
