"""All of planning in order: inputs, rings of two and of three years, and the tables with the meaning of their columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from integstat.errors import UsageError
from integstat.findings.settings import FindingSettings
from integstat.planning.assurance import KINDS, Assurance, Rings, assure, rings_of
from integstat.planning.gaussian import YEARS
from integstat.planning.inputs import Inputs, Planned

INHABITANTS = (100_000, 200_000, 500_000, 1_000_000)
OWN = {"own_small": 0.1, "own_middle": 0.5, "own_large": 0.9}  # quantiles of the ring's own bases: no city's own
CARRIES = 0.10  # an indicator carries findings where at least this share of true changes is found
ROUGH = 10.0  # cases below which the Gaussian counting error is rough

PLAN_CODEBOOK = {
    "indicator": "Kennung des Indikators",
    "definition": "Definition, wie der Ring sie zugrunde legt",
    "years": "Zahl der aufeinanderfolgenden Jahre; die Veränderung ist die vom ersten zum letzten",
    "size": "Größe der Stadt: Zahl der Einwohnerinnen und Einwohner, oder own_small, own_middle, own_large: "
    "die Nennergröße, unter der ein Zehntel, die Hälfte, neun Zehntel der Städte des Rings liegen",
    "base": "Personen der Zielgruppe im Nenner, in einem Jahr",
    "cases": "zu erwartende Fälle in einem Jahr; bei einem Anteil die selteneren (Fälle oder Nichtfälle)",
    "rough": "True: weniger als 10 Fälle, die Angaben sind grob",
    "smallest_change": "kleinste Veränderung gegenüber der Mitte der anderen Städte, die mit Wahrscheinlichkeit 0,8 "
    "als verbessert ausgewiesen wird, Linkskala (Logit, bei Raten Logarithmus); leer: keine bis 6",
    "smallest_change_points": "dieselbe in Punkten vom typischen Stand aus",
    "smallest_lasting": "kleinste bleibende Veränderung, bei der mit Wahrscheinlichkeit 0,8 der Befund steht und "
    "P(bleibend > 0) die Schwelle des Rings erreicht, Linkskala; leer: keine bis 6",
    "smallest_lasting_points": "dieselbe in Punkten vom typischen Stand aus",
    "found": "Anteil der wirklich verbesserten Städte dieser Größe, die so ausgewiesen werden",
    "found_unchanged": "Anteil der wirklich unveränderten Städte dieser Größe, die so ausgewiesen werden",
    "typical_change": "eine Standardabweichung der Veränderung zwischen Städten, Linkskala; dafür gelten die drei nächsten",
    "type_s": "Anteil der Befunde über eine so große Veränderung, die das falsche Vorzeichen haben (Typ S)",
    "type_m": "um welchen Faktor die rohe Differenz sie in solchen Befunden im Mittel übertreibt (Typ M)",
    "type_m_shown": "um welchen Faktor die angezeigte, geschrumpfte Veränderung sie im Mittel übertreibt",
    "carries": "True: mindestens ein Zehntel der wirklichen Verbesserungen wird gefunden",
}
RING_CODEBOOK = {
    "indicator": "Kennung des Indikators",
    "definition": "Definition, wie der Ring sie zugrunde legt",
    "years": "Zahl der aufeinanderfolgenden Jahre",
    "cities": "Zahl der Städte",
    **{
        f"{part}_{kind}": f"{words} ({german}), Mittel über simulierte Ringe"
        for kind, german in zip(KINDS, ("verbessert", "verschlechtert", "unverändert"), strict=True)
        for part, words in (
            ("truly", "Zahl der Städte, auf die es zutrifft"),
            ("declared", "Zahl der Städte, bei denen es ausgewiesen wird"),
            ("right", "Zahl der Städte, bei denen es zu Recht ausgewiesen wird"),
        )
    },
}
INPUT_CODEBOOK = {
    "indicator": "Kennung des Indikators",
    "definition": "Definition, wie der Ring sie zugrunde legt",
    "level": "typischer Stand der Zielgruppe (Median der Städte), als Anteil",
    "base_middle": "mittlere Zahl der Personen im Nenner je Stadt des Rings",
    "base_per_1000": "Personen im Nenner je 1 000 Einwohnerinnen und Einwohner",
    "sd_change": "angenommene Standardabweichung der Veränderung eines Jahres zwischen Städten, Linkskala",
    "share_lasting": "angenommener Anteil ihrer Varianz, der bleibt (Mittel der Vorannahme)",
    "rho": "kleinste Veränderung, die zählt, Linkskala",
    "precision": "Gewicht einer gezählten Person in der Rechnung (Monatsmittel, Umfrage, Bestand mit Überlappung)",
    "from_level": "Herkunft von Stand und Nennern: counts (Zahlen des Rings), magnitudes (Größenordnungen)",
    "from_per_1000": "Herkunft der Personen je 1 000: counts oder magnitudes",
    "from_sd_change": "Herkunft der Standardabweichung: history, config, magnitudes oder prior (allgemeine Vorannahme)",
    "other_definition": "Definition, deren Größenordnungen übernommen wurden, wenn es nicht dieselbe ist",
}


@dataclass(frozen=True)
class Plan:
    """What a ring could find, as tables.

    Attributes
    ----------
    inputs : Inputs
    settings : FindingSettings
    table : pandas.DataFrame
        Columns of `PLAN_CODEBOOK`: a row per indicator, number of years and size of city.
    ring : pandas.DataFrame
        Columns of `RING_CODEBOOK`: a row per indicator and number of years.
    assumptions : pandas.DataFrame
        Columns of `INPUT_CODEBOOK`: a row per indicator.
    """

    inputs: Inputs
    settings: FindingSettings
    table: pd.DataFrame
    ring: pd.DataFrame
    assumptions: pd.DataFrame

    def of(self, years: int, size: int | str) -> pd.DataFrame:
        """Rows of one number of years and one size, by indicator in order."""
        chosen = self.table[(self.table["years"] == years) & (self.table["size"] == str(size))]
        return chosen.set_index("indicator")


def make_plan(inputs: Inputs, settings: FindingSettings, seed: int) -> Plan:
    """Tell what a ring could find.

    Parameters
    ----------
    inputs : Inputs
    settings : FindingSettings
    seed : int
        Of the simulated rings.

    Raises
    ------
    UsageError
        If there is no indicator to plan for, or fewer than six cities: no change beyond the others is estimable then.

    Notes
    -----
    Assurance (O'Hagan, Stevens & Campbell 2005, doi:10.1002/pst.175) under the assumed spreads. Nothing here comes from changes
    that were seen, and nothing here says what will be found.
    """
    if not inputs.planned:
        raise UsageError(
            "für keinen Indikator des Rings sind Größenordnungen bekannt",
            place="[ring]",
            mend="bitte Zahlen in den Datenordner legen oder Indikatoren wählen, die der simulierte Ring kennt",
        )
    if inputs.cities < 6:
        raise UsageError(
            f"{inputs.cities} Städte sind zu wenige: verglichen wird mit der Mitte von mindestens fünf anderen",
            place="--cities oder Datenordner",
            mend="bitte mit mindestens sechs Städten planen",
        )
    every = [rings_of(inputs.planned, years, settings, seed) for years in YEARS]
    rows = [_row(rings, place, size, base, settings) for rings in every for place, size, base in _cells(inputs)]
    ring = [_ring_row(rings, place) for rings in every for place in range(len(inputs.planned))]
    return Plan(
        inputs,
        settings,
        pd.DataFrame(rows, columns=list(PLAN_CODEBOOK)),
        pd.DataFrame(ring, columns=list(RING_CODEBOOK)),
        pd.DataFrame([_input_row(one) for one in inputs.planned], columns=list(INPUT_CODEBOOK)),
    )


def _cells(inputs: Inputs) -> list[tuple[int, str, float]]:
    """Place of each indicator, size of the city, base there."""
    out: list[tuple[int, str, float]] = []
    for place, one in enumerate(inputs.planned):
        if np.isfinite(one.per_1000):
            out += [(place, str(size), one.per_1000 * size / 1000) for size in INHABITANTS]
        out += [(place, name, float(np.quantile(one.bases, part))) for name, part in OWN.items()]
    return out


def _row(rings: Rings, place: int, size: str, base: float, settings: FindingSettings) -> dict[str, object]:
    one, found = rings.planned[place], assure(rings, place, base, settings)
    return {
        "indicator": one.indicator,
        "definition": one.definition,
        "years": rings.years,
        "size": size,
        **_figures(one, found),
        "carries": found.found >= CARRIES,
    }


def _figures(one: Planned, found: Assurance) -> dict[str, object]:
    return {
        "base": found.base,
        "cases": found.cases,
        "rough": found.cases < ROUGH,
        "smallest_change": found.change,
        "smallest_change_points": one.points(found.change),
        "smallest_lasting": found.lasting,
        "smallest_lasting_points": one.points(found.lasting),
        "found": found.found,
        "found_unchanged": found.found_unchanged,
        "typical_change": found.typical,
        "type_s": found.type_s,
        "type_m": found.type_m,
        "type_m_shown": found.type_m_shown,
    }


def _ring_row(rings: Rings, place: int) -> dict[str, object]:
    one = rings.planned[place]
    counts = {"truly": rings.truly, "declared": rings.declared, "right": rings.right}
    head = {"indicator": one.indicator, "definition": one.definition, "years": rings.years, "cities": len(one.bases)}
    return head | {f"{part}_{kind}": float(by[kind][:, place].mean()) for kind in KINDS for part, by in counts.items()}


def _input_row(one: Planned) -> dict[str, object]:
    return {
        "indicator": one.indicator,
        "definition": one.definition,
        "level": one.level,
        "base_middle": float(np.median(one.bases)),
        "base_per_1000": one.per_1000,
        "sd_change": one.sd_change,
        "share_lasting": one.share_lasting,
        "rho": one.rho,
        "precision": one.precision,
        "from_level": one.counts,
        "from_per_1000": one.size,
        "from_sd_change": one.spread,
        "other_definition": one.other,
    }
