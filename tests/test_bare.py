"""The model on a bare table: what is read, what is refused, and what comes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from tests.fakes import fake_posterior

import integstat.bare
from integstat.bare import fit_table, read_counts
from integstat.change import ChangeData, ChangeSettings
from integstat.change.model import inverse_link
from integstat.errors import DataError, IntegstatError, UsageError

WHOLE = """\
city,group,year,y,n,rent
01002,target,2020,50,400,7.5
01002,target,2021,60,410,7.5
01002,reference,2020,300,4000,7.5
01002,reference,2021,310,4100,7.5
Kiel,target,2020,5,40,9
Kiel,target,2021,.,41,9
Kiel,reference,2020,30,400,9
Kiel,reference,2021,-,410,9
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "counts.csv"
    path.write_text(WHOLE, encoding="utf-8")
    return path


def test_a_whole_table_is_read_as_it_stands(table: Path) -> None:
    data = read_counts(table, "share", ["rent"])
    assert data.cities == ("01002", "Kiel")  # keys stay text
    assert data.groups == ("target", "reference")
    assert data.years == (2020, 2021)
    np.testing.assert_array_equal(data.y[0], [[50, 60], [300, 310]])
    np.testing.assert_array_equal(data.n[0], [[400, 410], [4000, 4100]])
    np.testing.assert_array_equal(data.n[1], [[40, 0], [400, 410]])  # a secret numerator: the cell tells nothing
    assert data.y[1, 1, 1] == 0  # '-' is a zero and counts
    np.testing.assert_array_equal(data.covariates, [[7.5], [9.0]])
    assert data.kind == "share"


def test_group_and_year_may_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("city,y,n\na,1,10\nb,2,20\n", encoding="utf-8")
    data = read_counts(path, "rate", [])
    assert (data.groups, data.years, data.kind) == (("target",), (0,), "rate")
    assert data.y.shape == (2, 1, 1)
    assert data.covariates.shape == (2, 0)


def test_up_to_twelve_years_are_read(tmp_path: Path) -> None:
    path = tmp_path / "years.csv"
    for count in (3, 12, 13):
        rows = [f"{city},{year},5,100" for city in "ab" for year in range(2009, 2009 + count)]
        path.write_text("\n".join(["city,year,y,n", *rows]) + "\n", encoding="utf-8")
        if count > 12:
            with pytest.raises(DataError, match="13 Jahre"):
                read_counts(path, "share", [])
        else:
            assert read_counts(path, "share", []).years == tuple(range(2009, 2009 + count))


def test_counts_may_be_known_within_bounds(tmp_path: Path) -> None:
    path = tmp_path / "coarse.csv"
    path.write_text("city,y,y_low,y_high,n\na,,23,27,100\nb,< 3,,,50\nc,7,,,60\nd,.,,,70\ne,,3,7,\n", encoding="utf-8")
    data = read_counts(path, "share", [], overlap=0.4)
    assert data.coarse is not None
    np.testing.assert_array_equal(data.coarse[:, 0, 0], [[23, 27], [0, 2], *[[np.nan, np.nan]] * 3])
    np.testing.assert_array_equal(data.n[:, 0, 0], [100, 50, 60, 0, 0])  # a secret count, or bounds without a base: nothing
    assert data.y[2, 0, 0] == 7
    assert data.overlap == 0.4


BOUNDS = "city,y,y_low,y_high,n\na,,23,27,100\nb,7,,,60\n"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (",y_high", ",high", "die Spalte 'y_low' steht allein"),
        ("a,,23,27", "a,25,23,27", "stehen nebeneinander"),
        ("a,,23,27", "a,,23,", "gehören zusammen"),
        ("a,,23,27", "a,,22.5,27", "keine ganze Zahl"),
        ("a,,23,27", "a,,27,23", "negativ oder vertauscht"),
        ("a,,23,27", "a,,-2,2", "negativ oder vertauscht"),
        ("27,100", "27,20", r"y_low \(23\) ist größer als n \(20\)"),
        ("27,100", "27,0", r"y \(23\) braucht eine Grundgesamtheit"),
    ],
)
def test_broken_bounds_get_one_sentence(old: str, new: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "coarse.csv"
    path.write_text(BOUNDS.replace(old, new), encoding="utf-8")
    with pytest.raises(DataError, match=what) as caught:
        read_counts(path, "share", [])
    assert "bitte" in caught.value.mend


def test_rates_may_pass_one_and_years_may_come_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "rate.csv"
    path.write_text("city,year,y,n\na,2021,30,20\na,2020,10,20\n b ,2020,1,20\nb,2021,2,20\n", encoding="utf-8")
    data = read_counts(path, "rate", [])
    assert data.years == (2020, 2021)
    assert data.cities == ("a", "b")
    np.testing.assert_array_equal(data.y[0, 0], [10, 30])


def test_decimals_are_decimals_where_the_column_shows_it(tmp_path: Path) -> None:
    path = tmp_path / "means.csv"
    path.write_text("city,y,n\na,51.583,512.083\nb,60.25,1200.5\n", encoding="utf-8")
    np.testing.assert_allclose(read_counts(path, "share", []).n[:, 0, 0], [512.083, 1200.5])


BROKEN = {
    "no y": ("year,y,n", "year,count,n", [], "", "die Spalte 'y' fehlt"),
    "no covariate": ("", "", ["income"], "", "die Spalte 'income' fehlt"),
    "numerator above base": (",50,400", ",500,400", [], "Zeile 2", "y (500) ist größer als n (400)"),
    "negative count": (",50,400", ",-50,400", [], "Zeile 2", "negativ"),
    "negative base without numerator": (",.,41", ",.,-41", [], "Zeile 7", "negativ"),
    "cases without a base": (",50,400", ",50,0", [], "Zeile 2", "n ist 0"),
    "decimal comma": (",50,400", ',50,"400,5"', [], "Zeile 2", "'400,5' in Spalte 'n' ist keine Zahl mit Dezimalpunkt"),
    "words": (",60,410", ",many,410", [], "Zeile 3", "'many' in Spalte 'y'"),
    "twice": ("01002,target,2021", "01002,target,2020", [], "Zeile 3", "steht für Gruppe und Jahr doppelt"),
    "unknown group": ("01002,reference,2020", "01002,women,2020", [], "Zeile 4", "'women' ist keine Gruppe"),
    "not a year": ("target,2021,60", "target,21,60", [], "Zeile 3", "'21' ist kein Jahr"),
    "covariate varies": ("60,410,7.5", "60,410,8.5", ["rent"], "Zeile 3", "'rent' ist bei '01002' nicht überall gleich"),
    "covariate missing": ("60,410,7.5", "60,410,", ["rent"], "Zeile 3", "in Spalte 'rent' fehlt eine Zahl"),
    "no city": ("Kiel,target,2020", ",target,2020", [], "Zeile 6, Spalte city", "die Stadt fehlt"),
    "too few cells": ("01002,target,2021,60,410,7.5", "01002,target,2021,60,410", [], "Zeile 3", "5 Felder statt 6"),
    "cut off": ("Kiel,reference,2021,-,410,9\n", "Kiel,refer", [], "Zeile 9", "bricht mitten in der Zeile ab"),
    "open quotation": ("01002,target,2021", '"01002,target,2021', [], "Zeile 3", "Anführungszeichen"),
    "other separator": (",", ";", [], "Zeile 1", "das Trennzeichen ist ';'"),
    "column twice": ("y,n,rent", "y,n,y", [], "Zeile 1, Spalte 6", "die Spalte 'y' steht doppelt"),
    "infinite": (",50,400", ",50,1e999", [], "Zeile 2", "keine Zahl"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_table_gets_one_sentence_with_place_and_mend(name: str, table: Path) -> None:
    old, new, covariates, place, what = BROKEN[name]
    assert old in WHOLE
    table.write_text(WHOLE.replace(old, new), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_counts(table, "share", covariates)
    error = caught.value
    assert error.exit_code == 3
    assert error.place.startswith(str(table))
    assert place in error.place
    assert what in error.what
    assert "bitte" in error.mend
    assert "\n" not in error.sentence()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "die Datei ist leer"),
        (b"city,y,n\n", "unter der Kopfzeile steht nichts"),
        ("city,y,n\nKöln,1,10\n".encode("latin-1"), "ist nicht UTF-8"),
        ("city,y,n\na,1,10\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04rest", "Excel-Mappe"),
        (b"city,y,n\na,.,10\nb,1,0\n".replace(b"1,0", b"0,0"), "keine Zeile der Zielgruppe"),
        (b"city,y,n\na,1,1.234\nb,2,12.083\n", "gemeint sind wohl Tausender"),
        (b"city,y,n\na,1.234,12.083.111\n", "gemeint sind wohl Tausender"),
        (b"city,y,n\na,1.234.567,12083111\n", "ist keine Zahl"),
    ],
)
def test_a_file_that_is_no_such_table_is_told_so(content: bytes, what: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=what) as caught:
        read_counts(path, "share", [])
    assert str(path) in caught.value.sentence()
    assert "bitte" in caught.value.sentence()


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="diese Datei gibt es nicht"):
        read_counts(tmp_path / "none.csv", "share", [])


@pytest.mark.parametrize(
    ("covariates", "what"), [(["rent", "rent"], "doppelt genannt"), (["y"], "vergeben"), (["delta"], "vergeben")]
)
def test_a_covariate_needs_a_name_of_its_own(covariates: list[str], what: str, table: Path) -> None:
    with pytest.raises(UsageError, match=what):
        read_counts(table, "share", covariates)


ALPHA, BETA = np.array([-1.0, -2.0]), np.array([0.3, -0.2])


def by_hand(data: ChangeData, settings: ChangeSettings, seed: int, *, cores: int = 2) -> xr.DataTree:
    """A posterior with all that the model names, its draws known."""
    groups, years = len(data.groups), len(data.years)
    tree = fake_posterior(data.definition, list(data.cities), groups=data.groups, years=data.years, link=data.link, seed=seed)
    posterior = tree["posterior"].to_dataset(inherit=False)
    draws = posterior["mean"].shape[:2]
    rng = np.random.default_rng(seed)
    noise = 0.01 * rng.standard_normal((*draws, groups))
    ring = {"alpha": ALPHA[:groups] + noise, "sd_mean": 0.3 + noise}
    if years == 2:
        ring |= {"delta": 0.1 + noise, "sd_change": 0.2 + noise}
    posterior = posterior.assign({name: (("chain", "draw", "group"), values) for name, values in ring.items()})
    if data.covariate_names:
        beta = BETA[:groups] + 0.01 * rng.standard_normal((*draws, len(data.covariate_names), groups))
        posterior = posterior.assign(beta=(("chain", "draw", "covariate", "group"), beta))
    parts = {"posterior": posterior} | {name: tree[name].to_dataset(inherit=False) for name in ("observed_data", "constant_data")}
    made = xr.DataTree.from_dict(parts)
    made.attrs = tree.attrs
    counts = made["observed_data"].to_dataset(inherit=False)
    counts["y"][:], counts["n"][:] = data.y, data.n
    return made


def data_of(cities: int, groups: int, years: int, kind: str = "share", covariates: tuple[str, ...] = ()) -> ChangeData:
    shape = (cities, groups, years)
    return ChangeData(
        definition="table.csv",
        kind=kind,  # type: ignore[arg-type]
        cities=tuple(f"c{place}" for place in range(cities)),
        groups=("target", "reference")[:groups],
        years=tuple(range(2020, 2020 + years)) if years > 1 else (0,),
        y=np.full(shape, 20.0),
        n=np.full(shape, 100.0),
        covariates=np.arange(cities * len(covariates), dtype=float).reshape(cities, -1),
        covariate_names=covariates,
    )


@pytest.fixture
def no_sampler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integstat.bare, "fit", by_hand)


COLUMNS = ["quantity", "city", "group", "year", "mean", "sd", "q2.5", "q5", "q50", "q95", "q97.5"]
RANKS = ["rank_q2.5", "rank_q50", "rank_q97.5"]


@pytest.mark.usefixtures("no_sampler")
def test_two_years_and_two_groups_give_every_quantity() -> None:
    found = fit_table(data_of(8, 2, 2, covariates=("rent",)), ChangeSettings(), 1)
    assert list(found.columns) == [*COLUMNS, *RANKS]
    rows = found.groupby("quantity").size().to_dict()
    assert rows == {
        "level": 8 * 2 * 2,
        "change": 8 * 2,
        "relative_change": 8 * 2,
        "lasting_change": 8 * 2,
        "gap_change_points": 8,
        "gap_change_ratio": 8,
        "gap_change_logit": 8,
        **dict.fromkeys(("alpha", "delta", "sd_mean", "sd_change", "rent"), 2),
    }
    city = found[found["city"] != ""]
    ring = found[found["city"] == ""]
    assert set(ring["quantity"]) == {"alpha", "delta", "sd_mean", "sd_change", "rent"}
    assert ring["rank_q50"].isna().all()
    assert city["rank_q50"].between(1, 8).all()
    assert set(city.loc[city["quantity"] == "level", "year"]) == {2020, 2021}
    quantiles = found[["q2.5", "q5", "q50", "q95", "q97.5"]].to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert not found.duplicated(["quantity", "city", "group", "year"]).any()


@pytest.mark.usefixtures("no_sampler")
def test_one_year_gives_levels_alone() -> None:
    found = fit_table(data_of(6, 1, 1), ChangeSettings(), 1)
    assert set(found["quantity"]) == {"level", "alpha", "sd_mean"}
    assert (found.loc[found["quantity"] == "level", "year"] == "").all()
    assert (found["quantity"] == "level").sum() == 6


@pytest.mark.usefixtures("no_sampler")
@pytest.mark.parametrize("kind", ["share", "rate"])
def test_figures_are_those_of_the_draws(kind: str) -> None:
    data = data_of(7, 2, 2, kind)
    found = fit_table(data, ChangeSettings(), 3).set_index(["quantity", "city", "group", "year"])
    posterior = by_hand(data, ChangeSettings(), 3)["posterior"]
    mean, change = (posterior[name].sel(city="c2").to_numpy().reshape(-1, 2) for name in ("mean", "change"))
    first, last = inverse_link(mean - change / 2, data.link), inverse_link(mean + change / 2, data.link)
    level = found.loc[("level", "c2", "reference", 2021)]
    assert level["mean"] == pytest.approx(last[:, 1].mean())
    assert level["sd"] == pytest.approx(last[:, 1].std(ddof=1))
    assert level["q5"] == pytest.approx(np.quantile(last[:, 1], 0.05))
    step = last - first
    assert found.loc[("change", "c2", "reference", ""), "mean"] == pytest.approx(step[:, 1].mean())
    assert found.loc[("gap_change_points", "c2", "", ""), "q50"] == pytest.approx(np.median(step[:, 0] - step[:, 1]))
    assert found.loc[("gap_change_logit", "c2", "", ""), "mean"] == pytest.approx((change[:, 0] - change[:, 1]).mean())


@pytest.mark.usefixtures("no_sampler")
def test_ranks_run_from_low_to_high() -> None:
    found = fit_table(data_of(9, 1, 2), ChangeSettings(), 5)
    level = found[(found["quantity"] == "level") & (found["year"] == 2021)].sort_values("mean")
    assert level["rank_q50"].is_monotonic_increasing
    assert level["rank_q50"].iloc[0] < 3
    assert level["rank_q50"].iloc[-1] > 7
    assert (level["rank_q2.5"] <= level["rank_q97.5"]).all()


@pytest.mark.usefixtures("no_sampler")
def test_covariates_and_the_level_are_given_in_their_own_units() -> None:
    data = data_of(5, 1, 2, covariates=("rent",))
    found = fit_table(data, ChangeSettings(), 1).set_index(["quantity", "city"])
    scale, centre = np.arange(5.0).std(), 2.0
    assert found.loc[("rent", ""), "mean"] == pytest.approx(BETA[0] / scale, abs=0.01)
    assert found.loc[("alpha", ""), "mean"] == pytest.approx(ALPHA[0] - BETA[0] / scale * centre, abs=0.02)


@pytest.mark.usefixtures("no_sampler")
def test_cells_that_tell_nothing_have_no_row() -> None:
    data = data_of(8, 2, 2)
    data.n[3, 0, 0] = data.y[3, 0, 0] = 0.0
    found = fit_table(data, ChangeSettings(), 1)
    mine = found[found["city"] == "c3"]
    assert set(zip(mine["quantity"], mine["group"], mine["year"], strict=True)) == {
        ("level", "target", 2021),
        ("level", "reference", 2020),
        ("level", "reference", 2021),
        *((quantity, "reference", "") for quantity in ("change", "relative_change", "lasting_change")),
    }


def many_years(data: ChangeData, settings: ChangeSettings, seed: int, *, cores: int = 2) -> xr.DataTree:
    """A posterior of several years: a path for each, mean and change from its ends, nothing about what lasts."""
    two = replace(data, years=(data.years[0], data.years[-1]), y=data.y[:, :, [0, -1]], n=data.n[:, :, [0, -1]])
    tree = by_hand(two, settings, seed, cores=cores)
    posterior = tree["posterior"].to_dataset(inherit=False).drop_vars(["lasting_share", "lasting_change"])
    rng = np.random.default_rng(seed)
    dims = ("chain", "draw", "city", "group", "year")
    path = rng.normal(-1.5, 0.2, (*posterior["mean"].shape, len(data.years)))
    posterior["mean"] = (dims[:-1], (path[..., 0] + path[..., -1]) / 2)
    posterior["change"] = (dims[:-1], path[..., -1] - path[..., 0])
    observed = xr.Dataset({name: (dims[2:], values) for name, values in (("y", data.y), ("n", data.n))})
    constant = tree["constant_data"].to_dataset(inherit=False)
    made = xr.DataTree.from_dict(
        {"posterior": posterior.assign(path=(dims, path)), "observed_data": observed, "constant_data": constant}
    )
    made.attrs = tree.attrs
    return made


def test_more_years_give_levels_of_each_and_the_change_from_first_to_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integstat.bare, "fit", many_years)
    data = data_of(7, 2, 4)
    for spot in ((3, 0, 1), (4, 0, 3)):
        data.y[spot] = data.n[spot] = 0.0
    found = fit_table(data, ChangeSettings(), 2)
    level = found[found["quantity"] == "level"].set_index(["city", "group", "year"])
    assert len(level) == 7 * 2 * 4 - 2
    path = many_years(data, ChangeSettings(), 2)["posterior"]["path"].sel(city="c2", group="target").to_numpy().reshape(-1, 4)
    p = inverse_link(path, data.link)
    for t, year in enumerate(data.years):
        assert level.loc[("c2", "target", year), "mean"] == pytest.approx(p[:, t].mean())
    change = found[found["quantity"] == "change"].set_index(["city", "group"])["mean"]
    assert change[("c2", "target")] == pytest.approx((p[:, 3] - p[:, 0]).mean())
    assert ("c3", "target") in change.index  # a gap between first and last year
    assert ("c4", "target") not in change.index
    assert not (found["quantity"] == "lasting_change").any()


def test_every_refusal_is_an_error_of_the_package(table: Path) -> None:
    table.write_text("x", encoding="utf-8")
    with pytest.raises(IntegstatError):
        read_counts(table, "share", [])
