"""Write a simulated ring as the cities would deliver it: a workbook each, the ring's config, and the truth beside them."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd

from integstat.catalogue import Catalogue
from integstat.intake.workbook_writer import write_workbook
from integstat.simulate.measures import fictional_measures
from integstat.simulate.ring import FEATURE_NAMES, YEARS, Ring
from integstat.steps import write_text, writing

MULTIVERSE = "multiverse.toml"
RING_NAME = "Simulierter Vergleichsring (erfundene Städte)"


def write_ring(ring: Ring, catalogue: Catalogue, folder: Path, seed: int) -> Path:
    """Write workbooks, config and truth into a folder.

    Parameters
    ----------
    ring : Ring
    catalogue : Catalogue
    folder : Path
        Made if it is not there.
    seed : int
        Written into the config.

    Returns
    -------
    Path
        The ring's config.
    """
    books = folder / "workbooks"
    books.mkdir(parents=True, exist_ok=True)
    entries = [catalogue.definition(definition) for definition in ring.truths]
    measures = fictional_measures(ring, catalogue, seed)
    for place, city in enumerate(ring.cities.itertuples()):
        write_workbook(
            books / f"{city.city}.xlsx",
            ring_name=RING_NAME,
            city=str(city.city),
            city_name=str(city.name),
            years=YEARS,
            catalogue_entries=entries,
            field_names={field.id: field.name_de for field in catalogue.fields.values()},
            count_names={count.id: count.name_de for count in catalogue.counts.values()},
            counts=_counts(ring, place),
            context={str(name): float(value) for name, value in ring.context.iloc[place].items()},
            context_names=FEATURE_NAMES,
            measures=measures[str(city.city)],
        )
    with writing(folder / "truth.csv") as part:
        truth_table(ring).to_csv(part, index=False)
    config = folder / "ring.toml"
    write_text(config, config_text(ring, seed))
    write_text(folder / MULTIVERSE, resources.files("integstat.simulate").joinpath(MULTIVERSE).read_text(encoding="utf-8"))
    return config


def _counts(ring: Ring, place: int) -> dict[tuple[str, str, int, str], float | str]:
    out: dict[tuple[str, str, int, str], float | str] = {}
    for definition, truth in ring.truths.items():
        for g, group in enumerate(("target", "reference")[: truth.n.shape[1]]):
            for t, year in enumerate(YEARS):
                out[definition, group, year, "numerator"] = float(truth.y[place, g, t])
                out[definition, group, year, "denominator"] = float(truth.n[place, g, t])
    return out


def truth_table(ring: Ring) -> pd.DataFrame:
    """Tabulate the true change and its lasting part by city, definition and group, link scale, not turned by polarity."""
    frames = []
    for definition, truth in ring.truths.items():
        for g, group in enumerate(("target", "reference")[: truth.n.shape[1]]):
            frames.append(
                pd.DataFrame(
                    {
                        "city": ring.cities["city"],
                        "definition": definition,
                        "group": group,
                        "mean": truth.mean[:, g],
                        "change": truth.change[:, g],
                        "relative_change": truth.change[:, g] - _median_of_others(truth.change[:, g]),
                        "lasting": truth.lasting[:, g],
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)


def _median_of_others(values: np.ndarray) -> np.ndarray:
    return np.array([np.median(np.delete(values, place)) for place in range(len(values))])


def config_text(ring: Ring, seed: int) -> str:
    """Write the config of a simulated ring as one would write it for a real one."""
    first = {definition.split(".")[0]: definition.split(".")[1] for definition in reversed(ring.truths)}
    main = ", ".join(f'{indicator} = "{name}"' for indicator, name in reversed(first.items()))
    features = "\n".join(_FEATURE_TOML)
    return f"""# A simulated ring: every city is fictional.
seed = {seed}
fictional = true

[ring]
id = "demo"
name = "{RING_NAME}"
years = [{YEARS[0]}, {YEARS[1]}]
data = "workbooks"
main = {{ {main} }}

[ring.cities]
workbooks = true

[[source]]
id = "cities"
reader = "workbook"
file = "*.[xo][ld]s*"

[sensitivity]
multiverse = "{MULTIVERSE}"

[peers]
{features}"""


def _feature(name: str, group: str, transform: str, german: tuple[str, str, str], english: tuple[str, str, str]) -> str:
    """Write a feature with its name and the words for high and low in both languages."""
    return f"""
[[peers.feature]]
id = "{name}"
name_de = "{german[0]}"
name_en = "{english[0]}"
group = "{group}"
kind = "structural"
transform = "{transform}"
high_de = "{german[1]}"
low_de = "{german[2]}"
high_en = "{english[1]}"
low_en = "{english[2]}"
"""


_FEATURE_TOML = (
    _feature("pop", "size", "log", ("Einwohnerzahl", "groß", "klein"), ("Population", "large", "small")),
    _feature(
        "density",
        "size",
        "log",
        ("Einwohnerdichte", "dicht bebaut", "dünn besiedelt"),
        ("Population density", "densely built", "thinly settled"),
    ),
    _feature(
        "share_65plus",
        "age",
        "none",
        ("Anteil ab 65 Jahren", "ältere Bevölkerung", "jüngere Bevölkerung"),
        ("Share aged 65 and over", "older population", "younger population"),
    ),
    _feature(
        "gdp_per_capita",
        "economy",
        "log",
        ("Wirtschaftskraft je Kopf", "hohe Wirtschaftskraft", "geringe Wirtschaftskraft"),
        ("GDP per head", "strong economy", "weak economy"),
    ),
    _feature(
        "share_tertiary_sector",
        "economy",
        "none",
        ("Dienstleistungsanteil", "viele Dienstleistungen", "viel Industrie"),
        ("Share of services", "many services", "much industry"),
    ),
    _feature(
        "rent_level", "housing", "log", ("Mietniveau", "hohe Mieten", "niedrige Mieten"), ("Rents", "high rents", "low rents")
    ),
    _feature(
        "living_space_per_capita",
        "housing",
        "none",
        ("Wohnfläche je Kopf", "viel Wohnfläche", "wenig Wohnfläche"),
        ("Living space per head", "much living space", "little living space"),
    ),
    _feature(
        "students_per_100",
        "students",
        "sqrt",
        ("Studierende je 100 Einwohner", "viele Studierende", "wenige Studierende"),
        ("Students per 100 residents", "many students", "few students"),
    ),
)
