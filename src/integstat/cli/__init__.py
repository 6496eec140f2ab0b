"""The command line: `integstat --help`."""

from integstat.cli.entry import execute, main

__all__ = ["execute", "main"]
