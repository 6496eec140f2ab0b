"""Open-SDG files as the statistical office of Lower Saxony publishes them.

UTF-8 with or without byte order mark, LF or CRLF; columns `Year`, `GeoCode`, `Value` and the dimensions between. The region
codes may be broken formulas (`#NV`, `#BEZUG!`), empty, or stand for a Land, a statistical region or a part of a Kreis: what
becomes of them is decided in `integstat.intake.regions`.
"""

from __future__ import annotations

from integstat.intake.files import FileContent, decode
from integstat.intake.problems import UnreadableFile
from integstat.intake.settings import SourceSettings
from integstat.intake.tables import Table, plain_table

COLUMNS = ("Year", "GeoCode", "Value")


def read_open_sdg(file: FileContent, source: SourceSettings) -> Table:
    """Read an Open-SDG file.

    Raises
    ------
    UnreadableFile
        If the bytes are no table, or the table lacks one of `Year`, `GeoCode`, `Value`.
    """
    text = decode(file, source.file_encoding)
    table = plain_table(text, file.name, source.file_separator, source.file_decimal)
    missing = [column for column in COLUMNS if column not in table.frame.columns]
    if missing:
        raise UnreadableFile(
            file.name,
            "Kopfzeile",
            f"die Spalte '{missing[0]}' fehlt, das ist keine Open-SDG-Tabelle",
            "bitte prüfen, ob das die richtige Datei ist",
        )
    return table
