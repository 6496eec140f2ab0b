"""Read a catalogue from its folder and answer questions about it."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pydantic import Field

from integstat.catalogue.schema import (
    STOCK_DATES,
    BreakEntry,
    CountEntry,
    DefinitionEntry,
    Entry,
    FieldEntry,
    IndicatorEntry,
    Kind,
)
from integstat.errors import UsageError
from integstat.tomlfile import Place, load_model, place_of, read_toml

_SIGN = {"+": 1, "-": -1, "none": 0}


@dataclass(frozen=True)
class Catalogue:
    """What is measured, in the order of the files.

    Attributes
    ----------
    fields : dict of str to FieldEntry
        Action fields by id.
    indicators : dict of str to IndicatorEntry
        Indicators by id.
    counts : dict of str to CountEntry
        Counts by id.
    breaks : tuple of BreakEntry
        Known breaks.
    digest : str
        SHA-256 over the files, as hexadecimal text: two catalogues with the same digest say the same.

    Notes
    -----
    A definition is named `indicator.definition`, such as `A2.restricted_base`. The catalogue says how a figure is meant,
    not whether a city delivered it so.
    """

    fields: dict[str, FieldEntry]
    indicators: dict[str, IndicatorEntry]
    counts: dict[str, CountEntry]
    breaks: tuple[BreakEntry, ...]
    digest: str = ""

    @property
    def definition_ids(self) -> list[str]:
        """Every definition as `indicator.definition`, in catalogue order."""
        return [f"{indicator.id}.{one.id}" for indicator in self.indicators.values() for one in indicator.definition]

    def indicator(self, indicator_id: str) -> IndicatorEntry:
        """Return an indicator; `UsageError` if there is none of this id."""
        try:
            return self.indicators[indicator_id]
        except KeyError:
            raise _unknown("den Indikator", indicator_id, self.indicators) from None

    def definition(self, definition_id: str) -> tuple[IndicatorEntry, DefinitionEntry]:
        """Return a definition with its indicator.

        Parameters
        ----------
        definition_id : str
            `indicator.definition`, such as `A2.restricted_base`.

        Raises
        ------
        UsageError
            If there is no such definition.
        """
        indicator_id, _, name = definition_id.partition(".")
        indicator = self.indicators.get(indicator_id)
        if indicator is not None:
            for one in indicator.definition:
                if one.id == name:
                    return indicator, one
        raise _unknown("die Definition", definition_id, self.definition_ids)

    def main_definition(self, indicator_id: str) -> str:
        """Return the id (`indicator.definition`) of an indicator's main definition; a ring may name another one."""
        return f"{indicator_id}.{self.indicator(indicator_id).main_definition}"

    def polarity(self, definition_id: str) -> int:
        """Return +1 if higher is better for the target group, -1 if lower is, 0 if neither can be said."""
        indicator, definition = self.definition(definition_id)
        return _SIGN[definition.polarity or indicator.polarity]

    def kind(self, definition_id: str) -> Kind:
        """Return the kind of count, which chooses the likelihood."""
        indicator, definition = self.definition(definition_id)
        return definition.kind or indicator.kind

    def overlap(self, definition_id: str, years: Sequence[int], stocks: float | None = None) -> float:
        """Return the share of the counting error that these years have in common.

        Parameters
        ----------
        definition_id : str
        years : sequence of int
            In order; what counts is how far the first and the last are apart.
        stocks : float, optional
            Takes the place of the catalogue's number wherever that is not 0.

        Returns
        -------
        float
            0 for surveys, whose samples are fresh, for definitions that count the cases of a year or a cohort, and where
            nobody can be in the age band in the first and in the last year. Never more than the share of an age band that
            can still be in it.
        """
        indicator, entry = self.definition(definition_id)
        own = indicator.overlap if entry.overlap is None else entry.overlap
        if self.kind(definition_id) == "survey" or (entry.overlap is None and entry.reference_date not in STOCK_DATES):
            return 0.0
        share = stocks if stocks is not None and own > 0 else own
        if entry.age_from is None or entry.age_below is None:
            return share
        return min(share, max(0.0, 1 - (years[-1] - years[0]) / (entry.age_below - entry.age_from)))

    def finding_allowed(self, definition_id: str) -> bool:
        """Whether this definition may carry a finding: the indicator may, it has a polarity, and it can be modelled."""
        indicator, _ = self.definition(definition_id)
        return indicator.finding_allowed and self.polarity(definition_id) != 0 and self.kind(definition_id) != "measure"

    def group_names(self, definition_id: str) -> tuple[str, str]:
        """Return the German names of target and reference group, empty where there is none."""
        indicator, definition = self.definition(definition_id)
        return (definition.target_de or indicator.target_de, definition.reference_de or indicator.reference_de)

    def breaks_for(self, definition_id: str, land: str, years: Iterable[int]) -> list[BreakEntry]:
        """Return the known breaks that a comparison meets.

        Parameters
        ----------
        definition_id : str
        land : str
            Two-digit key of the city's Land.
        years : iterable of int
            The years compared, in any order.

        Returns
        -------
        list of BreakEntry
            In catalogue order, caps and notes mixed. An empty list does not say that the series is sound, only that
            nobody registered a break.
        """
        indicator, definition = self.definition(definition_id)
        compared = tuple(years)
        return [
            one
            for one in self.breaks
            if one.touches_land(land)
            and (one.indicator is None or one.indicator == indicator.id)
            and (not one.definitions or definition_id in one.definitions or indicator.id in one.definitions)
            and (not one.sources or any(source in one.sources for source in definition.sources))
            and one.touches_years(compared)
        ]


class _FieldFile(Entry):
    field: FieldEntry
    indicator: tuple[IndicatorEntry, ...] = Field(min_length=1, strict=False)


class _CountsFile(Entry):
    count: tuple[CountEntry, ...] = Field(min_length=1, strict=False)


class _BreaksFile(Entry):
    breaks: tuple[BreakEntry, ...] = Field(default=(), alias="break", strict=False)


@dataclass(frozen=True)
class _Source:
    """A file that was read, to name places in it."""

    path: Path
    text: str

    def error(self, loc: Place, what: str, mend: str) -> UsageError:
        return UsageError(what, place=place_of(self.path, self.text, loc), mend=mend)


def load_catalogue(folder: Path | None = None) -> Catalogue:
    """Read a catalogue.

    Parameters
    ----------
    folder : Path, optional
        Folder with `fields/*.toml` (one file per action field, read in the order of their names), `counts.toml` and
        `breaks.toml`. None: the catalogue that comes with the package.

    Raises
    ------
    UsageError
        If a file is missing or wrong, if an id stands twice, or if something refers to an id that does not exist; with
        file and line.
    """
    if folder is not None:
        return _load(folder)
    with resources.as_file(resources.files("integstat.catalogue")) as own:
        return _load(own)


def _load(folder: Path) -> Catalogue:
    if not folder.is_dir():
        raise UsageError("diesen Katalogordner gibt es nicht", place=str(folder), mend="bitte den Pfad prüfen")
    field_paths = sorted((folder / "fields").glob("*.toml"))
    if not field_paths:
        raise UsageError(
            "der Katalog enthält kein Handlungsfeld", place=str(folder / "fields"), mend="bitte je Feld eine Datei anlegen"
        )
    counts_source, counts_file = _read(folder / "counts.toml", _CountsFile)
    counts = _counts(counts_file, counts_source)
    fields: dict[str, FieldEntry] = {}
    indicators: dict[str, IndicatorEntry] = {}
    files = [_read(path, _FieldFile) for path in field_paths]
    for source, content in files:
        if content.field.id in fields:
            raise source.error(("field", "id"), f"das Handlungsfeld '{content.field.id}' steht doppelt", "bitte eines umbenennen")
        fields[content.field.id] = content.field
    for source, content in files:
        _add_indicators(content, source, fields, counts, indicators)
    breaks_source, breaks_file = _read(folder / "breaks.toml", _BreaksFile)
    _check_breaks(breaks_file, breaks_source, indicators)
    sources = [counts_source, *(source for source, _ in files), breaks_source]
    return Catalogue(fields, indicators, counts, breaks_file.breaks, _digest(sources))


def _read[Content: Entry](path: Path, model: type[Content]) -> tuple[_Source, Content]:
    content, text = read_toml(path)
    return _Source(path, text), load_model(path, model, content=content, text=text)


def _counts(content: _CountsFile, source: _Source) -> dict[str, CountEntry]:
    counts: dict[str, CountEntry] = {}
    for position, count in enumerate(content.count):
        if count.id in counts:
            raise source.error(
                ("count", position, "id"), f"die Grundzahl '{count.id}' steht doppelt", "bitte eine davon streichen"
            )
        counts[count.id] = count
    return counts


def _add_indicators(
    content: _FieldFile,
    source: _Source,
    fields: dict[str, FieldEntry],
    counts: dict[str, CountEntry],
    indicators: dict[str, IndicatorEntry],
) -> None:
    for position, indicator in enumerate(content.indicator):
        at: Place = ("indicator", position)
        if indicator.id in indicators:
            raise source.error((*at, "id"), f"der Indikator '{indicator.id}' steht doppelt", "bitte einen davon umbenennen")
        if indicator.field not in fields:
            raise source.error((*at, "field"), *_missing("das Handlungsfeld", indicator.field, fields))
        if indicator.field != content.field.id:
            what = (
                f"der Indikator '{indicator.id}' gehört zum Handlungsfeld '{indicator.field}', "
                f"steht aber bei '{content.field.id}'"
            )
            raise source.error((*at, "field"), what, "bitte in die Datei seines Handlungsfeldes setzen")
        for row, definition in enumerate(indicator.definition):
            for part, count in (("numerator", definition.numerator), ("denominator", definition.denominator)):
                if count not in counts:
                    raise source.error((*at, "definition", row, part), *_missing("die Grundzahl", count, counts))
        indicators[indicator.id] = indicator


def _check_breaks(content: _BreaksFile, source: _Source, indicators: dict[str, IndicatorEntry]) -> None:
    definitions = {f"{indicator.id}.{one.id}": indicator.id for indicator in indicators.values() for one in indicator.definition}
    owner = definitions | {indicator_id: indicator_id for indicator_id in indicators}
    seen: set[str] = set()
    for position, one in enumerate(content.breaks):
        at: Place = ("break", position)
        if one.id in seen:
            raise source.error((*at, "id"), f"der Bruch '{one.id}' steht doppelt", "bitte einen davon umbenennen")
        seen.add(one.id)
        if one.indicator is not None and one.indicator not in indicators:
            raise source.error((*at, "indicator"), *_missing("den Indikator", one.indicator, indicators))
        for touched in one.definitions:
            if touched not in owner:
                raise source.error((*at, "definitions"), *_missing("die Definition", touched, owner))
            if one.indicator is not None and owner[touched] != one.indicator:
                what = f"die Definition '{touched}' gehört nicht zum Indikator '{one.indicator}'"
                raise source.error((*at, "definitions"), what, "bitte 'indicator' weglassen oder die Definition streichen")


def _missing(what: str, wanted: str, known: Iterable[str]) -> tuple[str, str]:
    """Say that something does not exist, and what may be meant."""
    close = difflib.get_close_matches(wanted, list(known), n=1)
    mend = f"vielleicht ist '{close[0]}' gemeint" if close else "bitte die Schreibweise prüfen oder ergänzen"
    return f"{what} '{wanted}' gibt es im Katalog nicht", mend


def _unknown(what: str, wanted: str, known: Iterable[str]) -> UsageError:
    sentence, mend = _missing(what, wanted, known)
    return UsageError(sentence, mend=mend)


def _digest(sources: Sequence[_Source]) -> str:
    whole = hashlib.sha256()
    for source in sources:
        whole.update(f"{source.path.name}\0{len(source.text)}\0{source.text}\0".encode())
    return whole.hexdigest()
