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

from ccbill.tables import Mask

Codes = npt.NDArray[np.int32]

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
        """One number per row from one per distinct value, and `blank` for the blank cells."""
        if not blank and not per_value.any():
            return np.zeros(len(self.codes), per_value.dtype)
        return np.append(per_value, np.array([blank], per_value.dtype))[self.codes]

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
        return Text(np.where(rows, np.int32(-1), self.codes), self.values)

    def sorted(self) -> Text:
        """The column with the values it uses, and no others, in order."""
        if self.in_order:
            return self
        used = np.flatnonzero(self.used())
        values = self.values.take(pa.array(used)) if len(used) < len(self.values) else self.values
        order = pc.sort_indices(values).to_numpy()
        rank = np.full(len(self.values), -1, np.int32)
        rank[used[order]] = np.arange(len(used), dtype=np.int32)
        if (rank == np.arange(len(rank))).all():
            return Text(self.codes, self.values, in_order=True)
        return Text(self.spread(rank, -1), values.take(pa.array(order)), in_order=True)

    def categorical(self) -> pd.Categorical:
        """The column as pandas has it, with its categories in order."""
        column = self.sorted()
        categories = pd.Index(column.values.to_numpy(zero_copy_only=False), dtype=str)
        return pd.Categorical.from_codes(column.codes, categories=categories, validate=False)


def blank(rows: int) -> Text:
    return Text(np.full(rows, -1, np.int32), pa.array([], pa.string()), in_order=True)


def constant(word: str, rows: int) -> Text:
    return Text(np.zeros(rows, np.int32), pa.array([word], pa.string()))


def from_arrow(column: Any) -> Text:
    """The cells of an Arrow column of strings, trimmed; null and white cells are blank."""
    if isinstance(column, pa.ChunkedArray):
        column = column.unify_dictionaries().combine_chunks()
    if _unlike(column):
        codes, values = np.arange(len(column), dtype=np.int32), column
    else:
        coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        values = coded.dictionary
    if _is_plain(values):
        return Text(codes, values)
    return merged(codes, trimmed_values(values))


def _is_plain(values: Any) -> bool:
    """Whether the values surely are trimmed and not empty, which is told by their letters alone."""
    _, ends, letters = values.buffers()
    if values.null_count or not letters:
        return not len(values)
    ends = np.frombuffer(ends, np.int32)[values.offset :][: len(values) + 1]
    text = letters.to_pybytes()
    blanks = any(sign in text for sign in _BLANKS)
    return text.isascii() and not blanks and bool((ends[1:] > ends[:-1]).all())


def _unlike(column: Any) -> bool:
    """Whether the cells are short, and surely no two are alike; False says nothing.

    Identifiers are, and to see it costs a tenth of what it costs to collect distinct values.
    """
    if not pa.types.is_string(column.type) or column.null_count or len(column) < MANY:
        return False
    ends = np.frombuffer(column.buffers()[1], np.int32)[column.offset :][: len(column) + 1]
    lengths = np.diff(ends)
    first = column.slice(0, MANY)
    if lengths.max() > 16 or ends[-1] < 16 or len(first.unique()) < len(first):
        return False
    letters = np.frombuffer(column.buffers()[2], np.uint8)
    padded = np.append(letters[: ends[-1]], np.zeros(16, np.uint8))
    words = np.ndarray((ends[-1] + 8,), "<u8", padded, strides=(1,))
    keys = _first_letters(words[ends[:-1]], lengths)
    if lengths.max() > 8:
        rest = _first_letters(words[ends[:-1] + np.minimum(lengths, 8)], lengths - 8)
        keys = keys * np.uint64(0x9E3779B97F4A7C15) ^ rest * np.uint64(0xC2B2AE3D27D4EB4F)
    keys = np.sort(keys)
    return bool((keys[1:] != keys[:-1]).all())


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
    bases = np.cumsum([0, *(len(c.values) for c in columns[:-1])]).astype(np.int32)
    shifted = [np.where(c.codes < 0, c.codes, c.codes + b) for c, b in zip(columns, bases)]  # noqa: B905
    return merged(np.concatenate(shifted), pa.concat_arrays([c.values for c in columns]))


def merged(codes: Codes, values: Any) -> Text:
    """The column after equal values are made one, and empty or null ones blank."""
    coded = values.dictionary_encode()
    empty = pc.index(coded.dictionary, "").as_py()
    place = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    if empty >= 0:
        place = np.where(place == empty, -1, place - (place > empty)).astype(np.int32)
        kept = np.delete(np.arange(len(coded.dictionary)), empty)
        return Text(np.append(place, np.int32(-1))[codes], coded.dictionary.take(pa.array(kept)))
    return Text(np.append(place, np.int32(-1))[codes], coded.dictionary)
