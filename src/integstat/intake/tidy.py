"""CSV with one header line and one row per observation; the config says what the columns mean."""

from __future__ import annotations

from integstat.intake.files import FileContent, decode
from integstat.intake.settings import SourceSettings
from integstat.intake.tables import Table, plain_table


def read_tidy(file: FileContent, source: SourceSettings) -> Table:
    """Read a tidy CSV (also packed as .gz).

    Raises
    ------
    UnreadableFile
        If the bytes are no such table.
    """
    text = decode(file, source.file_encoding)
    return plain_table(text, file.name, source.file_separator, source.file_decimal)
