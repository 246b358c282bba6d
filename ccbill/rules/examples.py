"""The examples in rule files: cases in the payer's words, run through the rules themselves.

An activity is written `MINUTES KIND CREDENTIAL [MODE] [DATE] [FIELD=VALUE …]`, as in
`20 care-management-contact RN phone 2026-03-05 video_declined=yes`; minutes or a credential that
nobody gave are a dash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd

from ccbill import vocabulary
from ccbill.errors import CcbillError, Exit, Message
from ccbill.rules.assign import assign
from ccbill.rules.facts import Facts
from ccbill.rules.model import Plan, Service
from ccbill.rules.parse import EPOCH
from ccbill.rules.prior import History
from ccbill.tables import DAY, KEYS, PATIENT_FIELDS, ROW_FIELDS, TEXT, UNKNOWN, Ints, categorical

USUAL_DAY = "2026-03-10"
# Of an example that what an overlay asks of the whole plan has overtaken.
USED = "A run bills by the overlay all the same."


def activity(did: str) -> dict[str, str]:
    """The fields of an activity written as an example, in the columns of an export."""
    minutes, kind, credential, *rest = did.split()
    told = {"minutes": minutes, "kind": kind, "credential": credential}
    for word in rest:
        if "=" in word:
            told |= fields(word)
        else:
            told["mode" if word in vocabulary.modes() else "service_date"] = word
    return {name: value.replace("_", " ") for name, value in told.items() if value != "-"}


def fields(words: str) -> dict[str, str]:
    """`video_declined=yes setting=hospice` as fields and values."""
    return {name: value for name, _, value in (word.partition("=") for word in words.split())}


def failures(plan: Plan, *, of_changed_files: bool = False) -> list[Message]:
    """What each failing example of the plan bills, beside what it says that it bills.

    Of all its rule files, or of those that an overlay changes themselves.
    """
    found = []
    own = {change.service for change in plan.overlays}
    for service in plan.services:
        if of_changed_files and service.file not in own:
            continue
        changes = plan.changes_of(service)
        used = bool(changes) and service.file not in own
        for number, example in enumerate(service.examples, 1):
            day = example.on or _usual_day(service)
            got = billed(plan, [{"service_date": day, **activity(d)} for d in example.did])
            if got != dict(example.bills):
                found.append(
                    Message(
                        f"{example.where()}: example.{number}",
                        f"it bills {_said(got)}, and the file says {_said(example.bills)}",
                        USED if used else "The rules are not used; nothing was written.",
                        "mend the rule or the example"
                        + "".join(f"; {c.file} changes the rule" for c in changes),
                    )
                )
    return found


def check(plans: Sequence[Plan], *, of_changed_files: bool = False) -> None:
    """Refuses the plans if any of these examples fails."""
    found = [m for plan in plans for m in failures(plan, of_changed_files=of_changed_files)]
    if found:
        raise CcbillError(Exit.REFUSED, *found)


def billed(plan: Plan, did: list[dict[str, str]], history: History | None = None) -> dict[str, int]:
    """Units of each code (with its modifiers) that one patient's activities earn."""
    return billed_each(plan, [did], history)[0]


def billed_each(
    plan: Plan, patients: Sequence[list[dict[str, str]]], history: History | None = None
) -> list[dict[str, int]]:
    """Units of each code (with its modifiers) that each patient's activities earn.

    In `history` the patients are called 000000, 000001, …
    """
    did = [d for theirs in patients for d in theirs]
    of = np.repeat(np.arange(len(patients)), [len(theirs) for theirs in patients])
    given = frozenset(name for d in did for name in d)
    facts = Facts(_activities(did, of), _patients(patients), given)
    decisions = assign(facts, [plan], np.zeros(len(did), np.int16), history)
    units: list[Counter[str]] = [Counter() for _ in patients]
    for b in decisions.billed:
        for number, amount in b.earned.units.items():
            label = b.service.label(number)
            for place in np.flatnonzero(amount):
                units[of[b.groups.first[place]]][label] += int(amount[place])
    return [dict(u) for u in units]


def _patients(patients: Sequence[list[dict[str, str]]]) -> pd.DataFrame:
    columns: dict[str, object] = {}
    for name, kind in PATIENT_FIELDS.items():
        values = [next((d[name] for d in did if name in d), None) for did in patients]
        columns[name] = pd.Categorical(values) if kind == TEXT else [_day(v) for v in values]
    return pd.DataFrame(columns)


def _usual_day(service: Service) -> str:
    day = date.fromisoformat(USUAL_DAY).toordinal() - EPOCH
    if not service.first_day <= day <= service.last_day:
        day = service.first_day if day < service.first_day else service.last_day
    return date.fromordinal(day + EPOCH).isoformat()


def _activities(did: list[dict[str, str]], of: Ints) -> pd.DataFrame:
    columns: dict[str, object] = {}
    for name, kind in (KEYS | ROW_FIELDS).items():
        values = [d.get(name) for d in did]
        if kind == TEXT:
            columns[name] = pd.Categorical(values)
        elif kind == DAY:
            columns[name] = np.array([_day(v) for v in values], np.int32)
        else:
            numbers = [UNKNOWN if v is None else int(v) for v in values]
            columns[name] = np.array(numbers, np.int32)
    seconds = [_seconds(d.get("minutes")) for d in did]
    columns |= {
        "seconds": np.array(seconds, np.int32),
        "patient": categorical(of, [f"{n:06}" for n in range(int(of.max()) + 1)]),
        "activity_id": pd.Series([f"{n:04}" for n in range(len(did))], dtype=str),
        "left_out": np.zeros(len(did), bool),
    }
    return pd.DataFrame(columns)


def _day(text: str | None) -> int:
    return UNKNOWN if text is None else date.fromisoformat(text).toordinal() - EPOCH


def _seconds(minutes: str | None) -> int:
    return UNKNOWN if minutes is None else int((Decimal(minutes) * 60).to_integral_value())


def _said(bills: Mapping[str, int]) -> str:
    return ", ".join(f"{code} x {n}" for code, n in sorted(bills.items())) or "nothing"
