"""Every run can be proved: whatever is changed in a ledger, `ledger verify` finds it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from ledgers import Practice, row

from ccbill.ledger import schema, verify
from ccbill.ledger.store import opened

# What the ledger may forget or mend by itself, or says of no run.
NOT_PROVED = {
    "deliveries": "files on their way; each has its sha256 and the row is gone when they are there",
    "work": "what people note on their exceptions; no line, unit or look-back depends on it",
}


def columns() -> Iterator[tuple[str, str]]:
    """Every column of every table of a ledger."""
    with closing(sqlite3.connect(":memory:")) as db:
        for script in schema.MIGRATIONS:
            db.executescript(script)
        query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        for (table,) in db.execute(query).fetchall():
            if table not in NOT_PROVED:
                for column in db.execute(f"PRAGMA table_info({table})").fetchall():
                    yield table, column[1]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with something in every table: submitted, numbered, corrected and drafted."""
    practice = Practice(tmp_path_factory.mktemp("receipts"))
    august = [
        row("A1", "100001", "2026-08-03", staff_id="CM01"),
        row("A2", "100002", "2026-08-05", staff_id="CM02"),
    ]
    practice.bill(august, "--submit")
    numbers = practice.home / "numbers.csv"
    with opened(practice.ledger) as found:
        [claim] = found.db.execute("SELECT min(claim_id) FROM claims").fetchone()
    numbers.write_text(f"claim_id,payer_claim_number\n{claim},77001\n")
    practice.ccbill("ledger", "submit", "1", "--claim-numbers", str(numbers))
    practice.bill([august[0] | {"minutes": "76"}, august[1]], "--submit")
    practice.bill([row("A3", "100003", "2026-09-03")])
    practice.ccbill("ledger", "void", "--claim", claim)
    practice.ccbill("ledger", "merge", "100002", "100009")
    return practice.ledger


def changed(value: object) -> object:
    """Another value of the same sort."""
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1])
    if isinstance(value, int):
        return value + 100
    return "x" if value is None else f"{value}x"


@pytest.mark.parametrize(("table", "column"), list(columns()))
def test_verify_finds_a_change_of_any_value(
    ledger: Path, tmp_path: Path, table: str, column: str
) -> None:
    copy = tmp_path / "ledger.sqlite"
    copy.write_bytes(ledger.read_bytes())
    with closing(sqlite3.connect(copy)) as db, db:
        [before] = db.execute(f"SELECT {column} FROM {table} LIMIT 1").fetchone()
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute(
            f"UPDATE {table} SET {column} = ? WHERE {column} IS ?", (changed(before), before)
        )
    with opened(copy) as tampered:
        assert list(verify.differences(tampered)), f"{table}.{column} was changed unseen"


@pytest.mark.parametrize("table", sorted({table for table, _ in columns()}))
def test_verify_finds_that_the_last_row_is_gone(ledger: Path, tmp_path: Path, table: str) -> None:
    copy = tmp_path / "ledger.sqlite"
    copy.write_bytes(ledger.read_bytes())
    with closing(sqlite3.connect(copy)) as db, db:
        [key] = db.execute(f"SELECT name FROM pragma_table_info('{table}') LIMIT 1").fetchone()
        db.execute("PRAGMA foreign_keys = OFF")
        query = f"DELETE FROM {table} WHERE {key} = (SELECT max({key}) FROM {table})"
        assert db.execute(query).rowcount
    with opened(copy) as tampered:
        assert list(verify.differences(tampered)), f"a row of {table} was taken out unseen"


def test_a_ledger_from_before_the_seals_is_proved_from_its_next_opening_on(
    ledger: Path, tmp_path: Path
) -> None:
    """What was numbered before then is proved as it was found."""
    old = tmp_path / "ledger.sqlite"
    old.write_bytes(ledger.read_bytes())
    with closing(sqlite3.connect(old)) as db, db:
        db.execute("""UPDATE events SET told = '{"claims": 1}' WHERE what = 'numbered'""")
        db.execute("ALTER TABLE events DROP COLUMN seal")
        db.execute("DROP TABLE work")
        db.execute("PRAGMA user_version = 1")
    with opened(old) as found:
        assert list(verify.differences(found)) == []
        found.db.execute("UPDATE claims SET payer_claim_number = '77002'")
        [(_, said)] = verify.differences(found)
    assert said == "the payer's claim numbers are not those that were given"
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite.v1.bak")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_run_that_an_older_ccbill_called_void_is_called_rejected(
    ledger: Path, tmp_path: Path
) -> None:
    practice = Practice(tmp_path)
    practice.ledger.write_bytes(ledger.read_bytes())
    practice.bill([row("A4", "100004", "2026-09-04")], "--submit")
    practice.bill([row("A5", "100005", "2026-09-05")], "--submit")
    practice.ccbill("ledger", "reject", "4")
    practice.ccbill("ledger", "void", "5")
    with closing(sqlite3.connect(practice.ledger)) as db, db:
        db.execute("UPDATE runs SET status = 'void' WHERE run = 4")
        db.execute("PRAGMA user_version = 2")
    assert practice.statuses()[3:] == ["rejected", "void"]
    practice.ccbill("ledger", "verify")


@pytest.mark.parametrize(
    "change",
    {
        "an input's hash": """json_set(record, '$.inputs[0].sha256', 'x')""",
        "a rule's hash": """json_remove(record, '$.rules')""",
        "the configuration's hash": """json_set(record, '$.config.sha256', 'x')""",
        "the version": """json_set(record, '$.ccbill', '9')""",
        "a count": """json_set(record, '$.counts.units', 9)""",
    }.items(),
    ids=lambda case: case[0],
)
def test_verify_finds_a_change_of_what_a_run_was_made_from(
    ledger: Path, tmp_path: Path, change: tuple[str, str]
) -> None:
    """By the real command: exit 1, and the run is named."""
    practice = Practice(tmp_path)
    practice.ledger.write_bytes(ledger.read_bytes())
    assert "every receipt fits" in practice.ccbill("ledger", "verify").stdout
    with closing(sqlite3.connect(practice.ledger)) as db, db:
        db.execute(f"UPDATE runs SET record = {change[1]} WHERE run = 2")
    said = practice.ccbill("ledger", "verify", exits=1).stderr
    assert said.startswith("run 2: its receipt does not fit what it says\n")
    assert "run 1:" not in said


@pytest.mark.parametrize("name", ["claims", "cases", "activities", "patients"])
def test_verify_finds_a_changed_byte_of_a_runs_tables(
    ledger: Path, tmp_path: Path, name: str
) -> None:
    practice = Practice(tmp_path)
    practice.ledger.write_bytes(ledger.read_bytes())
    with closing(sqlite3.connect(practice.ledger)) as db, db:
        query = "SELECT content FROM blobs WHERE run = 1 AND name = ?"
        [content] = db.execute(query, (name,)).fetchone()
        middle = len(content) // 2
        content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        db.execute("UPDATE blobs SET content = ? WHERE run = 1 AND name = ?", (content, name))
    said = practice.ccbill("ledger", "verify", exits=1).stderr
    assert f"run 1: its {name} are not those that were recorded" in said
