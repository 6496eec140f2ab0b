"""From counts to a labelled posterior: engine, gate, retry or fall-back, and what lasts."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import xarray as xr

from integstat.change.canonical import canonical
from integstat.change.data import ChangeData
from integstat.change.gate import DIVERGENT, Diagnostics, diagnose
from integstat.change.laplace import posterior as laplace
from integstat.change.laplace.importance import NoMode
from integstat.change.lasting import draw_lasting, open_lasting, with_share
from integstat.change.model import design
from integstat.change.settings import ChangeSettings, Priors
from integstat.errors import ConvergenceError

# every tree has the diagnostics of both engines; those of the other one are NaN
_NONE = dict.fromkeys(("rhat", "ess_bulk", "ess_tail", "divergences", "pareto_k", "effective"), float("nan"))


@dataclass(frozen=True)
class _Result:
    """What an engine hands over: draws, the sampler's divergences, and attributes of the tree."""

    draws: xr.Dataset
    diverging: np.ndarray
    attributes: dict[str, Any]


_PASSING = ("group_change", "own_path")  # needed for what lasts, not kept
_READ = ("engine", "draws", "tune", "chains", "target_accept")  # beside the priors
_ONE_SAMPLER = Lock()  # the sampler uses all cores and its compiler is not made for threads


def fit(data: ChangeData, settings: ChangeSettings, seed: int, *, cores: int = 2, threads: int | None = None) -> xr.DataTree:
    """Fit the change model (two years and more) or the level model (one year).

    Parameters
    ----------
    data : ChangeData
    settings : ChangeSettings
    seed : int
    cores : int
        Chains of the sampler at the same time.
    threads : int, optional
        Threads of `laplace`; as many as cores where not given. Neither changes the result.

    Returns
    -------
    xarray.DataTree
        Groups `posterior` (dims `chain`, `draw`, `city`, `group`, `covariate`, `peer_group`, `land`; with three and more
        years also `year` and `step`), `sample_stats`, `observed_data` (`y`, `n` by `city`, `group`, `year`; coarse counts as
        `y_low`, `y_high`) and `constant_data` (`peer`). All on the link scale: `mean` of first and last year and `change`
        between them by city and group; `lasting_share`; `lasting_change`, the part of a city's change, beside the ring's own
        shift, that is expected to stay; `expected_change`, what ring, peer group and Land lead to expect. Attributes tell
        definition, kind, link, engine, why the engine is not the first choice (`fallback`, else empty), and the diagnostics.

    Raises
    ------
    ConvergenceError
        If the sampler's gate is missed twice, or if the engine is `laplace` and its own diagnostics refuse it.

    Notes
    -----
    The posterior says how the propensities behind the counts moved. It says nothing about causes, and two years do not
    tell what will last: `lasting_share` is its prior.
    """
    return with_lasting(fit_open(data, settings, seed, cores=cores, threads=threads), settings.priors)


def fit_open(data: ChangeData, settings: ChangeSettings, seed: int, *, cores: int = 2, threads: int | None = None) -> xr.DataTree:
    """Fit the model and leave open what lasts of the change between two years: no prior of it is read here.

    As `fit`, but for two years the posterior has `lasting_quantile` and `lasting_scatter` where `with_lasting` puts the share
    and the lasting change. With three and more years the share is estimated, and nothing is left open.
    """
    arranged, order = canonical(data)
    result = _run(arranged, settings, seed, cores, cores if threads is None else threads)
    posterior, priors = result.draws, settings.priors
    if len(data.years) > 1:
        posterior = posterior.assign(_expected(arranged, posterior))
    if len(data.years) == 2:
        posterior = posterior.assign(open_lasting(posterior, seed))
    elif len(data.years) > 2:
        posterior = draw_lasting(posterior, priors.lasting_a, priors.lasting_b, seed, arranged.years)
    kept = {str(name): values.variable for name, values in posterior.data_vars.items() if name not in _PASSING}
    attributes, diverging = result.attributes, result.diverging
    del posterior, result
    return _tree(data, settings, order.back(kept), diverging, attributes)


def with_lasting(tree: xr.DataTree, priors: Priors) -> xr.DataTree:
    """Return the tree with what lasts of the change under this prior (`integstat.change.lasting.with_share`)."""
    out = tree.copy()
    out["posterior"] = xr.DataTree(with_share(tree["posterior"].to_dataset(), priors.lasting_a, priors.lasting_b))
    out.attrs["lasting_source"] = priors.lasting_source
    return out


def for_fit(settings: ChangeSettings, years: int) -> ChangeSettings:
    """Return what `fit_open` reads of the settings: nothing that the data carry already, for two years no prior of what lasts.

    Two analyses that differ in nothing else share their fits.
    """
    priors = settings.priors
    if years <= 2:
        open_ = {name: Priors.model_fields[name].default for name in ("lasting_a", "lasting_b", "lasting_source")}
        priors = priors.model_copy(update=open_)
    return ChangeSettings(**{name: getattr(settings, name) for name in _READ}, priors=priors)


def _run(data: ChangeData, settings: ChangeSettings, seed: int, cores: int, threads: int) -> _Result:
    """Draw with the engine asked for; `auto` takes the sampler where Laplace's diagnostics refuse."""
    reason = ""
    if settings.engine != "nuts":
        try:
            drawn = laplace.sample(data, settings, seed, cores=threads)
            if drawn.trusted:
                return _by_laplace(drawn)
            reason = f"Pareto-k = {drawn.pareto_k:.2f} statt höchstens {laplace.K_LIMIT}".replace(".", ",")
        except NoMode:
            reason = "kein Modus der Streuungen gefunden"
        if settings.engine == "laplace":
            raise ConvergenceError(
                f"die Näherung trägt hier nicht: {reason}",
                place=data.definition,
                mend='bitte [change] engine = "auto" oder "nuts" wählen',
            )
    with _ONE_SAMPLER:
        return _by_nuts(data, settings, seed, cores, reason)


def _by_laplace(drawn: laplace.Drawn) -> _Result:
    attributes = {
        "engine": "laplace",
        "fallback": "",
        "form": drawn.weighting,
        "attempts": 1,
        **_NONE,
        "pareto_k": drawn.pareto_k,
        "effective": drawn.effective,
    }
    return _Result(drawn.draws, np.zeros((1, drawn.draws.sizes["draw"]), dtype=bool), attributes)


def _by_nuts(data: ChangeData, settings: ChangeSettings, seed: int, cores: int, reason: str) -> _Result:
    from integstat.change.nuts import sampler

    attempts: list[Diagnostics] = []
    plan = _Attempt("blend", settings.target_accept, settings.draws)
    for _ in range(2):
        run = sampler.sample(
            data, settings, seed + len(attempts), form=plan.form, target_accept=plan.target, draws=plan.draws, cores=cores
        )
        last = diagnose(run.draws, run.diverging)
        attempts.append(last)
        if last.passed:
            attributes = {
                "engine": "nuts",
                "fallback": reason,
                "form": run.form,
                "attempts": len(attempts),
                **_NONE,
                "rhat": last.rhat,
                "ess_bulk": last.ess_bulk,
                "ess_tail": last.ess_tail,
                "divergences": last.divergences,
            }
            return _Result(run.draws, run.diverging, attributes)
        plan = _retry(settings, last)
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
    variables: dict[str, xr.Variable],
    diverging: np.ndarray,
    attributes: dict[str, Any],
) -> xr.DataTree:
    labels = {
        "chain": range(diverging.shape[0]),
        "draw": range(diverging.shape[1]),
        "city": data.cities,
        "group": data.groups,
        "covariate": data.covariate_names,
        "peer_group": data.peer_names,
        "land": data.land_names,
        "year": data.years,
    }
    sizes = {dim: size for values in variables.values() for dim, size in values.sizes.items()}
    posterior = xr.Dataset(variables, {dim: list(names) for dim, names in labels.items() if len(names) == sizes.get(dim)})
    dims = ("city", "group", "year")
    coords = {"city": list(data.cities), "group": list(data.groups), "year": list(data.years)}
    observed = xr.Dataset({"y": (dims, data.y), "n": (dims, data.n)}, coords=coords)
    if data.coarse is not None:
        low, high = data.coarse[..., 0], data.coarse[..., 1]
        observed["y"] = (dims, np.where(np.isfinite(low), np.nan, data.y))
        observed = observed.assign(y_low=(dims, low), y_high=(dims, high))
    peers = data.peer_groups if data.peer_groups is not None else np.full(len(data.cities), -1)
    constant = xr.Dataset({"peer": (("city",), np.asarray(peers, dtype=int))}, coords={"city": list(data.cities)})
    tree = xr.DataTree.from_dict(
        {
            "posterior": posterior,
            "sample_stats": xr.Dataset({"diverging": (("chain", "draw"), diverging)}),
            "observed_data": observed,
            "constant_data": constant,
        }
    )
    tree.attrs = {
        "definition": data.definition,
        "kind": data.kind,
        "link": data.link,
        "lasting_source": settings.priors.lasting_source,
        "shift_source": settings.priors.shift_source,
        **attributes,
    }
    return tree


def _expected(data: ChangeData, posterior: xr.Dataset) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """What peer group and Land add to the ring's shift, and the sum of all three; by city and group."""
    parts = design(data)
    change = posterior["change"]
    dims = ("chain", "draw", "city", "group")
    total = np.zeros(change.transpose(*dims).shape, dtype=change.dtype)
    if "peer_change" in posterior:
        by_peers = posterior["peer_change"]
        by_city = "city" in by_peers.dims
        values = by_peers.transpose("chain", "draw", "city" if by_city else "peer_group", "group").to_numpy()
        total += values if by_city else parts.peers.astype(change.dtype) @ values
    if "land_change" in posterior:
        values = posterior["land_change"].transpose("chain", "draw", "land", "group").to_numpy()
        total += parts.land.astype(change.dtype) @ values
    delta = posterior["delta"].transpose("chain", "draw", "group").to_numpy()
    return {"group_change": (dims, total), "expected_change": (dims, total + delta[:, :, None, :].astype(total.dtype))}
