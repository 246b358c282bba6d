"""Work beside the rest of a run: when it begins, when it is waited for, and how it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event, current_thread, main_thread

import pytest

from ccbill.aside import Aside, at_once, in_turn, meanwhile


class Odd(Exception):  # noqa: N818 (no error)
    pass


def fail() -> None:
    raise Odd


def test_work_begins_once_and_when_it_is_told() -> None:
    begun: list[int] = []
    work = Aside(lambda: begun.append(1), at_once=False)
    assert begun == []
    work.begin()
    work.begin()
    work.end()
    assert begun == [1]


@pytest.mark.parametrize("begins_at_once", [True, False])
def test_an_outcome_that_is_asked_for_is_waited_for(begins_at_once: bool) -> None:
    work = Aside(lambda: current_thread() is main_thread(), at_once=begins_at_once)
    assert work.outcome() is False


def test_a_fault_is_raised_where_the_outcome_is_asked_for() -> None:
    work = Aside(fail)
    work.end()
    with pytest.raises(Odd):
        work.outcome()


@pytest.mark.parametrize(("number", "most"), [(0, 2), (1, 2), (5, 1), (5, 2), (5, 9)])
def test_no_more_work_than_was_asked_for_is_under_way(number: int, most: int) -> None:
    under_way, peak = 0, 0

    def begun() -> Iterator[int]:
        nonlocal under_way, peak
        for each in range(number):
            under_way += 1
            peak = max(peak, under_way)
            yield each

    given = []
    for each in in_turn(begun(), most):
        given.append(each)
        under_way -= 1
    assert given == [*range(number)]
    assert peak == min(number, most)


def test_the_end_of_the_block_waits_for_what_was_left_to_it() -> None:
    goes_on, done = Event(), []
    with meanwhile() as leave:
        leave(lambda: done.append(goes_on.wait(10)))
        assert done == []
        goes_on.set()
    assert done == [True]


def test_a_block_that_fails_waits_as_well() -> None:
    goes_on, done = Event(), []

    def block() -> None:
        with meanwhile() as leave:
            leave(lambda: done.append(goes_on.wait(10)))
            goes_on.set()
            raise Odd

    with pytest.raises(Odd):
        block()
    assert done == [True]


def test_what_is_done_at_once_is_done_by_the_caller() -> None:
    done: list[bool] = []
    leave: Callable[[Callable[[], None]], None] = at_once
    leave(lambda: done.append(current_thread() is main_thread()))
    assert done == [True]
