"""The fee schedule: what is charged and what is expected, by plan or payer, code and date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ccbill.tables import UNKNOWN, Ints, together

Cents = npt.NDArray[np.int64]
Column = Any  # one element per line: a Series, Categorical or array of texts
FOREVER = 2_932_896  # 9999-12-31


@dataclass(frozen=True, slots=True)
class Fees:
    """Prices for one unit of a code, in whole cents.

    `table` has for (the plan's id or the payer's name, any case), code, modifiers (sorted, joined
    by a space; blank for any), charge, expected (UNKNOWN for none), first_day, last_day.
    """

    table: pd.DataFrame

    @classmethod
    def none(cls) -> Fees:
        """A schedule without a price."""
        columns = ("for", "code", "modifiers", "charge", "expected", "first_day", "last_day")
        return cls(pd.DataFrame({name: pd.Series(dtype=object) for name in columns}))

    def of(
        self, plan: Column, payer: Column, code: Column, modifiers: Column, day: Ints
    ) -> tuple[Cents, Cents]:
        """The charge and the expected payment of one unit of each line, UNKNOWN where none.

        A price with the line's modifiers goes before one without any, the payer's before the
        plan's, and of several on one day the one that begins last. `modifiers` are texts like those
        of the table.
        """
        charge = np.full(len(day), UNKNOWN, np.int64)
        expected = np.full(len(day), UNKNOWN, np.int64)
        if not len(self.table) or not len(day):
            return charge, expected
        prices: dict[tuple[str, str, str], list[Any]] = {}
        latest = self.table.sort_values("first_day", ascending=False, kind="stable")
        keys = zip(*(latest[name] for name in ("for", "code", "modifiers")), strict=True)
        for key, fee in zip(keys, latest.itertuples(index=False), strict=True):
            prices.setdefault(key, []).append(fee)
        sort, first = together(payer, plan, code, modifiers)
        lines = (pd.Series(column).iloc[first] for column in (payer, plan, code, modifiers))
        for number, (payer_, plan_, code_, modifiers_) in enumerate(zip(*lines, strict=True)):
            mine = np.flatnonzero(sort == number)
            for word in (modifiers_, "") if modifiers_ else ("",):
                for name in (_folded(payer_), _folded(plan_)):
                    for fee in prices.get((name, code_, word), ()):
                        on = (day[mine] >= fee.first_day) & (day[mine] <= fee.last_day)
                        open_ = mine[on & (charge[mine] == UNKNOWN) & (expected[mine] == UNKNOWN)]
                        charge[open_], expected[open_] = fee.charge, fee.expected
        return charge, expected


def _folded(name: Any) -> str:
    """The name without case and outer spaces, empty for a blank."""
    return name.strip().casefold() if isinstance(name, str) else ""
