"""Results of rings whose tables are known."""

from __future__ import annotations

import numpy as np
import xarray as xr

from integstat.validate.trial import CHECKS, KINDS, LEVELS

QUANTITIES = ("R1 sd_change target", "E3 corr_mean", "R1 relative", "E3 relative", "E3 gap")


def ring(
    rank: int = 50,
    covered: int = 9,
    *,
    declared: float = 4,
    wrong: float = 1,
    opposite: float = 0,
    p: float = 0.75,
    so: tuple[bool, ...] = (True, True, True, False),
    **checks: int,
) -> xr.DataTree:
    """One ring with ten cells per quantity and the same counts for every kind."""
    size, kinds = len(QUANTITIES), len(KINDS)
    content = {
        "rank": ("quantity", np.full(size, rank)),
        "covered": (("quantity", "level"), np.full((size, len(LEVELS)), covered)),
        "cells": ("quantity", np.full(size, 10)),
        "p": (("probability", "cell"), np.full((3, len(so)), p)),
        "so": (("probability", "cell"), np.array([so] * 3)),
    }
    numbers = {"declared": declared, "wrong": wrong, "opposite": opposite, "true": 6.0, "expected": 0.5}
    content |= {name: ("kind", np.full(kinds, float(value))) for name, value in numbers.items()}
    attrs = dict.fromkeys(("refused", "sampler", *CHECKS), 0) | {"fits": 2} | checks
    return xr.DataTree.from_dict({"/": xr.Dataset(content, coords={"quantity": list(QUANTITIES)}, attrs=attrs)})
