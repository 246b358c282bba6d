"""The next unit is one that the work can earn: by its own clock, beside its own base code."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import pytest
from test_explain import write

from ccbill.rules.examples import activity
from ccbill.run import Request, run

Near = tuple[str, int, int] | None  # code, minutes had, minutes needed
CCM = {
    "15 care-coordination RN phone": ("99490", 15, 20),
    "30 care-coordination RN phone": ("99439", 30, 40),
    "50 care-coordination RN phone": ("99439", 50, 60),
    "70 care-coordination RN phone": None,  # 99489 is beside 99487 only
    "50 care-coordination RN phone mdm=high": ("99487", 50, 60),
    "60 care-coordination RN phone mdm=high": None,  # 30 minutes from the next
    "80 care-coordination RN phone mdm=high": ("99489", 80, 90),
    "15 care-coordination MD phone": ("99490", 15, 20),
    "29 care-coordination MD phone": ("99439", 29, 40),  # staff's time, until it is 30
    "45 care-coordination MD phone": ("99437", 45, 60),
    "59 care-coordination MD phone": ("99437", 59, 60),
    "60 care-coordination MD phone": None,  # and so here
}


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Near]]:
    """What one run says of each, who is a patient of that name."""
    home = tmp_path_factory.mktemp("near")
    about = {
        "payer": "Medicare",
        "billing_npi": "1999999984",
        "service_date": "2026-09-03",
        "consent_date": "2026-01-05",
        "care_plan_date": "2026-01-05",
        "diagnosis_codes": "I10;E11.9",
    }
    path = write([{"patient_id": did} | about | activity(did) for did in CCM], home / "log.csv")
    report, _ = run(Request([str(path)], date(2026, 11, 2), out=home, dry_run=True))
    names = ("patient_id", "code", "have_minutes", "need_minutes")
    found: dict[str, list[Near]] = defaultdict(list)
    for did, *told in zip(*(report.near_misses[name] for name in names), strict=True):
        found[did].append((told[0], told[1], told[2]))
    return found


@pytest.mark.parametrize("did", CCM)
def test_chronic_care_management(did: str, near: dict[str, list[Near]]) -> None:
    assert near.get(did, []) == ([CCM[did]] if CCM[did] else [])
