"""What the numbers of `universes.parquet` stand for: names of axes, choices and definitions, weights, design and thresholds."""

from __future__ import annotations

from typing import Any

import pandas as pd

from integstat.catalogue import Catalogue
from integstat.sensitivity.shown import SensitivityShown
from integstat.sensitivity.universes import Axis

FILE_NAME = "sensitivity.json"


def describe(shown: SensitivityShown, kinds: pd.DataFrame, catalogue: Catalogue) -> dict[str, Any]:
    """Gather it for `sensitivity.json`.

    Parameters
    ----------
    shown : SensitivityShown
    kinds : pandas.DataFrame
        Of the findings: `kind` and `threshold`.
    catalogue : Catalogue

    Returns
    -------
    dict
        `name`, `design`, `universes`, `models`, `fits`, `notes`; `thresholds` by event; `axes`, the first alternative of each the
        ring's own; by indicator its own `axes` and its `definitions` with their names, the main one first.
    """
    thresholds = dict(zip(kinds["kind"], kinds["threshold"], strict=True))
    return {
        "name": shown.settings.name_de,
        "design": shown.settings.design,
        "universes": shown.universes,
        "models": shown.models,
        "fits": shown.fits,
        "notes": list(shown.notes),
        "thresholds": {f"p_{kind}": float(thresholds[kind]) for kind in ("success", "deficit", "stable") if kind in thresholds},
        "axes": [_axis(axis) for axis in shown.space.axes],
        "indicators": {
            name: {
                "axes": [_axis(axis) for axis in story.universes.axes if axis.sort == "measurement"],
                "definitions": {one: catalogue.definition(one)[1].name_de for one in shown.space.definitions[name]},
            }
            for name, story in shown.explained.stories.items()
        },
    }


def _axis(axis: Axis) -> dict[str, Any]:
    alternatives = [
        {"id": one.id, "name_de": one.name_de, "kind": one.kind, "weight": float(one.weight)} for one in axis.alternatives
    ]
    return {"id": axis.id, "name_de": axis.name_de, "sort": axis.sort, "alternatives": alternatives}
