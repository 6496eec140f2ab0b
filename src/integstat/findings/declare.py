"""Which cells may be declared: a bound on the expected share of wrong ones, and a floor for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from integstat.findings.settings import FindingSettings


@dataclass(frozen=True)
class Declaration:
    """What was declared of one kind.

    Attributes
    ----------
    declared : ndarray of bool, shape (N,)
    threshold : float
        Smallest declared probability, infinite where nothing is declared; with the plain rule its own threshold. Frozen
        for the run.
    expected_wrong : float
        Sum of the declared cells' error probabilities.
    """

    declared: np.ndarray
    threshold: float
    expected_wrong: float


def declare(probability: np.ndarray, eligible: np.ndarray, settings: FindingSettings) -> Declaration:
    """Declare cells of one kind.

    Parameters
    ----------
    probability : ndarray, shape (N,)
        Posterior probability of the event, NaN where it is not estimable.
    eligible : ndarray of bool, shape (N,)
        Cells of the grid: no context indicators, none capped by a break.
    settings : FindingSettings

    Notes
    -----
    With the rule `set` (Newton et al. 2004, Biostatistics; Müller et al. 2004, JASA), cells enter in the order of their
    probability as long as the mean of 1 − P over those entered is at most `q`; ties enter together or not at all. The
    expected number of wrong ones holds if the model does.
    """
    usable = eligible & np.isfinite(probability)
    floor = settings.plain_threshold if settings.rule == "plain" else settings.floor
    values = np.sort(probability[usable & (np.nan_to_num(probability, nan=0.0) >= floor)])[::-1]
    if settings.rule == "set" and len(values):
        mean_error = np.cumsum(1 - values) / np.arange(1, len(values) + 1)
        last_of_tie = np.append(values[1:] < values[:-1], True)
        allowed = np.flatnonzero((mean_error <= settings.q + 1e-12) & last_of_tie)
        values = values[: allowed[-1] + 1] if len(allowed) else values[:0]
    reached = float(values[-1]) if len(values) else float("inf")
    threshold = settings.plain_threshold if settings.rule == "plain" else reached
    declared = usable & (np.nan_to_num(probability, nan=0.0) >= threshold)
    return Declaration(declared, threshold, float((1 - probability[declared]).sum()))


def frozen_threshold(one: Declaration, settings: FindingSettings) -> float:
    """Probability from which a cell outside the grid counts as declared.

    The smallest declared one; with the rule `set` at most what a cell needs that is declared alone, for one whose error is within
    the bound `q` joins any set that keeps it.
    """
    if settings.rule == "plain":
        return settings.plain_threshold
    return min(one.threshold, max(settings.floor, 1.0 - settings.q))


def kind_row(kind: str, one: Declaration, eligible: int) -> dict[str, object]:
    """What a table of kinds says of one: eligible, declared, threshold reached, expected to be wrong."""
    return {
        "kind": kind,
        "eligible": eligible,
        "declared": int(one.declared.sum()),
        "threshold": one.threshold if np.isfinite(one.threshold) else float("nan"),
        "expected_wrong": one.expected_wrong,
    }
