"""Feed every reader with damaged files for a while; stop for nothing, keep what gets through.

Each round takes every reader once and lets hypothesis draw damaged versions of its sound file: lines, cells, separators and
encodings of text, bytes, parts and cells of workbooks, and tables of random cells. What is looked for is any exception but the
project's own, a broken promise of a reader (a number that is none, a key of the wrong length, a problem without a mend), and an
input that takes longer than `--slow` seconds.

    python analyses/fuzz_readers.py --minutes 10

Found cases are written to `tests/intake/fuzz_corpus/`, the smallest that hypothesis comes to; the tests read them from then on.
What it prints: examples, share that was read, slowest input by reader, and what was found. A run that finds nothing tells of the
damage drawn here, not of all.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the sound files are those of the tests
CORPUS = ROOT / "tests" / "intake" / "fuzz_corpus"
EXAMPLES, BOOKS = 300, 60


class Tally:
    """What happened to one reader."""

    def __init__(self) -> None:
        self.examples, self.read, self.slowest, self.found = 0, 0, 0.0, dict[str, str]()


def fuzz(name: str, number: int, tally: Tally, slow: float) -> None:
    """One round for one reader; a case that gets through is written down."""
    from tests.intake.fuzzing import TARGETS, damaged, read

    last = b""

    @seed(number)
    @settings(
        max_examples=BOOKS if TARGETS[name].is_book else EXAMPLES,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(damaged(TARGETS[name]))
    def survives(content: bytes) -> None:
        nonlocal last
        last = content
        begun = time.perf_counter()
        good = read(name, content)
        took = time.perf_counter() - begun
        tally.examples += 1
        tally.read += good
        tally.slowest = max(tally.slowest, took)
        assert took < slow, f"{took:.1f} s"

    try:
        survives()
    except BaseException as error:  # whatever gets through is a find
        if isinstance(error, KeyboardInterrupt):
            raise
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        spot = f"{Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where else ""
        kind = f"{type(error).__name__} {spot}"
        if kind not in tally.found:
            tally.found[kind] = f"{error}".split("\n")[0][:150]
            CORPUS.mkdir(exist_ok=True)
            (CORPUS / f"{name}--{hashlib.sha256(last).hexdigest()[:8]}.bin").write_bytes(last)
            print(f"{name}: {kind}: {tally.found[kind]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--slow", type=float, default=5.0, help="seconds that one input may take")
    parser.add_argument("--seed", type=int, default=20210701, help="of the first round; each further one takes the next")
    parser.add_argument("--only", nargs="*", default=[], help="readers to take, by the name of their sound file")
    given_ = parser.parse_args()
    from tests.intake.fuzzing import TARGETS

    names = given_.only or list(TARGETS)
    tallies = {name: Tally() for name in names}
    end, number = time.monotonic() + 60 * given_.minutes, 0
    while time.monotonic() < end:
        for name in names:
            if time.monotonic() < end:
                fuzz(name, given_.seed + number, tallies[name], given_.slow)
        number += 1
    for name, tally in tallies.items():
        share = tally.read / max(tally.examples, 1)
        print(
            f"{name:28} {tally.examples:8} examples  {share:5.0%} read  slowest {tally.slowest:6.3f} s  {len(tally.found)} found"
        )
    print(f"{sum(tally.examples for tally in tallies.values())} examples in {number} rounds")
    sys.exit(1 if any(tally.found for tally in tallies.values()) else 0)


if __name__ == "__main__":
    main()
