"""What is known of the cities beside the indicators: size, age, economy, housing, students, migration."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Context:
    """Context features of the ring's cities in one year.

    Attributes
    ----------
    features : pandas.DataFrame
        Index `city` (AGS as text, sorted), one float column per feature, NaN where unknown.
    year : int
        The year the values stand for; never after the first year of the comparison.
    """

    features: pd.DataFrame
    year: int

    def __post_init__(self) -> None:
        features = self.features.sort_index().astype(float)
        features.index.name = "city"
        if features.index.has_duplicates:
            raise ValueError("a city stands twice in the context")
        object.__setattr__(self, "features", features)
