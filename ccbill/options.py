"""What several commands take and print: their options, how these are read, and JSON."""

from __future__ import annotations

import json
import re
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ccbill.errors import CcbillError, Exit, Message

Exports = Annotated[
    list[str], typer.Argument(metavar="EXPORT", help="Activity exports; - is standard input.")
]
Patients = Annotated[Path | None, typer.Option(help="Patients' details and payers.")]
Staff = Annotated[Path | None, typer.Option(help="Credentials and training of staff.")]
Fees = Annotated[Path | None, typer.Option(help="Fee schedule.")]
Sheet = Annotated[str | None, typer.Option(help="Sheet of a workbook that has several.")]
Rules = Annotated[
    list[Path] | None,
    typer.Option(metavar="DIR", help="Overlay of the practice's own rules; repeatable."),
]
Config = Annotated[Path | None, typer.Option(help="The ccbill.toml to use.")]
LedgerFile = Annotated[
    Path | None, typer.Option("--ledger", help="The ledger to use, instead of the usual one.")
]
LockTimeout = Annotated[
    float | None, typer.Option(min=0, metavar="SECONDS", help="How long to wait for a run.")
]
WorkbookSeconds = Annotated[
    float | None,
    typer.Option(min=0, metavar="SECONDS", help="How long reading one workbook may take."),
]
WorkbookMegabytes = Annotated[
    int | None,
    typer.Option(min=1, metavar="MB", help="How much memory reading one workbook may take."),
]
Today = Annotated[
    str | None,
    typer.Option(metavar="DATE", envvar="CCBILL_TODAY", help="Take this as today's date."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class FailOn(StrEnum):
    NEVER = "never"
    NOTE = "note"
    HOLD = "hold"


def day_of(text: str, option: str, consequence: str) -> date:
    """The day that an option names; CcbillError, with what follows, where it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        what, fix = f"{text!r} is not a date", "write it as 2026-11-02"
        raise CcbillError(Exit.REFUSED, Message(option, what, consequence, fix)) from None


def month_of(text: str, consequence: str) -> str:
    """The month that `--month` names, as it stands; CcbillError where it is none."""
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text):
        what, fix = f"{text!r} is not a month", "write it as 2026-10"
        raise CcbillError(Exit.REFUSED, Message("--month", what, consequence, fix))
    return text


def print_json(told: dict[str, Any]) -> None:
    """Prints what a command tells, for programs."""
    print(json.dumps({"schema_version": 1, **told}, indent=2, ensure_ascii=False))
