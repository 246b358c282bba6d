"""The slow reading of SIM, Medi-Cal and Medicare, on scenarios that were worked out by hand."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from reference import Line, bill
from reference.common import Row, Settings
from reference.generate import ALL_PLANS, export


def earned(rows: list[Row], patients: list[Row] | None = None, **settings: object) -> list[Line]:
    return bill(rows, patients or [], [], settings=settings).lines


def codes(rows: list[Row], patients: list[Row] | None = None, **settings: object) -> dict[str, int]:
    return {line.code: line.units for line in earned(rows, patients, **settings)}


def outcomes(
    rows: list[Row], patients: list[Row] | None = None, **settings: object
) -> list[tuple[str, str]]:
    return bill(rows, patients or [], [], settings=settings).outcomes


# --- Medicare ---


def ccm(minutes: str = "10", **cells: str) -> Row:
    """Care coordination by a nurse for a patient who meets every condition."""
    base = {
        "patient_id": "P1",
        "payer": "Medicare",
        "service_date": "2026-03-05",
        "minutes": minutes,
        "kind": "care-coordination",
        "mode": "phone",
        "credential": "RN",
        "billing_npi": "1000000004",
        "rendering_npi": "1000000012",
        "consent_date": "2026-01-15",
        "care_plan_date": "2026-01-20",
        "diagnosis_codes": "I10; E11.9",
        "mdm": "low",
    }
    return base | cells


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ("1", {}),
        ("19", {}),
        ("19.99", {}),
        ("20", {"99490": 1}),
        ("39", {"99490": 1}),
        ("40", {"99490": 1, "99439": 1}),
        ("59", {"99490": 1, "99439": 1}),
        ("60", {"99490": 1, "99439": 2}),
        ("240", {"99490": 1, "99439": 2}),
    ],
)
@pytest.mark.parametrize("mdm", ["low", "", "straightforward", "unsure"])
def test_minutes_that_are_not_complex(minutes: str, expected: dict[str, int], mdm: str) -> None:
    assert codes([ccm(minutes, mdm=mdm)]) == expected


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ("59", {"99490": 1, "99439": 1}),
        ("60", {"99487": 1}),
        ("85", {"99487": 1}),
        ("89", {"99487": 1}),
        ("90", {"99487": 1, "99489": 1}),
        ("119", {"99487": 1, "99489": 1}),
        ("120", {"99487": 1, "99489": 2}),
        ("125", {"99487": 1, "99489": 2}),
        ("150", {"99487": 1, "99489": 3}),
        ("240", {"99487": 1, "99489": 6}),
        ("360", {"99487": 1, "99489": 10}),
        ("600", {"99487": 1, "99489": 10}),
    ],
)
@pytest.mark.parametrize("mdm", ["moderate", "High"])
def test_minutes_with_complex_decision_making(
    minutes: str, expected: dict[str, int], mdm: str
) -> None:
    rows = [ccm(minutes, mdm=mdm)]
    assert codes(rows) == expected
    assert outcomes(rows) == [("counted", "")]


def test_sixty_minutes_without_decision_making_are_never_complex() -> None:
    row = ccm("60")
    del row["mdm"]
    assert codes([row]) == {"99490": 1, "99439": 2}


def test_the_highest_decision_making_of_the_month_counts() -> None:
    rows = [ccm("30"), ccm("30", mdm="high", service_date="2026-03-09")]
    assert codes(rows) == {"99487": 1}
    rows[1]["service_date"] = "2026-04-09"
    assert [(ln.month, ln.code) for ln in earned(rows)] == [
        ("2026-03", "99490"),
        ("2026-04", "99490"),
    ]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ("19", {}),
        ("20", {"99490": 1}),
        ("29", {"99490": 1}),
        ("30", {"99491": 1}),
        ("35", {"99491": 1}),
        ("59", {"99491": 1}),
        ("60", {"99491": 1, "99437": 1}),
        ("65", {"99491": 1, "99437": 1}),
        ("90", {"99491": 1, "99437": 2}),
        ("240", {"99491": 1, "99437": 2}),
    ],
)
def test_the_practitioners_own_minutes(minutes: str, expected: dict[str, int]) -> None:
    assert codes([ccm(minutes, credential="MD")]) == expected
    assert codes([ccm(minutes, credential="NP", mdm="high")]) == expected


def test_a_practitioners_time_joins_the_staffs_or_stands_apart() -> None:
    staff, own = ccm("1"), ccm("59", credential="MD")
    assert codes([staff, own]) == {"99490": 1, "99439": 2}
    assert codes([staff, own], practitioner_time="separate") == {"99491": 1}
    both = [ccm("20"), own]
    assert codes(both, practitioner_time="separate") == {"99490": 1}
    assert outcomes(both, practitioner_time="separate") == [("counted", "")] * 2
    assert codes([ccm("29", credential="MD")], practitioner_time="separate") == {}


def test_who_counts_as_clinical_staff() -> None:
    rows = [ccm(credential=c) for c in ("RN", "MA", "CMA", "LPN", "CHW", "care coordinator", "")]
    assert outcomes(rows) == [
        *[("counted", "")] * 4,
        *[("left-out", "left-out-credential")] * 2,
        ("held", "credential-missing"),
    ]


def test_any_mode_but_in_person() -> None:
    contact = "care-management-contact"
    rows = [ccm(mode="in-person"), ccm(mode=""), ccm(mode="", kind=contact), ccm(mode="text")]
    assert outcomes(rows) == [
        ("left-out", "left-out-mode"),
        ("counted", ""),
        ("held", "mode-missing"),
        ("counted", ""),
    ]


def test_consent_on_or_before_the_first_minute() -> None:
    rows = [
        ccm("15", consent_date="2026-03-10", service_date=f"2026-03-{day}")
        for day in ("09", "10", "11")
    ]
    assert outcomes(rows) == [("left-out", "service-before-consent"), *[("counted", "")] * 2]
    line = earned(rows)[0]
    assert (line.code, line.minutes, line.activities) == ("99490", 30, 2)
    earlier = ccm("5", consent_date="2026-03-01", service_date="2026-04-01")
    assert outcomes([*rows, earlier]) == [("counted", "")] * 4
    assert outcomes([ccm(consent_date="")]) == [("held", "consent-missing")]


@pytest.mark.parametrize("column", ["consent_date", "care_plan_date", "diagnosis_codes", "mdm"])
def test_a_column_that_nobody_has_is_not_checked(column: str) -> None:
    row = ccm("20")
    del row[column]
    assert codes([row]) == {"99490": 1}


def test_two_diagnoses_and_a_care_plan() -> None:
    assert outcomes([ccm(diagnosis_codes="I10")]) == [("held", "diagnoses-missing")]
    assert outcomes([ccm(diagnosis_codes="I10, i10")]) == [("held", "diagnoses-missing")]
    assert outcomes([ccm(diagnosis_codes="")]) == [("held", "diagnoses-missing")]
    between_them = [ccm(diagnosis_codes="I10"), ccm(diagnosis_codes="N18.30", minutes="12")]
    assert codes(between_them) == {"99490": 1}
    assert outcomes([ccm(care_plan_date="")]) == [("held", "care-plan-missing")]


def test_a_no_beats_what_is_not_known() -> None:
    assert outcomes([ccm(consent_date="", mode="in-person")]) == [("left-out", "left-out-mode")]


def test_minutes_of_two_people_at_once_count_once() -> None:
    def at(start: str, end: str, minutes: str = "", **cells: str) -> Row:
        cells = {"activity_id": start} | cells
        return ccm(minutes, start_time=start, end_time=end, **cells)

    union_of_thirty = [at("09:00", "09:20"), at("09:10", "09:30", credential="NP")]
    line = earned(union_of_thirty)[0]
    assert (line.code, line.minutes, line.activities) == ("99490", 30, 2)
    within = [at("09:00", "09:30"), at("09:05", "09:20"), at("09:10", "09:39")]
    assert earned(within)[0].minutes == 39
    assert outcomes(within) == [("counted", "")] * 3
    assert earned([at("23:50", "00:10"), at("23:55", "00:20")])[0].minutes == 30
    next_day = at("00:00", "00:10", service_date="2026-03-06")
    assert earned([at("23:50", "00:10"), next_day])[0].minutes == 30
    without_an_end = at("09:10", "", "20")
    assert earned([at("09:00", "09:20"), without_an_end])[0].minutes == 40
    other_patient = at("09:00", "09:20", patient_id="P2", activity_id="2")
    assert [ln.minutes for ln in earned([at("09:00", "09:20"), other_patient])] == [20, 20]


def test_one_practitioner_a_month() -> None:
    first = ccm("5", rendering_npi="1000000020", service_date="2026-03-02")
    rows = [ccm("40"), first]
    assert outcomes(rows) == [("held", "one-practitioner"), ("counted", "")]
    assert codes(rows) == {}
    same_day = first | {"service_date": "2026-03-05"}
    assert outcomes([ccm("40"), same_day]) == [("counted", ""), ("held", "one-practitioner")]
    next_month = first | {"service_date": "2026-04-02"}
    assert outcomes([ccm("40"), next_month]) == [("counted", "")] * 2
    too_early = first | {"mode": "in-person"}
    assert outcomes([ccm("40"), too_early])[0] == ("counted", "")


def test_months_with_services_billed_elsewhere() -> None:
    for code in ("90951", "90970", "G0556", "g0558", "99495 99424"):
        assert outcomes([ccm("20", other_services=code), ccm("21")]) == [("held", "not-with")] * 2
    for code in ("", "99495", "90971", "99490"):
        assert outcomes([ccm("20", other_services=code)]) == [("counted", "")]
    other_practitioner = ccm(
        "5", rendering_npi="1000000020", service_date="2026-03-30", other_services="99427"
    )
    assert outcomes([ccm("20"), other_practitioner])[0] == ("counted", "")


def test_month_totals_are_dated_at_month_end() -> None:
    rows = [ccm("20", service_date="2026-02-10"), ccm("20", service_date="2028-02-10")]
    assert [line.service_date for line in earned(rows)] == ["2026-02-28", "2028-02-29"]


def test_codes_are_paid_from_their_own_year() -> None:
    def in_year(year: int, **cells: str) -> dict[str, int]:
        return codes([ccm("90", service_date=f"{year}-03-05", consent_date="2014-01-01", **cells)])

    assert outcomes([ccm(service_date="2014-12-31")])[0][0] != "counted"
    assert in_year(2016, mdm="high") == {"99490": 1}
    assert in_year(2017, mdm="high") == {"99487": 1, "99489": 1}
    assert in_year(2020) == {"99490": 1}
    assert in_year(2021) == {"99490": 1, "99439": 2}
    assert in_year(2018, credential="MD") == {"99490": 1}
    assert in_year(2021, credential="MD") == {"99491": 1}
    assert in_year(2022, credential="MD") == {"99491": 1, "99437": 2}


def test_oversight_only_of_home_health_and_hospice() -> None:
    def oversight(minutes: str, setting: str, **cells: str) -> Row:
        cells = {"kind": "care-plan-oversight", "credential": "MD"} | cells
        return ccm(minutes, setting=setting, **cells)

    assert codes([oversight("29.99", "home-health")]) == {}
    two = [oversight("15", "home-health", activity_id=i) for i in "ab"]
    assert codes(two) == {"G0181": 1}
    assert earned(two)[0].service_date == "2026-03-31"
    assert codes([oversight("30", "Hospice")]) == {"G0182": 1}
    for setting in ("", "office"):
        assert outcomes([oversight("30", setting)]) == [("left-out", "not-payable")]
    by_nurse = oversight("30", "hospice", credential="RN")
    assert outcomes([by_nurse]) == [("left-out", "left-out-credential")]
    beside_ccm = [oversight("30", "hospice"), ccm("20")]
    assert codes(beside_ccm) == {"99490": 1}
    assert outcomes(beside_ccm) == [("held", "not-with"), ("counted", "")]
    assert codes([oversight("30", "hospice"), ccm("19")]) == {"G0182": 1}


def test_the_assessment_on_the_initiating_visit_once_ever() -> None:
    def assessment(day: str, **cells: str) -> Row:
        cells = {"kind": "comprehensive-assessment", "credential": "MD"} | cells
        return ccm("30", service_date=day, **cells)

    visit = {"initiating_visit_date": "2026-03-05"}
    rows = [assessment(day, **visit) for day in ("2026-03-04", "2026-03-05")]
    again = assessment("2026-03-05", activity_id="9", **visit)
    assert outcomes([*rows, again]) == [
        ("left-out", "not-payable"),
        ("counted", ""),
        ("left-out", "once-ever"),
    ]
    assert [ln.code for ln in earned([*rows, again])] == ["G0506"]
    assert outcomes([assessment("2026-03-05", credential="RN", **visit)]) == [
        ("left-out", "left-out-credential")
    ]
    month_end = assessment("2026-03-31", initiating_visit_date="2026-03-31")
    complex_month = ccm("60", mdm="high", initiating_visit_date="")
    assert codes([month_end, complex_month]) == {"99487": 1}
    assert outcomes([month_end, complex_month])[0] == ("left-out", "not-with")


def test_program_work_is_not_paid() -> None:
    rows = [ccm(kind="program-administration"), ccm(kind="team-conference")]
    assert outcomes(rows) == [("left-out", "left-out-kind"), ("held", "no-rule-in-force")]


def test_a_patient_who_changes_payer_has_two_cases() -> None:
    patients = [
        {"patient_id": "P1", "payer": "BCBSM", "from": "", "to": "2026-03-10"},
        {"patient_id": "P1", "payer": "Medicare", "from": "2026-03-11", "to": "2026-03-25"},
    ]
    rows = [ccm("31", service_date="2026-03-10"), ccm("31", service_date="2026-03-11")]
    lines = earned(rows, patients)
    assert [(ln.plan, ln.code, ln.service_date) for ln in lines] == [
        ("bcbsm-pdcm", "99487", "2026-03-10"),
        ("medicare-ccm", "99490", "2026-03-25"),
    ]


# --- Medi-Cal ---


def ecm(kind: str, day: str, /, **cells: str) -> Row:
    base = {
        "patient_id": "M1",
        "payer": "Medi-Cal",
        "service_date": day,
        "minutes": "15",
        "kind": f"ecm-{kind}",
        "mode": "phone",
        "credential": "RN",
        "outcome": "",
        "authorization_number": "TAR1",
        "enrollment_date": "",
    }
    return base | cells


def attempts(*days: str, **cells: str) -> list[Row]:
    return [
        ecm("outreach", f"2026-{day}", activity_id=f"{n:02d}", **cells)
        for n, day in enumerate(days)
    ]


MARCH = ["03-01", "03-05", "03-10", "03-15", "03-20", "03-25", "03-31"]
LATE_MARCH = ["03-01", "03-26", "03-27", "03-28", "03-29", "04-01", "04-02"]
BILLED, HELD, OUT = "counted", "held", "left-out"


@pytest.mark.parametrize(
    ("days", "settings", "past_five"),
    [
        (MARCH, {}, [OUT, HELD]),
        (MARCH, {"lifetime_cap": 0}, [OUT, BILLED]),
        (MARCH, {"window_counts": "all"}, [OUT, OUT]),
        (MARCH, {"window_counts": "all", "lifetime_cap": 0}, [OUT, OUT]),
        (LATE_MARCH, {}, [HELD, HELD]),
        (LATE_MARCH, {"lifetime_cap": 0}, [BILLED, OUT]),
        (LATE_MARCH, {"window_counts": "all"}, [HELD, OUT]),
        (LATE_MARCH, {"window_counts": "all", "lifetime_cap": 0}, [BILLED, OUT]),
    ],
)
@pytest.mark.parametrize("mixed", [False, True])
def test_outreach_caps(
    days: list[str], settings: Settings, past_five: list[str], mixed: bool
) -> None:
    rows = attempts(*days)
    if mixed:
        for row in rows[::2]:
            row["credential"] = "CHW"
    assert [o for o, _ in outcomes(rows, **settings)] == [BILLED] * 5 + past_five
    assert {p for o, p in outcomes(rows, **settings) if o != BILLED} <= {"outreach-cap"}
    lines = earned(rows, **settings)
    assert sum(line.units for line in lines) == 5 + past_five.count(BILLED)
    assert {line.code for line in lines} == ({"G9008", "G9012"} if mixed else {"G9008"})


def test_the_window_looks_back_to_the_thirtieth_day() -> None:
    """March 1 is 29 days before March 30, and 30 before March 31."""
    first_five = ["03-01", "03-02", "03-03", "03-04", "03-05"]
    for day, outcome in (("03-30", OUT), ("03-31", BILLED)):
        rows = attempts(*first_five, day)
        assert [o for o, _ in outcomes(rows, lifetime_cap=0)] == [BILLED] * 5 + [outcome]


def test_two_attempts_on_one_day_count_singly_and_print_as_one_line() -> None:
    rows = attempts("03-01", "03-01", "03-02", "03-02", "03-03", "03-03")
    rows[3]["mode"] = "in-person"
    assert [(ln.service_date, ln.modifiers, ln.units) for ln in earned(rows)] == [
        ("2026-03-01", ("U8", "GQ"), 2),
        ("2026-03-02", ("U8", "GQ"), 1),
        ("2026-03-02", ("U8",), 1),
        ("2026-03-03", ("U8", "GQ"), 1),
    ]
    assert outcomes(rows)[5] == (OUT, "outreach-cap")


def test_outreach_across_a_year_end() -> None:
    days = ["2025-12-20", "2025-12-28", "2025-12-30", "2025-12-31", "2026-01-01", "2026-01-18"]
    rows = [ecm("outreach", day) for day in [*days, "2026-01-19"]]
    assert [o for o, _ in outcomes(rows)] == [BILLED] * 5 + [OUT, HELD]
    assert [o for o, _ in outcomes(rows, lifetime_cap=0)] == [BILLED] * 5 + [OUT, BILLED]


def test_outreach_modes_and_outcomes() -> None:
    modes = ["in-person", "video", "text", "secure-email", "portal", "mail", "none", ""]
    rows = attempts(*["03-01"] * 8)
    for row, mode in zip(rows, modes, strict=True):
        row["mode"] = mode
    assert outcomes(rows) == [
        *[(BILLED, "")] * 5,
        *[(OUT, "left-out-mode")] * 2,
        (HELD, "mode-missing"),
    ]
    results = ["reached", "declined", "", "enrolled"]
    rows = [ecm("outreach", f"2026-03-0{n}", outcome=o) for n, o in enumerate(results, 1)]
    assert outcomes(rows) == [*[(BILLED, "")] * 3, (OUT, "not-payable")]
    mailing = ecm("outreach", "2026-03-01", kind="mass-communication")
    assert outcomes([mailing]) == [(OUT, "left-out-kind")]


def test_outreach_strictly_before_enrolment_or_engagement() -> None:
    before, on = attempts("03-09", "03-10")
    engaged = ecm("engagement", "2026-03-10", outcome="enrolled")
    late = (OUT, "after-enrollment")
    assert outcomes([before, on, engaged]) == [(BILLED, ""), late, (BILLED, "")]
    held = engaged | {"authorization_number": ""}
    assert outcomes([before, on, held])[:2] == [(BILLED, ""), late]
    assert outcomes([before, on, engaged], engagement=False) == [
        (BILLED, ""),
        late,
        (HELD, "no-rule-in-force"),
    ]
    enrolled = [{"patient_id": "M1", "enrollment_date": "2026-03-09"}]
    assert outcomes([before, on], enrolled) == [late, late]


def test_engagement_once_ever() -> None:
    rows = [
        ecm("engagement", day, outcome="enrolled", authorization_number=number, credential="")
        for day, number in (("2025-11-03", ""), ("2026-02-01", "T"), ("2026-03-01", "T"))
    ]
    assert outcomes(rows) == [
        (HELD, "authorization-missing"),
        (BILLED, ""),
        (OUT, "once-ever"),
    ]
    assert [(ln.code, ln.modifiers, ln.service_date) for ln in earned(rows)] == [
        ("G9012", (), "2026-02-01")
    ]
    unsaid = ecm("engagement", "2026-03-01")
    assert outcomes([unsaid]) == [(HELD, "enrollment-missing")]
    assert codes([unsaid], [{"patient_id": "M1", "enrollment_date": "3/4/2026"}]) == {"G9012": 1}


def services(*staff_and_modes: tuple[str, str]) -> list[Row]:
    return [
        ecm("service", f"2026-03-{n:02d}", credential=credential, mode=mode)
        for n, (credential, mode) in enumerate(staff_and_modes, 1)
    ]


@pytest.mark.parametrize(
    ("credential", "mode", "code", "modifiers"),
    [
        ("RN", "in-person", "G9008", ("U1",)),
        ("MD", "video", "G9008", ("U1", "GQ")),
        ("CHW", "in-person", "G9012", ("U2",)),
        ("promotora", "phone", "G9012", ("U2", "GQ")),
        ("CHW, RN", "phone", "G9008", ("U1", "GQ")),
    ],
)
def test_the_monthly_rows(
    credential: str, mode: str, code: str, modifiers: tuple[str, ...]
) -> None:
    line = earned(services((credential, mode)))[0]
    assert (line.code, line.modifiers, line.units) == (code, modifiers, 1)


def test_one_payment_a_month_and_the_other_encounters_beside_it() -> None:
    rows = services(("CHW", "in-person"), ("RN", "phone"), ("RN", "video"), ("CHW", "phone"))
    result = bill(rows, [], [])
    assert [(ln.code, ln.modifiers, ln.service_date) for ln in result.lines] == [
        ("G9008", ("U1", "GQ"), "2026-03-03")
    ]
    assert sorted((ln.code, ln.modifiers, ln.service_date) for ln in result.encounters) == [
        ("G9008", ("U1", "GQ"), "2026-03-02"),
        ("G9012", ("U2",), "2026-03-01"),
        ("G9012", ("U2", "GQ"), "2026-03-04"),
    ]
    assert result.outcomes == [(BILLED, "")] * 4
    next_month = rows[0] | {"service_date": "2026-04-01"}
    assert len(earned([*rows, next_month])) == 2


def test_encounters_that_nobody_can_settle() -> None:
    def one(**cells: str) -> tuple[str, str]:
        return outcomes([ecm("service", "2026-03-05") | cells])[0]

    assert one(mode="text")[0] == HELD
    assert one(mode="") == (HELD, "mode-missing")
    for credential in ("MA", "ASW", "AMFT", "APCC", "intern", "BSW"):
        assert one(credential=credential) == (HELD, "credential-unclear")
    assert one(chw_billed="yes") == (HELD, "not-with")
    assert one(enrollment_date="2026-03-31") == (BILLED, "")
    assert one(enrollment_date="2026-04-01") == (HELD, "before-enrollment")
    assert one(service_date="2021-12-31") == (HELD, "no-rule-in-force")
    assert one(kind="care-coordination") == (HELD, "no-rule-in-force")
    two = [
        ecm("service", day, billing_npi=npi)
        for day, npi in (("2026-03-05", "1000000004"), ("2026-03-06", "1000000012"))
    ]
    assert outcomes(two) == [(HELD, "two-practices")] * 2
    two[1]["service_date"] = "2026-04-06"
    assert outcomes(two) == [(BILLED, "")] * 2


def test_authorization_required_streamlined_or_none() -> None:
    def one(rule: str, **cells: str) -> tuple[str, str]:
        row = ecm("service", "2026-03-15") | cells
        return outcomes([row], authorization=rule)[0]

    bounds = {"authorization_from": "2026-03-15", "authorization_to": "2026-03-15"}
    assert one("required", **bounds) == (BILLED, "")
    late = {"authorization_to": "2026-03-14"}
    assert one("required", **late) == (HELD, "authorization-expired")
    early = {"authorization_from": "2026-03-16"}
    assert one("required", **early) == (HELD, "authorization-expired")
    blank = {"authorization_number": ""}
    assert one("required", **blank) == (HELD, "authorization-missing")
    assert one("none", **blank) == (BILLED, "")
    assert one("streamlined-30-days", **blank) == (BILLED, "")
    for enrolled, outcome in (("2026-02-14", BILLED), ("2026-02-13", HELD)):
        cells = blank | {"enrollment_date": enrolled}
        assert one("streamlined-30-days", **cells)[0] == outcome
    without_the_column = ecm("service", "2026-03-15")
    del without_the_column["authorization_number"]
    assert outcomes([without_the_column]) == [(HELD, "authorization-missing")]


def test_the_conference_needs_a_charge_and_two_who_took_part() -> None:
    def conference(**cells: str) -> list[Row]:
        return [ecm("", "2026-03-05", kind="team-conference", participants="2") | cells]

    assert outcomes(conference()) == [(HELD, "charge-missing")]
    assert codes(conference(), conference_charge=True) == {"G9007": 1}
    assert outcomes(conference(), conference=False) == [(HELD, "no-rule-in-force")]
    assert outcomes(conference(participants="1")) == [(OUT, "not-payable")]
    assert outcomes(conference(participants="")) == [(HELD, "participants-missing")]
    assert outcomes(conference(credential="CHW")) == [(OUT, "left-out-credential")]
    assert outcomes(conference(credential="MA")) == [(HELD, "credential-unclear")]


# --- SIM ---


def sim(credential: str, kind: str, **cells: str) -> Row:
    base = {
        "patient_id": "S1",
        "payer": "SIM",
        "service_date": "2019-12-31",
        "minutes": "31",
        "kind": kind,
        "mode": "in-person",
        "credential": credential,
        "group_size": "3",
    }
    return base | cells


@pytest.mark.parametrize(
    ("credential", "billable"),
    [
        ("RN", {"99487", "G9002", "98968", "G9001", "98961"}),
        ("NP", {"99487", "G9002", "98968", "G9001", "98961", "G9007", "G9008"}),
        ("LPC", {"99487", "G9002", "98968", "G9001", "98961"}),
        ("RD, CDCES", {"99487", "G9002", "98968", "G9001", "98961"}),
        ("CHW", {"G9002", "98968", "98961"}),
        ("BSW", {"G9002", "98968", "98961"}),
        ("CMA", {"G9002", "98968", "98961"}),
        ("MD", {"G9007", "G9008"}),
        ("CDCES", set()),
        ("MA", set()),
    ],
)
def test_the_matrix_of_roles(credential: str, billable: set[str]) -> None:
    rows = [
        sim(credential, "care-coordination"),
        sim(credential, "care-management-contact"),
        sim(credential, "post-discharge-call", mode="phone"),
        sim(credential, "comprehensive-assessment"),
        sim(credential, "group-education"),
        sim(credential, "team-conference"),
        sim(credential, "care-plan-oversight"),
    ]
    assert set(codes(rows)) == billable


def test_an_assistant_who_may_be_certified() -> None:
    contact, coordination = "care-management-contact", "care-coordination"
    assert outcomes([sim("MA", contact)]) == [(HELD, "credential-unclear")]
    assert outcomes([sim("MA", coordination)]) == [(OUT, "left-out-credential")]


def test_oversight_by_the_primary_care_provider_only() -> None:
    row = sim("MD", "care-plan-oversight", provider_role="specialist")
    assert outcomes([row]) == [(OUT, "left-out-credential")]


def test_the_initiative_ended() -> None:
    kinds = ["care-coordination", "portal-message", "documentation"]
    last = [sim("RN", kind) for kind in kinds]
    assert outcomes(last) == [
        (BILLED, ""),
        (HELD, "no-rule-in-force"),
        (OUT, "left-out-kind"),
    ]
    later = [row | {"service_date": "2020-01-01"} for row in last]
    assert outcomes(later) == [
        (HELD, "no-rule-in-force"),
        (HELD, "no-rule-in-force"),
        (OUT, "left-out-kind"),
    ]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [("30", {}), ("31", {"99487": 1}), ("76", {"99487": 1, "99489": 1})],
)
def test_sim_amounts_of_time(minutes: str, expected: dict[str, int]) -> None:
    assert codes([sim("RN", "care-coordination", minutes=minutes)]) == expected


# --- whatever the export ---


@pytest.mark.parametrize("practitioner_time", ["joins", "separate"])
@pytest.mark.parametrize("seed", range(6))
def test_what_is_impossible(seed: int, practitioner_time: str) -> None:
    made = export(seed, rows=1500, plans=ALL_PLANS)
    settings: Settings = {"practitioner_time": practitioner_time}
    result = bill(made.activities, made.patients, made.staff, settings=settings)
    months: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    payments: Counter[tuple[str, str]] = Counter()
    for line in result.lines:
        if line.plan == "medicare-ccm":
            months[line.patient_id, line.month][line.code] += line.units
        if line.plan == "medi-cal-ecm" and {"U1", "U2"} & set(line.modifiers):
            payments[line.patient_id, line.month] += line.units
    assert len(months) > 20
    for units in months.values():
        assert units["99487"] + units["99490"] + units["99491"] <= 1
        assert units["99489"] <= 10 * units["99487"]
        assert units["99439"] <= 2 * units["99490"]
        assert units["99437"] <= 2 * units["99491"]
    assert set(payments.values()) == {1}
    assert len(result.outcomes) == len(made.activities)
    assert all(outcome in {BILLED, HELD, OUT} for outcome, _ in result.outcomes)
    assert all(problem for outcome, problem in result.outcomes if outcome != BILLED)
