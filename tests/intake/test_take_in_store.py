"""A ring that takes its deliveries from a store of vintages, and configs that reach out of their folder."""

from __future__ import annotations

import datetime

import pytest

from integstat.errors import UsageError
from integstat.intake.take_in import Delivery
from integstat.vintages import deliver, open_store

from .rings import COUNTS, Ring

MAY, JUNE = datetime.date(2022, 5, 1), datetime.date(2022, 6, 1)


@pytest.fixture
def stored(ring: Ring) -> Ring:
    """The ring's table delivered in May, and corrected in June."""
    store = ring.folder / "data"
    ring.files = {}
    ring.write()
    open_store(store)
    for text, day in ((COUNTS, MAY), (COUNTS.replace("322,1224", "333,1224"), JUNE)):
        deliver(store, text.encode(), file="counts.csv", received=day)
    return ring


def kiel(delivery: Delivery) -> float:
    counts = delivery.panel.counts
    rows = counts[(counts["city"] == "01002") & (counts["year"] == 2021) & (counts["group"] == "target")]
    return float(rows["y"].iloc[0])


def test_the_last_vintage_is_taken_or_the_one_of_a_day(stored: Ring) -> None:
    now = stored.take_in()
    assert kiel(now) == 333
    before = stored.configure('data = "data"', 'data = "data"\nas_of = 2022-05-31').take_in()
    assert kiel(before) == 322
    assert set(now.files) == set(before.files) == {"counts.csv"}
    assert now.files != before.files


def test_a_day_before_the_first_delivery_is_told(stored: Ring) -> None:
    problems = stored.configure('data = "data"', 'data = "data"\nas_of = 2022-04-30').take_in().problems
    told = "bis zum 30.04.2022 ist nichts eingegangen, die früheste Lieferung kam am 01.05.2022"
    assert told in [problem.what for problem in problems]


def test_a_day_without_a_store(ring: Ring) -> None:
    with pytest.raises(UsageError, match="keine Ablage von Fassungen"):
        ring.configure('data = "data"', 'data = "data"\nas_of = 2022-05-31').take_in()


def test_a_stored_file_that_was_changed_is_an_error(stored: Ring) -> None:
    for path in (stored.folder / "data").rglob("lieferung.csv"):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes().replace(b"Kiel", b"Kiev"))
    told = [problem.what for problem in stored.take_in().problems if problem.severity == "error"]
    assert "die abgelegte Datei ist nicht mehr die, die geliefert wurde" in told


@pytest.mark.parametrize("file", ["../secret.csv", "/etc/passwd", "/etc/*.csv", "link.csv"])
def test_a_config_that_reaches_out_of_the_data_folder(ring: Ring, file: str) -> None:
    path = ring.write()
    (path.parent / "secret.csv").write_text(COUNTS)
    (path.parent / "data" / "link.csv").symlink_to("../secret.csv")
    ring.configure('file = "counts.csv"', f'file = "{file}"')
    told = {problem.file: problem.what for problem in ring.take_in().problems if problem.severity == "error"}
    assert "führt aus dem Datenordner hinaus" in told[file]
