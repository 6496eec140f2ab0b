"""Sentences by key, with placeholders and plurals, and the way numbers are written in a language."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources

from integstat.errors import UsageError

Unit = str  # a unit of the indicator catalogue, such as 'percent' or 'per_1000'


class Texts:
    """Texts in one language.

    Parameters
    ----------
    language : str
        Name of a folder of message files in this package, such as `de`.

    Raises
    ------
    UsageError
        If there are no messages in the language.

    Notes
    -----
    A message is a string, or a table with `one` and `other` (and `zero` where nothing has words of its own), chosen by the
    value `n`. Placeholders stand in braces. Whole numbers are written as the language does; a float is refused, because
    its digits are a decision: format it first.
    """

    def __init__(self, language: str = "de") -> None:
        self.language = language
        self._messages = _messages(language)
        self._decimal = self._plain("format.decimal")
        self._thousands = self._plain("format.thousands")
        self._minus = self._plain("format.minus")
        self.none = self._plain("format.none")

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key of the messages; plural variants share one."""
        return tuple(self._messages)

    def t(self, key: str, /, **values: str | int) -> str:
        """Return the message of a key, with its placeholders filled.

        Raises
        ------
        KeyError
            If there is no such message, or a placeholder has no value.
        TypeError
            If a value is neither text nor a whole number.
        """
        message = self._messages[key]
        if isinstance(message, Mapping):
            message = message[_variant(int(values["n"]), message)]
        return message.format_map({name: self._shown(name, value) for name, value in values.items()})

    def of(self, thing: object, what: str = "name") -> str:
        """Text that a thing brings along, such as `name_de`: in this language, else in German."""
        return str(getattr(thing, f"{what}_{self.language}", "") or getattr(thing, f"{what}_de"))

    def _shown(self, name: str, value: object) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return self.number(value, 0)
        raise TypeError(f"the value of '{name}' is neither text nor a whole number: {value!r}")

    def _plain(self, key: str) -> str:
        message = self._messages[key]
        assert isinstance(message, str)
        return message

    def number(self, x: float, digits: int = 1, *, sign: bool = False) -> str:
        """Write a number; with `sign`, a plus stands before a positive one. A gap is a dash."""
        if not math.isfinite(x):
            return self.none
        text = f"{abs(x):,.{digits}f}"
        zero = not text.strip("0.,")
        text = text.translate({ord(","): self._thousands, ord("."): self._decimal})
        if zero:
            return text
        return f"{self._minus if x < 0 else '+' if sign else ''}{text}"

    def percent(self, p: float) -> str:
        """Write a probability (0 to 1) in whole per cent; the ends stay open, because 100 % would claim certainty."""
        if not math.isfinite(p):
            return self.none
        whole = round(100 * p)
        if whole > 99:
            return self.t("format.percent_above", x="99")
        if whole < 1:
            return self.t("format.percent_below", x="1")
        return self.t("format.percent", x=str(whole))

    def level(self, x: float, unit: Unit, digits: int = 1) -> str:
        """Write a level with its unit: a share in per cent, a rate per 1,000."""
        return self.none if not math.isfinite(x) else self.t(f"level.{unit}", x=self.number(x, digits))

    def points(self, x: float, unit: Unit, digits: int = 1, *, sign: bool = True) -> str:
        """Write a difference with its unit in full, such as '+0,8 Prozentpunkte'."""
        if not math.isfinite(x):
            return self.none
        shown = self.number(x, digits, sign=sign)
        single = shown.lstrip("+" + self._minus) == "1"
        return self.t(f"points.{unit}.{'one' if single else 'other'}", x=shown)

    def unit_name(self, unit: Unit) -> str:
        """Name of the unit of a difference, as it stands after 'in'."""
        return self.t(f"points.{unit}.dative")

    def interval(self, lower: float, upper: float, digits: int = 1, *, sign: bool = True) -> str:
        """Write an interval; a gap where a bound is missing."""
        if not (math.isfinite(lower) and math.isfinite(upper)):
            return self.none
        low, high = (self.number(bound, digits, sign=sign) for bound in (lower, upper))
        return self.t("format.interval", low=low, high=high)

    def plural(self, n: int, one: str, many: str) -> str:
        """Write a number of things: '1 Stadt', '3 Städte'."""
        return f"{self.number(n, 0)}\u00a0{one if n == 1 else many}"

    def listing(self, items: Iterable[str]) -> str:
        """Join items as a sentence does: 'a, b und c'."""
        listed = list(items)
        if len(listed) < 2:
            return "".join(listed)
        return self.t("format.last_two", head=", ".join(listed[:-1]), tail=listed[-1])


def _variant(n: int, message: Mapping[str, str]) -> str:
    if n == 0 and "zero" in message:
        return "zero"
    return "one" if n == 1 else "other"


@cache
def languages() -> tuple[str, ...]:
    """Languages with all message files that the German ones have, in the order of the alphabet."""
    files = {
        one.name: {file.name for file in one.iterdir() if file.name.endswith(".toml")}
        for one in resources.files("integstat.texts").iterdir()
        if one.is_dir() and one.name.isalpha()
    }
    return tuple(sorted(name for name, own in files.items() if own >= files["de"]))


@cache
def _messages(language: str) -> Mapping[str, str | Mapping[str, str]]:
    if language not in languages():
        there = " und ".join(f"'{name}'" for name in languages())
        raise UsageError(f"die Sprache '{language}' gibt es nicht", mend=f"vorhanden ist {there}")
    found: dict[str, str | Mapping[str, str]] = {}
    for file in sorted((resources.files("integstat.texts") / language).iterdir(), key=lambda one: one.name):
        own: dict[str, str | Mapping[str, str]] = {}
        _flatten(tomllib.loads(file.read_text(encoding="utf-8")), "", own)
        if twice := own.keys() & found.keys():
            raise ValueError(f"messages that stand in two files: {sorted(twice)}")
        found |= own
    return found


def _flatten(tree: Mapping[str, object], prefix: str, found: dict[str, str | Mapping[str, str]]) -> None:
    """Gather messages under dotted keys; a table whose keys are all plural variants is one message."""
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, str):
            found[key] = value
        elif isinstance(value, Mapping) and set(value) <= {"zero", "one", "other"} and "other" in value:
            found[key] = {variant: str(text) for variant, text in value.items()}
        elif isinstance(value, Mapping):
            _flatten(value, f"{key}.", found)
        else:
            raise TypeError(f"the message '{key}' is no text")
