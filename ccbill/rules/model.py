"""What a rule file says, once it has been read and found sound.

The classes mirror the TOML of `ccbill/payers/`: a `Plan` is one payer's programme, a `Service` is
one edition of one of its rules. Days are days since 1970-01-01, both ends included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Verb = Literal[
    "leave_out",
    "count_only",
    "require",
    "hold_when",
    "nobody",
    "same",
    "someone",
    "trained",
]
Op = Literal["before", "after", "on", "on_or_before", "on_or_after"]
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


@dataclass(frozen=True, slots=True)
class Blank:
    """The field is blank."""


@dataclass(frozen=True, slots=True)
class HasCode:
    """The field is a list of codes and one of them is within these ranges, ends included."""

    ranges: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """The date is before, after, on … the earliest known of the others.

    An other is a date field, or `first KIND`: the day of the patient's first activity of that kind
    in the plan. `days` are added to the other; `by_month` compares calendar months.
    """

    op: Op
    others: tuple[str, ...]
    days: int
    by_month: bool


Matcher = OneOf | NoneOf | Between | Given | Blank | HasCode | Compared
Test = Mapping[str, Matcher]  # field → what it must be; all must hold
Tests = Sequence[Test]  # any one of them is enough


@dataclass(frozen=True, slots=True)
class Screen:
    """A question asked of each activity (`someone`: of each group), and what a failing answer does.

    `leave_out` and `hold_when` fail on yes, the others on no. A blank cell holds the row, unless
    `blank` says that it counts or is a no. `require` is not asked where no input has the column.
    `nobody` fails every activity within a key where any activity of the plan meets the test.
    `same` fails activities within a key that differ in a field: all of them, or with `keep` those
    that differ from the earliest of the activities that pass the screens above it.
    """

    verb: Verb
    tests: Tests
    why: str
    cite: str
    problem: str
    holds: bool
    blank: Literal["holds", "counts", "leaves-out"]
    where: Tests  # asked of activities that meet any one of these; of all where there is none
    months: int = 0  # of grace, for `trained`
    within: tuple[str, ...] = ()  # the key of `nobody` and `same`
    field: str = ""  # of `same`
    keep: Literal["none", "earliest"] = "none"  # of `same`


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
    of: str = ""  # the clock whose minutes count, where the service has several
    pays: int | None = None  # cents that the payer's own text gives for a unit
    pays_line: int | None = None  # or for the line, whatever its units
    charge_required: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """How many candidates of one key may be billed, or which codes exclude one another.

    `at_most` candidates are kept within each key `within`: the earliest, the longest, or the latest
    of the bill that `prefer` lists first. The others are left out, held, kept as encounters without
    a charge, or count without a line. With `days`, at most so many within any such span of days
    that ends on the candidate's, counting those billed or all attempts; and with `lifetime` those
    past so many in all are held. With `not_with`, a candidate goes where one of those codes is
    billed within the key.
    """

    at_most: int | None
    not_with: tuple[str, ...]
    within: tuple[str, ...]
    keep: Literal["earliest", "longest"]
    prefer: tuple[str, ...]
    days: int | None
    counts: Literal["billed", "all"]
    lifetime: int | None
    over: Literal["leave-out", "hold", "encounter", "count"]
    problem: str
    why: str
    cite: str
    note: str = ""  # on the lines that `prefer` chose before another bill
    standing: Standing | None = None  # of that choice, and so of those lines


@dataclass(frozen=True, slots=True)
class LineNote:
    """A sentence on the claim line: beside other codes, or where everyone in the group is so.

    With `could_earn`, only where the group would earn that code if `everyone` were not so. With a
    `problem`, it is a thing to fix too, worth the difference.
    """

    say: str
    beside: tuple[str, ...]
    within: tuple[str, ...]
    everyone: Test
    could_earn: str = ""
    problem: str = ""
    cite: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A case in the payer's words: what was done, and what it bills."""

    did: tuple[str, ...]
    bills: Mapping[str, int]
    cite: str
    on: str
    where: Callable[[], str] = field(default=str, compare=False)  # `FILE:LINE`, once it is told


@dataclass(frozen=True, slots=True)
class Clock:
    """One sort of staff whose minutes are added apart.

    `joins` names the clock that this one's minutes are added to where that has any, and where this
    one has fewer than `alone_from` minutes; blank: they never join.
    """

    name: str
    who: Test
    joins: str
    alone_from: int


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
    line_per: tuple[str, ...]  # candidates of one key and bill print as one line; none: as they are
    minutes: Literal["sum", "longest"]
    overlap_once: bool  # minutes that two entries share count once
    clocks: tuple[Clock, ...]
    own_claim: bool  # the code stands alone on its claim
    bills: tuple[Bill, ...]
    limits: tuple[Limit, ...]
    notes: tuple[LineNote, ...]
    cannot_check: tuple[str, ...]
    examples: tuple[Example, ...]

    def label(self, number: int) -> str:
        """A bill's code with its modifiers, as `prefer` and examples write it."""
        return " ".join([self.bills[number].code, *self.bills[number].modifiers])

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
class Change:
    """What one overlay file changes in a plan, who decided it and why.

    `keys` say what it sets, adds and removes; `service` is the rule file of the edition changed,
    None for the plan's own; `payers`, where the file does no more than add them, are the names
    whose lines alone are affected.
    """

    file: str
    sha256: str
    author: str
    because: str
    date: str
    keys: tuple[str, ...]
    service: str | None
    payers: tuple[str, ...] = ()
    affects_lines: bool = True

    @property
    def said(self) -> str:
        """What a claim line's notes say of it."""
        return f"overlay: {self.because} ({self.author}, {self.date})"


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
    edits: str = ""  # source of the published unit and pair edits, where they bind this plan
    sha256: Mapping[str, str] = field(default_factory=dict)  # rule file → its hash
    overlays: tuple[Change, ...] = ()

    def changes_of(self, service: Service) -> list[Change]:
        """The overlays that bear on what the service bills."""
        return [c for c in self.overlays if c.affects_lines and c.service in (None, service.file)]
