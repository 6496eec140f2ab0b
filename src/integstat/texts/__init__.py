"""What a reader sees: sentences from a message catalogue, numbers and plurals in the reader's language."""

from integstat.texts.catalogue import Texts

__all__ = ["Texts"]
