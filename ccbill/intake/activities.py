"""Typed exports, put together → `tables.Intake.activities`, with each row's first problem."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from os import cpu_count
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccbill.config import Settings
from ccbill.intake import identity, words
from ccbill.intake.parts import Part
from ccbill.intake.text import Codes, Text, blank, joined, smallest
from ccbill.tables import BY_PAYER, DAY, KEYS, NUMBER, ROW_FIELDS, SECONDS, Mask, Note, unknowns
from ccbill.vocabulary import fold

# What is reported of a row with several problems: the first in this order.
RANKS = (
    "copy",  # of a row that stands elsewhere: left out, whatever else is wrong with it
    "ragged",
    "cell",  # whose value the workbook does not say
    "patient",
    "date",
    "minutes",
    "kind",
    "payer",
    "practice",
    "mode",
    "credential",
    "duplicate",
)

# Fields whose column in an export goes by another name.
COLUMN_OF = {
    "practice": "billing_npi",
    "seconds": "minutes",
    "start": "start_time",
    "end": "end_time",
    "staff": "staff_id",
}


@dataclass(slots=True)
class Rows:
    """All exports, one below the other: columns by name, problems by rank."""

    parts: list[Part]
    file: Codes
    row: npt.NDArray[np.int32]
    text: dict[str, Text]
    whole: dict[str, npt.NDArray[np.int32]]
    held: dict[str, list[tuple[str, Mask]]] = field(default_factory=dict)
    left_out: Mask = field(default_factory=lambda: np.zeros(0, bool))
    notes: list[Note] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.row)

    def get(self, column: str) -> Text:
        return self.text.get(column) or blank(len(self))

    def days(self, column: str) -> npt.NDArray[np.int32]:
        found = self.whole.get(column)
        return unknowns(len(self)) if found is None else found

    def let_files_go(self) -> None:
        """Forgets the cells as they stand in the files, once nothing more is asked of them."""
        self.text.pop("activity_id", None)
        for part in self.parts:
            part.table = replace(part.table, columns=[])
            part.text.clear()
            part.whole.clear()

    def hold(self, rank: str, problem: str, rows: Mask) -> None:
        if rows.any():
            self.held.setdefault(rank, []).append((problem, rows))

    def place(self, rows: Mask, column: str | None = None) -> str:
        """`FILE:ROW:COLUMN` of the first of some rows."""
        at = int(np.argmax(rows))
        part = self.parts[self.file[at]]
        places = part.matched.columns.get(column or "", ())
        return part.table.place(int(self.row[at]), places[0] if places else None)

    def note(self, problem: str, rows: Mask, what: str, fix: str = "", column: str = "") -> None:
        """A note on some rows, at the first of them."""
        if rows.any():
            number = int(rows.sum())
            self.notes.append(Note(problem, self.place(rows, column), what, fix, number))


def stacked(parts: Sequence[Part]) -> Rows:
    """The exports one below the other, blank where one lacks a column, with no ids as yet."""
    sizes = [len(part.table.rows) for part in parts]
    number = np.arange(len(parts), dtype=smallest(len(parts)))
    texts = sorted({name for part in parts for name in part.text})
    wholes = sorted({name for part in parts for name in part.whole})
    rows = Rows(
        list(parts),
        _below([np.broadcast_to(n, size) for n, size in zip(number, sizes, strict=True)]),
        _below([part.table.rows for part in parts]),
        {
            name: joined([p.text.get(name) or blank(n) for p, n in zip(parts, sizes, strict=True)])
            for name in texts
        },
        {
            name: _below([p.whole.get(name, unknowns(len(p.table.rows))) for p in parts])
            for name in wholes
        },
    )
    rows.text["patient_id"] = rows.text["patient_id"].sorted()
    rows.left_out = np.zeros(len(rows), bool)
    for rank in RANKS:
        for problem in dict.fromkeys(p for part in parts for p, _ in part.held.get(rank, [])):
            masks = [_any(part, rank, problem) for part in parts]
            rows.hold(rank, problem, np.concatenate(masks))
    for part in parts:
        rows.notes += [*part.table.notes, *part.notes]
    return rows


def _below(columns: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """The columns one below the other; a single one as it is."""
    return columns[0] if len(columns) == 1 else np.concatenate(columns)


def fill_blanks(rows: Rows, settings: Settings) -> None:
    """Puts the practice's defaults into blank cells, and holds rows that still lack what they need.

    To be called when the companion files have had their say.
    """
    for column, value in settings.defaults.items():
        if column == "rendering_npi":  # on the claim, but no sign that the provider took part
            column = "supervising_npi"  # noqa: PLW2901
        if column != "minutes_unit":
            rows.text[column] = rows.get(column).filled_with(value)
    for column in ("kind", "payer"):
        rows.hold(column, "cell-damaged", words.damaged(rows.get(column)))
        rows.hold(column, f"{column}-missing", rows.get(column).blank)


def _any(part: Part, rank: str, problem: str) -> Mask:
    found = np.zeros(len(part.table.rows), bool)
    for name, rows in part.held.get(rank, []):
        if name == problem:
            found |= rows
    return found


def first_problem(rows: Rows) -> Any:
    """Each row's problem, the first by rank, as a categorical; blank where it has none."""
    names: list[str] = []
    codes = np.full(len(rows), -1, np.int8)
    for rank in RANKS:
        for problem, held in rows.held.get(rank, []):
            if problem not in names:
                names.append(problem)
            codes[held & (codes < 0)] = names.index(problem)
    categories = pd.Index(names, dtype=str)
    return pd.Categorical.from_codes(codes, categories=categories)


def with_ids(rows: Rows, ragged: Sequence[Text]) -> Any:
    """Each row's id, given or made; equal and clashing rows become problems of rank duplicate."""
    given = rows.get("activity_id")
    missing = given.blank
    shared = identity.repeated_ids(given)
    doubtful = missing | shared
    if not doubtful.any():
        in_turn = len(given.values) == len(given) and (given.codes[1:] > given.codes[:-1]).all()
        return given.values if in_turn else given.values.take(pa.array(given.codes))
    hashes = np.zeros(len(rows), np.uint64)
    hashes[doubtful] = np.concatenate(
        [
            identity.row_hashes(_kept(_cells(part, cells), keep), int(keep.sum()))
            for part, cells, keep in zip(rows.parts, ragged, _split(rows, doubtful), strict=True)
        ]
    )
    clash = identity.id_clashes(given, hashes, shared)
    made, again = identity.made_ids(hashes[missing])
    repeats = np.zeros(len(rows), bool)
    repeats[missing] = again
    rows.left_out = clash == identity.EQUAL
    rows.hold("copy", "duplicate-row", rows.left_out)
    rows.hold("duplicate", "duplicate-row", repeats | (clash > 0))
    ids = given.values.take(pa.array(given.codes, mask=missing))
    return pc.replace_with_mask(ids, pa.array(missing), made)


def _kept(cells: list[tuple[str, Text]], keep: Mask) -> list[tuple[str, Text]]:
    return cells if keep.all() else [(name, text.take(keep)) for name, text in cells]


def _split(rows: Rows, mask: Mask) -> list[Mask]:
    ends = np.cumsum([len(part.table.rows) for part in rows.parts])[:-1]
    return np.split(mask, ends)


def _cells(part: Part, ragged: Text) -> list[tuple[str, Text]]:
    """The export's columns by what they hold, or by their heading, without the id itself."""
    names = {at: column for column, places in part.matched.columns.items() for at in places}
    found = [
        (names.get(at) or f"heading {fold(heading)}", part.table.columns[at])
        for at, heading in enumerate(part.table.headings)
        if names.get(at) != "activity_id"
    ]
    return [*found, ("ragged", ragged)]


_ORDER = (*KEYS, *ROW_FIELDS, *BY_PAYER)


def table(rows: Rows, ids: Any, problem: Any) -> pd.DataFrame:
    """`tables.Intake.activities`; and BY_PAYER, by the row's own day and payer."""
    names = pd.Index([part.table.name for part in rows.parts], dtype=str)
    columns: dict[str, Any] = {
        "file": pd.Categorical.from_codes(rows.file, categories=names),
        "row": rows.row,
        "activity_id": pd.array(ids, dtype="str"),
        "patient": rows.get("patient_id").categorical(),
        "problem": problem,
        "left_out": rows.left_out & (problem == "duplicate-row"),
    }
    columns |= {
        name: rows.days(_column_of(name))
        for name, kind in ROW_FIELDS.items()
        if kind in (DAY, NUMBER, SECONDS)
    }
    texts = [*(name for name in ROW_FIELDS if name not in columns), *BY_PAYER]
    with ThreadPoolExecutor(cpu_count() or 1) as threads:
        found = threads.map(lambda name: rows.get(_column_of(name)).categorical(), texts)
        columns |= dict(zip(texts, found, strict=True))
    return pd.DataFrame({name: columns[name] for name in _ORDER}, copy=False)


def _column_of(field_name: str) -> str:
    if field_name in ("seconds", "practice"):
        return field_name
    return COLUMN_OF.get(field_name, field_name)
