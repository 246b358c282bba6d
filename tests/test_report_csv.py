"""The CSV and Parquet sets as another program reads them."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_report_tables import KINDS, claim, day, table_of

from ccbill.report import tables
from ccbill.report.csv_files import write_csv, write_parquet
from ccbill.report.typed import DATA_SETS, typed

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
    write_csv(typed(table, columns), file)
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
    texts = pa.array(["=1", "plain", None, "a,b", "", "-2", "x"], pa.large_string())
    file = io.BytesIO()
    write_csv(pa.table({"text": texts, "n": range(7)}).slice(1, 5), file)
    assert file.getvalue().decode() == 'text,n\nplain,1\n,2\n"a,b",3\n,4\n\'-2,5\n'


def test_a_heading_from_an_export_is_made_safe_too() -> None:
    table = pd.DataFrame(
        {"file": ["a"], "=cmd": ["x"], 'b "c"': ["y"], "file ": ["z"]}, dtype="str"
    )
    assert read_back(text_of(table, {"file": tables.TEXT})) == [
        ["file", "'=cmd", 'b "c"', "file "],
        ["a", "x", "y", "z"],
    ]


def test_many_rows_are_the_rows_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccbill.report.csv_files.ROWS_AT_ONCE", 7)
    rows = [{"text": f"t{n % 5}" if n % 3 else None, "number": n} for n in range(50)]
    assert read_back(text_of(table_of(KINDS, rows), KINDS))[1:] == [
        [row["text"] or "", "", str(row["number"]), ""] for row in rows
    ]


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
    write_parquet(typed(table_of(KINDS, rows), KINDS), file)
    assert pq.read_table(file).to_pylist() == [
        {"text": "=1", "day": date(2026, 3, 1), "number": 7, "money": Decimal("12.50")},
        dict.fromkeys(KINDS),
    ]


def test_parquet_numbers_a_heading_that_occurs_twice() -> None:
    table = pd.DataFrame([["a", "b", "c"]], columns=["file", "file", "Note"], dtype="str")
    file = io.BytesIO()
    write_parquet(typed(table, {"file": tables.TEXT}), file)
    assert pq.read_table(file).column_names == ["file", "file (2)", "Note"]
