"""What the rules made of a run's activities: every answer, everything billed, short or at stake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from ccbill.rules.earn import Earned, Groups
from ccbill.rules.facts import Facts
from ccbill.rules.model import Bill, Plan, Service
from ccbill.rules.prior import Prior
from ccbill.rules.screen import Answer, Verdicts
from ccbill.tables import Ints, Mask


@dataclass(frozen=True, slots=True)
class Billed:
    """The groups of one service that bill, and what they earned."""

    plan: Plan
    service: Service
    groups: Groups
    earned: Earned
    day: Ints  # the date of each group's lines
    notes: list[tuple[str, Mask]]
    standings: list[tuple[str, Mask]] = field(default_factory=list)  # where not the bill's own

    def only(self, kept: Mask) -> Billed:
        """The groups so marked."""
        return replace(
            self,
            groups=self.groups.only(kept),
            earned=self.earned.only(kept),
            day=self.day[kept],
            notes=[(say, where[kept]) for say, where in self.notes],
            standings=[(word, where[kept]) for word, where in self.standings],
        )

    def stakes(self, marked: Mask) -> list[Stake]:
        """What the groups so marked would bring."""
        return [
            Stake(self.plan, bill, self.groups.first[mine], self.earned.units[n][mine])
            for n, bill in enumerate(self.service.bills)
            for mine in [marked & (self.earned.units[n] > 0)]
        ]


@dataclass(frozen=True, slots=True)
class Short:
    """Groups of one service that are short of their next unit."""

    plan: Plan
    service: Service
    standing: Ints  # an activity of each group
    have: Ints
    need: Ints
    bill: Ints  # number of the bill that the next unit is of

    def only(self, kept: Mask) -> Short:
        """The groups so marked."""
        standing, have, need, bill = (
            a[kept] for a in (self.standing, self.have, self.need, self.bill)
        )
        return replace(self, standing=standing, have=have, need=need, bill=bill)


@dataclass(frozen=True, slots=True)
class Stake:
    """What held activities would add if they counted: units of a code, at one row of each group."""

    plan: Plan
    bill: Bill
    rows: Ints
    units: Ints

    def only(self, kept: Mask) -> Stake:
        """The groups so marked."""
        return replace(self, rows=self.rows[kept], units=self.units[kept])


@dataclass(frozen=True, slots=True)
class Decisions:
    """What the rules made of every row.

    `answer` numbers `book`; `plan` numbers `plans`, -1 where no plan has the payer's name;
    `service` numbers `services`, -1 where none took the row. `on_claim` is, for rows that are held
    because of a claim, that claim's id by row.
    """

    plans: Sequence[Plan]
    services: list[tuple[Plan, Service]]
    plan: Ints
    service: Ints
    answer: Ints
    book: list[Answer]
    billed: list[Billed] = field(default_factory=list)
    encounters: list[Billed] = field(default_factory=list)  # reported without a charge
    short: list[Short] = field(default_factory=list)
    stakes: list[Stake] = field(default_factory=list)
    first_counted: dict[tuple[str, str], int] = field(default_factory=dict)  # by plan and staff
    on_claim: pd.Series[str] = field(default_factory=lambda: pd.Series(dtype=object))

    @property
    def outcome(self) -> Ints:
        return np.array([a.outcome for a in self.book], np.int8)[self.answer]


@dataclass(frozen=True, slots=True)
class Work:
    """What every step of a plan's work reads and adds to."""

    plan: Plan
    facts: Facts
    verdicts: Verdicts
    decisions: Decisions
    prior: Prior
