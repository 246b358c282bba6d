"""The CSV and Parquet sets: every table of a run, one file each.

Arrow's own CSV writer puts quotes around all text, so rows are joined here: each distinct text is
made safe and quoted once, neighbours with few texts are joined once for each pair that occurs, and
the rest whole columns at a time.
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ccbill.report.typed import STRING, is_text

ROWS_AT_ONCE = 16_384
ROWS_A_PAIR = 4  # from which on it pays to join two texts ahead of the rows that have both

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
    ready = _together([_ready(column) for column in table.columns])
    for start in range(0, len(table), ROWS_AT_ONCE):
        file.write(_lines([column.slice(start, ROWS_AT_ONCE) for column in ready]))


def write_parquet(table: pa.Table, file: BinaryIO) -> None:
    """Write a typed table; a heading that occurs twice is numbered from its second time on."""
    seen: dict[str, int] = {}
    names = []
    for name in table.column_names:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    pq.write_table(table.rename_columns(names), file, compression="zstd")


def _ready(column: pa.ChunkedArray) -> pa.Array:
    """The column with text made safe, distinct texts and days once; numbers as they are."""
    values = column.combine_chunks()
    if pa.types.is_date32(values.type):
        values = values.dictionary_encode()
        return pa.DictionaryArray.from_arrays(values.indices, values.dictionary.cast(STRING))
    if isinstance(values, pa.DictionaryArray):
        return pa.DictionaryArray.from_arrays(values.indices, _safe(values.dictionary))
    return _safe(values) if is_text(values.type) else values


def _together(columns: list[pa.Array]) -> list[pa.Array]:
    """The columns with neighbours made one, their cells joined, where that pays.

    It does while all the pairs that there could be of their distinct texts are fewer than the rows.
    """
    made = columns[:1]
    for column in columns[1:]:
        if _few_pairs(made[-1], column):
            made.append(_joined(made.pop(), column))
        else:
            made.append(column)
    return made


def _few_pairs(first: pa.Array, second: pa.Array) -> bool:
    if not all(isinstance(column, pa.DictionaryArray) for column in (first, second)):
        return False
    pairs = (len(first.dictionary) + 1) * (len(second.dictionary) + 1)
    return pairs * ROWS_A_PAIR < len(first)


def _joined(first: pa.DictionaryArray, second: pa.DictionaryArray) -> pa.DictionaryArray:
    """Both columns' cells with a comma between them, each pair that occurs once."""
    width = len(second.dictionary) + 1
    left, right = (_codes(column) for column in (first, second))
    pair = left * width + right
    occurs = np.zeros((len(first.dictionary) + 1) * width, bool)
    occurs[pair] = True
    found = np.flatnonzero(occurs)
    texts = pc.binary_join_element_wise(
        _texts(first).take(pa.array(found // width)),
        _texts(second).take(pa.array(found % width)),
        _COMMA,
    )
    place = np.zeros(len(occurs), np.int32)
    place[found] = np.arange(len(found), dtype=np.int32)
    return pa.DictionaryArray.from_arrays(place[pair], texts)


def _codes(column: pa.DictionaryArray) -> npt.NDArray[np.int32]:
    """Each cell's place among the texts, a blank's the one after the last."""
    return column.indices.cast(pa.int32()).fill_null(len(column.dictionary)).to_numpy()


def _texts(column: pa.DictionaryArray) -> pa.Array:
    """The distinct texts of a column, and the blank after them."""
    return pa.concat_arrays([column.dictionary, pa.array([""], STRING)])


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


def _lines(columns: list[pa.Array]) -> pa.Buffer:
    """The rows of columns that are ready, as the bytes of their lines."""
    cells = []
    for column in columns:
        values = column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column
        cells.append(values.cast(STRING))
    blank = {"null_handling": "replace", "null_replacement": ""}
    *others, last = cells
    ended = pc.binary_join_element_wise(last, _NOTHING, _END, **blank)
    return _characters(pc.binary_join_element_wise(*others, ended, _COMMA, **blank))


def _characters(texts: pa.Array) -> pa.Buffer:
    """All the characters of an array that no slice was taken of, one text after the other."""
    return texts.buffers()[2]
