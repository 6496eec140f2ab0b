"""What a history's TOML holds: the intake of a ring with more years, and how it is evaluated."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from integstat.catalogue import Catalogue, load_catalogue
from integstat.intake.settings import IntakeSettings
from integstat.tomlfile import Strict, load_model

FEWEST_YEARS = 4  # transience, walk and trend are three unknowns: differences over one, two and three years


class HistoryOptions(Strict):
    """Section `[history]`.

    Attributes
    ----------
    until : int, optional
        Last year used, so that a file that goes on into a ring's own years can serve as its history. None: all of them.
    resamples : int
        Samples of cities with replacement, for the intervals.
    """

    until: int | None = None
    resamples: int = Field(default=400, ge=100, le=10_000)


class HistoryConfig(IntakeSettings):
    """What `configs/history/*.toml` holds: the intake sections of a ring, with as many years as there are.

    Attributes
    ----------
    seed : int
        Of the samples of cities.
    history : HistoryOptions
    """

    seed: int = Field(default=20210701, ge=0, lt=2**31)
    history: HistoryOptions = HistoryOptions()

    @model_validator(mode="after")
    def _enough_years(self) -> HistoryConfig:
        if len(self.years) < FEWEST_YEARS:
            until = f" bis {self.history.until}" if self.history.until is not None else ""
            what = f"[ring] years nennt{until} {len(self.years)} Jahre, eine Vorgeschichte braucht {FEWEST_YEARS}"
            raise ValueError(f"{what} (zu ändern in [ring] years oder [history] until)")
        return self

    @property
    def years(self) -> tuple[int, ...]:
        """Years that are used."""
        until = self.history.until
        return tuple(year for year in self.ring.years if until is None or year <= until)

    def intake(self) -> IntakeSettings:
        """Return the intake of the years that are used: later ones are not even read."""
        return self.model_copy(update={"ring": self.ring.model_copy(update={"years": self.years})})


def load_history_config(path: Path) -> tuple[HistoryConfig, Catalogue]:
    """Read a history's config and the catalogue it names.

    Raises
    ------
    UsageError
        One sentence with file and line.
    """
    config = load_model(path, HistoryConfig)
    own = config.ring.catalogue
    return config, load_catalogue(path.parent / own if own else None)
