"""What stands beside a claim line: why it is billed, and how its code did since last month."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import ledgers
import pandas as pd
import pytest
from ledgers import Row, row

from ccbill.ledger.packed import packed
from ccbill.report.tables import CLAIMS, Report
from ccbill.tables import UNKNOWN

FEES = "plan,code,charge\nbcbsm-pdcm,99487,100.00\nbcbsm-pdcm,99489,50.00\n"


def bill(home: Path, rows: list[Row], *, submit: bool = False) -> Report:
    return ledgers.bill(home, rows, FEES, submit=submit)


def whys(home: Path, *rows: Row) -> dict[str, str]:
    """The reason of each code, without its rule's own words."""
    lines = bill(home, list(rows)).claims
    told = zip(lines["code"], lines["why"], strict=True)
    return {str(code): str(why).partition(":")[0] for code, why in told}


def test_a_months_code_names_its_minutes_activities_and_units(tmp_path: Path) -> None:
    work = [row(f"A{n}", "100001", f"2026-08-0{n}", minutes="35.5") for n in range(1, 4)]
    assert whys(tmp_path, *work) == {
        "99487": "106 counted minutes in 3 activities earn 1 unit of 99487",
        "99489": "106 counted minutes in 3 activities earn 2 units of 99489 beside 99487",
    }


def test_the_sentence_ends_with_the_rules_own_words(tmp_path: Path) -> None:
    [why] = bill(tmp_path, [row("A1", "100001", "2026-08-03")]).claims["why"]
    assert why == (
        "31 counted minutes in 1 activity earn 1 unit of 99487: "
        "at least 31 minutes within the calendar month."
    )


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (
            {"kind": "care-management-contact", "minutes": "7", "credential": "MA"},
            "7 counted minutes in 1 activity earn 1 unit of 98966",
        ),
        (
            {"kind": "comprehensive-assessment", "mode": "in-person"},
            "1 activity earns 1 unit of G9001",
        ),
        (
            {"kind": "ecm-outreach", "payer": "Medi-Cal", "outcome": "reached"},
            "1 activity earns 1 unit of G9008 U8 GQ",
        ),
    ],
)
def test_minutes_are_told_where_the_rule_asks_for_them(tmp_path: Path, work: Row, why: str) -> None:
    assert list(whys(tmp_path, row("A1", "100001", "2026-08-03", **work)).values()) == [why]


def test_a_conference_is_as_long_as_its_longest_entry(tmp_path: Path) -> None:
    conference = {"kind": "team-conference", "payer": "Medicaid HMO"}
    work = [
        row("A1", "100001", "2026-08-03", credential="RN", minutes="35", **conference),
        row("A2", "100001", "2026-08-03", credential="MD", minutes="30", **conference),
    ]
    why = "2 activities, the longest of 35 counted minutes, earn 1 unit of G9007"
    assert whys(tmp_path, *work) == {"G9007": why}


def test_an_encounter_says_why_it_has_no_charge(tmp_path: Path) -> None:
    ecm = {
        "kind": "ecm-service",
        "payer": "Medi-Cal",
        "authorization_number": "T1",
        "enrollment_date": "2026-08-01",
    }
    work = [row(f"A{n}", "100001", f"2026-08-0{n}", **ecm) for n in (3, 4)]
    [why] = bill(tmp_path, work).encounters["why"]
    assert why == (
        "An encounter without a charge: one payment per enrollee and month; "
        "the order of preference is assumed."
    )


def test_a_programme_that_pays_otherwise_stands_apart(tmp_path: Path) -> None:
    """Outreach to enhanced care management is on no claim and in no block with other work."""
    work = [row(f"A{n}", f"10000{n}", "2026-08-03") for n in range(1, 4)]
    outreach = {"kind": "ecm-outreach", "payer": "Medi-Cal", "outcome": "reached"}
    work += [row(f"B{n}", f"10000{n}", "2026-08-03", **outreach) for n in range(1, 4)]
    work += [row(f"C{n}", f"10000{n}", "2026-08-03", payer="Medicaid HMO") for n in range(1, 4)]
    report = bill(tmp_path, [*work, row("D1", "100001", "2026-08-04", payer="Medicare")])
    for table in (report.claims, report.summary):
        blocks = [plan for plan, _ in groupby(table["plan"].astype(str))]
        assert "medi-cal-ecm" in blocks
        assert len(blocks) == len(set(blocks))
    plans = report.claims.groupby("claim_id", observed=True)["plan"].nunique()
    assert set(plans) == {1}


def changes(report: Report) -> dict[tuple[str, str], tuple[Any, Any]]:
    """The change of units and cents by month and code, None where it is blank."""
    told = report.summary.replace({UNKNOWN: None})[
        ["month", "code", "units_change", "charge_change"]
    ]
    return {(month, code): (*change,) for month, code, *change in told.itertuples(index=False)}


def month(name: str, patients: int, minutes: str = "31") -> list[Row]:
    return [
        row(f"{name}{n}", f"1000{n:02}", f"2026-{name}-03", minutes=minutes)
        for n in range(1, patients + 1)
    ]


def test_a_months_change_is_from_the_runs_own_month_before(tmp_path: Path) -> None:
    report = bill(tmp_path, [*month("07", 2), *month("08", 5), *month("09", 3, "76")])
    assert changes(report) == {
        ("2026-07", "99487"): (None, None),
        ("2026-08", "99487"): (3, 300_00),
        ("2026-09", "99487"): (-2, -200_00),
        ("2026-09", "99489"): (3, 150_00),  # none in a month of which something is known
    }


def test_else_it_is_from_what_was_submitted(tmp_path: Path) -> None:
    bill(tmp_path, month("08", 5), submit=True)
    assert changes(bill(tmp_path, month("09", 7))) == {("2026-09", "99487"): (2, 200_00)}
    assert changes(bill(tmp_path, month("10", 7))) == {("2026-10", "99487"): (None, None)}


def test_a_draft_is_no_month_before(tmp_path: Path) -> None:
    bill(tmp_path, month("08", 5))
    assert changes(bill(tmp_path, month("09", 7))) == {("2026-09", "99487"): (None, None)}


def test_late_work_counts_with_what_its_month_had(tmp_path: Path) -> None:
    bill(tmp_path, [*month("08", 2), *month("09", 5)], submit=True)
    late = [row("L1", "100099", "2026-09-20")]
    assert changes(bill(tmp_path, late)) == {("2026-09", "99487"): (4, 400_00)}


def test_a_code_without_a_charge_has_a_change_of_units_alone(tmp_path: Path) -> None:
    call = {"kind": "care-management-contact", "minutes": "7", "credential": "MA"}
    work = [row(f"A{n}", "100001", f"2026-0{n}-03", **call) for n in (8, 9)]
    assert changes(bill(tmp_path, work))["2026-09", "98966"] == (0, None)


def test_a_ledger_of_before_the_column_reads_as_blank(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A column may be added to claims; what was recorded without it still stands."""

    def as_before(table: pd.DataFrame, by: str | None = None) -> bytes:
        return packed(table.drop(columns="why", errors="ignore"), by)

    with monkeypatch.context() as then:
        then.setattr("ccbill.ledger.record.packed", as_before)
        bill(tmp_path, month("08", 3), submit=True)
    later = [row("L1", "100001", "2026-08-20", minutes="46"), *month("08", 3)]
    report = bill(tmp_path, [each for each in later if each["patient_id"] != "100002"])
    assert list(report.submitted.columns) == list(CLAIMS)
    assert report.submitted["why"].isna().all()
    assert list(report.submitted["patient_id"]) == ["100003"]
    replaced = report.claims[report.claims["patient_id"] == "100001"]
    assert list(replaced["status"]) == ["replacement", "replacement"]
    assert replaced["why"].str.startswith("77 counted minutes in 2 activities").all()
