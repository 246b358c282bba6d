"""How the C library and Arrow hand out memory: asked of those that can, and of no others."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ccbill import memory

ONE_HEAP = (-8, 1)  # M_ARENA_MAX of glibc's malloc.h

BEFORE_NUMPY = """
import sys
from ccbill import cli, memory

memory.share = lambda: print(f"numpy: {'numpy' in sys.modules}", flush=True)
sys.argv = ["ccbill", "run", "none.csv", "--no-ledger"]
cli.main()
"""


def test_threads_share_one_heap(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    library = SimpleNamespace(mallopt=lambda *what: asked.append(what))
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")
    memory.share()
    assert asked == [ONE_HEAP]
    assert os.environ["ARROW_DEFAULT_MEMORY_POOL"] == "jemalloc"  # as the user has it
    for name in memory.ASKED:
        monkeypatch.delenv(name)
    memory.share()
    assert os.environ["ARROW_DEFAULT_MEMORY_POOL"] == "system"
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


@pytest.mark.parametrize("refusal", [OSError, TypeError, AttributeError])
def test_another_c_library_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch, refusal: type[Exception]
) -> None:
    def refuse(_: object) -> None:
        raise refusal

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    monkeypatch.setattr(memory, "LITTLE", 0)
    memory.share()
    memory.give_back()


@pytest.mark.parametrize(("little", "trimmed"), [(0, [0]), (1 << 60, [])])
def test_only_a_run_that_takes_much_gives_memory_back(
    monkeypatch: pytest.MonkeyPatch, little: int, trimmed: list[int]
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(malloc_trim=asked.append))
    monkeypatch.setattr(memory, "LITTLE", little)
    memory.give_back()
    assert asked == trimmed


def test_a_run_shares_it_before_a_library_has_threads(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BEFORE_NUMPY],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "numpy: False\n")
