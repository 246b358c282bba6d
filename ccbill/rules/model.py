"""What a rule file says, once it has been read and found sound.

The classes mirror the TOML of `ccbill/payers/`: a `Plan` is one payer's programme, a `Service` is
one edition of one of its rules. Days are days since 1970-01-01, both ends included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Verb = Literal["leave_out", "count_only", "require", "hold_when", "someone", "trained"]
Standing = Literal["published", "read", "assumed"]


@dataclass(frozen=True, slots=True)
class OneOf:
    """The field's text is one of these, whatever its case."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """The field's text is none of these; a blank is none of them either."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """The number is within these bounds, both included."""

    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Given:
    """The field is not blank."""


Matcher = OneOf | NoneOf | Between | Given
Test = Mapping[str, Matcher]  # field → what it must be; all must hold
Tests = Sequence[Test]  # any one of them is enough


@dataclass(frozen=True, slots=True)
class Screen:
    """A question asked of each activity (`someone`: of each group), and what a failing answer does.

    `leave_out` and `hold_when` fail on yes, the others on no. A blank cell holds the row, unless
    `blank` says that it counts. `require` is not asked where no input has the column.
    """

    verb: Verb
    tests: Tests
    why: str
    cite: str
    problem: str
    holds: bool
    blank_counts: bool
    where: Tests  # asked of activities that meet any one of these; of all where there is none
    months: int = 0  # of grace, for `trained`


@dataclass(frozen=True, slots=True)
class Bill:
    """A code and how many units a group earns: once, at a number of minutes, or per step after it.

    `once_at` minutes earn one unit; each `step` minutes after `after` earn one more, a part of a
    step too where `part_counts`; never more than `at_most`. An add-on (`needs`) is billed beside
    its base code only.
    """

    code: str
    modifiers: tuple[str, ...]
    when: Test
    once_at: int | None
    step: int | None
    after: int
    part_counts: bool
    at_most: int | None
    needs: str | None
    standing: Standing
    cite: str
    why: str
    note: str


@dataclass(frozen=True, slots=True)
class Limit:
    """How many candidates of one key may be billed, or which codes exclude one another.

    `at_most` candidates are kept within each key `within`, the earliest, the longest or the one
    whose code is listed first; the others are left out or held. With `not_with`, a candidate goes
    where one of those codes is billed within the key.
    """

    at_most: int | None
    not_with: tuple[str, ...]
    within: tuple[str, ...]
    keep: Literal["earliest", "longest"]
    holds: bool
    problem: str
    why: str
    cite: str


@dataclass(frozen=True, slots=True)
class LineNote:
    """A sentence on the claim line: beside other codes, or where everyone in the group is so."""

    say: str
    beside: tuple[str, ...]
    within: tuple[str, ...]
    everyone: Test


@dataclass(frozen=True, slots=True)
class Example:
    """A case in the payer's words: what was done, and what it bills."""

    did: tuple[str, ...]
    bills: Mapping[str, int]
    cite: str
    on: str


@dataclass(frozen=True, slots=True)
class Service:
    """One edition of one rule of a plan."""

    name: str
    file: str
    first_day: int
    last_day: int
    title: str
    cite: str
    takes: Tests
    screens: tuple[Screen, ...]
    per: tuple[str, ...]
    minutes: Literal["sum", "longest"]
    bills: tuple[Bill, ...]
    limits: tuple[Limit, ...]
    notes: tuple[LineNote, ...]
    cannot_check: tuple[str, ...]
    examples: tuple[Example, ...]

    @property
    def uses_minutes(self) -> bool:
        """Whether any unit depends on time, so that an activity without minutes is held."""
        return any(b.once_at is not None or b.step is not None for b in self.bills)


@dataclass(frozen=True, slots=True)
class KindRule:
    """Kinds of work that the plan leaves out or holds whole, before any service is asked."""

    kinds: tuple[str, ...]
    holds: bool
    problem: str
    why: str
    cite: str


@dataclass(frozen=True, slots=True)
class Source:
    """A published text: where it stands and when it was last compared with the rule."""

    title: str
    url: str
    checked: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One payer's programme, with every edition of its services."""

    name: str
    title: str
    payers: tuple[str, ...]
    sources: Mapping[str, Source]
    kind_rules: tuple[KindRule, ...]
    screens: tuple[Screen, ...]
    services: tuple[Service, ...]  # in the order in which they take activities
    date_of_service: Literal["last-activity", "threshold-met", "month-end"]
    filing_limit_days: int | None
    line_note: str
    cannot_check: tuple[str, ...]
    sha256: Mapping[str, str] = field(default_factory=dict)  # rule file → its hash
