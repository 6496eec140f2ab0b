from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from integstat.errors import UsageError
from integstat.peers.build import build_partitions
from integstat.peers.settings import FeatureSettings, PeerSettings, check_settings
from integstat.tomlfile import load_model

from .rings import ring, settings

HEAD = "k_min = 3\nk_max = 5\n"


def load(tmp_path: Path, text: str) -> PeerSettings:
    path = tmp_path / "peers.toml"
    path.write_text(text, encoding="utf-8")
    return load_model(path, PeerSettings)


def feature(kind: str = "structural", more: str = "") -> str:
    return f'[[feature]]\nid = "sgb2"\nname_de = "SGB-II-Quote"\nkind = "{kind}"\n{more}'


def test_reads_toml(tmp_path: Path) -> None:
    found = load(tmp_path, HEAD + 'algorithms = ["ward"]\n' + feature(more='transform = "logit"\nweight = 0.5\n'))
    assert found.algorithms == ("ward",)
    assert found.feature[0] == FeatureSettings(id="sgb2", name_de="SGB-II-Quote", transform="logit", weight=0.5)
    assert (found.k_min, found.k_max, found.k, found.resamples, found.borderline) == (3, 5, None, 100, 0.6)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (HEAD + feature("outcome"), "ist ein Ergebnis, das der Vergleich selbst misst"),
        (HEAD + feature("mediating"), "zwischen Integrationspolitik und Ergebnis"),
        (HEAD + feature() + feature(), "das Merkmal 'sgb2' steht doppelt"),
        ("k_min = 6\nk_max = 5\n" + feature(), r"'k_min' \(6\) ist größer als 'k_max' \(5\)"),
        (HEAD + "k = 7\n" + feature(), r"'k' \(7\) liegt nicht zwischen"),
        (HEAD + 'algorithms = ["ward", "ward"]\n' + feature(), "steht ein Verfahren doppelt"),
        (HEAD + 'algorithms = ["dbscan"]\n' + feature(), "unzulässigen Wert .*dbscan"),
        (HEAD + feature(more="weight = 0\n"), "'weight' hat .* unzulässigen Wert 0"),
        (HEAD + feature(more="wieght = 1\n"), "unbekannter Schlüssel 'wieght'"),
    ],
)
def test_bad_settings_become_one_sentence(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(UsageError, match=what) as caught:
        load(tmp_path, text)
    assert "peers.toml" in str(caught.value)


def test_mediating_feature_with_leave(tmp_path: Path) -> None:
    assert load(tmp_path, "allow_mediating = true\n" + feature("mediating")).feature[0].kind == "mediating"


def test_outcome_is_refused_even_with_leave_for_mediating() -> None:
    with pytest.raises(ValidationError, match="Ergebnis"):
        settings(feature=(FeatureSettings(id="f0", name_de="Quote", kind="outcome"),), allow_mediating=True)


def test_a_changed_copy_is_refused_before_use() -> None:
    bad = settings(1).model_copy(update={"feature": (FeatureSettings(id="f0", name_de="Quote", kind="outcome"),)})
    with pytest.raises(UsageError, match=r"\[peers\]: das Merkmal 'Quote' \(f0\) ist ein Ergebnis"):
        build_partitions(ring(np.zeros((3, 1))), bad, 1)


def test_feature_outside_the_context() -> None:
    with pytest.raises(UsageError, match="'f1' steht nicht in den Strukturdaten.*f0"):
        check_settings(settings(2), ring(np.zeros((3, 1))))
