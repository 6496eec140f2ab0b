"""What the ring decides about its peer groups: features, weights, algorithms, number of groups."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from integstat.errors import UsageError
from integstat.panel import Context
from integstat.tomlfile import Strict

Algorithm = Literal["kmeans", "ward", "gmm"]
Transform = Literal["none", "log", "sqrt", "logit"]
FeatureKind = Literal["structural", "mediating", "outcome"]


class FeatureSettings(Strict):
    """One context feature of the peer groups.

    Attributes
    ----------
    id : str
        Column of the context.
    name_de : str
        Name shown to users.
    kind : {'structural', 'mediating', 'outcome'}
        Structural: integration policy hardly moves it. Mediating: lies between policy and outcome. Outcome: is measured by
        the comparison itself, so it is refused.
    transform : {'none', 'log', 'sqrt', 'logit'}
        Applied before scaling. `sqrt` bears zeros and, unlike log(1 + x), does not depend on the unit.
    whole : float
        For `logit`: what the whole is in the unit of the feature, 100 for percent.
    weight : float
        Factor of the feature's squared distance.
    high_de, low_de : str
        Words that name a group far above or below the other cities, such as 'hohe Mieten'; made of the name where empty.
    """

    id: str = Field(min_length=1)
    name_de: str = Field(min_length=1)
    kind: FeatureKind = "structural"
    transform: Transform = "none"
    whole: float = Field(default=100.0, gt=0)
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    high_de: str = ""
    low_de: str = ""


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
    resamples : int
        Number of samples of cities; every algorithm and k sees the same samples.
    resample_fraction : float
        Share of the cities in a sample, drawn without replacement.
    limit : float, optional
        Scaled values beyond this many robust standard deviations from the median are set to it, so that one extreme value
        does not make a group of its own. TOML knows no None: a large number stands for no limit.
    borderline : float
        A city whose own group has a smaller probability is flagged.
    allow_mediating : bool
        Mediating features are refused without it: comparing only cities of like unemployment hides part of what is compared.
    """

    feature: tuple[FeatureSettings, ...] = Field(min_length=1)
    k_min: int = Field(default=3, ge=2)
    k_max: int = Field(default=8, ge=2, le=30)
    k: int | None = Field(default=None, ge=2)
    algorithms: tuple[Algorithm, ...] = Field(default=("kmeans", "ward", "gmm"), min_length=1)
    resamples: int = Field(default=100, ge=10, le=10_000)
    resample_fraction: float = Field(default=0.8, ge=0.5, le=0.95)
    limit: float | None = Field(default=4.0, ge=1.0)
    borderline: float = Field(default=0.6, gt=0, lt=1)
    allow_mediating: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> PeerSettings:
        what = refusal(self)
        if what:
            raise ValueError(what)
        return self


def refusal(settings: PeerSettings) -> str:
    """Say in German why the settings cannot stand; empty where they can.

    Called on validation, and again before use: a frozen model copied with changes is not validated anew.
    """
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
    if settings.k_min > settings.k_max:
        return f"'k_min' ({settings.k_min}) ist größer als 'k_max' ({settings.k_max})"
    if settings.k is not None and not settings.k_min <= settings.k <= settings.k_max:
        return f"'k' ({settings.k}) liegt nicht zwischen 'k_min' ({settings.k_min}) und 'k_max' ({settings.k_max})"
    if len(set(settings.algorithms)) < len(settings.algorithms):
        return "in 'algorithms' steht ein Verfahren doppelt"
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
