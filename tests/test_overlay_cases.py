"""Other plans' ways of paying, each written as an overlay with its own cases and no code."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from ccbill.rules.examples import billed, failures
from ccbill.rules.load import plans
from ccbill.run import Request, run

OVERLAYS = Path(__file__).parent / "overlays"
NAMES = sorted(folder.name for folder in OVERLAYS.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_every_example_under_the_overlay_passes(name: str) -> None:
    assert [str(message) for plan in plans([OVERLAYS / name]) for message in failures(plan)] == []


def service(minutes: int, credential: str, mode: str, day: str) -> dict[str, str]:
    return {
        "minutes": str(minutes),
        "kind": "ecm-service",
        "credential": credential,
        "mode": mode,
        "service_date": day,
        "authorization_number": "A1",
    }


@pytest.mark.parametrize(("minutes", "units"), [(14, 0), (15, 1), (119, 7), (120, 8), (134, 8)])
def test_a_plan_in_fifteen_minute_units_sends_every_unit(minutes: int, units: int) -> None:
    county = next(p for p in plans([OVERLAYS / "fifteen-minute-units"]) if p.name == "county-ecm")
    did = [service(minutes, "RN", "in-person", "2026-03-03")]
    assert billed(county, did) == ({"G9008 U1": units} if units else {})
    assert county.filing_limit_days == 365
    pays = {bill.when != {}: bill.pays_line for bill in county.services[0].bills}
    assert pays == {True: 400_00, False: 0}


def test_a_plan_that_pays_in_person_only() -> None:
    plan = next(p for p in plans([OVERLAYS / "in-person-only"]) if p.name == "medi-cal-ecm")
    assert billed(plan, [service(30, "RN", "phone", "2026-03-03")]) == {}
    assert billed(plan, [service(30, "RN", "in-person", "2026-03-03")]) == {"G9008 U1": 1}


MARCH = ("03-01", "03-05", "03-10", "03-15", "03-20", "03-25", "03-31")
OVER_THE_MONTH_END = ("03-01", "03-26", "03-27", "03-28", "03-29", "04-01", "04-02")
TWO_ON_ONE_DAY = ("03-01", "03-01", "03-02", "03-03", "03-04", "03-05", "03-31")
OVER_THE_YEAR_END = ("12-20", "12-22", "12-29", "01-02", "01-05", "01-18", "01-19")
SEQUENCES = {
    # What becomes of each attempt: b billed, x left out, h held.
    ("shipped", MARCH): "bbbbbxh",
    ("rolling-cap-only", MARCH): "bbbbbxb",
    ("all-attempts-window", MARCH): "bbbbbxx",
    ("shipped", OVER_THE_MONTH_END): "bbbbbhh",
    ("rolling-cap-only", OVER_THE_MONTH_END): "bbbbbbx",
    ("all-attempts-window", OVER_THE_MONTH_END): "bbbbbbx",
    ("shipped", TWO_ON_ONE_DAY): "bbbbbxh",
    ("rolling-cap-only", TWO_ON_ONE_DAY): "bbbbbxb",
    ("all-attempts-window", TWO_ON_ONE_DAY): "bbbbbxb",
    ("shipped", OVER_THE_YEAR_END): "bbbbbxh",
    ("rolling-cap-only", OVER_THE_YEAR_END): "bbbbbxb",
    ("all-attempts-window", OVER_THE_YEAR_END): "bbbbbxx",
}


@pytest.mark.parametrize("mixed", [False, True], ids=["one-sort-of-staff", "mixed-staff"])
@pytest.mark.parametrize(("setting", "days"), SEQUENCES)
def test_outreach_attempts_under_each_setting_of_the_caps(
    tmp_path: Path, setting: str, days: tuple[str, ...], mixed: bool
) -> None:
    rows = ["activity_id,patient_id,payer,service_date,kind,mode,credential,billing_npi"]
    for number, day in enumerate(days):
        staff = "RN" if mixed and number % 2 else "CHW"
        on = f"{2025 if day.startswith('12') else 2026}-{day}"
        rows.append(f"{number},M1,Medi-Cal,{on},ecm-outreach,phone,{staff},1999999984")
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n")
    rules = [] if setting == "shipped" else [OVERLAYS / setting]
    out = tmp_path / "out"
    request = Request(
        [str(tmp_path / "a.csv")], date(2026, 11, 2), out=out, formats=["csv"], rules=rules
    )
    run(request)
    with (out / "activities.csv").open(newline="") as file:
        told = sorted(csv.DictReader(file), key=lambda row: row["activity_id"])
    letter = {"counted": "b", "left-out": "x", "held": "h"}
    assert "".join(letter[row["outcome"]] for row in told) == SEQUENCES[setting, days]
    with (out / "claims.csv").open(newline="") as file:
        units = sum(int(line["units"]) for line in csv.DictReader(file))
    assert units == SEQUENCES[setting, days].count("b")
