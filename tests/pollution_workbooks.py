"""Workbooks that hold the export, in the ways in which people and programs write them."""

from __future__ import annotations

import html
import io
import random
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from books import STRICT, ods, ods_row
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet
from pollution import HELD, REFUSED, SAME, Table, as_date, column, kind, some

Cells = list[list[Any]]

NUMBERS = ("Duration (min)", "Billing NPI", "Rendering NPI", "POS", "Group Size")


def typed(table: Table, numbers: tuple[str, ...] = NUMBERS) -> Cells:
    """The export as a spreadsheet program keeps it: days, times of day and numbers."""

    def value(heading: str, cell: str) -> Any:
        if not cell:
            return None
        day = as_date(cell)
        if day:
            return datetime(day.year, day.month, day.day)
        if re.fullmatch(r"\d+:\d\d [AP]M", cell):
            return datetime.strptime(cell, "%I:%M %p").time()
        if heading in numbers and re.fullmatch(r"\d+(\.\d+)?", cell):
            return float(cell) if "." in cell else int(cell)
        return cell

    rows = [[value(h, c) for h, c in zip(table[0], row, strict=True)] for row in table[1:]]
    return [list(table[0]), *rows]


def saved(book: openpyxl.Workbook) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def filled(cells: Cells, change: Callable[[Worksheet], object] = lambda _: None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "Log"
    for row in cells:
        sheet.append(row)
    change(sheet)
    return saved(book)


def rewritten(content: bytes, change: Callable[[str, str], str]) -> bytes:
    """The workbook with the text of each of its parts changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name).decode()))
    return made.getvalue()


@kind(SAME)
def workbook_of_texts(table: Table, _chance: random.Random) -> bytes:
    return filled([list(row) for row in table])


@kind(SAME)
def workbook_of_values(table: Table, _chance: random.Random) -> bytes:
    return filled(typed(table))


@kind(SAME)
def workbook_of_1904(table: Table, _chance: random.Random) -> bytes:
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    for row in typed(table):
        sheet.append(row)
    return saved(book)


@kind(SAME)
def strict_open_xml(table: Table, _chance: random.Random) -> bytes:
    def change(_: str, part: str) -> str:
        for usual, own in STRICT.items():
            part = part.replace(usual, own)
        return part

    return rewritten(filled(typed(table)), change)


@kind(SAME)
def workbook_of_tags_with_a_prefix(table: Table, _chance: random.Random) -> bytes:
    def change(name: str, part: str) -> str:
        if name != "xl/worksheets/sheet1.xml":
            return part
        return re.sub(r"<(/?)(?=[a-z])", r"<\1x:", part).replace("xmlns=", "xmlns:x=", 1)

    return rewritten(filled(typed(table)), change)


@kind(SAME)
def cells_without_addresses(table: Table, _chance: random.Random) -> bytes:
    """As some programs write them: a blank cell for each that is skipped, and no numbers."""
    whole = [[cell if cell is not None else "" for cell in row] for row in typed(table)]
    return rewritten(
        filled(whole), lambda _, part: re.sub(r'(<(?:c|row)\b[^>]*?) r="[A-Z]*\d+"', r"\1", part)
    )


@kind(SAME)
def ids_as_numbers_shown_with_zeros(table: Table, _chance: random.Random) -> bytes:
    at = column(table, "Patient ID")

    def change(sheet: Worksheet) -> None:
        for (cell,) in sheet.iter_rows(min_row=2, min_col=at + 1, max_col=at + 1):
            text = str(cell.value)
            if text.isdigit():
                cell.value, cell.number_format = int(text), "0" * len(text)

    return filled(typed(table), change)


@kind(SAME)
def lengths_of_time(table: Table, _chance: random.Random) -> bytes:
    def minutes(value: Any) -> Any:
        return timedelta(minutes=value) if isinstance(value, int) else value

    at = column(table, "Duration (min)")
    cells = [[*row[:at], minutes(row[at]), *row[at + 1 :]] for row in typed(table)]
    return filled(cells)


@kind(SAME)
def numbers_kept_as_text(table: Table, _chance: random.Random) -> bytes:
    return filled(typed(table, numbers=()))


@kind(SAME)
def table_below_titles_and_beside_a_margin(table: Table, _chance: random.Random) -> bytes:
    rows: Cells = [[None, None, "Activity log"], [], *([None, None, *r] for r in typed(table))]
    return filled(rows)


@kind(SAME)
def hidden_rows(table: Table, chance: random.Random) -> bytes:
    rows = some(table, chance, 5)

    def change(sheet: Worksheet) -> None:
        for row in rows:
            sheet.row_dimensions[row + 1].hidden = True

    return filled(typed(table), change)


@kind(SAME)
def filtered_rows(table: Table, chance: random.Random) -> bytes:
    rows = some(table, chance, 5)

    def change(sheet: Worksheet) -> None:
        sheet.auto_filter.ref = sheet.dimensions
        sheet.auto_filter.add_filter_column(2, ["BCBSM"])
        for row in rows:
            sheet.row_dimensions[row + 1].hidden = True

    return filled(typed(table), change)


@kind(SAME)
def hidden_sheet_in_front(table: Table, chance: random.Random) -> bytes:
    def change(sheet: Worksheet) -> None:
        other = sheet.parent.create_sheet("Old", 0)
        for row in some(table, chance, 5):
            other.append(table[row])
        other.sheet_state = chance.choice(["hidden", "veryHidden"])

    return filled(typed(table), change)


@kind(REFUSED)
def second_sheet(table: Table, chance: random.Random) -> bytes:
    def change(sheet: Worksheet) -> None:
        other = sheet.parent.create_sheet("Sheet2", chance.choice([0, 1]))
        for row in [0, *some(table, chance, 5)]:
            other.append(table[row])

    return filled(typed(table), change)


@kind(HELD)
def merged_patients(table: Table, chance: random.Random) -> bytes:
    at = column(table, "Patient ID") + 1

    def change(sheet: Worksheet) -> None:
        for row in chance.sample(range(2, len(table) - 2, 4), 5):
            sheet.merge_cells(start_row=row, end_row=row + 2, start_column=at, end_column=at)

    return filled(typed(table), change)


def signs(heading: str, sign: str) -> Callable[[Table, random.Random], bytes]:
    def make(table: Table, chance: random.Random) -> bytes:
        at, rows = column(table, heading), some(table, chance, 5)
        cells = typed(table)
        for row in rows:
            cells[row][at] = sign
        return filled(cells)

    return make


@kind(HELD)
def formulas_without_values(table: Table, chance: random.Random) -> bytes:
    heading = chance.choice(["Patient ID", "Duration (min)", "Credentials", "Date of Service"])
    return signs(heading, "=A1&B1")(table, chance)


@kind(HELD)
def errors_in_cells(table: Table, chance: random.Random) -> bytes:
    heading = chance.choice(["Patient ID", "Duration (min)", "Activity Type", "Date of Service"])
    return signs(heading, chance.choice(["#REF!", "#N/A", "#VALUE!"]))(table, chance)


@kind(HELD)
def ids_of_sixteen_digits(table: Table, chance: random.Random) -> bytes:
    at = column(table, "Patient ID")
    cells = typed(table)
    for row in some(table, chance, 5):
        cells[row][at] = chance.randrange(10**15, 10**16)
    return filled(cells)


@kind(HELD)
def dates_as_plain_numbers(table: Table, chance: random.Random) -> bytes:
    at, cells = column(table, "Date of Service"), typed(table)
    for row in some(table, chance, 5):
        if isinstance(cells[row][at], datetime):
            cells[row][at] = (cells[row][at] - datetime(1899, 12, 30)).days
        else:
            cells[row][at] = 46000
    return filled(cells)


def ods_cell(value: Any) -> str:
    if value is None or value == "":
        return "<table:table-cell/>"
    kind_, own = "string", ""
    if isinstance(value, int | float):
        kind_, own = "float", f'office:value="{value}"'
    elif isinstance(value, date):
        kind_, own = "date", f'office:date-value="{value.date() if value else ""}"'
    elif isinstance(value, time):
        kind_, own = "time", f'office:time-value="PT{value:%HH%MM%SS}"'
    shown = html.escape(str(value))
    return (
        f'<table:table-cell office:value-type="{kind_}" {own}><text:p>{shown}</text:p>'
        "</table:table-cell>"
    )


def ods_rows(cells: Cells) -> list[str]:
    return [ods_row(*map(ods_cell, row)) for row in cells]


@kind(SAME)
def opendocument(table: Table, _chance: random.Random) -> bytes:
    """With the rest of the sheet as one blank row that is repeated, as LibreOffice writes it."""
    blank = '<table:table-cell table:number-columns-repeated="16384"/>'
    rest = 1048576 - len(table)
    rows = [*ods_rows(typed(table)), ods_row(blank, about=f'table:number-rows-repeated="{rest}"')]
    return ods("".join(rows))


@kind(SAME)
def opendocument_filtered(table: Table, chance: random.Random) -> bytes:
    rows = ods_rows(typed(table))
    for row in some(table, chance, 5):
        rows[row] = rows[row].replace(
            "<table:table-row ", '<table:table-row table:visibility="filter" '
        )
    return ods("".join(rows))


@kind(HELD)
def opendocument_merged(table: Table, chance: random.Random) -> bytes:
    at, cells = column(table, "Patient ID"), typed(table)
    made = [list(map(ods_cell, row)) for row in cells]
    for row in chance.sample(range(1, len(table) - 3, 4), 5):
        made[row][at] = made[row][at].replace(
            "<table:table-cell ", '<table:table-cell table:number-rows-spanned="3" ', 1
        )
        for below in (row + 1, row + 2):
            made[below][at] = "<table:covered-table-cell/>"
    return ods("".join(ods_row(*row) for row in made))


@kind(HELD)
def opendocument_errors(table: Table, chance: random.Random) -> bytes:
    faults = (
        '<table:table-cell table:formula="of:=[.A1]/0" office:value-type="string" '
        'office:string-value="" calcext:value-type="error"><text:p>#DIV/0!</text:p>'
        "</table:table-cell>",
        '<table:table-cell table:formula="of:=[.A1]"/>',
    )
    at = column(table, chance.choice(["Patient ID", "Duration (min)", "Activity Type"]))
    made = [list(map(ods_cell, row)) for row in typed(table)]
    for row in some(table, chance, 5):
        made[row][at] = chance.choice(faults)
    return ods("".join(ods_row(*row) for row in made))


@kind(SAME)
def parquet(table: Table, _chance: random.Random) -> bytes:
    columns = zip(*typed(table)[1:], strict=True)
    made = io.BytesIO()
    pq.write_table(pa.table(dict(zip(table[0], map(_array, columns), strict=True))), made)
    return made.getvalue()


def _array(cells: tuple[Any, ...]) -> pa.Array:
    kinds = {type(cell) for cell in cells} - {type(None)}
    return (
        pa.array(cells)
        if len(kinds) == 1
        else pa.array([c if c is None else str(c) for c in cells])
    )
