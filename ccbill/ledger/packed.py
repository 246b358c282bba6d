"""Tables as Parquet bytes, and back: how the ledger keeps what a run said."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ccbill.report.typed import strings
from ccbill.stacked import ranks
from ccbill.tables import TEXT, Ints, categorical, known_span

if TYPE_CHECKING:
    import pyarrow.parquet as pq

FEW = 2**12  # distinct texts; more would be written again for each group of rows
ROWS_A_NUMBER = 4  # at least, where numbers are likely to repeat one another
ROWS_TOGETHER = 2**16  # what is read at least, where rows stand by a key


def packed(table: pd.DataFrame, by: str | None = None) -> bytes:
    """The table as compressed Parquet, texts as numbers of the distinct ones.

    With `by`, a column of texts, rows of one text stand together, so that they are found quickly.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415  (slow to load)

    order = slice(None) if by is None else _order(table[by])
    arrays = [_array(pd.Series(table[name].array[order])) for name in table.columns]
    whole = pa.Table.from_arrays(arrays, [str(name) for name in table.columns])
    repeat = [name for name in whole.column_names if _repeat(whole[name])]
    buffer = io.BytesIO()
    pq.write_table(
        whole, buffer, compression="zstd", row_group_size=ROWS_TOGETHER, use_dictionary=repeat
    )
    return buffer.getvalue()


def _repeat(cells: pa.ChunkedArray) -> bool:
    """Whether the cells surely repeat one another, so that it pays to number the distinct ones."""
    if pa.types.is_integer(cells.type) and not cells.null_count:
        first, last = known_span(cells.to_numpy())
        return (last - first) * ROWS_A_NUMBER < len(cells)
    return bool(pa.types.is_dictionary(cells.type))


def _order(texts: pd.Series[Any]) -> Ints:
    """The places of rows by their text, equal ones as they come, blanks last."""
    place = ranks(texts, blank=len(texts.cat.categories))
    return np.argsort(place * len(texts) + np.arange(len(texts)))


def _array(series: Any) -> pa.Array:
    if isinstance(series.dtype, pd.CategoricalDtype):
        return _words(series.cat)
    if series.dtype != object and (len(series) or series.dtype.kind in "biuf"):
        array = pa.array(series, from_pandas=True)
    else:
        array = _objects(series)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _words(texts: Any) -> pa.Array:
    codes = texts.codes.to_numpy()
    used = np.zeros(len(texts.categories) + 1, bool)
    used[codes] = True
    if not used[:-1].all():
        return _words(texts.remove_unused_categories().cat)
    words = strings(texts.categories).cast(pa.string())
    array = pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), words)
    return array if len(words) <= FEW else array.dictionary_decode()


def _objects(series: Any) -> pa.Array:
    """A column of texts or of bytes, some of which may be missing."""
    kept = series[series.notna()]
    binary = len(kept) and isinstance(kept.iloc[0], bytes)
    return pa.array(series, pa.binary() if binary else pa.string(), from_pandas=True)


def opened(content: bytes, texts: Sequence[str] = ()) -> pq.ParquetFile:
    """The packed table, to be read by the column; `texts` come as numbers of the distinct ones.

    Read it with `use_threads=False`: a thread that pyarrow still has at the end of a short command
    may abort it.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415

    return pq.ParquetFile(pa.BufferReader(content), read_dictionary=[*texts], pre_buffer=False)


def unpacked(
    content: bytes, kinds: Mapping[str, str], columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """The table again: columns that `kinds` calls text are categorical, others as they are."""
    names = None if columns is None else list(columns)
    whole = opened(content).read(columns=names, use_threads=False)
    return pd.DataFrame(
        {name: column(whole.column(name), kinds.get(name, "")) for name in whole.column_names},
        copy=False,
    )


def column(read: pa.ChunkedArray, kind: str) -> Any:
    """A column as it was: texts as a categorical of those that are there."""
    if kind == "string":
        return pd.array(read.to_pandas(), dtype="str")
    if kind != TEXT:
        return read.to_pandas().array
    words = read.cast(pa.string()).combine_chunks().dictionary_encode()
    codes = words.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return categorical(codes, words.dictionary.to_pylist())
