"""What a run shows of its universes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from integstat.sensitivity.explain import Explained, Story
from integstat.sensitivity.settings import MultiverseSettings
from integstat.sensitivity.space import Space


@dataclass(frozen=True)
class SensitivityShown:
    """What report and tables read.

    Attributes
    ----------
    settings : MultiverseSettings
    space : Space
    explained : Explained
    capped : mapping of str to Story
        By indicator: the same in the question 'without caps', where there is such a question and cells are capped; its headline
        is what the ring's own model says there.
    universes, models, fits : int
        How many universes, combinations on the model axes, and distinct fits.
    notes : tuple of str
        What was passed over or failed, in German.
    """

    settings: MultiverseSettings
    space: Space
    explained: Explained
    capped: Mapping[str, Story]
    universes: int
    models: int
    fits: int
    notes: tuple[str, ...]
