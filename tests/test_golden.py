"""The sample practice, billed by the real command line and compared file by file.

`CCBILL_REGENERATE=1 pytest tests/test_golden.py` rewrites `sample_data/expected`. It refuses where
that folder has changes that are not committed, so that `git diff` shows what a change did.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from command import ccbill

SAMPLE = Path(__file__).parents[1] / "sample_data"
EXPECTED = SAMPLE / "expected"
REGENERATE = bool(os.environ.get("CCBILL_REGENERATE"))
FILES = (
    "activities.csv",
    "balance.csv",
    "claims.csv",
    "encounters.csv",
    "exceptions.csv",
    "near_misses.csv",
    "submitted.csv",
    "unreadable_rows.csv",
    "run.json",
)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make run` makes, as CSV."""
    folder = tmp_path_factory.mktemp("golden")
    bill(folder / "out", "--format", "csv")
    if REGENERATE:
        regenerate(folder / "out")
    return folder / "out"


def bill(out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = ccbill(
        *("run", "activities.csv", "encounters.csv", "--config", "ccbill.toml"),
        *("--patients", "patients.csv", "--staff", "staff.csv", "--fees", "fees.csv"),
        *("--no-ledger", "--today", "2026-11-02", "--out", str(out), *arguments),
        cwd=SAMPLE,
        COLUMNS="80",
    )
    assert done.returncode == 0, done.stderr
    return done


def regenerate(made: Path) -> None:
    """Replaces the expected files, unless that would lose what only the working tree has."""
    status = ["git", "status", "--porcelain", "--", str(EXPECTED)]
    changed = subprocess.run(status, cwd=SAMPLE, capture_output=True, text=True, check=True).stdout
    if changed:
        pytest.exit(f"not rewritten, since these changes are not committed:\n{changed}", 2)
    EXPECTED.mkdir(exist_ok=True)
    for name in FILES:
        if name.endswith(".json"):
            text = json.dumps(lasting(made / name), indent=2, ensure_ascii=False)
            (EXPECTED / name).write_text(f"{text}\n", encoding="utf-8")
        else:
            shutil.copyfile(made / name, EXPECTED / name)
            (EXPECTED / name).chmod(0o644)


def lasting(path: Path) -> Any:
    """run.json without what changes with every edit of a rule, and with versions."""

    def kept(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: kept(v) for k, v in value.items() if k not in ("sha256", "ccbill", "python")}
        return [kept(each) for each in value] if isinstance(value, list) else value

    record = kept(json.loads(path.read_text(encoding="utf-8")))
    return record | {"rules": sorted(record["rules"])}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", FILES)
def test_the_sample_practice_bills_as_expected(out: Path, name: str) -> None:
    if name.endswith(".json"):
        assert lasting(out / name) == lasting(EXPECTED / name)
    else:
        made = (out / name).read_text(encoding="utf-8").splitlines()
        assert made == (EXPECTED / name).read_text(encoding="utf-8").splitlines()


def test_nothing_else_is_written(out: Path) -> None:
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)


def test_the_sample_shows_every_outcome_and_every_standing() -> None:
    trace, claims = rows(EXPECTED / "activities.csv"), rows(EXPECTED / "claims.csv")
    assert {row["outcome"] for row in trace} == {"counted", "left-out", "held"}
    assert {row["rule_standing"] for row in claims} == {"published", "read", "assumed"}


def test_each_row_is_traced_once_and_the_balance_agrees() -> None:
    trace, balance = rows(EXPECTED / "activities.csv"), rows(EXPECTED / "balance.csv")
    exports = sum(len(rows(SAMPLE / name)) for name in ("activities.csv", "encounters.csv"))
    assert len({(row["file"], row["row"]) for row in trace}) == len(trace) == exports
    outcomes = Counter(row["outcome"] for row in trace)
    for outcome, column in (
        ("counted", "rows_counted"),
        ("left-out", "rows_left_out"),
        ("held", "rows_held"),
    ):
        assert outcomes[outcome] == sum(int(row[column]) for row in balance)


def test_each_row_that_a_plan_decided_names_its_rule() -> None:
    for row in rows(EXPECTED / "activities.csv"):
        assert row["rule"] or row["outcome"] == "held" or row["problem"] == "duplicate-row", row


def test_each_row_on_a_claim_is_on_one_that_exists() -> None:
    claims = {(row["claim_id"], row["code"]) for row in rows(EXPECTED / "claims.csv")}
    traced = {(row["claim_id"], row["code"]) for row in rows(EXPECTED / "activities.csv")}
    assert traced - {("", "")} <= claims


def test_held_rows_and_things_to_fix_agree() -> None:
    held = Counter(
        r["problem"] for r in rows(EXPECTED / "activities.csv") if r["outcome"] == "held"
    )
    fixes: Counter[str] = Counter()
    for row in rows(EXPECTED / "exceptions.csv"):
        fixes[row["problem"]] += int(row["rows"]) if row["severity"] == "hold" else 0
    assert +fixes == held


def test_the_trainers_scenario_is_in_the_sample() -> None:
    """11 + 10 + 10 minutes: 99487 once for one payer, 29 minutes short for the other."""
    claims = rows(EXPECTED / "claims.csv")
    line = [
        row["units"]
        for row in claims
        if (row["patient_id"], row["month"], row["code"]) == ("004217", "2026-08", "99487")
    ]
    assert line == ["1"]
    assert [
        row["short_minutes"]
        for row in rows(EXPECTED / "near_misses.csv")
        if (row["patient_id"], row["month"], row["code"]) == ("118204", "2026-08", "99487")
    ] == ["29"]


def test_a_patient_who_changed_payers_has_each_payers_own_member_id() -> None:
    claims = rows(EXPECTED / "claims.csv")
    ids = {(r["plan"], r["member_id"]) for r in claims if r["patient_id"] == "220951"}
    assert ids == {("bcbsm-pdcm", "XYA009915615"), ("priority-health", "09502444400")}
