"""Held rows and notes → one row for each thing to fix, and the other answers about what is left.

What one row of the report stands for is said by its problem: a row of the export, a staff member,
a patient, a patient's month, a word that ccbill does not know.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ccbill import vocabulary
from ccbill.errors import nearest
from ccbill.fees import Fees
from ccbill.problems import PROBLEMS
from ccbill.report.tables import BALANCE, EXCEPTIONS, NEAR_MISSES
from ccbill.rules.decisions import Decisions, Short
from ccbill.rules.facts import Facts
from ccbill.rules.model import Bill, Plan
from ccbill.rules.payers import ALIKE
from ccbill.tables import UNKNOWN, Ints, Note, Outcome, month_text, named

FAR, SOON = 10**6, 14  # days
PLANS = 1024  # more than there can be: a plan's number and a month pack into one
# The columns that tell one thing to fix from another, besides the problem.
PER: dict[str, tuple[str, ...]] = {
    "row": ("row_number",),
    "staff": ("plan", "staff"),
    "patient": ("plan", "patient"),
    "case": ("plan", "answer", "patient", "practice", "month"),
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
    "why",
    "rule",
    "cite",
)


def exceptions(
    facts: Facts,
    decisions: Decisions,
    fees: Fees,
    notes: list[Note],
    lines: pd.DataFrame,
    today: int,
) -> pd.DataFrame:
    """The exceptions report (EXCEPTIONS): holds by money at stake, then notes."""
    worth = stakes(facts, decisions, fees)
    held = np.flatnonzero(decisions.outcome == Outcome.HELD)
    problems = np.array([a.problem for a in decisions.book], object)[decisions.answer[held]]
    names, which = np.unique(problems.astype(str), return_inverse=True)
    parts = [
        _things_to_fix(facts, decisions, worth, str(name), held[which == n])
        for n, name in enumerate(names)
    ]
    parts.append(_noted([n for n in notes if n.problem not in WORDS or n.problem not in names]))
    parts.append(_charges_missing(lines))
    parts.append(_not_checked(decisions))
    parts.append(_timely_filing(decisions, lines, today))
    table = pd.concat([p for p in parts if len(p)] or [_empty()], ignore_index=True)
    table = table.reindex(columns=list(EXCEPTIONS))
    for name in ("amount", "service_date", "file_by", "row"):
        table[name] = pd.to_numeric(table[name]).fillna(UNKNOWN).astype(np.int64)
    keys = table[["problem", "plan", "file", "row"]].assign(
        hold=table["severity"] != "hold", money=-table["amount"]
    )
    order = keys.sort_values(["hold", "money", "problem", "plan", "file", "row"], kind="stable")
    return table.iloc[order.index].reset_index(drop=True)


def _empty() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in EXCEPTIONS})


@dataclass(frozen=True, slots=True)
class Worth:
    """What each held activity would bring: cents, UNKNOWN where there is no price or nothing to
    gain, and the code, None where it would earn none."""

    amount: Ints
    code: Any


def stakes(facts: Facts, decisions: Decisions, fees: Fees) -> Worth:
    """What the held activities would bring."""
    amount = np.full(len(facts.activities), UNKNOWN, np.int64)
    code = np.full(len(facts.activities), None, object)
    for stake in reversed(decisions.stakes):  # of a base and its add-ons, the base names the code
        code[stake.rows] = stake.bill.code
    for stake in decisions.stakes:
        cents = unit_price(facts, fees, stake.rows, stake.plan, stake.bill)
        known = cents != UNKNOWN
        rows = stake.rows[known]
        gain = cents[known] * stake.units[known]
        amount[rows] = np.where(amount[rows] == UNKNOWN, gain, amount[rows] + gain)
    return Worth(amount, code)


def unit_price(facts: Facts, fees: Fees, rows: Ints, plan: Plan, bill: Bill) -> Ints:
    """What one unit is expected to pay, else its charge, in cents at each activity's date."""
    charge, expected = fees.of(
        np.full(len(rows), plan.name, object),
        facts.activities["payer"].iloc[rows],
        np.full(len(rows), bill.code, object),
        np.full(len(rows), " ".join(sorted(bill.modifiers)), object),
        facts.numbers("service_date")[rows],
    )
    published = next((p for p in (bill.pays, bill.pays_line) if p is not None), UNKNOWN)
    expected = np.where(expected == UNKNOWN, published, expected)
    return np.where(expected == UNKNOWN, charge, expected)


def _things_to_fix(
    facts: Facts, decisions: Decisions, worth: Worth, problem: str, rows: Ints
) -> pd.DataFrame:
    """One row for each thing that the problem's rows have in common."""
    says = PROBLEMS[problem]
    per = (WORDS[problem],) if problem in WORDS else PER[says.per]
    about = _about(facts, decisions, rows).assign(code=worth.code[rows])
    number, _ = pd.factorize(pd.MultiIndex.from_frame(about[list(per)].fillna("")), sort=False)
    first = np.flatnonzero(~pd.Series(number).duplicated().to_numpy())
    count = np.bincount(number)
    table = about.iloc[first].reset_index(drop=True)
    for name in SHARED:
        codes, _ = pd.factorize(about[name])
        agrees = np.bincount(number, codes == codes[first][number]) == count
        table[name] = table[name].astype(object).where(agrees, None)
    cents = worth.amount[rows]
    total = np.bincount(number, np.where(cents == UNKNOWN, 0, cents)).astype(np.int64)
    priced = np.bincount(number, cents != UNKNOWN) > 0
    what, fix = [says.says] * len(table), [says.fix] * len(table)
    if problem in WORDS:
        minutes = np.bincount(number, np.maximum(facts.minutes()[rows], 0)).astype(np.int64)
        for n, word in enumerate(table[WORDS[problem]]):
            what[n], fix[n] = _word(decisions, WORDS[problem], word, int(minutes[n]))
    return pd.DataFrame(
        {
            "severity": "hold",
            "problem": problem,
            "plan": table["plan"],
            "payer": table["payer"],
            "practice": table["practice"],
            "patient_id": table["patient"],
            "staff_id": table["staff"],
            "month": table["month"],
            "service_date": table["service_date"],
            "code": table["code"],
            "file_by": about["file_by"].groupby(number).min().to_numpy(),
            "what": what,
            "why": table["why"].where(table["why"] != says.says, None),
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


def _word(decisions: Decisions, column: str, word: str, minutes: int) -> tuple[str, str]:
    """What is not known, and the line of ccbill.toml that makes it known."""
    known = {
        "payer": [name for plan in decisions.plans for name in plan.payers],
        "kind": list(vocabulary.kinds()),
        "mode": list(vocabulary.modes()),
        "credential": list(vocabulary.credentials()),
    }
    quoted = json.dumps(word, ensure_ascii=False)
    likeness = ALIKE if column == "payer" else 0.6
    to = nearest(word, known[column], likeness) or column.upper()
    what = f"{quoted} is not a {column} that ccbill knows; it stands for {minutes:,} minutes"
    return what, f'add to ccbill.toml under [{column}s]: {quoted} = "{to}"'


def _about(facts: Facts, decisions: Decisions, rows: Ints) -> pd.DataFrame:
    """What the exceptions report may say of these activities."""
    plans = np.array([*(p.name for p in decisions.plans), None], object)
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
    table = facts.activities[list(columns)].iloc[rows].reset_index(drop=True).astype(object)
    table["plan"] = plans[decisions.plan[rows]]
    table["answer"] = decisions.answer[rows]
    for name, texts in (
        ("why", [a.why for a in decisions.book]),
        ("rule", [a.rule.removesuffix(".toml") for a in decisions.book]),
        ("cite", [a.cite for a in decisions.book]),
    ):
        table[name] = np.array(texts, object)[decisions.answer[rows]]
    table["row_number"] = rows
    table["service_date"] = facts.numbers("service_date")[rows]
    table["month"] = month_text(facts.numbers("service_date")[rows])
    limits = np.array([*(p.filing_limit_days or UNKNOWN for p in decisions.plans), UNKNOWN])
    limit = limits[decisions.plan[rows]]
    known = (table["service_date"] != UNKNOWN) & (limit != UNKNOWN)
    table["file_by"] = np.where(known, table["service_date"] + limit, UNKNOWN)
    return table


def _noted(notes: list[Note]) -> pd.DataFrame:
    """The notes about rows and names; those about whole files are on the Notes sheet alone."""
    named = [n for n in notes if PROBLEMS[n.problem].per != "file"]
    place = [n.where.split(":") for n in named]
    return pd.DataFrame(
        {
            "severity": "note",
            "problem": [n.problem for n in named],
            "what": [n.what for n in named],
            "fix": [n.fix or PROBLEMS[n.problem].fix for n in named],
            "file": [p[0] for p in place],
            "row": [int(p[1]) if len(p) > 1 and p[1].isdigit() else UNKNOWN for p in place],
            "rows": [n.rows for n in named],
        }
    )


def _charges_missing(lines: pd.DataFrame) -> pd.DataFrame:
    unpriced = lines[lines["charge"] == UNKNOWN]
    found = unpriced.groupby(["plan", "code"], observed=True, sort=True).size().reset_index()
    return _notes_of("charge-missing", plan=found["plan"], code=found["code"], rows=found[0])


def _not_checked(decisions: Decisions) -> pd.DataFrame:
    found = list(dict.fromkeys((plan.name, name) for plan, name in decisions.not_checked))
    return _notes_of(
        "not-checked",
        plan=[plan for plan, _ in found],
        why=[f"no input has the column {name}" for _, name in found],
        rows=[1] * len(found),
    )


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
        how | {"file_by": "min", "charge": lambda cents: cents[cents != UNKNOWN].sum()}
    )
    found = found.reset_index().rename(columns={"billing_npi": "practice", "charge": "amount"})
    passed = found["file_by"] < today
    why = np.where(passed, "the filing limit has passed", "the filing limit is near")
    return _notes_of("timely-filing", **found, why=why, rows=0)


def _notes_of(problem: str, **columns: Any) -> pd.DataFrame:
    says = PROBLEMS[problem]
    table = pd.DataFrame(columns)
    return table.assign(severity="note", problem=problem, what=says.says, fix=says.fix)


def near_misses(facts: Facts, decisions: Decisions, fees: Fees) -> pd.DataFrame:
    """Months with counted time and no unit yet, or near the next one: columns of NEAR_MISSES."""
    parts = [_near(facts, short, fees) for short in decisions.short if len(short.standing)]
    empty = pd.DataFrame({name: pd.Series(dtype=object) for name in NEAR_MISSES})
    table = pd.concat(parts or [empty], ignore_index=True)[list(NEAR_MISSES)]
    keys = ["plan", "patient_id", "practice", "month", "code"]
    return table.sort_values(keys, na_position="first", ignore_index=True)


def _near(facts: Facts, short: Short, fees: Fees) -> pd.DataFrame:
    bills = short.service.bills
    amount = np.full(len(short.bill), UNKNOWN, np.int64)
    for number in np.unique(short.bill):
        mine = short.bill == number
        amount[mine] = unit_price(facts, fees, short.standing[mine], short.plan, bills[number])
    about = facts.activities.iloc[short.standing]
    return pd.DataFrame(
        {
            "plan": short.plan.name,
            "patient_id": about["patient"].to_numpy(object),
            "practice": about["practice"].to_numpy(object),
            "month": month_text(facts.numbers("service_date")[short.standing]),
            "code": np.array([b.code for b in bills], object)[short.bill],
            "have_minutes": short.have,
            "need_minutes": short.need,
            "short_minutes": short.need - short.have,
            "amount": amount,
        }
    )


def balance(facts: Facts, decisions: Decisions) -> pd.DataFrame:
    """Rows and seconds by plan, month and outcome, with the columns of BALANCE.

    Asserts that no row and no second is lost or counted twice.
    """
    rows = np.arange(len(facts.activities))
    seconds = facts.numbers("seconds").astype(np.int64)
    seconds = np.where(seconds == UNKNOWN, 0, seconds)
    dated = facts.numbers("service_date") != UNKNOWN
    month = np.where(dated, facts.months(), UNKNOWN)
    number, cells = pd.factorize(month.astype(np.int64) * PLANS + decisions.plan + 1)
    table = pd.DataFrame(index=range(len(cells)))
    for what, weight in (("rows", np.ones(len(rows), np.int64)), ("seconds", seconds)):
        table[f"{what}_read"] = _sums(number, weight, len(cells))
        for outcome in Outcome:
            name = f"{what}_{outcome.word.replace('-', '_')}"
            table[name] = _sums(number, weight * (decisions.outcome == outcome), len(cells))
        parts = table[[f"{what}_counted", f"{what}_left_out", f"{what}_held"]].sum(axis=1)
        assert (parts == table[f"{what}_read"]).all(), f"{what} do not balance"
        assert table[f"{what}_read"].sum() == weight.sum(), f"{what} were lost"
    plan, month = cells % PLANS - 1, cells // PLANS
    table["plan"] = named([*(p.name for p in decisions.plans), None], plan)
    first_days = np.where(month == UNKNOWN, 0, month).astype("M8[M]").astype("M8[D]")
    table["month"] = month_text(np.where(month == UNKNOWN, UNKNOWN, first_days.astype(np.int64)))
    order = table[["plan", "month"]].astype(object).fillna("").sort_values(["plan", "month"]).index
    return table.loc[order, list(BALANCE)].reset_index(drop=True)


def _sums(number: Any, weight: Ints, size: int) -> Ints:
    """Whole sums of weights by number; exact, since every partial sum is below 2**53."""
    return np.bincount(number, weight, size).astype(np.int64)
