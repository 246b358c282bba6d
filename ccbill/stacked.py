"""Parts of a table, one below the other, with text kept as the numbers of its distinct words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccbill.tables import UNKNOWN, Ints, blank_text, categorical


def stacked(parts: Sequence[pd.DataFrame], columns: Mapping[str, bool]) -> pd.DataFrame:
    """The table of all parts with these columns, of which some are text and the rest int64.

    A column that a part has not is blank or UNKNOWN there. The parts are taken apart, so that
    there is never all of them twice.
    """
    parts = [part for part in parts if len(part)]
    table = {}
    for name, text in columns.items():
        cells = [part.pop(name) if name in part else len(part) for part in parts]
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


def _texts(parts: Sequence[pd.Series[Any] | int]) -> Any:
    """The words of the part with the most of them come first: parts of one log share theirs."""
    texts = [blank_text(part) if isinstance(part, int) else _text(part) for part in parts]
    most = max((each.categories for each in texts), key=len, default=pd.Index([], dtype=str))
    others: dict[str, int] = {}
    numbers = [np.zeros(0, np.int32)]
    for each in texts:
        if each.categories is most:
            numbers.append(each.codes.astype(np.int32))
            continue
        own = each.remove_unused_categories()
        place = most.get_indexer(own.categories) if len(own.categories) else np.zeros(0, np.int64)
        for n in np.flatnonzero(place < 0).tolist():
            place[n] = len(most) + others.setdefault(str(own.categories[n]), len(others))
        numbers.append(np.append(place, -1)[own.codes].astype(np.int32))
    codes = np.concatenate(numbers)
    if others:
        return categorical(codes, most.append(pd.Index([*others], dtype=str)))
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(most))


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
