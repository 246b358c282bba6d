"""A workbook's sheet → columns of text.

`cells` is the one place that opens a workbook: it takes bytes and gives plain values, so that it
can be moved into a process of its own.
"""

from __future__ import annotations

import datetime
import html
import io
import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

from ccbill.intake import sniff
from ccbill.intake.columns import Wanted
from ccbill.intake.heading import SEARCHED, heading_at
from ccbill.intake.table import Table
from ccbill.intake.text import Text, from_strings
from ccbill.tables import Note

Cell = Any  # str, float, int, bool, date, datetime, time or timedelta; "" where blank
EXACT = 10**15  # a workbook keeps 15 digits of a number

_ATTRIBUTE = re.compile(rb'([\w:]+)="([^"]*)"')
_NO_VALUE = rb"(?:/>|>[^<]*</f>)(?:<v ?/>|<v></v>)?</c>"
_SUSPECT = re.compile(rb't="e"|<f[^>]*' + _NO_VALUE)
_FAULTY = re.compile(
    rb'<c r="(?P<column>[A-Z]{1,3})(?P<row>\d{1,7})"'
    rb'(?:[^>]*\bt="e"[^>]*>|(?![^>]*t="str")[^>]*>(?=<f[^>]*' + _NO_VALUE + rb"))"
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's name and its cells, from A1 on."""

    name: str
    rows: list[list[Cell]]
    hidden: list[str]


def read(name: str, content: sniff.Content, wanted: Wanted, sheet: str | None) -> Table:
    """The records below the heading of the named sheet, or of the only one that has any."""
    found = cells(name, content.data, sheet)
    first = [[text_of(cell) for cell in row] for row in found.rows[:SEARCHED]]
    at = heading_at(first, wanted)
    if at is None:
        raise sniff.refused(name, f"has no cells in sheet {found.name!r}", "name another --sheet")
    width = max((n + 1 for n, cell in enumerate(first[at]) if cell.strip()), default=0)
    width = max(width, _used(found.rows[at + 1 :]))
    columns = list(zip(*found.rows[at + 1 :], strict=False)) or [()] * width
    notes = []
    if found.hidden:
        what = f"hidden sheets are not read: {', '.join(map(repr, found.hidden))}"
        notes.append(Note("hidden-sheets", name, what, "name one with --sheet to read it"))
    return Table(
        name,
        [heading.strip() for heading in first[at][:width]],
        at + 1,
        [as_text(column) for column in columns[:width]],
        np.arange(at + 2, len(found.rows) + 1, dtype=np.int32),
        notes=notes,
        about={"sheet": found.name},
    )


def cells(name: str, data: bytes, sheet: str | None) -> Sheet:
    """One sheet's cells: the named one, or the only visible one that has any."""
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            found = _sheet(name, book, sheet)
        if data.startswith(b"PK"):
            _marked(data, found.name, found.rows)
        return found
    except PasswordError:
        fix = "open it with its password and save a copy without one"
        raise sniff.refused(name, "is protected by a password", fix) from None
    except (CalamineError, OSError, ValueError, zipfile.BadZipFile, zlib.error):
        what = "is a workbook that cannot be opened: it is damaged or cut short"
        raise sniff.refused(name, what, sniff.AS_XLSX) from None


def _sheet(name: str, book: CalamineWorkbook, wanted: str | None) -> Sheet:
    visible = [s.name for s in book.sheets_metadata if s.visible == SheetVisibleEnum.Visible]
    hidden = [s.name for s in book.sheets_metadata if s.name not in visible]
    if wanted is not None:
        if wanted not in book.sheet_names:
            fix = f"name one of: {', '.join(book.sheet_names)}"
            raise sniff.refused(name, f"has no sheet {wanted!r}", fix)
        return Sheet(wanted, _rows(book, wanted), [s for s in hidden if s != wanted])
    full = {sheet: rows for sheet in visible if (rows := _rows(book, sheet))}
    if len(full) > 1:
        what = f"has several sheets with data: {', '.join(full)}"
        raise sniff.refused(name, what, f"name the one to read: --sheet {next(iter(full))!r}")
    if not full:
        raise sniff.refused(name, "has no visible sheet with data", "name a sheet with --sheet")
    return Sheet(next(iter(full)), next(iter(full.values())), hidden)


def _rows(book: CalamineWorkbook, sheet: str) -> list[list[Cell]]:
    rows: list[list[Cell]] = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    return rows


def _marked(data: bytes, sheet: str, rows: list[list[Cell]]) -> None:
    """Writes an error's sign into the cells that hold an error or a formula without its value.

    The library gives both as blank cells. Known for the workbooks that are XML only.
    """
    part = _sheet_part(data, sheet)
    xml = part and zipfile.ZipFile(io.BytesIO(data)).read(part)
    if not xml or not _SUSPECT.search(xml):
        return
    for cell in _FAULTY.finditer(xml):
        at = int(cell["row"]) - 1
        column = reduce(lambda total, c: total * 26 + c - 64, cell["column"], 0) - 1
        if at < len(rows) and column < len(rows[at]):
            rows[at][column] = "#VALUE!"


def _sheet_part(data: bytes, sheet: str) -> str | None:
    """The member of an XLSX that holds a sheet, as its workbook says; None if it does not."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        if "xl/workbook.xml" not in names or "xl/_rels/workbook.xml.rels" not in names:
            return None
        book, links = archive.read("xl/workbook.xml"), archive.read("xl/_rels/workbook.xml.rels")
    for tag in re.findall(rb"<(?:\w+:)?sheet\s[^>]*>", book):
        own = dict(_ATTRIBUTE.findall(tag))
        if html.unescape(own.get(b"name", b"").decode()) != sheet:
            continue
        for link in re.findall(rb"<Relationship\s[^>]*>", links):
            target = dict(_ATTRIBUTE.findall(link))
            if target.get(b"Id") == own.get(b"r:id"):
                path = target.get(b"Target", b"").decode()
                found = path.lstrip("/") if path.startswith("/") else f"xl/{path}"
                return found if found in names else None
    return None


def _used(rows: Sequence[Sequence[Cell]]) -> int:
    """How many columns hold a cell below the heading."""
    if not rows:
        return 0
    width = len(rows[0])
    return next((n for n in range(width, 0, -1) if any(row[n - 1] != "" for row in rows)), 0)


def as_text(column: Sequence[Cell]) -> Text:
    """A column of cells as trimmed text, each distinct cell turned into text once."""
    kinds = set(map(type, column))
    if kinds <= {str}:
        return from_strings(column)
    objects = np.empty(len(column), object)
    objects[:] = [text_of(c) for c in column] if bool in kinds else column
    codes, distinct = pd.factorize(objects)
    text = from_strings([text_of(cell) for cell in distinct])
    return Text(np.append(text.codes, np.int32(-1))[codes], text.values)


def text_of(cell: Cell) -> str:
    """A cell as an export would write it: ISO dates, HH:MM:SS, 12 for 12.0, yes and no."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return _number(cell)
    if isinstance(cell, datetime.datetime):
        midnight = cell.time() == datetime.time()
        return cell.date().isoformat() if midnight else cell.isoformat(" ")
    if isinstance(cell, datetime.timedelta):
        return _clock(cell)
    return cell.isoformat() if isinstance(cell, (datetime.date, datetime.time)) else str(cell)


def _number(value: float) -> str:
    if value.is_integer():
        return f"{value:.0f}" if abs(value) < EXACT else f"{value:.5E}"
    short = repr(value)
    return f"{value:.12f}".rstrip("0") if "e" in short else short


def _clock(length: datetime.timedelta) -> str:
    """Hours past 24 stay hours; parts of a second are rounded, since serials are not exact."""
    whole = round(length.total_seconds())
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
