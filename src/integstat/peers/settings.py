"""What the ring decides about its peer groups: features, weights, algorithms, number of groups, neighbours."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator, model_validator

from integstat.errors import UsageError
from integstat.panel import Context
from integstat.tomlfile import Strict

Algorithm = Literal["kmeans", "ward", "gmm", "pam", "spectral"]
Transform = Literal["none", "log", "sqrt", "logit"]
FeatureKind = Literal["structural", "mediating", "outcome"]
FeatureGroup = Literal["size", "age", "economy", "housing", "students", "migration", "other"]
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class FeatureSettings(Strict):
    """One context feature of the peer groups.

    Attributes
    ----------
    id : str
        Column of the context.
    name_de, name_en : str
        Name shown to users; `name_en` may be empty.
    group : {'size', 'age', 'economy', 'housing', 'students', 'migration', 'other'}
        What the feature is about: for `group_weight`, and for reading a profile.
    kind : {'structural', 'mediating', 'outcome'}
        Structural: integration policy hardly moves it. Mediating: lies between policy and outcome. Outcome: is measured by
        the comparison itself, so it is refused.
    transform : {'none', 'log', 'sqrt', 'logit'}
        Applied before scaling. `sqrt` bears zeros and, unlike log(1 + x), does not depend on the unit.
    whole : float
        For `logit`: what the whole is in the unit of the feature, 100 for percent.
    weight : float
        Factor of the feature's squared distance, before features that say the same share their weight.
    high_de, low_de, high_en, low_en : str
        Words that name a group far above or below the other cities, such as 'hohe Mieten' and 'high rents'; made of the name
        where empty.
    """

    id: str = Field(min_length=1)
    name_de: str = Field(min_length=1)
    name_en: str = ""
    group: FeatureGroup = "other"
    kind: FeatureKind = "structural"
    transform: Transform = "none"
    whole: float = Field(default=100.0, gt=0)
    weight: Weight = 1.0
    high_de: str = ""
    low_de: str = ""
    high_en: str = ""
    low_en: str = ""


class PeerSettings(Strict):
    """The section `[peers]` of a ring's config, with one `[[peers.feature]]` per feature.

    Attributes
    ----------
    feature : tuple of FeatureSettings
        The order decides how groups are numbered: by the first feature, from high to low.
    k_min, k_max : int
        Numbers of groups tried. `k_max` is lowered in small rings, so that groups have three cities on average.
    k : int, optional
        Number of groups the ring wants; overrides the choice by the data. Must lie in the range tried.
    algorithms : tuple of str
        `kmeans`, `ward`, `gmm` (mixture of round Gaussians), `pam` (k-medoids), `spectral`.
    algorithm_weight : dict of str to float
        Weight of an algorithm's draws; 1 for those not named.
    k_weight : 'stability', 'equal' or dict of int to float
        Weight of the draws with a number of groups: by how stable it is, alike, or as stated; in a table the numbers not
        named weigh nothing. TOML keys are text: `{ "3" = 1.0 }`.
    seed : int
        Of all chance in this stage. It is not the ring's: who changes that one must not get other groups.
    resamples : int
        Number of samples of cities; every algorithm and k sees the same samples.
    resampling : {'subsample', 'bootstrap'}
        Samples drawn without replacement, or as many cities as the ring has with replacement.
    resample_fraction : float
        Share of the cities in a subsample; of no effect on a bootstrap sample.
    feature_fraction : float
        Share of the features in a sample; 1: all in each.
    imputations : int
        How often missing values are drawn; of no effect where none is missing.
    collinearity : {'share', 'keep'}
        Whether features that say the same share their weight, so that a feature stated twice counts once.
    group_weight : dict of str to float
        Total weight of a group of features, which they divide in proportion to their own; features of groups not named stand
        for themselves. 1: as much as one feature of weight 1 that is correlated with none.
    neighbours : int
        Length of a city's list of nearest cities; at most a third of the ring.
    notion : {'groups', 'neighbours'}
        With whom standing and change against peers compare a city: with its group, or with its own nearest cities.
    starts : int
        Random starts of the algorithms that have them; the best is kept.
    clouds : int
        Structureless rings that the structure test simulates.
    largest_sample : int
        Most cities clustered at once; in larger rings a sample has no more, the other cities are given the label predicted.
    limit : float, optional
        Scaled values beyond this many robust standard deviations from the median are set to it, so that one extreme value
        does not make a group of its own. TOML knows no None: a large number stands for no limit.
    borderline : float
        A city whose own group has a smaller probability is flagged.
    allow_mediating : bool
        Mediating features are refused without it: comparing only cities of like unemployment hides part of what is compared.
    """

    feature: tuple[FeatureSettings, ...] = Field(min_length=1)
    k_min: int = Field(default=2, ge=2)
    k_max: int = Field(default=8, ge=2, le=30)
    k: int | None = Field(default=None, ge=2)
    algorithms: tuple[Algorithm, ...] = Field(default=get_args(Algorithm), min_length=1)
    algorithm_weight: dict[Algorithm, Weight] = Field(default_factory=dict)
    k_weight: Literal["stability", "equal"] | dict[int, float] = "stability"
    seed: int = Field(default=1, ge=0, lt=2**31)
    resamples: int = Field(default=200, ge=10, le=10_000)
    resampling: Literal["subsample", "bootstrap"] = "subsample"
    resample_fraction: float = Field(default=0.8, ge=0.5, le=0.95)
    feature_fraction: float = Field(default=0.8, ge=0.3, le=1.0)
    imputations: int = Field(default=10, ge=1, le=100)
    collinearity: Literal["share", "keep"] = "share"
    group_weight: dict[FeatureGroup, Weight] = Field(default_factory=dict)
    neighbours: int = Field(default=8, ge=1, le=100)
    notion: Literal["groups", "neighbours"] = "groups"
    starts: int = Field(default=3, ge=1, le=100)
    clouds: int = Field(default=99, ge=19, le=9_999)
    largest_sample: int = Field(default=1000, ge=50, le=10_000)
    limit: float | None = Field(default=4.0, ge=1.0)
    borderline: float = Field(default=0.6, gt=0, lt=1)
    allow_mediating: bool = False

    @field_validator("k_weight", mode="before")
    @classmethod
    def _weights_of_numbers(cls, value: object) -> object:
        if isinstance(value, dict) and not all(_number_and_weight(key, weight) for key, weight in value.items()):
            raise ValueError('\'k_weight\' braucht für jede Gruppenzahl ein Gewicht ab 0, etwa { "3" = 1.0, "4" = 0.5 }')
        return value

    @model_validator(mode="after")
    def _consistent(self) -> PeerSettings:
        what = refusal(self)
        if what:
            raise ValueError(what)
        return self


def _number_and_weight(key: object, weight: object) -> bool:
    number = isinstance(weight, int | float) and not isinstance(weight, bool) and 0 <= weight < float("inf")
    return number and str(key).isdecimal()


def refusal(settings: PeerSettings) -> str:
    """Say in German why the settings cannot stand; empty where they can.

    Called on validation, and again before use: a frozen model copied with changes is not validated anew.
    """
    return next((what for what in (_of_features(settings), _of_numbers(settings), _of_weights(settings)) if what), "")


def _of_features(settings: PeerSettings) -> str:
    ids = [feature.id for feature in settings.feature]
    for feature in settings.feature:
        if ids.count(feature.id) > 1:
            return f"das Merkmal '{feature.id}' steht doppelt in den Vergleichsgruppen"
        if feature.kind == "outcome":
            return (
                f"das Merkmal '{feature.name_de}' ({feature.id}) ist ein Ergebnis, das der Vergleich selbst misst, "
                "und darf keine Vergleichsgruppen bilden"
            )
        if feature.kind == "mediating" and not settings.allow_mediating:
            return (
                f"das Merkmal '{feature.name_de}' ({feature.id}) liegt zwischen Integrationspolitik und Ergebnis "
                "und bildet ohne 'allow_mediating = true' keine Vergleichsgruppen"
            )
    return ""


def _of_numbers(settings: PeerSettings) -> str:
    if settings.k_min > settings.k_max:
        return f"'k_min' ({settings.k_min}) ist größer als 'k_max' ({settings.k_max})"
    if settings.k is not None and not settings.k_min <= settings.k <= settings.k_max:
        return f"'k' ({settings.k}) liegt nicht zwischen 'k_min' ({settings.k_min}) und 'k_max' ({settings.k_max})"
    if len(set(settings.algorithms)) < len(settings.algorithms):
        return "in 'algorithms' steht ein Verfahren doppelt"
    return ""


def _of_weights(settings: PeerSettings) -> str:
    for algorithm in settings.algorithm_weight:
        if algorithm not in settings.algorithms:
            return f"'algorithm_weight' nennt das Verfahren '{algorithm}', das nicht in 'algorithms' steht"
    for group in settings.group_weight:
        if group not in {feature.group for feature in settings.feature}:
            return f"'group_weight' nennt die Gruppe '{group}', zu der kein Merkmal gehört"
    if isinstance(settings.k_weight, dict):
        for k in settings.k_weight:
            if not settings.k_min <= k <= settings.k_max:
                return f"'k_weight' nennt {k} Gruppen; geprüft werden {settings.k_min} bis {settings.k_max}"
        if not any(settings.k_weight.values()):
            return "'k_weight' gibt keiner Gruppenzahl ein Gewicht über 0"
    return ""


def check_settings(settings: PeerSettings, context: Context) -> None:
    """Refuse settings that cannot stand, or that name a feature the context does not have.

    Raises
    ------
    UsageError
    """
    what = refusal(settings)
    if what:
        raise UsageError(what, place="[peers]", mend="bitte in der Ring-Konfiguration berichtigen")
    known = list(context.features.columns)
    for feature in settings.feature:
        if feature.id not in known:
            raise UsageError(
                f"das Merkmal '{feature.id}' steht nicht in den Strukturdaten des Rings",
                place="[[peers.feature]]",
                mend=f"bitte streichen oder eines von diesen nennen: {', '.join(known) or 'keine vorhanden'}",
            )
