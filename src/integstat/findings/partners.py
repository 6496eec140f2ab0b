"""Learning partners (Lernpartner): for each deficit the peers with a credible success in the same indicator, and what they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from integstat.findings.baseline import Baseline

LEAST = 0.1  # a city that is a peer less often than this is none
SHOWN = 5  # partners of a deficit

PARTNER_CODEBOOK: dict[str, str] = {
    "city": "Amtlicher Gemeindeschlüssel der Stadt mit dem Defizit (Text)",
    "city_name": "ihr Name",
    "field": "Handlungsfeld",
    "indicator": "Indikator",
    "definition": "Definition, als indicator.definition",
    "deficit": "worsened, worse, beide mit ; verbunden, oder either, wo nur eines von beiden zusammen gesichert ist",
    "p_deficit": "Wahrscheinlichkeit des Defizits",
    "outcome": "partner; none: keine Vergleichsstadt mit gesichertem Erfolg; no_peers: die Stadt hat keine Vergleichsstädte",
    "peers": "Zahl der Städte, die oft genug Vergleichsstadt sind",
    "partners": "Zahl der Lernpartner unter ihnen, gezeigte und nicht gezeigte",
    "place": "Stelle in der Liste der gezeigten; leer ohne Lernpartner",
    "partner": "Amtlicher Gemeindeschlüssel des Lernpartners (Text)",
    "partner_name": "sein Name",
    "p_peer": "Wahrscheinlichkeit, dass die beiden Städte vergleichbar sind, so wie die Vergleichsstädte bestimmt wurden",
    "success": "was beim Lernpartner gesichert ist: improved, better oder beide mit ; verbunden",
    "p_partner": "Wahrscheinlichkeit davon; bei beiden die größere",
    "weight": "p_peer mal p_partner; ordnet die Liste und ist keine Wahrscheinlichkeit",
    "partner_flags": "Vermerke an der Zelle des Lernpartners, mit ; verbunden",
    "measures": "Zahl der Maßnahmen, die der Lernpartner zum selben Indikator nennt, sonst zum selben Handlungsfeld",
    "measures_for": "indicator oder field; leer, wo er keine nennt",
}
PARTNER_COLUMNS = tuple(PARTNER_CODEBOOK)

PARTNER_MEASURE_CODEBOOK: dict[str, str] = {
    "city": "Amtlicher Gemeindeschlüssel der Stadt mit dem Defizit (Text)",
    "indicator": "Indikator des Defizits",
    "place": "Stelle des Lernpartners in der Liste",
    "partner": "Amtlicher Gemeindeschlüssel des Lernpartners (Text)",
    "measures_for": "indicator: zum selben Indikator genannt; field: zum selben Handlungsfeld",
    "named_for": "Indikator, zu dem die Stadt sie nennt; leer, wo zum ganzen Handlungsfeld",
    "title": "Titel der Maßnahme, wie die Stadt ihn schreibt",
    "description": "Beschreibung",
    "since": "Jahr des Beginns; leer, wo keines steht",
    "late": "wahr, wo sie erst nach dem letzten Berichtsjahr begann und am Befund keinen Anteil haben kann",
    "link": "Kontakt oder Link, ungeprüft",
}
PARTNER_MEASURE_COLUMNS = tuple(PARTNER_MEASURE_CODEBOOK)

_OF_CHANGE, _OF_LEVEL = "improved", "better"
_NOBODY = dict.fromkeys(("partner", "partner_name", "success", "partner_flags", "measures_for"), "")
_Cell = dict[Any, Any]  # a row of a table by column


@dataclass(frozen=True)
class Peers:
    """How likely each city is a peer of another.

    Attributes
    ----------
    cities : tuple of str
        Length C.
    probability : ndarray or sparse array, shape (C, C)
        Row i: probability that each city is a peer of city i; 0 to 1, diagonal 0, not symmetric where each city has its own
        list. Kept sparse.

    Raises
    ------
    ValueError
        If the shape does not fit, a value is no probability, or a city would be its own peer.
    """

    cities: tuple[str, ...]
    probability: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "probability", sparse.csr_array(self.probability))
        if self.probability.shape != (len(self.cities),) * 2:
            raise ValueError(f"probabilities must have the shape {(len(self.cities),) * 2}")
        values = self.probability.data
        if not ((values >= 0) & (values <= 1)).all() or self.probability.diagonal().any():
            raise ValueError("probabilities lie between 0 and 1, and no city is its own peer")

    def of(self, city: str, least: float = LEAST) -> dict[str, float]:
        """Peers of a city with their probability, those below `least` left out; none of a city that is not known."""
        if city not in self.cities:
            return {}
        row = self.probability[[self.cities.index(city)]].tocoo()
        return {self.cities[j]: float(p) for j, p in zip(row.coords[1], row.data, strict=True) if p > 0 and p >= least - 1e-12}


def peers_of(baseline: Baseline | None, nearest: int = 1) -> Peers:
    """Say how likely two cities are peers, from what they are compared with.

    Parameters
    ----------
    baseline : Baseline or None
        With partitions: the share of them in which the two share a group. With weights: the weight times `nearest`, at most 1.
        None: no city has peers.
    nearest : int
        How many neighbours a city has, where the weights are probabilities of being among so many, divided by their number.
    """
    if baseline is None:
        return Peers((), np.zeros((0, 0)))
    if baseline.labels is None:
        probability = (nearest * baseline.weights).tocsr()
        probability.data = np.minimum(probability.data, 1.0)
        return Peers(baseline.cities, probability)
    count = len(baseline.cities)
    together = np.zeros((count, count))
    for labels in baseline.labels:
        together += (labels[:, None] == labels) & (labels >= 0)
    np.fill_diagonal(together, 0.0)
    return Peers(baseline.cities, together / len(baseline.labels))


def learning_partners(
    grid: pd.DataFrame, peers: Peers, measures: pd.DataFrame, *, least: float = LEAST, shown: int = SHOWN
) -> pd.DataFrame:
    """Find for each declared deficit the peers from whom there may be something to learn.

    Parameters
    ----------
    grid : pandas.DataFrame
        One row per city and indicator; columns `city`, `city_name`, `field`, `indicator`, `definition`, `finding_change`,
        `finding_level`, `p_success`, `p_better`, `p_deficit`, `counts_as_deficit`, `flags`.
    peers : Peers
    measures : pandas.DataFrame
        Columns `city`, `field`, `indicator`, `title`, `description`, `since`, `link`; may be empty.
    least : float
        A city that is a peer less often than this is none.
    shown : int
        At most so many partners of a deficit, those with the largest `weight`; equal ones by AGS.

    Returns
    -------
    pandas.DataFrame
        Columns `PARTNER_COLUMNS`, sorted by city, indicator and place. A deficit without a partner has one row that says so:
        no city beyond the peers is offered instead.

    Notes
    -----
    A partner of a city that worsened is a peer declared 'improved'; where the deficit is, or may be, one of the level, a peer
    declared 'better' is one as well. That a partner's measure stands beside its success does not tell that it brought the
    success about, and the list is no ranking of cities. `p_peer` comes from context and `p_partner` from counts; their product
    orders, and is not the probability of both.
    """
    succeeded: dict[str, list[_Cell]] = {}
    for cell in grid[(grid["finding_change"] == _OF_CHANGE) | (grid["finding_level"] == _OF_LEVEL)].to_dict("records"):
        succeeded.setdefault(str(cell["indicator"]), []).append(cell)
    told = _Told(measures)
    near: dict[str, dict[str, float]] = {}
    rows: list[dict[str, object]] = []
    for cell in grid[grid["counts_as_deficit"].astype(bool)].to_dict("records"):
        city, indicator, field = (str(cell[name]) for name in ("city", "indicator", "field"))
        if city not in near:
            near[city] = peers.of(city, least)
        deficit = _deficit(cell)
        found = _partners(succeeded.get(indicator, []), near[city], level=deficit != "worsened")
        base = {name: cell[name] for name in ("city", "city_name", "field", "indicator", "definition", "p_deficit")}
        base |= {"deficit": deficit, "peers": len(near[city]), "partners": len(found)}
        if not found:
            rows.append(base | _NOBODY | {"outcome": "none" if near[city] else "no_peers"})
        for place, partner in enumerate(found[:shown], start=1):
            some, told_for = told.of(str(partner["partner"]), indicator, field)
            rows.append(base | partner | {"outcome": "partner", "place": place, "measures": len(some), "measures_for": told_for})
    table = pd.DataFrame(rows, columns=list(PARTNER_COLUMNS))
    numbers = ("p_deficit", "p_peer", "p_partner", "weight")
    counts = ("peers", "partners", "place", "measures")
    texts = [name for name in PARTNER_COLUMNS if name not in (*numbers, *counts)]
    table = table.astype(dict.fromkeys(numbers, float) | dict.fromkeys(counts, "Int64") | dict.fromkeys(texts, "str"))
    return table.sort_values(["city", "indicator", "place"], ignore_index=True)


def partner_measures(partners: pd.DataFrame, measures: pd.DataFrame, last_year: int) -> pd.DataFrame:
    """List what the learning partners do, as far as they told.

    Parameters
    ----------
    partners : pandas.DataFrame
        As `learning_partners` gives them.
    measures : pandas.DataFrame
        The same as there.
    last_year : int
        Last Berichtsjahr: a measure that began later had no part in a finding.

    Returns
    -------
    pandas.DataFrame
        Columns `PARTNER_MEASURE_COLUMNS`, a row per partner and measure, sorted by city, indicator and place; within a
        partner those that may have had a part first, then by title. Texts are as entered: nothing is escaped.
    """
    told = _Told(measures)
    rows: list[dict[str, Any]] = []
    for one in partners[partners["outcome"] == "partner"].to_dict("records"):
        some, _ = told.of(str(one["partner"]), str(one["indicator"]), str(one["field"]))
        beside = {name: one[name] for name in ("city", "indicator", "place", "partner", "measures_for")}
        dated = [measure | beside | _when(measure, last_year) for measure in some]
        rows += sorted(dated, key=lambda each: (each["late"], each["title"], each["description"]))
    table = pd.DataFrame(rows, columns=list(PARTNER_MEASURE_COLUMNS))
    return table.astype({"place": "Int64", "since": "Int64", "late": bool})


def _when(measure: _Cell, last_year: int) -> dict[str, object]:
    late = bool(pd.notna(measure["since"]) and measure["since"] > last_year)
    return {"named_for": measure["indicator"], "late": late}


class _Told:
    """The measures of each city, by what they are for."""

    def __init__(self, measures: pd.DataFrame) -> None:
        self._by: dict[tuple[str, str, str], list[_Cell]] = {}
        for one in measures.to_dict("records"):
            for told_for in ("indicator", "field"):
                self._by.setdefault((told_for, str(one["city"]), str(one[told_for])), []).append(one)

    def of(self, city: str, indicator: str, field: str) -> tuple[list[_Cell], str]:
        """Those for the indicator; where there is none, those for the field and its other indicators."""
        for told_for, name in (("indicator", indicator), ("field", field)):
            if some := self._by.get((told_for, city, name), []):
                return some, told_for
        return [], ""


def _deficit(cell: _Cell) -> str:
    declared = [str(cell[name]) for name in ("finding_change", "finding_level") if cell[name] in ("worsened", "worse")]
    return ";".join(declared) or "either"


def _partners(cells: list[_Cell], near: dict[str, float], *, level: bool) -> list[_Cell]:
    """Of these declared successes those of the peers, the first in the list first."""
    found = []
    for cell in cells:
        words = {_OF_CHANGE: float(cell["p_success"])} if cell["finding_change"] == _OF_CHANGE else {}
        if level and cell["finding_level"] == _OF_LEVEL:
            words[_OF_LEVEL] = float(cell["p_better"])
        city = str(cell["city"])
        if city not in near or not words:
            continue
        p_peer, p_partner = near[city], max(words.values())
        found.append(
            {
                "partner": city,
                "partner_name": cell["city_name"],
                "p_peer": p_peer,
                "success": ";".join(words),
                "p_partner": p_partner,
                "weight": p_peer * p_partner,
                "partner_flags": cell["flags"],
            }
        )
    return sorted(found, key=lambda one: (-one["weight"], one["partner"]))
