"""Small rings with a catalogue of their own and posteriors given draw by draw, for tests of findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from integstat.catalogue import Catalogue
from integstat.catalogue.schema import BreakEntry, FieldEntry, IndicatorEntry
from integstat.findings import Baseline, Findings, FindingSettings, build_findings
from integstat.panel import Panel

YEARS = (2020, 2021)
RHO, RHO_LEVEL = float(np.log(1.10)), float(np.log(1.20))


def tree(
    last: np.ndarray,
    change: np.ndarray | None,
    *,
    lasting: np.ndarray | None = None,
    n: np.ndarray | None = None,
    peers: Sequence[int] | None = None,
    link: str = "logit",
    chains: int = 1,
) -> xr.DataTree:
    """Posterior with these draws of the last year's level and of the change, shape (S, C, G); no change: one year."""
    draws, count, size = last.shape
    shape = (chains, draws // chains, count, size)
    dims = ("chain", "draw", "city", "group")
    labels = [f"{i:05d}" for i in range(count)]
    coords = {"city": labels, "group": ["target", "reference"][:size]}
    mean = last if change is None else last - 0.5 * change
    content = {"mean": (dims, mean.reshape(shape))}
    if change is not None:
        kept = 0.4 * change if lasting is None else lasting
        content |= {"change": (dims, change.reshape(shape)), "lasting_change": (dims, kept.reshape(shape))}
    years = list(YEARS if change is not None else YEARS[-1:])
    base = np.full((count, size, len(years)), 1000.0) if n is None else np.asarray(n, dtype=float)
    observed = xr.Dataset(
        {name: (("city", "group", "year"), values) for name, values in (("y", np.round(0.25 * base)), ("n", base))},
        coords=coords | {"year": years},
    )
    constant = xr.Dataset({"peer": (("city",), np.array(peers if peers is not None else [-1] * count))}, coords={"city": labels})
    out = xr.DataTree.from_dict(
        {"posterior": xr.Dataset(content, coords=coords), "observed_data": observed, "constant_data": constant}
    )
    out.attrs = {"link": link}
    return out


def pattern(draws: int, probability: float, value: float, *, start: int = 0) -> np.ndarray:
    """`value` in that share of the draws, counted from `start` on and around, 0 in the others."""
    out = np.zeros(draws)
    out[(start + np.arange(round(probability * draws))) % draws] = value
    return out


def indicator(
    name: str,
    polarity: str = "+",
    *,
    kind: str = "share",
    unit: str = "percent",
    groups: int = 2,
    scope: str = "all_cities",
    definitions: Sequence[str] = ("main",),
    **changes: object,
) -> IndicatorEntry:
    """Entry of the catalogue with only what findings ask for."""
    content = {
        "id": name,
        "field": "work",
        "name_de": f"Kennzahl {name}",
        "name_en": name,
        "unit": unit,
        "polarity": polarity,
        "kind": kind,
        "finding_allowed": polarity != "none",
        "target_de": "A",
        "reference_de": "B" if groups == 2 else "",
        "confidence": "h",
        "main_definition": definitions[0],
        "rho": RHO,
        "rho_level": RHO_LEVEL,
        "definition": [
            {
                "id": one,
                "name_de": one,
                "name_en": one,
                "numerator": "y",
                "denominator": "n",
                "group_concept": "nationality",
                "reference_date": "31-12",
                "source": "melderegister",
                "scope": scope,
            }
            for one in definitions
        ],
    }
    return IndicatorEntry.model_validate(content | changes)


def catalogue(*indicators: IndicatorEntry, breaks: Sequence[BreakEntry] = ()) -> Catalogue:
    """Catalogue of these indicators."""
    field = FieldEntry.model_validate({"id": "work", "name_de": "Arbeit", "name_en": "Work"})
    return Catalogue({"work": field}, {one.id: one for one in indicators}, {}, tuple(breaks))


def cap(definition: str, land: str, effect: str = "cap") -> BreakEntry:
    """Break of 2020 in one Land."""
    content = {"laender": [land], "definitions": [definition], "years": [2020], "effect": effect}
    return BreakEntry.model_validate(
        content | {"id": f"{effect}_{land}", "reason_de": "Grund", "reason_en": "Reason", "source": "Quelle"}
    )


def panel(trees: Mapping[str, xr.DataTree], count: int, lands: Sequence[str] | None = None) -> Panel:
    """Panel with the counts in the trees."""
    cities = pd.DataFrame({"city": [f"{i:05d}" for i in range(count)]})
    cities["name"] = "Stadt " + cities["city"]
    cities["land"] = list(lands) if lands is not None else "91"
    cities["land_name"] = "Land " + cities["land"]
    frames = []
    for definition, one in trees.items():
        frame = one["observed_data"].to_dataset().to_dataframe().reset_index()
        code = np.where(frame["n"] > 0, "value", "missing")
        frame[["y", "n"]] = frame[["y", "n"]].where(frame["n"] > 0)
        frames.append(
            frame.assign(
                indicator=definition.split(".")[0], definition=definition, note="", place="Blatt 1", y_code=code, n_code=code
            )
        )
    return Panel(pd.concat(frames, ignore_index=True), cities)


def findings(
    trees: Mapping[str, xr.DataTree],
    book: Catalogue,
    *,
    main: Mapping[str, str] | None = None,
    lands: Sequence[str] | None = None,
    years: tuple[int, ...] = YEARS,
    count: int | None = None,
    history: bool = False,
    baseline: Baseline | None = None,
    covariates: pd.DataFrame | None = None,
    **settings: object,
) -> Findings:
    """Findings of these posteriors; cities named by their number. `history`: whether the prior of the shift comes from it."""
    for name, one in trees.items():
        one.attrs |= {"definition": name, "shift_source": "history" if history else "default"}
    cities = count or max(one["posterior"].sizes["city"] for one in trees.values())
    return build_findings(
        trees,
        panel(trees, cities, lands),
        book,
        main or {one: book.main_definition(one) for one in book.indicators},
        years,
        FindingSettings.model_validate(settings),
        None,
        baseline=baseline,
        covariates=covariates,
    )
