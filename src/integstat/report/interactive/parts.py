"""What the page takes in for its panel: style, data, script, and the permission for exactly that script."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from markupsafe import Markup

from integstat.report.interactive.payload import payload
from integstat.report.view.cities import CitySection
from integstat.report.view.lookup import Lookup

# in JSON these stand in strings alone, where such an escape means the same: no text can end the element or open a comment
_ESCAPES = str.maketrans({one: f"\\u{ord(one):04x}" for one in "<>&\u2028\u2029"})


@dataclass(frozen=True)
class InteractiveParts:
    """Parts of a page with a panel.

    Attributes
    ----------
    style : Markup
        Rules for the panel alone; they go into the page's style sheet.
    payload : Markup
        JSON for a script element of the type `application/json`, which no browser runs.
    script : Markup
        For a script element, without a character before or after it: the policy holds for these bytes.
    policy : Markup
        Directive of the content policy that lets this script run and no other.
    """

    style: Markup
    payload: Markup
    script: Markup
    policy: Markup


def interactive_parts(look: Lookup, sections: Sequence[CitySection]) -> InteractiveParts:
    """Make the parts of a page in which a reader picks city, indicator and definition.

    Parameters
    ----------
    look : Lookup
    sections : sequence of CitySection
        The cities as the page tells them: the panel repeats their words and numbers.

    Notes
    -----
    The script builds the panel, so a page on which it does not run is the page without it. It asks for nothing and keeps
    nothing. The same data give the same bytes.
    """
    script = _own("script.js")
    told = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return InteractiveParts(
        style=Markup(_own("panel.css")),
        payload=as_json(payload(look, sections)),
        script=Markup(script),
        policy=Markup(f"script-src 'sha256-{told}'"),
    )


def as_json(content: object) -> Markup:
    """Write JSON that may stand inside an element of a page, whatever its texts hold.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_ESCAPES))


def _own(name: str) -> str:
    """Read a file of this room: the project's own text, which holds nothing a delivery could bring in."""
    return (resources.files("integstat.report.interactive") / name).read_text(encoding="utf-8")
