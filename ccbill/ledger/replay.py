"""What the ledger's events say should be there now: statuses, aliases, payer's numbers, staff."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from ccbill.ledger.standing import merged
from ccbill.ledger.store import Ledger
from ccbill.ledger.submit import first_days

_BECOMES = {"recorded": "draft", "submitted": "submitted", "replaced": "replaced"}


def statuses(ledger: Ledger) -> dict[int, str]:
    """The status of each run."""
    query = "SELECT event, before, after, count(*) FROM submissions GROUP BY event, before, after"
    moves: dict[int, list[tuple[Any, ...]]] = {}
    for event, *move in ledger.db.execute(query):
        moves.setdefault(event, []).append(tuple(move))
    stands: Counter[int] = Counter()
    taken: set[int] = set()
    found: dict[int, str] = {}
    for event, what, run in ledger.db.execute("SELECT event, what, run FROM events ORDER BY event"):
        for before, after, claims in moves.get(event, ()):
            stands.update({before: -claims})
            stands.update({after: claims})
        if what in _BECOMES:
            found[run] = _BECOMES[what]
        elif what in ("voided", "rejected"):
            taken |= {run} if what == "voided" else set()
            if not stands[run]:
                found[run] = "void" if run in taken else "rejected"
    return found


def submitted(ledger: Ledger) -> set[int]:
    """The runs that ever counted as billed."""
    return {run for (run,) in ledger.db.execute("SELECT run FROM events WHERE what = 'submitted'")}


def aliases(ledger: Ledger) -> dict[str, str]:
    """The id that each merged id leads to."""
    known: dict[str, str] = {}
    for _, told in _told(ledger, "merged"):
        known = merged(known, told["old"], told["new"])
    return known


def numbers(ledger: Ledger) -> dict[str, str]:
    """The payer's number of each claim, but for those that were billed anew since."""
    query = "SELECT claim_id, max(event) FROM submissions WHERE what = 'new' GROUP BY claim_id"
    begun = dict(ledger.db.execute(query))
    return {
        claim: number
        for event, told in _told(ledger, "numbered")
        for claim, number in told.get("numbers", {}).items()
        if event > begun.get(claim, 0)
    }


def staff(ledger: Ledger, runs: Collection[int]) -> dict[tuple[str, str], int]:
    """The earliest counted day of each staff member in each plan, in these runs."""
    first: dict[tuple[str, str], int] = {}
    for run in runs:
        for who, day in first_days(ledger, run).items():
            first[who] = min(day, first.get(who, day))
    return first


def _told(ledger: Ledger, what: str) -> Iterator[tuple[int, dict[str, Any]]]:
    query = "SELECT event, told FROM events WHERE what = ? ORDER BY event"
    for event, told in ledger.db.execute(query, (what,)):
        yield event, json.loads(told)
