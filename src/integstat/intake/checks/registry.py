"""All checks by id."""

from __future__ import annotations

from integstat.intake.checks import cells, change, level, parts, rates, reading, rows, sources
from integstat.intake.checks.base import Check

REGISTRY: dict[str, Check] = {
    check.id: check for module in (reading, rows, cells, change, level, sources, parts, rates) for check in module.CHECKS
}


def reference_table() -> str:
    """All checks as the Markdown table of the reference."""
    words = {"error": "error", "doubt": "doubt", "hint": "hint"}
    head = "| id | severity | looks at | sentence | mend |\n|---|---|---|---|---|\n"
    return head + "".join(
        f"| `{one.id}` | {', '.join(words[severity] for severity in one.severities)} | {one.looks_at} | {_cell(one.what)} | "
        f"{_cell(one.mend)} |\n"
        for one in REGISTRY.values()
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("{", "‹").replace("}", "›")
