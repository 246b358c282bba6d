"""What the commands of `ccbill ledger` have in common: the ledger that they use, and how they tell
what they did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccbill import options
from ccbill.errors import CcbillError, Exit

if TYPE_CHECKING:
    from ccbill.ledger.store import Ledger

NOTHING = "Nothing was recorded."
NUMBERS = ("run", "lines", "units", "amount")


def ledger_path(named: Path | None, config_file: Path | None, *, there: bool = False) -> Path:
    """The ledger that a command is to use; `there` as in `store.chosen_path`."""
    from ccbill import config  # noqa: PLC0415
    from ccbill.ledger import store  # noqa: PLC0415

    return store.chosen_path(named, config.load(config_file).ledger_path, there=there)


@contextmanager
def opened(
    at: Path | None, config_file: Path | None, patience: float | None = None, *, make: bool = False
) -> Iterator[Ledger]:
    """The ledger, with the files of interrupted runs in their place.

    One that is not there is made only where something is to be kept, else it is said to be missing.
    """
    from ccbill import config, handover  # noqa: PLC0415
    from ccbill.ledger import store  # noqa: PLC0415
    from ccbill.report import console  # noqa: PLC0415

    settings = config.load(config_file)
    path = store.chosen_path(at, settings.ledger_path, there=not make)
    named = (patience, settings.lock_timeout, store.PATIENCE)
    seconds = next(each for each in named if each is not None)
    with store.opened(path, seconds, make=make) as ledger:
        if ledger.path is store.MEMORY:
            note(f"ledger: there is none yet at {path}; the first run makes it")
        done, failed = handover.finish_deliveries(ledger)
        for each in done:
            console.redelivered(each.run, each.files)
        if failed:
            console.messages(CcbillError(Exit.OUTPUT, *failed))
        yield ledger


def say(words: str, told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        options.print_json(told)
    else:
        note(words)


def note(words: str) -> None:
    import sys  # noqa: PLC0415

    print(words, file=sys.stderr)


def table(heading: list[str], rows: list[list[Any]]) -> None:
    """Columns of text on standard output, aligned, for people and for awk."""
    from ccbill.report.console import printable  # noqa: PLC0415

    def text(cell: Any) -> str:
        if isinstance(cell, float):
            return f"{cell:,.2f}"
        return printable("-" if cell in (None, "") else str(cell))

    cells = [[text(cell) for cell in row] for row in rows]
    for row in _aligned([heading, *cells], [name in NUMBERS for name in heading]):
        print("  ".join(row).rstrip())


def _aligned(rows: list[list[str]], right: list[bool]) -> Iterator[list[str]]:
    """The cells of each row, as wide as their column."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield [
            cell.rjust(width) if numbers else cell.ljust(width)
            for cell, width, numbers in zip(row, widths, right, strict=True)
        ]


def date_of(text: str | None) -> date:
    return date.today() if text is None else options.day_of(text, "--today", NOTHING)


def moment_of(today: str | None) -> str:
    from ccbill.recorded import moment  # noqa: PLC0415

    return moment(date_of(today))
