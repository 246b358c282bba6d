"""One invented activity, decided by the same code as a run's, and at which minutes that changes.

The activity stands for all the minutes of its patient and month.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from ccbill.rules import say
from ccbill.rules.assign import assign
from ccbill.rules.decisions import Decisions
from ccbill.rules.facts import Facts
from ccbill.rules.model import Plan, Service
from ccbill.rules.screen import Answer, unchecked
from ccbill.tables import (
    KEYS,
    PATIENT_FIELDS,
    ROW_FIELDS,
    TEXT,
    Ints,
    Outcome,
    blank_text,
    categorical,
    unknowns,
)

BEYOND = 240  # minutes past those asked for, within which the next thresholds are looked for
SHOWN_ABOVE, SHOWN_BELOW = 2, 2  # thresholds
Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Activity:
    """What was done: `day` is days since 1970-01-01, `more` are other texts and days of the row."""

    kind: str
    seconds: int
    credential: str
    day: int
    mode: str | None = None
    more: Mapping[str, str | int] | None = None

    @property
    def given(self) -> dict[str, str | int]:
        told: dict[str, str | int] = {
            "kind": self.kind,
            "credential": self.credential,
            "service_date": self.day,
            **(self.more or {}),
        }
        return told | {"mode": self.mode} if self.mode else told


def what_if(plan: Plan, done: Activity) -> Told:
    """What the activity earns by the plan, and what more or less time of it would."""
    whole = done.seconds // 60
    totals = np.arange(0, whole + BEYOND + 1) * 60
    totals[whole] = done.seconds
    answers: list[Answer] = []
    facts = _facts(done, totals)

    def keep(answer: Answer, rows: Ints) -> None:
        if whole in rows and answer not in answers:
            answers.append(answer)

    decisions = assign(facts, [plan], np.zeros(len(totals), np.int16), seen=keep)
    answer = decisions.book[decisions.answer[whole]]
    earns = [_said(each) for each in _earned(decisions, len(totals))]
    number = int(decisions.service[whole])
    service = decisions.services[number][1] if number >= 0 else None
    also = dict.fromkeys(a.why for a in answers if a.outcome is answer.outcome and a != answer)
    told = {
        "plan": plan.name,
        "date": say.day(done.day),
        "kind": done.kind,
        "mode": done.mode,
        "credential": done.credential,
        "minutes": round(done.seconds / 60, 2),
        "outcome": answer.outcome.word,
        "problem": answer.problem or None,
        "why": answer.why,
        "also": [why for why in also if why != answer.why],
        "cite": answer.cite or None,
        "results": _earned(decisions, len(totals))[whole],
        "thresholds": _thresholds(earns, whole),
        "rules": _rules(service),
        "not_checked": unchecked(plan, service, facts.given) if service else [],
    }
    if answer.outcome is Outcome.COUNTED:
        told["why"] = service.title if service else answer.why
    cites = [answer.cite, *(each["rule_cite"] for each in told["rules"])]
    told["sources"] = {c: say.source(c, plan.sources[c]) for c in cites if c in plan.sources}
    return told


def _facts(done: Activity, seconds: Ints) -> Facts:
    """One patient for each number of seconds, who had that activity and nothing else."""
    rows = len(seconds)
    given = done.given

    def column(name: str, kind: str) -> Any:
        value = given.get(name)
        if kind == TEXT:
            return blank_text(rows) if value is None else pd.Categorical([str(value)] * rows)
        return unknowns(rows) if value is None else np.full(rows, value, np.int32)

    columns = {name: column(name, kind) for name, kind in (KEYS | ROW_FIELDS).items()}
    columns |= {
        "seconds": np.where(seconds > 0, seconds, 1).astype(np.int32),
        "patient": categorical(np.arange(rows), [*map(str, range(rows))]),
        "practice": pd.Categorical([""] * rows),
        "activity_id": pd.Series([*map(str, range(rows))], dtype=str),
        "left_out": np.zeros(rows, bool),
        "member_id": blank_text(rows),
    }
    patients = {name: column(name, kind) for name, kind in PATIENT_FIELDS.items()}
    return Facts(pd.DataFrame(columns), pd.DataFrame(patients), frozenset({*given, "minutes"}))


def _earned(decisions: Decisions, rows: int) -> list[list[Told]]:
    """What each of the patients bills: code, modifiers, units, standing."""
    found: list[list[Told]] = [[] for _ in range(rows)]
    for b in decisions.billed:
        for number, units in b.earned.units.items():
            bill = b.service.bills[number]
            for place in np.flatnonzero(units):
                found[b.groups.first[place]].append(
                    {
                        "code": bill.code,
                        "modifiers": list(bill.modifiers),
                        "units": int(units[place]),
                        "standing": bill.standing,
                    }
                )
    return found


def _said(earned: list[Told]) -> str:
    words = [(" ".join([e["code"], *e["modifiers"]]), e["units"]) for e in earned]
    return ", ".join(f"{n} x {label}" for label, n in words)


def _thresholds(earns: list[str], whole: int) -> list[Told]:
    """The spans of minutes that earn the same, those about the minutes asked for."""
    starts = [0, *(n for n in range(1, len(earns)) if earns[n] != earns[n - 1])]
    spans = [
        {"from": first, "to": None if end > len(earns) - 1 else end - 1, "earns": earns[first]}
        for first, end in pairwise([*starts, len(earns)])
    ]
    this = max(n for n, first in enumerate(starts) if first <= whole)
    for n, span in enumerate(spans):
        span["this"] = n == this
    return spans[max(this - SHOWN_BELOW, 0) : this + SHOWN_ABOVE + 1]


def _rules(service: Service | None) -> list[Told]:
    if service is None:
        return []
    return [
        {
            "code": service.label(n),
            "says": say.bill(service, bill),
            "rule": service.file.removesuffix(".toml"),
            "in_force": say.span(service),
            "standing": bill.standing,
            "rule_cite": bill.cite,
        }
        for n, bill in enumerate(service.bills)
    ]
