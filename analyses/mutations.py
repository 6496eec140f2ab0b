"""Is damage to a delivery told? Seeded mutations of sound simulated rings, by kind; and how often sound rings raise an alarm.

A ring of 8 cities with 6 indicators, as workbooks and as one table, is damaged in one way at a time and taken in
(`tests/intake/mutation_kinds.py` has the kinds). Every fourth turn the ring is another one. Counted are damages that end in an
error, a doubt, a hint, or in silence; silence is material where figures changed enough to change a finding: a cell came, went or
changed its code, or on the link scale a change moved by more than half the step of 10 % or a level by more than half of 20 %.
Alarms are errors and doubts of undamaged rings.

    python analyses/mutations.py --each 12 --alarms 300 --out results/analyses/mutations.csv --doc results/analyses/mutations.md
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.intake.mutation_kinds import KINDS
from tests.intake.mutations import Sound, reading_once, sound_books, sound_table

from integstat.catalogue import load_catalogue
from integstat.intake.assemble import assemble
from integstat.intake.cities import city_table
from integstat.intake.deliveries import ROW_COLUMNS
from integstat.simulate import simulate_ring
from integstat.simulate.ring import YEARS

RINGS = ((8, 6), (24, 12))  # of the alarms


def rings(folder: Path, seed: int, cities: int) -> dict[str, Sound]:
    """Write the two forms of one simulated ring."""
    place = folder / f"{seed}"
    return {"books": sound_books(place / "books", seed, cities), "table": sound_table(place / "table", seed, cities)}


def damages(each: int, seed: int, cities: int, out: Path, doc: Path) -> pd.DataFrame:
    """Try every kind `each` times; what is known so far is written after each turn."""
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory() as folder, reading_once():
        sound: dict[str, Sound] = {}
        for turn in range(each):
            if turn % 4 == 0:
                sound = rings(Path(folder), seed + turn // 4, cities)
            for number, kind in enumerate(KINDS):
                try:
                    outcome = sound[kind.ring].try_out(kind, 1000 * turn + number)
                except Exception as error:  # what must not happen is counted
                    rows.append((kind.name, "crash", type(error).__name__, True, kind.why))
                    continue
                rows.append((kind.name, outcome.told or "silent", " ".join(outcome.checks), outcome.material, kind.why))
            frame = pd.DataFrame(rows, columns=["kind", "told", "checks", "material", "why"])
            frame.to_csv(out, index=False)
            doc.write_text(summary(frame), encoding="utf-8")
            print(f"turn {turn + 1} of {each}", file=sys.stderr, flush=True)
    return frame


def alarms(count: int, seed: int, cities: int, indicators: int) -> Counter[str]:
    """Count undamaged rings with an error or a doubt, and by check."""
    catalogue = load_catalogue()
    found: Counter[str] = Counter()
    for turn in range(count):
        ring = simulate_ring(catalogue, cities, indicators, seed + turn)
        rows = [
            (city, definition, group, year, part, float(values[i, g, t]), "value", "", f"{city}.xlsx", "")
            for definition, truth in ring.truths.items()
            for part, values in (("numerator", truth.y), ("denominator", truth.n))
            for i, city in enumerate(ring.cities["city"])
            for g, group in enumerate(("target", "reference")[: truth.n.shape[1]])
            for t, year in enumerate(YEARS)
        ]
        main = {name.split(".")[0]: name.split(".")[1] for name in ring.truths}
        names = dict(zip(ring.cities["city"], ring.cities["name"], strict=True))
        _, problems = assemble(pd.DataFrame(rows, columns=list(ROW_COLUMNS)), city_table(names), catalogue, YEARS, main)
        raised = {problem.check for problem in problems if problem.severity != "hint"}
        found.update([*raised, *(["any"] if raised else [])])
    return found


def summary(frame: pd.DataFrame) -> str:
    """Write the table of kinds as Markdown."""
    head = "| kind | tried | error | doubt | hint | silent | silent and material | told by | why it may pass |\n"
    lines = [head + "|---|---|---|---|---|---|---|---|---|\n"]
    for kind, part in frame.groupby("kind", sort=False):
        told = Counter(part["told"])
        material = int(((part["told"] == "silent") & part["material"]).sum())
        checks = Counter(check for text in part["checks"] for check in text.split())
        names = ", ".join(f"`{name}`" for name, _ in checks.most_common(3))
        why = str(part["why"].iloc[0]) if material or told["silent"] else ""
        counts = " | ".join(str(told[name]) for name in ("error", "doubt", "hint", "silent"))
        lines.append(f"| {kind} | {len(part)} | {counts} | {material} | {names} | {why} |\n")
    return "".join(lines)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=12, help="damages of each kind")
    parser.add_argument("--cities", type=int, default=8)
    parser.add_argument("--alarms", type=int, default=300, help="undamaged rings of 8 cities; a third as many of 24")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--doc", type=Path, required=True)
    given = parser.parse_args()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with threadpool_limits(1):
        frame = damages(given.each, given.seed, given.cities, given.out, given.doc)
        print(frame["told"].value_counts().to_string())
        silent = frame[(frame["told"] == "silent") & frame["material"]]
        bare = int((silent["why"] == "").sum())
        print(f"{len(frame)} damages, {len(silent)} silent and material, {bare} of them without a reason")
        for (cities, indicators), share in zip(RINGS, (1, 3), strict=True):
            count = given.alarms // share
            found = alarms(count, given.seed + 100_000, cities, indicators)
            print(f"{count} sound rings, {cities} cities, {indicators} indicators: {found['any']} with an alarm {dict(found)}")
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
