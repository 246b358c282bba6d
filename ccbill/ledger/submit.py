"""A draft is sent; what was sent is taken back, or was refused: every change of what stands."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ccbill.errors import CcbillError, Exit, Message, counted
from ccbill.ledger import store
from ccbill.ledger.packed import unpacked
from ccbill.ledger.record import event
from ccbill.ledger.seal import Change
from ccbill.ledger.settle import modifiers
from ccbill.ledger.standing import blob, claims_of, filled
from ccbill.ledger.store import Ledger
from ccbill.report.tables import TEXT

NOTHING = "Nothing was recorded."


@dataclass(frozen=True, slots=True)
class Changed:
    """What a command did: to which run, to how many claims, and how many it had to leave."""

    run: int
    claims: int
    left: int = 0
    already: bool = False


def status_of(ledger: Ledger, run: int) -> str:
    """The status of a run that there is."""
    row = ledger.db.execute("SELECT status FROM runs WHERE run = ?", (run,)).fetchone()
    if row is None:
        what = f"the ledger has no run {run}"
        raise refused("ledger", what, "see the runs with: ccbill ledger runs", Exit.INPUT)
    return str(row[0])


def refused(where: str, what: str, fix: str, code: Exit = Exit.REFUSED) -> CcbillError:
    return CcbillError(code, Message(where, what, NOTHING, fix))


def submit(ledger: Ledger, run: int, at: str) -> Changed:
    """Makes a draft count as billed; a run that is submitted stays so. The caller holds the ledger.

    A draft made before something else was done to one of its claims is refused.
    """
    status = status_of(ledger, run)
    lines = claims_of(ledger, run)
    claims = int(lines["claim_id"].nunique())
    if status == "submitted":
        return Changed(run, claims, already=True)
    if status not in ("draft", "replaced"):
        how = "rejected" if status == "rejected" else "taken back"
        what = f"run {run} was submitted once and {how}"
        raise refused("ledger", what, "run the export again and submit that run")
    sent = lines[["claim_id", "status"]].drop_duplicates().astype(object).sort_values("claim_id")
    found = _in_ledger(ledger, sent["claim_id"])
    _not_stale(ledger, run, found)
    changes: list[Change] = [
        (claim, what, run, found[claim][0] if claim in found else None, _after(what, run))
        for claim, what in zip(sent["claim_id"], sent["status"], strict=True)
    ]
    _stand(ledger, event(ledger, "submitted", run, at, changes), changes, lines)
    forget = "UPDATE claims SET payer_claim_number = NULL WHERE claim_id = ?"
    store.many(ledger, forget, ((c,) for c, what, *_ in changes if what == "new" and c in found))
    ledger.db.execute("UPDATE runs SET status = 'submitted' WHERE run = ?", (run,))
    _staff(ledger, run)
    return Changed(run, claims)


def _after(what: str, run: int) -> int | None:
    return None if what == "void" else run


def _in_ledger(ledger: Ledger, claims: Iterable[str]) -> dict[str, tuple[int | None, int]]:
    """Of the claims that the ledger knows: whose version stands, and the last event of each."""
    ledger.db.execute("CREATE TEMP TABLE IF NOT EXISTS asked (claim_id TEXT PRIMARY KEY)")
    ledger.db.execute("DELETE FROM temp.asked")
    store.many(ledger, "INSERT INTO temp.asked VALUES (?)", ((claim,) for claim in claims))
    query = "SELECT claim_id, run, changed FROM temp.asked JOIN claims USING (claim_id)"
    return {claim: (run, changed) for claim, run, changed in ledger.db.execute(query)}


def _not_stale(ledger: Ledger, run: int, found: Mapping[str, tuple[int | None, int]]) -> None:
    [seen] = ledger.db.execute("SELECT seen FROM runs WHERE run = ?", (run,)).fetchone()
    stale = sum(changed > seen for _, changed in found.values())
    if stale:
        was = "was" if stale == 1 else "were"
        what = f"{counted(stale, 'claim')} of run {run} {was} submitted or corrected after"
        what += " it was made"
        raise refused("ledger", what, "run the export again and submit that run")


def _stand(
    ledger: Ledger, number: int, changes: list[Change], lines: pd.DataFrame | None = None
) -> None:
    """Records what is done to each claim, and has what follows from it stand; `lines` are new."""
    store.many(
        ledger,
        "INSERT INTO submissions (event, claim_id, what, run, before, after) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        ((number, *change) for change in changes),
    )
    store.many(
        ledger,
        "INSERT INTO claims (claim_id, run, changed) VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET run = excluded.run, changed = excluded.changed",
        ((claim, after, number) for claim, _, _, _, after in changes),
    )
    store.many(
        ledger,
        "DELETE FROM live WHERE key IN (SELECT key FROM lines INDEXED BY lines_of_claim "
        "WHERE claim_id = ? AND run = ?)",
        ((claim, before) for claim, _, _, before, _ in changes if before is not None),
    )
    if lines is not None:
        _add_lines(ledger, changes[0][2] if changes else 0, lines)
    try:
        store.many(
            ledger,
            "INSERT INTO live (key, run, n) "
            "SELECT key, run, n FROM lines INDEXED BY lines_of_claim "
            "WHERE claim_id = ? AND run = ?",
            ((claim, after) for claim, _, _, _, after in changes if after is not None),
        )
    except sqlite3.IntegrityError:
        what = "a line of it stands in the ledger already, on another claim"
        fix = "run the export again; void the other claim if it should not stand"
        raise refused("ledger", what, fix) from None


def _add_lines(ledger: Ledger, run: int, lines: pd.DataFrame) -> None:
    columns = rows_of(run, lines)
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    rows = zip(*columns.values(), strict=True)
    store.many(ledger, f"INSERT INTO lines ({names}) VALUES ({marks})", rows)


def rows_of(run: int, lines: pd.DataFrame) -> dict[str, list[Any]]:
    """The lines that will stand, as columns of `lines`; those of voids only take others away."""
    sent = lines[(lines["status"].astype(str) != "void").to_numpy()]

    def texts(name: str) -> list[str | None]:
        return sent[name].astype(object).where(sent[name].notna(), None).tolist()

    return {
        "run": [run] * len(sent),
        "n": sent.index.tolist(),
        "claim_id": texts("claim_id"),
        "key": sent["key"].tolist(),
        "plan": texts("plan"),
        "patient_id": texts("patient_id"),
        "practice": filled(sent["billing_npi"]).tolist(),
        "rendering_npi": texts("rendering_npi"),
        "authorization_number": texts("authorization_number"),
        "month": texts("month"),
        "service_from": sent["service_from"].tolist(),
        "code": texts("code"),
        "modifiers": modifiers(sent).tolist(),
        "units": sent["units"].tolist(),
        "rule": texts("rule"),
    }


def _staff(ledger: Ledger, run: int) -> None:
    """Keeps each staff member's earliest counted day in the plan."""
    store.many(
        ledger,
        "INSERT INTO staff VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET first_day = min(first_day, excluded.first_day)",
        ((*who, day) for who, day in first_days(ledger, run).items()),
    )


def first_days(ledger: Ledger, run: int) -> dict[tuple[str, str], int]:
    """The earliest counted day of each staff member in each plan of the run."""
    content = blob(ledger, run, "activities")
    if content is None:
        return {}
    names = ["decided_plan", "decided_outcome", "staff", "service_date"]
    table = unpacked(content, dict.fromkeys(names[:3], TEXT), names)
    counted = table[(table["decided_outcome"] == "counted") & table["staff"].notna()]
    by = counted.groupby(["decided_plan", "staff"], observed=True)["service_date"]
    first = by.min().reset_index().astype(object)
    who = zip(first["decided_plan"], first["staff"], strict=True)
    return dict(zip(who, first["service_date"], strict=True))


def void(ledger: Ledger, at: str, *, run: int | None = None, claim: str | None = None) -> Changed:
    """Takes back a submitted run, or one claim: nothing of it stands any more."""
    claims, whose = _meant(ledger, run, claim)
    stand = [(c, r) for c, r in claims if r is not None and run in (None, r)]
    if not stand:
        what = "nothing of it stands" if run is None else f"nothing of run {run} stands"
        raise refused("ledger void", what, "see the runs with: ccbill ledger runs")
    changes: list[Change] = [(c, "voided", r, r, None) for c, r in stand]
    _stand(ledger, event(ledger, "voided", whose, at, changes), changes)
    _close(ledger, whose)
    return Changed(whose, len(stand), left=len(claims) - len(stand))


def reject(ledger: Ledger, at: str, *, run: int | None = None, claim: str | None = None) -> Changed:
    """Undoes a submission that a clearinghouse refused: what stood before it stands again."""
    claims, whose = _meant(ledger, run, claim)
    last = (
        "SELECT what, run, before, after FROM submissions WHERE claim_id = ? "
        "ORDER BY event DESC LIMIT 1"
    )
    changes: list[Change] = []
    for each, _ in claims:
        what, by, before, after = ledger.db.execute(last, (each,)).fetchone()
        if by == whose and what in ("new", "replacement", "void"):
            changes.append((each, "rejected", by, after, before))
    if not changes:
        what = "no claim of it was submitted last by that run"
        raise refused("ledger reject", what, "see the runs with: ccbill ledger runs")
    _stand(ledger, event(ledger, "rejected", whose, at, changes), changes)
    _close(ledger, whose)
    return Changed(whose, len(changes), left=len(claims) - len(changes))


def _meant(
    ledger: Ledger, run: int | None, claim: str | None
) -> tuple[list[tuple[str, int | None]], int]:
    """The claims that a command names, each with the run whose version stands; and a run."""
    if run is not None:
        status = status_of(ledger, run)
        if status in ("draft", "replaced"):
            what = f"run {run} is a draft, and no payer has it"
            raise refused("ledger", what, "nothing needs to be done: drafts are not billed")
    query = (
        "SELECT DISTINCT c.claim_id, c.run FROM submissions s JOIN claims c USING (claim_id) "
        "WHERE s.what IN ('new', 'replacement', 'void')"
    )
    if claim is None:
        rows = ledger.db.execute(f"{query} AND s.run = ? ORDER BY 1", (run,)).fetchall()
        assert run is not None
        return rows, run
    rows = ledger.db.execute(f"{query} AND c.claim_id = ?", (claim,)).fetchall()
    if not rows:
        what = "no claim of that id was submitted"
        raise refused("--claim", what, "claim ids stand in claims.csv and claims.xlsx", Exit.INPUT)
    last = "SELECT run FROM submissions WHERE claim_id = ? ORDER BY event DESC LIMIT 1"
    [whose] = ledger.db.execute(last, (claim,)).fetchone()
    whose = whose if rows[0][1] is None else rows[0][1]
    if run is not None and run != whose:
        what = f"the claim was submitted last by run {whose}"
        raise refused("--claim", what, f"name run {whose}, or no run")
    return rows, int(whose)


def _close(ledger: Ledger, run: int) -> None:
    """A run of which nothing stands is void, and rejected where no claim of it was taken back."""
    query = "SELECT count(*) FROM claims WHERE run = ?"
    if not ledger.db.execute(query, (run,)).fetchone()[0]:
        query = "SELECT count(*) FROM events WHERE run = ? AND what = 'voided'"
        [taken] = ledger.db.execute(query, (run,)).fetchone()
        status = "void" if taken else "rejected"
        ledger.db.execute("UPDATE runs SET status = ? WHERE run = ?", (status, run))


def number_claims(ledger: Ledger, numbers: dict[str, str], run: int, at: str) -> Changed:
    """Keeps the payer's number of each submitted claim; those of other claims are left."""
    known = _in_ledger(ledger, numbers)
    store.many(
        ledger,
        "UPDATE claims SET payer_claim_number = ? WHERE claim_id = ?",
        ((numbers[claim], claim) for claim in sorted(known)),
    )
    event(ledger, "numbered", run, at, numbers={claim: numbers[claim] for claim in known})
    return Changed(run, len(known), left=len(numbers) - len(known))
