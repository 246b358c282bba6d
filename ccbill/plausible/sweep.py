"""Sorting a million entries at once: by a key, and by the time that they cover."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccbill.tables import Ints, Mask

Long = npt.NDArray[np.int64]
ROOM = 62  # bits of a key and a position that sort as one number, several times as fast as argsort


def in_order(key: Long) -> tuple[Long, Ints]:
    """The keys, none negative, in order, and the position that each had."""
    bits = max(len(key) - 1, 1).bit_length()
    if int(key.max(initial=0)).bit_length() + bits > ROOM:
        order = np.argsort(key, kind="stable")
        return key[order], order
    both = np.sort((key << bits) | np.arange(len(key)))
    return both >> bits, both & ((1 << bits) - 1)


def packed(*parts: Ints) -> Long:
    """One number, not negative, for each row: equal where all parts are, and in their order."""
    key = np.zeros(len(parts[0]), np.int64)
    for part in parts if len(key) else ():
        low = int(part.min())
        key = key * (int(part.max()) - low + 1) + (part.astype(np.int64) - low)
    return key


def begins(ordered: Ints) -> Mask:
    """Where each run of equal values begins."""
    fresh = np.ones(len(ordered), bool)
    fresh[1:] = ordered[1:] != ordered[:-1]
    return fresh


def numbered(key: Long) -> Ints:
    """Which of the distinct keys each one is, in the order of the keys."""
    if int(key.max(initial=0)) < 4 * len(key):  # a table of all keys is no larger than the rows
        return (np.cumsum(np.bincount(key) > 0) - 1)[key]
    ordered, order = in_order(key)
    number = np.empty(len(key), np.int64)
    number[order] = np.cumsum(begins(ordered)) - 1
    return number


@dataclass(frozen=True, slots=True)
class Shared:
    """Entries that cover a time together, in order: their positions, when each begins and ends on a
    line on which persons come one after the other, the number of the cluster that each is in, and
    its seconds that earlier ones of the cluster cover."""

    rows: Ints
    begun: Long
    ended: Long
    cluster: Ints
    covered: Ints

    def only(self, kept: Mask) -> Shared:
        """Those that overlap another one so marked."""
        return self if kept.all() else _swept(self.rows[kept], self.begun[kept], self.ended[kept])


def shared(who: Ints, start: Long, length: Long) -> Shared:
    """The entries of one person that another of the same person overlaps; touching is none."""
    first = int(start.min()) if len(start) else 0
    span = int((start + length).max(initial=first)) - first + 1
    begun, order = in_order(who.astype(np.int64) * span + (start - first))
    return _swept(order, begun, begun + length[order])


def _swept(rows: Ints, begun: Long, ended: Long) -> Shared:
    """Of entries in the order of time, those that another one overlaps."""
    furthest = np.maximum.accumulate(ended)
    joins = np.zeros(len(rows), bool)
    joins[1:] = begun[1:] < furthest[:-1]
    either = joins.copy()
    either[:-1] |= joins[1:]
    at = np.flatnonzero(either)
    again = joins[at]
    covered = np.zeros(len(at), np.int64)
    inner = at[again]
    covered[again] = np.minimum(ended[inner], furthest[inner - 1]) - begun[inner]
    return Shared(rows[at], begun[at], ended[at], np.cumsum(~again), covered)
