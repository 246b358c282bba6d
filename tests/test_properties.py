"""What is true of any log: its order and its files do not matter, more work never bills less."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_report_tables import trace_of

from ccbill.report.tables import Report
from ccbill.rules.examples import billed
from ccbill.rules.load import shipped
from ccbill.run import Request, run

PLANS = {plan.name: plan for plan in shipped()}
MICHIGAN = ["bcbsm-pdcm", "priority-health", "mi-medicaid-hmo"]

KINDS = """
care-coordination care-management-contact portal-message team-conference comprehensive-assessment
group-education post-discharge-call email advance-care-planning care-plan-oversight
program-discussion
"""

# The same cases on every machine, but for `make sweep`, which goes on looking for others.
usual = settings(
    deadline=None,
    derandomize=not os.environ.get("CCBILL_SWEEP"),
    suppress_health_check=[HealthCheck.too_slow],
)
quick = settings(usual, max_examples=50)
whole_runs = settings(usual, max_examples=5)

Work = dict[str, str]

work = st.fixed_dictionaries(
    {
        "minutes": st.integers(1, 90).map(str),
        "kind": st.sampled_from(KINDS.split()),
        "mode": st.sampled_from(["phone", "in-person", "video", "portal", "none"]),
        "credential": st.sampled_from(["RN", "LMSW", "MA", "CHW", "NP", "MD"]),
        "service_date": st.integers(1, 28).map(lambda day: f"2026-03-{day:02}"),
        "group_size": st.integers(1, 9).map(str),
        "outcome": st.sampled_from(["declined", "enrolled", "reached"]),
        "scope_of_service": st.just("yes"),
    }
)


def in_turn(did: Sequence[Work]) -> list[Work]:
    """The same work, each begun at a second of its own, so that no two are tied."""
    return [one | {"start": str(second)} for second, one in enumerate(did)]


@quick
@given(
    plan=st.sampled_from(MICHIGAN),
    did=st.lists(work, min_size=1, max_size=8).map(in_turn),
    data=st.data(),
)
def test_the_order_of_rows_does_not_matter(plan: str, did: list[Work], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(did))
    assert billed(PLANS[plan], shuffled) == billed(PLANS[plan], did)


TIMED: dict[str, tuple[str, Work]] = {
    "a month's coordination": ("99487 99489", {"kind": "care-coordination"}),
    "a day's contact": ("G9002", {"kind": "care-management-contact", "mode": "in-person"}),
    "a small group's visit": ("98961", {"kind": "group-education", "group_size": "3"}),
    "a group's visit": ("98962", {"kind": "group-education", "group_size": "7"}),
}


@pytest.mark.parametrize("name", TIMED)
@quick
@given(
    plan=st.sampled_from(MICHIGAN),
    minutes=st.lists(st.integers(1, 90), min_size=1, max_size=5),
    data=st.data(),
)
def test_more_minutes_never_bill_less(
    name: str, plan: str, minutes: list[int], data: st.DataObject
) -> None:
    codes, fixed = TIMED[name]
    nurse = {"credential": "RN", "mode": "phone", "service_date": "2026-03-10"}
    longer = data.draw(st.integers(0, len(minutes) - 1))
    more = data.draw(st.integers(1, 60))
    before = [nurse | fixed | {"minutes": str(m)} for m in minutes]
    minutes[longer] += more
    after = [nurse | fixed | {"minutes": str(m)} for m in minutes]
    earlier, later = billed(PLANS[plan], before), billed(PLANS[plan], after)
    for code in codes.split():
        assert earlier.get(code, 0) <= later.get(code, 0)


@quick
@given(plan=st.sampled_from(MICHIGAN), did=st.lists(work, min_size=1, max_size=8).map(in_turn))
def test_an_add_on_stands_beside_its_base(plan: str, did: list[Work]) -> None:
    units = billed(PLANS[plan], did)
    assert "99489" not in units or units.get("99487") == 1


@quick
@given(plan=st.sampled_from(MICHIGAN), did=st.lists(work, min_size=1, max_size=6).map(in_turn))
def test_administrative_work_changes_nothing(plan: str, did: list[Work]) -> None:
    more = [one | {"kind": "chart-prep"} for one in did]
    assert billed(PLANS[plan], [*did, *more]) == billed(PLANS[plan], did)


# Whole runs, from files as they come: with blanks, words that nobody knows, and damage

COLUMNS = (
    *("activity_id", "patient_id", "payer", "service_date", "minutes", "kind", "mode"),
    *("credential", "group_size", "outcome"),
)

rows = st.lists(
    st.fixed_dictionaries(
        {
            "patient_id": st.sampled_from(["0001", "0002", "0003", ""]),
            "payer": st.sampled_from(["BCBSM", "Priority Health", "Medicaid HMO", "Aetna", ""]),
            "service_date": st.sampled_from(
                ["2026-03-02", "2026-03-31", "2026-04-01", "4/2/2026", "2026-02-30", ""]
            ),
            "minutes": st.sampled_from(["5", "12", "31", "46", "76.5", "0:30", "0", "soon", ""]),
            "kind": st.sampled_from([*KINDS.split(), "med rec", ""]),
            "mode": st.sampled_from(["phone", "in-person", "video", "fax", ""]),
            "credential": st.sampled_from(["RN", "MA", "MD", "float", ""]),
            "group_size": st.sampled_from(["3", "7", "12", ""]),
            "outcome": st.sampled_from(["reached", "declined", ""]),
        }
    ),
    min_size=4,
    max_size=40,
).map(lambda each: [row | {"activity_id": f"A{n:03}"} for n, row in enumerate(each)])


def report(*files: list[Work]) -> Report:
    """What a run makes of these rows, in as many files."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, content in enumerate(files):
            paths.append(Path(folder) / f"log{number}.csv")
            with paths[-1].open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows(content)
        (Path(folder) / "ccbill.toml").touch()
        request = Request(
            [str(path) for path in paths],
            date(2026, 11, 2),
            out=Path(folder) / "out",
            config=Path(folder) / "ccbill.toml",
            dry_run=True,
        )
        made, written = run(request)
        assert written == []
        return made


def same(one: pd.DataFrame, other: pd.DataFrame, key: str) -> bool:
    """Whether two tables say the same, whatever the order of their rows and the files' names."""

    def plain(table: pd.DataFrame) -> pd.DataFrame:
        text = table.drop(columns=["file", "row"], errors="ignore").astype(object).astype(str)
        return text.sort_values([key, *text.columns], ignore_index=True)

    return plain(one).equals(plain(other))


@whole_runs
@given(log=rows, data=st.data())
def test_neither_the_order_nor_the_files_of_an_export_matter(
    log: list[Work], data: st.DataObject
) -> None:
    whole = report(log)
    mixed = data.draw(st.permutations(log))
    cut = data.draw(st.integers(1, len(log) - 1))
    for again in (report(mixed), report(mixed[:cut], mixed[cut:])):
        assert same(whole.claims, again.claims, "claim_id")
        assert same(trace_of(whole), trace_of(again), "activity_id")
        assert same(whole.near_misses, again.near_misses, "patient_id")
        assert same(whole.balance, again.balance, "month")


@whole_runs
@given(log=rows)
def test_rows_and_seconds_balance(log: list[Work]) -> None:
    made = report(log)
    for unit in ("rows", "seconds"):
        parts = (made.balance[f"{unit}_{part}"] for part in ("counted", "left_out", "held"))
        assert (sum(parts) == made.balance[f"{unit}_read"]).all()
    assert made.balance["rows_read"].sum() == len(log) == len(made.activities)
    assert made.record["counts"]["rows_read"] == len(log)
    trace = trace_of(made)
    counted = trace[trace["outcome"] == "counted"]
    assert counted["rule"].notna().all()
    assert set(made.claims["claim_id"]) == set(counted["claim_id"].dropna())
    held = made.exceptions.loc[made.exceptions["severity"] == "hold", "rows"]
    assert held.sum() == (trace["outcome"] == "held").sum()
