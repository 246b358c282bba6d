"""The exceptions that hold nothing: what somebody should look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ccbill import plausible
from ccbill.about import blanked, described, placed
from ccbill.config import Settings
from ccbill.intake.columns import STAFF_ONLY
from ccbill.problems import PROBLEMS
from ccbill.rules.decisions import Decisions
from ccbill.rules.facts import Facts
from ccbill.rules.model import Plan
from ccbill.rules.payers import plan_of_rows
from ccbill.rules.screen import unchecked
from ccbill.slices import slices
from ccbill.tables import (
    UNKNOWN,
    Finding,
    Intake,
    Ints,
    Mask,
    Note,
    Outcome,
    always,
    together,
)
from ccbill.worth import Unanswered

FAR, SOON = 10**6, 14  # days


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a check that holds nothing found; of each thing the number of its rows, the place of the
    first among the finding's, and in which columns they differ."""

    finding: Finding
    count: Ints
    first: Ints
    differs: Mapping[str, Mask]


def doubts(read: Intake, plans: Sequence[Plan], settings: Settings, today: int) -> list[Doubt]:
    """What an auditor would ask of a checked log, whatever the rules say of its rows."""
    facts = Facts(read.activities, read.patients, read.given)
    plan_of_row, _ = plan_of_rows(facts, plans, settings.payers)
    found = plausible.asked(read, settings, today)
    return [_in_common(facts, plan_of_row, each) for each in found]


def _in_common(facts: Facts, plan_of_row: Ints, finding: Finding) -> Doubt:
    count, first = (np.zeros(len(finding.why), np.int64) for _ in range(2))
    parts = [*slices(len(finding.rows))]
    for part in reversed(parts):
        thing = finding.thing[part]
        count += np.bincount(thing, minlength=len(count))
        first[thing[::-1]] = np.arange(part.start, part.stop)[::-1]
    values = {name: facts.codes(name) for name in ("payer", "practice", "patient", "staff")}
    values |= {"plan": plan_of_row, "service_date": facts.numbers("service_date")}
    of_rows = {name: each.__getitem__ for name, each in values.items()} | {"month": facts.months}
    differs = {name: np.zeros(len(count), bool) for name in of_rows}
    of_first = {name: each(finding.rows[first]) for name, each in of_rows.items()}
    for part in parts:
        rows, thing = finding.rows[part], finding.thing[part]
        for name, each in of_rows.items():
            differs[name][thing[each(rows) != of_first[name][thing]]] = True
    return Doubt(finding, count, first, {"activity_id": count > 1} | differs)


def asked_about(facts: Facts, decisions: Decisions, found: Doubt) -> pd.DataFrame:
    """A note for each thing that a check found, unless a rule said so or left all of it out."""
    finding = found.finding
    bears = np.array(
        [a.outcome != Outcome.LEFT_OUT and a.problem != finding.problem for a in decisions.book]
    )
    wanted = np.zeros(len(finding.why), bool)
    for part in slices(len(finding.rows)):
        wanted[finding.thing[part][bears[decisions.answer[finding.rows[part]]]]] = True
    things = np.flatnonzero(wanted)
    things = things[np.argsort(found.first[things])]
    table = placed(facts, decisions, finding.rows[found.first[things]])
    said = {name: blanked(table[name].array, mask[things]) for name, mask in found.differs.items()}
    return _notes_of(
        finding.problem,
        **{name: said[name] for name in said if name not in ("patient", "staff")},
        patient_id=said["patient"],
        staff_id=said["staff"],
        why=[finding.why[thing] for thing in things],
        file=table["file"],
        row=table["row"],
        rows=found.count[things],
    )


def lacks_answer(facts: Facts, decisions: Decisions, found: Unanswered) -> pd.DataFrame:
    """A note for each billed case that would earn another code if a blank field had the answer."""
    about = described(facts, decisions, found.rows)
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


def noted(notes: list[Note], facts: Facts) -> pd.DataFrame:
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
    if (table["row"] == UNKNOWN).all():
        return table
    wanted = np.isin(facts.numbers("row"), table["row"])
    rows = facts.activities.loc[wanted, ["file", "row", "activity_id", "patient"]]
    rows = rows.rename(columns={"patient": "patient_id"})
    rows = rows.astype({"file": object}).drop_duplicates(["file", "row"])
    table = table.merge(rows, on=["file", "row"], how="left")
    for name in ("activity_id", "patient_id"):  # of the first of several rows, it would mislead
        table[name] = table[name].astype(object).where(table["rows"] == 1, None)
    return table


def _setting(where: str) -> str:
    """The key of ccbill.toml that a note is about, with a space, or nothing."""
    _, _, key = where.partition(":")
    return f"{key} " if key.startswith("[") else ""


def charges_missing(lines: pd.DataFrame) -> pd.DataFrame:
    unpriced = lines[lines["charge"] == UNKNOWN]
    found = unpriced.groupby(["plan", "code"], observed=True, sort=True).size().reset_index()
    return _notes_of("charge-missing", plan=found["plan"], code=found["code"], rows=found[0])


def not_checked(facts: Facts, decisions: Decisions) -> pd.DataFrame:
    """A note for each column that a service at work asks for and no input has."""
    at_work = [decisions.services[n] for n in np.unique(decisions.service) if n >= 0]
    lacking = [(p.name, name) for p, s in at_work for name in unchecked(p, s, facts.given)]
    found = list(dict.fromkeys(lacking))
    usual, of_staff = PROBLEMS["not-checked"].fix, "Give the column in the --staff file."
    return _notes_of(
        "not-checked",
        plan=[plan for plan, _ in found],
        why=[f"no input has the column {name}" for _, name in found],
        rows=[1] * len(found),
        fix=[of_staff if name in STAFF_ONLY else usual for _, name in found],
    )


def timely_filing(decisions: Decisions, lines: pd.DataFrame, today: int) -> pd.DataFrame:
    """Claims whose plan's filing limit has passed, or will within two weeks."""
    limits = {plan.name: plan.filing_limit_days or FAR for plan in decisions.plans}
    plan = pd.Categorical(lines["plan"])
    limit = np.array([*(limits[name] for name in plan.categories), FAR], np.int32)[plan.codes]
    late = lines["service_to"].to_numpy() < today + SOON - limit
    due, limit = lines[late], limit[late]
    number, first = together(due["claim_id"])
    file_by = np.full(len(first), -(UNKNOWN + 1), np.int64)
    np.minimum.at(file_by, number, due["service_to"].to_numpy(np.int64) + limit)
    charge = due["charge"].to_numpy(np.int64)
    total = np.bincount(number, np.where(charge == UNKNOWN, 0, charge)).astype(np.int64)
    priced = np.bincount(number, charge != UNKNOWN) > 0
    passed = file_by < today
    columns = ("claim_id", "plan", "payer", "patient_id", "month", "rows")
    return _notes_of(
        "timely-filing",
        **{name: due[name].array.take(first) for name in columns},
        practice=due["billing_npi"].array.take(first),
        file_by=file_by,
        amount=np.where(priced, total, UNKNOWN),
        why=np.where(passed, "the filing limit has passed", "the filing limit is near"),
    )


def _notes_of(problem: str, **columns: Any) -> pd.DataFrame:
    says = PROBLEMS[problem]
    rows = len(columns["rows"])
    told = {"severity": "note", "problem": problem, "what": says.says, "fix": says.fix}
    same = {name: always(text, rows) for name, text in told.items()}
    return pd.DataFrame(same | columns, copy=False)
