"""Rates and numerators under another unit, scale, base or year are refused; honest features that look like them pass."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from integstat.catalogue import Catalogue, load_catalogue
from integstat.errors import UsageError
from integstat.panel import COUNT_COLUMNS, Context, Panel
from integstat.peers.features.admission import admit_features
from integstat.peers.settings import FeatureSettings, PeerSettings

OWN, OTHER = "A2.restricted_base", "A5.all_employees"
YEARS = (2020, 2021)
Values = np.ndarray
Ring = dict[str, Values]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def panel_of(counts: dict[tuple[str, str, int], tuple[Values, Values]]) -> Panel:
    rows = []
    for (definition, group, year), (count, base) in counts.items():
        for place, (y, n) in enumerate(zip(count, base, strict=True)):
            indicator = definition.split(".")[0]
            rows.append((f"{91001 + place}", indicator, definition, group, year, float(y), float(n), "value", "value", "", ""))
    cities = [f"{91001 + place}" for place in range(len(count))]
    table = pd.DataFrame({"city": cities, "name": cities, "land": "91", "land_name": "Erfunden"})
    return Panel(pd.DataFrame(rows, columns=list(COUNT_COLUMNS)), table)


def admit(panel: Panel, catalogue: Catalogue, **columns: Values) -> tuple[str, ...]:
    context = Context(pd.DataFrame(columns, index=panel.cities["city"]), 2020)
    chosen = PeerSettings(feature=tuple(FeatureSettings(id=name, name_de="Merkmal") for name in columns))
    return admit_features(chosen, context, panel, catalogue, YEARS)


def simulated(seed: int, cities: int = 30) -> Ring:
    """Two definitions over two years: target and reference of A2, and a base of A5 that is the population."""
    rng = np.random.default_rng(seed)
    ring = {"pop": np.exp(rng.normal(12.3, 0.7, cities)).round()}
    for group, share, level in (("t", 0.08, 0.14), ("r", 0.4, 0.05)):
        base = ring["pop"] * share * np.exp(rng.normal(0.0, 0.25, cities))
        rate = level * np.exp(rng.normal(0.0, 0.35, cities))
        for year in (0, 1):
            ring[f"n_{group}{year}"] = (base * (1.0 + 0.02 * year)).round()
            ring[f"y_{group}{year}"] = (ring[f"n_{group}{year}"] * rate * np.exp(rng.normal(0.0, 0.05, cities))).round()
    return ring


def delivered(ring: Ring, rng: np.random.Generator) -> Panel:
    counts = {
        (OWN, group, YEARS[year]): (ring[f"y_{group[0]}{year}"], ring[f"n_{group[0]}{year}"])
        for group in ("target", "reference")
        for year in (0, 1)
    }
    for year in YEARS:
        counts[OTHER, "target", year] = (rng.binomial(ring["pop"].astype(int), 0.1), ring["pop"])
    return panel_of(counts)


@pytest.fixture(scope="module")
def ring() -> Ring:
    return simulated(3)


@pytest.fixture(scope="module")
def panel(ring: Ring) -> Panel:
    return delivered(ring, np.random.default_rng(4))


def rate(ring: Ring, group: str = "t", year: int = 0) -> Values:
    return ring[f"y_{group}{year}"] / ring[f"n_{group}{year}"]


SCALES: dict[str, tuple[Callable[[Values], Values], str]] = {
    "per 1,000": (lambda p: (1e3 * p).round(1), "ist die Quote .*, je 1.000;"),
    "per 10,000": (lambda p: (1e4 * p).round(0), "ist die Quote .*, je 10.000;"),
    "per 100,000": (lambda p: (1e5 * p).round(0), "ist die Quote .*, je 100.000;"),
    "times 1.01": (lambda p: (101.0 * p).round(2), "ist die Quote .*, bis auf einen festen Faktor;"),
    "negated": (lambda p: (-100.0 * p).round(2), "ist die Quote .*, bis auf einen festen Faktor;"),
    "inverse": (lambda p: 1.0 / p, "ist der Kehrwert der Quote .*;"),
    "odds": (lambda p: p / (1.0 - p), "ist das Verhältnis von Zähler zu Gegenstück .*;"),
    "logit": (lambda p: np.log(p / (1.0 - p)), "ordnet die Städte genau wie die Quote .*, oder genau umgekehrt;"),
    "log": (np.log, "ordnet die Städte genau wie die Quote"),
    "root": (np.sqrt, "ordnet die Städte genau wie die Quote"),
    "rounded root": (lambda p: np.sqrt(p).round(2), "ordnet die Städte genau wie die Quote"),
    "centred": (lambda p: p - p.mean(), "ordnet die Städte genau wie die Quote"),
    "score": (lambda p: ((p - p.mean()) / p.std()).round(3), "ordnet die Städte genau wie die Quote"),
    "log of the complement": (lambda p: np.log(1.0 - p), "ordnet die Städte genau wie die Quote"),
}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("group", ["t", "r"])
def test_a_rate_on_another_scale_is_refused(ring: Ring, panel: Panel, catalogue: Catalogue, scale: str, group: str) -> None:
    change, message = SCALES[scale]
    with pytest.raises(UsageError, match=message):
        admit(panel, catalogue, f=change(rate(ring, group)))


DISGUISES: dict[str, tuple[Callable[[Ring], Values], str]] = {
    "thousands": (lambda r: r["y_t0"] / 1e3, "ist der Zähler"),
    "thousands, one decimal": (lambda r: (r["y_r0"] / 1e3).round(1), "ist der Zähler"),
    "both groups in thousands": (lambda r: (r["y_t0"] + r["y_r0"]) / 1e3, r"ist der Zähler \(beide Gruppen"),
    "logarithm": (lambda r: np.log(r["y_t0"]), "ordnet die Städte genau wie der Zähler"),
    "over another base": (lambda r: (1e3 * r["y_t0"] / r["pop"]).round(2), f"der Zähler, gemessen an dem Nenner von {OTHER}"),
    "log over another base": (lambda r: np.log(r["y_t0"] / r["pop"]), f"wie der Zähler, gemessen an dem Nenner von {OTHER}"),
    "share of both": (lambda r: (100 * r["y_t0"] / (r["y_t0"] + r["y_r0"])).round(1), "ist der Anteil am Zähler beider Gruppen"),
    "other share of both": (lambda r: r["y_r0"] / (r["y_t0"] + r["y_r0"]), "ist der übrige Anteil am Zähler beider Gruppen"),
    "the other year": (lambda r: (100 * rate(r, "t", 1)).round(1), r"ist die Quote .* 2021\)"),
    "mean of the years": (lambda r: (50 * (rate(r) + rate(r, "t", 1))).round(2), "ist das Mittel der Quoten|Mittel der Jahre"),
    "rate of the mean counts": (
        lambda r: (r["y_t0"] + r["y_t1"]) / (r["n_t0"] + r["n_t1"]),
        r"ist die Quote .*, Mittel der Jahre\)",
    ),
    "difference": (lambda r: rate(r) - rate(r, "r"), "ist der Abstand der Quoten"),
    "ratio": (lambda r: (rate(r) / rate(r, "r")).round(3), "ist das Verhältnis der Quoten"),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_numerator_set_against_something_else_or_of_another_year_is_refused(
    ring: Ring, panel: Panel, catalogue: Catalogue, disguise: str
) -> None:
    change, message = DISGUISES[disguise]
    with pytest.raises(UsageError, match=message):
        admit(panel, catalogue, f=change(ring))


def test_a_rate_with_noise_and_one_over_a_base_nobody_delivered_are_told(ring: Ring, panel: Panel, catalogue: Catalogue) -> None:
    rng = np.random.default_rng(5)
    noisy = 100 * rate(ring) * np.exp(rng.normal(0.0, 0.06, 30))
    unknown = ring["y_t0"] / (ring["n_t0"] * rng.uniform(1.5, 1.7, 30))
    for values in (noisy, noisy.round(1), -noisy, unknown):
        notes = admit(panel, catalogue, f=values)
        assert len(notes) == 1 and "'Merkmal' ordnet die Städte fast wie" in notes[0]
    loose = 100 * rate(ring) * np.exp(rng.normal(0.0, 0.3, 30))
    assert admit(panel, catalogue, f=loose) == ()


@pytest.mark.parametrize("cities", [10, 12, 30])
def test_population_is_not_refused_for_being_ordered_like_a_count(catalogue: Catalogue, cities: int) -> None:
    """Numerators here grow with the population without exception, in every group and year."""
    for seed in range(5):
        ring = simulated(seed, cities)
        steady = {name: ring["pop"] * 10.0 ** -(1 + ("y" in name)) for name in ring if name != "pop"}
        rng = np.random.default_rng(seed)
        for name in steady:
            if name.startswith("y"):  # in the order of size, though not in proportion to it
                steady[name] = np.sort(steady[name] * rng.uniform(0.7, 1.3, cities))[np.argsort(np.argsort(ring["pop"]))]
        panel = delivered({"pop": ring["pop"]} | {name: values.round() for name, values in steady.items()}, rng)
        for values in (ring["pop"], ring["pop"].round(-3), ring["pop"] / 1e3, np.log(ring["pop"])):
            admit(panel, catalogue, f=values)


def test_a_rounded_feature_in_the_order_of_a_base_is_not_refused_for_pairs_it_leaves_equal(catalogue: Catalogue) -> None:
    """Where a count is nearly a fixed share of the base, only cities that the rounding makes equal tell one from the other."""
    rng = np.random.default_rng(11)
    base = np.exp(rng.normal(12.3, 0.7, 60)).round()
    per_flat = rng.normal(0.0, 0.4, 60).round(1)  # logarithm of base over flats, before what is rounded away
    assert len(np.unique(per_flat)) >= 10
    flats = base / np.exp(per_flat + rng.uniform(-0.02, 0.02, 60))
    panel = panel_of({(OWN, "target", 2020): (0.1 * base * np.exp(rng.uniform(-0.02, 0.02, 60)), base)})
    notes = admit(panel, catalogue, f=per_flat, flats=flats)
    assert any("ordnet die Städte genau wie der Zähler, gemessen an 'flats'" in note for note in notes)


def test_a_base_on_another_scale_is_told(ring: Ring, panel: Panel, catalogue: Catalogue) -> None:
    both = ring["n_t0"] + ring["n_r0"]
    for values in (ring["pop"], ring["pop"] / 1e3, np.log(ring["pop"]), np.sqrt(both), (100 * ring["n_t0"] / both).round(2)):
        notes = admit(panel, catalogue, f=values)
        assert len(notes) == 1 and "teilt eine Grundzahl" in notes[0]


@pytest.mark.parametrize("level", [0.996, 0.002])
def test_a_feature_at_a_ceiling_or_floor_is_not_a_rate_that_rounds_to_it(catalogue: Catalogue, level: float) -> None:
    rng = np.random.default_rng(6)
    base = np.full(60, 50_000.0)
    panel = panel_of({(OWN, "target", 2020): (rng.binomial(50_000, np.clip(rng.normal(level, 5e-4, 60), 0.0, 1.0)), base)})
    bound, elsewhere = (100.0, 100.0 - 3.0 * np.arange(1, 7)) if level > 0.5 else (0.0, 3.0 * np.arange(1, 7))
    for off in (0, 4, 6):
        values = np.full(60, bound)
        values[rng.permutation(60)[:off]] = elsewhere[:off]
        assert admit(panel, catalogue, f=values) == ()


def test_a_rate_that_is_mostly_zero_is_still_the_rate(catalogue: Catalogue) -> None:
    rng = np.random.default_rng(7)
    count = np.where(np.arange(60) < 45, 0, rng.integers(100, 3000, 60))
    panel = panel_of({(OWN, "target", 2020): (count, np.full(60, 20_000.0))})
    with pytest.raises(UsageError, match="ist die Quote .*, in Prozent"):
        admit(panel, catalogue, f=(100 * count / 20_000).round(1))


@pytest.mark.parametrize("cities", [12, 60])
def test_honest_features_pass(catalogue: Catalogue, cities: int) -> None:
    """Random ones, ones correlated 0.9 with the target's rate, integers in a narrow band, sizes: none is refused."""
    ring = simulated(8, cities)
    panel = delivered(ring, np.random.default_rng(9))
    rng = np.random.default_rng(10)
    own = (rate(ring) - rate(ring).mean()) / rate(ring).std()
    chance = rng.normal(size=(50, cities))
    like = 0.9 * own + np.sqrt(1.0 - 0.81) * chance
    features = {
        "random": 40.0 + 5.0 * chance,
        "rounded": (14.0 + 3.0 * chance).round(),
        "like": 14.0 + 5.0 * like,
        "like_rounded": (14.0 + 3.0 * like).round(),
        "band": rng.integers(60, 64, (50, cities)).astype(float),
        "like_band": np.clip((61.5 + like).round(), 60, 63),
        "band_near_complement": np.clip((86.0 + like).round(), 84, 87),
        "size": ring["pop"] / 1e6 * np.exp(0.3 * chance),
    }
    columns = {f"{name}{draw}": values for name, rows in features.items() for draw, values in enumerate(rows)}
    notes = admit(panel, catalogue, **columns)
    assert [note for note in notes if "genau" in note] == []
