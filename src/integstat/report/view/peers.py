"""Peer groups and neighbours: conventions with probabilities, in plain words first."""

from __future__ import annotations

from dataclasses import dataclass

from integstat.peers.partitions import Partitions
from integstat.report.view.lookup import Lookup
from integstat.report.view.peers_ball import BallView, ball_view
from integstat.report.view.peers_explained import ExplainedView, explained_view
from integstat.report.view.peers_groups import GroupsView, groups_view
from integstat.report.view.peers_map import MapView, map_view
from integstat.report.view.peers_neighbours import NeighboursView, neighbours_view
from integstat.report.view.peers_number import NumberView, number_view, structure_sentence


@dataclass(frozen=True)
class PeersView:
    """What there is to say about peers; a part is None where the ring gives nothing to say."""

    lead: tuple[str, ...]
    map: MapView | None = None
    groups: GroupsView | None = None
    neighbours: NeighboursView | None = None
    number: NumberView | None = None
    ball: BallView | None = None
    explained: ExplainedView | None = None
    notes: tuple[str, ...] = ()


def peers_view(look: Lookup) -> PeersView:
    """Tell the groups; without groups the view is empty but for a sentence."""
    partitions = look.data.partitions
    if partitions is None or look.data.peers.empty:
        return PeersView((look.texts.t("peers.nothing"),))
    several = partitions.size > 1
    return PeersView(
        lead=_lead(look, partitions),
        map=map_view(look, partitions),
        groups=groups_view(look, partitions),
        neighbours=neighbours_view(look, partitions.neighbours) if partitions.neighbours and partitions.neighbours.k else None,
        number=number_view(look, partitions),
        ball=ball_view(look, partitions, partitions.ball) if several and partitions.ball else None,
        explained=explained_view(look),
        notes=partitions.notes,
    )


def _lead(look: Lookup, partitions: Partitions) -> tuple[str, ...]:
    """First whether there are groups at all, then the groups, then with whom a city is compared."""
    t = look.texts.t
    said = [structure_sentence(look, partitions.structure)] if partitions.structure else []
    if partitions.size == 1:
        said.append(t("peers.one_group", n=len(partitions.cities)))
    else:
        groups = look.texts.plural(partitions.size, t("noun.group.single"), t("noun.group.several"))
        borderline = t("peers.borderline", n=int(look.data.peers["borderline"].sum()))
        features = look.texts.listing(look.texts.of(one) for one in partitions.scaled.features) if partitions.scaled else ""
        lead = t("peers.lead", groups=groups, n=len(partitions.cities), features=features)
        said.append(" ".join([lead, borderline, t("peers.convention")]))
    if partitions.neighbours and partitions.neighbours.k:
        said.append(f"{t('peers.equal_rank')} {t(f'peers.notion.{look.data.notion}')}")
    return tuple(said)
