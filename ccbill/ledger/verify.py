"""Whether the ledger still says what was written into it: every hash, and all that follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256

from ccbill.ledger import replay, seal
from ccbill.ledger.record import RECEIPTED, chain, receipt
from ccbill.ledger.standing import aliases, blob, claims_of, first_counted
from ccbill.ledger.store import Ledger
from ccbill.ledger.submit import rows_of

# Each finds nothing in a ledger where the index follows from what was submitted.
_FOLLOWS = {
    "claims do not stand as their submissions say": """
        SELECT count(*) FROM claims c JOIN submissions s USING (claim_id)
        WHERE s.event = (SELECT max(event) FROM submissions WHERE claim_id = c.claim_id)
        AND s.after IS NOT c.run
    """,
    "claims changed at another event than the ledger says": """
        SELECT count(*) FROM claims c
        WHERE changed IS NOT (SELECT max(event) FROM submissions WHERE claim_id = c.claim_id)
    """,
    "claims stand that were never submitted": """
        SELECT count(*) FROM claims WHERE claim_id NOT IN (SELECT claim_id FROM submissions)
    """,
    "submitted claims are not in the index": """
        SELECT count(DISTINCT claim_id) FROM submissions
        WHERE claim_id NOT IN (SELECT claim_id FROM claims)
    """,
    "standing lines are not in the index": """
        SELECT count(*) FROM lines l JOIN claims c USING (claim_id) WHERE c.run = l.run
        AND NOT EXISTS (SELECT 1 FROM live v WHERE v.key = l.key AND v.run = l.run AND v.n = l.n)
    """,
    "lines stand in the index that do not stand": """
        SELECT count(*) FROM live v WHERE NOT EXISTS (
            SELECT 1 FROM lines l JOIN claims c USING (claim_id)
            WHERE l.run = v.run AND l.n = v.n AND l.key = v.key AND c.run = l.run)
    """,
    "tables are of runs that are not there": """
        SELECT count(*) FROM blobs WHERE run NOT IN (SELECT run FROM runs)
    """,
    "lines are of runs that were never submitted": """
        SELECT count(*) FROM lines
        WHERE run NOT IN (SELECT run FROM events WHERE what = 'submitted')
    """,
}


def differences(ledger: Ledger) -> Iterator[tuple[int | None, str]]:
    """What differs: the run that it is about, or None, and the difference in words."""
    for (found,) in ledger.db.execute("PRAGMA integrity_check").fetchall():
        if found != "ok":
            yield None, "the file is damaged"
            return
    told = [*_events(ledger), *_runs(ledger)]
    yield from told
    for what, query in _FOLLOWS.items():
        [found] = ledger.db.execute(query).fetchone()
        if found:
            yield None, f"{found:,} {what}"
    yield from _statuses(ledger)
    if not told:
        yield from _told(ledger)


def _events(ledger: Ledger) -> Iterator[tuple[None, str]]:
    """Whether each event did what it did, after the one before it, and none is gone."""
    before, last = seal.identity(ledger.db), 0
    done, nothing = seal.digests(ledger.db), seal.digest(())
    query = "SELECT event, what, run, told, at, seal FROM events ORDER BY event"
    for *event, sealed in ledger.db.execute(query).fetchall():
        last = event[0]
        if seal.seal(before, event, done.pop(last, nothing)) != sealed:
            yield None, f"event {last} is not as it was recorded, or not after the one before it"
        before = sealed
    if done:
        yield None, f"{len(done):,} events are gone that did something to claims"
    rows = ledger.db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchall()
    if rows != ([(last,)] if last else []):
        yield None, "the last events are gone"
    if ledger.db.execute("SELECT name FROM meta").fetchall() != [("id",)]:
        yield None, "its identity is not what it was"


def _runs(ledger: Ledger) -> Iterator[tuple[int, str]]:
    """Whether each run says what it said, after the run before it."""
    before = ""  # a run that is missing breaks the chain
    columns = (*RECEIPTED, "receipt", "chain")
    rows = ledger.db.execute(f"SELECT {', '.join(columns)} FROM runs ORDER BY run").fetchall()
    submitted = replay.submitted(ledger)
    for values in rows:
        row = dict(zip(columns, values, strict=True))
        run = row["run"]
        query = "SELECT name, sha256 FROM blobs WHERE run = ?"
        hashes = dict(ledger.db.execute(query, (run,)).fetchall())
        altered = _altered(ledger, run, hashes)
        for name in altered:
            yield run, f"its {name} are not those that were recorded"
        if receipt(row, hashes) != row["receipt"]:
            yield run, "its receipt does not fit what it says"
        elif run in submitted and "claims" not in altered and not _lines_fit(ledger, run):
            yield run, "its submitted lines are not those of its claims"
        if chain(before, row["receipt"]) != row["chain"]:
            yield run, "it does not follow on the run before it"
        before = row["chain"]


def _altered(ledger: Ledger, run: int, hashes: Mapping[str, str]) -> list[str]:
    """The run's tables whose bytes have another hash."""
    return [
        name
        for name, digest in sorted(hashes.items())
        if sha256(blob(ledger, run, name) or b"").hexdigest() != digest
    ]


def _lines_fit(ledger: Ledger, run: int) -> bool:
    """Whether the rows of a submitted run say what its claims do."""
    columns = rows_of(run, claims_of(ledger, run))
    query = f"SELECT {', '.join(columns)} FROM lines WHERE run = ? ORDER BY n"
    rows = ledger.db.execute(query, (run,)).fetchall()
    return rows == list(zip(*columns.values(), strict=True))


def _statuses(ledger: Ledger) -> Iterator[tuple[int, str]]:
    """Whether each run has the status that its events gave it."""
    now = dict(ledger.db.execute("SELECT run, status FROM runs"))
    then = replay.statuses(ledger)
    for run in sorted(now.keys() | then.keys()):
        if run not in now:
            yield run, "it is gone"
        elif now[run] != then.get(run):
            yield run, "its status is not what was done to it"


def _told(ledger: Ledger) -> Iterator[tuple[None, str]]:
    """Whether what follows from the events and from the runs' activities is so."""
    query = "SELECT claim_id, payer_claim_number FROM claims WHERE payer_claim_number IS NOT NULL"
    if dict(ledger.db.execute(query)) != replay.numbers(ledger):
        yield None, "the payer's claim numbers are not those that were given"
    if aliases(ledger) != replay.aliases(ledger):
        yield None, "the merged ids are not those that were merged"
    if first_counted(ledger) != replay.staff(ledger, replay.submitted(ledger)):
        yield None, "the first days of staff are not those of the submitted runs"
