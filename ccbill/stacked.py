"""Parts of a table, one below the other, with text kept as the numbers of its distinct words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccbill.tables import UNKNOWN, Ints, blank_text, categorical


def stacked(parts: list[pd.DataFrame], columns: Mapping[str, bool]) -> pd.DataFrame:
    """The table of all parts with these columns, of which some are text and the rest int64.

    A column that a part has not is blank or UNKNOWN there. The parts are taken apart, so that
    there is never all of them twice.
    """
    taken = [(len(part), dict(part.items())) for part in parts if len(part)]
    parts.clear()
    table = {}
    for name, text in columns.items():
        cells = [part.pop(name, rows) for rows, part in taken]
        table[name] = _texts(cells) if text else _numbers(cells)
    return pd.DataFrame(table, copy=False)


def _numbers(parts: Sequence[pd.Series[Any] | int]) -> Ints:
    found = [
        np.full(part, UNKNOWN, np.int64)
        if isinstance(part, int)
        else part.fillna(UNKNOWN).to_numpy(np.int64)
        for part in parts
    ]
    return np.concatenate([np.zeros(0, np.int64), *found])


def _texts(parts: Sequence[pd.Series[Any] | int]) -> pd.Categorical:
    """The words of the part with the most of them come first: parts of one log share theirs."""
    texts = [part if isinstance(part, int) else _text(part) for part in parts]
    given = [each for each in texts if not isinstance(each, int)] or [blank_text(0)]
    most = max(given, key=lambda each: len(each.categories))
    others: dict[str, int] = {}
    numbers = [np.zeros(0, np.int32)]
    for each in texts:
        if isinstance(each, int):
            numbers.append(np.full(each, -1, np.int32))
        elif each.categories is most.categories:
            numbers.append(each.codes.astype(np.int32))
        else:
            numbers.append(_places(each, most.categories, others))
    codes = np.concatenate(numbers)
    if others:
        words = most.categories.append(pd.Index([*others], dtype=str))
        both: pd.Categorical = categorical(codes, words)
        return both
    return pd.Categorical.from_codes(codes, dtype=most.dtype)


def _places(text: pd.Categorical, words: pd.Index[Any], others: dict[str, int]) -> Ints:
    """The place of each cell's word among these words, or after them among the others, to which
    those that are missing are added; -1 for a blank."""
    occurs = np.zeros(len(text.categories) + 1, bool)
    occurs[text.codes] = True
    used = np.flatnonzero(occurs[:-1])
    place = np.full(len(occurs), -1, np.int32)
    if len(used):
        place[used] = words.get_indexer(text.categories[used])
    for n in used[place[used] < 0].tolist():
        place[n] = len(words) + others.setdefault(str(text.categories[n]), len(others))
    return place[text.codes]


def _text(column: pd.Series[Any]) -> pd.Categorical:
    if isinstance(column.array, pd.Categorical):
        return column.array
    numbers, words = pd.factorize(column)
    text: pd.Categorical = categorical(numbers, words)
    return text


def ranks(column: pd.Series[Any], blank: int) -> Ints:
    """The place of each text among the distinct ones in their order, and that of a blank."""
    text = pd.Categorical(column)
    place = np.empty(len(text.categories) + 1, np.int64)
    place[text.categories.argsort()] = np.arange(len(text.categories))
    place[-1] = blank
    return place[text.codes]


def in_order(table: pd.DataFrame, *keys: Ints) -> pd.DataFrame:
    """The rows by these keys, the first one before the others; the table is taken apart."""
    order = np.lexsort(keys[::-1])
    columns = {name: table.pop(name).array.take(order) for name in [*table]}
    return pd.DataFrame(columns, copy=False)
