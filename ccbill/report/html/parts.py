"""What the page of a month-end report is made of, and how figures become its texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from ccbill.report.html import charts
from ccbill.report.html.charts import Chart
from ccbill.report.totals import money_text, words
from ccbill.tables import UNKNOWN

NEAR = 15  # minutes short, at most, of what is nearly earned
NO_PLAN = "(no plan)"
NARROW = 4  # columns of a table that has room beside its chart


@dataclass(frozen=True, slots=True)
class Head:
    """The heading of a table's column, and whether it holds numbers."""

    text: str
    number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column names its rows."""

    caption: str
    heads: Sequence[Head]
    rows: Sequence[Sequence[str]]
    total: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A table, with a chart above it or beside it; no `drawing` where there is nothing to see."""

    table: Table
    chart: Chart | None = None
    drawing: Markup | None = None
    heading: str = ""
    beside: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with a heading, sentences and tables; `name` is its id in the page."""

    name: str
    heading: str
    says: Sequence[str]
    parts: Sequence[Part] = ()


def heads(*texts: str) -> list[Head]:
    """The headings of a table; those that begin with `#` are of numbers."""
    return [Head(text.removeprefix("#"), text.startswith("#")) for text in texts]


def money(cents: Any) -> str:
    """`$1,234.50`; blank where nobody knows the amount."""
    if pd.isna(cents) or int(cents) == UNKNOWN:
        return ""
    text = money_text(int(cents))
    return f"-${text[1:]}" if text.startswith("-") else f"${text}"


def dollars(value: float) -> str:
    """`$1,235`, on a chart."""
    return f"${value:,.0f}"


def percent(part: Any, whole: Any) -> str:
    """`12.5 %`; blank of nothing."""
    return f"{100 * int(part) / int(whole):.1f} %" if int(whole) else ""


def known_sum(cents: pd.Series[int]) -> int:
    """The sum of what is known, UNKNOWN where nothing is."""
    known = cents[(cents != UNKNOWN).to_numpy(bool)]
    return int(known.sum()) if len(known) else UNKNOWN


def money_by(table: pd.DataFrame, name: str, cents: str) -> pd.Series[float]:
    """Known cents by the words of a column, missing where a word has none."""
    known = table[cents].where(table[cents] != UNKNOWN).astype(float)
    return known.groupby(words(table[name]).to_numpy()).sum(min_count=1)


def held(exceptions: pd.DataFrame) -> pd.DataFrame:
    """The exceptions that hold something."""
    return exceptions[(exceptions["severity"] == "hold").to_numpy(bool)]


def near(near_misses: pd.DataFrame) -> pd.DataFrame:
    """The near misses that are at most NEAR minutes short."""
    return near_misses[(near_misses["short_minutes"] <= NEAR).to_numpy(bool)]


def in_dollars(cents: pd.Series[float]) -> list[float | None]:
    """Values for a chart, None where nobody knows them."""
    return [None if pd.isna(each) or each == UNKNOWN else each / 100 for each in cents]


def part(table: Table, chart: Chart, *, heading: str = "", beside: bool = True) -> Part:
    """The table with its chart, as columns where it has axes and else as bars.

    They stand side by side where the table is narrow and nobody asks otherwise.
    """
    if not any(value for each in chart.series for value in each.values):
        return Part(table, heading=heading)
    drawing = charts.columns(chart) if any(chart.axes) else charts.rows(chart)
    return Part(table, chart, drawing, heading, beside and len(table.heads) <= NARROW)
