"""Delivering a run in two steps, between which the ledger records it.

`stage` writes the whole set, on the disk, into a private directory inside the output directory.
Once the run is recorded, `finish` moves the set into its place; whoever finds it unfinished calls
`finish` again, and the outcome is the same to the byte. What a run left that was never recorded is
removed by the next `clear`.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from ccbill.errors import CcbillError, Exit, Message
from ccbill.report import private
from ccbill.report.delivery import (
    OUR_NAMES,
    Stage,
    _clear_leftovers,
    earlier_files,
    is_file,
    write_set,
)
from ccbill.report.tables import Billed, Report

_PREFIX, _SUFFIX = ".ccbill-", ".run"
HASHED_AT_ONCE = 2  # files


@dataclass(frozen=True, slots=True)
class Staged:
    """A set that waits in a directory of this name inside `out`: its names in order, each with the
    hash of its content, and the names of an earlier set that go when it comes."""

    out: Path
    name: str
    files: Mapping[str, str]
    unwanted: Sequence[str]


@contextlib.contextmanager
def folder(out: Path, *, make: bool = True) -> Iterator[None]:
    """Holds the output directory against other runs; what the disk refuses is told in words."""
    try:
        if make:
            private.prepare(out, OUR_NAMES)
        with private.only_run(out):
            yield
    except OSError as error:
        raise private.output_error(out, error, OUR_NAMES) from None


def stage(bill: Billed, out: Path, formats: Sequence[str], owner: str) -> tuple[Report, Staged]:
    """Writes the run's files where nobody looks yet. `owner` is the ledger's identity."""
    _clear_leftovers(out)
    stage = Stage(Path(mkdtemp(_SUFFIX, f"{_PREFIX}{owner}-", out)))
    try:
        stage.new.mkdir(private.PRIVATE_DIRECTORY)
        stage.old.mkdir(private.PRIVATE_DIRECTORY)
        report, names = write_set(bill, stage, formats)
        with ThreadPoolExecutor(HASHED_AT_ONCE) as threads:
            hashes = dict(
                zip(names, threads.map(private.sha256, [stage.new / n for n in names]), strict=True)
            )
        for name in names:
            is_file(out / name)
        unwanted = sorted(earlier_files(out) - set(names))
        private.sync(stage.path)
        private.sync(out)
    except BaseException:
        shutil.rmtree(stage.path, ignore_errors=True)
        raise
    return report, Staged(out, stage.path.name, hashes, unwanted)


def discard(staged: Staged) -> None:
    """Removes a set that will not be recorded."""
    shutil.rmtree(staged.out / staged.name, ignore_errors=True)


def clear(out: Path, owner: str, recorded: Collection[str]) -> None:
    """Removes the sets that runs with this ledger left and never recorded."""
    for path in sorted(out.glob(f"{_PREFIX}{owner}-*{_SUFFIX}")):
        if path.is_dir() and not path.is_symlink() and path.name not in recorded:
            shutil.rmtree(path)


def finish(staged: Staged) -> list[Path]:
    """Moves a recorded set into its place, however far an earlier attempt came; its paths.

    A failure leaves the earlier set whole, and the new one waiting.
    """
    stage = Stage(staged.out / staged.name)
    if stage.path.is_dir():
        _move(stage, staged)
        if not all((staged.out / name).exists() for name in staged.files):
            raise _lost(staged.out)
        shutil.rmtree(stage.path)
        private.sync(staged.out)
    elif not _is_there(staged):
        raise _lost(staged.out)
    return [staged.out / name for name in staged.files]


def _is_there(staged: Staged) -> bool:
    try:
        return all(
            private.sha256(staged.out / name) == digest for name, digest in staged.files.items()
        )
    except OSError:
        return False


def _move(stage: Stage, staged: Staged) -> None:
    try:
        for name in [*staged.unwanted, *staged.files]:
            waits = (stage.new / name).exists()
            if (waits or name in staged.unwanted) and is_file(staged.out / name):
                (staged.out / name).replace(stage.old / name)
            if waits:
                (stage.new / name).rename(staged.out / name)
        private.sync(staged.out)
    except BaseException:
        _back(stage, staged)
        raise


def _back(stage: Stage, staged: Staged) -> None:
    """Every file where it was before the first attempt, as far as the disk permits."""
    for name in [*staged.files, *staged.unwanted]:
        with contextlib.suppress(OSError):
            if name in staged.files and not (stage.new / name).exists():
                (staged.out / name).rename(stage.new / name)
            if (stage.old / name).exists():
                (stage.old / name).rename(staged.out / name)


def _lost(out: Path) -> CcbillError:
    message = Message(
        str(out),
        "the files of a recorded run are gone from there",
        "The run itself is in the ledger.",
        "see it with: ccbill ledger runs, and write its lines with: ccbill ledger export",
    )
    return CcbillError(Exit.OUTPUT, message)
