"""From counts to a labelled posterior: engine, gate, retry, and what lasts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from integstat.change.data import ChangeData
from integstat.change.gate import DIVERGENT, Diagnostics, diagnose
from integstat.change.lasting import draw_lasting
from integstat.change.model import design
from integstat.change.settings import ChangeSettings
from integstat.errors import ConvergenceError

if TYPE_CHECKING:
    from integstat.change.nuts import Sampled


def fit(data: ChangeData, settings: ChangeSettings, seed: int, *, cores: int = 2) -> xr.DataTree:
    """Fit the change model (two years) or the level model (one year).

    Parameters
    ----------
    data : ChangeData
    settings : ChangeSettings
    seed : int
    cores : int
        Chains at the same time.

    Returns
    -------
    xarray.DataTree
        Groups `posterior` (dims `chain`, `draw`, `city`, `group`, `covariate`, `peer_group`, `land`), `sample_stats`,
        `observed_data` (`y`, `n` by `city`, `group`, `year`) and `constant_data` (`peer`). All on the link scale:
        `mean` of the years and `change` between them by city and group; `lasting_share`; `lasting_change`, the part of
        a city's change, beside the ring's own shift, that is expected to stay; `expected_change`, what ring, peer group
        and Land lead to expect. Attributes tell definition, kind, link, engine, form and the diagnostics.

    Raises
    ------
    ConvergenceError
        If the gate is missed twice.

    Notes
    -----
    The posterior says how the propensities behind the counts moved. It says nothing about causes, and two years do not
    tell what will last: `lasting_share` is its prior.
    """
    from integstat.change import nuts

    attempts: list[Diagnostics] = []
    plan = _Attempt("blend", settings.target_accept, settings.draws)
    for _ in range(2):
        run = nuts.sample(
            data, settings, seed + len(attempts), form=plan.form, target_accept=plan.target, draws=plan.draws, cores=cores
        )
        attempts.append(diagnose(run.draws, run.diverging))
        if attempts[-1].passed:
            return _tree(data, settings, run, attempts, seed)
        plan = _retry(settings, attempts[-1])
    best = min(attempts, key=lambda found: (found.divergences, found.rhat))
    raise ConvergenceError(
        f"die Rechnung ist auch im zweiten Anlauf nicht zur Ruhe gekommen: {best.complaint()}",
        place=data.definition,
        mend="bitte mehr Ziehungen einstellen ([change] draws) oder den Indikator aus dem Ring nehmen",
    )


@dataclass(frozen=True)
class _Attempt:
    form: str
    target: float
    draws: int


def _retry(settings: ChangeSettings, first: Diagnostics) -> _Attempt:
    """What the second attempt does differently.

    Divergences come from changes centred too far: centre them half as far. Without divergences the chains only mix slowly,
    and the form stays. Twice the draws and smaller steps in both cases.
    """
    form = "loose" if first.divergences > DIVERGENT else "blend"
    return _Attempt(form, max(settings.target_accept, 0.98), 2 * settings.draws)


def _tree(
    data: ChangeData,
    settings: ChangeSettings,
    run: Sampled,
    attempts: list[Diagnostics],
    seed: int,
) -> xr.DataTree:
    posterior = run.draws.assign_coords(city=list(data.cities), group=list(data.groups))
    if "covariate" in posterior.dims:
        posterior = posterior.assign_coords(covariate=list(data.covariate_names))
    if "peer_group" in posterior.dims and len(data.peer_names) == posterior.sizes["peer_group"]:
        posterior = posterior.assign_coords(peer_group=list(data.peer_names))
    if "land" in posterior.dims:
        posterior = posterior.assign_coords(land=list(data.land_names))
    if len(data.years) == 2:
        posterior = posterior.assign(_expected(data, posterior))
        posterior = draw_lasting(posterior, settings.priors.lasting_a, settings.priors.lasting_b, seed).drop_vars("group_change")
    dims = ("city", "group", "year")
    coords = {"city": list(data.cities), "group": list(data.groups), "year": list(data.years)}
    observed = xr.Dataset({"y": (dims, data.y), "n": (dims, data.n)}, coords=coords)
    peers = data.peers if data.has_peers and data.peers is not None else np.full(len(data.cities), -1)
    constant = xr.Dataset({"peer": (("city",), np.asarray(peers, dtype=int))}, coords={"city": list(data.cities)})
    last = attempts[-1]
    tree = xr.DataTree.from_dict(
        {
            "posterior": posterior,
            "sample_stats": xr.Dataset({"diverging": (("chain", "draw"), run.diverging)}),
            "observed_data": observed,
            "constant_data": constant,
        }
    )
    tree.attrs = {
        "definition": data.definition,
        "kind": data.kind,
        "link": data.link,
        "engine": "nuts",
        "form": run.form,
        "attempts": len(attempts),
        "lasting_source": settings.priors.lasting_source,
        "rhat": last.rhat,
        "ess_bulk": last.ess_bulk,
        "ess_tail": last.ess_tail,
        "divergences": last.divergences,
    }
    return tree


def _expected(data: ChangeData, posterior: xr.Dataset) -> dict[str, xr.DataArray]:
    """What peer group and Land add to the ring's shift, and the sum of all three; by city and group."""
    parts = design(data)
    group_part = xr.zeros_like(posterior["change"])
    if "peer_change" in posterior:
        weights = xr.DataArray(parts.peers, dims=("city", "peer_group"), coords={"city": list(data.cities)})
        group_part = group_part + xr.dot(
            weights, posterior["peer_change"].drop_vars("peer_group", errors="ignore"), dim="peer_group"
        )
    if "land_change" in posterior:
        weights = xr.DataArray(parts.land, dims=("city", "land"), coords={"city": list(data.cities)})
        group_part = group_part + xr.dot(weights, posterior["land_change"].drop_vars("land"), dim="land")
    group_part = group_part.transpose("chain", "draw", "city", "group")
    return {"group_change": group_part, "expected_change": group_part + posterior["delta"]}
