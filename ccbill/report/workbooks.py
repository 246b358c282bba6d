"""The two workbooks: claims.xlsx to bill from, exceptions.xlsx to work through."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
from xlsxwriter import Workbook

from ccbill.report import tables
from ccbill.report.filled import fill
from ccbill.report.sheet import FONT, Layout, Styles, add_sheet
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
    widest=110,
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
_RUN = Layout(frozen=1, widest=100)

Titled = tuple[str, pd.DataFrame, dict[str, str], Layout]


def write_claims(report: Report, file: BinaryIO) -> None:
    """Write claims.xlsx."""
    sheets: list[Titled] = [
        ("Claims", report.claims, tables.CLAIMS, CLAIMS_LAYOUT),
        ("Encounters", report.encounters, tables.CLAIMS, CLAIMS_LAYOUT),
        ("Summary", report.summary, tables.SUMMARY, _TWO_KEYS),
        ("Billed before", report.submitted, tables.CLAIMS, CLAIMS_LAYOUT),
        ("Rules used", report.rules_used, tables.RULES_USED, _TWO_KEYS),
        ("Run", report.run, tables.RUN, _RUN),
    ]
    _write_book("Claims", sheets, report, file)


def write_exceptions(report: Report, file: BinaryIO) -> None:
    """Write exceptions.xlsx."""
    sheets: list[Titled] = [
        ("To do", to_do(report.exceptions), tables.TO_DO, _TO_DO),
        ("Exceptions", report.exceptions, tables.EXCEPTIONS, EXCEPTIONS_LAYOUT),
        ("Near misses", report.near_misses, tables.NEAR_MISSES, _TWO_KEYS),
        ("Unreadable rows", report.unreadable_rows, tables.UNREADABLE_ROWS, _TWO_KEYS),
        ("Balance", report.balance, tables.BALANCE, _TWO_KEYS),
        ("Notes", report.notes, tables.NOTES, _ONE_KEY),
    ]
    _write_book("Exceptions", sheets, report, file)


def _write_book(title: str, sheets: list[Titled], report: Report, file: BinaryIO) -> None:
    ready = ((name, typed(table, columns), layout) for name, table, columns, layout in sheets)
    write_tables(title, ready, made_on(report.record), file)


def write_tables(
    title: str,
    sheets: Iterable[tuple[str, pa.Table, Layout]],
    created: datetime,
    file: BinaryIO,
) -> None:
    """Write a workbook of typed tables, which says that it was made then."""
    options = {"in_memory": True, "default_format_properties": dict(FONT)}  # a dict it adds to
    made = BytesIO()
    book = Workbook(made, options)
    book.set_properties({"title": title, "author": "ccbill", "created": created})
    styles = Styles(book)
    parts = [
        add_sheet(book, styles, part_name, part, layout)
        for name, table, layout in sheets
        for part_name, part in _parts(name, table)
    ]
    book.close()
    fill(made, parts, file)


def _parts(name: str, table: pa.Table) -> list[tuple[str, pa.Table]]:
    """The table in pieces that a sheet can hold: `Claims`, `Claims 2` …"""
    starts = range(0, max(len(table), 1), ROWS_A_SHEET)
    return [
        (name if part == 1 else f"{name} {part}", table.slice(start, ROWS_A_SHEET))
        for part, start in enumerate(starts, 1)
    ]


def made_on(record: dict[str, Any]) -> datetime:
    """When the run was made, by its own record, so that the same run gives the same bytes."""
    try:
        made = datetime.fromisoformat(str(record.get("created")))
    except ValueError:
        return datetime(2000, 1, 1)
    return made.astimezone(UTC).replace(tzinfo=None) if made.tzinfo else made
