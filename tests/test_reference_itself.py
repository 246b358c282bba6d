"""The slow reading of the Michigan plans, on scenarios that were worked out by hand."""

from __future__ import annotations

import csv
import random
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from reference import Line, bill
from reference.generate import ALL_PLANS, export, write_csv, write_xlsx

Row = dict[str, str]

CALL = {"kind": "care-management-contact", "mode": "phone"}
VISIT = {"kind": "care-management-contact", "mode": "in-person"}
CONFERENCE = {"kind": "team-conference", "minutes": "30"}


def row(payer: str = "BCBSM", **cells: str) -> Row:
    """Ten minutes of care coordination by a nurse, unless said otherwise."""
    base = {
        "patient_id": "P1",
        "payer": payer,
        "service_date": "2026-03-05",
        "minutes": "10",
        "kind": "care-coordination",
        "mode": "none",
        "credential": "RN",
    }
    return base | cells


def coordination(payer: str, *minutes: str) -> list[Row]:
    return [
        row(payer, minutes=m, service_date=f"2026-03-{n:02d}") for n, m in enumerate(minutes, 1)
    ]


def earned(rows: list[Row], staff: list[Row] | None = None) -> list[tuple[str, int]]:
    return [(line.code, line.units) for line in bill(rows, [], staff or []).lines]


def days(rows: list[Row]) -> list[tuple[str, str]]:
    return [(line.code, line.service_date) for line in bill(rows, [], []).lines]


def outcomes(rows: list[Row], staff: list[Row] | None = None) -> list[tuple[str, str]]:
    return bill(rows, [], staff or []).outcomes


def test_home_health_dme_and_dhhs_make_31_minutes() -> None:
    rows = coordination("BCBSM", "11", "10", "10")
    expected = Line(
        "bcbsm-pdcm",
        "P1",
        "",
        "2026-03",
        "2026-03-03",
        "99487",
        (),
        units=1,
        minutes=31,
        activities=3,
    )
    assert bill(rows, [], []).lines == [expected]
    short = coordination("Priority Health", "11", "10", "10")
    assert earned(short) == []
    assert outcomes(short) == [("counted", "")] * 3


@pytest.mark.parametrize(
    ("payer", "minutes", "expected"),
    [
        ("BCBSM", "30.98", []),
        ("BCBSM", "75", [("99487", 1)]),
        ("BCN", "76", [("99487", 1), ("99489", 1)]),
        ("BCBSM", "1:45", [("99487", 1), ("99489", 1)]),
        ("BCBSM", "01:46:00", [("99487", 1), ("99489", 2)]),
        ("Priority Health", "59.99", []),
        ("Priority Health", "89", [("99487", 1)]),
        ("Priority Health", "90", [("99487", 1), ("99489", 1)]),
        ("priority health", "300", [("99487", 1), ("99489", 2)]),
        ("Medicaid HMO", "60", [("99487", 1)]),
        ("Medicaid HMO", "180", [("99487", 1), ("99489", 4)]),
    ],
)
def test_care_coordination_by_minutes(
    payer: str, minutes: str, expected: list[tuple[str, int]]
) -> None:
    assert earned(coordination(payer, minutes)) == expected


def test_seconds_are_added_and_floored_once() -> None:
    """10.33 minutes are 620 seconds, 10.32 are 619."""
    assert earned(coordination("BCBSM", "10.33", "10.33", "10.33")) == [("99487", 1)]
    assert earned(coordination("BCBSM", "10.33", "10.33", "10.32")) == []
    assert earned(coordination("BCBSM", "10.99", "10.99", "9.00")) == []


def test_who_may_coordinate_care() -> None:
    def of(payer: str, credential: str) -> tuple[str, str]:
        return outcomes([row(payer, credential=credential)])[0]

    assert of("BCBSM", "CHW") == ("counted", "")
    assert of("BCBSM", "MD") == ("held", "rule-assumed")
    assert of("Priority Health", "MA") == ("left-out", "left-out-credential")
    assert of("Priority Health", "MD") == ("counted", "")
    assert of("Michigan Medicaid", "DO") == ("left-out", "left-out-credential")
    assert of("BCBSM", "RN, BSN") == ("counted", "")
    assert of("BCBSM", "") == ("held", "credential-missing")


def test_portal_time_is_care_coordination_for_bcbsm_alone() -> None:
    cells = {"kind": "portal-message", "mode": "portal", "minutes": "31"}
    assert earned([row("BCBSM", **cells)]) == [("99487", 1)]
    assert outcomes([row("Priority Health", **cells)]) == [("left-out", "left-out-kind")]
    assert outcomes([row("Medicaid HMO", **cells)]) == [("held", "no-rule-in-force")]


def test_two_practices_each_bill() -> None:
    rows = [row(billing_npi=npi, minutes="31") for npi in ("1000000004", "1000000012")]
    assert earned(rows) == [("99487", 1), ("99487", 1)]
    assert outcomes([*rows, row(billing_npi="")])[2] == ("held", "practice-missing")


@pytest.mark.parametrize(
    ("minutes", "units"), [("5", 1), ("45", 1), ("46", 2), ("75", 2), ("76", 3)]
)
def test_bcbsm_visit_by_quantity(minutes: str, units: int) -> None:
    assert earned([row(minutes=minutes, **VISIT)]) == [("G9002", units)]


def test_phone_without_video_declined_bills_the_longest_call_of_the_day() -> None:
    rows = [row(minutes=m, activity_id=m, **CALL) for m in ("4", "12", "20.99", "9")]
    assert earned(rows) == [("98967", 1)]
    assert [o for o, _ in outcomes(rows)] == ["left-out", "held", "counted", "held"]
    declined = [row(minutes=m, activity_id=m, video_declined="yes", **CALL) for m in ("20", "26")]
    assert earned(declined) == [("G9002", 2)]
    by_assistant = row(minutes="21", credential="MA", video_declined="yes", **CALL)
    assert earned([by_assistant]) == [("98968", 1)]


def test_conferences_twice_a_month_from_april_2026() -> None:
    for month, billed in (("2026-03", 3), ("2026-04", 2)):
        dates = [f"{month}-{day}" for day in ("20", "03", "11")]
        rows = [row(service_date=d, **CONFERENCE, rendering_npi="1000000004") for d in dates]
        assert days(rows) == [("G9007", d) for d in sorted(dates)[:billed]]
        hmo = [r | {"payer": "Medicaid HMO"} for r in rows]
        assert days(hmo) == [("G9007", f"{month}-03")]
    care_team_alone = [row(**CONFERENCE)]
    assert outcomes(care_team_alone) == [("held", "provider-missing")]
    assert earned([*care_team_alone, row(**CONFERENCE | {"credential": "MD"})]) == [("G9007", 1)]


def test_2p_once_a_year() -> None:
    cells = {
        "kind": "program-discussion",
        "mode": "phone",
        "minutes": "12",
        "outcome": "declined",
        "line_of_business": "commercial PPO",
    }
    dates = ["2026-02-10", "2025-12-30", "2026-01-05"]
    rows = [row(service_date=d, **cells) for d in dates]
    lines = bill(rows, [], []).lines
    assert [(ln.code, ln.modifiers, ln.service_date) for ln in lines] == [
        ("98967", ("2P",), "2025-12-30"),
        ("98967", ("2P",), "2026-01-05"),
    ]
    assert outcomes(rows)[0] == ("left-out", "unit-limit")
    hmo_product = row(**cells | {"line_of_business": "Commercial HMO"})
    assert outcomes([hmo_product]) == [("left-out", "not-payable")]


def test_training_within_six_months_of_the_first_entry() -> None:
    dates = ["2025-08-31", "2026-02-28", "2026-03-01"]
    rows = [row(staff_id="S1", service_date=d) for d in dates]
    untrained = [{"staff_id": "S1", "training_date": ""}]
    assert [o for o, _ in outcomes(rows, untrained)] == ["counted", "counted", "held"]
    trained = [{"staff_id": "S1", "training_date": "3/1/2026"}]
    assert [o for o, _ in outcomes(rows, trained)] == ["counted"] * 3
    assert [o for o, _ in outcomes(rows)] == ["counted"] * 3  # no such column: not checked


def test_hmo_visit_of_thirty_minutes_once_a_month_and_no_assessment_beside_it() -> None:
    assessment = row("Medicaid HMO", kind="comprehensive-assessment", mode="in-person")
    visits = [
        row("Medicaid HMO", minutes=m, service_date=d, **VISIT)
        for m, d in (("29.99", "2026-03-01"), ("30", "2026-03-09"), ("60", "2026-03-10"))
    ]
    assert days([*visits, assessment]) == [("G9002", "2026-03-09")]
    assert [problem for _, problem in outcomes([*visits, assessment])] == [
        *("below-threshold", "", "unit-limit", "not-with")
    ]
    assert days([visits[0], assessment]) == [("G9001", "2026-03-05")]


def test_group_visits_by_size_and_time() -> None:
    def visits(*sizes_and_minutes: tuple[str, str]) -> list[tuple[str, int]]:
        cells = {"kind": "group-education"}
        return earned([row(group_size=s, minutes=m, **cells) for s, m in sizes_and_minutes])

    assert visits(("4", "15")) == []
    assert visits(("2", "16"), ("4", "30"), ("8", "76")) == [("98961", 2), ("98962", 3)]
    assert visits(("9", "60")) == []


def test_nothing_before_the_programme_began() -> None:
    rows = [row(minutes="31", service_date=d) for d in ("2013-03-31", "2013-04-01")]
    assert days(rows) == [("99487", "2013-04-01")]
    assert outcomes(rows)[0] == ("held", "no-rule-in-force")
    plans = [
        row(kind="advance-care-planning", service_date=d) for d in ("2013-12-31", "2014-01-01")
    ]
    assert days(plans) == [("S0257", "2014-01-01")]


def test_rows_that_come_twice() -> None:
    first, changed = row(activity_id="7"), row(activity_id="7", minutes="12")
    assert outcomes([first, first]) == [("counted", ""), ("left-out", "duplicate-row")]
    assert outcomes([first, changed, first]) == [("held", "duplicate-row")] * 3
    assert outcomes([row(), row()]) == [("counted", ""), ("held", "duplicate-row")]


@pytest.mark.parametrize("plans", [ALL_PLANS[:3], ALL_PLANS], ids=["michigan", "all"])
@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_rows_does_not_matter(seed: int, plans: tuple[str, ...]) -> None:
    made = export(seed, rows=1200, plans=plans)
    lines = Counter(bill(made.activities, made.patients, made.staff).lines)
    shuffled = random.Random(seed).sample(made.activities, len(made.activities))
    assert Counter(bill(shuffled, made.patients[::-1], made.staff[::-1]).lines) == lines
    assert len(lines) > 200


@pytest.mark.parametrize("plans", [ALL_PLANS[:3], ALL_PLANS], ids=["michigan", "all"])
def test_an_export_is_the_same_every_time_and_survives_its_file(
    tmp_path: Path, plans: tuple[str, ...]
) -> None:
    made = export(5, rows=300, plans=plans)
    assert export(5, rows=300, plans=plans) == made
    write_csv(made.activities, tmp_path / "export.csv")
    with (tmp_path / "export.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == made.activities
    write_xlsx(made.activities, tmp_path / "export.xlsx", made.typed)
    assert zipfile.is_zipfile(tmp_path / "export.xlsx")
