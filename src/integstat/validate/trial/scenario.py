"""What the model does not assume: one departure from it at a time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """A departure from the model; the defaults depart in nothing.

    Attributes
    ----------
    id, name_de : str
    what_de : str
        What is otherwise, in one sentence.
    degrees : float
        Degrees of freedom of the cities' own changes, SD unchanged; 0: normal.
    block : float
        Correlation of the own changes within hidden blocks of `BLOCK` cities.
    lasting : tuple of float, optional
        Beta parameters of the share that truly lasts.
    wrong_peers : bool
        The fit is given groups that have nothing to do with the true ones.
    sensitivity : float
        Share of the target group's persons that is recognised; the others are counted in the reference group, where there is one.
    rounded : int
        Counts and bases are rounded to multiples of it and taken for exact; 0: not.
    land_break, city_break : float
        Link scale: how far the figures of the last year stand off since something else is counted, in all cities of one Land;
        in every eighth city, where a quarter of the base is lost with it. The true propensities stay.
    """

    id: str
    name_de: str
    what_de: str
    degrees: float = 0.0
    block: float = 0.0
    lasting: tuple[float, float] | None = None
    wrong_peers: bool = False
    sensitivity: float = 1.0
    rounded: int = 0
    land_break: float = 0.0
    city_break: float = 0.0


BLOCK, EVERY, BASE_KEPT = 6, 8, 0.75

_ALL = (
    Scenario("model", "das Modell selbst", "Wahrheit und Zählungen kommen aus dem Modell mit seinen eigenen Vorannahmen."),
    Scenario(
        "heavy_tails",
        "schwere Ränder",
        "Die eigenen Veränderungen der Städte sind t-verteilt mit 3 Freiheitsgraden, bei gleicher Streuung.",
        degrees=3.0,
    ),
    Scenario(
        "blocks",
        "Städte hängen zusammen",
        "Je sechs Städte, die niemand als Gruppe kennt, bewegen sich gemeinsam (Korrelation 0,5).",
        block=0.5,
    ),
    Scenario(
        "lasting",
        "falsche Vorannahme, was bleibt",
        "Im Mittel bleibt ein Fünftel der Veränderung (Beta(1, 4)); angenommen werden zwei Fünftel.",
        lasting=(1.0, 4.0),
    ),
    Scenario(
        "wrong_peers",
        "falsche Vergleichsgruppen",
        "Die Rechnung bekommt Gruppen, die mit den wahren nichts zu tun haben.",
        wrong_peers=True,
    ),
    Scenario(
        "misclassified",
        "Zugehörigkeit verkannt",
        "15 % der Zielgruppe stehen in der Vergleichsgruppe (Sensitivität 0,85).",
        sensitivity=0.85,
    ),
    Scenario("rounded", "gerundete Zahlen", "Zähler und Nenner sind auf 5 gerundet und gelten als genau.", rounded=5),
    Scenario(
        "land_break",
        "Bruch in einem Land",
        "In einem der drei Länder wird im letzten Jahr anders gezählt (+0,4 auf der Linkskala); der Bruch ist nicht vermerkt.",
        land_break=0.4,
    ),
    Scenario(
        "city_break",
        "Bruch in einzelnen Städten",
        "In jeder achten Stadt wird im letzten Jahr anders gezählt (+0,4), und ein Viertel der Grundgesamtheit fehlt.",
        city_break=0.4,
    ),
)
SCENARIOS = {one.id: one for one in _ALL}
