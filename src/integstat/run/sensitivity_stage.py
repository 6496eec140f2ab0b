"""The stage of the multiverse: every other admissible choice computed, mixed into the headline where it is one of model, told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from integstat.catalogue import Catalogue
from integstat.config import RingConfig
from integstat.errors import UsageError
from integstat.findings import Findings
from integstat.intake.take_in import Delivery
from integstat.peers.kept import kept_peers, to_tree
from integstat.peers.partitions import Partitions
from integstat.report.sensitivity_tables import write_sensitivity
from integstat.run.folder import Manifest
from integstat.run.options import RunOptions
from integstat.sensitivity.choices import Choices
from integstat.sensitivity.compute import Computed, Tell, compute
from integstat.sensitivity.decide import decide
from integstat.sensitivity.explain import explain, with_robustness, without_caps
from integstat.sensitivity.plan import Ring, Size, models_of, size_of
from integstat.sensitivity.settings import MultiverseSettings, load_multiverse
from integstat.sensitivity.shown import SensitivityShown
from integstat.sensitivity.space import Space, make_space
from integstat.steps import Crew, Store, crew_for


def multiverse_of(config: RingConfig, config_path: Path, options: RunOptions) -> MultiverseSettings | None:
    """Read the file of other choices: the one named in the call, else the config's; None where neither names one."""
    if options.multiverse is not None:
        return load_multiverse(options.multiverse)
    named = config.sensitivity.multiverse
    return load_multiverse(config_path.parent / named) if named else None


def unnamed(config_path: Path) -> UsageError:
    """Say that neither call nor config names other choices."""
    return UsageError(
        "die Konfiguration nennt keine anderen Rechenwege",
        place=f"{config_path}, [sensitivity]",
        mend="bitte dort 'multiverse' oder beim Aufruf --multiverse angeben",
    )


def space_of(settings: MultiverseSettings, config: RingConfig, catalogue: Catalogue, delivery: Delivery) -> tuple[Space, Ring]:
    """Lay out the universes of a ring."""
    panel, years = delivery.panel, config.ring.years
    main = config.main_definitions(catalogue, panel.definitions)
    space = make_space(settings, Choices.of(config), catalogue, main, panel.definitions, years, panel.cities)
    context = delivery.context if config.peers is not None else None
    return space, Ring(panel, context, catalogue, years, config.seed)


def check_choices(config: RingConfig, config_path: Path, catalogue: Catalogue, delivery: Delivery) -> None:
    """Refuse other choices that cannot be in this ring.

    Raises
    ------
    UsageError
        One sentence with the file, or axis and alternative.
    """
    settings = multiverse_of(config, config_path, RunOptions(Path()))
    if settings is not None:
        space_of(settings, config, catalogue, delivery)


@dataclass(frozen=True)
class Listing:
    """What a sensitivity analysis would compute."""

    space: Space
    size: Size


def listing(settings: MultiverseSettings, config: RingConfig, catalogue: Catalogue, delivery: Delivery, folder: Path) -> Listing:
    """Tell what would be computed, and how much of it is kept already; computes nothing."""
    space, ring = space_of(settings, config, catalogue, delivery)
    return Listing(space, size_of(space, ring, Store(folder)))


def sensitivity_stage(
    settings: MultiverseSettings,
    space: Space,
    ring: Ring,
    partitions: Partitions | None,
    findings: Findings,
    store: Store,
    options: RunOptions,
    manifest: Manifest,
    tell: Tell,
) -> tuple[Findings, SensitivityShown]:
    """Compute the universes, mix the models into the findings, explain every finding, and write the tables."""
    if not space.definitions:
        raise UsageError(
            "keine Hauptdefinition darf einen Befund tragen oder wurde geliefert: es gibt nichts zu variieren",
            place="[sensitivity]",
            mend="bitte die Lieferungen prüfen oder den Abschnitt streichen",
        )
    key = ring.peers_key(space.base)
    if partitions is not None and key and not store.sound(key):
        store.write(key, to_tree(kept_peers(partitions)))
    computed = compute(space, ring, store, _crews(options), tell, jobs=options.jobs)
    decided = decide(findings, computed.answers, space, ring.catalogue, ring.panel.cities)
    explained = explain(decided.findings.grid, decided.universes)
    found = replace(decided.findings, grid=with_robustness(decided.findings.grid, explained))
    capped = {one: story for one in _with_caps(found.grid) if one in decided.universes
              and (story := without_caps(decided.universes[one], space.sets)) is not None}  # fmt: skip
    models = len(models_of(space)[0])
    fits, partitions_made = (one.computed + one.kept + len(one.failed) for one in (computed.fits, computed.peers))
    shown = SensitivityShown(
        settings=settings,
        space=space,
        explained=explained,
        capped=capped,
        universes=len(space.combos),
        models=models,
        fits=fits,
        notes=(*space.notes, *_failures(computed)),
    )
    write_sensitivity(options.out, shown, found, ring.catalogue)
    manifest.content["sensitivity"] = {
        "multiverse": settings.name_de,
        "digest": space.digest,
        "universes": len(space.combos),
        "models": models,
        "partitions": partitions_made,
        "fits": fits,
        "failed": len(computed.fits.failed) + len(computed.peers.failed),
        "notes": list(shown.notes),
    }
    manifest.content["stages"]["sensitivity"] |= {"computed": computed.fits.computed, "kept": computed.fits.kept}
    return found, shown


def _crews(options: RunOptions) -> Callable[[int], AbstractContextManager[Crew]]:
    return lambda missing: crew_for(options.jobs, options.dask if missing else None, missing)


def _with_caps(grid: pd.DataFrame) -> list[str]:
    """Indicators with cells that a break or a jump of the base keeps open."""
    return list(dict.fromkeys(grid.loc[grid["capped"].astype(bool), "indicator"].astype(str)))


def _failures(computed: Computed) -> list[str]:
    failed = [*computed.peers.failed.values(), *computed.fits.failed.values()]
    return [f"Nicht zu rechnen: {error.sentence()}" for error in failed]
