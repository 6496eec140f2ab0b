"""How long until `integstat --help` answers, against a Python that does nothing?

Both run in processes of their own with the same interpreter, in turn. A last run with -X importtime tells what the modules weigh
(seconds of each with all it imports; that run is slower for being watched) and whether any of the heavy ones was loaded.

Use: python analyses/benchmarks/start_up.py [--repetitions 15]
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from measure import alternate, child, keep, least, load, median, paired, table

HEAVY = (
    "pymc",
    "pytensor",
    "nutpie",
    "numba",
    "sklearn",
    "numpy",
    "scipy",
    "pandas",
    "xarray",
    "arviz",
    "matplotlib",
    "pydantic",
)
_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| (\s*)(\S+)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--modules", type=int, default=12, help="how many modules to show")
    options = parser.parse_args()
    before = load()
    program = str(Path(sys.executable).with_name("integstat"))
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "integstat --help": [sys.executable, program, "--help"],
        "integstat --version": [sys.executable, program, "--version"],
    }
    for command in commands.values():
        child(command)
    timings = alternate(
        {name: lambda command=command: child(command)[2] for name, command in commands.items()}, options.repetitions
    )
    bare = timings["python -c pass"]
    rows = [
        [name, 1000 * least(own), 1000 * median(own), 1000 * least(own, "cpu"), paired(own, bare), least(own) / least(bare)]
        for name, own in timings.items()
    ]
    _, watched, _ = child([sys.executable, "-X", "importtime", program, "--help"])
    modules = [(int(own), int(whole), len(indent) // 2, name) for own, whole, indent, name in _LINE.findall(watched)]
    names = {name.partition(".")[0] for *_, name in modules}
    loaded = [name for name in HEAVY if name in names]
    top: dict[str, float] = {}
    for own, _, _, name in modules:
        package = name.partition(".")[0]
        top[package] = top.get(package, 0.0) + own / 1000
    heaviest = sorted(top.items(), key=lambda one: -one[1])[: options.modules]
    print(f"{options.repetitions} repetitions, load {before:.1f} to {load():.1f}\n")
    print(table(["", "ms: least", "median", "CPU, least", "ratio, median of pairs", "ratio of the least"], rows))
    print(f"\nMilliseconds of the packages' own modules ({len(modules)} modules, {sum(top.values()):.0f} ms together)\n")
    print(table(["package", "ms"], heaviest))
    print(f"\nOf {', '.join(HEAVY)}: {', '.join(loaded) or 'none'} loaded")
    found = {"load_before": before, "timings": timings, "packages": dict(heaviest), "modules": len(modules), "loaded": loaded}
    ratios = {row[0]: row[4] for row in rows}
    print(f"\n{keep('start_up', vars(options), {**found, 'ratios': ratios})}")


if __name__ == "__main__":
    main()
