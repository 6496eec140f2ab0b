"""From kept fits to the probabilities of every event, in all universes of one indicator that share these fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import xarray as xr

from integstat.catalogue import Catalogue
from integstat.change.settings import Priors
from integstat.findings import Baseline, FindingSettings
from integstat.findings.bridge import bridge_definition, extended
from integstat.findings.cells import Cities
from integstat.findings.definition import Judged, beyond_of, chances, doubt_of_lasting, estimated, shifts_of, with_lasting_of
from integstat.findings.estimands import Estimands
from integstat.findings.magnitude import steps_of
from integstat.findings.rows import above
from integstat.steps import Store, digest

_YARDSTICK = ("caps", "base_jump", "base_jump_times")  # what of the question decides whom cities are compared with
LASTING_DOUBT = "lasting_doubt"  # `integstat.findings.definition.doubt_of_lasting`


@dataclass(frozen=True)
class Case:
    """One question put to one definition: what differs between universes that share their fits."""

    definition: str
    priors: Priors
    findings: FindingSettings


@dataclass(frozen=True)
class Task:
    """All cases of one indicator that are answered from the same fits.

    Attributes
    ----------
    fits : mapping of str to str
        Key of the kept fit by definition; those that failed or had no counts are not in it.
    cases : tuple of Case
        Of definitions that are in `fits`.
    cities : mapping of (str, str) to Cities
        By definition and `yardstick_key`, for every definition of `fits`.
    baseline : Baseline or None
    years : tuple of int
    seed : int
        Of the bridges.
    """

    fits: Mapping[str, str]
    cases: tuple[Case, ...]
    cities: Mapping[tuple[str, str], Cities]
    baseline: Baseline | None
    years: tuple[int, ...]
    seed: int


def has_level(cities: Sequence[str], n: np.ndarray) -> frozenset[str]:
    """Cities with a usable count of the target group in the last year; `n` of shape (C, G, T)."""
    return frozenset(np.array(cities, dtype=str)[n[:, 0, -1] > 0].tolist())


def lacking(definition: str, levels: Mapping[str, frozenset[str]]) -> bool:
    """Whether a city has a level in another definition only, and may be bridged."""
    own = levels.get(definition, frozenset())
    return any(not others <= own for others in levels.values())


def _cities(tree: xr.DataTree) -> list[str]:
    return [str(city) for city in tree["posterior"]["city"].to_numpy()]


def yardstick_key(settings: FindingSettings) -> str:
    """Name what of the settings decides which cities are a yardstick."""
    return digest([getattr(settings, name) for name in _YARDSTICK])


def evaluate(task: Task, folder: Path, catalogue: Catalogue) -> list[dict[str, np.ndarray]]:
    """Answer the cases of a task.

    Parameters
    ----------
    task : Task
    folder : Path
        Of the kept fits.
    catalogue : Catalogue

    Returns
    -------
    list of dict of str to ndarray, shape (C,)
        For each case what `integstat.findings.definition.chances` gives, and `LASTING_DOUBT`.

    Notes
    -----
    The same functions decide here and in `build_findings`; estimands are computed once for all cases that share them.
    """
    store = Store(folder)
    fits = {definition: store.read(key) for definition, key in task.fits.items()}
    known = _Known(task, catalogue, fits)
    return [known.answer(case) for case in task.cases]


@dataclass
class _Known:
    """What has been computed for one case and serves others too."""

    task: Task
    catalogue: Catalogue
    fits: Mapping[str, xr.DataTree]
    kept: dict[tuple[object, ...], Any] = field(default_factory=dict)

    def answer(self, case: Case) -> dict[str, np.ndarray]:
        """Answer one case; only what lasts depends on its prior, unless the question is about that."""
        settings, prior = case.findings, (case.priors.lasting_a, case.priors.lasting_b)
        yardstick = yardstick_key(settings)
        cities = self.task.cities[case.definition, yardstick]
        tree = self._once(("tree", case.definition, yardstick), lambda: self._bridge(case.definition, yardstick))
        found = self._once(
            ("found", case.definition, yardstick, prior, settings.gap_scale != "link"),
            lambda: self._estimands(case, tree, cities, yardstick),
        )
        asked = ("told", case.definition, id(settings), prior if settings.headline == "lasting" else None)
        told = self._once(
            asked,
            lambda: chances(
                case.definition, self._judged(case, found, tree, cities, yardstick), tree, self.catalogue, cities, settings
            ),
        )
        places = cities.at(np.array(found.cities))
        out = {name: np.full(len(cities.table), np.nan) for name in ("p_lasting", LASTING_DOUBT)}
        out["p_lasting"][places] = self._once(
            ("p_lasting", case.definition, yardstick, prior), lambda: above(found.lasting, len(found.cities))
        )
        out[LASTING_DOUBT][places] = self._once(
            (LASTING_DOUBT, case.definition, yardstick, prior),
            lambda: doubt_of_lasting(case.definition, found, tree, self.catalogue, cities, *prior),
        )
        return told | out

    def _estimands(self, case: Case, tree: xr.DataTree, cities: Cities, yardstick: str) -> Estimands:
        """Estimands, computed anew only where another yardstick or scale asks for it; else only what lasts."""
        display, definition = case.findings.gap_scale != "link", case.definition
        found = self._once(
            ("open", definition, yardstick, display),
            lambda: estimated(definition, tree, self.catalogue, cities, case.findings, self.task.baseline, display=display),
        )
        return with_lasting_of(definition, found, tree, self.catalogue, cities, case.priors.lasting_a, case.priors.lasting_b)

    def _judged(self, case: Case, found: Estimands, tree: xr.DataTree, cities: Cities, yardstick: str) -> Judged:
        """As `judge`; Länder are looked at once for each step."""
        steps = steps_of(self.catalogue.definition(case.definition)[0], found, case.findings)
        shifts = self._once(
            ("shifts", case.definition, yardstick, steps.rho),
            lambda: shifts_of(case.definition, found, steps, tree, self.catalogue, cities, case.findings),
        )
        if case.findings.headline == "lasting":
            return Judged(found, steps, shifts, beyond_of(found, shifts, cities, case.findings))
        beyond = self._once(
            ("beyond", case.definition, yardstick, steps.rho, case.findings.headline),
            lambda: beyond_of(found, shifts, cities, case.findings),
        )
        return Judged(found, steps, shifts, beyond)

    def _once[Result](self, place: tuple[object, ...], compute: Callable[[], Result]) -> Result:
        if place not in self.kept:
            self.kept[place] = compute()
        return cast("Result", self.kept[place])

    def _bridge(self, definition: str, yardstick: str) -> xr.DataTree:
        tree = self.fits[definition]
        levels = {name: has_level(_cities(one), one["observed_data"]["n"].to_numpy()) for name, one in self.fits.items()}
        if not lacking(definition, levels):
            return tree
        cities = {name: self.task.cities[name, yardstick] for name in self.fits}
        doubtful = {name: one.table.index[one.capped].astype(str).tolist() for name, one in cities.items()}
        lands = int(cities[definition].table["land"].nunique())
        return extended(
            tree, bridge_definition(definition, self.fits, lands, self.catalogue, self.task.years, self.task.seed, doubtful)
        )
