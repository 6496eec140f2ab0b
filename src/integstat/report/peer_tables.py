"""The peer stage as files: who belongs where, with what probability, who is near, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from integstat.peers.features.build import feature_table
from integstat.peers.partitions import Partitions
from integstat.report.tables import write_csv

FOLDER = "peers"
_MATRIX_UP_TO = 1000  # cities; beyond, the matrix of pairs is no table any more


def write_peer_tables(folder: Path, partitions: Partitions, explained: pd.DataFrame, names: Mapping[str, str]) -> None:
    """Write everything the peer stage found into `peers/` of a run's folder.

    Parameters
    ----------
    folder : pathlib.Path
        Of the run.
    partitions : Partitions
    explained : pandas.DataFrame
        As `integstat.peers.explained.explained_table` gives it.
    names : mapping of str to str
        City name by AGS.
    """
    out = folder / FOLDER
    out.mkdir(exist_ok=True)
    write_csv(out / "groups.csv", partitions.groups)
    write_csv(out / "probabilities.csv", _probabilities(partitions, names))
    write_csv(out / "numbers.csv", partitions.diagnostics)
    write_csv(out / "explained.csv", explained)
    if partitions.scaled is None or partitions.neighbours is None or partitions.structure is None or partitions.ball is None:
        return
    write_csv(out / "features.csv", feature_table(partitions.scaled))
    write_csv(out / "profile.csv", partitions.profile.reset_index())
    write_csv(out / "neighbours.csv", partitions.neighbours.table(names))
    write_csv(out / "structure.csv", partitions.structure.table.assign(p=partitions.structure.p))
    write_csv(out / "positions.csv", partitions.place.rename_axis("city").reset_index())
    bounds = {name: getattr(partitions.ball, name) for name in ("coarsest", "finest", "farthest")}
    write_csv(out / "ball.csv", pd.DataFrame({"city": partitions.cities, "summary": partitions.summary} | bounds))
    if len(partitions.cities) <= _MATRIX_UP_TO:
        matrix = pd.DataFrame(partitions.coassignment, columns=list(partitions.cities))
        matrix.insert(0, "city", partitions.cities)
        write_csv(out / "coassignment.csv", matrix)


def _probabilities(partitions: Partitions, names: Mapping[str, str]) -> pd.DataFrame:
    cities, groups = partitions.probability.shape
    place = np.repeat(np.arange(cities), groups)
    return pd.DataFrame(
        {
            "city": [partitions.cities[i] for i in place],
            "city_name": [names.get(partitions.cities[i], partitions.cities[i]) for i in place],
            "peer_group": list(partitions.names) * cities,
            "probability": partitions.probability.ravel(),
            "own": (partitions.summary[:, None] == np.arange(groups)).ravel(),
        }
    )
