"""Tables below one another, and columns that are numbered together."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ccbill import tables
from ccbill.stacked import stacked
from ccbill.tables import UNKNOWN, always, blank_text, categorical, together

COLUMNS = {"name": True, "number": False, "note": True}


def text(codes: list[int], words: list[str]) -> Any:
    return categorical(np.array(codes, np.int8), words)


def test_parts_with_words_of_their_own_and_without_some_columns() -> None:
    words = ["a", "b", "c"]
    parts = [
        pd.DataFrame({"name": text([2, -1, 0], words), "number": [1, 2, 3]}),
        pd.DataFrame({"number": pd.Series([None, 5.0]), "note": ["x", None]}),
        pd.DataFrame({"name": text([1, 0], ["unused", "b"])[:1], "note": always("y", 1)}),
        pd.DataFrame({"name": text([0], ["new"]), "note": blank_text(1)}),
        pd.DataFrame({"name": text([], ["nobody"])}),
    ]
    table = stacked(parts, COLUMNS)
    assert parts == []  # they are taken apart
    assert table.astype(object).where(table.notna(), None).to_numpy().tolist() == [
        ["c", 1, None],
        [None, 2, None],
        ["a", 3, None],
        [None, UNKNOWN, "x"],
        [None, 5, None],
        ["b", UNKNOWN, "y"],
        ["new", UNKNOWN, None],
    ]
    assert [*table["name"].cat.categories] == ["a", "b", "c", "new"]
    assert [str(kind) for kind in table.dtypes] == ["category", "int64", "category"]


def test_no_parts_are_a_table_without_rows() -> None:
    table = stacked([], COLUMNS)
    assert [*table.columns] == [*COLUMNS]
    assert len(table) == 0


@pytest.mark.parametrize("most", [1, 50, 2**62])
def test_rows_have_one_number_where_all_columns_are_equal(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Whether the columns pack into one number or not."""
    monkeypatch.setattr(tables, "MOST", most)
    chance = random.Random(3)
    rows = 300
    words = [chance.randrange(-1, 4) for _ in range(rows)]
    columns = {
        "text": text(words, ["p", "q", "r", "s"]),
        "series": pd.Series(text([max(w, 0) for w in words], ["t", "u", "v", "w"])),
        "day": np.array([chance.choice([UNKNOWN, -3, 20_000]) for _ in range(rows)]),
        "object": np.array([chance.choice(["x", "y", None]) for _ in range(rows)], object),
    }
    number, first = together(*columns.values())
    cells = zip(*(pd.Series(c).astype(object).fillna("-") for c in columns.values()), strict=True)
    known: dict[tuple[Any, ...], int] = {}
    expected = [known.setdefault(cell, len(known)) for cell in cells]
    assert number.tolist() == expected
    assert first.tolist() == [expected.index(n) for n in range(len(known))]


def test_no_rows_have_no_numbers() -> None:
    number, first = together(text([], ["p"]), np.array([], np.int64))
    assert (len(number), len(first)) == (0, 0)
