"""A run between its rules and its ledger: what it speaks for, what was billed, what is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ccbill import __version__
from ccbill.aside import Aside
from ccbill.errors import counted
from ccbill.ledger.record import Entry, packed_log, repeated
from ccbill.ledger.settle import Scope, Settled, Terms
from ccbill.ledger.standing import CASE, earned_elsewhere, first_counted, history
from ccbill.ledger.store import Ledger
from ccbill.problems import PROBLEMS
from ccbill.report.tables import EXCEPTIONS, Report
from ccbill.rules.decisions import Decisions
from ccbill.rules.facts import Facts, packed
from ccbill.rules.model import Limit, Plan, Service
from ccbill.rules.prior import History
from ccbill.rules.screen import Answer
from ccbill.tables import UNKNOWN, Ints, Note, Outcome, month_text

if TYPE_CHECKING:  # it loads what writes workbooks, and explain loads this
    from ccbill.work import WorkList

PERIODS = ("ever", "year", "month")  # the widest first


@dataclass(slots=True)
class Book:
    """A run's open ledger, and what the run leaves to be recorded in it."""

    ledger: Ledger
    terms: Terms
    complete: bool = False
    entry: Entry | None = None
    work: WorkList | None = None


def terms(plans: Sequence[Plan]) -> Terms:
    """What the ledger needs to know of the rules."""
    services = {
        service.file.removesuffix(".toml"): service for plan in plans for service in plan.services
    }
    spans = {rule: _span(service) for rule, service in services.items()}
    return Terms(
        {rule: period for rule, (period, _) in spans.items()},
        frozenset(rule for rule, (_, parts) in spans.items() if "practice" in parts),
    )


def _span(service: Service) -> tuple[str, Sequence[str]]:
    """The period within which the service bills a code once, and the key that it does so by."""
    if "month" in service.per:
        return "month", service.per
    single = [limit.within for limit in service.limits if _is_single(limit)]
    for period in PERIODS:
        for parts in single:
            if period in parts or (period == "ever" and not {"day", "month", "year"} & {*parts}):
                return period, parts
    return "day", service.per if "patient" in service.per else ("practice",)


def _is_single(limit: Limit) -> bool:
    return limit.at_most == 1 and limit.days is None and limit.over != "count"


def cases(facts: Facts, plan_of_row: Ints, plans: Sequence[Plan], months: Iterable[str]) -> Any:
    """The cases that the run speaks for (CASE): those that have a row in its exports."""
    day = facts.numbers("service_date")
    known = np.flatnonzero((plan_of_row >= 0) & (day != UNKNOWN) & (facts.codes("patient") >= 0))
    key = packed(facts, known, ("patient", "practice", "month")) * len(plans) + plan_of_row[known]
    table = _case_of(facts, plan_of_row, plans, known[~pd.Series(key).duplicated().to_numpy()])
    wanted = sorted(months)
    return (table[table["month"].isin(wanted)] if wanted else table).reset_index(drop=True)


def _case_of(facts: Facts, plan_of_row: Ints, plans: Sequence[Plan], rows: Ints) -> pd.DataFrame:
    names = np.array([*(plan.name for plan in plans), None], object)
    practices = np.array([*facts.categories("practice"), ""], object)
    patients = np.array([*facts.categories("patient"), None], object)
    months = month_text(facts.numbers("service_date")[rows])
    return pd.DataFrame(
        {
            "patient_id": patients[facts.codes("patient")[rows]],
            "plan": names[plan_of_row[rows]],
            "practice": practices[facts.codes("practice")[rows]],
            "month": np.array(months, object),
        }
    )


def billed_before(book: Book | None, facts: Facts, spoken: pd.DataFrame) -> History | None:
    """What was submitted for the run's patients in other cases, to which limits look back."""
    if book is None:
        return None
    others, own = history(book.ledger, facts.categories("patient"), spoken)
    return History(others, first_counted(book.ledger), own)


def scope(facts: Facts, decisions: Decisions, spoken: pd.DataFrame, book: Book) -> Scope:
    """What the run speaks for, and which activities it names and has decided."""
    ids = pd.Index(facts.activities["activity_id"].astype(object))
    return Scope(spoken, ids, unsure(facts, decisions), book.complete, spoken.iloc[:0])


def unsure(facts: Facts, decisions: Decisions) -> pd.Index[str]:
    """The ids of the activities that are held."""
    held = decisions.outcome == Outcome.HELD
    return pd.Index(facts.activities["activity_id"][held].astype(object))


def billed_elsewhere(facts: Facts, line_of_row: Ints, scope: Scope, book: Book) -> pd.Series[str]:
    """The claim of each row that earns a line, and earned one before that stands and stays."""
    rows = np.flatnonzero(line_of_row >= 0)
    days = facts.numbers("service_date")[rows]
    did = pd.DataFrame(
        {
            "activity_id": pd.Series(scope.named.to_numpy(object)[rows], rows, dtype=object),
            "service_date": days,
            "month": month_text(days),
        },
        index=rows,
    )
    moving = scope.cases.merge(scope.kept[CASE], on=CASE, how="left", indicator=True)
    moving = moving.loc[moving["_merge"] == "left_only", CASE]
    return earned_elsewhere(book.ledger, did, moving)


def rows_of_claims(lines: pd.DataFrame, adopted: pd.DataFrame, line_of_row: Ints) -> pd.Series[int]:
    """How many rows of the exports are on the claim of each line."""
    base = line_of_row[line_of_row >= 0]
    claims, own = adopted["claim_id"].array, lines["claim_id"].array
    counts = np.bincount(claims.codes[base], minlength=len(claims.categories))
    if isinstance(own, pd.Categorical) and own.categories.equals(claims.categories):
        return pd.Series(counts[own.codes], lines.index)
    of_claim = pd.Series(counts, claims.categories)
    return lines["claim_id"].astype(object).map(of_claim).fillna(0).astype(np.int64)


def hold_incomplete(facts: Facts, decisions: Decisions, incomplete: pd.DataFrame) -> Decisions:
    """The decisions with all that these cases (CASE, `why`) would bill held, `log-incomplete`."""
    rows = np.arange(len(facts.activities))
    dated = facts.numbers("service_date") != UNKNOWN
    of_row = _case_of(facts, decisions.plan, decisions.plans, rows)
    found = of_row.merge(incomplete.astype(object), on=CASE, how="left")["why"]
    whys = sorted(incomplete["why"].unique())
    hit = np.zeros(len(rows), bool)
    for why in whys:
        mine = (found == why).to_numpy(bool) & dated & (decisions.plan >= 0)
        hit |= mine
        for b in decisions.billed:
            counted = b.groups.rows[mine[b.groups.rows]]
            if len(counted):
                answer = Answer(Outcome.HELD, "log-incomplete", b.service.file, why, b.service.cite)
                decisions.book.append(answer)
                decisions.answer[counted] = len(decisions.book) - 1
        rest = np.flatnonzero(mine & (decisions.outcome == Outcome.COUNTED))
        if len(rest):
            decisions.book.append(Answer(Outcome.HELD, "log-incomplete", "", why, ""))
            decisions.answer[rest] = len(decisions.book) - 1
    stakes = [each for b in decisions.billed for each in b.stakes(hit[b.groups.first])]
    return replace(
        decisions,
        billed=[b.only(~hit[b.groups.first]) for b in decisions.billed],
        encounters=[b.only(~hit[b.groups.first]) for b in decisions.encounters],
        stakes=[*decisions.stakes, *stakes],
    )


def notes(book: Book | None, done: Settled, plans: Sequence[Plan]) -> list[Note]:
    """What the reader should know of earlier drafts, and of a ledger without history."""
    if book is None:
        return []
    found = []
    for run, claims in repeated(book.ledger, list(done.lines["claim_id"].unique())).items():
        stand = "stands" if claims == 1 else "stand"
        what = f"{counted(claims, 'claim')} of draft run {run} {stand} in this run again"
        fix = f"if that file was sent, say so first: ccbill ledger submit {run}, then run again"
        found.append(Note("draft-repeated", "ledger", what, fix, claims))
    [lines_kept] = book.ledger.db.execute("SELECT count(*) FROM live").fetchone()
    looks_back = sorted({plan.name for plan in plans if _looks_back(plan)})
    if not lines_kept and looks_back:
        says = PROBLEMS["ledger-empty"]
        what = f"{says.says} Plans that look back: {', '.join(looks_back)}."
        found.append(Note("ledger-empty", "ledger", what, says.fix))
    return found


def _looks_back(plan: Plan) -> bool:
    return any(
        limit.days is not None or not {"day", "month", "activity"} & {*limit.within}
        for service in plan.services
        for limit in service.limits
    )


def with_unnumbered(exceptions: pd.DataFrame, done: Settled) -> pd.DataFrame:
    """The exceptions with a note for each correction whose payer's claim number is not known."""
    if not len(done.unnumbered):
        return exceptions
    lines = done.lines[done.lines["claim_id"].isin(done.unnumbered)]
    first = lines.drop_duplicates("claim_id")
    says = PROBLEMS["original-claim-number-missing"]
    counts = lines["claim_id"].astype(str).value_counts()
    more = pd.DataFrame(
        {
            "severity": "note",
            "problem": says.name,
            **{name: first[name] for name in ("plan", "payer", "patient_id", "month", "claim_id")},
            "practice": first["billing_npi"],
            "what": says.says,
            "fix": says.fix,
            "rows": first["claim_id"].astype(str).map(counts),
        }
    )
    more = more.reindex(columns=list(EXCEPTIONS))
    for name in ("amount", "service_date", "file_by", "row"):
        more[name] = UNKNOWN
    table = pd.concat([exceptions.astype(object), more.astype(object)], ignore_index=True)
    numbers = ("amount", "service_date", "file_by", "row", "rows")
    return table.astype(dict.fromkeys(numbers, np.int64))


def entry(report: Report, done: Settled, facts: Facts, spoken: pd.DataFrame, today: date) -> Entry:
    """What the ledger keeps of the run: everything that explaining it needs, and no file.

    The log is packed beside whatever comes next, for that takes long.
    """
    trace = report.activities
    decided = {
        f"decided_{name}": trace.text(name)
        for name in ("plan", "outcome", "code", "claim_id", "problem", "rule", "cite")
    }
    activities = facts.activities.assign(**decided)
    patients = facts.patients.assign(patient=pd.Index(facts.categories("patient"), dtype=str))
    return Entry(
        kind="run",
        created=moment(today),
        today=today.isoformat(),
        version=__version__,
        record=report.record,
        lines=done.lines,
        submitted=done.submitted,
        cases=spoken,
        log=Aside(partial(packed_log, activities, patients)).outcome,
    )


def moment(today: date) -> str:
    """The time of an entry: now, or the beginning of another day that the clock was set to."""
    now = datetime.now(UTC)
    if today != date.today():
        now = datetime.combine(today, datetime.min.time(), UTC)
    return now.isoformat(timespec="seconds")
