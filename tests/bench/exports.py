"""Exports to time: time codes of three Michigan plans, and outreach to enhanced care management."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

ACTIVITIES_A_PATIENT = 24  # about eight a month
PATIENTS_A_MANAGER = 60  # so that each logs about 16 activities a day
DAYS = 92  # August to October
OPENS, CLOSES = 8 * 60, 17 * 60  # minutes of the day
PAYERS = ["BCBSM", "Priority Health", "Medicaid HMO", "Medi-Cal ECM"]
SHARES = [5, 2, 2, 1]
KINDS = ["care-coordination", "documentation", "chart-prep"]


def activities(rows: int, seed: int = 1) -> pa.Table:
    """August to October 2026, as text, in no order."""
    chance = np.random.default_rng(seed)
    patient = chance.integers(0, max(rows // ACTIVITIES_A_PATIENT, 1), rows)
    payer = np.repeat(np.arange(len(PAYERS)), SHARES)[patient % sum(SHARES)]
    day = chance.integers(0, DAYS, rows)
    staff = patient // PATIENTS_A_MANAGER
    start = _in_turn(staff * DAYS + day) + chance.integers(0, 20, rows)
    kind = np.array(KINDS)[chance.choice(len(KINDS), rows, p=[0.7, 0.15, 0.15])]

    def pick(words: list[str], odds: list[float] | None = None) -> pa.Array:
        return pa.array(np.array(words)[chance.choice(len(words), rows, p=odds)])

    hours = np.char.add(np.char.zfill((start // 60).astype(str), 2), ":")
    return pa.table(
        {
            "activity_id": pa.array(np.char.add("A", np.arange(rows).astype(str))),
            "patient_id": pa.array(np.char.add("P", np.char.zfill(patient.astype(str), 7))),
            "payer": pa.array(np.array(PAYERS)[payer]),
            "service_date": pa.array((np.datetime64("2026-08-01") + day).astype(str)),
            "start_time": pa.array(np.char.add(hours, np.char.zfill((start % 60).astype(str), 2))),
            "minutes": pa.array(chance.integers(2, 25, rows).astype(str)),
            "kind": pa.array(np.where(payer == len(PAYERS) - 1, "ecm-outreach", kind)),
            "mode": pick(["phone", "in-person", "video", "portal"], [0.6, 0.2, 0.1, 0.1]),
            "staff_id": pa.array(np.char.add("S", staff.astype(str))),
            "credential": pick(["RN", "LMSW", "MA", "CHW", "NP", "MD"]),
            "outcome": pick(["reached", "not-reached"]),
            "billing_npi": pick(["1999999984"]),
            "rendering_npi": pick(["1888888883", ""]),
            "place_of_service": pick(["11"]),
        }
    )


def _in_turn(whose: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """When each activity of a manager's day may begin, in minutes: they are spread over it."""
    order = np.argsort(whose, kind="stable")
    count = np.bincount(whose)
    before = np.cumsum(count) - count
    place = np.empty(len(whose), np.int64)
    place[order] = np.arange(len(whose)) - before[whose[order]]
    return OPENS + place * (CLOSES - OPENS) // count[whose]


def export(path: Path, rows: int, seed: int = 1) -> None:
    """Write them as CSV."""
    csv.write_csv(activities(rows, seed), path)
