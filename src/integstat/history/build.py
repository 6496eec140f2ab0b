"""The whole of a history: intake, a series per definition and group, estimates, priors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from integstat.catalogue import Catalogue
from integstat.change.settings import PriorChanges
from integstat.errors import DataError
from integstat.history.estimate import Estimate, Spread, estimate
from integstat.history.file import HistoryFile, HistoryPrior, HistoryRow, HistorySource
from integstat.history.moments import leaps
from integstat.history.series import series_of
from integstat.history.settings import HistoryConfig
from integstat.history.transfer import OTHER, SAME, Transfer
from integstat.intake.checks import GROUP_DE
from integstat.intake.numbers import german
from integstat.intake.problems import raise_on_error
from integstat.intake.take_in import Delivery, take_in
from integstat.panel import Panel
from integstat.steps import digest


def build_history(
    config: HistoryConfig,
    config_path: Path,
    catalogue: Catalogue,
    data: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> HistoryFile:
    """Read what the config names and estimate every definition and group.

    Parameters
    ----------
    config : HistoryConfig
    config_path : pathlib.Path
    catalogue : Catalogue
    data : pathlib.Path, optional
        Another data folder than the config's.
    say : callable
        Told what is being done.

    Raises
    ------
    DataError
        If a delivery breaks the contract, or nothing that can be modelled came in.
    """
    intake = config.intake()
    delivery = take_in(intake, config_path, catalogue, data)
    raise_on_error(delivery.problems)
    estimates = estimate_panel(delivery.panel, catalogue, config.years, config.history.resamples, config.seed, say)
    if not estimates:
        raise DataError("keine Lieferung lässt sich auswerten", place=str(config_path), mend="bitte [[delivery]] prüfen")
    return HistoryFile(
        history=_source(config, catalogue, delivery),
        prior=tuple(_priors(estimates, catalogue)),
        estimate=tuple(_row(one) for one in estimates),
    )


def estimate_panel(
    panel: Panel,
    catalogue: Catalogue,
    years: tuple[int, ...],
    resamples: int,
    seed: int,
    say: Callable[[str], None] = lambda text: None,
) -> list[Estimate]:
    """Estimate every definition and group of a panel, in catalogue order; each with a seed of its own."""
    found = []
    delivered = set(panel.definitions)
    for definition in [one for one in catalogue.definition_ids if one in delivered and catalogue.kind(one) != "measure"]:
        groups = set(panel.select(definition)["group"])
        for group in [one for one in catalogue.definition(definition)[0].groups if one in groups]:
            say(f"{definition}, {GROUP_DE[group]}")
            series = series_of(panel, catalogue, definition, group, years)
            for city, year, size in leaps(series):
                say(f"  {city} springt zum Jahr {year} um {german(size, 2)} (Link-Skala), weit über das Übliche; bitte prüfen")
            own = int(digest(seed, definition, group)[:8], 16)
            found.append(estimate(series, resamples, own))
    return found


def _source(config: HistoryConfig, catalogue: Catalogue, delivery: Delivery) -> HistorySource:
    return HistorySource(
        id=config.ring.id,
        name=config.ring.name,
        years=config.years,
        cities=len(delivery.panel.cities),
        resamples=config.history.resamples,
        digest=digest(config, catalogue.digest, delivery.files),
    )


def _priors(estimates: list[Estimate], catalogue: Catalogue) -> list[HistoryPrior]:
    by_key = {(one.definition, one.group): one for one in estimates}
    found = []
    for target in [one for one in estimates if one.group == "target" and one.sized]:
        other = by_key.get((target.definition, "reference"))
        groups = [target, *([other] if other is not None and other.sized else [])]
        count = len(catalogue.definition(target.definition)[0].groups)
        same, wider = (priors_of(groups, count, transfer) for transfer in (SAME, OTHER))
        found.append(HistoryPrior(definition=target.definition, same=same, other=wider))
    return found


def priors_of(groups: list[Estimate], count: int, transfer: Transfer) -> PriorChanges:
    """Turn the estimates of a definition's groups into priors of its indicator.

    Parameters
    ----------
    groups : list of Estimate
        The target group, and the reference group where it has an estimate: what lasts and the overlap are the target group's,
        the size of changes spans both, the larger common shift counts.
    count : int
        Groups the indicator has.
    transfer : Transfer

    Returns
    -------
    PriorChanges
        Without what the history does not tell. The overlap is the lower limit of its interval: less of it is the cautious side.
    """
    target = groups[0]
    content: dict[str, float | str] = {}
    size = transfer.lognormal(tuple(one.sd_change.value for one in groups), tuple(one.log_sd_change for one in groups), count)
    if size is not None:
        content |= {"sd_change_median": size[0], "sd_change_log_sd": size[1]}
    shifts = [transfer.shift(one.shift.value, one.pairs) for one in groups if np.isfinite(one.shift.value)]
    if shifts:
        content |= {"shift_sd": max(shifts), "shift_source": "history"}
    lasting = transfer.beta(target.share_mean, target.share_sd) if target.informs else None
    if lasting is not None:
        content |= {"lasting_a": lasting[0], "lasting_b": lasting[1], "lasting_source": "history"}
    if target.overlap_told and transfer.overlap:
        content["overlap"] = min(target.overlap.lower, 0.95)
    return PriorChanges.model_validate({name: _six(value) for name, value in content.items()})


def _row(one: Estimate) -> HistoryRow:
    content: dict[str, object] = {
        "definition": one.definition,
        "group": one.group,
        "first_year": one.years[0] if one.years else None,
        "last_year": one.years[-1] if one.years else None,
        "years": len(one.years),
        "cities": one.cities,
        "informs": one.informs,
        "reason": one.reason,
        "share_moments": _told(one.moment_share),
        "pairs": one.pairs,
    }
    spreads = {"share": one.share, "sigma": one.transient, "tau": one.walk, "omega": one.trend, "sd_change": one.sd_change}
    for name, spread in (spreads | {"shift_sd": one.shift, "overlap": one.overlap}).items():
        content |= _three(name, spread)
    return HistoryRow.model_validate(content)


def _three(name: str, spread: Spread) -> dict[str, float | None]:
    return {name: _told(spread.value), f"{name}_lower": _told(spread.lower), f"{name}_upper": _told(spread.upper)}


def _told(value: float) -> float | None:
    return float(_six(value)) if np.isfinite(value) else None


def _six(value: float | str) -> float | str:
    """Keep six digits, as the file does: written and read again it says the same."""
    return value if isinstance(value, str) else float(f"{value:.6g}")
