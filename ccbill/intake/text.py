"""Text columns as distinct values and codes, so that each distinct cell is understood once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccbill.slices import taken
from ccbill.tables import Mask, light

Codes = npt.NDArray[Any]  # signed integers, small ones where the values are few

_BLANKS = [bytes([sign]) for sign in b"\t\n\v\f\r\x1c\x1d\x1e\x1f "]
MANY = 10_000  # rows from which on it pays to see first whether the cells are all unlike

# What people write around a cell besides plain quotation marks.
MARKS = "'`\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb"
# Spaces that a line does not break at, and signs that nobody sees: pasted in, never meant.
_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_UNSEEN = "\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
_AROUND = f"\t-\r\x1c- \x85\u2028\u2029{_SPACES}{_UNSEEN}"
ODD = f"[{_SPACES}{_UNSEEN}]"
_OUTER = rf"\A[{_AROUND}]+|[{_AROUND}]+\z"


@dataclass(frozen=True, slots=True)
class Text:
    """A column of text: `values` are its distinct trimmed cells, `codes` one of them per row.

    `values` is an Arrow string array without blanks or repeats; a blank cell's code is -1.
    """

    codes: Codes
    values: Any
    in_order: bool = False  # the values are sorted, and each is on some row

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def blank(self) -> Mask:
        return self.codes < 0

    def words(self) -> list[str]:
        """The distinct values as Python text."""
        words: list[str] = self.values.to_pylist()
        return words

    def spread(self, per_value: npt.NDArray[Any], blank: Any) -> npt.NDArray[Any]:
        """One number per row from one per distinct value, and `blank` for the blank cells.

        Not to be written into: what is `blank` throughout is one number that stands for all rows.
        """
        none = np.array(blank, per_value.dtype)
        if (per_value == none).all():
            return np.broadcast_to(none, len(self.codes))
        return taken(np.append(per_value, none), self.codes)

    def counts(self) -> npt.NDArray[np.int64]:
        """How many rows hold each distinct value."""
        return np.bincount(self.codes + 1, minlength=len(self.values) + 1)[1:]

    def used(self) -> Mask:
        """Which of the distinct values any row holds."""
        found = np.zeros(len(self.values) + 1, bool)
        found[self.codes] = True
        return found[:-1]

    def take(self, rows: npt.NDArray[Any]) -> Text:
        """The same column for some of its rows, by mask or by position."""
        return Text(self.codes[rows], self.values)

    def translated(self, per_value: Any) -> Text:
        """Each distinct value replaced by another text; a null or empty one makes a blank."""
        return merged(self.codes, pa.array(per_value, pa.string(), from_pandas=True))

    def filled(self, other: Text) -> Text:
        """The column with its blank cells taken from another."""
        if not len(other.values) or not self.blank.any():
            return self
        if not len(self.values):
            return other
        both = joined([self, other])
        own, its = both.codes[: len(self)], both.codes[len(self) :]
        return Text(np.where(own < 0, its, own), both.values)

    def filled_with(self, word: str) -> Text:
        return self.filled(constant(word, len(self)))

    def cleared(self, rows: Mask) -> Text:
        """The column with some cells made blank."""
        return Text(np.where(rows, self.codes.dtype.type(-1), self.codes), self.values)

    def sorted(self) -> Text:
        """The column with the values it uses, and no others, in order."""
        if self.in_order:
            return self
        used = np.flatnonzero(self.used())
        values = self.values.take(pa.array(used)) if len(used) < len(self.values) else self.values
        order = pc.sort_indices(values).to_numpy()
        rank = np.full(len(self.values), -1, smallest(len(used)))
        rank[used[order]] = np.arange(len(used))
        if (rank == np.arange(len(rank))).all():
            return Text(self.codes, self.values, in_order=True)
        return Text(self.spread(rank, -1), values.take(pa.array(order)), in_order=True)

    def categorical(self) -> pd.Categorical:
        """The column as pandas has it, with its categories in order."""
        column = self.sorted()
        categories = pd.Index(column.values.to_numpy(zero_copy_only=False), dtype=str)
        return light(pd.Categorical.from_codes(column.codes, categories=categories, validate=False))


def blank(rows: int) -> Text:
    return Text(np.broadcast_to(np.int8(-1), rows), pa.array([], pa.string()), in_order=True)


def constant(word: str, rows: int) -> Text:
    return Text(np.broadcast_to(np.int8(0), rows), pa.array([word], pa.string()))


def smallest(values: int) -> type[np.signedinteger[Any]]:
    """The smallest integers that number so many values, and -1."""
    return next(kind for kind in (np.int8, np.int16, np.int32) if values <= np.iinfo(kind).max)


def from_arrow(column: Any) -> Text:
    """The cells of an Arrow column of strings, trimmed; null and white cells are blank."""
    if not isinstance(column, pa.ChunkedArray):
        column = pa.chunked_array([column])
    unlike = _unlike(column)
    column = column.unify_dictionaries().combine_chunks()
    if unlike:
        codes, values = np.arange(len(column), dtype=np.int32), column
    else:
        coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        values = coded.dictionary
        codes = _codes(coded).astype(smallest(len(values)), copy=False)
    if _is_plain(values):
        return Text(codes, values)
    return merged(codes, trimmed_values(values))


def _codes(coded: pa.DictionaryArray) -> npt.NDArray[np.int32]:
    """Each cell's place among the distinct values, -1 for a null."""
    places = coded.indices.fill_null(-1) if coded.null_count else coded.indices
    found: npt.NDArray[np.int32] = places.to_numpy(zero_copy_only=False)
    return found


def _is_plain(values: Any) -> bool:
    """Whether the values surely are trimmed and not empty, which is told by their letters alone."""
    _, ends, letters = values.buffers()
    if values.null_count or not letters:
        return not len(values)
    ends = np.frombuffer(ends, np.int32)[values.offset :][: len(values) + 1]
    text = letters.to_pybytes()
    blanks = any(sign in text for sign in _BLANKS)
    return text.isascii() and not blanks and bool((ends[1:] > ends[:-1]).all())


def _unlike(column: pa.ChunkedArray) -> bool:
    """Whether the cells are short, and surely no two are alike; False says nothing.

    Identifiers are, and to see it costs a tenth of what it costs to collect distinct values.
    """
    if not pa.types.is_string(column.type) or column.null_count:
        return False
    if len(column.slice(0, MANY).unique()) < MANY:
        return False
    longest = pc.max(pc.binary_length(column)).as_py()
    if longest > 16:
        return False
    keys = np.concatenate([_keys(chunk, longest > 8) for chunk in column.chunks])
    keys.sort()
    return bool((keys[1:] != keys[:-1]).all())


def _keys(cells: pa.StringArray, long: bool) -> npt.NDArray[np.uint64]:
    """A number for each cell of up to sixteen letters, or of eight where none is `long`."""
    ends = np.frombuffer(cells.buffers()[1], np.int32)[cells.offset :][: len(cells) + 1]
    lengths = np.diff(ends)
    letters = np.frombuffer(cells.buffers()[2] or b"", np.uint8)
    padded = np.append(letters[: ends[-1]], np.zeros(16, np.uint8))
    words = np.ndarray((ends[-1] + 8,), "<u8", padded, strides=(1,))
    keys = _first_letters(words[ends[:-1]], lengths)
    if long:
        rest = _first_letters(words[ends[:-1] + np.minimum(lengths, 8)], lengths - 8)
        keys = keys * np.uint64(0x9E3779B97F4A7C15) ^ rest * np.uint64(0xC2B2AE3D27D4EB4F)
    return keys


def _first_letters(words: npt.NDArray[np.uint64], lengths: npt.NDArray[Any]) -> Any:
    """Eight letters each, those beyond the length made zero."""
    bits = (8 * (8 - np.clip(lengths, 0, 8))).astype(np.uint64)
    kept = np.where(bits < 64, np.uint64(2**64 - 1) >> np.minimum(bits, np.uint64(63)), 0)
    return words & kept.astype(np.uint64)


def trimmed_values(values: Any) -> Any:
    """Texts without the spaces, and the signs that nobody sees, around them."""
    if pc.all(pc.string_is_ascii(values)).as_py():
        return pc.utf8_trim_whitespace(values)
    return pc.replace_substring_regex(values, _OUTER, "")


def trimmed(cell: str) -> str:
    """A text without the spaces, and the signs that nobody sees, around it."""
    return re.sub(rf"\A[{_AROUND}]+|[{_AROUND}]+\Z", "", cell)


def as_words(text: Text) -> Text:
    """The column as words, dates and numbers are read: every space a plain one, nothing unseen."""
    if pc.all(pc.string_is_ascii(text.values)).as_py():
        return text
    spaced = pc.replace_substring_regex(text.values, f"[{_SPACES}]", " ")
    return text.translated(pc.replace_substring_regex(spaced, f"[{_UNSEEN}]", ""))


def plain(cell: str) -> str:
    """A text without outer spaces and without signs that nobody sees."""
    return re.sub(f"[{_UNSEEN}]", "", re.sub(f"[{_SPACES}]", " ", cell)).strip()


def from_strings(cells: Sequence[str]) -> Text:
    return from_arrow(pa.array(cells, pa.string()))


def joined(columns: Sequence[Text]) -> Text:
    """Several columns one below the other."""
    if len(columns) == 1:
        return columns[0]
    place, values = _distinct(pa.concat_arrays([column.values for column in columns]))
    ends = np.cumsum([len(column.values) for column in columns])
    of_codes = [np.append(each, place[-1]) for each in np.split(place[:-1], ends[:-1])]
    codes = [taken(each, c.codes) for each, c in zip(of_codes, columns, strict=True)]
    return Text(np.concatenate(codes), values)


def merged(codes: Codes, values: Any) -> Text:
    """The column after equal values are made one, and empty or null ones blank."""
    place, kept = _distinct(values)
    return Text(codes if len(kept) == len(values) else taken(place, codes), kept)


def _distinct(values: Any) -> tuple[Codes, Any]:
    """Each value's code, and -1 at the end; and the distinct values that are not empty or null."""
    coded = values.dictionary_encode()
    kept = coded.dictionary
    place = _codes(coded)
    empty = pc.index(kept, "").as_py()
    if empty >= 0:
        place = np.where(place == empty, -1, place - (place > empty))
        kept = kept.take(pa.array(np.delete(np.arange(len(kept)), empty)))
    return np.append(place, -1).astype(smallest(len(kept))), kept
