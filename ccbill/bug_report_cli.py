"""`ccbill bug-report`: what to send with the report of a fault."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated

import typer

from ccbill import options

WIDTH = 80


def bug_report_command(
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write it there, and do not print it.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    run: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Folder of the last run's output.", rich_help_panel=options.INPUTS
        ),
    ] = Path("ccbill-out"),
    ledger: options.LedgerFile = None,
    config: options.Config = None,
) -> None:
    """Collect versions, names of settings, problem counts and row numbers; nothing of a patient.

    [bold]Examples[/bold]
    ccbill bug-report
    ccbill bug-report --out report.txt

    It is about the ledger's last run, or, where that has none, about the run.json in the folder
    of output.
    """
    from ccbill import bug_report  # noqa: PLC0415  (pandas only where it is used)
    from ccbill.report import private  # noqa: PLC0415

    lines = bug_report.lines(ledger, config, run)
    text = "".join(
        f"{part}\n"
        for line in lines
        for part in textwrap.wrap(line, WIDTH, subsequent_indent="    ")
    )
    if out is None:
        print(text, end="")
        return
    with private.replaced(out) as file:
        file.write(text.encode())
