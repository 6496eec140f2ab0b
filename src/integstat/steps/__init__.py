"""Work keyed by the content of what it reads: computed once, kept, written whole or not at all."""

from integstat.steps.atomic import sweep, write_text, writing
from integstat.steps.crew import Crew, crew_for, in_process, processes
from integstat.steps.keys import digest, source_digest
from integstat.steps.run import Ran, Step, Tell, missing, run_steps
from integstat.steps.store import Keeper, Memory, Store

__all__ = [
    "Crew",
    "Keeper",
    "Memory",
    "Ran",
    "Step",
    "Store",
    "Tell",
    "crew_for",
    "digest",
    "in_process",
    "missing",
    "processes",
    "run_steps",
    "source_digest",
    "sweep",
    "write_text",
    "writing",
]
