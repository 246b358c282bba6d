"""Other plans' ways of paying, each written as an overlay with its own cases and no code."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccbill.rules.examples import billed, failures
from ccbill.rules.load import plans

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
