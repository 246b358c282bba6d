"""Rows below the heading that are headings too: the same again, or those of another table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ccbill import vocabulary
from ccbill.errors import CcbillError, Exit, Message
from ccbill.intake.table import Ragged, Table
from ccbill.intake.text import Text
from ccbill.intake.words import folded
from ccbill.tables import Mask
from ccbill.vocabulary import fold

FEW = 3  # a row with fewer headings than this is no heading row of another table
CHEAP = 5000  # distinct values that are looked at in every row


def repeated_headings(table: Table) -> Mask:
    """The rows that say the heading again, in any case and spacing.

    CcbillError where a row is the heading of another table: its cells are not what the heading
    above says that they are.
    """
    rows = np.zeros(len(table.rows), bool)
    own = [fold(heading) for heading in table.headings]
    known = _known(own)
    places = _candidates(table, known)
    if len(places):
        cells = [_folded_at(column, places) for column in table.columns]
        hits = sum(_among(each, known).astype(np.int64) for each in cells)
        filled = sum(np.asarray(pc.not_equal(each, "")).astype(np.int64) for each in cells)
        same = np.ones(len(places), bool)
        for each, heading in zip(cells, own, strict=True):
            same &= np.asarray(pc.equal(each, heading))
        rows[places[same]] = True
        other = ~same & (hits >= FEW) & (2 * hits >= filled)
        if other.any():
            raise _second_table(table, int(table.rows[places[other][0]]))
    return rows


def without_repeats(table: Table) -> list[Ragged]:
    """The ragged records that do not say the heading again, with blanks after it or before its end.

    CcbillError as above.
    """
    own = [fold(heading) for heading in table.headings]
    known = _known(own)
    starts = [next((cell for cell in r.cells if cell), "") for r in table.ragged]
    likely = _among(folded(pa.array(starts, pa.string())), known)
    kept = [True] * len(table.ragged)
    for number in np.flatnonzero(likely).tolist():
        cells = [fold(cell) for cell in table.ragged[number].cells]
        kept[number] = _stripped(cells) != _stripped(own)
        hits = sum(cell in set(known.to_pylist()) for cell in cells if cell)
        if kept[number] and hits >= FEW and 2 * hits >= sum(map(bool, cells)):
            raise _second_table(table, table.ragged[number].row)
    return [record for record, keep in zip(table.ragged, kept, strict=True) if keep]


def _known(own: list[str]) -> Any:
    return pa.array(sorted({*vocabulary.column_spellings(), *own} - {""}), pa.string())


def _stripped(cells: list[str]) -> list[str]:
    filled = [at for at, cell in enumerate(cells) if cell]
    return cells[: filled[-1] + 1] if filled else []


def _candidates(table: Table, known: Any) -> Any:
    """The rows with enough headings among the columns of few distinct values."""
    order = sorted(range(len(table.columns)), key=lambda at: len(table.columns[at].values))
    cheap = [at for n, at in enumerate(order) if n < FEW or len(table.columns[at].values) <= CHEAP]
    needed = max(min(FEW, len(order)) - (len(order) - len(cheap)), 1)
    hits = np.zeros(len(table.rows), np.int16)
    for at in cheap:
        column = table.columns[at]
        found = _among(folded(column.values), known)
        if found.any():
            hits += column.spread(found, False)
    return np.flatnonzero(hits >= needed)


def _folded_at(column: Text, places: Any) -> Any:
    codes = column.codes[places]
    return pc.fill_null(folded(column.values.take(pa.array(codes, mask=codes < 0))), "")


def _among(cells: Any, known: Any) -> Mask:
    found: Mask = pc.is_in(cells, known).to_numpy(zero_copy_only=False)
    return found


def _second_table(table: Table, row: int) -> CcbillError:
    what = "another heading row, with other columns than the one above"
    fix = "put each table into a file of its own"
    return CcbillError(
        Exit.INPUT, Message(table.place(row), what, "Nothing was read or written.", fix)
    )
