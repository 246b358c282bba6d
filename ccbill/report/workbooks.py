"""The two workbooks: claims.xlsx to bill from, exceptions.xlsx to work through."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
from xlsxwriter import Workbook

from ccbill.report import tables
from ccbill.report.sheet import FONT, Layout, Styles, write_sheet
from ccbill.report.tables import Report
from ccbill.report.to_do import to_do
from ccbill.report.typed import typed

ROWS_A_SHEET = 1_000_000

CLAIMS_LAYOUT = Layout(
    frozen=2,
    breaks=(
        "last_name",
        "authorization_number",
        "diagnosis_1",
        "units",
        "rendering_npi",
        "month",
    ),
    widest=80,
    marked={
        "status": {"replacement": "look", "void": "stop"},
        "missing": {"*": "look"},
    },
)
EXCEPTIONS_LAYOUT = Layout(
    frozen=2,
    breaks=("what", "amount", "first_seen_run"),
    marked={"severity": {"hold": "stop", "note": "quiet"}},
    choices={"status": tables.STATUSES},
    offered=("assigned_to",),
)
_TO_DO = Layout(frozen=2, marked=EXCEPTIONS_LAYOUT.marked)
_TWO_KEYS = Layout(frozen=2)
_ONE_KEY = Layout(frozen=1)

Sheet = tuple[str, pd.DataFrame, dict[str, str], Layout]


def write_claims(report: Report, file: BinaryIO, scratch: Path) -> None:
    """Write claims.xlsx; the library keeps its own temporary files in `scratch`."""
    sheets: list[Sheet] = [
        ("Claims", report.claims, tables.CLAIMS, CLAIMS_LAYOUT),
        ("Encounters", report.encounters, tables.CLAIMS, CLAIMS_LAYOUT),
        ("Summary", report.summary, tables.SUMMARY, _TWO_KEYS),
        ("Billed before", report.submitted, tables.CLAIMS, CLAIMS_LAYOUT),
        ("Rules used", report.rules_used, tables.RULES_USED, _TWO_KEYS),
        ("Run", report.run, tables.RUN, _ONE_KEY),
    ]
    _write_book("Claims", sheets, report, file, scratch)


def write_exceptions(report: Report, file: BinaryIO, scratch: Path) -> None:
    """Write exceptions.xlsx; the library keeps its own temporary files in `scratch`."""
    sheets: list[Sheet] = [
        ("To do", to_do(report.exceptions), tables.TO_DO, _TO_DO),
        ("Exceptions", report.exceptions, tables.EXCEPTIONS, EXCEPTIONS_LAYOUT),
        ("Near misses", report.near_misses, tables.NEAR_MISSES, _TWO_KEYS),
        ("Unreadable rows", report.unreadable_rows, tables.UNREADABLE_ROWS, _TWO_KEYS),
        ("Balance", report.balance, tables.BALANCE, _TWO_KEYS),
        ("Notes", report.notes, tables.NOTES, _ONE_KEY),
    ]
    _write_book("Exceptions", sheets, report, file, scratch)


def _write_book(
    title: str, sheets: list[Sheet], report: Report, file: BinaryIO, scratch: Path
) -> None:
    ready = ((name, typed(table, columns), layout) for name, table, columns, layout in sheets)
    write_tables(title, ready, created(report.record), file, scratch)


def write_tables(
    title: str,
    sheets: Iterable[tuple[str, pa.Table, Layout]],
    made: datetime,
    file: BinaryIO,
    scratch: Path,
) -> None:
    """Write a workbook of typed tables, which says that it was made then."""
    options = {
        "constant_memory": True,
        "tmpdir": str(scratch),
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "use_zip64": True,
        "default_format_properties": dict(FONT),  # which the workbook adds to
    }
    whole = BytesIO()  # an archive that the disk cuts off would complain on its own
    book = Workbook(whole, options)
    book.set_properties({"title": title, "author": "ccbill", "created": made})
    styles = Styles(book)
    for name, table, layout in sheets:
        for part_name, part in _parts(name, table):
            write_sheet(book, styles, part_name, part, layout)
    book.close()
    file.write(whole.getbuffer())


def _parts(name: str, table: pa.Table) -> list[tuple[str, pa.Table]]:
    """The table in pieces that a sheet can hold: `Claims`, `Claims 2` …"""
    starts = range(0, max(len(table), 1), ROWS_A_SHEET)
    return [
        (name if part == 1 else f"{name} {part}", table.slice(start, ROWS_A_SHEET))
        for part, start in enumerate(starts, 1)
    ]


def created(record: dict[str, Any]) -> datetime:
    """When the run was made, by its own record, so that the same run gives the same bytes."""
    try:
        made = datetime.fromisoformat(str(record.get("created")))
    except ValueError:
        return datetime(2000, 1, 1)
    return made.astimezone(UTC).replace(tzinfo=None) if made.tzinfo else made
