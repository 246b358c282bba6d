"""A plain export, some megabytes at a time, so that a long one needs little memory.

Plain is a file of UTF-8 text in which every quotation mark is in place and every record as wide as
the heading. Of any other, `delimited.read` must see all to say what it is and where it is wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from ccbill import memory
from ccbill.aside import in_turn
from ccbill.errors import CcbillError
from ccbill.intake import delimited, sniff
from ccbill.intake.columns import Wanted
from ccbill.intake.quotes import Marks, Source, marks_of, marks_of_start
from ccbill.intake.table import Table
from ccbill.intake.text import Text, blank, from_arrow, joined

SIZE = 1 << 23  # bytes of a piece, few enough to stay in the cache
THREADS = 2  # that take pieces apart, which is twice the work of reading one
PLAIN = sniff.Content(b"", sniff.TEXT, "utf-8")
START = 2 * delimited.HEAD_BYTES  # bytes in which the heading is looked for


class _OddError(Exception):
    """The file is not plain."""


@dataclass(frozen=True, slots=True)
class Read:
    """A plain file's table, and the hash and length of the file."""

    table: Table
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """Whole records below the heading, and what their quotation marks are."""

    text: memoryview
    marks: Marks


def read(path: str, name: str, wanted: Wanted) -> Read | None:
    """The same table as of all the file's bytes at once; None where the file is not plain."""
    try:
        if not Path(path).is_file():  # but a pipe, say, which is not read twice
            return None
        with Path(path).open("rb") as file:
            return _read(file, name, wanted)
    except (OSError, CcbillError, pa.ArrowInvalid, _OddError):
        return None


def _read(file: BinaryIO, name: str, wanted: Wanted) -> Read:
    before, source = _opened(file, name, wanted)
    sha256 = hashlib.sha256(before)
    columns = _columns(_pieces(file, len(before), source, sha256), source, _types(source))
    below = source.heading_row + 1
    rows = np.arange(below, below + len(columns[0]), dtype=np.int32)
    about = {"delimiter": delimited.NAMES[source.delimiter]}
    table = Table(name, source.headings, source.heading_row, columns, rows, about=about)
    return Read(table, sha256.hexdigest(), file.tell())


def _opened(file: BinaryIO, name: str, wanted: Wanted) -> tuple[bytes, Source]:
    """What stands before the text, such as a byte order mark; and the start of the text."""
    start = file.read(START)
    goes_on = len(start) == START
    if goes_on:
        start = start[: start.rfind(b"\n") + 1]
    found = sniff.content(name, start)
    if replace(found, data=b"") != PLAIN:
        raise _OddError
    source = delimited.opened(name, found.data, wanted)
    if goes_on and len(source.text) < delimited.HEAD_BYTES:
        raise _OddError
    return start[: -len(source.text)], source


def _types(source: Source) -> delimited.Types:
    """How to read the columns, by what the text begins with; as text, where nothing is said."""
    marks, end = marks_of_start(source)
    first = source.text[source.heading_end : end]
    if not first:
        return {}
    return delimited.types_of(
        delimited.parsed(first, source.delimiter, len(source.headings), marks)
    )


def _pieces(file: BinaryIO, at: int, source: Source, sha256: Any) -> Iterator[_Piece]:
    """The text from a byte on, cut where records end; every piece is hashed, and seen to be plain.

    Afterwards the file is at its end.
    """
    heading_end = source.heading_end
    file.seek(at)
    while text := file.read(SIZE):
        last = len(text) < SIZE
        if not last:
            text = text.removesuffix(b"\r")  # whose line feed may come next
        piece = replace(source, text=text, heading_end=heading_end)
        marks, end = (marks_of(piece), len(text)) if last else marks_of_start(piece)
        if not end or marks.letters or b"\0" in text or not sniff.is_utf8(text, whole=last):
            raise _OddError
        records = memoryview(text)[:end]
        sha256.update(records)
        yield _Piece(records[heading_end:], marks)
        heading_end = max(heading_end - end, 0)
        at += end
        file.seek(at)


def _columns(pieces: Iterator[_Piece], source: Source, types: delimited.Types) -> list[Text]:
    """The columns of all pieces, those of each let go once they are put together."""
    found: list[list[Any]] = [[] for _ in source.headings]
    for columns in _parsed(pieces, source, types):
        for cells, column in zip(found, columns, strict=True):
            cells.append(column)
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(_column, found))


def _parsed(
    pieces: Iterator[_Piece], source: Source, types: delimited.Types
) -> Iterator[list[Any]]:
    """The columns of each piece in turn, taken apart while the next pieces are made ready."""
    some = (piece for piece in pieces if len(piece.text))
    with ThreadPoolExecutor(THREADS) as threads:
        begun = (threads.submit(_cells, piece, source, types) for piece in some)
        for each in in_turn(begun, THREADS + 1):
            yield each.result()


def _cells(piece: _Piece, source: Source, types: delimited.Types) -> list[Any]:
    """The columns of a piece: as Texts where they have few distinct values, else as Arrow's."""
    text, width = piece.text, len(source.headings)
    table = delimited.parsed(text, source.delimiter, width, piece.marks, len(text), types=types)
    return [from_arrow(c) if pa.types.is_dictionary(c.type) else c for c in table.columns]


def _column(cells: list[Any]) -> Text:
    if not cells:
        return blank(0)
    found = joined(cells) if isinstance(cells[0], Text) else from_arrow(_emptied(cells))
    memory.give_back()  # of the pieces that were let go
    return found


def _emptied(cells: list[pa.ChunkedArray]) -> pa.ChunkedArray:
    """All of them as one, which alone still holds them."""
    whole = pa.chunked_array([chunk for piece in cells for chunk in piece.chunks], pa.string())
    cells.clear()
    return whole
