"""The ring's own level and shift: one finding of the ring, stated once, with what its bases and Länder did."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from integstat.catalogue.schema import IndicatorEntry
from integstat.findings.cells import Cities
from integstat.findings.estimands import Estimands
from integstat.findings.magnitude import Steps, points_per_link, ring_median
from integstat.findings.settings import FindingSettings
from integstat.findings.shocks import LandShift, base_shift

_SHIFT = ("shift_mean", "shift_lower", "shift_upper", "p_improved", "p_worsened", "p_unchanged")


def ring_row(
    found: Estimands,
    definition: str,
    indicator: IndicatorEntry,
    steps: Steps,
    settings: FindingSettings,
    cities: Cities,
    lands: Sequence[LandShift],
    shift_from_history: bool,
) -> dict[str, object]:
    """Tell the ring's own level and shift: medians over the cities, per draw; capped cities tell nothing about the shift.

    Where a break caps every city, or the bases of most cities jumped, the figures are those of all of them, and the word stays
    open. With two years both levels are those of the cities that make the shift. `lands` names the Länder whose cities moved
    together, with the direction.
    """
    row: dict[str, object] = {
        "definition": definition,
        "indicator": indicator.id,
        "field": indicator.field,
        "cities": len(found.cities),
        "rho": steps.rho,
        "rho_level": steps.rho_level,
        "level_last": float(np.mean(ring_median(found.level_last))),
        "base_growth": 100 * float(cities.bases.ring[0]),
        "base_shift": settings.caps and base_shift(cities.bases, settings.base_jump),
        "lands_up": ";".join(one.land for one in lands if one.shifted and one.p_up > one.p_down),
        "lands_down": ";".join(one.land for one in lands if one.shifted and one.p_down >= one.p_up),
        "shift_source": "history" if shift_from_history else "default",
    }
    points = points_per_link(found)
    row |= {"rho_points": steps.rho * points, "rho_level_points": steps.rho_level * points}
    if found.change is None or found.change_points is None or found.level_first is None:
        return row | {"word": "open"}
    known = np.isfinite(found.change[0])
    sound = known & ~cities.capped[cities.at(np.array(found.cities))]
    usable = sound if sound.any() else known
    if not usable.any():
        first = float(np.mean(ring_median(found.level_first)))
        return row | dict.fromkeys(_SHIFT, float("nan")) | {"level_first": first, "word": "open"}
    levels = {name: float(np.median(getattr(found, name)[:, usable], axis=1).mean()) for name in ("level_first", "level_last")}
    shift = np.median(found.change[:, usable], axis=1)
    shown = np.median(found.change_points[:, usable], axis=1)
    tail = (1 - settings.interval) / 2
    low, high = np.quantile(shown, [tail, 1 - tail])
    chances = {
        "improved": float((shift > steps.rho).mean()),
        "worsened": float((shift < -steps.rho).mean()),
        "unchanged": float((np.abs(shift) <= steps.rho).mean()),
    }
    told = sound.any() and not row["base_shift"] and (shift_from_history or int(sound.sum()) >= settings.absolute_from)
    likely = [name for name, p in chances.items() if p >= settings.plain_threshold]
    return (
        row
        | levels
        | {
            "shift_mean": float(shown.mean()),
            "shift_lower": float(low),
            "shift_upper": float(high),
            "p_improved": chances["improved"],
            "p_worsened": chances["worsened"],
            "p_unchanged": chances["unchanged"],
            "word": likely[0] if told and likely else "open",
        }
    )
