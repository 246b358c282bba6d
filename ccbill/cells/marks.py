"""What a workbook's own parts say of its cells, besides what the library gives."""

from __future__ import annotations

from dataclasses import dataclass, field

# What stands in a cell whose value is not known; `ccbill.intake.words` knows them.
NO_VALUE = "#FORMULA!"
MERGED = "#MERGED!"

ROWS, COLUMNS = 1 << 20, 1 << 14  # of any spreadsheet program
AGAIN = "open it in a spreadsheet program and save it again as an Excel workbook (.xlsx)"


class RefusedError(Exception):
    """The workbook is not read: what it is, and what to do."""

    def __init__(self, what: str, fix: str = AGAIN) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


DAMAGED = RefusedError("is a workbook that cannot be opened: it is damaged or cut short")
PROTECTED = RefusedError(
    "is protected by a password", "open it with its password and save a copy without one"
)

Range = tuple[tuple[int, int], tuple[int, int]]  # first and last row and column, from 0


@dataclass(slots=True)
class Marks:
    """Of one sheet: cells that read otherwise than the library says, by row and column from 0."""

    texts: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: list[Range] = field(default_factory=list)
    hidden_rows: int = 0
    filtered: bool = False
