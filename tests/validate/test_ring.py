"""A ring is held against its own truth: what the engine gives passes, what is narrowed is found, what is refused is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
import xarray as xr
from tests.validate import made
from typer.testing import CliRunner

from integstat.change import ChangeData, fit
from integstat.cli.validate import validate_command
from integstat.errors import ConvergenceError, UsageError
from integstat.steps import Step
from integstat.validate import ValidateSettings, build, validate
from integstat.validate.trial import CITY, RANKED, RingSpec, one_ring
from integstat.validate.trial import ring as trial

SMALL = ValidateSettings(cities=16, rings=1)


KEPT: dict[tuple[str, int, bytes], xr.DataTree] = {}


def once(data: ChangeData, settings: object, seed: int, **rest: object) -> xr.DataTree:
    """Fit what has not been fitted yet."""
    key = (data.definition, seed, data.y.tobytes())
    if key not in KEPT:
        KEPT[key] = fit(data, settings, seed, **rest)  # type: ignore[arg-type]
    return KEPT[key].copy()


def narrow(data: ChangeData, settings: object, seed: int, **rest: object) -> xr.DataTree:
    """Take the posterior for a third as wide as it is."""
    tree = once(data, settings, seed, **rest)
    posterior = tree["posterior"].to_dataset()
    middle = posterior.mean(["chain", "draw"])
    tree["posterior"] = xr.DataTree(middle + (posterior - middle) / 3)
    return tree


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    monkeypatch.setattr(trial, "fit", once)
    return lambda other: monkeypatch.setattr(trial, "fit", other)


def rings(settings: ValidateSettings = SMALL, scenario: str = "model") -> list[xr.Dataset]:
    return [one_ring(RingSpec(scenario, place, settings)).to_dataset() for place in range(settings.rings)]


def covered(every: list[xr.Dataset]) -> float:
    """Share of city estimands within their 90 % intervals."""
    parts = []
    for one in every:
        mine = [str(name).split(" ")[1] in CITY for name in one["quantity"].to_numpy()]
        parts.append((one["covered"].to_numpy()[mine, 2].sum(), one["cells"].to_numpy()[mine].sum()))
    inside, cells = np.sum(parts, axis=0)
    return float(inside / cells)


def test_what_the_engine_gives_covers_and_what_is_narrowed_does_not(engine: Callable[[object], None]) -> None:
    right = rings()
    assert 0.75 < covered(right) < 0.99
    for one in right:
        assert one.sizes["quantity"] == 42 and one.sizes["cell"] == 32 and one.attrs["refused"] == one.attrs["sampler"] == 0
        assert ((one["rank"] >= 0) & (one["rank"] <= RANKED)).all()
        assert (one["covered"].to_numpy() <= one["cells"].to_numpy()[:, None]).all()
        assert (np.diff(one["covered"].to_numpy(), axis=1) >= 0).all()
        assert (one["wrong"] <= one["declared"]).all() and (one["opposite"] <= one["wrong"]).all()
    engine(narrow)
    assert covered(rings()) < 0.6


def test_what_the_engine_refuses_is_left_out_and_counted(engine: Callable[[object], None]) -> None:
    def picky(data: ChangeData, settings: object, seed: int, **rest: object) -> xr.DataTree:
        if data.kind == "rate":
            raise ConvergenceError("nein")
        return once(data, settings, seed, **rest)

    engine(picky)
    (one,) = rings(ValidateSettings(cities=16, rings=1))
    assert one.attrs["refused"] == 1 and one.attrs["pareto_k"] == 1 and one.attrs["fits"] == 2
    assert {str(name)[:2] for name in one["quantity"].to_numpy()} == {"E3"}

    def stubborn(*_: object, **__: object) -> xr.DataTree:
        raise ConvergenceError("nein")

    engine(stubborn)
    (none,) = rings(ValidateSettings(cities=16, rings=1))
    assert none.attrs["refused"] == 2 and none.sizes["cell"] == 0


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rings that are made up."""
    monkeypatch.setattr(build, "one_ring", lambda spec: made.ring(rank=spec.place))


@pytest.mark.usefixtures("quick")
def test_a_run_goes_on_where_it_was(tmp_path: Path) -> None:
    told: list[bool] = []

    def tell(step: Step, done: int, total: int, kept: bool, remaining_seconds: float) -> None:
        told.append(kept)

    first = validate(ValidateSettings(cities=8, rings=2), tmp_path, tell, jobs=1)
    again = validate(ValidateSettings(cities=8, rings=3), tmp_path, tell, jobs=1)
    assert told == [False, False, True, True, False]
    assert first.coverage["rings"].max() == 2 and again.coverage["rings"].max() == 3
    other = validate(ValidateSettings(cities=8, rings=3, seed=1), tmp_path, tell, jobs=1)
    assert not any(told[5:]) and list(other.ranks) == list(again.ranks)


@pytest.mark.usefixtures("quick")
def test_the_command_writes_a_report_and_refuses_what_is_wrong(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(validate_command)

    def call(*arguments: str):
        return CliRunner().invoke(app, [*arguments])

    out = tmp_path / "new"
    done = call("--out", str(out), "--rings", "2", "--cities", "8", "--jobs", "1", "--scenario", "rounded")
    assert done.exit_code == 0, done.exception
    assert str(out / "validation.md") in done.stdout
    assert "gerundete Zahlen" in (out / "validation.md").read_text(encoding="utf-8")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "letter.txt").write_text("x")
    for wrong, place in (
        (("--out", str(out), "--engine", "stan"), "--engine"),
        (("--out", str(out), "--scenario", "storm"), "--scenario"),
        (("--out", str(tmp_path / "taken")), str(tmp_path / "taken")),
        (("--out", str(tmp_path / "taken" / "letter.txt")), "letter.txt"),
    ):
        error = call(*wrong).exception
        assert isinstance(error, UsageError) and place in error.place and error.mend
