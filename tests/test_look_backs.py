"""Limits look back to what was submitted, wherever the export begins."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from ledgers import bill, row

from ccbill.rules.examples import activity, billed
from ccbill.rules.load import plans
from ccbill.rules.parse import EPOCH
from ccbill.rules.prior import History

PLANS = {plan.name: plan for plan in plans([])}


def before(rule: str, code: str, *days: str, units: int = 1) -> History:
    """Submitted lines of the examples' one patient."""
    return History(
        pd.DataFrame(
            {
                "patient_id": "000000",
                "practice": None,
                "rendering_npi": None,
                "service_from": [date.fromisoformat(d).toordinal() - EPOCH for d in days],
                "code": code,
                "units": units,
                "rule": rule,
            }
        ),
        {},
    )


def attempts(*days: str) -> list[dict[str, str]]:
    usual = {"kind": "ecm-outreach", "credential": "CHW", "mode": "phone"}
    return [usual | {"service_date": day} for day in days]


OUTREACH = "medi-cal-ecm/ecm-outreach.2022-01-01"


def test_the_outreach_window_spans_months() -> None:
    history = before(OUTREACH, "G9012", "2026-03-05", "2026-03-20", "2026-03-31", units=1)
    april = attempts("2026-04-01", "2026-04-02", "2026-04-03")
    assert billed(PLANS["medi-cal-ecm"], april, history) == {"G9012 U8 GQ": 2}


def test_units_of_one_submitted_line_count_singly() -> None:
    history = before(OUTREACH, "G9012", "2026-03-31", units=4)
    april = attempts("2026-04-01", "2026-04-02")
    assert billed(PLANS["medi-cal-ecm"], april, history) == {"G9012 U8 GQ": 1}


def test_the_lifetime_counts_attempts_of_any_time() -> None:
    history = before(OUTREACH, "G9012", "2025-03-31", units=5)
    assert billed(PLANS["medi-cal-ecm"], attempts("2026-04-01"), history) == {}


def test_an_engagement_submitted_before_ends_outreach_and_is_once_ever() -> None:
    history = before("medi-cal-ecm/ecm-engagement.2022-01-01", "G9012", "2026-03-10")
    again = {
        "kind": "ecm-engagement",
        "credential": "CHW",
        "service_date": "2026-04-10",
        "outcome": "enrolled",
        "authorization_number": "A1",
    }
    did = [*attempts("2026-03-09", "2026-03-10"), again]
    assert billed(PLANS["medi-cal-ecm"], did, history) == {"G9012 U8 GQ": 1}


@pytest.mark.parametrize(("day", "units"), [("2025-12-31", 1), ("2026-01-01", 0)])
def test_once_a_year_looks_at_the_calendar_year(day: str, units: int) -> None:
    rule = "priority-health/comprehensive-assessment.0001-01-01"
    did = {
        "kind": "comprehensive-assessment",
        "credential": "RN",
        "minutes": "30",
        "service_date": "2026-05-01",
    }
    found = billed(PLANS["priority-health"], [did], before(rule, "G9001", day))
    assert found.get("G9001", 0) == units


def test_grace_for_training_begins_with_the_first_entry_ever_counted() -> None:
    did = {
        "kind": "care-coordination",
        "credential": "RN",
        "minutes": "31",
        "service_date": "2026-07-16",
        "staff": "S1",
        "training_date": "2026-08-01",
    }
    first = date(2026, 1, 15).toordinal() - EPOCH
    none = before("x/y.z", "x").lines.iloc[:0]
    history = History(none, {("bcbsm-pdcm", "S1"): first})
    assert billed(PLANS["bcbsm-pdcm"], [did], history) == {}
    assert billed(PLANS["bcbsm-pdcm"], [did]) == {"99487": 1}


@pytest.mark.parametrize("sent", ["U1", "GQ U1"])
def test_the_sort_of_encounter_that_was_submitted_is_billed_again(sent: str) -> None:
    rule = "medi-cal-ecm/ecm-service.2022-01-01"
    own = before(rule, "G9008", "2026-03-03").lines.assign(modifiers=sent)
    did = [
        activity(f"30 ecm-service RN {mode} 2026-03-0{day} authorization_number=A1")
        for mode, day in (("in-person", 4), ("phone", 5))
    ]
    found = billed(PLANS["medi-cal-ecm"], did, History(own.iloc[:0], {}, own))
    assert found == {" ".join(["G9008", *sorted(sent.split(), reverse=True)]): 1}


CCM = {"payer": "Medicare", "minutes": "25", "consent_date": "2026-01-02"}
CCM |= {"care_plan_date": "2026-01-02", "initiating_visit_date": "2026-01-02"}
CCM |= {"diagnosis_codes": "E11.9;I10", "supervising_npi": "1888888883"}
ECM = {"payer": "Medi-Cal", "kind": "ecm-service", "authorization_number": "T1"}
ECM |= {"enrollment_date": "2026-01-02", "outcome": "reached"}
FEES = "plan,code,charge\nmedicare-ccm,99490,70\nmedi-cal-ecm,G9008,300\n"
FIRST, SECOND = "1999999984", "1777777771"


@pytest.mark.parametrize(("work", "problem"), [(CCM, "one-practitioner"), (ECM, "two-practices")])
def test_a_second_practice_of_a_month_waits_though_the_first_was_submitted_long_ago(
    tmp_path: Path, work: dict[str, str], problem: str
) -> None:
    own = work | {"mode": "phone"}
    first = row("A1", "P1", "2026-03-20", billing_npi=FIRST, **own)
    report = bill(tmp_path, [first], FEES, submit=True)
    assert len(report.claims) == 1
    second = row("B1", "P1", "2026-03-05", billing_npi=SECOND, **own)
    report = bill(tmp_path, [second], FEES)
    assert report.claims.empty
    held = report.exceptions[report.exceptions["severity"] == "hold"]
    assert [*held["problem"]] == [problem]


@pytest.mark.parametrize("work", [CCM, ECM])
def test_another_practice_has_the_next_month(tmp_path: Path, work: dict[str, str]) -> None:
    own = work | {"mode": "phone"}
    first = row("A1", "P1", "2026-03-20", billing_npi=FIRST, **own)
    bill(tmp_path, [first], FEES, submit=True)
    next_month = row("B1", "P1", "2026-04-05", billing_npi=SECOND, **own)
    assert len(bill(tmp_path, [next_month], FEES).claims) == 1
