"""What a run would read of its inputs, hold and leave out, without billing anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ccbill import inputs, new_words, plausible
from ccbill.config import Settings
from ccbill.inputs import Asked
from ccbill.intake.text import Text
from ccbill.problems import PROBLEMS
from ccbill.rules.facts import Facts
from ccbill.rules.model import Plan
from ccbill.rules.parse import EPOCH
from ccbill.rules.payers import fold, numbers_of_names, plan_of_rows
from ccbill.tables import UNKNOWN, Intake, Ints, Mask

PLACES = 5  # of a problem, before "and N more"
NOT_CHECKED = "plausibility-not-checked"

# The column that a problem is about, by the first word of the problem's name.
ABOUT = {
    "patient": "patient_id",
    "date": "service_date",
    "practice": "billing_npi",
    **{name: name for name in ("minutes", "kind", "payer", "mode", "credential")},
}


def check(asked: Asked) -> dict[str, Any]:
    """Files, columns, rows, problems, new words, payers, notes and what was not checked, as JSON
    has them.

    Nothing is written. CcbillError where a run would be refused before it bills.
    """
    settings = inputs.settings_of(asked)
    plans = inputs.plans_of(asked, settings)
    read, _ = inputs.read(asked, settings, plans)
    facts = Facts(read.activities, read.patients, read.given)
    plan_of_row, _ = plan_of_rows(facts, plans, settings.payers)
    problem = _problems(read.activities, plan_of_row)
    left_out = read.activities["left_out"].to_numpy(bool)
    held = (problem != "") & ~left_out
    words = [_heard(read, column, settings, plans) for column in new_words.COLUMNS]
    return {
        "files": read.inputs,
        "columns": read.mapping,
        "rows": {
            "read": len(problem),
            "for_the_rules": int((problem == "").sum()),
            "left_out": int(left_out.sum()),
            "held": int(held.sum()),
        },
        "problems": [*_told(read, problem, left_out), *_noted(read, settings, asked.today)],
        "words": [line for each in words for line in each],
        "payers": _payers(facts, plan_of_row, plans, settings),
        "notes": [
            {"where": n.where, "what": n.what, "fix": n.fix, "rows": n.rows}
            for n in read.notes
            if not n.problem.endswith("-not-known") and n.problem != NOT_CHECKED
        ],
        "not_checked": [n.what for n in read.notes if n.problem == NOT_CHECKED],
    }


def _problems(activities: pd.DataFrame, plan_of_row: Ints) -> Any:
    """Each row's problem, empty where it goes on to the rules of a plan."""
    found = activities["problem"].astype(object).fillna("").to_numpy(str).astype(object)
    found[(found == "") & (plan_of_row < 0)] = "payer-not-known"
    return found


def _told(read: Intake, problem: Any, left_out: Mask) -> list[dict[str, Any]]:
    """Each problem with how many rows it has and where the first are, those of most rows first."""
    names = np.unique(problem[problem != ""].astype(str))
    found = [
        _problem(read, str(name), outcome, np.flatnonzero(rows))
        for name in names
        for outcome, of_outcome in (("held", ~left_out), ("left out", left_out))
        if (rows := (problem == name) & of_outcome).any()
    ]
    return sorted(found, key=lambda each: -each["rows"])


def _noted(read: Intake, settings: Settings, today: date) -> list[dict[str, Any]]:
    """What an auditor would ask about, and no setting holds."""
    found = plausible.asked(read, settings, today.toordinal() - EPOCH)
    return [_problem(read, each.problem, "noted", each.rows) for each in found]


def _problem(read: Intake, name: str, outcome: str, rows: Ints) -> dict[str, Any]:
    return {
        "problem": name,
        "outcome": outcome,
        "rows": len(rows),
        "what": PROBLEMS[name].says,
        "fix": PROBLEMS[name].fix,
        "places": _places(read, rows[:PLACES], ABOUT.get(name.partition("-")[0])),
    }


def _places(read: Intake, rows: Any, column: str | None) -> list[str]:
    """`FILE:ROW:COLUMN` of some rows."""
    by_file = {
        each["file"]: f":{each['letter']} ({each['heading']})"
        for each in reversed(read.mapping)
        if each["column"] == column
    }
    at = read.activities.iloc[rows]
    return [
        f"{file}:{row}{by_file.get(file, '')}"
        for file, row in zip(at["file"], at["row"], strict=True)
    ]


def _heard(
    read: Intake, column: str, settings: Settings, plans: Sequence[Plan]
) -> list[dict[str, Any]]:
    """The column's new words, as far as they may be shown."""
    cells = read.activities[column].cat
    text = Text(
        cells.codes.to_numpy().astype(np.int32), pa.array(list(cells.categories), pa.string())
    )
    seconds = read.activities["seconds"].to_numpy(np.int64)
    found = new_words.heard(column, text, settings, plans, np.where(seconds == UNKNOWN, 0, seconds))
    return [
        {
            "column": column,
            "word": each.word if found.known else None,
            "rows": each.rows,
            "minutes": each.seconds // 60,
            "first": _places(read, [each.first], column)[0],
            "line": new_words.toml_line(column, each.word, each.near) if found.known else None,
        }
        for each in found.new
    ]


def _payers(
    facts: Facts, plan_of_row: Any, plans: Sequence[Plan], settings: Settings
) -> list[dict[str, Any]]:
    """For each plan the rows that are its, and the payers' names that led to it."""
    numbers = numbers_of_names(plans, settings.payers)
    names = facts.categories("payer")
    return [
        {
            "plan": plan.name,
            "rows": int((plan_of_row == at).sum()),
            "payers": [name for name in names if numbers.get(fold(name)) == at],
        }
        for at, plan in enumerate(plans)
        if (plan_of_row == at).any()
    ]
