"""How a posterior becomes one row per city: summaries and probabilities of every event."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from integstat.findings.estimands import Estimands
from integstat.findings.magnitude import Steps, gap_step
from integstat.findings.settings import FindingSettings
from integstat.findings.summary import bounds, mean, share

HEADLINE = {"ring": "relative", "peers": "against_peers", "land": "against_land", "own": "change", "lasting": "lasting"}


def city_rows(found: Estimands, steps: Steps, settings: FindingSettings, beyond: np.ndarray | None = None) -> pd.DataFrame:
    """Summaries and event probabilities of one definition, one row per city.

    Parameters
    ----------
    found : Estimands
    steps : Steps
        On the link scale for change and gap, and for the level.
    settings : FindingSettings
        Headline estimand and the probability of the equal-tailed intervals.
    beyond : ndarray, shape (S, C), optional
        Where the cities of a Land moved together: change beyond those whom that did, or did not, move
        (`integstat.findings.shocks.beyond_shifts`). A word about the change must hold of it too; NaN: no word. One about the
        level must also hold without what the shift put into the last year.

    Returns
    -------
    pandas.DataFrame
        Index `city`; the numeric columns of `findings.csv` and the probabilities in `EVENTS`. NaN where not estimable.
        Without peers no level event is estimable; then a deficit is 'worsened' and stable is 'unchanged'.
    """
    count = len(found.cities)
    columns = _summaries(found, settings.interval) | events(found, steps, settings, beyond)
    columns["scale_conflict"] = _conflict(found, count)
    return pd.DataFrame(columns, index=pd.Index(found.cities, name="city"))


def empty_rows(settings: FindingSettings) -> pd.DataFrame:
    """Return the columns of `city_rows` without a row: what a definition without a posterior has to say."""
    parts: dict[str, Any] = dict.fromkeys(one.name for one in dataclasses.fields(Estimands))
    parts |= {name: np.full((1, 0), np.nan) for name in ("level_last", "standing", "standing_points")}
    found = Estimands(**(parts | {"cities": (), "link": "logit", "unit": 100.0}))
    return city_rows(found, Steps(1.0, 1.0), settings)


def _summaries(found: Estimands, interval: float) -> dict[str, np.ndarray]:
    count = len(found.cities)
    columns = {
        "level_first": mean(found.level_first, count),
        "level_last": mean(found.level_last, count),
        "gap_change_points": mean(found.gap_points, count),
        "gap_change_ratio": mean(found.gap_ratio, count),
        "gap_change_logit": mean(found.gap, count),
        "gap_target_points": mean(found.target_points, count),
        "gap_reference_points": mean(found.reference_points, count),
        "reference_first": mean(found.reference_first, count),
        "reference_last": mean(found.reference_last, count),
    }
    for name, values in (
        ("change", found.change_points),
        ("relative_change", found.relative_points),
        ("change_against_peers", found.against_peers_points),
        ("change_against_land", found.against_land_points),
        ("lasting_change", found.lasting_points),
        ("standing", found.standing_points),
        ("standing_context", found.context_points),
        ("gap_change_points", found.gap_points),
    ):
        if not name.startswith("gap"):
            columns[f"{name}_mean"] = mean(values, count)
        columns[f"{name}_lower"], columns[f"{name}_upper"] = bounds(values, count, interval)
    for name, draws in (
        ("p_change_against_peers", found.against_peers),
        ("p_change_against_land", found.against_land),
        ("p_standing_context", found.context),
        ("p_lasting", found.lasting),
    ):
        columns[name] = above(draws, count)
    return columns


def above(draws: np.ndarray | None, count: int) -> np.ndarray:
    """Share of draws above 0, shape (count,); NaN where not estimable."""
    return np.full(count, np.nan) if draws is None else share(draws > 0, np.isfinite(draws[0]))


def events(found: Estimands, steps: Steps, settings: FindingSettings, beyond: np.ndarray | None) -> dict[str, np.ndarray]:
    """Probability of every event by its column, shape (C,); see `city_rows`."""
    nothing = np.full((1, len(found.cities)), np.nan)

    def draws_of(name: str) -> np.ndarray:
        draws = getattr(found, name)
        return nothing if draws is None else np.asarray(draws)

    moved, standing = draws_of(HEADLINE[settings.headline]), found.standing
    also = moved if beyond is None else beyond
    change, rho, rho_level = draws_of("change"), steps.rho, steps.rho_level
    found_gap, gap_rho = gap_step(found, steps, settings.gap_scale)
    gap = nothing if found_gap is None else found_gap
    has_change, has_level = np.isfinite(moved[0]) & np.isfinite(also[0]), np.isfinite(standing[0])
    improved, worsened, unchanged = moved > rho, moved < -rho, np.abs(moved) <= rho
    up, down, same = improved & (also > rho), worsened & (also < -rho), unchanged & (np.abs(also) <= rho)
    clear = standing if beyond is None else np.where(np.isfinite(moved - beyond), standing - (moved - beyond), standing)
    better, worse = (standing > rho_level) & (clear > rho_level), (standing < -rho_level) & (clear < -rho_level)
    as_expected, has_gap = (np.abs(standing) <= rho_level) & (np.abs(clear) <= rho_level), np.isfinite(gap[0])
    stands_back = np.isfinite(moved[0]) & (beyond is not None)
    known = np.isfinite(change[0])
    return {
        "p_success": share(up, has_change),
        "p_worsened": share(down, has_change),
        "p_unchanged": share(same, has_change),
        "p_better": share(better, has_level),
        "p_worse": share(worse, has_level),
        "p_as_expected": share(as_expected, has_level),
        "p_deficit": share(down | worse, has_change | has_level),
        "p_stable": share(same & ~worse, has_change),
        "p_gap_narrowed": share(gap > gap_rho, has_gap),
        "p_gap_widened": share(gap < -gap_rho, has_gap),
        "p_gap_unchanged": share(np.abs(gap) <= gap_rho, has_gap),
        "p_improved_absolute": share(change > rho, known),
        "p_worsened_absolute": share(change < -rho, known),
        "p_improved_with_shift": share(improved, stands_back),
        "p_worsened_with_shift": share(worsened, stands_back),
    }


def _conflict(found: Estimands, count: int) -> np.ndarray:
    """Whether the medians of the gap change disagree in sign between points, ratio and link scale."""
    if found.gap is None or found.gap_points is None or found.gap_ratio is None:
        return np.zeros(count, dtype=bool)
    signs = np.sign([np.median(scale, axis=0) for scale in (found.gap, found.gap_points, found.gap_ratio)])
    return np.isfinite(signs).all(axis=0) & (signs.min(axis=0) < signs.max(axis=0))
