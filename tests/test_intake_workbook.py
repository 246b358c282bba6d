"""What is read from a workbook's cells, and what is said of those whose value it does not say."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from books import XlsCell, archive, ods, ods_row, strict, text_row, xls, xlsb, xlsx, xlsx_parts

from ccbill import intake
from ccbill.cells.text import text_of
from ccbill.config import Settings
from ccbill.errors import CcbillError, Exit
from ccbill.intake import columns, files, sniff, workbook
from ccbill.intake.table import Table
from ccbill.tables import Intake

HEADING = ("patient_id", "payer", "service_date", "minutes", "kind")
ROW = ("007", "B", "2026-03-01", "12", "email")
STYLES = (
    '<numFmts count="1"><numFmt numFmtId="170" formatCode="000000"/></numFmts><cellXfs count="4">'
    '<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/><xf numFmtId="46"/></cellXfs>'
)
DATE, PADDED, LENGTH = 1, 2, 3
OLD_DAYS = '<workbookPr date1904="1"/>'
UNCALCULATED = '<calcPr fullCalcOnLoad="1"/>'


def read(folder: Path, content: bytes, settings: Settings = Settings()) -> Intake:  # noqa: B008
    path = folder / "log.xlsx"
    path.write_bytes(content)
    return intake.read([str(path)], settings, patients=None, staff=None, sheet=None)


def problems(found: Intake) -> list[str | None]:
    column = found.activities["problem"]
    return column.astype(object).where(column.notna(), None).tolist()


def refusal(folder: Path, content: bytes) -> str:
    with pytest.raises(CcbillError) as refused:
        read(folder, content)
    assert refused.value.code == Exit.INPUT
    return str(refused.value.messages[0])


def log(*rows: str, settings: str = "", below: str = "") -> bytes:
    sheet = text_row(1, *HEADING) + "".join(rows)
    return xlsx(sheet, settings=settings, below=below, styles=STYLES)


def number(place: str, value: float, style: int = 0) -> str:
    return f'<c r="{place}" s="{style}"><v>{value}</v></c>'


def table_of(content: bytes) -> Table:
    wanted = columns.wanted_activities(Settings())
    return workbook.read("log", sniff.content("log", content), wanted, None)


def cells(content: bytes) -> list[list[str]]:
    """The cells below the heading, column by column."""
    found = table_of(content)
    return [[([*c.words(), ""])[code] for code in c.codes] for c in found.columns]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("  x ", "  x "),
        (True, "yes"),
        (12.0, "12"),
        (12, "12"),
        (10.33, "10.33"),
        (0.00001, "0.00001"),
        (123456789012345.0, "123456789012345"),
        (1234567890123456.0, "1.23457E+15"),
        (1234567890123456, "1.23457E+15"),
        (datetime.date(2026, 3, 1), "2026-03-01"),
        (datetime.datetime(2026, 3, 1), "2026-03-01"),
        (datetime.datetime(2026, 3, 1, 9, 29, 59, 999996), "2026-03-01 09:30:00"),
        (datetime.time(0, 12), "00:12:00"),
        (datetime.timedelta(hours=26, minutes=15), "26:15:00"),
        (datetime.date(1900, 2, 27), "1900-02-27"),
        (datetime.date(1900, 2, 28), "1900-02-29"),
    ],
)
def test_a_cell_as_an_export_would_write_it(cell: object, text: str) -> None:
    assert text_of(cell) == text


def test_days_of_both_systems() -> None:
    row = text_row(2, *ROW[:2], number("C2", 46000, DATE), number("D2", 1.5, LENGTH), ROW[4])
    assert cells(log(row))[2:4] == [["2025-12-09"], ["36:00:00"]]
    assert cells(log(row, settings=OLD_DAYS))[2:4] == [["2029-12-10"], ["36:00:00"]]


def test_a_day_as_a_plain_number_is_held(tmp_path: Path) -> None:
    row = text_row(2, *ROW[:2], number("C2", 46000), *ROW[3:])
    assert problems(read(tmp_path, log(row))) == ["date-not-read"]


def test_a_number_shown_with_zeros_keeps_them() -> None:
    rows = [
        text_row(2, number("A2", 7, PADDED), *ROW[1:]),
        text_row(3, number("A3", 7), *ROW[1:]),
        text_row(4, number("A4", 1234567, PADDED), *ROW[1:]),
    ]
    assert cells(log(*rows))[0] == ["000007", "7", "1234567"]


def test_a_number_of_opendocument_shown_with_zeros_keeps_them() -> None:
    shown = FLOAT.replace("<text:p>12", "<text:p>000012")
    row = ods_row(f"{shown}</table:table-cell>", *ROW[1:])
    assert cells(ods(ods_row(*HEADING) + row))[0] == ["000012"]


def test_an_xls_that_shows_numbers_with_zeros_is_refused(tmp_path: Path) -> None:
    rows: list[list[XlsCell]] = [list(HEADING), list(ROW)]
    assert problems(read(tmp_path, xls(rows, shown="0.00"))) == [None]
    assert refusal(tmp_path, xls(rows, shown="000000")) == (
        "log.xlsx: shows numbers with zeros in front, which cannot be seen in this kind of "
        "workbook\n  Nothing was read or written.\n"
        "  fix: save it as an Excel workbook (.xlsx)"
    )


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ('<c r="D2"><f>A1</f></c>', "formula-without-value"),
        ('<c r="D2"><f>A1</f><v></v></c>', "formula-without-value"),
        ('<c s="1" r="D2"><f t="shared" si="0"/><v/></c>', "formula-without-value"),
        ("<c r='D2' t='str'><f>A1</f></c>", "formula-without-value"),
        ('<c r="D2"><f>A1</f><v>12</v></c>', None),
        ('<c r="D2"><f>A1</f><v>0</v></c>', "minutes-out-of-range"),
        ('<c r="D2" t="str"><f>A1</f><v></v></c>', None),
        ('<c r="D2" t="e"><v>#REF!</v></c>', "cell-damaged"),
        ('<c r="D2" t="e"><f>A1/0</f><v>#DIV/0!</v></c>', "cell-damaged"),
        ("<c t='e' r='D2'><v>#N/A</v></c>", "cell-damaged"),
    ],
)
def test_formulas_and_errors(tmp_path: Path, cell: str, problem: str | None) -> None:
    row = text_row(2, *ROW[:3], cell, ROW[4])
    assert problems(read(tmp_path, log(row))) == [problem]


def test_a_0_that_no_program_has_worked_out_is_no_value(tmp_path: Path) -> None:
    cell = '<c r="D2"><f>A1</f><v>0</v></c>'
    row = text_row(2, *ROW[:3], cell, ROW[4])
    found = read(tmp_path, log(row, settings=UNCALCULATED))
    assert problems(found) == ["formula-without-value"]


def test_a_formula_in_a_remark_holds_nothing(tmp_path: Path) -> None:
    sheet = text_row(1, *HEADING, "note") + text_row(2, *ROW, '<c r="F2"><f>A1</f></c>')
    assert problems(read(tmp_path, xlsx(sheet))) == [None]


def merged_log(below: str) -> bytes:
    rows = [
        text_row(at, "" if at in (3, 4) else f"00{at}", *ROW[1:3], str(at), ROW[4])
        for at in range(2, 6)
    ]
    return log(*rows, below=f'<mergeCells><mergeCell ref="{below}"/></mergeCells>')


def test_rows_below_a_merged_patient_are_held(tmp_path: Path) -> None:
    found = read(tmp_path, merged_log("A2:A4"))
    assert problems(found) == [None, "merged-cells", "merged-cells", None]
    assert found.activities["row"].tolist() == [2, 3, 4, 5]


def test_fill_down_gives_them_the_patient_above(tmp_path: Path) -> None:
    found = read(tmp_path, merged_log("A2:A4"), Settings(fill_down=("patient_id",)))
    assert problems(found) == [None] * 4
    assert found.activities["patient"].tolist() == ["002", "002", "002", "005"]


def test_cells_merged_beside_one_another_are_blank(tmp_path: Path) -> None:
    """As a title's or a total's are."""
    assert problems(read(tmp_path, merged_log("A3:B3")))[1] == "patient-missing"


def test_hidden_rows_are_read_and_named(tmp_path: Path) -> None:
    rows = [text_row(at, f"00{at}", *ROW[1:]) for at in (2, 3)]
    rows[1] = rows[1].replace("<row ", '<row hidden="1" ')
    found = read(tmp_path, log(*rows))
    assert len(found.activities) == 2
    notes = [note for note in found.notes if note.problem == "hidden-rows"]
    assert [note.what for note in notes] == ["1 row hidden in sheet 'Log': read too"]
    by_filter = '<autoFilter ref="A1:E3"><filterColumn colId="0"/></autoFilter>'
    found = read(tmp_path, log(*rows, below=by_filter))
    said = [note.what for note in found.notes if note.problem == "hidden-rows"]
    assert said == ["1 row hidden by a filter in sheet 'Log': read too"]


def test_a_sheet_of_one_column_is_no_table(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Instructions"
    book.active.append(["Fill in the log."])
    sheet = book.create_sheet("Log")
    for row in (HEADING, ROW):
        sheet.append(row)
    book.create_chartsheet("Chart")
    content = io.BytesIO()
    book.save(content)
    found = read(tmp_path, content.getvalue())
    assert found.inputs[0]["sheet"] == "Log"
    assert problems(found) == [None]


def test_every_sheet_with_its_table() -> None:
    book = openpyxl.Workbook()
    book.active.title = "Log"
    for row in (HEADING, ROW):
        book.active.append(row)
    book.create_sheet("Blank")
    book.create_sheet("Old").append(HEADING)
    book["Old"].sheet_state = "hidden"
    content = io.BytesIO()
    book.save(content)
    wanted = columns.wanted_activities(Settings())
    found = workbook.sheets("log", sniff.content("log", content.getvalue()), wanted)
    assert [(each.name, each.visible) for each in found] == [
        ("Log", True),
        ("Blank", True),
        ("Old", False),
    ]
    assert [each.table and len(each.table.rows) for each in found] == [1, None, None]


def test_a_sheet_of_blank_texts_holds_no_data(tmp_path: Path) -> None:
    blank = xlsx('<row r="1"><c r="A1" t="inlineStr"><is><t></t></is></c></row>')
    assert "has no visible sheet with data" in refusal(tmp_path, blank)


def test_strict_open_xml_is_read() -> None:
    sheet = text_row(1, *HEADING) + text_row(
        2, *ROW[:2], '<c r="C2" t="d"><v>2026-03-01</v></c>', number("D2", 12), ROW[4]
    )
    assert cells(strict(sheet)) == [[cell] for cell in ROW]


def test_numbers_in_another_encoding_or_in_cdata_are_refused(tmp_path: Path) -> None:
    cdata = text_row(2, *ROW[:3], '<c r="D2"><v><![CDATA[12]]></v></c>', ROW[4])
    assert "has remarks or instructions in the XML of its cells" in refusal(tmp_path, log(cdata))
    parts = xlsx_parts(text_row(1, *HEADING))
    part = "xl/worksheets/sheet1.xml"
    wide = archive(parts | {part: str(parts[part]).encode("utf-16")})
    assert "is written in UTF-16" in refusal(tmp_path, wide)


FLOAT = '<table:table-cell office:value-type="float" office:value="12"><text:p>12</text:p>'
FAULTY = '<table:table-cell table:formula="of:=1/0" office:value-type="string" '


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        (f"{FLOAT}</table:table-cell>", None),
        ('<table:table-cell table:formula="of:=[.A1]"/>', "formula-without-value"),
        (
            f'{FAULTY} office:string-value="" calcext:value-type="error">'
            "<text:p>#DIV/0!</text:p></table:table-cell>",
            "cell-damaged",
        ),
        (f"{FAULTY}><text:p>Err:502</text:p></table:table-cell>", "cell-damaged"),
    ],
)
def test_formulas_and_errors_in_opendocument(
    tmp_path: Path, cell: str, problem: str | None
) -> None:
    blank = ods_row("", about='table:number-rows-repeated="3"')
    rows = blank + ods_row(*HEADING) + ods_row(*ROW[:3], cell, ROW[4])
    found = read(tmp_path, ods(rows))
    assert problems(found) == [problem]
    assert found.activities["row"].tolist() == [5]


def test_a_million_blank_rows_of_opendocument_cost_nothing(tmp_path: Path) -> None:
    blank = '<table:table-cell table:number-columns-repeated="16384"/>'
    rest = ods_row(blank, about='table:number-rows-repeated="1048000"')
    found = read(tmp_path, ods(ods_row(*HEADING) + ods_row(*ROW) + rest))
    assert problems(found) == [None]


def test_a_companion_file_must_say_its_values(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(f"{','.join(HEADING)}\n{','.join(ROW)}\n", "utf-8")
    sheet = text_row(1, "patient_id", "consent_date") + text_row(
        2, "007", '<c r="B2"><f>A1</f></c>'
    )
    (tmp_path / "panel.xlsx").write_bytes(xlsx(sheet))
    with pytest.raises(CcbillError) as refused:
        intake.read(
            [str(tmp_path / "log.csv")],
            Settings(),
            patients=tmp_path / "panel.xlsx",
            staff=None,
            sheet=None,
        )
    assert [str(message) for message in refused.value.messages] == [
        "panel.xlsx:2:B (consent_date): The cell is a formula whose value was not saved\n"
        "  Nothing was read or written.\n"
        "  fix: Open the workbook, save it, and run again."
    ]


def test_a_companion_file_of_several_sheets_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for sheet in (book.active, book.create_sheet("Other")):
        sheet.append(["patient_id", "payer"])
    path = tmp_path / "panel.xlsx"
    book.save(path)
    with pytest.raises(CcbillError) as refused:
        files.table(str(path), "panel.xlsx", columns.wanted_patients(Settings()), None)
    assert str(refused.value.messages[0]) == (
        "panel.xlsx: has several sheets with data: Sheet, Other\n"
        "  Nothing was read or written.\n"
        "  fix: save the one to read as a workbook of its own"
    )


def parquet(table: pa.Table) -> bytes:
    content = io.BytesIO()
    pq.write_table(table, content)
    return content.getvalue()


def test_a_parquet_file_of_every_type(tmp_path: Path) -> None:
    moment = datetime.datetime(2026, 3, 1, 9, 30)
    table = pa.table(
        {
            "patient_id": ["007", None],
            "payer": pa.array(["B", "B"]).dictionary_encode(),
            "service_date": [datetime.date(2026, 3, 1)] * 2,
            "minutes": [12.5, 12.0],
            "kind": pa.array(["email"] * 2, pa.large_string()),
            "start_time": [moment, None],
            "group_size": [3, None],
            "billing_npi": [1234567893, None],
        }
    )
    found = read(tmp_path, parquet(table))
    assert problems(found) == [None, "patient-missing"]
    assert found.activities["seconds"].tolist() == [750, 720]
    assert found.activities["row"].tolist() == [2, 3]
    assert found.inputs[0]["format"] == "parquet"


@pytest.mark.parametrize("value", [[[1]], [{"a": 1}], [b"x"]])
def test_a_parquet_file_of_nested_cells_is_refused(tmp_path: Path, value: list[object]) -> None:
    said = refusal(tmp_path, parquet(pa.table({"patient_id": value})))
    assert "has a column of lists, records or bytes: 'patient_id'" in said


def test_a_parquet_bomb_is_refused(tmp_path: Path) -> None:
    many = pa.array([0] * 3_000_000, pa.int8())
    said = refusal(tmp_path, parquet(pa.table({"patient_id": many})))
    assert "is a small Parquet file of 3,000,000 rows" in said


def test_the_file_is_named_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    path.write_bytes(log(text_row(2, *ROW)))
    found = files.table(str(path), "log.xlsx", columns.wanted_activities(Settings()), None)
    assert found.place(2, 3) == "log.xlsx:2:D (minutes)"


@pytest.mark.parametrize("made", [xls, xlsb])
def test_errors_and_hidden_rows_of_binary_workbooks(
    tmp_path: Path, made: Callable[..., bytes]
) -> None:
    rows = [
        list(HEADING),
        ["007", "B", "2026-03-01", 12.5, "email"],
        ["008", "B", "2026-03-01", b"\x07", "email"],
        ["009", "B", "2026-03-01", b"\x2a", "email"],
    ]
    found = read(tmp_path, made(rows, hidden=(2, 3)))
    assert problems(found) == [None, "cell-damaged", "cell-damaged"]
    assert found.unreadable["minutes"].tolist() == ["#DIV/0!", "#N/A"]
    said = [note.what for note in found.notes if note.problem == "hidden-rows"]
    assert said == ["2 rows hidden in sheet 'Log': read too"]


def test_rows_below_a_merged_patient_of_an_xlsb_are_held(tmp_path: Path) -> None:
    rows = [list(HEADING), [*ROW], [None, *ROW[1:3], "13", ROW[4]], ["008", *ROW[1:]]]
    assert problems(read(tmp_path, xlsb(rows, merged="1 2 0 0"))) == [None, "merged-cells", None]
