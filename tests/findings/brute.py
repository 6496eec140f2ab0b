"""The estimands of method.md, one draw and one city at a time, in plain Python."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np

NAN = math.nan


def inverse(eta: float, link: str) -> float:
    return 1 / (1 + math.exp(-eta)) if link == "logit" else math.exp(eta)


def brute(
    last: np.ndarray,
    change: np.ndarray,
    lasting: np.ndarray,
    n: np.ndarray,
    peers: Sequence[int],
    link: str,
    sign: int,
    unit: float,
    pool: Sequence[str],
    land: Sequence[str],
) -> dict[str, np.ndarray]:
    """All estimands of two years, each of shape (S, C)."""
    draws, count, groups = last.shape
    names = ("level_first", "level_last", "change", "relative", "lasting", "standing", "change_points", "relative_points")
    names += (
        "against_peers",
        "against_peers_points",
        "against_land",
        "against_land_points",
        "lasting_points",
        "standing_points",
        "gap",
        "gap_points",
        "gap_ratio",
        "target_points",
        "reference_points",
    )
    out = {name: np.full((draws, count), NAN) for name in names}
    for s in range(draws):
        for c in range(count):
            here = dict.fromkeys(names, NAN)
            eta_last, step = float(last[s, c, 0]), float(change[s, c, 0])
            p_last, p_first = inverse(eta_last, link), inverse(eta_last - step, link)
            if n[c, 0, 1] > 0:
                here["level_last"] = unit * p_last
                beside = [float(last[s, o, 0]) for o in range(count) if o != c and peers[o] == peers[c] >= 0 and n[o, 0, 1] > 0]
                if beside:
                    standing = eta_last - sum(beside) / len(beside)
                    here["standing"] = sign * standing
                    here["standing_points"] = sign * unit * (p_last - inverse(eta_last - standing, link))
            if n[c, 0, 0] > 0:
                here["level_first"] = unit * p_first
            if (n[c, 0] > 0).all():
                here["change"], here["change_points"] = sign * step, sign * unit * (p_last - p_first)
                alike = [o for o in range(count) if o != c and peers[o] == peers[c] >= 0 and (n[o, 0] > 0).all()]
                if alike:
                    beyond = step - sum(float(change[s, o, 0]) for o in alike) / len(alike)
                    here["against_peers"] = sign * beyond
                    here["against_peers_points"] = sign * unit * (p_last - inverse(eta_last - beyond, link))
                neighbours = [o for o in range(count) if o != c and land[o] == land[c] and (n[o, 0] > 0).all()]
                if len(neighbours) >= 2:
                    beyond = step - statistics.median(float(change[s, o, 0]) for o in neighbours)
                    here["against_land"] = sign * beyond
                    here["against_land_points"] = sign * unit * (p_last - inverse(eta_last - beyond, link))
                others = [o for o in range(count) if o != c and pool[o] == pool[c] and (n[o, 0] > 0).all()]
                if len(others) >= 5:
                    for name, values in (("relative", change), ("lasting", lasting)):
                        beyond = float(values[s, c, 0]) - statistics.median(float(values[s, o, 0]) for o in others)
                        here[name] = sign * beyond
                        here[f"{name}_points"] = sign * unit * (p_last - inverse(eta_last - beyond, link))
            if groups == 2 and (n[c] > 0).all():
                r_last, r_step = float(last[s, c, 1]), float(change[s, c, 1])
                q_last, q_first = inverse(r_last, link), inverse(r_last - r_step, link)
                here["gap"] = sign * ((eta_last - r_last) - (eta_last - step - (r_last - r_step)))
                here["gap_points"] = sign * unit * ((p_last - q_last) - (p_first - q_first))
                here["gap_ratio"] = sign * (p_last / q_last - p_first / q_first)
                here["target_points"] = sign * unit * (p_last - p_first)
                here["reference_points"] = sign * unit * (q_last - q_first)
            for name in names:
                out[name][s, c] = here[name]
    return out
