"""What would change a finding, in one sentence per cell: from the smallest sets of changes, never beyond them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from integstat.sensitivity.explain import Explained, Story
from integstat.sensitivity.flips import NONE_FOUND, Changes, Flip
from integstat.sensitivity.universes import FINDINGS, NOT_THERE, Universes
from integstat.texts import Texts

FILE_NAME = "sensitivity_sentences.csv"
SENTENCE_CODEBOOK: dict[str, str] = {
    "city": "Amtlicher Gemeindeschlüssel (Text)",
    "city_name": "Name der Stadt",
    "indicator": "Indikator",
    "finding": "Befund: success, deficit, stable oder open",
    "held": "wie viele gleichwertige Rechenwege zum selben Befund kommen; leer, wo nichts zu bestimmen ist",
    "sentence": "was diesen Befund ändern würde",
    "finding_without_cap": "Befund auf dem Rechenweg des Rings, wenn Brüche und Sprünge der Basis nichts offen hielten; leer, wo "
    "keiner die Zelle offen hält oder diese Frage nicht gestellt ist",
    "sentence_without_cap": "was jenen Befund ändern würde",
}
_NAMED = 3  # ties named; the others are counted
_FEW = 2  # changes of question or decision that are still worth a sentence
_TELLING = 0.05  # an axis with a smaller share of the doubt is not named
_LEVEL = 1e-9


@dataclass(frozen=True)
class Held:
    """How many of a city's equivalent universes come to the same finding.

    Attributes
    ----------
    same, number, failed : int
        With the same finding, of all, and without a result.
    share : float
        By weight; NaN without a universe.
    level : bool
        Whether all weigh the same: then the numbers say all there is to say.
    """

    same: int
    number: int
    failed: int
    share: float
    level: bool

    def text(self, texts: Texts) -> str:
        """Say it as it stands in a sentence: 'in 83 von 90 gleichwertigen Rechenwegen'; a share only where weights differ."""
        if self.same in (0, self.number):
            return texts.t(f"story.held.{'all' if self.same else 'none'}", n=self.number)
        if self.level:
            return texts.t("story.held.some", same=self.same, n=self.number)
        return texts.t("story.held.weighted", n=self.same, share=texts.percent(self.share), of=self.number)

    def short(self, texts: Texts) -> str:
        """Say it as a figure: '83 von 90', or '92 % (gewichtet)'."""
        if self.level or self.same in (0, self.number):
            return texts.t("story.short.some", same=self.same, number=self.number)
        return texts.t("story.short.weighted", share=texts.percent(self.share))


def held(story: Story) -> tuple[Held, ...]:
    """Count for every city the equivalent universes of the same question, as `robustness` weighs them."""
    one = story.universes
    rows = np.flatnonzero(one.same_question & (one.kind == 0))
    return tuple(_held(one, rows[one.applies[rows, city]], city, code) for city, code in enumerate(story.headline))


def _held(one: Universes, rows: np.ndarray, city: int, code: int) -> Held:
    finding, weight = one.finding[rows, city], one.weight[rows]
    if not len(rows):
        return Held(0, 0, 0, float("nan"), True)
    same = finding == code
    return Held(
        same=int(same.sum()),
        number=len(rows),
        failed=int((finding == NOT_THERE).sum()),
        share=float(weight[same].sum() / weight.sum()),
        level=bool(np.ptp(weight) <= _LEVEL * weight.max()),
    )


def sentences(story: Story, texts: Texts, *, beyond: bool = True, poor: Collection[str] = ()) -> tuple[str, ...]:
    """Say for every city what would change its finding.

    Parameters
    ----------
    story : Story
    texts : Texts
    beyond : bool
        Whether to add, where no model and no definition changes a finding, which one or two other choices of any sort do.
    poor : collection of str
        Cities whose success stands beside a deficit, by its level: if the success falls, only the deficit is left.

    Returns
    -------
    tuple of str
        Length C. An alternative is named only if it leads to another finding, with as few changes as any that was computed; of
        many such, the first ones, and how many more.
    """
    counts = held(story)
    both = [key in poor for key in story.universes.cities]
    return tuple(_sentence(story, city, counts[city], texts, beyond, both[city]) for city in range(len(story.headline)))


def _sentence(story: Story, city: int, count: Held, texts: Texts, beyond: bool, both: bool) -> str:
    if story.headline[city] == NOT_THERE:
        return texts.t("story.nothing")
    code, flip = FINDINGS[story.headline[city]], story.question[city]
    about: Literal["open", "found"] = "open" if code == "open" else "found"
    word = texts.t(f"word.{code}")
    if flip.size == 0:
        own, reach = texts.t(f"word.{FINDINGS[flip.findings[0]]}"), _reach(story, city, about, word, texts)
        out = [texts.t(f"story.mean.{about}", word=word, own=own, reach=reach, held=count.text(texts)), *_failed(count, texts)]
    elif flip.size == NONE_FOUND:
        out = [_nothing_changes(story.universes, city, about, word, texts), *_missing(flip, texts)]
    else:
        changes = _changes(story.universes, flip, texts, both=both)
        out = [texts.t(f"story.flips.{about}", word=word, held=count.text(texts), changes=changes)]
        out += [*_failed(count, texts), *_missing(flip, texts)]
    other = story.anything[city]
    if beyond and flip.size == NONE_FOUND and 0 < other.size <= _FEW:
        out.append(texts.t(f"story.beyond.{about}", changes=_changes(story.universes, other, texts, doubted=False, both=both)))
    return " ".join(out)


def sentences_without_cap(story: Story, flags: Mapping[str, tuple[str, ...]], texts: Texts) -> dict[str, str]:
    """Say for cells that a break or a jump keeps open what stands behind it, and what that hangs on.

    Parameters
    ----------
    story : Story
        Of the question without caps, as `integstat.sensitivity.explain.without_caps` tells it.
    flags : mapping of str to tuple of str
        Flags of the cells that are kept open, by city.
    texts : Texts

    Returns
    -------
    dict of str to str
        By city; without those where nothing is estimable.
    """
    counts, out = held(story), {}
    for city, key in enumerate(story.universes.cities):
        if key in flags and story.headline[city] != NOT_THERE and _estimable(story, city):
            out[key] = " ".join([_what_keeps(flags[key], texts), *_without_cap(story, city, counts[city], texts)])
    return out


def _without_cap(story: Story, city: int, count: Held, texts: Texts) -> list[str]:
    code, flip = FINDINGS[story.headline[city]], story.question[city]
    about: Literal["open", "found"] = "open" if code == "open" else "found"
    word, others = texts.t(f"word.{code}"), _others(story.universes, city)
    if flip.size == NONE_FOUND and not len(others):
        return [texts.t(f"story.uncapped.alone.{about}", word=word)]
    number = len(_computed(story.universes, others, city))
    if flip.size == NONE_FOUND and not number:
        return [texts.t(f"story.uncapped.lost.{about}", word=word)]
    if flip.size == NONE_FOUND:
        return [texts.t(f"story.uncapped.none.{about}", word=word, n=number), *_missing(flip, texts)]
    changes = _changes(story.universes, flip, texts)
    told = texts.t(f"story.uncapped.flips.{about}", word=word, held=count.text(texts), changes=changes)
    return [told, *_missing(flip, texts), *_doubt(story, city, texts)]


def _what_keeps(flags: tuple[str, ...], texts: Texts) -> str:
    jump = "base_jump" in flags
    return texts.t(f"story.keeps.{'both' if jump and 'break' in flags else 'base_jump' if jump else 'break'}")


def _estimable(story: Story, city: int) -> bool:
    one = story.universes
    return any(np.isfinite(values[one.main, city]) for values in one.probability.values())


def _doubt(story: Story, city: int, texts: Texts) -> list[str]:
    """Name the axis that adds most to the doubt, where it adds enough to be told."""
    whole, axes = story.parts.whole[city], story.parts.axes[:, city]
    if not (np.isfinite(whole) and whole > 0 and len(axes)):
        return []
    most = int(axes.argmax())
    share = float(axes[most] / whole)
    if share < _TELLING:
        return []
    return [texts.t("story.doubt", share=texts.percent(share), axis=story.universes.axes[most].name_de)]


def _others(one: Universes, city: int) -> np.ndarray:
    """Universes of a city besides the ring's own that ask its question and are equivalent or might be."""
    there = one.same_question & (one.kind < 2) & one.applies[:, city]
    there[one.main] = False
    return np.flatnonzero(there)


def _computed(one: Universes, rows: np.ndarray, city: int) -> np.ndarray:
    return np.asarray(rows[one.finding[rows, city] != NOT_THERE])


def _nothing_changes(one: Universes, city: int, about: Literal["open", "found"], word: str, texts: Texts) -> str:
    others = _others(one, city)
    if not len(others):
        return texts.t(f"story.alone.{about}", word=word)
    known = _computed(one, others, city)
    if not len(known):
        return texts.t(f"story.lost.{about}", word=word)
    measured = one.choice[np.ix_(known, one.of_sort("measurement"))]
    also = texts.t("story.none.definitions") if (measured != 0).any() else ""
    return texts.t(f"story.none.{about}", word=word, also=also, n=len(known))


def _reach(story: Story, city: int, about: Literal["open", "found"], word: str, texts: Texts) -> str:
    """Name the fewest changes that lead from the ring's own universe, which has another finding, to that of the run."""
    one, code = story.universes, int(story.headline[city])
    rows = _others(one, city)
    rows = rows[one.finding[rows, city] == code]
    if not len(rows):
        return texts.t("story.reach.none", word=word)
    changed = (one.choice[rows] != 0).sum(axis=1)
    ties = rows[changed == changed.min()].tolist()
    changes = tuple(tuple((int(axis), int(one.choice[row, axis])) for axis in np.flatnonzero(one.choice[row])) for row in ties)
    same = Flip(len(changes[0]), tuple(ties), changes, (code,) * len(ties))
    return texts.t(f"story.reach.{about}", changes=_changes(one, same, texts))


def _failed(count: Held, texts: Texts) -> list[str]:
    return [texts.t("story.failed", n=count.failed)] if count.failed else []


def _missing(flip: Flip, texts: Texts) -> list[str]:
    """Say that smaller sets, or any, might exist among what was not computed."""
    if not flip.unanswered:
        return []
    return [texts.t(f"story.missing.{'any' if flip.size == NONE_FOUND else 'smaller'}", n=flip.unanswered)]


def _changes(one: Universes, flip: Flip, texts: Texts, *, doubted: bool = True, both: bool = False) -> str:
    """List the sets of a flip with what each leads to; the parenthesis once where it is the same for all of them."""
    words = [_word(finding, both, texts) for finding in flip.findings]
    leads = [(word, bool(doubted and one.kind[row] == 1)) for row, word in zip(flip.rows, words, strict=True)]
    if len(set(leads)) == 1:
        listed, more = _listed(one, flip.changes, [""] * len(leads), texts)
        return texts.t("story.when.leading", choices=listed, then=_then(*leads[0], len(leads), texts)) + more
    listed, more = _listed(one, flip.changes, [f" {_then(*lead, 1, texts)}" for lead in leads], texts)
    return texts.t("story.when.plain", choices=listed) + more


def _listed(one: Universes, sets: Sequence[Changes], then: Sequence[str], texts: Texts) -> tuple[str, str]:
    """Join the first sets of changes, and say how many more there are."""
    named = [[_choice(one, axis, taken, texts) for axis, taken in changes] for changes in sets[:_NAMED]]
    items = [_joined(chosen, texts.t("story.and")) + leads for chosen, leads in zip(named, then, strict=False)]
    more = len(sets) - _NAMED
    listed = texts.t("story.or_sets").join(items) if len(sets[0]) > 1 else _joined(items, texts.t("story.or"))
    return listed, texts.t("story.more", n=more) if more > 0 else ""


def _joined(items: Sequence[str], last: str) -> str:
    """Join items with commas, and the last with a word."""
    return last.join([", ".join(items[:-1]), *items[-1:]]) if len(items) > 1 else "".join(items)


def _choice(one: Universes, axis: int, taken: int, texts: Texts) -> str:
    return texts.t("story.choice", axis=one.axes[axis].name_de, alternative=one.axes[axis].alternatives[taken].name_de)


def _word(finding: int, both: bool, texts: Texts) -> str:
    code = FINDINGS[finding]
    return texts.t(f"story.then.{'only' if both and code == 'deficit' else 'another'}", word=texts.t(f"word.{code}"))


def _then(what: str, doubted: bool, number: int, texts: Texts) -> str:
    return texts.t(f"story.then.{'doubted' if doubted else 'plain'}", n=number, what=what)


def sentence_table(explained: Explained, capped: Mapping[str, Story], grid: pd.DataFrame, texts: Texts) -> pd.DataFrame:
    """Put the sentences of all cells into a table.

    Parameters
    ----------
    explained : Explained
    capped : mapping of str to Story
        By indicator: the story of the question without caps.
    grid : pandas.DataFrame
        Findings of the run in the main definitions, with `capped` and `flags`.
    texts : Texts

    Returns
    -------
    pandas.DataFrame
        One row per cell of `explained.robustness`, columns `SENTENCE_CODEBOOK`.
    """
    tables = [
        _table(story, capped.get(name), grid[grid["indicator"] == name], texts) for name, story in explained.stories.items()
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(SENTENCE_CODEBOOK))


def _table(story: Story, uncapped: Story | None, rows: pd.DataFrame, texts: Texts) -> pd.DataFrame:
    one, rows = story.universes, rows.assign(city=rows["city"].astype(str)).set_index("city")
    flags = {str(city): tuple(str(row["flags"]).split(";")) for city, row in rows.iterrows() if row["capped"]}
    behind = {} if uncapped is None else sentences_without_cap(uncapped, flags, texts)
    found = {} if uncapped is None else dict(zip(uncapped.universes.cities, uncapped.headline, strict=True))
    poor = [str(city) for city, row in rows.iterrows() if "poor_level" in str(row["flags"]).split(";")]
    told, short = sentences(story, texts, poor=poor), sentences(story, texts, beyond=False, poor=poor)
    counts = zip(held(story), story.headline, strict=True)
    return pd.DataFrame(
        {
            "city": one.cities,
            "city_name": rows["city_name"].reindex(one.cities).to_numpy(),
            "indicator": one.indicator,
            "finding": rows["finding"].reindex(one.cities).to_numpy(),
            "held": [count.short(texts) if code != NOT_THERE and count.number else "" for count, code in counts],
            "sentence": [short[i] if city in behind else told[i] for i, city in enumerate(one.cities)],
            "finding_without_cap": [FINDINGS[found[city]] if city in behind else "" for city in one.cities],
            "sentence_without_cap": [behind.get(city, "") for city in one.cities],
        },
        columns=list(SENTENCE_CODEBOOK),
    )
