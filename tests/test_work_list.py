"""The exceptions workbook as a work list: what people note in it is there again in the next run."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ledgers import Practice, Row, read, row
from openpyxl import load_workbook
from test_report_csv import HOSTILE

from ccbill import work
from ccbill.cells.limits import USUAL
from ccbill.ledger import verify
from ccbill.ledger.store import opened

AUGUST = [
    row("A1", "100001", "2026-08-03", staff_id="CM01"),
    *(row(f"B{n}", f"00020{n}", f"2026-08-1{n}", minutes="x", staff_id="CM01") for n in range(6)),
    *(
        row(f"C{n}", f"00030{n}", f"2026-08-2{n}", credential="", staff_id=f"CM1{n}")
        for n in range(3)
    ),
    row("D1", "000401", "2026-08-05", kind="Hallway talk 1"),
    row("D2", "000402", "2026-08-06", kind="Hallway talk 2"),
]
WORDS = ("status", "assigned_to", "note")
Cells = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """A practice and the person who works through its exceptions."""

    practice: Practice

    def bill(self, rows: Sequence[Row], *options: str, exits: int = 0) -> str:
        return self.practice.bill(rows, "--format", "xlsx", *options, exits=exits)

    @property
    def book(self) -> Path:
        return self.practice.out / "exceptions.xlsx"

    def edit(self, change: Callable[[list[Cells]], list[Cells]]) -> None:
        """Has the sheet hold these rows instead of those that it held."""
        book = load_workbook(self.book)
        sheet = book["Exceptions"]
        heading, *cells = sheet.iter_rows(values_only=True)
        rows = change([dict(zip(heading, line, strict=True)) for line in cells])
        sheet.delete_rows(2, sheet.max_row)
        for line in rows:
            sheet.append(list(line.values()))
        book.save(self.book)

    def note(self, about: str, **words: str) -> None:
        """Writes words beside the exceptions of this activity or patient."""

        def noted(rows: list[Cells]) -> list[Cells]:
            for line in rows:
                if about in (line["activity_id"], line["patient_id"]):
                    line.update(words)
            return rows

        self.edit(noted)

    def words(self, about: str, problem: str = "") -> tuple[str, ...]:
        """Status, owner and note of the exception of this activity or patient."""
        [found] = [
            tuple(line[name] for name in WORDS)
            for line in read(self.practice.out / "exceptions.csv")
            if about in (line["activity_id"], line["patient_id"])
            and line["severity"] == "hold"
            and problem in ("", line["problem"])
        ]
        return found

    def told(self) -> Any:
        return json.loads((self.practice.out / "run.json").read_text())["work_list"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(Practice(tmp_path))


NOTED = ("waiting", "Kim", "asked Dr. Shah on Friday")


def test_status_owner_and_note_survive_five_reruns_with_changed_data(desk: Desk) -> None:
    """Matched to the same exception, however many rows and files come and go around it."""
    desk.bill(AUGUST)
    desk.note("B3", **dict(zip(WORDS, NOTED, strict=True)))
    changed = random.Random(5)
    rows = [dict(each) for each in AUGUST]
    for n in range(5):
        rows.append(row(f"E{n}", f"00050{n}", f"2026-08-0{n + 1}", minutes="x"))
        rows = [each for each in rows if each["activity_id"] != f"C{n}"]
        changed.shuffle(rows)
        desk.bill(rows)
        assert desk.words("B3") == NOTED
        others = [desk.words(f"B{other}") for other in (0, 1, 2, 4, 5)]
        assert others == [("open", "", "")] * 5
    seen = {line["activity_id"]: line["first_seen_run"] for line in exceptions(desk)}
    assert (seen["B3"], seen["E0"], seen["E4"]) == ("1", "2", "6")


def exceptions(desk: Desk) -> list[Row]:
    return read(desk.practice.out / "exceptions.csv")


def test_an_edited_workbook_is_matched_whatever_else_was_changed_in_it(desk: Desk) -> None:
    """Sorted, rows deleted, columns swapped, identifiers turned into numbers, a title on top."""
    desk.bill(AUGUST)

    def changed(rows: list[Cells]) -> list[Cells]:
        for line in rows:
            if line["activity_id"] == "B1":
                line |= {"status": " Done ", "assigned_to": 7, "note": "x"}
            line["patient_id"] = int(line["patient_id"] or 0)
            line["row"], line["problem"] = "?", ""
        return [line for line in reversed(rows) if line["activity_id"] != "B2"]

    desk.edit(changed)
    book = load_workbook(desk.book)
    book["Exceptions"].insert_rows(1)
    book["Exceptions"]["A1"] = "Our list"
    book["Exceptions"].auto_filter.ref = None
    book["Exceptions"].move_range("A1:A60", cols=40)
    book.save(desk.book)
    desk.bill(AUGUST)
    assert desk.words("B1") == ("done", "7", "x")
    assert desk.words("B2") == ("open", "", "")


def test_what_was_noted_outlives_the_workbook_and_another_month(desk: Desk) -> None:
    desk.bill(AUGUST)
    desk.note("B0", **dict(zip(WORDS, NOTED, strict=True)))
    desk.bill([row("S1", "100001", "2026-09-03", staff_id="CM01")])
    desk.book.unlink()
    desk.bill(AUGUST)
    assert desk.words("B0") == NOTED


def test_what_was_noted_is_kept_without_a_ledger_too(desk: Desk) -> None:
    desk.bill(AUGUST, "--no-ledger")
    desk.note("B0", **dict(zip(WORDS, NOTED, strict=True)))
    for _ in range(2):
        desk.bill(AUGUST, "--no-ledger")
        assert desk.words("B0") == NOTED
    assert {line["first_seen_run"] for line in exceptions(desk)} == {""}


def test_an_old_copy_does_not_undo_what_was_noted_since(desk: Desk) -> None:
    desk.bill(AUGUST)
    shutil.copytree(desk.practice.out, desk.practice.home / "old")
    desk.note("B0", **dict(zip(WORDS, NOTED, strict=True)))
    desk.bill(AUGUST)
    shutil.rmtree(desk.practice.out)
    (desk.practice.home / "old").rename(desk.practice.out)
    desk.note("B1", note="from the old copy")
    desk.bill(AUGUST)
    assert (desk.words("B0"), desk.words("B1")[2]) == (NOTED, "from the old copy")


def test_words_that_are_taken_out_are_gone(desk: Desk) -> None:
    desk.bill(AUGUST)
    desk.note("B0", **dict(zip(WORDS, NOTED, strict=True)))
    desk.bill(AUGUST)
    desk.note("B0", status="open", assigned_to="", note="")
    desk.bill(AUGUST)
    assert desk.words("B0") == ("open", "", "")


def test_hostile_words_stay_text(desk: Desk) -> None:
    words = [text for text in HOSTILE if text.strip() and text.isprintable()][:6]
    desk.bill(AUGUST)

    def hostile(rows: list[Cells]) -> list[Cells]:
        for line, word in zip(rows, words, strict=False):
            line.update(dict.fromkeys(WORDS, f"'{word}"))
        return rows

    desk.edit(hostile)
    desk.bill(AUGUST)
    book = load_workbook(desk.book)
    assert not [c for sheet in book for line in sheet for c in line if c.data_type == "f"]
    lists = [rule.formula1 for rule in book["Exceptions"].data_validations.dataValidation]
    assert lists == ['"open,in progress,waiting,done,won\'t fix"']
    assert all(not c.startswith(("=", "+", "-", "@")) for r in exceptions(desk) for c in r.values())


def test_the_run_says_what_was_fixed_since_the_one_before(desk: Desk) -> None:
    assert "since run" not in desk.bill(AUGUST)
    mended = [each | {"minutes": "31"} for each in AUGUST]
    said = desk.bill([*mended, row("N1", "000901", "2026-08-09", minutes="y")])
    assert "6 fixed since run 1, 1 new" in said.splitlines()
    assert desk.told() == {"noted": 0, "since_run": 1, "fixed": 6, "new": 1}
    september = desk.bill([row("S1", "100001", "2026-09-03")])
    assert "since run" not in september, "it speaks for other months"


def test_a_workbook_that_cannot_be_read_is_not_overwritten(desk: Desk) -> None:
    desk.bill(AUGUST)
    desk.book.write_bytes(b"PK\x03\x04 half a workbook")
    said = desk.bill(AUGUST, exits=4)
    assert said.startswith("exceptions.xlsx: was changed since it was written")
    assert desk.book.read_bytes().startswith(b"PK\x03\x04 half")
    assert desk.practice.statuses() == ["draft"]


def test_a_workbook_that_nobody_changed_is_not_opened(desk: Desk) -> None:
    desk.bill(AUGUST)
    desk.note("B0", note="x")
    desk.bill(AUGUST)
    with opened(desk.practice.ledger) as ledger:
        found = work.earlier(desk.practice.out, USUAL, ledger)
    assert found is not None
    assert (found.run, found.words) == (2, None)


def test_ids_tell_things_apart_that_only_a_figure_tells_apart(desk: Desk) -> None:
    desk.bill(AUGUST)
    ids = [line["exception_id"] for line in exceptions(desk)]
    assert len(set(ids)) == len(ids)
    desk.note("000401", note="the first")
    desk.edit(lambda rows: [r | {"note": "two"} if "talk 2" in str(r["fix"]) else r for r in rows])
    desk.bill(list(reversed(AUGUST)))
    noted = {line["what"].split('"')[1]: line["note"] for line in exceptions(desk) if line["note"]}
    assert noted == {"Hallway talk 1": "the first", "Hallway talk 2": "two"}


def test_the_list_begins_with_what_is_to_do_by_problem(desk: Desk) -> None:
    desk.bill(AUGUST)
    desk.note("B0", status="won't fix")
    desk.note("B1", status="waiting")
    desk.bill(AUGUST)
    book = load_workbook(desk.book)
    heading, *rows = book.worksheets[0].iter_rows(values_only=True)
    [mode] = [dict(zip(heading, r, strict=True)) for r in rows if r[1] == "minutes-not-read"]
    assert book.sheetnames[0] == "To do"
    assert (mode["exceptions"], mode["to_do"], mode["rows"]) == (6, 5, 6)
    assert str(mode["oldest"])[:10] == "2026-08-10"
    severities = [r[0] for r in rows]
    assert severities == sorted(severities)


def test_verify_is_content_with_what_people_note(desk: Desk) -> None:
    desk.bill(AUGUST, "--submit")
    desk.note("B0", note="x")
    desk.bill(AUGUST)
    with opened(desk.practice.ledger) as ledger:
        assert list(verify.differences(ledger)) == []


def test_what_was_fixed_is_said_once(desk: Desk) -> None:
    desk.bill(AUGUST)
    mended = [each | {"minutes": "31"} for each in AUGUST]
    assert "6 fixed since run 1" in desk.bill(mended)
    assert "since run" not in desk.bill(mended)
    assert "0 fixed since run 3, 6 new" in desk.bill(AUGUST).splitlines()


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_a_workbook_saved_by_libreoffice_is_matched(desk: Desk) -> None:
    desk.bill(AUGUST)
    desk.note("B3", **dict(zip(WORDS, NOTED, strict=True)))
    made = desk.practice.home / "saved"
    profile = f"-env:UserInstallation=file://{desk.practice.home / 'profile'}"
    command = ["soffice", "--headless", profile, "--convert-to", "xlsx", "--outdir", str(made)]
    subprocess.run([*command, str(desk.book)], check=True, capture_output=True, timeout=120)
    shutil.copy(made / desk.book.name, desk.book)
    desk.bill(AUGUST)
    assert desk.words("B3") == NOTED
