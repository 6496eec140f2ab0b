"""Equal content, equal digest, in every process; different content, different digest."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integstat.change import ChangeSettings, Priors
from integstat.steps import digest, source_digest
from integstat.steps import keys as keys_module

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
contents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def canonical(content: object) -> str:
    """The same content in another writing: types kept apart, order of keys set aside, -0.0 told from 0.0."""
    if isinstance(content, dict):
        return "{" + ",".join(f"{key!r}:{canonical(content[key])}" for key in sorted(content)) + "}"
    if isinstance(content, list):
        return "[" + ",".join(map(canonical, content)) + "]"
    return f"{type(content).__name__}:{content!r}"


@given(contents, contents)
def test_digests_are_equal_where_and_only_where_contents_are(one: object, other: object) -> None:
    assert (digest(one) == digest(other)) == (canonical(one) == canonical(other))


@given(st.dictionaries(st.text(max_size=4), scalars, max_size=5))
def test_the_order_of_keys_does_not_count(content: dict[str, object]) -> None:
    assert digest(content) == digest(dict(reversed(content.items())))


@given(st.lists(st.text(max_size=3), min_size=1, max_size=5))
def test_texts_are_not_run_together(parts: list[str]) -> None:
    joined = "".join(parts)
    assert (digest(*parts) == digest(joined)) == (len(parts) == 1)
    assert digest(parts) != digest(*parts)


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=6), st.data())
def test_every_element_of_an_array_counts(values: list[float], data: st.DataObject) -> None:
    array = np.array(values)
    assert digest(array) == digest(array.copy())
    place = data.draw(st.integers(0, len(values) - 1))
    changed = array.copy()
    changed.view(np.uint64)[place] ^= 1  # the last bit
    assert digest(changed) != digest(array)


def test_shape_and_type_of_an_array_count_and_its_memory_layout_does_not() -> None:
    array = np.arange(6.0).reshape(2, 3)
    assert digest(array) != digest(array.reshape(3, 2))
    assert digest(array) != digest(array.astype(np.float32))
    assert digest(array) == digest(np.asfortranarray(array))


def test_numpy_scalars_are_what_they_hold() -> None:
    assert digest(np.float64(0.5), np.int64(3), np.str_("a"), np.bool_(True)) == digest(0.5, 3, "a", True)
    assert digest(1) != digest(1.0) != digest(True)


def test_settings_count_by_content_and_by_kind() -> None:
    assert digest(ChangeSettings()) == digest(ChangeSettings(draws=2000))
    assert digest(ChangeSettings()) != digest(ChangeSettings(priors=Priors(shift_sd=0.6)))

    @dataclasses.dataclass
    class One:
        a: int = 1

    @dataclasses.dataclass
    class Two:
        a: int = 1

    assert digest(One()) == digest(One())
    assert len({digest(One()), digest(Two()), digest({"a": 1}), digest([1])}) == 4


def test_frames_count_by_names_index_and_values() -> None:
    frame = pd.DataFrame({"city": ["01002", None], "y": [1.5, 2.0]})
    same = digest(frame.copy())
    others = [
        frame.rename(columns={"y": "n"}),
        frame.assign(city=["1002", None]),
        frame.set_index(pd.Index([5, 6])),
        frame[["y", "city"]],
        frame.assign(y=[1.5, np.nan]),
    ]
    assert digest(frame) == same
    assert len({same, *map(digest, others)}) == 6


@pytest.mark.parametrize("thing", [object(), {1, 2}, Path("x"), len])
def test_what_has_no_content_is_refused(thing: object) -> None:
    with pytest.raises(TypeError, match="no digest for"):
        digest([thing])


def test_another_process_with_other_hash_seeds_finds_the_same_digest() -> None:
    content = {"b": [1, 2.5, None, True], "ä": {"x": "Größe", "a": []}, "": 1e-300}
    script = "import json, sys; from integstat.steps import digest; print(digest(json.loads(sys.argv[1])))"
    arguments = [sys.executable, "-c", script, json.dumps(content)]
    found = {
        subprocess.run(
            arguments, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {digest(content)}


def test_the_digest_of_sources_sees_sub_packages_templates_and_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "a.py": "x = 1",
        "deep/b.py": "y = 2",
        "deep/page.html.j2": "<p>",
        "deep/er/words.toml": "a = 1",
        "style.css": "p {}",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(keys_module.resources, "files", lambda package: tmp_path)
    before = source_digest("anything")
    (tmp_path / "deep" / "b.cpython-313.pyc").write_bytes(b"cache")
    assert source_digest("anything") == before
    found = {before}
    for name, text in files.items():
        (tmp_path / name).write_text(text + " ")
        found.add(source_digest("anything"))
    (tmp_path / "deep" / "b.py").rename(tmp_path / "deep" / "c.py")
    found.add(source_digest("anything"))
    assert len(found) == len(files) + 2


def test_packages_have_digests_of_their_own() -> None:
    assert source_digest("integstat.change") != source_digest("integstat.findings")
    assert source_digest("integstat.change") == source_digest("integstat.change")
