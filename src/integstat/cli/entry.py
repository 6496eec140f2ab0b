"""From a call to an exit code: what went wrong is one sentence on stderr."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable

from typer.exceptions import Abort, Exit, TyperException

from integstat.cli import answer, deliver, diff, explain, history, peers, plan, ranks, ring, template, validate
from integstat.cli.app import app, state
from integstat.errors import IntegstatError, UsageError

INTERRUPTED = 130
_COMMANDS: tuple[tuple[str, Callable[..., None]], ...] = (  # in the order of the help
    ("template", template.template_command),
    ("plan", plan.plan_command),
    ("run", ring.run_command),
    ("peers", ring.peers_command),
    ("change", ring.change_command),
    ("sensitivity", ring.sensitivity_command),
    ("report", ring.report_command),
    ("check", ring.check_command),
    ("answer", answer.answer_command),
    ("deliver", deliver.deliver_command),
    ("vintages", deliver.vintages_command),
    ("diff", diff.diff_command),
    ("assign", peers.assign_command),
    ("follow", peers.follow_command),
    ("ranks", ranks.ranks_command),
    ("explain", explain.explain_command),
    ("history", history.history_command),
    ("validate", validate.validate_command),
    ("simulate", ring.simulate_command),
    ("demo", ring.demo_command),
)
_CALLS = (
    (r"Missing argument '(.+?)'", r"es fehlt \1"),
    (r"Missing option '(.+?)'", r"es fehlt die Option \1"),
    (r"No such option:? '?(.+?)'?\.?(?: .*)?$", r"die Option \1 gibt es nicht"),
    (r"No such command '(.+?)'", r"den Befehl '\1' gibt es nicht"),
    (r"Option '(.+?)' requires", r"nach \1 fehlt der Wert"),
    (r"Invalid value for '(.+?)':", r"der Wert für \1 ist nicht zulässig"),
    (r"Got unexpected extra argument\(?s?\)? \((.+?)\)", r"'\1' ist zu viel"),
)


for _name, _command in _COMMANDS:
    app.command(_name)(_command)


def main() -> None:
    """Run the command line; leave with the exit code of what happened.

    After an interruption without waiting for fits that still run: what is on disk is whole.
    """
    code = execute()
    if code == INTERRUPTED:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _german(message: str) -> str:
    """Translate what the command-line library says of a wrong call; anything unknown stays as it is."""
    for pattern, german in _CALLS:
        found = re.match(pattern, message)
        if found:
            return found.expand(german)
    return message.rstrip(".")


def execute(arguments: list[str] | None = None) -> int:
    """Run one call of the command line and return its exit code; without arguments, those of the process."""
    if arguments is None:
        arguments = sys.argv[1:]
    try:
        result = app(args=arguments or ["--help"], standalone_mode=False)
        code = int(result) if isinstance(result, int) else 0
    except Exit as done:
        code = int(done.exit_code)
    except (KeyboardInterrupt, Abort):
        code = INTERRUPTED
    except TyperException as error:
        print(
            UsageError(_german(error.format_message()), place="Aufruf", mend="siehe integstat --help").sentence(), file=sys.stderr
        )
        return UsageError.exit_code
    except IntegstatError as error:
        if state["debug"]:
            traceback.print_exc()
        print(error.sentence(), file=sys.stderr)
        return error.exit_code
    except Exception as error:
        if state["debug"]:
            traceback.print_exc()
        what = f"{type(error).__name__}: {error}"
        print(f"Unerwarteter Fehler ({what}); mit 'integstat --debug …' erscheint der Aufrufweg.", file=sys.stderr)
        return 1
    if code == INTERRUPTED:
        print("Abgebrochen; was fertig war, bleibt erhalten.", file=sys.stderr)
    return code
