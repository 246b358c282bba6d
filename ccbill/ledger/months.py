"""What was submitted and stands, month by month."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from ccbill.ledger.packed import unpacked
from ccbill.ledger.standing import blob
from ccbill.ledger.store import Ledger
from ccbill.report.tables import CLAIMS

BY_MONTH = ["month", "units", "charge", "expected_payment"]
_STANDING = """
    SELECT l.run, l.n FROM lines l JOIN claims c ON c.claim_id = l.claim_id AND c.run = l.run
    WHERE l.month >= ? ORDER BY l.run, l.n
"""


def standing_lines(ledger: Ledger, since: str, but: Collection[str]) -> pd.DataFrame:
    """The submitted lines that stand since a month (`2026-03`), but those of some claims: BY_MONTH.

    Amounts are in cents, UNKNOWN where a line has none.
    """
    rows = ledger.db.execute(_STANDING, (since,)).fetchall()
    places = pd.DataFrame(rows, columns=["run", "n"]).astype(np.int64)
    none = pd.DataFrame({name: pd.Series(dtype=object) for name in BY_MONTH})
    parts = [
        _sent(ledger, run, places["n"][places["run"] == run]) for run in places["run"].unique()
    ]
    lines = pd.concat([none, *parts], ignore_index=True) if parts else none.assign(claim_id=None)
    kept = lines[~lines["claim_id"].isin(list(but))]
    whole = dict.fromkeys(BY_MONTH[1:], np.int64)
    return kept[BY_MONTH].astype(whole).reset_index(drop=True)


def _sent(ledger: Ledger, run: int, places: pd.Series[int]) -> pd.DataFrame:
    content = blob(ledger, int(run), "claims")
    assert content is not None
    names = ["claim_id", *BY_MONTH]
    lines = unpacked(content, CLAIMS, names).iloc[places.to_numpy()]
    return lines.astype({"claim_id": object, "month": object})
