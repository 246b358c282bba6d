"""Work in a thread of its own, while the run goes on: numpy and Arrow let both of them compute."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")
Leave = Callable[[Callable[[], None]], None]  # takes work that nothing else waits for


class Aside(Generic[T]):
    """Work that begins at once, or else when it is told to or its outcome is asked for; the end of
    the process does not wait for it."""

    def __init__(self, work: Callable[[], T], *, at_once: bool = True) -> None:
        self._found: list[T] = []
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._do, args=(work,), daemon=True)
        if at_once:
            self.begin()

    def begin(self) -> None:
        if self._thread.ident is None:
            self._thread.start()

    def _do(self, work: Callable[[], T]) -> None:
        try:
            self._found.append(work())
        except BaseException as fault:  # it is raised where the outcome is asked for
            self._fault = fault

    def end(self) -> None:
        """Waits for the end of the work, however it ends."""
        self.begin()
        self._thread.join()

    def outcome(self) -> T:
        """What came of it, which may be asked for once and is kept nowhere else."""
        self.end()
        if self._fault is not None:
            raise self._fault
        return self._found.pop()


def in_turn(begun: Iterable[T], most: int) -> Iterator[T]:
    """Work that begins as it is asked for, in its order: so much of it before the first is given,
    and no more at any time."""
    waiting: deque[T] = deque()
    for each in begun:
        waiting.append(each)
        if len(waiting) == most:
            yield waiting.popleft()
    while waiting:
        yield waiting.popleft()


def at_once(work: Callable[[], None]) -> None:
    """Does it before anything else."""
    work()


@contextmanager
def meanwhile() -> Iterator[Leave]:
    """Does what it is given beside the block, whose end waits for it."""
    begun: list[Aside[None]] = []
    try:
        yield lambda work: begun.append(Aside(work))
    finally:
        for each in begun:
            each.end()
