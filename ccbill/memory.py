"""Memory that a stage no longer needs goes back to the system before the next one needs its own."""

from __future__ import annotations

import ctypes
from contextlib import suppress

import pyarrow as pa

SHARED = -8, 1  # M_ARENA_MAX of glibc's malloc.h: one heap


def share() -> None:
    """Lets all threads that begin from now on take memory from one heap, in which each takes again
    what another has let go. Where the C library is another one, nothing is to be done."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(*SHARED)


def give_back() -> None:
    """Hands freed memory back, where the C library would keep it; elsewhere nothing is to be done.

    Small pieces between large ones would otherwise hold those for the rest of the run.
    """

    pa.default_memory_pool().release_unused()
    with suppress(AttributeError, OSError, TypeError):  # glibc has it
        ctypes.CDLL(None).malloc_trim(0)
