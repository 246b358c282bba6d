"""One export's text → typed columns, and what is wrong with each row of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ccbill import vocabulary
from ccbill.config import Settings
from ccbill.errors import counted
from ccbill.intake import dates, durations, words
from ccbill.intake.columns import Matched
from ccbill.intake.table import Ragged, Table
from ccbill.intake.text import Text, as_words, blank, from_strings
from ccbill.tables import DAY, PATIENT_FIELDS, UNKNOWN, Mask, Note, unknowns

Whole = npt.NDArray[np.int32]

DATES = (
    *(name for name, kind in PATIENT_FIELDS.items() if kind == DAY),
    "authorization_from",
    "authorization_to",
    "training_date",
    "from",
    "to",
)
YES_NO = ("video_declined", "chw_billed", "scope_of_service", "pdcm_eligible")
COUNTS = ("group_size", "participants")
REMARKS = ("note", "purpose")  # which no rule asks for
FREE = frozenset({*REMARKS, "last_name", "first_name", "patient_name", "staff_name", "address"})
IDS = ("patient_id", "activity_id", "member_id", "group_number", "authorization_number")
AS_THEY_STAND = (FREE | {*IDS, "city"}) - {"staff_name"}
KNOWN_WORDS: dict[str, Callable[[], Iterable[str]]] = {
    "kind": vocabulary.kinds,
    "mode": vocabulary.modes,
    "credential": vocabulary.credentials,
}

_YES = "y|yes|true|t|1|x|✓|✔|on|eligible|declined"
_NO = "n|no|false|f|0|off|not eligible|ineligible|none"
_NAME = r"^(?P<last>[^,]+?)\s*,\s*(?P<first>.*?)[\s,]*(?P<birth>\d{1,2}[/-]\d{1,2}[/-]\d{2,4})?$"


@dataclass(slots=True)
class Part:
    """One export, typed: `text` and `whole` by column, `held` by problem in its order of rank."""

    table: Table
    matched: Matched
    text: dict[str, Text] = field(default_factory=dict)
    whole: dict[str, Whole] = field(default_factory=dict)
    held: dict[str, list[tuple[str, Mask]]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    last_year: int | None = None  # of service: nobody is born after it
    without_unit: Mask | None = None  # whose minutes may be hours

    def cells(self, column: str) -> Text | None:
        """The column's text as it stands in the file, None where the file has none."""
        places = self.matched.columns.get(column)
        return self.table.columns[places[0]] if places else None

    def hold(self, rank: str, problem: str, rows: Mask) -> None:
        if rows.any():
            self.held.setdefault(rank, []).append((problem, rows))

    def note(self, column: str, rows: Mask, what: str, problem: str = "cell-not-read") -> None:
        number = int(rows.sum())
        if number:
            where = self.table.first(rows, self.matched.columns[column][0])
            said = what.replace("#", counted(number, "cell"))
            self.notes.append(Note(problem, where, said, rows=number))


def typed(table: Table, matched: Matched, settings: Settings) -> Part:
    """The export's columns in their types. Row-level problems hold rows, never stop the file."""
    part = Part(table, matched)
    for at in sorted(matched.taken(but=REMARKS)):
        for problem, rows in words.unsaid(table.columns[at]):
            part.hold("cell", problem, rows)
    if table.marks_are_letters:
        for column in matched.columns.keys() - FREE:
            part.hold(
                "cell", "cell-damaged", words.marked(table.columns[matched.columns[column][0]])
            )
    _service_date(part, settings)
    for column in matched.columns:
        cells = part.cells(column)
        if cells is not None and column not in ("service_date", "minutes", *KNOWN_WORDS):
            _plain(part, column, cells, settings)
    _patient(part)
    _names(part)
    _length(part, settings)
    for column in KNOWN_WORDS:
        _words(part, column, settings)
    return part


def companion(table: Table, matched: Matched, settings: Settings, last_year: int | None) -> Part:
    """A patients or staff file in its types."""
    part = Part(table, matched, last_year=last_year)
    for column in matched.columns:
        cells = part.cells(column)
        if cells is not None and column not in KNOWN_WORDS:
            _plain(part, column, cells, settings)
    _words(part, "credential", settings)
    if {"from", "to"} <= part.whole.keys():
        begin, end = part.whole["from"], part.whole["to"]
        turned = (begin != UNKNOWN) & (end != UNKNOWN) & (end < begin)
        part.note("to", turned, "to: before the day in from, so the line covers no day, in #")
    return part


def with_ragged(table: Table) -> tuple[Table, Text, Mask]:
    """The table with its ragged records as blank rows in their places, their cells, and which."""
    if not table.ragged:
        return table, blank(len(table.rows)), np.zeros(len(table.rows), bool)
    lost = np.array([record.row for record in table.ragged], np.int32)
    order = np.argsort(np.concatenate([table.rows, lost]), kind="stable")
    before = len(table.rows)

    def opened(column: Text) -> Text:
        none = np.full(len(lost), -1, column.codes.dtype)
        return Text(np.append(column.codes, none)[order], column.values)

    whole = replace(
        table,
        columns=[opened(column) for column in table.columns],
        rows=np.concatenate([table.rows, lost])[order],
    )
    cells = from_strings([ragged_text(record) for record in table.ragged])
    codes = np.concatenate([blank(before).codes, cells.codes])[order]
    return whole, Text(codes, cells.values), order >= before


def ragged_text(record: Ragged) -> str:
    return "\x1f".join(record.cells) or "\x1f"


def _plain(part: Part, column: str, cells: Text, settings: Settings) -> None:
    """A column that needs no other to be understood."""
    if column not in AS_THEY_STAND:
        cells = as_words(cells)
    if column in DATES:
        _date(part, column, cells, settings)
    elif column in ("start_time", "end_time"):
        _time(part, column, cells, settings)
    elif column in COUNTS:
        _count(part, column, cells)
    elif column in YES_NO:
        part.text[column] = yes_no(cells)
        part.note(
            column, ~cells.blank & _unread(part.text[column]), f"{column}: neither yes nor no, in #"
        )
    elif column in ("outcome", "mdm"):
        part.text[column] = cells.translated(_slug(cells))
    elif part.matched.profile and column in part.matched.profile.npi_only:
        digits = pc.match_substring_regex(cells.values, r"^\d{10}$")
        part.text[column] = cells.translated(pc.if_else(digits, cells.values, None))
    else:
        hurt = words.damaged(cells)
        part.text[column] = cells
        if column not in ("patient_id", "payer") and hurt.any():
            part.text[column] = cells.cleared(hurt)
            said = f"{column}: an error, so taken as blank, in #"
            part.note(column, hurt, said, "cell-damaged")


def _slug(cells: Text) -> pa.Array:
    return pc.replace_substring_regex(pc.utf8_lower(cells.values), r"[\s_-]+", "-")


def yes_no(cells: Text) -> Text:
    """`yes` or `no`; an answer that is neither stays as it is, in lower case."""
    lower = pc.utf8_lower(cells.values)
    yes = pc.match_substring_regex(lower, f"^(?:{_YES})$")
    no = pc.match_substring_regex(lower, f"^(?:{_NO})$")
    return cells.translated(pc.case_when(pc.make_struct(yes, no), "yes", "no", lower))


def _unread(answers: Text) -> Mask:
    neither = np.array([word not in ("yes", "no") for word in answers.words()], bool)
    return answers.spread(neither, False)


def _date(part: Part, column: str, cells: Text, settings: Settings) -> None:
    century = part.last_year if column == "birth_date" else None
    found = dates.moments(cells, settings.practice.timezone, century)
    part.whole[column] = found.days
    part.note(
        column, found.fault > 0, f"{column}: no date that can be read, so taken as blank, in #"
    )


def _time(part: Part, column: str, cells: Text, settings: Settings) -> None:
    found = dates.clocks(cells, settings.practice.timezone)
    part.whole[column] = found.clock
    part.whole[f"{column}.day"] = found.days
    part.note(
        column, found.fault > 0, f"{column}: no time that can be read, so taken as blank, in #"
    )


def _count(part: Part, column: str, cells: Text) -> None:
    digits = pc.extract_regex(cells.values, r"^0*(?P<n>\d{1,6})(?:\.0*)?$").field("n")
    found = pc.fill_null(pc.if_else(pc.equal(digits, ""), None, digits).cast(pa.int32()), UNKNOWN)
    part.whole[column] = cells.spread(found.to_numpy().astype(np.int32), UNKNOWN)
    rows = ~cells.blank & (part.whole[column] == UNKNOWN)
    part.note(column, rows, f"{column}: no whole number, so taken as blank, in #")


def _patient(part: Part) -> None:
    cells = part.text["patient_id"]
    bad = words.damaged_ids(cells)
    part.hold("patient", "patient-missing", cells.blank)
    part.hold("patient", "cell-damaged", bad)
    for column in ("activity_id", "member_id", "authorization_number"):
        if column in part.text:
            hurt = words.damaged_ids(part.text[column])
            part.hold("patient", "cell-damaged", hurt)


def _service_date(part: Part, settings: Settings) -> None:
    cells = part.cells("service_date")
    assert cells is not None
    found = dates.moments(as_words(cells), settings.practice.timezone)
    part.whole["service_date"] = found.days
    last = int(found.days.max(initial=UNKNOWN))
    part.last_year = np.datetime64(last, "D").item().year if last != UNKNOWN else None
    part.hold("date", "cell-damaged", words.damaged(cells))
    part.hold("date", "date-ambiguous", found.fault == dates.AMBIGUOUS)
    part.hold("date", "date-not-read", (found.fault == dates.NOT_READ) | cells.blank)


def _names(part: Part) -> None:
    """Takes "Last, First DOB" apart, for what no column of its own says."""
    cells = part.text.pop("patient_name", None)
    if cells is None:
        return
    split = pc.extract_regex(as_words(cells).values, _NAME)
    for column, name in (("last_name", "last"), ("first_name", "first")):
        own = part.text.get(column, blank(len(cells)))
        part.text[column] = own.filled(cells.translated(split.field(name)))
    born = dates.moments(cells.translated(split.field("birth")), None, part.last_year)
    own_days = part.whole.get("birth_date", unknowns(len(cells)))
    part.whole["birth_date"] = np.where(own_days == UNKNOWN, born.days, own_days)


def _length(part: Part, settings: Settings) -> None:
    """The activity's seconds: its minutes, else from its start and end."""
    rows = len(part.table.rows)
    timed, impossible, unread = _from_times(part)
    cells = part.cells("minutes")
    if cells is None:
        part.whole["seconds"] = timed
        part.hold("minutes", "minutes-not-read", unread)
        part.hold("minutes", "minutes-out-of-range", impossible)
        return
    heading = part.table.headings[part.matched.columns["minutes"][0]]
    unit = settings.defaults.get("minutes_unit")
    given, fault = durations.seconds(as_words(cells), part.text.get("minutes_unit"), heading, unit)
    part.whole["seconds"] = np.where(cells.blank, timed, given) if cells.blank.any() else given
    part.without_unit = durations.without_unit(
        as_words(cells), part.text.get("minutes_unit"), heading, unit
    )
    part.hold("minutes", "cell-damaged", words.damaged(cells))
    part.hold("minutes", "minutes-not-read", (fault == durations.NOT_READ) | (unread & cells.blank))
    out = (fault == durations.OUT_OF_RANGE) | (impossible & cells.blank)
    part.hold("minutes", "minutes-out-of-range", out)
    assert len(given) == rows
    both = (given != UNKNOWN) & ((timed != UNKNOWN) | impossible) & (given != timed)
    said = "minutes: other than from start to end, and the minutes count, in #"
    part.note("minutes", both, said, "minutes-differ-from-times")


def _from_times(part: Part) -> tuple[Whole, Mask, Mask]:
    """Seconds from start to end; where that is no length of an activity; where one is not read."""
    rows = len(part.table.rows)
    start, end = (part.whole.get(f"{name}_time", unknowns(rows)) for name in ("start", "end"))
    first, last = (part.whole.get(f"{n}_time.day", unknowns(rows)) for n in ("start", "end"))
    unread = np.zeros(rows, bool)
    for name, found in (("start_time", start), ("end_time", end)):
        cells = part.cells(name)
        if cells is not None:
            unread |= ~cells.blank & (found == UNKNOWN)
    both = (start != UNKNOWN) & (end != UNKNOWN)
    if not both.any():
        return unknowns(rows), both, unread
    dated = both & (first != UNKNOWN) & (last != UNKNOWN)
    apart = np.where(both, end, 0) - np.where(both, start, 0)
    days = np.where(dated, np.clip(np.subtract(last, first, dtype=np.int64), -1, 2), apart < 0)
    length = (apart + days * 86400).astype(np.int32)
    good = both & (length > 0) & (length <= 86400)
    return np.where(good, length, np.int32(UNKNOWN)), both & ~good, unread


def _words(part: Part, column: str, settings: Settings) -> None:
    """Kind, mode or credential in ccbill's words; of several, the first known or the last."""
    rows = len(part.table.rows)
    found, unknown = blank(rows), np.zeros(rows, bool)
    known = KNOWN_WORDS[column]
    for n, at in enumerate(part.matched.columns.get(column, ())):
        cells = as_words(part.table.columns[at])
        seen = words.understood(column, cells, settings)
        if n == 0:
            found, unknown = seen.text, seen.unknown
        else:
            better = unknown & ~seen.text.blank
            unknown = np.where(found.blank | better, seen.unknown, unknown)
            found = found.cleared(better).filled(seen.text)
        part.hold(column, "cell-damaged", words.damaged(cells))
    for at in part.matched.columns.get(column, ())[-1:]:
        cells = as_words(part.table.columns[at])
        left = unknown & ~cells.blank & ~words.damaged(cells)
        part.notes += words.unknown_notes(part.table, column, at, cells, left, known())
    part.hold(column, f"{column}-not-known", unknown)
    part.text[column] = found
