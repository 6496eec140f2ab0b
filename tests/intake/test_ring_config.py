"""A ring's TOML: what is refused, with file, line and mend."""

from __future__ import annotations

import pytest

from integstat.errors import DataError, UsageError
from integstat.intake.settings import IntakeSettings
from integstat.intake.take_in import take_in

from .rings import CONFIG, Ring

CONTEXT = '\n[context]\nyear = 2020\n\n[context.features]\npop = "n_germans"\n'


def line_of(piece: str, config: str = CONFIG) -> int:
    """Line of the first occurrence."""
    return config[: config.index(piece)].count("\n") + 1


def test_the_sound_config_reads(ring: Ring) -> None:
    settings = ring.settings()
    assert isinstance(settings, IntakeSettings)
    assert settings.ring.years == (2020, 2021)
    assert settings.series_by_id["y_germans"].wanted("group") == ("germans",)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("years = [2020, 2021]", "years = [2021, 2020]", "die Berichtsjahre müssen aufsteigen"),
        ("years = [2020, 2021]", "years = [202, 2020]", "außerhalb von 1950 bis 2100"),
        ('name = "Kleiner Ring"\n', "", "der Schlüssel 'name' fehlt"),
        ('name = "Kleiner Ring"', 'name = "Kleiner Ring"\nnmae = "x"', "unbekannter Schlüssel 'nmae'"),
        ('[ring.cities]\nsource = "counts"', "[ring.cities]\nonly = ['01002']", "die Städte kommen entweder aus 'source' oder"),
        ('[ring.cities]\nsource = "counts"', "[ring.cities]\nworkbooks = true", "keine Quelle liest Arbeitsmappen"),
        (
            '[ring.cities]\nsource = "counts"',
            '[ring.cities]\nsource = "other"',
            "aus der Quelle 'other' kommen, die es so nicht gibt",
        ),
        ('reader = "tidy"', 'reader = "csv"', "'reader' hat den unzulässigen Wert 'csv'"),
        ('year = "year"\n', "", "die Quelle 'counts' braucht 'year'"),
        ('region = { column = "ags", name = "city" }\n', "", "die Quelle 'counts' braucht 'region'"),
        ('region = { column = "ags", name = "city" }', 'region = "kreise"', "nennt die Gebietsregel 'kreise', die es nicht gibt"),
        ('reader = "tidy"', 'reader = "genesis"', "braucht 'leading' (Vorspalten) und 'header' (Kopfzeilen)"),
        ('id = "n_germans"', 'id = "n_foreigners"', "Reihe 'n_foreigners' steht doppelt"),
        ('id = "n_germans"', 'id = "n-germans"', "braucht eine Kennung aus Buchstaben"),
        ('id = "n_germans"\nsource = "counts"', 'id = "n_germans"\nsource = "c"', "nennt die Quelle 'c', die es nicht gibt"),
        ('id = "n_germans"', 'id = "n_germans"\nyear = 2020\nyear_shift = -1', "nur eines davon ist möglich"),
        ('id = "n_germans"', 'id = "n_germans"\nyear_shift = -9', "'year_shift' hat den unzulässigen Wert"),
        ('group = "reference"\nnumerator', 'group = "target"\nnumerator', "Lieferung 'T1.all, target' steht doppelt"),
        ('numerator = "y_germans"', 'numerator = "y_german"', "nennt die Reihe 'y_german', die es nicht gibt"),
        ('numerator = "y_germans"', 'numerator = "y_germans +"', "unvollständig oder falsch geschrieben"),
        ('numerator = "y_germans"', 'numerator = "max(y_germans, 1)"', "sind nur Reihen, Zahlen, Klammern"),
        ('numerator = "y_germans"', 'numerator = "y_germans"\nallow_derived = ["z"]', "erlaubt die Reihe 'z', die es nicht gibt"),
        ('group = "reference"', 'group = "referenz"', "'group' hat den unzulässigen Wert 'referenz'"),
        (
            "[[source]]",
            '[regions.a]\ncolumn = "a"\nignore = [{ pattern = "(", reason = "r" }]\n\n[[source]]',
            "kein gültiger regulärer Ausdruck",
        ),
    ],
)
def test_what_is_wrong_is_told_with_the_file(ring: Ring, old: str, new: str, what: str) -> None:
    ring.configure(old, new)
    with pytest.raises(UsageError) as raised:
        ring.settings()
    assert what in raised.value.what
    assert raised.value.place.startswith(str(ring.folder / "ring.toml"))
    assert raised.value.mend
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("year = 2020", "year = 2021", "darf nicht jünger sein als das erste Berichtsjahr 2020"),
        ('"n_germans"', '"n_nobody"', "nennt die Reihe 'n_nobody', die es nicht gibt"),
        ('"n_germans"', '"n_germans *"', "unvollständig"),
    ],
)
def test_context(ring: Ring, old: str, new: str, what: str) -> None:
    ring.config += CONTEXT.replace(old, new)
    with pytest.raises(UsageError) as raised:
        ring.settings()
    assert what in raised.value.what


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('definition = "T1.all"\ngroup = "reference"', 'definition = "T1.alle"\ngroup = "reference"', "die Definition 'T1.alle'"),
        ('{ T1 = "all" }', '{ T1 = "alle" }', "die Definition 'T1.alle'"),
        ('{ T1 = "all" }', '{ T8 = "all" }', "die Definition 'T8.all'"),
    ],
)
def test_what_the_catalogue_lacks_is_told_with_its_line(ring: Ring, old: str, new: str, what: str) -> None:
    ring.configure(old, new)
    with pytest.raises(UsageError) as raised:
        ring.take_in()
    assert what in raised.value.what
    assert raised.value.place == f"{ring.folder / 'ring.toml'}, Zeile {line_of(new.split(chr(10), maxsplit=1)[0], ring.config)}"


def test_missing_data_folder(ring: Ring) -> None:
    path = ring.configure('data = "data"', 'data = "elsewhere"').write()
    with pytest.raises(DataError, match=r"elsewhere: diesen Datenordner gibt es nicht; bitte 'data'"):
        take_in(ring.settings(), path, ring.catalogue)
    assert take_in(ring.settings(), path, ring.catalogue, data=ring.folder / "data").problems == ()
