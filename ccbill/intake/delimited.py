"""Delimited text → columns of text, with the row numbers that a spreadsheet program shows."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from ccbill.intake import sniff
from ccbill.intake.columns import Wanted
from ccbill.intake.heading import SEARCHED, heading_at
from ccbill.intake.quotes import Marks, Source, marks_of
from ccbill.intake.records import cells_of, records, width_of
from ccbill.intake.table import Ragged, Rows, Table
from ccbill.intake.text import MARKS, blank, from_arrow, plain

DELIMITERS = ",;\t|"
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
HEAD_BYTES = 1 << 18
BLOCK_BYTES = 1 << 20
SAMPLED = 2000

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_SEP = re.compile(rb"\s*\"?sep=(.)\"?[ \t]*(?:\r\n|\r|\n)", re.IGNORECASE)
_GAPS = re.compile(r"\S {2,}\S.*\S {2,}\S")
_MARKED = re.compile(rf"[{MARKS}].*[{MARKS}]")


Types = Mapping[str, pa.DataType]


@dataclass(frozen=True, slots=True)
class Record:
    """One of the first records of a text, and the byte at which the next begins."""

    cells: list[str]
    end: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The first records as one delimiter splits them, the heading among them, and how well it fits.

    `fit` says whether the heading is whole, how many headings are known, and how many records have
    as many cells as the heading.
    """

    delimiter: str
    records: list[Record]
    heading: int | None
    fit: tuple[bool, int, int]


def read(name: str, data: bytes, wanted: Wanted) -> Table:
    """The records below the heading, each cell as trimmed text.

    Ragged records are kept apart with their row numbers. Every record counts as a row, a blank
    line too, and a quoted cell may hold line ends.
    """
    source = opened(name, data, wanted)
    marks, body = _body(source)
    row = source.heading_row
    return Table(
        name,
        source.headings,
        row,
        body.columns,
        (body.rows + row).astype(np.int32),
        [Ragged(r.row + row, r.cells) for r in body.ragged],
        about={"delimiter": NAMES[source.delimiter]},
        marks_are_letters=marks.letters,
    )


def opened(name: str, data: bytes, wanted: Wanted) -> Source:
    """A text, or the start of a long one, with its delimiter and its heading found."""
    said = _SEP.match(data)
    text = data[said.end() :] if said else data
    delimiters = said[1].decode("latin-1") if said else DELIMITERS
    if any(d not in DELIMITERS for d in delimiters):
        what = "separates its cells with a sign that ccbill does not know"
        raise sniff.refused(f"{name}:1", what, "save it as CSV, with commas between the cells")
    layout = _layout(name, text, delimiters, wanted)
    if layout.heading is None:
        raise sniff.refused(name, "has no heading row", "name the columns in the first row")
    at, row = layout.heading, layout.heading + 1
    headings = [plain(cell) for cell in layout.records[at].cells]
    _refuse_other_marks(f"{name}:{row}", headings)
    end, known = layout.records[at].end, layout.fit[1] > 1
    return Source(name, text, layout.delimiter, headings, row, end, known)


def _layout(name: str, text: bytes, delimiters: str, wanted: Wanted) -> Layout:
    """The delimiter under which the first records read best as a heading and its rows."""
    layouts = [_split(text, delimiter, wanted) for delimiter in delimiters]
    fitting = [each for each in layouts if each.fit[2]]
    if not fitting:
        _refuse_fixed_width(name, layouts[0].records)
        return layouts[0]
    best = max(fitting, key=lambda each: each.fit)
    even = [NAMES[each.delimiter] for each in fitting if each.fit == best.fit]
    if len(even) > 1:
        what = f"can be split at each {even[0]} as well as at each {even[1]}"
        fix = "put a first line into it that names the delimiter: sep=;"
        raise sniff.refused(name, what, fix.replace(";", best.delimiter))
    return best


def _split(text: bytes, delimiter: str, wanted: Wanted) -> Layout:
    found = list(_records(text, delimiter))
    at = heading_at([record.cells for record in found], wanted)
    if at is None:
        return Layout(delimiter, found, at, (False, 0, 0))
    width = len(found[at].cells)
    steady = sum(len(record.cells) == width for record in found) if width > 1 else 0
    return Layout(delimiter, found, at, (*wanted.score(found[at].cells), steady))


def _records(text: bytes, delimiter: str) -> Iterator[Record]:
    """The first records, as many as a heading is searched in."""
    end = 0

    def lines() -> Iterator[str]:
        nonlocal end
        for line in _LINE.finditer(text, 0, HEAD_BYTES):
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


def _refuse_fixed_width(name: str, found: list[Record]) -> None:
    lines = [record.cells[0] for record in found if record.cells]
    if 2 * sum(bool(_GAPS.search(line.strip())) for line in lines) > max(len(lines), 2):
        what = "has columns of fixed width, with spaces and no delimiter between them"
        raise sniff.refused(name, what, sniff.AS_CSV)


def _refuse_other_marks(where: str, headings: list[str]) -> None:
    """Refuses cells in marks that no spreadsheet program takes for quotation marks."""
    filled = [heading for heading in headings if heading]
    if len(filled) > 1 and all(_MARKED.fullmatch(heading) for heading in filled):
        what = f"its cells are between {filled[0][0]} and {filled[0][-1]}"
        fix = 'write them between plain quotation marks ("), or without any'
        raise sniff.refused(where, what, fix)


@dataclass(frozen=True, slots=True)
class _Body:
    """The records below the heading, counted from 1: those with all their cells, and the others."""

    columns: list[Any]
    rows: Rows
    ragged: list[Ragged]


def _body(source: Source) -> tuple[Marks, _Body]:
    """What the quotation marks are, and the records, read while the marks are looked at."""
    width = len(source.headings)
    assumed = Marks(quoting=source.text.find(b'"', source.heading_end) >= 0)
    with ThreadPoolExecutor(1) as aside:
        found = aside.submit(marks_of, source)
        table = _even(source, assumed)
        marks = found.result()
    if source.heading_end == len(source.text):
        return marks, _Body([blank(0) for _ in range(width)], np.zeros(0, np.int32), [])
    if marks != assumed:
        table = _even(source, marks)
    if table is None:
        return marks, _uneven(source, source.text[source.heading_end :], marks)
    rows = np.arange(1, table.num_rows + 1, dtype=np.int32)
    return marks, _Body(_texts(table, width), rows, [])


def _even(source: Source, marks: Marks) -> pa.Table | None:
    """The records, None where not all have as many cells as the heading."""
    text = memoryview(source.text)[source.heading_end :]
    try:
        return parsed(text, source.delimiter, len(source.headings), marks) if len(text) else None
    except pa.ArrowInvalid:
        return None


def _uneven(source: Source, text: bytes, marks: Marks) -> _Body:
    """Reads records of which not all have as many cells as the heading."""
    width = len(source.headings)
    found = records(text, source.delimiter, marks.quoting)
    wide = width_of(text, found, source.delimiter, width)
    even = (found.cells == wide) | found.empty
    longest = int((found.stops - found.starts).max())
    try:
        table = parsed(text, source.delimiter, wide, marks, longest, skip=True)
    except pa.ArrowInvalid:
        table = None
    if table is None or table.num_rows != even.sum():
        raise sniff.refused(source.name, "cannot be split into rows and cells", sniff.AS_CSV)
    lost = np.flatnonzero(~even)
    ragged = [Ragged(n + 1, cells_of(text, found, n, source.delimiter)) for n in lost.tolist()]
    rows = (np.flatnonzero(even) + 1).astype(np.int32)
    return _Body(_texts(table, width), rows, ragged)


def _texts(table: pa.Table, width: int) -> list[Any]:
    with ThreadPoolExecutor(cpu_count() or 1) as threads:
        return list(threads.map(from_arrow, table.columns[:width]))


def parsed(
    text: bytes | memoryview,
    delimiter: str,
    width: int,
    marks: Marks,
    longest: int = 0,
    skip: bool = False,
    types: Types | None = None,
) -> pa.Table:
    """The text's columns; with `skip`, without the records of another width.

    ArrowInvalid where the others have another width. With `types`, the columns are read as they
    say, and by the calling thread alone; else as the first records suggest.
    """
    names = [str(at) for at in range(width)]
    reading = pa_csv.ReadOptions(
        column_names=names,
        block_size=min(max(BLOCK_BYTES, 2 * longest), 2**31 - 1),
        use_threads=types is None,
    )
    parsing = pa_csv.ParseOptions(
        delimiter=delimiter,
        quote_char='"' if marks.quoting else False,
        newlines_in_values=marks.line_ends,
        ignore_empty_lines=False,
        invalid_row_handler=(lambda _: "skip") if skip else None,
    )
    converting = pa_csv.ConvertOptions(
        column_types=types or dict.fromkeys(names, pa.string()),
        check_utf8=False,  # all of it is known to be UTF-8
        null_values=[],
        strings_can_be_null=False,
    )
    if len(text) > BLOCK_BYTES and not (skip or types):
        first = pa_csv.open_csv(_stream(text), reading, parsing, converting).read_next_batch()
        converting.column_types = types_of(first)
    return pa_csv.read_csv(_stream(text), reading, parsing, converting)


def _stream(text: bytes | memoryview) -> pa.BufferReader:
    return pa.BufferReader(pa.py_buffer(text))


def types_of(first: pa.RecordBatch | pa.Table) -> Types:
    """How to read the columns of which these are the first records."""
    return {name: _type(first.column(name)) for name in first.schema.names}


def _type(cells: pa.Array | pa.ChunkedArray) -> pa.DataType:
    """How to read a column that begins like this: by distinct values, unless they are too many."""
    sample = cells.slice(0, SAMPLED)
    few = len(sample.unique()) * 3 < len(sample)
    return pa.dictionary(pa.int32(), pa.string()) if few else pa.string()
