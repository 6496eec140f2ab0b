"""What a reader sees: sentences from a message catalogue, numbers and plurals in the reader's language."""

from integstat.texts.catalogue import Texts, languages

__all__ = ["Texts", "languages"]
