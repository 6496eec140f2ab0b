"""Words of the peer groups that several parts share: letters, features, short names of cities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from integstat.peers.settings import FeatureSettings
from integstat.report.view.lookup import City
from integstat.texts import Texts

_TAILS = (" am ", " an der ", " an den ", " a. ", " im ", " in ", " ob der ", " vor der ", " (", ", ")


def letter(group: int) -> str:
    """Letter of a group: A to Z, then AA and so on."""
    return chr(65 + group) if group < 26 else letter(group // 26 - 1) + letter(group % 26)


def feature_word(feature: FeatureSettings, high: bool, texts: Texts) -> str:
    """Words for much or little of a feature: its own, else made of its name."""
    tail = "high" if high else "low"
    own: str = getattr(feature, f"{tail}_{texts.language}")
    return own or texts.t(f"peers.feature.{tail}", name=texts.of(feature))


def short_names(cities: Iterable[City]) -> dict[str, str]:
    """Names by key without what only tells where the city lies; in full where two would be the same."""
    listed = list(cities)
    short = {city.key: _short(city.name) for city in listed}
    counts = Counter(short.values())
    return {city.key: short[city.key] if counts[short[city.key]] == 1 else city.name for city in listed}


def _short(name: str) -> str:
    ends = [place for tail in _TAILS if (place := name.find(tail)) > 0]
    return name[: min(ends)] if ends else name
