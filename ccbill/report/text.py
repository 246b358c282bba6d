"""Text on standard output: at most 100 columns, with colour on a terminal only.

What is printed is gathered in a `console`, so that `out` can print it without blanks at line ends.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ccbill.report.console import out, printable

__all__ = ["columns", "console", "grid", "line", "out", "section"]

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDEST = 100


def section(console: Console, heading: str, sentences: Iterable[str]) -> None:
    """A heading and its sentences, or nothing where there are none."""
    said = list(sentences)
    if not said:
        return
    line(console, "")
    line(console, heading, "bold")
    listed = grid(label=0)
    for sentence in said:
        listed.add_row("", printable(sentence))
    console.print(listed)


def grid(label: int = 7) -> Table:
    """Two columns without lines: a short label and a text that wraps."""
    from rich.table import Table  # noqa: PLC0415

    found = Table.grid(padding=(0, 1, 0, 0), expand=False)
    found.add_column(width=label + 1, no_wrap=True, justify="right" if label else "left")
    found.add_column(overflow="fold")
    return found


def columns(
    headings: Sequence[str], rows: Sequence[Sequence[str]], whole: Sequence[str] = ()
) -> Table:
    """A table whose columns wrap at spaces, but for those that are kept `whole`."""
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, header_style="bold", overflow="fold", no_wrap=heading in whole)
    for row in rows:
        table.add_row(*(printable(cell) if "\n" not in cell else cell for cell in row))
    return table


def line(console: Console, text: str, style: str = "") -> None:
    console.print(printable(text), style=style)


def console() -> Console:
    """A console that gathers text for standard output; see `out`."""
    from rich.console import Console  # noqa: PLC0415

    terminal = sys.stdout.isatty()
    plain = not terminal or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    found = Console(
        file=sys.stdout,
        width=min(shutil.get_terminal_size().columns, WIDEST) if terminal else WIDEST,
        color_system=None if plain else "auto",
        no_color=plain,
        markup=False,
        emoji=False,
        highlight=False,
    )
    found.begin_capture()
    return found
