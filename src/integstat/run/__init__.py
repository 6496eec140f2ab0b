"""A whole run: the stages in order, files in and out, a manifest that says what was done with what."""

from integstat.run.options import STAGES, RunOptions, Stage
from integstat.run.stages import RunResult, run

__all__ = ["STAGES", "RunOptions", "RunResult", "Stage", "run"]
