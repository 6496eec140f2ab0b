"""Deliveries kept as they came: every vintage once, under its hash, nothing ever overwritten."""

from integstat.vintages.store import Vintage, damaged, deliver, is_store, latest, open_store, vintages

__all__ = ["Vintage", "damaged", "deliver", "is_store", "latest", "open_store", "vintages"]
