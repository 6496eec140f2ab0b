"""What lasts of a one-year change: drawn after the fit. Two waves cannot inform it; three and more do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from scipy import special

from integstat.change.model import year_covariance

_ROOM = 4_000_000  # numbers held at once
_DIMS = ("chain", "draw", "city", "group")


def draw_lasting(posterior: xr.Dataset, a: float, b: float, seed: int, years: tuple[int, ...] = (0, 1)) -> xr.Dataset:
    r"""Add `lasting_change`, and for two years `lasting_share`, to a posterior.

    Two years: given the share *s* of the change's variance that lasts, drawn from its prior, and a city's own change *v*, the
    lasting part is :math:`d \sim N(s v, s (1 - s) \Omega)`. Three and more: *s* and the trends were estimated, and *d*, the walk
    and the trend between first and last year, is drawn given the city's own path. To it comes *s* times what peer group and Land
    contribute; the ring's own shift is not assessed for permanence and stays out.

    Parameters
    ----------
    posterior : xarray.Dataset
        With `change`, `delta`, `sd_change` and, for two groups, `corr_change`; for three and more years `group_change`,
        `own_path`, `lasting_share` and `trend_sd`.
    a, b : float
        Beta prior of the share, for two years.
    seed : int
    years : tuple of int

    Returns
    -------
    xarray.Dataset
        The posterior with `lasting_share` (chain, draw) and `lasting_change` (chain, draw, city, group), link scale.

    Notes
    -----
    The share is one per indicator and draw. With two years its posterior is its prior: nothing here says from the data that
    something lasted.
    """
    if len(years) > 2:
        return posterior.assign(lasting_change=(_DIMS, _along_path(posterior, seed, years)))
    return with_share(posterior.assign(open_lasting(posterior, seed)), a, b)


def open_lasting(posterior: xr.Dataset, seed: int) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Draw what decides about permanence apart from the prior of the share, for two years.

    Returns
    -------
    dict
        `lasting_quantile` (chain, draw), where in its prior the share lies; `lasting_scatter` (chain, draw, city, group), a draw
        from N(0, Ω). Every prior of the share takes the same ones, so priors differ by themselves and not by chance.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x1A57]))
    change = posterior["change"].transpose(*_DIMS)
    quantile = rng.uniform(size=change.shape[:2])
    scatter = np.empty(change.shape, dtype=change.dtype)
    for at, noise in _noise(posterior, rng, change.shape):
        scatter[at] = noise
    return {"lasting_quantile": (_DIMS[:2], quantile), "lasting_scatter": (_DIMS, scatter)}


def with_share(posterior: xr.Dataset, a: float, b: float) -> xr.Dataset:
    """Put `lasting_share` and `lasting_change` in the place of what `open_lasting` drew, for a Beta(a, b) prior of the share.

    A posterior without it, such as one of a single year or of three and more, comes back as it is.
    """
    if "lasting_scatter" not in posterior:
        return posterior
    quantile = posterior["lasting_quantile"].transpose(*_DIMS[:2]).to_numpy()
    change, scatter = (posterior[name].transpose(*_DIMS).to_numpy() for name in ("change", "lasting_scatter"))
    own = change - posterior["delta"].transpose("chain", "draw", "group").to_numpy()[:, :, None, :]
    share, lasting = lasting_of(own, scatter, quantile, a, b)
    kept = posterior.drop_vars(["lasting_quantile", "lasting_scatter"])
    return kept.assign(lasting_share=(_DIMS[:2], share), lasting_change=(_DIMS, lasting))


def lasting_of(own: np.ndarray, scatter: np.ndarray, quantile: np.ndarray, a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
    """Share that lasts, and the lasting change, for a Beta(a, b) prior of the share.

    Parameters
    ----------
    own : ndarray, shape (..., C, G)
        Change beside the ring's shift.
    scatter : ndarray, shape (..., C, G)
        Draws from N(0, Ω).
    quantile : ndarray, shape (...)
        Where in its prior the share lies.
    """
    share = np.asarray(special.betaincinv(a, b, quantile.astype(float)))
    s = share.astype(own.dtype)[..., None, None]
    return share, s * own + np.sqrt(s * (1 - s)) * scatter


def redrawn(scatter: np.ndarray, quantile: np.ndarray, sd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What `open_lasting` drew, drawn once more: standardised, and moved on by half of the draws.

    Given everything else in a draw, the two are independent, so that two answers to the same question tell how much of its
    doubt is about what lasts.

    Parameters
    ----------
    scatter : ndarray, shape (S, C)
    quantile : ndarray, shape (S,)
    sd : ndarray, shape (S,)
        Of the scatter.
    """
    half = len(quantile) // 2
    return np.roll(scatter / sd[:, None], half, axis=0) * sd[:, None], np.roll(quantile, half)


def _noise(
    posterior: xr.Dataset, rng: np.random.Generator, shape: tuple[int, ...]
) -> Iterator[tuple[tuple[int, slice], np.ndarray]]:
    """Draws from N(0, Ω), block by block, so that memory stays small."""
    sd = posterior["sd_change"].transpose("chain", "draw", "group").to_numpy()
    correlation = posterior["corr_change"].to_numpy() if shape[3] == 2 else None
    for at in _blocks(shape):
        noise = rng.standard_normal((at[1].stop - at[1].start, *shape[2:]))
        if correlation is not None:
            r = correlation[at][:, None]
            noise[..., 1] = r * noise[..., 0] + np.sqrt(1 - r**2) * noise[..., 1]
        yield at, sd[at][:, None, :] * noise


def _along_path(posterior: xr.Dataset, seed: int, years: tuple[int, ...]) -> np.ndarray:
    """Lasting change of three and more years, given each city's own path, shape (chain, draw, C, G)."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x1A57]))
    shared, path = (
        posterior["group_change"].transpose(*_DIMS).to_numpy(),
        posterior["own_path"].transpose(*_DIMS, "year").to_numpy(),
    )
    share, trend = posterior["lasting_share"].to_numpy(), posterior["trend_sd"].to_numpy()
    lasting = np.empty_like(posterior["change"].transpose(*_DIMS).to_numpy())
    for at, noise in _noise(posterior, rng, lasting.shape):
        weights, variance = _regression(years, share[at], trend[at])
        own = np.einsum("st,scgt->scg", weights, path[at]) + np.sqrt(variance)[:, None, None] * noise
        lasting[at] = own + share[at][:, None, None] * shared[at]
    return lasting


def _blocks(shape: tuple[int, ...]) -> Iterator[tuple[int, slice]]:
    step = max(1, _ROOM // (shape[2] * shape[3]))
    for chain in range(shape[0]):
        for begin in range(0, shape[1], step):
            yield chain, slice(begin, min(begin + step, shape[1]))


def _regression(years: tuple[int, ...], share: np.ndarray, trend: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of a path's years in the mean of its lasting change, and the variance left, per unit of one year's change."""
    over = year_covariance(years)
    s, omega = share[:, None, None], trend[:, None, None]
    stays = s * over.staying + omega**2 * over.trend
    between = stays[:, -1] - stays[:, 0]  # (S, T): covariance of the lasting change with the path
    weights = np.einsum("st,stu->su", between, np.linalg.pinv((1 - s) * over.passing + stays, hermitian=True))
    variance = between[:, -1] - between[:, 0] - (weights * between).sum(axis=1)
    return weights, np.maximum(variance, 0.0)
