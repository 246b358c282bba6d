"""Whether the ledger still says what was written into it: every hash, and all that follows."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from ccbill.ledger.record import RECEIPTED, chain, receipt
from ccbill.ledger.standing import claims_of
from ccbill.ledger.store import Ledger

# Each finds nothing in a ledger where the index follows from what was submitted.
_FOLLOWS = {
    "claims do not stand as their submissions say": """
        SELECT count(*) FROM claims c JOIN submissions s USING (claim_id)
        WHERE s.event = (SELECT max(event) FROM submissions WHERE claim_id = c.claim_id)
        AND s.after IS NOT c.run
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
}


def differences(ledger: Ledger) -> Iterator[tuple[int | None, str]]:
    """What differs: the run that it is about, or None, and the difference in words."""
    for (found,) in ledger.db.execute("PRAGMA integrity_check").fetchall():
        if found != "ok":
            yield None, "the file is damaged"
            return
    before = ""  # a run that is missing breaks the chain
    names = ", ".join((*RECEIPTED, "receipt", "chain"))
    rows = ledger.db.execute(f"SELECT {names} FROM runs ORDER BY run").fetchall()
    for values in rows:
        row = dict(zip((*RECEIPTED, "receipt", "chain"), values, strict=True))
        run = row["run"]
        hashes = dict(
            ledger.db.execute("SELECT name, sha256 FROM blobs WHERE run = ?", (run,)).fetchall()
        )
        for name, digest in hashes.items():
            query = "SELECT content FROM blobs WHERE run = ? AND name = ?"
            [content] = ledger.db.execute(query, (run, name)).fetchone()
            if sha256(content).hexdigest() != digest:
                yield run, f"its {name} are not those that were recorded"
        if receipt(row, hashes) != row["receipt"]:
            yield run, "its receipt does not fit what it says"
        if chain(before, row["receipt"]) != row["chain"]:
            yield run, "it does not follow on the run before it"
        before = row["chain"]
        yield from _rows(ledger, run)
    for what, query in _FOLLOWS.items():
        [found] = ledger.db.execute(query).fetchone()
        if found:
            yield None, f"{found:,} {what}"


def _rows(ledger: Ledger, run: int) -> Iterator[tuple[int, str]]:
    """Whether a submitted run's rows are those of its claims."""
    query = "SELECT n, claim_id, key, code, units FROM lines WHERE run = ? ORDER BY n"
    rows = ledger.db.execute(query, (run,)).fetchall()
    if not rows:
        return
    try:
        lines = claims_of(ledger, run)
    except (OSError, ValueError, KeyError):
        return  # the hash has told it
    sent = lines[(lines["status"].astype(str) != "void").to_numpy()]
    columns = [sent[name].tolist() for name in ("claim_id", "key", "code", "units")]
    if rows != list(zip(sent.index.tolist(), *columns, strict=True)):
        yield run, "its submitted lines are not those of its claims"
