"""Is the method calibrated? Rings from the model and beside it, fitted and judged as a run does, held against their truth."""

from integstat.validate.build import validate
from integstat.validate.report import write_report
from integstat.validate.trial import SCENARIOS, ValidateSettings

__all__ = ["SCENARIOS", "ValidateSettings", "validate", "write_report"]
