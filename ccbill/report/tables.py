"""The tables that a run writes: their columns in order, and what each column holds.

A text column is a categorical or `str`, blank where missing. A `day` is int32 days since
1970-01-01, `number` and `cents` are integers; `UNKNOWN` is written as a blank. Cents are written
as money with two decimals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

if TYPE_CHECKING:
    from ccbill.report.typed import Sliced

TEXT, DAY, NUMBER, CENTS = "text", "day", "number", "cents"

_DIAGNOSES = {f"diagnosis_{n}": TEXT for n in range(1, 13)}

CLAIMS = {
    "claim_id": TEXT,
    "line": NUMBER,
    "status": TEXT,
    "frequency_code": TEXT,
    "original_claim_number": TEXT,
    "plan": TEXT,
    "payer": TEXT,
    "payer_id": TEXT,
    "patient_id": TEXT,
    "member_id": TEXT,
    "last_name": TEXT,
    "first_name": TEXT,
    "birth_date": DAY,
    "sex": TEXT,
    "address": TEXT,
    "city": TEXT,
    "state": TEXT,
    "zip": TEXT,
    "relationship": TEXT,
    "group_number": TEXT,
    "authorization_number": TEXT,
    "service_from": DAY,
    "service_to": DAY,
    "place_of_service": TEXT,
    "code": TEXT,
    "modifier_1": TEXT,
    "modifier_2": TEXT,
    "modifier_3": TEXT,
    "modifier_4": TEXT,
    **_DIAGNOSES,
    "diagnosis_pointer": TEXT,
    "units": NUMBER,
    "charge": CENTS,
    "expected_payment": CENTS,
    "rendering_npi": TEXT,
    "rendering_taxonomy": TEXT,
    "billing_npi": TEXT,
    "billing_tin": TEXT,
    "billing_taxonomy": TEXT,
    "month": TEXT,
    "minutes": NUMBER,
    "activities": NUMBER,
    "rule": TEXT,
    "rule_standing": TEXT,
    "missing": TEXT,
    "notes": TEXT,
    "why": TEXT,  # what earned the line, in a sentence
}

EXCEPTIONS = {
    "severity": TEXT,
    "problem": TEXT,
    "plan": TEXT,
    "payer": TEXT,
    "practice": TEXT,
    "patient_id": TEXT,
    "staff_id": TEXT,
    "month": TEXT,
    "service_date": DAY,
    "claim_id": TEXT,
    "code": TEXT,
    "what": TEXT,
    "why": TEXT,
    "fix": TEXT,
    "amount": CENTS,
    "file_by": DAY,
    "file": TEXT,
    "row": NUMBER,
    "rows": NUMBER,
    "activity_id": TEXT,
    "rule": TEXT,
    "cite": TEXT,
    "first_seen_run": NUMBER,
    "status": TEXT,  # this and the next two are the reader's, and the next run's again
    "assigned_to": TEXT,
    "note": TEXT,
    "exception_id": TEXT,  # of the same thing to fix in every run
}

OPEN = "open"
STATUSES = (OPEN, "in progress", "waiting", "done", "won't fix")
BOOK_SHA256 = "exceptions_sha256"  # in run.json, of the workbook as it was written

# Exceptions by problem.
TO_DO = {
    "severity": TEXT,
    "problem": TEXT,
    "exceptions": NUMBER,
    "to_do": NUMBER,  # of them, neither done nor given up
    "rows": NUMBER,
    "amount": CENTS,
    "oldest": DAY,
    "file_by": DAY,  # the first
    "fix": TEXT,
}

NEAR_MISSES = {
    "plan": TEXT,
    "patient_id": TEXT,
    "practice": TEXT,
    "month": TEXT,
    "code": TEXT,
    "have_minutes": NUMBER,
    "need_minutes": NUMBER,
    "short_minutes": NUMBER,
    "amount": CENTS,
}

# The row's own cells follow, under the headings of its file.
UNREADABLE_ROWS = {"file": TEXT, "row": NUMBER, "problem": TEXT}

BALANCE = {
    "plan": TEXT,
    "month": TEXT,
    "rows_read": NUMBER,
    "rows_counted": NUMBER,
    "rows_left_out": NUMBER,
    "rows_held": NUMBER,
    "seconds_read": NUMBER,
    "seconds_counted": NUMBER,
    "seconds_left_out": NUMBER,
    "seconds_held": NUMBER,
}

ACTIVITIES = {
    "activity_id": TEXT,
    "file": TEXT,
    "row": NUMBER,
    "patient_id": TEXT,
    "plan": TEXT,
    "practice": TEXT,
    "month": TEXT,
    "service_date": DAY,
    "kind": TEXT,
    "mode": TEXT,
    "credential": TEXT,
    "minutes": TEXT,  # to the second, as decimal minutes: 10.33
    "outcome": TEXT,
    "code": TEXT,
    "claim_id": TEXT,
    "problem": TEXT,
    "rule": TEXT,
    "cite": TEXT,
}

SUMMARY = {
    "plan": TEXT,
    "code": TEXT,
    "month": TEXT,
    "patients": NUMBER,
    "lines": NUMBER,
    "units": NUMBER,
    "charge": CENTS,
    "expected_payment": CENTS,
    "units_change": NUMBER,  # all that stands for the month, less all for the month before
    "charge_change": CENTS,
}

RULES_USED = {
    "plan": TEXT,
    "rule": TEXT,
    "in_force_from": TEXT,
    "code": TEXT,
    "says": TEXT,
    "standing": TEXT,
    "cite": TEXT,
    "source": TEXT,
    "url": TEXT,
    "checked": TEXT,
    "changed_by": TEXT,  # of an overlay: its author and date
    "because": TEXT,
}

RUN = {"what": TEXT, "value": TEXT}

NOTES = {"problem": TEXT, "where": TEXT, "what": TEXT, "fix": TEXT, "rows": NUMBER}

# What stands for a month after the run: billed in earlier runs, and new or changed in this one.
MONTHS = {
    "month": TEXT,
    "lines_before": NUMBER,
    "units_before": NUMBER,
    "charge_before": CENTS,
    "expected_before": CENTS,
    "lines": NUMBER,
    "units": NUMBER,
    "charge": CENTS,
    "expected": CENTS,
}

# Cases with counted time, in steps of a quarter of an hour to either side of the first unit.
LENGTHS = {
    "plan": TEXT,
    "service": TEXT,
    "code": TEXT,  # of the first unit
    "first_unit_at": NUMBER,  # minutes
    "from_minutes": NUMBER,
    "to_minutes": NUMBER,  # UNKNOWN: and more
    "cases": NUMBER,
}

# Every member of staff whom the log names.
STAFF = {
    "staff_id": TEXT,
    "rows": NUMBER,
    "without_credential": NUMBER,  # rows
    "trained": TEXT,  # yes, no; blank where no input has a training date
    "held_rows": NUMBER,  # for a credential, training or a scope of service
    "held_amount": CENTS,
}

PANEL = {"plan": TEXT, "patients": NUMBER, "with_work": NUMBER, "billed": NUMBER}

DOCUMENTED = {"field": TEXT, "rows": NUMBER, "given": NUMBER}  # of counted rows


@dataclass(frozen=True, slots=True)
class Review:
    """What a month-end report says besides the tables that every run writes."""

    practice: str  # '' where ccbill.toml gives none
    with_patients: bool
    from_ledger: bool  # the months have what earlier runs billed
    months: pd.DataFrame
    lengths: pd.DataFrame
    staff: pd.DataFrame
    panel: pd.DataFrame | None  # None where no patients file was given
    documented: pd.DataFrame


class Billed(Protocol):
    """A run that is decided: tables that there are already, by their names in its report, and the
    report, which is made when it is asked for."""

    @property
    def tables(self) -> Mapping[str, Any]: ...
    def report(self) -> Report: ...


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a run says. Each table has the columns above, in that order."""

    claims: pd.DataFrame
    encounters: pd.DataFrame  # CLAIMS
    submitted: pd.DataFrame  # CLAIMS, billed before and unchanged
    summary: pd.DataFrame
    rules_used: pd.DataFrame
    run: pd.DataFrame
    exceptions: pd.DataFrame
    near_misses: pd.DataFrame
    unreadable_rows: pd.DataFrame
    balance: pd.DataFrame
    activities: Sliced
    notes: pd.DataFrame
    record: dict[str, Any]  # run.json
    beside: Sequence[str] = ()  # formats that are written besides those asked for
    review: Review | None = None  # of a run that writes a month-end report
