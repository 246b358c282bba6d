"""A run that is decided and priced → its report: the tables that are made from both.

The lines and the trace are there at once. The rest is made when it is asked for, while those may be
written already.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Protocol

import numpy as np
import pandas as pd

from ccbill import __version__, memory, progress, recorded
from ccbill.balance import balance
from ccbill.config import Settings
from ccbill.exception_notes import Doubt
from ccbill.exceptions import exceptions
from ccbill.fees import Fees
from ccbill.handover import Handed
from ccbill.ledger.months import earlier
from ccbill.ledger.record import next_run
from ccbill.ledger.settle import Settled
from ccbill.problems import PROBLEMS
from ccbill.recorded import Book
from ccbill.report import build
from ccbill.report.tables import Report
from ccbill.report.totals import held_problems
from ccbill.review import review
from ccbill.rules.decisions import Decisions
from ccbill.rules.facts import Facts
from ccbill.rules.overlay import overridden
from ccbill.rules.parse import EPOCH
from ccbill.tables import UNKNOWN, Intake, Ints, Note
from ccbill.work import work_list
from ccbill.worth import near_misses

# The workbooks, by the tables whose rows grow with the log.
SHEETS = {
    "claims.xlsx": ("claims", "encounters", "submitted"),
    "exceptions.xlsx": ("exceptions", "near_misses", "unreadable_rows"),
}


class Reporting(Handed, Protocol):
    """What of a request its report needs."""

    @property
    def today(self) -> date: ...
    @property
    def months(self) -> frozenset[str]: ...
    @property
    def dry_run(self) -> bool: ...
    @property
    def with_patients(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Bill:
    """A run that is decided and priced: the tables of its report that there are by now, which may
    be written while the rest is made."""

    tables: Mapping[str, Any]  # the lines, and what became of each row
    _rest: list[Rest]

    def report(self) -> Report:
        """Every table. It may be asked for once: what it was made of is let go."""
        return self._rest.pop().report()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What the rest of a report is made of."""

    decisions: Decisions
    line_of_row: Ints
    done: Settled
    read: Intake
    asked: Callable[[], list[Doubt]]
    facts: Facts
    spoken: pd.DataFrame
    settings: Settings
    fees: Fees
    request: Reporting
    book: Book | None
    tables: dict[str, Any]

    def report(self) -> Report:
        """Every table. The run's entry and its work list are left in its book."""
        facts, decisions, done, request = self.facts, self.decisions, self.done, self.request
        ledger = self.book.ledger if self.book else None
        progress.begins("listing what is held", progress.LISTING)
        notes = self._notes()
        out, limits = request.out, self.settings.workbook
        to_do = work_list(self._exceptions(notes), out, limits, ledger, self.spoken)
        memory.give_back()
        sent = _sent(done.lines)
        tables = self.tables | {
            "summary": build.summary(sent, earlier(ledger, done.lines)),
            "rules_used": build.rules_used(decisions),
            "exceptions": to_do.exceptions,
            "near_misses": near_misses(facts, decisions, self.fees),
            "unreadable_rows": self.read.unreadable,
            "balance": balance(facts, decisions),
        }
        notes += (large := self._large(tables))
        tables["notes"] = build.notes_table(notes)
        record = _record(request, self.settings, self.read, decisions, tables)
        record["notes"] = build.file_notes(notes)
        record["work_list"] = to_do.told
        if ledger is not None and not request.dry_run:
            record["run"] = next_run(ledger)
            record["status"] = "submitted" if request.submit else "draft"
        beside = ["csv"] if large else []
        report = Report(**tables, run=build.run_table(record), record=record, beside=beside)
        if "html" in request.formats:
            named = request.with_patients
            seen = review(facts, decisions, tables, self.read, ledger, self.settings, named)
            report = replace(report, review=seen)
        if self.book is not None and not request.dry_run:
            self.book.entry = recorded.entry(report, done, facts, self.spoken, request.today)
            self.book.work = to_do
        return report

    def _notes(self) -> list[Note]:
        plans = self.decisions.plans
        at_work = [plan for plan in plans if (self.spoken["plan"] == plan.name).any()]
        return [
            *self.read.notes,
            *overridden(plans),
            *recorded.notes(self.book, self.done, at_work),
            *_months_without_rows(self.facts, self.request.months),
        ]

    def _large(self, tables: Mapping[str, Any]) -> list[Note]:
        """A note on each workbook that has too many rows, unless CSV or Parquet is asked for."""
        most = self.settings.workbook_rows
        if "xlsx" not in self.request.formats or {"csv", "parquet"} & {*self.request.formats}:
            return []
        rows = {book: max(len(tables[name]) for name in names) for book, names in SHEETS.items()}
        what = f"more than the {most:,} of workbook_rows; CSV files beside it have the same"
        fix = PROBLEMS["workbook-large"].fix
        return [
            Note("workbook-large", book, f"has a sheet of {count:,} rows, {what}", fix)
            for book, count in rows.items()
            if count > most
        ]

    def _exceptions(self, notes: list[Note]) -> pd.DataFrame:
        sent, adopted = _sent(self.done.lines), self.done.adopted
        told = sent.assign(rows=recorded.rows_of_claims(sent, adopted, self.line_of_row))
        today = self.request.today.toordinal() - EPOCH
        found = exceptions(
            self.facts,
            self.decisions,
            self.fees,
            notes,
            self.read.findings,
            self.asked(),
            told,
            today,
        )
        return recorded.with_unnumbered(found, self.done)


def _months_without_rows(facts: Facts, months: frozenset[str]) -> list[Note]:
    """A note for each month that the run was asked for and no row is in."""
    if not months:
        return []
    found = np.unique(facts.months(slice(None)))
    have = found[found != UNKNOWN].astype("M8[M]").astype(str)
    fix = f"name a month that the exports have: {', '.join(have[-12:])}" if len(have) else ""
    return [
        Note("month-without-rows", "", f"no row is in {month}, which --month names", fix)
        for month in sorted(months - {*have})
    ]


def _record(
    request: Reporting,
    settings: Settings,
    read: Intake,
    decisions: Decisions,
    tables: dict[str, Any],
) -> dict[str, Any]:
    """What run.json says: nothing about a patient."""
    held = held_problems(tables["exceptions"])
    lines = tables["claims"]
    sent = _sent(lines)
    used = {plan.name for plan, _ in (decisions.services[n] for n in np.unique(decisions.service))}
    return {
        "schema_version": 1,
        "ccbill": __version__,
        "python": sys.version.split()[0],
        "today": request.today.isoformat(),
        "created": datetime.combine(request.today, datetime.min.time(), UTC).isoformat(),
        "months": sorted(request.months),
        "inputs": read.inputs,
        "mapping": read.mapping,
        "config": {
            "file": settings.path.name if settings.path else None,
            "sha256": settings.sha256,
        },
        "rules": {f: h for p in decisions.plans if p.name in used for f, h in p.sha256.items()},
        "overlays": [build.overlay(p, c) for p in decisions.plans for c in p.overlays],
        "counts": {
            "rows_read": len(read.activities),
            **build.counts(tables["balance"]),
            "claims": int(lines["claim_id"].nunique()),
            "lines": len(lines),
            "units": int(sent["units"].sum()),
            "charge_cents": _known_sum(sent["charge"]),
        },
        "held_by_problem": dict(sorted(zip(held["problem"], held["rows"], strict=True))),
    }


def _sent(lines: pd.DataFrame) -> pd.DataFrame:
    """The lines that a payer is to pay."""
    void = (lines["status"] == "void").to_numpy(bool)
    return lines[~void] if void.any() else lines


def _known_sum(cents: Any) -> int:
    return int(cents[cents != UNKNOWN].sum())
