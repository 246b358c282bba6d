"""The exceptions as a work list: known ones again, with what people noted on them.

An exception is known by its `exception_id`, made from what it is about and not from where it
stood. What people write into the workbook is read back by the next run and kept in the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccbill import digests, memory
from ccbill.cells.limits import Limits
from ccbill.cells.marks import MERGED, NO_VALUE
from ccbill.digests import SEPARATOR
from ccbill.errors import CcbillError, Exit, Message
from ccbill.intake import child
from ccbill.ledger import noted
from ccbill.ledger.noted import WORDS
from ccbill.ledger.record import next_run
from ccbill.ledger.store import Ledger
from ccbill.problems import PROBLEMS
from ccbill.report import private
from ccbill.report.delivery import RECORD, earlier_files
from ccbill.report.tables import BOOK_SHA256, EXCEPTIONS, OPEN, STATUSES
from ccbill.report.typed import STRING, strings
from ccbill.slices import slices
from ccbill.stacked import in_order, ranks
from ccbill.tables import UNKNOWN, always, blank_text

BOOK, SHEET = "exceptions.xlsx", "Exceptions"
SEARCHED = 20  # rows, for the heading
DIGEST = blake2b(digest_size=7)
KEYS = 1 << 16  # at once, for they are many times as long as what is made of them
NOTHING = pa.scalar("", STRING)

# What tells one exception of a problem from another, by what its problem is about.
ABOUT: dict[str, tuple[str, ...]] = {
    "row": ("activity_id",),
    "staff": ("plan", "staff_id"),
    "patient": ("plan", "patient_id"),
    "case": ("plan", "patient_id", "practice", "month", "service", "claim_id"),
    "whole-case": ("plan", "patient_id", "practice", "month"),
    "claim": ("claim_id",),
    "staff-day": ("staff_id", "service_date"),
    "patient-day": ("patient_id", "service_date"),
    "practice": ("plan", "practice"),
    "code": ("plan", "code", "service"),
    "word": ("plan", "fix"),  # of a word that nobody knows: the fix has it
}


@dataclass(frozen=True, slots=True)
class Earlier:
    """The exceptions workbook that a run finds: its run, 0 where that is not of the ledger at hand,
    and the words in it (id, WORDS); None where they are as they were written."""

    run: int
    words: pd.DataFrame | None


@dataclass(frozen=True, slots=True)
class WorkList:
    """The exceptions (EXCEPTIONS) in their order, and what the ledger is to keep of them.

    `fixed` are those of run `since` that are no more, `new` those that it had not.
    """

    exceptions: pd.DataFrame
    kept: pd.DataFrame  # of every exception: id, first_run, changed, WORDS
    others: pd.DataFrame  # id, WORDS: noted in the earlier workbook on what this run has not
    written: int  # the run that wrote that workbook
    since: int | None
    fixed: int
    new: int

    @property
    def told(self) -> dict[str, Any]:
        """What run.json says of it."""
        noted_on = int(self.kept[WORDS].notna().any(axis=1).sum())
        about = {"since_run": self.since, "fixed": self.fixed, "new": self.new}
        return {"noted": noted_on} | (about if self.since else {})

    def keep(self, run: int, ledger: Ledger) -> None:
        """Has the ledger remember it. The caller holds the ledger, and the run is recorded."""
        noted.keep(ledger, run, self.kept)
        noted.note(ledger, run, self.others, self.written)


def work_list(
    table: pd.DataFrame,
    out: Path,
    limits: Limits,
    ledger: Ledger | None,
    spoken: pd.DataFrame,
) -> WorkList:
    """The exceptions of the next run, each with its id, the run that saw it first, and the words
    that were noted on it. `spoken` are the cases that the run speaks for."""
    run = next_run(ledger) if ledger else UNKNOWN
    table = _ordered(table)
    memory.give_back()
    ids = exception_ids(table)
    found = earlier(out, limits, ledger)
    known = noted.known(ledger, ids) if ledger else pd.DataFrame(columns=noted.COLUMNS)
    others = pd.DataFrame(columns=["id", *WORDS])
    kept = _remembered(ids, known, run)
    if found is not None and found.words is not None:
        kept = _with_words(kept, found, run)
        others = found.words[~found.words["id"].isin(ids)] if found.run else others
    since, fixed, new = None, 0, 0
    if ledger and (since := noted.since(ledger, spoken)) is not None:
        fixed, new = noted.moved(ledger, since)
    status = kept["status"]
    table = table.assign(
        first_seen_run=kept["first_run"],
        status=always(OPEN, len(ids)) if status.isna().all() else status.fillna(OPEN),
        assigned_to=kept["assigned_to"],
        note=kept["note"],
        exception_id=ids,
    )
    return WorkList(
        table[list(EXCEPTIONS)], kept, others, found.run if found else 0, since, fixed, new
    )


def _remembered(ids: Any, known: pd.DataFrame, run: int) -> pd.DataFrame:
    """What is kept of every exception of this run, before what its workbook says."""
    if known.empty:
        blank = dict.fromkeys(WORDS, blank_text(len(ids)))
        return pd.DataFrame({"id": ids, "first_run": run, "changed": 0, **blank}, copy=False)
    kept = pd.DataFrame({"id": ids}).merge(known, on="id", how="left")
    kept["first_run"] = kept["first_run"].fillna(run).astype(np.int64)
    kept["changed"] = kept["changed"].fillna(0).astype(np.int64)
    return kept


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    """Holds before notes, the most money first, then the oldest."""
    day = table["service_date"].to_numpy(np.int64)
    return in_order(
        table,
        (table["severity"] != "hold").to_numpy(bool),
        -table["amount"].to_numpy(np.int64),
        np.where(day == UNKNOWN, -UNKNOWN, day),
        *(ranks(table[name], blank=len(table)) for name in ("problem", "plan", "file")),
        table["row"].to_numpy(np.int64),
    )


def exception_ids(table: pd.DataFrame) -> Any:
    """An id for each exception: the same in every run as long as it is about the same thing."""
    table = table.assign(service=_service(table["rule"]))
    found = np.zeros((len(table), DIGEST.digest_size), np.uint8)
    for part in slices(len(table), KEYS):
        keys = _keys(table.iloc[part])
        found[part] = digests.numbered(keys, np.zeros(len(keys), np.int64), DIGEST)
    number = pd.Series(digests.numbers(found))
    again = np.flatnonzero(number.duplicated())
    before = (number.iloc[again].groupby(number).cumcount() + 1).to_numpy()
    found[again] = digests.numbered(_keys(table.iloc[again]), before, DIGEST)
    return pd.array(digests.ids(found, "x"), dtype="str")


def _keys(table: pd.DataFrame) -> pa.Array:
    """What each exception is about, as one text."""
    numbers, names = pd.factorize(table["problem"])
    problem, per = strings(names), np.array([_per(name) for name in names], object)[numbers]
    parts, places = [pa.array([], STRING)], [np.zeros(0, np.int64)]
    for name in dict.fromkeys(per):
        mine = np.flatnonzero(per == name)
        about = _about(table.iloc[mine], ABOUT.get(name, ()))
        of_mine = problem.take(pa.array(numbers[mine]))
        parts.append(pc.binary_join_element_wise(of_mine, about, SEPARATOR))
        places.append(mine)
    return pa.concat_arrays(parts).take(pa.array(np.argsort(np.concatenate(places))))


def _about(table: pd.DataFrame, columns: Sequence[str]) -> pa.Array:
    """These columns of exceptions as one text, or what is told of them where all are blank."""
    texts = [_texts(table[column]) for column in columns] or [_said(table)]
    about = pc.binary_join_element_wise(*texts, SEPARATOR)
    bare = np.asarray(pc.equal(pc.binary_length(about), len(texts) - 1))
    return pc.replace_with_mask(about, bare, _said(table[bare])) if bare.any() else about


def _said(table: pd.DataFrame) -> pa.Array:
    """What is told of exceptions, whatever the figures in it."""
    what = table["what"].astype(object).fillna("").str.replace(r"\d", "", regex=True)
    texts = (_texts(each) for each in (table["plan"], what, table["why"]))
    return pc.binary_join_element_wise(*texts, NOTHING)


def _per(problem: str) -> str:
    """What one exception of the problem is about: a key of ABOUT, or a word."""
    return "word" if problem.endswith("-not-known") else PROBLEMS[problem].per


def _service(rule: pd.Series[Any]) -> pd.Series[Any]:
    """The service whose rule it is, whatever the date of the rule."""
    return rule.map({each: str(each).rsplit(".", 1)[0] for each in rule.dropna().unique()})


def _texts(cells: pd.Series[Any]) -> pa.Array:
    """The cells as texts, what is blank or not known as an empty one."""
    if cells.dtype.kind in "iu":
        return pa.array(cells, mask=cells == UNKNOWN).cast(STRING).fill_null("")
    return strings(cells).fill_null("")


def _with_words(kept: pd.DataFrame, found: Earlier, run: int) -> pd.DataFrame:
    """The list with the workbook's words, but for what was noted elsewhere after it was written."""
    assert found.words is not None
    both = kept[["id"]].merge(found.words, on="id", how="left", indicator=True)
    there = (both["_merge"] == "both").to_numpy(bool)
    newer = kept["changed"].to_numpy() > found.run
    old = kept[WORDS].astype(object).where(kept[WORDS].notna(), None)
    new = both[WORDS].astype(object).where(both[WORDS].notna(), None)
    differ = there & ~newer & (old.fillna("") != new.fillna("")).any(axis=1).to_numpy()
    kept = kept.copy()
    kept[WORDS] = old.mask(pd.Series(differ, old.index), new)
    kept["changed"] = kept["changed"].mask(differ, run)
    return kept


def earlier(out: Path, limits: Limits, ledger: Ledger | None) -> Earlier | None:
    """The exceptions workbook in `out`, where it is ccbill's; it is read if anything was changed,
    or if the ledger at hand does not know what is in it."""
    path = out / BOOK
    if BOOK not in earlier_files(out) or path.is_symlink() or not path.is_file():
        return None
    record = json.loads(private.read(out / RECORD))
    try:
        data = private.read(path)
    except OSError:
        raise _unread("cannot be opened") from None
    known = ledger is not None and noted.is_run(ledger, record)
    run = int(record["run"]) if known else 0
    as_written = sha256(data).hexdigest() == record.get(BOOK_SHA256)
    if as_written and (known or record.get("work_list") == {"noted": 0}):
        return Earlier(run, None)
    return Earlier(run, _read(data, limits))


def _read(data: bytes, limits: Limits) -> pd.DataFrame | None:
    """What the workbook says of each exception: id, WORDS; None where it has no such columns."""
    try:
        [cells] = [c for c in child.sheets(BOOK, data, "xlsx", limits, sheet=SHEET) if c.values]
    except CcbillError as error:
        raise _unread(error.messages[0].what) from None
    texts = [
        np.array(values, object)[codes]
        for values, codes in zip(cells.values, cells.codes, strict=True)
    ]
    for at in range(min(SEARCHED, cells.codes.shape[1])):
        heading = [str(column[at]).strip().casefold() for column in texts]
        if "exception_id" in heading:
            break
    else:
        return None
    named = dict(zip(heading, texts, strict=True))
    blank = np.full(cells.codes.shape[1], "", object)
    table = pd.DataFrame(
        {
            name: pd.Series(named.get(source, blank)[at + 1 :], dtype=object).str.strip()
            for name, source in {
                "id": "exception_id",
                **dict(zip(WORDS, WORDS, strict=True)),
            }.items()
        }
    )
    table = table.replace(["", MERGED, NO_VALUE], None)
    word = table["status"].str.casefold()
    table["status"] = word.map({each: each for each in STATUSES}).fillna(table["status"])
    table["status"] = table["status"].mask(word == OPEN, None)
    return table[table["id"].notna()].drop_duplicates("id", ignore_index=True)


def _unread(what: str) -> CcbillError:
    message = Message(
        BOOK,
        f"was changed since it was written, and what was noted in it is not read: it {what}",
        "Nothing was recorded or written.",
        f"save it again as an Excel workbook with its sheet {SHEET!r}, or move it away",
    )
    return CcbillError(Exit.OUTPUT, message)
