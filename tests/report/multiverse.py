"""Invented universes of an invented ring: models, definitions, a step and a cap, with failures, for every indicator."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from integstat.change import ChangeSettings
from integstat.findings import FindingSettings
from integstat.report import ReportData
from integstat.sensitivity.choices import Choices
from integstat.sensitivity.explain import explain, with_robustness, without_caps
from integstat.sensitivity.settings import MultiverseSettings
from integstat.sensitivity.shown import SensitivityShown
from integstat.sensitivity.space import Space
from integstat.sensitivity.universes import FINDINGS, NOT_THERE, Alternative, Axis, Universes

EVENTS = ("p_success", "p_deficit", "p_stable", "p_lasting", "p_gap_narrowed", "p_gap_widened")
AXES = (
    Axis("peers", "Vergleichsgruppen", "model", tuple(Alternative(f"k{i}", f"{i + 3} Gruppen") for i in range(4))),
    Axis("land", "Land", "model", (Alternative("main", "mit Land"), Alternative("off", "ohne Land"))),
    Axis("gone", "Weggelassene Stadt", "model", tuple(Alternative(f"c{i}", f"ohne Stadt {i}") for i in range(9))),
    Axis("rho", "Schritt ρ", "question", (Alternative("main", "ρ"), Alternative("twice", "2 ρ", "not_equivalent"))),
    Axis("caps", "Sperre bei Brüchen", "question", (Alternative("main", "an"), Alternative("off", "aus", "not_equivalent"))),
)
_SETS = tuple(
    tuple({"findings.caps": False} if (axis.id, one.id) == ("caps", "off") else {f"{axis.id}.x": i} if i else {}
          for i, one in enumerate(axis.alternatives))
    for axis in AXES
)  # fmt: skip


def with_universes(data: ReportData, seed: int = 1) -> ReportData:
    """Add universes, and the robustness that follows, to the data of a report."""
    universes = {one: _universes(data, one, place + seed) for place, one in enumerate(data.main)}
    explained = explain(data.findings.grid, universes)
    told = {one: without_caps(universes[one], _SETS) for one in data.main}
    settings = MultiverseSettings.model_validate({"name_de": "Probe", "definitions": {"kind": "equivalent"}})
    some = next(iter(universes.values()))
    space = Space(
        base=Choices(None, ChangeSettings(), data.settings),
        axes=AXES,
        sets=_SETS,
        combos=some.choice[:, : len(AXES)],
        slot=np.zeros(len(some.choice), dtype=int),
        definitions={one: tuple(dict.fromkeys(universes[one].definition)) for one in universes},
        definition_kind={},
        definition_weight={},
        refused={},
        possible=len(some.choice),
        excluded=(),
        notes=(),
    )
    shown = SensitivityShown(
        settings=settings,
        space=space,
        explained=explained,
        capped={one: story for one, story in told.items() if story is not None},
        universes=len(some.choice),
        models=72,
        fits=144,
        notes=("Nicht zu rechnen: R1.main: erfunden.",),
    )
    findings = dataclasses.replace(data.findings, grid=with_robustness(data.findings.grid, explained))
    return dataclasses.replace(data, findings=findings, sensitivity=shown)


def _universes(data: ReportData, indicator: str, seed: int) -> Universes:
    """Probabilities around those of the grid, moved by some choices; findings where they pass what the settings ask."""
    rng = np.random.default_rng(seed)
    rows = data.findings.grid[data.findings.grid["indicator"] == indicator]
    main = data.main[indicator]
    others = [f"{indicator}.{one.id}" for one in data.catalogue.indicator(indicator).definition]
    names = (main, *[one for one in others if one != main][:2])
    denominator = Axis(
        "denominator", "Nenner", "measurement", tuple(Alternative(f"{i}", f"Nenner {i}") for i in range(len(names)))
    )
    axes = (*AXES, denominator) if len(names) > 1 else AXES
    choice = np.array(list(itertools.product(*(range(len(axis.alternatives)) for axis in axes))))
    slot = choice[:, len(AXES)] if len(names) > 1 else np.zeros(len(choice), dtype=int)
    weight = rng.uniform(0.5, 1.5) * np.ones(len(choice))
    steps = [rng.normal(0, 0.04, len(axis.alternatives)) * (axis.id != "caps") for axis in axes]  # a cap moves no probability
    moved = sum(step[choice[:, i]] for i, step in enumerate(steps))
    odd = rng.normal(0, 0.3, (len(names), len(rows)))
    odd[0] = 0.0
    base = {event: np.nan_to_num(rows[event].to_numpy(float), nan=np.nan) for event in EVENTS}
    p = {event: np.clip(base[event] + (moved - moved[0])[:, None] + odd[slot], 0.001, 0.999) for event in EVENTS}
    finding = _judged(p, rows["capped"].to_numpy(bool) & (choice[:, [4]] == 0), data.settings, rows["finding"].to_numpy(str))
    lost = (np.arange(len(choice)) > 0) & (rng.random(len(choice)) < 0.02)
    finding[lost] = NOT_THERE
    p = {event: np.where(lost[:, None], np.nan, values) for event, values in p.items()}
    return Universes(
        indicator=indicator,
        cities=tuple(rows["city"].astype(str)),
        axes=axes,
        choice=choice,
        number=np.arange(len(choice)),
        definition=tuple(names[i] for i in slot),
        weight=weight,
        probability=p,
        finding=finding.astype(np.int8),
        applies=np.ones(finding.shape, dtype=bool),
        reason=tuple("erfunden nicht gerechnet" if one else "" for one in lost),
    )


def _judged(p: dict[str, np.ndarray], capped: np.ndarray, settings: FindingSettings, own: np.ndarray) -> np.ndarray:
    """Declared from the floor on; the ring's own universe has the findings of the grid."""
    passed = [np.nan_to_num(p[event]) >= settings.floor for event in ("p_success", "p_deficit", "p_stable")]
    codes = np.where(capped, 0, np.select(passed, [1, 2, 3], 0))
    codes[0] = [FINDINGS.index(one) for one in own]
    return codes
