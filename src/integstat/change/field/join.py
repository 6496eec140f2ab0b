r"""The joint model of a field's indicators, from posteriors that were fitted one by one.

Each indicator *i* keeps its own change model. Only the cities' own changes are tied to each other: with
:math:`v_{ci} = L_i z_{ci}` and :math:`L_i` the lower Cholesky factor of :math:`\Omega_i` (target group first),

.. math::
    \pm z_{cig} = \sqrt{\rho} f_{cg} + \sqrt{1-\rho} w_{cig}, \qquad \rho \sim \mathrm{Beta}(a, b),

the sign being the indicator's polarity, *f* and *w* independent standard normal. Turned so that plus is better, the
standardised changes of two indicators have the correlation :math:`\rho` in every city; :math:`\Omega_i` and with it each
indicator's own prior stay as they were.

Given an indicator's hyperparameters and ring effects, a city's counts speak of *z* through a likelihood that is close to normal
(a Laplace step at the mode, the city's level integrated out). Given *f* and :math:`\rho` the indicators are independent, and each
one's draws are weighted by what they make of *f*. So a Gibbs sampler over (which draw of each indicator, :math:`\rho`, *f*) needs
no new fit: :math:`\rho` is drawn with *f* integrated out, then *f*, then for every indicator one of its draws.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from integstat.change.data import ChangeData
from integstat.change.field.axes import Alignment, align, draw_effect, labelled
from integstat.change.field.counts import Separate, separate
from integstat.change.field.gibbs import CELLS, MEMORY, Found, gibbs
from integstat.errors import ConvergenceError

KHAT = 0.7
_CHUNK = 256  # draws whose cities are drawn at once


def join(
    trees: Sequence[xr.DataTree],
    datas: Sequence[ChangeData],
    polarity: Sequence[int],
    seed: int,
    *,
    a: float = 2.0,
    b: float = 4.0,
    draws: int | None = None,
    field: str = "Handlungsfeld",
    left_out: Sequence[Collection[str]] | None = None,
) -> xr.DataTree:
    """Tie separate posteriors of a field's indicators into the joint one.

    Parameters
    ----------
    trees : sequence of xarray.DataTree
        What `integstat.change.fit` returns for each of `datas`, of any engine.
    datas : sequence of ChangeData
        Two years each; cities may differ.
    polarity : sequence of {-1, 1}
        1 where more is better.
    seed : int
    a, b : float
        Beta prior of the common correlation.
    draws : int, optional
        Joint draws; by default as many as the smallest posterior has, at most 2,000.
    field : str
        Name of the field, for the message of an error.
    left_out : sequence of collection of str, optional
        For each indicator cities whose change says nothing of the field, such as one that a break has made: they are not tied
        to the other indicators.

    Returns
    -------
    xarray.DataTree
        Group `posterior` (dims `chain`, `draw`, `indicator`, `city`, `group`): `rho`; `change`, `own_change` and
        `expected_change` on the link scale, each in its indicator's own direction; `field_effect`, turned: plus is better.
        NaN where an indicator lacks a city or group, or leaves it out. Group `constant_data`: `polarity` by indicator, and
        `estimable` by indicator and city: the target group has a usable figure in both years. Group `sample_stats` by
        `indicator`: `pareto_k` and `ess` of the weights the field gives to the indicator's draws, and `distinct`, how many of
        them are in the result. Attributes: the worst of both, the number of `sweeps`, and `memory`, the largest correlation of
        the samplers' states half way and at the end.

    Raises
    ------
    ConvergenceError
        If a separate posterior does not cover what the field makes of it (Pareto k-hat above 0.7), or the sampler does not
        forget where it started.
    ValueError
        See `integstat.change.field.axes.align`.

    Notes
    -----
    k-hat and effective size are those of Vehtari et al. (2024) for the ratio of the joint to the separate posterior of each
    indicator's draws. The likelihood of a city's change is taken as normal when draws are weighted and moved; a draw keeps the
    residual it had in its own posterior, so that with `rho` 0, or with one indicator, it is returned as it was. Nothing here
    tells why indicators move together.
    """
    axes = align(datas, polarity, left_out)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0xF1E1D]))
    with threadpool_limits(limits=1):  # many small products: threads only wait for each other
        parts = [separate(*pair, axes, i, rng) for i, pair in enumerate(zip(trees, datas, strict=True))]
        chosen, cell, found = gibbs(parts, a, b, draws or min(len(part.b) for part in parts), rng)
        if found.khat.max() > KHAT or found.memory > MEMORY:
            raise _refused(field, axes, found)
        rho = (cell + rng.random(len(cell))) / CELLS
        z = _draw_cities(parts, chosen, rho)
    own, expected = _own(parts, chosen, z), np.stack([part.expected[s] for part, s in zip(parts, chosen, strict=True)], axis=1)
    effect = draw_effect(z, rho, axes.present, rng)
    posterior = labelled(axes, rho[None], own[None], expected[None], effect[None])
    stats, constant = _stats(axes, found, chosen), _constant(axes, datas)
    tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats, "constant_data": constant})
    tree.attrs = {
        "field": field,
        "pareto_k": float(found.khat.max()),
        "ess": float(found.ess.min()),
        "sweeps": found.sweeps,
        "memory": found.memory,
    }
    return tree


def _stats(axes: Alignment, found: Found, chosen: np.ndarray) -> xr.Dataset:
    distinct = [len(np.unique(one)) for one in chosen]
    values = {"pareto_k": found.khat, "ess": found.ess, "distinct": np.array(distinct)}
    return xr.Dataset({name: ("indicator", value) for name, value in values.items()}, coords={"indicator": list(axes.indicators)})


def _constant(axes: Alignment, datas: Sequence[ChangeData]) -> xr.Dataset:
    estimable = np.zeros(axes.present.shape[:2], dtype=bool)
    for i, data in enumerate(datas):
        estimable[i, axes.place[i]] = data.usable[axes.kept[i], 0].all(axis=1)
    values = {"polarity": ("indicator", axes.sign), "estimable": (("indicator", "city"), estimable)}
    return xr.Dataset(values, coords={"indicator": list(axes.indicators), "city": list(axes.cities)})


def _refused(field: str, axes: Alignment, found: Found) -> ConvergenceError:
    if found.khat.max() > KHAT:
        worst = axes.indicators[int(found.khat.argmax())]
        why = f"Pareto-k {found.khat.max():.2f} statt höchstens {KHAT} bei '{worst}'".replace(".", ",", 2)
    else:
        why = "die gemeinsame Ziehung vergisst ihren Anfang nicht"
    return ConvergenceError(
        f"das gemeinsame Modell der Indikatoren lässt sich aus den einzelnen Rechnungen nicht gewinnen: {why}",
        place=field,
        mend="bitte mehr Ziehungen einstellen ([change] draws) oder das Feld ohne gemeinsame Aussage berichten",
    )


def _draw_cities(parts: list[Separate], chosen: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """Move the chosen draws of z from their own normal conditionals into the joint one; shape (count, I, C, G).

    Residuals are kept: where the joint conditional is the own one (rho 0, or one indicator), the draws are too.
    """
    own = [_draw_residual(part) for part in parts]
    out = np.empty((len(rho), len(parts), *parts[0].b.shape[1:]))
    for start in range(0, len(rho), _CHUNK):
        part_of = slice(start, start + _CHUNK)
        out[part_of] = _joint(parts, own, chosen[:, part_of], rho[part_of])
    return out


def _draw_residual(part: Separate) -> np.ndarray:
    """Standardised residuals of the draws in their own conditional, shape (S, C, G)."""
    precision = np.eye(part.b.shape[-1]) + part.precision
    mode = np.linalg.solve(precision, part.b[..., None])
    return np.asarray((np.swapaxes(np.linalg.cholesky(precision), -1, -2) @ (part.z[..., None] - mode))[..., 0])


def _joint(parts: list[Separate], residual: list[np.ndarray], chosen: np.ndarray, rho: np.ndarray) -> np.ndarray:
    many, (cities, groups) = len(parts), parts[0].b.shape[1:]
    among = (np.eye(many) - (rho / (1 + (many - 1) * rho))[:, None, None]) / (1 - rho)[:, None, None]  # inverse of R
    prior = np.einsum("sij,gh->sigjh", among, np.eye(groups))[:, None]
    precision = np.broadcast_to(prior, (len(rho), cities, many, groups, many, groups)).copy()
    for i, (part, s) in enumerate(zip(parts, chosen, strict=True)):
        precision[:, :, i, :, i] += part.precision[s]
    wide = precision.reshape(len(rho), cities, many * groups, many * groups)
    linear = np.concatenate([part.b[s] for part, s in zip(parts, chosen, strict=True)], axis=-1)
    noise = np.concatenate([one[s] for one, s in zip(residual, chosen, strict=True)], axis=-1)
    return np.asarray(_draw_normal(wide, linear, noise).reshape(len(rho), cities, many, groups).swapaxes(1, 2))


def _draw_normal(precision: np.ndarray, linear: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Draw from normals given by precision and precision times mean; the same noise always moves a draw the same way."""
    up = np.swapaxes(np.linalg.cholesky(precision), -1, -2)
    mean = np.linalg.solve(precision, linear[..., None])
    return np.asarray((mean + np.linalg.solve(up, noise[..., None]))[..., 0])


def _own(parts: list[Separate], chosen: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Own changes from z, in each indicator's own direction; shape (count, I, C, G)."""
    factor = np.stack([part.factor[s] for part, s in zip(parts, chosen, strict=True)], axis=1)
    return np.asarray((factor[:, :, None] @ z[..., None])[..., 0])
