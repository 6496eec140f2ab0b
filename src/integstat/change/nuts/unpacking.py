"""From draws in the sampled form to the parameters of the specification, for all structures of the reference engine."""

from __future__ import annotations

import numpy as np

from integstat.change.data import ChangeData
from integstat.change.nuts.parts import BLOCKS, GROUPS, Capacity, Padded
from integstat.change.settings import Priors


def coefficients(free: dict[str, np.ndarray], room: Capacity, priors: Priors) -> np.ndarray:
    """Draws of the effects on their own scale, shape (chain, draw, effects, group)."""
    scale = np.exp(free["log_spread"]) @ room.spread_of().T + room.fixed(priors)
    return np.asarray(free["effect"] * scale[..., None])


def linear(free: dict[str, np.ndarray], padded: Padded, coefficient: np.ndarray) -> np.ndarray:
    """What covariates, peers and Länder add to the ring's averages, shape (chain, draw, block, city, group)."""
    return np.asarray(padded.inputs["weights"] @ coefficient).reshape(*coefficient.shape[:2], BLOCKS, padded.room.cities, GROUPS)


def without_error(
    total: np.ndarray, expected: np.ndarray, sd: np.ndarray, correlation: np.ndarray, common: np.ndarray, seed: int
) -> np.ndarray:
    r"""Draw the cities' means given their sums with the error that the years share.

    A draw :math:`m^*, e^*` from the prior is moved by what it lacks: :math:`e = e^* + D (\Sigma_m + D)^{-1}
    (a - E - m^* - e^*)` has the distribution of the error given the sum *a* (Matheron's rule), and m = a - e.

    Parameters
    ----------
    total, expected : ndarray, shape (chain, draw, C, G)
        Sums a and expectations E of the means.
    sd : ndarray, shape (chain, draw, G)
    correlation : ndarray, shape (chain, draw)
        Of the means between two groups.
    common : ndarray, shape (C, G)
        Diagonal of D.
    seed : int

    Returns
    -------
    ndarray, shape (chain, draw, C, G)
        The sums themselves where nothing is shared.

    References
    ----------
    Journel & Huijbregts (1978), *Mining Geostatistics*, Academic Press, on conditioning simulations by kriging.
    """
    if not common.any():
        return total
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0xE44]))
    groups = total.shape[-1]
    between = np.where(np.eye(groups, dtype=bool), 1.0, correlation[..., None, None])
    sigma = sd[..., :, None] * between * sd[..., None, :]
    mean = rng.standard_normal(total.shape)
    if groups == 2:
        r = correlation[..., None]
        mean[..., 1] = r * mean[..., 0] + np.sqrt(1 - r**2) * mean[..., 1]
    mean *= sd[:, :, None, :]
    error = np.sqrt(common) * rng.standard_normal(total.shape)
    both = sigma[:, :, None] + common[:, :, None] * np.eye(groups)
    lack = np.linalg.solve(both, (total - expected - mean - error)[..., None])[..., 0]
    return np.asarray(total - error - common * lack)


def parameters(
    free: dict[str, np.ndarray], coefficient: np.ndarray, padded: Padded, data: ChangeData
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Ring-level draws that every structure has, labelled, padding cut off; without the ring's own level and shift."""
    groups, changes = len(data.groups), len(data.years) > 1
    parts, room, both = padded.parts, padded.room, ("chain", "draw")
    sd, correlation, spread = np.exp(free["log_sd"]), np.tanh(free["z_corr"]), np.exp(free["log_spread"])
    out: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}

    def effects(name: str, part: slice, size: int, dim: str) -> None:
        out[name] = (*both, dim, "group"), coefficient[:, :, part.start : part.start + size, :groups]

    def peers(name: str, part: slice) -> None:
        size = parts.peers.shape[1]
        effects(name, part, size, "peer_group")
        if data.kernel is not None:
            out[name] = (*both, "city", "group"), parts.peers @ out[name][1]

    for block, name in enumerate(("mean", "change")[: 1 + changes]):
        out[f"sd_{name}"] = (*both, "group"), sd[:, :, block, :groups]
        if groups == 2:
            out[f"corr_{name}"] = both, correlation[:, :, block, 0]
    if parts.covariates.shape[1]:
        effects("beta", room.covariate, parts.covariates.shape[1], "covariate")
    if parts.peers.shape[1]:
        out["sd_peer_level"] = both, spread[:, :, 0]
        peers("peer_level", room.peer_level)
        if changes:
            out["sd_peer_change"] = both, spread[:, :, 1]
            peers("peer_change", room.peer_change)
    if changes and parts.land.shape[1]:
        out["sd_land_change"] = both, spread[:, :, 2]
        effects("land_change", room.land_change, parts.land.shape[1], "land")
    return out
