"""What a run says on standard error: its plans, what is held, its balance, and what to do next.

Nothing here names a patient, and nothing heavy is imported before there is something to say.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import sys
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
    plain: bool | None = None,
    stream: TextIO | None = None,
) -> None:
    """Print the run: a table by plan, held problems by money at stake, the balance, the next step.

    `plain` is text without colour or lines, as it is wherever standard error is not a terminal.
    """
    plain = _is_plain(stream) if plain is None else plain
    console = _console(plain, stream)
    console.print(_plan_table(report, plain))
    held = held_problems(report.exceptions)
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
    console.print()
    console.print(balance_sentence(report.balance), style="bold")
    for line in _next_steps(report, written):
        console.print(line, soft_wrap=True)


def messages(
    error: CcbillError, *, plain: bool | None = None, stream: TextIO | None = None
) -> None:
    """Print what stopped the run: the first five messages of a kind, and how many more."""
    from rich.text import Text  # noqa: PLC0415

    console = _console(_is_plain(stream) if plain is None else plain, stream)
    kinds: dict[str, list[Message]] = {}
    for message in error.messages:
        kinds.setdefault(_SOME_VALUE.sub("…", message.what), []).append(message)
    for alike in kinds.values():
        for message in alike[:FIRST]:
            head, *rest = str(message).split("\n")
            console.print(Text(printable(head), "bold"), soft_wrap=True)
            for line in rest:
                console.print(Text(printable(line)), soft_wrap=True)
        if len(alike) > FIRST:
            console.print(Text(f"and {len(alike) - FIRST:,} more like it", "dim"), soft_wrap=True)


def ledger_notes(report: Report, *, stream: TextIO | None = None) -> None:
    """Print what the run found in its ledger and the reader should act on."""
    console = _console(_is_plain(stream), stream)
    told = report.notes[(words(report.notes["where"]) == "ledger").to_numpy(bool)]
    for what, fix in zip(told["what"], told["fix"], strict=True):
        console.print(f"ledger: {what}", soft_wrap=True)
        console.print(f"  fix: {fix}", soft_wrap=True)


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


def balance_sentence(balance: pd.DataFrame) -> str:
    """`12,408 rows read = 11,020 counted + 1,354 left out + 34 held`."""
    read, counted, left_out, held = (
        int(balance[f"rows_{part}"].sum()) for part in ("read", "counted", "left_out", "held")
    )
    return f"{read:,} rows read = {counted:,} counted + {left_out:,} left out + {held:,} held"


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


def plan_figures(report: Report) -> pd.DataFrame:
    """Per plan, blank where a row has none: the figures of the plan table, money in cents.

    Money is missing where no line of the plan has a price.
    """
    import pandas as pd  # noqa: PLC0415

    from ccbill.tables import UNKNOWN  # noqa: PLC0415

    lines = (report.claims, report.encounters)
    known = [table[["plan", "patient_id"]].drop_duplicates().apply(words) for table in lines]
    billed = pd.concat(known).drop_duplicates()
    money = {name: _known(report.summary[name]) for name in ("charge", "expected_payment")}
    columns = {
        "patients": _by_plan(billed["plan"], 1),
        "lines": _by_plan(report.summary["plan"], report.summary["lines"]),
        "units": _by_plan(report.summary["plan"], report.summary["units"]),
        "charge": _by_plan(report.summary["plan"], money["charge"]),
        "expected": _by_plan(report.summary["plan"], money["expected_payment"]),
        "held": _by_plan(report.balance["plan"], report.balance["rows_held"]),
        "short": _by_plan(report.near_misses["plan"], 1),
    }
    table = pd.DataFrame(columns).fillna(0).astype("int64").sort_index()
    for name, source in (("charge", "charge"), ("expected", "expected_payment")):
        priced = report.summary[report.summary[source] != UNKNOWN]
        table[name] = table[name].where(table.index.isin(words(priced["plan"])))
    return table


def _by_plan(plans: pd.Series[str], numbers: pd.Series[int] | int) -> pd.Series[int]:
    import pandas as pd  # noqa: PLC0415

    values = numbers if isinstance(numbers, int) else numbers.to_numpy()
    by_plan = pd.Series(values, index=words(plans).to_numpy(), dtype="int64")
    return by_plan.groupby(level=0).sum()


def words(texts: pd.Series[str]) -> pd.Series[str]:
    """A text column with an empty word in place of a blank."""
    return texts.astype("object").where(texts.notna(), "").astype(str)


def _known(cents: pd.Series[int]) -> pd.Series[int]:
    """Amounts with nothing in place of those that nobody knows."""
    from ccbill.tables import UNKNOWN  # noqa: PLC0415

    return cents.where(cents != UNKNOWN, 0).astype("int64")


def _plan_cells(row: pd.Series[float]) -> list[str]:
    """The figures as text; money that nobody knows is blank."""
    money = ("charge", "expected")
    return [_amount(n) if name in money else f"{int(n):,}" for name, n in row.items()]


def _amount(cents: float) -> str:
    """Money as text, blank where nobody knows it."""
    return "" if math.isnan(cents) else money_text(int(cents))


def held_problems(exceptions: pd.DataFrame) -> pd.DataFrame:
    """The problems that hold rows, the most money first: source rows, and cents at stake.

    The cents are missing where no row of the problem has a price.
    """
    from ccbill.tables import UNKNOWN  # noqa: PLC0415

    holds = exceptions[(exceptions["severity"] == "hold").to_numpy(bool)]
    held = holds[["problem", "rows", "amount"]].assign(
        problem=words(holds["problem"]),
        rows=_known(holds["rows"]),
        amount=holds["amount"].where(holds["amount"] != UNKNOWN),
    )
    by_problem = held.groupby("problem").sum(min_count=1).reset_index()
    return by_problem.sort_values(["amount", "rows", "problem"], ascending=[False, False, True])


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


def money_text(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02}"


def _next_steps(report: Report, written: Sequence[Path]) -> list[str]:
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
        steps.append(f"once sent  ccbill ledger submit {number}")
    return steps or [f"written to {printable(str(written[0].parent))}"]
