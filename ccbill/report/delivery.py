"""Puts a run's files into the output directory: all of them, or none.

The new set is written whole into a private directory inside the output directory, then moved into
place. The files that it replaces wait in that directory until the last move has succeeded, so
that a failure, or the next run after a kill, can put them back.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from ccbill import progress
from ccbill.report import private
from ccbill.report.console import record_text
from ccbill.report.csv_files import write_csv, write_parquet
from ccbill.report.tables import Report
from ccbill.report.typed import DATA_SETS, Sliced, sliced
from ccbill.report.workbooks import write_claims, write_exceptions

RECORD = "run.json"
PAGE = "report.html"
BOOKS = {"claims.xlsx": write_claims, "exceptions.xlsx": write_exceptions}
TABLE_WRITERS = {"csv": write_csv, "parquet": write_parquet}
WRITERS = 2  # tables at a time: the trace is about as large as all the others

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


def deliver(report: Report, out: Path, formats: Sequence[str]) -> list[Path]:
    """Write the run's files in these formats, and run.json, into `out`; their paths, run.json last.

    The files are private to the user and appear together. Files of an earlier run that this one
    does not write are removed. On any failure `out` holds what it held before; a disk that
    refuses is a `CcbillError` with exit 4.
    """
    try:
        private.prepare(out, OUR_NAMES)
        with private.only_run(out):
            _clear_leftovers(out)
            return _deliver(report, out, formats)
    except OSError as error:
        raise private.output_error(out, error, OUR_NAMES) from None


def _deliver(report: Report, out: Path, formats: Sequence[str]) -> list[Path]:
    stage = Stage(Path(mkdtemp(_SUFFIX, _PREFIX, out)))
    try:
        stage.new.mkdir(private.PRIVATE_DIRECTORY)
        stage.old.mkdir(private.PRIVATE_DIRECTORY)
        names = write_set(report, stage, formats)
        _move_in(stage, out, names, earlier_files(out) - set(names))
    finally:
        if not stage.plan.exists():  # else it holds files that could not be put back yet
            shutil.rmtree(stage.path, ignore_errors=True)
    return [out / name for name in names]


def write_set(report: Report, stage: Stage, formats: Sequence[str]) -> list[str]:
    """Write every file under `stage.new`; their names, run.json last."""
    names = []
    if "xlsx" in formats:
        for name, write_book in BOOKS.items():
            progress.begins(f"writing {name}", progress.WRITING)
            with private.create(stage.new / name) as file:
                write_book(report, file)
            names.append(name)
    if "html" in formats:
        from ccbill.report.html import write_report  # noqa: PLC0415  (templates and charts)

        with private.create(stage.new / PAGE) as file:
            write_report(report, file)
        names.append(PAGE)
    if suffixes := [each for each in TABLE_WRITERS if each in formats]:
        progress.begins(f"writing {' and '.join(suffixes)}", progress.WRITING)
    names += _write_tables(report, stage, suffixes)
    names.append(RECORD)
    with private.create(stage.new / RECORD) as file:
        file.write(f"{record_text(report, [stage.new / name for name in names])}\n".encode())
    private.sync(stage.new)
    return names


def _write_tables(report: Report, stage: Stage, suffixes: Sequence[str]) -> list[str]:
    """Write the tables in these formats, the trace beside the others; their names."""

    def write(stem: str) -> None:
        table = getattr(report, stem)
        if not isinstance(table, Sliced):
            table = sliced(table, DATA_SETS[stem])
        for suffix in suffixes:
            with private.create(stage.new / f"{stem}.{suffix}") as file:
                TABLE_WRITERS[suffix](table, file)

    largest_first = sorted(DATA_SETS if suffixes else (), key=lambda s: -len(getattr(report, s)))
    with ThreadPoolExecutor(WRITERS) as writers:
        for _ in writers.map(write, largest_first):
            pass
    return [f"{stem}.{suffix}" for stem in DATA_SETS for suffix in suffixes]


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
