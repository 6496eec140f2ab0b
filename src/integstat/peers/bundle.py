"""The frozen bundle of a run: all it takes to place another city among the groups, in one file that can be checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from integstat.errors import DataError
from integstat.panel import Context
from integstat.peers.features.build import Scaled
from integstat.peers.features.scaling import Scaling
from integstat.peers.settings import FeatureSettings, PeerSettings
from integstat.steps import write_text

FILE_NAME = "peers_bundle.json"
FORMAT = "integstat-peers-1"
_HEAD = 40  # bytes within which a bundle names its hash
_RERUN = "bitte den Lauf mit 'integstat run' neu rechnen"
_FINISHED = "bitte den Ordner eines abgeschlossenen Laufs nennen"


@dataclass(frozen=True)
class Bundle:
    """Peer groups of a ring as a run left them.

    Attributes
    ----------
    year : int
        Year of the features.
    cities, names : tuple of str
        AGS, sorted, and names; length C.
    scaling : Scaling
        The features, and what puts another city on the ring's scale.
    weights : ndarray, shape (F,)
        Effective weights of the squared distance, mean 1.
    lowest, highest : ndarray, shape (F,)
        Range of the features in the ring, in their own unit.
    values : ndarray, shape (C, F)
        Scaled features, the mean over imputations.
    known : ndarray of bool, shape (C, F)
        Delivered, not imputed.
    labels : ndarray of int, shape (M, C)
        Sampled partitions, labels arbitrary within a row.
    summary : ndarray of int, shape (C,)
        The partition the groups are named by, 0 … K-1.
    probability : ndarray, shape (C, K)
        Of each group, as the run told the cities.
    groups, groups_en : tuple of str
        Names of the groups; length K.
    neighbours : int
        Length of a list of nearest cities.
    borderline : float
        A city with a smaller probability of its own group is flagged.
    """

    year: int
    cities: tuple[str, ...]
    names: tuple[str, ...]
    scaling: Scaling
    weights: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    values: np.ndarray
    known: np.ndarray
    labels: np.ndarray
    summary: np.ndarray
    probability: np.ndarray
    groups: tuple[str, ...]
    groups_en: tuple[str, ...]
    neighbours: int
    borderline: float

    def __post_init__(self) -> None:
        count, kept, size = len(self.cities), len(self.features), len(self.groups)
        shapes = {
            "weights": (kept,), "lowest": (kept,), "highest": (kept,), "values": (count, kept), "known": (count, kept),
            "labels": (len(self.labels), count), "summary": (count,), "probability": (count, size),
        }  # fmt: skip
        wrong = [name for name, shape in shapes.items() if getattr(self, name).shape != shape]
        if wrong or len(self.names) != count or len(self.groups_en) != size or set(self.summary) != set(range(size)):
            raise ValueError(f"the parts of the bundle do not fit each other: {wrong or 'names, groups'}")

    @property
    def features(self) -> tuple[FeatureSettings, ...]:
        """The features kept, length F."""
        return self.scaling.features

    @property
    def hash(self) -> str:
        """SHA-256 over the content: two bundles with the same hash place every city alike."""
        return _hash(_content(self))


def make_bundle(
    scaled: Scaled,
    context: Context,
    settings: PeerSettings,
    *,
    labels: np.ndarray,
    summary: np.ndarray,
    probability: np.ndarray,
    groups: tuple[str, ...],
    groups_en: tuple[str, ...],
    names: Mapping[str, str],
) -> Bundle:
    """Freeze what a run found.

    Parameters
    ----------
    scaled : Scaled
    context : Context
        What `scaled` was made of.
    settings : PeerSettings
    labels : ndarray of int, shape (M, C)
        Sampled partitions; about 200 tell shares to 0.035. Those with the number of groups of the summary give another city
        probabilities that mean the same as `probability`.
    summary, probability, groups, groups_en
        See `Bundle`.
    names : mapping of str to str
        City name by AGS.
    """
    raw = context.features.loc[list(scaled.cities), [feature.id for feature in scaled.features]]
    return Bundle(
        year=context.year,
        cities=scaled.cities,
        names=tuple(names.get(city, city) for city in scaled.cities),
        scaling=scaled.scaling,
        weights=scaled.weights,
        lowest=raw.min().to_numpy(float),
        highest=raw.max().to_numpy(float),
        values=scaled.values.mean(axis=0).round(9) + 0.0,
        known=scaled.known,
        labels=np.asarray(labels, dtype=int),
        summary=np.asarray(summary, dtype=int),
        probability=probability.round(6) + 0.0,
        groups=groups,
        groups_en=groups_en,
        neighbours=settings.neighbours,
        borderline=settings.borderline,
    )


def write_bundle(path: Path, bundle: Bundle) -> None:
    """Write a bundle as JSON, a line for each feature, group, city and partition; the same bundle gives the same bytes."""
    content = _content(bundle)
    lines = []
    for key, value in ({"hash": _hash(content)} | content).items():
        text = ",\n".join(f"  {_plain(row)}" for row in value) if isinstance(value, list) else _plain(value)
        lines.append(f'"{key}": [\n{text}\n]' if isinstance(value, list) else f'"{key}": {text}')
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")


def read_bundle(path: Path) -> Bundle:
    """Read a bundle and make sure that it is what was written.

    Raises
    ------
    DataError
        If the file is missing, no bundle at all, damaged, changed by hand, or of another version; with place and mend.
    """
    place = str(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise _missing(path) from error
    except OSError as error:
        raise DataError("nicht lesbar", place=place, mend=_FINISHED) from error
    stranger = DataError(
        "das ist kein Stand der Vergleichsgruppen", place=place, mend=f"gemeint ist der Ordner eines Laufs mit '{FILE_NAME}'"
    )
    if path.name != FILE_NAME and b'"hash"' not in raw[:_HEAD]:
        raise stranger
    try:
        content = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DataError("die Datei ist beschädigt, sie ist nicht UTF-8", place=place, mend=_RERUN) from error
    except json.JSONDecodeError as error:
        raise DataError(
            "die Datei ist beschädigt, hier ist sie kein JSON", place=f"{place}, Zeile {error.lineno}", mend=_RERUN
        ) from error
    if not isinstance(content, dict) or "format" not in content or "hash" not in content:
        raise stranger
    if content["format"] != FORMAT:
        what = f"der Stand der Vergleichsgruppen hat das Format '{content['format']}', gelesen wird '{FORMAT}'"
        raise DataError(what, place=place, mend=_RERUN)
    if content.pop("hash") != _hash(content):
        what = "der Stand der Vergleichsgruppen ist beschädigt oder von Hand geändert, die Prüfsumme stimmt nicht"
        raise DataError(what, place=place, mend=f"bitte neu kopieren, oder {_RERUN.removeprefix('bitte ')}")
    try:
        return _bundle(content)
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise DataError("der Stand der Vergleichsgruppen ist unvollständig", place=place, mend=_RERUN) from error


def _missing(path: Path) -> DataError:
    """Why there is no bundle, as far as the manifest of the run in this folder tells."""
    place = str(path)
    if path.name != FILE_NAME:
        return DataError("weder Ordner noch Datei dieses Namens vorhanden", place=place, mend=_FINISHED)
    try:
        manifest = json.loads((path.parent / "manifest.json").read_text(encoding="utf-8"))
        done, told = manifest["stages"].get("peers", {}).get("status") == "done", manifest.get("peers", {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return DataError("hier liegt kein Stand der Vergleichsgruppen", place=place, mend=_FINISHED)
    if not done:
        return DataError("dieser Lauf ist nicht bis zu den Vergleichsgruppen gekommen", place=place, mend=_RERUN)
    mend = "bitte den Lauf eines Rings mit Vergleichsgruppen nennen"
    if not told:
        what = "dieser Lauf hat keine Vergleichsgruppen, sein Ring hat keinen Abschnitt [peers] oder keine Strukturdaten"
        return DataError(what, place=place, mend=mend)
    if isinstance(told, dict) and told.get("groups") == 1:
        return DataError("dieser Lauf hat keine Vergleichsgruppen, sein Ring ist dafür zu klein", place=place, mend=mend)
    return DataError("dieser Lauf hat keinen Stand der Vergleichsgruppen hinterlassen", place=place, mend=_RERUN)


def _content(bundle: Bundle) -> dict[str, Any]:
    """Everything but the hash, as JSON knows it."""
    ids = [feature.id for feature in bundle.features]
    scaling = bundle.scaling
    numbers = zip(bundle.weights, scaling.centre, scaling.scale, bundle.lowest, bundle.highest, strict=True)
    return {
        "format": FORMAT,
        "year": int(bundle.year),
        "limit": None if scaling.limit is None else float(scaling.limit),
        "neighbours": int(bundle.neighbours),
        "borderline": float(bundle.borderline),
        "features": [
            feature.model_dump() | dict(zip(("effective", "centre", "scale", "lowest", "highest"), map(float, row), strict=True))
            for feature, row in zip(bundle.features, numbers, strict=True)
        ],
        "groups": [{"de": de, "en": en} for de, en in zip(bundle.groups, bundle.groups_en, strict=True)],
        "cities": [
            {
                "city": city,
                "name": bundle.names[i],
                "group": int(bundle.summary[i]),
                "probability": bundle.probability[i].tolist(),
                "values": bundle.values[i].tolist(),
                "imputed": [one for one, known in zip(ids, bundle.known[i], strict=True) if not known],
            }
            for i, city in enumerate(bundle.cities)
        ],
        "partitions": bundle.labels.tolist(),
    }


def _bundle(content: Mapping[str, Any]) -> Bundle:
    numbers = ("effective", "centre", "scale", "lowest", "highest")
    table = {name: np.array([row[name] for row in content["features"]], dtype=float) for name in numbers}
    features = tuple(
        FeatureSettings.model_validate({key: value for key, value in row.items() if key not in numbers})
        for row in content["features"]
    )
    cities, groups = content["cities"], content["groups"]
    return Bundle(
        year=content["year"],
        cities=tuple(row["city"] for row in cities),
        names=tuple(row["name"] for row in cities),
        scaling=Scaling(features, table["centre"], table["scale"], content["limit"]),
        weights=table["effective"],
        lowest=table["lowest"],
        highest=table["highest"],
        values=np.array([row["values"] for row in cities], dtype=float),
        known=np.array([[feature.id not in row["imputed"] for feature in features] for row in cities]),
        labels=np.array(content["partitions"], dtype=int),
        summary=np.array([row["group"] for row in cities], dtype=int),
        probability=np.array([row["probability"] for row in cities], dtype=float),
        groups=tuple(row["de"] for row in groups),
        groups_en=tuple(row["en"] for row in groups),
        neighbours=content["neighbours"],
        borderline=content["borderline"],
    )


def _hash(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
