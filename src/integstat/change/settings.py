"""What a ring may choose about the change model: engine, length of the run, priors."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from integstat.tomlfile import Strict


class Priors(Strict):
    """Prior of every parameter, on the link scale (logit for shares, log for rates). Each one is an axis to vary.

    Attributes
    ----------
    level_sd : float
        SD of the ring's level, normal around 0: weak on purpose.
    covariate_sd : float
        SD of the effect of one standard deviation of a covariate.
    shift_sd : float
        SD of the ring's common shift. Not below 0.3: a narrow one pushes a shift it cannot absorb into the cities'
        own changes, by size of city, and produces false findings.
    sd_mean_scale : float
        Scale of the half-normal prior of the SD between cities' levels.
    sd_change_median, sd_change_log_sd : float
        Median and log-SD of the lognormal prior of the SD between cities' changes; no real series has zero.
    correlation_eta : float
        LKJ parameter of the correlation between target and reference group.
    peer_level_scale, peer_change_scale, land_change_scale : float
        Scales of the half-normal priors of the SDs between peer groups and between Länder.
    lasting_a, lasting_b : float
        Beta prior of the share of the one-year change's variance that lasts. Two waves do not inform it.
    trend_scale : float
        Scale of the half-normal prior of the SD of cities' trends per year, as a multiple of the SD of one year's change.
        Enters with three and more years only.
    lasting_source : {'default', 'history'}
        Where the prior of what lasts comes from; only one from history lets a finding be called 'likely to last'.
    shift_source : {'default', 'history'}
        Where the prior of the common shift comes from; one from history lets a small ring speak of changes that are not relative.
    """

    level_sd: float = Field(default=5.0, gt=0)
    covariate_sd: float = Field(default=0.5, gt=0)
    shift_sd: float = Field(default=0.5, ge=0.3)
    sd_mean_scale: float = Field(default=1.0, gt=0)
    sd_change_median: float = Field(default=0.15, gt=0)
    sd_change_log_sd: float = Field(default=0.8, gt=0)
    correlation_eta: float = Field(default=2.0, gt=0)
    peer_level_scale: float = Field(default=0.3, gt=0)
    peer_change_scale: float = Field(default=0.3, gt=0)
    land_change_scale: float = Field(default=0.3, gt=0)
    lasting_a: float = Field(default=2.0, gt=0)
    lasting_b: float = Field(default=3.0, gt=0)
    trend_scale: float = Field(default=0.3, gt=0)
    lasting_source: Literal["default", "history"] = "default"
    shift_source: Literal["default", "history"] = "default"


class PriorChanges(Strict):
    """Priors of one indicator where they differ from the ring's, such as what its history says: see `Priors`.

    `overlap` takes the place of the ring's `overlap` (see `ChangeSettings`) for this indicator.
    """

    shift_sd: float | None = Field(default=None, ge=0.3)
    sd_change_median: float | None = Field(default=None, gt=0)
    sd_change_log_sd: float | None = Field(default=None, gt=0)
    lasting_a: float | None = Field(default=None, gt=0)
    lasting_b: float | None = Field(default=None, gt=0)
    lasting_source: Literal["default", "history"] | None = None
    shift_source: Literal["default", "history"] | None = None
    overlap: float | None = Field(default=None, ge=0.0, lt=1.0)


class ChangeSettings(Strict):
    """Section `[change]` of a ring's config.

    Attributes
    ----------
    engine : {'auto', 'laplace', 'nuts'}
        How the posterior is computed: nested Laplace with importance sampling, the sampler PyMC/nutpie, or the first with
        the second where its own diagnostics refuse it.
    draws : int
        Draws kept: altogether (`laplace`) or per chain (`nuts`).
    tune, chains : int
        Warm-up draws per chain, and number of chains, of `nuts`.
    target_accept : float
        Target acceptance of the first attempt; the retry takes a higher one.
    peers : {'coassignment', 'neighbours', 'groups', 'none'}
        Peer effects on level and change: alike as far as two cities shared a group in the sampled partitions, which carries the
        doubt about the partition into the model; alike as far as their contexts are; equal within the groups of the summary
        partition; or none. Rings too large or too small for a kernel take the groups. Whom a city is compared with in its
        standing is another choice.
    land : bool
        Whether a Land effect on the change enters, where it is estimable.
    months_weight : float
        Weight w of an annual mean: 1 counts the average month once, 12 every month as new evidence.
    coarse : {'bounds', 'as_delivered'}
        Rounded figures and '< 3' as all the counts they may stand for; or rounded ones as they are, and none for '< 3'.
    incomplete : {'keep', 'drop'}
        Whether cities with the target group's figure of some years only take part.
    indicator : dict of str to PriorChanges
        Priors of single indicators, by id; by full id of one definition of it, which comes before the indicator's.
    history : str or tuple of str
        Files that `integstat history` wrote, relative to the config; their priors are those of `indicator`, except where that
        says otherwise. Of two files about an indicator the first named speaks.
    overlap : float, optional
        Share of the persons of a stock who are counted in both years; in an age band never more than can still be in it.
        None: as the catalogue says; 0: none, as if every year counted other persons.
    """

    engine: Literal["auto", "laplace", "nuts"] = "auto"
    draws: int = Field(default=2000, ge=250)
    tune: int = Field(default=1000, ge=200)
    chains: int = Field(default=4, ge=2)
    target_accept: float = Field(default=0.95, gt=0.5, lt=1.0)
    peers: Literal["coassignment", "neighbours", "groups", "none"] = "coassignment"
    land: bool = True
    months_weight: float = Field(default=1.0, ge=1.0, le=12.0)
    coarse: Literal["bounds", "as_delivered"] = "bounds"
    incomplete: Literal["keep", "drop"] = "keep"
    overlap: float | None = Field(default=None, ge=0.0, lt=1.0)
    priors: Priors = Priors()
    history: str | tuple[str, ...] = ()
    indicator: dict[str, PriorChanges] = Field(default_factory=dict)

    def for_definition(self, definition: str) -> ChangeSettings:
        """Return the settings of one definition: priors and overlap of its own or of its indicator, nothing about the others."""
        own = self.indicator.get(definition) or self.indicator.get(definition.partition(".")[0])
        changes = own.model_dump(exclude_none=True) if own is not None else {}
        overlap = changes.pop("overlap", self.overlap)
        priors = Priors.model_validate(self.priors.model_dump() | changes)
        return self.model_copy(update={"priors": priors, "overlap": overlap, "history": (), "indicator": {}})
