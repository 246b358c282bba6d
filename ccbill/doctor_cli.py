"""`ccbill doctor`: whether all is as it should be."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from ccbill import options
from ccbill.errors import Exit

NOTHING = "Nothing was looked at."


def doctor_command(
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder of the output.", rich_help_panel=options.OUTPUT),
    ] = Path("ccbill-out"),
    as_json: options.AsJson = False,
    config: options.Config = None,
    today: options.Today = None,
    ledger: options.LedgerFile = None,
) -> None:
    """Check settings, ledger, rules, folders and disk, and say where each setting comes from.

    [bold]Examples[/bold]
    ccbill doctor
    ccbill doctor --ledger /srv/ccbill/ledger.sqlite --json

    It changes nothing. At its end is a line for cron, with every path that cron needs.
    """
    from ccbill import doctor  # noqa: PLC0415  (pandas only where it is used)

    day = options.day_of(today, "--today", NOTHING) if today else date.today()
    found = doctor.examined(doctor.Asked(config, ledger, out, day))
    if as_json:
        from dataclasses import asdict  # noqa: PLC0415

        options.print_json(asdict(found))
    else:
        from ccbill.report import doctor_text  # noqa: PLC0415

        doctor_text.found(found)
    if any(check.state == doctor.WRONG for check in found.checks):
        raise typer.Exit(Exit.FOUND)
