"""`ccbill rules` through the real command line: list, show, check, export and diff.

`CCBILL_REGENERATE=1 pytest tests/test_rules_cli.py` rewrites `tests/golden/rules`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from command import ccbill

from ccbill.report import rules_text
from ccbill.rules import load, roles, say
from ccbill.rules.catalog import named, on_day
from ccbill.rules.model import Bill, Limit, Plan
from ccbill.rules.page import page

GOLDEN = Path(__file__).parent / "golden" / "rules"
HEAD = 'author = "J. Ortega, billing"\nbecause = "Plan letter"\ndate = 2026-02-12\n'
CONFERENCES = "bcbsm-pdcm/team-conference.2026-04-01.toml"
COORDINATION = "bcbsm-pdcm/care-coordination.2013-04-01.toml"


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("CCBILL_REGENERATE"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_list(tmp_path: Path) -> None:
    done = ccbill("rules", "list", "--on", "2026-05-01", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    golden("list.txt", done.stdout)


@pytest.mark.parametrize(
    ("plan", "on"), [("mi-medicaid-hmo", "2026-05-01"), ("mi-sim", "2019-05-01")]
)
def test_show(tmp_path: Path, plan: str, on: str) -> None:
    done = ccbill("rules", "show", plan, "--on", on, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    golden(f"show-{plan}.txt", done.stdout)


@pytest.mark.parametrize("plan", load.shipped(), ids=lambda plan: plan.name)
def test_every_plan_is_shown_in_100_plain_columns(
    plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    for on in ("2019-05-01", "2026-05-01"):
        rules_text.page(page(plan, on_day(on)))
    text = capsys.readouterr().out
    assert text.startswith(f"{plan.name}: ")
    assert max(map(len, text.splitlines())) <= 100
    assert "\x1b" not in text


def test_show_as_json(tmp_path: Path) -> None:
    done = ccbill("rules", "show", "mi-sim", "--on", "2019-05-01", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["plan"] == "mi-sim"


def test_list_as_json_has_every_edition_and_its_standing(tmp_path: Path) -> None:
    done = ccbill("rules", "list", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)["editions"]
    assert len(found) == sum(len(plan.services) for plan in load.shipped())
    (row,) = (e for e in found if e["plan"] == "bcbsm-pdcm" and e["first"] == "2026-04-01")
    assert row == {
        "plan": "bcbsm-pdcm",
        "service": "team-conference",
        "codes": ["G9007"],
        "first": "2026-04-01",
        "last": "",
        "standing": ["published"],
        "checked": "2026-11-21",
        "changed_by": [],
    }


def test_an_overlay_is_named_where_rules_are_read(tmp_path: Path) -> None:
    write(tmp_path, f"ours/{CONFERENCES}", HEAD + '[set]\n"limit.1.at_most" = 3\n')
    write(tmp_path, "ccbill.toml", '[rules]\noverlays = ["ours"]\n')
    listed = ccbill("rules", "list", cwd=tmp_path).stdout
    assert listed.endswith(
        "\nChanged by overlays\n  bcbsm-pdcm team-conference: J. Ortega, billing, 2026-02-12\n"
    )
    shown = ccbill("rules", "show", "bcbsm-pdcm", "--on", "2026-05-01", cwd=tmp_path).stdout
    assert "At most 3 for one patient, practice and month" in shown
    assert "overlay: Plan letter (J. Ortega, billing, 2026-02-12)" in shown
    assert "set limit.1.at_most" in shown


def test_an_unknown_plan_gets_the_nearest_name(tmp_path: Path) -> None:
    done = ccbill("rules", "show", "bcbsm", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "bcbsm: is no plan\n  Nothing was read or written.\n  fix: did you mean 'bcbsm-pdcm'?\n"
    )


def test_a_date_that_is_none_is_refused(tmp_path: Path) -> None:
    done = ccbill("rules", "list", "--on", "May", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("--on: 'May' is not a date\n")


def test_every_shipped_example_passes(tmp_path: Path) -> None:
    done = ccbill("rules", "check", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("examples: none failing\n")


def test_an_example_that_an_overlay_makes_wrong_is_found(tmp_path: Path) -> None:
    text = HEAD + '[set]\n"bill.99487.once_at.minutes" = 20\n'
    write(tmp_path, f"ours/{COORDINATION}", text)
    done = ccbill("rules", "check", "ours", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.endswith("examples: 1 failing\n")
    line = (
        (Path(load.__file__).parents[1] / "payers" / COORDINATION)
        .read_text()
        .splitlines()
        .index('did = ["30.98 care-coordination RN"]')
    )
    assert done.stderr == (
        f"{COORDINATION}:{line}: example.2: it bills 99487 x 1, and the file says nothing\n"
        "  The rules are not used; nothing was written.\n"
        f"  fix: mend the rule or the example; ours/{COORDINATION} changes the rule\n"
    )
    mended = text + '"example.2.bills" = { 99487 = 1 }\n'
    write(tmp_path, f"ours/{COORDINATION}", mended)
    assert ccbill("rules", "check", "ours", cwd=tmp_path).returncode == 0


def test_export_begins_an_overlay_and_overwrites_nothing(tmp_path: Path) -> None:
    export = ["rules", "export", "ours", "mi-sim", "--today", "2026-11-21"]
    done = ccbill(*export, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    files = sorted(str(p.relative_to(tmp_path)) for p in (tmp_path / "ours").rglob("*.toml"))
    assert done.stdout.splitlines() == files
    again = ccbill(*export, cwd=tmp_path)
    assert again.returncode == 2
    assert "stands already" in again.stderr
    blank = ccbill("rules", "check", "ours", cwd=tmp_path)
    assert blank.returncode == 2
    assert blank.stderr.startswith("ours/mi-sim/payer.toml:3: author: is missing\n")
    for path in (tmp_path / "ours").rglob("*.toml"):
        text = path.read_text().replace('author = ""', 'author = "J"')
        path.write_text(text.replace('because = ""', 'because = "a letter"'))
    assert ccbill("rules", "check", "ours", cwd=tmp_path).returncode == 0
    same = ccbill("rules", "diff", "shipped", "ours", cwd=tmp_path)
    assert (same.stdout, same.stderr) == ("", "no rule differs\n")


def test_diff_of_an_overlay_and_of_two_dates(tmp_path: Path) -> None:
    write(tmp_path, f"ours/{CONFERENCES}", HEAD + '[set]\n"limit.1.at_most" = 3\n')
    done = ccbill("rules", "diff", "shipped", "ours", cwd=tmp_path)
    assert done.stdout == f"{CONFERENCES}\n         limit.1.at_most: 2 → 3\n"
    days = ["bcbsm-pdcm@2026-03-31", "bcbsm-pdcm@2026-04-01"]
    found = json.loads(ccbill("rules", "diff", *days, "--json", cwd=tmp_path).stdout)["changes"]
    assert {(each["file"], each["key"]) for each in found} == {
        ("team-conference", "bill.1.standing"),
        ("team-conference", "bill.1.cite"),
        ("team-conference", "limit"),
    }
    wrong = ccbill("rules", "diff", "shiped", "ours", cwd=tmp_path)
    assert wrong.returncode == 2
    assert wrong.stderr.endswith("fix: did you mean 'shipped'?\n")
    assert ccbill("rules", "diff", "shipped", cwd=tmp_path).returncode == 2


def test_diff_says_whose_claims_an_overlay_changes(tmp_path: Path) -> None:
    write(tmp_path, f"ours/{CONFERENCES}", HEAD + '[set]\n"limit.1.at_most" = 3\n')
    rows = [
        "activity_id,patient_id,payer,service_date,kind,minutes,credential",
        *(f"{n},P1,BCBSM,2026-05-{4 + 7 * n:02},team-conference,15,MD" for n in range(4)),
        "9,P2,BCBSM,2026-05-04,team-conference,15,MD",
    ]
    write(tmp_path, "activities.csv", "\n".join(rows))
    fees = "plan,code,charge,expected_payment,from\nbcbsm-pdcm,G9007,60.00,32.15,2026-01-01\n"
    write(tmp_path, "fees.csv", fees)
    diff = ["rules", "diff", "--overlay", "ours", "activities.csv", "--today", "2026-11-21"]
    done = ccbill(*diff, "--fees", "fees.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()[1:]] == [
        [
            *("P1", "bcbsm-pdcm", "2026-05", "G9007"),
            *("2", "→", "3", "120.00", "→", "180.00", "64.30", "→", "96.45"),
        ]
    ]
    without = json.loads(ccbill(*diff, "--json", cwd=tmp_path).stdout)["lines"]
    assert [(each["units_before"], each["units_after"]) for each in without] == [(2, 3)]
    assert without[0]["charge_after"] is None
    assert not (tmp_path / "ccbill-out").exists()


def test_diff_of_an_overlay_that_changes_no_claim(tmp_path: Path) -> None:
    write(tmp_path, f"ours/{CONFERENCES}", HEAD + '[set]\ntitle = "Conference"\n')
    rows = "patient_id,payer,service_date,kind,minutes,credential\n"
    write(tmp_path, "a.csv", rows + "P1,BCBSM,2026-05-04,team-conference,15,MD\n")
    done = ccbill("rules", "diff", "--overlay", "ours", "a.csv", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no claim changes\n")


def test_the_roles_come_from_the_rules_themselves() -> None:
    found = roles.roles(named(load.shipped(), "mi-sim"), on_day("2019-05-01"))
    earns = {
        (kind, staff): codes
        for kind, _, cells in found.rows
        for staff, codes in zip(found.staff, cells, strict=True)
        if codes
    }
    coordinators = next(staff for staff in found.staff if "CHW" in staff)
    managers = next(staff for staff in found.staff if staff.startswith("RN"))
    assert earns["comprehensive-assessment", managers] == "G9001"
    assert ("comprehensive-assessment", coordinators) not in earns
    assert ("care-coordination", coordinators) not in earns
    assert earns["team-conference", coordinators] == "G9007"
    assert {kind for kind, staff in earns if staff == "physician"} == {
        "team-conference",
        "care-plan-oversight",
    }


def bill(plan: str, service: str, code: str) -> str:
    found = next(s for s in reversed(named(load.shipped(), plan).services) if s.name == service)
    each: Bill = next(b for b in found.bills if b.code == code)
    return say.bill(found, each)


def test_rules_are_said_as_sentences() -> None:
    assert bill("bcbsm-pdcm", "care-coordination", "99487") == (
        "99487: 1 unit at 31 minutes in a month, per patient and practice"
    )
    assert bill("bcbsm-pdcm", "care-coordination", "99489") == (
        "99489: 1 unit for each started 30 minutes past 75 in a month, per patient and practice, "
        "beside 99487 only"
    )
    limits = [
        each
        for service in named(load.shipped(), "bcbsm-pdcm").services
        if service.file == CONFERENCES
        for each in service.limits
    ]
    first: Limit = limits[0]
    assert say.limit(first) == (
        "At most 2 for one patient, practice and month; the earliest are kept; "
        "the others are left out"
    )


def test_help_is_quick_and_short(tmp_path: Path) -> None:
    done = ccbill("rules", "-h", cwd=tmp_path)
    assert done.returncode == 0
    for command in ("list", "show", "check", "export", "diff"):
        assert command in done.stdout
