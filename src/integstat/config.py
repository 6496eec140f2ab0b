"""A ring's whole config: the intake's sections, and what every later stage may be told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field, PrivateAttr, model_validator

from integstat.catalogue import Catalogue, load_catalogue
from integstat.change.settings import ChangeSettings
from integstat.disclosure.settings import DisclosureSettings
from integstat.errors import UsageError
from integstat.findings.settings import FindingSettings
from integstat.history import HistoryEntry, with_history
from integstat.intake.settings import IntakeSettings
from integstat.peers.settings import PeerSettings
from integstat.steps import digest
from integstat.tomlfile import Strict, load_model


class SensitivitySettings(Strict):
    """Section `[sensitivity]` of a ring's config.

    Attributes
    ----------
    multiverse : str
        File with the other choices to compute (`integstat.sensitivity.settings`), relative to the config; empty: none.
    """

    multiverse: str = ""


class RingConfig(IntakeSettings):
    """What `configs/rings/*.toml` holds.

    Attributes
    ----------
    seed : int
        Every random number of a run follows from it.
    fictional : bool
        Whether the cities are invented; the report says so.
    unofficial : bool
        Whether the figures are published ones, taken on trial without the areas' knowledge; the report says so.
    peers : PeerSettings or None
        None: no peer groups, no statement about the level.
    change : ChangeSettings
    findings : FindingSettings
    disclosure : DisclosureSettings
        Which counts are confidential.
    sensitivity : SensitivitySettings
    """

    seed: int = Field(default=20210701, ge=0, lt=2**31)
    fictional: bool = False
    unofficial: bool = False
    peers: PeerSettings | None = None
    change: ChangeSettings = ChangeSettings()
    findings: FindingSettings = FindingSettings()
    disclosure: DisclosureSettings = DisclosureSettings()
    sensitivity: SensitivitySettings = SensitivitySettings()
    _history: tuple[HistoryEntry, ...] = PrivateAttr(default=())

    @property
    def history(self) -> tuple[HistoryEntry, ...]:
        """What was taken over from earlier years, by indicator; the priors themselves are in `change`."""
        return self._history

    def with_history(self, path: Path, catalogue: Catalogue) -> RingConfig:
        """Return the config with the priors of the histories it names (`[change] history`).

        Parameters
        ----------
        path : pathlib.Path
            Where the config lies; the histories' files are relative to its folder.
        catalogue : Catalogue
        """

        def main(indicator: str) -> str:
            return (
                f"{indicator}.{self.ring.main[indicator]}"
                if indicator in self.ring.main
                else catalogue.main_definition(indicator)
            )

        change, entries = with_history(self.change, path, self.ring.years, main)
        merged = self.model_copy(update={"change": change})
        merged._history = entries
        return merged

    @model_validator(mode="after")
    def _headline_is_of_the_years(self) -> RingConfig:
        if self.findings.headline == "lasting":
            raise ValueError('[findings] headline = "lasting" hinge an einer Annahme: nur als Frage einer Sensitivitätsrechnung')
        return self

    @model_validator(mode="after")
    def _one_or_two_years(self) -> RingConfig:
        if len(self.ring.years) > 2:
            raise ValueError(f"[ring] years nennt {len(self.ring.years)} Berichtsjahre, das Modell rechnet mit einem oder zweien")
        return self

    @model_validator(mode="after")
    def _peers_need_context(self) -> RingConfig:
        if self.peers is not None and self.context is None and not self.ring.cities.workbooks:
            raise ValueError("für Vergleichsgruppen ([peers]) fehlt der Abschnitt [context] mit den Strukturdaten")
        return self

    @model_validator(mode="after")
    def _context_of_peers(self) -> RingConfig:
        known = [one.id for one in self.peers.feature] if self.peers is not None else []
        for name in self.findings.context:
            if name not in known:
                raise ValueError(f"[findings] context nennt '{name}', das ist kein Merkmal aus [peers]")
        return self

    def main_definitions(self, catalogue: Catalogue, delivered: Iterable[str]) -> dict[str, str]:
        """Give the main definition (full id) by indicator, in catalogue order: the ring's own choice, else the catalogue's.

        Parameters
        ----------
        catalogue : Catalogue
        delivered : iterable of str
            Full ids of the definitions that came in.
        """
        named = {indicator: f"{indicator}.{name}" for indicator, name in self.ring.main.items()}
        present = {definition.partition(".")[0] for definition in delivered} | set(named)
        return {one: named.get(one) or catalogue.main_definition(one) for one in catalogue.indicators if one in present}

    def rules_digest(self, catalogue: Catalogue) -> str:
        """SHA-256 of what decides about findings, fixed before data are read.

        Definitions, peers, steps, priors, q, and which counts are confidential. Priors from history are among them as they are,
        wherever their file lies.
        """
        change = self.change.model_copy(update={"history": ()})
        return digest(catalogue.digest, self.ring.main, self.findings, change, self.peers, self.disclosure)


def load_ring(path: Path) -> tuple[RingConfig, Catalogue]:
    """Read a ring's config and the catalogue it names.

    Raises
    ------
    UsageError
        One sentence with file and line.
    """
    config = load_model(path, RingConfig)
    own = config.ring.catalogue
    catalogue = load_catalogue(path.parent / own if own else None)
    for indicator, name in config.ring.main.items():
        entry = catalogue.indicator(indicator)
        if name not in {one.id for one in entry.definition}:
            raise UsageError(
                f"der Indikator '{indicator}' hat keine Definition '{name}'",
                place=f"{path}, [ring] main",
                mend=f"bitte eine von diesen nennen: {', '.join(one.id for one in entry.definition)}",
            )
    for section, names in (("findings.step", config.findings.step), ("change.indicator", config.change.indicator)):
        for name in names:
            with _at(f"{path}, [{section}.{name}]"):
                catalogue.definition(name) if "." in name else catalogue.indicator(name)
    with _at(f"{path}, [change] history"):
        return config.with_history(path, catalogue), catalogue


@contextmanager
def _at(place: str) -> Iterator[None]:
    """Say where a name stands that the catalogue does not know."""
    try:
        yield
    except UsageError as error:
        if error.place:
            raise
        raise UsageError(error.what, place=place, mend=error.mend) from error
