"""Writes tables as workbooks, for the benchmark.

usage: python write.py export CSV XLSX | lines CLAIMS LINES | openpyxl LINES |
       ccbill LINES FOLDER | both CLAIMS EXCEPTIONS FOLDER
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

LINES = 100_000
MADE = datetime(2026, 11, 2)


def plain(path: str, table: pa.Table) -> None:
    """A workbook of openpyxl's, written row by row and without formats."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Table")
    sheet.append(table.column_names)
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        sheet.append(row)
    book.save(path)


def ours(folder: str, *titles_and_tables: tuple[str, pa.Table, Any]) -> None:
    """A workbook as ccbill writes it."""
    from ccbill.report import workbooks  # noqa: PLC0415  (not in the other processes)

    with (Path(folder) / "ours.xlsx").open("w+b") as file:
        workbooks.write_tables("Bench", titles_and_tables, MADE, file)


def as_written(table: pa.Table) -> pa.Table:
    """A table read from Parquet with the types that ccbill's writer takes."""
    columns = [
        column.cast(pa.large_string())
        if pa.types.is_dictionary(column.type) or pa.types.is_string(column.type)
        else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def many_lines(claims: pa.Table) -> pa.Table:
    """So many claim lines, with the patients' details that a bare export lacks."""
    table = pa.concat_tables([claims] * (LINES // len(claims) + 1)).slice(0, LINES)
    number = pa.array([f"{n:06}" for n in range(LINES)])
    details = {
        "member_id": "XYZ9", "last_name": "Sample", "first_name": "Pat", "address": "Test Street ",
        "city": "Lansing ", "zip": "48", "group_number": "G", "diagnosis_1": "E11.", "sex": "F",
        "state": "M", "diagnosis_2": "I10.", "relationship": "1", "diagnosis_pointer": "A",
    }  # fmt: skip
    for name, text in details.items():
        at = table.column_names.index(name)
        filled = pc.binary_join_element_wise(text, pc.utf8_slice_codeunits(number, 2), "")
        table = table.set_column(at, name, filled.cast(pa.large_string()))
    at = table.column_names.index("birth_date")
    return table.set_column(at, "birth_date", table["service_from"])


def main(what: str, *paths: str) -> None:
    if what == "export":
        plain(paths[1], csv.read_csv(paths[0]))
    elif what == "lines":
        pq.write_table(many_lines(as_written(pq.read_table(paths[0]))), paths[1])
    elif what == "openpyxl":
        plain(f"{paths[0]}.xlsx", as_written(pq.read_table(paths[0])))
    else:
        from ccbill.report.workbooks import (  # noqa: PLC0415
            CLAIMS_LAYOUT,
            EXCEPTIONS_LAYOUT,
        )

        tables = [as_written(pq.read_table(path)) for path in paths[:-1]]
        layouts = [CLAIMS_LAYOUT, EXCEPTIONS_LAYOUT]
        titled = zip(["Claims", "Exceptions"], tables, layouts, strict=False)
        ours(paths[-1], *titled)


main(*sys.argv[1:])
