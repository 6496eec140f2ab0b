"""How long does a simulated ring take from workbooks to report, stage by stage, and how much memory?

Runs the command line in a child process, once with an empty compile cache and once with the cache the first run left, so the
ratio of the two is measured side by side. Use: python analyses/benchmarks/whole_run.py [--cities 24] [--indicators 12]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def timed(arguments: list[str], environment: dict[str, str]) -> float:
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", "from integstat.cli import main; main()", *arguments],
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cities", type=int, default=24)
    parser.add_argument("--indicators", type=int, default=12)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = os.environ | {"PYTENSOR_FLAGS": f"base_compiledir={folder / 'compiled'}", "NO_COLOR": "1"}
        size = ["--cities", str(options.cities), "--indicators", str(options.indicators)]
        timed(["simulate", "--out", str(folder / "ring"), *size], environment)
        seconds = {}
        for cache in ("empty", "warm"):
            out = folder / cache
            seconds[cache] = timed(["run", str(folder / "ring" / "ring.toml"), "--out", str(out)], environment)
            stages = json.loads((out / "manifest.json").read_text())["stages"]
            shown = ", ".join(f"{stage} {entry['seconds']:.1f} s" for stage, entry in stages.items())
            print(f"{cache} compile cache: {seconds[cache]:.1f} s ({shown})")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
        print(f"empty against warm: {seconds['empty'] / seconds['warm']:.2f}")
        print(f"largest resident memory of a run: {peak:.2f} GiB")


if __name__ == "__main__":
    main()
