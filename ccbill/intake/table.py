"""One input as text: its headings, its columns, and the row number of each record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ccbill.intake.text import Text
from ccbill.tables import Mask, Note

Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Ragged:
    """A record with more or fewer cells than the heading has."""

    row: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """The records below a heading. `rows` are numbered as the user's program shows them.

    `marks_are_letters` says that the text has quotation marks within cells and none around them.
    """

    name: str
    headings: list[str]
    heading_row: int
    columns: list[Text]
    rows: Rows
    ragged: list[Ragged] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)
    marks_are_letters: bool = False

    def kept(self, rows: Mask) -> Table:
        """The same table with some of its records only."""
        columns = [column.take(rows) for column in self.columns]
        return replace(self, columns=columns, rows=self.rows[rows])

    def place(self, row: int | None, column: int | None = None) -> str:
        """`FILE:ROW:COLUMN`, the column by its letter and heading."""
        parts = [self.name]
        if row is not None:
            parts.append(str(row))
        if column is not None:
            parts.append(heading_text(self.headings, column))
        return ":".join(parts)

    def first(self, rows: Mask, column: int | None = None) -> str:
        """The place of the first of some rows."""
        at = int(np.argmax(rows)) if len(rows) else 0
        return self.place(int(self.rows[at]) if len(rows) else None, column)


def letter(position: int) -> str:
    """The letter that a spreadsheet program gives a column: 0 is A, 26 is AA."""
    letters = ""
    position += 1
    while position:
        position, last = divmod(position - 1, 26)
        letters = chr(ord("A") + last) + letters
    return letters


def heading_text(headings: Sequence[str], position: int) -> str:
    """A column by its letter and heading: `C (Minutes)`."""
    heading = " ".join(headings[position].split())
    if len(heading) > 40:
        heading = heading[:39] + "…"
    return f"{letter(position)} ({heading})" if heading else letter(position)
