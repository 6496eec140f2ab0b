"""The whole stage: context and settings in, a distribution over partitions with its summary, and each city's neighbours out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from integstat.errors import DataError, UsageError
from integstat.panel import Context
from integstat.peers.ball import credible_ball
from integstat.peers.consensus import Summary, coassignment, membership, summarise
from integstat.peers.draws import Draws, sample_partitions
from integstat.peers.features.build import scale_features
from integstat.peers.groups import GROUP_COLUMNS, group_table
from integstat.peers.naming import ONE_GROUP, group_profile, ordered
from integstat.peers.neighbours import nearest_neighbours
from integstat.peers.notes import partition_notes
from integstat.peers.number import Numbers, numbers
from integstat.peers.partitions import Partitions
from integstat.peers.position import positions
from integstat.peers.settings import PeerSettings, check_settings
from integstat.peers.structure import Structure, structure_test

FEWEST_CITIES = 8  # below it there is one group
CITIES_PER_GROUP = 3  # on average, at least
DIAGNOSTICS = ("k", "weight", "stability", "excess", "expected_loss", "loss_at_k", "cost", "prediction_strength", "gap",
               "gap_se", "bic", "silhouette", "smallest_group", "recommended", "chosen")  # fmt: skip


def build_partitions(context: Context, settings: PeerSettings, seed: int, *, cores: int = 1) -> Partitions:
    """Divide the cities of a ring into peer groups, with the doubt, and find each city's neighbours.

    Parameters
    ----------
    context : Context
        Features of one year, not after the first year of the comparison.
    settings : PeerSettings
    seed : int
        The same context, settings and seed give the same result; the order of rows and columns does not count.
    cores : int
        The result does not depend on it.

    Returns
    -------
    Partitions

    Raises
    ------
    UsageError
        If the settings are refused, name an unknown feature, ask for too many groups, or no feature differs.
    DataError
        If there is no city, or a value cannot be transformed.

    Notes
    -----
    Similar context does not make cities alike in what integration policy can do, and a group is no yardstick by itself.
    Groups come out of a slope as well as of islands: read the structure test, stability and probabilities beside them.
    """
    check_settings(settings, context)
    if not len(context.features):
        raise DataError("es gibt keine Stadt mit Strukturdaten", place="Strukturdaten", mend="bitte die Strukturdaten liefern")
    if len(context.features) < FEWEST_CITIES:
        return _one_group(context)
    with threadpool_limits(limits=1):  # sums over threads come out in another order each time
        return _build(context, settings, seed, cores)


def _build(context: Context, settings: PeerSettings, seed: int, cores: int) -> Partitions:
    own = [int(one) for one in np.random.SeedSequence(seed).generate_state(6)]
    scaled = scale_features(context, settings, own[0])
    points = scaled.points(0)
    ks = group_range(points, settings)
    structure = structure_test(
        np.stack([scaled.points(i) for i in range(len(scaled.values))]), ks, own[3], clouds=settings.clouds, cores=cores
    )
    draws = sample_partitions(scaled, ks, settings, own[1], excess=structure.excess, cores=cores)
    overall = coassignment(draws)
    summaries = [summarise(draws, k, overall) for k in ks]
    measures = numbers(points, ks, np.random.default_rng(own[2]))
    recommended = recommend(summaries, structure)
    chosen = recommended if settings.k is None else next(one for one in summaries if one.k == settings.k)
    partition = ordered(chosen.partition, scaled.frame)
    at = draws.at(chosen.k)
    probability = membership(partition, at)
    groups = group_table(partition, scaled, at)
    diagnostics = _diagnostics(draws, summaries, measures, structure, recommended.k, chosen.k)
    place, axes, shown = positions(scaled, settings.feature_fraction, np.random.default_rng(own[4]))
    return Partitions(
        cities=scaled.cities,
        draws=draws,
        summary=partition,
        probability=probability,
        names=tuple(groups["name"]),
        names_en=tuple(groups["name_en"]),
        profile=group_profile(partition, scaled.frame),
        groups=groups,
        diagnostics=diagnostics,
        named=measures.named,
        ball=credible_ball(partition, draws),
        structure=structure,
        scaled=scaled,
        neighbours=nearest_neighbours(scaled, settings, own[5]),
        place=place,
        axes=axes,
        shown=shown,
        notes=scaled.notes + partition_notes(settings, ks, chosen, partition, probability, groups, structure),
    )


def group_range(points: np.ndarray, settings: PeerSettings) -> range:
    """Numbers of groups to try, so that a group holds three cities on average and no more groups than places are asked for.

    Parameters
    ----------
    points : ndarray, shape (C, F)

    Raises
    ------
    UsageError
        If the number asked for in the settings is too large for the ring.
    """
    most = min(settings.k_max, max(2, len(points) // CITIES_PER_GROUP), len(np.unique(points, axis=0)))
    if settings.k is not None and settings.k > most:
        raise UsageError(
            f"'k' ({settings.k}) ist für {len(points)} Städte zu groß",
            place="[peers]",
            mend=f"bitte höchstens {most} Gruppen verlangen",
        )
    return range(min(settings.k_min, most), most + 1)


def recommend(summaries: list[Summary], structure: Structure) -> Summary:
    """Take the number of groups of least cost; of equals the smallest.

    Parameters
    ----------
    summaries : list of Summary
        One for each k tried.
    structure : Structure
        Where the test found no groups, groups serve comparison alone: numbers with a group of fewer than three cities are passed
        over, if there are others.
    """
    most = max(one.k for one in summaries)
    usable = [one for one in summaries if structure.grouped or np.bincount(one.partition).min() >= CITIES_PER_GROUP]
    return min(usable or summaries, key=lambda one: (round(cost(one, structure.excess, most), 9), one.k))


def cost(summary: Summary, excess: Mapping[int, float], most: int) -> float:
    """Expected loss, plus what stability and its excess lack of 1, times log2 of the largest k tried.

    The logarithm is the most bits that a partition there can tell. `excess` is that of `Structure`: numbers of groups that recur
    no more than in a cloud get no credit for it.

    Notes
    -----
    Stability alone would take a coarse partition that recurs though a finer one recurs as well; loss alone would take
    the middle of the range tried. The choice does not say that groups exist: without structure some number is chosen, too.
    """
    lack = (1.0 - summary.stability) + (1.0 - excess.get(summary.k, 0.0))
    return summary.expected_loss + lack * float(np.log2(most))


def _diagnostics(
    draws: Draws, summaries: list[Summary], measures: Numbers, structure: Structure, recommended: int, chosen: int
) -> pd.DataFrame:
    rows = []
    for summary in summaries:
        row = asdict(summary)
        partition = row.pop("partition")
        row["weight"] = float(draws.weight[draws.k == summary.k].sum())
        row["excess"] = structure.excess[summary.k]
        row["cost"] = cost(summary, structure.excess, max(one.k for one in summaries))
        row["smallest_group"] = int(np.bincount(partition).min())
        row["recommended"] = summary.k == recommended
        row["chosen"] = summary.k == chosen
        rows.append(row)
    one_group = {"k": 1, "smallest_group": draws.labels.shape[1], "recommended": False, "chosen": False}
    table = pd.DataFrame([one_group, *rows]).merge(measures.table, on="k")
    return table[list(DIAGNOSTICS)].astype({"recommended": bool, "chosen": bool})


def _one_group(context: Context) -> Partitions:
    cities = len(context.features)
    whole = np.zeros(cities, dtype=np.int8)
    keys = tuple(str(city) for city in context.features.index)
    count = "1 Stadt hat" if cities == 1 else f"{cities} Städte haben"
    alone = {"k": 1, "smallest_group": cities, "recommended": True, "chosen": True}
    empty = {name: float("nan") for name in DIAGNOSTICS if name not in alone}
    return Partitions(
        cities=keys,
        draws=Draws(whole[None, :].copy(), np.ones(1), np.ones(1, dtype=int), np.array(["none"]), np.zeros(1, dtype=int)),
        summary=whole.astype(int),
        probability=np.ones((cities, 1)),
        names=(ONE_GROUP["de"],),
        names_en=(ONE_GROUP["en"],),
        profile=pd.DataFrame(index=pd.Index([0], name="group")),
        groups=pd.DataFrame([[0, ONE_GROUP["de"], ONE_GROUP["en"], cities, float("nan"), ""]], columns=list(GROUP_COLUMNS)),
        diagnostics=pd.DataFrame([alone | empty])[list(DIAGNOSTICS)],
        named={},
        ball=None,
        structure=None,
        scaled=None,
        neighbours=None,
        place=pd.DataFrame(columns=["x", "y", "spread"]),
        axes=pd.DataFrame(columns=["x", "y"]),
        shown=float("nan"),
        notes=(
            f"Nur {count} Strukturdaten; für Vergleichsgruppen sind mindestens {FEWEST_CITIES} Städte nötig, "
            "deshalb bilden alle eine Gruppe.",
        ),
    )
