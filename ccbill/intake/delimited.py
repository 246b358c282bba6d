"""Delimited text → columns of text, with the row numbers that a spreadsheet program shows."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from ccbill.intake import sniff
from ccbill.intake.columns import Wanted
from ccbill.intake.heading import SEARCHED, heading_at
from ccbill.intake.table import Ragged, Table
from ccbill.intake.text import blank, from_arrow

DELIMITERS = ",;\t|"
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
HEAD_BYTES = 1 << 18
BLOCK_BYTES = 8 << 20

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_SEP = re.compile(rb"\s*\"?sep=(.)\"?[ \t]*(?:\r\n|\r|\n)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Record:
    """One of the first records of a text, and the byte at which the next begins."""

    cells: list[str]
    end: int


def read(name: str, data: bytes, wanted: Wanted) -> Table:
    """The records below the heading, each cell as trimmed text.

    Ragged records are kept apart with their row numbers. Every record counts as a row, a blank
    line too, and a quoted cell may hold line ends.
    """
    said = _SEP.match(data)
    begin = said.end() if said else 0
    delimiters = said[1].decode("latin-1") if said else DELIMITERS
    if any(d not in DELIMITERS for d in delimiters):
        what = "separates its cells with a sign that ccbill does not know"
        raise sniff.refused(f"{name}:1", what, "save it as CSV, with commas between the cells")
    delimiter, records = _first_records(data, begin, delimiters, wanted)
    at = heading_at([record.cells for record in records], wanted)
    if at is None:
        raise sniff.refused(name, "has no heading row", "name the columns in the first row")
    headings = [cell.strip() for cell in records[at].cells]
    columns, rows, ragged = _columns(name, data, records[at].end, delimiter, len(headings))
    return Table(
        name,
        headings,
        at + 1,
        columns,
        (rows + at + 1).astype(np.int32),
        [Ragged(r.row + at + 1, r.cells) for r in ragged],
        about={"delimiter": NAMES[delimiter]},
    )


def _first_records(
    data: bytes, begin: int, delimiters: str, wanted: Wanted
) -> tuple[str, list[Record]]:
    """The delimiter under which the first records read best as a heading and its rows."""
    best: tuple[tuple[bool, int, int], str, list[Record]] | None = None
    for delimiter in delimiters:
        records = list(_records(data, begin, delimiter))
        scores = [wanted.score(record.cells) for record in records]
        widths = [len(record.cells) for record in records if len(record.cells) > 1]
        steady = max((widths.count(width) for width in set(widths)), default=0)
        score = (*max(scores, default=(False, 0)), steady)
        if best is None or score > best[0]:
            best = (score, delimiter, records)
    assert best is not None
    return best[1], best[2]


def _records(data: bytes, begin: int, delimiter: str) -> Iterator[Record]:
    """The first records, as many as a heading is searched in."""
    end = begin

    def lines() -> Iterator[str]:
        nonlocal end
        for line in _LINE.finditer(data, begin, begin + HEAD_BYTES):
            end = line.end()
            yield line[0].decode("utf-8", "replace")

    reader = csv.reader(lines(), delimiter=delimiter)
    for _ in range(SEARCHED):
        try:
            cells = next(reader, None)
        except csv.Error:
            return
        if cells is None:
            return
        yield Record(cells, end)


def _columns(
    name: str, data: bytes, begin: int, delimiter: str, width: int
) -> tuple[list, np.ndarray, list[Ragged]]:  # type: ignore[type-arg]
    """The columns from a byte on, their records counted from 1, and the ragged ones apart."""
    if begin >= len(data):
        return [blank(0) for _ in range(width)], np.zeros(0, np.int32), []
    body = pa.py_buffer(data).slice(begin)
    quoted = data.find(b'"', begin) >= 0
    ragged: list[Ragged] = []
    try:
        table = _arrow(body, delimiter, width, quoted, None)
    except pa.ArrowInvalid:
        table = _with_ragged(name, body, delimiter, width, quoted, ragged)
    lost = np.array([r.row for r in ragged], np.int64)
    rows = np.delete(np.arange(1, table.num_rows + len(lost) + 1), lost - 1)
    return [from_arrow(column) for column in table.columns], rows, ragged


def _with_ragged(
    name: str, body: pa.Buffer, delimiter: str, width: int, quoted: bool, ragged: list[Ragged]
) -> pa.Table:
    """Reads again on one thread, which alone counts rows, and sets ragged records apart."""

    def set_apart(row: pa_csv.InvalidRow) -> str:
        cells = next(csv.reader(row.text.splitlines(keepends=True), delimiter=delimiter), [])
        ragged.append(Ragged(row.number, [cell.strip() for cell in cells]))
        return "skip"

    try:
        return _arrow(body, delimiter, width, quoted, set_apart)
    except pa.ArrowInvalid:
        what = "cannot be split into rows and cells"
        raise sniff.refused(name, what, sniff.AS_CSV) from None


def _arrow(
    body: pa.Buffer, delimiter: str, width: int, quoted: bool, set_apart: object
) -> pa.Table:
    names = [str(at) for at in range(width)]
    return pa_csv.read_csv(
        pa.BufferReader(body),
        read_options=pa_csv.ReadOptions(
            use_threads=set_apart is None,
            column_names=names,
            block_size=BLOCK_BYTES if set_apart is None else min(body.size + 1, 2**31 - 1),
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=delimiter,
            quote_char='"' if quoted else False,
            newlines_in_values=quoted,
            ignore_empty_lines=False,
            invalid_row_handler=set_apart,
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[],
            strings_can_be_null=False,
        ),
    )
