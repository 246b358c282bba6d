"""Both workbooks as LibreOffice has them: every sheet, cell for cell, and as pages on paper."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from test_golden import bill

SHEETS = {
    "claims": ("Claims", "Encounters", "Summary", "Billed before", "Rules used", "Run"),
    "exceptions": (*("To do", "Exceptions", "Near misses", "Unreadable rows", "Balance", "Notes"),),
}
# The sheets whose cells are in a CSV file too.
FILES = {
    "Claims": "claims",
    "Encounters": "encounters",
    "Billed before": "submitted",
    "Exceptions": "exceptions",
    "Near misses": "near_misses",
    "Unreadable rows": "unreadable_rows",
    "Balance": "balance",
}
EVERY_SHEET_AS_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"

pytestmark = pytest.mark.skipif(
    shutil.which("soffice") is None,
    reason="LibreOffice is not installed: apt-get install libreoffice-calc-nogui",
)
needs_pdftotext = pytest.mark.skipif(
    shutil.which("pdftotext") is None,
    reason="pdftotext is not installed: apt-get install poppler-utils",
)


def convert(books: list[Path], to: str, out: Path, profile: Path) -> str:
    """What LibreOffice says as it opens workbooks and saves them in another form.

    Without a screen it cannot ask whether to repair a file: it gives up, and writes nothing.
    """
    settings = f"-env:UserInstallation={profile.as_uri()}"
    command = ["soffice", "--headless", settings, "--convert-to", to, "--outdir", str(out)]
    done = subprocess.run(
        [*command, *map(str, books)], check=True, capture_output=True, text=True, timeout=120
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample practice's workbooks, its CSV files, and what LibreOffice makes of the former."""
    folder = tmp_path_factory.mktemp("libreoffice")
    bill(folder / "out", "--format", "xlsx", "--format", "csv")
    books = [folder / "out" / f"{name}.xlsx" for name in SHEETS]
    for to, out in ((EVERY_SHEET_AS_CSV, "cells"), ("pdf", "pages")):
        said = convert(books, to, folder / out, folder / "profile")
        assert not re.search("error|repair|corrupt|could not", said, re.IGNORECASE), said
    return folder


def cells(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [[plain(cell) for cell in row] for row in csv.reader(file)]


def plain(cell: str) -> str:
    """A cell without what only CSV has: cents of whole dollars, an apostrophe before a formula."""
    if re.fullmatch(r"[0-9]+\.[0-9]+", cell):
        return f"{Decimal(cell).normalize():f}"
    return cell.removeprefix("'")


def test_every_sheet_is_there(made: Path) -> None:
    wanted = {f"{book}-{sheet}.csv" for book, sheets in SHEETS.items() for sheet in sheets}
    assert {path.name for path in (made / "cells").iterdir()} == wanted


@pytest.mark.parametrize("sheet", FILES)
def test_each_cell_is_that_of_the_csv_file(made: Path, sheet: str) -> None:
    book = next(name for name, sheets in SHEETS.items() if sheet in sheets)
    shown = cells(made / "cells" / f"{book}-{sheet}.csv")
    assert shown == cells(made / "out" / f"{FILES[sheet]}.csv")


@needs_pdftotext
@pytest.mark.parametrize("book", SHEETS)
def test_every_sheet_prints_under_its_name(made: Path, book: str) -> None:
    pages = subprocess.run(
        ["pdftotext", str(made / "pages" / f"{book}.pdf"), "-"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\f")[:-1]
    named = [re.findall(rf"^{book}\.xlsx: (.+)$", page, re.MULTILINE) for page in pages]
    assert all(len(each) == 1 for each in named)
    assert list(dict.fromkeys(each[0] for each in named)) == list(SHEETS[book])
    assert all(f"Page {n} of {len(pages)}" in page for n, page in enumerate(pages, 1))
