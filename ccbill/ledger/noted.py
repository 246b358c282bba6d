"""What the ledger remembers of exceptions: since when each is there, and what people noted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ccbill.ledger import store
from ccbill.ledger.packed import unpacked
from ccbill.ledger.standing import CASE, blob
from ccbill.ledger.store import Ledger
from ccbill.report.tables import TEXT

WORDS = ["status", "assigned_to", "note"]
COLUMNS = ["id", "first_run", "changed", *WORDS]
SCOPE = ["plan", "practice", "month"]


def known(ledger: Ledger, ids: Sequence[str]) -> pd.DataFrame:
    """What is remembered of those of these exceptions that came up before: COLUMNS."""
    [any_at_all] = ledger.db.execute("SELECT EXISTS (SELECT 1 FROM work)").fetchone()
    if not any_at_all:
        return pd.DataFrame(columns=COLUMNS, dtype=object)
    ledger.db.execute("CREATE TEMP TABLE IF NOT EXISTS listed (id TEXT PRIMARY KEY)")
    ledger.db.execute("DELETE FROM temp.listed")
    store.many(ledger, "INSERT INTO temp.listed VALUES (?)", ((each,) for each in ids))
    query = f"SELECT {', '.join(COLUMNS)} FROM temp.listed CROSS JOIN work USING (id)"
    return pd.DataFrame(ledger.db.execute(query).fetchall(), columns=COLUMNS, dtype=object)


def since(ledger: Ledger, spoken: pd.DataFrame) -> int | None:
    """The last run, if the next one speaks for every plan, practice and month that it spoke for;
    None where nothing is remembered yet."""
    query = "SELECT max(run) FROM runs WHERE kind = 'run' AND EXISTS (SELECT 1 FROM work)"
    [last] = ledger.db.execute(query).fetchone()
    content = None if last is None else blob(ledger, last, "cases")
    if content is None:
        return None
    then = unpacked(content, dict.fromkeys(CASE, TEXT), SCOPE).astype(object).drop_duplicates()
    now = pd.MultiIndex.from_frame(spoken[SCOPE].astype(object).drop_duplicates())
    return int(last) if pd.MultiIndex.from_frame(then[SCOPE]).isin(now).all() else None


def moved(ledger: Ledger, run: int) -> tuple[int, int]:
    """Of that run's exceptions, how many are not among those that `known` was asked for last; and
    how many of these that run had not."""
    [then] = ledger.db.execute("SELECT count(*) FROM work WHERE last_run = ?", (run,)).fetchone()
    [now] = ledger.db.execute("SELECT count(*) FROM temp.listed").fetchone()
    query = "SELECT count(*) FROM temp.listed CROSS JOIN work USING (id) WHERE last_run = ?"
    [both] = ledger.db.execute(query, (run,)).fetchone()
    return then - both, now - both


def is_run(ledger: Ledger, record: Mapping[str, Any]) -> bool:
    """Whether this run.json is of one of the ledger's runs."""
    run = record.get("run")
    query = "SELECT record FROM runs WHERE run = ?"
    row = ledger.db.execute(query, (run,)).fetchone() if isinstance(run, int) else None
    return row is not None and all(
        record.get(name) == value for name, value in json.loads(row[0]).items()
    )


def keep(ledger: Ledger, run: int, kept: pd.DataFrame) -> None:
    """Remembers the exceptions (COLUMNS) of a run that is recorded. The caller holds the ledger."""
    store.many(
        ledger,
        "INSERT INTO work (id, first_run, changed, status, assigned_to, note, last_run) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET last_run = excluded.last_run, "
        "changed = excluded.changed, status = excluded.status, "
        "assigned_to = excluded.assigned_to, note = excluded.note",
        zip(*_columns(kept, COLUMNS), [run] * len(kept), strict=True),
    )


def note(ledger: Ledger, run: int, words: pd.DataFrame, written: int) -> None:
    """Remembers what this run read of exceptions that it has not itself (`id`, WORDS), unless
    something was noted on one since the run that wrote the workbook. The caller holds the ledger.
    """
    store.many(
        ledger,
        f"UPDATE work SET changed = {run:d}, status = ?1, assigned_to = ?2, note = ?3 "
        f"WHERE id = ?4 AND changed <= {written:d} "
        "AND (status IS NOT ?1 OR assigned_to IS NOT ?2 OR note IS NOT ?3)",
        zip(*_columns(words, [*WORDS, "id"]), strict=True),
    )


def _columns(table: pd.DataFrame, names: Sequence[str]) -> list[list[Any]]:
    cells = table[list(names)].astype(object)
    return [cells[name].where(cells[name].notna(), None).tolist() for name in names]
