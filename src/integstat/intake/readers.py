"""Which reader reads which file; and files that say themselves what they are."""

from __future__ import annotations

from integstat.intake.files import FileContent
from integstat.intake.genesis import read_genesis
from integstat.intake.genesis_flat import read_genesis_flat
from integstat.intake.inkar import read_inkar
from integstat.intake.open_sdg import read_open_sdg
from integstat.intake.settings import RegionSettings, SourceSettings
from integstat.intake.tables import Table
from integstat.intake.tidy import read_tidy
from integstat.intake.wegweiser import read_wegweiser

_TEXT = {
    "genesis": read_genesis,
    "genesis_flat": read_genesis_flat,
    "inkar": read_inkar,
    "open_sdg": read_open_sdg,
    "tidy": read_tidy,
    "wegweiser": read_wegweiser,
}


def read_table(file: FileContent, source: SourceSettings) -> Table:
    """Read a file with the reader that its source names; the cities' own workbooks have another way in.

    Raises
    ------
    UnreadableFile
        If the bytes are not what the source says.
    """
    if source.reader in _TEXT:
        return _TEXT[source.reader](file, source)
    # openpyxl takes a while to import
    if source.reader == "labour_agency":
        from integstat.intake.labour_agency import read_labour_agency

        return read_labour_agency(file, source)
    from integstat.intake.municipalities import read_municipalities

    return read_municipalities(file, source)


def recognised(file: FileContent) -> tuple[Table, RegionSettings] | None:
    """Read a file that needs no config: an INKAR export or a flat file of GENESIS, known by its first line.

    Returns
    -------
    (Table, RegionSettings) or None
        None where it is neither. What the figures are for, and whether a ring needs them, only a config can tell.

    Raises
    ------
    UnreadableFile
        If it begins like one of them, but is none.
    """
    head = file.content[:2000].split(b"\n", 1)[0].replace(b'"', b"").lower()
    if b"kennziffer;" in head and (b";aggregat" in head or b";zeitbezug" in head):
        rule = RegionSettings(column="Kennziffer", name="Name")
        return read_inkar(file, SourceSettings(id="inkar", reader="inkar", file=file.name)), rule
    if head.removeprefix(b"\xef\xbb\xbf").startswith((b"statistik_code;", b"statistics_code;")):
        rule = RegionSettings(column="1_Auspraegung_Code", name="1_Auspraegung_Label")
        source = SourceSettings(id="flat", reader="genesis_flat", file=file.name, region=rule)
        return read_genesis_flat(file, source), rule
    return None
