"""What the rules may ask of an activity, as arrays, and in what order activities stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from ccbill import vocabulary
from ccbill.rules.model import (
    Between,
    Blank,
    Compared,
    Given,
    HasCode,
    Matcher,
    NoneOf,
    OneOf,
    Test,
    Tests,
)
from ccbill.tables import (
    KEYS,
    PATIENT_FIELDS,
    ROW_FIELDS,
    TEXT,
    UNKNOWN,
    Ints,
    Mask,
    known_span,
)

# A blank cell here means no: the column says that something is so, and is empty where it is not.
FLAGS = frozenset({"video_declined", "provider_role", "pdcm_eligible", "chw_billed"})
KINDS = KEYS | ROW_FIELDS | PATIENT_FIELDS
LATE = 24 * 60 * 60  # an activity without a start time stands after the others of its day


@dataclass(frozen=True, slots=True)
class Facts:
    """The activities and patients of a run, with each column turned into an array once.

    Arrays have one element per activity; text is codes into categories, -1 for a blank.
    """

    activities: pd.DataFrame
    patients: pd.DataFrame
    given: frozenset[str]
    plan_rows: Ints | None = None  # the plan's activities that can be read, once they are known
    _arrays: dict[str, Ints] = field(default_factory=dict)
    _words: dict[str, list[str]] = field(default_factory=dict)
    _first: dict[str, Ints] = field(default_factory=dict)  # of the plan

    def of_plan(self, rows: Ints) -> Facts:
        """The same facts, with what is first in a plan taken among these activities."""
        known = self.activities, self.patients, self.given
        return Facts(*known, rows, self._arrays, self._words)

    def codes(self, name: str) -> Ints:
        return self._array(name, lambda column: column.array.codes)

    def categories(self, name: str) -> list[str]:
        if name not in self._words:
            table = self.patients if name in PATIENT_FIELDS else self.activities
            self._words[name] = [str(c) for c in table[name].cat.categories]
        return self._words[name]

    def numbers(self, name: str) -> Ints:
        return self._array(name, lambda column: column.to_numpy())

    def is_text(self, name: str) -> bool:
        return KINDS.get(name) == TEXT

    def first(self, name: str) -> Ints:
        """For `first KIND`: the day of the patient's first activity of that kind in the plan."""
        if name not in self._first:
            assert self.plan_rows is not None
            kinds = np.array([*(k == name.removeprefix("first ") for k in self.categories("kind"))])
            rows = self.plan_rows[np.append(kinds, False)[self.codes("kind")[self.plan_rows]]]
            patient = self.codes("patient")
            first = np.full(len(self.patients) + 1, -(UNKNOWN + 1), np.int64)
            np.minimum.at(first, patient[rows], self.numbers("service_date")[rows])
            first[first == -(UNKNOWN + 1)] = UNKNOWN
            self._first[name] = first[patient]
        return self._first[name]

    def diagnoses(self) -> Ints:
        """How many distinct diagnosis codes each activity carries."""
        lists = [
            c.replace(".", "").casefold().split(";") for c in self.categories("diagnosis_codes")
        ]
        counts = np.array([*(len(set(codes) - {""}) for codes in lists), 0])
        blank = self.codes("diagnosis_codes") < 0
        return np.where(blank, UNKNOWN, counts[self.codes("diagnosis_codes")])

    def practitioners(self) -> Ints:
        """Who renders, in the order of NPIs as text: the row's rendering NPI, else the billing one,
        and after that the billing NPI itself."""
        if "practitioner" not in self._arrays:
            rendering, practice = self.categories("rendering_npi"), self.categories("practice")
            names, among = np.unique(np.array([*rendering, *practice, ""]), return_inverse=True)
            own, billing = self.codes("rendering_npi"), self.codes("practice")
            of_rendering = np.append(among[: len(rendering)], -1)[own]
            of_practice = np.append(among[len(rendering) : -1], among[-1])[billing]
            who = np.where(own >= 0, of_rendering, of_practice)
            self._arrays["practitioner"] = who * len(names) + of_practice
        return self._arrays["practitioner"]

    def months(self, rows: Ints | slice) -> Ints:
        """Months since 1970-01 of these activities, UNKNOWN where the day is."""
        days = self.numbers("service_date")
        if "month" not in self._arrays:  # of each day since the earliest, and of no day
            first, last = known_span(days)
            known = np.arange(first, last + 1).astype("M8[D]").astype("M8[M]").astype(np.int32)
            self._arrays["earliest day"] = np.array(first)
            self._arrays["month"] = np.append(known, np.int32(UNKNOWN))
        since = np.where(days[rows] == UNKNOWN, -1, days[rows] - self._arrays["earliest day"])
        return self._arrays["month"][since]

    def minutes(self) -> Ints:
        """Whole minutes of each activity, rounded down."""
        seconds = self.numbers("seconds")
        return np.where(seconds == UNKNOWN, UNKNOWN, seconds // 60)

    def key(self, name: str, rows: Ints) -> Ints:
        """The part of a grouping key that the rules call by this name, not negative."""
        if name == "month":
            return self.months(rows) + 12 * 1970
        if name == "year":
            return self.months(rows) // 12 + 1970
        if name == "day":
            return self.numbers("service_date")[rows] + 719_162  # since 0001-01-01
        if name == "activity":
            return rows
        if name == "practitioner":
            return self.practitioners()[rows]
        return self.codes(name)[rows] + 1

    def _array(self, name: str, read: object) -> Ints:
        if name not in self._arrays:
            if name in PATIENT_FIELDS:
                of_patient = np.append(read(self.patients[name]), 0)  # type: ignore[operator]
                of_patient[-1] = -1 if self.is_text(name) else UNKNOWN
                self._arrays[name] = of_patient[self.codes("patient")]
            else:
                self._arrays[name] = read(self.activities[name])  # type: ignore[operator]
        return self._arrays[name]


def packed(
    facts: Facts, rows: Ints, names: Sequence[str], days: Ints | None = None
) -> npt.NDArray[np.int64]:
    """One number per row, equal where all these parts of the key are equal.

    `days` stand in for the activities' own where lines are dated otherwise.
    """
    key = np.zeros(len(rows), np.int64)
    for name in names:
        part = facts.key(name, rows)
        if name == "day" and days is not None:
            part = days.astype(np.int64) + 719_162
        key = key * (int(part.max(initial=0)) + 1) + part
    return key


def in_order(facts: Facts, rows: Ints, key: npt.NDArray[np.int64]) -> Ints:
    """Positions that sort rows by key, then date, start time and activity id as text."""
    day = facts.numbers("service_date")[rows].astype(np.int64)
    start = facts.numbers("start")[rows].astype(np.int64)
    start = np.where(start == UNKNOWN, LATE, start)
    when = (day - day.min(initial=0)) * (LATE + 1) + start
    span = int(when.max(initial=0)) + 1
    if (int(key.max(initial=0)) + 1) * span < 2**63:
        both = key * span + when  # sorted as one number, several times as fast
        order = np.argsort(both)
        same = np.diff(both[order]) == 0
    else:
        order = np.lexsort((when, key))
        same = (np.diff(key[order]) == 0) & (np.diff(when[order]) == 0)
    tied = np.zeros(len(rows), bool)
    tied[1:] |= same
    tied[:-1] |= same
    if tied.any():
        places = np.flatnonzero(tied)
        among = np.sort(order[places])
        ids = facts.activities["activity_id"].iloc[rows[among]].to_numpy(dtype=object)
        _, rank = np.unique(ids.astype(str), return_inverse=True)
        order[places] = among[np.lexsort((rank, when[among], key[among]))]
    return order


def answers(
    facts: Facts, rows: Ints, name: str, matcher: Matcher, minutes: Ints | None = None
) -> tuple[Mask, Mask]:
    """For each row: whether the field is as asked, and whether it is blank and so unknown.

    `minutes` stands in for the activities' own where a group's total is asked for.
    """
    nobody = np.zeros(len(rows), bool)
    if isinstance(matcher, Compared):
        return _compared(facts, rows, name, matcher)
    is_text = facts.is_text(name)
    values = facts.codes(name)[rows] if is_text else _values(facts, rows, name, minutes)
    blank = values < 0 if is_text else values == UNKNOWN
    if isinstance(matcher, Given | Blank):
        return (blank if isinstance(matcher, Blank) else ~blank), nobody
    if isinstance(matcher, Between):
        low = UNKNOWN if matcher.low is None else matcher.low
        high = -(UNKNOWN + 1) if matcher.high is None else matcher.high
        return ~blank & (values >= low) & (values <= high), blank
    yes = np.append(_found(facts, name, matcher), False).astype(bool)[values]
    if isinstance(matcher, NoneOf):
        return ~yes, nobody
    if name == "credential":
        # No list speaks of a trainee, so it is neither in the list nor surely out of it.
        groups = vocabulary.credentials()
        trainee = [groups.get(c.split(", ")[0]) == "trainee" for c in facts.categories(name)]
        blank |= np.append(trainee, False).astype(bool)[values] & ~yes
    return yes, nobody if name in FLAGS else blank


def _values(facts: Facts, rows: Ints, name: str, minutes: Ints | None) -> Ints:
    if name == "minutes":
        return facts.minutes()[rows] if minutes is None else minutes
    return facts.diagnoses()[rows] if name == "diagnoses" else facts.numbers(name)[rows]


def _found(facts: Facts, name: str, matcher: OneOf | NoneOf | HasCode) -> list[bool]:
    """Which of the field's distinct texts are meant."""
    words = facts.categories(name)
    if isinstance(matcher, HasCode):
        lists = [re.split(r"[;,|\s]+", word.upper()) for word in words]
        return [
            any(
                low <= c <= high and len(c) == len(low)
                for c in codes
                for low, high in matcher.ranges
            )
            for codes in lists
        ]
    wanted = {v.casefold() for v in matcher.values}
    if name == "credential":  # a cell may name several of one group
        return [not wanted.isdisjoint(word.casefold().split(", ")) for word in words]
    return [word.casefold() in wanted for word in words]


def _compared(facts: Facts, rows: Ints, name: str, matcher: Compared) -> tuple[Mask, Mask]:
    """The comparison of two dates; unknown where either is."""
    date = facts.numbers(name)[rows].astype(np.int64)
    late = np.int64(2**40)
    known = [
        (facts.first(o) if o.startswith("first ") else facts.numbers(o))[rows].astype(np.int64)
        for o in matcher.others
    ]
    other = np.minimum.reduce([np.where(days == UNKNOWN, late, days) for days in known])
    blank = (date == UNKNOWN) | (other == late)
    other = np.where(blank, 0, other) + matcher.days
    if matcher.by_month:
        date, other = (d.astype("M8[D]").astype("M8[M]").astype(np.int64) for d in (date, other))
    yes = {
        "before": date < other,
        "after": date > other,
        "on": date == other,
        "on_or_before": date <= other,
        "on_or_after": date >= other,
    }[matcher.op]
    return ~blank & yes, blank


def matches_any(facts: Facts, rows: Ints, tests: Tests) -> Mask:
    """Whether one of the tests surely holds."""
    return np.logical_or.reduce([matches(facts, rows, test) for test in tests])


def matches(facts: Facts, rows: Ints, test: Test, minutes: Ints | None = None) -> Mask:
    """Whether every field of the test is surely as asked."""
    yes = np.ones(len(rows), bool)
    for name, matcher in test.items():
        if _never(facts, name, matcher):
            return np.zeros(len(rows), bool)
        yes &= answers(facts, rows, name, matcher, minutes)[0]
    return yes


def _never(facts: Facts, name: str, matcher: Matcher) -> bool:
    """Whether none of the field's texts is one of those that are asked for, as few words tell."""
    if not isinstance(matcher, OneOf) or not facts.is_text(name):
        return False
    return not any(_found(facts, name, matcher))
