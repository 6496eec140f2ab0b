from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from integstat.errors import UsageError
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
    assert (found.k_min, found.k_max, found.k, found.resamples, found.borderline) == (3, 5, None, 200, 0.6)


def test_weights_and_words_from_toml(tmp_path: Path) -> None:
    weights = 'k_weight = { "3" = 1.0, "5" = 0.5 }\nalgorithm_weight = { pam = 2.0 }\ngroup_weight = { economy = 1.5 }\n'
    words = 'name_en = "Minimum income"\ngroup = "economy"\nhigh_en = "much poverty"\nlow_en = "little poverty"\n'
    found = load(tmp_path, HEAD + weights + feature(more=words))
    assert found.k_weight == {3: 1.0, 5: 0.5}
    assert found.algorithm_weight == {"pam": 2.0}
    assert found.group_weight == {"economy": 1.5}
    assert (found.feature[0].group, found.feature[0].name_en, found.feature[0].low_en) == (
        "economy",
        "Minimum income",
        "little poverty",
    )
    assert load(tmp_path, HEAD + 'k_weight = "equal"\n' + feature()).k_weight == "equal"


def test_a_feature_is_all_that_must_be_said(tmp_path: Path) -> None:
    found = load(tmp_path, feature())
    assert found.algorithms == ("kmeans", "ward", "gmm", "pam", "spectral")
    assert (found.k_min, found.k_max, found.k_weight, found.notion) == (2, 8, "stability", "groups")
    assert (found.resampling, found.feature_fraction, found.imputations, found.collinearity) == ("subsample", 0.8, 10, "share")
    assert found.feature[0].group == "other"


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
        (HEAD + feature(more='group = "money"\n'), "'group' hat den unzulässigen Wert 'money'"),
        (HEAD + "k_weight = { drei = 1.0 }\n" + feature(), "'k_weight' braucht für jede Gruppenzahl ein Gewicht"),
        (HEAD + 'k_weight = { "3" = -1.0 }\n' + feature(), "'k_weight' braucht für jede Gruppenzahl ein Gewicht"),
        (HEAD + 'k_weight = { "3" = true }\n' + feature(), "'k_weight' braucht für jede Gruppenzahl ein Gewicht"),
        (HEAD + 'k_weight = { "9" = 1.0 }\n' + feature(), "'k_weight' nennt 9 Gruppen; geprüft werden 3 bis 5"),
        (HEAD + 'k_weight = { "3" = 0.0 }\n' + feature(), "'k_weight' gibt keiner Gruppenzahl ein Gewicht"),
        (HEAD + 'k_weight = "loss"\n' + feature(), "'k_weight' hat den unzulässigen Wert 'loss'"),
        (HEAD + "algorithm_weight = { pam = 0.0 }\n" + feature(), "'pam' hat den unzulässigen Wert 0.0"),
        (HEAD + 'algorithms = ["ward"]\nalgorithm_weight = { pam = 1.0 }\n' + feature(), "das Verfahren 'pam', das nicht"),
        (HEAD + "group_weight = { age = 1.0 }\n" + feature(), "nennt die Gruppe 'age', zu der kein Merkmal gehört"),
        (HEAD + "group_weight = { other = -1.0 }\n" + feature(), "'other' hat den unzulässigen Wert -1.0"),
        (HEAD + 'notion = "both"\n' + feature(), "'notion' hat den unzulässigen Wert 'both'"),
        (HEAD + "feature_fraction = 0.1\n" + feature(), "'feature_fraction' hat den unzulässigen Wert 0.1"),
        (HEAD + "imputations = 0\n" + feature(), "'imputations' hat den unzulässigen Wert 0"),
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
        check_settings(bad, ring(np.zeros((3, 1))))


def test_feature_outside_the_context() -> None:
    with pytest.raises(UsageError, match="'f1' steht nicht in den Strukturdaten.*f0"):
        check_settings(settings(2), ring(np.zeros((3, 1))))
