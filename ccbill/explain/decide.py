"""A patient's activities as a run decides them, with every answer that was given kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from ccbill.claims import claims
from ccbill.config import Settings
from ccbill.explain.part import first_days, needed_patients, of_patients
from ccbill.fees import Fees
from ccbill.held_lines import hold_unbillable
from ccbill.rules.assign import assign
from ccbill.rules.decisions import Decisions
from ccbill.rules.facts import Facts
from ccbill.rules.model import Plan
from ccbill.rules.prior import History
from ccbill.rules.screen import Answer
from ccbill.tables import UNKNOWN, Ints


@dataclass(frozen=True, slots=True)
class Log:
    """What was read, and what a run knows besides: rules, settings, prices and history.

    `today` is days since 1970-01-01.
    """

    facts: Facts
    plans: Sequence[Plan]
    plan_of_row: Ints
    settings: Settings
    fees: Fees
    today: int
    history: History | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A claim line or an encounter; `label` is its code and modifiers, `day` since 1970-01-01."""

    plan: str
    practice: str
    month: str
    rule: str
    code: str
    label: str
    units: int
    minutes: int | None
    day: int
    claim_id: str
    notes: str


@dataclass(frozen=True, slots=True)
class Decided:
    """The patient's rows (`mine`) among the facts that decide them, and what became of each.

    `lines` are the patient's by their place, `line_of_row` is the place of each row's line, and
    `answers` are all that a row was given, in order.
    """

    facts: Facts
    decisions: Decisions
    mine: Ints
    lines: dict[int, Line]
    encounters: list[Line]
    line_of_row: Ints
    answers: dict[int, list[Answer]] = field(default_factory=dict)


def decide(log: Log, patient: int) -> Decided:
    """What a run over the whole log decides of one patient, from the patient's part of it."""
    wanted = needed_patients(log.facts, log.plans, log.plan_of_row, patient)
    facts, rows = of_patients(log.facts, wanted)
    plan_of_row = log.plan_of_row[rows]
    mine = np.flatnonzero(log.facts.codes("patient")[rows] == patient)
    answers: dict[int, list[Answer]] = {int(row): [] for row in mine}

    def keep(answer: Answer, given: Ints) -> None:
        for row in given.tolist():
            if row in answers and answer not in answers[row]:
                answers[row].append(answer)

    decisions = assign(facts, log.plans, plan_of_row, _history(log, patient), keep)
    drafted = claims(facts, decisions, log.settings, log.fees, log.today)
    held = hold_unbillable(decisions, drafted, complete=log.settings.claims_complete)
    if held is not decisions:
        drafted = claims(facts, held, log.settings, log.fees, log.today)
    name = log.facts.categories("patient")[patient]
    return Decided(
        facts,
        held,
        mine,
        _lines(drafted.lines, name),
        [*_lines(drafted.encounters, name).values()],
        drafted.line_of_row,
        answers,
    )


def _lines(table: pd.DataFrame, patient: str) -> dict[int, Line]:
    """One patient's lines of a table of claims, by their place in it."""
    theirs = table[(table["patient_id"] == patient).to_numpy(bool)]
    names = ("plan", "billing_npi", "month", "rule", "code", "claim_id", "notes")
    texts = [theirs[name].astype(object).where(theirs[name].notna(), "") for name in names]
    codes = [theirs[f"modifier_{n}"].astype(object) for n in range(1, 5)]
    labels = [
        " ".join([code, *(m for m in modifiers if not pd.isna(m))])
        for code, *modifiers in zip(theirs["code"], *codes, strict=True)
    ]
    numbers = [theirs[name].tolist() for name in ("units", "minutes", "service_from")]
    found = {}
    for place, label, plan, practice, month, rule, code, claim, notes, units, minutes, day in zip(
        theirs.index.tolist(), labels, *texts, *numbers, strict=True
    ):
        known = None if minutes == UNKNOWN else minutes
        found[place] = Line(
            plan, practice, month, rule, code, label, units, known, day, claim, notes
        )
    return found


def _history(log: Log, patient: int) -> History | None:
    """The log's history, with the first days that the part of one patient doesn't show."""
    days = first_days(log.facts, log.plans, log.plan_of_row, patient)
    if log.history is None:
        return History(pd.DataFrame(), days) if days else None
    both = dict(log.history.first_counted)
    for key, day in days.items():
        both[key] = min(day, both.get(key, day))
    return replace(log.history, first_counted=both)
