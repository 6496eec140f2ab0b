"""What a file of `configs/multiverse` may say: axes, alternatives, definitions, what may not stand together, which design."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from integstat.sensitivity.facets import MEASUREMENT
from integstat.sensitivity.table import UNIVERSES_CODEBOOK
from integstat.sensitivity.universes import POOLED, Kind, Sort
from integstat.tomlfile import Strict, load_model

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Name = Annotated[str, StringConstraints(min_length=1)]
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]

MOST_AXES = 10  # shared ones; what each contributes is summed over all of their subsets
_RESERVED = frozenset({"main", "counting_error", "what_lasts", *MEASUREMENT, *UNIVERSES_CODEBOOK})  # columns and parts of tables
DECISIONS = ("q", "rule", "floor", "plain_threshold")
_QUESTIONS = ("headline", "gap_scale", "caps", "rho_times", "rho_level_times", "absolute_from", "base_jump", "base_jump_times")
_FITTED = ("engine", "peers", "land", "months_weight", "overlap", "coarse", "incomplete")


def sort_of(path: str) -> Sort | None:
    """Say to which sort of axis a path of a ring's config belongs; None where it may not vary."""
    section, _, rest = path.partition(".")
    if section == "findings" and rest in DECISIONS:
        return "decision"
    if section == "findings" and rest in _QUESTIONS:
        return "question"
    prior = rest.startswith("priors.") and rest not in ("priors.lasting_source", "priors.shift_source")
    if section == "change" and (rest in _FITTED or prior):
        return "model"
    return "model" if path in ("ring.leave_out", "peers.without") or (section == "peers" and rest and rest != "feature") else None


class AlternativeSettings(Strict):
    """Another choice on an axis than the ring's own.

    Attributes
    ----------
    id, name_de : str
    kind : {'equivalent', 'uncertain', 'not_equivalent'}, optional
        How it stands to the ring's own choice (Del Giudice & Gangestad 2021, doi:10.1177/2515245920954925): as good an answer to
        the same question, perhaps one, or none. To be stated on model axes; of no meaning where another question is asked.
    weight : float
        Against the ring's own choice, whose weight is `main_weight` of the axis.
    set : dict
        What it changes in the ring's config: path to value, such as `{ "change.land" = false }`. `peers.without` names features
        to leave out, `ring.leave_out` cities.
    """

    id: Identifier
    name_de: Name
    kind: Kind | None = None
    weight: Weight = 1.0
    set: dict[str, Any] = Field(min_length=1)


class AxisSettings(Strict):
    """One thing that could have been chosen otherwise.

    Attributes
    ----------
    id, name_de : str
    main_de : str
        Name of the ring's own choice.
    main_weight : float
    leave_out_each : bool
        Instead of alternatives: every city left out in turn, each an equivalent alternative, with a weight of 1 in all.
    alternative : tuple of AlternativeSettings
        Without the ring's own choice; one that changes nothing in a ring is passed over there.
    """

    id: Identifier
    name_de: Name
    main_de: Name = "wie im Ring festgelegt"
    main_weight: Weight = 1.0
    leave_out_each: bool = False
    alternative: tuple[AlternativeSettings, ...] = Field(default=(), strict=False)

    @property
    def sort(self) -> Sort:
        """Model, question or decision."""
        return next((sort for one in self.alternative for path in one.set if (sort := sort_of(path))), "model")

    @model_validator(mode="after")
    def _sound(self) -> AxisSettings:
        if self.id in _RESERVED:
            raise ValueError(f"'{self.id}' kann keine Achse heißen, der Name ist vergeben")
        if bool(self.alternative) == self.leave_out_each:
            raise ValueError(f"die Achse '{self.id}' braucht entweder Alternativen oder 'leave_out_each = true'")
        ids = ["main", *(one.id for one in self.alternative)]
        doubled = [one for one in ids if ids.count(one) > 1]
        if doubled:
            raise ValueError(f"auf der Achse '{self.id}' steht die Alternative '{doubled[0]}' doppelt ('main' ist die des Rings)")
        sorts = set()
        for one in self.alternative:
            for path in one.set:
                if sort_of(path) is None:
                    raise ValueError(f"die Achse '{self.id}' kann '{path}' nicht verändern")
                sorts.add(sort_of(path))
        if len(sorts) > 1:
            raise ValueError(f"die Achse '{self.id}' vermischt Modell, Frage und Entscheidung: bitte auf mehrere verteilen")
        pooled = self.sort in POOLED
        for one in self.alternative:
            if pooled and one.kind is None:
                what = f"der Alternative '{one.id}' der Achse '{self.id}' fehlt 'kind'"
                raise ValueError(f"{what}: equivalent, uncertain oder not_equivalent")
            if not pooled and (one.kind is not None or one.weight != 1.0):
                raise ValueError(f"die Achse '{self.id}' stellt eine andere Frage, ohne 'kind' und 'weight'")
        return self


class DefinitionSettings(Strict):
    """One definition that does not stand as `[definitions]` says: see there."""

    kind: Kind | None = None
    weight: Weight | None = None


class DefinitionsSettings(Strict):
    """The measurement axis: the definitions of each indicator that cities delivered beside the main one.

    Attributes
    ----------
    kind, weight
        As of an alternative; of every definition that `special` does not name.
    main_weight : float
        Of the main definition.
    vary : bool
        False: main definitions only.
    special : dict of str to DefinitionSettings
        By full id, `indicator.definition`.
    """

    kind: Kind
    weight: Weight = 1.0
    main_weight: Weight = 1.0
    vary: bool = True
    special: dict[str, DefinitionSettings] = Field(default_factory=dict)


class ExcludeSettings(Strict):
    """Choices that may not stand together.

    Attributes
    ----------
    where : dict of str to str
        Axis to alternative (`main`: the ring's); `definition` to a full id. All of them at once are excluded.
    first_year_before : int, optional
        Only in rings that begin before this year.
    reason_de : str
    """

    where: dict[str, str] = Field(min_length=1)
    first_year_before: int | None = None
    reason_de: Name


class MultiverseSettings(Strict):
    """A file of `configs/multiverse`.

    Attributes
    ----------
    name_de : str
    design : {'full', 'random', 'stratified'}
        All admissible combinations; or `size` of them, drawn with equal chances, or so that every alternative of an axis comes
        equally often. Samples always hold the ring's own universe and all that differ from it on one axis.
    size, seed : int
        Of a sample.
    most : int
        A full design may not have more universes.
    definitions : DefinitionsSettings
    axis : tuple of AxisSettings
    exclude : tuple of ExcludeSettings
    """

    name_de: Name
    design: Literal["full", "random", "stratified"] = "full"
    size: int = Field(default=1000, ge=2, le=100_000)
    seed: int = Field(default=1, ge=0, lt=2**31)
    most: int = Field(default=5000, ge=1, le=100_000)
    definitions: DefinitionsSettings
    axis: tuple[AxisSettings, ...] = Field(default=(), max_length=MOST_AXES, strict=False)
    exclude: tuple[ExcludeSettings, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _fits_together(self) -> MultiverseSettings:
        known = {axis.id: {"main", *(one.id for one in axis.alternative)} for axis in self.axis}
        if len(known) < len(self.axis):
            raise ValueError("zwei Achsen heißen gleich")
        claimed: dict[str, str] = {}
        for axis in self.axis:
            for path in {path for one in axis.alternative for path in one.set}:
                if path in claimed:
                    raise ValueError(f"'{path}' steht auf zwei Achsen: '{claimed[path]}' und '{axis.id}'")
                claimed[path] = axis.id
        for one in self.exclude:
            for name, value in one.where.items():
                if name != "definition" and (name not in known or value not in known[name]):
                    raise ValueError(f"[[exclude]] nennt '{name} = {value}', das gibt es nicht")
            if set(one.where.values()) == {"main"}:
                raise ValueError("[[exclude]] schließt den Rechenweg des Rings selbst aus")
        return self


def load_multiverse(path: Path) -> MultiverseSettings:
    """Read a file of `configs/multiverse`.

    Raises
    ------
    UsageError
        One sentence with file and line.
    """
    return load_model(path, MultiverseSettings)
