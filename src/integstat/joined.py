"""The posteriors of a run, tied together field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import numpy as np
import pandas as pd
import xarray as xr

from integstat.catalogue import Catalogue
from integstat.change import ChangeData, ChangeSettings
from integstat.change.field import join
from integstat.errors import ConvergenceError
from integstat.findings import FindingSettings
from integstat.findings.cells import cities_of
from integstat.panel import Panel
from integstat.peers.partitions import Partitions
from integstat.pipeline import Progress, change_data, seed_of
from integstat.steps import Keeper, Memory, digest, source_digest

_LEAST = 2  # indicators of a field
_PACKAGES = ("numpy", "scipy", "arviz-stats")  # another version may draw other numbers
_TABLE = ("field", "indicators", "rho_mean", "rho_lower", "rho_upper", "pareto_k", "ess", "sweeps", "reason")


@dataclass(frozen=True)
class Joined:
    """What a run knows of its fields.

    Attributes
    ----------
    trees : dict of str to DataTree
        Joint posterior by field id (`integstat.change.field.join`).
    refused : dict of str to str
        Fields that could not be joined, with the reason, in German.
    """

    trees: dict[str, xr.DataTree]
    refused: dict[str, str]


@dataclass(frozen=True)
class _Part:
    """One indicator of a field: its posterior, what it was fitted to, and the cities a break or a jump of the base keeps out."""

    tree: xr.DataTree
    data: ChangeData
    polarity: int
    left_out: tuple[str, ...]


def join_fields(
    trees: Mapping[str, xr.DataTree],
    panel: Panel,
    catalogue: Catalogue,
    main: Mapping[str, str],
    years: tuple[int, ...],
    settings: ChangeSettings,
    findings: FindingSettings,
    partitions: Partitions | None,
    seed: int,
    *,
    keeper: Keeper | None = None,
    progress: Progress | None = None,
) -> Joined:
    """Join the indicators of every field that has at least two which may carry a finding.

    Parameters
    ----------
    trees : mapping of str to DataTree
        By definition id, as `integstat.pipeline.fit_all` returns them.
    panel : Panel
    catalogue : Catalogue
    main : mapping of str to str
        Main definition (full id) by indicator id; only these are joined.
    years : tuple of int
        Two; with any other number there is nothing to join.
    settings : ChangeSettings
        What the posteriors were fitted with.
    findings : FindingSettings
        From when on a jump of a base keeps a cell out.
    partitions : Partitions or None
    seed : int
    keeper : Keeper, optional
        Where joint posteriors are kept; the key is the content of the posteriors and of the counts, the seed, the code and the
        versions it computes with.
    progress : callable, optional
        Told the field's id.

    Notes
    -----
    A field that cannot be joined ends nothing: it gets a reason, and no statement.
    """
    if len(years) != 2:
        return Joined({}, {})
    keeper = Memory() if keeper is None else keeper
    code = digest(source_digest("integstat.change"), [version(name) for name in _PACKAGES])
    fields = _fields(trees, panel, catalogue, main, years, settings, findings, partitions)
    joined, refused = {}, {}
    for done, (field, parts) in enumerate(fields.items(), start=1):
        own_seed, kept = seed_of(seed, f"field {field}"), False
        try:
            joined[field], kept = keeper.tree(_key(parts, own_seed, code), partial(_join, field, parts, own_seed))
        except ConvergenceError as error:
            refused[field] = error.sentence()
        if progress is not None:
            progress(field, done, len(fields), kept)
    return Joined(joined, refused)


def _fields(
    trees: Mapping[str, xr.DataTree],
    panel: Panel,
    catalogue: Catalogue,
    main: Mapping[str, str],
    years: tuple[int, ...],
    settings: ChangeSettings,
    findings: FindingSettings,
    partitions: Partitions | None,
) -> dict[str, list[_Part]]:
    """Indicators to be joined, by field; those of which a break leaves no city are not among them."""
    fields: dict[str, list[_Part]] = {}
    for definition in main.values():
        if definition not in trees or not catalogue.finding_allowed(definition):
            continue
        data = change_data(panel, definition, catalogue, years, settings, partitions)
        capped = cities_of(definition, panel, catalogue, years, findings).capped
        broken = set(panel.cities["city"].to_numpy(str)[capped])
        left_out = tuple(city for city in data.cities if city in broken)
        if len(left_out) < len(data.cities):
            part = _Part(trees[definition], data, catalogue.polarity(definition), left_out)
            fields.setdefault(catalogue.definition(definition)[0].field, []).append(part)
    return {field: parts for field, parts in fields.items() if len(parts) >= _LEAST}


def _join(field: str, parts: list[_Part], seed: int) -> xr.DataTree:
    return join(
        [part.tree for part in parts],
        [part.data for part in parts],
        [part.polarity for part in parts],
        seed,
        field=field,
        left_out=[part.left_out for part in parts],
    )


def _key(parts: list[_Part], seed: int, code: str) -> str:
    """Digest of all that a joint posterior depends on."""
    content = []
    for part in parts:
        posterior = part.tree["posterior"].to_dataset()
        content.append([part.data, part.polarity, part.left_out, {str(name): posterior[name].to_numpy() for name in posterior}])
    return digest("field", content, seed, code)


def join_table(joined: Joined) -> pd.DataFrame:
    """How each field went: its indicators, their common correlation with a 90 % interval, diagnostics, or why it was refused."""
    rows: list[dict[str, object]] = []
    for field, tree in joined.trees.items():
        rho = tree["posterior"]["rho"].to_numpy()
        low, high = np.quantile(rho, [0.05, 0.95])
        indicators = [str(one).partition(".")[0] for one in tree["posterior"]["indicator"].to_numpy()]
        rows.append(
            {"field": field, "indicators": ";".join(indicators), "rho_mean": float(rho.mean())}
            | {"rho_lower": float(low), "rho_upper": float(high), "reason": ""}
            | {name: tree.attrs[name] for name in ("pareto_k", "ess", "sweeps")}
        )
    rows += [{"field": field, "reason": reason} for field, reason in joined.refused.items()]
    return pd.DataFrame(rows, columns=list(_TABLE))
