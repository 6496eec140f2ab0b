"""The joint model of a field's indicators, from their separate posteriors."""

from integstat.change.field.join import join

__all__ = ["join"]
