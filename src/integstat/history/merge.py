"""From the files a ring's config names to the priors of its indicators, and a list of where they came from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from integstat.change.settings import ChangeSettings, PriorChanges
from integstat.errors import UsageError
from integstat.history.file import HistoryFile, HistoryPrior, HistoryRow, read_history
from integstat.tomlfile import Strict

_TOGETHER = (  # priors that come from one place: who sets one of them sets them all
    ("lasting_a", "lasting_b", "lasting_source"),
    ("sd_change_median", "sd_change_log_sd"),
    ("shift_sd", "shift_source"),
    ("overlap",),
)


class HistoryEntry(Strict):
    """What a ring takes over from history for one indicator.

    Attributes
    ----------
    indicator : str
    definition : str
        Whose earlier years speak.
    main : str
        The ring's main definition of the indicator.
    file, name : str
        The history's file as the config names it, and its name.
    first_year, last_year : int
    row : HistoryRow
        Its estimates for the target group.
    priors : PriorChanges
        What is taken over; without what the ring's own config says.
    own : tuple of str
        Priors of the history that the ring's own config replaces.
    """

    indicator: str
    definition: str
    main: str
    file: str
    name: str
    first_year: int
    last_year: int
    row: HistoryRow
    priors: PriorChanges
    own: tuple[str, ...] = ()

    @property
    def transferred(self) -> bool:
        """Whether another definition of the indicator speaks for the ring's main one, with wider priors."""
        return self.definition != self.main

    @property
    def informs(self) -> bool:
        """Whether what lasts comes from history."""
        return self.priors.lasting_source == "history"


def with_history(
    settings: ChangeSettings, config_path: Path, first_year: int, main_definition: Callable[[str], str]
) -> tuple[ChangeSettings, tuple[HistoryEntry, ...]]:
    """Put the priors of the histories that a ring names into its settings.

    Parameters
    ----------
    settings : ChangeSettings
    config_path : pathlib.Path
        The files are relative to its folder.
    first_year : int
        The ring's first year: a history must end before it, or the ring's figures would be used twice.
    main_definition : callable
        Full id of the ring's main definition of an indicator.

    Returns
    -------
    settings : ChangeSettings
        `indicator` holds the merged priors; what the config itself says of an indicator, or of all overlaps, stands.
    entries : tuple of HistoryEntry

    Raises
    ------
    UsageError
        If a file is missing or wrong, reaches into the ring's years, or knows an indicator that the catalogue does not.
    """
    names = (settings.history,) if isinstance(settings.history, str) else settings.history
    entries: dict[str, HistoryEntry] = {}
    for name in names:
        content = read_history(config_path.parent / name)
        _check_years(content, config_path, name, first_year)
        for indicator in dict.fromkeys(prior.indicator for prior in content.prior):
            main = main_definition(indicator)
            prior = content.prior_for(indicator, main)
            if prior is not None and indicator not in entries:
                entries[indicator] = _entry(settings, content, prior, main, name)
    merged = {one: settings.indicator.get(one, PriorChanges()) for one in {**settings.indicator, **entries}}
    for indicator, entry in entries.items():
        own = merged[indicator].model_dump(exclude_none=True)
        merged[indicator] = PriorChanges.model_validate(entry.priors.model_dump(exclude_none=True) | own)
    return settings.model_copy(update={"indicator": merged}), tuple(entries.values())


def _check_years(content: HistoryFile, config_path: Path, name: str, first_year: int) -> None:
    last = content.history.years[-1]
    if last >= first_year:
        raise UsageError(
            f"die Vorgeschichte '{name}' reicht bis {last} und damit in die Jahre des Rings, die ab {first_year} zählen",
            place=f"{config_path}, [change] history",
            mend=f"bitte sie mit until = {first_year - 1} im Abschnitt [history] neu schreiben",
        )


def _entry(settings: ChangeSettings, content: HistoryFile, prior: HistoryPrior, main: str, name: str) -> HistoryEntry:
    offered = (prior.same if prior.definition == main else prior.other).model_dump(exclude_none=True)
    own = settings.indicator.get(prior.indicator, PriorChanges()).model_dump(exclude_none=True)
    said = set(own) | ({"overlap"} if settings.overlap is not None else set())
    replaced = {one for group in _TOGETHER if said & set(group) for one in group}
    years = content.history.years
    return HistoryEntry(
        indicator=prior.indicator,
        definition=prior.definition,
        main=main,
        file=name,
        name=content.history.name,
        first_year=years[0],
        last_year=years[-1],
        row=content.row(prior.definition),
        priors=PriorChanges.model_validate({key: value for key, value in offered.items() if key not in replaced}),
        own=tuple(key for key in offered if key in replaced),
    )
