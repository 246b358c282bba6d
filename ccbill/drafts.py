"""Billed groups → drafts of claim lines: what each bill of each group says, before its details."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccbill.rules import say
from ccbill.rules.decisions import Billed
from ccbill.rules.facts import Facts
from ccbill.rules.model import Bill, Change
from ccbill.rules.screen import unchecked
from ccbill.tables import UNKNOWN, Ints, Mask, is_blank, together, worded

# Details of a line that come from the last activity of its group that gives them.
LATEST = (
    "payer",
    "rendering_npi",
    "supervising_npi",
    "authorization_number",
    "place_of_service",
    "diagnosis_codes",
)
AS_DRAFTED = (
    "code",
    "modifier_1",
    "modifier_2",
    "modifier_3",
    "modifier_4",
    "units",
    "minutes",
    "activities",
    "rule",
    "rule_standing",
    "why",
)
NUMBERS = ("bill", "group", "units", "minutes", "activities", "standing", "day", *LATEST)
SAID = ("rule_standing", "why", "line_notes")


def drafts(facts: Facts, billed: list[Billed]) -> pd.DataFrame:
    """One row for each bill of each group that earns it.

    `billed` and `group` say which group it is, `standing` is the group's last activity, and each
    column of LATEST is the last activity of the group that gives that field, -1 where none does.
    """
    bills = [(number, b, bill) for number, b in enumerate(billed) for bill in b.service.bills]
    texts: dict[str, list[str]] = {name: [] for name in SAID}
    parts: list[dict[str, Ints]] = []
    for b in billed:
        parts += _lines(facts, b, len(parts), texts)
    none = np.zeros(0, np.int64)
    columns: dict[str, Any] = {
        name: np.concatenate([none, *(part[name] for part in parts)]) for name in (*NUMBERS, *SAID)
    }
    columns |= {name: worded(texts[name], columns[name]) for name in SAID}
    columns |= {name: columns[name].astype(np.int32) for name in ("units", "minutes", "activities")}
    which = columns.pop("bill")
    for name, values in {
        "billed": [number for number, _, _ in bills],
        "addon": [bill.needs is not None for _, _, bill in bills],
        "charge_required": [bill.charge_required for _, _, bill in bills],
        "pays": [UNKNOWN if bill.pays is None else bill.pays for _, _, bill in bills],
        "pays_line": [
            UNKNOWN if bill.pays_line is None else bill.pays_line for _, _, bill in bills
        ],
    }.items():
        columns[name] = np.array(values or [0])[which]
    words: dict[str, list[str | None]] = {
        "plan": [b.plan.name for _, b, _ in bills],
        "rule": [b.service.file.removesuffix(".toml") for _, b, _ in bills],
        "base": [bill.needs or bill.code for _, _, bill in bills],
        "own_claim": [bill.code if b.service.own_claim else None for _, b, bill in bills],
        "code": [bill.code for _, _, bill in bills],
        **{f"modifier_{n + 1}": [_modifier(bill, n) for _, _, bill in bills] for n in range(4)},
    }
    columns |= {name: worded(each, which) for name, each in words.items()}
    return pd.DataFrame(columns, copy=False)


def _lines(
    facts: Facts, billed: Billed, first: int, texts: dict[str, list[str]]
) -> list[dict[str, Ints]]:
    """NUMBERS of the lines of each bill, whose bills are numbered from `first`, and for SAID the
    numbers of their texts, which are added to `texts`."""
    groups, service = billed.groups, billed.service
    latest = {name: _latest(facts, billed, name) for name in LATEST}
    noted, notes = _notes(facts, billed, latest["payer"])
    parts = []
    for n, bill in enumerate(service.bills):
        has = np.flatnonzero(billed.earned.units[n] > 0)
        said = {
            "rule_standing": _standing(billed, bill, has),
            "why": _why(billed, n, has),
            "line_notes": (noted[has], [f"{x}{bill.note}; " if bill.note else x for x in notes]),
        }
        part = {
            "bill": np.full(len(has), first + n),
            "group": has,
            "units": billed.earned.units[n][has],
            "minutes": groups.minutes[has],
            "activities": groups.size[has],
            "standing": groups.last[has],
            "day": _threshold_day(facts, billed, bill)[has],
            **{name: rows[has] for name, rows in latest.items()},
        }
        for name, (numbers, words) in said.items():
            part[name] = numbers + len(texts[name])
            texts[name] += words
        parts.append(part)
    return parts


def _notes(facts: Facts, billed: Billed, payer_rows: Ints) -> tuple[Ints, list[str]]:
    """What the lines of each group say beside their bill's own note, as numbers of those texts."""
    plan, service = billed.plan, billed.service
    lacking = [f"not checked: {name}" for name in unchecked(plan, service, facts.given)]
    said: list[tuple[str, Mask | None]] = [(x, None) for x in (plan.line_note, *lacking) if x]
    said += billed.notes
    said += [(c.said, _affected(facts, payer_rows, c)) for c in plan.changes_of(service)]
    return beside([""], np.zeros(len(payer_rows), np.int64), said)


def beside(
    texts: list[str], numbers: Ints, said: Sequence[tuple[str, Mask | None]]
) -> tuple[Ints, list[str]]:
    """The texts by number, each with what else is said where it is (None: everywhere), as new
    numbers and their texts."""
    for text, where in said:
        if where is None:
            texts = [f"{before}{text}; " for before in texts]
        elif where.any():
            numbers, kinds = pd.factorize(numbers * 2 + where)
            texts = [texts[k // 2] + (f"{text}; " if k % 2 else "") for k in kinds.tolist()]
    return numbers, texts


def _standing(billed: Billed, bill: Bill, has: Ints) -> tuple[Ints, list[str]]:
    """How firmly each group's line of a bill stands."""
    number = np.zeros(len(billed.groups.starts), np.int64)
    for n, (_, where) in enumerate(billed.standings, 1):
        number[where] = n
    return number[has], [bill.standing, *(word for word, _ in billed.standings)]


def _why(billed: Billed, number: int, has: Ints) -> tuple[Ints, list[str]]:
    """What earned the lines that these groups have of one bill; each text is made once."""
    service, groups = billed.service, billed.groups
    figures = (billed.earned.units[number][has], groups.minutes[has], groups.size[has])
    which, first = together(*figures)
    told = zip(*(figure[first].tolist() for figure in figures), strict=True)
    return which, [say.line(service, service.bills[number], *each) for each in told]


def _affected(facts: Facts, payer_rows: Ints, change: Change) -> Mask | None:
    """Which groups an overlay bears on: those of the payers that it adds, or all (None)."""
    if not change.payers:
        return None
    added = {" ".join(name.split()).casefold() for name in change.payers}
    names = facts.categories("payer")
    hit = np.array([*(" ".join(n.split()).casefold() in added for n in names), False])
    return hit[np.append(facts.codes("payer"), -1)[payer_rows]]


def _latest(facts: Facts, billed: Billed, name: str) -> Ints:
    """The last activity of each group that gives the field, -1 where none does."""
    groups, codes = billed.groups, facts.codes(name)
    if is_blank(codes):
        return np.full(len(groups.starts), -1, np.int64)
    given = codes[groups.rows] >= 0
    if given.all():
        return groups.last
    place = np.where(given, np.arange(len(groups.rows)), -1)
    last = np.maximum.reduceat(place, groups.starts)
    return np.where(last >= 0, groups.rows[last], -1)


def _threshold_day(facts: Facts, billed: Billed, bill: Bill) -> Ints:
    """The day on which a month's minutes reached the bill's first unit, where the plan wants it."""
    if billed.plan.date_of_service != "threshold-met" or bill.once_at is None:
        return billed.day
    groups = billed.groups
    seconds = np.cumsum(facts.numbers("seconds")[groups.rows].astype(np.int64))
    before = np.append(0, seconds)[groups.starts]
    reached = (seconds - before[groups.of]) // 60 >= bill.once_at
    place = np.where(reached, np.arange(len(groups.rows)), len(groups.rows) - 1)
    return facts.numbers("service_date")[groups.rows[np.minimum.reduceat(place, groups.starts)]]


def _modifier(bill: Bill, place: int) -> str | None:
    return bill.modifiers[place] if place < len(bill.modifiers) else None
