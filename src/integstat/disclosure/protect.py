"""A ring's deliveries as everybody may know them: the panel without confidential counts, the problems that quote none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from integstat.catalogue import Catalogue
from integstat.disclosure.forms import Forms, forms_of
from integstat.disclosure.linked import hold_linked
from integstat.disclosure.settings import DisclosureSettings
from integstat.disclosure.zones import zones
from integstat.intake.problems import Problem
from integstat.intake.settings import IntakeSettings
from integstat.intake.take_in import Delivery
from integstat.panel import Panel

_CELL = ["city", "definition", "group", "year"]
HELD_COLUMNS = (*_CELL, "reason", "low", "high", "told", "base")
_PLACE = "Geheimhaltung"
_OF_BASES = ("base_jump", "base_size", "census_base")  # checks that look at bases alone


@dataclass(frozen=True)
class Protected:
    """A panel that may be known, and what was taken out of it.

    Attributes
    ----------
    panel : Panel
        The same cells; a confidential count is `below_3` or `secret`, and no number stands behind it.
    held : pandas.DataFrame
        Every confidential count, columns `HELD_COLUMNS`: its cell, why (`integstat.disclosure.zones.REASONS`), the smallest and
        largest value it may have for a reader, whether it had been told as a number, and whether a base that had been is held
        too. Not to be published: with the panel it tells no count, but why each was held back.
    bare : pandas.DataFrame
        `city`, `definition`, `group`, `year` of confidential counts that follow from bases alone.
    """

    panel: Panel
    held: pd.DataFrame
    bare: pd.DataFrame


def protect(
    panel: Panel, catalogue: Catalogue, settings: DisclosureSettings, forms: Forms, main: Collection[str] = ()
) -> Protected:
    """Take confidential counts out of a panel, and those from which they would follow.

    Parameters
    ----------
    panel : Panel
        As delivered.
    catalogue : Catalogue
    settings : DisclosureSettings
        Threshold 0: the panel as it is.
    forms : dict
        As `integstat.disclosure.forms.forms_of` gives it.
    main : collection of str
        Definitions (full ids) to spare where another one can be held back instead.

    Notes
    -----
    Everything a run computes and prints is a function of the panel returned. Whatever value of its zone a confidential count
    has, that panel is the same; so no table, figure, coordinate or rerun of the software can tell these values apart, with
    rounding or without. Counts tied to others by sums are checked by an attack (`integstat.disclosure.attack`).
    """
    counts = panel.counts
    if not settings.threshold or counts.empty:
        return Protected(panel, pd.DataFrame(columns=list(HELD_COLUMNS)), counts.loc[:, _CELL].iloc[:0])
    zone = zones(panel, catalogue, settings)
    linked = hold_linked(counts, zone, forms, settings.threshold, main)
    extra, veiled = list(linked.held), list(linked.veiled)
    zone.loc[extra, ["reason", "code"]] = "linked", "secret"
    zone.loc[extra, ["low", "high"]] = zone.loc[extra, ["inner_low", "inner_high"]].to_numpy()
    zone.loc[veiled, "code"], zone.loc[veiled, "low"] = "secret", 0.0
    zone.loc[veiled, "high"] = zone.loc[veiled, "top"]
    here = zone["reason"] != ""
    baseless = here & ((counts["n"] < settings.threshold) | _reconstructed(counts, forms))
    zone.loc[baseless, "code"] = "secret"
    held = counts.loc[here, _CELL].join(zone[["reason", "low", "high"]])
    held = held.assign(told=counts.loc[here, "y"].notna(), base=(baseless & counts["n"].notna())[here])
    return Protected(
        Panel(_without(counts, zone, here, baseless), panel.cities),
        held.reset_index(drop=True),
        counts.loc[list(linked.bare), _CELL].drop_duplicates().reset_index(drop=True),
    )


def _reconstructed(counts: pd.DataFrame, forms: Forms) -> np.ndarray:
    """Rows whose base was computed back: whether it could be may tell the count."""
    keys = zip(counts["definition"], counts["group"], counts["year"].astype(int), strict=True)
    return np.array([forms[*key, "denominator"].reconstructed for key in keys], dtype=bool)


def _without(counts: pd.DataFrame, zone: pd.DataFrame, here: pd.Series, baseless: pd.Series) -> pd.DataFrame:
    """Put a sign in the place of every confidential numerator, and of the bases that are; a note may quote them, and goes too."""
    out = counts.copy()
    out.loc[here, "y"] = np.nan
    out.loc[here, "y_code"] = zone.loc[here, "code"]
    out.loc[here, "note"] = ""
    out.loc[baseless, "n"] = np.nan
    out.loc[baseless, "n_code"] = "secret"
    return out


def protect_delivery(
    delivery: Delivery, settings: DisclosureSettings, intake: IntakeSettings, catalogue: Catalogue, main: Collection[str]
) -> Delivery:
    """Return what of a delivery may be known: panel and problems; context, measures and digests of files stay.

    Parameters
    ----------
    delivery : Delivery
        Without errors.
    settings : DisclosureSettings
    intake : IntakeSettings
        Says how delivered numbers hang together.
    catalogue : Catalogue
    main : collection of str
        Main definitions, full ids.
    """
    if not settings.threshold:
        what = "die Geheimhaltung kleiner Zahlen ist ausgeschaltet ([disclosure] threshold = 0)"
        mend = "bitte die Ergebnisse nur weitergeben, wenn keine der gelieferten Zahlen vertraulich ist"
        return replace(delivery, problems=(*delivery.problems, Problem("hint", "", _PLACE, what, mend)))
    kept = protect(delivery.panel, catalogue, settings, forms_of(intake, catalogue), main)
    problems = (*unspoken(delivery.problems, kept.held), *_told(kept, settings))
    return replace(delivery, panel=kept.panel, problems=problems)


def unspoken(problems: Iterable[Problem], held: pd.DataFrame) -> tuple[Problem, ...]:
    """Leave out doubts and hints that quote a held count, or that may stand there because of what it was.

    Parameters
    ----------
    problems : iterable of Problem
    held : pandas.DataFrame
        `city`, `definition`, `told` and `base` of the held counts, as `Protected.held` has them.

    Notes
    -----
    Checks hold figures against those of other cities, so a held count can raise a doubt about another city. Of a definition with
    such a count remains what is about no figure, or about a base where none is held, and of another city. Of no definition
    remains what is about no figure: figures of a file that are no count of the ring may be as small as any. `integstat check`
    tells all of them, to those who delivered.
    """
    bases = set(held.loc[held["base"].astype(bool), "definition"])
    numbers = held[held["told"].astype(bool) | held["base"].astype(bool)]
    cities = {str(name): set(part["city"]) for name, part in numbers.groupby("definition")}
    return tuple(one for one in problems if one.severity == "error" or _harmless(one, cities, bases))


def _harmless(one: Problem, cities: Mapping[str, Collection[str]], bases: Collection[str]) -> bool:
    """Whether a problem depends on no held number; `cities` with held counts by definition, definitions with held bases."""
    if not one.definition:
        return not one.value
    if one.definition not in cities:
        return True
    of_base = one.check in _OF_BASES and one.definition not in bases
    return bool(one.city) and one.city not in cities[one.definition] and (not one.value or of_base)


def _told(kept: Protected, settings: DisclosureSettings) -> list[Problem]:
    """Say how many counts are held back, and which cannot be hidden."""
    mend = "nichts zu tun; Zweifel und Hinweise zu diesen Definitionen stehen nur in der Ausgabe von 'integstat check'"
    linked = int((kept.held["reason"] == "linked").sum())
    own = int(kept.held["told"].sum()) - linked  # linked ones had all been told
    out = []
    if own:
        what = (
            f"{own} Zähler {'ist' if own == 1 else 'sind'} vertraulich und in keiner Ausgabe: unter {settings.threshold}, ebenso "
            f"nah an der Basis, oder auf einer Basis unter {settings.least_base}"
        )
        out.append(Problem("hint", "", _PLACE, what, mend))
    if linked:
        verb = "weiterer Zähler ist" if linked == 1 else "weitere Zähler sind"
        what = f"{linked} {verb} in keiner Ausgabe, weil sich ein vertraulicher daraus ausrechnen ließe"
        out.append(Problem("hint", "", _PLACE, what, mend))
    for row in kept.bare.itertuples():
        cell = f"{row.definition}, {row.city}, {row.year}"
        what = f"eine vertrauliche Zahl von {cell} folgt aus gelieferten Basen oder widerspricht ihnen"
        mend = "bitte prüfen, ob diese Basen stimmen und öffentlich sind, sonst eine der Lieferungen streichen"
        out.append(Problem("doubt", "", _PLACE, what, mend, city=str(row.city), definition=str(row.definition)))
    return out
