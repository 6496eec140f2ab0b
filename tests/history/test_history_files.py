"""From a config to a file of priors, and from there into a ring: command, round trip, precedence, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.history.simulated import true_paths

from integstat import cli
from integstat.catalogue import load_catalogue
from integstat.change.settings import ChangeSettings
from integstat.config import RingConfig, load_ring
from integstat.errors import UsageError
from integstat.history import HistoryFile, HistoryPrior, HistoryRow, read_history, write_history
from integstat.history.file import HistorySource
from integstat.history.settings import load_history_config
from integstat.history.table import CODEBOOK, history_table

CONFIG = """\
[ring]
id = "past"
name = "Frühere \\"Jahre\\""
years = [2011, 2012, 2013, 2014, 2015, 2016, 2017, 2018, 2019, 2020, 2021]
data = "data"

[ring.cities]
source = "counts"

[history]
until = 2019
resamples = 100

[[source]]
id = "counts"
reader = "tidy"
file = "counts.csv"
year = "year"
region = { column = "ags", name = "city" }

[[series]]
id = "y"
source = "counts"
value = "y"

[[series]]
id = "n"
source = "counts"
value = "n"

[[delivery]]
definition = "E3.leavers"
numerator = "y"
denominator = "n"
"""
RING = """\
[ring]
id = "r"
name = "Ring"
years = [2020, 2021]
data = "workbooks"
main = { E3 = "leavers" }

[ring.cities]
workbooks = true

[[source]]
id = "cities"
reader = "workbook"
file = "*.xlsx"

[change]
history = "past.toml"
"""
ESTIMATE = HistoryRow(definition="E3.leavers", group="target", years=9, cities=45, informs=True, share=0.3, pairs=8)
SAME = {
    "shift_sd": 0.31,
    "shift_source": "history",
    "sd_change_median": 0.2,
    "sd_change_log_sd": 0.3,
    "lasting_a": 3.5,
    "lasting_b": 6.5,
    "lasting_source": "history",
    "overlap": 0.4,
}


def content(definition: str = "E3.leavers", last: int = 2019, **same: object) -> HistoryFile:
    return HistoryFile(
        history=HistorySource(id="past", name="Früher", years=(2011, last), cities=45, resamples=100, digest="d"),
        prior=(HistoryPrior.model_validate({"definition": definition, "same": SAME | same, "other": {"sd_change_median": 0.9}}),),
        estimate=(ESTIMATE.model_copy(update={"definition": definition}),),
    )


def ring(folder: Path, more: str = "", history: HistoryFile | None = None) -> RingConfig:
    write_history(folder / "past.toml", history or content())
    path = folder / "ring.toml"
    path.write_text(RING + more, encoding="utf-8")
    return load_ring(path)[0]


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("past")
    rng = np.random.default_rng(1)
    path = true_paths(rng, 30, 11, 0.1, 0.1)
    n = np.round(2000 * np.exp(rng.normal(0, 0.5, (30, 1)))).astype(int) * np.ones((1, 11), dtype=int)
    y = rng.binomial(n, 1 / (1 + np.exp(-path)))
    city, year = np.meshgrid(np.arange(30), np.arange(2011, 2022), indexing="ij")
    frame = pd.DataFrame({"ags": [f"05{c:03d}" for c in city.ravel()], "city": "Stadt", "year": year.ravel()})
    frame["city"] = "Stadt " + frame["ags"]
    (folder / "data").mkdir()
    frame.assign(y=y.ravel(), n=n.ravel()).to_csv(folder / "data" / "counts.csv", index=False)
    (folder / "history.toml").write_text(CONFIG, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def written(past: Path) -> Path:
    out = past / "out" / "past.toml"
    assert cli.execute(["history", str(past / "history.toml"), "--out", str(out)]) == 0
    return out


def test_the_command_writes_priors_estimates_and_their_meaning(written: Path) -> None:
    found = read_history(written)
    assert found.history.name == 'Frühere "Jahre"'
    assert found.history.years == tuple(range(2011, 2020))
    (row,) = found.estimate
    assert (row.definition, row.group, row.cities, row.first_year, row.last_year) == ("E3.leavers", "target", 30, 2011, 2019)
    table = pd.read_csv(written.with_suffix(".csv"))
    assert list(table.columns) == list(CODEBOOK)
    assert table["sd_change"][0] == pytest.approx(row.sd_change, rel=1e-4)
    assert "| `share` |" in (written.parent / "past_codebook.md").read_text(encoding="utf-8")
    head = written.read_text(encoding="utf-8").split("\n\n")[0]
    assert "30 Städte, 2011 bis 2019" in head and found.history.digest in head


def test_the_table_is_printed(written: Path, past: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["history", str(past / "history.toml"), "--out", str(written), "--force"]) == 0
    out, err = capsys.readouterr()
    assert "E3.leavers" in out and out.rstrip().endswith(str(written))
    assert "E3.leavers, Zielgruppe" in err


def test_years_after_the_last_one_used_are_not_read(written: Path, past: Path, tmp_path: Path) -> None:
    counts = pd.read_csv(past / "data" / "counts.csv", dtype=str)
    counts.loc[counts["year"] == "2021", "y"] = "7"
    counts.to_csv(tmp_path / "counts.csv", index=False)
    out = tmp_path / "past.toml"
    assert cli.execute(["history", str(past / "history.toml"), "--out", str(out), "--data", str(tmp_path)]) == 0
    assert read_history(out).estimate == read_history(written).estimate


def test_written_and_read_again_it_says_the_same(written: Path, tmp_path: Path) -> None:
    found = read_history(written)
    write_history(tmp_path / "again.toml", found)
    assert read_history(tmp_path / "again.toml") == found
    assert len(history_table(found)) == len(found.estimate)


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (["--out", "past.csv"], 2, "endet nicht auf .toml"),
        (["--out", "history.toml"], 2, "wird gelesen und nicht überschrieben"),
        (["--out", "out/past.toml"], 2, "gibt es schon"),
        (["--out", "data"], 2, "endet nicht auf .toml"),
        (["--out", "new.toml", "--data", "nowhere"], 3, "diesen Datenordner gibt es nicht"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    arguments: list[str],
    code: int,
    what: str,
    past: Path,
    written: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(past)
    assert cli.execute(["history", "history.toml", *arguments]) == code
    assert what in capsys.readouterr().err


@pytest.mark.parametrize("years", ["[2011, 2012, 2013]", "[2015, 2017, 2019, 2020, 2021]"])
def test_fewer_than_four_years_are_an_error(years: str, tmp_path: Path) -> None:
    path = tmp_path / "history.toml"
    path.write_text(CONFIG.replace("[2011, 2012, 2013, 2014, 2015, 2016, 2017, 2018, 2019, 2020, 2021]", years), encoding="utf-8")
    with pytest.raises(UsageError, match="3 Jahre, eine Vorgeschichte braucht 4"):
        load_history_config(path)


def test_a_ring_takes_the_priors_over(tmp_path: Path) -> None:
    config = ring(tmp_path)
    own = config.change.for_definition("E3.leavers")
    assert (own.priors.lasting_a, own.priors.lasting_source, own.priors.shift_source) == (3.5, "history", "history")
    assert (own.priors.sd_change_median, own.overlap) == (0.2, 0.4)
    other = config.change.for_definition("R1.eight_years_previous")
    assert (other.priors.lasting_source, other.overlap) == ("default", None)
    (entry,) = config.history
    assert (entry.indicator, entry.informs, entry.transferred, entry.row.share) == ("E3", True, False, 0.3)
    assert (entry.name, entry.first_year, entry.last_year, entry.own) == ("Früher", 2011, 2019, ())


def test_a_real_file_goes_into_a_ring(written: Path, tmp_path: Path) -> None:
    found = read_history(written)
    config = ring(tmp_path, history=found)
    assert config.change.indicator["E3.leavers"] == found.prior[0].same
    assert config.history[0].row == found.estimate[0]


def test_another_definition_of_the_indicator_speaks_with_wider_priors(tmp_path: Path) -> None:
    config = ring(tmp_path, history=content("E3.residents_15_20"))
    (entry,) = config.history
    assert entry.transferred and entry.main == "E3.leavers"
    priors = config.change.for_definition("E3.leavers").priors
    assert priors.sd_change_median == 0.9 and priors.lasting_source == "default"


def test_what_the_ring_says_itself_stands_and_is_not_called_history(tmp_path: Path) -> None:
    config = ring(tmp_path, "[change.indicator.E3]\nlasting_a = 1.0\nsd_change_median = 0.5\n")
    priors = config.change.for_definition("E3.leavers").priors
    assert (priors.lasting_a, priors.lasting_b, priors.lasting_source) == (1.0, 3.0, "default")
    assert (priors.sd_change_median, priors.sd_change_log_sd) == (0.5, 0.8)
    assert (priors.shift_sd, priors.shift_source) == (0.31, "history")
    assert set(config.history[0].own) == {"lasting_a", "lasting_b", "lasting_source", "sd_change_median", "sd_change_log_sd"}


def test_an_overlap_for_all_stocks_stands(tmp_path: Path) -> None:
    config = ring(tmp_path, "overlap = 0.0\n")
    assert config.change.for_definition("E3.leavers").overlap == 0.0


def test_of_two_files_the_first_speaks(tmp_path: Path) -> None:
    write_history(tmp_path / "second.toml", content(lasting_a=9.0))
    text = RING.replace('"past.toml"', '["past.toml", "second.toml"]')
    write_history(tmp_path / "past.toml", content())
    (tmp_path / "ring.toml").write_text(text, encoding="utf-8")
    config, _ = load_ring(tmp_path / "ring.toml")
    assert config.change.for_definition("E3.leavers").priors.lasting_a == 3.5
    assert len(config.history) == 1


def test_the_digest_of_the_rules_sees_the_priors_and_not_the_file(tmp_path: Path) -> None:
    def rules(name: str, history: HistoryFile | None) -> str:
        (tmp_path / name).mkdir()
        text = RING.replace("past.toml", f"{name}.toml")
        path = tmp_path / name / "ring.toml"
        if history is None:
            text = text.partition("[change]")[0]
        else:
            write_history(path.with_name(f"{name}.toml"), history)
        path.write_text(text, encoding="utf-8")
        config, catalogue = load_ring(path)
        return config.rules_digest(catalogue)

    assert rules("a", content()) == rules("b", content())
    assert len({rules("c", content()), rules("d", content(lasting_a=3.6)), rules("e", None)}) == 3


def test_a_history_that_reaches_into_the_ring_s_years_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"reicht bis 2020.*until = 2019"):
        ring(tmp_path, history=content(last=2020))


def test_a_missing_or_damaged_history_is_told_with_its_file(tmp_path: Path) -> None:
    ring(tmp_path)
    (tmp_path / "past.toml").write_text("[history]\nid = 3\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"past\.toml"):
        load_ring(tmp_path / "ring.toml")
    (tmp_path / "past.toml").unlink()
    with pytest.raises(UsageError, match=r"past\.toml.*gibt es nicht"):
        load_ring(tmp_path / "ring.toml")


def test_settings_of_one_indicator_forget_where_the_history_lay() -> None:
    assert ChangeSettings(history="a.toml").for_definition("E3.leavers") == ChangeSettings().for_definition("E3.leavers")


@pytest.mark.parametrize("name", ["lower_saxony", "employment"])
def test_the_shipped_configs_end_before_the_rings_they_serve(name: str) -> None:
    config, catalogue = load_history_config(Path(__file__).parents[2] / "configs" / "history" / f"{name}.toml")
    assert config.years[-1] == 2019
    for one in config.delivery:
        catalogue.definition(one.definition)
    assert load_catalogue().digest == catalogue.digest


def test_a_cut_history_is_told(tmp_path: Path) -> None:
    ring(tmp_path)
    path = tmp_path / "past.toml"
    path.write_text(path.read_text(encoding="utf-8").partition("[[estimate]]")[0], encoding="utf-8")
    with pytest.raises(UsageError, match=r"zu E3\.leavers fehlen die Schätzungen"):
        load_ring(tmp_path / "ring.toml")


def test_the_wider_priors_are_for_the_other_definitions_and_without_overlap(tmp_path: Path) -> None:
    change = ring(tmp_path).change
    own, other = change.for_definition("E3.leavers"), change.for_definition("E3.residents_15_20")
    assert (own.priors.sd_change_median, own.overlap) == (0.2, 0.4)
    assert (other.priors.sd_change_median, other.overlap) == (0.9, None)


def test_years_that_lie_apart_take_the_overlap_alone(tmp_path: Path) -> None:
    write_history(tmp_path / "past.toml", content())
    text = RING.replace("years = [2020, 2021]", "years = [2020, 2023]")
    assert text != RING
    (tmp_path / "ring.toml").write_text(text, encoding="utf-8")
    config, _ = load_ring(tmp_path / "ring.toml")
    own = config.change.for_definition("E3.leavers")
    assert own.overlap == pytest.approx(0.4**3)
    assert own.priors == ChangeSettings().priors
    assert "3 Jahre auseinander" in config.history[0].reason
