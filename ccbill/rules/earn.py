"""Groups of activities, the code that each group earns, and how many units of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccbill.rules.facts import Facts, in_order, matches, packed
from ccbill.rules.model import Service
from ccbill.rules.units import next_at, units
from ccbill.tables import UNKNOWN, Ints, Mask


@dataclass(frozen=True, slots=True)
class Groups:
    """Activities that earn together, in order of date, start and id within each group.

    `rows` are activities, `of` the group of each, `starts` where each group begins in `rows`.
    Per group: `seconds` summed (or of the longest entry), and `minutes`, rounded down once;
    UNKNOWN where no activity of the group gives its time.
    """

    rows: Ints
    of: Ints
    starts: Ints
    seconds: Ints
    minutes: Ints

    @property
    def first(self) -> Ints:
        return self.rows[self.starts]

    @property
    def ends(self) -> Ints:
        return np.append(self.starts[1:], len(self.rows))

    @property
    def last(self) -> Ints:
        return self.rows[self.ends - 1]

    @property
    def size(self) -> Ints:
        return np.diff(np.append(self.starts, len(self.rows)))

    def only(self, kept: Mask) -> Groups:
        """The groups so marked, numbered anew."""
        inside = kept[self.of]
        number = np.cumsum(kept) - 1
        size = self.size[kept]
        starts = np.concatenate([[0], np.cumsum(size)[:-1]]) if len(size) else self.starts[:0]
        return Groups(
            self.rows[inside],
            number[self.of[inside]],
            starts.astype(np.int64),
            self.seconds[kept],
            self.minutes[kept],
        )


def group(facts: Facts, service: Service, rows: Ints) -> Groups:
    """The service's groups among these activities."""
    key = packed(facts, rows, service.per)
    order = in_order(facts, rows, key)
    rows, key = rows[order], key[order]
    fresh = np.ones(len(rows), bool)
    fresh[1:] = key[1:] != key[:-1]
    starts = np.flatnonzero(fresh)
    of = np.cumsum(fresh) - 1
    known = facts.numbers("seconds")[rows].astype(np.int64)
    timed = known != UNKNOWN
    if not len(rows):
        return Groups(rows, of, starts, known, known)
    gather = np.add if service.minutes == "sum" else np.maximum
    seconds = gather.reduceat(np.where(timed, known, 0), starts)
    has_time = np.logical_or.reduceat(timed, starts)
    seconds = np.where(has_time, seconds, UNKNOWN)
    return Groups(rows, of, starts, seconds, np.where(has_time, seconds // 60, UNKNOWN))


@dataclass(frozen=True, slots=True)
class Earned:
    """For each group: the number of its bill in the service, or -1, and units of each bill."""

    head: Ints
    units: dict[int, Ints]

    def only(self, kept: Mask) -> Earned:
        """The groups so marked."""
        return Earned(self.head[kept], {n: amount[kept] for n, amount in self.units.items()})


def earn(facts: Facts, service: Service, groups: Groups) -> Earned:
    """The first bill whose conditions and minutes the group meets, and that bill's add-ons."""
    head = np.full(len(groups.starts), -1, np.int64)
    earned: dict[int, Ints] = {}
    for number, bill in enumerate(service.bills):
        if bill.needs is None:
            amount = units(bill, groups.minutes)
            fits = matches(facts, groups.first, bill.when, groups.minutes)
            chosen = (head < 0) & fits & (amount > 0)
            head[chosen] = number
            earned[number] = np.where(chosen, amount, 0)
    codes = np.array([*(b.code for b in service.bills), ""])
    for number, bill in enumerate(service.bills):
        if bill.needs is not None:
            based = codes[head] == bill.needs
            fits = matches(facts, groups.first, bill.when, groups.minutes)
            earned[number] = np.where(based & fits, units(bill, groups.minutes), 0)
    return Earned(head, earned)


def next_unit(service: Service, groups: Groups) -> tuple[npt.NDArray[np.int64], Ints]:
    """The least total of minutes that earns each group another unit, and the bill that gives it.

    A very large number where no more minutes earn anything.
    """
    need = np.full(len(groups.starts), 2**40, np.int64)
    best = np.full(len(groups.starts), -1, np.int64)
    minutes = np.maximum(groups.minutes, 0)
    for number, bill in enumerate(service.bills):
        at = next_at(bill, minutes)
        nearer = at < need
        need[nearer], best[nearer] = at[nearer], number
    return need, best
