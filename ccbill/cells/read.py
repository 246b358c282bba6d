"""A workbook's bytes → the cells of one sheet, each column as codes of its distinct texts."""

from __future__ import annotations

import io
import itertools
from array import array
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from ccbill.cells import biff, ods, ooxml
from ccbill.cells.beside import beside
from ccbill.cells.marks import COLUMNS, DAMAGED, MERGED, PROTECTED, ROWS, Marks, RefusedError
from ccbill.cells.text import Cell, text_of

MARKS = {
    "xlsx": ooxml.marks,
    "xlsm": ooxml.marks,
    "xlsb": biff.marks_of_xlsb,
    "xls": biff.marks_of_xls,
    "ods": ods.marks,
}
Load = Callable[[int], CalamineSheet]

NO_DATA = RefusedError("has no visible sheet with data", "name a sheet with --sheet")
CHUNK = 64  # rows that are turned into columns at a time, while they are still at hand
MOST_COLUMNS = 1000


class Codes(dict[Cell, int]):
    """A number for each distinct cell, in the order in which they come."""

    def __missing__(self, cell: Cell) -> int:
        self[cell] = code = len(self)
        return code


class Column:
    """A column of cells: `codes` say which of the distinct cells stands in each row."""

    def __init__(self) -> None:
        self.distinct = Codes({"": 0})
        self.codes = array("i")

    def add(self, cells: tuple[Cell, ...]) -> None:
        if bool in map(type, cells):  # else True would be taken for 1
            cells = tuple(text_of(c) if isinstance(c, bool) else c for c in cells)
        self.codes.extend(map(self.distinct.__getitem__, cells))


def book(
    data: bytes, kind: str, wanted: str | None, everything: bool, alone: bool
) -> tuple[list[dict[str, Any]], list[Any]]:
    """Every sheet of cells, with what is said of it, and the codes of those that were read.

    Read is the named sheet, or the only visible one with a table, or with `everything` each visible
    one that holds cells; the others have no `values`. No option names the sheet of a workbook that
    should stand `alone`. The distinct texts of a column begin with the
    blank one.
    """
    opened = _opened(data, kind)
    named = _worksheets(opened)
    visible = [at for at in named if _is_visible(opened, at)]
    load: Load = cache(partial(_loaded, opened))
    if everything:
        chosen = [at for at in visible if _width(load(at))]
    else:
        chosen = [_chosen(load, named, visible, wanted, alone)]
    about: list[dict[str, Any]] = []
    codes: list[Any] = []
    for at, name in named.items():
        about.append({"name": name, "visible": at in visible})
        if at in chosen:
            columns, marks = _sheet(data, kind, load, at)
            values = [[text_of(cell) for cell in column.distinct] for column in columns]
            rows = len(columns[0].codes) if columns else 0
            about[-1] |= {"values": values, "rows": rows}
            about[-1] |= {"hidden_rows": marks.hidden_rows, "filtered": marks.filtered}
            codes += [column.codes for column in columns]
    return about, codes


def _sheet(data: bytes, kind: str, load: Load, at: int) -> tuple[list[Column], Marks]:
    """A sheet's columns, with the signs of cells whose value is not known in their places."""
    found = beside(partial(MARKS[kind], data, at))
    loaded = load(at)
    columns = _columns(loaded)
    marks = found()
    marks.merged += loaded.merged_cell_ranges or []
    _apply(marks, columns)
    return columns, marks


def _opened(data: bytes, kind: str) -> CalamineWorkbook:
    if kind != "xls":
        ooxml.check_archive(data)
    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(data))
    except PasswordError:
        raise PROTECTED from None
    except CalamineError:
        raise DAMAGED from None


def _worksheets(book: CalamineWorkbook) -> dict[int, str]:
    """The sheets of cells by position; charts and macros are none."""
    return {
        at: about.name
        for at, about in enumerate(book.sheets_metadata)
        if about.typ == SheetTypeEnum.WorkSheet
    }


def _is_visible(book: CalamineWorkbook, at: int) -> bool:
    return bool(book.sheets_metadata[at].visible == SheetVisibleEnum.Visible)


def _loaded(book: CalamineWorkbook, at: int) -> CalamineSheet:
    """The sheet, if its cells are where a spreadsheet program could have them."""
    try:
        found = book.get_sheet_by_index(at)
    except CalamineError:
        raise DAMAGED from None
    row, column = found.end or (0, 0)
    if row >= ROWS or column >= COLUMNS:
        raise RefusedError("has cells beyond the last row or column that a sheet can have")
    return found


def _chosen(
    load: Load, named: dict[int, str], visible: list[int], wanted: str | None, alone: bool
) -> int:
    """The sheet to read. A sheet of one column is a text, and passed over where another is not."""
    if wanted is not None:
        places = [at for at, name in named.items() if name == wanted]
        if not places:
            fix = f"name one of: {', '.join(named.values())}"
            raise RefusedError(f"has no sheet {wanted!r}", fix)
        return places[0]
    if len(visible) == 1:  # which is loaded while its marks are looked for
        return visible[0]
    widths = {at: width for at in visible if (width := _width(load(at)))}
    tables = [at for at, width in widths.items() if width > 1] or list(widths)
    if not tables:
        raise NO_DATA
    if len(tables) > 1:
        names = [named[at] for at in tables]
        fix = f"name the one to read: --sheet {names[0]!r}"
        if alone:
            fix = "save the one to read as a workbook of its own"
        raise RefusedError(f"has several sheets with data: {', '.join(names)}", fix)
    return tables[0]


def _width(sheet: CalamineSheet) -> int:
    """How many columns hold cells."""
    return sheet.end[1] - sheet.start[1] + 1 if sheet.start and sheet.end else 0


def _rows(sheet: CalamineSheet) -> Iterator[list[Cell]]:
    """The rows from the first of the sheet on, from its first column on."""
    if sheet.start is None:
        return
    before = [""] * sheet.start[1]
    for row in sheet.iter_rows():
        yield before + row if before else row


def _columns(sheet: CalamineSheet) -> list[Column]:
    """The columns from A on, without those at the right that hold nothing."""
    if sheet.end is None:
        raise NO_DATA
    columns = [Column() for _ in range(sheet.end[1] + 1)]
    rows = _rows(sheet)
    while chunk := list(itertools.islice(rows, CHUNK)):
        for column, cells in zip(columns, zip(*chunk, strict=True), strict=True):
            column.add(cells)
    while columns and len(columns[-1].distinct) == 1:
        columns.pop()
    if len(columns) > MOST_COLUMNS:
        what = f"has cells in {len(columns):,} columns, and ccbill reads at most {MOST_COLUMNS:,}"
        raise RefusedError(what, "delete the columns that are not needed, and save it again")
    return columns


def _apply(marks: Marks, columns: list[Column]) -> None:
    """Puts into the columns what their cells really say, and the sign of a merged cell."""
    for (row, at), text in marks.texts.items():
        _put(columns, row, at, text)
    for (top, left), (bottom, right) in marks.merged:
        for row in range(top + 1, bottom + 1):
            for at in range(left, right + 1):
                _put(columns, row, at, MERGED)


def _put(columns: list[Column], row: int, at: int, text: str) -> None:
    if at < len(columns) and row < len(columns[at].codes):
        columns[at].codes[row] = columns[at].distinct[text]
