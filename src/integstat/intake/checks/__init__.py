"""Checks of deliveries: each is a small object that finds one kind of fault and tells it in a sentence."""

from integstat.intake.checks.base import GROUP_DE, Check
from integstat.intake.checks.registry import REGISTRY

__all__ = ["GROUP_DE", "REGISTRY", "Check"]
