"""German sentences on a summary partition: what the reader must know before using it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from integstat.peers.consensus import Summary
from integstat.peers.features.scaling import german
from integstat.peers.groups import DISSOLVED
from integstat.peers.settings import PeerSettings
from integstat.peers.structure import Structure

LOW_STABILITY = 0.6  # below it a note says that the cities form no clear groups


def partition_notes(
    settings: PeerSettings,
    ks: range,
    chosen: Summary,
    partition: np.ndarray,
    probability: np.ndarray,
    groups: pd.DataFrame,
    structure: Structure,
) -> tuple[str, ...]:
    """Say what limits the groups: numbers not tried, lone cities, groups that dissolve or are not clearly apart.

    Parameters
    ----------
    settings : PeerSettings
    ks : range
        Numbers of groups tried.
    chosen : Summary
    partition : ndarray of int, shape (C,)
    probability : ndarray, shape (C, K)
    groups : pandas.DataFrame
        As `integstat.peers.groups.group_table` gives it.
    structure : Structure
    """
    notes = []
    cities, names = len(partition), list(groups["name"])
    if ks[-1] < settings.k_max:
        notes.append(f"Bei {cities} Städten wurden höchstens {ks[-1]} Gruppen geprüft.")
    if len(names) < chosen.k:
        notes.append(f"Statt {chosen.k} Gruppen ließen sich nur {len(names)} bilden.")
    if ks[0] < settings.k_min:
        notes.append(f"Für {settings.k_min} Gruppen reichen {cities} Städte nicht.")
    if isinstance(settings.k_weight, dict) and not any(settings.k_weight.get(k, 0.0) for k in ks):
        notes.append("Die Gewichte in 'k_weight' nennen keine der geprüften Gruppenzahlen; alle zählen gleich.")
    for group in np.flatnonzero(np.bincount(partition) == 1):
        notes.append(f"Die Gruppe '{names[group]}' besteht aus einer einzigen Stadt; diese Stadt hat keine Vergleichsgruppe.")
    dissolved = groups[(groups["jaccard"] < DISSOLVED) & (groups["size"] > 1)]
    for name, jaccard in zip(dissolved["name"], dissolved["jaccard"], strict=True):
        notes.append(
            f"Die Gruppe '{name}' zerfällt häufig, wenn Städte, Merkmale oder Verfahren wechseln "
            f"(mittlere Übereinstimmung {german(jaccard, '.2f')} von höchstens 1)."
        )
    if chosen.stability < LOW_STABILITY and structure.grouped:
        doubtful = int((probability[np.arange(cities), partition] < settings.borderline).sum())
        are = "1 Stadt ist ein Grenzfall" if doubtful == 1 else f"{doubtful} Städte sind Grenzfälle"
        stability = german(chosen.stability, ".2f")
        notes.append(
            f"Die Städte bilden keine klar getrennten Gruppen (Stabilität {stability} von höchstens 1; {are}); "
            "die Einteilung ist eine Übereinkunft."
        )
    return tuple(notes)
