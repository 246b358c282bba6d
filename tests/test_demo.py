"""`ccbill demo`: an invented practice, written, billed and explained in a folder of its own."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from command import ccbill

SAMPLE = Path(__file__).parents[1] / "sample_data"
INPUTS = ("activities.csv", "encounters.csv", "patients.csv", "staff.csv", "fees.csv")


@pytest.fixture(scope="module")
def shown(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A demo in a folder where the user has settings and a ledger of their own."""
    here = tmp_path_factory.mktemp("demo")
    (here / "ccbill.toml").write_text('[practice]\nname = "The user\'s own"\n')
    own = {"CCBILL_LEDGER": str(here / "own.sqlite"), "CCBILL_TODAY": "2020-01-01"}
    return here, ccbill("demo", cwd=here, COLUMNS="80", **own)


def test_it_bills_the_sample_practice_and_shows_the_run(
    shown: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    here, done = shown
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert "440 rows read = 277 counted + 103 left out + 60 held" in lines
    assert "bill from  ccbill-out/claims.xlsx" in lines
    assert "once sent  ccbill ledger submit 1" in lines
    for name in INPUTS:
        assert (here / "ccbill-demo" / name).read_bytes() == (SAMPLE / name).read_bytes()


def test_it_explains_a_patient_and_says_what_to_do_next(
    shown: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, done = shown
    assert "1 minute short of 76" in done.stdout
    assert "What to do next, in that folder:" in done.stderr
    assert "CCBILL_LEDGER is set here; in that folder, unset it first." in done.stderr


def test_what_it_shows_can_be_typed(
    shown: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    """Every command that it names, in the order in which it stands there, exits with 0."""
    here, done = shown
    folder = here / "ccbill-demo"
    text = done.stderr.replace(" \\\n", " ")
    named = re.findall(r"(?:\$ |  )ccbill (.*?)(?:   |$)", text, re.MULTILINE)
    words = [line.split() for line in named if "october.xlsx" not in line]
    assert [each[0] for each in words] == [
        *("run", "ledger", "explain"),  # typed, with what the run says is next
        *("explain", "ledger", "rules"),
    ]
    for each in words:
        again = ccbill(*each, cwd=folder)
        assert again.returncode == 0, again.stderr


def test_it_leaves_the_ledger_of_the_user_alone(
    shown: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    here, _ = shown
    assert (here / "ccbill-demo" / "ledger.sqlite").exists()
    assert sorted(path.name for path in here.iterdir()) == ["ccbill-demo", "ccbill.toml"]


def test_its_files_are_the_users_alone(
    shown: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    here, _ = shown
    for path in [here / "ccbill-demo", *(here / "ccbill-demo").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path.name


def test_it_refuses_a_folder_that_holds_anything(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "activities.csv").write_text("ours")
    done = ccbill("demo", "ours", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "ours: is there already and is not empty\n"
        "  Nothing was written.\n"
        "  fix: name another folder, or remove it\n"
    )
    assert [path.name for path in (tmp_path / "ours").iterdir()] == ["activities.csv"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    done = ccbill("demo", "taken", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("taken: ")
    assert (tmp_path / "taken").read_text() == "mine"
