"""A whole run: the stages in order, files in and out, a manifest that says what was done with what."""

from integstat.run.folder import STEPS
from integstat.run.options import STAGES, RunOptions, Stage
from integstat.run.sensitivity_stage import Listing, check_choices, listing, multiverse_of, unnamed
from integstat.run.stages import RunResult, run

__all__ = [
    "STAGES",
    "STEPS",
    "Listing",
    "RunOptions",
    "RunResult",
    "Stage",
    "check_choices",
    "listing",
    "multiverse_of",
    "run",
    "unnamed",
]
