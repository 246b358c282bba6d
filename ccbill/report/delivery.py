"""Puts a run's files into the output directory: all of them, or none.

The new set is written whole into a private directory inside the output directory, then moved into
place. The files that it replaces wait in that directory until the last move has succeeded, so
that a failure, or the next run after a kill, can put them back.
"""

from __future__ import annotations

import json
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from threading import Event
from typing import Any

from ccbill import memory, progress
from ccbill.aside import Aside, Leave, at_once
from ccbill.report import private
from ccbill.report.console import record_text
from ccbill.report.csv_files import write_csv, write_parquet
from ccbill.report.tables import Billed, Report
from ccbill.report.typed import DATA_SETS, Sliced, sliced

RECORD = "run.json"
PAGE = "report.html"
BOOKS = ("claims.xlsx", "exceptions.xlsx")
TABLE_WRITERS = {"csv": write_csv, "parquet": write_parquet}

File = tuple[str, str, Any]  # to be written: its stem, its format and the table's rows
Waiting = deque[File]

# A file is ours to remove only under a name that some ccbill writes, whatever run.json says.
OUR_NAMES = {
    *BOOKS,
    *(f"{stem}.{suffix}" for stem in DATA_SETS for suffix in TABLE_WRITERS),
    PAGE,
    RECORD,
}

_PREFIX, _SUFFIX = ".ccbill-", ".tmp"


@dataclass(frozen=True, slots=True)
class Stage:
    """The private directory of one delivery: files to come, files replaced, and the plan."""

    path: Path

    @property
    def new(self) -> Path:
        return self.path / "new"

    @property
    def old(self) -> Path:
        return self.path / "old"

    @property
    def plan(self) -> Path:
        """There while files move: the names that had no file before."""
        return self.path / "plan.json"


def deliver(
    bill: Billed, out: Path, formats: Sequence[str], leave: Leave = at_once
) -> tuple[Report, list[Path]]:
    """Write the run's files in these formats, and run.json, into `out`; its report and their paths,
    run.json last. Once they are in their place, `leave` has those removed that they replace.

    The files are private to the user and appear together. Files of an earlier run that this one
    does not write are removed. On any failure `out` holds what it held before; a disk that
    refuses is a `CcbillError` with exit 4.
    """
    try:
        private.prepare(out, OUR_NAMES)
        with ExitStack() as held:
            held.enter_context(private.only_run(out))
            _clear_leftovers(out)
            stage = Stage(Path(mkdtemp(_SUFFIX, _PREFIX, out)))
            with _put_away(stage, held, leave):
                return _deliver(bill, stage, out, formats)
    except OSError as error:
        raise private.output_error(out, error, OUR_NAMES) from None


@contextmanager
def _put_away(stage: Stage, held: ExitStack, leave: Leave) -> Iterator[None]:
    """Removes the stage after the block, by when its files are in their place or not needed; the
    directory is held against other runs until then."""

    def clear() -> None:
        if not stage.plan.exists():  # else it holds files that could not be put back yet
            shutil.rmtree(stage.path, ignore_errors=True)

    try:
        yield
    except BaseException:
        clear()
        raise
    until_clear = held.pop_all()
    until_clear.callback(clear)
    leave(until_clear.close)


def _deliver(
    bill: Billed, stage: Stage, out: Path, formats: Sequence[str]
) -> tuple[Report, list[Path]]:
    stage.new.mkdir(private.PRIVATE_DIRECTORY)
    stage.old.mkdir(private.PRIVATE_DIRECTORY)
    report, names = write_set(bill, stage, formats)
    _move_in(stage, out, names, earlier_files(out) - set(names))
    return report, [out / name for name in names]


def write_set(bill: Billed, stage: Stage, formats: Sequence[str]) -> tuple[Report, list[str]]:
    """Write every file under `stage.new`; the report, and their names, run.json last.

    Tables that there are already, about as large as all else, are written while the rest is made.
    """
    suffixes = [each for each in TABLE_WRITERS if each in formats]
    known = bill.tables
    waiting: Waiting = deque((stem, suffix, known[stem]) for stem in known for suffix in suffixes)
    with _aside(partial(_write_tables, waiting, stage)):
        report = bill.report()
        memory.give_back()
        names = _write_books(report, stage, formats)
        written = [*suffixes, *report.beside]
        if written:
            progress.begins(f"writing {' and '.join(written)}", progress.WRITING)
        for stem in DATA_SETS:
            missing = report.beside if stem in known else written
            waiting.extend((stem, suffix, getattr(report, stem)) for suffix in missing)
        _write_tables(waiting, stage)
    names += [f"{stem}.{suffix}" for stem in DATA_SETS for suffix in written]
    names.append(RECORD)
    with private.create(stage.new / RECORD) as file:
        file.write(f"{record_text(report, [stage.new / name for name in names])}\n".encode())
    private.sync(stage.new)
    return report, names


def _write_books(report: Report, stage: Stage, formats: Sequence[str]) -> list[str]:
    """Write the workbooks and the page that are asked for; their names."""
    names = []
    if "xlsx" in formats:
        from ccbill.report.workbooks import write_claims, write_exceptions  # noqa: PLC0415

        for name, write_book in zip(BOOKS, (write_claims, write_exceptions), strict=True):
            progress.begins(f"writing {name}", progress.WRITING)
            with private.create(stage.new / name) as file:
                write_book(report, file)
            names.append(name)
    if "html" in formats:
        from ccbill.report.html import write_report  # noqa: PLC0415  (templates and charts)

        with private.create(stage.new / PAGE) as file:
            write_report(report, file)
        names.append(PAGE)
    return names


@contextmanager
def _aside(write: Callable[[Event], None]) -> Iterator[None]:
    """Writes beside the block, in a thread of its own, until both have ended. If the block fails,
    the writer is told to stop: nothing is written after it."""
    stop = Event()
    writing = Aside(partial(write, stop))
    try:
        yield
        writing.outcome()
    except BaseException:
        stop.set()
        writing.end()
        raise


def _write_tables(waiting: Waiting, stage: Stage, stop: Event | None = None) -> None:
    """Write files that wait, until none does; two threads may do so."""
    while each := _next(waiting):
        stem, suffix, rows = each
        table = rows if isinstance(rows, Sliced) else sliced(rows, DATA_SETS[stem])
        with private.create(stage.new / f"{stem}.{suffix}") as file:
            TABLE_WRITERS[suffix](table, file, stop)


def _next(waiting: Waiting) -> File | None:
    try:
        return waiting.popleft()
    except IndexError:  # another thread may have taken the last one just now
        return None


def _move_in(stage: Stage, out: Path, names: list[str], unwanted: set[str]) -> None:
    """Move the new set in and the old one out; on any failure, back again."""
    present = {name for name in {*names, *unwanted} if is_file(out / name)}
    draft = stage.plan.with_suffix(".draft")
    with private.create(draft) as file:
        file.write(json.dumps(sorted(set(names) - present)).encode())
    try:
        draft.rename(stage.plan)
        private.sync(stage.path)
        for name in [*names, *sorted(unwanted)]:
            if name in present:
                (out / name).rename(stage.old / name)
            if name in names:
                (stage.new / name).rename(out / name)
        private.sync(out)
        stage.plan.unlink()
    except BaseException:
        _put_back(stage, out)
        raise


def _put_back(stage: Stage, out: Path) -> None:
    """Undo the moves of a delivery that did not end: everything as before it began."""
    if not stage.plan.exists():
        return
    for name in OUR_NAMES.intersection(json.loads(private.read(stage.plan))):
        if not (stage.new / name).exists():
            (out / name).unlink(missing_ok=True)
    for file in sorted(stage.old.iterdir()):
        file.replace(out / file.name)
    private.sync(out)
    stage.plan.unlink()


def _clear_leftovers(out: Path) -> None:
    """Remove what a killed run left, after putting back the files that it had moved."""
    for path in sorted(out.glob(f"{_PREFIX}*{_SUFFIX}")):
        if path.is_dir() and not path.is_symlink():
            _put_back(Stage(path), out)
            shutil.rmtree(path)


def earlier_files(out: Path) -> set[str]:
    """The names that an earlier run.json lists, as far as they are names that ccbill writes."""
    try:
        listed = json.loads(private.read(out / RECORD))["files"]
        return OUR_NAMES.intersection(name for name in listed if isinstance(name, str))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()


def is_file(path: Path) -> bool:
    """Whether a file, or a link to something, has this name; a directory there is refused."""
    if path.is_dir() and not path.is_symlink():
        raise private.refused(path, "is a directory")
    return path.is_symlink() or path.exists()
