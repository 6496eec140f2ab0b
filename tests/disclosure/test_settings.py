"""What a ring may choose about confidential counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from integstat.config import load_ring
from integstat.disclosure.settings import DisclosureSettings
from integstat.errors import UsageError


def test_a_threshold_of_one_hides_nothing_and_is_refused() -> None:
    with pytest.raises(ValueError, match="threshold = 1 verbirgt nichts"):
        DisclosureSettings(threshold=1)


@pytest.mark.parametrize(("threshold", "min_base", "least"), [(3, 10, 10), (3, 0, 5), (10, 10, 19), (0, 10, 0)])
def test_small_counts_from_below_and_above_never_overlap(threshold: int, min_base: int, least: int) -> None:
    assert DisclosureSettings(threshold=threshold, min_base=min_base).least_base == least


def test_the_section_belongs_to_the_config_and_to_the_rules(ring_folder: Path) -> None:
    path = ring_folder / "ring.toml"
    before, catalogue = load_ring(path)
    assert before.disclosure == DisclosureSettings()
    path.write_text(path.read_text(encoding="utf-8") + "\n[disclosure]\nthreshold = 5\n", encoding="utf-8")
    after, _ = load_ring(path)
    assert after.disclosure.threshold == 5
    assert after.rules_digest(catalogue) != before.rules_digest(catalogue)


def test_an_unknown_key_names_file_and_line(ring_folder: Path) -> None:
    path = ring_folder / "ring.toml"
    path.write_text(path.read_text(encoding="utf-8") + "\n[disclosure]\nthreshhold = 5\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"ring\.toml, Zeile \d+"):
        load_ring(path)
