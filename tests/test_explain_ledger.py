"""Explaining from what the ledger keeps of a run: the same answers as from the export."""

from __future__ import annotations

import io
import json
import os
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from reference import generate
from schema import faults
from test_explain import Batch, write

from ccbill.config import Settings
from ccbill.errors import CcbillError, Exit, Message
from ccbill.explain import beside, kept
from ccbill.explain.cases import Wanted
from ccbill.explain.patient import Files, explain, from_exports, from_ledger
from ccbill.explain_cli import explain_command
from ccbill.ledger import carry, store
from ccbill.report import explain_text
from ccbill.rules import load
from ccbill.rules.parse import EPOCH
from ccbill.run import Request, run

GOLDEN = Path(__file__).parent / "golden" / "explain"
SCHEMA = json.loads((files("ccbill") / "explain.schema.json").read_text(encoding="utf-8"))
TODAY = date(2026, 11, 2)
Told = dict[str, Any]
EMPTY = "is not on the first line of standard input"
WRITE_IT = "write the id there as UTF-8 text, and nothing else"
FILE = "name the export's file"


def usual(day: str, minutes: str = "31", patient: str = "P1", **more: str) -> dict[str, str]:
    return {
        "activity_id": f"{patient} {day}",
        "patient_id": patient,
        "payer": "BCBSM",
        "service_date": day,
        "minutes": minutes,
        "kind": "care-coordination",
        "credential": "RN",
        "mode": "phone",
        **more,
    }


@pytest.mark.parametrize("seed", [3, 17])
def test_the_ledger_explains_as_the_run_billed(tmp_path: Path, seed: int) -> None:
    export = generate.export(seed, plans=generate.ALL_PLANS)
    companions = {
        name: write(rows, tmp_path / f"{name}.csv")
        for name, rows in (("patients", export.patients), ("staff", export.staff))
        if rows
    }
    names = [str(write(export.activities, tmp_path / "a.csv"))]
    ledger = tmp_path / "ledger.sqlite"
    out = tmp_path / "out"
    report, _ = run(Request(names, TODAY, out=out, formats=["csv"], ledger=ledger, **companions))
    batch = Batch(report)
    plans, settings = load.plans([]), Settings()
    people = sorted({str(p) for p in report.activities.text("patient_id").dropna()})
    with store.opened(ledger, make=False) as opened:
        kept_run = kept.run_of(opened, None)
        for patient in people[:: max(len(people) // 20, 1)]:
            today = TODAY.toordinal() - EPOCH
            log = kept.log_of(kept_run, patient, plans, settings, None, today)
            told = beside.with_run(explain(log, patient, Wanted()), kept_run, plans)
            batch.check(patient, told)
            assert told["other_rules"] == []
            assert [case["otherwise"] for case in told["cases"]] == [[]] * len(told["cases"])


@pytest.fixture
def submitted(tmp_path: Path) -> Files:
    """A ledger in which September is submitted and October is a draft."""
    months = {
        "september": [usual("2026-09-03"), usual("2026-09-04", patient="P2")],
        "october": [usual("2026-10-05", "20"), usual("2026-10-06", "10:30")],
    }
    ledger = tmp_path / "ledger.sqlite"
    for name, rows in months.items():
        path = str(write(rows, tmp_path / f"{name}.csv"))
        submit = name == "september"
        request = Request([path], TODAY, out=tmp_path / name, ledger=ledger, submit=submit)
        run(request)
    return Files([], date(2026, 10, 20), ledger=ledger)


def test_the_last_run_unless_another_is_named(submitted: Files) -> None:
    (case,) = from_ledger(submitted, None, "P1", Wanted())["cases"]
    assert case["month"] == "2026-10"
    told = from_ledger(submitted, 1, "P1", Wanted())
    (case,) = told["cases"]
    assert case["month"] == "2026-09"
    assert [(line["run"], line["code"], line["state"]) for line in case["ledger"]] == [
        (1, "99487", "stands")
    ]
    assert faults({"schema_version": 1, **told}, SCHEMA, SCHEMA) == []


def test_an_export_stands_beside_what_was_submitted(submitted: Files, tmp_path: Path) -> None:
    log = Files([str(tmp_path / "september.csv")], submitted.today, ledger=submitted.ledger)
    (case,) = from_exports(log, "P2", Wanted())["cases"]
    assert case["results"][0]["units"] == 1
    assert case["ledger"][0]["claim_id"] == case["results"][0]["claim_ids"][0]


def test_the_screen_of_what_is_submitted(
    submitted: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    explain_text.patient(from_ledger(submitted, 1, "P1", Wanted()))
    screen = capsys.readouterr().out
    path = GOLDEN / "already-submitted.txt"
    if os.environ.get("CCBILL_REGENERATE"):
        path.write_text(screen, encoding="utf-8")
    assert screen == path.read_text(encoding="utf-8")


def test_a_claim_or_a_row_tells_whose_it_is(submitted: Files) -> None:
    (case,) = from_ledger(submitted, 1, "P2", Wanted())["cases"]
    (claim,) = case["results"][0]["claim_ids"]
    assert from_ledger(submitted, 1, None, Wanted(claim=claim))["patient_id"] == "P2"
    told = from_ledger(submitted, 1, None, Wanted(place=("september.csv", 3)))
    assert told["patient_id"] == "P2"


def given(monkeypatch: pytest.MonkeyPatch, typed: bytes) -> None:
    """Standard input holds this."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed)))


@pytest.mark.parametrize("typed", [b"P2", b"  P2 \r\nP1\n", b"\xef\xbb\xbfP2\n"])
def test_the_patient_may_come_from_standard_input(
    submitted: Files,
    typed: bytes,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given(monkeypatch, typed)
    explain_command(["-"], run=1, ledger=submitted.ledger, as_json=True, today="2026-10-20")
    assert json.loads(capsys.readouterr().out)["patient_id"] == "P2"


@pytest.mark.parametrize(
    ("typed", "exports", "what", "fix"),
    [
        (b"", [], EMPTY, WRITE_IT),
        (b" \nP2\n", [], EMPTY, WRITE_IT),
        (b"\xff\n", [], EMPTY, WRITE_IT),
        (b"P2\n", ["a.csv", "-"], "is to be read from standard input, and so is an export", FILE),
    ],
)
def test_no_patient_on_standard_input_is_refused(
    typed: bytes, exports: list[str], what: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, typed)
    with pytest.raises(CcbillError) as refusal:
        explain_command(["-", *exports])
    assert refusal.value.code == Exit.REFUSED
    assert refusal.value.messages == (Message("PATIENT", what, "Nothing was explained.", fix),)


def test_two_ids_of_one_patient_are_one(submitted: Files) -> None:
    assert submitted.ledger is not None
    with store.opened(submitted.ledger) as ledger, store.writing(ledger):
        carry.merge(ledger, "P2", "P1")
    october = from_ledger(submitted, None, "P2", Wanted())  # has work of P1 only
    assert october["patient_id"] == "P1"
    september = from_ledger(submitted, 1, "P2", Wanted())
    assert september["patient_id"] == "P2"
    (case,) = september["cases"]
    assert [line["units"] for line in case["ledger"]] == [1, 1]  # of both ids


def test_what_the_run_said_otherwise_is_told(submitted: Files, tmp_path: Path) -> None:
    folder = tmp_path / "ours" / "bcbsm-pdcm"
    folder.mkdir(parents=True)
    (folder / "care-coordination.2013-04-01.toml").write_text(
        'author = "A"\nbecause = "B"\ndate = 2026-01-01\n'
        '[set]\n"screen.2.hold_when.credential" = ["licensed"]\n'
    )
    told = from_ledger(
        Files([], submitted.today, ledger=submitted.ledger, rules=[tmp_path / "ours"]),
        1,
        "P1",
        Wanted(),
    )
    (case,) = told["cases"]
    assert case["otherwise"] == [{"outcome": "counted", "problem": None, "rows": 1}]
