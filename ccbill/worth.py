"""What held and short work would bring: money at stake, and the months near their next unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ccbill.fees import Fees
from ccbill.report.tables import NEAR_MISSES, TEXT
from ccbill.rules.bill import noted, would_earn
from ccbill.rules.decisions import Billed, Decisions, Short
from ccbill.rules.facts import Facts
from ccbill.rules.model import Bill, LineNote, Plan
from ccbill.stacked import in_order, ranks, stacked
from ccbill.tables import UNKNOWN, Ints, Mask, always, categorical, month_text, named


@dataclass(frozen=True, slots=True)
class Worth:
    """What each of some activities would bring: cents, UNKNOWN where there is no price or nothing
    to gain, and the code, blank where it would earn none."""

    amount: Ints
    code: Any


def stakes(facts: Facts, decisions: Decisions, fees: Fees, held: Ints) -> Worth:
    """What the held activities, in the order of the log, would bring."""
    amount = np.full(len(held), UNKNOWN, np.int64)
    code = np.full(len(held), -1, np.int32)
    for number, stake in reversed([*enumerate(decisions.stakes)]):
        # Of a base and its add-ons, the base names the code.
        code[_places(stake.rows, held)[0]] = number
    for stake in decisions.stakes:
        cents = unit_price(facts, fees, stake.rows, stake.plan, stake.bill)
        known = cents != UNKNOWN
        at, there = _places(stake.rows[known], held)
        gain = (cents[known] * stake.units[known])[there]
        amount[at] = np.where(amount[at] == UNKNOWN, gain, amount[at] + gain)
    return Worth(amount, named([*(stake.bill.code for stake in decisions.stakes), None], code))


def _places(rows: Ints, held: Ints) -> tuple[Ints, Mask]:
    """Where those of the rows that are held stand among these, and which of the rows they are."""
    at = np.searchsorted(held, rows)
    there = np.append(held, UNKNOWN)[at] == rows
    return at[there], there


def unit_price(facts: Facts, fees: Fees, rows: Ints, plan: Plan, bill: Bill) -> Ints:
    """What one unit is expected to pay, else its charge, in cents at each activity's date."""
    charge, expected = fees.of(
        always(plan.name, len(rows)),
        facts.activities["payer"].array.take(rows),
        always(bill.code, len(rows)),
        always(" ".join(sorted(bill.modifiers)), len(rows)),
        facts.numbers("service_date")[rows],
    )
    published = next((p for p in (bill.pays, bill.pays_line) if p is not None), UNKNOWN)
    expected = np.where(expected == UNKNOWN, published, expected)
    return np.where(expected == UNKNOWN, charge, expected)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Billed groups of one service that would earn another code if a blank field had the answer.

    `rows` are each group's first activity, `size` its activities, and `amount` the difference in
    cents, UNKNOWN where a price is.
    """

    problem: str
    code: str
    why: str
    rows: Ints
    size: Ints
    amount: Ints


def unanswered(facts: Facts, decisions: Decisions, fees: Fees) -> list[Unanswered]:
    """What a blank field keeps from being billed, by the notes of the rules that name a problem."""
    return [
        _unanswered(facts, billed, note, fees)
        for billed in decisions.billed
        for note in billed.service.notes
        if note.problem
    ]


def _unanswered(facts: Facts, billed: Billed, note: LineNote, fees: Fees) -> Unanswered:
    mine = noted(facts, billed.service, note, billed.groups, billed.earned)
    groups, earned = billed.groups.only(mine), billed.earned.only(mine)
    would = would_earn(facts, billed.service, note, groups)
    amount = np.zeros(len(groups.starts), np.int64)
    for number, bill in enumerate(billed.service.bills):
        more = would.units[number] - earned.units[number]
        cents = unit_price(facts, fees, groups.first, billed.plan, bill)
        unpriced = (amount == UNKNOWN) | ((cents == UNKNOWN) & (more != 0))
        amount = np.where(unpriced, UNKNOWN, amount + more * cents)
    why = note.say.removeprefix(f"{note.problem}: ")
    return Unanswered(note.problem, note.could_earn, why, groups.first, groups.size, amount)


def near_misses(facts: Facts, decisions: Decisions, fees: Fees) -> pd.DataFrame:
    """Months with counted time and no unit yet, or near the next one: columns of NEAR_MISSES."""
    parts = [_near(facts, short, fees) for short in decisions.short if len(short.standing)]
    table = stacked(parts, {name: kind == TEXT for name, kind in NEAR_MISSES.items()})
    keys = ("plan", "patient_id", "practice", "month", "code")
    return in_order(table, *(ranks(table[name], blank=-1) for name in keys))


def _near(facts: Facts, short: Short, fees: Fees) -> pd.DataFrame:
    bills = short.service.bills
    amount = np.full(len(short.bill), UNKNOWN, np.int64)
    for number in np.unique(short.bill):
        mine = short.bill == number
        amount[mine] = unit_price(facts, fees, short.standing[mine], short.plan, bills[number])
    rows = short.standing
    return pd.DataFrame(
        {
            "plan": categorical(np.zeros(len(rows), np.int8), [short.plan.name]),
            "patient_id": facts.activities["patient"].array.take(rows),
            "practice": facts.activities["practice"].array.take(rows),
            "month": month_text(facts.numbers("service_date")[rows]),
            "code": named([b.code for b in bills], short.bill),
            "have_minutes": short.have,
            "need_minutes": short.need,
            "short_minutes": short.need - short.have,
            "amount": amount,
        }
    )
