"""The posterior of the main definition with the bridged cities in it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from integstat.findings.bridge.levels import Bridged


def extended(main: xr.DataTree, bridged: Bridged) -> xr.DataTree:
    """Put the bridged cities into a posterior, so that they have a level and a standing and are a yardstick for others.

    Parameters
    ----------
    main : DataTree
        Posterior of the main definition, as `integstat.change.fit` returns it; left as it is.
    bridged : Bridged
        Made from it.

    Returns
    -------
    DataTree
        As `main`; bridged cities it does not have stand behind its own. For a bridged city and group `observed_data` has the
        base of the other definition in the last year, none in the first, and no `y`: the level counts as known, the change
        does not. Posterior variables with further dimensions are NaN there.
    """
    if not bridged.cities:
        return main
    own = [str(city) for city in main["posterior"]["city"].to_numpy()]
    cities = own + [city for city in bridged.cities if city not in own]
    at = [cities.index(city) for city in bridged.cities]
    here = bridged.base > 0
    posterior = main["posterior"].to_dataset().reindex(city=cities)
    for name, draws in bridged.draws.items():
        values = posterior[name].transpose("chain", "draw", "city", "group").copy()
        old = values.to_numpy()[:, :, at]
        values[:, :, at] = np.where(here, draws.reshape(old.shape), old)
        posterior[name] = values
    observed = main["observed_data"].to_dataset().reindex(city=cities).transpose("city", "group", "year")
    for one in observed:
        empty = 0.0 if one == "n" else np.nan
        table = np.where(np.isnan(observed[one]), empty, observed[one])
        table[at] = np.where(here[:, :, None], empty, table[at])
        if one == "n":
            table[at, :, -1] = np.where(here, bridged.base, table[at, :, -1])
        observed[one] = (observed[one].dims, table)
    constant = main["constant_data"].to_dataset().reindex(city=cities, fill_value=-1)
    peer = constant["peer"].to_numpy().copy()
    new = [city not in own for city in bridged.cities]
    peer[len(own) :] = bridged.peer[new]
    constant["peer"] = ("city", peer)
    kept = {name: node.to_dataset() for name, node in main.children.items()}
    out = xr.DataTree.from_dict(kept | {"posterior": posterior, "observed_data": observed, "constant_data": constant})
    out.attrs = dict(main.attrs)
    return out
