"""Held rows and notes → one row for each thing to fix.

What one row of the report stands for is said by its problem: a row of the export, a staff member,
a patient, a patient's month, a word that ccbill does not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccbill import memory, new_words
from ccbill.about import blanked, described, unlike
from ccbill.exception_notes import (
    Doubt,
    asked_about,
    charges_missing,
    lacks_answer,
    not_checked,
    noted,
    timely_filing,
)
from ccbill.fees import Fees
from ccbill.new_words import quoted, toml_line
from ccbill.problems import PROBLEMS
from ccbill.report.tables import EXCEPTIONS, TEXT
from ccbill.rules.decisions import Decisions
from ccbill.rules.facts import Facts
from ccbill.stacked import stacked
from ccbill.tables import (
    UNKNOWN,
    Finding,
    Ints,
    Note,
    Outcome,
    categorical,
    named,
    together,
)
from ccbill.worth import Worth, stakes, unanswered

# The columns that tell one thing to fix from another, besides the problem.
PER: dict[str, tuple[str, ...]] = {
    "row": ("row_number",),
    "staff": ("plan", "staff"),
    "patient": ("plan", "patient"),
    "case": ("plan", "answer", "patient", "practice", "month"),
    "whole-case": ("plan", "patient", "practice", "month"),
    "claim": ("claim",),
    "staff-day": ("staff", "service_date"),
    "patient-day": ("patient", "service_date"),
    "kind": ("plan", "kind"),
    "practice": ("plan", "practice"),
    "code": ("plan", "answer"),
}
# Problems of a word that ccbill does not know: one thing to fix for each word of this column.
WORDS = {f"{name}-not-known": name for name in ("payer", "kind", "mode", "credential")}
# Said of a thing to fix where all of its rows agree.
SHARED = (
    "plan",
    "payer",
    "practice",
    "patient",
    "staff",
    "month",
    "service_date",
    "activity_id",
    "code",
    "claim",
    "why",
    "rule",
    "cite",
)


def exceptions(
    facts: Facts,
    decisions: Decisions,
    fees: Fees,
    notes: list[Note],
    findings: list[Finding],
    doubts: list[Doubt],
    lines: pd.DataFrame,
    today: int,
) -> pd.DataFrame:
    """Every thing to fix and every note, in EXCEPTIONS without what a work list adds.

    `lines` have CLAIMS and `rows`, how many rows of the exports are on the line's claim. The
    `findings` hold rows; `doubts` hold none, and are let go as they are told, for they may be
    of as many rows as were read.
    """
    told_of = [asked_about(facts, decisions, doubts.pop(0)) for _ in range(len(doubts))]
    memory.give_back()
    holding = {each.problem: each for each in findings}
    held = np.flatnonzero(decisions.outcome == Outcome.HELD)
    worth = stakes(facts, decisions, fees, held)
    of_book = [answer.problem for answer in decisions.book]
    used = np.bincount(decisions.answer[held], minlength=len(of_book)) > 0
    names = sorted({of_book[number] for number in np.flatnonzero(used)})
    numbers = np.array([names.index(n) if n in names else -1 for n in of_book], np.int32)
    which = numbers[decisions.answer[held]]
    about = described(facts, decisions, held).assign(code=worth.code, problem=named(names, which))
    number, about["why"] = _things(about, held, which, names, holding)
    parts = [_things_to_fix(facts, decisions, worth, about, number)]
    del about, number, worth, which
    told = [n for n in notes if n.problem not in WORDS or n.problem not in names]
    parts.append(noted(told, facts))
    parts += told_of
    parts += [lacks_answer(facts, decisions, each) for each in unanswered(facts, decisions, fees)]
    parts.append(charges_missing(lines))
    parts.append(not_checked(facts, decisions))
    parts.append(timely_filing(decisions, lines, today))
    return stacked(parts, {name: kind == TEXT for name, kind in EXCEPTIONS.items()})


def _things(
    about: pd.DataFrame,
    rows: Ints,
    which: Ints,
    problems: Sequence[str],
    holding: Mapping[str, Finding],
) -> tuple[Ints, Any]:
    """The number of the thing to fix that each held row is part of, and why it is held.

    `which` numbers the rows' `problems`; things are numbered by problem, then as they come.
    """
    number, why = np.empty(len(rows), np.int64), about["why"].array
    things = 0
    for n, problem in enumerate(problems):
        mine = np.flatnonzero(which == n)
        per = (WORDS[problem],) if problem in WORDS else PER[PROBLEMS[problem].per]
        own, _ = together(*(about[name].iloc[mine] for name in per))
        if problem in holding:
            own, why = _by_finding(holding[problem], rows, mine, own, why)
        number[mine] = own + things
        things += int(own.max()) + 1
    return number, why


def _things_to_fix(
    facts: Facts, decisions: Decisions, worth: Worth, about: pd.DataFrame, number: Ints
) -> pd.DataFrame:
    """One row for each thing, with what all of its held rows have in common."""
    count = np.bincount(number)
    first = np.empty(len(count), np.int64)
    first[number[::-1]] = np.arange(len(number))[::-1]
    of_row = first[number]
    table: dict[str, Any] = {}
    for name in ("problem", *SHARED):
        differs = np.zeros(len(count), bool)
        differs[number[unlike(about[name], of_row)]] = True
        table[name] = blanked(about[name].array.take(first), differs)
    rows = about["row_number"].to_numpy()
    total = np.bincount(number, np.where(worth.amount == UNKNOWN, 0, worth.amount))
    priced = np.bincount(number, worth.amount != UNKNOWN) > 0
    seconds = facts.numbers("seconds")[rows]
    minutes = np.bincount(number, np.maximum(seconds // 60, 0)).astype(np.int64)
    file_by = np.full(len(count), -(UNKNOWN + 1), np.int64)
    np.minimum.at(file_by, number, about["file_by"].to_numpy())
    what, fix = _said(decisions, about, first, table["problem"], minutes)
    return pd.DataFrame(
        {
            "severity": categorical(np.zeros(len(count), np.int8), ["hold"]),
            **{name: table[name] for name in ("problem", "plan", "payer", "practice", "month")},
            "patient_id": table["patient"],
            "staff_id": table["staff"],
            "service_date": table["service_date"],
            "code": table["code"],
            "claim_id": table["claim"],
            "file_by": file_by,
            "what": what,
            "why": _unless_said(table["why"], table["problem"]),
            "fix": fix,
            "amount": np.where(priced, total.astype(np.int64), UNKNOWN),
            "file": about["file"].array.take(first),
            "row": about["row"].to_numpy()[first],
            "rows": count,
            "activity_id": table["activity_id"],
            "rule": table["rule"],
            "cite": table["cite"],
        }
    )


def _said(
    decisions: Decisions, about: pd.DataFrame, first: Ints, problem: Any, minutes: Ints
) -> tuple[Any, Any]:
    """What is wrong with each thing, and what mends it; a word that is not known by name."""
    names, numbers = [*problem.categories], problem.codes.astype(np.int64)
    says = [(PROBLEMS[name].says, PROBLEMS[name].fix) for name in names]
    for n in np.flatnonzero(np.append(np.isin(names, [*WORDS]), False)[numbers]):
        column = WORDS[names[numbers[n]]]
        says.append(_word(decisions, column, about[column].iloc[first[n]], int(minutes[n])))
        numbers[n] = len(says) - 1
    what, fix = ([texts[at] for texts in says] for at in range(2))
    return named([*what, None], numbers), named([*fix, None], numbers)


def _unless_said(why: Any, problem: Any) -> Any:
    """Why a thing is held, blank where its problem says as much."""
    says = [PROBLEMS[name].says for name in problem.categories]
    said = why.categories.get_indexer(says)[problem.codes]
    return blanked(why, (why.codes == said) & (said >= 0))


def _by_finding(
    finding: Finding, rows: Ints, mine: Ints, number: Ints, why: Any
) -> tuple[Ints, Any]:
    """Numbers of those held rows that are `mine`, and figures of all, as the check has them; those
    of rows that a rule held with the same problem stay."""
    thing_of_row = np.full(int(rows[-1]) + 1, -1, np.int32)
    found = finding.rows <= rows[-1]
    thing_of_row[finding.rows[found]] = finding.thing[found]
    thing = thing_of_row[rows[mine]]
    again, _ = pd.factorize(np.where(thing < 0, number + len(finding.why), thing))
    numbers = why.codes.astype(np.int64)
    numbers[mine[thing >= 0]] = len(why.categories) + thing[thing >= 0]
    return again, named([*why.categories, *finding.why, None], numbers)


def _word(decisions: Decisions, column: str, word: str, minutes: int) -> tuple[str, str]:
    """What is not known, and the line of ccbill.toml that makes it known."""
    to = new_words.near(column, word, decisions.plans)
    what = f"{quoted(word)} is not a {column} that ccbill knows; it stands for {minutes:,} minutes"
    return what, f"add to ccbill.toml under [{column}s]: {toml_line(column, word, to)}"
