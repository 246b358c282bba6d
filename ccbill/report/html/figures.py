"""The month-end report's sections of money and minutes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ccbill.problems import PROBLEMS
from ccbill.report.html.charts import Chart, Series
from ccbill.report.html.parts import (
    NEAR,
    NO_PLAN,
    Part,
    Section,
    Table,
    dollars,
    heads,
    held,
    in_dollars,
    known_sum,
    money,
    money_by,
    near,
    part,
)
from ccbill.report.tables import Report, Review
from ccbill.report.totals import held_problems, plan_figures
from ccbill.tables import UNKNOWN

SHORT_STEPS = (1, 6, 11, 16, 21, 31)  # minutes short at which a column of the histogram begins


def plans(report: Report) -> Section:
    figures = plan_figures(report)
    stuck, nearly = held(report.exceptions), near(report.near_misses)
    figures["held_cents"] = money_by(stuck, "plan", "amount").reindex(figures.index)
    figures["near_cents"] = money_by(nearly, "plan", "amount").reindex(figures.index)
    cells = ("patients", "units")
    cents = ("charge", "expected", "held_cents", "near_cents")

    def row(name: str, of: pd.Series[float]) -> list[str]:
        return [name, *(f"{int(of[each]):,}" for each in cells), *(money(of[c]) for c in cents)]

    names = [str(name) or NO_PLAN for name in figures.index]
    table = Table(
        f"To bill, held, and within {NEAR} minutes of the next unit",
        heads("Plan", "#Patients", "#Units", "#Charge", "#Expected", "#Held", "#Near"),
        [row(name, figures.iloc[at]) for at, name in enumerate(names)],
        row("All plans", figures.sum(min_count=1)) if names else (),
    )
    shown = figures[figures[list(cents[1:])].notna().any(axis=1)]
    chart = Chart(
        "plans-chart",
        "Expected, held and near-miss money by plan",
        "; ".join(f"{row[0]}: expected {row[4] or 'not known'}" for row in table.rows),
        [str(name) or NO_PLAN for name in shown.index],
        [
            Series("expected", "solid", in_dollars(shown["expected"])),
            Series("held", "striped", in_dollars(shown["held_cents"])),
            Series("near", "dotted", in_dollars(shown["near_cents"])),
        ],
        dollars,
    )
    says = [
        "What each plan is billed, what is held until it is fixed, and what is nearly earned. A "
        "patient with two plans counts under both."
    ]
    return Section("plans", "Money by plan", says, [part(table, chart)])


def problems(exceptions: pd.DataFrame) -> Section:
    found = held_problems(exceptions)
    names = [str(name) for name in found["problem"]]
    fixes = [PROBLEMS[n].fix if n in PROBLEMS else "See the exceptions." for n in names]
    amounts = [money(cents) for cents in found["amount"]]
    rows = [int(number) for number in found["rows"]]
    table = Table(
        "Problems that hold rows, the most money first",
        heads("Problem", "#Rows", "#At stake", "What mends it"),
        [
            [name, f"{number:,}", amount, fix]
            for name, number, amount, fix in zip(names, rows, amounts, fixes, strict=True)
        ],
        ["All problems", f"{sum(rows):,}", money(found["amount"].sum(min_count=1)), ""],
    )
    priced = found[found["amount"].notna().to_numpy(bool)].head(8)
    chart = Chart(
        "held-chart",
        "Money at stake by problem",
        "The problems with the most money at stake.",
        [str(name) for name in priced["problem"]],
        [Series("at stake", "striped", in_dollars(priced["amount"]))],
        dollars,
    )
    if not names:
        return Section("held", "Held, by problem", ["Nothing is held."])
    says = ["Work that is not billed until somebody mends it. A blank amount has no price yet."]
    return Section("held", "Held, by problem", says, [part(table, chart, beside=False)])


def short(near_misses: pd.DataFrame) -> Section:
    heading = "How many minutes short"
    if near_misses.empty:
        return Section("short", heading, ["No case is short of its next unit."])
    starts = np.array(SHORT_STEPS)
    step = np.searchsorted(starts, near_misses["short_minutes"].to_numpy(), "right") - 1
    ends = [f"{end - 1}" for end in SHORT_STEPS[1:]]
    labels = [f"{a}-{b}" for a, b in zip(SHORT_STEPS, ends, strict=False)] + [f"{starts[-1]}+"]
    cases = np.bincount(np.maximum(step, 0), minlength=len(labels))
    worth = [known_sum(near_misses["amount"][step == n]) for n in range(len(labels))]
    table = Table(
        "Cases by minutes short of their next unit",
        heads("Minutes short", "#Cases", "#Worth"),
        [[a, f"{n:,}", money(c)] for a, n, c in zip(labels, cases, worth, strict=True)],
        ["All", f"{len(near_misses):,}", money(known_sum(near_misses["amount"]))],
    )
    chart = Chart(
        "short-chart",
        "Cases by minutes short of their next unit",
        "; ".join(f"{a} minutes: {n}" for a, n in zip(labels, cases, strict=True)),
        labels,
        [Series("cases", "solid", [float(n) for n in cases])],
        axes=("minutes short", "cases"),
    )
    says = [
        "A case is a patient's month with one plan and practice. These have counted time that "
        "earns no unit yet, or nearly earns another. Worth is the unit that comes next."
    ]
    return Section("short", heading, says, [part(table, chart)])


def lengths(lengths: pd.DataFrame) -> Section:
    heading = "Minutes per case"
    if lengths.empty:
        return Section("lengths", heading, ["No plan that bills by a month's minutes had work."])
    parts = []
    groups = lengths.groupby(["plan", "service"], sort=False)
    for at, (_, steps) in enumerate(groups):
        parts.append(_length(f"lengths-{at}-chart", steps))
    says = [
        "Counted minutes of each case, in quarters of an hour to either side of the minute at "
        "which the plan pays its first unit. Striped columns earn nothing yet."
    ]
    return Section("lengths", heading, says, parts)


def _length(name: str, steps: pd.DataFrame) -> Part:
    plan, code = str(steps["plan"].iloc[0]), str(steps["code"].iloc[0])
    first = int(steps["first_unit_at"].iloc[0])
    labels = [
        f"{a}+" if b == UNKNOWN else f"{a}-{b}"
        for a, b in zip(steps["from_minutes"], steps["to_minutes"], strict=True)
    ]
    cases = [int(n) for n in steps["cases"]]
    earns = [a >= first for a in steps["from_minutes"]]
    table = Table(
        f"{plan}: {code} from {first} minutes",
        heads("Minutes", "#Cases", "First unit"),
        [
            [a, f"{n:,}", "earned" if yes else "not yet"]
            for a, n, yes in zip(labels, cases, earns, strict=True)
        ],
        ["All", f"{sum(cases):,}", ""],
    )
    chart = Chart(
        name,
        f"Cases by counted minutes, {plan}",
        f"The first unit of {code} is earned at {first} minutes.",
        [str(a) for a in steps["from_minutes"]],
        [
            Series("no unit yet", "striped", _where(cases, [not yes for yes in earns])),
            Series(f"{first} minutes or more", "solid", _where(cases, earns)),
        ],
        axes=("minutes, from", "cases"),
    )
    return part(table, chart, heading=f"{plan}, {code}")


def _where(cases: Sequence[int], kept: Sequence[bool]) -> list[float | None]:
    return [float(n) if yes else None for n, yes in zip(cases, kept, strict=True)]


def months(review: Review) -> Section:
    """Month against month."""
    table = review.months
    names = [str(month) for month in table["month"]]
    says = [
        "What stands for each month: billed in earlier runs and not changed by this one, and new "
        "or changed in this run."
        if review.from_ledger
        else "The months of this run only: it kept no ledger, so earlier runs are not here."
    ]
    if not names:
        return Section("months", "Month against month", ["No month has a line to bill."])
    columns = ("lines_before", "charge_before", "lines", "charge", "expected")
    cents = ("charge_before", "charge", "expected")
    cells = {c: [money(v) if c in cents else f"{v:,}" for v in table[c]] for c in columns}
    totals = [money(known_sum(table[c])) if c in cents else f"{table[c].sum():,}" for c in columns]
    earlier = ("#Lines before", "#Charge before")
    shown = columns if review.from_ledger else columns[2:]
    figures = Table(
        "Lines and money by month of service",
        heads("Month", *(earlier if review.from_ledger else ()), "#Lines", "#Charge", "#Expected"),
        [[name, *(cells[c][at] for c in shown)] for at, name in enumerate(names)],
        ["All months", *totals[len(columns) - len(shown) :]],
    )
    before = Series("earlier runs", "dotted", in_dollars(table["charge_before"]))
    now = Series("this run", "solid", in_dollars(table["charge"]))
    chart = Chart(
        "months-chart",
        "Charges by month of service",
        "; ".join(f"{name}: {sum_}" for name, sum_ in zip(names, cells["charge"], strict=True)),
        names,
        [before, now] if review.from_ledger else [now],
        dollars,
    )
    return Section("months", "Month against month", says, [part(figures, chart)])
