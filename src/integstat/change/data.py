"""The counts of one indicator in one definition, ready for an engine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from integstat.catalogue.schema import Kind
from integstat.panel import Panel


class NoCounts(Exception):
    """No city delivered a usable count of the target group: there is nothing to fit."""


@dataclass(frozen=True)
class ChangeData:
    """Counts of one definition with what the model knows of the cities.

    Attributes
    ----------
    definition : str
        Id, for messages and labels.
    kind : {'share', 'rate', 'mean_of_months', 'survey'}
        Chooses likelihood and link.
    cities, groups, years : tuple
        Labels of the three axes; one or two groups, one or two years.
    y, n : ndarray, shape (C, G, T)
        Numerators and bases; `n == 0` marks a cell that tells nothing.
    peers : ndarray of int, shape (C,), optional
        Peer group of each city, 0 … K-1.
    peer_names : tuple of str
    land : tuple of str, optional
        Land of each city.
    covariates : ndarray, shape (C, P)
        Context covariates of the level, in their own units.
    covariate_names : tuple of str
    evidence : float
        Factor on both counts in the likelihood: below 1 for a survey with a design effect, from 1 to 12 for annual means.
    """

    definition: str
    kind: Kind
    cities: tuple[str, ...]
    groups: tuple[str, ...]
    years: tuple[int, ...]
    y: np.ndarray
    n: np.ndarray
    peers: np.ndarray | None = None
    peer_names: tuple[str, ...] = ()
    land: tuple[str, ...] | None = None
    covariates: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    covariate_names: tuple[str, ...] = ()
    evidence: float = 1.0

    def __post_init__(self) -> None:
        shape = (len(self.cities), len(self.groups), len(self.years))
        if self.y.shape != shape or self.n.shape != shape:
            raise ValueError(f"y and n must have the shape {shape}")
        if len(self.groups) not in (1, 2) or len(self.years) not in (1, 2):
            raise ValueError("one or two groups and one or two years")
        if not (np.isfinite(self.y).all() and np.isfinite(self.n).all() and (self.y >= 0).all() and (self.n >= 0).all()):
            raise ValueError("counts must be finite and not negative")
        if self.link == "logit" and (self.y > self.n).any():
            raise ValueError(f"{self.definition}: a numerator above its base")

    @property
    def link(self) -> str:
        """`logit` for shares of persons, `log` for rates."""
        return "log" if self.kind == "rate" else "logit"

    @property
    def usable(self) -> np.ndarray:
        """Cells that tell something, shape (C, G, T)."""
        return self.n > 0

    @property
    def has_peers(self) -> bool:
        """Whether a peer effect is estimable: at least two groups among these cities."""
        return self.peers is not None and len(np.unique(self.peers)) > 1

    @property
    def land_names(self) -> tuple[str, ...]:
        """Länder whose effect is estimable: where at least two Länder have at least two cities; else empty."""
        if self.land is None or len(self.years) < 2:
            return ()
        labels, counts = np.unique(self.land, return_counts=True)
        return tuple(str(label) for label in labels) if (counts >= 2).sum() >= 2 else ()

    def swapped(self) -> ChangeData:
        """The same data with the two years exchanged."""
        return replace(self, y=self.y[:, :, ::-1].copy(), n=self.n[:, :, ::-1].copy())


def from_panel(
    panel: Panel,
    definition: str,
    kind: Kind,
    groups: tuple[str, ...],
    years: tuple[int, ...],
    *,
    peers: dict[str, int] | None = None,
    peer_names: tuple[str, ...] = (),
    use_land: bool = True,
    evidence: float = 1.0,
) -> ChangeData:
    """Take one definition out of the panel.

    Cities without a usable cell in the target group are left out; groups without any usable cell too.

    Parameters
    ----------
    panel : Panel
    definition : str
    kind : str
    groups, years : tuple
        What is asked for.
    peers : dict, optional
        Peer group by city; cities without one get no peer effect, so all must have one.
    use_land : bool
        Whether the Land of a city is handed on.
    evidence : float
        See `ChangeData.evidence`.

    Raises
    ------
    NoCounts
        If no city has a usable cell in the target group.
    """
    cities, y, n = panel.arrays(definition, groups, years)
    kept_groups = [g for g in range(len(groups)) if (n[:, g] > 0).any()]
    if not kept_groups or kept_groups[0] != 0:
        raise NoCounts(f"{definition}: no city delivered a usable count of the target group")
    keep = (n[:, 0] > 0).any(axis=1)
    names = [city for city, kept in zip(cities, keep, strict=True) if kept]
    lands = dict(zip(panel.cities["city"], panel.cities["land"], strict=True))
    return ChangeData(
        definition=definition,
        kind=kind,
        cities=tuple(names),
        groups=tuple(groups[g] for g in kept_groups),
        years=years,
        y=y[keep][:, kept_groups],
        n=n[keep][:, kept_groups],
        peers=np.array([peers[city] for city in names]) if peers is not None else None,
        peer_names=peer_names,
        land=tuple(str(lands[city]) for city in names) if use_land else None,
        evidence=evidence,
    )
