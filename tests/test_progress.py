"""The bar of a long run: by file and stage, with the time left; and never of a short one."""

from __future__ import annotations

import io
import os
import re
import threading
import time
from pathlib import Path

import pytest
from command import ccbill, upset
from test_cli import LOG

from ccbill import progress
from ccbill.report import bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def slowly(path: Path, seconds: float) -> threading.Thread:
    """Writes the log into a named pipe, and its end only after a while."""

    def write() -> None:
        with path.open("w") as file:
            file.write(LOG[:80])
            file.flush()
            time.sleep(seconds)
            file.write(LOG[80:])

    os.mkfifo(path)
    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


RUN = ("run", "slow.csv", "--no-ledger", "--today", "2026-11-02", "--format", "csv")
LONG = bar.AFTER + 0.5

pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


@pipes
def test_a_long_run_says_on_a_terminal_what_it_does_and_leaves_nothing_of_it(
    tmp_path: Path,
) -> None:
    writer = slowly(tmp_path / "slow.csv", LONG)
    done = upset(*RUN, cwd=tmp_path, terminal=True, COLUMNS="80", TERM="xterm-256color")
    assert done.returncode == 0
    writer.join()
    shown, erased, rest = done.stdout.rpartition("\x1b[2K")
    assert "reading slow.csv" in shown
    assert erased
    assert "reading" not in rest
    assert rest.replace("\x1b[1m", "").startswith("plan")


@pipes
@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_no_bar_where_nothing_or_data_is_printed(tmp_path: Path, option: str) -> None:
    writer = slowly(tmp_path / "slow.csv", LONG)
    done = upset(*RUN, option, cwd=tmp_path, terminal=True, COLUMNS="80", TERM="xterm-256color")
    assert done.returncode == 0
    writer.join()
    assert "reading slow.csv" not in done.stdout


@pipes
def test_no_bar_in_a_pipe(tmp_path: Path) -> None:
    writer = slowly(tmp_path / "slow.csv", LONG)
    done = ccbill(*RUN, cwd=tmp_path, COLUMNS="80")
    assert (done.returncode, done.stdout) == (0, "")
    writer.join()
    assert done.stderr.startswith("plan")


def test_the_time_left_is_told_once_a_stage_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(bar, "AFTER", 0)
    screen = Terminal()
    with bar.shown(True, stream=screen):
        progress.begins("reading one.csv", 0)
        time.sleep(0.4)
        progress.begins("deciding by the rules", 0.5)
        time.sleep(0.3)
    text = screen.getvalue()
    assert re.search(r"reading one\.csv .*0:00", text)
    assert re.search(r"deciding by the rules .*\d\d%  0:01 left", text)
    assert "\x1b[?25h" in text  # the cursor is back


def test_a_short_run_starts_no_bar() -> None:
    screen = Terminal()
    with bar.shown(True, stream=screen):
        progress.begins("reading one.csv", 0)
    assert screen.getvalue() == ""
    timers = [each for each in threading.enumerate() if isinstance(each, threading.Timer)]
    for timer in timers:
        timer.join(1)
        assert not timer.is_alive()


def test_files_count_by_their_size(tmp_path: Path) -> None:
    for name, size in (("a", 99), ("b", 299)):
        (tmp_path / name).write_bytes(bytes(size))
    paths = [str(tmp_path / "a"), str(tmp_path / "b"), "-"]
    assert progress.files(paths, 0, 1) == [0, 0, 0]  # nobody watches
    with progress.watched(lambda _what, _done: None):
        first, second, third = progress.files(paths, 0, 1)
    assert (first, round(second, 2), round(third, 2)) == (0, 0.25, 1.0)


def test_nobody_watches_after_the_block() -> None:
    heard: list[tuple[str, float]] = []
    with progress.watched(lambda what, done: heard.append((what, done))):
        progress.begins("one", 0.1)
    progress.begins("two", 0.2)
    assert heard == [("one", 0.1)]
