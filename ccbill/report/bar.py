"""A bar on standard error for a run that takes long; nothing for one that does not."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from ccbill import progress
from ccbill.report.console import console_of, printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

AFTER = 1.0  # seconds without a bar, which most runs need not
EACH_SECOND = 8


@contextmanager
def shown(wanted: bool, *, stream: TextIO | None = None) -> Iterator[None]:
    """Within the block, what the run does and how long it will yet take is shown on a terminal.

    Nothing is left of it at the end.
    """
    if not wanted or not (stream or sys.stderr).isatty():
        yield
        return
    bar = _Bar(stream)
    timer = threading.Timer(AFTER, bar.start)
    timer.daemon = True
    timer.start()
    try:
        with progress.watched(bar.step):
            yield
    finally:
        timer.cancel()
        bar.stop()


class _Bar:
    """What is shown; it begins on a thread of its own, so that short runs load nothing for it."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._began = time.monotonic()
        self._what = ""
        self._whole: float | None = None  # seconds that the run will take
        self._live: Live | None = None
        self._over = False
        self._lock = threading.Lock()

    def step(self, what: str, done: float) -> None:
        self._what = what
        if done:
            self._whole = (time.monotonic() - self._began) / done

    def start(self) -> None:
        from rich.live import Live  # noqa: PLC0415

        with self._lock:
            if not self._over:
                self._live = Live(
                    get_renderable=self._line,
                    console=console_of(self._stream),
                    refresh_per_second=EACH_SECOND,
                    transient=True,
                )
                self._live.start()

    def stop(self) -> None:
        with self._lock:
            self._over = True
            if self._live is not None:
                self._live.stop()

    def _line(self) -> RenderableType:
        from rich.progress_bar import ProgressBar  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415

        spent, whole = time.monotonic() - self._began, self._whole
        share = None if whole is None else min(0.99, spent / whole)
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(width=40, no_wrap=True)
        line.add_column()
        line.add_column(no_wrap=True)
        bar = ProgressBar(1, share or 0, width=16, pulse=share is None)
        line.add_row(printable(self._what), bar, _left(whole, spent))
        return line


def _left(whole: float | None, spent: float) -> str:
    """`0:07 left`, or for how long it has run where nothing can be said yet."""
    seconds = int(spent if whole is None else max(1, whole - spent))
    clock = f"{seconds // 60}:{seconds % 60:02}"
    return clock if whole is None else f"{min(99, int(100 * spent / whole))}%  {clock} left"
