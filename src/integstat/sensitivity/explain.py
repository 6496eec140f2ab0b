"""What the universes say about every finding: how robust it is, what would change it, and what its doubt is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from integstat.sensitivity.attribution import Attribution, attribute
from integstat.sensitivity.flips import Flip, smallest_flips
from integstat.sensitivity.leverage import axes_alone, leverage
from integstat.sensitivity.robustness import event_of, mixed, pooled, robustness
from integstat.sensitivity.universes import FINDINGS, NOT_THERE, Universes

ROBUSTNESS_CODEBOOK: dict[str, str] = {
    "city": "Amtlicher Gemeindeschlüssel (Text)",
    "city_name": "Name der Stadt",
    "field": "Handlungsfeld",
    "indicator": "Indikator",
    "definition": "Hauptdefinition, als indicator.definition",
    "finding": "Befund: success, deficit, stable oder open",
    "event": "Ereignis, dessen Wahrscheinlichkeit hier steht: p_success, p_deficit oder p_stable; bei open das wahrscheinlichste",
    "p_own": "seine Wahrscheinlichkeit auf dem Rechenweg des Rings",
    "p_headline": "über die Modelle gemittelt, mit den festgelegten Gewichten: daraus folgt der Befund",
    "p_pooled": "über Modelle und Definitionen gemittelt; nie der Befund",
    "robustness": "Anteil gleichwertiger Rechenwege mit demselben Befund, gewichtet; leer, wo ein Bruch die Zelle offen hält",
    "failed": "Anteil gleichwertiger Rechenwege, die nicht zu rechnen waren, gewichtet; sie zählen nicht als derselbe Befund",
    "universes": "Zahl der gleichwertigen Rechenwege, der des Rings eingeschlossen",
    "robustness_with_uncertain": "dasselbe mit den Rechenwegen, deren Gleichwertigkeit offen ist",
    "universes_with_uncertain": "Zahl dieser Rechenwege",
    "flip_size": "kleinste Zahl von Änderungen an Modell oder Definition mit einem anderen Befund; leer: keine; 0: ohne jede",
    "flips": "alle Änderungen dieser Größe, als Achse=Alternative, mit + verbunden und dem Befund danach; mit ; getrennt",
    "flip_size_any": "dasselbe, wenn auch Frage und Entscheidung geändert werden dürfen",
    "flips_any": "alle Änderungen dieser Größe",
}
ATTRIBUTION_CODEBOOK: dict[str, str] = {
    "city": "Amtlicher Gemeindeschlüssel (Text)",
    "city_name": "Name der Stadt",
    "indicator": "Indikator",
    "event": "Ereignis: das des Befunds, und p_lasting (der bleibende Teil der relativen Veränderung ist größer als 0)",
    "part": "counting_error (Zählfehler und Unschärfe des Modells), what_lasts (was bleibt) oder Name einer Achse",
    "part_name": "Name auf Deutsch",
    "value": "Beitrag zu P(1 − P), über Modelle und Definitionen gemittelt; die Beiträge einer Zelle ergeben die Summe",
    "share": "derselbe als Anteil daran",
}
_COUNTING, _LASTING = "counting_error", "what_lasts"
_PARTS = {
    _COUNTING: "Zählfehler und Unschärfe innerhalb eines Rechenwegs",
    _LASTING: "ob eine Veränderung bleibt, auch wenn sie bekannt wäre",
}


@dataclass(frozen=True)
class Story:
    """What the universes say about one indicator.

    Attributes
    ----------
    universes : Universes
    headline : ndarray of int8, shape (C,)
        Findings of the run.
    events : tuple of str, length C
    question, anything : tuple of Flip, length C
        Smallest sets of changes: of model and definition; of anything.
    parts : Attribution
        Of each city's event.
    lasting : Attribution
        Of 'the part of the relative change that lasts is above 0'.
    """

    universes: Universes
    headline: np.ndarray
    events: tuple[str, ...]
    question: tuple[Flip, ...]
    anything: tuple[Flip, ...]
    parts: Attribution
    lasting: Attribution


@dataclass(frozen=True)
class Explained:
    """All that stands beside the findings of a run.

    Attributes
    ----------
    stories : dict of str to Story
        By indicator.
    robustness, attribution, leverage, alone : pandas.DataFrame
        Columns `ROBUSTNESS_CODEBOOK`, `ATTRIBUTION_CODEBOOK`, and those of `integstat.sensitivity.leverage`.
    """

    stories: dict[str, Story]
    robustness: pd.DataFrame
    attribution: pd.DataFrame
    leverage: pd.DataFrame
    alone: pd.DataFrame


def explain(grid: pd.DataFrame, universes: Mapping[str, Universes]) -> Explained:
    """Explain every finding of the grid.

    Parameters
    ----------
    grid : pandas.DataFrame
        Findings of the run in the main definitions.
    universes : mapping of str to Universes
        By indicator; others have no robustness.
    """
    stories = {indicator: _story(one, _headline(grid, one)) for indicator, one in universes.items()}
    tables = [_robustness(story, _names(grid, story.universes)) for story in stories.values()]
    parts = [_attribution(story, _names(grid, story.universes)) for story in stories.values()]
    alone = [axes_alone(one.universes, one.headline) for one in stories.values()]
    found = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(ROBUSTNESS_CODEBOOK))
    return Explained(
        stories=stories,
        robustness=_without_capped(found, grid),
        attribution=pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(ATTRIBUTION_CODEBOOK)),
        leverage=leverage([one.universes for one in stories.values()], [one.headline for one in stories.values()]),
        alone=pd.concat(alone, ignore_index=True) if alone else pd.DataFrame(),
    )


def without_caps(universes: Universes, settings: Sequence[Sequence[Mapping[str, Any]]]) -> Story | None:
    """Tell the story of an indicator in the question 'what if breaks and jumps of the base kept nothing open'.

    Parameters
    ----------
    universes : Universes
    settings : sequence of sequence of mapping
        What the alternatives of the shared axes change, as `Space.sets`.

    Returns
    -------
    Story or None
        None where no alternative switches the caps off alone. The headline is the finding of the ring's own model.
    """
    for place, alternatives in enumerate(settings):
        for taken, one in enumerate(alternatives):
            if dict(one) == {"findings.caps": False}:
                asked = _asked(universes, place, taken)
                return _story(asked, asked.finding[asked.main]) if len(asked.number) else None
    return None


def _asked(universes: Universes, place: int, taken: int) -> Universes:
    """Universes that take this alternative of a question axis, as if it were the ring's own question."""
    rows = np.flatnonzero(universes.choice[:, place] == taken)
    choice = universes.choice[rows].copy()
    choice[:, place] = 0
    kind = universes.definition_kind
    return replace(
        universes,
        choice=choice,
        number=universes.number[rows],
        definition=tuple(universes.definition[row] for row in rows),
        weight=universes.weight[rows],
        probability={name: values[rows] for name, values in universes.probability.items()},
        finding=universes.finding[rows],
        applies=universes.applies[rows],
        reason=tuple(universes.reason[row] for row in rows),
        definition_kind=None if kind is None else kind[rows],
        lasting_doubt=None if universes.lasting_doubt is None else universes.lasting_doubt[rows],
    )


def with_robustness(grid: pd.DataFrame, explained: Explained) -> pd.DataFrame:
    """Fill the column `robustness` of the findings."""
    known = explained.robustness.set_index(["city", "indicator"])["robustness"]
    places = pd.MultiIndex.from_frame(grid[["city", "indicator"]].astype(str))
    return grid.assign(robustness=known.reindex(places).to_numpy(float))


def _without_capped(table: pd.DataFrame, grid: pd.DataFrame) -> pd.DataFrame:
    """Leave the robustness of cells empty in which no finding may stand, whatever is computed."""
    if "capped" not in grid or not len(table):
        return table
    rows = grid[grid["capped"].astype(bool)]
    kept_open = set(zip(rows["city"].astype(str), rows["indicator"].astype(str), strict=True))
    places = [place in kept_open for place in zip(table["city"].astype(str), table["indicator"].astype(str), strict=True)]
    columns = ["robustness", "robustness_with_uncertain"]
    return table.assign(**{name: table[name].mask(np.array(places, dtype=bool)) for name in columns})


def _names(grid: pd.DataFrame, universes: Universes) -> pd.DataFrame:
    """City's rows of the grid, in the order of the universes."""
    rows = grid[grid["indicator"] == universes.indicator].set_index("city")
    return rows.loc[list(universes.cities)].reset_index()


def _headline(grid: pd.DataFrame, universes: Universes) -> np.ndarray:
    """Codes of the run's findings; `NOT_THERE` where a cell has no finding because nothing is estimable."""
    rows = _names(grid, universes)
    codes = np.array([FINDINGS.index(one) for one in rows["finding"]], dtype=np.int8)
    nothing = rows[["p_success", "p_deficit", "p_stable"]].isna().all(axis=1).to_numpy()
    return np.where(nothing, NOT_THERE, codes).astype(np.int8)


def _story(universes: Universes, headline: np.ndarray) -> Story:
    events = event_of(universes, headline)
    by_event = {event: attribute(universes, event) for event in dict.fromkeys(events)}
    taken = [by_event[event] for event in events]
    parts = Attribution(
        whole=np.array([one.whole[c] for c, one in enumerate(taken)]),
        counting=np.array([one.counting[c] for c, one in enumerate(taken)]),
        lasting=np.array([one.lasting[c] for c, one in enumerate(taken)]),
        axes=np.column_stack([one.axes[:, c] for c, one in enumerate(taken)]),
        p_bar=np.array([one.p_bar[c] for c, one in enumerate(taken)]),
        universes=np.array([one.universes[c] for c, one in enumerate(taken)]),
    )
    return Story(
        universes=universes,
        headline=headline,
        events=tuple(events),
        question=smallest_flips(universes, headline, "question"),
        anything=smallest_flips(universes, headline, "all"),
        parts=parts,
        lasting=attribute(universes, "p_lasting", lasting_share=_known(universes.lasting_doubt)),
    )


def _known(doubt: np.ndarray | None) -> np.ndarray | None:
    """Nought where years of their own inform what lasts, so that nothing is left to a prior."""
    return None if doubt is None else np.nan_to_num(doubt)


def _of_event(story: Story, values: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.array([values[event][c] for c, event in enumerate(story.events)])


def _robustness(story: Story, names: pd.DataFrame) -> pd.DataFrame:
    one, distinct = story.universes, dict.fromkeys(story.events)
    found = robustness(one, story.headline)
    own = {event: one.probability[event][one.main] for event in distinct}
    return pd.DataFrame(
        {
            **{name: names[name] for name in ("city", "city_name", "field", "indicator", "definition", "finding")},
            "event": story.events,
            "p_own": _of_event(story, own),
            "p_headline": _of_event(story, {event: mixed(one, event) for event in distinct}),
            "p_pooled": _of_event(story, {event: pooled(one, event) for event in distinct}),
            "robustness": found.share,
            "failed": found.failed,
            "universes": found.universes,
            "robustness_with_uncertain": found.share_with_uncertain,
            "universes_with_uncertain": found.universes_with_uncertain,
            "flip_size": [flip.size if flip.size >= 0 else np.nan for flip in story.question],
            "flips": [_flips(one, flip) for flip in story.question],
            "flip_size_any": [flip.size if flip.size >= 0 else np.nan for flip in story.anything],
            "flips_any": [_flips(one, flip) for flip in story.anything],
        },
        columns=list(ROBUSTNESS_CODEBOOK),
    )


def _flips(universes: Universes, flip: Flip) -> str:
    out = []
    for changes, finding in zip(flip.changes, flip.findings, strict=True):
        named = [(universes.axes[axis], taken) for axis, taken in changes]
        text = "+".join(f"{axis.id}={axis.alternatives[taken].id}" for axis, taken in named)
        out.append(f"{text or 'main'}:{FINDINGS[finding]}")
    return ";".join(out)


def _attribution(story: Story, names: pd.DataFrame) -> pd.DataFrame:
    own = _parts(story, story.parts, story.events, names)
    return pd.concat([own, _parts(story, story.lasting, ("p_lasting",) * len(names), names)], ignore_index=True)


def _parts(story: Story, parts: Attribution, events: Sequence[str], names: pd.DataFrame) -> pd.DataFrame:
    one = story.universes
    rows = {**_PARTS, **{axis.id: axis.name_de for axis in one.axes if axis.sort in ("model", "measurement")}}
    values = {_COUNTING: parts.counting, _LASTING: parts.lasting} | {axis.id: parts.axes[a] for a, axis in enumerate(one.axes)}
    frames = [
        pd.DataFrame(
            {
                "city": names["city"],
                "city_name": names["city_name"],
                "indicator": one.indicator,
                "event": events,
                "part": part,
                "part_name": name,
                "value": values[part],
                "share": np.divide(values[part], parts.whole, out=np.full(len(names), np.nan), where=parts.whole > 0),
            }
        )
        for part, name in rows.items()
    ]
    return pd.concat(frames, ignore_index=True)[list(ATTRIBUTION_CODEBOOK)]
