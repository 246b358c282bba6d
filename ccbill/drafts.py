"""Billed groups → drafts of claim lines: what each bill of each group says, before its details."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ccbill.rules import say
from ccbill.rules.decisions import Billed
from ccbill.rules.facts import Facts
from ccbill.rules.model import Bill, Change
from ccbill.rules.screen import unchecked
from ccbill.tables import UNKNOWN, Ints, together

# Details of a line that come from the last activity of its group that gives them.
LATEST = (
    "payer",
    "rendering_npi",
    "supervising_npi",
    "authorization_number",
    "place_of_service",
    "diagnosis_codes",
)
DRAFT_NUMBERS = (
    "billed",
    "group",
    "units",
    "minutes",
    "activities",
    "standing",
    "day",
    "pays",
    "pays_line",
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
DRAFT = {
    **dict.fromkeys((*DRAFT_NUMBERS, *LATEST, *AS_DRAFTED)),
    **dict.fromkeys(("plan", "addon", "base", "own_claim", "charge_required", "line_notes")),
}


def drafts(facts: Facts, billed: list[Billed]) -> pd.DataFrame:
    """One row for each bill of each group that earns it, with the columns of DRAFT.

    `billed` and `group` say which group it is, `standing` is the group's last activity, and each
    column of LATEST is the last activity of the group that gives that field, -1 where none does.
    """
    parts = [_lines(facts, b, number) for number, b in enumerate(billed)]
    return pd.concat(parts, ignore_index=True) if parts else _no_drafts()


def _no_drafts() -> pd.DataFrame:
    whole = (*DRAFT_NUMBERS, *LATEST)
    return pd.DataFrame(
        {name: pd.Series(dtype=np.int64 if name in whole else object) for name in DRAFT}
    )


def _lines(facts: Facts, billed: Billed, number: int) -> pd.DataFrame:
    """One row for each bill of each group, with the activities that its details come from."""
    groups, service, plan = billed.groups, billed.service, billed.plan
    latest = {name: _latest(facts, billed, name) for name in LATEST}
    notes = np.full(len(groups.starts), "", object)
    lacking = [f"not checked: {name}" for name in unchecked(plan, service, facts.given)]
    for said in [plan.line_note, *lacking]:
        notes += f"{said}; " if said else ""
    for said, where in billed.notes:
        notes[where] += f"{said}; "
    for change in plan.changes_of(service):
        notes[_affected(facts, latest["payer"], change)] += f"{change.said}; "
    tables = []
    for n, bill in enumerate(service.bills):
        has = np.flatnonzero(billed.earned.units[n] > 0)
        tables.append(
            pd.DataFrame(
                {
                    "billed": number,
                    "group": has,
                    "addon": bill.needs is not None,
                    "base": bill.needs or bill.code,
                    "plan": plan.name,
                    "rule": service.file.removesuffix(".toml"),
                    "rule_standing": _standing(billed, bill)[has],
                    "why": _why(billed, n, has),
                    "code": bill.code,
                    **_modifiers(bill),
                    "units": billed.earned.units[n][has],
                    "minutes": groups.minutes[has],
                    "activities": groups.size[has],
                    "standing": groups.last[has],
                    "day": _threshold_day(facts, billed, bill)[has],
                    "own_claim": bill.code if service.own_claim else None,
                    "charge_required": bill.charge_required,
                    "pays": UNKNOWN if bill.pays is None else bill.pays,
                    "pays_line": UNKNOWN if bill.pays_line is None else bill.pays_line,
                    "line_notes": notes[has] + (f"{bill.note}; " if bill.note else ""),
                    **{name: rows[has] for name, rows in latest.items()},
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _standing(billed: Billed, bill: Bill) -> Any:
    """How firmly each group's line of a bill stands."""
    found = np.full(len(billed.groups.starts), bill.standing, object)
    for word, where in billed.standings:
        found[where] = word
    return found


def _why(billed: Billed, number: int, has: Ints) -> Any:
    """What earned the lines that these groups have of one bill; each text is made once."""
    service, groups = billed.service, billed.groups
    figures = (billed.earned.units[number][has], groups.minutes[has], groups.size[has])
    which, first = together(*figures)
    told = zip(*(figure[first].tolist() for figure in figures), strict=True)
    texts = [say.line(service, service.bills[number], *each) for each in told]
    return np.array(texts, object)[which]


def _affected(facts: Facts, payer_rows: Ints, change: Change) -> Ints | slice:
    """Which groups an overlay bears on: those of the payers that it adds, or all."""
    if not change.payers:
        return slice(None)
    added = {" ".join(name.split()).casefold() for name in change.payers}
    names = facts.categories("payer")
    hit = np.array([*(" ".join(n.split()).casefold() in added for n in names), False])
    return np.flatnonzero(hit[np.append(facts.codes("payer"), -1)[payer_rows]])


def _latest(facts: Facts, billed: Billed, name: str) -> Ints:
    """The last activity of each group that gives the field, -1 where none does."""
    groups = billed.groups
    given = facts.codes(name)[groups.rows] >= 0
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


def _modifiers(bill: Bill) -> dict[str, str | None]:
    return {f"modifier_{n + 1}": (*bill.modifiers, *[None] * 4)[n] for n in range(4)}
