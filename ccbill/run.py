"""The stages of a run in order: exports are read, decided by the rules, priced and written.

read → activities → assign → claims → report. Each stage gives tables to the next; none reaches
back, and only this module and the command line know them all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccbill import __version__, handover, inputs, memory, plausible, progress, recorded
from ccbill.aside import Aside
from ccbill.balance import balance
from ccbill.claims import Claims, claims
from ccbill.config import Settings
from ccbill.exceptions import exceptions
from ccbill.fees import Fees
from ccbill.held_lines import hold_elsewhere
from ccbill.inputs import Asked
from ccbill.ledger import store
from ccbill.ledger.months import earlier
from ccbill.ledger.record import next_run
from ccbill.ledger.settle import Settled, all_new, settle
from ccbill.ledger.standing import CASE
from ccbill.ledger.store import Ledger
from ccbill.problems import PROBLEMS
from ccbill.recorded import Book
from ccbill.report import build
from ccbill.report.delivery import deliver
from ccbill.report.tables import CLAIMS, Report
from ccbill.review import review
from ccbill.rules import examples
from ccbill.rules.decisions import Decisions
from ccbill.rules.facts import Facts
from ccbill.rules.model import Plan
from ccbill.rules.overlay import overridden
from ccbill.rules.parse import EPOCH
from ccbill.rules.payers import plan_of_rows
from ccbill.shares import Engine, Terms, decided, locally
from ccbill.tables import UNKNOWN, Finding, Intake, Ints, Note, check_activities
from ccbill.work import work_list
from ccbill.worth import near_misses

# The workbooks, by the tables whose rows grow with the log.
SHEETS = {
    "claims.xlsx": ("claims", "encounters", "submitted"),
    "exceptions.xlsx": ("exceptions", "near_misses", "unreadable_rows"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Asked):
    """What one run is asked to do. `months` are `2026-10`; none means all of them."""

    out: Path
    months: frozenset[str] = frozenset()
    formats: Sequence[str] = ("xlsx",)
    complete: bool = False  # hold claim lines that lack what their payer will want
    dry_run: bool = False
    ledger: Path | None = None  # None: look back at nothing and keep nothing
    submit: bool = False  # what is recorded counts as billed
    whole_log: bool = False  # the exports have all that was done in their cases
    with_patients: bool = False  # the month-end report names held and near-miss patients
    lock_timeout: float | None = None  # seconds to wait for another run; None: as the settings say
    engine: str = "local"  # or "dask", whose workers decide shares of the patients
    scheduler: str | None = None  # of a Dask cluster; None: one on this machine


def run(request: Request) -> tuple[Report, list[Path]]:
    """The report of a run and the files that it wrote, none with `dry_run`."""
    settings = inputs.settings_of(request)
    plans = inputs.plans_of(request, settings)
    examples.check(plans, of_changed_files=True)
    read, fees = inputs.read(request, settings, plans)
    today = request.today.toordinal() - EPOCH
    asked = Aside(partial(plausible.asked, read, settings, today)).outcome
    if request.ledger is None:
        bill = billed(read, plans, settings, fees, request, asked)
        del read, asked  # what is written of them, the bill has
        if request.dry_run:
            return bill.report(), []
        return deliver(bill, request.out, request.formats)
    with opened(request.ledger, request, settings) as ledger:
        book = Book(ledger, recorded.terms(plans), request.whole_log)
        if request.dry_run:
            return billed(read, plans, settings, fees, request, asked, book).report(), []
        handover.finish_before(ledger, request.out, read.inputs)
        with store.writing(ledger):
            bill = billed(read, plans, settings, fees, request, asked, book)
            return handover.deliver(book, bill, request)


def opened(path: Path, request: Request, settings: Settings) -> AbstractContextManager[Ledger]:
    """The run's ledger, open; a dry run makes none."""
    named = (request.lock_timeout, settings.lock_timeout, store.PATIENCE)
    seconds = next(each for each in named if each is not None)
    return store.opened(path, seconds, make=not request.dry_run)


def _engine(request: Request) -> AbstractContextManager[Engine]:
    if request.engine == "local":
        return nullcontext(locally)
    from ccbill import on_dask  # noqa: PLC0415  (an extra)

    return on_dask.started(request.scheduler)


def billed(
    read: Intake,
    plans: Sequence[Plan],
    settings: Settings,
    fees: Fees,
    request: Request,
    asked: Callable[[], list[Finding]] = list,
    book: Book | None = None,
) -> Bill:
    """Decides and prices what was read. With a `book`, what was submitted before counts. `asked` is
    what an auditor would ask, by the time that it is told."""
    facts = Facts(check_activities(read.activities), read.patients, read.given)
    plan_of_row, unknown_payers = plan_of_rows(facts, plans, settings.payers)
    spoken = pd.DataFrame(columns=CASE)
    if book is not None:
        spoken = recorded.cases(facts, plan_of_row, plans, request.months)
    before = recorded.billed_before(book, facts, spoken)
    today = request.today.toordinal() - EPOCH
    complete = request.complete or settings.claims_complete
    terms = Terms(plans, settings, fees, before, request.months, complete, today)
    with _engine(request) as engine:
        decisions, lines = decided(facts, plan_of_row, terms, engine)
    decisions, lines, done = _settled(facts, decisions, lines, settings, fees, today, book, spoken)
    tables = {
        "activities": build.trace(facts, decisions, done.adopted, lines.line_of_row),
        "claims": done.lines,
        "encounters": lines.encounters,
        "submitted": done.submitted[list(CLAIMS)],
    }
    rest = _Rest(
        decisions=decisions,
        line_of_row=lines.line_of_row,
        done=done,
        read=replace(read, notes=[*read.notes, *unknown_payers]),
        asked=asked,
        facts=facts,
        spoken=spoken,
        settings=settings,
        fees=fees,
        request=request,
        book=book,
        tables=tables,
    )
    return Bill(tables, [rest])


@dataclass(frozen=True, slots=True)
class Bill:
    """A run that is decided and priced: the tables of its report that there are by now, which may
    be written while the rest is made."""

    tables: Mapping[str, Any]  # the lines, and what became of each row
    _rest: list[_Rest]

    def report(self) -> Report:
        """Every table. It may be asked for once: what it was made of is let go."""
        return self._rest.pop().report()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rest:
    """What the rest of a report is made of."""

    decisions: Decisions
    line_of_row: Ints
    done: Settled
    read: Intake
    asked: Callable[[], list[Finding]]
    facts: Facts
    spoken: pd.DataFrame
    settings: Settings
    fees: Fees
    request: Request
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
        if self.book is not None:
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
        findings = [*self.read.findings, *self.asked()]
        today = self.request.today.toordinal() - EPOCH
        found = exceptions(self.facts, self.decisions, self.fees, notes, findings, told, today)
        return recorded.with_unnumbered(found, self.done)


def _settled(
    facts: Facts,
    decisions: Decisions,
    lines: Claims,
    settings: Settings,
    fees: Fees,
    today: int,
    book: Book | None,
    spoken: pd.DataFrame,
) -> tuple[Decisions, Claims, Settled]:
    """The lines beside what was submitted.

    Cases whose log lacks something are held, and lines whose work was billed on another claim.
    """
    if book is None:
        return decisions, lines, all_new(lines.lines)
    scope = recorded.scope(facts, decisions, spoken, book)
    while True:
        done = settle(book.ledger, lines.lines, scope, book.terms)
        if len(done.incomplete):
            decisions = recorded.hold_incomplete(facts, decisions, done.incomplete)
            scope = replace(scope, kept=pd.concat([scope.kept, done.incomplete[CASE]]))
        else:
            then = recorded.billed_elsewhere(facts, lines.line_of_row, scope, book)
            if then.empty:
                return decisions, lines, done
            decisions = hold_elsewhere(decisions, lines, then)
            scope = replace(scope, held=recorded.unsure(facts, decisions))
        lines = claims(facts, decisions, settings, fees, today)


def _months_without_rows(facts: Facts, months: frozenset[str]) -> list[Note]:
    """A note for each month that the run was asked for and no row is in."""
    found = np.unique(facts.months(slice(None)))
    have = found[found != UNKNOWN].astype("M8[M]").astype(str)
    fix = f"name a month that the exports have: {', '.join(have[-12:])}" if len(have) else ""
    return [
        Note("month-without-rows", "", f"no row is in {month}, which --month names", fix)
        for month in sorted(months - {*have})
    ]


def _record(
    request: Request,
    settings: Settings,
    read: Intake,
    decisions: Decisions,
    tables: dict[str, Any],
) -> dict[str, Any]:
    """What run.json says: nothing about a patient."""
    held = tables["exceptions"][["severity", "problem", "rows"]].query("severity == 'hold'")
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
            **build.counts(decisions),
            "claims": int(lines["claim_id"].nunique()),
            "lines": len(lines),
            "units": int(sent["units"].sum()),
            "charge_cents": _known_sum(sent["charge"]),
        },
        "held_by_problem": held.groupby("problem")["rows"].sum().astype(int).to_dict(),
    }


def _sent(lines: pd.DataFrame) -> pd.DataFrame:
    """The lines that a payer is to pay."""
    void = (lines["status"] == "void").to_numpy(bool)
    return lines[~void] if void.any() else lines


def _known_sum(cents: Any) -> int:
    return int(cents[cents != UNKNOWN].sum())
