"""A cell → the text that an export would have for it."""

from __future__ import annotations

import datetime
from typing import Any

Cell = Any  # str, float, int, bool, date, datetime, time or timedelta; "" where blank

EXACT = 10**15  # a workbook keeps 15 digits of a number
HALF_SECOND = datetime.timedelta(microseconds=500_000)

# The library gives this day for 29 February 1900 too, which workbooks have and the calendar has
# not; so it is no day that can be read.
DOUBTFUL = datetime.date(1900, 2, 28)


def text_of(cell: Cell) -> str:
    """ISO dates, HH:MM:SS, 12 for 12.0, yes and no."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, datetime.date):
        return _moment(cell) if isinstance(cell, datetime.datetime) else _day(cell)
    if isinstance(cell, datetime.time):
        return _clock(datetime.datetime.combine(datetime.date.min, cell) - datetime.datetime.min)
    if isinstance(cell, datetime.timedelta):
        return _clock(cell)
    return ("yes" if cell else "no") if isinstance(cell, bool) else _number(float(cell))


def _day(cell: datetime.date) -> str:
    return "1900-02-29" if cell == DOUBTFUL else cell.isoformat()


def _moment(cell: datetime.datetime) -> str:
    whole = (cell + HALF_SECOND).replace(microsecond=0)
    return _day(whole.date()) if whole.time() == datetime.time() else whole.isoformat(" ")


def _number(value: float) -> str:
    if value.is_integer():
        return f"{value:.0f}" if abs(value) < EXACT else f"{value:.5E}"
    short = repr(value)
    return f"{value:.12f}".rstrip("0") if "e" in short else short


def _clock(length: datetime.timedelta) -> str:
    """Hours past 24 stay hours; parts of a second are rounded, since serials are not exact."""
    whole = round(length.total_seconds())
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
