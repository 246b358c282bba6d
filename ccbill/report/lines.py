"""The rows of a table as lines of CSV, some at a time and no cell by cell.

Arrow's own CSV writer puts quotes around all text. Here each distinct text is made safe and quoted
once, neighbours with few texts are joined once for each pair that there could be, and the rows of
what is then left are one look-up of all their texts, end to end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccbill.report.typed import (
    STRING,
    Coded,
    Column,
    Numbers,
    Sliced,
    Texts,
    is_text,
    strings,
)
from ccbill.slices import slices
from ccbill.tables import UNKNOWN, Ints, known_span

ROWS_AT_ONCE = 16_384  # few enough that what is made of them stays in a processor's cache
ROWS_TOGETHER = 131_072  # numbered in a few long steps, so that another thread can go on beside
ROWS_A_TEXT = 4  # from which on it pays to keep distinct texts
ROWS_A_PAIR = 16  # from which on it pays to join texts ahead of the rows that have them
MOST_PAIRS = 4_096  # more of them would not stay in the cache

# A spreadsheet takes a cell that begins so for a formula, or for the one beside it.
_FORMULA_STARTS = b"=+-@\t\r"
_NEEDS_QUOTES = '[",\r\n]'
_QUOTED = (b'"', b",", b"\r", b"\n")
_NOTHING, _COMMA, _END, _QUOTE, _GUARD = (
    pa.scalar(text, STRING) for text in ("", ",", "\n", '"', "'")
)
_BLANKS = {"null_handling": "replace", "null_replacement": ""}

# The cells of the rows from one to another, ROWS_AT_ONCE of them at a time.
Cells = Callable[[int, int], Iterator[pa.Array]]


@dataclass(frozen=True, slots=True)
class _Known:
    """One column, or neighbours, of which all texts are known: each row's by its number."""

    columns: Sequence[Coded]
    texts: pa.Array  # from number 1 on; of neighbours, those of each pair
    blank: str = ""  # of number 0

    def all_texts(self) -> pa.Array:
        """Those of all numbers, from 0 on."""
        return pa.concat_arrays([pa.array([self.blank], STRING), self.texts])

    def ended(self, end: str) -> list[pa.Array]:
        """The same in two parts, with this after each."""
        texts = pc.binary_join_element_wise(self.texts, _NOTHING, pa.scalar(end, STRING))
        return [pa.array([self.blank + end], STRING), texts]

    def at(self, start: int, stop: int) -> Ints:
        first, *others = self.columns
        place = first.at(start, stop)
        for column in others:
            place = place * (len(column.words) + 1) + column.at(start, stop)
        return place


def heading(names: Sequence[str]) -> bytes:
    """The names of the columns, as the first line."""
    return (",".join(_safe(pa.array(names, STRING)).to_pylist()) + "\n").encode()


def lines(table: Sliced) -> Iterator[pa.Buffer]:
    """The rows of the table, some in each part; a null is a blank."""
    most = min(MOST_PAIRS, len(table) // ROWS_A_PAIR)
    pieces = _pieces(_together(_ready(table, most), most))
    for rows in slices(len(table), ROWS_TOGETHER):
        for cells in zip(*(piece(rows.start, rows.stop) for piece in pieces), strict=True):
            yield _characters(_side_by_side(*cells))


def _side_by_side(first: pa.Array, *others: pa.Array) -> pa.Array:
    """The cells with commas between them."""
    if not others:
        return first
    return pc.binary_join_element_wise(first, *others, _COMMA, **_BLANKS)


def _ready(table: Sliced, most: int) -> list[_Known | Cells]:
    """The columns with text made safe; neighbours of one number as one, where numbers are few."""
    made: list[_Known | Cells] = []
    for column in table.columns:
        known, before = _known(column, len(table)), made[-1] if made else None
        if known is None:
            made.append(_plain(column))
        elif isinstance(before, _Known) and _of_one_number(before, known, most):
            made[-1] = _by_number(before, known)
        else:
            made.append(known)
    return made


def _known(column: Column, rows: int) -> _Known | None:
    """The column by number, where it has few texts for its rows."""
    if isinstance(column, Numbers):
        few = _few_numbers(column, rows)
        return _Known([few], few.words) if few else None
    if isinstance(column, Texts):
        column = _few_texts(column, rows) or column
    if not isinstance(column, Coded) or len(column.words) > rows:
        return None
    return _Known([column], _safe(column.words))


def _few_texts(column: Texts, rows: int) -> Coded | None:
    some = pc.count_distinct(column.part(0, ROWS_AT_ONCE)).as_py()
    if some * ROWS_A_TEXT > min(rows, ROWS_AT_ONCE):
        return None
    codes, words = pd.factorize(column.values)
    if len(words) * ROWS_A_TEXT > rows:
        return None
    return Coded(codes.astype(np.min_scalar_type(-len(words) - 1)), strings(words))


def _few_numbers(column: Numbers, rows: int) -> Coded | None:
    """Numbers, days or amounts by how far they are from the least."""
    first, last = known_span(column.values)
    if (last + 1 - first) * ROWS_A_TEXT > rows or not UNKNOWN < first <= last + 1 < -UNKNOWN:
        return None
    words = Numbers(np.arange(first, last + 1), column.kind).part(0, last + 1 - first)
    return Coded(column.values, words.cast(STRING), None, first)


def _of_one_number(before: _Known, column: _Known, most: int) -> bool:
    [one], [other] = before.columns, column.columns
    alike = one.numbers is other.numbers and one.first == other.first
    return alike and _numbers(one) == _numbers(other) <= most


def _numbers(column: Coded) -> int:
    """How many numbers its rows may have, a blank's with them."""
    return len(column.words) + 1 if column.places is None else len(column.places)


def _by_number(one: _Known, other: _Known) -> _Known:
    """Both columns' cells with a comma between them, for each number that their rows have."""
    both = [
        each.all_texts()
        if column.places is None
        else each.all_texts().take(pa.array(column.places))
        for each in (one, other)
        for column in each.columns
    ]
    texts = pc.binary_join_element_wise(*both, _COMMA)
    column = one.columns[0]
    return _known_again([Coded(column.numbers, texts[1:], None, column.first)], texts)


def _together(columns: list[_Known | Cells], most: int) -> list[_Known | Cells]:
    """The columns with neighbours made one where all that their cells could be is little."""
    groups: list[list[Any]] = []
    pairs = math.inf
    for column in columns:
        texts = len(column.texts) + 1 if isinstance(column, _Known) else math.inf
        if pairs * texts <= most:
            groups[-1].append(column)
            pairs *= texts
        else:
            groups.append([column])
            pairs = texts
    return [group[0] if len(group) == 1 else _all_pairs(group) for group in groups]


def _all_pairs(group: list[_Known]) -> _Known:
    """Their cells with commas between them, the last column's changing first."""
    each_texts = [each.all_texts() for each in group]
    sizes = [len(texts) for texts in each_texts]
    places = np.unravel_index(np.arange(math.prod(sizes)), sizes)
    texts = [texts.take(pa.array(at)) for texts, at in zip(each_texts, places, strict=True)]
    columns = [column for each in group for column in each.columns]
    return _known_again(columns, pc.binary_join_element_wise(*texts, _COMMA))


def _known_again(columns: Sequence[Coded], texts: pa.Array) -> _Known:
    return _Known(columns, texts[1:], texts[0].as_py())


def _pieces(columns: list[_Known | Cells]) -> list[Cells]:
    """The columns as few arrays of text, the last with the line's end; commas come between them."""
    runs: list[list[_Known] | Cells] = []
    for column in columns:
        if not isinstance(column, _Known):
            runs.append(column)
        elif runs and isinstance(runs[-1], list):
            runs[-1].append(column)
        else:
            runs.append([column])
    *others, last = runs
    pieces = [_run(each, "") if isinstance(each, list) else each for each in others]
    return [*pieces, _run(last, "\n") if isinstance(last, list) else _ended(last)]


def _ended(cells: Cells) -> Cells:
    def ended(start: int, stop: int) -> Iterator[pa.Array]:
        for some in cells(start, stop):
            yield pc.binary_join_element_wise(some, _NOTHING, _END, **_BLANKS)

    return ended


def _run(columns: Sequence[_Known], end: str) -> Cells:
    """Neighbours whose texts are all known, as one: the texts of a row found one after the other
    lie so in memory, and only where each row ends is to be said."""
    ends = [*"," * (len(columns) - 1), end]
    parts = [each.ended(end) for each, end in zip(columns, ends, strict=True)]
    all_texts = pa.concat_arrays([*chain(*parts)])
    bases = np.cumsum([0, *(len(each.texts) + 1 for each in columns)])

    def cells(start: int, stop: int) -> Iterator[pa.Array]:
        of_columns = [
            np.add(column.at(start, stop), base, dtype=np.int32, casting="same_kind")
            for column, base in zip(columns, bases, strict=False)
        ]
        for rows in slices(stop - start, ROWS_AT_ONCE):
            places = np.stack([each[rows] for each in of_columns], axis=1)
            yield _end_to_end(all_texts.take(pa.array(places.ravel())), len(columns))

    return cells


def _end_to_end(texts: pa.Array, number: int) -> pa.Array:
    """Each so many texts as one."""
    rows = len(texts) // number
    ends = np.frombuffer(texts.buffers()[1], np.int64)[: len(texts) + 1 : number]
    row_ends = pa.py_buffer(ends.copy())
    return pa.LargeStringArray.from_buffers(rows, row_ends, texts.buffers()[2])


def _plain(column: Column) -> Cells:
    """The column's cells as text, a null as a blank."""

    def cells(start: int, stop: int) -> Iterator[pa.Array]:
        values = column.part(start, stop)
        texts = _safe(values) if is_text(values.type) else values.cast(STRING)
        return (texts[rows] for rows in slices(len(texts), ROWS_AT_ONCE))

    return cells


def _safe(texts: pa.Array) -> pa.Array:
    if not len(texts):
        return texts
    acts = _acts(texts)
    if acts.any():
        guarded = pc.binary_join_element_wise(_GUARD, texts, _NOTHING)
        texts = pc.if_else(pa.array(acts), guarded, texts)
    ends, characters = _ends(texts), _characters(texts)
    held = characters[int(ends[0]) : int(ends[-1])].to_pybytes()
    if any(mark in held for mark in _QUOTED):
        breaks = pc.match_substring_regex(texts, _NEEDS_QUOTES)
        doubled = pc.replace_substring(texts, '"', '""')
        texts = pc.if_else(
            breaks, pc.binary_join_element_wise(_QUOTE, doubled, _QUOTE, _NOTHING), texts
        )
    return texts


def _acts(texts: pa.Array) -> npt.NDArray[np.bool_]:
    """Which texts begin as a formula does, by their first bytes alone."""
    ends = _ends(texts)
    some = np.flatnonzero(ends[1:] > ends[:-1])
    first = np.frombuffer(_characters(texts), np.uint8)[ends[some]]
    acts = np.zeros(len(texts), bool)
    acts[some] = np.isin(first, np.frombuffer(_FORMULA_STARTS, np.uint8))
    return acts


def _ends(texts: pa.Array) -> Ints:
    """Where the characters of each text begin, and where the last one's end."""
    return np.frombuffer(texts.buffers()[1], np.int64)[texts.offset :][: len(texts) + 1]


def _characters(texts: pa.Array) -> pa.Buffer:
    """All the characters that an array's texts are among, one text after the other."""
    return texts.buffers()[2] or pa.py_buffer(b"")
