"""The command line: parse, call, print, and leave with the documented exit code."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from datetime import date
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from ccbill import (
    __version__,
    bug_report_cli,
    explain_cli,
    intake_cli,
    ledger_cli,
    options,
    rules_cli,
)
from ccbill.cells.limits import Limits
from ccbill.errors import CcbillError, Exit, Message
from ccbill.options import FailOn

app = typer.Typer(
    name="ccbill",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)

app.add_typer(rules_cli.app)
app.add_typer(ledger_cli.app)
app.command("explain")(explain_cli.explain_command)
app.command("bug-report")(bug_report_cli.bug_report_command)
app.command("check")(intake_cli.check_command)
app.command("init")(intake_cli.init_command)
app.command("template")(intake_cli.template_command)

NOTHING = "Nothing was read or written."
EXITS = (
    "Exit codes: 0 done; 1 done, and --fail-on was reached; 2 usage, configuration or rule file "
    "refused; 3 an input cannot be used; 4 output could not be written; 70 a fault in ccbill; "
    "75 another run holds the ledger; 129, 130, 143 stopped by a signal."
)


class Format(StrEnum):
    XLSX = "xlsx"
    CSV = "csv"
    PARQUET = "parquet"
    HTML = "html"


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"ccbill {__version__}")
        raise typer.Exit


@app.callback(epilog=EXITS)
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Turn a care team's activity log into claim lines, by each payer's own dated, cited rules.

    [bold]ccbill run activities.csv[/bold] bills a month's log and writes claims.xlsx and
    exceptions.xlsx.
    """


@app.command("run", epilog=EXITS)
def run_command(
    exports: options.Exports,
    out: Annotated[Path, typer.Option(help="Folder for the output.")] = Path("ccbill-out"),
    month: Annotated[
        list[str] | None, typer.Option(metavar="YYYY-MM", help="Bill this month only; repeatable.")
    ] = None,
    formats: Annotated[
        list[Format] | None, typer.Option("--format", help="What to write; repeatable.")
    ] = None,
    with_patients: Annotated[
        bool, typer.Option("--with-patients", help="Name patients in report.html.")
    ] = False,
    patients: options.Patients = None,
    staff: options.Staff = None,
    fees: options.Fees = None,
    sheet: options.Sheet = None,
    rules: options.Rules = None,
    config: options.Config = None,
    ledger: options.LedgerFile = None,
    no_ledger: Annotated[
        bool, typer.Option("--no-ledger", help="Look back at nothing and keep nothing.")
    ] = False,
    submit: Annotated[
        bool, typer.Option("--submit", help="Count the claims as billed, without a draft.")
    ] = False,
    complete: Annotated[
        bool, typer.Option("--complete", help="The exports have the whole log of their months.")
    ] = False,
    lock_timeout: options.LockTimeout = None,
    workbook_seconds: options.WorkbookSeconds = None,
    workbook_megabytes: options.WorkbookMegabytes = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit 1 where the exceptions have such a row.")
    ] = FailOn.NEVER,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print run.json.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing of a clean run.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="On a fault in ccbill, say where, line by line.")
    ] = False,
    today: options.Today = None,
) -> None:
    """Bill the activities of one or more exports.

    [bold]ccbill run activities.csv --patients patients.csv --staff staff.csv --fees fees.csv[/bold]

    [bold]ccbill run october.xlsx --month 2026-10 --format csv --out october[/bold]
    """
    os.environ["CCBILL_DEBUG"] = "1" if debug else ""
    _agree(ledger=ledger, no_ledger=no_ledger, submit=submit, dry_run=dry_run)
    if with_patients and Format.HTML not in (formats or ()):
        raise _refused("--with-patients", "stands without --format html", "add --format html")
    from ccbill.handover import Redelivered  # noqa: PLC0415  (pandas only where it is used)
    from ccbill.report import console  # noqa: PLC0415
    from ccbill.run import Request, run  # noqa: PLC0415

    request = Request(
        exports=exports,
        out=out,
        today=options.day_of(today, "--today", NOTHING) if today is not None else date.today(),
        months=frozenset(options.month_of(text, NOTHING) for text in month or ()),
        formats=[f.value for f in formats or (Format.XLSX,)],
        patients=patients,
        staff=staff,
        fees=fees,
        sheet=sheet,
        config=config,
        rules=rules or (),
        complete=fail_on is not FailOn.NEVER,
        dry_run=dry_run,
        ledger=None if no_ledger else ledger_cli.ledger_path(ledger, config),
        submit=submit,
        whole_log=complete,
        with_patients=with_patients,
        lock_timeout=lock_timeout,
        workbook=Limits(workbook_seconds, workbook_megabytes),
    )
    try:
        report, written = run(request)
    except Redelivered as earlier:
        console.redelivered(earlier.run, earlier.files)
        if as_json:
            _print(earlier.files[-1].read_text(encoding="utf-8").removesuffix("\n"))
        return
    reached = _reached(fail_on, set(report.exceptions["severity"]))
    if as_json:
        _print(console.record_text(report, written))
    if not quiet or len(report.exceptions):
        console.summary(report, written)
        console.ledger_notes(report)
    if reached:
        raise typer.Exit(Exit.FOUND)


def _agree(*, ledger: Path | None, no_ledger: bool, submit: bool, dry_run: bool) -> None:
    """Refuses options that contradict one another."""
    for option, given in (("--ledger", ledger is not None), ("--submit", submit)):
        if no_ledger and given:
            raise _refused("--no-ledger", f"stands beside {option}", "leave out one of the two")
    if submit and dry_run:
        raise _refused("--dry-run", "stands beside --submit", "leave out one of the two")


def _reached(fail_on: FailOn, severities: set[str]) -> bool:
    if fail_on is FailOn.NEVER:
        return False
    return bool(severities) if fail_on is FailOn.NOTE else "hold" in severities


def _refused(option: str, what: str, fix: str) -> CcbillError:
    return CcbillError(Exit.REFUSED, Message(option, what, NOTHING, fix))


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        _close_output()
        cause = (error.strerror or "no reason given").lower()
        message = Message(
            "standard output",
            f"cannot be written: {cause}",
            "The run itself is done, and its files are whole.",
            "make room, or send the output elsewhere",
        )
        raise CcbillError(Exit.OUTPUT, message) from None


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
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) is not signal.SIG_IGN:  # as nohup leaves it
            signal.signal(number, _stop)
    code = _code()
    try:
        sys.stdout.flush()
    except OSError:  # nobody reads on
        _close_output()
    sys.exit(code)


def _leave_no_core_file() -> None:
    """A process that the system kills does not write its memory, and so patients, to a file."""
    try:
        import resource  # noqa: PLC0415  (not on every system)
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _code() -> int:
    try:
        app(standalone_mode=True)
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
        with suppress(OSError):
            _tell_fault(fault)
        return Exit.FAULT
    return Exit.DONE


def _close_output() -> None:
    """What is still to be written goes nowhere, so that leaving does not fail on it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
    print("  Nothing was recorded; earlier output is as it was.", file=sys.stderr)
    print("  fix: report it with this line and the version of ccbill", file=sys.stderr)
    if os.environ.get("CCBILL_DEBUG"):
        for place in places:
            print(f"  {place}", file=sys.stderr)
