"""Units from minutes: the arithmetic that every time rule shares, and its inverse."""

from __future__ import annotations

import numpy as np

from ccbill.rules.model import Bill
from ccbill.tables import Ints


def units(bill: Bill, minutes: Ints) -> Ints:
    """Units of one bill for each total of whole minutes."""
    earned = np.zeros(len(minutes), np.int64)
    if bill.once_at is None and bill.step is None:
        return earned + 1
    if bill.once_at is not None:
        earned += minutes >= bill.once_at
    if bill.step is not None:
        over = np.maximum(minutes.astype(np.int64) - bill.after, 0)
        earned += -(-over // bill.step) if bill.part_counts else over // bill.step
    return earned if bill.at_most is None else np.minimum(earned, bill.at_most)


def next_at(bill: Bill, minutes: Ints) -> Ints:
    """The total of minutes at which the bill earns its next unit, or a very large number."""
    never = np.int64(2**40)
    need = np.full(len(minutes), never)
    if bill.once_at is not None:
        need = np.where(minutes < bill.once_at, bill.once_at, need)
    if bill.step is not None:
        over = np.maximum(minutes.astype(np.int64) - bill.after, 0)
        if bill.part_counts:
            step_at = bill.after + -(-over // bill.step) * bill.step + 1
        else:
            step_at = bill.after + (over // bill.step + 1) * bill.step
        need = np.minimum(need, step_at)
    if bill.at_most is not None:
        need = np.where(units(bill, minutes) >= bill.at_most, never, need)
    return need
