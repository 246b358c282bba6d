"""Words that ccbill does not know: what the line that it prints for each would bring."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from command import ccbill

HEADING = "activity_id,patient_id,payer,service_date,minutes,kind,mode,credential\n"
FEES = "plan,code,charge,expected_payment\nbcbsm-pdcm,99487,100,90\nbcbsm-pdcm,99489,50,40\n"


def at_stake(folder: Path, *rows: str) -> dict[str, tuple[str, str]]:
    """The code and the amount that each problem of an unknown word shows."""
    lines = [f"A{number},{row}\n" for number, row in enumerate(rows)]
    (folder / "log.csv").write_text(HEADING + "".join(lines))
    (folder / "fees.csv").write_text(FEES)
    arguments = ("--fees", "fees.csv", "--no-ledger", "--format", "csv", "--today", "2026-11-02")
    done = ccbill("run", "log.csv", *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    with (folder / "ccbill-out" / "exceptions.csv").open(newline="") as file:
        found = [row for row in csv.DictReader(file) if row["problem"].endswith("-not-known")]
    return {
        row["problem"]: (row["code"], row["amount"]) for row in found if row["severity"] == "hold"
    }


@pytest.mark.parametrize(
    ("problem", "row"),
    [
        ("kind-not-known", "1,BCBSM,2026-10-05,46,care-cordination,phone,RN"),
        ("credential-not-known", "1,BCBSM,2026-10-05,46,care-coordination,phone,RNN"),
        (
            "payer-not-known",
            "1,Blue Cross Blue Shield of Michgan,2026-10-05,46,care-coordination,phone,RN",
        ),
    ],
)
def test_a_word_is_worth_what_its_line_would_bring(tmp_path: Path, problem: str, row: str) -> None:
    assert at_stake(tmp_path, row) == {problem: ("99487", "90.00")}


def test_it_is_worth_what_it_adds_to_the_month(tmp_path: Path) -> None:
    known = "1,BCBSM,2026-10-05,46,care-coordination,phone,RN"
    more = "1,BCBSM,2026-10-06,40,care-cordination,phone,RN"
    assert at_stake(tmp_path, known, more) == {"kind-not-known": ("99489", "40.00")}


@pytest.mark.parametrize("kind", ["zzzzz", "documentaton"])
def test_no_guess_and_no_pay_is_no_amount(tmp_path: Path, kind: str) -> None:
    """Nothing is like the one word; the other is a kind of work that no plan pays for."""
    row = f"1,BCBSM,2026-10-05,46,{kind},phone,RN"
    assert at_stake(tmp_path, row) == {"kind-not-known": ("", "")}
