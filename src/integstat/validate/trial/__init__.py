"""One simulated ring against its truth. Kept results belong to these files; what gathers and tells may change without them."""

from integstat.validate.trial.ring import CHECKS, CITY, KINDS, PROBABILITIES, RingSpec, one_ring
from integstat.validate.trial.scenario import SCENARIOS, Scenario
from integstat.validate.trial.settings import DEFINITIONS, LEVELS, RANKED, YEARS, ValidateSettings

__all__ = [
    "CHECKS",
    "CITY",
    "DEFINITIONS",
    "KINDS",
    "LEVELS",
    "PROBABILITIES",
    "RANKED",
    "SCENARIOS",
    "YEARS",
    "RingSpec",
    "Scenario",
    "ValidateSettings",
    "one_ring",
]
