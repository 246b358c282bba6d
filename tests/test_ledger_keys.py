"""What of a line can stand in the ledger once only."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ccbill.ledger.record import Entry, keys
from ccbill.ledger.settle import Terms
from ccbill.ledger.store import opened

RULE = "plan/service"
TERMS = Terms({RULE: "month"}, frozenset())
LINE = {
    "status": "new",
    "rule": RULE,
    "month": "2026-09",
    "service_from": 20_700,
    "plan": "plan",
    "patient_id": "007",
    "billing_npi": "1999999984",
    "code": "99487",
    **{f"modifier_{n}": None for n in range(1, 5)},
}


def of(tmp_path: Path, *lines: dict[str, object], stand: list[bytes] | None = None) -> list[bytes]:
    table = pd.DataFrame([LINE | line for line in lines], index=range(10, 10 + len(lines)))
    submitted = pd.DataFrame({"key": stand or []})
    entry = Entry("run", "", "", "", {}, table, submitted, pd.DataFrame())
    with opened(tmp_path / "ledger.sqlite", 1.0, make=True) as ledger:
        found: list[bytes] = keys(ledger, entry, TERMS).tolist()
    return found


def test_a_line_has_one_key_wherever_it_stands_and_a_void_has_none(tmp_path: Path) -> None:
    other, void = {"code": "99489"}, {"status": "void"}
    [first] = of(tmp_path, {})
    second, nothing, again = of(tmp_path, other, void, {})
    assert nothing is None
    assert again == first != second
    assert of(tmp_path, void) == [None]
    assert of(tmp_path, {"service_from": 20_701}) == [first]  # within the same month
    assert of(tmp_path, {"month": "2026-10"}) != [first]


def test_equal_lines_are_told_apart_by_how_many_stand_before_them(tmp_path: Path) -> None:
    first, second, third = of(tmp_path, {}, {}, {})
    assert len({first, second, third}) == 3
    assert of(tmp_path, {}, {"code": "99489"}, {})[::2] == [first, second]
    assert of(tmp_path, {}, stand=[first]) == [second]
    assert of(tmp_path, {}, {}, stand=[first]) == [second, third]
    assert of(tmp_path, {}, {}, stand=[second]) == [first, third]
    assert of(tmp_path, {}, stand=[first, second]) == [third]
