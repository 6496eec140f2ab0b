"""The whole stage: context and settings in, a distribution over partitions with its summary out."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
from sklearn.metrics import silhouette_score

from integstat.errors import DataError, UsageError
from integstat.panel import Context
from integstat.peers.consensus import Summary, choose, coassignment, cost, membership, summarise
from integstat.peers.features import Scaled, scale_features
from integstat.peers.naming import ONE_GROUP, group_names, group_profile, ordered
from integstat.peers.partitions import Partitions
from integstat.peers.sampling import Draws, sample_partitions
from integstat.peers.settings import PeerSettings, check_settings

FEWEST_CITIES = 8  # below it there is one group
CITIES_PER_GROUP = 3  # on average, at least
LOW_STABILITY = 0.6  # below it a note says that the cities form no clear groups


def build_partitions(context: Context, settings: PeerSettings, seed: int) -> Partitions:
    """Divide the cities of a ring into peer groups, with the doubt.

    Parameters
    ----------
    context : Context
        Features of one year, not after the first year of the comparison.
    settings : PeerSettings
    seed : int
        The same context, settings and seed give the same result; the order of rows and columns does not count.

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
    Groups come out of a slope as well as of islands: read stability and probabilities beside them.
    """
    check_settings(settings, context)
    if not len(context.features):
        raise DataError("es gibt keine Stadt mit Strukturdaten", place="Strukturdaten", mend="bitte die Strukturdaten liefern")
    if len(context.features) < FEWEST_CITIES:
        return _one_group(context)
    scaled = scale_features(context, settings)
    points = scaled.weighted
    ks = group_range(points, settings)
    draws = sample_partitions(points, ks, settings, seed)
    overall = coassignment(draws.labels)
    summaries = [summarise(draws, k, overall) for k in ks]
    chosen = choose(summaries) if settings.k is None else next(one for one in summaries if one.k == settings.k)
    partition = ordered(chosen.partition, scaled.values)
    names = group_names(partition, scaled.values, scaled.features)
    probability = membership(partition, draws.at(chosen.k).labels)
    return Partitions(
        cities=tuple(str(city) for city in context.features.index),
        draws=draws.labels,
        summary=partition,
        probability=probability,
        coassignment=overall,
        names=names,
        profile=group_profile(partition, scaled.values),
        diagnostics=_diagnostics(summaries, chosen, points),
        notes=_notes(scaled, ks, settings, chosen, draws, partition, probability, names),
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


def _diagnostics(summaries: list[Summary], chosen: Summary, points: np.ndarray) -> pd.DataFrame:
    rows = []
    for summary in summaries:
        row = asdict(summary)
        partition = row.pop("partition")
        row["cost"] = cost(summary, max(one.k for one in summaries))
        row["silhouette"] = float(silhouette_score(points, partition)) if 1 < partition.max() + 1 < len(points) else float("nan")
        row["smallest_group"] = int(np.bincount(partition).min())
        row["chosen"] = summary.k == chosen.k
        rows.append(row)
    columns = ["k", "stability", "expected_loss", "loss_at_k", "cost", "silhouette", "smallest_group", "chosen"]
    return pd.DataFrame(rows, columns=columns)


def _notes(
    scaled: Scaled,
    ks: range,
    settings: PeerSettings,
    chosen: Summary,
    draws: Draws,
    partition: np.ndarray,
    probability: np.ndarray,
    names: tuple[str, ...],
) -> tuple[str, ...]:
    notes = list(scaled.notes)
    cities = len(partition)
    if ks[-1] < settings.k_max:
        notes.append(f"Bei {cities} Städten wurden höchstens {ks[-1]} Gruppen geprüft.")
    if len(names) < chosen.k:
        notes.append(f"Statt {chosen.k} Gruppen ließen sich nur {len(names)} bilden.")
    for group in np.flatnonzero(np.bincount(partition) == 1):
        notes.append(f"Die Gruppe '{names[group]}' besteht aus einer einzigen Stadt; diese Stadt hat keine Vergleichsgruppe.")
    if chosen.stability < LOW_STABILITY:
        shown = f"{chosen.stability:.2f}".replace(".", ",")
        doubtful = int((probability[np.arange(cities), partition] < settings.borderline).sum())
        are = "1 Stadt ist ein Grenzfall" if doubtful == 1 else f"{doubtful} Städte sind Grenzfälle"
        notes.append(
            f"Die Städte bilden keine klar getrennten Gruppen (Stabilität {shown} von höchstens 1; {are}); "
            "die Einteilung ist eine Übereinkunft."
        )
    return tuple(notes)


def _one_group(context: Context) -> Partitions:
    cities = len(context.features)
    whole = np.zeros(cities, dtype=int)
    count = "1 Stadt hat" if cities == 1 else f"{cities} Städte haben"
    return Partitions(
        cities=tuple(str(city) for city in context.features.index),
        draws=whole[None, :].copy(),
        summary=whole,
        probability=np.ones((cities, 1)),
        coassignment=np.ones((cities, cities)),
        names=(ONE_GROUP,),
        profile=pd.DataFrame(index=pd.Index([0], name="group")),
        diagnostics=pd.DataFrame(
            {
                "k": [1],
                "stability": [float("nan")],
                "expected_loss": [float("nan")],
                "loss_at_k": [float("nan")],
                "cost": [float("nan")],
                "silhouette": [float("nan")],
                "smallest_group": [cities],
                "chosen": [True],
            }
        ),
        notes=(
            f"Nur {count} Strukturdaten; für Vergleichsgruppen sind mindestens {FEWEST_CITIES} Städte nötig, "
            "deshalb bilden alle eine Gruppe.",
        ),
    )
