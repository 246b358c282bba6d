"""`ccbill check`: what a run would read, hold and leave out; and `--structure`, for any table."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from command import ccbill

SAMPLE = Path(__file__).parents[1] / "sample_data"
LOG = """\
patient_id,payer,service_date,minutes,kind,mode,credential,room
900017,BCBSM,2026-10-05,12,care-coordination,phone,RN,4
900017,BCBSM,2026-10-06,12,CM Call,phone,RN,4
900023,BCBSM,2026-10-07,soon,care-coordination,phone,RN,4
900023,Shoreline,2026-10-08,20,care-coordination,phone,RN,4
900031,BCBSM,2026-10-09,20,CM Call,telepathy,Shaman,4
900031,BCBSM,2026-10-09,20,care-coordination,phone,RN,4
900031,BCBSM,2026-10-09,20,care-coordination,phone,RN,4
"""
ACTIVITY_COLUMNS = "patient_id payer service_date minutes kind mode credential"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "log.csv").write_text(LOG)
    return tmp_path


def told(here: Path, *arguments: str) -> str:
    done = ccbill("check", *arguments, cwd=here)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_it_shows_files_columns_rows_problems_words_payers_and_notes(here: Path) -> None:
    assert told(here, "log.csv") == (
        "log.csv: text, utf-8, comma; heading in row 1, 7 rows below it\n"
        "  column        heading           found by\n"
        "  credential    G (credential)    name\n"
        "  kind          E (kind)          name\n"
        "  minutes       D (minutes)       name\n"
        "  mode          F (mode)          name\n"
        "  patient_id    A (patient_id)    name\n"
        "  payer         B (payer)         name\n"
        "  service_date  C (service_date)  name\n"
        "  not read: room\n"
        "\n"
        "7 rows read = 2 for the plans' rules + 0 left out + 5 held\n"
        "\n"
        "log.csv:3:E (kind): the kind of work is not one that ccbill knows\n"
        "  2 rows held, kind-not-known; also log.csv:6\n"
        "  fix: Map it under [kinds] in ccbill.toml.\n"
        "\n"
        "log.csv:8: the row stands in the export more than once\n"
        "  1 row held, duplicate-row\n"
        "  fix: Remove the copy, or give each activity its own activity_id.\n"
        "\n"
        "log.csv:4:D (minutes): the minutes cannot be read\n"
        "  1 row held, minutes-not-read\n"
        "  fix: Write them as 12, 12.5, 0:12 or 12 min.\n"
        "\n"
        "log.csv:5:B (payer): no plan has this payer's name\n"
        "  1 row held, payer-not-known\n"
        "  fix: Map the name under [payers] in ccbill.toml.\n"
        "\n"
        "Not known: copy into ccbill.toml and complete\n"
        "\n"
        "  [kinds]\n"
        '  "CM Call" = "KIND"  # 2 rows, 32 minutes, first at log.csv:3:E (kind)\n'
        "\n"
        "  [payers]\n"
        '  "Shoreline" = "PAYER"  # 1 row, 20 minutes, first at log.csv:5:B (payer)\n'
        "\n"
        "  [modes]\n"
        '  "telepathy" = "MODE"  # 1 row, 20 minutes, first at log.csv:6:F (mode)\n'
        "\n"
        "  [credentials]\n"
        '  "Shaman" = "CREDENTIAL"  # 1 row, 20 minutes, first at log.csv:6:G (credential)\n'
        "\n"
        "Payers\n"
        "  bcbsm-pdcm: 6 rows (BCBSM)\n"
        "\n"
        "Notes\n"
        "  no billing NPI is given: all rows are taken for one practice; set npi under "
        "[practice] in\n"
        "  ccbill.toml, or add a billing_npi column\n"
        "\n"
        "Not checked\n"
        "  no input has the column consent_date, so these were not checked: "
        "service-before-consent\n"
        "  no input has the column death_date or disenrollment_date, so these were not checked:\n"
        "  service-after-end\n"
        "  no input has the column staff_id, so these were not checked: overlap-same-staff, "
        "long-day,\n"
        "  copied-entry\n"
        "  no input has the column start_time, so these were not checked: overlap-same-staff,\n"
        "  overlap-same-patient\n"
        "  no input has the column note, so these were not checked: copied-entry\n"
    )


def test_it_changes_nothing(here: Path) -> None:
    told(here, "log.csv")
    assert [path.name for path in here.rglob("*")] == ["log.csv"]


def test_json_has_all_of_it(here: Path) -> None:
    found = json.loads(told(here, "log.csv", "--json"))
    assert found["schema_version"] == 1
    assert found["rows"] == {"read": 7, "for_the_rules": 2, "left_out": 0, "held": 5}
    assert [each["column"] for each in found["columns"]] == sorted(ACTIVITY_COLUMNS.split())
    assert found["files"][0]["not_read"] == ["room"]
    assert sum(each["rows"] for each in found["problems"]) == 5


def test_what_is_held_is_what_a_run_holds_for_its_reading() -> None:
    """The sample practice: the same rows are held by `run` for the same problems."""
    names = ("activities.csv", "encounters.csv")
    arguments = (*names, "--patients", "patients.csv", "--staff", "staff.csv", "--json")
    found = json.loads(told(SAMPLE, *arguments))
    problems = {each["problem"] for each in found["problems"]} - {"duplicate-row"}
    with (SAMPLE / "expected" / "activities.csv").open(newline="", encoding="utf-8") as file:
        trace = list(csv.DictReader(file))
    assert found["rows"]["read"] == len(trace)
    for problem in problems:
        held = sum(row["problem"] == problem for row in trace)
        assert [e["rows"] for e in found["problems"] if e["problem"] == problem] == [held]


def test_what_an_auditor_would_ask_about_is_told_as_a_run_tells_it(here: Path) -> None:
    (here / "log.csv").write_text(
        "".join(LOG.splitlines(keepends=True)[:2]).replace(",12,", ",240,")
    )
    (here / "ccbill.toml").write_text('[practice]\nnpi = "1999999901"\n')
    today = ("--today", "2026-10-04")
    said = told(here, "log.csv", "--quiet", *today)
    assert "  1 row noted, long-entry\n" in said
    after = "log.csv:2:C (service_date): the service date is after the day of the run\n"
    assert after + "  1 row noted, date-in-future\n" in said
    assert ccbill("check", "log.csv", "--fail-on", "hold", *today, cwd=here).returncode == 0
    assert ccbill("check", "log.csv", "--fail-on", "note", *today, cwd=here).returncode == 1
    with (here / "ccbill.toml").open("a") as file:
        file.write('[checks]\nlong-entry = "hold"\ndate-in-future = "off"\n')
    said = told(here, "log.csv", *today)
    assert "1 rows read = 0 for the plans' rules + 0 left out + 1 held" in said
    assert "  1 row held, long-entry\n" in said
    assert "date-in-future" not in said


@pytest.mark.parametrize(("fail_on", "code"), [("never", 0), ("hold", 1), ("note", 1)])
def test_fail_on(here: Path, fail_on: str, code: int) -> None:
    assert ccbill("check", "log.csv", "--fail-on", fail_on, cwd=here).returncode == code


def test_a_note_is_no_hold(here: Path) -> None:
    (here / "log.csv").write_text("".join(LOG.splitlines(keepends=True)[:2]))
    assert ccbill("check", "log.csv", "--fail-on", "hold", cwd=here).returncode == 0
    assert ccbill("check", "log.csv", "--fail-on", "note", cwd=here).returncode == 1


def test_quiet_is_silent_of_a_clean_export(here: Path) -> None:
    assert told(here, "log.csv", "--quiet") != ""
    (here / "log.csv").write_text("".join(LOG.splitlines(keepends=True)[:2]))
    (here / "ccbill.toml").write_text('[practice]\nnpi = "1999999901"\n')
    assert told(here, "log.csv", "--quiet") == ""


def test_inputs_that_a_run_refuses_are_refused(here: Path) -> None:
    (here / "log.csv").write_text(LOG.replace("service_date", "Servce Date", 1))
    for command in ("check", "run"):
        done = ccbill(command, "log.csv", cwd=here)
        assert done.returncode == 3
        assert done.stderr.startswith("log.csv:1: no heading is known for service_date")


def test_a_word_is_shown_only_where_most_cells_of_its_column_are_known(here: Path) -> None:
    (here / "log.csv").write_text(re.sub("care-coordination|CM Call", "Zebulon Quill", LOG))
    said = told(here, "log.csv")
    assert "Zebulon" not in said
    assert "# 1 word in 7 rows, first at log.csv:2:E (kind): not shown, since few" in said


def test_nothing_of_a_patient_is_shown() -> None:
    said = told(SAMPLE, "activities.csv", "--patients", "patients.csv", "--staff", "staff.csv")
    said += told(SAMPLE, "activities.csv", "--patients", "patients.csv", "--json")
    with (SAMPLE / "patients.csv").open(newline="", encoding="utf-8") as file:
        patients = list(csv.DictReader(file))
    for patient in patients:
        for column in ("Patient ID", "Last Name", "First Name", "Date of Birth", "Member ID"):
            assert not patient[column] or not re.search(rf"\b{patient[column]}\b", said), column


# --structure


def structure(here: Path, *arguments: str) -> str:
    return told(here, "--structure", *arguments)


def test_structure_reads_any_table(tmp_path: Path) -> None:
    (tmp_path / "stock.csv").write_text("item;stock;price\nbolt;5;0,10\nnut;7;0,05\n")
    assert structure(tmp_path, "stock.csv") == (
        "stock.csv: text, utf-8, semicolon\n"
        "  heading in row 1, 2 rows below it, 3 columns\n"
        "    A (item), B (stock), C (price)\n"
    )


def test_structure_of_a_workbook_names_its_sheets(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Stock"
    book.active.append(["item", "stock"])
    book.active.append(["bolt", 5])
    book.create_sheet("Spare")
    book.create_sheet("Old").sheet_state = "hidden"
    book.save(tmp_path / "stock.xlsx")
    assert structure(tmp_path, "stock.xlsx") == (
        "stock.xlsx: xlsx\n"
        "  sheet 'Stock', heading in row 1, 1 row below it, 2 columns\n"
        "    A (item), B (stock)\n"
        "  sheet 'Spare', empty\n"
        "  sheet 'Old', hidden: not read unless --sheet names it\n"
    )
    done = ccbill("check", "--structure", "stock.xlsx", "--sheet", "Stok", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert "fix: name one of: Stock, Spare, Old" in done.stderr


def test_structure_does_not_show_a_first_row_of_data(tmp_path: Path) -> None:
    (tmp_path / "bare.csv").write_text("Quill,Zebulon,1961-02-03\nQuire,Ada,1970-01-01\n")
    said = structure(tmp_path, "bare.csv")
    assert "Zebulon" not in said
    assert "they look like a row of data" in said


def test_structure_refuses_what_is_no_table_and_names_every_such_file(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "scan.csv").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "fine.csv").write_text("a,b\n1,2\n")
    done = ccbill("check", "--structure", "empty.csv", "fine.csv", "scan.csv", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert [line for line in done.stderr.splitlines() if not line.startswith(" ")] == [
        "empty.csv: is empty",
        "scan.csv: is a PNG image, which ccbill does not read",
    ]


def test_structure_in_json(tmp_path: Path) -> None:
    (tmp_path / "stock.csv").write_text("item,stock\nbolt,5\n")
    (file,) = json.loads(structure(tmp_path, "stock.csv", "--json"))["files"]
    assert file["sheets"][0]["headings"] == [
        {"letter": "A", "heading": "item"},
        {"letter": "B", "heading": "stock"},
    ]


CORPUS = os.environ.get("CCBILL_CORPUS")


@pytest.mark.skipif(not CORPUS, reason="CCBILL_CORPUS names no folder of damaged and odd files")
def test_every_file_of_the_corpus_is_read_or_refused_as_labelled() -> None:
    """Ten seconds and 512 MB for each, no traceback, the refusals name the file."""
    grader = Path(CORPUS or "") / "run_corpus.py"
    command = f"{sys.executable} -m ccbill check --structure {{file}}"
    done = subprocess.run(
        [sys.executable, str(grader), command, "--refuse", "2,3", "--read", "0,1", "-v"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
