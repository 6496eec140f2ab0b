"""What is measured: action fields, indicators, definitions and known breaks. Data, not code."""

from integstat.catalogue.load import Catalogue, load_catalogue
from integstat.catalogue.schema import BreakEntry, CountEntry, DefinitionEntry, FieldEntry, IndicatorEntry

__all__ = ["BreakEntry", "Catalogue", "CountEntry", "DefinitionEntry", "FieldEntry", "IndicatorEntry", "load_catalogue"]
