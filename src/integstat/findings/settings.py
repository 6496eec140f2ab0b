"""What a ring fixes before data are read: steps, floor, error share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from integstat.tomlfile import Strict

Headline = Literal["ring", "peers", "land", "own", "lasting"]
GapScale = Literal["link", "points", "ratio"]


class Step(Strict):
    """Another rho for one indicator: on the link scale, or in points.

    Points are turned into a link step at the ring's median level: ρ / (100 p (1 − p)), fixed for the run.
    """

    rho: float | None = Field(default=None, gt=0)
    rho_level: float | None = Field(default=None, gt=0)
    rho_points: float | None = Field(default=None, gt=0)
    rho_level_points: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_scale_each(self) -> Step:
        for name in ("rho", "rho_level"):
            if getattr(self, name) is not None and getattr(self, f"{name}_points") is not None:
                raise ValueError(f"'{name}' und '{name}_points' zugleich: bitte nur eines angeben")
        return self


class FindingSettings(Strict):
    """Section `[findings]` of a ring's config.

    Attributes
    ----------
    headline : {'ring', 'peers', 'land', 'own', 'lasting'}
        Which change makes a city's word: the change beyond the ring's median, beyond its peers, beyond its Land, its own, or
        the part that lasts of the change beyond the ring's. Another headline is another question, not a check of the first.
    rule : {'set', 'plain'}
        `set`: the largest set whose mean error probability is at most `q` (Newton et al. 2004; Müller et al. 2004).
        `plain`: every cell whose probability is at least `plain_threshold`.
    q : float
        Bound on the mean error probability of the declared set, per kind.
    floor : float
        No cell is declared below this probability, whatever the set allows.
    plain_threshold : float
    interval : float
        Probability of the equal-tailed intervals shown.
    lasting_threshold : float
        From here on a success is called likely to last, if the prior of what lasts comes from history.
    absolute_from : int
        Smallest number of cities for an absolute finding ('with the ring').
    context : tuple of str
        At most three features of `[peers]`, named beforehand: covariates of the standing against context.
    base_jump : float
        Smallest jump of a base, as a share of it beyond the ring's median growth, that keeps a cell open.
    base_jump_times : float
        And so many times the usual spread of the bases' growth.
    caps : bool
        Whether a break or a jump of the base keeps a cell open and out of the yardstick. Without, figures are read as they are.
    gap_scale : {'link', 'points', 'ratio'}
        Scale on which the gap's word is decided, with the same step at the ring's median.
    rho_times, rho_level_times : float
        Factors on the steps of all indicators.
    step : dict
        Steps by indicator id, where they differ from the catalogue's.
    """

    headline: Headline = "ring"
    rule: Literal["set", "plain"] = "set"
    q: float = Field(default=0.10, gt=0, lt=0.5)
    floor: float = Field(default=0.80, ge=0.5, lt=1)
    plain_threshold: float = Field(default=0.90, ge=0.5, lt=1)
    interval: float = Field(default=0.90, gt=0.5, lt=1)
    lasting_threshold: float = Field(default=0.80, ge=0.5, lt=1)
    absolute_from: int = Field(default=12, ge=2)
    context: tuple[str, ...] = Field(default=(), max_length=3, strict=False)
    base_jump: float = Field(default=0.15, gt=0)
    base_jump_times: float = Field(default=4.0, ge=1)
    caps: bool = True
    gap_scale: GapScale = "link"
    rho_times: float = Field(default=1.0, gt=0)
    rho_level_times: float = Field(default=1.0, gt=0)
    step: dict[str, Step] = Field(default_factory=dict)
