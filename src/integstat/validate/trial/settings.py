"""What is simulated, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DEFINITIONS = ("R1.eight_years_previous", "E3.leavers")  # a rate of one group, a share of two
YEARS = (2016, 2017)  # without a registered break
LEVELS = (0.50, 0.80, 0.90, 0.95)
RANKED = 99  # draws among which the truth is ranked


@dataclass(frozen=True)
class ValidateSettings:
    """What is simulated.

    Attributes
    ----------
    cities, rings : int
        Cities of a ring, rings of each scenario.
    engine : {'laplace', 'nuts', 'auto'}
    scenarios : tuple of str
        Ids of `integstat.validate.trial.scenario.SCENARIOS`. All share the rings' parameters and cities, so they differ by what
        they change.
    base : float, optional
        Typical base of a ring's cities; None: from 100 to 10,000, drawn anew for each ring.
    draws : int
        Of a posterior.
    seed : int
    """

    cities: int = 24
    rings: int = 1000
    engine: Literal["laplace", "nuts", "auto"] = "laplace"
    scenarios: tuple[str, ...] = ("model",)
    base: float | None = None
    draws: int = 1000
    seed: int = 20210701
