"""What `ccbill explain` shows of one patient, whole screens beside tests/golden/explain.

`CCBILL_REGENERATE=1 pytest tests/test_explain_screen.py` writes them anew.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from importlib.resources import files
from pathlib import Path
from unittest import mock

import pytest
from command import ccbill
from schema import faults

from ccbill import cli

GOLDEN = Path(__file__).parent / "golden" / "explain"
REGENERATE = bool(os.environ.get("CCBILL_REGENERATE"))
SCHEMA = json.loads((files("ccbill") / "explain.schema.json").read_text(encoding="utf-8"))
TODAY = "2026-10-20"
HEADINGS = (
    *("activity_id", "patient_id", "payer", "service_date", "minutes", "kind", "mode"),
    *("credential", "staff_id", "billing_npi", "authorization_number"),
)
NPI = "1999999984"
OUTREACH = [f"2026-{day}" for day in ("09-20", "09-25", "10-01", "10-05", "10-10", "10-15")]
# A patient → payer, and date, minutes, kind, mode, credential of each activity.
DID = {
    "billed": (
        "BCBSM",
        [
            ("2026-10-01", "11", "care-coordination", "phone", "RN"),
            ("2026-10-02", "0:10:30", "care-coordination", "phone", "CHW"),
            ("2026-10-09", "10", "care-coordination", "phone", "LMSW"),
            ("2026-10-12", "12", "care-management-contact", "phone", "RN"),
        ],
    ),
    "one-minute-short": (
        "BCBSM",
        [
            ("2026-10-01", "20", "care-coordination", "phone", "RN"),
            ("2026-10-02", "0:10:59", "care-coordination", "phone", "RN"),
        ],
    ),
    "excluded-work": (
        "BCBSM",
        [
            ("2026-10-01", "45", "chart-prep", "", "RN"),
            ("2026-10-02", "20", "documentation", "", "RN"),
            ("2026-10-03", "10", "care-coordination", "secure-email", "RN"),
        ],
    ),
    "held-for-authorization": (
        "Medi-Cal",
        [("2026-10-05", "30", "ecm-service", "in-person", "RN")],
    ),
    "over-the-outreach-cap": (
        "Medi-Cal",
        [(day, "", "ecm-outreach", "phone", "CHW") for day in OUTREACH],
    ),
    "two-plans-in-a-month": (
        "BCBSM",
        [
            ("2026-10-02", "31", "care-coordination", "phone", "RN"),
            ("2026-10-16", "31", "care-coordination", "phone", "RN", "Priority Health"),
        ],
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of every patient of DID."""
    path = tmp_path_factory.mktemp("explain")
    with (path / "log.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        number = 0
        for patient, (payer, did) in DID.items():
            for day, minutes, kind, mode, credential, *other in did:
                number += 1
                about = (f"A{number:02}", patient, *(other or [payer]), day, minutes)
                writer.writerow([*about, kind, mode, credential, f"S-{credential}", NPI, ""])
    return path


def given(*arguments: str, cwd: Path, exits: int = 0) -> tuple[str, str]:
    """What the command prints, and what it says on standard error; in this process."""
    out, said = io.StringIO(), io.StringIO()
    home = {"HOME": str(cwd), "XDG_DATA_HOME": str(cwd), "XDG_CONFIG_HOME": str(cwd)}
    argv = ["ccbill", "explain", *arguments, "--today", TODAY]
    with (
        mock.patch.dict(os.environ, home),
        mock.patch.object(sys, "argv", argv),
        chdir(cwd),
        redirect_stdout(out),
        redirect_stderr(said),
    ):
        code = cli._code()
    assert code == exits, said.getvalue()
    return out.getvalue(), said.getvalue()


def asked(*arguments: str, cwd: Path, exits: int = 0) -> str:
    """What the command prints, or says where it does not end with 0."""
    out, said = given(*arguments, cwd=cwd, exits=exits)
    return out if exits == 0 else said


def golden(name: str, screen: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if REGENERATE:
        path.write_text(screen, encoding="utf-8")
    assert screen == path.read_text(encoding="utf-8")
    assert all(len(line) <= 100 for line in screen.splitlines())
    assert "\033" not in screen


@pytest.mark.parametrize("patient", DID)
def test_screen(folder: Path, patient: str) -> None:
    golden(patient, asked(patient, "log.csv", cwd=folder))


def told(folder: Path, *arguments: str, exits: int = 0) -> dict[str, object]:
    found = json.loads(given(*arguments, "--json", cwd=folder, exits=exits)[0])
    assert faults(found, SCHEMA, SCHEMA) == []
    return dict(found)


@pytest.mark.parametrize("patient", DID)
def test_json_is_as_its_schema_says(folder: Path, patient: str) -> None:
    assert told(folder, patient, "log.csv")["patient_id"] == patient


def test_the_command_prints_the_same_in_a_process_of_its_own(folder: Path) -> None:
    done = ccbill("explain", "billed", "log.csv", "--today", TODAY, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    golden("billed", done.stdout)


def test_an_unknown_patient_is_told_nothing_of_others(folder: Path) -> None:
    said = asked("bilked", "log.csv", cwd=folder, exits=3)
    golden("unknown-patient", said)
    assert "bill" not in said
    found = told(folder, "bilked", "log.csv", exits=3)
    assert found == {"schema_version": 1, "patient_id": "bilked", "cases": []}


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        (("--plan", "bcbsm-pcdm"), "bcbsm-pdcm"),
        (("--code", "99478"), "99489"),
        (("--plan", "bcbsm-pdcm", "--code", "99439"), "99489"),
    ],
)
def test_an_unknown_plan_or_code_gets_the_nearest(
    folder: Path, arguments: tuple[str, ...], nearest: str
) -> None:
    said = asked("billed", "log.csv", *arguments, cwd=folder, exits=2)
    assert nearest in said


def test_one_row_of_the_export(folder: Path) -> None:
    for words in (("excluded-work", "log.csv"), ("log.csv",)):
        found = told(folder, *words, "--row", "log.csv:8")
        (case,) = found["cases"]  # type: ignore[misc, attr-defined]
        (activity,) = case["activities"]
        assert (activity["kind"], activity["problem"]) == ("chart-prep", "left-out-kind")
        assert "chart preparation" in case["results"][0]["reason"]
    asked("log.csv", "--row", "log.csv:99", cwd=folder, exits=3)


def test_one_claim(folder: Path) -> None:
    (case,) = told(folder, "billed", "log.csv")["cases"]  # type: ignore[misc, attr-defined]
    (claim,) = {id_ for each in case["results"] for id_ in each["claim_ids"]}
    found = told(folder, "log.csv", "--claim", claim)
    assert found["patient_id"] == "billed"
    (case,) = found["cases"]  # type: ignore[misc, attr-defined]
    assert {each["code"] for each in case["results"]} == {"99487", "98967"}


def test_a_code_alone(folder: Path) -> None:
    (case,) = told(folder, "billed", "log.csv", "--code", "99489")["cases"]  # type: ignore[misc, attr-defined]
    (result,) = case["results"]
    assert (result["units"], result["minutes"], result["short_minutes"]) == (0, 31, 45)


def test_what_is_refused(folder: Path) -> None:
    asked(cwd=folder, exits=2)
    asked("billed", "log.csv", "--month", "October", cwd=folder, exits=2)
    asked("billed", "log.csv", "--row", "log.csv", cwd=folder, exits=2)
    asked("billed", "log.csv", "--run", "1", cwd=folder, exits=2)
    asked("billed", "--no-ledger", cwd=folder, exits=2)
    asked("billed", "log.csv", "--month", "2026-01", cwd=folder, exits=3)
    asked("billed", cwd=folder, exits=3)  # no run to explain from


WHAT_IF = ("--plan", "bcbsm-pdcm", "--kind", "care-coordination", "--credential", "RN")


def test_what_if(folder: Path) -> None:
    arguments = (*WHAT_IF, "--minutes", "74", "--date", "2026-10-05")
    golden("what-if", asked(*arguments, cwd=folder))
    found = told(folder, *arguments)
    assert found["results"] == [
        {"code": "99487", "modifiers": [], "units": 1, "standing": "published"}
    ]
    spans = [(t["from"], t["to"]) for t in found["thresholds"]]  # type: ignore[attr-defined]
    assert spans == [(0, 30), (31, 75), (76, 105), (106, 135)]


@pytest.mark.parametrize(
    ("arguments", "outcome", "word"),
    [
        (("--kind", "chart-prep"), "left-out", "chart preparation"),
        (("--mode", "secure-email"), "left-out", "email"),
        (("--credential", "MD"), "held", "physician"),
    ],
)
def test_what_if_it_does_not_count(
    folder: Path, arguments: tuple[str, ...], outcome: str, word: str
) -> None:
    found = told(folder, *WHAT_IF, "--minutes", "60", *arguments)
    assert found["outcome"] == outcome
    assert found["results"] == []
    assert word in str(found["why"])


def test_what_if_is_refused_where_words_are_not_known(folder: Path) -> None:
    for arguments, near in (
        (("--kind", "care-cordination"), "care-coordination"),
        (("--mode", "phon"), "phone"),
        (("--minutes", "many"), "74.5"),
        (("--with", "athorization_number=1"), "authorization_number"),
    ):
        minutes = () if "--minutes" in arguments else ("--minutes", "60")
        assert near in asked(*WHAT_IF, *minutes, *arguments, cwd=folder, exits=2)
    asked(*WHAT_IF, cwd=folder, exits=2)
    asked("billed", *WHAT_IF, "--minutes", "60", cwd=folder, exits=2)
