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
    apart : int
        Years between the ring's first and last.
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
    apart: int = 1

    @property
    def reason(self) -> str:
        """Why history does not say what lasts, in German; empty where it does."""
        if self.informs:
            return ""
        return self.row.reason if self.apart == 1 else f"die Berichtsjahre liegen {self.apart} Jahre auseinander"

    @property
    def transferred(self) -> bool:
        """Whether another definition of the indicator speaks for the ring's main one, with wider priors."""
        return self.definition != self.main

    @property
    def informs(self) -> bool:
        """Whether what lasts comes from history."""
        return self.priors.lasting_source == "history"


def with_history(
    settings: ChangeSettings, config_path: Path, years: tuple[int, ...], main_definition: Callable[[str], str]
) -> tuple[ChangeSettings, tuple[HistoryEntry, ...]]:
    """Put the priors of the histories that a ring names into its settings.

    Parameters
    ----------
    settings : ChangeSettings
    config_path : pathlib.Path
        The files are relative to its folder.
    years : tuple of int
        The ring's: a history must end before the first, or the ring's figures would be used twice. What it hands on is about
        neighbouring years; where the ring's lie further apart, only the overlap is, to the power of their distance.
    main_definition : callable
        Full id of the ring's main definition of an indicator.

    Returns
    -------
    settings : ChangeSettings
        `indicator` holds the merged priors: under a definition's full id what its own history says, under the indicator's id the
        wider ones for its other definitions. What the config itself says of either, or of all overlaps, stands.
    entries : tuple of HistoryEntry

    Raises
    ------
    UsageError
        If a file is missing or wrong, reaches into the ring's years, or knows an indicator that the catalogue does not.
    """
    names = (settings.history,) if isinstance(settings.history, str) else settings.history
    entries: dict[str, HistoryEntry] = {}
    merged = dict(settings.indicator)
    apart = max(years[-1] - years[0], 1)
    for name in names:
        content = read_history(config_path.parent / name)
        _check_years(content, config_path, name, years[0])
        for indicator in dict.fromkeys(prior.indicator for prior in content.prior):
            main = main_definition(indicator)
            prior = content.prior_for(indicator, main)
            if prior is not None and indicator not in entries:
                entries[indicator] = _entry(settings, content, prior, main, name, apart)
                merged |= _merged(settings, prior, apart)
    return settings.model_copy(update={"indicator": merged}), tuple(entries.values())


def _merged(settings: ChangeSettings, prior: HistoryPrior, apart: int) -> dict[str, PriorChanges]:
    """Priors for the definition whose history speaks, and for the other ones of its indicator."""
    out = {}
    for key, offered in ((prior.definition, prior.same), (prior.indicator, prior.other)):
        own = _said(settings, key)
        taken, _ = _taken(settings, offered, own, apart)
        out[key] = PriorChanges.model_validate(taken | own)
    return out


def _said(settings: ChangeSettings, key: str) -> dict[str, object]:
    """What the config itself says of a definition or an indicator; of a definition also what it says of its indicator."""
    found = [settings.indicator.get(one, PriorChanges()) for one in dict.fromkeys((key.partition(".")[0], key))]
    return {name: value for one in found for name, value in one.model_dump(exclude_none=True).items()}


def _taken(
    settings: ChangeSettings, offered: PriorChanges, own: dict[str, object], apart: int
) -> tuple[dict[str, object], tuple[str, ...]]:
    """What of a history's priors is taken over, and the names of those that the config's own replace."""
    values = offered.model_dump(exclude_none=True)
    if apart > 1:
        values = {"overlap": values["overlap"] ** apart} if "overlap" in values else {}
    said = set(own) | ({"overlap"} if settings.overlap is not None else set())
    replaced = {one for group in _TOGETHER if said & set(group) for one in group}
    return {key: value for key, value in values.items() if key not in replaced}, tuple(key for key in values if key in replaced)


def _check_years(content: HistoryFile, config_path: Path, name: str, first_year: int) -> None:
    last = content.history.years[-1]
    if last >= first_year:
        raise UsageError(
            f"die Vorgeschichte '{name}' reicht bis {last} und damit in die Jahre des Rings, die ab {first_year} zählen",
            place=f"{config_path}, [change] history",
            mend=f"bitte sie mit until = {first_year - 1} im Abschnitt [history] neu schreiben",
        )


def _entry(settings: ChangeSettings, content: HistoryFile, prior: HistoryPrior, main: str, name: str, apart: int) -> HistoryEntry:
    offered = prior.same if prior.definition == main else prior.other
    taken, replaced = _taken(settings, offered, _said(settings, main), apart)
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
        priors=PriorChanges.model_validate(taken),
        own=replaced,
        apart=apart,
    )
