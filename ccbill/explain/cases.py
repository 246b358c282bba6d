"""A patient's cases as plain values: what `ccbill explain` prints, and gives as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ccbill.explain.changes import changes
from ccbill.explain.decide import Decided, Line
from ccbill.explain.results import Case, Result, by_label, results
from ccbill.rules import say
from ccbill.rules.model import Limit, Plan, Service
from ccbill.rules.screen import unchecked
from ccbill.tables import UNKNOWN, Ints, Mask, Outcome, month_text

Told = dict[str, Any]
Key = tuple[int, str, str]  # number of the plan, month and practice; -1 and '' where unknown


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of the cases are asked for: nothing means all of them."""

    months: frozenset[str] = frozenset()
    plan: str | None = None
    code: str | None = None
    claim: str | None = None
    place: tuple[str, int] | None = None  # file and row


def cases(decided: Decided, wanted: Wanted, today: int) -> list[Told]:
    """Every case asked for, by month, plan and practice."""
    keys = _keys_of_rows(decided)
    both = {*keys, *(_key_of_line(decided, line) for line in decided.lines.values())}
    told = []
    for key in sorted(both, key=lambda k: (k[1], k[0], k[2])):
        number, month, _ = key
        plan = decided.decisions.plans[number] if number >= 0 else None
        rows = decided.mine[_mask(each == key for each in keys)]
        if wanted.months and month not in wanted.months:
            continue
        if wanted.plan and (plan is None or plan.name != wanted.plan):
            continue
        each = _case(decided, key, rows, wanted, today)
        if each is not None:
            told.append(each)
    return told


def _mask(yes: Iterable[bool]) -> Mask:
    return np.array([*yes], bool)


def _keys_of_rows(decided: Decided) -> list[Key]:
    rows = decided.mine
    practices = [*decided.facts.categories("practice"), ""]
    months = month_text(decided.facts.numbers("service_date")[rows])
    return [
        (int(plan), "" if pd.isna(month) else str(month), practices[practice])
        for plan, month, practice in zip(
            decided.decisions.plan[rows],
            months,
            decided.facts.codes("practice")[rows],
            strict=True,
        )
    ]


def _key_of_line(decided: Decided, line: Line) -> Key:
    names = [plan.name for plan in decided.decisions.plans]
    return names.index(line.plan), line.month, line.practice


def _case(decided: Decided, key: Key, rows: Ints, wanted: Wanted, today: int) -> Told | None:
    """What is told of one case, None where nothing in it was asked for."""
    number, month, practice = key
    plan = decided.decisions.plans[number] if number >= 0 else None
    found: list[Result] = []
    told: Told = {"plan": plan.name if plan else None, "title": plan.title if plan else None}
    told |= {"month": month or None, "practice": practice}
    if plan is not None:
        lines, encounters = (
            [line for line in each if _key_of_line(decided, line) == key]
            for each in (decided.lines.values(), decided.encounters)
        )
        case = Case(decided, plan, rows, lines, encounters)
        found = results(case)
        kept, rows = _asked_for(case, found, wanted)
        if not kept and not len(rows):
            return None
        told["results"] = [_result(each) for each in kept]
        told["limits"] = _limits(decided, plan, kept, rows, encounters)
        told["changes"] = changes(case, kept, rows, month, today)
        told["not_checked"] = _not_checked(decided, plan, kept)
        told["sources"] = _sources(plan, told, [case.answer(row).cite for row in rows])
        told["overlays"] = sorted({c.said for r in kept for c in plan.changes_of(r.service)})
    else:
        rows = rows[_mask(_is_at(decided, row, wanted) for row in rows)]
        if wanted.code or wanted.claim or not len(rows):
            return None
        told |= {"results": [], "limits": [], "changes": [], "not_checked": [], "sources": {}}
        told["overlays"] = []
    told["activities"] = [_activity(decided, int(row)) for row in _by_day(decided, rows)]
    return told


def _asked_for(case: Case, found: list[Result], wanted: Wanted) -> tuple[list[Result], Ints]:
    """The results and rows that a code, a claim or a row of a file narrows the case to."""
    decided, rows = case.decided, case.rows
    if wanted.code:
        found = by_label(found, wanted.code)
        rows = rows if found else rows[:0]
    if wanted.claim:
        found = [each for each in found if wanted.claim in each.claim_ids]
        lines = [decided.lines.get(place) for place in decided.line_of_row[rows].tolist()]
        return found, rows[_mask(x is not None and x.claim_id == wanted.claim for x in lines)]
    if wanted.place:
        rows = rows[_mask(_is_at(decided, row, wanted) for row in rows)]
    services = {id(each.service) for each in found}
    taken = decided.decisions.service[rows]
    rows = rows[_mask(n < 0 or id(decided.decisions.services[n][1]) in services for n in taken)]
    if wanted.place:
        those = {id(decided.decisions.services[n][1]) for n in taken if n >= 0}
        found = [r for r in found if id(r.service) in those or (len(rows) and not those)]
    return found, rows


def _is_at(decided: Decided, row: int, wanted: Wanted) -> bool:
    if wanted.place is None:
        return True
    about = decided.facts.activities
    return (str(about["file"].iloc[row]), int(about["row"].iloc[row])) == wanted.place


def _by_day(decided: Decided, rows: Ints) -> Ints:
    day, start = (decided.facts.numbers(name)[rows] for name in ("service_date", "start"))
    return rows[np.lexsort((decided.facts.numbers("row")[rows], start, day))]


def _result(each: Result) -> Told:
    service, bill = each.service, each.bill
    return {
        "code": bill.code,
        "modifiers": list(bill.modifiers),
        "units": each.units,
        "minutes": each.minutes,
        "need_minutes": each.need,
        "short_minutes": each.short,
        "problem": each.problem or None,
        "reason": each.reason,
        "rule": service.file.removesuffix(".toml"),
        "says": say.bill(service, bill),
        "in_force": say.span(service),
        "standing": bill.standing,
        "cite": each.cite or service.cite,
        "rule_cite": bill.cite,
        "service_dates": [say.day(day) for day in each.days],
        "claim_ids": list(each.claim_ids),
        "notes": list(each.notes),
    }


def _activity(decided: Decided, row: int) -> Told:
    about = decided.facts.activities.iloc[row]
    decisions = decided.decisions
    answer = decisions.book[decisions.answer[row]]
    seconds, day = int(about["seconds"]), int(about["service_date"])
    line = decided.lines.get(int(decided.line_of_row[row]))
    given = [a for a in decided.answers[row] if a.outcome is answer.outcome and a != answer]
    also = dict.fromkeys(a.why for a in given if a.why != answer.why)
    return {
        "activity_id": str(about["activity_id"]),
        "file": str(about["file"]),
        "row": int(about["row"]),
        "service_date": None if day == UNKNOWN else say.day(day),
        "seconds": None if seconds == UNKNOWN else seconds,
        "minutes": None if seconds == UNKNOWN else _plain(seconds / 60),
        **{name: _text(about[name]) for name in ("kind", "mode", "credential", "staff", "payer")},
        "outcome": answer.outcome.word,
        "problem": answer.problem or None,
        "why": answer.why,
        "also": list(also) if answer.outcome is Outcome.HELD else [],
        "rule": answer.rule.removesuffix(".toml") or None,
        "cite": answer.cite or None,
        "code": None if line is None else line.code,
        "claim_id": None if line is None else line.claim_id,
    }


def _plain(minutes: float) -> float:
    return int(minutes) if minutes == int(minutes) else round(minutes, 2)


def _text(cell: Any) -> str | None:
    return None if pd.isna(cell) or cell == "" else str(cell)


def _limits(
    decided: Decided, plan: Plan, found: Sequence[Result], rows: Ints, encounters: list[Line]
) -> list[Told]:
    """The limits that took something of the case away, and what was billed within them."""
    services = {each.service.file: each.service for each in found}
    given = [answer for row in rows.tolist() for answer in decided.answers[row]]
    reasons = {(each.service.file, each.problem) for each in found if not each.units}
    told = []
    for service in services.values():
        for limit in service.limits:
            spoke = any(
                (a.rule, a.problem, a.why) == (service.file, limit.problem, limit.why)
                for a in given
            )
            spoke |= limit.over == "encounter" and any(
                f"{line.rule}.toml" == service.file for line in encounters
            )
            spoke |= limit.over == "count" and (service.file, limit.problem) in reasons
            if spoke:
                told.append(_limit(decided, plan, service, limit))
    return told


def _limit(decided: Decided, plan: Plan, service: Service, limit: Limit) -> Told:
    codes = {*limit.not_with} or {bill.code for bill in service.bills}
    within = f"{plan.name}/" if limit.not_with else f"{plan.name}/{service.name}."
    days = [
        line.day
        for line in decided.lines.values()
        if line.code in codes and line.rule.startswith(within)
    ]
    return {
        "rule": service.file.removesuffix(".toml"),
        "says": say.limit(limit),
        "why": limit.why,
        "cite": limit.cite,
        "billed": [say.day(day) for day in sorted(days)],
    }


def _not_checked(decided: Decided, plan: Plan, found: Sequence[Result]) -> list[str]:
    """Columns that the rules at work ask for where an input has them, and none has."""
    decisions = decided.decisions
    at_work = {decisions.services[n][1].file for n in np.unique(decisions.service) if n >= 0}
    services = [each.service for each in found if each.service.file in at_work]
    lacking = [n for s in services for n in unchecked(plan, s, decided.facts.given)]
    return [*dict.fromkeys(lacking)]


def _sources(plan: Plan, told: Told, cites: Sequence[str]) -> dict[str, str]:
    """Each text that the case cites."""
    used = dict.fromkeys(
        [
            *(each[name] for each in told["results"] for name in ("rule_cite", "cite")),
            *(each["cite"] for each in told["limits"]),
            *cites,
        ]
    )
    return {name: say.source(name, plan.sources[name]) for name in used if name in plan.sources}
