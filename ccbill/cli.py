"""The command line: parse, call, print, and leave with the documented exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import Annotated, NoReturn

import typer

from ccbill import (
    __version__,
    bug_report_cli,
    demo_cli,
    doctor_cli,
    explain_cli,
    intake_cli,
    ledger_cli,
    rules_cli,
    run_cli,
    usage,
)
from ccbill.errors import CcbillError, Exit
from ccbill.manual import Group, command, exits

app = typer.Typer(
    name="ccbill",
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)

OBJECTS = 200_000  # made before cycles are looked for: a library is many that stay to the end

BILLING = "Bill"
BEGINNING = "Begin"
KEEPING = "Look after"


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"ccbill {__version__}")
        raise typer.Exit


@app.callback(
    epilog=exits(Exit.INPUT, Exit.OUTPUT, Exit.BUSY, found="done, and --fail-on was reached")
)
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Turn a care team's activity log into claim lines, by each payer's own dated, cited rules.

    [bold]Examples[/bold]
    ccbill demo                  an invented practice, billed and explained
    ccbill init october.xlsx     the settings for an export of your own
    ccbill run october.xlsx      claims.xlsx to bill from, exceptions.xlsx to mend
    ccbill explain 004217        why a patient's work earns what it earns
    """


command(
    app,
    "run",
    *(Exit.INPUT, Exit.OUTPUT, Exit.BUSY),
    found="done, and --fail-on was reached",
    panel=BILLING,
)(run_cli.run_command)
command(app, "check", Exit.INPUT, found="--fail-on was reached", panel=BILLING)(
    intake_cli.check_command
)
command(app, "explain", Exit.INPUT, Exit.OUTPUT, panel=BILLING)(explain_cli.explain_command)
command(app, "demo", Exit.OUTPUT, panel=BEGINNING)(demo_cli.demo_command)
command(app, "init", Exit.INPUT, Exit.OUTPUT, panel=BEGINNING)(intake_cli.init_command)
command(app, "template", Exit.OUTPUT, panel=BEGINNING)(intake_cli.template_command)
app.add_typer(ledger_cli.app, rich_help_panel=KEEPING)
app.add_typer(rules_cli.app, rich_help_panel=KEEPING)
command(app, "doctor", found="something is wrong", panel=KEEPING)(doctor_cli.doctor_command)
command(app, "bug-report", Exit.OUTPUT, panel=KEEPING)(bug_report_cli.bug_report_command)


class _Stopped(BaseException):
    """A signal asked the run to end."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    raise _Stopped(128 + number)


def main() -> NoReturn:
    """Runs the command line and exits; nothing but a message and a code leaves this function."""
    _leave_no_core_file()
    gc.set_threshold(OBJECTS)
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) is not signal.SIG_IGN:  # as nohup leaves it
            signal.signal(number, _stop)
    code = _code()
    try:
        sys.stdout.flush()
    except OSError:  # nobody reads on
        run_cli.close_output()
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(code)  # the system takes all back at once; nothing is taken apart, or waited for


def _leave_no_core_file() -> None:
    """A process that the system kills does not write its memory, and so patients, to a file."""
    try:
        import resource  # noqa: PLC0415  (not on every system)
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _code() -> int:
    try:
        return int(app(prog_name="ccbill", standalone_mode=False) or Exit.DONE)
    except SystemExit as done:
        closed = isinstance(done.__context__, BrokenPipeError)  # Typer makes a 1 of it
        return Exit.DONE if closed else int(done.code or 0)
    except CcbillError as error:
        with suppress(OSError):  # nobody can be told
            _tell(error)
        return error.code
    except _Stopped as stopped:
        with suppress(OSError):
            print("ccbill: stopped; earlier output is as it was", file=sys.stderr)
        return stopped.code
    except Exception as fault:
        misused = usage.error(fault)
        with suppress(OSError):
            if misused is None:
                _tell_fault(fault)
            elif misused.messages:
                _tell(misused)
        return Exit.FAULT if misused is None else misused.code


def _tell(error: CcbillError) -> None:
    if error.code == Exit.BUSY:  # in one line, for cron
        print(*(f"{m.where}: {m.what}; {m.fix}" for m in error.messages), file=sys.stderr)
        return
    from ccbill.report.console import messages  # noqa: PLC0415

    messages(error)


def _tell_fault(fault: Exception) -> None:
    """Says the fault's type and place; its text may carry a patient's data and is never shown."""
    places = []
    at = fault.__traceback__
    while at is not None:
        module = at.tb_frame.f_globals.get("__name__", "?")
        places.append(f"{module}:{at.tb_lineno}")
        at = at.tb_next
    print(f"ccbill: a fault in ccbill: {type(fault).__name__} at {places[-1]}", file=sys.stderr)
    done = run_cli.DONE in getattr(fault, "__notes__", ())
    kept = run_cli.DONE if done else "Nothing was recorded; earlier output is as it was."
    print(f"  {kept}", file=sys.stderr)
    print("  fix: report it with this line and the version of ccbill", file=sys.stderr)
    if os.environ.get("CCBILL_DEBUG"):
        for place in places:
            print(f"  {place}", file=sys.stderr)
