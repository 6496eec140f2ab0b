"""How many universes come to the same finding, and probabilities mixed over universes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from integstat.sensitivity.universes import FINDINGS, NOT_THERE, Universes

EVENT_OF = {"success": "p_success", "deficit": "p_deficit", "stable": "p_stable"}
_EQUIVALENT, _UNCERTAIN = 0, 1


@dataclass(frozen=True)
class Robustness:
    """Weighted shares of a city's universes of the same question, over equivalent ones alone and with uncertain ones.

    Attributes
    ----------
    share, share_with_uncertain : ndarray, shape (C,)
        Same finding as the run's; NaN where no universe applies or the run has no finding. Failed universes stay in the
        denominator, so this is a lower bound.
    failed, failed_with_uncertain : ndarray, shape (C,)
        Without a result for the city; `share + failed` is the upper bound. NaN where no universe applies.
    universes, universes_with_uncertain : ndarray of int, shape (C,)
        Number that apply, the failed among them.
    """

    share: np.ndarray
    failed: np.ndarray
    universes: np.ndarray
    share_with_uncertain: np.ndarray
    failed_with_uncertain: np.ndarray
    universes_with_uncertain: np.ndarray


def robustness(universes: Universes, headline: np.ndarray) -> Robustness:
    """Say which share of a city's universes comes to the finding of the run.

    Parameters
    ----------
    universes : Universes
    headline : ndarray of int8, shape (C,)
        The run's finding, as a place in `FINDINGS`; `NOT_THERE` where it has none.

    Returns
    -------
    Robustness

    Notes
    -----
    Weights are the stated ones of the universes, the ring's own among them: with few universes a share is high because the own
    one agrees with itself. It is no probability that a finding is true, and no test: universes that share an assumption err
    together (Del Giudice & Gangestad 2021, doi:10.1177/2515245920954925). The finding `open` can be robust as well.
    """
    asked = universes.same_question
    equivalent = _agreement(universes, headline, asked & (universes.kind == _EQUIVALENT))
    return Robustness(*equivalent, *_agreement(universes, headline, asked & (universes.kind <= _UNCERTAIN)))


def pooled(universes: Universes, event: str) -> np.ndarray:
    """Probability of an event under a definition and a model drawn with the stated weights, for the column `p_pooled`.

    Parameters
    ----------
    universes : Universes
    event : str
        Column of the probability, such as `p_success`.

    Returns
    -------
    ndarray, shape (C,)
        NaN where no universe has a value.

    Notes
    -----
    Over universes of the same question, without those that are not equivalent. A universe without a value for a city is left out
    and the weights of the others are shared anew, as if it had not been drawn. Definitions measure different quantities: this
    is no probability of one event, and never the finding.
    """
    return weighted_mean(universes, event, universes.same_question & (universes.kind <= _UNCERTAIN))


def mixed(universes: Universes, event: str) -> np.ndarray:
    """Probability of an event under a model drawn with the stated weights: the headline P.

    Parameters
    ----------
    universes : Universes
    event : str
        Column of the probability, such as `p_success`.

    Returns
    -------
    ndarray, shape (C,)
        NaN where no universe has a value.

    Notes
    -----
    Over the model axes alone: definition, question and decision are the ring's. As in `pooled`, models that are not equivalent
    are left out and universes without a value give their weight to the others. The weights are stated, not learnt: how well
    a model fits the counts does not enter.
    """
    own = (universes.choice[:, universes.of_sort("measurement", "question", "decision")] == 0).all(axis=1)
    return weighted_mean(universes, event, own & (universes.kind <= _UNCERTAIN), like_own=True)


def weighted_mean(universes: Universes, event: str, rows: np.ndarray, *, like_own: bool = False) -> np.ndarray:
    """Mean of an event's probability over those of these universes that have a value for the city.

    Parameters
    ----------
    universes : Universes
    event : str
    rows : ndarray of bool, shape (U,)
    like_own : bool
        Whether to leave out universes in which another part of a city is estimable (`Universes.like_own`).

    Returns
    -------
    ndarray, shape (C,)
        NaN where none has.
    """
    probability = universes.probability[event][rows].astype(float)
    known = np.isfinite(probability) & universes.applies[rows]
    if like_own:
        known &= universes.like_own[rows]
    weight = universes.weight[rows, None] * known
    mean = _ratio((weight * np.where(known, probability, 0.0)).sum(axis=0), weight.sum(axis=0))
    return np.asarray(np.clip(mean, 0.0, 1.0))  # rounding only


def event_of(universes: Universes, headline: np.ndarray) -> list[str]:
    """Name the event whose probability belongs to each city's finding.

    Parameters
    ----------
    universes : Universes
    headline : ndarray of int8, shape (C,)
        As `robustness` takes it.

    Returns
    -------
    list of str
        Length C: `p_success`, `p_deficit` or `p_stable`. For `open`, and where there is no finding, the most probable of them in
        the ring's own universe; `p_success` if that has none of them.
    """
    events = list(EVENT_OF.values())
    known = np.array([universes.probability[event][universes.main] for event in events])
    likeliest = np.where(np.isfinite(known), known, -1.0).argmax(axis=0)
    names = ["" if code == NOT_THERE else FINDINGS[code] for code in headline]
    return [EVENT_OF.get(name, events[place]) for name, place in zip(names, likeliest, strict=True)]


def _agreement(universes: Universes, headline: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    applies, finding = universes.applies[rows], universes.finding[rows]
    weight = universes.weight[rows, None] * applies
    total = weight.sum(axis=0)
    share = _ratio((weight * (finding == headline)).sum(axis=0), total)
    failed = _ratio((weight * (finding == NOT_THERE)).sum(axis=0), total)
    return np.where(headline == NOT_THERE, np.nan, share), failed, applies.sum(axis=0)


def _ratio(part: np.ndarray, total: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(part, total, out=np.full(total.shape, np.nan), where=total > 0))
