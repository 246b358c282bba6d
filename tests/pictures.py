"""Makes the README's pictures: what the sample practice's run looks like.

`python tests/pictures.py FOLDER` writes one PNG for each name in PICTURES.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from browser import Page, opened
from command import ccbill

SAMPLE = Path(__file__).parents[1] / "sample_data"


def bill(out: Path) -> None:
    done = ccbill(
        *("run", "activities.csv", "encounters.csv", "--config", "ccbill.toml"),
        *("--patients", "patients.csv", "--staff", "staff.csv", "--fees", "fees.csv"),
        *("--no-ledger", "--today", "2026-11-02", "--format", "html", "--out", str(out)),
        cwd=SAMPLE,
    )
    if done.returncode:
        sys.exit(done.stderr)


def report(page: Page, picture: Path) -> None:
    """The first screen of the month-end report."""
    page.set_viewport_size({"width": 1100, "height": 800})
    page.screenshot(path=picture)


def minutes(page: Page, picture: Path) -> None:
    """Its minutes against the first plan's threshold."""
    page.set_viewport_size({"width": 1100, "height": 800})
    page.locator("#lengths .part").first.screenshot(path=picture)


PICTURES: dict[str, Callable[[Page, Path], None]] = {
    "report.png": report,
    "report-minutes.png": minutes,
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        bill(Path(scratch) / "out")
        with opened(Path(scratch) / "out" / "report.html", []) as page:
            for name, make in PICTURES.items():
                make(page, folder / name)
                print(folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
