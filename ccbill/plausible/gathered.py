"""What a check finds among some persons' entries and then others', put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ccbill.plausible.checks import Check, Entries, Found
from ccbill.slices import slices
from ccbill.tables import Ints


def at_once(made: Mapping[str, Check], entries: Entries) -> dict[str, Found]:
    """What these checks find among entries, at positions in the log."""
    return {name: check.find(entries).of(entries.rows) for name, check in made.items()}


def gathered(made: Mapping[str, Check], parts: Iterable[Entries], size: int) -> dict[str, Found]:
    """What these checks find in a log of so many rows, at positions in it: in the order that the
    parts have, or for a check that does not give its entries by time in that of the log."""
    kept = {name: _Room.empty(size) for name in made}
    for entries in parts:
        for name, found in at_once(made, entries).items():
            kept[name].add(found)
    for name, check in made.items():
        if not check.in_time:
            kept[name].sort()
    return {name: room.found() for name, room in kept.items()}


@dataclass(slots=True)
class _Room:
    """Room for what is found, no row of the log twice; filled up to `size`.

    An array that is as long as the log takes memory only as far as it is written to.
    """

    at: npt.NDArray[np.int32]
    thing: npt.NDArray[np.int32]
    size: int = 0
    why: list[str] = field(default_factory=list)

    @classmethod
    def empty(cls, rows: int) -> _Room:
        return cls(np.empty(rows, np.int32), np.empty(rows, np.int32))

    def add(self, found: Found) -> None:
        self._put(found.at, found.thing + len(self.why))
        self.why += found.why

    def _put(self, at: Ints, thing: Ints) -> None:
        here = slice(self.size, self.size + len(at))
        self.at[here], self.thing[here] = at, thing
        self.size = here.stop

    def sort(self) -> None:
        """Puts what is found in the order of the log."""
        thing_of_row = np.full(len(self.at), -1, np.int32)
        for part in slices(self.size):
            thing_of_row[self.at[part]] = self.thing[part]
        self.size = 0
        for part in slices(len(self.at)):
            thing = thing_of_row[part]
            mine = np.flatnonzero(thing >= 0)
            self._put(mine + part.start, thing[mine])

    def found(self) -> Found:
        thing = self.thing[: self.size]
        few = np.min_scalar_type(-max(len(self.why), 1))  # in the least room
        return Found(self.at[: self.size], thing.astype(few), self.why)
