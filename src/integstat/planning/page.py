"""The page for a ring's first meeting: one HTML text without script, from the tables of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from integstat.catalogue import Catalogue
from integstat.catalogue.schema import Unit
from integstat.planning.build import CARRIES, INHABITANTS, ROUGH, Plan
from integstat.planning.figure import FACTORS, smallest_changes
from integstat.texts import Texts

SMALL, LARGE = INHABITANTS[0], INHABITANTS[2]


@dataclass(frozen=True)
class Line:
    """One indicator on the page: id, name, what is said of it in each column, and a drawing where there is one."""

    id: str
    name: str
    cells: tuple[str, ...]
    figure: Markup | None = None


@dataclass(frozen=True)
class Page:
    """What the page says, ready to be put in place; columns are the headings of the lines beside it."""

    title: str
    subtitle: str
    lead: tuple[str, ...]
    sizes: tuple[str, ...]
    changes: tuple[Line, ...]
    rough: str
    cannot: tuple[str, ...]
    stable: str
    errors: tuple[Line, ...]
    third: tuple[Line, ...]
    third_lead: str
    sources: tuple[Line, ...]
    assumptions: tuple[str, ...]
    left_out: tuple[str, ...]


def write_page(plan: Plan, catalogue: Catalogue, ring: str, style: str, language: str = "de") -> str:
    """Write the page.

    Parameters
    ----------
    plan : Plan
    catalogue : Catalogue
        Names and units of the indicators.
    ring : str
        Name of the ring.
    style : str
        The style sheet of the report: text of the project's own.
    language : str

    Returns
    -------
    str
        A complete HTML document: no script, no request, the same bytes for the same plan.

    Notes
    -----
    It says what such a ring would find if spreads are as assumed; it says nothing about any city.
    """
    texts = Texts(language)
    view = _view(plan, catalogue, ring, texts)
    return _environment().get_template("plan.html.j2").render(v=view, t=texts.t, lang=language, css=Markup(style))


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("integstat.planning", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _view(plan: Plan, catalogue: Catalogue, ring: str, texts: Texts) -> Page:
    t, names = texts.t, {one.indicator: texts.of(catalogue.indicator(one.indicator)) for one in plan.inputs.planned}
    cities = texts.plural(plan.inputs.cities, t("noun.city.single"), t("noun.city.several"))
    indicators = texts.plural(len(names), t("noun.indicator.single"), t("noun.indicator.several"))
    return Page(
        title=t("plan.title", ring=ring),
        subtitle=t("plan.subtitle", cities=cities, indicators=indicators),
        lead=tuple(_lead(plan, texts)),
        sizes=tuple(texts.number(size, 0) for size in INHABITANTS),
        changes=tuple(_changes(plan, catalogue, names, texts)),
        rough=t("plan.rough", n=int(ROUGH)),
        cannot=tuple(_cannot(plan, names, texts)),
        stable=_stable(plan, names, texts),
        errors=tuple(_errors(plan, names, texts)),
        third=tuple(_third(plan, catalogue, names, texts)),
        third_lead=_third_lead(plan, texts),
        sources=tuple(_sources(plan, names, texts)),
        assumptions=tuple(t(f"plan.assume.{name}") for name in ("spread", "model", "levels", "lasting", "counting")),
        left_out=tuple(
            t(f"plan.left_out.{why}", name=texts.of(catalogue.indicator(one))) for one, why in plan.inputs.left_out.items()
        ),
    )


def _lead(plan: Plan, texts: Texts) -> Iterator[str]:
    """How many findings, of how many true changes, and how many wrong."""
    two = plan.ring[plan.ring["years"] == 2]
    moved = [float(two[f"{part}_{kind}"].sum()) for part in ("declared", "truly", "right") for kind in ("improved", "worsened")]
    declared, truly, right = sum(moved[:2]), sum(moved[2:4]), sum(moved[4:])
    whole = [texts.number(x, 0) for x in (declared, truly)]
    cells = texts.number(plan.inputs.cities * len(plan.inputs.planned), 0)
    yield texts.t("plan.lead.expected", cells=cells, declared=whole[0], truly=whole[1], wrong=texts.number(declared - right, 1))
    yield texts.t("plan.lead.unchanged", declared=texts.number(float(two["declared_unchanged"].sum()), 0))
    yield texts.t("plan.lead.delivered" if plan.inputs.delivered else "plan.lead.not_delivered")


def _points(x: float, unit: Unit, texts: Texts) -> str:
    return texts.points(x, unit, 1 if not np.isfinite(x) or x >= 1 else 2, sign=False)


def _changes(plan: Plan, catalogue: Catalogue, names: dict[str, str], texts: Texts) -> Iterator[Line]:
    tables = {size: plan.of(2, size) for size in INHABITANTS}
    ticks = tuple(f"×{texts.number(factor, int(factor % 1 > 0))}" for factor in FACTORS)
    for one in plan.inputs.planned:
        if one.indicator not in tables[SMALL].index:
            yield Line(one.indicator, names[one.indicator], (texts.none,) * len(INHABITANTS))
            continue
        rows = {size: dict(table.loc[one.indicator]) for size, table in tables.items()}
        unit = catalogue.indicator(one.indicator).unit
        cells = tuple(
            _points(row["smallest_change_points"], unit, texts) + ("*" if row["rough"] else "") for row in rows.values()
        )
        shown = (float(rows[SMALL]["smallest_change"]), float(rows[LARGE]["smallest_change"]))
        heard = texts.t("plan.figure.heard", small=cells[0], large=cells[2])
        title = texts.t("plan.figure.title", name=names[one.indicator])
        figure = smallest_changes(shown, one.sd_change, one.rho, ticks=ticks, title=title, description=heard)
        yield Line(one.indicator, names[one.indicator], cells, figure)


def _cannot(plan: Plan, names: dict[str, str], texts: Texts) -> Iterator[str]:
    """Indicators that cannot carry a finding in a city of 100,000, with what is found there."""
    for indicator, row in plan.of(2, SMALL).iterrows():
        if row["found"] < CARRIES:
            found = texts.percent(row["found"])
            yield texts.t("plan.cannot.one", name=names[str(indicator)], id=str(indicator), found=found)


def _stable(plan: Plan, names: dict[str, str], texts: Texts) -> str:
    rows = plan.of(2, SMALL)
    never = [names[str(one)] for one in rows.index[rows["found_unchanged"] < CARRIES]]
    return texts.t("plan.stable", names=texts.listing(never)) if never else ""


def _errors(plan: Plan, names: dict[str, str], texts: Texts) -> Iterator[Line]:
    for indicator, row in plan.of(2, SMALL).iterrows():
        factors = (texts.number(row[name], 1) for name in ("type_m", "type_m_shown"))
        cells = (texts.percent(row["found"]), texts.percent(row["type_s"]), *factors)
        yield Line(str(indicator), names[str(indicator)], cells)


def _third(plan: Plan, catalogue: Catalogue, names: dict[str, str], texts: Texts) -> Iterator[Line]:
    both = {years: (plan.of(years, SMALL), plan.of(years, LARGE)) for years in (2, 3)}
    for indicator in both[2][0].index:
        unit = catalogue.indicator(str(indicator)).unit
        cells = [
            _points(float(both[years][place]["smallest_lasting_points"][indicator]), unit, texts)
            for place in (0, 1)
            for years in (2, 3)
        ]
        yield Line(str(indicator), names[str(indicator)], tuple(cells))


def _third_lead(plan: Plan, texts: Texts) -> str:
    found = plan.ring.groupby("years")[["right_improved", "right_worsened", "truly_improved", "truly_worsened"]].sum()
    shares = (found["right_improved"] + found["right_worsened"]) / (found["truly_improved"] + found["truly_worsened"])
    return texts.t("plan.third.lead", two=texts.percent(shares.loc[2]), three=texts.percent(shares.loc[3]))


def _sources(plan: Plan, names: dict[str, str], texts: Texts) -> Iterator[Line]:
    for one in plan.inputs.planned:
        unit = texts.number(one.unit * one.level, 1)
        cells = (
            texts.t("plan.source.level", x=unit, per=texts.number(one.unit, 0)),
            texts.number(float(np.median(one.bases)), 0),
            texts.t(f"plan.source.{one.counts}"),
            texts.number(one.sd_change, 2),
            texts.t(f"plan.source.{one.spread}") + (texts.t("plan.source.other", id=one.other) if one.other else ""),
        )
        yield Line(one.indicator, names[one.indicator], cells)
