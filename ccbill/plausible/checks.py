"""What each check finds among the entries of a log: their positions, things to look at, figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ccbill.config import Settings
from ccbill.intake.practices import is_npi
from ccbill.plausible.sweep import Long, Shared, begins, in_order, numbered, packed, shared
from ccbill.slices import codes
from ccbill.tables import UNKNOWN, Intake, Ints, Mask

DAY = 24 * 60 * 60
# Kinds in which one member of staff is with several patients, or several with one patient.
SEVERAL_PATIENTS = ("group-education", "mass-communication")
SEVERAL_STAFF = ("team-conference",)
# Kinds that come before the patient consents.
BEFORE_CONSENT = ("program-discussion", "pre-screening", "ecm-outreach", "mass-communication")


@dataclass(frozen=True, slots=True)
class Entries:
    """Rows of a log that may be billed, at the positions `rows` of its activities."""

    read: Intake
    rows: Ints
    settings: Settings
    today: int
    _kept: dict[str, Any] = field(default_factory=dict)

    def codes(self, name: str) -> Ints:
        return self._column(name, codes)

    def numbers(self, name: str) -> Ints:
        return self._column(name, lambda column: column.to_numpy())

    def _column(self, name: str, values: Callable[[Any], Ints]) -> Ints:
        if name not in self._kept:
            self._kept[name] = values(self.read.activities[name])[self.rows]
        return cast(Ints, self._kept[name])

    def of_patient(self, per_patient: Ints) -> Ints:
        """One number per entry from one per patient, UNKNOWN where none is named."""
        return np.append(per_patient, UNKNOWN)[self.codes("patient")]

    def kind_in(self, kinds: Iterable[str]) -> Mask:
        names = self.read.activities["kind"].cat.categories
        return np.append(names.isin(list(kinds)), False)[self.codes("kind")]

    def dated(self) -> Mask:
        return self.numbers("service_date") != UNKNOWN

    def timed(self) -> tuple[Ints, Long, Long]:
        """Entries whose times are known, when each starts and how long it is, in seconds.

        One without an end lasts its minutes; an end before the start is on the next day.
        """
        if "timed" not in self._kept:
            start, end, seconds = (self.numbers(n) for n in ("start", "end", "seconds"))
            length = np.where((end == UNKNOWN) | (end == start), seconds, (end - start) % DAY)
            at = np.flatnonzero((start != UNKNOWN) & (length > 0) & self.dated())
            begun = self.numbers("service_date")[at].astype(np.int64) * DAY + start[at]
            self._kept["timed"] = at, begun, length[at].astype(np.int64)
        return cast(tuple[Ints, Long, Long], self._kept["timed"])


@dataclass(frozen=True, slots=True)
class Found:
    """Positions among the entries, the number of the thing that each belongs to, and figures."""

    at: Ints
    thing: Ints
    why: list[str]

    def of(self, rows: Ints) -> Found:
        """The same at positions in a log, where the entries are these rows of it."""
        return Found(rows[self.at].astype(np.int32), self.thing.astype(np.int32), self.why)


def _each(at: Ints, why: list[str]) -> Found:
    """Every entry is a thing of its own."""
    return Found(at, np.arange(len(at)), why)


def _minutes(seconds: int) -> str:
    """Minutes to the second: 90, 90.5, 90.02."""
    minutes, rest = divmod(seconds, 60)
    return f"{seconds / 60:,.2f}".rstrip("0") if rest else f"{minutes:,}"


def same_staff(entries: Entries) -> Found:
    """A member of staff's entries of a day that share minutes with another patient's."""
    at, start, length = entries.timed()
    staff = entries.codes("staff")[at]
    kept = (staff >= 0) & ~entries.kind_in(SEVERAL_PATIENTS)[at]
    at, start, length, staff = at[kept], start[kept], length[kept], staff[kept]
    found = shared(staff, start, length)
    found = found.only(_two_patients(found, entries.codes("patient")[at[found.rows]]))
    return _by_day(entries, "staff", at[found.rows], found.covered)


def _two_patients(found: Shared, patient: Ints) -> Mask:
    """Which of some overlapping entries overlap one of another patient.

    Each does whose patient is only once in the cluster.
    """
    pairs, order = in_order(packed(found.cluster, patient))
    fresh = begins(pairs)
    again = ~fresh
    again[:-1] |= again[1:]
    mine, fresh = order[again], fresh[again]
    several = np.ones(len(patient), bool)
    if len(mine):
        begun, ended = found.begun[mine], found.ended[mine]
        pair = np.cumsum(fresh) - 1
        since = begun[fresh][pair]
        apart = pair * (ended - since).max() - since
        own = _overlapping(begun + apart, ended + apart, begun + apart, ended + apart)
        several[mine] = _overlapping(begun, ended, found.begun, found.ended) > own
    return several


def _overlapping(begun: Long, ended: Long, all_begun: Long, all_ended: Long) -> Ints:
    """How many of all entries, which stand in the order of time, each of some overlaps."""
    before_end = np.searchsorted(all_begun, ended)
    return before_end - np.searchsorted(np.sort(all_ended), begun, side="right")


def same_patient(entries: Entries) -> Found:
    """A patient's entries of a day that share minutes, but for those of one conference."""
    at, start, length = entries.timed()
    kept = ~entries.kind_in(SEVERAL_STAFF)[at]
    at, start, length = at[kept], start[kept], length[kept]
    found = shared(entries.codes("patient")[at], start, length)
    return _by_day(entries, "patient", at[found.rows], found.covered)


def _by_day(entries: Entries, whose: str, at: Ints, covered: Ints) -> Found:
    """One thing for each person's day, with the minutes that stand there more than once.

    The entries are in the order of persons and time.
    """
    day = packed(entries.codes(whose)[at], entries.numbers("service_date")[at])
    thing = np.cumsum(begins(day)) - 1
    number = np.bincount(thing)
    seconds = np.bincount(thing, covered).astype(np.int64)
    _, first, of_thing = np.unique(packed(number, seconds), return_index=True, return_inverse=True)
    said = [
        f"{count:,} entries; {_minutes(twice)} of their minutes are logged more than once"
        for count, twice in zip(number[first].tolist(), seconds[first].tolist(), strict=True)
    ]
    return Found(at, thing, [said[each] for each in of_thing.tolist()])


def long_entry(entries: Entries) -> Found:
    limit = entries.settings.limits["long-entry-minutes"]
    seconds = entries.numbers("seconds")
    at = np.flatnonzero(seconds > limit * 60)
    why = [f"{_minutes(each)} minutes; more than {limit:,}" for each in seconds[at].tolist()]
    return _each(at, why)


def long_day(entries: Entries) -> Found:
    """A member of staff's days with too many minutes; a group's visit counts once."""
    limit = entries.settings.limits["long-day-minutes"]
    staff, seconds = entries.codes("staff"), entries.numbers("seconds")
    at = np.flatnonzero((staff >= 0) & (seconds != UNKNOWN) & entries.dated())
    at = at[~_again(entries, at[entries.kind_in(SEVERAL_PATIENTS)[at]])[at]]
    day = numbered(packed(staff[at], entries.numbers("service_date")[at]))
    total = np.bincount(day, seconds[at]).astype(np.int64)
    long = total > limit * 60
    at, day = at[long[day]], day[long[day]]
    why = [f"{_minutes(each)} minutes; more than {limit:,}" for each in total[long].tolist()]
    return Found(at, (np.cumsum(long) - 1)[day], why)


def _again(entries: Entries, several: Ints) -> Mask:
    """Which entries repeat the same hour with several patients that an earlier one stands for."""
    columns = [entries.numbers(name)[several] for name in ("service_date", "start", "seconds")]
    ordered, order = in_order(packed(numbered(packed(*columns)), entries.codes("staff")[several]))
    again = np.zeros(len(entries.rows), bool)
    again[several[order[~begins(ordered)]]] = True
    return again


def copied(entries: Entries) -> Found:
    """One note, in any case, and as many minutes for several patients of a staff member's day."""
    least = entries.settings.limits["copied-entry-patients"]
    assert entries.read.note is not None
    numbers, texts = entries.read.note
    note, staff, seconds = numbers[entries.rows], entries.codes("staff"), entries.numbers("seconds")
    known = (note >= 0) & (staff >= 0) & (seconds != UNKNOWN) & entries.dated()
    at = np.flatnonzero(known & ~entries.kind_in(SEVERAL_PATIENTS))
    alike = numbered(packed(staff[at], entries.numbers("service_date")[at], seconds[at]))
    often = np.bincount(alike)[alike] >= least
    at, alike = at[often], alike[often]
    thing = numbered(packed(alike, _folded(note[at], texts)))
    pairs, order = in_order(packed(thing, entries.codes("patient")[at]))
    patients = np.bincount(thing[order[begins(pairs)]])
    many = patients >= least
    number = np.cumsum(many) - 1
    kept = many[thing]
    at, thing = at[kept], number[thing[kept]]
    length = np.zeros(int(many.sum()), np.int64)
    length[thing] = seconds[at]
    why = [
        f"{count:,} patients have one note of {_minutes(each)} minutes"
        for count, each in zip(patients[many].tolist(), length.tolist(), strict=True)
    ]
    return Found(at, thing, why)


def _folded(note: Ints, texts: pa.Array) -> Ints:
    """The number of each note, the same for texts that differ in capitals only."""
    used, number = np.unique(note, return_inverse=True)
    words = pc.utf8_lower(texts.take(pa.array(used)))
    return words.dictionary_encode().indices.to_numpy(zero_copy_only=False)[number]


def in_future(entries: Entries) -> Found:
    day = entries.numbers("service_date")
    at = np.flatnonzero(day > entries.today)
    return _each(at, [f"after {_date(entries.today)}"] * len(at))


def before_consent(entries: Entries) -> Found:
    consent = entries.of_patient(entries.read.patients["consent_date"].to_numpy())
    early = np.flatnonzero((entries.numbers("service_date") < consent) & entries.dated())
    early = early[~entries.kind_in(BEFORE_CONSENT)[early]]
    return _by_month(entries, early, consent, "before the consent of")


def after_end(entries: Entries) -> Found:
    """Services after the earlier of the patient's death and disenrolment."""
    patients = entries.read.patients
    ends = patients[["death_date", "disenrollment_date"]].to_numpy(np.int64)
    last = entries.of_patient(np.where(ends == UNKNOWN, -UNKNOWN, ends).min(axis=1))
    late = (entries.numbers("service_date") > last) & (last != UNKNOWN)
    return _by_month(entries, np.flatnonzero(late), last, "after the end of")


def _by_month(entries: Entries, at: Ints, day: Ints, what: str) -> Found:
    """One thing for each patient's month."""
    month = entries.numbers("service_date")[at].astype("M8[D]").astype("M8[M]").astype(np.int64)
    thing = numbered(packed(entries.codes("patient")[at], month))
    of_thing = np.zeros(int(thing.max(initial=-1)) + 1, np.int64)
    of_thing[thing] = day[at]
    return Found(at, thing, [f"{what} {_date(each)}" for each in of_thing.tolist()])


def _date(day: int) -> str:
    return str(np.datetime64(day, "D"))


def bad_npis(entries: Entries) -> Found:
    """Entries with an NPI whose check digit is wrong, by column and NPI."""
    found, why = [], []
    for column in ("practice", "rendering_npi", "supervising_npi"):
        for code, npi in enumerate(entries.read.activities[column].cat.categories):
            if npi and not is_npi(npi):
                found.append(np.flatnonzero(entries.codes(column) == code))
                why.append(f"{column}: {npi}")
    sizes = [len(each) for each in found]
    at = np.concatenate([np.zeros(0, np.int64), *found])
    return Found(at, np.repeat(np.arange(len(found)), sizes), why)


@dataclass(frozen=True, slots=True)
class Check:
    """A check, the columns that it needs (of alternatives in one text, any), whose entries it
    compares with each other, and whether it gives them in the order of time."""

    find: Callable[[Entries], Found]
    needs: tuple[str, ...] = ()
    whose: Literal["", "staff", "patient"] = ""
    in_time: bool = False


CHECKS: dict[str, Check] = {
    "npi-invalid": Check(bad_npis),
    "date-in-future": Check(in_future),
    "service-before-consent": Check(before_consent, ("consent_date",), "patient"),
    "service-after-end": Check(after_end, ("death_date disenrollment_date",), "patient"),
    "overlap-same-staff": Check(same_staff, ("staff", "start"), "staff", in_time=True),
    "overlap-same-patient": Check(same_patient, ("start",), "patient", in_time=True),
    "long-entry": Check(long_entry, ("seconds",)),
    "long-day": Check(long_day, ("staff", "seconds"), "staff"),
    "copied-entry": Check(copied, ("staff", "note"), "staff"),
}
