"""From probabilities to the words of the finding columns: what is declared, and by which precedence it is told."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from integstat.findings.declare import Declaration, declare, frozen_threshold, kind_row
from integstat.findings.frame import EVENTS, FINDING_COLUMNS
from integstat.findings.settings import FindingSettings

Cells = pd.DataFrame | Mapping[str, np.ndarray]  # the columns that words are made of
FINDINGS = ("open", "success", "deficit", "stable")
_EXACT = 1e-9  # probabilities are shares of draws, thresholds may be means of them
_LATE = ("with_ring", "with_land", "other_land", "poor_level")  # flags that follow from words
_ABSOLUTE = ("improved_absolute", "worsened_absolute")
_GAP = ("narrowed", "widened", "gap_unchanged")
_OF_CHANGE = ("success", "improved", "worsened", "unchanged", "stable")


def declare_all(grid: pd.DataFrame, settings: FindingSettings) -> tuple[dict[str, Declaration], pd.DataFrame]:
    """Declare every kind of event on the grid; also one row per kind: eligible, declared, threshold, expected to be wrong."""
    declared = {
        kind: declare(grid[column].to_numpy(float), eligible(grid, kind, settings), settings) for kind, column in EVENTS.items()
    }
    rows = [
        kind_row(kind, one, int((eligible(grid, kind, settings) & grid[EVENTS[kind]].notna()).sum()))
        for kind, one in declared.items()
    ]
    return declared, pd.DataFrame(rows)


def eligible(frame: Cells, kind: str, settings: FindingSettings) -> np.ndarray:
    """Cells in which this kind of event may be declared.

    Own changes need a ring large enough, or a prior of its shift from history: as absolute events, and where they are the
    headline.
    """
    if kind in _GAP:
        return np.asarray(frame["eligible_gap"], dtype=bool)
    own = kind in _ABSOLUTE or (settings.headline == "own" and kind in _OF_CHANGE)
    return np.asarray(frame["eligible_absolute" if own else "eligible"], dtype=bool)


def at_threshold(frame: Cells, kind: str, grid: Declaration, settings: FindingSettings) -> Declaration:
    """Cells of other definitions or universes at the threshold that the grid has frozen (`frozen_threshold`)."""
    probability = np.nan_to_num(np.asarray(frame[EVENTS[kind]], dtype=float), nan=0.0)
    threshold = frozen_threshold(grid, settings) - _EXACT
    passed = eligible(frame, kind, settings) & (probability >= threshold)
    return Declaration(passed, grid.threshold, float((1 - probability[passed]).sum()))


def words(frame: pd.DataFrame, declared: Mapping[str, Declaration], settings: FindingSettings) -> pd.DataFrame:
    """Turn declarations into the words of the finding columns, by the precedence of the method, and complete the flags."""
    out = frame.copy()
    is_ = {kind: one.declared for kind, one in declared.items()}
    out["finding_change"] = _word(is_, "improved", "worsened", "unchanged")
    out["finding_level"] = _word(is_, "better", "worse", "as_expected")
    gap = _word(is_ | {"unchanged": is_["gap_unchanged"]}, "narrowed", "widened", "unchanged")
    out["finding_gap"] = np.where(out["has_gap"].to_numpy(bool), gap, "")
    deficit = is_["deficit"] | is_["worsened"] | is_["worse"]
    out["finding"] = np.array(FINDINGS)[finding_codes(is_)]
    out["counts_as_deficit"] = deficit
    moved = is_["improved"] | is_["worsened"]
    absolute = is_["improved_absolute"] | is_["worsened_absolute"]
    with_shift = _with_shift(out, settings) & ~moved
    shifted, compared = out["land_shifted"].to_numpy(bool), out["relative_change_mean"].notna().to_numpy()
    late = {
        "with_ring": absolute & ~moved & ~with_shift & compared & (settings.headline != "own"),
        "with_land": with_shift & shifted,
        "other_land": with_shift & ~shifted,
        "poor_level": is_["success"] & deficit,
    }
    out["flags"] = [";".join([*base, *(flag for flag, here in late.items() if here[i])]) for i, base in enumerate(frame["flags"])]
    rest = [column for column in out.columns if column not in FINDING_COLUMNS]
    return out[[*FINDING_COLUMNS, *rest]]


def without_words(frame: pd.DataFrame) -> pd.DataFrame:
    """Take back what `words` put into the flags, so that the frame can be given words anew."""
    flags = [[flag for flag in str(one).split(";") if flag and flag not in _LATE] for one in frame["flags"]]
    return frame.assign(flags=pd.Series(flags, index=frame.index, dtype=object))


def finding_codes(is_: Mapping[str, np.ndarray]) -> np.ndarray:
    """Place of every cell's finding in `FINDINGS`, by the precedence of the method; arrays of any shape."""
    deficit = is_["deficit"] | is_["worsened"] | is_["worse"]
    return np.select([is_["success"], deficit, is_["stable"]], [1, 2, 3], 0).astype(np.int8)


def _with_shift(frame: pd.DataFrame, settings: FindingSettings) -> np.ndarray:
    """Cells whose change would be likely enough, had no Land moved."""
    likely = frame[["p_improved_with_shift", "p_worsened_with_shift"]].max(axis=1).fillna(0.0)
    return (frame["eligible"] & (likely >= settings.floor)).to_numpy(bool)


def _word(is_: Mapping[str, np.ndarray], *kinds: str) -> np.ndarray:
    return np.select([is_[kind] for kind in kinds], kinds, "open")
