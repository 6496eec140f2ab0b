"""What the uncertainty of an event consists of: counting error, what lasts, and every axis along which universes differ."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from scipy import sparse

from integstat.sensitivity.universes import Universes

MOST_AXES = 16  # their subsets are all looked at
_TINY = np.finfo(float).tiny
_SLACK = 1e-6  # probabilities may come in single precision


@dataclass(frozen=True)
class Attribution:
    """P̄(1 − P̄) of one event, in parts that sum to it.

    Attributes
    ----------
    whole, counting, lasting : ndarray, shape (C,)
        P̄(1 − P̄); of it what each universe by itself leaves open, above all for counting error; and what it leaves open because
        nobody knows what lasts. NaN without a universe.
    axes : ndarray, shape (A, C)
        Part of each axis in the variance between universes; 0 for an axis that does not vary, NaN without a universe.
    p_bar : ndarray, shape (C,)
        Mean probability over the universes used.
    universes : ndarray of int, shape (C,)
        Number used.
    """

    whole: np.ndarray
    counting: np.ndarray
    lasting: np.ndarray
    axes: np.ndarray
    p_bar: np.ndarray
    universes: np.ndarray


def attribute(
    universes: Universes, event: str, rows: np.ndarray | None = None, lasting_share: np.ndarray | None = None
) -> Attribution:
    r"""Split the uncertainty of an event over what universes differ in and what each of them leaves open.

    Parameters
    ----------
    universes : Universes
    event : str
        Column of the probability, such as `p_success`.
    rows : ndarray of bool, shape (U,), optional
        Universes to look at; default: those of the same question that are equivalent or uncertain. Over several questions the
        parts describe a range of answers, no doubt about one.
    lasting_share : ndarray, shape (U, C), optional
        The part of P(1 − P) of each universe that is due to what lasts, between 0 and P(1 − P); default 0.

    Returns
    -------
    Attribution

    Raises
    ------
    ValueError
        If more than `MOST_AXES` axes vary, or `lasting_share` is not within its bounds where there is a probability.

    Notes
    -----
    .. math:: \bar P (1 - \bar P) = E_u[P_u (1 - P_u)] + \mathrm{Var}_u(P_u)

    with the stated weights over the universes that have a value for the city. The second term is split by Shapley effects: a set
    S of axes is worth :math:`\mathrm{Var}(E[P \mid x_S])`, an axis the mean of what it adds over all orders of the axes (Owen
    2014, doi:10.1137/130936233; for dependent inputs Song, Nelson & Staum 2016, doi:10.1137/15M1048070; Owen & Prieur 2017,
    doi:10.1137/16M1097717). Exact for the universes at hand, over all subsets; they need not be all combinations.

    A part belongs to these universes and these weights: more alternatives, or other weights, give other parts. Where a constraint
    or a failure ties axes together, an axis without influence of its own gets part of what the one that it is tied to does
    (two that always change together: half each); only where it is free of the others is 0 a promise. In a sparse sample of the
    combinations axes are tied by chance: a few of them tell every universe apart, and the parts are drawn towards equal ones.
    """
    rows = universes.same_question & (universes.kind < 2) if rows is None else rows
    probability = universes.probability[event][rows].astype(float)
    used = np.isfinite(probability) & universes.applies[rows]
    probability = np.where(used, probability, 0.0)
    lasting_part = _lasting_part(probability, used, None if lasting_share is None else lasting_share[rows])
    number = used.sum(axis=0)
    weight = universes.weight[rows, None] * used
    weight = weight / np.maximum(weight.sum(axis=0), _TINY)
    p_bar = np.clip((weight * probability).sum(axis=0), 0.0, 1.0)
    within = (weight * probability * (1 - probability)).sum(axis=0)
    lasting = (weight * lasting_part).sum(axis=0)
    axes = _shapley(universes.choice[rows], weight * (probability - p_bar), weight)
    parts = (p_bar * (1 - p_bar), within - lasting, lasting, axes, p_bar)
    whole, counting, lasting, axes, p_bar = (np.where(number > 0, part, np.nan) for part in parts)
    return Attribution(whole, counting, lasting, axes, p_bar, number)


def _lasting_part(probability: np.ndarray, used: np.ndarray, given: np.ndarray | None) -> np.ndarray:
    if given is None:
        return np.zeros_like(probability)
    part = np.where(used, given, 0.0)
    if not ((part >= -_SLACK) & (part <= probability * (1 - probability) + _SLACK)).all():
        raise ValueError("what lasts is not between 0 and P(1 - P)")
    return part


def _shapley(choice: np.ndarray, deviation: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Shapley effects, shape (A, C).

    Parameters
    ----------
    choice : ndarray of int, shape (U, A)
    deviation : ndarray, shape (U, C)
        Weight times distance of P from its mean.
    weight : ndarray, shape (U, C)
        Sums to 1 for every city with a universe.
    """
    out = np.zeros((choice.shape[1], deviation.shape[1]))
    varying = np.flatnonzero((choice != choice[:1]).any(axis=0))
    if len(varying) > MOST_AXES:
        raise ValueError(f"{len(varying)} axes vary, more than {MOST_AXES}")
    worth = _worth_of_subsets(choice[:, varying], deviation, weight)
    subsets, count = np.arange(len(worth)), len(varying)
    for place, axis in enumerate(varying):
        without = subsets[subsets >> place & 1 == 0]
        orders = np.array([1 / (count * comb(count - 1, size)) for size in range(count)])[np.bitwise_count(without)]
        out[axis] = orders @ (worth[without | 1 << place] - worth[without])
    return out


def _worth_of_subsets(choice: np.ndarray, deviation: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Variance of the conditional mean given each subset of axes, shape (2^A, C); bit i of a place: axis i is in the subset.

    Every subset is reached once, by dropping axes in their order; sums over universes that agree on a subset are added up from
    those over universes that agree on a larger one.
    """
    out = np.zeros((2 ** choice.shape[1], deviation.shape[1]))
    if (weight == weight[:, :1]).all():
        weight = weight[:, :1]  # every city has the same universes

    def look(subset: int, first: int, choice: np.ndarray, deviation: np.ndarray, weight: np.ndarray) -> None:
        out[subset] = np.einsum("uc,uc->c", deviation, deviation / np.maximum(weight, _TINY))
        for axis in range(first, choice.shape[1]):
            alike, kept = _alike(choice, subset & ~(1 << axis))
            look(subset & ~(1 << axis), axis + 1, choice[kept], alike @ deviation, alike @ weight)

    look(len(out) - 1, 0, choice, deviation, weight)
    return out


def _alike(choice: np.ndarray, subset: int) -> tuple[sparse.csr_array, np.ndarray]:
    """Adds up rows that agree on a subset of axes, shape (groups, rows), and one row of each group."""
    code = np.zeros(len(choice), dtype=np.int64)
    for axis in range(choice.shape[1]):
        if subset >> axis & 1:
            code = code * (choice[:, axis].max() + 1) + choice[:, axis]
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(code[order]) != 0))
    ends = np.append(starts, len(code))
    return sparse.csr_array((np.ones(len(code)), order, ends), shape=(len(starts), len(code))), order[starts]
