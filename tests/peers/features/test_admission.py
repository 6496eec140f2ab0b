import numpy as np
import pandas as pd
import pytest

from integstat.catalogue import Catalogue, load_catalogue
from integstat.errors import UsageError
from integstat.panel import COUNT_COLUMNS, Context, Panel
from integstat.peers.features.admission import Provenance, admit_features
from integstat.peers.settings import FeatureSettings, PeerSettings

A2 = "A2.restricted_base"
YEARS = (2020, 2021)
CITIES = [f"{91001 + i}" for i in range(12)]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def panel() -> Panel:
    rng = np.random.default_rng(1)
    rows = []
    for group in ("target", "reference"):
        for year in YEARS:
            base = rng.integers(20_000, 90_000, len(CITIES))
            count = rng.binomial(base, rng.uniform(0.03, 0.2, len(CITIES)))
            for city, y, n in zip(CITIES, count, base, strict=True):
                rows.append((city, "A2", A2, group, year, float(y), float(n), "value", "value", "", ""))
    cities = pd.DataFrame({"city": CITIES, "name": CITIES, "land": "91", "land_name": "Erfunden"})
    return Panel(pd.DataFrame(rows, columns=list(COUNT_COLUMNS)), cities)


def counts(panel: Panel, group: str, year: int = 2020) -> pd.DataFrame:
    rows = panel.counts.query("group == @group and year == @year")
    return rows.set_index("city")[["y", "n"]]


def admit(panel: Panel, catalogue: Catalogue, column: np.ndarray, provenance: Provenance | None = None) -> tuple[str, ...]:
    context = Context(pd.DataFrame({"f": column}, index=CITIES), 2020)
    chosen = PeerSettings(feature=(FeatureSettings(id="f", name_de="Merkmal"),))
    return admit_features(chosen, context, panel, catalogue, YEARS, provenance)


@pytest.mark.parametrize(("unit", "decimals"), [(1.0, 4), (100.0, 2), (100.0, 1), (1000.0, 0), (100.0, None)])
@pytest.mark.parametrize("group", ["target", "reference", "both"])
@pytest.mark.parametrize("complement", [False, True])
def test_an_indicators_own_rate_is_refused(
    panel: Panel, catalogue: Catalogue, unit: float, decimals: int | None, group: str, complement: bool
) -> None:
    found = counts(panel, "target") + counts(panel, "reference") if group == "both" else counts(panel, group)
    rate = (found["y"] / found["n"]).to_numpy()
    values = unit * (1.0 - rate if complement else rate)
    word = "das Gegenstück der Quote" if complement else "die Quote"
    with pytest.raises(UsageError, match=rf"'Merkmal' \(f\) ist {word}.*2020\) von .*A2.restricted_base.*streichen"):
        admit(panel, catalogue, values if decimals is None else values.round(decimals))


def test_a_rate_with_a_corrected_figure_and_gaps_is_still_the_rate(panel: Panel, catalogue: Catalogue) -> None:
    found = counts(panel, "target")
    values = (100 * found["y"] / found["n"]).round(2).to_numpy(copy=True)
    values[3] += 0.4
    with pytest.raises(UsageError, match="ist die Quote .*, in Prozent"):
        admit(panel, catalogue, values)
    values = (100 * found["y"] / found["n"]).round(2).to_numpy(copy=True)
    values[5:] = np.nan
    with pytest.raises(UsageError, match="ist die Quote .*, in Prozent"):
        admit(panel, catalogue, values)
    values[4] = np.nan  # four cities prove nothing
    assert admit(panel, catalogue, values) == ()


def test_a_numerator_is_refused_and_a_denominator_told(panel: Panel, catalogue: Catalogue) -> None:
    found = counts(panel, "reference")
    with pytest.raises(UsageError, match="ist der Zähler"):
        admit(panel, catalogue, found["y"].to_numpy())
    with pytest.raises(UsageError, match="ist das Gegenstück des Zählers"):
        admit(panel, catalogue, (found["n"] - found["y"]).to_numpy())
    notes = admit(panel, catalogue, found["n"].to_numpy())
    assert len(notes) == 1 and "'Merkmal' teilt eine Grundzahl mit dem Nenner von" in notes[0]


def test_figures_too_coarse_to_compare_pass(panel: Panel, catalogue: Catalogue) -> None:
    found = counts(panel, "target")
    assert admit(panel, catalogue, (found["y"] / found["n"]).round(1).to_numpy()) == ()


def test_an_order_of_nine_cities_proves_nothing(panel: Panel, catalogue: Catalogue) -> None:
    found = counts(panel, "target")
    rate = (found["y"] / found["n"]).to_numpy()
    with pytest.raises(UsageError, match="ordnet die Städte genau wie die Quote"):
        admit(panel, catalogue, np.where(np.arange(12) < 10, rate**2, np.nan))
    assert admit(panel, catalogue, np.where(np.arange(12) < 9, rate**2, np.nan)) == ()


def test_provenance_refuses_numerators_and_tells_bases(panel: Panel, catalogue: Catalogue) -> None:
    values = np.arange(12.0)
    definitions = {A2: (frozenset({"unemployed"}), frozenset({"employed"}))}
    own = Provenance({"f": frozenset({"inhabitants", "unemployed"})}, definitions)
    with pytest.raises(UsageError, match=r"wird aus 'unemployed' gebildet, woraus auch der Zähler von .*A2.restricted_base"):
        admit(panel, catalogue, values, own)
    base = Provenance({"f": frozenset({"inhabitants", "employed"})}, definitions)
    assert len(admit(panel, catalogue, values, base)) == 1
    assert admit(panel, catalogue, values, Provenance({"f": frozenset({"inhabitants"})}, definitions)) == ()


def test_only_features_of_the_settings_are_looked_at(panel: Panel, catalogue: Catalogue) -> None:
    found = counts(panel, "target")
    frame = pd.DataFrame({"f": np.arange(12.0), "rate": found["y"] / found["n"]}, index=CITIES)
    chosen = PeerSettings(feature=(FeatureSettings(id="f", name_de="Merkmal"),))
    assert admit_features(chosen, Context(frame, 2020), panel, catalogue, YEARS) == ()


@pytest.mark.parametrize("of", ["y", "rest", "n"])
def test_counts_set_against_people_of_the_context(panel: Panel, catalogue: Catalogue, of: str) -> None:
    found = counts(panel, "target").assign(rest=lambda rows: rows["n"] - rows["y"])
    people = np.linspace(150_000, 600_000, 12)
    frame = pd.DataFrame({"f": (100 * found[of] / people).round(2), "people": people}, index=CITIES)
    chosen = PeerSettings(feature=(FeatureSettings(id="f", name_de="Merkmal"),))
    if of == "n":
        assert "teilt eine Grundzahl mit dem Nenner" in admit_features(chosen, Context(frame, 2020), panel, catalogue, YEARS)[0]
        return
    with pytest.raises(UsageError, match=r"(des Zählers|der Zähler), gemessen an 'people', .*, in Prozent"):
        admit_features(chosen, Context(frame, 2020), panel, catalogue, YEARS)


def test_a_base_too_coarse_to_tell_from_its_complement_is_a_base(catalogue: Catalogue) -> None:
    base = np.linspace(20_400, 90_400, 12).round()
    rows = [
        (c, "A2", A2, "target", 2020, 20.0 + 30.0 * (n % 7), n, "value", "value", "", "")
        for c, n in zip(CITIES, base, strict=True)
    ]
    cities = pd.DataFrame({"city": CITIES, "name": CITIES, "land": "91", "land_name": "Erfunden"})
    notes = admit(Panel(pd.DataFrame(rows, columns=list(COUNT_COLUMNS)), cities), catalogue, base.round(-3))
    assert len(notes) == 1 and "Nenner" in notes[0]
