"""Text columns as pandas has them: categoricals, made from the numbers of their words."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccbill.tables import UNKNOWN, Ints

MANY_WORDS = 10_000


def named(values: Sequence[str | None], numbers: Ints) -> Any:
    """The text that each number stands for, as a categorical; -1 is the last of the values."""
    codes, words = pd.factorize(np.array(values, object))
    return categorical(codes[numbers], words)


def worded(texts: Sequence[str | None], numbers: Ints) -> Any:
    """The text that each number stands for, as a categorical of those that occur in their order,
    which is that of groups by the column; -1 is a blank."""
    unused = np.ones(len(texts) + 1, bool)
    unused[numbers] = False
    known = np.array([*texts, None], object)
    known[unused] = None
    codes, words = pd.factorize(known, sort=True)
    return categorical(codes[numbers], words)


def categorical(codes: Ints, words: Any) -> Any:
    """A text column from the numbers of its words, -1 for a blank."""
    return light(pd.Categorical.from_codes(codes, categories=pd.Index(words, dtype=str)))


def light(text: pd.Categorical) -> pd.Categorical:
    """The same column, without the table of its words by which pandas has seen that they differ.

    The table would stay as long as the column, and is several times its size where words are many.
    """
    if len(text.categories) < MANY_WORDS:
        return text
    found: pd.Categorical = pickle.loads(pickle.dumps(text, protocol=5))
    return found


def together(*columns: Any) -> tuple[Ints, Ints]:
    """A number for each row, equal where all these columns are, and each number's first row."""
    number = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        codes, values = pd.factorize(column)
        number, _ = pd.factorize(number * (len(values) + 1) + codes + 1)
    first = np.empty(number.max(initial=-1) + 1, np.int64)
    first[number[::-1]] = np.arange(len(number))[::-1]
    return number, first


def month_text(days: Ints) -> Any:
    """`2026-03` for each day, as a categorical; blank where the day is not known."""
    known = days != UNKNOWN
    months = np.where(known, days, 0).astype("M8[D]").astype("M8[M]")
    values, codes = np.unique(months, return_inverse=True)
    return categorical(np.where(known, codes, -1), values.astype(str))


def always(text: str | None, rows: int) -> Any:
    """A text column that is the same in all rows."""
    if text is None:
        return blank_text(rows)
    codes = np.broadcast_to(np.int8(0), rows)
    return pd.Categorical.from_codes(codes, categories=pd.Index([text], dtype=str))


def blank_text(rows: int) -> pd.Categorical:
    """A text column that nobody gave."""
    codes = np.broadcast_to(np.int8(-1), rows)
    return pd.Categorical.from_codes(codes, categories=pd.Index([], dtype=str))
