"""Screens: the questions asked of each activity, and what a failing answer does to it.

An activity is left out if any answer says no, else held if any is unknown or unsettled, else it
counts. Answers are numbered in one book for the run, so that a row's answer is a small integer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ccbill.problems import PROBLEMS
from ccbill.rules.facts import Facts, answers, matches_any, packed
from ccbill.rules.model import Compared, Plan, Screen, Service, Test
from ccbill.rules.parse import missing_problem
from ccbill.slices import marked
from ccbill.tables import UNKNOWN, Ints, Mask, Outcome

LAST_DAY = 2_932_896  # 9999-12-31


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rule said of an activity, and on whose authority."""

    outcome: Outcome
    problem: str
    rule: str
    why: str
    cite: str
    file: str = ""  # the text cited, with its plan


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The first no and the first unknown of each activity, as numbers in the book; 0 is none."""

    book: list[Answer]
    left: Ints
    held: Ints
    seen: Callable[[Answer, Ints], None] | None = None
    _known: dict[Answer, int] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: int, seen: Callable[[Answer, Ints], None] | None = None) -> Verdicts:
        nothing = Answer(Outcome.HELD, "", "", "", "")
        return cls([nothing], np.zeros(rows, np.int16), np.zeros(rows, np.int16), seen)

    def apart(self) -> Verdicts:
        """The same, with a book of its own that goes on where this one ends."""
        return replace(self, book=[*self.book], _known={**self._known})

    def number(self, answer: Answer) -> int:
        if answer not in self._known:
            self._known[answer] = len(self.book)
            self.book.append(answer)
        return self._known[answer]

    def say(self, answer: Answer, rows: Ints) -> None:
        """Gives these rows the answer, where an earlier one of its sort does not stand."""
        if not len(rows):
            return
        if self.seen is not None:
            self.seen(answer, rows)
        column = self.held if answer.outcome is Outcome.HELD else self.left
        column[marked(rows, column[rows] == 0)] = self.number(answer)

    def passing(self, rows: Ints) -> Ints:
        return marked(rows, (self.left[rows] == 0) & (self.held[rows] == 0))

    def undecided(self, rows: Ints) -> Ints:
        """Rows that nobody has left out: a held row may still be left out."""
        return marked(rows, self.left[rows] == 0)


def ask(
    verdicts: Verdicts, facts: Facts, screen: Screen, service: Service, taken: Ints, before: Ints
) -> None:
    """Asks one screen of the activities that a service has taken.

    `before` are the units of the service that were submitted in earlier runs.
    """
    rows = verdicts.undecided(taken)
    rows = marked(rows, matches_any(facts, rows, screen.where)) if screen.where else rows
    fails = Outcome.HELD if screen.holds else Outcome.LEFT_OUT
    failing = Answer(fails, screen.problem, service.file, screen.why, screen.cite)
    if screen.verb in ("leave_out", "hold_when"):
        verdicts.say(failing, marked(rows, matches_any(facts, rows, screen.tests)))
        return
    if screen.verb == "nobody":
        verdicts.say(failing, rows[_somebody(facts, screen, rows)])
        return
    if screen.verb == "same":
        verdicts.say(failing, rows[_differing(verdicts, facts, screen, taken, rows, before)])
        return
    asked = {
        column: None for test in screen.tests for name in test for column in _columns(test, name)
    }
    if screen.verb == "require" and not any(column in facts.given for column in asked):
        return
    yes, unknown = _any_of(facts, screen, rows)
    no = ~yes if screen.blank == "leaves-out" else ~yes & ~unknown
    verdicts.say(failing, marked(rows, no))
    if screen.blank == "holds":
        _say_blank(verdicts, facts, screen, service, rows, unknown)


def unchecked(plan: Plan, service: Service, given: Collection[str]) -> list[str]:
    """Columns that the service or its plan requires, and that no input has: in their order."""
    screens = (*service.screens, *plan.screens)
    tests = [t for s in screens if s.verb in ("require", "trained") for t in s.tests]
    names = dict.fromkeys(name for test in tests for name in test)
    columns = ["diagnosis_codes" if name == "diagnoses" else name for name in names]
    return [column for column in columns if column not in given]


def _columns(test: Test, name: str) -> tuple[str, ...]:
    """The columns that a test reads: of a comparison of dates, those that are compared with."""
    matcher = test[name]
    if name == "diagnoses":
        return ("diagnosis_codes",)
    return matcher.others if isinstance(matcher, Compared) else (name,)


def _say_blank(
    verdicts: Verdicts, facts: Facts, screen: Screen, service: Service, rows: Ints, unknown: Mask
) -> None:
    """Holds rows whose answer is unknown, naming the first blank cell of each."""

    def missing(problem: str, where: Mask) -> None:
        answer = Answer(Outcome.HELD, problem, service.file, screen.why, screen.cite)
        verdicts.say(answer, marked(rows, where))

    unknown = unknown.copy()
    for name in {name: None for test in screen.tests for name in test}:
        blank = unknown & _blank(facts, screen, rows, name)
        if name == "credential":
            unclear = facts.codes(name)[rows] >= 0
            missing("credential-unclear", blank & unclear)
            missing("credential-missing", blank & ~unclear)
        else:
            test = next(t for t in screen.tests if name in t)
            problem = missing_problem(_columns(test, name)[0])
            missing(problem if problem in PROBLEMS else screen.problem, blank)
        unknown &= ~blank


def _somebody(facts: Facts, screen: Screen, rows: Ints) -> Mask:
    """Within whose key any activity of the plan meets the screen's test."""
    assert facts.plan_rows is not None
    hit = facts.plan_rows[matches_any(facts, facts.plan_rows, screen.tests)]
    key = packed(facts, np.concatenate([rows, hit]), screen.within)
    return np.isin(key[: len(rows)], key[len(rows) :])


def _differing(
    verdicts: Verdicts, facts: Facts, screen: Screen, taken: Ints, rows: Ints, before: Ints
) -> Mask:
    """Which activities are not the one that the key allows; see `same`.

    What was submitted `before` keeps its place whatever its date.
    """
    standing = taken if screen.keep == "none" else verdicts.passing(taken)
    among = np.concatenate([before, standing])
    both = np.concatenate([among, rows])
    key, group = np.unique(packed(facts, both, screen.within), return_inverse=True)
    value = facts.key(screen.field, both).astype(np.int64)
    day = facts.numbers("service_date")[both].astype(np.int64)
    day[: len(before)] = UNKNOWN
    order = np.lexsort((value[: len(among)], day[: len(among)]))[::-1]
    first = np.full(len(key), -1, np.int64)
    first[group[: len(among)][order]] = value[: len(among)][order]  # the earliest is written last
    differs = (value != first[group]) & (first[group] >= 0)
    if screen.keep == "earliest":
        return differs[len(among) :]
    several = np.zeros(len(key), bool)
    several[group[: len(among)][differs[: len(among)]]] = True
    return several[group[len(among) :]]


def _any_of(facts: Facts, screen: Screen, rows: Ints) -> tuple[Mask, Mask]:
    """Whether one of the screen's tests holds, and where that is not known."""
    yes = np.zeros(len(rows), bool)
    maybe = np.zeros(len(rows), bool)
    for test in screen.tests:
        asked = [answers(facts, rows, name, matcher) for name, matcher in test.items()]
        all_yes = np.logical_and.reduce([y for y, _ in asked])
        none_no = np.logical_and.reduce([y | blank for y, blank in asked])
        yes |= all_yes
        maybe |= none_no & ~all_yes
    return yes, maybe & ~yes


def _blank(facts: Facts, screen: Screen, rows: Ints, name: str) -> Mask:
    blank = np.zeros(len(rows), bool)
    for test in screen.tests:
        if name in test:
            blank |= answers(facts, rows, name, test[name])[1]
    return blank


def ask_training(
    verdicts: Verdicts,
    facts: Facts,
    screen: Screen,
    taken: Sequence[tuple[Service, Ints]],
    first: Mapping[str, int],
) -> None:
    """Holds entries later than the grace period after a staff member's `first` counted entry.

    The training must be on or before the service. Nothing is known of the training of someone not
    named.
    """
    if "training_date" not in facts.given:
        return
    passing = [(service, verdicts.passing(rows)) for service, rows in taken]
    all_days = facts.numbers("service_date")
    all_staff = facts.codes("staff")
    begun = np.array([*(first.get(s, LAST_DAY) for s in facts.categories("staff")), LAST_DAY])
    grace_ends = _months_later(begun, screen.months)
    for service, rows in passing:
        staff, day = all_staff[rows], all_days[rows]
        late = (staff < 0) | (day > grace_ends[staff])
        trained = facts.numbers("training_date")[rows]
        untrained = late & ((trained == UNKNOWN) | (trained > day))
        answer = Answer(Outcome.HELD, screen.problem, service.file, screen.why, screen.cite)
        verdicts.say(answer, rows[untrained])


def first_counted(
    verdicts: Verdicts, facts: Facts, taken: Sequence[Ints], before: Mapping[str, int]
) -> dict[str, int]:
    """The day of each staff member's earliest entry that every screen lets pass, here or `before`,
    by staff id."""
    names = facts.categories("staff")
    first = np.array([*(before.get(name, LAST_DAY) for name in names), LAST_DAY])
    for rows in map(verdicts.passing, taken):
        np.minimum.at(first, facts.codes("staff")[rows], facts.numbers("service_date")[rows])
    return {n: int(day) for n, day in zip(names, first[:-1], strict=True) if day < LAST_DAY}


def _months_later(days: Ints, months: int) -> Ints:
    """The same day of the month so many months later, or that month's last day."""
    date = days.astype("M8[D]")
    month = date.astype("M8[M]")
    day_of_month = (date - month.astype("M8[D]")).astype(np.int64)
    target = (month + months).astype("M8[D]")
    following = (month + months + 1).astype("M8[D]")
    length = (following - target).astype(np.int64)
    return target.astype(np.int64) + np.minimum(day_of_month, length - 1)
