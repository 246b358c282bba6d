"""Memory that one part of a run has let go is there for the next, and goes back to the system."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress

SHARED = -8, 1  # M_ARENA_MAX of glibc's malloc.h: one heap
LITTLE = 1 << 29  # bytes; a run that has never had more keeps them
ASKED = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # and not an allocator with a heap for each thread
    "OPENBLAS_NUM_THREADS": "1",  # numpy's, for matrices, of which there are none here
}


def share() -> None:
    """Lets threads take again what others have let go, which is quicker than fresh memory: all from
    the C library, and if that is glibc, from one heap. Threads that would have nothing to do are
    not made.

    It is to be asked for before any library is loaded that has threads.
    """
    for name, value in ASKED.items():
        os.environ.setdefault(name, value)
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(*SHARED)


def give_back() -> None:
    """Hands freed memory back, where the C library would keep it; elsewhere nothing is to be done.

    Small pieces between large ones would otherwise hold those for the rest of the run.
    """
    if _little():
        return
    import pyarrow as pa  # noqa: PLC0415  (slow to load)

    pa.default_memory_pool().release_unused()
    with suppress(AttributeError, OSError, TypeError):  # glibc has it
        ctypes.CDLL(None).malloc_trim(0)


def _little() -> bool:
    try:
        import resource  # noqa: PLC0415  (not on every system)
    except ImportError:
        return False
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit < LITTLE
