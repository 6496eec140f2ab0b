"""Everything published, together, against somebody who wants a small count: two rings that differ in such counts alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import xarray as xr
from tests.conftest import FakeFit
from tests.report import rings

import integstat.change
import integstat.run.stages
from integstat.catalogue import Catalogue
from integstat.change import ChangeData, ChangeSettings
from integstat.config import load_ring
from integstat.disclosure.flags import with_flags
from integstat.disclosure.forms import Form
from integstat.disclosure.protect import protect, protect_delivery
from integstat.disclosure.settings import DisclosureSettings
from integstat.findings import FindingSettings, build_findings
from integstat.intake.take_in import take_in
from integstat.panel import Panel
from integstat.pipeline import change_data
from integstat.report import ReportData, write_report
from integstat.report.tables import write_beside, write_csv, write_findings
from integstat.report.workbook import write_workbook
from integstat.run import RunOptions, run

YEARS = (2020, 2021)
BASE, CITIES = 400.0, 9
SHARE, RATE, OTHER_BASE = "E3.leavers", "R1.eight_years_previous", "R1.all_same_year"
# city (its place), definition, group, year; what the two rings have there, and whether it is the count or what it leaves
SECRETS = [
    (0, SHARE, "target", 2020, (0, 2), False),
    (3, SHARE, "target", 2021, (2, 1), False),
    (5, SHARE, "reference", 2021, (1, 0), True),
    (3, RATE, "target", 2020, (1, 0), False),
    (3, OTHER_BASE, "target", 2020, (1, 0), False),
]
_COORDINATES = re.compile(r'\s(?:x|y|x1|x2|y1|y2|cx|cy|r|d|points|width|height|transform)="([^"]*)"')
_TIMES = re.compile(r'"(?:seconds|computed|kept)": [\d.]+')


class CountingFit(FakeFit):
    """Posteriors by hand that follow the counts, as those of a model do."""

    def __call__(
        self, data: ChangeData, settings: ChangeSettings, seed: int, *, cores: int = 2, threads: int | None = None
    ) -> xr.DataTree:
        tree = super().__call__(data, settings, seed, cores=cores, threads=threads)
        y = data.y if data.coarse is None else np.where(np.isfinite(data.coarse[..., 0]), data.coarse.mean(axis=-1), data.y)
        level = np.log((y + 0.5) / (np.maximum(data.n, 1.0) + 1.0))
        posterior = tree["posterior"].to_dataset(inherit=False)
        posterior["mean"][:] = posterior["mean"] * 0.1 + level.mean(axis=-1)
        posterior["change"][:] = posterior["change"] * 0.1 + level[..., -1] - level[..., 0]
        return tree


@dataclass(frozen=True)
class Published:
    """A folder with everything that is passed on, and the panel as it was delivered."""

    folder: Path
    delivered: Panel


def delivered(which: int, catalogue: Catalogue) -> Panel:
    """One of the two rings."""
    rng, cities = np.random.default_rng(3), rings.cities(CITIES)
    rows = []
    for definition in (SHARE, RATE, OTHER_BASE):
        indicator, _ = catalogue.definition(definition)
        for city in cities["city"]:
            rows += [
                (city, definition, group, year, float(rng.integers(20, 120))) for group in indicator.groups for year in YEARS
            ]
    counts = pd.DataFrame(rows, columns=["city", "definition", "group", "year", "y"])
    counts["n"] = np.where(counts["definition"] == OTHER_BASE, 2 * BASE, BASE)
    for place, definition, group, year, values, rest in SECRETS:
        here = (counts["city"] == cities["city"][place]) & (counts["definition"] == definition) & (counts["group"] == group)
        counts.loc[here & (counts["year"] == year), "y"] = BASE - values[which] if rest else float(values[which])
    indicators = counts["definition"].str.partition(".")[0]
    return Panel(counts.assign(indicator=indicators, y_code="value", n_code="value", note="", place=""), cities)


def publish(panel: Panel, raw: Panel, catalogue: Catalogue, folder: Path, pages: bool) -> Published:
    """Write everything that a run publishes of a panel, with or without report and workbook."""
    keys, main = list(panel.cities["city"]), {"E3": SHARE, "R1": RATE}
    partitions = rings.groups(keys)
    table = partitions.table(dict(zip(keys, panel.cities["name"], strict=True)))
    chosen = ChangeSettings()
    posteriors = {
        one: CountingFit()(change_data(panel, one, catalogue, YEARS, chosen, partitions), chosen, 1) for one in panel.definitions
    }
    groups = dict(zip(keys, table["peer_group"], strict=True))
    findings = with_flags(build_findings(posteriors, panel, catalogue, main, YEARS, FindingSettings(), groups), panel)
    beside = rings.beside(posteriors, panel, catalogue, main, YEARS, findings, keys, partitions.summary)
    data = ReportData(
        ring_name="Probering",
        years=YEARS,
        fictional=True,
        cities=panel.cities,
        findings=findings,
        beside=beside,
        settings=FindingSettings(),
        main=main,
        partitions=partitions,
        peers=table,
        notion="groups",
        explained=rings.explained(),
        problems=pd.DataFrame(columns=["severity", "file", "place", "what", "mend", "city", "definition"]),
        fits=pd.DataFrame([{"definition": name, "cities": CITIES} | dict(tree.attrs) for name, tree in posteriors.items()]),
        files={},
        versions={},
        seed=1,
        rules_digest="ab" * 32,
        history=(),
        catalogue=catalogue,
    )
    folder.mkdir()
    write_findings(folder, findings, table, beside)
    write_beside(folder, findings, beside)
    write_csv(folder / "counts.csv", panel.counts)
    if pages:
        (folder / "report.html").write_text(write_report(data), encoding="utf-8")
        write_workbook(data, folder / "findings.xlsx")
    return Published(folder, raw)


@pytest.fixture(scope="module")
def published(shipped: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Published]:
    """Both rings, with the default threshold and without any; the numerator of R1 is the same on either base."""
    folder, out = tmp_path_factory.mktemp("published"), {}
    for name, threshold in (("hidden", 3), ("open", 0)):
        for which in (0, 1):
            raw = delivered(which, shipped)
            keys = raw.counts[["definition", "group", "year"]].drop_duplicates().itertuples(index=False)
            forms = {(*key, part): Form({(*key, part): 1.0}) for key in keys for part in ("numerator", "denominator")}
            for year in YEARS:
                forms[OTHER_BASE, "target", year, "numerator"] = forms[RATE, "target", year, "numerator"]
            kept = protect(raw, shipped, DisclosureSettings(threshold=threshold), forms).panel  # type: ignore[arg-type]
            out[name, which] = publish(kept, raw, shipped, folder / f"{name}{which}", pages=name == "hidden")
    return out


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder; of a manifest all but durations, of posteriors the numbers."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.name == "manifest.json":
            content = _TIMES.sub("", content.decode()).encode()
        if path.name == "change.nc":
            with xr.open_datatree(path) as tree:
                content = b"".join(one.values.tobytes() for node in tree.subtree for one in node.data_vars.values())
        found[path.relative_to(folder).as_posix()] = content
    return found


def different(one: Path, other: Path) -> set[str]:
    """Names of the files in which two folders differ."""
    first, second = files(one), files(other)
    return {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)}


def coordinates(folder: Path) -> list[str]:
    """Every coordinate of the report's figures."""
    return _COORDINATES.findall((folder / "report.html").read_text(encoding="utf-8"))


def cells(folder: Path) -> list[object]:
    """Every cell of the workbook."""
    book = openpyxl.load_workbook(folder / "findings.xlsx", read_only=True)
    return [value for sheet in book.worksheets for row in sheet.iter_rows(values_only=True) for value in row]


def test_confidential_counts_change_no_byte_of_anything(published: dict[tuple[str, int], Published]) -> None:
    one, other = (published["hidden", which].folder for which in (0, 1))
    assert different(one, other) == set()
    assert {"report.html", "findings.xlsx", "findings.parquet", "usual_practice.csv", "ledger.csv"} <= files(one).keys()
    assert len(coordinates(one)) > 100


def test_without_hiding_them_they_show_in_every_table(published: dict[tuple[str, int], Published]) -> None:
    """So that the test above could fail; pages are tried with whole runs."""
    tables = {"findings.csv", "findings.parquet", "findings_definitions.csv", "ledger.csv", "usual_practice.csv", "counts.csv"}
    assert different(published["open", 0].folder, published["open", 1].folder) >= tables


def test_without_hiding_them_they_show_in_the_figures_of_other_cities(published: dict[tuple[str, int], Published]) -> None:
    """The ways that secondary suppression is for: means of peers, medians of others."""
    grids = [pd.read_csv(published["open", which].folder / "findings.csv", dtype={"city": str}) for which in (0, 1)]
    touched = {rings.cities(CITIES)["city"][secret[0]] for secret in SECRETS}
    rest = [grid[~grid["city"].isin(touched) & (grid["definition"] == SHARE)] for grid in grids]
    assert (rest[0]["standing_mean"].to_numpy() != rest[1]["standing_mean"].to_numpy()).any()
    assert (rest[0]["level_last"].to_numpy() == rest[1]["level_last"].to_numpy()).all()


def win_back(of: Published, city: str, definition: str, year: int) -> set[int]:
    """Counts that agree with the rate printed of a cell and with both ends of its interval."""
    usual = pd.read_csv(of.folder / "usual_practice.csv", dtype={"city": str}).set_index(["city", "definition"])
    row, end = usual.loc[(city, definition)], "first" if year == YEARS[0] else "last"
    y, z = np.arange(BASE + 1), 1.6448536269514722  # of an interval of 90 %
    centre, spread = y + z**2 / 2, z * np.sqrt(y * (BASE - y) / BASE + z**2 / 4)
    printed = [(row[f"rate_{end}"], y / BASE)]
    for side, sign in (("lower", -1), ("upper", 1)):
        printed.append((row[f"rate_{end}_{side}"], (centre + sign * spread) / (BASE + z**2)))
    fits = [np.abs(100 * share - value) <= 1e-4 * max(1.0, abs(value)) for value, share in printed if np.isfinite(value)]
    return {int(count) for count in y[np.all(fits, axis=0)]} if fits else {int(count) for count in y}


@pytest.mark.parametrize("which", [0, 1])
def test_rates_and_intervals_give_a_count_away_only_without_hiding(
    published: dict[tuple[str, int], Published], which: int
) -> None:
    places = rings.cities(CITIES)["city"]
    for place, definition, group, year, values, _ in SECRETS:
        if definition == SHARE and group == "target":
            assert win_back(published["open", which], places[place], definition, year) == {values[which]}
            assert len(win_back(published["hidden", which], places[place], definition, year)) >= 3


def test_every_other_count_is_still_told(published: dict[tuple[str, int], Published]) -> None:
    """Hiding costs no more than the confidential counts."""
    known = pd.read_csv(published["hidden", 0].folder / "counts.csv", dtype={"city": str})
    both = published["hidden", 0].delivered.counts.merge(
        known, on=["city", "definition", "group", "year"], suffixes=("", "_known")
    )
    rest = np.where(both["definition"] == SHARE, both["n"] - both["y"], np.inf)
    secret = (both["y"] < 3) | (rest < 3)
    assert secret.sum() == len(SECRETS)
    assert both.loc[secret, "y_known"].isna().all()
    assert (both.loc[~secret, "y_known"] == both.loc[~secret, "y"]).all()


@pytest.fixture(scope="module")
def whole_runs(_simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, int], Path]]:
    """Folders of whole runs on a simulated ring, its first numerators small."""
    config, catalogue = load_ring(_simulated / "ring.toml")
    main = set(config.main_definitions(catalogue, catalogue.definition_ids).values())
    came = take_in(config, _simulated / "ring.toml", catalogue)
    text, out = (_simulated / "ring.toml").read_text(encoding="utf-8"), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(integstat.change, "fit_open", CountingFit())
        for name, threshold in (("hidden", 3), ("open", 0)):
            path = tmp_path_factory.mktemp(name) / "ring.toml"
            path.write_text(f"{text}\n[disclosure]\nthreshold = {threshold}\n", encoding="utf-8")
            for which, values in enumerate(((0, 2, 1), (2, 0, 0))):
                counts = came.panel.counts.copy()
                counts.loc[counts.index[: len(values)], "y"] = [float(value) for value in values]
                raw = replace(came, panel=Panel(counts, came.panel.cities))
                kept = protect_delivery(raw, DisclosureSettings(threshold=threshold), config, catalogue, main)
                patch.setattr(integstat.run.stages, "intake_stage", lambda *_, kept=kept: kept)
                run(path, RunOptions(path.parent / str(which)), say=lambda text: None)
                out[name, which] = path.parent / str(which)
        yield out


@pytest.mark.slow
def test_confidential_counts_change_no_byte_of_a_whole_run(whole_runs: dict[tuple[str, int], Path]) -> None:
    """Posteriors, kept fits and manifest too; the deliveries' own digests are the same here, so this does not try them."""
    assert different(whole_runs["hidden", 0], whole_runs["hidden", 1]) == set()
    assert {"change.nc", "counts.parquet", "manifest.json", "report.html", "findings.xlsx"} <= files(
        whole_runs["hidden", 0]
    ).keys()
    assert {"change.nc", "counts.parquet", "report.html", "findings.xlsx", "ledger.csv"} <= different(
        whole_runs["open", 0], whole_runs["open", 1]
    )
