"""The workbooks as openpyxl reads them: what a biller finds in each cell, and how it prints."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from test_report_csv import AWKWARD, HOSTILE
from test_report_tables import claim, day, empty_report, exception, report_of, table_of

from ccbill.report import tables
from ccbill.report.tables import Report
from ccbill.report.workbooks import write_claims, write_exceptions

CLAIM_SHEETS = ["Claims", "Encounters", "Summary", "Billed before", "Rules used", "Run"]
EXCEPTION_SHEETS = ["To do", "Exceptions", "Near misses", "Unreadable rows", "Balance", "Notes"]
RICH = ["<r><t>x</t></r>", "<r></r>", "<r>" + "é" * 20_000 + "</r>"]


@pytest.fixture
def book_of() -> Any:
    def write(report: Report, writer: Any = write_claims) -> bytes:
        file = io.BytesIO()
        writer(report, file)
        return file.getvalue()

    return write


def opened(book: bytes) -> Workbook:
    return load_workbook(io.BytesIO(book))


def cells(book: Workbook, sheet: str) -> list[dict[str, Any]]:
    heading, *rows = book[sheet].iter_rows(values_only=True)
    return [dict(zip(heading, row, strict=True)) for row in rows]


def test_the_sheets_are_those_of_the_contract(book_of: Any) -> None:
    assert opened(book_of(report_of())).sheetnames == CLAIM_SHEETS
    assert opened(book_of(report_of(), write_exceptions)).sheetnames == EXCEPTION_SHEETS


def test_a_claim_line_has_real_dates_text_identifiers_and_money(book_of: Any) -> None:
    book = opened(book_of(report_of()))
    [line] = cells(book, "Claims")
    assert list(line) == list(tables.CLAIMS)
    assert line["service_from"] == datetime(2026, 3, 17)
    assert line["birth_date"] == datetime(1950, 2, 3)
    assert (line["patient_id"], line["billing_tin"]) == ("000123", "001234567")
    assert (line["charge"], line["units"], line["sex"]) == (125.5, 1, None)
    formats = {cell.value: cell.number_format for cell in book["Claims"][2]}
    assert formats[datetime(2026, 3, 17)] == "yyyy-mm-dd"
    assert (formats[125.5], formats["000123"]) == ("#,##0.00", "@")


def test_days_before_workbooks_have_days_are_text(book_of: Any) -> None:
    lines = [claim(birth_date=day(text)) for text in ("1899-12-31", "1900-02-28", "1900-03-01")]
    book = opened(book_of(report_of(claims=table_of(tables.CLAIMS, lines))))
    births = [line["birth_date"] for line in cells(book, "Claims")]
    assert births == ["1899-12-31", "1900-02-28", datetime(1900, 3, 1)]


@pytest.mark.parametrize("writer", [write_claims, write_exceptions])
@pytest.mark.parametrize("report", [report_of(), empty_report()], ids=["small", "empty"])
def test_every_sheet_is_a_table_from_a1_that_prints(
    book_of: Any, writer: Any, report: Report
) -> None:
    for sheet in opened(book_of(report, writer)):
        assert sheet["A1"].value
        assert sheet.freeze_panes in ("B2", "C2")
        assert sheet.auto_filter.ref == sheet.dimensions
        assert not sheet.merged_cells.ranges
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 1)
        assert sheet.print_title_rows == "$1:$1"
        assert all(6 <= column.width <= 81 for column in sheet.column_dimensions.values())


def test_a_wide_sheet_prints_its_first_columns_on_every_page(book_of: Any) -> None:
    claims = opened(book_of(report_of()))["Claims"]
    assert claims.print_title_cols == "$A:$B"
    assert 50 <= claims.page_setup.scale <= 80
    assert claims.col_breaks.brk
    assert opened(book_of(report_of()))["Summary"].page_setup.fitToHeight == 0


def test_hostile_text_is_inert_and_equal_on_reading_back(book_of: Any) -> None:
    texts = [*HOSTILE[:5], *AWKWARD, *RICH[:2], "http://example.org", "mailto:a@b.c", "{=1}", "1e5"]
    texts = [text for text in texts if "\r" not in text]
    lines = [claim(last_name=text) for text in texts]
    rows = [{"file": "f", "row": 2, "problem": "row-ragged", "=heading": text} for text in texts]
    report = report_of(
        claims=table_of(tables.CLAIMS, lines),
        unreadable_rows=table_of(tables.UNREADABLE_ROWS, rows),
    )
    claims, exceptions = book_of(report), book_of(report, write_exceptions)
    assert [line["last_name"] for line in cells(opened(claims), "Claims")] == texts
    unreadable = cells(opened(exceptions), "Unreadable rows")
    assert [row["=heading"] for row in unreadable] == texts
    for book in (claims, exceptions):
        with zipfile.ZipFile(io.BytesIO(book)) as archive:
            sheets = [archive.read(name) for name in archive.namelist() if "worksheets/" in name]
        assert not any(re.search(rb"<f[ />]|hyperlink", sheet) for sheet in sheets)


def test_text_in_the_form_of_rich_text_stays_text(book_of: Any) -> None:
    report = report_of(claims=table_of(tables.CLAIMS, [claim(missing=text) for text in RICH]))
    read = [line["missing"] for line in cells(opened(book_of(report)), "Claims")]
    assert read == RICH


def test_control_characters_are_escaped_as_a_spreadsheet_does(book_of: Any) -> None:
    report = report_of(claims=table_of(tables.CLAIMS, [claim(notes="a\0b\x1b\rc_x0041_")]))
    [line] = cells(opened(book_of(report)), "Claims")
    assert line["notes"] == "a_x0000_b_x001B__x000D_c_x005F_x0041_"


def test_text_longer_than_a_cell_is_cut_and_not_lost(book_of: Any) -> None:
    report = report_of(claims=table_of(tables.CLAIMS, [claim(notes="n" * 40_000)]))
    [line] = cells(opened(book_of(report)), "Claims")
    assert line["notes"] == "n" * 32_767


def test_long_text_wraps_in_a_row_that_is_high_enough(book_of: Any) -> None:
    book = opened(book_of(report_of(), write_exceptions))
    sheet = book["Exceptions"]
    why = next(cell for cell in sheet[2] if cell.column_letter == "M")
    assert why.value == exception()["why"]
    assert why.alignment.wrap_text
    assert sheet.row_dimensions[2].height > 20


@pytest.mark.parametrize("rows_at_once", [1, 3, 1_000])
def test_each_row_is_written_once_and_in_order(
    book_of: Any, monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    monkeypatch.setattr("ccbill.report.rows.ROWS_AT_ONCE", rows_at_once)
    severities = ["hold", "hold", "note", "hold", "note"]
    rows = [exception(severity=each, row=n) for n, each in enumerate(severities)]
    book = book_of(report_of(exceptions=table_of(tables.EXCEPTIONS, rows)), write_exceptions)
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        sheet = archive.read("xl/worksheets/sheet2.xml")
    assert re.findall(rb'<row r="([0-9]+)"', sheet) == [b"%d" % n for n in range(1, 7)]
    found = cells(opened(book), "Exceptions")
    assert [(row["severity"], row["row"]) for row in found] == [
        (each, n) for n, each in enumerate(severities)
    ]
    colours = [cell.font.color.rgb for cell in opened(book)["Exceptions"]["A"][1:]]
    assert len(set(colours)) == 2
    assert [colour == colours[0] for colour in colours] == [each == "hold" for each in severities]


def test_past_a_sheets_limit_the_table_goes_on_in_the_next(
    book_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccbill.report.workbooks.ROWS_A_SHEET", 2)
    lines = [claim(claim_id=f"c-{n}") for n in range(5)]
    book = opened(book_of(report_of(claims=table_of(tables.CLAIMS, lines))))
    assert book.sheetnames == ["Claims", "Claims 2", "Claims 3", *CLAIM_SHEETS[1:]]
    ids = [[line["claim_id"] for line in cells(book, name)] for name in book.sheetnames[:3]]
    assert ids == [["c-0", "c-1"], ["c-2", "c-3"], ["c-4"]]


def test_holds_replacements_and_gaps_stand_out(book_of: Any) -> None:
    lines = [claim(), claim(status="void", missing="member_id")]
    report = report_of(claims=table_of(tables.CLAIMS, lines))
    sheet = opened(book_of(report))["Claims"]
    fills = [[sheet.cell(row, at).fill.fgColor.rgb for at in (3, 56)] for row in (2, 3)]
    assert fills[0][0] != fills[1][0]
    assert sheet.cell(1, 56).value == "missing"
    assert fills[1][1] != fills[0][1]


def test_the_same_run_gives_the_same_bytes(book_of: Any) -> None:
    assert book_of(report_of()) == book_of(report_of())
    book = opened(book_of(report_of()))
    assert book.properties.created == datetime(2026, 4, 2, 12)
    assert opened(book_of(empty_report())).properties.created == datetime(2000, 1, 1)


def test_the_same_run_gives_the_same_bytes_in_another_process_and_at_another_time(
    book_of: Any,
) -> None:
    script = (
        "import io; from test_report_tables import report_of;"
        "from ccbill.report.workbooks import write_claims; file = io.BytesIO();"
        "write_claims(report_of(), file); print(file.getvalue().hex())"
    )
    command = [sys.executable, "-c", script]
    here = Path(__file__).parent
    other = subprocess.run(command, capture_output=True, text=True, check=True, cwd=here)
    time.sleep(1.1)  # the clock of an archive and of its properties counts seconds
    assert other.stdout.strip() == book_of(report_of()).hex()
