"""Makes the README's pictures: what the sample practice's run looks like.

`python tests/pictures.py FOLDER` writes one PNG for each name in PICTURES, with Chromium,
LibreOffice and poppler's pdftoppm.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from browser import Page, opened
from command import upset
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

SAMPLE = Path(__file__).parents[1] / "sample_data"
COMMAND = (
    "ccbill run activities.csv encounters.csv --patients patients.csv \\\n"
    "    --staff staff.csv --fees fees.csv --no-ledger"
)
DOTS = 110  # of a printed page, to the inch


@dataclass(frozen=True)
class Made:
    """A run of the sample practice: its folder of output, and what its terminal showed."""

    out: Path
    screen: str

    def page(self, book: str, word: str) -> tuple[Path, int]:
        """The printed workbook, and the first page of it that has the word."""
        paper = self.out / f"{book}.pdf"
        if not paper.exists():
            profile = f"-env:UserInstallation={(self.out / 'profile').as_uri()}"
            convert = ["soffice", "--headless", profile, "--convert-to", "pdf"]
            told(*convert, "--outdir", str(self.out), str(self.out / f"{book}.xlsx"))
        pages = told("pdftotext", str(paper), "-").split("\f")
        return paper, next(n for n, text in enumerate(pages, 1) if word in text)


def told(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def bill(folder: Path) -> Made:
    """Bills the sample on a terminal, as its README has it."""
    copy = folder / "practice"
    copy.mkdir()
    for file in SAMPLE.iterdir():
        if file.is_file():
            shutil.copyfile(file, copy / file.name)
    words = COMMAND.replace("\\\n", "").split()[1:]
    done = upset(
        *(*words, "--format", "xlsx", "--format", "html"),
        cwd=copy,
        terminal=True,
        CCBILL_TODAY="2026-11-02",
        COLUMNS="80",
        TERM="xterm-256color",
    )
    if done.returncode:
        sys.exit(done.stdout)
    return Made(copy / "ccbill-out", done.stdout)


def terminal(made: Made, picture: Path) -> None:
    """The command and all that its terminal shows."""
    console = Console(file=StringIO(), record=True, width=80, force_terminal=True)
    console.print(Text.assemble(("$ ", "green"), COMMAND))
    stays = made.screen.rpartition("\x1b[2K")[2]  # what a progress bar wiped away does not
    console.print(Text.from_ansi(stays.replace("\r\n", "\n")))
    drawing = console.export_svg(title="ccbill", theme=MONOKAI)
    local = re.sub(r"@font-face \{.*?\}", "", drawing, flags=re.DOTALL)
    file = made.out / "terminal.html"
    file.write_text(
        f"<style>body{{margin:0}}svg{{width:840px;display:block}}</style>{local}", encoding="utf-8"
    )
    with opened(file, []) as page:
        page.locator("svg").first.screenshot(path=picture, omit_background=True)


def sheet(book: str, word: str, inches: tuple[float, float]) -> Callable[[Made, Path], None]:
    """The upper part of the first printed page with this word."""

    def make(made: Made, picture: Path) -> None:
        paper, number = made.page(book, word)
        wide, high = (round(each * DOTS) for each in inches)
        margin = ("-x", str(round(0.3 * DOTS)), "-y", str(round(0.55 * DOTS)))
        only = ("-f", str(number), "-l", str(number), "-singlefile")
        cut = (*margin, "-W", str(wide), "-H", str(high))
        stem = str(picture.with_suffix(""))
        told("pdftoppm", "-r", str(DOTS), "-png", *only, *cut, str(paper), stem)

    return make


def report(made: Made, picture: Path) -> None:
    """The first screen of the month-end report."""
    with opened(made.out / "report.html", []) as page:
        widened(page).screenshot(path=picture)


def minutes(made: Made, picture: Path) -> None:
    """Its minutes against the first plan's threshold."""
    with opened(made.out / "report.html", []) as page:
        widened(page).locator("#lengths .part").first.screenshot(path=picture)


def widened(page: Page) -> Page:
    page.set_viewport_size({"width": 1100, "height": 800})
    return page


PICTURES: dict[str, Callable[[Made, Path], None]] = {
    "terminal.png": terminal,
    "to-do.png": sheet("exceptions", "exceptions.xlsx: To do", (10.4, 4.2)),
    "claims.png": sheet("claims", "counted minutes in", (9.6, 3.3)),
    "report.png": report,
    "report-minutes.png": minutes,
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        made = bill(Path(scratch))
        for name, make in PICTURES.items():
            make(made, folder / name)
            print(folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
