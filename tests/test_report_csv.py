"""The CSV and Parquet sets as another program reads them."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_report_tables import KINDS, claim, day, table_of

from ccbill.report import tables
from ccbill.report.csv_files import write_csv, write_parquet
from ccbill.report.typed import DATA_SETS, Coded, Sliced, sliced
from ccbill.tables import UNKNOWN

HOSTILE = [
    "=1+1",
    '=HYPERLINK("http://example.org","x")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "=a,b",
]
AWKWARD = [
    'say "so"',
    "a,b",
    "two\nlines",
    "two\r\nlines",
    " spaced ",
    "'quoted",
    "ünïcode 🩺",
    "0",
]


def text_of(table: pd.DataFrame, columns: dict[str, str]) -> str:
    file = io.BytesIO()
    write_csv(sliced(table, columns), file)
    return file.getvalue().decode()


def read_back(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("dtype", ["str", "category"])
def test_a_cell_that_would_act_as_a_formula_follows_an_apostrophe(dtype: str) -> None:
    table = pd.DataFrame({"text": pd.Series(HOSTILE + AWKWARD, dtype=dtype)})
    rows = read_back(text_of(table, {"text": tables.TEXT}))
    assert [row[0] for row in rows[1:]] == [f"'{text}" for text in HOSTILE] + AWKWARD


def test_quotes_stand_only_where_needed_and_lines_end_in_a_newline() -> None:
    rows = [
        {"text": "plain", "day": day("2026-03-01"), "number": 7, "money": 1250},
        {"text": 'a "b", c', "money": -5},
        {"number": -3, "money": 0},
    ]
    assert text_of(table_of(KINDS, rows), KINDS) == (
        'text,day,number,money\nplain,2026-03-01,7,12.50\n"a ""b"", c",,,-0.05\n,,-3,0.00\n'
    )


@pytest.mark.parametrize("columns", DATA_SETS.values(), ids=DATA_SETS)
def test_an_empty_table_is_its_heading(columns: dict[str, str]) -> None:
    assert text_of(table_of(columns, []), columns) == ",".join(columns) + "\n"


def test_a_column_of_blanks_alone_is_blank() -> None:
    table = pd.DataFrame({"text": pd.Series([None, None], dtype="str")})
    assert text_of(table, {"text": tables.TEXT}) == "text\n\n\n"


def test_a_part_of_a_table_is_written_as_it_would_be_alone() -> None:
    texts = ["=1", "plain", None, "a,b", "", "-2", "x"]
    table = pd.DataFrame({"text": pd.Series(texts, dtype="str"), "n": range(7)}).iloc[1:6]
    kinds = {"text": tables.TEXT, "n": tables.NUMBER}
    assert text_of(table, kinds) == 'text,n\nplain,1\n,2\n"a,b",3\n,4\n\'-2,5\n'


def test_a_heading_from_an_export_is_made_safe_too() -> None:
    table = pd.DataFrame(
        {"file": ["a"], "=cmd": ["x"], 'b "c"': ["y"], "file ": ["z"]}, dtype="str"
    )
    assert read_back(text_of(table, {"file": tables.TEXT})) == [
        ["file", "'=cmd", 'b "c"', "file "],
        ["a", "x", "y", "z"],
    ]


def test_many_rows_are_the_rows_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccbill.report.lines.ROWS_AT_ONCE", 7)
    rows = [{"text": f"t{n % 5}" if n % 3 else None, "number": n} for n in range(50)]
    assert read_back(text_of(table_of(KINDS, rows), KINDS))[1:] == [
        [row["text"] or "", "", str(row["number"]), ""] for row in rows
    ]


def of_every_kind(rows: int) -> Sliced:
    """Texts few and many, plain and awkward, days, numbers and money, each with blanks."""
    chance = random.Random(7)

    def some(values: Sequence[Any]) -> list[Any]:
        return [chance.choice(values) for _ in range(rows)]

    texts = [*HOSTILE, *AWKWARD, "", None]
    table = pd.DataFrame(
        {
            "few": pd.Series(some(texts), dtype="category"),
            "all": pd.Series([f"{text}{n}" for n, text in enumerate(some(texts))], dtype="str"),
            "one": pd.Series(["x"] * rows, dtype="object"),
            "blank": pd.Series([None] * rows, dtype="object"),
            "day": np.array(some([UNKNOWN, *range(-3, 9)]), np.int32),
            "row": np.arange(rows),
            "number": some([UNKNOWN, -2, 0, 11]),
            "money": some([UNKNOWN, -5, 0, 1250, 10**15]),
            "few cents": some([UNKNOWN, -3, 0, 4]),
            "last": pd.Series(some(texts), dtype="str"),
        }
    )
    days, cents = dict.fromkeys(["day"], tables.DAY), ("money", "few cents")
    kinds = days | dict.fromkeys(cents, tables.CENTS) | dict.fromkeys(["row", "number"], "number")
    made = sliced(table, {name: kinds.get(name, tables.TEXT) for name in table})
    shared = np.array(some([-1, 5, 6, 7]))
    words = pa.array(["=b", 'c"'], pa.large_string())
    numbered = [Coded(shared, words, np.array([0, 2, 0, 1]), 5) for _ in range(2)]
    names = [*made.names, "by number", "again"]
    return Sliced(names, [*made.columns, *numbered], rows)


def cell(value: Any) -> str:
    """A cell as this set writes it, one at a time."""
    text = "" if value is None else str(value)
    if isinstance(value, str) and text.startswith(("=", "+", "-", "@", "\t", "\r")):
        text = f"'{text}"
    quoted = text.replace('"', '""')
    return f'"{quoted}"' if any(mark in text for mark in '",\r\n') else text


@pytest.mark.parametrize("rows_at_once", [1, 3, 16_384])
@pytest.mark.parametrize("rows_together", [7, 131_072])
@pytest.mark.parametrize("rows_a_pair", [1, 16])
def test_rows_joined_by_the_column_are_those_joined_cell_by_cell(
    monkeypatch: pytest.MonkeyPatch, rows_at_once: int, rows_together: int, rows_a_pair: int
) -> None:
    monkeypatch.setattr("ccbill.report.lines.ROWS_TOGETHER", rows_together)
    monkeypatch.setattr("ccbill.report.lines.ROWS_AT_ONCE", rows_at_once)
    monkeypatch.setattr("ccbill.report.lines.ROWS_A_PAIR", rows_a_pair)
    table = of_every_kind(400)
    for names in (table.names, ["all"], ["few"], ["few", "row"]):
        at = [table.names.index(name) for name in names]
        part = Sliced(names, [table.columns[n] for n in at], len(table))
        file = io.BytesIO()
        write_csv(part, file)
        rows = zip(*(column.to_pylist() for column in part.whole().columns), strict=True)
        lines = [",".join(map(cell, row)) for row in [names, *rows]]
        assert file.getvalue().decode() == "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("rows_a_group", [3, 70, 65_536])
def test_parquet_reads_back_equal_however_many_rows_are_in_a_group(
    monkeypatch: pytest.MonkeyPatch, rows_a_group: int
) -> None:
    monkeypatch.setattr("ccbill.report.csv_files.ROWS_A_GROUP", rows_a_group)
    table, file = of_every_kind(200), io.BytesIO()
    write_parquet(table, file)
    read = pq.ParquetFile(file)
    assert read.num_row_groups == -(-200 // rows_a_group)
    assert read.read().to_pylist() == table.whole().to_pylist()


def test_identifiers_keep_their_leading_zeros() -> None:
    row = read_back(text_of(table_of(tables.CLAIMS, [claim()]), tables.CLAIMS))
    line = dict(zip(*row, strict=True))
    assert (line["patient_id"], line["zip"], line["billing_tin"]) == (
        "000123",
        "01234",
        "001234567",
    )


def test_parquet_has_types_and_plain_text() -> None:
    file = io.BytesIO()
    rows = [{"text": "=1", "day": day("2026-03-01"), "number": 7, "money": 1250}, {}]
    write_parquet(sliced(table_of(KINDS, rows), KINDS), file)
    assert pq.read_table(file).to_pylist() == [
        {"text": "=1", "day": date(2026, 3, 1), "number": 7, "money": Decimal("12.50")},
        dict.fromkeys(KINDS),
    ]


def test_parquet_numbers_a_heading_that_occurs_twice() -> None:
    table = pd.DataFrame([["a", "b", "c"]], columns=["file", "file", "Note"], dtype="str")
    file = io.BytesIO()
    write_parquet(sliced(table, {"file": tables.TEXT}), file)
    assert pq.read_table(file).column_names == ["file", "file (2)", "Note"]
