"""What a ring chose, and the same with some choices made otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from integstat.change import ChangeSettings
from integstat.change.settings import PriorChanges
from integstat.config import RingConfig
from integstat.errors import UsageError
from integstat.findings import FindingSettings
from integstat.peers.settings import PeerSettings
from integstat.tomlfile import Strict, validation_error

_TOGETHER = (  # priors that come from one place: a history that says otherwise of one of them says nothing of the others either
    ("lasting_a", "lasting_b", "lasting_source"),
    ("sd_change_median", "sd_change_log_sd"),
    ("shift_sd", "shift_source"),
)


@dataclass(frozen=True)
class Choices:
    """Everything of a ring's config that may vary, apart from the definitions.

    Attributes
    ----------
    peers : PeerSettings or None
    change : ChangeSettings
    findings : FindingSettings
    leave_out : tuple of str
        Cities that take no part in the change model and are no yardstick. Groups come from context, so they stay in those.
    """

    peers: PeerSettings | None
    change: ChangeSettings
    findings: FindingSettings
    leave_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: RingConfig) -> Choices:
        """Return the choices of a ring."""
        return cls(config.peers, config.change, config.findings)

    def changed(self, paths: Mapping[str, Any]) -> Choices:
        """Return the choices with the values of these paths put in place.

        Parameters
        ----------
        paths : mapping of str to any
            Such as `change.land`, `peers.k`, `findings.q`, `change.priors.shift_sd` (of all indicators, whatever their own
            history says), `peers.without` (ids of features), `ring.leave_out` (AGS). They are put in place in this order, and
            what stands in between must be allowed as well. A ring without groups has no choices about them: those paths change
            nothing.

        Raises
        ------
        ValueError
            If a value is not allowed there.
        """
        out = self
        for path, value in paths.items():
            section, _, rest = path.partition(".")
            if path == "ring.leave_out":
                out = replace(out, leave_out=tuple(sorted(_names(path, value))))
            elif section == "findings":
                out = replace(out, findings=_updated(out.findings, rest, value))
            elif section == "change":
                out = replace(out, change=_change(out.change, rest, value))
            elif out.peers is not None:
                out = replace(out, peers=_peers(out.peers, rest, value))
        return out


def _updated[Section: Strict](section: Section, key: str, value: Any) -> Section:
    try:
        return type(section).model_validate(section.model_dump() | {key: value})
    except ValidationError as error:
        told = validation_error(error, Path(), "")
        raise ValueError(f"{told.what} ({told.mend})") from error


def _names(path: str, value: Any) -> tuple[str, ...]:
    """Take a list of text, and nothing that merely can be gone through."""
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"'{path}' braucht eine Liste von Texten in eckigen Klammern")
    return tuple(value)


def _peers(peers: PeerSettings, key: str, value: Any) -> PeerSettings:
    if key != "without":
        return _updated(peers, key, value)
    left_out = _names("peers.without", value)
    unknown = set(left_out) - {one.id for one in peers.feature}
    if unknown:
        raise ValueError(f"'{min(unknown)}' ist kein Merkmal aus [peers]")
    kept = [one.model_dump() for one in peers.feature if one.id not in left_out]
    groups = {one["group"] for one in kept}
    own = peers.model_copy(update={"group_weight": {name: x for name, x in peers.group_weight.items() if name in groups}})
    return _updated(own, "feature", kept)


def _change(change: ChangeSettings, key: str, value: Any) -> ChangeSettings:
    """Change a setting; a prior or an overlap changes for every indicator, even where its history says otherwise."""
    name = key.removeprefix("priors.")
    if name == key and name != "overlap":
        return _updated(change, key, value)
    together = next((names for names in _TOGETHER if name in names), (name,))
    known = {one: None for one in together if one in PriorChanges.model_fields}
    own = {indicator: entry.model_copy(update=known) for indicator, entry in change.indicator.items()}
    out = change.model_copy(update={"indicator": own})
    if name == key:
        return _updated(out, key, value)
    sources = {one: "default" for one in together if one.endswith("_source")}
    return out.model_copy(update={"priors": _updated(out.priors, name, value).model_copy(update=sources)})


def refused(axis: str, alternative: str, error: ValueError) -> UsageError:
    """Say which alternative cannot be."""
    place = f"Achse '{axis}', Alternative '{alternative}'"
    return UsageError(str(error), place=place, mend="bitte in der Datei der Rechenwege berichtigen")
