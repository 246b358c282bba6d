"""A log in shares of its patients: each is decided and priced alone, then all are put together.

No rule reaches from one patient to another, but for the first counted day of staff in training, so
the outcome is the same however many shares there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from itertools import tee
from typing import Any

import numpy as np
import pandas as pd

from ccbill import memory, progress, suggested
from ccbill.aside import in_turn
from ccbill.claims import claims
from ccbill.config import Settings
from ccbill.fees import Fees
from ccbill.held_lines import hold_unbillable
from ccbill.rules.assign import asks_training, assign, first_days
from ccbill.rules.decisions import Decisions
from ccbill.rules.facts import Facts
from ccbill.rules.model import Plan
from ccbill.rules.prior import History
from ccbill.rules.screen import Answer
from ccbill.slices import taken
from ccbill.tables import UNKNOWN, Ints, Outcome, categorical
from ccbill.together import Decided, together

NO_HISTORY = History(pd.DataFrame(), {})
ROWS = 1 << 20  # of a share, and what its last patient has more
AT_ONCE = 2  # shares: while one is priced, the other is decided

Engine = Callable[[Callable[["Share"], Decided], Iterable["Share"]], Iterator[Decided]]


@dataclass(frozen=True, slots=True)
class Terms:
    """What every share is decided and priced by; `today` is days since 1970-01-01."""

    plans: Sequence[Plan]
    settings: Settings
    fees: Fees
    history: History | None
    months: frozenset[str]
    complete: bool
    today: int


@dataclass(frozen=True, slots=True, repr=False)
class Share:
    """Some patients' part of a log, and the number of each of its rows' plan.

    `done` is how much of the run is done where the share is decided, and where it is priced.
    """

    facts: Facts
    plan_of_row: Ints
    done: tuple[float, float] = (progress.DECIDING, progress.PRICING)


def locally(decide: Callable[[Share], Decided], shares: Iterable[Share]) -> Iterator[Decided]:
    """The shares decided in this process, two of them at a time."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        begun = (threads.submit(copy_context().run, decide, share) for share in shares)
        for each in in_turn(begun, AT_ONCE):
            yield each.result()


def decided(
    facts: Facts,
    plan_of_row: Ints,
    terms: Terms,
    engine: Engine = locally,
    beside: Callable[[], None] | None = None,
) -> Decided:
    """What the rules make of the whole log, and its claim lines. `beside` begins other work, where
    this takes no more than one processor."""
    share_of_row, number = _share_of_row(facts, terms.plans, plan_of_row)
    if number < 2 and engine is locally:
        return decide(Share(facts, plan_of_row), terms, beside)
    if beside is not None:
        beside()

    def rows() -> Iterator[Ints]:
        return (np.flatnonzero(share_of_row == n).astype(np.int32) for n in range(number))

    if any(asks_training(terms.plans[n], facts.given) for n in np.unique(plan_of_row) if n >= 0):
        terms = _knowing_first_days(facts, plan_of_row, rows(), terms)
    done = np.linspace(progress.DECIDING, progress.LISTING, 2 * number, endpoint=False)
    of_shares, of_parts = tee(rows())
    shares = (
        Share(part_of(facts, mine), plan_of_row[mine], (float(decides), float(prices)))
        for mine, decides, prices in zip(of_shares, done[::2], done[1::2], strict=True)
    )
    parts = engine(partial(decide, terms=terms), shares)
    found = together(plan_of_row, terms.plans, zip(of_parts, parts, strict=True))
    memory.give_back()
    return found


def _knowing_first_days(
    facts: Facts, plan_of_row: Ints, rows: Iterable[Ints], terms: Terms
) -> Terms:
    """The terms with the first counted day of each staff member in any of the shares."""
    days = dict(terms.history.first_counted) if terms.history else {}
    for mine in rows:
        part = part_of(facts, mine)
        found = first_days(part, terms.plans, plan_of_row[mine], terms.history)
        for key, day in found.items():
            days[key] = min(day, days.get(key, day))
    return replace(terms, history=replace(terms.history or NO_HISTORY, first_counted=days))


def decide(share: Share, terms: Terms, beside: Callable[[], None] | None = None) -> Decided:
    """What the rules make of a share, and its claim lines but for those that cannot go out.
    `beside` begins other work once the rows are decided."""
    facts, settings, history = share.facts, terms.settings, terms.history
    progress.begins("deciding by the rules", share.done[0])
    decisions = assign(facts, terms.plans, share.plan_of_row, history)
    if beside is not None:
        beside()
    if decisions.first_counted:
        history = replace(history or NO_HISTORY, first_counted=decisions.first_counted)
    decisions.stakes.extend(suggested.stakes(facts, decisions, settings.payers, history))
    decisions = _only_months(facts, decisions, terms.months)
    progress.begins("pricing the lines", share.done[1])
    lines = claims(facts, decisions, settings, terms.fees, terms.today)
    held = hold_unbillable(decisions, lines, complete=terms.complete)
    if held is not decisions:
        lines = claims(facts, held, settings, terms.fees, terms.today)
    return held, lines


def _only_months(facts: Facts, decisions: Decisions, months: frozenset[str]) -> Decisions:
    """The decisions with rows of other months left out: they feed look-backs and bill nothing."""
    if not months:
        return decisions
    wanted = np.isin(facts.months(slice(None)), np.array(sorted(months), "M8[M]").astype(np.int64))
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


def one_patient_at_a_time(plan: Plan) -> bool:
    """Whether each key of the plan's rules has the patient in it, as an overlay's may not."""
    keys = [key for s in plan.services for key in (s.per, *(limit.within for limit in s.limits))]
    screens = (*plan.screens, *(each for s in plan.services for each in s.screens))
    keys += [screen.within for screen in screens if screen.within]
    return all({"patient", "activity"} & {*key} for key in keys)


def _share_of_row(facts: Facts, plans: Sequence[Plan], plan_of_row: Ints) -> tuple[Ints, int]:
    """The number of each row's share, in the order of patients, and how many shares there are; rows
    that name no patient are in the first."""
    if len(plan_of_row) <= ROWS or not all(
        one_patient_at_a_time(plans[n]) for n in np.unique(plan_of_row) if n >= 0
    ):
        return np.zeros(len(plan_of_row), np.int16), 1
    patient = facts.codes("patient")
    rows = np.bincount(patient + 1, minlength=len(facts.patients) + 1)
    share = (np.cumsum(rows) - rows) // ROWS
    _, share[rows > 0] = np.unique(share[rows > 0], return_inverse=True)
    of_patient = np.append(share[1:], share[0]).astype(np.int16)
    return taken(of_patient, patient), int(share.max(initial=0, where=rows > 0)) + 1


def part_of(facts: Facts, rows: Ints) -> Facts:
    """The facts of these rows alone, with the patients that they name, in the same order."""
    rows = rows.astype(np.intp)  # by which numpy takes values without making such numbers each time
    codes = facts.codes("patient")[rows]
    wanted = np.zeros(len(facts.patients) + 1, bool)
    wanted[codes] = True
    wanted = wanted[:-1]
    number = np.append(np.cumsum(wanted) - 1, -1)[codes]
    columns: dict[str, Any] = {}
    for name in facts.activities.columns:
        column = facts.activities[name].array
        if name == "patient":
            columns[name] = categorical(number, column.categories[wanted])
        elif isinstance(column, pd.Categorical):
            columns[name] = _used(_of_rows(column.codes, rows), column.categories)
        elif column.dtype.kind in "biu":
            columns[name] = _of_rows(column.to_numpy(), rows)
        else:
            columns[name] = column.take(rows)
    return Facts(pd.DataFrame(columns, copy=False), facts.patients.iloc[wanted], facts.given)


def _of_rows(values: Ints, rows: Ints) -> Ints:
    """The values of these rows; one that stands for all rows goes on to do so."""
    if values.strides == (0,) and len(values):
        return np.broadcast_to(values[0], len(rows))
    return values[rows]


def _used(codes: Ints, words: pd.Index[Any]) -> Any:
    """The column without the words that no row has."""
    used = np.zeros(len(words) + 1, bool)
    used[codes] = True
    used = used[:-1]
    if used.all():
        return categorical(codes, words)
    number = np.append(np.cumsum(used) - 1, -1)
    return categorical(number[codes], words[used])
