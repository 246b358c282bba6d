"""Handing a run over to its ledger and to its output directory, so that a kill does no harm.

The files are written where nobody looks; then one transaction records the run and where they are;
then they are moved. What stopped before the transaction never was, and what stopped after it is
moved by whoever opens the ledger next.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ccbill.errors import CcbillError, Exit, Message
from ccbill.ledger import store
from ccbill.ledger.record import record
from ccbill.ledger.store import Ledger, writing
from ccbill.ledger.submit import submit
from ccbill.recorded import Book
from ccbill.report import staged
from ccbill.report.staged import Staged
from ccbill.report.tables import Billed, Report


class Handed(Protocol):
    """What of a request the handing over needs."""

    @property
    def out(self) -> Path: ...
    @property
    def formats(self) -> Sequence[str]: ...
    @property
    def submit(self) -> bool: ...


class Redelivered(Exception):  # noqa: N818 (no error)
    """This very run was recorded before and its files were not delivered; now they are."""

    def __init__(self, run: int, files: Sequence[Path]) -> None:
        super().__init__()
        self.run = run
        self.files = files


def finish_before(ledger: Ledger, out: Path, inputs: Sequence[object]) -> None:
    """Has earlier runs' files in their place before a run begins.

    Files of a submitted run that come into `out` only now must be fetched before others replace
    them: a run of the same inputs is done with that, and one of others has to be begun again.
    """
    done, _ = finish_deliveries(ledger, out)
    for each in done:
        if each.status == "submitted" and each.out == out.absolute():
            if each.record["inputs"] == list(inputs):
                raise Redelivered(each.run, each.files)
            message = Message(
                str(out),
                f"run {each.run} was submitted before and its files are in their place only now",
                "Nothing else was recorded or written.",
                "fetch them, then run again",
            )
            raise CcbillError(Exit.BUSY, message)


def deliver(book: Book, bill: Billed, request: Handed) -> tuple[Report, list[Path]]:
    """Records the run and puts its files into `out`; its report and their paths. The caller holds
    the ledger."""
    ledger, out = book.ledger, request.out
    with staged.folder(out):
        waiting = {row.name for _, row in _pending(ledger)}
        staged.clear(out, ledger.identity, waiting)
        report, files = staged.stage(bill, out, request.formats, ledger.identity)
        entry, work = book.entry, book.work
        assert entry is not None
        assert work is not None
        try:
            run = record(ledger, entry, book.terms)
            work.keep(run, ledger)
            if request.submit:
                submit(ledger, run, entry.created)
            _wait(ledger, run, files)
        except BaseException:
            staged.discard(files)
            raise
        with store.told(ledger.path):
            ledger.db.execute("COMMIT")  # a failure may yet be on the disk: the files stay
        written = _finished(run, files)
    _delivered(ledger, run)
    return report, written


def _finished(run: int, files: Staged) -> list[Path]:
    try:
        return staged.finish(files)
    except OSError as error:
        cause = os.strerror(error.errno).lower() if error.errno else "the system refused"
        message = Message(
            str(files.out),
            f"cannot be written: {cause}",
            f"Run {run} is in the ledger, and its files wait; what was there before is untouched.",
            "make room or close what is open, then run again: that delivers them first",
        )
        raise CcbillError(Exit.OUTPUT, message) from None


def _wait(ledger: Ledger, run: int, files: Staged) -> None:
    ledger.db.execute(
        "INSERT INTO deliveries (run, out, stage, files, unwanted) VALUES (?, ?, ?, ?, ?)",
        (
            run,
            str(files.out.absolute()),
            files.name,
            json.dumps(dict(files.files)),
            json.dumps(list(files.unwanted)),
        ),
    )


def _pending(ledger: Ledger) -> list[tuple[int, Staged]]:
    rows = ledger.db.execute("SELECT run, out, stage, files, unwanted FROM deliveries ORDER BY run")
    return [
        (run, Staged(Path(out), name, json.loads(files), json.loads(unwanted)))
        for run, out, name, files, unwanted in rows
    ]


def _delivered(ledger: Ledger, run: int) -> None:
    """Notes that the files are in their place; where another run has the ledger, it finds so."""
    try:
        with store.told(ledger.path), writing(ledger):
            ledger.db.execute("DELETE FROM deliveries WHERE run = ?", (run,))
    except CcbillError as error:
        if error.code != Exit.BUSY:
            raise


@dataclass(frozen=True, slots=True)
class Delivered:
    """A run that an earlier process recorded, whose files came into their place only now."""

    run: int
    status: str
    out: Path
    files: list[Path]
    record: dict[str, Any]


def finish_deliveries(ledger: Ledger, out: Path | None = None) -> tuple[list[Delivered], list[Any]]:
    """Moves the files of every recorded run into their place: the runs, and the messages of those
    that could not be. One that waits in `out` and cannot be moved is an error."""
    done: list[Delivered] = []
    failed: list[Any] = []
    if not _pending(ledger):
        return done, failed
    with writing(ledger):
        for run, files in _pending(ledger):
            query = "SELECT status, record FROM runs WHERE run = ?"
            status, told = ledger.db.execute(query, (run,)).fetchone()
            gone = not files.out.is_dir()
            try:
                if not gone:
                    with staged.folder(files.out, make=False):
                        paths = _finished(run, files)
                    done.append(Delivered(run, status, files.out, paths, json.loads(told)))
            except CcbillError as error:
                gone = "are gone" in error.messages[0].what
                if not gone and out is not None and out.absolute() == files.out:
                    raise
                failed.extend(error.messages)
                if not gone:
                    continue
            ledger.db.execute("DELETE FROM deliveries WHERE run = ?", (run,))
    return done, failed
