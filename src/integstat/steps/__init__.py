"""Work keyed by the content of what it reads: computed once, kept, written whole or not at all."""

from integstat.steps.atomic import sweep, write_text, writing
from integstat.steps.keys import digest, source_digest
from integstat.steps.store import Store

__all__ = ["Store", "digest", "source_digest", "sweep", "write_text", "writing"]
