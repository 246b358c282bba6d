"""The stages of a run in order: exports are read, decided by the rules, priced and written.

read → activities → assign → claims → report. Each stage gives tables to the next; none reaches
back, and only this module and the command line know them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from ccbill import exception_notes, handover, inputs, recorded
from ccbill.aside import Aside, Leave, at_once
from ccbill.claims import Claims, claims
from ccbill.config import Settings
from ccbill.exception_notes import Doubt
from ccbill.fees import Fees
from ccbill.held_lines import hold_elsewhere
from ccbill.inputs import Asked
from ccbill.ledger import store
from ccbill.ledger.settle import Settled, all_new, settle
from ccbill.ledger.standing import CASE
from ccbill.ledger.store import Ledger
from ccbill.recorded import Book
from ccbill.report import build
from ccbill.report.delivery import deliver
from ccbill.report.tables import CLAIMS, Report
from ccbill.reported import Bill, Rest
from ccbill.rules import examples
from ccbill.rules.decisions import Decisions
from ccbill.rules.facts import Facts
from ccbill.rules.model import Plan
from ccbill.rules.parse import EPOCH
from ccbill.rules.payers import plan_of_rows
from ccbill.shares import Engine, Terms, decided, locally
from ccbill.tables import Intake, check_activities


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


def run(request: Request, leave: Leave = at_once) -> tuple[Report, list[Path]]:
    """The report of a run and the files that it wrote, none with `dry_run`. `leave` does what need
    not be done by then."""
    settings = inputs.settings_of(request)
    plans = inputs.plans_of(request, settings)
    examples.check(plans, of_changed_files=True)
    read, fees = inputs.read(request, settings, plans)
    today = request.today.toordinal() - EPOCH
    asked = Aside(partial(exception_notes.doubts, read, plans, settings, today), at_once=False)
    if request.ledger is None:
        bill = billed(read, plans, settings, fees, request, asked)
        del read, asked  # what is written of them, the bill has
        if request.dry_run:
            return bill.report(), []
        return deliver(bill, request.out, request.formats, leave)
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
    asked: Aside[list[Doubt]] | None = None,
    book: Book | None = None,
) -> Bill:
    """Decides and prices what was read. With a `book`, what was submitted before counts. `asked` is
    what an auditor would ask, which begins here if it did not yet."""
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
        beside = asked.begin if asked else None
        decisions, lines = decided(facts, plan_of_row, terms, engine, beside)
    decisions, lines, done = _settled(facts, decisions, lines, settings, fees, today, book, spoken)
    tables = {
        "activities": build.trace(facts, decisions, done.adopted, lines.line_of_row),
        "claims": done.lines,
        "encounters": lines.encounters,
        "submitted": done.submitted[list(CLAIMS)],
    }
    rest = Rest(
        decisions=decisions,
        line_of_row=lines.line_of_row,
        done=done,
        read=replace(read, notes=[*read.notes, *unknown_payers]),
        asked=asked.outcome if asked else list,
        facts=facts,
        spoken=spoken,
        settings=settings,
        fees=fees,
        request=request,
        book=book,
        tables=tables,
    )
    return Bill(tables, [rest])


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
