"""A patient who changes payer in a month is two cases, each with its own time."""

from __future__ import annotations

import csv
from pathlib import Path

from command import ccbill

ACTIVITIES = """\
activity_id,patient_id,payer,service_date,minutes,kind,mode,credential,billing_npi
1,P1,,2026-10-05,31,care-coordination,phone,RN,1999999984
2,P1,,2026-10-15,29,care-coordination,phone,RN,1999999984
3,P1,,2026-10-16,31,care-coordination,phone,RN,1999999984
4,P1,BCBSM,2026-10-20,29,care-coordination,phone,RN,1999999984
"""
PATIENTS = """\
patient_id,payer,member_id,from,to
P1,BCBSM,OLD0001,2026-01-01,2026-10-15
P1,Priority Health,NEW0002,2026-10-16,
"""


def test_each_payer_has_its_own_time_member_id_and_claim(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(ACTIVITIES)
    (tmp_path / "p.csv").write_text(PATIENTS)
    done = ccbill(
        *("run", "a.csv", "--patients", "p.csv", "--format", "csv", "--no-ledger"),
        *("--today", "2026-11-02"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    with (tmp_path / "ccbill-out" / "claims.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    told = [(x["plan"], x["member_id"], x["code"], x["units"], x["minutes"]) for x in lines]
    assert told == [
        ("bcbsm-pdcm", "OLD0001", "99487", "1", "60"),
        ("priority-health", "NEW0002", "99487", "1", "60"),
    ]
    assert len({x["claim_id"] for x in lines}) == 2
    with (tmp_path / "ccbill-out" / "exceptions.csv").open(newline="") as file:
        noted = [x["problem"] for x in csv.DictReader(file)]
    assert "payer-differs" in noted  # the last row still says the earlier payer
