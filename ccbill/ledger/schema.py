"""The ledger's tables, and how an older ledger becomes one of today's.

What was submitted is never updated or deleted: `submissions` and `lines` only grow, and a
correction is another row. `claims` and `live` are the index that follows from them: which run's
version of a claim stands, and the one line that stands for each key.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ccbill.ledger.seal import seal_all

APPLICATION = 0x63634C31  # marks the file as a ccbill ledger

_FIRST = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE runs (
    run INTEGER PRIMARY KEY,           -- 1, 2, 3 …
    kind TEXT NOT NULL,                -- run | import
    status TEXT NOT NULL,              -- draft | submitted | replaced | void | rejected
    created TEXT NOT NULL,
    today TEXT NOT NULL,
    user TEXT NOT NULL,
    version TEXT NOT NULL,             -- of ccbill
    months TEXT NOT NULL,              -- of its lines: 2026-08, 2026-09
    lines INTEGER NOT NULL,
    amount INTEGER NOT NULL,           -- cents: charges, where none the expected payments
    record TEXT NOT NULL,              -- run.json: inputs, rules, counts, all with their sha256
    seen INTEGER NOT NULL,             -- the last event that the run knew of
    receipt TEXT NOT NULL,             -- over everything above that never changes, and the blobs
    chain TEXT NOT NULL                -- over the receipt and the chain of the run before
);

CREATE TABLE blobs (                   -- Parquet: claims, cases, activities, patients
    run INTEGER NOT NULL REFERENCES runs,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (run, name)
);

CREATE TABLE events (
    event INTEGER PRIMARY KEY AUTOINCREMENT,
    what TEXT NOT NULL,                -- recorded submitted replaced voided rejected numbered …
    run INTEGER,
    told TEXT NOT NULL,
    at TEXT NOT NULL
);

CREATE TABLE submissions (             -- what was done to a claim, one row each time
    event INTEGER NOT NULL REFERENCES events,
    claim_id TEXT NOT NULL,
    what TEXT NOT NULL,                -- new | replacement | void | voided | rejected
    run INTEGER NOT NULL,              -- whose version it is about
    before INTEGER,                    -- the run whose version stood until then
    after INTEGER,                     -- the run whose version stands from then on
    PRIMARY KEY (claim_id, event)
) WITHOUT ROWID;

CREATE TABLE lines (                   -- of submitted runs; n is the place in the run's claims
    run INTEGER NOT NULL,
    n INTEGER NOT NULL,
    claim_id TEXT NOT NULL,
    key BLOB NOT NULL,
    plan TEXT NOT NULL,
    patient_id TEXT NOT NULL,
    practice TEXT NOT NULL,            -- '' where unnamed
    rendering_npi TEXT,
    authorization_number TEXT,
    month TEXT NOT NULL,
    service_from INTEGER NOT NULL,     -- days since 1970-01-01
    code TEXT NOT NULL,
    modifiers TEXT NOT NULL,           -- sorted, joined by a space
    units INTEGER NOT NULL,
    rule TEXT,
    PRIMARY KEY (run, n)
) WITHOUT ROWID;
CREATE INDEX lines_of_patient ON lines (patient_id);
CREATE INDEX lines_of_claim ON lines (claim_id, run);

CREATE TABLE claims (
    claim_id TEXT PRIMARY KEY,
    run INTEGER,                       -- whose version stands; null where none does
    payer_claim_number TEXT,
    changed INTEGER NOT NULL           -- the last event that changed what stands
) WITHOUT ROWID;

CREATE TABLE live (key BLOB PRIMARY KEY, run INTEGER NOT NULL, n INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE staff (plan TEXT, staff TEXT, first_day INTEGER NOT NULL, PRIMARY KEY (plan, staff))
    WITHOUT ROWID;

CREATE TABLE aliases (old TEXT PRIMARY KEY, new TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE deliveries (              -- of recorded runs whose files are not yet in their place
    run INTEGER PRIMARY KEY,
    out TEXT NOT NULL,
    stage TEXT NOT NULL,
    files TEXT NOT NULL,               -- JSON: each name and its sha256, run.json last
    unwanted TEXT NOT NULL             -- JSON: names of an earlier set that go
);

INSERT INTO meta VALUES ('id', lower(hex(randomblob(4))));
"""

_SECOND = """
ALTER TABLE events ADD COLUMN seal TEXT NOT NULL DEFAULT '';

CREATE TABLE work (                    -- what people noted on the exceptions, and when they came up
    id TEXT PRIMARY KEY,               -- exception_id
    first_run INTEGER NOT NULL,
    last_run INTEGER NOT NULL,
    changed INTEGER NOT NULL,          -- the run that read the words below
    status TEXT,
    assigned_to TEXT,
    note TEXT
) WITHOUT ROWID;
"""

_THIRD = """
UPDATE runs SET status = 'rejected' WHERE status = 'void'
    AND run NOT IN (SELECT run FROM events WHERE what = 'voided');
"""

# MIGRATIONS[n] leads from version n to n + 1; version 0 is an empty file.
MIGRATIONS: Sequence[str] = (_FIRST, _SECOND, _THIRD)
SEALED = 2  # the first version whose events have a seal


def upgrade(db: sqlite3.Connection, path: Path, found: int) -> None:
    """Bring the open ledger, in a transaction of its own, to this version.

    Unless it is new, a copy of it stands beside it before anything changes.
    """
    if found:
        back_up(path, path.with_name(f"{path.name}.v{found}.bak"))
    for script in MIGRATIONS[found:]:
        for statement in script.split(";\n"):
            if statement.strip():
                db.execute(statement)
    if 0 < found < SEALED:
        seal_all(db, datetime.now(UTC).isoformat(timespec="seconds"))
    db.execute(f"PRAGMA application_id = {APPLICATION}")
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def back_up(path: Path, copy: Path) -> None:
    """A whole copy of the ledger, private to the user; one that is there already is kept."""
    if copy.exists():
        return
    draft = copy.with_name(f"{copy.name}.part")
    draft.unlink(missing_ok=True)
    draft.touch(0o600)
    reader = sqlite3.connect(path)
    target = sqlite3.connect(draft)
    try:
        reader.backup(target)
    finally:
        target.close()
        reader.close()
    draft.replace(copy)
