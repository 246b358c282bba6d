"""Every table that passes between stages: its columns, what each holds, and a check at the edge.

Text columns are pandas categoricals, so that a stage reasons about distinct values and not about
rows; a blank is a missing category. Days are whole days since 1970-01-01, times are whole seconds,
both int32 with `UNKNOWN` where there is none.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

UNKNOWN = -(2**31)
MANY_WORDS = 10_000
MOST = 2**62  # numbers that pack into one

Ints = npt.NDArray[Any]  # of integers
Mask = npt.NDArray[np.bool_]


class Outcome(IntEnum):
    """What became of a row: the payer says yes, the payer says no, or nobody has said."""

    COUNTED = 0
    LEFT_OUT = 1
    HELD = 2

    @property
    def word(self) -> str:
        return ("counted", "left-out", "held")[self]


TEXT, DAY, NUMBER, SECONDS = "text", "day", "number", "seconds"

# The columns of a row of work, in the names of the export.
ROW_FIELDS = {
    "payer": TEXT,
    "payer_to": DAY,  # last day of the coverage that names the payer, where the patients file says
    "practice": TEXT,  # billing NPI; a blank category is the one unnamed practice
    "service_date": DAY,
    "seconds": SECONDS,  # length of the activity, to the nearest second
    "start": SECONDS,  # seconds since midnight
    "end": SECONDS,
    "kind": TEXT,
    "mode": TEXT,
    "credential": TEXT,
    "staff": TEXT,  # staff id, else staff name
    "outcome": TEXT,
    "rendering_npi": TEXT,  # of the row itself
    "supervising_npi": TEXT,  # of the physician or APP on staff, else of the patient
    "provider_role": TEXT,
    "place_of_service": TEXT,
    "authorization_number": TEXT,
    "authorization_from": DAY,
    "authorization_to": DAY,
    "diagnosis_codes": TEXT,
    "group_size": NUMBER,
    "participants": NUMBER,
    "video_declined": TEXT,
    "line_of_business": TEXT,
    "setting": TEXT,
    "mdm": TEXT,
    "other_services": TEXT,
    "chw_billed": TEXT,
    "step": TEXT,
    "training_date": DAY,  # of the staff member, from the staff file
    "scope_of_service": TEXT,
}

# What is true of the patient, whichever row says it.
PATIENT_FIELDS = {
    "member_id": TEXT,
    "last_name": TEXT,
    "first_name": TEXT,
    "birth_date": DAY,
    "sex": TEXT,
    "address": TEXT,
    "city": TEXT,
    "state": TEXT,
    "zip": TEXT,
    "relationship": TEXT,
    "group_number": TEXT,
    "pdcm_eligible": TEXT,
    "enrollment_date": DAY,
    "disenrollment_date": DAY,
    "death_date": DAY,
    "consent_date": DAY,
    "care_plan_date": DAY,
    "initiating_visit_date": DAY,
}

# Of these, what each payer gives the patient anew: by the row's own day and payer.
BY_PAYER = ("member_id", "group_number")

# Besides ROW_FIELDS, every activity has these.
KEYS = {
    "file": TEXT,
    "row": NUMBER,  # as the user's program numbers it: the heading is row 1
    "activity_id": "string",
    "patient": TEXT,
    "problem": TEXT,  # why intake holds or leaves out the row; missing where it may be billed
    "left_out": "bool",  # intake leaves the row out (an equal duplicate), and does not hold it
}


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the reader of a file should know and that holds nothing.

    `where` is `FILE` or `FILE:ROW:COLUMN`; no text holds a patient's data.
    """

    problem: str
    where: str
    what: str
    fix: str = ""
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """Entries that an auditor would ask about, all with one problem.

    `rows` are activities by position, `thing` the number of the thing to look at that each belongs
    to, and `why` the figures of each thing.
    """

    problem: str
    rows: Ints
    thing: Ints
    why: list[str]


@dataclass(frozen=True, slots=True)
class Intake:
    """What was read, and what it was read from.

    `activities` has one line for each row read, in the order of the files: KEYS and ROW_FIELDS,
    all of them; `given` names the fields that some input has a column for. `patients` has one line
    per category of `activities.patient`, in the order of its categories: PATIENT_FIELDS.
    `unreadable` has file, row, problem and the row's cells as text, for rows that are no activity.
    `inputs` and `mapping` go into run.json: names, hashes, counts, headings, never cells. `note` is
    each row's note as the number of a text and those texts, -1 for a blank; None where no export
    has the column. `findings` are what the plausibility checks found, and why
    some minutes cannot be read.
    `panel` is the patients file: patient and payer of each line; None where none was given.
    """

    activities: pd.DataFrame
    patients: pd.DataFrame
    given: frozenset[str]
    unreadable: pd.DataFrame
    notes: list[Note] = field(default_factory=list)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    mapping: list[dict[str, Any]] = field(default_factory=list)
    note: tuple[Ints, Any] | None = None
    findings: list[Finding] = field(default_factory=list)
    panel: pd.DataFrame | None = None


def check_activities(table: pd.DataFrame) -> pd.DataFrame:
    """The same table, after asserting that it has every column in the type this module says."""
    for name, kind in (KEYS | ROW_FIELDS).items():
        column = table[name]
        if kind == TEXT:
            assert isinstance(column.dtype, pd.CategoricalDtype), name
        elif kind in (DAY, NUMBER, SECONDS):
            assert column.dtype == np.int32, name
    return table


def named(values: Sequence[str | None], numbers: Ints) -> Any:
    """The text that each number stands for, as a categorical; -1 is the last of the values."""
    codes, words = pd.factorize(np.array(values, object))
    return categorical(codes[numbers], words)


def worded(texts: Sequence[str | None], numbers: Ints) -> Any:
    """The text that each number stands for, as a categorical of those that occur in their order,
    which is that of groups by the column; -1 is a blank."""
    if all(text is None for text in texts):
        return blank_text(len(numbers))
    unused = np.ones(len(texts) + 1, bool)
    unused[numbers] = False
    known = np.array([*texts, None], object)
    known[unused] = None
    codes, words = pd.factorize(known, sort=True)
    return categorical(codes[numbers], words)


def categorical(codes: Ints, words: Any) -> Any:
    """A text column from the numbers of its words, -1 for a blank."""
    return light(pd.Categorical.from_codes(codes, categories=pd.Index(words, dtype=str)))


def light(text: pd.Categorical) -> pd.Categorical:
    """The same column, without the table of its words by which pandas has seen that they differ.

    The table would stay as long as the column, and is several times its size where words are many.
    """
    if len(text.categories) < MANY_WORDS:
        return text
    found: pd.Categorical = pickle.loads(pickle.dumps(text, protocol=5))
    return found


def together(*columns: Any) -> tuple[Ints, Ints]:
    """A number for each row, equal where all these columns are, and each number's first row."""
    number, span = np.zeros(len(columns[0]), np.int64), 1
    for column in columns:
        codes, values = _numbered(column)
        if span * (values + 1) > MOST:
            number, kinds = pd.factorize(number)
            span = len(kinds)
        number = number * (values + 1) + codes + 1
        span *= values + 1
    number, _ = pd.factorize(number)
    first = np.empty(number.max(initial=-1) + 1, np.int64)
    first[number[::-1]] = np.arange(len(number))[::-1]
    return number, first


def _numbered(column: Any) -> tuple[Ints, int]:
    """The number of each cell's value, -1 for a blank, and how many there are."""
    text = getattr(column, "array", column)
    if isinstance(text, pd.Categorical):
        return text.codes, len(text.categories)
    codes, values = pd.factorize(column)
    return codes, len(values)


def known_span(values: Ints) -> tuple[int, int]:
    """The least and the greatest of the numbers that are known; where none is, 0 and less."""
    last = values.max(initial=UNKNOWN)
    if last == UNKNOWN:
        return 0, -1
    return int(values.min(where=values != UNKNOWN, initial=last)), int(last)


def month_text(days: Ints) -> Any:
    """`2026-03` for each day, as a categorical; blank where the day is not known."""
    known = days != UNKNOWN
    months = np.where(known, days, 0).astype("M8[D]").astype("M8[M]")
    values, codes = np.unique(months, return_inverse=True)
    return categorical(np.where(known, codes, -1), values.astype(str))


def always(text: str | None, rows: int) -> Any:
    """A text column that is the same in all rows."""
    if text is None:
        return blank_text(rows)
    codes = np.broadcast_to(np.int8(0), rows)
    return pd.Categorical.from_codes(codes, categories=pd.Index([text], dtype=str))


def blank_text(rows: int) -> pd.Categorical:
    """A text column that nobody gave."""
    codes = np.broadcast_to(np.int8(-1), rows)
    return pd.Categorical.from_codes(codes, categories=pd.Index([], dtype=str))


def is_blank(values: Ints, none: int = -1) -> bool:
    """Whether one number that says nothing stands for all rows, as in a column that nobody gave."""
    return values.strides == (0,) and bool((values[:1] == none).all())


def unknowns(rows: int) -> npt.NDArray[np.int32]:
    """A day, number or seconds column that nobody gave: one number that stands for all rows."""
    return np.broadcast_to(np.int32(UNKNOWN), rows)
