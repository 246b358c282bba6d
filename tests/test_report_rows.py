"""Rows that come ready to a workbook: cell for cell what XlsxWriter would have written."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from ccbill.report import filled, rows
from ccbill.report.filled import fill
from ccbill.report.sheet import Layout, Styles, add_sheet
from ccbill.report.typed import MONEY, STRING
from ccbill.report.workbooks import write_tables

LAYOUT = Layout(marked={"text": {"stop": "stop", "look": "look"}})
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text("_x0Aab<>&\"' \t\r\n\x00\x1f\x0b\x7f\x85\xa0\u2028\ufffe\uffff😀", max_size=12),
    st.sampled_from(["stop", "look", "_x000D_", "_x0041_x0041_", "__x0041__", "<r>x</r>", "]]>"]),
)


def book_of(table: pa.Table, layout: Layout = LAYOUT) -> bytes:
    file = io.BytesIO()
    write_tables("Test", [("Sheet", table, layout)], datetime(2026, 4, 2), file)
    return file.getvalue()


def sheet_of(book: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        assert archive.testzip() is None
        return archive.read("xl/worksheets/sheet1.xml")


def by_xlsxwriter(texts: list[str]) -> list[bytes]:
    """The texts in the first column as XlsxWriter writes them, from the second row on."""
    file = io.BytesIO()
    plain = {f"strings_to_{each}": False for each in ("formulas", "urls", "numbers")}
    with Workbook(file, {"constant_memory": True, **plain}) as book:
        sheet = book.add_worksheet()
        for row, text in enumerate(texts, 1):
            sheet.write_string(row, 0, text)
    return contents(file.getvalue())


def contents(book: bytes) -> list[bytes]:
    """What stands in the cells of a sheet, from the second row on, without formats."""
    cells = re.findall(rb'<c r="A([0-9]+)"[^>]*>(.*?)</c>', sheet_of(book), re.DOTALL)
    return [cell.replace(b' xml:space="preserve"', b"") for row, cell in cells if int(row) > 1]


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=8))
def test_a_text_stands_in_its_cell_as_xlsxwriter_puts_it(texts: list[str]) -> None:
    texts = [text for text in texts if text and not re.fullmatch("<r>.*</r>", text, re.DOTALL)]
    table = pa.table({"text": pa.array(texts, STRING)})
    assert contents(book_of(table)) == by_xlsxwriter(texts)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), TEXTS), min_size=1, max_size=8))
def test_two_readers_find_every_text_in_its_place(texts: list[str | None]) -> None:
    texts = [text and re.sub(r"_x|[\x00-\x08\x0b-\x1f\ufffe\uffff]", "", text) for text in texts]
    table = pa.table({"text": pa.array(texts, STRING), "row": list(range(len(texts)))})
    book = book_of(table)
    sheet = load_workbook(io.BytesIO(book))["Sheet"]
    assert [sheet.cell(n, 1).value for n in range(2, len(texts) + 2)] == [t or None for t in texts]
    read = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert [row[0] for row in read[1:]] == [text or "" for text in texts]


@pytest.mark.parametrize("text", ["n" * 40_000, "😀" * 20_000, "n" + "😀" * 20_000, "&" * 32_768])
def test_a_text_is_cut_where_a_cell_is_full(text: str) -> None:
    assert contents(book_of(pa.table({"text": pa.array([text], STRING)}))) == by_xlsxwriter([text])


def test_columns_of_every_type_and_past_z_read_back_equal() -> None:
    days = [date(1899, 12, 31), None, date(1900, 3, 1), date(2026, 3, 17)]
    money = [Decimal("125.50"), Decimal("-0.01"), None, Decimal("1234567890123.45")]
    columns: dict[str, Any] = {f"blank_{n}": pa.nulls(4, STRING) for n in range(26)}
    columns["day"] = pa.array(days, pa.date32())
    columns["money"] = pa.array(money, MONEY)
    columns["number"] = pa.array([0, -7, 10**12, None], pa.int64())
    columns["text"] = pa.array(["a", None, "b", ""], STRING).dictionary_encode()
    sheet = load_workbook(io.BytesIO(book_of(pa.table(columns))))["Sheet"]
    found = list(sheet.iter_rows(min_row=2, min_col=27, values_only=True))
    assert found == [
        ("1899-12-31", 125.5, 0, "a"),
        (None, -0.01, -7, None),
        (datetime(1900, 3, 1), None, 10**12, "b"),
        (datetime(2026, 3, 17), 1234567890123.45, None, None),
    ]
    assert sheet.dimensions == "A1:AD5"


@pytest.mark.parametrize("rows_at_once", [1, 2, 7])
def test_marks_and_heights_are_each_rows_own(
    monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    monkeypatch.setattr(rows, "ROWS_AT_ONCE", rows_at_once)
    words = ["stop", "", "look", "stopped", "stop"]
    long = ["", "x" * 20, "x" * 50, "x\ny", "x" * 5_000]
    table = pa.table({"text": pa.array(words, STRING), "long": pa.array(long, STRING)})
    layout = Layout(marked=LAYOUT.marked, widest=10)
    sheet = load_workbook(io.BytesIO(book_of(table, layout)))["Sheet"]
    bold = [sheet.cell(row, 1).font.bold for row in range(2, 7)]
    assert bold == [True, False, False, False, True]
    heights = [sheet.row_dimensions[row].height for row in range(2, 7)]
    assert heights == [None, 28, 67, 28, 158]


def test_a_large_sheet_says_so_in_the_archive_and_reads_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else an archive refuses a part of more than two gigabytes once it is half written."""
    table = pa.table({"text": pa.array(["a", "b"], STRING)})
    monkeypatch.setattr(filled, "ZIP64_LIMIT", 200)
    book = book_of(table)
    assert b"xl/worksheets/sheet1.xml\x01\x00\x10\x00" in book, "a field for 64-bit sizes"
    assert contents(book) == [b"<is><t>a</t></is>", b"<is><t>b</t></is>"]


@pytest.mark.parametrize("lost", ["dimension", "sheetData", "sheet1", 's="'])
def test_a_workbook_without_its_samples_is_refused(lost: str) -> None:
    """As a later XlsxWriter might make it: better no workbook than one without its rows."""
    made = io.BytesIO()
    table = pa.table({"text": pa.array(["a"], STRING)})
    with Workbook(made, {"in_memory": True}) as book:
        sheet = add_sheet(book, Styles(book), "Sheet", table, LAYOUT)
    other = io.BytesIO()
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            content = old.read(name).replace(lost.encode(), b"other")
            new.writestr(name.replace(lost, "other"), content)
    with pytest.raises((AssertionError, KeyError)):
        fill(other, [sheet], io.BytesIO())
