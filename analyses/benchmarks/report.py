"""How large is the report of a big ring, how long does writing it take, and how much memory?

A ring is simulated and run up to the other choices; then each part (page, page with its script, workbook, steering cards) is
written from the same kept data in a process of its own, so that its memory is its own.
Use: python analyses/benchmarks/report.py [--cities 67] [--indicators 12] [--rounds 2]
"""

from __future__ import annotations

import argparse
import json
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import keep, table

MIB = 2.0**20


def page(data: Any, folder: Path) -> list[Path]:
    from integstat.report import write_report

    return [written(folder / "report.html", write_report(data))]


def interactive(data: Any, folder: Path) -> list[Path]:
    from integstat.report import write_report

    return [written(folder / "interactive.html", write_report(data, interactive=True))]


def workbook(data: Any, folder: Path) -> list[Path]:
    from integstat.report.workbook import write_workbook

    write_workbook(data, folder / "findings.xlsx", "de")
    return [folder / "findings.xlsx"]


def cards(data: Any, folder: Path) -> list[Path]:
    from integstat.report.cards import write_cards

    write_cards(data, folder, "de")
    return [folder / "cards.pdf", *sorted((folder / "cards").glob("*.pdf"))]


PARTS: dict[str, Callable[[Any, Path], list[Path]]] = {
    "page": page,
    "interactive": interactive,
    "workbook": workbook,
    "cards": cards,
}


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def write_part(name: str, kept: Path) -> None:
    """Write one part in this process and tell seconds, bytes and memory; loading the data is not counted."""
    data = pickle.loads(kept.read_bytes())  # our own file of a moment ago
    begin = time.perf_counter()
    files = PARTS[name](data, kept.parent)
    seconds = time.perf_counter() - begin
    peak = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    size = sum(file.stat().st_size for file in files) / MIB
    print(json.dumps({"seconds": seconds, "MiB": size, "files": len(files), "own MiB": peak[0], "largest child MiB": peak[1]}))


def kept_data(folder: Path, cities: int, indicators: int) -> Path:
    """Simulate and run a ring; keep what the report is made from."""
    from integstat.run import RunOptions, run

    size = ["--cities", str(cities), "--indicators", str(indicators)]
    call = [sys.executable, "-c", "from integstat.cli import main; main()", "simulate", "--out", str(folder / "ring"), *size]
    subprocess.run(call, check=True, stdout=subprocess.DEVNULL)
    options = RunOptions(out=folder / "run", until="sensitivity")
    path = folder / "data.pickle"
    path.write_bytes(pickle.dumps(run(folder / "ring" / "ring.toml", options, say=print).data))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cities", type=int, default=67)
    parser.add_argument("--indicators", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--kept", type=Path)
    options = parser.parse_args()
    if options.part:
        write_part(options.part, options.kept)
        return
    found: dict[str, list[dict[str, float]]] = {name: [] for name in PARTS}
    with tempfile.TemporaryDirectory() as name:
        path = kept_data(Path(name), options.cities, options.indicators)
        for _ in range(options.rounds):
            for part, told in found.items():
                call = [sys.executable, __file__, "--part", part, "--kept", str(path)]
                told.append(json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout))
    titles = ["seconds", "MiB", "files", "own MiB", "largest child MiB"]
    rows = [[part, *(one[title] for title in titles)] for part, told in found.items() for one in told]
    print(table(["part", *titles], rows))
    print(keep("report", {"cities": options.cities, "indicators": options.indicators}, {"parts": found}))


if __name__ == "__main__":
    main()
