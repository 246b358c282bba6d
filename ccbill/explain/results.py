"""What each code that a case could have earned came to, and if it earned nothing, why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ccbill.explain.decide import Decided, Line
from ccbill.rules import say
from ccbill.rules.earn import Earned, Groups, earn, group
from ccbill.rules.facts import Facts, answers, matches
from ccbill.rules.model import Bill, Limit, Plan, Service
from ccbill.rules.screen import Answer
from ccbill.rules.units import next_at, units
from ccbill.tables import UNKNOWN, Ints, Mask, Outcome

NEVER = 2**40  # what `next_at` says where no minutes earn more


@dataclass(frozen=True, slots=True)
class Result:
    """A code of one case: `units` 0 where it earned nothing, and then `problem` and `reason` why.

    `minutes` are those of its lines, else those that counted towards it; `need` is the least total
    that earns the next unit, None where no more minutes do.
    """

    plan: Plan
    service: Service
    bill: Bill
    label: str
    units: int
    minutes: int | None
    need: int | None
    problem: str
    reason: str
    cite: str
    claim_ids: tuple[str, ...] = ()
    days: tuple[int, ...] = ()  # of its lines
    notes: tuple[str, ...] = ()  # on its lines

    @property
    def short(self) -> int | None:
        return None if self.need is None or self.minutes is None else self.need - self.minutes


@dataclass(frozen=True, slots=True)
class Case:
    """One patient's plan, practice and month: its rows, and its lines and encounters."""

    decided: Decided
    plan: Plan
    rows: Ints
    lines: list[Line]
    encounters: list[Line]

    def answer(self, row: int) -> Answer:
        decisions = self.decided.decisions
        return decisions.book[decisions.answer[row]]

    def uncounted(self, rows: Ints) -> dict[Answer, int]:
        """The answers of rows that don't count with their seconds: held first, then most time."""
        seconds = self.decided.facts.numbers("seconds")
        total: dict[Answer, int] = {}
        for row in rows.tolist():
            answer = self.answer(row)
            if answer.outcome is not Outcome.COUNTED:
                total[answer] = total.get(answer, 0) + max(int(seconds[row]), 0)
        order = sorted(total, key=lambda a: (a.outcome is not Outcome.HELD, -total[a]))
        return {answer: total[answer] for answer in order}

    def named(self, answer: Answer, rows: Ints) -> Answer:
        """The answer, with the kinds of work in it where it is about them."""
        if answer.problem != "left-out-kind":
            return answer
        kinds = self.decided.facts.activities["kind"].iloc[rows]
        theirs = dict.fromkeys(
            str(kind)
            for kind, row in zip(kinds, rows.tolist(), strict=True)
            if self.answer(row) == answer
        )
        return replace(answer, why=f"{say.listed([*theirs], 'and')}: {answer.why}")


@dataclass(frozen=True, slots=True)
class Work:
    """What one service made of a case: its rows, and the groups that count and what they earn."""

    case: Case
    service: Service
    rows: Ints
    loose: Ints  # rows that no service took, where they would have been this one's
    facts: Facts
    groups: Groups
    earned: Earned


def results(case: Case) -> list[Result]:
    """One for each code and its modifiers, in the order of the plan's services."""
    found = []
    for service in _at_work(case):
        work = _work(case, service)
        labels = dict.fromkeys(service.label(n) for n in range(len(service.bills)))
        found += [_result(work, label) for label in labels]
    return found


def _at_work(case: Case) -> list[Service]:
    """The services that took or billed something; where there are none, the one whose time it was.

    Work that no service takes is no code's in particular; it is told of the plan's code for a
    month's time, else of its first.
    """
    decisions = case.decided.decisions
    numbers = decisions.service[case.rows]
    taken = {decisions.services[n][1].file for n in np.unique(numbers[numbers >= 0])}
    taken |= {f"{line.rule}.toml" for line in (*case.lines, *case.encounters)}
    found = [s for s in case.plan.services if s.file in taken]
    if found:
        return found
    days = case.decided.facts.numbers("service_date")[case.rows]
    day = days[days != UNKNOWN].max(initial=UNKNOWN)
    now = [s for s in case.plan.services if s.first_day <= day <= s.last_day]
    return [*(s for s in now if _is_time(s)), *now][:1]


def _is_time(service: Service) -> bool:
    return "month" in service.per and service.uses_minutes


def _work(case: Case, service: Service) -> Work:
    decisions, facts = case.decided.decisions, case.decided.facts
    numbers = decisions.service[case.rows]
    own = [n for n, (_, each) in enumerate(decisions.services) if each is service]
    rows = case.rows[np.isin(numbers, own)]
    loose = case.rows[numbers < 0] if _is_time(service) or not len(rows) else rows[:0]
    of_plan = decisions.plan == list(decisions.plans).index(case.plan)
    facts = facts.of_plan(np.flatnonzero(of_plan & (facts.codes("problem") < 0)))
    counted = rows[decisions.outcome[rows] == Outcome.COUNTED]
    groups = group(facts, service, counted)
    return Work(case, service, rows, loose, facts, groups, earn(facts, service, groups))


def _result(work: Work, label: str) -> Result:
    service = work.service
    number = _bill_of(work, label)
    bill = service.bills[number]
    lines = _lines_of(work.case.lines, service, label)
    billed = sum(line.units for line in lines)
    minutes = [line.minutes for line in lines if line.minutes is not None]
    have = sum(minutes) if minutes else None
    if not billed:
        have = _most_minutes(work, bill)
    base = bill.needs is not None and not any(
        line.code == bill.needs and f"{line.rule}.toml" == service.file for line in work.case.lines
    )
    need = None if have is None else int(next_at(bill, np.array([have]))[0])
    if need == NEVER or len(lines) > 1:
        need = None
    problem, reason, cite = "", say.reason(service, bill), bill.cite
    if not billed:
        problem, reason, cite = _why_not(work, label, number, base=base, need=need, have=have)
    return Result(
        work.case.plan,
        service,
        bill,
        label,
        billed,
        have,
        need,
        problem,
        reason,
        cite,
        tuple(dict.fromkeys(line.claim_id for line in lines)),
        tuple(line.day for line in lines),
        tuple(dict.fromkeys(n for line in lines for n in line.notes.split("; ") if n)),
    )


def _bill_of(work: Work, label: str) -> int:
    """Of bills with one code and modifiers, the one that earned most, or fits."""
    service, groups = work.service, work.groups
    numbers = [n for n in range(len(service.bills)) if service.label(n) == label]

    def rank(number: int) -> tuple[int, bool]:
        fits = matches(work.facts, groups.first, service.bills[number].when, groups.minutes)
        return int(work.earned.units[number].sum()), bool(fits.any())

    return max(numbers, key=rank)


def _lines_of(lines: Sequence[Line], service: Service, label: str) -> list[Line]:
    rule = service.file.removesuffix(".toml")
    return [line for line in lines if (line.rule, line.label) == (rule, label)]


def _on_clock(work: Work, bill: Bill) -> Mask:
    names = [clock.name for clock in work.service.clocks]
    own = names.index(bill.of) if bill.of else None
    return np.ones(len(work.groups.clock), bool) if own is None else work.groups.clock == own


def _most_minutes(work: Work, bill: Bill) -> int | None:
    """The most minutes that count together towards the code; None where none are given."""
    minutes = work.groups.minutes[_on_clock(work, bill)]
    if not len(minutes):
        return 0 if work.service.uses_minutes else None
    most = int(minutes.max())
    return None if most == UNKNOWN else most


Why = tuple[str, str, str]  # problem, reason, cite


def _why_not(
    work: Work, label: str, number: int, *, base: bool, need: int | None, have: int | None
) -> Why:
    """Why a code has no unit: the first that stands in its way."""
    bill, groups, case = work.service.bills[number], work.groups, work.case
    if base:
        return "needs-base-code", f"billed beside {bill.needs} only", bill.cite
    if _lines_of(case.encounters, work.service, label):
        limit = next(x for x in work.service.limits if x.over == "encounter")
        return limit.problem, say.encounter(work.service), limit.cite
    fits = matches(work.facts, groups.first, bill.when, groups.minutes) & _on_clock(work, bill)
    if (fits & (units(bill, groups.minutes) > 0)).any():
        return _beside_another(work, bill)
    others = [_may_fit(work.facts, work.rows, each) for each in work.service.bills]
    own = work.rows[others[number] | ~np.logical_or.reduce(others)]
    rows = np.concatenate([own, work.loose])
    uncounted = {case.named(answer, rows): n for answer, n in case.uncounted(rows).items()}
    if need is None or have is None or (len(groups.starts) and not fits.any()):
        if not uncounted:
            return _beside_another(work, bill)
        have = 0
    return _short(uncounted, bill, need, have)


def _may_fit(facts: Facts, rows: Ints, bill: Bill) -> Mask:
    """Which activities are of the sort that the bill asks for, as far as they say."""
    fits = np.ones(len(rows), bool)
    for name, matcher in bill.when.items():
        yes, blank = answers(facts, rows, name, matcher)
        fits &= yes | blank
    return fits


def _short(uncounted: dict[Answer, int], bill: Bill, need: int | None, have: int) -> Why:
    """Too little counts: first what keeps work out, if that alone would have been enough."""
    more = (need or 0) - have
    short = f"{more:,} {minute_word(more)} short of {need:,}" if need else ""
    if not uncounted:
        return "below-threshold", short, bill.cite
    answer, seconds = next(iter(uncounted.items()))
    if not have or have + seconds // 60 >= (need or 0):
        return answer.problem, answer.why + (f"; {short}" if have else ""), answer.cite
    return "below-threshold", f"{short}; {answer.outcome.word}: {answer.why}", bill.cite


def minute_word(number: int) -> str:
    return "minute" if number == 1 else "minutes"


def _asked(bill: Bill) -> str:
    return f"only where {say.test(bill.when)}" if bill.when else f"asks for {say.amount(bill)}"


def _beside_another(work: Work, bill: Bill) -> Why:
    """The work counted, and earned another code of the service or nothing besides it."""
    rule = work.service.file.removesuffix(".toml")
    others = dict.fromkeys(line.label for line in work.case.lines if line.rule == rule)
    if others:
        limit = _cutting(work.service)
        why = f": {limit.why}" if limit is not None else ""
        cite = bill.cite if limit is None else limit.cite
        return "not-with", f"the work earned {say.listed([*others], 'and')}{why}", cite
    return "not-payable", _asked(bill), bill.cite


def _cutting(service: Service) -> Limit | None:
    """The limit whose others count without a line of their own."""
    return next((limit for limit in service.limits if limit.over == "count"), None)


def by_label(found: Sequence[Result], label: str) -> list[Result]:
    """The results of a code, with or without its modifiers."""
    return [each for each in found if label in (each.label, each.bill.code)]
