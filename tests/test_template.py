"""`ccbill template`: a blank log that a spreadsheet program helps to fill in, and run reads."""

from __future__ import annotations

import csv
from datetime import date, time
from pathlib import Path

import openpyxl
import pytest
from command import ccbill
from openpyxl.worksheet.worksheet import Worksheet

from ccbill import vocabulary

HEADINGS = [
    "Patient ID",
    "Payer",
    "Service Date",
    "Start Time",
    "Minutes",
    "Kind",
    "Mode",
    "Staff Name",
    "Credential",
    "Outcome",
    "Person Contacted",
    "Note",
]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    done = ccbill("template", "log.xlsx", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return tmp_path / "log.xlsx"


def log(path: Path) -> Worksheet:
    return openpyxl.load_workbook(path)["Activities"]


def drop_down(path: Path, heading: str) -> list[str]:
    """The words that the column offers, through the range of the sheet Lists that it names."""
    book = openpyxl.load_workbook(path)
    letter = "ABCDEFGHIJKL"[HEADINGS.index(heading)]
    (check,) = (
        each
        for each in book["Activities"].data_validations.dataValidation
        if str(each.sqref) == f"{letter}2:{letter}5001"
    )
    assert check.type == "list"
    sheet, cells = str(check.formula1).split("!")
    return [cell.value for (cell,) in book[sheet][cells.replace("$", "")]]


def test_the_log_is_blank_below_its_headings(made: Path) -> None:
    assert [[cell.value for cell in row] for row in log(made).iter_rows()] == [HEADINGS]
    assert log(made).freeze_panes == "B2"


def test_kinds_modes_credentials_and_outcomes_are_chosen_from_a_list(made: Path) -> None:
    assert drop_down(made, "Kind") == list(vocabulary.kinds())
    assert drop_down(made, "Mode") == list(vocabulary.modes())
    assert drop_down(made, "Credential") == list(vocabulary.credentials())
    assert drop_down(made, "Outcome") == ["reached", "not-reached", "enrolled", "declined"]


def test_ids_stay_text_and_dates_and_times_are_such(made: Path) -> None:
    formats = {
        heading: log(made).column_dimensions["ABCDEFGHIJKL"[at]].number_format
        for at, heading in enumerate(HEADINGS)
    }
    assert formats["Patient ID"] == "@"
    assert formats["Service Date"] == "yyyy-mm-dd"
    assert formats["Start Time"] == "hh:mm"


def test_the_instructions_name_what_payers_want_documented(made: Path) -> None:
    book = openpyxl.load_workbook(made)
    said = " ".join(str(cell.value) for (cell,) in book["Instructions"].iter_rows())
    for field in (
        "the date and the duration",
        "the staff member's name and credential",
        "the provider or agency that was contacted",
        "the nature of the discussion",
    ):
        assert field in said
    assert all(heading in said for heading in HEADINGS)
    assert (book["Instructions"].sheet_state, book["Lists"].sheet_state) == ("visible", "hidden")


def test_filled_in_it_is_billed_as_it_is(made: Path) -> None:
    book = openpyxl.load_workbook(made)
    for day in (5, 19):
        book["Activities"].append(
            [
                *("004217", "BCBSM", date(2026, 10, day), time(9, 30), 16, "care-coordination"),
                *("phone", "R. Oberholt", "RN", None, "Home infusion company", "Supplies"),
            ]
        )
    book.save(made)
    done = ccbill(
        *("run", "log.xlsx", "--no-ledger", "--today", "2026-11-02", "--format", "csv"),
        cwd=made.parent,
    )
    assert done.returncode == 0, done.stderr
    assert "2 rows read = 2 counted + 0 left out + 0 held" in done.stderr
    with (made.parent / "ccbill-out" / "claims.csv").open(newline="", encoding="utf-8") as file:
        (line,) = csv.DictReader(file)
    assert (line["patient_id"], line["code"], line["minutes"]) == ("004217", "99487", "32")


def test_unfilled_it_is_read_without_a_row(made: Path) -> None:
    done = ccbill("check", "log.xlsx", cwd=made.parent)
    assert "0 rows read = 0 for the plans' rules + 0 left out + 0 held" in done.stdout


def test_a_file_is_not_replaced_unasked(made: Path) -> None:
    before = made.read_bytes()
    done = ccbill("template", "log.xlsx", cwd=made.parent)
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "log.xlsx: is there already")
    assert made.read_bytes() == before
    assert ccbill("template", "log.xlsx", "--force", cwd=made.parent).returncode == 0


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    done = ccbill("template", "log.csv", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "log.csv: is no .xlsx file\n  Nothing was written.\n  fix: name it log.xlsx\n",
    )


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    done = ccbill("template", "none/log.xlsx", cwd=tmp_path)
    assert done.returncode == 4
    assert done.stderr.startswith("none/log.xlsx: cannot be written: no such file or directory\n")
