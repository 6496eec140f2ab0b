r"""How long does one indicator take with `laplace`, and with lme4's glmer on the same counts?

What glmer fits is the same likelihood with the same random effects, both groups at once:

    cbind(y, n - y) ~ 0 + group + group:half + (0 + group | city) + (0 + group:half | city)
                      + (1 | peer:group) + (0 + half | peer:group) + (0 + half | land:group)

with half = -1/2 in the first year and +1/2 in the last. The two terms by city are the correlated means and the correlated
changes of the two groups, independent of each other; the last three, of peer groups and Länder, are left out where the case
has none.

What it cannot express: priors, so that with four peer groups and three Länder SDs often end at 0 (`singular`); a posterior of
the SDs and correlations, so that all that follows is given their estimates as if they were known; draws of the cities'
effects, hence of differences to medians of other cities, of gaps in points, of what lasts; counts known within bounds; a
counting error that two years share. It gives estimates and, given the SDs, their standard errors. `laplace` is timed with
1,000 draws of everything.

glmer runs in one R process that waits between the fits; only the call is timed, by R itself. Three ways: as it comes;
`quick`, with the optimiser nloptwrap and no derivatives at the end; `rough`, the same with nAGQ = 0, which estimates the
level and shift of the ring together with the cities and not by the Laplace approximation. Both engines use one core.

Use: python analyses/benchmarks/against_lme4.py [--repetitions 5]. Without R and lme4 it says so and ends.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from measure import Timing, alternate, keep, least, load, paired, ring, table, timed

from integstat.change import ChangeSettings, fit

CASES = {"large counts": 9000.0, "small counts": 60.0}
SETTINGS = ChangeSettings(engine="laplace", draws=1000)
WAYS = ("default", "quick", "rough")
PLAIN = "cbind(y, n - y) ~ 0 + group + group:half + (0 + group | city) + (0 + group:half | city)"
GROUPED = f"{PLAIN} + (1 | peer:group) + (0 + half | peer:group) + (0 + half | land:group)"
PROGRAM = r"""
suppressPackageStartupMessages(library(lme4))
arguments <- commandArgs(TRUE)
counts <- read.csv(arguments[1], colClasses = c(city = "factor", group = "factor", peer = "factor", land = "factor"))
counts$group <- factor(counts$group, levels = c("target", "reference"))
quick <- glmerControl(optimizer = "nloptwrap", calc.derivs = FALSE)
ways <- list(
  default = list(nAGQ = 1, control = glmerControl()),
  quick = list(nAGQ = 1, control = quick),
  rough = list(nAGQ = 0, control = quick)
)
orders <- file("stdin", "r")
cat("lme4", as.character(packageVersion("lme4")), "with", R.version.string, "\n")
while (length(order <- readLines(orders, 1)) > 0) {
  if (order == "predict") {
    counts$eta <- predict(model, type = "link")
    write.csv(counts, arguments[3], row.names = FALSE)
    cat(attr(VarCorr(model)[[2]], "stddev"), "\n")
    next
  }
  way <- ways[[order]]
  seconds <- system.time(suppressWarnings(suppressMessages(
    model <- glmer(as.formula(arguments[2]), counts, binomial, nAGQ = way$nAGQ, control = way$control)
  )))
  cat(seconds[["elapsed"]], seconds[["user.self"]] + seconds[["sys.self"]], isSingular(model), "\n")
}
"""


@dataclass
class Lme4:
    """An R process that fits one data set when told to."""

    process: subprocess.Popen[str]
    version: str
    singular: dict[str, bool]

    def ask(self, order: str) -> list[str]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(order, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().split()
        if not answer:
            raise SystemExit("R ended before it answered; its own message stands above.")
        return answer

    def fit(self, way: str) -> Timing:
        busy = load()
        wall, cpu, singular = self.ask(way)
        self.singular[way] = singular == "TRUE"
        return Timing(float(wall), float(cpu), busy)


def start(rscript: str, folder: Path, grouped: bool) -> Lme4:
    (folder / "fit.R").write_text(PROGRAM, encoding="utf-8")
    command = [rscript, str(folder / "fit.R"), str(folder / "counts.csv"), GROUPED if grouped else PLAIN, str(folder / "eta.csv")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    assert process.stdout is not None
    return Lme4(process, process.stdout.readline().strip(), {})


def write_counts(data: Any, path: Path) -> None:
    """One row for each city, group and year, in this order."""
    peers = data.peers if data.peers is not None else np.zeros(len(data.cities), dtype=int)
    land = data.land or ("",) * len(data.cities)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("city", "group", "half", "peer", "land", "y", "n"))
        for c, city in enumerate(data.cities):
            for g, group in enumerate(data.groups):
                for t, half in enumerate((-0.5, 0.5)):
                    rows.writerow((city, group, half, peers[c], land[c], int(data.y[c, g, t]), int(data.n[c, g, t])))


def agreement(lme4: Lme4, path: Path, tree: xr.DataTree) -> dict[str, Any]:
    """How far glmer's changes are from the posterior means, in posterior SDs; and the SDs between cities' changes."""
    sd = [float(one) for one in lme4.ask("predict")]
    with path.open(encoding="utf-8") as file:
        eta = np.array([float(row["eta"]) for row in csv.DictReader(file)])
    draws = tree["posterior"]["change"].transpose("chain", "draw", "city", "group").to_numpy()[0]
    step = np.diff(eta.reshape(*draws.shape[1:], 2), axis=2)[..., 0]
    off = (step - draws.mean(axis=0)) / draws.std(axis=0)
    own = tree["posterior"]["sd_change"].to_numpy()[0]
    return {
        "off_mean_square_root": float(np.sqrt((off**2).mean())),
        "off_largest": float(np.abs(off).max()),
        "sd_change_lme4": sd,
        "sd_change_median": np.median(own, axis=0).tolist(),
        "sd_change_90": np.quantile(own, [0.05, 0.95], axis=0).T.tolist(),
    }


def measured(rscript: str, name: str, base: float, grouped: bool, cities: int, repetitions: int) -> dict[str, Any]:
    data = ring(cities, base, grouped=grouped)
    tree = fit(data, SETTINGS, 1, cores=1)
    with tempfile.TemporaryDirectory() as place:
        write_counts(data, Path(place) / "counts.csv")
        lme4 = start(rscript, Path(place), grouped)
        work = {"laplace": lambda: timed(lambda: fit(data, SETTINGS, 1, cores=1))[1]}
        timings = alternate(work | {way: lambda way=way: lme4.fit(way) for way in WAYS}, repetitions)
        lme4.fit("default")
        agreed = agreement(lme4, Path(place) / "eta.csv", tree)
        lme4.process.communicate()
    case = f"{name}, {'peer groups and Länder' if grouped else 'neither'}"
    return {"case": case, "version": lme4.version, "timings": timings, "singular": lme4.singular, **agreed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cities", type=int, default=80)
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    rscript = shutil.which("Rscript")
    if rscript is None or subprocess.run([rscript, "-e", "library(lme4)"], capture_output=True, check=False).returncode:
        print("Rscript with the package lme4 is missing (on Debian r-base-core and r-cran-lme4): nothing to compare with.")
        return
    before = load()
    cases = [(name, base, grouped) for name, base in CASES.items() for grouped in (True, False)]
    found = [measured(rscript, *case, options.cities, options.repetitions) for case in cases]
    speed, same = [], []
    for one in found:
        times = one["timings"]
        one["ratios"] = {way: paired(times[way], times["laplace"]) for way in WAYS}
        one["ratios_cpu"] = {way: paired(times[way], times["laplace"], "cpu") for way in WAYS}
        singular = ", ".join(way for way in WAYS if one["singular"][way]) or "none"
        own = [least(times[name], "cpu") for name in ("laplace", *WAYS)]
        speed.append([one["case"], *own, *one["ratios_cpu"].values(), *one["ratios"].values(), singular])
        sds = [f"{low:.2f} to {high:.2f}" for low, high in one["sd_change_90"]]
        estimates = " / ".join(f"{sd:.2f}" for sd in one["sd_change_lme4"])
        same.append([one["case"], one["off_mean_square_root"], one["off_largest"], estimates, " / ".join(sds)])
    print(f"{options.cities} cities, one core, {options.repetitions} repetitions, load {before:.1f} to {load():.1f}")
    print(found[0]["version"])
    print("\nCPU seconds of one fit (least), and medians of the paired ratios to laplace: in CPU, then on the clock\n")
    ratios = ["default", "quick", "rough"]
    print(
        table(
            ["", "laplace", *ratios, *(f"{one}, CPU" for one in ratios), *(f"{one}, clock" for one in ratios), "singular"], speed
        )
    )
    print("\nCities' changes: glmer's estimate against the posterior mean, in posterior SDs; SD between changes, both groups\n")
    print(table(["", "typical", "largest", "SD: glmer", "posterior, 90 %"], same))
    print(f"\n{keep('against_lme4', vars(options), {'load_before': before, 'cases': found})}")


if __name__ == "__main__":
    main()
