"""The convergence gate: what a run of the sampler must show before anybody sees a number from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

RHAT, ESS, DIVERGENT = 1.01, 400.0, 0.001


@dataclass(frozen=True)
class Diagnostics:
    """Worst values over all parameters and city effects.

    Attributes
    ----------
    rhat, ess_bulk, ess_tail : float
        Largest rank-normalised split R-hat; smallest bulk and tail effective sample sizes (Vehtari et al. 2021).
    worst : str
        Parameter with the smallest effective size.
    divergences : float
        Share of divergent draws.
    """

    rhat: float
    ess_bulk: float
    ess_tail: float
    worst: str
    divergences: float

    @property
    def passed(self) -> bool:
        """Whether every limit holds."""
        return self.rhat < RHAT and self.ess_bulk > ESS and self.ess_tail > ESS and self.divergences <= DIVERGENT

    def complaint(self) -> str:
        """What missed the gate and the likely cause, in German."""
        parts = []
        if self.rhat >= RHAT:
            parts.append(f"R̂ = {self.rhat:.3f} statt unter {RHAT}".replace(".", ","))
        if min(self.ess_bulk, self.ess_tail) <= ESS:
            parts.append(f"nur {min(self.ess_bulk, self.ess_tail):.0f} wirksame Ziehungen bei '{self.worst}'")
        if self.divergences > DIVERGENT:
            parts.append(f"{100 * self.divergences:.2f} % divergente Ziehungen".replace(".", ","))
        if self.divergences > DIVERGENT:
            cause = "meist zu wenige Städte oder sehr kleine Grundgesamtheiten"
        elif self.worst.startswith(("sd_peer", "sd_land", "alpha", "delta")):
            cause = "Niveau oder Veränderung des Rings und der Städtegruppen lassen sich kaum trennen"
        else:
            cause = "die Streuung zwischen den Städten ist aus diesen Zahlen kaum zu bestimmen"
        return f"{', '.join(parts)} ({cause})"


def diagnose(draws: xr.Dataset, diverging: np.ndarray) -> Diagnostics:
    """Compute the diagnostics of a run.

    Parameters
    ----------
    draws : xarray.Dataset
        Dims `chain`, `draw` and more.
    diverging : ndarray of bool, shape (chains, draws)
    """
    import arviz as az  # seconds to load, and only the sampler needs it

    tree = xr.DataTree.from_dict({"posterior": draws})
    rhat, bulk, tail = az.rhat(tree), az.ess(tree, method="bulk"), az.ess(tree, method="tail")
    smallest = {str(name): float(min(bulk[name].min(), tail[name].min())) for name in draws.data_vars}
    return Diagnostics(
        rhat=max(float(rhat[name].max()) for name in draws.data_vars),
        ess_bulk=min(float(bulk[name].min()) for name in draws.data_vars),
        ess_tail=min(float(tail[name].min()) for name in draws.data_vars),
        worst=min(smallest, key=lambda name: smallest[name]),
        divergences=float(np.mean(diverging)),
    )
