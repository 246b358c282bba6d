"""The same export in another order, cut in files, elsewhere and on another day of the machine's
life, with a ledger of its own: the same claims to the byte."""

from __future__ import annotations

import csv
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[1] / "sample_data"
TO_THE_BYTE = ("claims.csv", "encounters.csv", "near_misses.csv", "balance.csv")
EXCEPT_THE_PLACE = ("activities.csv", "exceptions.csv", "submitted.csv", "unreadable_rows.csv")
BILLED = ("claims.csv", "submitted.csv")
LOGS = ("activities.csv", "encounters.csv")
USUAL = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
ELSEWHERE = {
    "time zone": {"TZ": "Pacific/Kiritimati"},
    "locale": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    "hash seed": {"PYTHONHASHSEED": "4217"},
}


def bill(home: Path, exports: list[Path], *, mask: int = 0o022, **environment: str) -> Path:
    """August is submitted first, from the files as they are; then all months are run."""
    home.mkdir()
    files = [argument for name in ("patients", "staff", "fees") for argument in companion(name)]
    before = os.umask(mask)
    try:
        for these, more in (
            ([SAMPLE / name for name in LOGS], ["--month", "2026-08", "--submit"]),
            (exports, []),
        ):
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "ccbill", "run", *map(str, these), *files, *more),
                    *("--config", str(SAMPLE / "ccbill.toml"), "--ledger", str(home / "l.sqlite")),
                    *("--today", "2026-11-02", "--format", "csv", "--out", str(home / "out")),
                ],
                cwd=home,
                env={"PATH": os.environ["PATH"], "HOME": str(home)} | USUAL | environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
    finally:
        os.umask(before)
    return home / "out"


def companion(name: str) -> tuple[str, str]:
    return f"--{name}", str(SAMPLE / f"{name}.csv")


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("usual")
    return bill(folder / "home", [SAMPLE / name for name in LOGS])


def but_for_the_place(path: Path) -> list[tuple[tuple[str, str], ...]]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return sorted(
        tuple((k, v) for k, v in row.items() if k not in ("file", "row", "service_date"))
        if path.name == "exceptions.csv" and row["rows"] != "1"
        else tuple((k, v) for k, v in row.items() if k not in ("file", "row"))
        for row in rows
    )


def same(one: Path, other: Path) -> None:
    for name in TO_THE_BYTE:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    for name in EXCEPT_THE_PLACE:
        assert but_for_the_place(one / name) == but_for_the_place(other / name), name


def test_a_run_after_a_submission_has_both_new_and_billed_lines(usual: Path) -> None:
    for name in BILLED:
        assert len((usual / name).read_text().splitlines()) > 10


@pytest.mark.parametrize("what", ELSEWHERE)
def test_elsewhere(usual: Path, tmp_path: Path, what: str) -> None:
    exports = [SAMPLE / name for name in LOGS]
    same(usual, bill(tmp_path / "home", exports, **ELSEWHERE[what]))


def test_with_an_open_umask(usual: Path, tmp_path: Path) -> None:
    out = bill(tmp_path / "home", [SAMPLE / name for name in LOGS], mask=0)
    same(usual, out)
    made = [out, *out.iterdir(), tmp_path / "home" / "l.sqlite"]
    assert not any(path.stat().st_mode & 0o077 for path in made)


@pytest.mark.parametrize("parts", [1, 3])
def test_shuffled_and_split(usual: Path, tmp_path: Path, parts: int) -> None:
    chance = random.Random(parts)
    exports = []
    for name in LOGS:
        lines = (SAMPLE / name).read_text(encoding="utf-8").splitlines(keepends=True)
        heading, rows = lines[0], lines[1:]
        chance.shuffle(rows)
        for part in range(parts):
            exports.append(tmp_path / f"{part}-{name}")
            exports[-1].write_text(heading + "".join(rows[part::parts]), encoding="utf-8")
    same(usual, bill(tmp_path / "home", exports))
