"""`ccbill run`: bills the activities of one or more exports."""

from __future__ import annotations

import os
import shlex
import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ccbill import complete, memory, options
from ccbill.aside import meanwhile
from ccbill.cells.limits import Limits
from ccbill.errors import CcbillError, Exit, Message
from ccbill.ledger_command import ledger_path
from ccbill.options import FailOn

NOTHING = "Nothing was read or written."
DONE = "The run itself is done, and its files are whole."


class Engine(StrEnum):
    LOCAL = "local"
    DASK = "dask"


class Format(StrEnum):
    XLSX = "xlsx"
    CSV = "csv"
    PARQUET = "parquet"
    HTML = "html"


def run_command(
    exports: options.Exports,
    patients: options.Patients = None,
    staff: options.Staff = None,
    fees: options.Fees = None,
    sheet: options.Sheet = None,
    month: Annotated[
        list[str] | None,
        typer.Option(
            metavar="YYYY-MM",
            help="Bill this month only; repeatable.",
            rich_help_panel=options.INPUTS,
            autocompletion=complete.months,
        ),
    ] = None,
    complete_log: Annotated[
        bool,
        typer.Option(
            "--complete",
            help="The exports have the whole log of their months.",
            rich_help_panel=options.INPUTS,
        ),
    ] = False,
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder of the output.", rich_help_panel=options.OUTPUT),
    ] = Path("ccbill-out"),
    formats: Annotated[
        list[Format] | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="xlsx (usual), csv, parquet or html; repeatable.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    with_patients: Annotated[
        bool,
        typer.Option(
            "--with-patients",
            help="Name patients in report.html.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Write nothing.", rich_help_panel=options.OUTPUT),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print run.json.", rich_help_panel=options.OUTPUT),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", help="Say nothing where nothing is held.", rich_help_panel=options.OUTPUT
        ),
    ] = False,
    fail_on: Annotated[
        FailOn,
        typer.Option(
            metavar="WHEN",
            help="Exit 1 at an exception that is held (hold), or also at a note (note).",
            rich_help_panel=options.OUTPUT,
        ),
    ] = FailOn.NEVER,
    config: options.Config = None,
    rules: options.Rules = None,
    today: options.Today = None,
    ledger: options.LedgerFile = None,
    no_ledger: Annotated[
        bool,
        typer.Option(
            "--no-ledger",
            help="Look back at nothing and keep nothing.",
            rich_help_panel=options.LEDGER,
        ),
    ] = False,
    submit: Annotated[
        bool,
        typer.Option(
            "--submit",
            help="Count the claims as billed, without a draft.",
            rich_help_panel=options.LEDGER,
        ),
    ] = False,
    lock_timeout: options.LockTimeout = None,
    engine: Annotated[
        Engine,
        typer.Option(
            metavar="ENGINE",
            help="local (usual), or dask: workers decide shares of the patients.",
            rich_help_panel=options.WORKERS,
        ),
    ] = Engine.LOCAL,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Dask cluster to work on; usually one on this machine.",
            rich_help_panel=options.WORKERS,
        ),
    ] = None,
    workbook_seconds: options.WorkbookSeconds = None,
    workbook_megabytes: options.WorkbookMegabytes = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="On a fault in ccbill, say where, line by line.")
    ] = False,
) -> None:
    """Bill the activities of one or more exports.

    [bold]Examples[/bold]
    ccbill run log.csv --patients patients.csv --staff staff.csv --fees fees.csv
    ccbill run october.xlsx --month 2026-10 --format csv --out october
    ccbill run log.csv --quiet --fail-on hold   for a scheduler
    """
    os.environ["CCBILL_DEBUG"] = "1" if debug else ""
    _agree(ledger=ledger, no_ledger=no_ledger, submit=submit, dry_run=dry_run)
    if scheduler is not None and engine is not Engine.DASK:
        raise _refused("--scheduler", "stands without --engine dask", "add --engine dask")
    if with_patients and Format.HTML not in (formats or ()):
        raise _refused("--with-patients", "stands without --format html", "add --format html")
    memory.share()  # before a library has threads
    from ccbill.handover import Redelivered  # noqa: PLC0415  (pandas only where it is used)
    from ccbill.report import bar, console  # noqa: PLC0415
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
        ledger=None if no_ledger else ledger_path(ledger, config),
        submit=submit,
        whole_log=complete_log,
        with_patients=with_patients,
        lock_timeout=lock_timeout,
        engine=engine.value,
        scheduler=scheduler,
        workbook=Limits(workbook_seconds, workbook_megabytes),
    )
    with meanwhile() as leave:
        try:
            with bar.shown(not quiet and not as_json):
                report, written = run(request, leave)
        except Redelivered as earlier:
            console.redelivered(earlier.run, earlier.files)
            if as_json:
                _print(earlier.files[-1].read_text(encoding="utf-8").removesuffix("\n"))
            return
        severities = {*report.exceptions["severity"].unique()}
        reached = _reached(fail_on, severities)
        if as_json:
            _print(console.record_text(report, written))
        if not quiet or reached or "hold" in severities:
            try:
                console.summary(report, written, ledger=_same_ledger(ledger, config))
            except Exception as fault:
                fault.add_note(DONE)  # which whoever tells of the fault says
                raise
    if reached:
        raise typer.Exit(Exit.FOUND)


def _same_ledger(ledger: Path | None, config: Path | None) -> str:
    """The option that leads another command to this run's ledger, where one is needed."""
    named = ("--ledger", ledger) if ledger else ("--config", config)
    return f" {named[0]} {shlex.quote(str(named[1]))}" if named[1] else ""


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
        close_output()
        cause = (error.strerror or "no reason given").lower()
        message = Message(
            "standard output",
            f"cannot be written: {cause}",
            DONE,
            "make room, or send the output elsewhere",
        )
        raise CcbillError(Exit.OUTPUT, message) from None


def close_output() -> None:
    """What is still to be written goes nowhere, so that leaving does not fail on it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
