"""`ccbill bug-report`: versions, names of settings, counts, row numbers; nothing of a patient."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from ledgers import Practice, row, write_log

from ccbill.ledger.schema import MIGRATIONS

CANARY = "Zyxwellia"
SETTINGS = f"""
[practice]
name = "{CANARY} Practice"
npi = "1999999901"
[kinds]
"{CANARY} call" = "care-coordination"
[checks]
long-entry = "hold"
"""
PATIENT = {"last_name": CANARY, "member_id": f"M{CANARY}", "note": f"saw {CANARY}"}
LOG = [
    row("A1", f"{CANARY}1", "2026-08-03", **PATIENT),
    row("A2", f"{CANARY}2", "2026-08-04", minutes="130"),
    row("A3", f"{CANARY}2", "2026-08-05", kind=f"{CANARY} kind"),
    row(f"A4{CANARY}", f"{CANARY}2", "2026-08-06", minutes="soon"),
    row("A5", f"{CANARY}2", "2026-08-07", minutes="140"),
]


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    (tmp_path / "ccbill.toml").write_text(SETTINGS, encoding="utf-8")
    return Practice(tmp_path)


def told(said: str) -> str:
    """The report without what differs from one machine to another."""
    return re.sub(r"(?m)^(system .*|[\w-]+ \d\S*)\n", "", said)


def test_it_tells_of_the_ledgers_last_run(practice: Practice) -> None:
    practice.bill(LOG)
    said = practice.ccbill("bug-report").stdout
    assert told(said) == (
        "configuration ccbill.toml\n"
        "  [kinds] 1 word of the practice's own\n"
        "  [practice] name, npi\n"
        "  [checks] long-entry\n"
        f"ledger ledger.sqlite: version {len(MIGRATIONS)}, 1 run\n"
        "last run 1, in the ledger\n"
        "  input 1: role activities, format text, encoding utf-8, rows 5\n"
        "  rows_read 5, counted 1, left-out 0, held 4, claims 1, lines 1, units 1\n"
        "  kind-not-known: 1 row of input 1: 4\n"
        "  long-entry: 2 rows of input 1: 3, 6\n"
        "  minutes-not-read: 1 row of input 1: 5\n"
    )
    for name in ("ccbill", "python", "system", "pandas", "pyarrow", "typer"):
        assert re.search(rf"(?m)^{name} \S+", said)


def test_without_a_run_in_the_ledger_it_tells_of_the_output(practice: Practice) -> None:
    write_log(practice.home / "log.csv", LOG)
    practice.ccbill("run", "log.csv", "--no-ledger", "--out", "august")
    said = practice.ccbill("bug-report", "--run", "august").stdout
    assert told(said).endswith(
        f"ledger ledger.sqlite: version {len(MIGRATIONS)}, 0 runs\n"
        "last run, in run.json\n"
        "  input 1: role activities, format text, encoding utf-8, rows 5\n"
        "  rows_read 5, counted 1, left-out 0, held 4, claims 1, lines 1, units 1\n"
        "  kind-not-known: 1 row\n"
        "  long-entry: 2 rows\n"
        "  minutes-not-read: 1 row\n"
    )
    assert not practice.ledger.exists()


def test_without_any_run_it_says_so(practice: Practice) -> None:
    assert practice.ccbill("bug-report").stdout.endswith("last run: none found\n")


def test_nothing_of_a_patient_or_of_the_practices_words_is_told(practice: Practice) -> None:
    practice.bill(LOG)
    for arguments in ((), ("--config", "ccbill.toml"), ("--ledger", "other.sqlite")):
        done = practice.ccbill("bug-report", *arguments)
        assert CANARY not in done.stdout + done.stderr
        assert str(practice.home) not in done.stdout
    record = practice.out / "run.json"
    record.write_text(record.read_text().replace('"kind-not-known"', f'"{CANARY}"'))
    said = practice.ccbill("bug-report", "--ledger", "other.sqlite").stdout
    assert CANARY not in said
    assert "long-entry: 2 rows" in said


def test_it_is_written_for_the_user_alone(practice: Practice) -> None:
    practice.bill(LOG)
    for _ in range(2):
        done = practice.ccbill("bug-report", "--out", "report.txt")
        assert done.stdout == ""
    file = practice.home / "report.txt"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == practice.ccbill("bug-report").stdout


@pytest.mark.parametrize("damage", ["ledger", "configuration", "record"])
def test_what_is_damaged_is_said_to_be_so(practice: Practice, damage: str) -> None:
    practice.bill(LOG)
    if damage == "ledger":
        practice.ledger.write_bytes(CANARY.encode() * 999)
        expected = "ledger ledger.sqlite: refused with exit 4\nlast run, in run.json\n"
    elif damage == "configuration":
        (practice.home / "ccbill.toml").write_text(f"[practice\n{CANARY}")
        expected = "configuration ccbill.toml\n  cannot be read\n"
    else:
        practice.ledger.unlink()
        (practice.out / "run.json").write_text(f'["{CANARY}"]')
        expected = "last run: its run.json cannot be read\n"
    said = practice.ccbill("bug-report").stdout
    assert expected in said
    assert CANARY not in said


def test_a_setting_that_is_not_known_is_counted_and_not_told(practice: Practice) -> None:
    (practice.home / "ccbill.toml").write_text(f'[{CANARY}]\na = 1\n[practice]\n{CANARY} = "x"\n')
    said = practice.ccbill("bug-report").stdout
    assert "  1 section that ccbill does not know\n" in said
    assert CANARY not in said
