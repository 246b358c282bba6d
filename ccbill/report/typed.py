"""A run's tables as Arrow columns with types: the one form that every output file is written from.

Text is a string, or a dictionary of the distinct ones; a day is a date, money a decimal with two
places, a number an integer, and what is unknown is null. A table of millions of rows is asked for
some of them at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccbill.report import tables
from ccbill.tables import UNKNOWN, Ints, categorical

STRING = pa.large_string()
MONEY = pa.decimal128(18, 2)

# File stem of each table in the CSV and Parquet sets, its name in `Report`, and its columns.
DATA_SETS: Mapping[str, Mapping[str, str]] = {
    "claims": tables.CLAIMS,
    "exceptions": tables.EXCEPTIONS,
    "near_misses": tables.NEAR_MISSES,
    "unreadable_rows": tables.UNREADABLE_ROWS,
    "encounters": tables.CLAIMS,
    "submitted": tables.CLAIMS,
    "activities": tables.ACTIVITIES,
    "balance": tables.BALANCE,
}


class Column(Protocol):
    """A column of a table that gives its cells for some rows."""

    def part(self, start: int, stop: int) -> pa.Array: ...


@dataclass(frozen=True, slots=True)
class Coded:
    """Text by number: of the words themselves from 0 on, or of `places` from `first` on.

    `places` has each number's word, counted from 1, and 0 where it has none, after a 0 for lesser
    numbers, which are blanks. Columns that come of one number share its array.
    """

    numbers: Ints
    words: pa.Array  # of STRING, each once
    places: Ints | None = None
    first: int = 0

    def at(self, start: int, stop: int) -> Ints:
        """Each row's word, counted from 1; 0 for a blank."""
        numbers = self.numbers[start:stop].astype(np.int32)
        numbers = np.maximum(numbers, self.first - 1) - (self.first - 1)
        return numbers if self.places is None else self.places[numbers]

    def part(self, start: int, stop: int) -> pa.Array:
        codes = self.at(start, stop) - 1
        indices = pa.array(codes, mask=codes < 0)
        if len(self.words) > len(self.numbers):  # far more words than rows
            return self.words.take(indices)
        return pa.DictionaryArray.from_arrays(indices, self.words)


@dataclass(frozen=True, slots=True)
class Texts:
    """Text as it stands."""

    values: pd.Series[Any]

    def part(self, start: int, stop: int) -> pa.Array:
        return strings(self.values.iloc[start:stop])


@dataclass(frozen=True, slots=True)
class Numbers:
    """Days, amounts or plain numbers."""

    values: Ints
    kind: str

    def part(self, start: int, stop: int) -> pa.Array:
        numbers = self.values[start:stop].astype(np.int64, casting="safe")
        unknown = numbers == UNKNOWN
        if self.kind == tables.DAY:
            return pa.array(numbers.astype(np.int32), mask=unknown).cast(pa.date32())
        if self.kind == tables.CENTS:
            return _money(numbers, unknown)
        return pa.array(numbers, mask=unknown)


@dataclass(frozen=True, slots=True)
class Sliced:
    """A table of typed columns that gives its rows some at a time; two may have one name."""

    names: Sequence[str]
    columns: Sequence[Column]
    rows: int

    def __len__(self) -> int:
        return self.rows

    def part(self, start: int, stop: int) -> pa.Table:
        arrays = [column.part(start, min(stop, self.rows)) for column in self.columns]
        return pa.Table.from_arrays(arrays, names=list(self.names))

    def parts(self, rows: int) -> Iterator[pa.Table]:
        """All the rows, so many at a time."""
        return (self.part(start, start + rows) for start in range(0, self.rows, rows))

    def whole(self) -> pa.Table:
        return self.part(0, self.rows)

    def text(self, name: str) -> Any:
        """All the cells of a column that is kept by number, as a categorical."""
        column = self.columns[self.names.index(name)]
        assert isinstance(column, Coded), name
        return categorical(column.at(0, self.rows) - 1, column.words.to_pandas())


def sliced(table: pd.DataFrame, columns: Mapping[str, str]) -> Sliced:
    """The table with its declared columns in their types, and any columns after them as text."""
    headings = [str(name) for name in table.columns]
    assert headings[: len(columns)] == list(columns), "a table's columns are as declared"
    kinds = [*columns.values(), *[tables.TEXT] * (len(headings) - len(columns))]
    typed_columns = [column(table.iloc[:, at], kind) for at, kind in enumerate(kinds)]
    return Sliced(headings, typed_columns, len(table))


def typed(table: pd.DataFrame, columns: Mapping[str, str]) -> pa.Table:
    """The same, all of its rows."""
    return sliced(table, columns).whole()


def column(series: pd.Series[Any], kind: str) -> Column:
    """The column in its type; nothing of it is copied yet."""
    if kind != tables.TEXT:
        values = np.empty(0, np.int64) if series.empty else series.to_numpy()
        return Numbers(values, kind)
    if isinstance(series.dtype, pd.CategoricalDtype):
        return Coded(series.array.codes, strings(series.cat.categories))
    return Texts(series)


def coded(texts: pd.Series[Any] | Sequence[str | None], numbers: Ints) -> Coded:
    """The text that each number stands for, from 0 on; some may be missing."""
    codes: Ints
    words: Any
    if isinstance(texts, pd.Series) and isinstance(texts.dtype, pd.CategoricalDtype):
        codes, words = texts.array.codes, texts.cat.categories
    else:
        codes, words = pd.factorize(np.array(texts, object))
    return Coded(numbers, strings(words), np.append(np.int32(0), codes.astype(np.int32) + 1))


def strings(values: Any) -> pa.Array:
    """Texts of any form, as they stand."""
    array = pa.array(values, from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array.cast(STRING)


def is_text(column_type: Any) -> bool:
    """Whether a column of this type came from text, and may hold anything that an export held."""
    return bool(pa.types.is_dictionary(column_type) or pa.types.is_large_string(column_type))


def distinct(column: pa.ChunkedArray) -> pa.Array:
    """The values that occur in a text column, each once where the column keeps them so."""
    values = column.combine_chunks()
    if isinstance(values, pa.DictionaryArray):
        return values.dictionary.take(pc.unique(values.indices).drop_null())
    return values


def _money(cents: npt.NDArray[np.int64], unknown: npt.NDArray[np.bool_]) -> pa.Array:
    """Whole cents read as decimals with two places, without a float or a loop on the way."""
    halves = np.column_stack([cents, cents >> 63])  # a decimal is a 128-bit integer and its scale
    known = pa.array(~unknown).buffers()[1]
    return pa.Decimal128Array.from_buffers(
        MONEY, len(cents), [known, pa.py_buffer(halves.tobytes())]
    )
