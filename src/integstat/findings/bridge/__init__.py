"""Levels in one definition from cities that deliver only another one: an offset and a deviation of each city."""

from integstat.findings.bridge.definition import bridge_definition
from integstat.findings.bridge.levels import Bridge, Bridged, bridge
from integstat.findings.bridge.offset import MIN_BOTH, Offset, draw_offset
from integstat.findings.bridge.seen import Counting, Differences, differences
from integstat.findings.bridge.tree import extended

__all__ = [
    "MIN_BOTH",
    "Bridge",
    "Bridged",
    "Counting",
    "Differences",
    "Offset",
    "bridge",
    "bridge_definition",
    "differences",
    "draw_offset",
    "extended",
]
