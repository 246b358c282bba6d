"""report.html: the month's figures as one page that needs nothing but itself.

The page has no script and no address; its style is allowed by its hash. It names no patient unless
the run was asked for patients.
"""

from __future__ import annotations

from base64 import b64encode
from calendar import month_name
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from importlib.resources import files
from typing import BinaryIO

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ccbill import __version__
from ccbill.errors import counted
from ccbill.report.html import figures, people
from ccbill.report.html.parts import NEAR, Section, held, known_sum, money, near
from ccbill.report.tables import Report, Review
from ccbill.report.totals import balance_sentence
from ccbill.tables import UNKNOWN


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the three sums that the page begins with, and the question that it answers."""

    asks: str
    sum: str
    lines: Sequence[str]
    look: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """All that the template shows."""

    practice: str
    heading: str
    about: str
    headline: Sequence[Figure]
    balance: Sequence[str]
    sections: Sequence[Section]
    closing: Sequence[str]


def write_report(report: Report, file: BinaryIO) -> None:
    """Write the page of a run that has a review; the same run gives the same bytes."""
    assert report.review is not None
    style = files(__name__).joinpath("report.css").read_text(encoding="utf-8")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    environment = Environment(
        loader=PackageLoader(__name__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    text = environment.get_template("report.html").render(
        page=_page(report, report.review),
        style=Markup(style),
        style_hash=digest,
        version=__version__,
    )
    file.write(text.encode())


def _page(report: Report, review: Review) -> Page:
    return Page(
        practice=review.practice,
        heading=f"Care management, {_span(report)}",
        about=_about(report),
        headline=_headline(report),
        balance=_balance(report),
        sections=_sections(report, review),
        closing=_closing(review),
    )


def _sections(report: Report, review: Review) -> list[Section]:
    found = [
        figures.plans(report),
        figures.problems(report.exceptions),
        figures.short(report.near_misses),
        figures.lengths(review.lengths),
        figures.months(review),
        people.staff(review.staff),
        people.panel(review.panel),
        people.documented(review.documented),
    ]
    return [*found, people.patients(report)] if review.with_patients else found


def _span(report: Report) -> str:
    """The months that the run was asked for, else those that its rows are of."""
    months = report.record.get("months") or sorted(report.balance["month"].dropna().unique())
    if not months:
        return "no month"
    first, last = (date.fromisoformat(f"{month}-01") for month in (months[0], months[-1]))
    if first == last:
        return f"{month_name[last.month]} {last.year}"
    year = "" if first.year == last.year else f" {first.year}"
    return f"{month_name[first.month]}{year} to {month_name[last.month]} {last.year}"


def _about(report: Report) -> str:
    record = report.record
    run = f"Run {record['run']}, {record['status']}" if "run" in record else "Run without a ledger"
    return f"{run}, {record['today']}"


def _headline(report: Report) -> list[Figure]:
    summary, stuck, nearly = report.summary, held(report.exceptions), near(report.near_misses)
    sent = report.claims[(report.claims["status"] != "void").to_numpy(bool)]
    expected = money(known_sum(summary["expected_payment"])) or "an unknown amount"
    return [
        Figure(
            "To bill",
            _sum(known_sum(summary["charge"])),
            (
                f"of which {expected} is expected",
                f"{counted(len(sent), 'line')} for {_patients(sent['patient_id'].nunique())}",
            ),
            "first",
        ),
        Figure(
            "Held until fixed",
            _sum(known_sum(stuck["amount"])),
            (
                f"at stake in {counted(int(report.balance['rows_held'].sum()), 'row')}",
                counted(stuck["problem"].nunique(), "kind of problem", "kinds of problem"),
            ),
        ),
        Figure(
            "Nearly earned",
            _sum(known_sum(nearly["amount"])),
            (
                f"in {counted(len(nearly), 'case')} at most {NEAR} minutes short",
                f"{counted(len(report.near_misses), 'case')} short in all",
            ),
        ),
    ]


def _sum(cents: int) -> str:
    return money(0 if cents == UNKNOWN else cents)


def _patients(number: int) -> str:
    return counted(number, "patient")


def _balance(report: Report) -> list[str]:
    """The balance in rows, and in time."""
    read, counted_, left_out, held_ = (
        _time(int(report.balance[f"seconds_{part}"].sum()))
        for part in ("read", "counted", "left_out", "held")
    )
    return [
        f"{balance_sentence(report.balance)}.",
        f"In minutes: {read} read = {counted_} counted + {left_out} left out + {held_} held.",
    ]


def _time(seconds: int) -> str:
    """Minutes and seconds: `5,431:15`."""
    return f"{seconds // 60:,}:{seconds % 60:02}"


def _closing(review: Review) -> list[str]:
    return [
        "Every figure is computed from the tables of the same run: claims, exceptions, near_misses "
        "and balance.",
        "Patients are named in the last section only."
        if review.with_patients
        else "No patient is named here; --with-patients adds the held and the nearly earned.",
    ]
