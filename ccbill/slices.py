"""Columns of millions of rows, some hundred thousand at a time: little is made on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ccbill.tables import Ints, Mask

ROWS = 1 << 18


def slices(rows: int, most: int = 0) -> Iterator[slice]:
    """All rows, in order, so many at a time (0: ROWS)."""
    most = most or ROWS
    return (slice(start, min(start + most, rows)) for start in range(0, rows, most))


def codes(column: Any) -> Ints:
    """The numbers of a text column's words, -1 for a blank; not a copy, as pandas' own would be."""
    found: Ints = column.array.codes
    return found


def taken(values: Any, numbers: Ints) -> Any:
    """The value that each number stands for, -1 for the last one: `values[numbers]`, for which
    numpy would make eight bytes of all numbers at once."""
    found = np.empty(len(numbers), values.dtype)
    for part in slices(len(numbers)):
        np.take(values, numbers[part], out=found[part], mode="wrap")
    return found


def marked(values: Ints, mask: Mask) -> Ints:
    """The values so marked: `values[mask]`, for which numpy needs several times as long where marks
    are mixed."""
    found: Ints = values[np.flatnonzero(mask)]
    return found


def parted(values: Ints, mask: Mask) -> tuple[Ints, Ints]:
    """The values so marked, and the others."""
    return marked(values, mask), marked(values, ~mask)


def shares(whose: Ints, mine: Mask) -> Iterator[Ints]:
    """The rows so marked, in the order of the persons that they are of: about ROWS at a time, no
    person's in two shares. Rows of nobody (-1) are in none."""
    size = np.zeros(int(whose.max(initial=-1)) + 2, np.int64)
    for part in slices(len(whose)):
        size += np.bincount(whose[part].astype(np.int64) + 1, minlength=len(size))
    share = ((np.cumsum(size[1:]) - size[1:]) // ROWS).astype(np.int16)
    share_of_row = taken(np.append(share, np.int16(-1)), whose)
    share_of_row[~mine] = -1
    for number in np.unique(share):
        yield np.flatnonzero(share_of_row == number)
