"""A run's tables as Arrow columns with types: the one form that every output file is written from.

Text is a string, or a dictionary of the distinct ones; a day is a date, money a decimal with two
places, a number an integer, and what is unknown is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccbill.report import tables
from ccbill.tables import UNKNOWN

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


def typed(table: pd.DataFrame, columns: Mapping[str, str]) -> pa.Table:
    """The table with its declared columns in their types, and any columns after them as text."""
    headings = [str(name) for name in table.columns]
    assert headings[: len(columns)] == list(columns), "a table's columns are as declared"
    kinds = [*columns.values(), *[tables.TEXT] * (len(headings) - len(columns))]
    arrays = [_array(table.iloc[:, at], kind) for at, kind in enumerate(kinds)]
    return pa.Table.from_arrays(arrays, names=headings)


def is_text(column_type: Any) -> bool:
    """Whether a column of this type came from text, and may hold anything that an export held."""
    return bool(pa.types.is_dictionary(column_type) or pa.types.is_large_string(column_type))


def distinct(column: pa.ChunkedArray) -> pa.Array:
    """The values that occur in a text column, each once where the column keeps them so."""
    values = column.combine_chunks()
    if isinstance(values, pa.DictionaryArray):
        return values.dictionary.take(pc.unique(values.indices).drop_null())
    return values


def _array(series: pd.Series[Any], kind: str) -> pa.Array:
    if kind == tables.TEXT:
        return _text(series)
    if series.empty:
        numbers: npt.NDArray[np.int64] = np.empty(0, np.int64)
    else:
        numbers = series.to_numpy().astype(np.int64, casting="safe")
    unknown = numbers == UNKNOWN
    if kind == tables.DAY:
        return pa.array(numbers.astype(np.int32), mask=unknown).cast(pa.date32())
    if kind == tables.CENTS:
        return _money(numbers, unknown)
    return pa.array(numbers, mask=unknown)


def _text(series: pd.Series[Any]) -> pa.Array:
    values = pa.array(series, from_pandas=True)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.DictionaryArray) and len(values.dictionary) <= len(values):
        return pa.DictionaryArray.from_arrays(values.indices, values.dictionary.cast(STRING))
    if isinstance(values, pa.DictionaryArray):  # far more categories than rows
        values = values.dictionary_decode()
    return values.cast(STRING)


def _money(cents: npt.NDArray[np.int64], unknown: npt.NDArray[np.bool_]) -> pa.Array:
    """Whole cents read as decimals with two places, without a float or a loop on the way."""
    halves = np.column_stack([cents, cents >> 63])  # a decimal is a 128-bit integer and its scale
    known = pa.array(~unknown).buffers()[1]
    return pa.Decimal128Array.from_buffers(
        MONEY, len(cents), [known, pa.py_buffer(halves.tobytes())]
    )
