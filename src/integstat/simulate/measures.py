"""Invented measures of invented cities, so that a simulated ring has something to show beside its findings."""

from __future__ import annotations

import numpy as np

from integstat.catalogue import Catalogue
from integstat.intake.measures import Measure
from integstat.simulate.ring import YEARS, Ring

MOST_OWN = 2  # indicators in which a city did best and tells why it thinks so
P_OTHER = 0.5  # that it names a measure of another indicator, or of a whole field, too
INVENTED = "erfunden"  # in every title and description
_SEED = 7_051  # keeps these draws apart from those of the counts

_TITLES: dict[str, tuple[str, ...]] = {
    "R1": ("Einbürgerungslotsen in den Stadtteilen", "Brief zur Einbürgerung an alle mit acht Jahren Aufenthalt"),
    "R2": ("Sprechtag Aufenthaltsrecht im Rathaus", "Gemeinsame Akte von Ausländerbehörde und Beratung"),
    "K2": ("Kita-Einstieg mit Elterncafé", "Platzvergabe mit Anruf in der Familiensprache"),
    "S1": ("Vorlesepaten in der Kita", "Sprachgruppe vor der Einschulung"),
    "E2": ("Übergangsgespräche nach der Grundschule", "Hausaufgabenhilfe an Gymnasien"),
    "E3": ("Schulabschluss im zweiten Anlauf", "Mentoring in den Klassen 8 und 9"),
    "A1": ("Anerkennungsberatung am Abend", "Deutsch im Betrieb"),
    "A2": ("Arbeitgeberservice mit Sprachmittlung", "Frauen finden Arbeit"),
    "A5": ("Vom Minijob zur Stelle",),
    "L1": ("Beratung zu ergänzenden Leistungen im Quartier",),
    "G1": ("Erinnerung an die U8 in zehn Sprachen", "Kinderärztin im Familienzentrum"),
    "OE2": ("Ausbildung bei der Stadt: Werbung in Schulen", "Auswahlverfahren ohne Namen"),
}


def fictional_measures(ring: Ring, catalogue: Catalogue, seed: int) -> dict[str, list[Measure]]:
    """Invent what each city says it does.

    Parameters
    ----------
    ring : Ring
    catalogue : Catalogue
    seed : int

    Returns
    -------
    dict of str to list of Measure
        By city; one to three measures each, every one saying that it is invented.

    Notes
    -----
    A city names measures where its true change was best, for people tell of what went well. The measures did nothing to the
    counts: in a simulated ring, that a measure stands beside a success is never evidence that it worked.
    """
    rng = np.random.default_rng([_SEED, seed])
    indicators = [catalogue.definition(definition)[0] for definition in ring.truths]
    gain = np.stack(
        [
            catalogue.polarity(definition) * (truth.change[:, 0] - np.median(truth.change[:, 0])) / truth.parameters.sd_change[0]
            for definition, truth in ring.truths.items()
        ]
    )
    told: dict[str, list[Measure]] = {}
    for place, (city, name) in enumerate(zip(ring.cities["city"], ring.cities["name"], strict=True)):
        best = np.argsort(-gain[:, place], kind="stable")[:MOST_OWN]
        chosen = [(int(i), False) for i in best[gain[best, place] > 0]] or [(int(best[0]), False)]
        if rng.random() < P_OTHER:
            chosen.append((int(rng.integers(len(indicators))), bool(rng.random() < 0.5)))
        told[str(city)] = [
            _measure(indicators[i].field, indicators[i].id, str(name), whole, rng) for i, whole in dict(chosen).items()
        ]
    return told


def _measure(field: str, indicator: str, city: str, whole_field: bool, rng: np.random.Generator) -> Measure:
    titles = _TITLES[indicator]
    title = titles[int(rng.integers(len(titles)))]
    mailbox = "".join(sign for sign in city.split()[0].lower() if sign.isascii() and sign.isalpha())
    return Measure(
        field=field,
        indicator="" if whole_field else indicator,
        title=f"{title} ({INVENTED})",
        description=f"Ein {INVENTED}es Beispiel einer {INVENTED}en Stadt; es zeigt, was hier stehen könnte.",
        since=int(rng.integers(YEARS[0] - 6, YEARS[1] + 3)),
        link=f"integration@{mailbox}.example",
    )
