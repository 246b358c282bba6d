"""Tables as Parquet bytes, and back: how the ledger keeps what a run said."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ccbill.tables import TEXT


def packed(table: pd.DataFrame) -> bytes:
    """The table as compressed Parquet, texts as numbers of the distinct ones."""
    arrays = [_array(table[name]) for name in table.columns]
    whole = pa.Table.from_arrays(arrays, [str(name) for name in table.columns])
    buffer = io.BytesIO()
    pq.write_table(whole, buffer, compression="zstd", compression_level=9)
    return buffer.getvalue()


def _array(series: Any) -> pa.Array:
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.cat.remove_unused_categories()
    if series.dtype != object and (len(series) or series.dtype.kind in "biuf"):
        array = pa.array(series, from_pandas=True)
    else:
        array = _objects(series)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _objects(series: Any) -> pa.Array:
    """A column of texts or of bytes, some of which may be missing."""
    kept = series[series.notna()]
    binary = len(kept) and isinstance(kept.iloc[0], bytes)
    return pa.array(series, pa.binary() if binary else pa.string(), from_pandas=True)


def unpacked(
    content: bytes, kinds: Mapping[str, str], columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """The table again: columns that `kinds` calls text are categorical, others as they are."""
    names = list(columns) if columns is not None else None
    whole = pq.read_table(pa.BufferReader(content), columns=names)
    made = {}
    for name in whole.column_names:
        column = whole.column(name)
        if kinds.get(name) == TEXT:
            words = column.cast(pa.string()).dictionary_encode().combine_chunks()
            codes = words.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            index = pd.Index(words.dictionary.to_pylist(), dtype=str)
            made[name] = pd.Categorical.from_codes(codes.astype(np.int32), categories=index)
        else:
            made[name] = column.to_pandas().array
    return pd.DataFrame(made, copy=False)
