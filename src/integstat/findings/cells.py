"""Every cell of a definition: the rows of all cities with names, raw change, breaks, flags, and whether a finding may stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from integstat.catalogue import Catalogue
from integstat.findings.magnitude import unit_of
from integstat.findings.settings import FindingSettings
from integstat.findings.shocks import Bases, base_jumps
from integstat.panel import Panel


@dataclass(frozen=True)
class Cities:
    """What is known of every city of the ring about one definition, before any posterior; arrays in the order of the panel.

    Attributes
    ----------
    table : pandas.DataFrame
        Index `city`: `name`, `land`.
    raw : ndarray, shape (C,)
        Difference of the delivered rates of the target group, in points, turned; NaN where there is none.
    persons : ndarray, shape (C,)
        Base of the target group in the last year; NaN without one.
    breaks : list of tuple of str
        Reasons of all registered breaks that touch the cell.
    broken : ndarray of bool, shape (C,)
        Whether one of them caps.
    bases : Bases
    coarse : ndarray of bool, shape (C,)
        A numerator is known within bounds only, in any group and year.
    switched : ndarray of bool, shape (C,)
        The city delivered this definition for one of the two years and another one of the indicator for the other.
    elsewhere : ndarray of bool, shape (C,)
        It delivered the last year in another definition of the indicator only.
    years : int
        Number of years.
    caps : bool
        Whether breaks and jumps of the base keep cells open.
    """

    table: pd.DataFrame
    raw: np.ndarray
    persons: np.ndarray
    breaks: list[tuple[str, ...]]
    broken: np.ndarray
    bases: Bases
    coarse: np.ndarray
    switched: np.ndarray
    elsewhere: np.ndarray
    years: int
    caps: bool = True

    @property
    def capped(self) -> np.ndarray:
        """Cells that carry no finding: a break that caps, or a base that jumped."""
        return np.asarray(self.caps & (self.broken | self.bases.jumped[:, 0]))

    def at(self, cities: np.ndarray) -> np.ndarray:
        """Places of these cities."""
        return np.asarray(self.table.index.get_indexer(pd.Index(cities)))


def cities_of(definition: str, panel: Panel, catalogue: Catalogue, years: tuple[int, ...], settings: FindingSettings) -> Cities:
    """Look at the deliveries of one definition."""
    indicator, entry = catalogue.definition(definition)
    groups = indicator.groups
    cells = panel.cells(
        definition,
        groups,
        years,
        rounding=tuple(entry.rounding(year) for year in years),
        rounded_parts=entry.rounded_parts,
        whole=catalogue.kind(definition) not in ("mean_of_months", "measure"),
    )
    switched, elsewhere = _by_other_definitions(definition, panel, catalogue, years)
    _, y, n = panel.arrays(definition, groups, years)
    table = panel.cities.set_index("city")[["name", "land"]]
    breaks = [catalogue.breaks_for(definition, str(land), years) for land in table["land"]]
    raw = np.full(len(table), np.nan)
    if len(years) == 2:
        sign = -1.0 if catalogue.polarity(definition) < 0 else 1.0
        with np.errstate(invalid="ignore", divide="ignore"):
            rate = np.where(n[:, 0] > 0, unit_of(indicator) * y[:, 0] / n[:, 0], np.nan)
        raw = sign * (rate[:, -1] - rate[:, 0])
    return Cities(
        table=table,
        raw=raw,
        persons=np.where(cells.n[:, 0, -1] > 0, cells.n[:, 0, -1], np.nan),
        breaks=[tuple(dict.fromkeys(one.reason_de for one in found)) for found in breaks],
        broken=np.array([any(one.effect == "cap" for one in found) for found in breaks], dtype=bool),
        bases=base_jumps(cells.n, settings.base_jump, settings.base_jump_times),
        coarse=np.asarray(cells.coarse.any(axis=(1, 2))),
        switched=switched,
        elsewhere=elsewhere,
        years=len(years),
        caps=settings.caps,
    )


def _by_other_definitions(
    definition: str, panel: Panel, catalogue: Catalogue, years: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Cities that delivered one of two years in another definition of the indicator only; those that so delivered the last."""
    siblings = [f"{definition.partition('.')[0]}.{one.id}" for one in catalogue.definition(definition)[0].definition]
    delivered = set(panel.definitions)
    others = [_delivered(one, panel, years) for one in siblings if one != definition and one in delivered]
    if not others:
        return np.zeros(len(panel.cities), dtype=bool), np.zeros(len(panel.cities), dtype=bool)
    own = _delivered(definition, panel, years)
    other = ~own & np.any(others, axis=0)
    switched = (own & ~own.all(axis=1)[:, None]).any(axis=1) & other.any(axis=1)
    return np.asarray(switched & (len(years) == 2)), np.asarray(other[:, -1])


def _delivered(definition: str, panel: Panel, years: tuple[int, ...]) -> np.ndarray:
    """Whether the target group has a usable figure, shape (C, T)."""
    return np.asarray(panel.cells(definition, ("target",), years).n[:, 0] > 0)


def eligibility(cities: Cities, allowed: bool, estimable: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a finding may stand, and where one about the gap may, shape (C,)."""
    eligible = allowed & ~cities.capped & estimable
    return eligible, eligible & ~(cities.caps & cities.bases.jumped.any(axis=1))


def complete(
    rows: pd.DataFrame,
    definition: str,
    cities: Cities,
    catalogue: Catalogue,
    peer_group: Mapping[str, str] | None,
    bridged: frozenset[str] = frozenset(),
) -> pd.DataFrame:
    """Make the rows of one definition complete: every city of the ring, with all that is no number of a posterior.

    Parameters
    ----------
    rows : pandas.DataFrame
        As `city_rows` gives them; cities without a posterior may be missing.
    definition : str
    cities : Cities
    catalogue : Catalogue
    peer_group : mapping of str to str, optional
    bridged : frozenset of str
        Cities whose level comes from another definition.

    Returns
    -------
    pandas.DataFrame
        `flags` as lists of str; `eligible` says where a finding may stand, `eligible_gap` where one about the gap may.
    """
    indicator, entry = catalogue.definition(definition)
    out = rows.reindex(cities.table.index)
    out["scale_conflict"] = out["scale_conflict"].eq(True)
    out.insert(0, "city_name", cities.table["name"])
    out["field"], out["indicator"], out["definition"] = indicator.field, indicator.id, definition
    out["peer_group"] = out.index.map(peer_group) if peer_group else None
    per_point = cities.persons / unit_of(indicator)
    out["change_raw"] = cities.raw
    out["relative_change_persons"] = out["relative_change_mean"] * per_point
    out["standing_persons"] = out["standing_mean"] * per_point
    out["base_growth"] = 100 * cities.bases.growth[:, 0]
    out["base_growth_ring"] = 100 * cities.bases.ring[0]
    allowed = catalogue.finding_allowed(definition)
    decided, changed, stands = (out[name].notna().to_numpy() for name in ("p_success", "relative_change_mean", "p_worse"))
    estimable = decided | stands
    out["broken"], out["capped"] = cities.broken, cities.capped
    out["eligible"], out["eligible_gap"] = eligibility(cities, allowed, estimable)
    out["has_gap"] = len(indicator.groups) == 2
    out["break_note"] = [" ".join(reasons) for reasons in cities.breaks]
    always = [
        *(["composition"] if indicator.composition_risk else []),
        *([] if allowed else ["context"]),
        *([] if entry.verified_against_report else ["unverified"]),
    ]
    own = {
        "break": np.array([bool(reasons) for reasons in cities.breaks]),
        "base_jump": cities.bases.jumped[:, 0],
        "base_jump_reference": cities.bases.jumped[:, 1:].any(axis=1),
        "scale_conflict": out["scale_conflict"].to_numpy(bool),
        "not_estimable": ~estimable,
        "level_only": ~changed & stands & (cities.years == 2),
        "too_few_beside": changed & ~decided,
        "bridged": np.array([city in bridged for city in out.index]),
        "definition_changed": cities.switched,
        "other_definition": cities.elsewhere & ~np.array([city in bridged for city in out.index]),
        "coarse": cities.coarse,
    }
    out["flags"] = [[*(flag for flag, here in own.items() if here[i]), *always] for i in range(len(out))]
    out["robustness"] = np.nan
    return out.reset_index()
