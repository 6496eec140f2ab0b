"""'Flat files' (ffcsv) of GENESIS-Online and the Regionaldatenbank: one header line, one row per combination of codes.

There are two forms. The older one has German column names and one column per measure (`BEVSTD__Bevoelkerungsstand__Anzahl`),
each perhaps with its mark of quality (`BEVSTD__Bevoelkerungsstand__q`). The newer one has English names and a single column
`value` with unit, code and label beside it. Both become the same table, so that a config need not know the form.
"""

from __future__ import annotations

import re

import pandas as pd

from integstat.intake.files import FileContent, decode
from integstat.intake.problems import UnreadableFile
from integstat.intake.settings import SourceSettings
from integstat.intake.tables import COLUMN, LINE, VALUE, Table, plain_table

CODE, LABEL, UNIT, QUALITY = "Wert_Code", "Wert_Label", "Einheit", "Qualität"
_GERMAN = {
    "statistics_code": "Statistik_Code",
    "statistics_label": "Statistik_Label",
    "time_code": "Zeit_Code",
    "time_label": "Zeit_Label",
    "time": "Zeit",
    "value": VALUE,
    "value_unit": UNIT,
    "value_variable_code": CODE,
    "value_variable_label": LABEL,
    "value_q": QUALITY,
}
_PARTS = {
    "variable_code": "Merkmal_Code",
    "variable_label": "Merkmal_Label",
    "variable_attribute_code": "Auspraegung_Code",
    "variable_attribute_label": "Auspraegung_Label",
}
_NUMBERED = re.compile(r"([0-9]+)_(variable(?:_attribute)?_(?:code|label))")
_DIMENSION = re.compile(r"(?:Statistik_(?:Code|Label)|Zeit(?:_Code|_Label)?|[0-9]+_(?:Merkmal|Auspraegung)_(?:Code|Label))")


def read_genesis_flat(file: FileContent, source: SourceSettings) -> Table:
    """Read a flat file into long form.

    Returns
    -------
    Table
        Columns `Statistik_Code`, `Zeit`, `1_Merkmal_Code`, `1_Merkmal_Label`, `1_Auspraegung_Code`, `1_Auspraegung_Label`, and
        so on, as in the older form; then `Wert`, `Wert_Code`, `Wert_Label`, `Einheit` and, where the file has it, `Qualität`.

    Raises
    ------
    UnreadableFile
        If the bytes are no table, or the columns are not those of a flat file.
    """
    table = plain_table(decode(file, source.file_encoding), file.name, source.file_separator, source.file_decimal)
    frame = _newer(table.frame) if "time" in table.frame.columns else _older(table.frame)
    missing = [column for column in ("Zeit", "1_Auspraegung_Code", VALUE) if column not in frame.columns]
    if missing:
        what = f"die Spalte '{missing[0]}' fehlt, das ist keine Flat-Datei aus GENESIS"
        mend = 'bitte die Tabelle als Flat-CSV (ffcsv) laden, oder reader = "genesis" für die Tabellenform'
        raise UnreadableFile(file.name, "Kopfzeile", what, mend)
    return Table(file=file.name, frame=frame, decimal=table.decimal, problems=table.problems)


def _newer(frame: pd.DataFrame) -> pd.DataFrame:
    names = {}
    for column in frame.columns:
        numbered = _NUMBERED.fullmatch(column)
        names[column] = f"{numbered[1]}_{_PARTS[numbered[2]]}" if numbered else _GERMAN.get(column, column)
    taken = list(names.values())
    if len(set(taken)) < len(taken):
        return frame  # German and English names beside each other: refused for what is missing
    out = frame.rename(columns=names)
    if "value" in frame.columns:
        out[COLUMN] = list(frame.columns).index("value") + 1
    return out


def _older(frame: pd.DataFrame) -> pd.DataFrame:
    columns = [str(column) for column in frame.columns]
    kept = [column for column in columns if _DIMENSION.fullmatch(column)]
    measures = [column for column in columns if "__" in column[1:] and not column.startswith("__")]
    blocks = []
    for measure in measures:
        code, label, unit, quality = _named(measure)
        if quality:
            continue
        block = frame[[*kept, LINE]].copy()
        block[VALUE] = frame[measure]
        block[CODE], block[LABEL], block[UNIT] = code, label, unit
        mark = f"{code}__{label}__q"
        if mark in measures:
            block[QUALITY] = frame[mark]
        block[COLUMN] = columns.index(measure) + 1
        blocks.append(block)
    return pd.concat(blocks, ignore_index=True).fillna("") if blocks else frame


def _named(measure: str) -> tuple[str, str, str, bool]:
    """Code, label and unit of a measure's column, and whether it holds marks of quality."""
    parts = [part.strip() for part in measure.split("__")]
    return parts[0], parts[1], "__".join(parts[2:]), parts[-1] == "q"
