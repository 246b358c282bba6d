"""Groups of activities, the code that each group earns, and how many units of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccbill.rules.facts import Facts, in_order, matches, packed
from ccbill.rules.model import Bill, Service
from ccbill.rules.units import next_at, units
from ccbill.tables import UNKNOWN, Ints, Mask

DAY_SECONDS = 24 * 60 * 60


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
    clock: Ints  # number of the service's clock, 0 where it has none

    @property
    def first(self) -> Ints:
        return self.rows[self.starts]

    @property
    def ends(self) -> Ints:
        return np.append(self.starts, len(self.rows))[1:]

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
            self.clock[kept],
        )


def group(facts: Facts, service: Service, rows: Ints) -> Groups:
    """The service's groups among these activities."""
    key = packed(facts, rows, service.per)
    known = facts.numbers("seconds")[rows].astype(np.int64)
    if service.overlap_once:
        known = _without_overlap(facts, service, rows, known)
    clock = _clocks(facts, service, rows, key, known)
    key = key * (len(service.clocks) + 1) + clock
    order = in_order(facts, rows, key)
    return _of_runs(service, rows[order], key[order], known[order], clock[order])


def without(facts: Facts, service: Service, groups: Groups, gone: Mask) -> Groups:
    """The groups that there would be if these of their activities were not."""
    left = np.flatnonzero(~gone)
    rows = groups.rows[left]
    if service.overlap_once or service.clocks:  # what an activity brings hangs on the others
        return group(facts, service, rows)
    known = facts.numbers("seconds")[rows].astype(np.int64)
    return _of_runs(service, rows, groups.of[left], known, np.zeros(len(rows), np.int64))


def _of_runs(service: Service, rows: Ints, key: Ints, known: Ints, clock: Ints) -> Groups:
    """Groups of activities that stand in order; `known` is what each brings, in seconds."""
    fresh = np.ones(len(rows), bool)
    fresh[1:] = key[1:] != key[:-1]
    starts = np.flatnonzero(fresh)
    of = np.cumsum(fresh) - 1
    timed = known != UNKNOWN
    if not len(rows):
        return Groups(rows, of, starts, known, known, clock)
    gather = np.add if service.minutes == "sum" else np.maximum
    seconds = gather.reduceat(np.where(timed, known, 0), starts)
    has_time = np.logical_or.reduceat(timed, starts)
    seconds = np.where(has_time, seconds, UNKNOWN)
    minutes = np.where(has_time, seconds // 60, UNKNOWN)
    return Groups(rows, of, starts, seconds, minutes, clock[starts])


def _without_overlap(facts: Facts, service: Service, rows: Ints, seconds: Ints) -> Ints:
    """Each activity's seconds less those that earlier entries of its day's log already cover.

    An entry without both times covers nothing and counts whole; one that ends before it starts
    crosses midnight, and covers nothing of the next day.
    """
    start = facts.numbers("start")[rows].astype(np.int64)
    end = facts.numbers("end")[rows].astype(np.int64)
    timed = np.flatnonzero((start != UNKNOWN) & (end != UNKNOWN) & (seconds != UNKNOWN))
    if not len(timed):
        return seconds
    per = [*(name for name in service.per if name != "month"), "day"]
    key = packed(facts, rows[timed], per)
    timed = timed[in_order(facts, rows[timed], key)]
    key = packed(facts, rows[timed], per)
    begins, ends = start[timed], end[timed]
    ends = np.where(ends < begins, ends + DAY_SECONDS, ends)
    number = np.cumsum(np.append(0, np.diff(key) != 0))
    furthest = np.maximum.accumulate(ends + number * 4 * DAY_SECONDS) - number * 4 * DAY_SECONDS
    covered = np.zeros(len(timed), np.int64)
    again = np.diff(number) == 0
    overlap = np.minimum(ends[1:], furthest[:-1]) - begins[1:]
    covered[1:][again] = np.maximum(overlap[again], 0)
    counted = seconds.copy()
    counted[timed] = np.maximum(seconds[timed] - covered, 0)
    return counted


def _clocks(facts: Facts, service: Service, rows: Ints, key: Ints, seconds: Ints) -> Ints:
    """The number of each activity's clock, after those that join another have joined it."""
    clock = np.zeros(len(rows), np.int64)
    if not service.clocks:
        return clock
    names = [c.name for c in service.clocks]
    for number, c in enumerate(service.clocks):
        clock[matches(facts, rows, c.who)] = number
    _, group = np.unique(key, return_inverse=True)
    known = np.where(seconds == UNKNOWN, 0, seconds)
    for number, c in enumerate(service.clocks):
        if c.joins:
            host = names.index(c.joins)
            theirs = np.bincount(group, known * (clock == host), len(group))
            own = np.bincount(group, known * (clock == number), len(group))
            joins = (theirs > 0) | (own // 60 < c.alone_from)
            clock[(clock == number) & joins[group]] = host
    return clock


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
    return _earned(facts, service, groups, groups.minutes)


def _earned(facts: Facts, service: Service, groups: Groups, minutes: Ints) -> Earned:
    """What the groups would earn with these minutes."""
    head = np.full(len(groups.starts), -1, np.int64)
    earned: dict[int, Ints] = {}
    for number, bill in enumerate(service.bills):
        if bill.needs is None:
            amount = units(bill, minutes)
            fits = matches(facts, groups.first, bill.when, minutes)
            fits &= _on_clock(service, bill, groups)
            chosen = (head < 0) & fits & (amount > 0)
            head[chosen] = number
            earned[number] = np.where(chosen, amount, 0)
    codes = np.array([*(b.code for b in service.bills), ""])
    for number, bill in enumerate(service.bills):
        if bill.needs is not None:
            based = codes[head] == bill.needs
            fits = matches(facts, groups.first, bill.when, minutes)
            earned[number] = np.where(based & fits, units(bill, minutes), 0)
    return Earned(head, earned)


def _on_clock(service: Service, bill: Bill, groups: Groups) -> Mask:
    """Whether the group's minutes are those of the bill's clock."""
    names = [c.name for c in service.clocks]
    return groups.clock == names.index(bill.of) if bill.of else np.ones(len(groups.clock), bool)


def merged(facts: Facts, service: Service, groups: Groups, earned: Earned) -> tuple[Groups, Earned]:
    """Groups of one line key, code and modifiers as one group, with their units together.

    Of bills with the same code and modifiers, those that stand less firmly are listed later.
    """
    if not service.line_per or not len(groups.starts):
        return groups, earned
    labels = [service.label(n) for n in range(len(service.bills))]
    label = np.array([labels.index(text) for text in labels])[earned.head]
    key = packed(facts, groups.first, service.line_per) * len(service.bills) + label
    keys, line = np.unique(key, return_inverse=True)
    of_row = line[groups.of]
    order = in_order(facts, groups.rows, of_row)
    rows, of = groups.rows[order], of_row[order]
    starts = np.searchsorted(of, np.arange(len(keys)))
    known = groups.seconds != UNKNOWN
    timed = np.bincount(line, known, len(keys)) > 0
    seconds = np.bincount(line, np.where(known, groups.seconds, 0), len(keys)).astype(np.int64)
    seconds = np.where(timed, seconds, UNKNOWN)
    minutes = np.where(timed, seconds // 60, UNKNOWN)
    clock = np.zeros(len(keys), np.int64)
    head = np.zeros(len(keys), np.int64)  # of several bills, the one that stands least firmly
    np.maximum.at(head, line, earned.head)
    together = np.bincount(line, sum(earned.units.values()), len(keys)).astype(np.int64)
    units_ = {n: np.where(head == n, together, 0) for n in earned.units}
    return Groups(rows, of, starts, seconds, minutes, clock), Earned(head, units_)


def next_unit(
    facts: Facts, service: Service, groups: Groups, earned: Earned
) -> tuple[npt.NDArray[np.int64], Ints]:
    """The least total of minutes that earns each group another unit, and the bill that gives it.

    The minutes are those of the group's clock, and a bill whose conditions the group doesn't meet
    gives none. A very large number, and -1, where no more minutes earn anything.
    """
    need = np.full(len(groups.starts), 2**40, np.int64)
    best = np.full(len(groups.starts), -1, np.int64)
    minutes = np.maximum(groups.minutes, 0)
    for number, bill in enumerate(service.bills):
        at = next_at(bill, minutes)
        more = _earned(facts, service, groups, at).units[number] > earned.units[number]
        nearer = more & (at < need)
        need[nearer], best[nearer] = at[nearer], number
    return need, best
