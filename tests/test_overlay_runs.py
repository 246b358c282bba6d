"""What a run and an explanation make of an overlay: its examples hold, and it is not forgotten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Done, ccbill
from ledgers import Practice, row

FILE = "priority-health/care-coordination.0001-01-01.toml"
FOUR_A_MONTH = """author = "A. Biller"
because = "the plan's letter of 2026-10-20"
date = 2026-10-21

[set]
bill.99489.at_most = 4
"""
ITS_EXAMPLE = 'example.4.bills = { "99487" = 1, "99489" = 3 }\n'


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    return Practice(tmp_path)


def laid(practice: Practice, text: str) -> tuple[str, str]:
    """The option that lays this overlay over the rules."""
    file = practice.home / "my-rules" / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return "--rules", str(practice.home / "my-rules")


def bill(practice: Practice, *arguments: str) -> Done:
    log = practice.home / "log.csv"
    log.write_text(
        "patient_id,payer,service_date,minutes,kind,mode,credential,billing_npi\n"
        "000417,Priority Health,2026-08-04,180,care-coordination,none,RN,1999999901\n"
    )
    return ccbill(
        *("run", "log.csv", "--ledger", str(practice.ledger), "--today", "2026-09-02", *arguments),
        cwd=practice.home,
    )


def explain(practice: Practice, *arguments: str) -> Done:
    return ccbill(
        *("explain", "000417", "--ledger", str(practice.ledger), *arguments), cwd=practice.home
    )


def test_an_overlay_whose_example_fails_bills_nothing(practice: Practice) -> None:
    done = bill(practice, *laid(practice, FOUR_A_MONTH))
    assert done.returncode == 2
    assert done.stderr == (
        f"{FILE}:42: example.4: it bills 99487 x 1, 99489 x 3, "
        "and the file says 99487 x 1, 99489 x 2\n"
        "  The rules are not used; nothing was written.\n"
        f"  fix: mend the rule or the example; my-rules/{FILE} changes the rule\n"
    )
    assert not (practice.home / "ccbill-out").exists()
    assert bill(practice, *laid(practice, FOUR_A_MONTH + ITS_EXAMPLE)).returncode == 0


def test_what_an_overlay_asks_of_a_whole_plan_may_overtake_its_examples(
    practice: Practice,
) -> None:
    file = practice.home / "ours" / "priority-health" / "payer.toml"
    file.parent.mkdir(parents=True)
    only_ours = (
        '[[add.screen]]\ncount_only = { practice = ["1999999901"] }\notherwise = "hold"\n'
        'problem = "practice-not-in-program"\nwhy = "the letter lists us"\ncite = "ccbill"\n'
    )
    file.write_text(FOUR_A_MONTH.partition("[set]")[0] + only_ours)
    overlay = ("--rules", str(practice.home / "ours"))
    checked = ccbill("rules", "check", *overlay, cwd=practice.home)
    assert checked.returncode == 1
    assert "\n  A run bills by the overlay all the same.\n" in checked.stderr
    assert bill(practice, *overlay).returncode == 0


def test_an_explanation_says_where_the_run_had_other_rules(practice: Practice) -> None:
    overlay = laid(practice, FOUR_A_MONTH + ITS_EXAMPLE)
    assert bill(practice, *overlay).returncode == 0
    said = explain(practice).stdout
    assert said.startswith(
        f"000417\nRun 1 was billed by other rules than these:\nmy-rules/{FILE}.\n"
        "  fix: name its overlays, if it had any, with --rules\n"
    )
    assert json.loads(explain(practice, "--json").stdout)["other_rules"] == [f"my-rules/{FILE}"]
    same = explain(practice, *overlay)
    assert "other rules" not in same.stdout
    assert json.loads(explain(practice, *overlay, "--json").stdout)["other_rules"] == []


def test_an_explanation_by_the_same_rules_says_nothing_of_them(practice: Practice) -> None:
    practice.bill([row("a-1", "000417", "2026-08-04")])
    assert "other rules" not in explain(practice).stdout
