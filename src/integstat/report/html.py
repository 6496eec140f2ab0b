"""From the data of a run to one HTML text."""

from __future__ import annotations

from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from integstat.report.data import ReportData
from integstat.report.figures import shape, shapes
from integstat.report.interactive import InteractiveParts, interactive_parts
from integstat.report.view import build_view
from integstat.report.view.lookup import build_lookup
from integstat.texts import Texts


def write_report(data: ReportData, language: str = "de", *, interactive: bool = False) -> str:
    """Write the report of a run.

    Parameters
    ----------
    data : ReportData
    language : str
        Language of the texts; names of indicators, cities and breaks stand as catalogue and deliveries give them.
    interactive : bool
        Whether a script is inside that builds a panel above the overview; without it running, the page is the same.

    Returns
    -------
    str
        A complete HTML document with its style sheet and figures inside: no script but that one, no request, the same bytes
        for the same data.

    Raises
    ------
    ReportError
        If there is nothing to report on.
    UsageError
        If there are no texts in the language.

    Notes
    -----
    Every number was computed before; here it only gets digits, a unit and a sentence. The report describes situations of
    cities within a ring of volunteers. It ranks nobody and names no cause.
    """
    texts = Texts(language)
    template = _environment().get_template("report.html.j2")
    view = build_view(data, texts)
    parts: InteractiveParts | None = interactive_parts(build_lookup(data, texts), view.cities) if interactive else None
    return template.render(v=view, t=texts.t, lang=language, css=_style(), shape=shape, shapes=shapes(), interactive=parts)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("integstat.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _style() -> Markup:
    """Return the style sheet, which is the project's own text and holds nothing a delivery could bring in."""
    return Markup((resources.files("integstat.report") / "report.css").read_text(encoding="utf-8"))
