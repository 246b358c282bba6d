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

# The panels that options stand in.
INPUTS = "What is read"
SCOPE = "What it is about"
OUTPUT = "What is written and said"
RULES = "Rules and settings"
LEDGER = "Ledger"
WORKERS = "Who does the work"
LIMITS = "Limits"

Exports = Annotated[
    list[str],
    typer.Argument(metavar="EXPORT…", help="Exports, or folders; - is standard input."),
]
Patients = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Patients' details and payers.", rich_help_panel=INPUTS),
]
Staff = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Staff's credentials, training.", rich_help_panel=INPUTS),
]
Fees = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Fee schedule.", rich_help_panel=INPUTS)
]
Sheet = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Sheet of a workbook that has several.", rich_help_panel=INPUTS
    ),
]
Rules = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="DIR",
        help="Overlay of the practice's own rules; repeatable.",
        rich_help_panel=RULES,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The ccbill.toml to use.", rich_help_panel=RULES),
]
LedgerFile = Annotated[
    Path | None,
    typer.Option(
        "--ledger",
        metavar="FILE",
        help="The ledger to use, instead of the usual one.",
        rich_help_panel=LEDGER,
    ),
]
LockTimeout = Annotated[
    float | None,
    typer.Option(
        min=0, metavar="SECONDS", help="How long to wait for a run.", rich_help_panel=LEDGER
    ),
]
WorkbookSeconds = Annotated[
    float | None,
    typer.Option(
        min=0,
        metavar="SECONDS",
        help="How long reading one workbook may take.",
        rich_help_panel=LIMITS,
    ),
]
WorkbookMegabytes = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="MB",
        help="How much memory reading one workbook may take.",
        rich_help_panel=LIMITS,
    ),
]
Today = Annotated[
    str | None,
    typer.Option(
        metavar="DATE",
        envvar="CCBILL_TODAY",
        help="Take this as today's date.",
        rich_help_panel=RULES,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.", rich_help_panel=OUTPUT)]


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
