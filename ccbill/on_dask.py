"""The shares of a log decided by the workers of a Dask cluster, which only moves the tables.

A worker decides a share by the same function as one process does. Nothing of a share is written to
a worker's disk or logged there; a share whose worker died is decided again by another.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from os import cpu_count
from typing import Any

from ccbill import __version__
from ccbill.aside import in_turn
from ccbill.errors import CcbillError, Exit, Message, counted
from ccbill.shares import Engine, Share
from ccbill.together import Decided

AHEAD = 2  # shares a worker that are on their way at once
PATIENCE = 30  # seconds to wait for a scheduler
NOTHING = "Nothing was recorded; earlier output is as it was."
# A worker keeps what it works on in memory, however full that is: a disk would keep patients.
IN_MEMORY = {
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.comm.timeouts.connect": PATIENCE,
}


@contextmanager
def started(scheduler: str | None) -> Iterator[Engine]:
    """An engine over the cluster of this scheduler, or over one on this machine for the time."""
    try:
        import dask  # noqa: PLC0415  (an extra, and slow to import)
        import distributed  # noqa: PLC0415
    except ImportError:
        fix = "install it: pip install 'ccbill[dask]', or leave out --engine dask"
        raise _refused("--engine dask", "needs Dask, which is not installed", fix) from None
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ccbill-"))
        stack.enter_context(dask.config.set(IN_MEMORY | {"temporary-directory": folder}))
        stack.enter_context(warnings.catch_warnings())
        for said in ("Sending large graph", "Port .* already in use"):
            warnings.filterwarnings("ignore", said, UserWarning)
        if scheduler is None:
            scheduler = stack.enter_context(_cluster(distributed))
        client = stack.enter_context(_client(distributed, scheduler))
        yield _engine(client)


def _cluster(distributed: Any) -> Any:
    """Workers on this machine that only it can reach."""
    return distributed.LocalCluster(
        n_workers=cpu_count(),
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    )


def _client(distributed: Any, scheduler: Any) -> Any:
    """A connection to the scheduler, whose workers have this very ccbill."""
    try:
        client = distributed.Client(scheduler, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError):
        fix = "name one as HOST:PORT, or leave out --scheduler for workers on this machine"
        raise _refused("--scheduler", "no Dask scheduler answers there", fix) from None
    with ExitStack() as closing:
        closing.callback(client.close)
        try:
            versions = set(client.run(_version).values())
        except Exception:  # whatever a worker without ccbill makes of it
            versions = {"none"}
        if versions != {__version__}:
            what = f"its workers have ccbill {', '.join(sorted(versions)) or 'on none of them'}"
            fix = f"install ccbill {__version__} on every worker, and start one at least"
            raise _refused("--scheduler", what, fix)
        closing.pop_all()
    return client


def _version() -> str:
    return __version__


def _engine(client: Any) -> Engine:
    def engine(decide: Callable[[Share], Decided], shares: Iterable[Share]) -> Iterator[Decided]:
        most = AHEAD * max(len(client.scheduler_info()["workers"]), 1)
        begun = (
            client.submit(_told, decide, share, key=f"share-{number}", pure=False)
            for number, share in enumerate(shares)
        )
        return map(_outcome, in_turn(begun, most))

    return engine


def _told(decide: Callable[[Share], Decided], share: Share) -> Decided | Exception:
    """What was decided, or the fault: one that a worker raises it logs, with what it worked on."""
    from tblib import pickling_support  # noqa: PLC0415  (comes with Dask)

    try:
        return decide(share)
    except Exception as fault:
        pickling_support.install(fault)
        return fault


def _outcome(future: Any) -> Decided:
    from distributed import KilledWorker  # noqa: PLC0415

    try:
        found: Decided | Exception = future.result()
    except KilledWorker as killed:
        times = counted(killed.allowed_failures + 1, "worker")
        what = f"{times} died on one share of the patients"
        fix = "give the workers more memory, or leave out --engine dask"
        raise CcbillError(Exit.BUSY, Message("--engine dask", what, NOTHING, fix)) from None
    future.release()
    if isinstance(found, Exception):
        raise found
    return found


def _refused(option: str, what: str, fix: str) -> CcbillError:
    return CcbillError(Exit.REFUSED, Message(option, what, NOTHING, fix))
