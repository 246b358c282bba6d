"""What would change a case's result: the minutes still missing, and what mends held work."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ccbill.explain.results import Case, Result, minute_word
from ccbill.problems import PROBLEMS
from ccbill.rules import say
from ccbill.rules.bill import month_end
from ccbill.rules.screen import Answer
from ccbill.tables import Ints, Outcome


def changes(case: Case, found: Sequence[Result], rows: Ints, month: str, today: int) -> list[str]:
    """Sentences, what is held first, since that is work already done."""
    return [*_held(case, rows), *_minutes(found, month, today)]


def _held(case: Case, rows: Ints) -> list[str]:
    answers: dict[Answer, list[int]] = {}
    for row in rows.tolist():
        if case.answer(row).outcome is Outcome.HELD:
            answers.setdefault(case.answer(row), []).append(row)
    said: dict[str, None] = {}
    for answer, theirs in answers.items():
        brings = _brings(case, np.array(theirs))
        fix = PROBLEMS[answer.problem].fix.removesuffix(".")
        fix = fix[0].lower() + fix[1:] if brings and not fix[:2].isupper() else fix
        said[f"{brings}: {fix}" if brings else f"{answer.problem}: {fix}"] = None
    return list(said)


def _brings(case: Case, rows: Ints) -> str:
    """What these rows would add if they counted: `99487 would be billed`."""
    units: dict[str, int] = {}
    for stake in case.decided.decisions.stakes:
        hit = np.isin(stake.rows, rows)
        if stake.plan is case.plan and hit.any():
            label = " ".join([stake.bill.code, *stake.bill.modifiers])
            units[label] = units.get(label, 0) + int(stake.units[hit].sum())
    said = [f"{n} x {label}" if n > 1 else label for label, n in units.items()]
    return f"{say.listed(said, 'and')} would be billed" if said else ""


def _minutes(found: Sequence[Result], month: str, today: int) -> list[str]:
    """`1 more minute by 2026-10-31 bills 99487`, for the nearest code of each month's time."""
    said = []
    for file in dict.fromkeys(each.service.file for each in found):
        near = [
            each
            for each in found
            if each.service.file == file
            and "month" in each.service.per
            and each.short is not None
            and (each.units or each.problem not in ("not-with", "not-payable"))
        ]
        if near and month:
            said.append(_nearest(min(near, key=lambda each: each.short or 0), month, today))
    return said


def _nearest(each: Result, month: str, today: int) -> str:
    first = int(np.datetime64(f"{month}-01", "D").astype(np.int64))
    last = int(month_end(np.array([first]))[0])
    more = f"{each.short:,} more {minute_word(each.short or 0)}"
    another = "another " if each.units else ""
    if last < today:
        return f"{more} in {month} would have billed {another}{each.label}; the month is over"
    verb = "bills" if each.short == 1 else "bill"
    return f"{more} by {say.day(last)} {verb} {another}{each.label}"
