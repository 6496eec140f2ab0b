"""What lasts of a one-year change: drawn after the fit. Two waves cannot inform it; three and more do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from integstat.change.model import year_covariance

_ROOM = 4_000_000  # numbers held at once


def draw_lasting(posterior: xr.Dataset, a: float, b: float, seed: int, years: tuple[int, ...] = (0, 1)) -> xr.Dataset:
    r"""Add `lasting_change`, and for two years `lasting_share`, to a posterior.

    Two years: given the share *s* of the change's variance that lasts, drawn from its prior, and a city's own change *v*, the
    lasting part is :math:`d \sim N(s v, s (1 - s) \Omega)`. Three and more: *s* and the trends were estimated, and *d*, the walk
    and the trend between first and last year, is drawn given the city's own path. To it comes *s* times what peer group and Land
    contribute; the ring's own shift is not assessed for permanence and stays out.

    Parameters
    ----------
    posterior : xarray.Dataset
        With `change`, `expected_change`, `group_change`, `sd_change` and, for two groups, `corr_change`; for three and more
        years `own_path`, `lasting_share` and `trend_sd`.
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
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x1A57]))
    dims = ("chain", "draw", "city", "group")
    change = posterior["change"].transpose(*dims).to_numpy()
    expected = posterior["expected_change"].transpose(*dims).to_numpy()
    shared = posterior["group_change"].transpose(*dims).to_numpy()
    sd = posterior["sd_change"].transpose("chain", "draw", "group").to_numpy()
    correlation = posterior["corr_change"].to_numpy() if change.shape[3] == 2 else None
    long = len(years) > 2
    share = posterior["lasting_share"].to_numpy() if long else rng.beta(a, b, size=change.shape[:2])
    path = posterior["own_path"].transpose(*dims, "year").to_numpy() if long else None
    trend = posterior["trend_sd"].to_numpy() if long else None
    lasting = np.empty_like(change)
    for chain, draws in _blocks(change.shape):
        at = (chain, draws)
        noise = rng.standard_normal(change[at].shape)
        if correlation is not None:
            r = correlation[at][:, None]
            noise[..., 1] = r * noise[..., 0] + np.sqrt(1 - r**2) * noise[..., 1]
        s = share[at]
        if path is None or trend is None:
            mean, variance = s[:, None, None] * (change[at] - expected[at]), s * (1 - s)
        else:
            weights, variance = _regression(years, s, trend[at])
            mean = np.einsum("st,scgt->scg", weights, path[at])
        own = mean + np.sqrt(variance)[:, None, None] * sd[at][:, None, :] * noise
        lasting[at] = own + s[:, None, None] * shared[at]
    kept = posterior if long else posterior.assign(lasting_share=(("chain", "draw"), share))
    return kept.assign(lasting_change=(dims, lasting))


def _blocks(shape: tuple[int, ...]) -> Iterator[tuple[int, slice]]:
    step = max(1, _ROOM // (shape[2] * shape[3]))
    for chain in range(shape[0]):
        for begin in range(0, shape[1], step):
            yield chain, slice(begin, begin + step)


def _regression(years: tuple[int, ...], share: np.ndarray, trend: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of a path's years in the mean of its lasting change, and the variance left, per unit of one year's change."""
    over = year_covariance(years)
    s, omega = share[:, None, None], trend[:, None, None]
    stays = s * over.staying + omega**2 * over.trend
    between = stays[:, -1] - stays[:, 0]  # (S, T): covariance of the lasting change with the path
    weights = np.einsum("st,stu->su", between, np.linalg.pinv((1 - s) * over.passing + stays, hermitian=True))
    variance = between[:, -1] - between[:, 0] - (weights * between).sum(axis=1)
    return weights, np.maximum(variance, 0.0)
