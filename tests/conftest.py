"""What several rooms' tests share: one simulated ring on disk, and a stand-in for the sampler."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr
from hypothesis import settings
from tests.fakes import fake_posterior

import integstat.change
from integstat.catalogue import Catalogue, load_catalogue
from integstat.change import ChangeData, ChangeSettings
from integstat.simulate import simulate_ring, write_ring

settings.register_profile("untimed", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("untimed")

OTHER_CHOICES = '[sensitivity]\nmultiverse = "multiverse.toml"\n'
CITIES, INDICATORS = 9, 3  # a rate with one group, a share with one group, a share with two


@pytest.fixture(scope="session")
def shipped() -> Catalogue:
    """The catalogue of the package."""
    return load_catalogue()


@pytest.fixture(scope="session")
def _simulated(shipped: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = write_ring(simulate_ring(shipped, CITIES, INDICATORS, 7), shipped, tmp_path_factory.mktemp("simulated"), 7)
    text = config.read_text(encoding="utf-8")
    assert text.count("[peers]\n") == 1
    assert text.count(OTHER_CHOICES) == 1
    text = text.replace(OTHER_CHOICES, "")  # tests that want them say which
    config.write_text(text.replace("[peers]\n", "[peers]\nresamples = 10\nclouds = 19\n"), encoding="utf-8")  # quick, not good
    return config.parent


@pytest.fixture
def ring_folder(_simulated: Path, tmp_path: Path) -> Path:
    """A simulated ring that a test may damage: `ring.toml` and `workbooks/`."""
    return Path(shutil.copytree(_simulated, tmp_path / "ring"))


class FakeFit:
    """Stands in for `integstat.change.fit`: posteriors by hand, and a list of what was asked for."""

    def __init__(self) -> None:
        self.fitted: list[str] = []
        self.before: Callable[[ChangeData], None] = lambda data: None

    def __call__(
        self, data: ChangeData, settings: ChangeSettings, seed: int, *, cores: int = 2, threads: int | None = None
    ) -> xr.DataTree:
        self.before(data)
        tree = fake_posterior(
            data.definition,
            list(data.cities),
            groups=data.groups,
            years=data.years,
            link=data.link,
            kind=data.kind,
            peers=[int(label) for label in data.peers] if data.peers is not None else None,
            mean=-3.0 if data.link == "log" else -1.0,
            draws=60,
            seed=seed,
        )
        counts = tree["observed_data"].to_dataset(inherit=False)
        counts["y"][:], counts["n"][:] = data.y, data.n
        self.fitted.append(data.definition)
        return tree


@pytest.fixture
def fake_fit(monkeypatch: pytest.MonkeyPatch) -> FakeFit:
    """No sampler in this test."""
    fake = FakeFit()
    monkeypatch.setattr(integstat.change, "fit_open", fake)
    return fake
