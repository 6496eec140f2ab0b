"""From which size on a count may be known."""

from __future__ import annotations

from pydantic import Field, model_validator

from integstat.tomlfile import Strict


class DisclosureSettings(Strict):
    """Section `[disclosure]` of a ring's config.

    Attributes
    ----------
    threshold : int
        Counts below it are confidential, nought among them, and so are shares that leave fewer than that out. Every confidential
        count keeps at least as many values that it may have. 0: nothing is confidential but what cities delivered so.
    min_base : int
        On a base below it nothing is told.
    """

    threshold: int = Field(default=3, ge=0, le=100)
    min_base: int = Field(default=10, ge=0)

    @model_validator(mode="after")
    def _leaves_a_choice(self) -> DisclosureSettings:
        if self.threshold == 1:
            raise ValueError("[disclosure] threshold = 1 verbirgt nichts: bitte 0 (ohne Geheimhaltung) oder mindestens 2 angeben")
        return self

    @property
    def least_base(self) -> int:
        """Smallest base that is told: on a smaller one the small counts from below and from above would overlap."""
        return max(self.min_base, 2 * self.threshold - 1) if self.threshold else 0
