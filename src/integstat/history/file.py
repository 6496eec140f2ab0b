"""The file of a history: estimates and the priors that follow from them, as TOML that a ring's config can name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from integstat.change.settings import PriorChanges
from integstat.errors import UsageError
from integstat.steps import write_text
from integstat.tomlfile import Strict, load_model

_HEAD = """\
# Vorannahmen aus früheren Jahren, geschrieben von `integstat history`; nicht von Hand ändern.
# {name}: {cities} Städte, {first} bis {last}
# Eingaben: {digest}
# In der Konfiguration eines Rings: [change] history = "{file}"
"""


class HistorySource(Strict):
    """Where a history comes from.

    `digest` is that of config, catalogue and input files: two files with the same one say the same.
    """

    id: str
    name: str
    years: tuple[int, ...] = Field(min_length=1)
    cities: int
    resamples: int
    digest: str


class HistoryRow(Strict):
    """What the earlier years of one definition and group say, on the link scale; limits are of 90 % intervals.

    `sigma`, `tau`, `omega` are SDs of what passes, of a year's step that stays, and of cities' yearly trends; `share` is
    s = tau² / (2 sigma² + tau²); `sd_change` the SD of a one-year change between cities; `shift_sd` the root mean square of the
    common shifts of `pairs` neighbouring years; `overlap` the share of the counting error that these have in common. A quantity
    that cannot be told is left out. `reason` says in German why a row does not tell what lasts.
    """

    definition: str
    group: Literal["target", "reference"]
    first_year: int | None = None
    last_year: int | None = None
    years: int
    cities: int
    informs: bool
    reason: str = ""
    share: float | None = None
    share_lower: float | None = None
    share_upper: float | None = None
    share_moments: float | None = None
    sigma: float | None = None
    sigma_lower: float | None = None
    sigma_upper: float | None = None
    tau: float | None = None
    tau_lower: float | None = None
    tau_upper: float | None = None
    omega: float | None = None
    omega_lower: float | None = None
    omega_upper: float | None = None
    sd_change: float | None = None
    sd_change_lower: float | None = None
    sd_change_upper: float | None = None
    shift_sd: float | None = None
    shift_sd_lower: float | None = None
    shift_sd_upper: float | None = None
    pairs: int = 0
    overlap: float | None = None
    overlap_lower: float | None = None
    overlap_upper: float | None = None


class HistoryPrior(Strict):
    """Priors that a definition's history hands on: to the same definition, and, wider, to another one of its indicator."""

    definition: str
    same: PriorChanges
    other: PriorChanges

    @property
    def indicator(self) -> str:
        """Id of the indicator."""
        return self.definition.partition(".")[0]


class HistoryFile(Strict):
    """What `integstat history` writes."""

    history: HistorySource
    prior: tuple[HistoryPrior, ...] = ()
    estimate: tuple[HistoryRow, ...] = ()

    def prior_for(self, indicator: str, definition: str) -> HistoryPrior | None:
        """Give the prior of an indicator: that of the definition itself, else of the first other one; None without."""
        own = [one for one in self.prior if one.indicator == indicator]
        same = [one for one in own if one.definition == definition]
        return next(iter([*same, *own]), None)

    def row(self, definition: str, group: str = "target") -> HistoryRow:
        """Give the estimates of a definition and group."""
        return next(one for one in self.estimate if (one.definition, one.group) == (definition, group))


def read_history(path: Path) -> HistoryFile:
    """Read a history's file.

    Raises
    ------
    UsageError
        One sentence with file and line.
    """
    content = load_model(path, HistoryFile)
    told = {(one.definition, one.group) for one in content.estimate}
    for prior in content.prior:
        if (prior.definition, "target") not in told:
            raise UsageError(
                f"die Vorgeschichte ist unvollständig, zu {prior.definition} fehlen die Schätzungen",
                place=str(path),
                mend="bitte sie mit 'integstat history' neu schreiben",
            )
    return content


def write_history(path: Path, content: HistoryFile) -> None:
    """Write a history's file, whole or not at all. Figures keep six digits."""
    source = content.history
    head = _HEAD.format(
        name=source.name, cities=source.cities, first=source.years[0], last=source.years[-1], digest=source.digest, file=path.name
    )
    parts = [head, _table("[history]", source.model_dump())]
    for prior in content.prior:
        parts.append(_table("[[prior]]", {"definition": prior.definition}))
        parts += [_table(f"[prior.{name}]", getattr(prior, name).model_dump()) for name in ("same", "other")]
    parts += [_table("[[estimate]]", row.model_dump()) for row in content.estimate]
    write_text(path, "\n".join(parts))


def _table(header: str, content: Mapping[str, Any]) -> str:
    lines = [f"{name} = {_value(value)}" for name, value in content.items() if value is not None]
    return "\n".join([header, *lines]) + "\n"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, float):
        text = f"{value:.6g}"
        return text if any(sign in text for sign in ".e") else f"{text}.0"
    if isinstance(value, Iterable):
        return f"[{', '.join(_value(one) for one in value)}]"
    return str(value)
