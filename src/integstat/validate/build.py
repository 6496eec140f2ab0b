"""All rings of all scenarios, each a step that is kept: a run that is killed goes on where it was."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from pathlib import Path

from integstat.steps import Step, Store, Tell, crew_for, digest, missing, processes, run_steps, source_digest
from integstat.validate.tables import Results, gather
from integstat.validate.trial import RingSpec, ValidateSettings, one_ring

KEPT = ".steps"
_ROOMS = ("change", "findings", "simulate", "catalogue", "validate.trial")
_PACKAGES = ("numpy", "scipy", "numba", "pymc", "pytensor", "nutpie")  # another version may draw other numbers
_FEW = 16  # rings per process that repay its start


def validate(settings: ValidateSettings, out: Path, tell: Tell, *, jobs: int = 2, dask: str | None = None) -> Results:
    """Simulate, fit and judge all rings, and gather what came out.

    Parameters
    ----------
    settings : ValidateSettings
    out : Path
        Folder; what is done is kept in `.steps` there.
    tell : callable
        Told after each ring.
    jobs : int
        Processes; with `nuts` each takes two cores.
    dask : str, optional
        Address of a scheduler.

    Returns
    -------
    Results

    Notes
    -----
    That intervals cover where the truth comes from the model shows that the computation is right. That the model is right it does
    not show: for that see the other scenarios, and `analyses/third_year.py` on real years.
    """
    steps = {
        scenario: [_step(RingSpec(scenario, place, settings)) for place in range(settings.rings)]
        for scenario in settings.scenarios
    }
    store, every = Store(out / KEPT), [step for of in steps.values() for step in of]
    absent = missing(every, store)
    alone = dask is not None or jobs == 1 or absent <= _FEW * jobs
    with crew_for(jobs, dask, absent) if alone else processes(jobs) as crew:
        ran = run_steps(every, store, crew, tell)
    if ran.failed:
        raise next(iter(ran.failed.values()))
    return gather(settings, {scenario: [store.read(step.key) for step in of] for scenario, of in steps.items()})


def _step(spec: RingSpec) -> Step:
    own = spec.settings
    parts = (spec.scenario, spec.place, own.cities, own.engine, own.base, own.draws, own.seed)
    return Step(digest(parts, _code()), f"{spec.scenario} {spec.place + 1}", one_ring, (spec,))


@cache
def _code() -> str:
    return digest([source_digest(f"integstat.{room}") for room in _ROOMS], [version(name) for name in _PACKAGES])
