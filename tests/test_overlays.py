"""Overlays: what a practice may change in the rules, and how mistakes in them are told."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from command import ccbill

from ccbill.errors import CcbillError, Exit
from ccbill.rules import load, overlay
from ccbill.rules.examples import activity, billed
from ccbill.rules.lines import lines
from ccbill.rules.model import Plan
from ccbill.run import Request, run

HEAD = """author = "J. Ortega, billing"
because = "Plan letter of 2026-02-10"
date = 2026-02-12
"""
CONFERENCES = "bcbsm-pdcm/team-conference.2026-04-01.toml"
AT_MOST_3 = HEAD + '[set]\n"limit.1.at_most" = 3\n"limit.1.why" = "at most 3 a month"\n'
LETTER = '[add.source.letter]\ntitle = "Letter of 2026-02-10"\nchecked = "2026-02-12"\n'


def write(folder: Path, **files: str) -> Path:
    """The folder with these files in it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def laid(folder: Path, files: dict[str, str]) -> dict[str, Plan]:
    return {plan.name: plan for plan in load.plans([write(folder / "ours", **files)])}


def refusal(folder: Path, files: dict[str, str]) -> str:
    with pytest.raises(CcbillError) as refused:
        laid(folder, files)
    assert refused.value.code == Exit.REFUSED
    (message,) = refused.value.messages
    return "\n".join([message.where, message.what, message.fix])


def units(plan: Plan, *did: str) -> dict[str, int]:
    return billed(plan, [{"service_date": "2026-03-10", **activity(d)} for d in did])


FOUR_CONFERENCES = [f"15 team-conference MD 2026-05-{day:02}" for day in (4, 11, 18, 25)]


def test_a_single_value_is_set_without_copying_the_file(tmp_path: Path) -> None:
    plan = laid(tmp_path, {CONFERENCES: AT_MOST_3})["bcbsm-pdcm"]
    shipped = next(p for p in load.shipped() if p.name == "bcbsm-pdcm")
    assert units(shipped, *FOUR_CONFERENCES) == {"G9007": 2}
    assert units(plan, *FOUR_CONFERENCES) == {"G9007": 3}
    (change,) = plan.overlays
    assert change.file == f"ours/{CONFERENCES}"
    assert (change.author, change.date) == ("J. Ortega, billing", "2026-02-12")
    assert change.keys == ("set limit.1.at_most", "set limit.1.why")
    assert change.service == CONFERENCES
    assert change.said == ("overlay: Plan letter of 2026-02-10 (J. Ortega, billing, 2026-02-12)")


def test_the_rules_that_ship_stay_as_they_are(tmp_path: Path) -> None:
    before = [replace(plan) for plan in load.shipped()]
    laid(tmp_path, {CONFERENCES: AT_MOST_3})
    assert list(load.shipped()) == before
    assert load.plans([]) == load.shipped()


@pytest.mark.parametrize(
    "text",
    [
        '[set]\n"bill.1.once_at.minutes" = 40\n',
        "[set]\nbill.1.once_at.minutes = 40\n",
        '[set]\n"bill.99487.once_at.minutes" = 40\n',
        '[set."bill.99487".once_at]\nminutes = 40\n',
        '[set]\n"bill.1.once_at" = { minutes = 40 }\n',
    ],
)
def test_a_path_may_be_written_in_any_way_that_toml_allows(tmp_path: Path, text: str) -> None:
    name = "bcbsm-pdcm/care-coordination.2013-04-01.toml"
    plan = laid(tmp_path, {name: HEAD + text})["bcbsm-pdcm"]
    assert units(plan, "39 care-coordination RN") == {}
    assert units(plan, "40 care-coordination RN") == {"99487": 1}


def test_payers_are_added_and_only_their_lines_are_affected(tmp_path: Path) -> None:
    text = HEAD + '[add]\npayers = ["Lakeshore Health"]\n'
    plan = laid(tmp_path, {"mi-medicaid-hmo/payer.toml": text})["mi-medicaid-hmo"]
    assert plan.payers[-1] == "Lakeshore Health"
    assert plan.overlays[0].payers == ("Lakeshore Health",)


def test_a_list_of_the_practices_that_take_part(tmp_path: Path) -> None:
    text = (
        HEAD
        + "[[add.screen]]\n"
        + 'count_only = { practice = ["1999999901"] }\notherwise = "hold"\n'
        + 'problem = "practice-not-in-program"\nwhy = "the letter lists the practices"\n'
        + 'cite = "letter"\n'
        + LETTER
    )
    plan = laid(tmp_path, {"bcbsm-pdcm/payer.toml": text})["bcbsm-pdcm"]
    assert units(plan, "40 care-coordination RN practice=1999999901") == {"99487": 1}
    assert units(plan, "40 care-coordination RN practice=1999999984") == {}


@pytest.mark.parametrize("verb", ["require", "count_only"])
def test_a_blank_that_has_no_problem_of_its_own_is_held_by_the_screens(
    tmp_path: Path, verb: str
) -> None:
    text = (
        HEAD
        + f'[[add.screen]]\n{verb} = {{ place_of_service = ["11"] }}\notherwise = "hold"\n'
        + 'problem = "setting-missing"\nwhy = "only in the office"\ncite = "ccbill"\n'
    )
    log = "patient_id,payer,service_date,minutes,kind,mode,credential,place_of_service\n"
    log += "1,BCBSM,2026-08-03,40,care-coordination,none,RN,\n"
    write(tmp_path, **{"bcbsm-pdcm/payer.toml": text, "log.csv": log})
    request = Request(
        [str(tmp_path / "log.csv")],
        date(2026, 11, 2),
        out=tmp_path,
        rules=[tmp_path],
        dry_run=True,
    )
    told = run(request)[0].exceptions
    assert [*told.loc[told["severity"] == "hold", "problem"]] == ["setting-missing"]


def test_elements_are_removed_by_what_they_say_or_by_number(tmp_path: Path) -> None:
    files = {
        "bcbsm-pdcm/payer.toml": HEAD + '[remove]\npayers = ["BCN"]\n',
        CONFERENCES: HEAD + "[remove]\nlimit = [1]\n",
    }
    plan = laid(tmp_path, files)["bcbsm-pdcm"]
    assert "BCN" not in plan.payers
    assert units(plan, *FOUR_CONFERENCES) == {"G9007": 4}


def test_a_service_taken_from_the_list_is_switched_off(tmp_path: Path) -> None:
    text = HEAD + '[remove]\nservices = ["declined-program"]\n'
    plan = laid(tmp_path, {"bcbsm-pdcm/payer.toml": text})["bcbsm-pdcm"]
    assert "declined-program" not in {service.name for service in plan.services}


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    text = (
        HEAD
        + 'replaces = true\ntitle = "Ours"\ncite = "micmt-codes"\n'
        + 'takes = { kind = ["team-conference"] }\nper = ["activity"]\n'
        + '[[bill]]\ncode = "G9007"\nstanding = "assumed"\n'
    )
    plan = laid(tmp_path, {CONFERENCES: text})["bcbsm-pdcm"]
    assert units(plan, *FOUR_CONFERENCES) == {"G9007": 4}
    assert plan.overlays[0].keys == ("replaces the file",)


def test_a_new_edition_begins_as_a_copy_of_another(tmp_path: Path) -> None:
    text = HEAD + 'based_on = "team-conference.2026-04-01"\n[set]\n"limit.1.at_most" = 1\n'
    plan = laid(tmp_path, {"bcbsm-pdcm/team-conference.2026-06-01.toml": text})["bcbsm-pdcm"]
    assert units(plan, *FOUR_CONFERENCES) == {"G9007": 2}
    june = [did.replace("-05-", "-06-") for did in FOUR_CONFERENCES]
    assert units(plan, *june) == {"G9007": 1}


def test_a_new_plan_begins_as_a_copy_of_another(tmp_path: Path) -> None:
    own = HEAD + 'based_on = "bcbsm-pdcm"\n[set]\ntitle = "Harbor"\npayers = ["Harbor Health"]\n'
    files = {
        "harbor/payer.toml": own,
        CONFERENCES.replace("bcbsm-pdcm", "harbor"): AT_MOST_3,
    }
    plans = laid(tmp_path, files)
    assert plans["harbor"].payers == ("Harbor Health",)
    assert units(plans["harbor"], *FOUR_CONFERENCES) == {"G9007": 3}
    assert units(plans["bcbsm-pdcm"], *FOUR_CONFERENCES) == {"G9007": 2}
    assert {s.file.partition("/")[0] for s in plans["harbor"].services} == {"harbor"}
    assert not plans["bcbsm-pdcm"].overlays


def test_a_whole_new_plan(tmp_path: Path) -> None:
    own = (
        HEAD
        + 'title = "Harbor"\npayers = ["Harbor Health"]\nservices = ["contact"]\n'
        + '[source.letter]\ntitle = "Letter"\nchecked = "2026-02-12"\n'
    )
    contact = (
        HEAD
        + 'title = "Contact"\ncite = "letter"\ntakes = { kind = ["care-management-contact"] }\n'
        + 'per = ["activity"]\n[[bill]]\ncode = "G9002"\nstanding = "published"\n'
    )
    plans = laid(tmp_path, {"harbor/payer.toml": own, "harbor/contact.2026-01-01.toml": contact})
    assert units(plans["harbor"], "15 care-management-contact RN 2026-02-03") == {"G9002": 1}


def test_the_later_of_two_overlays_wins_and_that_is_noted(tmp_path: Path) -> None:
    first = write(tmp_path / "first", **{CONFERENCES: AT_MOST_3})
    second = write(tmp_path / "second", **{CONFERENCES: AT_MOST_3.replace("= 3", "= 4")})
    plans = load.plans([first, second])
    plan = next(p for p in plans if p.name == "bcbsm-pdcm")
    assert units(plan, *FOUR_CONFERENCES) == {"G9007": 4}
    notes = overlay.overridden(plans)
    assert [note.problem for note in notes] == ["overlay-overridden"] * 2
    assert notes[0].where == f"second/{CONFERENCES}"
    assert notes[0].what == (
        f"set limit.1.at_most is in first/{CONFERENCES} too; the later overlay wins"
    )


def test_a_plan_copied_from_a_changed_plan_keeps_the_change(tmp_path: Path) -> None:
    own = HEAD + 'based_on = "bcbsm-pdcm"\n[set]\npayers = ["Harbor Health"]\n'
    first = write(tmp_path / "first", **{CONFERENCES: AT_MOST_3})
    second = write(tmp_path / "second", **{"harbor/payer.toml": own})
    plan = next(p for p in load.plans([first, second]) if p.name == "harbor")
    assert units(plan, *FOUR_CONFERENCES) == {"G9007": 3}
    assert [change.file for change in plan.overlays] == [
        f"first/{CONFERENCES}",
        "second/harbor/payer.toml",
    ]
    [conference, *others] = sorted(plan.services, key=lambda s: "2026-04-01" not in s.file)
    assert plan.overlays[0] in plan.changes_of(conference)
    assert not any(plan.overlays[0] in plan.changes_of(other) for other in others)


FILE = f"ours/{CONFERENCES}"
REFUSED = [
    (
        {CONFERENCES: AT_MOST_3.replace('author = "J. Ortega, billing"\n', "")},
        f'{FILE}: author\nis missing\nwrite author = "who decided it" at the top of the file',
    ),
    (
        {CONFERENCES: AT_MOST_3.replace('"Plan letter of 2026-02-10"', '""')},
        f"{FILE}:2: because\nis missing\n"
        'write because = "the letter, contract or decision" at the top of the file',
    ),
    (
        {CONFERENCES: AT_MOST_3.replace("2026-02-12", '"12 Feb"')},
        f"{FILE}:3: date\nis not a date\nwrite date = 2026-04-01, without quotes",
    ),
    (
        {CONFERENCES: HEAD + '[set]\n"limit.2.at_most" = 3\n'},
        f"{FILE}:5: set.limit.2.at_most\n{CONFERENCES} has no such key\n"
        "did you mean 'limit.1.at_most'?",
    ),
    (
        {CONFERENCES: HEAD + '[set]\n"limti.1.at_most" = 3\n'},
        f"{FILE}:5: set.limti.1.at_most\n{CONFERENCES} has no such key\n"
        "did you mean 'limit.1.at_most'?",
    ),
    (
        {CONFERENCES: HEAD + '[set]\n"limit.1.at_mots" = 3\n'},
        f"{FILE}:5: limit.1.at_mots\nis not known here\n"
        "did you mean 'at_most'?, or take the line out",
    ),
    (
        {CONFERENCES: AT_MOST_3.replace("= 3", "= 0")},
        f"{FILE}:5: limit.1.at_most\nis 0\ngive a number from 1 to 1000",
    ),
    (
        {CONFERENCES: AT_MOST_3.replace("= 3", '= "3"')},
        f"{FILE}:5: limit.1.at_most\nis not a whole number\nwrite at_most = 1",
    ),
    (
        {CONFERENCES: AT_MOST_3 + 'titel = "x"\n[sett]\n'},
        f"{FILE}:8: sett\ncannot stand beside [set]\n"
        "put it under [set] or [add], or write the whole file with replaces = true",
    ),
    (
        {CONFERENCES: HEAD + 'title = "x"\n'},
        f"{FILE}\nthere is such a file already\n"
        "change it by [set], [add] and [remove], or write replaces = true at the top",
    ),
    (
        {CONFERENCES.replace("04-01", "04-02"): AT_MOST_3},
        f"{FILE.replace('04-01', '04-02')}\n"
        "there is no file team-conference.2026-04-02.toml to change\n"
        "did you mean 'team-conference.2026-04-01.toml'? "
        "(a new file is written whole, or begins with based_on)",
    ),
    (
        {"bcbsm-pdmc/payer.toml": HEAD + '[add]\npayers = ["Harbor"]\n'},
        "ours/bcbsm-pdmc/payer.toml\nno plan is called 'bcbsm-pdmc'\n"
        "did you mean 'bcbsm-pdcm'? (a new plan has a whole payer.toml, or one that begins with "
        'based_on = "…")',
    ),
    (
        {"harbor/payer.toml": HEAD + 'based_on = "bcbsm"\n'},
        "ours/harbor/payer.toml:4: based_on\nnames no plan: 'bcbsm'\ndid you mean 'bcbsm-pdcm'?",
    ),
    (
        {"harbor/payer.toml": HEAD + 'based_on = "bcbsm-pdcm"\n'},
        "ours/harbor/payer.toml: payers\nis missing\nadd payers",
    ),
    (
        {"mi-medicaid-hmo/payer.toml": HEAD + '[add]\npayers = ["bcn"]\n'},
        "ours/mi-medicaid-hmo/payer.toml:5: payers\n'bcn' is a payer of bcbsm-pdcm too\n"
        "take it out of one of them",
    ),
    (
        {"bcbsm-pdcm/payer.toml": HEAD + '[add]\npayers = ["BCN"]\n'},
        "ours/bcbsm-pdcm/payer.toml:5: add.payers\nhas 'BCN' already\ntake it out here",
    ),
    (
        {"bcbsm-pdcm/payer.toml": HEAD + '[remove]\npayers = ["BCBS"]\n'},
        "ours/bcbsm-pdcm/payer.toml:5: remove.payers\nhas no 'BCBS' to remove\n"
        "did you mean 'BCBSM'?",
    ),
    (
        {CONFERENCES: HEAD + "[remove]\nlimit = [2]\n"},
        f"{FILE}:5: remove.limit\nhas no 2 to remove\ngive numbers from 1 to 1",
    ),
    (
        {CONFERENCES: HEAD + "[add]\ntitle = 'x'\n"},
        f"{FILE}:5: add.title\nstands already, and is no list to add to\n"
        "give a new value under [set]",
    ),
    (
        {CONFERENCES: "author = \n"},
        f"{FILE}:1\nis not TOML: Invalid value\nmend the line named",
    ),
    (
        {"bcbsm-pdcm/harbor.2026-01-01.toml": HEAD + 'title = "x"\n'},
        "ours/bcbsm-pdcm/harbor.2026-01-01.toml\npayer.toml lists no service 'harbor'\n",
    ),
    ({"payer.toml": HEAD}, "ours/payer.toml\nis in no plan's folder\nmove it into ours/<plan>/"),
]


@pytest.mark.parametrize(("files", "message"), REFUSED)
def test_mistakes_name_file_line_key_and_fix(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    assert refusal(tmp_path, files).startswith(message)


def test_a_folder_that_holds_no_rules_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, what in (("empty", "holds no rule file"), ("none", "there is no such folder")):
        with pytest.raises(CcbillError) as refused:
            load.plans([tmp_path / name])
        assert refused.value.messages[0].where == name
        assert refused.value.messages[0].what == what


def test_every_key_of_a_rule_file_has_its_line() -> None:
    found, written = lines(
        '# a note\na = """x\n[y]"""\nb.c = { d = [1, "]"] }\n[[e]]\nf = [ # g\n  { h = 1 },\n]\n'
    )
    assert found[("a",)] == 2
    assert found[("b", "c", "d", "2")] == 4
    assert found[("e", "1")] == 5
    assert found[("e", "1", "f", "1", "h")] == 7
    assert written == (("a",), ("b", "c"), ("e", "1", "f"))


ROWS = "\n".join(
    [
        "activity_id,patient_id,payer,service_date,kind,minutes,credential",
        *(f"{n},P1,BCBSM,2026-05-{4 + 7 * n:02},team-conference,15,MD" for n in range(4)),
        "9,P1,BCBSM,2026-05-05,care-coordination,40,RN",
        "10,P2,Lakeshore Health,2026-05-05,care-coordination,70,RN",
        "11,P3,Medicaid HMO,2026-05-05,care-coordination,70,RN",
    ]
)


def test_a_run_names_the_overlay_on_the_lines_it_affects(tmp_path: Path) -> None:
    added = HEAD.replace("Plan letter of 2026-02-10", "Our health plans")
    write(
        tmp_path,
        **{
            f"ours/{CONFERENCES}": AT_MOST_3,
            "more/mi-medicaid-hmo/payer.toml": added + '[add]\npayers = ["Lakeshore Health"]\n',
            "activities.csv": ROWS,
            "ccbill.toml": '[rules]\noverlays = ["ours"]\n',
        },
    )
    run = ["run", "activities.csv", "--format", "csv", "--no-ledger", "--today", "2026-11-02"]
    done = ccbill(*run, "--format", "xlsx", "--rules", "more", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "ccbill-out" / "claims.csv").open(newline="") as file:
        notes = {(row["patient_id"], row["code"]): row["notes"] for row in csv.DictReader(file)}
    letter = "overlay: Plan letter of 2026-02-10 (J. Ortega, billing, 2026-02-12)"
    ours = "overlay: Our health plans (J. Ortega, billing, 2026-02-12)"
    assert letter in notes["P1", "G9007"]
    assert "overlay" not in notes["P1", "99487"]
    assert ours in notes["P2", "99487"]
    assert "overlay" not in notes["P3", "99487"]
    record = json.loads((tmp_path / "ccbill-out" / "run.json").read_text())
    assert [each["file"] for each in record["overlays"]] == [
        f"ours/{CONFERENCES}",
        "more/mi-medicaid-hmo/payer.toml",
    ]
    assert record["overlays"][0]["changes"] == ["set limit.1.at_most", "set limit.1.why"]


def test_a_run_refuses_an_overlay_before_anything_is_read(tmp_path: Path) -> None:
    write(tmp_path, **{f"ours/{CONFERENCES}": AT_MOST_3.replace("= 3", "= 0")})
    done = ccbill("run", "none.csv", "--rules", "ours", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        f"{FILE}:5: limit.1.at_most: is 0\n"
        "  The rules are not used; nothing was written.\n"
        "  fix: give a number from 1 to 1000\n"
    )
    assert not (tmp_path / "ccbill-out").exists()
