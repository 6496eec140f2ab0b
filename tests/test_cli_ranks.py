"""`integstat ranks`: a warning above the table, and what it refuses to rank."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
import xarray as xr
from tests.findings.rings import tree

from integstat.cli.ranks import ranks_command
from integstat.errors import DataError, IntegstatError, UsageError
from integstat.findings.estimands import estimands
from integstat.findings.ranks import FILE_NAME, WARNING, Comparison, MainDefinition, Yardstick, rank_table, write_comparison
from integstat.steps.netcdf import write_tree

CITIES = 8
NAMES = {f"{i:05d}": f"Stadt [{i}]" for i in range(CITIES)}


def posterior(years: int) -> xr.DataTree:
    """City 0 lowest and city 7 highest, changes the other way round."""
    rng, true = np.random.default_rng(4), np.arange(CITIES)[None, :, None]
    last = -2 + 0.2 * true + 0.1 * rng.standard_normal((200, CITIES, 1))
    change = -0.1 * true + 0.1 * rng.standard_normal((200, CITIES, 1)) if years == 2 else None
    n = np.full((CITIES, 1, years), 1000.0)
    n[2] = 0  # no figure
    return tree(last, change, n=n)


@pytest.fixture(scope="module")
def _left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("ranks") / "run")


@pytest.fixture
def run(_left: Path, tmp_path: Path) -> Path:
    """What a run of two years left, for a test to damage."""
    return Path(shutil.copytree(_left, tmp_path / "run"))


def folder(path: Path, years: int = 2, peers: bool = True) -> Path:
    path.mkdir()
    write_tree(path / "change.nc", xr.DataTree.from_dict({"U.main": posterior(years), "L.main": posterior(years)}))
    polarity = {"U": 1, "L": -1, "N": 0, "C": 1, "O": 1, "S": 1, "E": 1}
    scope = {"O": "own_series", "S": "same_land"}
    main = {
        name: MainDefinition.model_validate(
            {
                "definition": f"{name}.main",
                "polarity": sign,
                "finding_allowed": name not in ("N", "C"),
                "scope": scope.get(name, "all_cities"),
                "left_out": ("00005",) if name == "U" else (),
            }
        )
        for name, sign in polarity.items()
    }
    yardstick = Yardstick(cities=tuple(NAMES), labels=((0, 0, 0, 0, 1, 1, 1, 1), (0, 1, 0, 1, 0, 1, 0, 1)))
    comparison = Comparison(years=(2020, 2021)[-years:], cities=NAMES, main=main, peers=yardstick if peers else None)
    write_comparison(path / FILE_NAME, comparison)
    return path


def call(*arguments: object) -> None:
    """Call the command as the command line does."""
    app = typer.Typer()
    app.command()(ranks_command)
    app(args=[str(argument) for argument in arguments], standalone_mode=False)


def test_the_warning_stands_above_the_table(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(run, "U")
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith(WARNING)
    assert "U (U.main), Niveau im letzten Jahr; Rang 1 ist der beste von 6" in out
    assert "von 15 Paaren von Städten" in out
    assert out.index("Stadt [7]") < out.index("Stadt [6]") < out.index("Stadt [0]")
    assert out.endswith("Stadt [2], Stadt [5]")  # no figure, and one that may carry no finding


@pytest.mark.parametrize(("indicator", "sign"), [("U", 1), ("L", -1)])
@pytest.mark.parametrize("by", ["level", "standing", "relative"])
def test_the_table_ranks_the_estimands_of_the_findings(run: Path, tmp_path: Path, indicator: str, sign: int, by: str) -> None:
    call(run, indicator, "--by", by, "--csv", tmp_path / "ranks.csv")
    table = pd.read_csv(tmp_path / "ranks.csv", dtype={"city": str})
    left_out = ["00005"] if indicator == "U" else []
    kept = np.array([city not in left_out for city in NAMES])
    peers = Yardstick(cities=tuple(NAMES), labels=((0, 0, 0, 0, 1, 1, 1, 1), (0, 1, 0, 1, 0, 1, 0, 1)))
    baseline = Comparison(years=(1,), cities={}, main={}, peers=peers).baseline
    found = estimands(posterior(2), sign, 100.0, yardstick=kept, baseline=baseline)
    draws = {"level": sign * found.level_last, "standing": found.standing, "relative": found.relative}[by]
    expected = rank_table(np.where(kept, draws, np.nan), list(NAMES))
    expected.insert(1, "city_name", list(NAMES.values()))
    pd.testing.assert_frame_equal(table, expected, atol=0.02)  # kept in single precision
    assert table["rank_mean"].isna().sum() == 1 + len(left_out)


REFUSED = [
    (("Q",), UsageError, "den Indikator 'Q' gibt es in diesem Lauf nicht; bitte einen von diesen nennen: U, L"),
    (("N",), UsageError, "weder mehr noch weniger besser"),
    (("C",), UsageError, "trägt keinen Befund"),
    (("O",), UsageError, "nur in ihrer eigenen Stadt vergleichbar"),
    (("S",), UsageError, "nur innerhalb eines Landes vergleichbar"),
    (("E",), DataError, "für 'E.main' ist nichts gerechnet"),
    (("U", "--by", "gap"), UsageError, "nach 'gap' wird nicht gereiht; bitte level, standing, relative nennen"),
]


@pytest.mark.parametrize(("arguments", "kind", "sentence"), REFUSED, ids=lambda one: str(one)[:20])
def test_what_is_not_ranked(
    run: Path, arguments: tuple[str, ...], kind: type[IntegstatError], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(kind) as caught:
        call(run, *arguments)
    assert sentence in str(caught.value) and str(caught.value).count(".\n") == 0
    assert caught.value.mend
    assert capsys.readouterr().out == ""


def test_one_year_has_no_change_and_a_level(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = folder(tmp_path / "one", years=1)
    call(run, "U", "--by", "standing")
    assert "Rang 1" in capsys.readouterr().out
    with pytest.raises(UsageError, match="nur ein Jahr"):
        call(run, "U", "--by", "relative")


def test_no_peers_no_standing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="keine Vergleichsstädte"):
        call(folder(tmp_path / "alone", peers=False), "U", "--by", "standing")


def test_too_few_cities_are_not_ranked(run: Path) -> None:
    comparison = Comparison.model_validate_json((run / FILE_NAME).read_bytes())
    all_out = comparison.main["U"].model_copy(update={"left_out": tuple(NAMES)[:-1]})
    write_comparison(run / FILE_NAME, comparison.model_copy(update={"main": {"U": all_out}}))
    with pytest.raises(DataError, match="weniger als zwei Städte"):
        call(run, "U")


@pytest.mark.parametrize("missing", [FILE_NAME, "change.nc", ""])
def test_files_that_are_missing(run: Path, missing: str) -> None:
    for path in run.iterdir() if not missing else [run / missing]:
        path.unlink()
    with pytest.raises(DataError, match="fehlt") as caught:
        call(run, "U")
    assert caught.value.place == str(run / (missing or FILE_NAME))


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="diesen Ordner gibt es nicht"):
        call(tmp_path / "nowhere", "U")


def test_damaged_posteriors(run: Path) -> None:
    (run / "change.nc").write_bytes((run / "change.nc").read_bytes()[:300])
    with pytest.raises(DataError, match="beschädigt") as caught:
        call(run, "U")
    assert caught.value.place == str(run / "change.nc")


def test_a_table_is_not_overwritten_unasked(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "ranks.csv"
    out.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="diese Datei gibt es schon"):
        call(run, "U", "--csv", out)
    assert out.read_text(encoding="utf-8") == "mine" and capsys.readouterr().out == ""
    call(run, "U", "--csv", out, "--force")
    assert len(pd.read_csv(out)) == CITIES
    with pytest.raises(UsageError, match="das ist ein Ordner"):
        call(run, "U", "--csv", tmp_path)
    with pytest.raises(UsageError, match="lässt sich nicht schreiben"):
        call(run, "U", "--csv", out / "below.csv")
