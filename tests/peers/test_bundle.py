import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from integstat.errors import DataError
from integstat.peers.bundle import FILE_NAME, Bundle, read_bundle, write_bundle

from .bundles import bundle_of
from .rings import islands, ring, settings


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    context = ring(islands(3, 5)[0])
    context.features.iloc[3, 1] = np.nan
    return bundle_of(context)


@pytest.fixture
def file(bundle: Bundle, tmp_path: Path) -> Path:
    path = tmp_path / FILE_NAME
    write_bundle(path, bundle)
    return path


def refused(path: Path) -> str:
    with pytest.raises(DataError) as raised:
        read_bundle(path)
    assert str(raised.value).startswith(str(path))
    assert raised.value.mend
    return raised.value.what


def test_what_is_read_is_what_was_written(bundle: Bundle, file: Path) -> None:
    back = read_bundle(file)
    for field in fields(Bundle):
        if field.name == "scaling":
            continue
        wanted, found = getattr(bundle, field.name), getattr(back, field.name)
        np.testing.assert_array_equal(found, wanted)
        assert type(found) is type(wanted)
    assert (back.scaling.features, back.scaling.limit) == (bundle.scaling.features, bundle.scaling.limit)
    np.testing.assert_array_equal(back.scaling.centre, bundle.scaling.centre)
    np.testing.assert_array_equal(back.scaling.scale, bundle.scaling.scale)
    assert back.hash == bundle.hash


def test_bytes_are_the_same_each_time(bundle: Bundle, file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    write_bundle(again, read_bundle(file))
    assert again.read_bytes() == file.read_bytes()


def test_a_person_can_check_it(bundle: Bundle, file: Path) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    assert content["hash"] == bundle.hash
    assert [row["city"] for row in content["cities"]] == list(bundle.cities)
    assert content["cities"][3]["imputed"] == ["f1"]
    lines = file.read_text(encoding="utf-8").splitlines()
    assert sum('"name": "Stadt 9100' in line for line in lines) == 9
    assert len(lines) < 80


@pytest.mark.parametrize(
    "change",
    [{"year": 2021}, {"borderline": 0.5}, {"neighbours": 3}, {"groups": ("A", "B", "D")}],
)
def test_the_hash_is_of_all_content(bundle: Bundle, change: dict[str, object]) -> None:
    assert replace(bundle, **change).hash != bundle.hash


def test_the_hash_is_of_the_numbers(bundle: Bundle) -> None:
    for name in ("weights", "values", "lowest", "highest", "probability"):
        changed = getattr(bundle, name).copy()
        changed.flat[0] += 1e-6
        assert replace(bundle, **{name: changed}).hash != bundle.hash


def test_a_changed_digit_is_noticed(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('"year": 2020', '"year": 2021'), encoding="utf-8")
    assert "beschädigt oder von Hand geändert" in refused(file)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "kein JSON"),
        (b'{"hash": "a", "format": ', "kein JSON"),
        (b"\xff\xfe\x00", "nicht UTF-8"),
        (b"[1, 2]", "kein Stand der Vergleichsgruppen"),
        (b'{"year": 2020}', "kein Stand der Vergleichsgruppen"),
        (b'{"hash": "a", "format": "integstat-peers-0"}', "gelesen wird 'integstat-peers-1'"),
        (b'{"hash": "a", "format": "integstat-peers-1", "year": NaN}', "Prüfsumme stimmt nicht"),
    ],
)
def test_damaged_files(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    assert what in refused(path)


@pytest.mark.parametrize("content", [b'[ring]\nid = "demo"\n', b"PK\x03\x04\xff", b'{"ring": "demo"}', b""])
def test_a_file_that_is_no_bundle_at_all(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ring.toml"
    path.write_bytes(content)
    assert refused(path) == "das ist kein Stand der Vergleichsgruppen"


def test_a_bundle_under_another_name(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "kopie.json"
    write_bundle(path, bundle)
    assert read_bundle(path).hash == bundle.hash
    path.write_bytes(path.read_bytes()[:-20])
    assert "beschädigt" in refused(path)


def test_a_cut_file_names_its_line(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    file.write_text(text[: len(text) // 2], encoding="utf-8")
    with pytest.raises(DataError, match=r"peers_bundle\.json, Zeile \d+: "):
        read_bundle(file)


def test_a_folder_without_a_bundle(tmp_path: Path) -> None:
    assert "hier liegt kein Stand" in refused(tmp_path / FILE_NAME)
    assert "nicht lesbar" in refused(tmp_path)
    assert "weder Ordner noch Datei" in refused(tmp_path / "nirgends")


@pytest.mark.parametrize(
    ("manifest", "what"),
    [
        ('{"stages": {"peers": {"status": "done"}}, "peers": {}}', "sein Ring hat keinen Abschnitt [peers]"),
        ('{"stages": {"peers": {"status": "done"}}, "peers": {"groups": 1}}', "sein Ring ist dafür zu klein"),
        ('{"stages": {"peers": {"status": "done"}}, "peers": {"groups": 3}}', "keinen Stand der Vergleichsgruppen hinterlassen"),
        ('{"stages": {"peers": {"status": "failed"}}}', "nicht bis zu den Vergleichsgruppen gekommen"),
        ('{"stages": {}}', "nicht bis zu den Vergleichsgruppen gekommen"),
        ('{"stages": []}', "hier liegt kein Stand"),
        ("[", "hier liegt kein Stand"),
    ],
)
def test_a_run_without_a_bundle_says_why(tmp_path: Path, manifest: str, what: str) -> None:
    (tmp_path / "manifest.json").write_text(manifest, encoding="utf-8")
    assert what in refused(tmp_path / FILE_NAME)


def test_a_sound_hash_over_nonsense_is_refused(file: Path) -> None:
    from integstat.peers.bundle import _hash

    content = json.loads(file.read_text(encoding="utf-8"))
    del content["cities"][0]
    content["hash"] = _hash({key: value for key, value in content.items() if key != "hash"})
    file.write_text(json.dumps(content), encoding="utf-8")
    assert "unvollständig" in refused(file)


def test_range_is_of_the_ring_before_limiting() -> None:
    values = np.random.default_rng(1).normal(size=(20, 2))
    values[0, 0] = 500.0
    bundle = bundle_of(values, choice=settings(2, limit=3.0))
    assert bundle.highest[0] == 500.0
    assert np.abs(bundle.values).max() == 3.0


def test_parts_must_fit(bundle: Bundle) -> None:
    with pytest.raises(ValueError, match="labels"):
        replace(bundle, labels=bundle.labels[:, :-1])
