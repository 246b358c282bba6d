"""Activities → what an auditor would ask about them, told or held before the rules see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ccbill.config import CHECKS, Settings
from ccbill.plausible import checks
from ccbill.plausible.checks import Entries, Found
from ccbill.plausible.gathered import at_once, gathered
from ccbill.slices import codes, shares, slices
from ccbill.tables import Finding, Intake, Note, categorical

NOTED = "npi-invalid"  # by intake, which knows the cells
COLUMN_OF = {"staff": "staff_id", "start": "start_time", "seconds": "minutes"}


def checked(read: Intake, settings: Settings, today: int) -> Intake:
    """The same log, in which rows that a check set to `hold` found have its problem, and what was
    found.

    Only rows without a problem of their own are looked at. A note on the run names the columns
    that checks wanted and no input has. `today` is days since 1970-01-01.
    """
    on = [name for name in CHECKS if _severity(settings, name) != "off"]
    findings = _findings(read, settings, today, "hold")
    return replace(
        read,
        activities=_held(read.activities, findings),
        notes=[
            *(n for n in read.notes if n.problem != NOTED or _severity(settings, NOTED) == "note"),
            *_not_checked(read, on),
        ],
        findings=[*read.findings, *findings],
    )


def asked(read: Intake, settings: Settings, today: int) -> list[Finding]:
    """What the checks that hold nothing find in a checked log."""
    return _findings(read, settings, today, "note")


def _severity(settings: Settings, check: str) -> str:
    return settings.checks.get(check, "note")


def _findings(read: Intake, settings: Settings, today: int, severity: str) -> list[Finding]:
    """What the checks of this severity find; invalid NPIs that hold nothing intake has noted."""
    made = [
        name
        for name in CHECKS
        if _severity(settings, name) == severity and not _lacking(read, name)
    ]
    found = _found(read, [n for n in made if severity == "hold" or n != NOTED], settings, today)
    return [
        Finding(name, found[name].at, found[name].thing, found[name].why)
        for name in made
        if name in found and len(found[name].at)
    ]


def _found(read: Intake, names: Sequence[str], settings: Settings, today: int) -> dict[str, Found]:
    """What each of these checks finds, at positions in the log."""
    if not names:
        return {}
    problem = read.activities["problem"]
    fine = np.append(problem.cat.categories.isin(CHECKS), True)[codes(problem)]
    found: dict[str, Found] = {}
    for whose in dict.fromkeys(checks.CHECKS[name].whose for name in names):
        mine = {name: checks.CHECKS[name] for name in names if checks.CHECKS[name].whose == whose}
        parts = shares(codes(read.activities[whose]), fine) if whose else [np.flatnonzero(fine)]
        entries = (Entries(read, rows, settings, today) for rows in parts)
        found |= gathered(mine, entries, len(fine)) if whose else at_once(mine, *entries)
    return found


def _lacking(read: Intake, check: str) -> list[str]:
    """The columns without which the check cannot be made."""
    given = read.given | ({"note"} if read.note is not None else set())
    wanted = checks.CHECKS[check].needs
    return [names for names in wanted if not given & set(names.split())]


def _held(activities: pd.DataFrame, findings: list[Finding]) -> pd.DataFrame:
    """The activities with the first problem found of each row."""
    if not findings:
        return activities
    names = list(activities["problem"].cat.categories)
    names += [each.problem for each in findings if each.problem not in names]
    number = codes(activities["problem"]).astype(np.int16)
    for each in findings:
        for part in slices(len(each.rows)):
            rows = each.rows[part]
            number[rows[number[rows] < 0]] = names.index(each.problem)
    return activities.assign(problem=categorical(number, names))


def _not_checked(read: Intake, on: list[str]) -> Iterator[Note]:
    """A note for each column that is lacking, with the checks that wait for it."""
    lacking = {name: _lacking(read, name) for name in on}
    for names in dict.fromkeys(each for wanted in lacking.values() for each in wanted):
        waiting = [name for name, wanted in lacking.items() if names in wanted]
        column = " or ".join(COLUMN_OF.get(name, name) for name in names.split())
        what = f"no input has the column {column}, so these were not checked: {', '.join(waiting)}"
        yield Note("plausibility-not-checked", "", what)
