"""A ring small enough to fit in a moment: nine fictional cities, two indicators, four definitions; and spaces over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from integstat.catalogue import Catalogue, load_catalogue
from integstat.change import ChangeSettings
from integstat.findings import Findings, FindingSettings, build_findings
from integstat.panel import Context, Panel
from integstat.peers.build import build_partitions
from integstat.peers.settings import FeatureSettings, PeerSettings
from integstat.pipeline import baseline, fit_all, seed_of
from integstat.sensitivity.choices import Choices
from integstat.sensitivity.compute import Computed, compute, tell_nobody
from integstat.sensitivity.plan import Ring
from integstat.sensitivity.settings import MultiverseSettings
from integstat.sensitivity.space import Space, make_space
from integstat.simulate import simulate_ring
from integstat.steps import Keeper, Memory, Store, in_process

YEARS = (2020, 2021)
SEED = 11
MAIN = {"R1": "R1.eight_years_previous", "E3": "E3.leavers"}
DEFINITIONS = ("R1.eight_years_previous", "R1.all_previous_year", "E3.leavers", "E3.residents_15_20")
FEATURES = ("pop", "density", "share_65plus", "rent_level")
PEERS = PeerSettings(
    feature=tuple(FeatureSettings(id=one, name_de=one) for one in FEATURES),
    algorithms=("kmeans", "ward"),
    resamples=10,
    clouds=19,
    k_max=3,
    neighbours=3,
)
BASE = Choices(PEERS, ChangeSettings(draws=250), FindingSettings(floor=0.5, q=0.3))  # so that something is declared


@cache
def book() -> Catalogue:
    """The catalogue of the package."""
    return load_catalogue()


@cache
def ring(cities: int = 9, *, mixed: bool = False, definitions: tuple[str, ...] = DEFINITIONS, seed: int = 3) -> Ring:
    """A ring with counts of these definitions.

    `mixed`: one city delivers E3 by residents alone, of one a count is a sign, of one a year is missing, of one a base jumps.
    """
    made = simulate_ring(book(), cities, 6, seed, others=True)
    frames = []
    for definition in definitions:
        truth, entry = made.truths[definition], book().definition(definition)[0]
        for g, group in enumerate(entry.groups):
            for t, year in enumerate(YEARS):
                cells = pd.DataFrame({"city": made.cities["city"], "y": truth.y[:, g, t], "n": truth.n[:, g, t]})
                frames.append(cells.assign(indicator=entry.id, definition=definition, group=group, year=year))
    counts = pd.concat(frames, ignore_index=True).assign(y_code="value", n_code="value", note="", place="")
    counts = _mixed(counts, made.cities["city"].tolist()) if mixed else counts
    names = made.cities[["city", "name", "land"]].assign(land_name="Land " + made.cities["land"])
    return Ring(Panel(counts, names), Context(made.context[list(FEATURES)], YEARS[0]), book(), YEARS, SEED)


def _mixed(counts: pd.DataFrame, cities: list[str]) -> pd.DataFrame:
    def at(definition: str, city: int) -> pd.Series:
        return (counts["definition"] == definition) & (counts["city"] == cities[city])

    first = counts["year"] == YEARS[0]
    counts.loc[at("R1.all_previous_year", 4) & first, ["y", "y_code"]] = [np.nan, "below_3"]
    for definition in ("R1.eight_years_previous", "R1.all_previous_year"):
        counts.loc[at(definition, 3) & ~first, ["y", "n"]] *= 2.0
    counts.loc[at("E3.residents_15_20", 5) & first, ["y", "n", "y_code", "n_code"]] = [np.nan, np.nan, "missing", "missing"]
    return counts[~at("E3.leavers", 2)].reset_index(drop=True)


def axis(name: str, *alternatives: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """An axis whose alternatives are what they set; those of models are called equivalent."""
    first = next(iter(alternatives[0]), "") if alternatives else ""
    kind = {} if first.startswith("findings.") else {"kind": "equivalent"}
    told = [{"id": f"a{i}", "name_de": f"{name} {i}", "set": dict(one)} | kind for i, one in enumerate(alternatives, start=1)]
    return {"id": name, "name_de": name.title(), "alternative": told} | more


def settings(*axes: Mapping[str, Any], vary: bool = True, **more: Any) -> MultiverseSettings:
    """A file of other choices with these axes."""
    content = {"name_de": "Probe", "definitions": {"kind": "equivalent", "vary": vary}, "axis": list(axes)}
    return MultiverseSettings.model_validate(content | more)


def space(one: Ring, *axes: Mapping[str, Any], base: Choices = BASE, vary: bool = True, **more: Any) -> Space:
    """The universes of a ring over these axes."""
    return make_space(settings(*axes, vary=vary, **more), base, book(), MAIN, one.panel.definitions, one.years, one.panel.cities)


def computed(over: Space, one: Ring, folder: Path) -> Computed:
    """All universes, in this process."""
    return compute(over, one, Store(folder), lambda _: in_process(1), tell_nobody, jobs=1)


def with_findings(**changes: object) -> Choices:
    """The ring's choices with other findings."""
    return replace(BASE, findings=FindingSettings.model_validate(BASE.findings.model_dump() | changes))


def own_findings(choices: Choices, one: Ring, main: Mapping[str, str] = MAIN, keeper: Keeper | None = None) -> Findings:
    """Run everything with these choices as the ring's own, from the counts on; nothing is taken over but what `keeper` has."""
    panel = Panel(
        one.panel.counts[~one.panel.counts["city"].isin(choices.leave_out)],
        one.panel.cities[~one.panel.cities["city"].isin(choices.leave_out)],
    )
    partitions, notion = None, "groups"
    if choices.peers is not None:
        assert one.context is not None
        partitions, notion = build_partitions(one.context, choices.peers, choices.peers.seed), choices.peers.notion
    fitted = fit_all(panel, one.catalogue, one.years, choices.change, partitions, one.seed, cores=1, keeper=keeper or Memory())
    return build_findings(
        fitted.trees,
        panel,
        one.catalogue,
        main,
        one.years,
        choices.findings,
        None,
        baseline=baseline(partitions, notion),
        seed=seed_of(one.seed, "bridge"),
    )
