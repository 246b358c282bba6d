"""Activities → what an auditor would ask about them, told or held before the rules see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ccbill.config import CHECKS, Settings
from ccbill.plausible import checks
from ccbill.plausible.checks import Entries
from ccbill.tables import Finding, Intake, Note

NOTED = "npi-invalid"  # by intake, which knows the cells
COLUMN_OF = {"staff": "staff_id", "start": "start_time", "seconds": "minutes"}


def checked(read: Intake, settings: Settings, today: int) -> Intake:
    """The same log with its findings; rows that a check set to `hold` found have its problem.

    Only rows without a problem of their own are looked at. A note on the run names the columns
    that checks wanted and no input has. `today` is days since 1970-01-01.
    """
    on = [name for name in CHECKS if settings.checks.get(name) != "off"]
    rows = np.flatnonzero(read.activities["problem"].cat.codes.to_numpy() < 0)
    entries = Entries(read, rows, settings, today)
    findings = [
        Finding(name, holds, rows[found.at], found.thing, found.why)
        for name in on
        for holds in [settings.checks.get(name) == "hold"]
        if not _lacking(read, name) and (holds or name != NOTED)
        for found in [checks.CHECKS[name][0](entries)]
        if len(found.at)
    ]
    asked = settings.checks.get(NOTED, "note") == "note"
    return replace(
        read,
        activities=_held(read.activities, [each for each in findings if each.holds]),
        notes=[
            *(note for note in read.notes if asked or note.problem != NOTED),
            *_not_checked(read, on),
        ],
        findings=[*read.findings, *findings],
    )


def _lacking(read: Intake, check: str) -> list[str]:
    """The columns without which the check cannot be made."""
    given = read.given | ({"note"} if read.note is not None else set())
    wanted = checks.CHECKS[check][1]
    return [names for names in wanted if not given & set(names.split())]


def _held(activities: pd.DataFrame, findings: list[Finding]) -> pd.DataFrame:
    """The activities with the first problem found of each row."""
    if not findings:
        return activities
    column = activities["problem"].cat
    names = list(column.categories)
    names += [each.problem for each in findings if each.problem not in names]
    codes = column.codes.to_numpy().astype(np.int16)
    for each in findings:
        codes[each.rows[codes[each.rows] < 0]] = names.index(each.problem)
    problem: Any = pd.Categorical.from_codes(codes, categories=pd.Index(names, dtype=str))
    return activities.assign(problem=problem)


def _not_checked(read: Intake, on: list[str]) -> Iterator[Note]:
    """A note for each column that is lacking, with the checks that wait for it."""
    lacking = {name: _lacking(read, name) for name in on}
    for names in dict.fromkeys(each for wanted in lacking.values() for each in wanted):
        waiting = [name for name, wanted in lacking.items() if names in wanted]
        column = " or ".join(COLUMN_OF.get(name, name) for name in names.split())
        what = f"no input has the column {column}, so these were not checked: {', '.join(waiting)}"
        yield Note("plausibility-not-checked", "", what)
