"""What the ledger says of its runs and of a patient, as plain values."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from ccbill.errors import Exit
from ccbill.ledger.record import amount
from ccbill.ledger.standing import claims_of, other_ids, texts
from ccbill.ledger.store import Ledger
from ccbill.ledger.submit import refused, status_of

_RUN = ("run", "kind", "status", "months", "created", "user", "version", "lines", "amount")


def runs(ledger: Ledger) -> list[dict[str, Any]]:
    """Every run, the first first; amounts are whole cents in units of the currency."""
    rows = ledger.db.execute(f"SELECT {', '.join(_RUN)} FROM runs ORDER BY run").fetchall()
    return [_told(row) for row in rows]


def _told(row: tuple[Any, ...]) -> dict[str, Any]:
    run = dict(zip(_RUN, row, strict=True))
    return {
        "run": run["run"],
        "status": run["status"],
        "month": run["months"],
        "created": run["created"],
        "lines": run["lines"],
        "amount": money(run["amount"]),
        **{name: run[name] for name in ("kind", "user", "version")},
    }


def money(cents: int) -> float:
    """An amount, of which JSON shows the cents."""
    return round(cents / 100, 2)


def run(ledger: Ledger, number: int) -> dict[str, Any]:
    """One run, its record, and its lines by plan, month, code and status."""
    status_of(ledger, number)
    query = f"SELECT {', '.join(_RUN)}, record FROM runs WHERE run = ?"
    *row, record = ledger.db.execute(query, (number,)).fetchone()
    lines = claims_of(ledger, number)
    keys = ["plan", "month", "code", "status"]
    table = texts(lines, keys).assign(
        units=lines["units"].astype(np.int64),
        charge=lines["charge"].astype(np.int64),
        expected_payment=lines["expected_payment"].astype(np.int64),
    )
    summary = [
        dict(zip(keys, key, strict=True))
        | {"lines": len(part), "units": int(part["units"].sum()), "amount": money(amount(part))}
        for key, part in ((pd.Series(k).tolist(), p) for k, p in table.groupby(keys))
    ]
    return _told(tuple(row)) | {"summary": summary, "record": json.loads(record)}


def history(ledger: Ledger, patient: str) -> list[dict[str, Any]]:
    """Every submitted line of a patient under any of their ids, in the order of submission."""
    ids = [patient, *other_ids(ledger, patient)]
    columns = (
        *("run", "claim_id", "patient_id", "plan", "practice", "month", "service_from"),
        *("code", "modifiers", "units", "authorization_number", "rule"),
    )
    names = ", ".join(f"l.{name}" for name in columns)
    marks = ", ".join("?" * len(ids))
    last = (
        "SELECT what FROM submissions s WHERE s.claim_id = l.claim_id AND s.run = l.run "
        "ORDER BY event DESC LIMIT 1"
    )
    query = (
        f"SELECT {names}, c.run IS l.run, ({last}) FROM lines l JOIN claims c USING (claim_id) "
        f"WHERE l.patient_id IN ({marks}) ORDER BY l.run, l.n"
    )
    found = []
    for *cells, stands, what in ledger.db.execute(query, ids):
        line = dict(zip(columns, cells, strict=True))
        line["service_from"] = str(np.datetime64(line["service_from"], "D"))
        closed = what if what in ("voided", "rejected") else "replaced"
        found.append(line | {"state": "stands" if stands else closed})
    if not found:
        what = "the ledger has no submitted line of that patient"
        raise refused("ledger history", what, "write the id as the export does", Exit.INPUT)
    return found
