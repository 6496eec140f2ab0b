"""The smallest differences that count, on the link scale and in points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from integstat.catalogue.schema import IndicatorEntry
from integstat.findings.estimands import Estimands
from integstat.findings.settings import FindingSettings, GapScale

UNIT = {"percent": 100.0, "per_1000": 1000.0}
_STEEP = 0.25


@dataclass(frozen=True)
class Steps:
    """The symmetric steps of one indicator on the link scale, for change and gap and for the level, and what to say of them."""

    rho: float
    rho_level: float
    note: str = ""


def unit_of(indicator: IndicatorEntry) -> float:
    """Points per 1."""
    return UNIT.get(indicator.unit, 100.0)


def steps_of(indicator: IndicatorEntry, found: Estimands, settings: FindingSettings) -> Steps:
    """Return the ring's own steps where it has some, else the catalogue's.

    Points become ρ / (points per link) at the posterior median of the ring's median level, with a note where that is steep.
    """
    own, times, level_times = settings.step.get(indicator.id), settings.rho_times, settings.rho_level_times
    if own is None:
        return Steps(times * indicator.rho, level_times * indicator.rho_level)
    per_link = points_per_link(found)
    rho = own.rho_points / per_link if own.rho_points else own.rho or indicator.rho
    rho_level = own.rho_level_points / per_link if own.rho_level_points else own.rho_level or indicator.rho_level
    in_points = [step for step, points in ((rho, own.rho_points), (rho_level, own.rho_level_points)) if points]
    note = ""
    if in_points and max(in_points) > _STEEP:
        steep = f"{max(in_points):.2f}".replace(".", ",")
        note = f"{indicator.name_de}: die Schwelle in Punkten entspricht {steep} auf der Linkskala und ist kaum zu erreichen."
    return Steps(times * float(rho), level_times * float(rho_level), note)


def gap_step(found: Estimands, steps: Steps, scale: GapScale) -> tuple[np.ndarray | None, float]:
    """Draws of the gap's change on a scale, and the step there that `steps` is at the ring's median, turned by polarity."""
    if scale == "link" or found.gap_points is None or found.reference_last is None:
        return found.gap, steps.rho
    if scale == "points":
        return found.gap_points, steps.rho * points_per_link(found)
    return found.gap_ratio, steps.rho * float(np.median(ring_median(found.level_last / found.reference_last)))


def points_per_link(found: Estimands) -> float:
    """Points per unit of the link scale, at the posterior median of the ring's median level."""
    level = float(np.median(ring_median(found.level_last))) / found.unit
    return found.unit * (level * (1 - level) if found.link == "logit" else level)


def ring_median(levels: np.ndarray) -> np.ndarray:
    """Median over the cities that have a figure, per draw, shape (S,); NaN where none has."""
    return np.asarray(np.median(levels[:, np.isfinite(levels[0])], axis=1)) if np.isfinite(levels[0]).any() else levels[:, 0]
