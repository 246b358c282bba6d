"""An invented run's tables for the report tests, and what they are as typed Arrow columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ccbill.report import delivery, tables
from ccbill.report.tables import Report
from ccbill.report.typed import sliced, typed
from ccbill.tables import UNKNOWN

NUMBERS = {tables.DAY: np.int32, tables.NUMBER: np.int64, tables.CENTS: np.int64}


def day(text: str) -> int:
    """Days since 1970-01-01."""
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def table_of(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A table with these columns, blank where a row does not say; extra columns are text."""
    extra = [name for row in rows for name in row if name not in columns]
    kinds = {**columns, **dict.fromkeys(extra, tables.TEXT)}
    data: dict[str, Any] = {}
    for name, kind in kinds.items():
        values = [row.get(name) for row in rows]
        if kind == tables.TEXT:
            data[name] = pd.Categorical(pd.Series(values, dtype="str"))
        else:
            data[name] = np.array([UNKNOWN if v is None else v for v in values], NUMBERS[kind])
    return pd.DataFrame(data)


def claim(**cells: Any) -> dict[str, Any]:
    """A claim line of an invented patient, with these cells changed."""
    line = {
        "claim_id": "c-1f00a2",
        "line": 1,
        "status": "new",
        "frequency_code": "1",
        "plan": "bcbsm-pdcm",
        "payer": "BCBS of Michigan",
        "payer_id": "00710",
        "patient_id": "000123",
        "member_id": "00900100",
        "last_name": "Sample",
        "first_name": "Pat",
        "birth_date": day("1950-02-03"),
        "address": "1 Test Street",
        "city": "Lansing",
        "state": "MI",
        "zip": "01234",
        "service_from": day("2026-03-17"),
        "service_to": day("2026-03-17"),
        "place_of_service": "11",
        "code": "99487",
        "diagnosis_1": "E11.9",
        "diagnosis_pointer": "1",
        "units": 1,
        "charge": 12_550,
        "expected_payment": 9_405,
        "rendering_npi": "1999999984",
        "billing_npi": "1999999992",
        "billing_tin": "001234567",
        "month": "2026-03",
        "minutes": 31,
        "activities": 3,
        "rule": "bcbsm-pdcm/care-coordination.2013-04-01",
        "rule_standing": "published",
    }
    return line | cells


def exception(**cells: Any) -> dict[str, Any]:
    """A held row, with these cells changed."""
    held = {
        "severity": "hold",
        "problem": "credential-missing",
        "plan": "bcbsm-pdcm",
        "practice": "1999999992",
        "patient_id": "000123",
        "staff_id": "007",
        "month": "2026-03",
        "service_date": day("2026-03-18"),
        "code": "G9002",
        "what": "The credential of the person who did this work is blank.",
        "why": "The plan pays for a licensed care manager, and the row does not say who it was.",
        "fix": "fill in the credential column, or name the person in the staff file",
        "amount": 6_000,
        "file": "march.csv",
        "row": 12_408,
        "rows": 1,
        "activity_id": "a-77",
    }
    return held | cells


@dataclass(frozen=True)
class Billed:
    """A run that is decided, and whose report is made already."""

    made: Report

    @property
    def tables(self) -> dict[str, Any]:
        return {"activities": self.made.activities, "claims": self.made.claims}

    def report(self) -> Report:
        return self.made


def deliver(report: Report, out: Path, formats: Sequence[str]) -> list[Path]:
    return delivery.deliver(Billed(report), out, formats)[1]


def report_of(**changed: Any) -> Report:
    """A small run in every table, with these parts changed."""
    activity = {
        "activity_id": "a-1",
        "file": "march.csv",
        "row": 2,
        "patient_id": "000123",
        "plan": "bcbsm-pdcm",
        "month": "2026-03",
        "service_date": day("2026-03-17"),
        "kind": "care-coordination",
        "minutes": "10.33",
        "outcome": "counted",
    }
    balance = {"plan": "bcbsm-pdcm", "month": "2026-03"}
    rows = {"rows_read": 12_408, "rows_counted": 11_020, "rows_left_out": 1_354, "rows_held": 34}
    near = {"plan": "priority-health", "patient_id": "000124", "month": "2026-03", "code": "99487"}
    minutes = {"have_minutes": 31, "need_minutes": 60, "short_minutes": 29, "amount": 12_550}
    total = {"plan": "bcbsm-pdcm", "code": "99487", "month": "2026-03", "patients": 1, "lines": 1}
    money = {"units": 1, "charge": 12_550, "expected_payment": 9_405}
    unreadable = {"file": "march.csv", "row": 9, "problem": "date-not-read", "Pt ID": "000125"}
    parts: dict[str, Any] = {
        "claims": table_of(tables.CLAIMS, [claim()]),
        "encounters": table_of(tables.CLAIMS, []),
        "submitted": table_of(tables.CLAIMS, [claim(claim_id="c-0e11", month="2026-02")]),
        "summary": table_of(tables.SUMMARY, [total | money]),
        "rules_used": table_of(tables.RULES_USED, [{"plan": "bcbsm-pdcm", "rule": "contact"}]),
        "run": table_of(tables.RUN, [{"what": "version", "value": "0.1"}]),
        "exceptions": table_of(tables.EXCEPTIONS, [exception()]),
        "near_misses": table_of(tables.NEAR_MISSES, [near | minutes]),
        "unreadable_rows": table_of(tables.UNREADABLE_ROWS, [unreadable | {"Notes": "called"}]),
        "balance": table_of(tables.BALANCE, [balance | rows]),
        "activities": sliced(table_of(tables.ACTIVITIES, [activity]), tables.ACTIVITIES),
        "notes": table_of(tables.NOTES, [{"problem": "rows-skipped", "where": "march.csv"}]),
        "record": {"schema_version": 1, "created": "2026-04-02T08:00:00-04:00"},
    }
    return Report(**(parts | changed))


def trace_of(report: Report) -> pd.DataFrame:
    """The trace, all rows of it."""
    table: pd.DataFrame = report.activities.whole().to_pandas()
    return table


def empty_report() -> Report:
    """A run that read nothing: every table has its heading and no row."""
    like_claims = dict.fromkeys(("encounters", "submitted"), tables.CLAIMS)
    own = {name: getattr(tables, name.upper(), {}) for name in Report.__dataclass_fields__}
    parts: dict[str, Any] = {n: table_of(kinds, []) for n, kinds in (own | like_claims).items()}
    parts["activities"] = sliced(parts["activities"], tables.ACTIVITIES)
    return Report(**(parts | {"record": {}}))


KINDS = {"text": tables.TEXT, "day": tables.DAY, "number": tables.NUMBER, "money": tables.CENTS}


@pytest.mark.parametrize("cents", [0, 1, -5, -150, 1250, 99, 10**15, -(10**15)])
def test_money_is_exact_to_the_cent(cents: int) -> None:
    table = table_of(KINDS, [{"money": cents}])
    assert typed(table, KINDS).column("money").to_pylist() == [Decimal(cents).scaleb(-2)]


def test_unknown_is_null_in_every_type() -> None:
    table = table_of(KINDS, [{}, {"text": "a", "day": 0, "number": 0, "money": 0}])
    rows = typed(table, KINDS).to_pylist()
    assert rows[0] == dict.fromkeys(KINDS)
    assert rows[1] == {"text": "a", "day": date(1970, 1, 1), "number": 0, "money": Decimal("0.00")}


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(["a", None, "b"], dtype="str"),
        pd.Series(["a", None, "b"], dtype="object"),
        pd.Series(["a", None, "b"], dtype="category"),
        pd.Series(pd.Categorical(["a", None, "b"], categories=[*"zyxwvuba"])),
    ],
    ids=["str", "object", "category", "mostly unused categories"],
)
def test_text_comes_in_any_text_type(values: pd.Series[Any]) -> None:
    assert typed(pd.DataFrame({"t": values}), {"t": tables.TEXT})["t"].to_pylist() == [
        "a",
        None,
        "b",
    ]


def test_a_table_made_without_rows_still_has_its_types() -> None:
    empty = typed(pd.DataFrame(columns=list(KINDS)), KINDS)
    assert empty.schema.types == [
        pa.large_string(),
        pa.date32(),
        pa.int64(),
        pa.decimal128(18, 2),
    ]


def test_a_table_with_other_columns_is_a_fault() -> None:
    with pytest.raises(AssertionError):
        typed(pd.DataFrame({"b": [], "a": []}), {"a": tables.TEXT, "b": tables.TEXT})
