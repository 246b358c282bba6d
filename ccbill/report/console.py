"""What a run says on standard error: its plans, what is held, its balance, and what to do next.

Nothing here names a patient, and nothing heavy is imported before there is something to say.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

    from ccbill.errors import CcbillError, Message
    from ccbill.report.tables import Report

FIRST = 5  # of a kind, before "and N more"
_WIDEST = 120
_SOME_VALUE = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\d+")


def summary(
    report: Report,
    written: Sequence[Path],
    *,
    ledger: str = "",
    plain: bool | None = None,
    stream: TextIO | None = None,
) -> None:
    """Print the run: a table by plan, held problems by money at stake, the balance, the next step.

    `ledger` is the option that the commands named need to find the run's ledger; `plain` is text
    without colour or lines, as it is wherever standard error is not a terminal.
    """
    from ccbill.report import totals  # noqa: PLC0415

    plain = _is_plain(stream) if plain is None else plain
    console = _console(plain, stream)
    console.begin_capture()
    found = _columns_found(report.record.get("mapping", []))
    for line in [*found, ""] if found else []:
        sentence(console, line, "dim")
    console.print(_plan_table(report, plain))
    held = totals.held_problems(report.exceptions)
    if len(held):
        console.print()
        console.print(_held_table(held, plain))
        if len(held) > FIRST:
            rest = held.iloc[FIRST:]
            cents = rest["amount"].sum(min_count=1)
            worth = f", {_amount(cents)} at stake" if _amount(cents) else ""
            console.print(f"  and {len(rest)} more problems{worth}", style="dim")
    if done := _fixed_sentence(report.record.get("work_list", {})):
        console.print()
        console.print(done)
    _notes(report, console)
    console.print()
    console.print(totals.balance_sentence(report.balance), style="bold")
    for line in _next_steps(report, written, ledger):
        console.print(line, soft_wrap=True)
    out(console)


def out(console: Console) -> None:
    """Prints what the console has gathered, without blanks at the ends of lines."""
    for line in console.end_capture().splitlines():
        print(line.rstrip(), file=console.file)


def messages(
    error: CcbillError, *, plain: bool | None = None, stream: TextIO | None = None
) -> None:
    """Print what stopped the run: the first five messages of a kind, and how many more."""
    console = _console(_is_plain(stream) if plain is None else plain, stream)
    kinds: dict[str, list[Message]] = {}
    for message in error.messages:
        kinds.setdefault(_SOME_VALUE.sub("…", message.what), []).append(message)
    for alike in kinds.values():
        for message in alike[:FIRST]:
            head, *rest = str(message).split("\n")
            sentence(console, head, "bold")
            for line in rest:
                sentence(console, line)
        if len(alike) > FIRST:
            sentence(console, f"and {len(alike) - FIRST:,} more like it", "dim")


def _columns_found(mapping: Sequence[dict[str, str]]) -> list[str]:
    """For each input the headings that were taken for a column of another name."""
    found: dict[str, list[str]] = {}
    for each in mapping:
        if each["how"] != "exact":  # by its own name
            found.setdefault(each["file"], []).append(f"{each['heading']} = {each['column']}")
    return [f"{file}: {', '.join(headings)}" for file, headings in found.items()]


def _notes(report: Report, console: Console) -> None:
    """Print what the run says of its ledger or files, and the reader should act on."""
    from ccbill.report.totals import words  # noqa: PLC0415

    where, problem = (words(report.notes[name]) for name in ("where", "problem"))
    told = report.notes[((where == "ledger") | (problem == "workbook-large")).to_numpy(bool)]
    if len(told):
        console.print()
    for place, what, fix in zip(told["where"], told["what"], told["fix"], strict=True):
        sentence(console, f"{place}: {what}")
        sentence(console, f"  fix: {fix}")


def sentence(console: Console, text: str, style: str = "") -> None:
    """A line of its own in a pipe; on a terminal it goes on below its beginning, at a space."""
    from rich.text import Text  # noqa: PLC0415

    said = printable(text)
    lines = [said]
    if said and console.file.isatty():
        lines = textwrap.wrap(
            said,
            console.width,
            subsequent_indent=" " * (len(said) - len(said.lstrip()) + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )
    for line in lines:
        console.print(Text(line, style), soft_wrap=True)


def redelivered(run: int, files: Sequence[Path], *, stream: TextIO | None = None) -> None:
    """Say that a run which was recorded before has its files in their place now."""
    console = _console(_is_plain(stream), stream)
    console.print(f"run {run} was recorded before and not delivered; its files are in their place")
    console.print(f"written to {printable(str(files[0].parent))}", soft_wrap=True)


def record_text(report: Report, written: Sequence[Path] = ()) -> str:
    """run.json: the record in the order that the run gave it, and the files that are ours."""
    import json  # noqa: PLC0415
    from hashlib import sha256  # noqa: PLC0415

    from ccbill.report.tables import BOOK_SHA256  # noqa: PLC0415

    def plain(value: Any) -> Any:
        if hasattr(value, "item"):  # a numpy number
            return value.item()
        raise TypeError(type(value).__name__)

    whole = {**report.record, "files": sorted(path.name for path in written)}
    for path in written:
        if path.name == "exceptions.xlsx":
            whole[BOOK_SHA256] = sha256(path.read_bytes()).hexdigest()
    return json.dumps(whole, indent=2, ensure_ascii=False, default=plain)


def _fixed_sentence(work_list: dict[str, Any]) -> str:
    """`12 fixed since run 6, 3 new`; nothing where no earlier run had what this one has."""
    since, fixed, new = (work_list.get(name, 0) for name in ("since_run", "fixed", "new"))
    if not since or not (fixed or new):
        return ""
    return f"{fixed:,} fixed since run {since}" + (f", {new:,} new" if new else "")


def printable(text: str) -> str:
    """The text with every character that a terminal would act on replaced."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def _is_plain(stream: TextIO | None) -> bool:
    terminal = (stream or sys.stderr).isatty()
    return not terminal or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def console_of(stream: TextIO | None) -> Console:
    """A console on the stream, else on standard error; with colour on a terminal only."""
    return _console(_is_plain(stream), stream)


def _console(plain: bool, stream: TextIO | None) -> Console:
    from rich.console import Console  # noqa: PLC0415

    return Console(
        file=stream or sys.stderr,
        width=min(shutil.get_terminal_size().columns, _WIDEST),
        color_system=None if plain else "auto",
        markup=False,
        emoji=False,
        highlight=False,
    )


def _table(plain: bool) -> Table:
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    return Table(
        box=None if plain else box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 2 if plain else 1, 0, 0),
        header_style="bold",
    )


def _plan_table(report: Report, plain: bool) -> Table:
    """One row a plan: what is billed, what is held, and how many cases are short of a unit."""
    from ccbill.report.totals import plan_figures  # noqa: PLC0415

    table = _table(plain)
    table.add_column("plan", overflow="fold")
    for name in ("patients", "lines", "units", "charge", "expected", "held", "short"):
        table.add_column(name, justify="right", no_wrap=True)
    plans = plan_figures(report)
    for plan, row in plans.iterrows():
        table.add_row(printable(str(plan)) or "(no plan)", *_plan_cells(row))
    if len(plans) > 1:
        table.add_section()
        table.add_row("all", *_plan_cells(plans.sum(min_count=1)), style="bold")
    return table


def _plan_cells(row: pd.Series[float]) -> list[str]:
    """The figures as text; money that nobody knows is blank."""
    money = ("charge", "expected")
    return [_amount(n) if name in money else f"{int(n):,}" for name, n in row.items()]


def _amount(cents: float) -> str:
    """Money as text, blank where nobody knows it."""
    from ccbill.report.totals import money_text  # noqa: PLC0415

    return "" if math.isnan(cents) else money_text(int(cents))


def _held_table(held: pd.DataFrame, plain: bool) -> Table:
    """One row a problem, with the fix in the words of `problems.toml`: no cell of an export."""
    from ccbill.problems import PROBLEMS  # noqa: PLC0415

    table = _table(plain)
    table.add_column("held", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("at stake", justify="right", no_wrap=True)
    table.add_column("fix", ratio=1)
    for row in held.head(FIRST).itertuples():
        name = str(row.problem)
        fix = PROBLEMS[name].fix if name in PROBLEMS else "see the fix column of the exceptions"
        table.add_row(
            printable(name), f"{int(str(row.rows)):,}", _amount(float(str(row.amount))), fix
        )
    return table


def _next_steps(report: Report, written: Sequence[Path], ledger: str) -> list[str]:
    """Where to bill from, and where to see what is in the way."""
    if not written:
        return ["Nothing was written."]
    by_stem: dict[str, Path] = {}
    for path in written:
        by_stem.setdefault(path.stem, path)
    steps = []
    if "claims" in by_stem:
        steps.append(f"bill from  {printable(str(by_stem['claims']))}")
    if "exceptions" in by_stem and len(report.exceptions):
        steps.append(f"fix        {printable(str(by_stem['exceptions']))}, then run again")
    number = report.record.get("run") if report.record.get("status") != "submitted" else None
    if number and len(report.claims):
        steps.append(f"once sent  ccbill ledger submit {number}{printable(ledger)}")
    return steps or [f"written to {printable(str(written[0].parent))}"]
