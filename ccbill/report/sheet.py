"""One table on a worksheet: formats by type, fitted widths, and pages that a printer can take.

XlsxWriter makes the sheet and all that stands around the table, with a sample of each format; the
rows take the samples' place (`rows`, `filled`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from ccbill.report.rows import Column
from ccbill.report.typed import distinct, is_text

_SAMPLE = re.compile(rb'<c r="([A-Z]+)([0-9]+)" s="([0-9]+)"/>')

LETTER = 1
MARGIN = 0.4  # inches
PAGE_WIDTH = (11 - 2 * MARGIN) * 0.94  # programs differ by a few hundredths in a column's width
SCALES = range(80, 50, -5)  # per cent; a sheet too wide for the smallest goes over several pages

_OFFERABLE = re.compile(r"[^\W_][^,\"\x00-\x1f]*")
LONGEST_LIST = 255  # characters, with a comma between two words


@dataclass(frozen=True, slots=True)
class Layout:
    """How a sheet is read and printed.

    `frozen` columns stay in view and are repeated on every page; a page may break before the
    columns in `breaks` where the next group does not fit. Text of more than `widest` characters
    wraps. `marked` gives a colour to some texts of
    a column, or to all of them under `*`. `choices` are offered for the cells of a column, and
    `offered` is for columns that offer what stands in them already; other words may be typed.
    """

    frozen: int = 1
    breaks: Sequence[str] = ()
    widest: int = 44
    plain_numbers: Sequence[str] = ("row", "line")  # without a thousands separator
    marked: dict[str, dict[str, str]] = field(default_factory=dict)
    choices: dict[str, Sequence[str]] = field(default_factory=dict)
    offered: Sequence[str] = ()


FONT: dict[str, Any] = {"font_name": "Arial", "font_size": 10}  # or one as wide, everywhere
_BASE: dict[str, Any] = {"valign": "top", "indent": 1}
_LINE: dict[str, Any] = {"bottom": 4, "bottom_color": "#B8C2CC"}
_HEADING: dict[str, Any] = {
    "bold": True,
    "font_size": 9,
    "font_color": "#FFFFFF",
    "bg_color": "#1F4E5F",
    "valign": "vcenter",
}
_MARKS: dict[str, dict[str, Any]] = {
    "stop": {"bold": True, "font_color": "#8A1C12", "bg_color": "#FBE3DF"},
    "look": {"font_color": "#6B4A00", "bg_color": "#FFF3D1"},
    "quiet": {"font_color": "#5F6B76"},
}


class Styles:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._made: dict[tuple[str, bool, str], Format] = {}
        self.heading = book.add_format(_BASE | _HEADING)
        self.number_heading = book.add_format(_BASE | _HEADING | {"align": "right", "indent": 2})

    def of(self, number_format: str, wrap: bool = False, mark: str = "") -> Format:
        """The format for cells with this number format, wrapped or not, in a mark's colours."""
        key = (number_format, wrap, mark)
        if key not in self._made:
            side = "right" if number_format.startswith(("0", "#")) else "left"
            cell = {"num_format": number_format, "text_wrap": wrap, "align": side}
            self._made[key] = self._book.add_format(_BASE | _LINE | _MARKS.get(mark, {}) | cell)
        return self._made[key]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet that stands without its rows: the table, and which of its columns wrap."""

    table: pa.Table
    layout: Layout
    wraps: Sequence[bool]


def add_sheet(book: Workbook, styles: Styles, title: str, table: pa.Table, layout: Layout) -> Sheet:
    """Add a sheet for this typed table from A1, with its filter and pages.

    In place of its rows it has samples: of the heading in the first row, of the cells in the
    second, and of a column's marks below. `columns` reads them back.
    """
    sheet: Worksheet = book.add_worksheet(title)
    widths = [_width(name, table.column(at)) for at, name in enumerate(table.column_names)]
    for at, (name, width) in enumerate(zip(table.column_names, widths, strict=True)):
        number_format = _number_format(name, table.column(at).type, layout)
        style = styles.of(number_format, width > layout.widest)
        sheet.set_column(at, at, min(width, layout.widest), style)
        at_right = _is_number(table.column(at).type)
        samples = [styles.number_heading if at_right else styles.heading, style]
        samples += [styles.of("@", mark=mark) for mark in layout.marked.get(name, {}).values()]
        for row, sample in enumerate(samples):
            sheet.write_blank(row, at, None, sample)
    sheet.freeze_panes(1, layout.frozen)
    sheet.autofilter(0, 0, len(table), len(widths) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A2:XFD{len(table) + 2}"})
    _lay_out_pages(sheet, title, table, widths, layout)
    _offer(sheet, table, layout)
    return Sheet(table, layout, [width > layout.widest for width in widths])


def columns(sheet: Sheet, samples: bytes) -> list[Column]:
    """How the columns are written, from the samples as XlsxWriter wrote them."""
    numbers = {
        (letters.decode(), int(row)): int(style) for letters, row, style in _SAMPLE.findall(samples)
    }
    found = []
    for at, (name, wraps) in enumerate(zip(sheet.table.column_names, sheet.wraps, strict=True)):
        letters = xl_col_to_name(at)
        marked = {
            word: numbers[letters, row]
            for row, word in enumerate(sheet.layout.marked.get(name, ()), 3)
        }
        plain = numbers[letters, 1], numbers[letters, 2]
        found.append(Column(letters, *plain, marked, wraps, sheet.layout.widest))
    return found


def _offer(sheet: Worksheet, table: pa.Table, layout: Layout) -> None:
    """Give the cells of some columns a list to choose from."""
    for at, name in enumerate(table.column_names):
        words = layout.choices.get(name, ())
        if name in layout.offered:
            words = _offerable(distinct(table.column(at)))
        if words:
            rule = {"validate": "list", "source": list(words), "error_type": "information"}
            sheet.data_validation(1, at, max(len(table), 1), at, rule)


def _offerable(texts: pa.Array) -> list[str]:
    """The texts, in order, that a list can hold and that are no formula once they are chosen."""
    plain = {text for text in texts.to_pylist() if text and _OFFERABLE.fullmatch(text)}
    words: list[str] = []
    for word in sorted(plain):
        if len(",".join([*words, word])) <= LONGEST_LIST:
            words.append(word)
    return words


def _is_number(column_type: Any) -> bool:
    return bool(pa.types.is_integer(column_type) or pa.types.is_decimal(column_type))


def _number_format(name: str, column_type: Any, layout: Layout) -> str:
    if is_text(column_type):
        return "@"
    if pa.types.is_date32(column_type):
        return "yyyy-mm-dd"
    if pa.types.is_decimal(column_type):
        return "#,##0.00"
    return "0" if name in layout.plain_numbers else "#,##0"


def _width(name: str, column: pa.ChunkedArray) -> int:
    """Characters that the column needs: its longest value, and its heading with a filter button."""
    heading = len(name) + 4
    if len(column) == column.null_count:
        return heading
    if is_text(column.type):
        longest: int = pc.max(pc.utf8_length(distinct(column))).as_py()
        return max(heading, longest + 2)
    if pa.types.is_date32(column.type):
        return max(heading, len("2026-01-01") + 2)
    ends = pc.min_max(column).as_py()
    return max(heading, *(len(f"{end:,}") + 2 for end in ends.values()))


def _lay_out_pages(
    sheet: Worksheet, title: str, table: pa.Table, widths: list[int], layout: Layout
) -> None:
    """Letter landscape with the heading on every page: one page wide, or broken between groups."""
    sheet.set_landscape()
    sheet.set_paper(LETTER)
    sheet.set_margins(left=MARGIN, right=MARGIN, top=0.6, bottom=0.7)
    sheet.repeat_rows(0)
    sheet.set_footer(f"&L&8&F: {title}&C&8Protected health information&R&8Page &P of &N")
    inches = [(min(width, layout.widest) * 7 + 5) / 96 for width in widths]
    if len(table) == 0 or sum(inches) * SCALES[-1] / 100 <= PAGE_WIDTH:
        sheet.fit_to_pages(1, 0)
        return
    names = table.column_names
    fewest = len(_page_breaks(names, inches, layout, SCALES[-1]))
    for scale in SCALES:
        breaks = _page_breaks(names, inches, layout, scale)
        if len(breaks) <= fewest:
            break
    sheet.set_print_scale(scale)
    sheet.print_across()
    sheet.repeat_columns(0, layout.frozen - 1)
    sheet.set_v_pagebreaks(breaks)


def _page_breaks(names: list[str], inches: list[float], layout: Layout, scale: int) -> list[int]:
    """The columns before which a page ends: between groups, or within one wider than a page."""
    room = PAGE_WIDTH * 100 / scale - sum(inches[: layout.frozen])
    starts = [names.index(name) for name in layout.breaks if name in names]
    breaks, used = [], 0.0
    for start, end in zip([layout.frozen, *starts], [*starts, len(names)], strict=True):
        for at in range(start, end):
            group_is_next = at == start and used + sum(inches[start:end]) > room
            if used and (group_is_next or used + inches[at] > room):
                breaks.append(at)
                used = 0.0
            used += inches[at]
    return breaks
