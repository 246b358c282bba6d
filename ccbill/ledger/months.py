"""What was submitted and stands, month by month."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from ccbill.ledger.packed import unpacked
from ccbill.ledger.standing import blob
from ccbill.ledger.store import Ledger
from ccbill.report.tables import CLAIMS, TEXT

BY_MONTH = ["month", "units", "charge", "expected_payment"]
_STANDING = """
    SELECT l.run, l.n FROM lines l JOIN claims c ON c.claim_id = l.claim_id AND c.run = l.run
    WHERE l.month >= ? ORDER BY l.run, l.n
"""


def standing_lines(
    ledger: Ledger, since: str, but: Collection[str], more: Sequence[str] = ()
) -> pd.DataFrame:
    """The submitted lines that stand since a month (`2026-03`), but those of some claims: BY_MONTH.

    Further columns of CLAIMS, those of `more`, come before these. Amounts are in cents, UNKNOWN
    where a line has none.
    """
    rows = ledger.db.execute(_STANDING, (since,)).fetchall()
    places = pd.DataFrame(rows, columns=["run", "n"]).astype(np.int64)
    names = [*more, *BY_MONTH]
    none = pd.DataFrame({name: pd.Series(dtype=object) for name in names})
    parts = [
        _sent(ledger, run, places["n"][places["run"] == run], ["claim_id", *names])
        for run in places["run"].unique()
    ]
    lines = pd.concat([none, *parts], ignore_index=True) if parts else none.assign(claim_id=None)
    kept = lines[~lines["claim_id"].isin(list(but))]
    whole = dict.fromkeys(BY_MONTH[1:], np.int64)
    return kept[names].astype(whole).reset_index(drop=True)


def _sent(ledger: Ledger, run: int, places: pd.Series[int], names: Sequence[str]) -> pd.DataFrame:
    content = blob(ledger, int(run), "claims")
    assert content is not None
    lines = unpacked(content, CLAIMS, names).iloc[places.to_numpy()]
    return lines.astype({name: object for name in names if CLAIMS[name] == TEXT})


def earlier(ledger: Ledger | None, lines: pd.DataFrame) -> pd.DataFrame:
    """What stands beside a run's lines (CLAIMS) in their months and the one before the first:
    `plan`, `code` and BY_MONTH."""
    more = ("plan", "code")
    if ledger is None or lines.empty:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in (*more, *BY_MONTH)})
    first = np.datetime64(lines["month"].astype(object).min(), "M")
    return standing_lines(ledger, str(first - 1), set(lines["claim_id"]), more)
