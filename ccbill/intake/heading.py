"""Which record is the heading, and which of those below are no activities at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ccbill.cells.marks import MERGED
from ccbill.config import Settings
from ccbill.errors import counted
from ccbill.intake.columns import Matched, Wanted
from ccbill.intake.repeats import repeated_headings, without_repeats
from ccbill.intake.table import Table
from ccbill.intake.text import Text, as_words
from ccbill.tables import Mask, Note
from ccbill.vocabulary import fold

SEARCHED = 50  # records among which the heading is looked for

_TOTAL = re.compile(r"(grand|sub|sub-|running)?\s*totals?\b.{0,40}|(row )?count|sum", re.IGNORECASE)


def heading_at(records: Sequence[Sequence[str]], wanted: Wanted) -> int | None:
    """The first record that has every needed column, else the one with most known headings.

    Where no heading is known, the first of the widest records; None where all are blank.
    """
    scores = [wanted.score(record) for record in records]
    best = max(scores, default=(False, 0))
    if best[1]:
        return scores.index(next(s for s in scores if s[0]) if best[0] else best)
    widths = [sum(bool(cell.strip()) for cell in record) for record in records]
    return widths.index(max(widths)) if any(widths) else None


def cleaned(table: Table, matched: Matched) -> Table:
    """The table without blank rows, repeated headings and totals, each noted."""
    notes = list(table.notes)
    if table.heading_row > 1:
        above = counted(table.heading_row - 1, "row")
        notes.append(
            Note("rows-above-heading", table.name, f"{above} above the heading are not read")
        )
    dropped = np.zeros(len(table.rows), bool)
    for rows, what in (
        (_blank(table), "blank"),
        (repeated_headings(table), "a repeated heading"),
        (_totals(table, matched), "a total, not an activity"),
    ):
        _note(notes, table, rows & ~dropped, what)
        dropped |= rows
    ragged = [r for r in without_repeats(table) if any(r.cells) and not _is_total(r.cells)]
    if len(ragged) < len(table.ragged):
        lost = len(table.ragged) - len(ragged)
        what = f"{counted(lost, 'row')} not read: blank, a repeated heading or a total, and ragged"
        notes.append(Note("rows-dropped", table.name, what, rows=lost))
    notes += _without_heading(table)
    kept = table.kept(~dropped) if dropped.any() else table
    return replace(kept, ragged=ragged, notes=notes)


def _note(notes: list[Note], table: Table, rows: Mask, what: str) -> None:
    number = int(rows.sum())
    if number:
        said = f"{counted(number, 'row')} not read: {what}"
        notes.append(Note("rows-dropped", table.first(rows), said, rows=number))


def _without_heading(table: Table) -> list[Note]:
    """A note for each column that has cells and no heading."""
    return [
        Note(
            "column-without-heading",
            table.first(~column.blank, at),
            f"{counted(int((~column.blank).sum()), 'cell')} below a blank heading: not read",
            "name the column in the heading row if it matters",
        )
        for at, (heading, column) in enumerate(zip(table.headings, table.columns, strict=True))
        if not heading and not column.blank.all()
    ]


def _blank(table: Table) -> Mask:
    """The rows of which every cell is blank."""
    rows = np.ones(len(table.rows), bool)
    for column in table.columns:
        if not rows.any():
            break
        rows &= column.blank
    return rows


def _holds(column: Text, words: list[str]) -> Mask:
    known = pc.is_in(column.values, pa.array(words, pa.string())).to_numpy(zero_copy_only=False)
    return column.spread(known, False)


def _totals(table: Table, matched: Matched) -> Mask:
    """The rows that say "total" and have no date, no kind, and no patient.

    The word may stand where one of them would.
    """
    needed = [
        at
        for name in ("patient_id", "service_date", "kind")
        for at in matched.columns.get(name, ())
    ]
    spoken = {at for name in ("note", "purpose") for at in matched.columns.get(name, ())}
    if not needed:
        return np.zeros(len(table.rows), bool)
    rows = np.ones(len(table.rows), bool)
    said = np.zeros(len(table.rows), bool)
    for at in needed:
        totals = _says_total(table.columns[at])
        rows &= table.columns[at].blank | totals
        said |= totals
        if not rows.any():
            return rows
    for at, column in enumerate(table.columns):
        if at not in needed and at not in spoken:
            said |= _says_total(column)
    return rows & said


def _says_total(column: Text) -> Mask:
    column = as_words(column)
    says = pc.match_substring_regex(
        column.values, rf"^(?:{_TOTAL.pattern}):?$", ignore_case=True
    ).to_numpy(zero_copy_only=False)
    return column.spread(says, False) if says.any() else np.zeros(len(column), bool)


def _is_total(cells: list[str]) -> bool:
    """Whether a ragged record is a total: its first words say so, and the rest are numbers."""
    words = [cell for cell in cells if cell]
    rest = [fold(word) for word in words[1:]]
    return bool(_TOTAL.fullmatch(words[0].rstrip(": "))) and all(w.isdigit() for w in rest)


def filled_down(table: Table, matched: Matched, settings: Settings) -> Table:
    """The table with the blank cells of some columns taken from the row above.

    For exports that write a patient once for several rows; only where `[intake] fill_down` says so.
    """
    columns = list(table.columns)
    for name in settings.fill_down:
        for at in matched.columns.get(name, ()):
            empty = columns[at].blank | _holds(columns[at], [MERGED])
            last = np.maximum.accumulate(np.where(empty, -1, np.arange(len(table.rows))))
            codes = columns[at].codes
            columns[at] = Text(np.append(codes, codes.dtype.type(-1))[last], columns[at].values)
    return replace(table, columns=columns)
