"""Units from minutes, and how many minutes the next unit needs, on both sides of every boundary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ccbill.rules.load import shipped
from ccbill.rules.model import Bill
from ccbill.rules.units import next_at, units

NEVER = 2**40
MONTH = np.arange(0, 44_641)  # every total of minutes that a month can have


def bill(**rule: Any) -> Bill:
    """A bill with this arithmetic and nothing else."""
    words = dict.fromkeys(("code", "standing", "cite", "why", "note"), "")
    nothing = dict.fromkeys(("once_at", "step", "at_most", "needs"))
    usual = {"modifiers": (), "when": {}, "after": 0, "part_counts": False}
    return Bill(**words | nothing | usual | rule)


# name → the bill, and totals of minutes with the units that they earn and where the next one is
ARITHMETIC: dict[str, tuple[Bill, list[tuple[int, int, int]]]] = {
    "once at 31": (
        bill(once_at=31),
        [(0, 0, 31), (30, 0, 31), (31, 1, NEVER), (44_640, 1, NEVER)],
    ),
    "one more for each started 30 after 75": (
        bill(step=30, after=75, part_counts=True),
        [
            (0, 0, 76),
            (75, 0, 76),
            (76, 1, 106),
            (105, 1, 106),
            (106, 2, 136),
            (135, 2, 136),
            (136, 3, 166),
        ],
    ),
    "one more for each full 30 after 60": (
        bill(step=30, after=60),
        [
            (0, 0, 90),
            (60, 0, 90),
            (89, 0, 90),
            (90, 1, 120),
            (119, 1, 120),
            (120, 2, 150),
            (149, 2, 150),
            (150, 3, 180),
        ],
    ),
    "the same, at most two": (
        bill(step=30, after=60, at_most=2),
        [(89, 0, 90), (90, 1, 120), (119, 1, 120), (120, 2, NEVER), (150, 2, NEVER)],
    ),
    "once at 0, and one more for each started 30 after 45": (
        bill(once_at=0, step=30, after=45, part_counts=True),
        [(0, 1, 46), (45, 1, 46), (46, 2, 76), (75, 2, 76), (76, 3, 106)],
    ),
    "once at 16, and one more for each started 30 after 45": (
        bill(once_at=16, step=30, after=45, part_counts=True),
        [(15, 0, 16), (16, 1, 46), (45, 1, 46), (46, 2, 76)],
    ),
    "one, whatever the time": (bill(), [(0, 1, NEVER), (44_640, 1, NEVER)]),
}


@pytest.mark.parametrize("name", ARITHMETIC)
def test_each_side_of_each_boundary(name: str) -> None:
    rule, expected = ARITHMETIC[name]
    minutes = np.array([total for total, _, _ in expected])
    assert units(rule, minutes).tolist() == [earned for _, earned, _ in expected]
    assert next_at(rule, minutes).tolist() == [need for _, _, need in expected]


@pytest.mark.parametrize("name", ARITHMETIC)
def test_the_next_unit_is_where_the_units_grow(name: str) -> None:
    rule, _ = ARITHMETIC[name]
    earned, need = units(rule, MONTH), next_at(rule, MONTH)
    assert (np.diff(earned) >= 0).all()
    grows = np.flatnonzero(np.diff(earned) > 0) + 1  # the totals at which a unit is added
    following = np.append(grows, NEVER)[np.searchsorted(grows, MONTH, side="right")]
    inside = following < NEVER  # past the last total of the month there is nothing to compare
    assert (need[inside] == following[inside]).all()


def test_every_shipped_bill_grows_one_unit_at_a_time() -> None:
    for plan in shipped():
        for service in plan.services:
            for each in service.bills:
                assert set(np.diff(units(each, MONTH))) <= {0, 1}, service.file


def test_a_step_of_one_minute_earns_by_the_minute() -> None:
    assert units(bill(step=1), np.array([0, 1, 2])).tolist() == [0, 1, 2]
    assert next_at(bill(step=1), np.array([0, 1, 2])).tolist() == [1, 2, 3]
