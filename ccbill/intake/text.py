"""Text columns as distinct values and codes, so that each distinct cell is understood once."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Text:
    """A column of text: `values` are its distinct trimmed cells, `codes` one of them per row.

    `values` is an Arrow string array without blanks or repeats; a blank cell's code is -1.
    """

    codes: Codes
    values: Any

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
        return np.append(per_value, np.array([blank], per_value.dtype))[self.codes]

    def counts(self) -> npt.NDArray[np.int64]:
        """How many rows hold each distinct value."""
        return np.bincount(self.codes + 1, minlength=len(self.values) + 1)[1:]

    def take(self, rows: npt.NDArray[Any]) -> Text:
        """The same column for some of its rows, by mask or by position."""
        return Text(self.codes[rows], self.values)

    def translated(self, per_value: Any) -> Text:
        """Each distinct value replaced by another text; a null or empty one makes a blank."""
        return merged(self.codes, pa.array(per_value, pa.string(), from_pandas=True))

    def filled(self, other: Text) -> Text:
        """The column with its blank cells taken from another."""
        if not self.blank.any() or not len(other.values):
            return self
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
        used = np.flatnonzero(self.counts())
        values = self.values.take(pa.array(used)) if len(used) < len(self.values) else self.values
        order = pc.sort_indices(values).to_numpy()
        rank = np.full(len(self.values), -1, np.int32)
        rank[used[order]] = np.arange(len(used), dtype=np.int32)
        return Text(self.spread(rank, -1), values.take(pa.array(order)))

    def categorical(self) -> pd.Categorical:
        """The column as pandas has it, with its categories in order."""
        column = self.sorted()
        categories = pd.Index(column.values.to_numpy(zero_copy_only=False), dtype=str)
        return pd.Categorical.from_codes(column.codes, categories=categories, validate=False)


def blank(rows: int) -> Text:
    return Text(np.full(rows, -1, np.int32), pa.array([], pa.string()))


def constant(word: str, rows: int) -> Text:
    return Text(np.zeros(rows, np.int32), pa.array([word], pa.string()))


def from_arrow(column: Any) -> Text:
    """The cells of an Arrow string column, trimmed; null and white cells are blank."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    coded = column.dictionary_encode()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    values = coded.dictionary
    trimmed = pc.utf8_trim_whitespace(values)
    if trimmed.equals(values) and not pc.index(values, "").as_py() >= 0:
        return Text(codes, values)
    return merged(codes, trimmed)


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
