"""A ring of invented cities for the report: findings made from posteriors made by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import xarray as xr
from tests.fakes import fake_posterior

from integstat.catalogue import Catalogue, load_catalogue
from integstat.findings import Baseline, Findings, FindingSettings, build_findings
from integstat.findings.fields import FIELD_COLUMNS
from integstat.findings.partners import learning_partners, partner_measures, peers_of
from integstat.findings.themes import themes
from integstat.findings.usual import compare, usual_practice
from integstat.intake.problems import Problem, problem_table
from integstat.panel import Context, Panel
from integstat.peers.ball import credible_ball
from integstat.peers.build import build_partitions
from integstat.peers.draws import Draws
from integstat.peers.features.build import scale_features
from integstat.peers.groups import group_table
from integstat.peers.naming import group_profile
from integstat.peers.neighbours import nearest_neighbours
from integstat.peers.partitions import Partitions
from integstat.peers.position import positions
from integstat.peers.settings import FeatureSettings, PeerSettings
from integstat.peers.structure import Structure
from integstat.report import ReportData
from integstat.report.tables import Beside

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
    findings = build_findings(posteriors, panel, catalogue, mains, years, settings, by_city)
    data = ReportData(
        ring_name="Probering",
        years=years,
        fictional=True,
        cities=frame,
        findings=findings,
        beside=beside(posteriors, panel, catalogue, mains, years, findings, keys, partitions.summary),
        settings=settings,
        main=mains,
        partitions=partitions,
        peers=peers,
        notion="groups",
        explained=explained(),
        problems=problem_table(problems(frame)),
        fits=pd.DataFrame([{"definition": name, "cities": count} | dict(tree.attrs) for name, tree in posteriors.items()]),
        files={f"{key}.xlsx": f"{int(key):064x}" for key in keys[:4]},
        versions={"integstat": "0.1.0", "PyMC": "6.0.0"},
        seed=2021,
        rules_digest="ab" * 32,
        history=(),
        catalogue=catalogue,
    )
    return dataclasses.replace(data, **changes)  # type: ignore[arg-type]


def beside(
    posteriors: dict[str, xr.DataTree],
    panel: Panel,
    catalogue: Catalogue,
    mains: dict[str, str],
    years: tuple[int, ...],
    findings: Findings,
    keys: list[str],
    summary: np.ndarray,
) -> Beside:
    """What stands beside the findings: statements on fields without a joint model, a measure in every city."""
    measures = pd.DataFrame(
        [(key, "education", "E2", f"Lerncafé <{key}>", "Hilfe bei den Aufgaben", 2019.0, "") for key in keys],
        columns=["city", "field", "indicator", "title", "description", "since", "link"],
    ).assign(file="", row=1)
    usual = usual_practice(panel, catalogue, mains.values(), years, grid=findings.grid)
    peers = peers_of(Baseline(tuple(keys), labels=np.asarray(summary)[None]))
    partners = learning_partners(findings.grid, peers, measures)
    return Beside(
        fields=_fields(findings.grid) if len(years) == 2 else pd.DataFrame(columns=list(FIELD_COLUMNS)),
        usual=usual,
        compared=compare(usual, findings.grid),
        themes=themes(findings.grid, list(catalogue.fields)),
        partners=partners,
        partner_measures=partner_measures(partners, measures, years[-1]),
        measures=measures,
    )


def _fields(grid: pd.DataFrame) -> pd.DataFrame:
    """Statements about one field: three cities with a word each, one without figures, the others open."""
    cities = grid.drop_duplicates("city")[["city", "city_name"]].reset_index(drop=True)
    rows = cities.assign(field=grid["field"].mode().iloc[0], n_indicators=2, indicators="E2;E3")
    for column, value in {"field_change": 0.3, "naive": 0.3}.items():
        wide = 1.2 if column == "naive" else 2.0
        rows = rows.assign(**{f"{column}_mean": value, f"{column}_lower": value - wide, f"{column}_upper": value + wide})
    rows = rows.assign(p_field_improved=0.3, p_field_worsened=0.1, p_field_unchanged=0.6, finding_field="open")
    rows = rows.assign(naive_p_improved=0.2, naive_p_worsened=0.05)
    for place, word in enumerate(("improved", "worsened", "unchanged")):
        rows.loc[place, [f"p_field_{word}", "finding_field"]] = [0.93, word]
    figures = [name for name in FIELD_COLUMNS if name.startswith(("field_change", "p_field", "naive"))]
    rows.loc[3, figures] = np.nan
    return rows[list(FIELD_COLUMNS)]


def _counts(definition: str, frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.assign(indicator=definition.split(".")[0], definition=definition, note="", place="Blatt 1")
    return frame.assign(y_code="value", n_code="value")


FEATURES = (
    FeatureSettings(id="pop", name_de="Einwohnerzahl", transform="log", high_de="groß", low_de="klein"),
    FeatureSettings(id="age", name_de="Anteil ab 65 Jahren", high_de="ältere Bevölkerung", low_de="jüngere Bevölkerung"),
    FeatureSettings(id="rent", name_de="Mietniveau", transform="log"),
    FeatureSettings(id="students", name_de="Studierende je 100", high_de="viele Studierende", low_de="wenige Studierende"),
)


def groups(keys: list[str]) -> Partitions:
    """Three groups with fading borders, and neighbours by features that go with the groups."""
    rng, count = np.random.default_rng(1), len(keys)
    summary = np.arange(count) % 3
    middle = np.array([[1.5, 0.2, 1.0, 0.0], [0.0, -1.0, 0.3, 1.8], [-1.2, 1.2, -1.0, -0.4]])
    values = middle[summary] + 0.6 * rng.standard_normal((count, 4))
    context = pd.DataFrame(values, index=keys, columns=[one.id for one in FEATURES])
    context[["pop", "rent"]] = np.exp(context[["pop", "rent"]] + 5)
    scaled = scale_features(Context(context, 2020), PeerSettings(feature=FEATURES, imputations=1), 0)
    draws = sampled(summary, rng)
    probability = rng.dirichlet(np.ones(3), count) * 0.5
    probability[np.arange(count), summary] += 0.5
    place, axes, shown = positions(scaled, 0.8, rng)
    table = group_table(summary, scaled, draws.at(3))
    return Partitions(
        cities=tuple(keys),
        draws=draws,
        summary=summary,
        probability=probability,
        names=tuple(table["name"]),
        names_en=tuple(table["name_en"]),
        profile=group_profile(summary, scaled.frame),
        groups=table,
        diagnostics=diagnostics(count),
        named={"prediction_strength": 1, "gap": 2, "bic": 3, "silhouette": 2},
        ball=credible_ball(summary, draws),
        structure=structure(),
        scaled=scaled,
        neighbours=nearest_neighbours(scaled, PeerSettings(feature=FEATURES), 0),
        place=place,
        axes=axes,
        shown=shown,
        notes=("Für zwei Städte fehlt die Miete; sie wurde mehrfach ergänzt.",),
    )


def sampled(summary: np.ndarray, rng: np.random.Generator) -> Draws:
    """Sixty draws with two to four groups: the first two merged, none, the last one split; every sixth city astray."""
    rows = []
    for k in (2, 3, 4):
        for _ in range(20):
            labels = np.where(rng.random(len(summary)) < 1 / 6, rng.integers(0, 3, len(summary)), summary)
            part = np.maximum(labels - 1, 0) if k == 2 else labels
            rows.append(np.where((k == 4) & (labels == 2) & (np.arange(len(summary)) % 2 == 0), 3, part))
    size = len(rows)
    k = np.repeat([2, 3, 4], 20)
    return Draws(np.array(rows, dtype=np.int8), np.full(size, 1 / size), k, np.array(["kmeans"] * size), np.arange(size))


def diagnostics(count: int) -> pd.DataFrame:
    """Measures for one to four groups, three of them recommended and taken."""
    none = float("nan")
    return pd.DataFrame(
        {
            "k": [1, 2, 3, 4],
            "weight": [none, 0.2, 0.7, 0.1],
            "stability": [none, 0.61, 0.66, 0.58],
            "excess": [none, 0.05, 0.12, -0.02],
            "expected_loss": [none, 1.2, 1.05, 1.3],
            "loss_at_k": [none, 0.9, 0.8, 0.9],
            "cost": [none, 2.0, 1.7, 2.2],
            "prediction_strength": [1.0, 0.7, 0.6, 0.4],
            "gap": [0.1, 0.3, 0.31, 0.2],
            "gap_se": [0.02, 0.03, 0.03, 0.04],
            "bic": [-1310.0, -1250.5, -1240.2, -1260.9],
            "silhouette": [none, 0.31, 0.28, 0.2],
            "smallest_group": [count, count // 3, count // 3, 2],
            "recommended": [False, False, True, False],
            "chosen": [False, False, True, False],
        }
    )


def structure(p: float = 0.02) -> Structure:
    """Return an answer of the test for groups."""
    rows = [(measure, k, 0.7 - 0.1 * k, 0.4, 0.3, 0.45) for measure in ("stability", "silhouette") for k in (2, 3, 4)]
    table = pd.DataFrame(rows, columns=["measure", "k", "value", "mean", "lower", "upper"])
    return Structure(p, p <= 0.05, {2: 0.05, 3: 0.12, 4: -0.02}, table)


def explained() -> pd.DataFrame:
    """Shares of every kind: some, hardly any, negative, none."""
    none = float("nan")
    rows = [
        ("L2.all_benefits", "level", "none", 0.0, 0.0, 24),
        ("L2.all_benefits", "level", "groups", 0.42, 0.11, 24),
        ("L2.all_benefits", "level", "neighbours", 0.07, 0.09, 24),
        ("L2.all_benefits", "change", "groups", -0.03, 0.05, 24),
        ("L2.all_benefits", "change", "neighbours", none, none, 24),
        ("B2.register", "change", "groups", 0.25, none, 24),
    ]
    return pd.DataFrame(rows, columns=["definition", "quantity", "notion", "share", "se", "cities"])


def one_group(keys: list[str]) -> Partitions:
    """All cities in one group, as in rings too small for groups."""
    context = pd.DataFrame({one.id: np.linspace(1, 2, len(keys)) for one in FEATURES}, index=keys)
    return build_partitions(Context(context, 2020), PeerSettings(feature=FEATURES), 0)


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
