"""What run.json and the output files say about the inputs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccbill import vocabulary
from ccbill.config import Settings
from ccbill.errors import nearest
from ccbill.intake.activities import COLUMN_OF, Rows
from ccbill.intake.columns import COVERAGE, STAFF_ONLY
from ccbill.intake.parts import FREE, Part
from ccbill.intake.table import letter
from ccbill.tables import PATIENT_FIELDS, ROW_FIELDS, Finding, Mask, Note
from ccbill.vocabulary import fold

UNREADABLE = ("ragged", "patient", "date", "minutes")
NEARLY = 0.85  # a heading less like a column's is another's
NO_UNIT = (
    "a number without a unit: under a heading that says hours, 1.30 may be 1 h 30 min or 1.3 h; "
    'write 1 h 30 min, or set minutes_unit = "hours" under [defaults] in ccbill.toml'
)


def inputs(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Name, role, format, encoding, delimiter, sheet, gzip, sha256, bytes and rows of each.

    Then the row of its heading, and the headings that nothing was read from.
    """
    return [
        part.table.about
        | {
            "rows": len(part.table.rows),
            "heading_row": part.table.heading_row,
            "not_read": _not_read(part),
        }
        for part in parts
    ]


def _not_read(part: Part) -> list[str]:
    taken = part.matched.taken()
    return [h for at, h in enumerate(part.table.headings) if h and at not in taken]


def nearly_read(exports: Sequence[Part], others: Sequence[Part], settings: Settings) -> list[Note]:
    """A note for each heading that nothing was read from and that is nearly that of a column which
    no input has."""
    have = {c for part in [*exports, *others] for c in part.matched.columns} | {*settings.defaults}
    if {"start_time", "end_time"} <= have:
        have |= {"minutes", "minutes_unit"}
    ignored = {*map(fold, settings.ignore_columns)}
    spellings = {
        spelling: column
        for spelling, column in vocabulary.column_spellings().items()
        if column not in have | FREE | STAFF_ONLY | COVERAGE
    }
    notes = []
    for part in exports:
        taken = part.matched.taken()
        for at, heading in enumerate(part.table.headings):
            near = nearest(fold(heading), list(spellings), NEARLY) if at not in taken else None
            if near and fold(heading) not in ignored:
                column, named = spellings[near], json.dumps(heading, ensure_ascii=False)
                where = part.table.place(part.table.heading_row, at)
                what = f"is not read, and no input has the column {column}, which it is like"
                fix = f"if it is that, add to ccbill.toml under [columns]: {column} = {named}"
                notes.append(Note("heading-nearly-known", where, what, fix))
    return notes


def mapping(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Each column that was found, and by which heading and how."""
    return [
        {
            "file": part.table.name,
            "column": column,
            "heading": part.table.headings[at],
            "letter": letter(at),
            "how": part.matched.how[column],
        }
        for part in parts
        for column, places in sorted(part.matched.columns.items())
        for at in places
    ]


def given(exports: Sequence[Part], others: Sequence[Part], settings: Settings) -> frozenset[str]:
    """The fields for which some input has a column, or ccbill.toml a default."""
    field_of = {column: field for field, column in COLUMN_OF.items()} | {"staff_name": "staff"}
    columns = {c for part in exports for c in part.matched.columns} - STAFF_ONLY
    columns |= {c for part in others for c in part.matched.columns} | set(settings.defaults)
    fields = {field_of.get(column, column) for column in columns}
    if {"start", "end"} <= fields:
        fields.add("seconds")
    if "patient_name" in columns:
        fields |= {"last_name", "first_name", "birth_date"}
    if settings.practice.npi:
        fields.add("practice")
    return frozenset(fields & (ROW_FIELDS.keys() | PATIENT_FIELDS.keys()))


def unclear(rows: Rows) -> list[Finding]:
    """Why the minutes of rows cannot be read where they are bare numbers without a unit."""
    masks = [
        np.zeros(len(part.table.rows), bool) if part.without_unit is None else part.without_unit
        for part in rows.parts
    ]
    at = np.flatnonzero(np.concatenate(masks))
    if not len(at):
        return []
    return [Finding("minutes-not-read", at, np.arange(len(at)), [NO_UNIT] * len(at))]


def unreadable(rows: Rows, problem: Any) -> pd.DataFrame:
    """The rows that are no activity: file, row, problem, and their cells under their headings."""
    held = np.zeros(len(rows), bool)
    for rank in UNREADABLE:
        for name, mask in rows.held.get(rank, []):
            if name != "minutes-out-of-range":
                held |= mask
    tables, start = [], 0
    for part in rows.parts:
        end = start + len(part.table.rows)
        mine = held[start:end]
        if mine.any():
            about = {
                "file": pd.array([part.table.name] * int(mine.sum()), dtype="str"),
                "row": part.table.rows[mine],
                "problem": problem[start:end][mine].astype("str"),
            }
            tables.append(pd.DataFrame(about | _cells(part, mine)))
        start = end
    empty = {
        "file": pd.array([], "str"),
        "row": np.zeros(0, np.int32),
        "problem": pd.array([], "str"),
    }
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(empty)


def _cells(part: Part, rows: Mask) -> dict[str, Any]:
    """The rows' cells by heading; those of a ragged row as far as there are headings for them."""
    found: dict[str, Any] = {}
    lines = [record.cells for record in part.table.ragged]
    lost = pa.array(np.isin(part.table.rows[rows], [r.row for r in part.table.ragged]))
    for at, heading in enumerate(part.table.headings):
        column = part.table.columns[at].take(rows)
        words = column.values.take(pa.array(column.codes, mask=column.blank))
        own = pa.array(
            [line[at] or None if at < len(line) else None for line in lines], pa.string()
        )
        taken = found.keys() | {"file", "row", "problem"}
        plain = heading or letter(at)
        name = plain if plain not in taken else f"{plain} ({letter(at)})"
        found[name] = pd.array(pc.replace_with_mask(words, lost, own), dtype="str")
    width = len(part.table.headings)
    if any(len(line) > width for line in lines):
        extra = pa.array([" | ".join(line[width:]) or None for line in lines], pa.string())
        none = pa.nulls(len(lost), pa.string())
        beyond = pc.replace_with_mask(none, lost, extra)
        found["cells past the last heading"] = pd.array(beyond, dtype="str")
    return found
