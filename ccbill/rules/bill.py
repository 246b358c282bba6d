"""One service's activities: groups, what each earns, the limits, and what held work is worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ccbill.rules.decisions import Billed, Short, Stake, Work
from ccbill.rules.earn import Earned, Groups, earn, group, merged, next_unit, without
from ccbill.rules.facts import Facts, matches, matches_any, packed
from ccbill.rules.limit import Standing, beside, cut
from ccbill.rules.model import Limit, LineNote, Service
from ccbill.rules.screen import Answer
from ccbill.tables import UNKNOWN, Ints, Mask, Outcome

NEAR_MINUTES = 15
ENDS = ("death_date", "disenrollment_date", "payer_to")


def bill_service(work: Work, service: Service, rows: Ints) -> None:
    """Groups, earns and limits the service's activities, and keeps what it bills."""
    facts, verdicts = work.facts, work.verdicts
    all_groups = group(facts, service, verdicts.undecided(rows))
    held = verdicts.held[all_groups.rows] > 0
    groups = without(facts, service, all_groups, held) if held.any() else all_groups
    earned = earn(facts, service, groups)
    if held.any():
        _stake_held(work, service, all_groups, held, groups, earned)
    kept = earned.head >= 0
    if "month" in service.per:
        work.decisions.short.append(_short(work, service, groups, earned))
    elif service.minutes == "longest" or "activity" in service.per:
        least = f"it is shorter than the least time of: {service.title.lower()}"
        answer = Answer(Outcome.LEFT_OUT, "below-threshold", service.file, least, service.cite)
        verdicts.say(answer, groups.rows[~kept[groups.of]])
    groups, earned = _only(groups, earned, kept)
    groups, earned = _with_someone(work, service, groups, earned)
    chosen = []
    for limit in service.limits:
        if limit.note:
            chosen.append((limit, _preferred(facts, limit, groups, earned)))
        groups, earned = _limited(work, service, limit, groups, earned)
    groups, earned = merged(facts, service, groups, earned)
    if len(groups.starts):
        notes = [
            (note.say, noted(facts, service, note, groups, earned))
            for note in service.notes
            if note.everyone
        ]
        billed = _billed(work, service, groups, earned, notes)
        for limit, firsts in chosen:
            mine = np.isin(groups.first, firsts)
            billed.notes.append((limit.note, mine))
            if limit.standing and mine.any():
                billed.standings.append((limit.standing, mine))
        work.decisions.billed.append(billed)


def _billed(
    work: Work, service: Service, groups: Groups, earned: Earned, notes: list[tuple[str, Mask]]
) -> Billed:
    return Billed(work.plan, service, groups, earned, _line_days(work, service, groups), notes)


def _line_days(work: Work, service: Service, groups: Groups) -> Ints:
    """The date of each group's lines: the last activity's, or the end of the month.

    A month's end is never after the patient's death, disenrolment or change of payer.
    """
    day = work.facts.numbers("service_date")[groups.last].astype(np.int64)
    if "month" not in service.per or work.plan.date_of_service != "month-end":
        return day
    day = month_end(day)
    for name in ENDS:
        ends = work.facts.numbers(name)[groups.last].astype(np.int64)
        day = np.where(ends == UNKNOWN, day, np.minimum(day, ends))
    return day


def month_end(day: Ints) -> Ints:
    """The last day of each day's month."""
    month = day.astype("M8[D]").astype("M8[M]")
    return (month + 1).astype("M8[D]").astype(np.int64) - 1


def _limited(
    work: Work, service: Service, limit: Limit, groups: Groups, earned: Earned
) -> tuple[Groups, Earned]:
    """The candidates that the limit keeps; what becomes of the others is the limit's to say."""
    before = work.prior.of(work.plan, service)
    found = cut(work.facts, service, limit, groups, earned, standing(work), before)
    gone = found.over
    if limit.over == "encounter" and gone.any():
        kept, theirs = _only(groups, earned, gone)
        encounters = _billed(work, service, kept, theirs, [])
        work.decisions.encounters.append(encounters)
    elif limit.over != "count":
        outcome = Outcome.HELD if limit.over == "hold" else Outcome.LEFT_OUT
        answer = Answer(outcome, limit.problem, service.file, limit.why, limit.cite)
        work.verdicts.say(answer, groups.rows[gone[groups.of]])
    held = found.held | (gone if limit.over == "hold" else False)
    if held.any():
        answer = Answer(Outcome.HELD, limit.problem, service.file, limit.why, limit.cite)
        work.verdicts.say(answer, groups.rows[held[groups.of]])
        _stake_groups(work, service, groups, earned, held)
    return _only(groups, earned, ~gone & ~held)


def note_beside(work: Work) -> None:
    """Adds the notes on lines that stand beside other codes, once all the plan's are known."""
    lines = standing(work)
    for b in work.decisions.billed:
        for note in b.service.notes:
            if b.plan is work.plan and note.beside:
                found = beside(work.facts, b.groups.first, note.beside, note.within, lines)
                b.notes.append((note.say, found))


def standing(work: Work) -> list[Standing]:
    """Every code that the plan has billed so far, in this run or before."""
    days = work.facts.numbers("service_date")
    before = [Standing(code, rows, days[rows]) for code, rows in work.prior.lines(work.plan)]
    return before + [
        Standing(
            b.service.bills[n].code, b.groups.first[b.earned.head == n], b.day[b.earned.head == n]
        )
        for b in work.decisions.billed
        if b.plan is work.plan
        for n in np.unique(b.earned.head)
    ]


def _only(groups: Groups, earned: Earned, kept: Mask) -> tuple[Groups, Earned]:
    if kept.all():
        return groups, earned
    return groups.only(kept), earned.only(kept)


def _preferred(facts: Facts, limit: Limit, groups: Groups, earned: Earned) -> Ints:
    """The first activities of the groups whose key has others that earn another bill."""
    _, key = np.unique(packed(facts, groups.first, limit.within), return_inverse=True)
    heads = np.unique(np.stack([key, earned.head]), axis=1)
    return groups.first[np.bincount(heads[0])[key] > 1]


def noted(facts: Facts, service: Service, note: LineNote, groups: Groups, earned: Earned) -> Mask:
    """The groups of which everyone is as the note says, and that could earn what it names."""
    found: Mask = np.logical_and.reduceat(matches(facts, groups.rows, note.everyone), groups.starts)
    if note.could_earn:
        heads = [n for n, bill in enumerate(service.bills) if bill.code == note.could_earn]
        found &= np.isin(would_earn(facts, service, note, groups).head, heads)
        found &= ~np.isin(earned.head, heads)
    return found


def would_earn(facts: Facts, service: Service, note: LineNote, groups: Groups) -> Earned:
    """What the groups would earn if the fields that the note names had the answer wanted."""
    bills = tuple(
        replace(bill, when={n: m for n, m in bill.when.items() if n not in note.everyone})
        if bill.code == note.could_earn
        else bill
        for bill in service.bills
    )
    return earn(facts, replace(service, bills=bills), groups)


def _with_someone(
    work: Work, service: Service, groups: Groups, earned: Earned
) -> tuple[Groups, Earned]:
    """The groups that have somebody of the sort the service asks for; the others are held."""
    for screen in service.screens:
        if screen.verb != "someone" or not len(groups.starts):
            continue
        yes = matches_any(work.facts, groups.rows, screen.tests)
        lacking = ~np.logical_or.reduceat(yes, groups.starts)
        answer = Answer(Outcome.HELD, screen.problem, service.file, screen.why, screen.cite)
        work.verdicts.say(answer, groups.rows[lacking[groups.of]])
        _stake_groups(work, service, groups, earned, lacking)
        groups, earned = _only(groups, earned, ~lacking)
    return groups, earned


def _short(work: Work, service: Service, groups: Groups, earned: Earned) -> Short:
    """Months with counted time and no unit yet, or near the next one."""
    need, bill = next_unit(work.facts, service, groups, earned)
    have = np.maximum(groups.minutes, 0)
    told = ((earned.head < 0) | (need - have <= NEAR_MINUTES)) & (bill >= 0)
    return Short(work.plan, service, groups.first[told], have[told], need[told], bill[told])


def _stake_held(
    work: Work, service: Service, would: Groups, held: Mask, groups: Groups, earned: Earned
) -> None:
    """What the held activities of the groups that there would be add to those that stand."""
    would_earn = earn(work.facts, service, would)
    touched = np.logical_or.reduceat(held, would.starts)
    place = np.where(held, np.arange(len(held)), len(held) - 1)
    first_held = would.rows[np.minimum.reduceat(place, would.starts)]
    # Groups are in the order of their keys, so those that stand now are met in their order.
    now = np.full(len(would.starts), -1, np.int64)
    now[would.of[np.isin(would.rows, groups.first)]] = np.arange(len(groups.starts))
    for number, bill in enumerate(service.bills):
        more = would_earn.units[number] - np.append(earned.units[number], 0)[now]
        hit = touched & (more > 0)
        if hit.any():
            work.decisions.stakes.append(Stake(work.plan, bill, first_held[hit], more[hit]))


def _stake_groups(work: Work, service: Service, groups: Groups, earned: Earned, gone: Mask) -> None:
    """What groups that are held whole would earn."""
    for number, bill in enumerate(service.bills):
        hit = gone & (earned.units[number] > 0)
        if hit.any():
            amount = earned.units[number][hit]
            work.decisions.stakes.append(Stake(work.plan, bill, groups.first[hit], amount))
