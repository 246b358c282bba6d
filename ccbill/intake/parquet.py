"""A Parquet file → columns of text, its first row being row 2 as below a heading."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ccbill.cells.text import text_of
from ccbill.intake import sniff
from ccbill.intake.table import Table
from ccbill.intake.text import Text, merged, plain, trimmed_values

MOST_ROWS, ROWS_A_BYTE = 1_000_000, 50  # more is no log, but a bomb
EXPORT = "export it again, or save it as CSV (UTF-8)"


def read(name: str, data: bytes) -> Table:
    """Every record of the file; CcbillError where a cell would be more than one value."""
    try:
        with pq.ParquetFile(pa.BufferReader(data)) as file:
            _check(name, file, len(data))
            found = file.read(use_threads=False)
    except (pa.ArrowException, OSError, ValueError):
        what = "is a Parquet file that cannot be read: it is damaged or cut short"
        raise sniff.refused(name, what, EXPORT) from None
    columns = [_text(column) for column in found.columns]
    rows = np.arange(2, found.num_rows + 2, dtype=np.int32)
    return Table(name, [plain(heading) for heading in found.column_names], 1, columns, rows)


def _check(name: str, file: pq.ParquetFile, size: int) -> None:
    if file.metadata.num_rows > max(MOST_ROWS, ROWS_A_BYTE * size):
        what = f"is a small Parquet file of {file.metadata.num_rows:,} rows"
        raise sniff.refused(name, what, EXPORT)
    for field in file.schema_arrow:
        if pa.types.is_nested(field.type) or _is_bytes(field.type):
            what = f"has a column of lists, records or bytes: {field.name!r}"
            raise sniff.refused(name, what, "write each value into a column of its own")


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _text(column: pa.ChunkedArray) -> Text:
    """Each distinct value as an export would write it."""
    whole = column.combine_chunks()
    coded = whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()
    codes = coded.indices.cast(pa.int32()).fill_null(-1).to_numpy(zero_copy_only=False)
    values = coded.dictionary
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    if not pa.types.is_string(values.type):
        values = pa.array([_word(value) for value in values.to_pylist()], pa.string())
    return merged(codes, trimmed_values(values))


def _word(value: Any) -> str | None:
    if value is None or value != value:  # noqa: PLR0124  (a float that is none)
        return None
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # exact, as no workbook's is
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return text_of(value)
