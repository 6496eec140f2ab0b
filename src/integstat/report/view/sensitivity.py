"""How far the findings reach: what was varied, what single choices move, and what would change each finding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from integstat.report.figures_sensitivity import Choices, Curve, HeatRow, Words, heat_map, specification_curve
from integstat.report.view.lookup import Lookup
from integstat.report.words import DECLARED
from integstat.sensitivity.explain import Story
from integstat.sensitivity.shown import SensitivityShown
from integstat.sensitivity.story import sentence_table
from integstat.sensitivity.universes import FINDINGS, NOT_THERE, Universes
from integstat.texts import Texts

COLUMNS = 240  # of a specification curve in the report: small enough for a page with many
_CURVES = 24
_MOST_ROWS = 60  # of the heat map
_FEW = 6  # choices on an axis, named one by one
_Key = tuple[str, str]  # city, indicator


@dataclass(frozen=True)
class AxisRow:
    """An axis: its sort, the choices on it, and what it moves by itself."""

    name: str
    sort: str
    choices: str
    changed: str
    moved: str
    failed: str


@dataclass(frozen=True)
class CurveView:
    """The specification curve of a finding, with its name, sentence and figures."""

    city: str
    anchor: str
    indicator: str
    held: str
    sentence: str
    figure: Markup
    note: str


@dataclass(frozen=True)
class LineView:
    """What a cell of a city says of its reach: how many ways agree (empty where open), and sentences."""

    held: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class SensitivityView:
    """The section of the other choices, and lines by city and indicator for the cells."""

    lead: tuple[str, ...]
    axes: tuple[AxisRow, ...]
    heat: Markup
    heat_more: str
    curves: tuple[CurveView, ...]
    curves_lead: str
    capped: tuple[str, ...]
    notes: tuple[str, ...]
    lines: dict[_Key, LineView]


def sensitivity_view(look: Lookup) -> SensitivityView | None:
    """Tell how far the findings reach; None where no other choices were computed."""
    shown, grid = look.data.sensitivity, look.data.findings.grid
    if shown is None:
        return None
    told = sentence_table(shown.explained, shown.capped, grid, look.texts)
    order = _least_robust(look, shown)
    heat, more = _heat(look, shown, order[:_MOST_ROWS])
    lines = {(str(row["city"]), str(row["indicator"])): _line(look, row) for _, row in told.iterrows()}
    return SensitivityView(
        lead=_lead(look, shown),
        axes=tuple(_axis(look, shown, row) for _, row in shown.explained.leverage.iterrows()),
        heat=heat,
        heat_more=look.texts.t("sensitivity.heat.more", n=len(order) - more) if more < len(order) else "",
        curves=tuple(_curve(look, shown, key, lines[key]) for key in order[:_CURVES]),
        curves_lead=look.texts.t(f"sensitivity.curves.{'some' if len(order) > _CURVES else 'all'}", n=len(order), shown=_CURVES),
        capped=tuple(one for story in shown.capped.values() if (one := _behind_caps(look, story, told))),
        notes=shown.notes,
        lines=lines,
    )


def _lead(look: Lookup, shown: SensitivityShown) -> tuple[str, ...]:
    texts, t = look.texts, look.texts.t
    sorts = [t(f"sensitivity.sorts.{sort}") for sort in dict.fromkeys(shown.explained.leverage["sort"])]
    design = t(f"sensitivity.design.{'full' if shown.settings.design == 'full' else 'sample'}")
    return (
        t("sensitivity.lead.varied", what=texts.listing(sorts)),
        t("sensitivity.lead.number", n=shown.universes, models=shown.models, fits=shown.fits, design=design),
        t("sensitivity.lead.reading"),
    )


def _axis(look: Lookup, shown: SensitivityShown, row: pd.Series) -> AxisRow:
    texts, t, cells = look.texts, look.texts.t, int(row["cells"])
    changed = round(float(row["changed"]) * cells) if cells else 0
    moved = ""
    if row["delta_max"] == 0:
        moved = t(f"sensitivity.axis.{'still_decision' if row['sort'] == 'decision' else 'still'}")
    elif np.isfinite(row["delta_mean"]):
        mean, most = (texts.number(100 * float(row[name])) for name in ("delta_mean", "delta_max"))
        moved = t("sensitivity.axis.moved", mean=mean, most=most)
    return AxisRow(
        name=str(row["name_de"]),
        sort=t(f"sensitivity.sort.{row['sort']}"),
        choices=_choices(shown, str(row["axis"]), texts),
        changed=t("sensitivity.axis.changed", n=changed, cells=cells) if cells else texts.none,
        moved=moved or texts.none,
        failed=texts.percent(float(row["failed"])) if row["failed"] > 0 else "",
    )


def _choices(shown: SensitivityShown, axis: str, texts: Texts) -> str:
    """Name the choices on a shared axis; count those of one that differs by indicator, or is long."""
    for one in shown.space.axes:
        if one.id == axis:
            names = [alternative.name_de for alternative in one.alternatives]
            return "; ".join(names) if len(names) <= _FEW else texts.t("sensitivity.axis.many", first=names[0], n=len(names) - 1)
    return texts.t("sensitivity.axis.by_indicator")


def _least_robust(look: Lookup, shown: SensitivityShown) -> list[_Key]:
    """Declared findings, the least robust first; equals in the order of the report."""
    table = shown.explained.robustness
    known = {(str(row["city"]), str(row["indicator"])): row for _, row in table.iterrows()}
    keys = [(city.key, one.id) for one in look.indicators for city in look.cities]
    declared = [key for key in keys if key in known and known[key]["finding"] in DECLARED]
    return sorted(declared, key=lambda key: _or_zero(known[key]["robustness"]))


def _or_zero(share: float) -> float:
    return 0.0 if pd.isna(share) else round(float(share), 9)


def _heat(look: Lookup, shown: SensitivityShown, keys: list[_Key]) -> tuple[Markup, int]:
    """Draw the findings of these keys by indicator, the least robust first; and say how many they are."""
    alone, t = shown.explained.alone, look.texts.t
    names = dict(zip(shown.explained.leverage["axis"], shown.explained.leverage["name_de"], strict=True))
    if not keys or not names:
        return Markup(""), 0
    cells = {(str(r["city"]), str(r["indicator"]), str(r["axis"])): r for _, r in alone.iterrows()}
    cities, rank = {city.key: city.name for city in look.cities}, {one.id: place for place, one in enumerate(look.indicators)}
    indicators = {one.id: one.name for one in look.indicators}
    rows = []
    for city, indicator in sorted(keys, key=lambda key: rank[key[1]]):
        of = [cells.get((city, indicator, axis)) for axis in names]
        change = tuple(float("nan") if one is None else float(one["delta_max"]) for one in of)
        own = _own_finding(shown.explained.stories[indicator], city)
        flips = tuple(own and one is not None and one["changed"] == 1 for one in of)
        rows.append(HeatRow(indicators[indicator], cities[city], change, flips))
    flipped = [name for place, name in enumerate(names.values()) if any(row.flips[place] for row in rows)]
    description = t("sensitivity.heat.description", axes=look.texts.listing(flipped) or t("sensitivity.heat.none"))
    return heat_map(rows, tuple(names.values()), title=t("sensitivity.heat.title"), description=description), len(rows)


def _own_finding(story: Story, city: str) -> bool:
    """Whether the ring's own universe, which `alone` starts from, has the finding of the run."""
    place, one = story.universes.cities.index(city), story.universes
    return bool(one.finding[one.main, place] == story.headline[place])


def _behind_caps(look: Lookup, story: Story, told: pd.DataFrame) -> str:
    """Say of an indicator how many findings its breaks and jumps keep back, and on which single axis most of them hang."""
    t, one = look.texts.t, story.universes
    behind = told[(told["indicator"] == one.indicator) & (told["finding_without_cap"] != "")]
    found = behind.loc[behind["finding_without_cap"].isin(DECLARED), "city"]
    name = next((known.name for known in look.indicators if known.id == one.indicator), "")
    if behind.empty or not name:
        return ""
    hang: dict[int, int] = {}
    for city in found:
        flip = story.question[one.cities.index(city)]
        for axis in {changes[0][0] for changes in flip.changes if flip.size == 1}:
            hang[axis] = hang.get(axis, 0) + 1
    out = t("sensitivity.capped.kept", n=len(behind), found=t("sensitivity.capped.found", n=len(found)), indicator=name)
    if not hang:
        return out
    most = max(hang, key=lambda axis: hang[axis])
    return f"{out} {t('sensitivity.capped.hangs', n=hang[most], axis=one.axes[most].name_de)}"


def _line(look: Lookup, row: pd.Series) -> LineView:
    declared = row["finding"] in DECLARED
    held = look.texts.t("sensitivity.held", held=str(row["held"])) if declared and row["held"] else ""
    behind = str(row["sentence_without_cap"])
    if not declared:
        return LineView("", (behind,) if behind else ())
    return LineView(held, (str(row["sentence"]), *((behind,) if behind else ())))


def _curve(look: Lookup, shown: SensitivityShown, key: _Key, line: LineView) -> CurveView:
    story, t = shown.explained.stories[key[1]], look.texts.t
    city = next(one for one in look.cities if one.key == key[0])
    indicator = next(one for one in look.indicators if one.id == key[1])
    place = story.universes.cities.index(key[0])
    names = {one: look.texts.of(look.data.catalogue.definition(one)[1]) for one in set(story.universes.definition)}
    curve = curve_of(story, place, names, look.texts, _threshold(look, story.events[place]))
    count, known = len(curve.finding), int(np.isfinite(curve.probability).sum())
    values = {"city": city.name, "indicator": indicator.name}
    notes = [t("sensitivity.curves.thinned", n=COLUMNS, of=count)] if count > COLUMNS else []
    notes += [t("sensitivity.curves.deficit")] if curve.headline == "deficit" else []
    return CurveView(
        city=city.name,
        anchor=city.anchor,
        indicator=indicator.name,
        held=line.held,
        sentence=" ".join(line.sentences),
        figure=specification_curve(
            curve,
            curve_words(look.texts, curve.headline, curve.threshold),
            title=t("sensitivity.curves.title", **values),
            description=t("sensitivity.curves.description", n=count, known=known, sentence=line.sentences[0]),
            columns=COLUMNS,
        ),
        note=" ".join(notes),
    )


def _threshold(look: Lookup, event: str) -> float:
    kinds = look.data.findings.kinds.set_index("kind")["threshold"]
    return float(kinds.get(event.removeprefix("p_"), float("nan")))


def curve_of(story: Story, city: int, definitions: dict[str, str], texts: Texts, threshold: float) -> Curve:
    """Gather a city's universes that ask the ring's question and are equivalent or might be.

    Parameters
    ----------
    story : Story
    city : int
        Place among the cities.
    definitions : dict of str to str
        Names of the definitions, by full id.
    texts : Texts
    threshold : float
    """
    one = story.universes
    rows = np.flatnonzero(one.same_question & (one.kind < 2) & one.applies[:, city])
    ids = tuple(dict.fromkeys([one.definition[one.main], *(one.definition[row] for row in rows)]))
    measured = Choices(
        texts.t("sensitivity.curves.definition"),
        tuple(definitions[name] for name in ids),
        np.array([ids.index(one.definition[row]) for row in rows], dtype=int),
    )
    headline = int(story.headline[city])
    return Curve(
        probability=one.probability[story.events[city]][rows, city].astype(float),
        finding=tuple("" if code == NOT_THERE else FINDINGS[code] for code in one.finding[rows, city]),
        headline=FINDINGS[headline] if headline != NOT_THERE else "",
        own=int(np.flatnonzero(rows == one.main)[0]) if one.main in rows else 0,
        threshold=threshold,
        axes=(measured, *_shared(one, rows)),
    )


def _shared(one: Universes, rows: np.ndarray) -> tuple[Choices, ...]:
    return tuple(
        Choices(
            axis.name_de, tuple(alternative.name_de for alternative in axis.alternatives), one.choice[rows, place].astype(int)
        )
        for place, axis in enumerate(one.axes)
        if axis.sort == "model"
    )


def curve_words(texts: Texts, event: str, threshold: float) -> Words:
    """Labels of a specification curve of this finding."""
    t = texts.t
    return Words(
        probability=t("sensitivity.curves.probability", word=t(f"word.{event}")),
        limit=t("sensitivity.curves.limit", p=texts.percent(threshold)),
        own=t("sensitivity.curves.own"),
        finding=t("sensitivity.curves.finding"),
        findings={code: t(f"word.{code}") for code in ("success", "deficit", "stable", "open")},
        lost=t("sensitivity.curves.lost"),
        others=t("sensitivity.curves.others"),
    )
