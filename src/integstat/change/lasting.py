"""What lasts of a one-year change: drawn after the fit, from a prior that two waves cannot inform."""

from __future__ import annotations

import numpy as np
import xarray as xr


def draw_lasting(posterior: xr.Dataset, a: float, b: float, seed: int) -> xr.Dataset:
    r"""Add `lasting_share` and `lasting_change` to a posterior of two years.

    Given the share *s* of the change's variance that lasts and a city's own change *v*, the lasting part is
    :math:`d \sim N(s v, s (1 - s) \Omega)`. To it comes *s* times what peer group and Land contribute; the ring's own
    shift is not assessed for permanence and stays out.

    Parameters
    ----------
    posterior : xarray.Dataset
        With `change`, `expected_change`, `group_change`, `sd_change` and, for two groups, `corr_change`.
    a, b : float
        Beta prior of the share.
    seed : int

    Returns
    -------
    xarray.Dataset
        The posterior with `lasting_share` (chain, draw) and `lasting_change` (chain, draw, city, group), link scale.

    Notes
    -----
    The share is one per indicator and draw. Its posterior is its prior: nothing here says from the data that something
    lasted.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x1A57]))
    own = (posterior["change"] - posterior["expected_change"]).transpose("chain", "draw", "city", "group").to_numpy()
    chains, draws, _, groups = own.shape
    share = rng.beta(a, b, size=(chains, draws))
    sd = posterior["sd_change"].transpose("chain", "draw", "group").to_numpy()
    noise = rng.standard_normal(own.shape)
    if groups == 2:
        r = posterior["corr_change"].to_numpy()[:, :, None]
        noise[..., 1] = r * noise[..., 0] + np.sqrt(1 - r**2) * noise[..., 1]
    s = share[:, :, None, None]
    lasting = s * own + np.sqrt(s * (1 - s)) * sd[:, :, None, :] * noise
    total = lasting + s * posterior["group_change"].transpose("chain", "draw", "city", "group").to_numpy()
    return posterior.assign(
        lasting_share=(("chain", "draw"), share),
        lasting_change=(("chain", "draw", "city", "group"), total),
    )
