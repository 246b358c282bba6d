"""The ledger's file: private, whole, of its version, held by one run at a time."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from ledgers import Practice, read, row

from ccbill.errors import CcbillError, Exit
from ccbill.ledger import schema, store, verify
from ccbill.ledger.store import opened, writing

AUGUST = [row("A1", "100001", "2026-08-03"), row("A2", "100002", "2026-08-05")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ledger.sqlite"


@pytest.fixture
def billed(tmp_path: Path) -> Practice:
    practice = Practice(tmp_path)
    practice.bill(AUGUST, "--submit")
    return practice


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def refused(path: Path) -> str:
    with pytest.raises(CcbillError) as caught, opened(path, 0.1):
        pass
    assert caught.value.code == Exit.OUTPUT
    [message] = caught.value.messages
    return str(message)


@pytest.mark.usefixtures("open_umask")
def test_the_file_is_the_users_alone_whatever_the_umask(path: Path) -> None:
    with opened(path) as ledger, writing(ledger):
        ledger.db.execute("INSERT INTO aliases VALUES ('a', 'b')")
        files = [path.parent, *path.parent.iterdir()]
        assert len(files) == 4
        assert not any(stat.S_IMODE(each.stat().st_mode) & 0o077 for each in files)
    assert [each.name for each in path.parent.iterdir()] == ["ledger.sqlite"]


def test_it_is_written_ahead_and_synchronous(path: Path) -> None:
    with opened(path) as ledger:
        [mode] = ledger.db.execute("PRAGMA journal_mode").fetchone()
        [level] = ledger.db.execute("PRAGMA synchronous").fetchone()
    assert (mode, level) == ("wal", 2)


def test_it_is_where_it_was_told_to_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named, by_settings, by_environment = (tmp_path / n for n in ("named", "set", "env"))
    monkeypatch.setenv("CCBILL_LEDGER", str(by_environment))
    assert store.chosen_path(named, by_settings) == named
    assert store.chosen_path(None, by_settings) == by_environment
    monkeypatch.delenv("CCBILL_LEDGER")
    assert store.chosen_path(None, by_settings) == by_settings
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert store.chosen_path(None, None) == tmp_path / "ccbill" / "ledger.sqlite"


def test_a_newer_ledger_is_refused(path: Path) -> None:
    with opened(path) as ledger:
        ledger.db.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    said = refused(path)
    assert "was written by a newer ccbill (its version is 99)" in said
    assert "install that ccbill" in said
    assert path.read_bytes() == before


def test_another_programs_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (x)")
    assert "is no ledger of ccbill" in refused(path)


@pytest.mark.parametrize("damage", ["text", "middle", "cut"])
def test_a_damaged_ledger_is_refused_with_what_to_do(billed: Practice, damage: str) -> None:
    path = billed.ledger
    content = bytearray(path.read_bytes())
    if damage == "text":
        content = bytearray(b"this is a letter to a payer, not a ledger " * 99)
    elif damage == "middle":
        content[8192:40960] = bytes(range(256)) * 128
    else:
        content = content[: len(content) // 2]
    path.write_bytes(content)
    before = {each.name: each.read_bytes() for each in billed.out.iterdir()}
    for arguments in (("run", "log.csv", "--format", "csv"), ("ledger", "submit", "1")):
        said = billed.ccbill(*arguments, exits=4).stderr
        assert "is damaged" in said
        assert "put back your latest backup" in said
    assert {each.name: each.read_bytes() for each in billed.out.iterdir()} == before


def test_a_ledger_is_checked_whole_at_its_opening_unless_it_is_large(path: Path) -> None:
    with opened(path) as ledger, writing(ledger):
        people = ((f"{n:06}", "") for n in range(9999))
        store.many(ledger, "INSERT INTO aliases VALUES (?, ?)", people)
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes(range(256)) * 64 + content[middle + 256 * 64 :])
    assert "is damaged" in refused(path)
    os.truncate(path, 32 * 2**20)  # what stands after the last page is nothing to SQLite
    assert "is damaged" in refused(path)
    os.truncate(path, 32 * 2**20 + 1)
    with opened(path) as ledger:
        assert [*verify.differences(ledger)] == [(None, "the file is damaged")]


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    assert "is a folder" in refused(tmp_path)


def test_an_older_ledger_is_brought_forward_after_a_copy(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(path) as ledger, writing(ledger):
        ledger.db.execute("INSERT INTO aliases VALUES ('a', 'b')")
    now = len(schema.MIGRATIONS)
    next_one = (*schema.MIGRATIONS, "CREATE TABLE more (x);\nINSERT INTO more VALUES (7);\n")
    monkeypatch.setattr(schema, "MIGRATIONS", next_one)
    with opened(path) as ledger:
        assert ledger.db.execute("SELECT x FROM more").fetchall() == [(7,)]
        assert ledger.db.execute("SELECT old FROM aliases").fetchall() == [("a",)]
        assert ledger.db.execute("PRAGMA user_version").fetchone() == (now + 1,)
    copy = path.with_name(f"ledger.sqlite.v{now}.bak")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (now,)
        assert db.execute("SELECT old FROM aliases").fetchall() == [("a",)]
    assert sorted(each.name for each in path.parent.iterdir()) == [path.name, copy.name]


def test_a_migration_that_fails_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(path):
        pass
    broken = (*schema.MIGRATIONS, "CREATE TABLE more (x);\nINSERT INTO nowhere VALUES (7);\n")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", broken)
        with pytest.raises(sqlite3.OperationalError), opened(path):
            pass
    with opened(path) as ledger:
        now = len(schema.MIGRATIONS)
        assert ledger.db.execute("PRAGMA user_version").fetchone() == (now,)


def test_a_run_waits_and_then_says_in_one_line_that_another_has_it(billed: Practice) -> None:
    with closing(sqlite3.connect(billed.ledger, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        for arguments in (("run", "log.csv"), ("ledger", "submit", "1"), ("ledger", "void", "1")):
            done = billed.ccbill(*arguments, "--lock-timeout", "0.2", exits=75)
            assert done.stderr == (
                f"{billed.ledger}: another run holds the ledger; "
                "try again, or wait longer with --lock-timeout\n"
            )
        assert billed.json("runs")["runs"][0]["status"] == "submitted"  # reading waits for nobody


@pytest.mark.parametrize(("seconds", "waits_enough"), [(20, True), (0.1, False)])
def test_a_ledger_that_is_not_written_ahead_is_waited_for(
    path: Path, seconds: float, waits_enough: bool
) -> None:
    with opened(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN IMMEDIATE")
        done = threading.Timer(0.3, other.execute, ["COMMIT"])
        done.start()
        try:
            if waits_enough:
                with opened(path, seconds) as ledger:
                    assert ledger.identity
            else:
                with pytest.raises(CcbillError) as caught, opened(path, seconds):
                    pass
                assert caught.value.code == Exit.BUSY
        finally:
            done.join()


def test_eight_runs_at_once_bill_once(tmp_path: Path) -> None:
    practice = Practice(tmp_path)
    (tmp_path / "log.csv").write_text(
        "activity_id,patient_id,payer,service_date,minutes,kind,mode,credential\n"
        + "".join(
            f"A{n},1000{n:02},BCBSM,2026-08-03,31,care-coordination,phone,RN\n" for n in range(9)
        )
    )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "CCBILL_LEDGER": str(practice.ledger),
        "CCBILL_TODAY": "2026-11-02",
    }
    command = [sys.executable, "-m", "ccbill", "run", "log.csv", "--format", "csv", "--submit"]
    runs = [
        subprocess.Popen(
            [*command, "--quiet", "--lock-timeout", "60", "--out", f"out{n}"],
            cwd=tmp_path,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(8)
    ]
    said = [run.communicate()[1] for run in runs]
    assert "Traceback" not in "".join(said)
    assert {run.returncode for run in runs} <= {0, 75}
    delivered = [
        len(read(tmp_path / f"out{n}" / "claims.csv")) for n in range(8) if runs[n].returncode == 0
    ]
    assert sorted(delivered)[-1] == 9
    assert sum(delivered) == 9
    with opened(practice.ledger) as ledger:
        assert ledger.db.execute("SELECT count(*) FROM live").fetchone() == (9,)
        assert list(verify.differences(ledger)) == []


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer that signals")
def test_a_signal_stops_a_long_statement_and_nothing_of_it_is_kept(path: Path) -> None:
    class Stopped(BaseException):
        pass

    def stop(*_: object) -> None:
        raise Stopped

    rows = [(str(n), "") for n in range(2_000_000)]  # seconds of work
    before = signal.signal(signal.SIGALRM, stop)
    try:
        with opened(path) as ledger:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(Stopped), writing(ledger):
                store.many(ledger, "INSERT INTO aliases VALUES (?, ?)", rows)
            [reached] = ledger.db.execute("SELECT total_changes()").fetchone()
            assert reached < len(rows)
            assert ledger.db.execute("SELECT count(*) FROM aliases").fetchone() == (0,)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


TAMPERING = {
    "UPDATE runs SET amount = 7 WHERE run = 1": "its receipt does not fit what it says",
    "UPDATE runs SET record = '{}' WHERE run = 1": "its receipt does not fit what it says",
    "UPDATE blobs SET content = x'00' WHERE name = 'activities'": "its activities are not those",
    "UPDATE lines SET units = 9": "its submitted lines are not those of its claims",
    "DELETE FROM lines WHERE n = 1": "its submitted lines are not those of its claims",
    "DELETE FROM live": "2 standing lines are not in the index",
    "UPDATE claims SET run = NULL": "2 claims do not stand as their submissions say",
    "DELETE FROM submissions": "2 claims stand that were never submitted",
    "DELETE FROM runs WHERE run = 1": "does not follow on the run before it",
}


@pytest.mark.parametrize("change", TAMPERING)
def test_verify_says_what_differs(billed: Practice, change: str) -> None:
    billed.bill(AUGUST)
    assert "2 runs: every receipt fits" in billed.ccbill("ledger", "verify").stdout
    with closing(sqlite3.connect(billed.ledger)) as db, db:
        db.execute(change)
    with opened(billed.ledger) as ledger:
        told = [what for _, what in verify.differences(ledger)]
    assert any(TAMPERING[change] in what for what in told), told
    assert TAMPERING[change] in billed.ccbill("ledger", "verify", exits=1).stderr
