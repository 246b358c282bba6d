"""Where each record of a delimited text lies and how many cells it has.

Asked only where they do not all have as many as the heading: the reading itself is Arrow's.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ccbill.intake.text import trimmed
from ccbill.tables import Mask

QUOTE, LF, CR = b'"\n\r'

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Records:
    """Each record's first byte, the byte after its last, and the number of its cells."""

    starts: Places
    stops: Places
    cells: Places

    @property
    def empty(self) -> Mask:
        return self.starts == self.stops


def records(text: bytes, delimiter: str, quoted: bool) -> Records:
    """The records of a text whose quotation marks are all in place."""
    signs = np.frombuffer(text, np.uint8)
    ends = (signs == LF) | (signs == CR)
    crlf = (signs[:-1] == CR) & (signs[1:] == LF)
    ends[:-1] &= ~crlf
    delimiters = signs == ord(delimiter)
    if quoted:
        outside = (np.cumsum(signs == QUOTE, dtype=np.uint8) & 1) == 0
        ends &= outside
        delimiters &= outside
    found = np.flatnonzero(ends)
    starts = np.append(0, found + 1)
    stops = np.append(found - np.isin(found - 1, np.flatnonzero(crlf)), len(text))
    if starts[-1] == len(text):
        starts, stops = starts[:-1], stops[:-1]
    places = np.flatnonzero(delimiters)
    cells = np.searchsorted(places, stops) - np.searchsorted(places, starts) + 1
    return Records(starts, stops, cells)


def width_of(text: bytes, found: Records, delimiter: str, width: int) -> int:
    """How many cells a record is to have: as many as the heading, or more where all end in blanks.

    Some programs end every row with a delimiter or several, and the heading with none. One record
    as long as the heading shows that this file's program does not.
    """
    filled = found.cells[~found.empty]
    if not len(filled) or (filled == width).any():
        return width
    usual = int(np.bincount(filled).argmax())
    if usual <= width:
        return width
    signs = np.frombuffer(text, np.uint8)
    stops = found.stops[~found.empty][filled == usual]
    blanks = all(
        (signs[stops - back] == ord(delimiter)).all() for back in range(1, usual - width + 1)
    )
    return usual if blanks else width


def cells_of(text: bytes, found: Records, number: Any, delimiter: str) -> list[str]:
    """The cells of one record, trimmed."""
    record = text[found.starts[number] : found.stops[number]].decode("utf-8", "replace")
    try:
        cells = next(csv.reader([record], delimiter=delimiter), [])
    except csv.Error:  # a cell of more than 131,072 letters
        cells = [record]
    return [trimmed(cell) for cell in cells]
