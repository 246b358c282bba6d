"""The CSV and Parquet sets: every table of a run, one file each.

Arrow's own CSV writer puts quotes around all text, so rows are joined here: each distinct text is
made safe and quoted once, and whole columns are joined at a time.
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ccbill.report.typed import STRING, is_text

ROWS_AT_ONCE = 65_536

# A spreadsheet takes a cell that begins so for a formula, or for the one beside it.
_FORMULA_STARTS = b"=+-@\t\r"
_NEEDS_QUOTES = '[",\r\n]'
_QUOTED = (b'"', b",", b"\r", b"\n")
_NOTHING, _COMMA, _END, _QUOTE, _GUARD = (
    pa.scalar(text, STRING) for text in ("", ",", "\n", '"', "'")
)


def write_csv(table: pa.Table, file: BinaryIO) -> None:
    """Write a typed table: UTF-8, `\\n`, quotes only where needed, no cell that acts as a formula.

    Text that begins with `= + - @`, tab or CR is written after an apostrophe; a null is a blank.
    """
    heading = _safe(pa.array(table.column_names, STRING)).to_pylist()
    file.write((",".join(heading) + "\n").encode())
    ready = pa.Table.from_arrays([_ready(column) for column in table.columns], table.column_names)
    for start in range(0, len(ready), ROWS_AT_ONCE):
        file.write(_lines(ready.slice(start, ROWS_AT_ONCE)))


def write_parquet(table: pa.Table, file: BinaryIO) -> None:
    """Write a typed table; a heading that occurs twice is numbered from its second time on."""
    seen: dict[str, int] = {}
    names = []
    for name in table.column_names:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    pq.write_table(table.rename_columns(names), file, compression="zstd")


def _ready(column: pa.ChunkedArray) -> pa.Array:
    """The column with text made safe, distinct texts once; other types as they are."""
    values = column.combine_chunks()
    if isinstance(values, pa.DictionaryArray):
        return pa.DictionaryArray.from_arrays(values.indices, _safe(values.dictionary))
    return _safe(values) if is_text(values.type) else values


def _safe(texts: pa.Array) -> pa.Array:
    if not len(texts):
        return texts
    acts = _acts(texts)
    if acts.any():
        guarded = pc.binary_join_element_wise(_GUARD, texts, _NOTHING)
        texts = pc.if_else(pa.array(acts), guarded, texts)
    characters = bytes(_characters(texts) or b"")
    if any(mark in characters for mark in _QUOTED):
        breaks = pc.match_substring_regex(texts, _NEEDS_QUOTES)
        doubled = pc.replace_substring(texts, '"', '""')
        texts = pc.if_else(
            breaks, pc.binary_join_element_wise(_QUOTE, doubled, _QUOTE, _NOTHING), texts
        )
    return texts


def _acts(texts: pa.Array) -> npt.NDArray[np.bool_]:
    """Which texts begin as a formula does, by their first bytes alone."""
    _, offsets, characters = texts.buffers()
    ends = np.frombuffer(offsets, np.int64)[texts.offset :][: len(texts) + 1]
    some = np.flatnonzero(ends[1:] > ends[:-1])
    first = np.frombuffer(characters or b"", np.uint8)[ends[some]]
    acts = np.zeros(len(texts), bool)
    acts[some] = np.isin(first, np.frombuffer(_FORMULA_STARTS, np.uint8))
    return acts


def _lines(table: pa.Table) -> pa.Buffer:
    """The rows of a table that is ready, as the bytes of their lines."""
    cells = []
    for column in table.columns:
        values = column.combine_chunks()
        if isinstance(values, pa.DictionaryArray):
            values = values.dictionary_decode()
        cells.append(values.cast(STRING))
    blank = {"null_handling": "replace", "null_replacement": ""}
    *others, last = cells
    ended = pc.binary_join_element_wise(last, _NOTHING, _END, **blank)
    return _characters(pc.binary_join_element_wise(*others, ended, _COMMA, **blank))


def _characters(texts: pa.Array) -> pa.Buffer:
    """All the characters of an array that no slice was taken of, one text after the other."""
    return texts.buffers()[2]
