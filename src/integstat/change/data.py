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
        Numerators and bases; `n == 0` marks a cell that tells nothing. Where `coarse` has bounds, `y` is not read.
    coarse : ndarray, shape (C, G, T, 2), optional
        Smallest and largest count, both whole, that a cell may hold; NaN where `y` is exact.
    parts : ndarray of int, shape (C, G, T), optional
        How many figures, each rounded for itself, a coarse count is the sum of; their errors add up.
    overlap : float
        Share of the counting error that the years have in common: of a stock most persons are counted in all of them.
    peers : ndarray of int, shape (C,), optional
        Peer group of each city, 0 … K-1.
    peer_names : tuple of str
    kernel : ndarray, shape (C, C), optional
        Correlation of the peer effects of every two cities, in place of the groups: positive semidefinite, diagonal 1.
    peer_effect : bool
        Whether peers enter the model; if not, their groups are only labels.
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
    coarse: np.ndarray | None = None
    parts: np.ndarray | None = None
    overlap: float = 0.0
    peers: np.ndarray | None = None
    peer_names: tuple[str, ...] = ()
    kernel: np.ndarray | None = None
    peer_effect: bool = True
    land: tuple[str, ...] | None = None
    covariates: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    covariate_names: tuple[str, ...] = ()
    evidence: float = 1.0

    def __post_init__(self) -> None:
        shape = (len(self.cities), len(self.groups), len(self.years))
        if self.y.shape != shape or self.n.shape != shape:
            raise ValueError(f"y and n must have the shape {shape}")
        if len(self.groups) not in (1, 2) or not self.years:
            raise ValueError("one or two groups and at least one year")
        if list(self.years) != sorted(set(self.years)):
            raise ValueError("years in order, each once")
        if not (np.isfinite(self.y).all() and np.isfinite(self.n).all() and (self.y >= 0).all() and (self.n >= 0).all()):
            raise ValueError("counts must be finite and not negative")
        if self.link == "logit" and (self.y > self.n).any():
            raise ValueError(f"{self.definition}: a numerator above its base")
        if not 0 <= self.overlap < 1:
            raise ValueError("an overlap is a share below 1")
        self._check_coarse(shape)
        self._check_kernel()

    def _check_coarse(self, shape: tuple[int, int, int]) -> None:
        if self.parts is not None and (self.coarse is None or self.parts.shape != shape or (self.parts < 1).any()):
            raise ValueError("parts belong to coarse counts, at least one each")
        if self.coarse is None:
            return
        if self.coarse.shape != (*shape, 2):
            raise ValueError(f"bounds must have the shape {(*shape, 2)}")
        low, high = self.coarse[..., 0], self.coarse[..., 1]
        known = np.isfinite(low)
        if (known != np.isfinite(high)).any():
            raise ValueError("a bound without its partner")
        whole = (low[known] == np.round(low[known])) & (high[known] == np.round(high[known]))
        if not (whole & (high[known] >= 0) & (low[known] <= high[known])).all():
            raise ValueError("bounds are whole numbers, the upper at least 0 and not below the lower")
        if self.parts is not None and (np.mod(high - low, self.parts)[known] != 0).any():
            raise ValueError("the width of a sum's bounds is a multiple of the number of its parts")
        if self.link == "logit" and (known & self.usable & (low > self.n)).any():
            raise ValueError(f"{self.definition}: a numerator above its base")

    def _check_kernel(self) -> None:
        if self.kernel is None:
            return
        count = len(self.cities)
        if self.kernel.shape != (count, count) or not np.isfinite(self.kernel).all():
            raise ValueError(f"a kernel must have the shape {(count, count)}")
        if not np.allclose(self.kernel, self.kernel.T, atol=1e-12) or not np.allclose(np.diag(self.kernel), 1.0, atol=1e-9):
            raise ValueError("a kernel is symmetric with ones on the diagonal")

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
        """Whether a peer effect is estimable: at least two groups among these cities, or a kernel that tells them apart."""
        if not self.peer_effect:
            return False
        if self.kernel is not None:
            return bool((self.kernel < 1 - 1e-9).any())
        return self.peer_groups is not None

    @property
    def peer_groups(self) -> np.ndarray | None:
        """Peer group of each city, where there are at least two to tell apart."""
        return self.peers if self.peers is not None and len(np.unique(self.peers)) > 1 else None

    @property
    def land_names(self) -> tuple[str, ...]:
        """Länder whose effect is estimable: where at least two Länder have at least two cities; else empty."""
        if self.land is None or len(self.years) < 2:
            return ()
        labels, counts = np.unique(self.land, return_counts=True)
        return tuple(str(label) for label in labels) if (counts >= 2).sum() >= 2 else ()

    def swapped(self) -> ChangeData:
        """The same data told backwards: the first year's counts in the last year's place."""

        def turned(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else values[:, :, ::-1].copy()

        years = tuple(self.years[0] + self.years[-1] - year for year in reversed(self.years))
        y, n = self.y[:, :, ::-1].copy(), self.n[:, :, ::-1].copy()
        return replace(self, years=years, y=y, n=n, coarse=turned(self.coarse), parts=turned(self.parts))


def from_panel(
    panel: Panel,
    definition: str,
    kind: Kind,
    groups: tuple[str, ...],
    years: tuple[int, ...],
    *,
    peers: dict[str, int] | None = None,
    peer_names: tuple[str, ...] = (),
    kernel: np.ndarray | None = None,
    peer_effect: bool = True,
    use_land: bool = True,
    evidence: float = 1.0,
    rounding: tuple[int, ...] | None = None,
    rounded_parts: int = 1,
    overlap: float = 0.0,
    bounds: bool = True,
    complete: bool = False,
) -> ChangeData:
    """Take one definition out of the panel.

    Cities without a usable cell in the target group are left out; groups without any usable cell too. A count known within
    bounds is usable (see `Panel.cells`), but not where counts are means of months, which are not whole.

    Parameters
    ----------
    panel : Panel
    definition : str
    kind : str
    groups, years : tuple
        What is asked for.
    peers : dict, optional
        Peer group by city; cities without one get no peer effect, so all must have one.
    kernel : ndarray, optional
        How alike the cities of `peers` are, in its order.
    peer_effect : bool
        See `ChangeData`.
    use_land : bool
        Whether the Land of a city is handed on.
    evidence, overlap : float
        See `ChangeData`.
    rounding, rounded_parts
        See `Panel.cells`.
    bounds : bool
        Whether a coarse count is taken for all it may stand for; otherwise a rounded one as delivered, and '< 3' as none.
    complete : bool
        Whether cities without the target group's figure of some year are left out.

    Raises
    ------
    NoCounts
        If no city has a usable cell in the target group.
    """
    whole = bounds and kind != "mean_of_months"
    cells = panel.cells(definition, groups, years, rounding=rounding, rounded_parts=rounded_parts, whole=whole)
    n = cells.n
    kept_groups = [g for g in range(len(groups)) if (n[:, g] > 0).any()]
    keep = (n[:, 0] > 0).all(axis=1) if complete else (n[:, 0] > 0).any(axis=1)
    if not kept_groups or kept_groups[0] != 0 or not keep.any():
        raise NoCounts(f"{definition}: no city delivered a usable count of the target group")
    names = [city for city, kept in zip(cells.cities, keep, strict=True) if kept]
    coarse, parts = cells.bounds[keep][:, kept_groups], cells.parts[keep][:, kept_groups]
    lands = dict(zip(panel.cities["city"], panel.cities["land"], strict=True))
    return ChangeData(
        definition=definition,
        kind=kind,
        cities=tuple(names),
        groups=tuple(groups[g] for g in kept_groups),
        years=years,
        y=cells.y[keep][:, kept_groups],
        n=n[keep][:, kept_groups],
        coarse=coarse if np.isfinite(coarse).any() else None,
        parts=parts if (parts > 1).any() else None,
        overlap=overlap,
        peers=np.array([peers[city] for city in names]) if peers is not None else None,
        peer_names=peer_names,
        kernel=None if kernel is None or peers is None else _inside(kernel, list(peers), names),
        peer_effect=peer_effect,
        land=tuple(str(lands[city]) for city in names) if use_land else None,
        evidence=evidence,
    )


def _inside(kernel: np.ndarray, cities: list[str], names: list[str]) -> np.ndarray:
    """Rows and columns of the cities that delivered."""
    places = [cities.index(name) for name in names]
    return np.asarray(kernel[np.ix_(places, places)])
