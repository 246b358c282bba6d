"""Opening the ledger file, holding it against other runs, and saying what is wrong with it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccbill.errors import CcbillError, Exit, Message
from ccbill.ledger import schema, seal

NAME = "ledger.sqlite"
PATIENCE = 10.0  # seconds to wait for another run
MEMORY = Path(":memory:")
CHECKED_UP_TO = 32 * 2**20  # bytes; a larger ledger is checked whole by `ledger verify` only
_CACHE = 256 * 2**10  # KiB at most, so that a large run is not written piecemeal before its end

_DISK = {
    sqlite3.SQLITE_FULL: ("the disk is full", "make room"),
    sqlite3.SQLITE_IOERR: ("the disk reports an error", "look after the disk"),
    sqlite3.SQLITE_READONLY: ("it may only be read", "look who may write it"),
    sqlite3.SQLITE_PERM: ("permission denied", "look who may write it"),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "look who may write it and its folder"),
}
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@dataclass(frozen=True, slots=True)
class Ledger:
    """An open ledger of this version; `seconds` is how long it waits for another run."""

    path: Path
    db: sqlite3.Connection
    seconds: float

    @property
    def identity(self) -> str:
        """Eight hexadecimal digits that no other ledger has."""
        return seal.identity(self.db)


def default_path() -> Path:
    """Where this system keeps a user's data of ccbill."""
    if sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        home = Path.home() / "Library" / "Application Support"
    else:
        home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return home / "ccbill" / NAME


def chosen_path(named: Path | None, settings_path: Path | None, *, there: bool = False) -> Path:
    """The ledger named on the command line, else by the environment, the settings, or nobody.

    With `there`, one that is named on the command line and is not there is refused.
    """
    if there and named is not None and not named.exists():
        fix = "check the name; `ccbill run` and `ccbill ledger import` make a new one"
        raise _refused(named.absolute(), "there is no such file", fix)
    from_environment = os.environ.get("CCBILL_LEDGER")
    if named is None and from_environment:
        named = Path(from_environment)
    return (named or settings_path or default_path()).absolute()


@contextlib.contextmanager
def opened(path: Path, seconds: float = PATIENCE, *, make: bool = True) -> Iterator[Ledger]:
    """The ledger at `path`, private to the user, made or brought to this version if need be.

    One that is damaged, newer or no ledger is refused. With `make` False a ledger that is not there
    is an empty one in memory. Every failure of SQLite inside the block is told in words.
    """
    if not make and not path.exists():
        path = MEMORY
    with told(path):
        if path is not MEMORY:
            _prepare(path)
        db = sqlite3.connect(path, timeout=seconds, isolation_level=None)
        try:
            ledger = Ledger(path, db, seconds)
            _ready(ledger)
            yield ledger
        finally:
            if db.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    db.execute("ROLLBACK")
            with contextlib.suppress(sqlite3.Error):
                db.close()


@contextlib.contextmanager
def writing(ledger: Ledger) -> Iterator[None]:
    """Holds the ledger against other runs; what the block did is on the disk at its end, or none
    of it is. The block may end the transaction itself."""
    ledger.db.execute("BEGIN IMMEDIATE")
    try:
        yield
        if ledger.db.in_transaction:
            ledger.db.execute("COMMIT")
    except BaseException:
        if ledger.db.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                ledger.db.execute("ROLLBACK")
        raise


def many(ledger: Ledger, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    """The statement for each row. A signal can stop it between two of them, which it can't where
    SQLite takes the rows from a list."""
    ledger.db.executemany(statement, (row for row in rows))


def _prepare(path: Path) -> None:
    """A file that only the user may read is there, in a folder that is there."""
    if path.is_dir():
        raise _refused(path, "is a folder", "name a file with --ledger")
    try:
        missing = [folder for folder in path.parents if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(0o700, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        os.close(os.open(path, flags, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        cause = (error.strerror or "the system refused").lower()
        raise _refused(path, f"cannot be made: {cause}", "name another with --ledger") from None


def _ready(ledger: Ledger) -> None:
    """Refuses what is no ledger of this version, and makes or migrates what can be."""
    db = ledger.db
    for pragma in (
        *("synchronous = FULL", "foreign_keys = ON", "temp_store = MEMORY"),
        f"cache_size = -{_CACHE}",
    ):
        db.execute(f"PRAGMA {pragma}")
    _journal(ledger)
    version = _version(ledger)
    if version < len(schema.MIGRATIONS):
        with writing(ledger):
            version = _version(ledger)  # another run may have been faster
            if version < len(schema.MIGRATIONS):
                schema.upgrade(db, ledger.path, version)
    if ledger.path is not MEMORY and ledger.path.stat().st_size <= CHECKED_UP_TO:
        [found] = db.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise _damaged(ledger.path)


def _version(ledger: Ledger) -> int:
    db = ledger.db
    [version] = db.execute("PRAGMA user_version").fetchone()
    [application] = db.execute("PRAGMA application_id").fetchone()
    [tables] = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != schema.APPLICATION and (tables or version):
        raise _refused(ledger.path, "is no ledger of ccbill", "name another with --ledger")
    if version > len(schema.MIGRATIONS):
        what = f"was written by a newer ccbill (its version is {version})"
        raise _refused(ledger.path, what, "install that ccbill, or name another with --ledger")
    if application == schema.APPLICATION and not version:
        raise _damaged(ledger.path)
    return int(version)


def _journal(ledger: Ledger) -> None:
    """Switches to the write-ahead log; SQLite itself doesn't wait for others at this."""
    deadline = time.monotonic() + ledger.seconds
    while True:
        try:
            ledger.db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Failures of SQLite become messages; of its account only the number is used."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _BUSY:
            message = Message(
                str(path),
                "another run holds the ledger",
                "Nothing was recorded or written.",
                "try again, or wait longer with --lock-timeout",
            )
            raise CcbillError(Exit.BUSY, message) from None
        if code in _DAMAGED:
            raise _damaged(path) from None
        if code not in _DISK:
            raise
        what, fix = _DISK[code]
        raise _refused(
            path, f"cannot be written or read: {what}", f"{fix}, then run again"
        ) from None


def _damaged(path: Path) -> CcbillError:
    copies = sorted(path.parent.glob(f"{path.name}.v*.bak"))
    older = f"; {copies[-1].name} is the copy before the last change of version" if copies else ""
    return _refused(path, "is damaged", f"put back your latest backup of it{older}")


def _refused(path: Path, what: str, fix: str) -> CcbillError:
    message = Message(str(path), what, "Nothing was recorded or written.", fix)
    return CcbillError(Exit.OUTPUT, message)
