"""`ccbill demo`: an invented practice, billed and explained before the reader's eyes."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import chdir
from pathlib import Path
from typing import Annotated

import typer

ELSEWHERE = ("CCBILL_CONFIG", "CCBILL_LEDGER", "CCBILL_TODAY")  # settings of the user's own


def demo_command(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that is new or empty.")
    ] = Path("ccbill-demo"),
) -> None:
    """Write an invented practice's log, bill it, explain a patient, and say what to do next.

    [bold]Examples[/bold]
    ccbill demo
    ccbill demo /tmp/try

    It has settings and a ledger of its own in that folder, and reads no others.
    """
    from ccbill import demo  # noqa: PLC0415

    demo.write(folder)
    _say(f"An invented practice is in {folder}: a log of three months, patients,")
    _say("staff and fees. No person in it exists. What follows a $ bills it:")
    own = {name: os.environ.pop(name) for name in ELSEWHERE if os.environ.get(name)}
    try:
        with chdir(folder):
            _say("", f"$ cd {shlex.quote(str(folder))}")
            _show(ctx, *demo.RUN)
            _say("", "Row by row, by which rule, and what is missing, for one patient and month:")
            _show(ctx, demo.EXPLAIN)
    finally:
        os.environ.update(own)
    _next(own)


def _show(ctx: typer.Context, *lines: str) -> None:
    """Shows a command as it is typed, and then does it."""
    _say("$ ccbill " + " \\\n    ".join(lines), "")
    root = ctx.find_root()
    root.command.main(shlex.split(" ".join(lines)), prog_name=root.info_name, standalone_mode=False)
    sys.stdout.flush()


def _next(own: dict[str, str]) -> None:
    _say("", "What to do next, in that folder:")
    _say("  open ccbill-out/claims.xlsx        what to bill, line by line")
    _say("  open ccbill-out/exceptions.xlsx    what is held, and what mends it")
    _say("  ccbill explain 004217              another patient")
    _say("  ccbill ledger submit 1             say that the claims were sent")
    _say("  ccbill rules list                  the rules that decided")
    _say("With a log of your own, in another folder:")
    _say("  ccbill init october.xlsx           then complete its ccbill.toml")
    for name in sorted(own):
        _say(f"{name} is set here; in that folder, unset it first.")


def _say(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr)
