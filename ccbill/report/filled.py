"""A workbook that XlsxWriter made with samples for rows, written again with the rows themselves.

XlsxWriter stays the maker of all that a spreadsheet program is particular about: styles, filters,
drop-downs, pages, properties. Asked for each cell it takes 0.6 of openpyxl's time for the same
cells without a format; with the rows ready (`rows`) a workbook takes less than a tenth. Writers in
Rust are as quick, but one prints no page as wished and another fails on a full disk. Nothing of
XlsxWriter's inside is used, only the XML of its sheets: one without the samples is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import IO, BinaryIO
from zipfile import ZIP64_LIMIT, ZIP_DEFLATED, ZipFile

import pyarrow as pa
import pyarrow.compute as pc
from xlsxwriter.utility import xl_rowcol_to_cell

from ccbill.report.rows import heading, rows
from ccbill.report.sheet import Sheet, columns
from ccbill.report.typed import STRING, is_text

LEVEL = 1  # of compression: the quickest, for files a quarter larger than usual
CELL = 60  # characters around a cell's own, at most

_SHEET = re.compile(
    rb'(?P<before>.*<dimension ref=")[A-Z0-9:]+(?P<between>".*<sheetData>)'
    rb"(?P<samples>.*)(?P<after></sheetData>.*)",
    re.DOTALL,
)


def fill(made: BinaryIO, sheets: Sequence[Sheet], file: BinaryIO) -> None:
    """Write the workbook `made`, with the rows of its sheets, to `file`.

    The same workbook gives the same bytes.
    """
    names = {f"xl/worksheets/sheet{n}.xml": sheet for n, sheet in enumerate(sheets, 1)}
    with ZipFile(made) as samples, ZipFile(file, "w", ZIP_DEFLATED, compresslevel=LEVEL) as book:
        assert names.keys() <= set(samples.namelist()), "each sheet is where a workbook has it"
        for name in samples.namelist():
            sheet, content = names.get(name), samples.read(name)
            large = sheet is not None and _characters(sheet.table) > ZIP64_LIMIT / 2
            with book.open(name, "w", force_zip64=large) as entry:
                _write(entry, [content] if sheet is None else _filled(content, sheet))


def _filled(content: bytes, sheet: Sheet) -> Iterable[bytes | pa.Buffer]:
    """The sheet's XML in parts, with the table's rows in place of the samples."""
    found = _SHEET.fullmatch(content)
    assert found, "a sheet has its samples between its dimension and its end"
    before, between, samples, after = found.group("before", "between", "samples", "after")
    how = columns(sheet, samples)
    end = xl_rowcol_to_cell(len(sheet.table), len(how) - 1)
    head = b"".join([before, f"A1:{end}".encode(), between])
    first = [head, heading(sheet.table.column_names, how)]
    return chain(first, rows(sheet.table, how), [after])


def _write(entry: IO[bytes], parts: Iterable[bytes | pa.Buffer]) -> None:
    """Compress one part while the next is made."""
    with ThreadPoolExecutor(1) as writer:
        waiting = None
        for part in parts:
            if waiting:
                waiting.result()
            waiting = writer.submit(entry.write, part)
        if waiting:
            waiting.result()


def _characters(table: pa.Table) -> int:
    """About how many characters of XML the rows make."""
    cells = table.num_rows * table.num_columns * CELL
    texts = [column for column in table.columns if is_text(column.type)]
    return cells + sum(pc.sum(pc.binary_length(each.cast(STRING))).as_py() or 0 for each in texts)
