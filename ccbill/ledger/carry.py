"""History from elsewhere, history to elsewhere, and two ids of one patient."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccbill.errors import CcbillError, Exit, Message, nearest
from ccbill.intake.table import heading_text
from ccbill.ledger.record import Entry, record
from ccbill.ledger.settle import Terms, stacked
from ccbill.ledger.standing import CASE, aliases, claims_of, filled, merged
from ccbill.ledger.store import Ledger
from ccbill.ledger.submit import NOTHING, Changed, refused, submit
from ccbill.report.tables import CENTS, CLAIMS, DAY, TEXT
from ccbill.tables import UNKNOWN

NEEDED = ("plan", "patient_id", "code", "service_from", "units")
_ACTS = ("=", "+", "-", "@", "\t", "\r")
_WHOLE = {"line": 1, "minutes": UNKNOWN, "activities": UNKNOWN}


def read_history(path: Path, plans: Sequence[str], fill: Mapping[str, str | None]) -> pd.DataFrame:
    """Claim lines billed before, from a CSV in the layout of claims.csv: CLAIMS.

    Only NEEDED must be there. `fill` stands in for blank cells of its columns. Rows of claims that
    were voided are left out.
    """
    headings, rows, numbers = _csv(path)
    missing = [name for name in NEEDED if name not in headings]
    if missing:
        what = f"has no column {' and no column '.join(missing)}"
        fix = (
            "use the columns of claims.csv; plan, patient_id, code, service_from and units must be"
        )
        raise _unusable(f"{path.name}:1", what, fix)
    table = pd.DataFrame(rows, numbers, headings, dtype=object)
    problems: list[Message] = []
    made = {name: _column(path, table, name, problems) for name in CLAIMS}
    lines = pd.DataFrame(made)
    _check(path, table, lines, plans, problems)
    if problems:
        raise CcbillError(Exit.INPUT, *problems)
    for name, value in fill.items():
        lines[name] = lines[name].where(lines[name].notna(), value)
    months = lines["service_from"].to_numpy().astype("M8[D]").astype("M8[M]").astype(str)
    lines["month"] = lines["month"].where(lines["month"].notna(), months)
    lines = lines[(lines["status"] != "void").to_numpy()].reset_index(drop=True)
    lines = lines.assign(status="new", frequency_code="1")
    lines["claim_id"] = lines["claim_id"].where(lines["claim_id"].notna(), _made_ids(lines))
    lines["line"] = lines.groupby("claim_id").cumcount() + 1
    return stacked([lines])


def _made_ids(lines: pd.DataFrame) -> pd.Series[str]:
    """Ids for claims that have none, from who, where and when, so that they are made but once."""
    key = filled(lines["plan"])
    for name in ("patient_id", "billing_npi", "rendering_npi", "month", "authorization_number"):
        key = key + "\x1f" + filled(lines[name])
    number, keys = pd.factorize(key)
    ids = [f"I{blake2b(each.encode(), digest_size=9).hexdigest()}" for each in keys]
    return pd.Series(np.array([*ids, ""], object)[number], lines.index, dtype=object)


def _csv(path: Path) -> tuple[list[str], list[list[str | None]], list[int]]:
    """The headings and the rows of a file, with the apostrophes undone that guard formulas.

    And the number of each row, as a spreadsheet shows it.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            numbered = [(n, row) for n, row in enumerate(csv.reader(file), 1) if any(row)]
        (_, headings), *rest = numbered
    except OSError as error:
        cause = (error.strerror or "the system refused").lower()
        raise _unusable(path.name, f"cannot be read: {cause}", "check the name") from None
    except (UnicodeDecodeError, csv.Error, ValueError):
        fix = "save it as CSV in UTF-8, with a heading"
        raise _unusable(path.name, "is no CSV in UTF-8 with a heading", fix) from None
    ragged = [n for n, row in rest if len(row) != len(headings)]
    if ragged:
        what = "has more or fewer cells than the heading"
        raise _unusable(f"{path.name}:{ragged[0]}", what, "put quotes around cells with commas")
    rows = [[_plain(cell) or None for cell in row] for _, row in rest]
    return [_plain(h).strip() for h in headings], rows, [n for n, _ in rest]


def _plain(cell: str) -> str:
    guarded = cell.startswith("'") and cell[1:].startswith(_ACTS)
    return cell[1:] if guarded else cell


def _unusable(where: str, what: str, fix: str) -> CcbillError:
    return CcbillError(Exit.INPUT, Message(where, what, NOTHING, fix))


def _column(path: Path, table: pd.DataFrame, name: str, problems: list[Message]) -> Any:
    """A column in the type of CLAIMS; blank where the file has none."""
    kind = CLAIMS[name]
    if name not in table.columns:
        blank = None if kind == TEXT else _WHOLE.get(name, UNKNOWN)
        dtype = object if kind == TEXT else np.int64
        return pd.Series([blank] * len(table), table.index, dtype)
    texts = table[name].str.strip()
    if kind == TEXT:
        return texts.where(texts != "", None)
    if kind == DAY:
        dates = pd.to_datetime(texts, format="%Y-%m-%d", errors="coerce")
        days = pd.Series(dates.to_numpy().astype("M8[D]").astype(np.int64), table.index)
        numbers, said = days.where(dates.notna(), UNKNOWN), "a date such as 2026-10-05"
        bad = dates.isna()
    else:
        values = pd.to_numeric(texts, errors="coerce")
        scaled = (values * 100).round() if kind == CENTS else values
        bad = values.isna() | (scaled % 1 != 0)
        numbers, said = scaled.where(~bad, UNKNOWN), "a number"
    problems.extend(
        Message(_place(path, table, n, name), f"is not {said}", NOTHING, "correct it")
        for n in table.index[bad & texts.notna() & (texts != "")]
    )
    return numbers.astype(np.int64)


def _check(
    path: Path,
    table: pd.DataFrame,
    lines: pd.DataFrame,
    plans: Sequence[str],
    problems: list[Message],
) -> None:
    """Adds what keeps a row from being history."""
    for name in NEEDED:
        blank = table[name].str.strip().fillna("") == ""
        problems.extend(
            Message(_place(path, table, n, name), "is blank", NOTHING, "fill it in")
            for n in table.index[blank]
        )
    none = (lines["units"] < 1) & (lines["units"] != UNKNOWN)
    problems.extend(
        Message(_place(path, table, n, "units"), "is less than 1", NOTHING, "correct it")
        for n in table.index[none]
    )
    for word in sorted(set(lines["plan"].dropna()) - set(plans)):
        near = nearest(word, list(plans))
        fix = f"did you mean {near!r}?" if near else f"use one of: {', '.join(sorted(plans))}"
        first = _place(path, table, table.index[lines["plan"] == word][0], "plan")
        problems.append(Message(first, f"{word!r} is not a plan", NOTHING, fix))


def _place(path: Path, table: pd.DataFrame, row: int, column: str) -> str:
    """`FILE:ROW:COLUMN`, the column by its letter and heading."""
    headings = list(table.columns)
    return f"{path.name}:{row}:{heading_text(headings, headings.index(column))}"


def bring_in(
    ledger: Ledger,
    lines: pd.DataFrame,
    terms: Terms,
    told: Mapping[str, object],
    at: str,
    today: str,
) -> Changed:
    """Records lines as submitted. The caller holds the ledger."""
    from ccbill import __version__  # noqa: PLC0415

    known = {claim for (claim,) in ledger.db.execute("SELECT claim_id FROM claims")}
    again = set(lines["claim_id"]) & known
    if again:
        are = "is" if len(again) == 1 else "are"
        what = f"{len(again):,} of its claims {are} in the ledger already"
        raise refused("ledger import", what, "leave them out of the file")
    case = lines.assign(practice=filled(lines["billing_npi"]))[CASE].astype(object)
    entry = Entry(
        kind="import",
        created=at,
        today=today,
        version=__version__,
        record=dict(told),
        lines=lines,
        submitted=lines.iloc[:0].assign(key=None),
        cases=case.drop_duplicates(),
    )
    return submit(ledger, record(ledger, entry, terms), at)


def standing_lines(ledger: Ledger) -> pd.DataFrame:
    """Every submitted line that stands, as it was sent: CLAIMS."""
    parts = []
    for (run,) in ledger.db.execute("SELECT DISTINCT run FROM live ORDER BY run").fetchall():
        query = "SELECT n FROM live WHERE run = ? ORDER BY n"
        places = [n for (n,) in ledger.db.execute(query, (run,))]
        parts.append(claims_of(ledger, run).iloc[places][list(CLAIMS)])
    nothing = pd.DataFrame({name: pd.Series(dtype=object) for name in CLAIMS})
    return stacked(parts or [nothing])


def lines_of(ledger: Ledger, run: int) -> pd.DataFrame:
    """A run's lines: CLAIMS. Claims of it that were taken back by hand are voids."""
    lines = claims_of(ledger, run)[list(CLAIMS)]
    query = "SELECT claim_id FROM submissions WHERE run = ? AND what = 'voided'"
    taken = {claim for (claim,) in ledger.db.execute(query, (run,))}
    if not taken:
        return lines
    numbers = dict(ledger.db.execute("SELECT claim_id, payer_claim_number FROM claims"))
    back = lines["claim_id"].isin(taken)
    for name, values in (
        ("status", "void"),
        ("frequency_code", "8"),
        ("original_claim_number", lines["claim_id"].astype(object).map(numbers)),
    ):
        lines[name] = lines[name].astype(object).mask(back, values)
    return lines


def merge(ledger: Ledger, old: str, new: str) -> None:
    """Has one patient answer to both ids from now on. The caller holds the ledger."""
    known = aliases(ledger)
    new = known.get(new, new)
    if old == new:
        raise refused("ledger merge", "the two ids are one already", "name two ids")
    if known.get(old, new) != new:
        raise refused("ledger merge", "the first id was merged with another", "name that one")
    query = "SELECT 1 FROM lines WHERE patient_id = ? LIMIT 1"
    if ledger.db.execute(query, (old,)).fetchone() is None:
        what = "the ledger has no submitted line of the first id"
        raise refused("ledger merge", what, "name the old id first, then the new", Exit.INPUT)
    query = "INSERT OR REPLACE INTO aliases (old, new) VALUES (?, ?)"
    ledger.db.executemany(query, merged(known, old, new).items())


def read_numbers(path: Path) -> dict[str, str]:
    """The payer's number of each claim, from a CSV with claim_id and payer_claim_number."""
    headings, rows, _ = _csv(path)
    if missing := [n for n in ("claim_id", "payer_claim_number") if n not in headings]:
        fix = "the file has two columns: claim_id, payer_claim_number"
        raise _unusable(f"{path.name}:1", f"has no column {missing[0]}", fix)
    claim, number = headings.index("claim_id"), headings.index("payer_claim_number")
    told = {row[claim]: row[number] for row in rows}
    return {c.strip(): n.strip() for c, n in told.items() if c and n}
