"""Held rows and notes → one row for each thing to fix.

What one row of the report stands for is said by its problem: a row of the export, a staff member,
a patient, a patient's month, a word that ccbill does not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccbill import new_words
from ccbill.fees import Fees
from ccbill.intake.columns import STAFF_ONLY
from ccbill.new_words import quoted, toml_line
from ccbill.problems import PROBLEMS
from ccbill.report.tables import EXCEPTIONS
from ccbill.rules.decisions import Decisions
from ccbill.rules.facts import Facts
from ccbill.tables import UNKNOWN, Finding, Ints, Note, Outcome, month_text, named, together
from ccbill.worth import Unanswered, Worth, stakes, unanswered

FAR, SOON = 10**6, 14  # days
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
    lines: pd.DataFrame,
    today: int,
) -> pd.DataFrame:
    """Every thing to fix and every note, in EXCEPTIONS without what a work list adds.

    `lines` have CLAIMS and `rows`, how many rows of the exports are on the line's claim.
    """
    holding = {each.problem: each for each in findings if each.holds}
    worth = stakes(facts, decisions, fees)
    held = np.flatnonzero(decisions.outcome == Outcome.HELD)
    problems = np.array([a.problem for a in decisions.book], object)[decisions.answer[held]]
    which, names = pd.factorize(problems, sort=True)
    about = _about(facts, decisions, held).assign(code=worth.code[held], problem=problems)
    number, about["why"] = _things(about, held, which, list(names), holding)
    parts = [_things_to_fix(facts, decisions, worth, about, number)]
    told = [n for n in notes if n.problem not in WORDS or n.problem not in names]
    parts.append(_noted(told, facts))
    parts += [_asked_about(facts, decisions, each) for each in findings if not each.holds]
    parts += [_lacks_answer(facts, decisions, each) for each in unanswered(facts, decisions, fees)]
    parts.append(_charges_missing(lines))
    parts.append(_not_checked(decisions))
    parts.append(_timely_filing(decisions, lines, today))
    table = pd.concat([p for p in parts if len(p)] or [_empty()], ignore_index=True)
    table = table.reindex(columns=list(EXCEPTIONS))
    for name in ("amount", "service_date", "file_by", "row"):
        table[name] = pd.to_numeric(table[name]).fillna(UNKNOWN).astype(np.int64)
    return table


def _empty() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in EXCEPTIONS})


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
    number, why = np.empty(len(rows), np.int64), about["why"].to_numpy(object)
    things = 0
    for n, problem in enumerate(problems):
        mine = np.flatnonzero(which == n)
        per = (WORDS[problem],) if problem in WORDS else PER[PROBLEMS[problem].per]
        own, _ = together(*(about[name].iloc[mine] for name in per))
        if problem in holding:
            own, why[mine] = _by_finding(holding[problem], rows[mine], own, why[mine])
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
    table = about.iloc[first].reset_index(drop=True).astype(object)
    for name in SHARED:
        codes, _ = pd.factorize(about[name])
        agrees = np.bincount(number, codes == codes[first][number]) == count
        table[name] = table[name].where(agrees, None)
    rows = about["row_number"].to_numpy()
    cents = worth.amount[rows]
    total = np.bincount(number, np.where(cents == UNKNOWN, 0, cents)).astype(np.int64)
    priced = np.bincount(number, cents != UNKNOWN) > 0
    minutes = np.bincount(number, np.maximum(facts.minutes()[rows], 0)).astype(np.int64)
    says = [PROBLEMS[problem] for problem in table["problem"]]
    what, fix = [each.says for each in says], [each.fix for each in says]
    for n in np.flatnonzero(table["problem"].isin([*WORDS])):
        column = WORDS[table["problem"][n]]
        what[n], fix[n] = _word(decisions, column, table[column][n], int(minutes[n]))
    return pd.DataFrame(
        {
            "severity": "hold",
            "problem": table["problem"],
            "plan": table["plan"],
            "payer": table["payer"],
            "practice": table["practice"],
            "patient_id": table["patient"],
            "staff_id": table["staff"],
            "month": table["month"],
            "service_date": table["service_date"],
            "code": table["code"],
            "claim_id": table["claim"],
            "file_by": about["file_by"].groupby(number).min().to_numpy(),
            "what": what,
            "why": table["why"].where(table["why"] != [each.says for each in says], None),
            "fix": fix,
            "amount": np.where(priced, total, UNKNOWN),
            "file": table["file"],
            "row": table["row"],
            "rows": count,
            "activity_id": table["activity_id"],
            "rule": table["rule"],
            "cite": table["cite"],
        }
    )


def _by_finding(finding: Finding, rows: Ints, number: Ints, why: Any) -> tuple[Ints, Any]:
    """Numbers and figures of held rows as the check has them; those of rows that a rule held with
    the same problem stay."""
    of_row = pd.Series(finding.thing, finding.rows)
    thing = of_row[~of_row.index.duplicated(keep="last")].reindex(rows, fill_value=-1).to_numpy()
    figures = np.array([*finding.why, None], object)[thing]
    again, _ = pd.factorize(np.where(thing < 0, number + len(finding.why), thing))
    return again, np.where(thing < 0, why, figures)


def _asked_about(facts: Facts, decisions: Decisions, finding: Finding) -> pd.DataFrame:
    """A note for each thing that a check found, unless a rule said so or left all of it out."""
    problems = np.array([a.problem for a in decisions.book], object)
    answer, outcome = decisions.answer[finding.rows], decisions.outcome[finding.rows]
    bears = (outcome != Outcome.LEFT_OUT) & ~(problems == finding.problem)[answer]
    kept = (np.bincount(finding.thing, bears) > 0)[finding.thing]
    rows = finding.rows[kept]
    number, things = pd.factorize(finding.thing[kept])
    count = np.bincount(number)
    first = np.zeros(len(things), np.int64)
    first[number[::-1]] = np.arange(len(rows))[::-1]
    table = _about(facts, decisions, rows[first]).astype(object)
    values = {name: facts.codes(name)[rows] for name in ("payer", "practice", "patient", "staff")}
    values |= {"plan": decisions.plan[rows], "month": facts.months()[rows], "activity_id": rows}
    values["service_date"] = facts.numbers("service_date")[rows]
    for name, each in values.items():
        differs = np.bincount(number, each != each[first][number]) > 0
        table[name] = table[name].mask(differs, None)
    return _notes_of(
        finding.problem,
        **{name: table[name] for name in values if name not in ("patient", "staff")},
        patient_id=table["patient"],
        staff_id=table["staff"],
        why=np.array(finding.why, object)[things],
        file=table["file"],
        row=table["row"],
        rows=count,
    )


def _lacks_answer(facts: Facts, decisions: Decisions, found: Unanswered) -> pd.DataFrame:
    """A note for each billed case that would earn another code if a blank field had the answer."""
    about = _about(facts, decisions, found.rows)
    named = ("plan", "payer", "practice", "month", "file", "row", "rule", "cite", "file_by")
    return _notes_of(
        found.problem,
        **{name: about[name] for name in named},
        patient_id=about["patient"],
        code=found.code,
        why=found.why,
        amount=found.amount,
        rows=found.size,
    )


def _word(decisions: Decisions, column: str, word: str, minutes: int) -> tuple[str, str]:
    """What is not known, and the line of ccbill.toml that makes it known."""
    to = new_words.near(column, word, decisions.plans)
    what = f"{quoted(word)} is not a {column} that ccbill knows; it stands for {minutes:,} minutes"
    return what, f"add to ccbill.toml under [{column}s]: {toml_line(column, word, to)}"


def _about(facts: Facts, decisions: Decisions, rows: Ints) -> pd.DataFrame:
    """What the exceptions report may say of these activities."""
    columns = (
        "payer",
        "practice",
        "patient",
        "staff",
        "kind",
        "mode",
        "credential",
        "file",
        "row",
        "activity_id",
    )
    table = facts.activities[list(columns)].iloc[rows].reset_index(drop=True)
    table["plan"] = named([*(p.name for p in decisions.plans), None], decisions.plan[rows])
    table["answer"] = decisions.answer[rows]
    for name, texts in (
        ("why", [a.why for a in decisions.book]),
        ("rule", [a.rule.removesuffix(".toml") for a in decisions.book]),
        ("cite", [a.cite for a in decisions.book]),
    ):
        table[name] = named(texts, decisions.answer[rows])
    table["claim"] = pd.Categorical(decisions.on_claim.reindex(rows))
    table["row_number"] = rows
    table["service_date"] = facts.numbers("service_date")[rows]
    table["month"] = month_text(facts.numbers("service_date")[rows])
    limits = np.array([*(p.filing_limit_days or UNKNOWN for p in decisions.plans), UNKNOWN])
    limit = limits[decisions.plan[rows]]
    known = (table["service_date"] != UNKNOWN) & (limit != UNKNOWN)
    table["file_by"] = np.where(known, table["service_date"] + limit, UNKNOWN)
    return table


def _noted(notes: list[Note], facts: Facts) -> pd.DataFrame:
    """The notes about rows and names; those about whole files are on the Notes sheet alone."""
    named = [n for n in notes if PROBLEMS[n.problem].per != "file"]
    place = [n.where.split(":") for n in named]
    table = pd.DataFrame(
        {
            "severity": "note",
            "problem": [n.problem for n in named],
            "what": [f"{_setting(n.where)}{n.what}" for n in named],
            "fix": [n.fix or PROBLEMS[n.problem].fix for n in named],
            "file": [p[0] for p in place],
            "row": [int(p[1]) if len(p) > 1 and p[1].isdigit() else UNKNOWN for p in place],
            "rows": [n.rows for n in named],
        }
    )
    if not named:
        return table
    rows = facts.activities[["file", "row", "activity_id", "patient"]]
    rows = rows[rows["row"].isin(table["row"])].rename(columns={"patient": "patient_id"})
    rows = rows.astype({"file": object}).drop_duplicates(["file", "row"])
    table = table.merge(rows, on=["file", "row"], how="left")
    for name in ("activity_id", "patient_id"):  # of the first of several rows, it would mislead
        table[name] = table[name].astype(object).where(table["rows"] == 1, None)
    return table


def _setting(where: str) -> str:
    """The key of ccbill.toml that a note is about, with a space, or nothing."""
    _, _, key = where.partition(":")
    return f"{key} " if key.startswith("[") else ""


def _charges_missing(lines: pd.DataFrame) -> pd.DataFrame:
    unpriced = lines[lines["charge"] == UNKNOWN]
    found = unpriced.groupby(["plan", "code"], observed=True, sort=True).size().reset_index()
    return _notes_of("charge-missing", plan=found["plan"], code=found["code"], rows=found[0])


def _not_checked(decisions: Decisions) -> pd.DataFrame:
    found = list(dict.fromkeys((plan.name, name) for plan, name in decisions.not_checked))
    table = _notes_of(
        "not-checked",
        plan=[plan for plan, _ in found],
        why=[f"no input has the column {name}" for _, name in found],
        rows=[1] * len(found),
    )
    staff = np.array([name in STAFF_ONLY for _, name in found], bool)
    return table.assign(fix=table["fix"].mask(staff, "Give the column in the --staff file."))


def _timely_filing(decisions: Decisions, lines: pd.DataFrame, today: int) -> pd.DataFrame:
    """Claims whose plan's filing limit has passed, or will within two weeks."""
    limits = {plan.name: plan.filing_limit_days for plan in decisions.plans}
    limit = pd.to_numeric(lines["plan"].astype(object).map(limits)).fillna(FAR).astype(np.int64)
    due = lines.assign(file_by=lines["service_to"].astype(np.int64) + limit)
    due = due[due["file_by"] < today + SOON]
    how: dict[str, Any] = dict.fromkeys(
        ("plan", "payer", "billing_npi", "patient_id", "month"), "first"
    )
    found = due.groupby("claim_id", observed=True, sort=False).agg(
        how | {"file_by": "min", "charge": _known_sum, "rows": "first"}
    )
    found = found.reset_index().rename(columns={"billing_npi": "practice", "charge": "amount"})
    passed = found["file_by"] < today
    why = np.where(passed, "the filing limit has passed", "the filing limit is near")
    return _notes_of("timely-filing", **found, why=why)


def _known_sum(cents: Any) -> int:
    """The sum of what is known, UNKNOWN where nothing is."""
    known = cents[cents != UNKNOWN]
    return int(known.sum()) if len(known) else UNKNOWN


def _notes_of(problem: str, **columns: Any) -> pd.DataFrame:
    says = PROBLEMS[problem]
    table = pd.DataFrame(columns)
    return table.assign(severity="note", problem=problem, what=says.says, fix=says.fix)
