"""Writing a run into the ledger: its lines, its activities, and the receipt over all of it."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccbill.digests import SEPARATOR, numbered
from ccbill.ledger import seal
from ccbill.ledger.packed import packed, unpacked
from ccbill.ledger.seal import Change
from ccbill.ledger.settle import Terms, modifiers
from ccbill.ledger.standing import CASE, aliases, blob, filled, person
from ccbill.ledger.store import Ledger
from ccbill.report.tables import CLAIMS, TEXT
from ccbill.report.typed import strings
from ccbill.tables import UNKNOWN, Ints

KEY_DIGEST = blake2b(digest_size=12)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger keeps of a run; `created` and `today` are ISO, `record` is run.json."""

    kind: str  # run | import
    created: str
    today: str
    version: str
    record: Mapping[str, Any]
    lines: pd.DataFrame  # CLAIMS
    submitted: pd.DataFrame  # billed before and unchanged, with the `key` of each line
    cases: pd.DataFrame  # CASE
    log: Callable[[], Mapping[str, bytes]] = dict  # packed tables that the lines were made of


def next_run(ledger: Ledger) -> int:
    """The number of the run that is recorded next."""
    [last] = ledger.db.execute("SELECT coalesce(max(run), 0) FROM runs").fetchone()
    return int(last) + 1


def record(ledger: Ledger, entry: Entry, terms: Terms) -> int:
    """Records a run as a draft, and gives its number; older drafts of the same cases are replaced.

    The caller holds the ledger.
    """
    run = next_run(ledger)
    lines = entry.lines.assign(key=keys(ledger, entry, terms))
    blobs = {"claims": packed(lines), "cases": packed(entry.cases[CASE]), **entry.log()}
    row: dict[str, Any] = {
        "run": run,
        "kind": entry.kind,
        "created": entry.created,
        "today": entry.today,
        "user": _user(),
        "version": entry.version,
        "months": ", ".join(sorted(set(filled(lines["month"])) - {""})),
        "lines": len(lines),
        "amount": amount(lines[(lines["status"] != "void").to_numpy(bool)]),
        "record": json.dumps(entry.record, ensure_ascii=False, sort_keys=True, default=int),
        "seen": last_event(ledger),
    }
    hashes = {name: sha256(content).hexdigest() for name, content in blobs.items()}
    row["receipt"] = receipt(row, hashes)
    row["chain"] = chain(_last_chain(ledger), row["receipt"])
    row["status"] = "draft"
    names = ", ".join(row)
    marks = ", ".join("?" * len(row))
    replaced = _same_cases(ledger, entry.cases)
    ledger.db.execute(f"INSERT INTO runs ({names}) VALUES ({marks})", list(row.values()))
    ledger.db.executemany(
        "INSERT INTO blobs (run, name, sha256, content) VALUES (?, ?, ?, ?)",
        [(run, name, hashes[name], content) for name, content in blobs.items()],
    )
    event(ledger, "recorded", run, entry.created)
    for older in replaced:
        ledger.db.execute("UPDATE runs SET status = 'replaced' WHERE run = ?", (older,))
        event(ledger, "replaced", older, entry.created, by=run)
    return run


def packed_log(activities: pd.DataFrame, patients: pd.DataFrame) -> dict[str, bytes]:
    """What a run's lines were made of, as it is kept."""
    return {"activities": packed(activities, "patient"), "patients": packed(patients)}


RECEIPTED = (
    *("run", "kind", "created", "today", "user", "version", "months", "lines", "amount"),
    *("record", "seen"),
)


def receipt(row: Mapping[str, Any], hashes: Mapping[str, str]) -> str:
    """One hash over all that a run's row says for good, and the hashes of its tables."""
    told = {name: row[name] for name in RECEIPTED} | {"blobs": dict(sorted(hashes.items()))}
    return sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def chain(before: str, own: str) -> str:
    """A hash over a receipt and the chain before it, so that no run can be taken out unseen."""
    return sha256(f"{before} {own}".encode()).hexdigest()


def _last_chain(ledger: Ledger) -> str:
    row = ledger.db.execute("SELECT chain FROM runs ORDER BY run DESC LIMIT 1").fetchone()
    return "" if row is None else str(row[0])


def event(
    ledger: Ledger,
    what: str,
    run: int | None,
    at: str,
    changes: Sequence[Change] = (),
    **told: Any,
) -> int:
    """Adds an event that does this to claims, and gives its number."""
    return seal.add(ledger.db, what, run, at, told, changes)


def last_event(ledger: Ledger) -> int:
    [last] = ledger.db.execute("SELECT coalesce(max(event), 0) FROM events").fetchone()
    return int(last)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""


def amount(lines: pd.DataFrame) -> int:
    """Cents: the charge of each line, else what it is expected to pay."""
    charge = lines["charge"].to_numpy(np.int64)
    expected = lines["expected_payment"].to_numpy(np.int64)
    cents = np.where(charge == UNKNOWN, np.where(expected == UNKNOWN, 0, expected), charge)
    return int(cents.sum())


def keys(ledger: Ledger, entry: Entry, terms: Terms) -> npt.NDArray[np.object_]:
    """What of each line can stand once only, as bytes: none for a void.

    That is plan, patient, practice and period as its rule has them, code, modifiers, and which of
    several equal ones it is, after those that were billed before and stay.
    """
    lines = entry.lines
    rule = lines["rule"].astype(object)
    period = rule.map(terms.period).fillna("day")
    month = filled(lines["month"])
    word = month.where(period == "month", "")
    word = word.where(period != "year", month.str[:4])
    word = word.where(period != "day", lines["service_from"].astype(str))
    parts = [
        filled(lines["plan"]),
        filled(person(lines["patient_id"], aliases(ledger))),
        filled(lines["billing_npi"]).where(rule.isin(terms.by_practice) | ~rule.notna(), ""),
        period,
        word,
        filled(lines["code"]),
        modifiers(lines),
    ]
    sent = (lines["status"] != "void").to_numpy(bool)
    text = pc.binary_join_element_wise(*(strings(part[sent]) for part in parts), SEPARATOR)
    of_line = pd.Series(text.dictionary_encode().indices.to_numpy())
    nth = of_line.groupby(of_line).cumcount().to_numpy()
    taken = set(entry.submitted["key"]) if len(entry.submitted) else set()
    kept = _hashes(text, nth)
    for at in np.flatnonzero((nth > 0) | pd.Series(kept).isin(taken).to_numpy()).tolist():
        number = int(nth[at])
        while kept[at] in taken:
            number += 1
            [kept[at]] = _hashes(text[at : at + 1], [number])
        if number:
            taken.add(kept[at])
    found = np.full(len(lines), None, object)
    found[sent] = kept
    return found


def _hashes(texts: pa.Array, numbers: Sequence[int] | Ints) -> npt.NDArray[np.object_]:
    """The key of each line that stands after so many equal ones."""
    hashed = numbered(texts, np.asarray(numbers), KEY_DIGEST)
    return hashed.view(f"V{KEY_DIGEST.digest_size}")[:, 0].astype(object)


def _same_cases(ledger: Ledger, cases: pd.DataFrame) -> list[int]:
    """The drafts all of whose cases are among these."""
    drafts = _drafts(ledger)
    if not drafts:
        return []
    found = []
    ours = pd.MultiIndex.from_frame(cases[CASE].astype(object))
    for run in drafts:
        content = blob(ledger, run, "cases")
        assert content is not None
        theirs = unpacked(content, dict.fromkeys(CASE, TEXT)).astype(object)
        if pd.MultiIndex.from_frame(theirs[CASE]).isin(ours).all():
            found.append(run)
    return found


def _drafts(ledger: Ledger) -> list[int]:
    query = "SELECT run FROM runs WHERE status = 'draft' AND kind = 'run'"
    return [run for (run,) in ledger.db.execute(query)]


def repeated(ledger: Ledger, claim_ids: Sequence[str]) -> dict[int, int]:
    """How many of these claims each draft has."""
    found, ours = {}, set(claim_ids)
    for run in _drafts(ledger):
        content = blob(ledger, run, "claims")
        assert content is not None
        theirs = unpacked(content, CLAIMS, ["claim_id"])["claim_id"]
        same = ours.intersection(theirs)
        if same:
            found[int(run)] = len(same)
    return found
