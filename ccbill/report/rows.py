"""The rows of a sheet as a workbook's own XML, a part of a table at a time and no cell by cell.

XlsxWriter and openpyxl call several functions for each cell, and a hundred thousand claim lines
are three million cells. Here the distinct values of a column are put between their tags, then
whole columns are joined, all by Arrow. Text stands in its cell (`inlineStr`), so that nothing
grows with the table but the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ccbill.report.typed import STRING, is_text

ROWS_AT_ONCE = 4_096

LONGEST_TEXT = 32_767  # UTF-16 units that a cell holds
LINE_HEIGHT = 13  # points
LETTERS = 1.1  # of a text, in the room of a digit, which a column's width counts
MOST_LINES = 12
HEADING_HEIGHT = 21

# Day 0 of a workbook is 1899-12-30; it believes in a 29 February 1900, so earlier days are text.
DAY_ZERO = 25_569
FIRST_DAY = 61 - DAY_ZERO

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# What XML cannot hold, or would read back as something else, and the form that programs know.
_ESCAPES = {
    **{chr(n): f"_x{n:04X}_" for n in range(0x20) if chr(n) not in "\t\n"},
    "\ufffe": "_xFFFE_",
    "\uffff": "_xFFFF_",
}
_NOTHING = pa.scalar("", STRING)


@dataclass(frozen=True, slots=True)
class Column:
    """How a column's cells are written.

    `letters` are its name in the sheet; `heading`, `cell` and `marked` are numbers of formats,
    `marked` for some texts, or for all of them under `*`. With `wraps`, text of more characters
    than `width` gets more lines.
    """

    letters: str
    heading: int
    cell: int
    marked: dict[str, int]
    wraps: bool
    width: int


def heading(names: Sequence[str], columns: Sequence[Column]) -> pa.Buffer:
    """The first row: the names of the columns."""
    cells = [
        _joined(f'<c r="{column.letters}1', _texts(pa.array([name], STRING), column.heading, {}))
        for name, column in zip(names, columns, strict=True)
        if name
    ]
    opening = f'<row r="1" ht="{HEADING_HEIGHT}" customHeight="1">'
    return _joined(opening, *cells, "</row>").buffers()[2]


def rows(table: pa.Table, columns: Sequence[Column]) -> Iterator[pa.Buffer]:
    """All the rows of a typed table from the second row of a sheet on, some at a time."""
    for start in range(0, len(table), ROWS_AT_ONCE):
        yield _rows(table.slice(start, ROWS_AT_ONCE), start + 2, columns)


def _rows(part: pa.Table, first: int, columns: Sequence[Column]) -> pa.Buffer:
    numbers = pa.array(np.arange(first, first + len(part))).cast(STRING)
    pieces: list[Any] = ['<row r="', numbers, _heights(part, columns)]
    for values, column in zip(part.columns, columns, strict=True):
        if values.null_count < len(part):
            pieces.append(_joined(f'<c r="{column.letters}', numbers, _contents(values, column)))
    return _joined(*pieces, "</row>", nulls="skip").buffers()[2]


def _contents(values: pa.ChunkedArray, column: Column) -> pa.Array:
    """Each cell from its format on, without its place; nothing where it is blank."""
    plain = values.cast(STRING) if is_text(values.type) else values
    encoded = plain.combine_chunks().dictionary_encode()
    each = encoded.dictionary
    if is_text(values.type):
        cells = _texts(each, column.cell, column.marked)
    elif pa.types.is_date32(each.type):
        cells = _days(each, column.cell)
    else:
        cells = _numbers(each, column.cell)
    return cells.take(encoded.indices)


def _texts(texts: pa.Array, style: int, marked: dict[str, int]) -> pa.Array:
    styles: Any = pa.scalar(str(marked.get("*", style)), STRING)
    for word, number in marked.items():
        if word != "*":
            styles = pc.if_else(pc.equal(texts, word), pa.scalar(str(number), STRING), styles)
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, STRING), texts)
    kept = pa.array(_edged(texts)).cast(pa.int8())
    tags = pa.array(["<is><t>", '<is><t xml:space="preserve">'], STRING).take(kept)
    return _joined('" s="', styles, '" t="inlineStr">', tags, _escaped(texts), "</t></is></c>")


def _numbers(values: pa.Array, style: int) -> pa.Array:
    return _joined(f'" s="{style}"><v>', values.cast(STRING), "</v></c>")


def _days(days: pa.Array, style: int) -> pa.Array:
    numbers = days.cast(pa.int32())
    cells = _numbers(pc.add(numbers, DAY_ZERO), style)
    early = pc.less(numbers, FIRST_DAY)
    return pc.if_else(early, _texts(days.cast(STRING), style, {}), cells)


def _escaped(texts: pa.Array) -> pa.Array:
    """Texts as XML holds them, no longer than a cell does."""
    texts = _cut(texts)
    held = _characters(texts)
    if b"_x" in held:
        texts = pc.replace_substring_regex(texts, "(_x[0-9a-fA-F]{4}_)", r"_x005F\1")
    for one, escape in (_ENTITIES | _ESCAPES).items():
        if one.encode() in held:
            texts = pc.replace_substring(texts, one, escape)
    return texts


def _cut(texts: pa.Array) -> pa.Array:
    """Texts cut where a cell is full; characters outside the basic plane count twice."""
    if (pc.max(pc.binary_length(texts)).as_py() or 0) <= LONGEST_TEXT:
        return texts
    return pa.array([text and _fitting(text) for text in texts.to_pylist()], STRING)


def _fitting(text: str) -> str:
    units = text.encode("utf-16-le")[: 2 * LONGEST_TEXT]
    return units.decode("utf-16-le", "ignore")  # half a character at the end is none


def _edged(texts: pa.Array) -> npt.NDArray[np.bool_]:
    """Which texts begin or end with white space, which XML would lose."""
    _, offsets, _ = texts.buffers()
    ends = np.frombuffer(offsets, np.int64)[texts.offset :][: len(texts) + 1]
    some = np.flatnonzero(ends[1:] > ends[:-1])
    held = np.frombuffer(_characters(texts), np.uint8)
    edged = np.zeros(len(texts), bool)
    edged[some] = (held[ends[some]] <= ord(" ")) | (held[ends[some + 1] - 1] <= ord(" "))
    return edged


def _heights(part: pa.Table, columns: Sequence[Column]) -> Any:
    """The end of each row's opening tag: how high it is, where a column of it wraps."""
    most: Any = 1
    for values, column in zip(part.columns, columns, strict=True):
        if column.wraps:
            texts = values.cast(STRING)
            lengths = pc.fill_null(pc.utf8_length(texts), 0).to_numpy()
            breaks = pc.fill_null(pc.count_substring(texts, "\n"), 0).to_numpy()
            most = np.maximum(most, -(-lengths // int(column.width * LETTERS)) + breaks)
    if np.isscalar(most):
        return '">'
    ends = [f'" ht="{n * LINE_HEIGHT + 2}" customHeight="1">' for n in range(MOST_LINES + 1)]
    ends[:2] = ['">', '">']
    return pa.array(ends, STRING).take(pa.array(np.minimum(most, MOST_LINES)))


def _joined(*pieces: Any, nulls: str = "emit_null") -> pa.Array:
    """One text after the other for each row; nothing at all where one is, or it skipped."""
    texts = [pa.scalar(p, STRING) if isinstance(p, str) else p for p in pieces]
    return pc.binary_join_element_wise(*texts, _NOTHING, null_handling=nulls)


def _characters(texts: pa.Array) -> bytes:
    """All the characters of an array that no slice was taken of."""
    return bytes(texts.buffers()[2] or b"")
