"""Every kind of work by every credential, in every mode and on both sides of every threshold.

One patient an activity or a pair of them, in each edition of each plan's rules. A list that names a
word too few or too many, or a number that is one off, bills or leaves out otherwise than the
independent reading.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
import reference
from reference.common import ADMINISTRATIVE, CARE_KINDS, CREDENTIALS, MODES
from reference.generate import Export
from test_reference import check_agreement

from ccbill.rules.load import shipped
from ccbill.rules.model import Plan
from ccbill.rules.parse import EPOCH

Row = dict[str, str]
TODAY = date(2026, 11, 2)
WORDS = [*(word for words in CREDENTIALS.values() for word in words), ""]
BY_ALL_MODES = [(who, mode) for who in ("RN", "CHW") for mode in (*sorted(MODES), "")]
# Totals of minutes at which some payer's code begins or grows, and those just before.
STEPS = (5, 10, 11, 16, 20, 21, 30, 31, 40, 45, 46, 60, 75, 76, 90, 105, 106, 120, 135, 136, 150)
MINUTES = sorted({step + n for step in (*STEPS, 360, 390) for n in (-1, 0)})
OTHER_SERVICES = ("90951", "90970", "90971", "G0556", "G0558", "99424", "99427", "99428")
SIZES = [str(size) for size in range(1, 10)]
# What keeps every other question of the rules from being the one that decides.
USUAL = {
    "minutes": "35",
    "billing_npi": "1999999984",
    "participants": "3",
    "group_size": "4",
    "authorization_number": "A1",
    "diagnosis_codes": "I10;E11.9",
    "mdm": "high",
    "other_services": "",
    "credential": "RN",
}
PARTICULARS: dict[str, list[Row]] = {
    "care-plan-oversight": [
        {"credential": "MD", "setting": setting} for setting in ("", "hospice", "home-health")
    ],
    "ecm-engagement": [{"outcome": "enrolled"}],
    "program-discussion": [{"outcome": "declined"}],
}
WORK = [{"kind": k} | more for k in sorted(CARE_KINDS) for more in PARTICULARS.get(k, [{}])]


def last_days(plan: Plan) -> list[date]:
    """The last day of each edition of the plan's rules, the latest first; today if none is near."""
    now = TODAY.toordinal() - EPOCH
    ends = {min(service.last_day, now) for service in plan.services}
    return [date.fromordinal(day + EPOCH) for day in sorted(ends, reverse=True)]


def done(plan: Plan, day: date, work: Row, **cells: str) -> Row:
    before = (day - timedelta(days=30)).isoformat()
    dates = {"consent_date": before, "care_plan_date": before, "initiating_visit_date": before}
    told = {"payer": plan.payers[0], "service_date": day.isoformat(), "setting": "", "outcome": ""}
    return USUAL | dates | told | work | cells


def words(plan: Plan, day: date, modes: tuple[str, ...]) -> list[Row]:
    by = [*((who, mode) for who in WORDS for mode in modes), *BY_ALL_MODES]
    rows = [done(plan, day, work, credential=who, mode=mode) for work in WORK for who, mode in by]
    rows += [done(plan, day, {"kind": kind}, mode="phone") for kind in sorted(ADMINISTRATIVE)]
    timed = {"kind": "care-coordination", "mode": "phone"}
    return rows + [done(plan, day, timed, other_services=code) for code in OTHER_SERVICES]


def thresholds(plan: Plan, day: date, modes: tuple[str, ...]) -> list[Row]:
    totals = [str(minutes) for minutes in MINUTES]
    work = [each | {"mode": mode} for each in WORK for mode in modes]
    work += [
        {"kind": "care-coordination", "credential": who, "mode": "phone", "mdm": ""}
        for who in ("RN", "MD")
    ]
    rows = [done(plan, day, each, minutes=minutes) for each in work for minutes in totals]
    group = {"kind": "group-education", "mode": "in-person"}
    return rows + [
        done(plan, day, group, minutes=minutes, group_size=size)
        for size in SIZES
        for minutes in ("30", "31", "75")
    ]


def pairs(plan: Plan, day: date, modes: tuple[str, ...]) -> list[Row]:
    """The same twice: on one day, in a month, in two months or years, and at two practices
    or one that is not named."""
    month = day.replace(day=1)
    others = [day, month, month - timedelta(days=1), date(day.year - 1, 12, 31)]
    rows = []
    for number, work in enumerate(WORK):
        for mode in modes:
            for other in others:
                for practice in ("1999999984", "1888888883", ""):
                    patient = f"{plan.name} {day} {number} {mode} {other} {practice}"
                    first = done(plan, day, work, mode=mode, patient_id=patient)
                    again = {"service_date": other.isoformat(), "billing_npi": practice}
                    rows += [first, first | again]
    return rows


@pytest.mark.parametrize("made", [words, thresholds, pairs])
def test_every_rule_is_read_as_the_payers_have_it(
    tmp_path: Path, made: Callable[[Plan, date, tuple[str, ...]], list[Row]]
) -> None:
    rows = []
    for plan in shipped():
        latest, *earlier = last_days(plan)
        rows += made(plan, latest, ("phone", "in-person"))
        rows += [row for day in earlier for row in made(plan, day, ("phone",))]
    for number, row in enumerate(rows):
        row["activity_id"] = f"{number:06}"
        row.setdefault("patient_id", row["activity_id"])
    export = Export(0, rows, [], [], typed=False)
    check_agreement(export, [("a.csv", rows)], reference.bill(rows, [], []), tmp_path)
