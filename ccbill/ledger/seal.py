"""The seal of each event: a hash over it, what it did to every claim, and the seal before it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import Any

Change = tuple[str, str, int, int | None, int | None]  # claim, what, run, before, after


def seal(before: str, event: Sequence[Any], done: str) -> str:
    """The seal of an event (number, what, run, told, at) that did this (`digest`) to claims."""
    return sha256(json.dumps([before, *event, done], ensure_ascii=False).encode()).hexdigest()


def digest(changes: Iterable[Change]) -> str:
    """One hash over what an event did to each claim, by claim id."""
    whole = sha256()
    for change in changes:
        whole.update(json.dumps(change, ensure_ascii=False).encode() + b"\n")
    return whole.hexdigest()


def last(db: sqlite3.Connection) -> str:
    """The seal that the next event follows on; the first follows on the ledger's identity."""
    row = db.execute("SELECT seal FROM events ORDER BY event DESC LIMIT 1").fetchone()
    return identity(db) if row is None else str(row[0])


def identity(db: sqlite3.Connection) -> str:
    """Eight hexadecimal digits that no other ledger has; '' where they are gone."""
    row = db.execute("SELECT value FROM meta WHERE name = 'id'").fetchone()
    return "" if row is None else str(row[0])


def add(
    db: sqlite3.Connection,
    what: str,
    run: int | None,
    at: str,
    told: Mapping[str, Any],
    changes: Sequence[Change] = (),
) -> int:
    """Adds a sealed event, and gives its number."""
    said = json.dumps(told, sort_keys=True)
    before, done = last(db), digest(sorted(changes, key=itemgetter(0)))
    [number] = db.execute("SELECT coalesce(max(event), 0) + 1 FROM events").fetchone()
    row = (number, what, run, said, at)
    query = "INSERT INTO events (event, what, run, told, at, seal) VALUES (?, ?, ?, ?, ?, ?)"
    db.execute(query, (*row, seal(before, row, done)))
    return int(number)


def digests(db: sqlite3.Connection) -> dict[int, str]:
    """What each event did to claims, by its number."""
    query = (
        "SELECT event, claim_id, what, run, before, after FROM submissions ORDER BY event, claim_id"
    )
    by_event = groupby(db.execute(query), itemgetter(0))
    return {event: digest(row[1:] for row in rows) for event, rows in by_event}


def seal_all(db: sqlite3.Connection, at: str) -> None:
    """Seals the events of a ledger that had no seals, and the payer's numbers that it has."""
    done, before = digests(db), identity(db)
    nothing = digest(())
    query = "SELECT event, what, run, told, at FROM events ORDER BY event"
    for row in db.execute(query).fetchall():
        before = seal(before, row, done.get(row[0], nothing))
        db.execute("UPDATE events SET seal = ? WHERE event = ?", (before, row[0]))
    query = "SELECT claim_id, payer_claim_number FROM claims WHERE payer_claim_number IS NOT NULL"
    numbers = dict(db.execute(query))
    if numbers:
        add(db, "numbered", None, at, {"numbers": numbers})
