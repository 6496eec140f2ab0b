"""How long does the peer stage take, and how much memory, for a ring of the usual size and for thousands of municipalities?

The whole of `integstat.peers.build.build_partitions` with default settings on simulated places of eight features in twelve
overlapping groups: all algorithms, every number of groups, 100 samples, summary, credible ball, structure test, neighbours.
Each size is a process of its own, so that the largest memory is that of the size; the first run leaves the compile cache warm
and is not counted.

Use: python analyses/benchmarks/peers_large.py [--cities 80,1000,10000] [--cores 2]
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from typing import Any

import numpy as np
from measure import child, keep, table


def work(cities: int, cores: int) -> None:
    """Run the stage once and print seconds, CPU seconds and memory as JSON."""
    import pandas as pd

    from integstat.panel import Context
    from integstat.peers.build import build_partitions
    from integstat.peers.settings import FeatureSettings, PeerSettings

    rng = np.random.default_rng(1)
    centres = 1.2 * rng.standard_normal((12, 8))
    points = centres[rng.integers(12, size=cities)] + rng.standard_normal((cities, 8))
    names = [f"f{i}" for i in range(8)]
    context = Context(pd.DataFrame(points, index=[f"{100_000 + i}" for i in range(cities)], columns=names), 2020)
    settings = PeerSettings(feature=tuple(FeatureSettings(id=one, name_de=one) for one in names))
    begin, before = time.perf_counter(), time.process_time()
    found = build_partitions(context, settings, 1, cores=cores)
    print(
        json.dumps(
            {
                "cities": cities,
                "wall": time.perf_counter() - begin,
                "cpu": time.process_time() - before,
                "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
                "groups": found.size,
                "draws": len(found.draws.labels),
            }
        )
    )


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cities", default="80,1000,10000")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--work", type=int)
    given = parser.parse_args()
    if given.work:
        work(given.work, given.cores)
        return
    sizes = [int(one) for one in given.cities.split(",")]
    rows: list[dict[str, Any]] = []
    for place, size in enumerate([sizes[0], *sizes]):
        text, _, timing = child([sys.executable, __file__, "--work", str(size), "--cores", str(given.cores)])
        if place:
            rows.append(json.loads(text) | {"load": timing.load})
    print(table(list(rows[0]), [list(row.values()) for row in rows]))
    keep("peers_large", {"cores": given.cores}, {"sizes": rows})


if __name__ == "__main__":
    main()
