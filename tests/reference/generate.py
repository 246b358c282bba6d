"""Nasty but readable activity exports, the same for the same seed, and their files."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Collection
from pathlib import Path

import xlsxwriter

from reference.generate_michigan import Export, Generator, Row
from reference.generate_others import OTHERS, WiderGenerator

MICHIGAN = ("bcbsm-pdcm", "priority-health", "mi-medicaid-hmo")
ALL_PLANS = (*MICHIGAN, *OTHERS)


def export(seed: int, rows: int = 3000, plans: Collection[str] = MICHIGAN) -> Export:
    """One export with its patients and staff files; a file with no rows does not exist.

    The Michigan plans alone, unless other plans are asked for; `ALL_PLANS` names every plan.
    """
    if set(plans) == set(MICHIGAN):
        return Generator(seed).make(seed, rows)
    return WiderGenerator(seed, plans).make(seed, rows)


def write_csv(rows: list[Row], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_xlsx(rows: list[Row], path: Path, typed: bool = False) -> None:
    """A workbook of text; typed: plain numbers of minutes and ISO dates become real ones."""
    workbook = xlsxwriter.Workbook(str(path))
    sheet = workbook.add_worksheet("Activities")
    date_format = workbook.add_format({"num_format": "yyyy-mm-dd"})
    for column, heading in enumerate(rows[0]):
        sheet.write_string(0, column, heading)
    for number, row in enumerate(rows, start=1):
        for column, (heading, cell) in enumerate(row.items()):
            if typed and heading == "minutes" and re.fullmatch(r"-?\d+(\.\d+)?", cell):
                sheet.write_number(number, column, float(cell))
            elif typed and heading.endswith("_date") and (day := real_date(cell)):
                sheet.write_datetime(number, column, day, date_format)
            elif cell:
                sheet.write_string(number, column, cell)
    workbook.close()


def real_date(cell: str) -> dt.datetime | None:
    try:
        return dt.datetime.strptime(cell, "%Y-%m-%d")
    except ValueError:
        return None
