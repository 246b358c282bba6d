"""A plain export that is read while the rest of the program is still being loaded."""

from __future__ import annotations

from functools import partial

from ccbill.aside import Aside
from ccbill.intake import pieces
from ccbill.intake.columns import Wanted
from ccbill.intake.pieces import Read


class Begun:
    """One file whose reading has begun; what comes of it is given once and kept nowhere else."""

    def __init__(self, path: str, name: str, wanted: Wanted) -> None:
        self._asked = path, name, wanted
        self._reading: Aside[Read | None] | None = Aside(partial(pieces.read, *self._asked))

    def read(self, path: str, name: str, wanted: Wanted) -> Read | None:
        """What `pieces.read` gives, of this file or any other."""
        if self._reading is None or self._asked != (path, name, wanted):
            return pieces.read(path, name, wanted)
        reading, self._reading = self._reading, None
        return reading.outcome()
