"""A ring of invented cities for the report: findings made from posteriors made by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
from tests.fakes import fake_posterior

from integstat.catalogue import Catalogue, load_catalogue
from integstat.findings import FindingSettings, build_findings
from integstat.intake.problems import Problem, problem_table
from integstat.panel import Panel
from integstat.peers.partitions import Partitions
from integstat.report import ReportData

STEMS = ("Ahlen", "Birken", "Dorn", "Eich", "Falken", "Grün", "Hasel", "Kirsch", "Linden", "Möwen", "Öl", "Weiden")
ENDS = ("au", "burg", "hausen", "tal", "weiler", "stedt")
LAENDER = {"03": "Niedersachsen", "91": "Nordland", "92": "Südland"}

# definition, mean on the link scale, groups, SD of the change, common shift
MAIN: tuple[tuple[str, float, int, float, float], ...] = (
    ("B2.register", -1.6, 1, 0.03, 0.03),
    ("R1.eight_years_previous", -3.3, 1, 0.25, 0.12),
    ("E2.grade_8", -1.2, 2, 0.18, 0.0),
    ("E3.leavers", -1.8, 2, 0.3, 0.0),
    ("A1.register_15_64", 0.0, 2, 0.08, 0.02),
    ("L2.all_benefits", -1.9, 2, 0.14, -0.18),
)
OTHERS: tuple[tuple[str, float, int, float, float], ...] = (
    ("R1.all_same_year", -3.9, 1, 0.25, 0.12),
    ("E3.residents_15_20", -3.4, 2, 0.3, 0.0),
)
MORE: tuple[tuple[str, float, int, float, float], ...] = (
    ("K1.residence", -1.0, 2, 0.12, 0.1),
    ("S1.examined", -0.6, 2, 0.2, -0.15),
    ("A2.share_15_64", -2.4, 2, 0.12, -0.2),
    ("L4.under_15", -1.1, 2, 0.1, 0.0),
    ("G1.with_booklet", 1.6, 2, 0.2, -0.1),
    ("OE1.personnel_data", -1.5, 1, 0.1, 0.05),
)


def cities(count: int = 24) -> pd.DataFrame:
    """Invented cities; every sixth lies in a Land with a registered break."""
    rows = []
    for i in range(count):
        land = "03" if i % 6 == 5 else "91" if i % 2 else "92"
        name = f"{STEMS[i % len(STEMS)]}{ENDS[(i + i // len(STEMS)) % len(ENDS)]}"
        rows.append((f"{land}{100 + i:03d}", name, land, LAENDER[land]))
    return pd.DataFrame(rows, columns=["city", "name", "land", "land_name"]).sort_values("city", ignore_index=True)


def ring(
    count: int = 24,
    main: tuple[tuple[str, float, int, float, float], ...] = MAIN,
    others: tuple[tuple[str, float, int, float, float], ...] = OTHERS,
    years: tuple[int, ...] = (2020, 2021),
    draws: int = 150,
    **changes: object,
) -> ReportData:
    """Everything a report shows, for invented cities."""
    catalogue, frame = load_catalogue(), cities(count)
    keys = list(frame["city"])
    partitions = groups(keys)
    posteriors, counts = {}, []
    for place, (definition, mean, size, sd, shift) in enumerate((*main, *others)):
        names = ("target", "reference")[:size]
        tree = fake_posterior(
            definition,
            keys,
            groups=names,
            years=years,
            link="log" if catalogue.kind(definition) == "rate" else "logit",
            kind=catalogue.kind(definition),
            peers=[int(label) for label in partitions.summary],
            mean=mean,
            sd_change=sd,
            shift=shift,
            noise=0.03 + 0.02 * (place % 3),
            draws=draws,
            seed=place,
        )
        if definition == "A1.register_15_64":  # two cities have not delivered
            tree["observed_data"].to_dataset(inherit=False)["n"][10:12] = 0.0
        posteriors[definition] = tree
        counts.append(_counts(definition, tree["observed_data"].to_dataset().to_dataframe().reset_index()))
    panel = Panel(pd.concat(counts, ignore_index=True), frame)
    names_of = dict(zip(keys, frame["name"], strict=True))
    peers = partitions.table(names_of)
    settings = FindingSettings()
    by_city = dict(zip(peers["city"], peers["peer_group"], strict=True))
    mains = {one[0].split(".")[0]: one[0] for one in main}
    data = ReportData(
        ring_name="Probering",
        years=years,
        fictional=True,
        cities=frame,
        findings=build_findings(posteriors, panel, catalogue, mains, years, settings, by_city),
        settings=settings,
        main=mains,
        partitions=partitions,
        peers=peers,
        problems=problem_table(problems(frame)),
        fits=pd.DataFrame([{"definition": name, "cities": count} | dict(tree.attrs) for name, tree in posteriors.items()]),
        files={f"{key}.xlsx": f"{int(key):064x}" for key in keys[:4]},
        versions={"integstat": "0.1.0", "PyMC": "6.0.0"},
        seed=2021,
        rules_digest="ab" * 32,
        lasting_source="default",
        catalogue=catalogue,
    )
    return dataclasses.replace(data, **changes)  # type: ignore[arg-type]


def _counts(definition: str, frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.assign(indicator=definition.split(".")[0], definition=definition, note="", place="Blatt 1")
    return frame.assign(y_code="value", n_code="value")


def groups(keys: list[str]) -> Partitions:
    """Three groups with fading borders."""
    rng = np.random.default_rng(1)
    summary = np.arange(len(keys)) % 3
    probability = rng.dirichlet(np.ones(3), len(keys)) * 0.5
    probability[np.arange(len(keys)), summary] += 0.5
    together = probability @ probability.T
    np.fill_diagonal(together, 1.0)
    diagnostics = pd.DataFrame(
        {"k": [2, 3, 4], "stability": [0.61, 0.66, 0.58], "expected_loss": [1.2, 1.05, 1.3], "loss_at_k": [0.9, 0.8, 0.9]}
    ).assign(silhouette=0.2, smallest_group=[9, 8, 3], chosen=[False, True, False])
    return Partitions(
        cities=tuple(keys),
        draws=np.tile(summary, (10, 1)),
        summary=summary,
        probability=probability,
        coassignment=together,
        names=("große Städte mit hoher Dichte", "mittlere Städte mit vielen Studierenden", "ältere Städte mit niedriger Miete"),
        profile=pd.DataFrame(np.zeros((3, 1)), columns=["pop"]),
        diagnostics=diagnostics,
        notes=("Für zwei Städte fehlt die Miete; sie wurde mehrfach ergänzt.",),
    )


def problems(frame: pd.DataFrame) -> list[Problem]:
    """Twenty of one kind, one of another."""
    many = [
        Problem(
            "doubt", f"{city}.xlsx", f"Zahlen, C{row + 4}", f"die Zahl {row + 100} ist ein Vielfaches von 5", "bitte bestätigen"
        )
        for row, city in enumerate(frame["city"].iloc[:20])
    ]
    return [*many, Problem("hint", "kontext.csv", "Zeile 7", "für eine Stadt fehlt die Miete", "sie wird ergänzt")]


def catalogue() -> Catalogue:
    """Return the catalogue of the package."""
    return load_catalogue()
