"""The stages of a run in order: exports are read, decided by the rules, priced and written.

read → activities → assign → claims → report. Each stage gives tables to the next; none reaches
back, and only this module and the command line know them all.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ccbill import __version__, config, intake
from ccbill.balance import balance
from ccbill.claims import claims, hold_unbillable
from ccbill.config import Settings
from ccbill.exceptions import exceptions
from ccbill.fees import Fees
from ccbill.intake.fees import read_fees
from ccbill.report import build
from ccbill.report.delivery import deliver
from ccbill.report.tables import Report
from ccbill.rules import load
from ccbill.rules.assign import assign
from ccbill.rules.decisions import Decisions
from ccbill.rules.facts import Facts
from ccbill.rules.model import Plan
from ccbill.rules.overlay import overridden
from ccbill.rules.parse import EPOCH
from ccbill.rules.payers import plan_of_rows
from ccbill.rules.screen import Answer
from ccbill.tables import UNKNOWN, Intake, Outcome, check_activities
from ccbill.worth import near_misses

FORMATS = ("xlsx", "csv", "parquet")


@dataclass(frozen=True, slots=True)
class Request:
    """What one run is asked to do. `months` are `2026-10`; none means all of them."""

    exports: Sequence[str]
    out: Path
    today: date
    months: frozenset[str] = frozenset()
    formats: Sequence[str] = ("xlsx",)
    patients: Path | None = None
    staff: Path | None = None
    fees: Path | None = None
    sheet: str | None = None
    config: Path | None = None
    rules: Sequence[Path] = ()  # overlays, laid over those of the settings
    complete: bool = False  # hold claim lines that lack what their payer will want
    dry_run: bool = False


def run(request: Request) -> tuple[Report, list[Path]]:
    """The report of a run and the files that it wrote, none with `dry_run`."""
    settings = config.load(request.config)
    plans = load.plans([*settings.overlays, *request.rules])
    fees = read_fees(request.fees) if request.fees else Fees.none()
    read = intake.read(
        request.exports,
        settings,
        patients=request.patients,
        staff=request.staff,
        sheet=request.sheet,
    )
    report = bill(read, plans, settings, fees, request)
    written = [] if request.dry_run else deliver(report, request.out, request.formats)
    return report, written


def bill(
    read: Intake, plans: Sequence[Plan], settings: Settings, fees: Fees, request: Request
) -> Report:
    """Decides and prices what was read, and builds every table of the report."""
    facts = Facts(check_activities(read.activities), read.patients, read.given)
    plan_of_row, unknown_payers = plan_of_rows(facts, plans, settings.payers)
    decisions = assign(facts, plans, plan_of_row)
    decisions = _only_months(facts, decisions, request.months)
    today = request.today.toordinal() - EPOCH
    lines = claims(facts, decisions, settings, fees, today)
    complete = request.complete or settings.claims_complete
    held = hold_unbillable(decisions, lines, complete=complete)
    if held is not decisions:
        decisions, lines = held, claims(facts, held, settings, fees, today)
    notes = [*read.notes, *unknown_payers, *overridden(plans)]
    tables: dict[str, Any] = {
        "claims": lines.lines,
        "encounters": lines.encounters,
        "submitted": build.no_lines(),
        "summary": build.summary(lines.lines),
        "rules_used": build.rules_used(decisions),
        "exceptions": exceptions(facts, decisions, fees, notes, lines.lines, today),
        "near_misses": near_misses(facts, decisions, fees),
        "unreadable_rows": read.unreadable,
        "balance": balance(facts, decisions),
        "activities": build.trace(facts, decisions, lines.lines, lines.line_of_row),
        "notes": build.notes_table(notes),
    }
    record = _record(request, settings, read, decisions, tables)
    return Report(**tables, run=build.run_table(record), record=record)


def _only_months(facts: Facts, decisions: Decisions, months: frozenset[str]) -> Decisions:
    """The decisions with rows of other months left out: they feed look-backs and bill nothing."""
    if not months:
        return decisions
    wanted = np.isin(facts.months(), np.array(sorted(months), "M8[M]").astype(np.int64))
    dated = facts.numbers("service_date") != UNKNOWN
    why = "the run was asked for other months"
    decisions.book.append(Answer(Outcome.LEFT_OUT, "other-month", "", why, ""))
    decisions.answer[dated & ~wanted] = len(decisions.book) - 1
    return replace(
        decisions,
        billed=[b.only(wanted[b.groups.first]) for b in decisions.billed],
        encounters=[b.only(wanted[b.groups.first]) for b in decisions.encounters],
        short=[s.only(wanted[s.standing]) for s in decisions.short],
        stakes=[s.only(wanted[s.rows]) for s in decisions.stakes],
    )


def _record(
    request: Request,
    settings: Settings,
    read: Intake,
    decisions: Decisions,
    tables: dict[str, Any],
) -> dict[str, Any]:
    """What run.json says: nothing about a patient."""
    held = tables["exceptions"].query("severity == 'hold'")
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
            "claims": int(tables["claims"]["claim_id"].nunique()),
            "lines": len(tables["claims"]),
            "units": int(tables["claims"]["units"].sum()),
            "charge_cents": _known_sum(tables["claims"]["charge"]),
        },
        "held_by_problem": held.groupby("problem")["rows"].sum().astype(int).to_dict(),
    }


def _known_sum(cents: Any) -> int:
    return int(cents[cents != UNKNOWN].sum())
