"""What the rules may ask of an activity, as arrays, and in what order activities stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from ccbill.rules.model import Between, Given, Matcher, NoneOf, Test, Tests
from ccbill.tables import PATIENT_FIELDS, UNKNOWN, Ints, Mask

# A blank cell here means no: the column says that something is so, and is empty where it is not.
FLAGS = frozenset({"video_declined", "provider_role", "pdcm_eligible", "chw_billed"})
LATE = 24 * 60 * 60  # an activity without a start time stands after the others of its day


@dataclass(frozen=True, slots=True)
class Facts:
    """The activities and patients of a run, with each column turned into an array once.

    Arrays have one element per activity; text is codes into categories, -1 for a blank.
    """

    activities: pd.DataFrame
    patients: pd.DataFrame
    given: frozenset[str]
    _arrays: dict[str, Ints] = field(default_factory=dict)

    def codes(self, name: str) -> Ints:
        return self._array(name, lambda column: column.cat.codes.to_numpy())

    def categories(self, name: str) -> list[str]:
        table = self.patients if name in PATIENT_FIELDS else self.activities
        return [str(c) for c in table[name].cat.categories]

    def numbers(self, name: str) -> Ints:
        return self._array(name, lambda column: column.to_numpy())

    def is_text(self, name: str) -> bool:
        table = self.patients if name in PATIENT_FIELDS else self.activities
        return name != "minutes" and isinstance(table[name].dtype, pd.CategoricalDtype)

    def months(self) -> Ints:
        """Months since 1970-01."""
        if "month" not in self._arrays:
            days = self.numbers("service_date").astype("M8[D]")
            self._arrays["month"] = days.astype("M8[M]").astype(np.int32)
        return self._arrays["month"]

    def minutes(self) -> Ints:
        """Whole minutes of each activity, rounded down."""
        seconds = self.numbers("seconds")
        return np.where(seconds == UNKNOWN, UNKNOWN, seconds // 60)

    def key(self, name: str, rows: Ints) -> Ints:
        """The part of a grouping key that the rules call by this name, not negative."""
        if name == "month":
            return self.months()[rows] + 12 * 1970
        if name == "year":
            return self.months()[rows] // 12 + 1970
        if name == "day":
            return self.numbers("service_date")[rows] + 719_162  # since 0001-01-01
        if name == "activity":
            return rows
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


def packed(facts: Facts, rows: Ints, names: Sequence[str]) -> npt.NDArray[np.int64]:
    """One number per row, equal where all these parts of the key are equal."""
    key = np.zeros(len(rows), np.int64)
    for name in names:
        part = facts.key(name, rows)
        key = key * (int(part.max(initial=0)) + 1) + part
    return key


def in_order(facts: Facts, rows: Ints, key: npt.NDArray[np.int64]) -> Ints:
    """Positions that sort rows by key, then date, start time and activity id as text."""
    day = facts.numbers("service_date")[rows].astype(np.int64)
    start = facts.numbers("start")[rows].astype(np.int64)
    start = np.where(start == UNKNOWN, LATE, start)
    when = (day - day.min(initial=0)) * (LATE + 1) + start
    order = np.lexsort((when, key))
    tied = np.zeros(len(rows), bool)
    same = (np.diff(key[order]) == 0) & (np.diff(when[order]) == 0)
    tied[1:] |= same
    tied[:-1] |= same
    if tied.any():
        places = np.flatnonzero(tied)
        among = order[places]
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
    if name == "minutes" or not facts.is_text(name):
        if name != "minutes":
            values = facts.numbers(name)[rows]
        else:
            values = facts.minutes()[rows] if minutes is None else minutes
        blank = values == UNKNOWN
        if isinstance(matcher, Given):
            return ~blank, nobody
        assert isinstance(matcher, Between)
        low = UNKNOWN if matcher.low is None else matcher.low
        high = -(UNKNOWN + 1) if matcher.high is None else matcher.high
        return ~blank & (values >= low) & (values <= high), blank
    codes = facts.codes(name)[rows]
    blank = codes < 0
    if isinstance(matcher, Given):
        return ~blank, nobody
    assert not isinstance(matcher, Between)
    wanted = {v.casefold() for v in matcher.values}
    found = [c.casefold() in wanted for c in facts.categories(name)]
    if isinstance(matcher, NoneOf):
        return ~np.append(found, False).astype(bool)[codes], nobody
    return np.append(found, False).astype(bool)[codes], nobody if name in FLAGS else blank


def matches_any(facts: Facts, rows: Ints, tests: Tests) -> Mask:
    """Whether one of the tests surely holds."""
    return np.logical_or.reduce([matches(facts, rows, test) for test in tests])


def matches(facts: Facts, rows: Ints, test: Test, minutes: Ints | None = None) -> Mask:
    """Whether every field of the test is surely as asked."""
    yes = np.ones(len(rows), bool)
    for name, matcher in test.items():
        yes &= answers(facts, rows, name, matcher, minutes)[0]
    return yes
