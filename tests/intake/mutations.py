"""Damage to sound deliveries, and what the intake makes of it. The kinds of damage are in `mutation_kinds`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

from integstat.catalogue import Catalogue, load_catalogue
from integstat.errors import IntegstatError
from integstat.intake import workbook
from integstat.intake.settings import IntakeSettings
from integstat.intake.take_in import take_in
from integstat.simulate import Ring, simulate_ring, write_ring
from integstat.tomlfile import load_model

RHO, RHO_LEVEL = float(np.log(1.10)), float(np.log(1.20))  # the catalogue's usual steps

Files = dict[str, bytes]
Cells = dict[tuple[str, str, str], dict[int, tuple[float, float, str, str]]]  # (city, definition, group) -> year -> y, n, codes


@dataclass(frozen=True)
class Mutation:
    """A kind of damage.

    Attributes
    ----------
    name : str
    ring : str
        'books' or 'table': which of the two forms of the ring it damages.
    damage : callable
        Changes the files, given a source of chance.
    why : str
        Why it may pass unseen; empty where it must not.
    """

    name: str
    ring: str
    damage: Callable[[Files, np.random.Generator], object]
    why: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of one damaged delivery.

    Attributes
    ----------
    told : str
        Gravest new problem: 'error', 'doubt', 'hint', or '' where nothing was told.
    checks : tuple of str
        Ids of the checks that told it.
    material : bool
        Whether figures changed enough to change a finding.
    """

    told: str
    checks: tuple[str, ...]
    material: bool


@dataclass
class Sound:
    """A sound ring in a folder, to be damaged and mended again."""

    folder: Path
    config: Path
    catalogue: Catalogue
    files: Files
    settings: IntakeSettings
    problems: frozenset[Any] = frozenset()
    cells: Cells = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.problems, self.cells = self._take()

    def _take(self) -> tuple[frozenset[Any], Cells]:
        delivery = take_in(self.settings, self.config, self.catalogue)
        return frozenset(delivery.problems), _cells(delivery.panel.counts)

    def try_out(self, mutation: Mutation, seed: int) -> Outcome:
        """Damage the ring once, take it in, and put it right again; what the program does not expect is raised."""
        files = dict(self.files)
        mutation.damage(files, np.random.default_rng(seed))
        changed = {name: files.get(name) for name in files.keys() | self.files.keys() if files.get(name) != self.files.get(name)}
        try:
            for name, content in changed.items():
                _put(self.folder / name, content)
            problems, cells = self._take()
        except IntegstatError as error:
            return Outcome("error", (type(error).__name__,), True)
        finally:
            for name in changed:
                _put(self.folder / name, self.files.get(name))
        new = problems - self.problems
        told = next((one for one in ("error", "doubt", "hint") if any(problem.severity == one for problem in new)), "")
        return Outcome(told, tuple(sorted({problem.check for problem in new})), _differs(self.cells, cells))


def _put(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(content)


def _cells(counts: pd.DataFrame) -> Cells:
    found: Cells = {}
    for row in counts.itertuples():
        found.setdefault((row.city, row.definition, row.group), {})[int(row.year)] = (row.y, row.n, row.y_code, row.n_code)
    return found


def _differs(before: Cells, after: Cells) -> bool:
    """Whether figures changed enough to change a finding.

    That is: a cell came, went or changed its code, or, on the link scale, a change by more than half the step from which on a
    change counts, or a level by more than half of its step.
    """
    if before.keys() != after.keys():
        return True
    for key, years in before.items():
        other = after[key]
        if years.keys() != other.keys() or any(years[year][2:] != other[year][2:] for year in years):
            return True
        old, new = ([_link(*one[year][:2]) for year in sorted(one)] for one in (years, other))
        moved = abs((new[-1] - new[0]) - (old[-1] - old[0]))
        if not moved <= RHO / 2 or not abs(np.mean(new) - np.mean(old)) <= RHO_LEVEL / 2:
            return True
    return False


def _link(y: float, n: float) -> float:
    return float(np.log((y + 0.5) / max(n - y + 0.5, 0.5)))


@contextmanager
def reading_once() -> Iterator[None]:
    """Read each workbook once, however often it comes along undamaged."""
    kept: dict[tuple[str, bytes], Any] = {}
    read = workbook.read_workbook

    def remembered(path: Path, content: bytes, catalogue: Catalogue, *, name: str) -> Any:
        key = (name, content)
        if key not in kept:
            if len(kept) > 100:
                kept.clear()
            kept[key] = read(path, content, catalogue, name=name)
        return kept[key]

    with patch.object(workbook, "read_workbook", remembered):
        yield


# --- the two sound rings


@cache
def _simulated(seed: int, cities: int, indicators: int) -> tuple[Ring, Catalogue]:
    catalogue = load_catalogue()
    return simulate_ring(catalogue, cities, indicators, seed), catalogue


def sound_books(folder: Path, seed: int = 1, cities: int = 8, indicators: int = 6) -> Sound:
    """A simulated ring as workbooks."""
    ring, catalogue = _simulated(seed, cities, indicators)
    path = write_ring(ring, catalogue, folder, seed)
    text = path.read_text(encoding="utf-8")
    path.write_text(text[text.index("[ring]") : text.index("[sensitivity]")], encoding="utf-8")
    files = {f"workbooks/{one.name}": one.read_bytes() for one in sorted((folder / "workbooks").glob("*.xlsx"))}
    return Sound(folder, path, catalogue, files, load_model(path, IntakeSettings))


def sound_table(folder: Path, seed: int = 1, cities: int = 8, indicators: int = 6) -> Sound:
    """The same kind of ring as one CSV, its cities in Länder with a leading zero."""
    ring, catalogue = _simulated(seed, cities, indicators)
    lines = ["ags,city,definition,group,year,y,n"]
    config = []
    for definition, truth in ring.truths.items():
        for g, group in enumerate(("target", "reference")[: truth.n.shape[1]]):
            config.append(_series(definition, group))
            lines += [
                f"0{key[1:]},{name.split()[0]},{definition},{group},{year},{truth.y[i, g, t]:.0f},{truth.n[i, g, t]:.0f}"
                for i, (key, name) in enumerate(zip(ring.cities["city"], ring.cities["name"], strict=True))
                for t, year in enumerate((2020, 2021))
            ]
    main = ", ".join(f'{one.split(".")[0]} = "{one.split(".")[1]}"' for one in ring.truths)
    head = _TABLE.replace("MAIN", main)
    (folder / "data").mkdir(parents=True)
    path = folder / "ring.toml"
    path.write_text(head + "".join(config), encoding="utf-8")
    content = ("\n".join(lines) + "\n").encode()
    (folder / "data" / "counts.csv").write_bytes(content)
    return Sound(folder, path, catalogue, {"data/counts.csv": content}, load_model(path, IntakeSettings))


_TABLE = """[ring]
id = "table"
name = "Ring"
years = [2020, 2021]
data = "data"
main = { MAIN }

[ring.cities]
source = "counts"

[[source]]
id = "counts"
reader = "tidy"
file = "counts.csv"
year = "year"
region = { column = "ags", name = "city" }
"""


def _series(definition: str, group: str) -> str:
    name = f"{definition.replace('.', '_')}_{group}"
    mean = '\nmeasure = "mean"' if definition.startswith("A2") else ""
    both = "".join(
        f'\n[[series]]\nid = "{part}_{name}"\nsource = "counts"\nvalue = "{part}"{mean}\n'
        f'where = {{ definition = "{definition}", group = "{group}" }}\n'
        for part in ("y", "n")
    )
    return (
        f'{both}\n[[delivery]]\ndefinition = "{definition}"\ngroup = "{group}"\n'
        f'numerator = "y_{name}"\ndenominator = "n_{name}"\n'
    )
