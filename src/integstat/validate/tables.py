"""What came out of all rings, as tables: uniformity of ranks, coverage, false discoveries, calibration, checks that tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from integstat.findings import FindingSettings
from integstat.validate.trial import CHECKS, CITY, KINDS, LEVELS, PROBABILITIES, RANKED, ValidateSettings
from integstat.validate.uniform import p_value

FAMILY = 0.01  # family-wise error of all bands together
BINS = np.linspace(0, 1, 11)
_HISTOGRAM = 20
_TOLD = 0.10  # share of rings by which a check must speak up more often than under the model
_LEAST = 1e-3  # probability below which a log score takes it for this: half a draw of five hundred


@dataclass(frozen=True)
class Results:
    """Tables of one validation; what their columns mean is in `integstat.validate.report.CODEBOOK`."""

    settings: ValidateSettings
    uniformity: pd.DataFrame
    coverage: pd.DataFrame
    discoveries: pd.DataFrame
    calibration: pd.DataFrame
    scores: pd.DataFrame
    checks: pd.DataFrame
    ranks: Mapping[str, np.ndarray]
    targets: pd.DataFrame


def gather(settings: ValidateSettings, trees: Mapping[str, Sequence[xr.DataTree]]) -> Results:
    """Gather what the rings of each scenario came to.

    Parameters
    ----------
    settings : ValidateSettings
    trees : mapping of str to sequence of DataTree
        By scenario, in the order of the rings (`integstat.validate.trial.one_ring`).
    """
    rings = {scenario: [tree.to_dataset() for tree in of] for scenario, of in trees.items()}
    ranks = {scenario: _ranks(of) for scenario, of in rings.items()}
    first = next(iter(rings))
    uniformity = pd.concat([_uniformity(scenario, of) for scenario, of in ranks.items()], ignore_index=True)
    coverage = _against_model([_coverage(scenario, of) for scenario, of in rings.items()], ["quantity", "level"], "share")
    discoveries = _against_model([_discoveries(scenario, of) for scenario, of in rings.items()], ["kind"], "fdr")
    calibration = pd.concat([_calibration(scenario, of) for scenario, of in rings.items()], ignore_index=True)
    scores = pd.concat([_scores(scenario, of) for scenario, of in rings.items()], ignore_index=True)
    checks = _checks(rings)
    plain = [part[part["scenario"] == first] for part in (uniformity, coverage, discoveries)]
    targets = _targets(plain[0], plain[1], plain[2], rings[first])
    return Results(settings, uniformity, coverage, discoveries, calibration, scores, checks, ranks[first], targets)


def is_city(quantity: str) -> bool:
    """Whether a quantity, without its indicator, is an estimand of a city; else it is a parameter of the ring."""
    return quantity in CITY


def _ranks(rings: Sequence[xr.Dataset]) -> dict[str, np.ndarray]:
    out: dict[str, list[int]] = {}
    for ring in rings:
        if "quantity" in ring.coords:
            for name, rank in zip(ring["quantity"].to_numpy().tolist(), ring["rank"].to_numpy(), strict=True):
                out.setdefault(str(name), []).append(int(rank))
    return {name: np.array(values) for name, values in out.items()}


def _uniformity(scenario: str, ranks: Mapping[str, np.ndarray]) -> pd.DataFrame:
    rows = []
    for name, values in ranks.items():
        p = p_value(values, RANKED)
        counts = np.bincount(values * _HISTOGRAM // (RANKED + 1), minlength=_HISTOGRAM)
        indicator, quantity = name.split(" ", 1)
        rows.append(
            {
                "scenario": scenario,
                "indicator": indicator,
                "quantity": quantity,
                "rings": len(values),
                "mean": float(values.mean() / RANKED),
                "spread": float(values.std() / np.sqrt((RANKED + 1) ** 2 / 12 - 1 / 12)),
                "p": p,
                "p_family": min(1.0, p * len(ranks)),
                "counts": " ".join(map(str, counts.tolist())),
            }
        )
    return pd.DataFrame(rows)


def _coverage(scenario: str, rings: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Covered and all cells by ring, quantity (pooled over indicators and groups) and level."""
    rows = []
    for place, ring in enumerate(rings):
        if "quantity" not in ring.coords:
            continue
        names = [str(name).split(" ")[1] for name in ring["quantity"].to_numpy().tolist()]
        pooled = ["city" if is_city(name) else "ring" for name in names]
        numbers = np.column_stack([ring["cells"].to_numpy(), ring["covered"].to_numpy()])
        rows += [(place, name, *row) for own in (names, pooled) for name, row in zip(own, numbers.tolist(), strict=True)]
    sums = pd.DataFrame(rows, columns=["ring", "quantity", "cells", *LEVELS]).groupby(["ring", "quantity"], sort=False).sum()
    table = sums.reset_index().melt(["ring", "quantity", "cells"], var_name="level", value_name="covered")
    table["share"] = table["covered"] / table["cells"]
    groups = table.groupby(["quantity", "level"], sort=False)
    out = groups.agg(rings=("ring", "size"), cells=("cells", "sum"), covered=("covered", "sum"))
    out["share"] = out["covered"] / out["cells"]
    expected = table["cells"] * table.join(out["share"].rename("pooled"), on=["quantity", "level"])["pooled"]
    residual = table["covered"] - expected
    squares = (residual.astype(float) ** 2).groupby([table["quantity"], table["level"]], sort=False).sum()
    out["se"] = np.sqrt(squares) / out["cells"]
    out = out.drop(columns="covered").reset_index()
    return _with_rings(out.assign(scenario=scenario), table, ["quantity", "level"], "share")


def _discoveries(scenario: str, rings: Sequence[xr.Dataset]) -> pd.DataFrame:
    names = ("declared", "wrong", "opposite", "true", "expected")
    parts = [
        pd.DataFrame({name: ring[name].to_numpy() for name in names} | {"kind": KINDS, "ring": place})
        for place, ring in enumerate(rings)
        if ring.sizes["cell"]
    ]
    table = pd.concat(parts, ignore_index=True)
    table["fdr"] = table["wrong"] / table["declared"].clip(lower=1)
    groups = table.groupby("kind", sort=False)
    sums = groups[list(names)].sum()
    out = pd.DataFrame({"rings": groups.size(), "fdr": groups["fdr"].mean(), "se": groups["fdr"].sem()}).join(sums)
    some = out["declared"].where(out["declared"] > 0)
    out["pooled"], out["false_sign"] = out["wrong"] / some, out["opposite"] / some
    out["power"] = (out["declared"] - out["wrong"]) / out["true"].where(out["true"] > 0)
    out = out.drop(columns="opposite").reset_index()
    return _with_rings(out.assign(scenario=scenario), table, ["kind"], "fdr")


def _with_rings(out: pd.DataFrame, table: pd.DataFrame, by: list[str], value: str) -> pd.DataFrame:
    """Keep the value of every ring beside a table, to be held against the model's own rings."""
    out.attrs["by_ring"] = table.set_index([*by, "ring"])[value]
    return out


def _against_model(tables: Sequence[pd.DataFrame], by: list[str], value: str) -> pd.DataFrame:
    """Put the tables of all scenarios under each other, with the difference from the first on the rings both have."""
    plain = tables[0].attrs["by_ring"]
    out = []
    for table in tables:
        apart = (table.attrs["by_ring"] - plain).dropna()
        groups = apart.groupby(level=by, sort=False)
        beside = pd.DataFrame({"beyond_model": groups.mean(), "beyond_model_se": groups.sem()})
        out.append(table.merge(beside, how="left", left_on=by, right_index=True))
        out[-1].attrs = {}
    every = pd.concat(out, ignore_index=True)
    return every[["scenario", *(name for name in every.columns if name != "scenario")]]


def _cells(rings: Sequence[xr.Dataset], row: int) -> pd.DataFrame:
    """Probability and truth of every cell, with its ring."""
    parts = [
        pd.DataFrame({"p": ring["p"].to_numpy()[row], "so": ring["so"].to_numpy()[row].astype(float), "ring": place})
        for place, ring in enumerate(rings)
    ]
    return pd.concat(parts, ignore_index=True).dropna()


def _calibration(scenario: str, rings: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Mean probability and share that is so, by bin of the probability."""
    out = []
    for row, name in enumerate(PROBABILITIES):
        cells = _cells(rings, row)
        cells["bin"] = np.clip(np.digitize(cells["p"], BINS) - 1, 0, len(BINS) - 2)
        groups = cells.groupby("bin")
        table = groups.agg(cells=("p", "size"), told=("p", "mean"), share=("so", "mean"))
        apart = (cells["so"] - cells["bin"].map(table["share"])).groupby([cells["bin"], cells["ring"]]).sum()
        table["se"] = np.sqrt((apart**2).groupby(level="bin").sum()) / table["cells"]
        out.append(table.reset_index().assign(event=name, scenario=scenario))
    every = pd.concat(out, ignore_index=True)
    every["from"] = BINS[every.pop("bin")].round(1)
    return every[["scenario", "event", "from", "cells", "told", "share", "se"]]


def _scores(scenario: str, rings: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Brier and log score, with what they would be on average if the probabilities were right."""
    rows = []
    for row, name in enumerate(PROBABILITIES):
        cells = _cells(rings, row)
        p, so = cells["p"].to_numpy(), cells["so"].to_numpy()
        q = np.clip(p, _LEAST, 1 - _LEAST)
        rows.append(
            {
                "scenario": scenario,
                "event": name,
                "cells": len(cells),
                "share": so.mean(),
                "brier": ((p - so) ** 2).mean(),
                "brier_if_right": (p * (1 - p)).mean(),
                "brier_of_share": so.mean() * (1 - so.mean()),
                "log": -(so * np.log(q) + (1 - so) * np.log(1 - q)).mean(),
                "log_if_right": -(q * np.log(q) + (1 - q) * np.log(1 - q)).mean(),
            }
        )
    return pd.DataFrame(rows)


def _checks(rings: Mapping[str, Sequence[xr.Dataset]]) -> pd.DataFrame:
    """How often each check of a run speaks up, and whether more often than under the first scenario, ring by ring."""
    rows, plain = [], next(iter(rings.values()))
    for scenario, of in rings.items():
        for check in CHECKS:
            here, there = (np.array([float(ring.attrs[check]) for ring in some]) for some in (of, plain))
            size = min(len(here), len(there))
            apart = here[:size] - there[:size]
            error = float(apart.std() / np.sqrt(size))
            tells = bool(apart.mean() > max(_TOLD, 2 * error))
            rows.append(
                {"scenario": scenario, "check": check, "rings": len(of), "share": here.mean(), "beyond_model": apart.mean()}
                | {"beyond_model_se": error, "tells": tells}
            )
    return pd.DataFrame(rows)


def fits_of(rings: Sequence[xr.Dataset], name: str) -> float:
    """Share of the fits that were refused or left to the sampler."""
    return float(sum(ring.attrs[name] for ring in rings) / sum(ring.attrs["fits"] for ring in rings))


def _targets(
    uniformity: pd.DataFrame,
    coverage: pd.DataFrame,
    discoveries: pd.DataFrame,
    rings: Sequence[xr.Dataset],
) -> pd.DataFrame:
    """What the first scenario must reach, and what it reached."""
    at = coverage[coverage["level"] == 0.90].set_index("quantity")["share"]
    ring = at[[name for name in at.index if not is_city(str(name)) and name not in ("city", "ring")]]
    rows = (
        ("p_family", float(uniformity["p_family"].min()), FAMILY, 1.0),
        ("coverage_city", float(at["city"]), 0.885, 0.915),
        ("coverage_ring", float(at["ring"]), 0.87, 0.93),
        ("coverage_ring_least", float(ring.min()), 0.87, 0.93),
        ("coverage_ring_most", float(ring.max()), 0.87, 0.93),
        ("fdr_most", float(discoveries["fdr"].max()), 0.0, FindingSettings().q + 0.01),
        ("refused", fits_of(rings, "refused") + fits_of(rings, "sampler"), 0.0, 0.02),
    )
    out = pd.DataFrame(rows, columns=["target", "value", "least", "most"])
    return out.assign(holds=(out["value"] >= out["least"]) & (out["value"] <= out["most"]))
