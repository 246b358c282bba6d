"""The output directory after a run: all of the new set or all of the old, private, no crumbs."""

from __future__ import annotations

import errno
import fcntl
import gc
import json
import os
import resource
import stat
import sys
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO

import numpy as np
import pytest
from test_report_tables import Billed, claim, deliver, empty_report, report_of, table_of

from ccbill.errors import CcbillError, Exit
from ccbill.report import delivery, private, tables
from ccbill.report.tables import Report
from ccbill.report.typed import Sliced

CSV_SET = [
    "activities.csv",
    "balance.csv",
    "claims.csv",
    "encounters.csv",
    "exceptions.csv",
    "near_misses.csv",
    "submitted.csv",
    "unreadable_rows.csv",
]
BOOKS = ["claims.xlsx", "exceptions.xlsx"]


def files_in(out: Path) -> list[Path]:
    return sorted(path for path in out.glob("**/*") if path.is_file())


def contents(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in files_in(out)}


def names(out: Path) -> list[str]:
    return sorted(path.name for path in out.iterdir())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "billing" / "out"


@pytest.fixture
def delivered(out: Path) -> Path:
    deliver(report_of(), out, ["csv"])
    return out


@pytest.mark.parametrize(
    ("formats", "files"),
    [
        (["xlsx"], BOOKS),
        (["csv"], CSV_SET),
        (["parquet"], [name.replace(".csv", ".parquet") for name in CSV_SET]),
        (["csv", "xlsx"], [*BOOKS, *CSV_SET]),
        ([], []),
    ],
)
@pytest.mark.parametrize("report", [report_of(), empty_report()], ids=["small", "empty"])
def test_each_format_has_its_files_and_always_run_json(
    out: Path, formats: list[str], files: list[str], report: Any
) -> None:
    written = deliver(report, out, formats)
    assert names(out) == sorted([*files, "run.json"])
    assert sorted(path.name for path in written) == names(out)
    assert written[-1] == out / "run.json"
    record = json.loads((out / "run.json").read_text())
    if "xlsx" in formats:
        book = sha256((out / "exceptions.xlsx").read_bytes()).hexdigest()
        assert record.pop("exceptions_sha256") == book
    assert record == {**report.record, "files": names(out)}


def test_the_same_run_is_delivered_the_same_to_the_byte(tmp_path: Path) -> None:
    sets = []
    for name in ("a", "b"):
        deliver(report_of(), tmp_path / name, ["xlsx", "csv", "parquet"])
        sets.append(contents(tmp_path / name))
    assert sets[0] == sets[1]


def test_numpy_numbers_in_the_record_are_numbers(out: Path) -> None:
    deliver(report_of(record={"lines": np.int64(3), "share": np.float64(0.5)}), out, [])
    assert json.loads((out / "run.json").read_text()) == {
        "lines": 3,
        "share": 0.5,
        "files": ["run.json"],
    }


def test_files_that_this_run_does_not_write_are_removed_if_ours(delivered: Path) -> None:
    (delivered / "mine.csv").write_text("keep")
    deliver(report_of(), delivered, ["xlsx"])
    assert names(delivered) == sorted([*BOOKS, "mine.csv", "run.json"])


def test_a_record_cannot_name_files_that_ccbill_does_not_write(delivered: Path) -> None:
    outside = delivered.parent / "victim.txt"
    outside.write_text("keep")
    (delivered / "notes.txt").write_text("keep")
    listed = ["../victim.txt", str(outside), "notes.txt", 7, None]
    (delivered / "run.json").write_text(json.dumps({"files": listed}))
    deliver(report_of(), delivered, ["csv"])
    assert outside.exists()
    assert (delivered / "notes.txt").exists()


@pytest.mark.parametrize(
    "damaged", ["", "[]", "{", '{"files": 3}', "null", "[" * 100_000, "\ud800"]
)
def test_a_damaged_record_is_replaced(delivered: Path, damaged: str) -> None:
    (delivered / "run.json").write_bytes(damaged.encode("utf-8", "surrogatepass"))
    deliver(report_of(), delivered, ["csv"])
    assert json.loads((delivered / "run.json").read_text())["files"] == names(delivered)


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
@pytest.mark.parametrize("made_before", [False, True])
def test_files_are_private_from_creation_whatever_the_umask(
    out: Path, monkeypatch: pytest.MonkeyPatch, made_before: bool
) -> None:
    if made_before:
        out.mkdir(parents=True)
    modes: list[int] = []
    move_in = delivery._move_in

    def look(*args: Any) -> None:
        modes.extend(stat.S_IMODE(path.lstat().st_mode) for path in [out, *out.glob("**/*")])
        move_in(*args)

    monkeypatch.setattr(delivery, "_move_in", look)
    deliver(report_of(), out, ["xlsx", "csv", "parquet"])
    modes.extend(stat.S_IMODE(path.lstat().st_mode) for path in [out, *out.glob("**/*")])
    assert not any(mode & 0o077 for mode in modes)
    assert len(modes) > 40


def test_a_directory_with_other_files_keeps_its_mode(out: Path) -> None:
    out.mkdir(parents=True, mode=0o755)
    (out / "mine.txt").write_text("keep")
    out.chmod(0o755)
    deliver(report_of(), out, ["csv"])
    assert stat.S_IMODE(out.stat().st_mode) == 0o755


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_report_that_fails_stops_what_is_written_beside_it(
    delivered: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """The trace is long, and the report fails as soon as the trace is begun."""
    before = contents(delivered)
    begun, ended = Event(), Event()
    write = delivery.TABLE_WRITERS[suffix]

    def slowly(table: Sliced, file: BinaryIO, stop: Event | None) -> None:
        try:
            begun.set()
            assert stop is not None
            assert stop.wait(60)
            write(table, file, stop)
        finally:
            ended.set()

    class Failing(Billed):
        def report(self) -> Report:
            assert begun.wait(60)
            raise KeyboardInterrupt

    monkeypatch.setitem(delivery.TABLE_WRITERS, suffix, slowly)
    with pytest.raises(KeyboardInterrupt):
        delivery.deliver(Failing(report_of()), delivered, [suffix])
    assert ended.is_set()
    assert contents(delivered) == before


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
@pytest.mark.parametrize("moves", range(22))
def test_a_failure_at_any_move_leaves_the_old_set_whole(
    delivered: Path, monkeypatch: pytest.MonkeyPatch, moves: int, failure: BaseException
) -> None:
    before = contents(delivered)
    rename, done = Path.rename, []

    def fail(path: Path, target: Path) -> Path:
        done.append(path)
        if len(done) == moves + 1:
            raise failure
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    report = report_of(claims=table_of(tables.CLAIMS, [claim(units=2)]))
    with pytest.raises((CcbillError, KeyboardInterrupt)):
        deliver(report, delivered, ["csv", "parquet"])
    assert contents(delivered) == before


@pytest.mark.parametrize("name", ["claims.xlsx", "balance.csv", "run.json"])
def test_a_failure_while_writing_leaves_the_old_set_whole(
    delivered: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = contents(delivered)
    sync = os.fsync

    def fail(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").resolve().name == name:
            raise OSError(errno.EIO, "secret text")
        sync(handle)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(CcbillError) as caught:
        deliver(report_of(), delivered, ["xlsx", "csv"])
    assert contents(delivered) == before
    assert caught.value.code == Exit.OUTPUT
    assert "secret" not in str(caught.value.messages[0])


@pytest.mark.parametrize("limit", [200, 2_000, 9_000])
@pytest.mark.parametrize("formats", [["xlsx"], ["csv"], ["parquet"]])
def test_a_full_disk_is_said_once_and_changes_nothing(
    delivered: Path, capfd: pytest.CaptureFixture[str], limit: int, formats: list[str]
) -> None:
    before = contents(delivered)
    many = table_of(tables.CLAIMS, [claim(patient_id=f"{n:06}") for n in range(2_000)])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(CcbillError) as caught:
            deliver(report_of(claims=many), delivered, formats)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert contents(delivered) == before
    assert caught.value.code == Exit.OUTPUT
    [message] = caught.value.messages
    assert message.what == "cannot be written: the file is larger than the system permits"
    assert capfd.readouterr().err == ""


def test_a_writer_that_failed_does_not_speak_again_when_it_is_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaints: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)

    def fill(file: Any) -> None:
        archive = zipfile.ZipFile(file, "w")
        archive.writestr("one", b"")
        archive.fp.write(bytes(100_000))
        archive.fp.flush()

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))
    try:
        with pytest.raises(OSError, match="large"), private.create(tmp_path / "x") as file:
            fill(file)
        gc.collect()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert complaints == []


@pytest.mark.parametrize("system", ["does", "refuses", "knows nothing of it"])
def test_a_long_file_goes_to_the_disk_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    part, sent = bytes(range(256)) * 4096, []

    def note(handle: int, start: int, length: int, advice: int) -> None:
        sent.append((os.fstat(handle).st_size >> 20, start, length, advice))
        if system == "refuses":
            raise OSError(errno.EINVAL, "no such advice")

    monkeypatch.setattr(os, "POSIX_FADV_DONTNEED", 4, raising=False)
    monkeypatch.setattr(os, "posix_fadvise", note, raising=False)
    if system == "knows nothing of it":
        monkeypatch.delattr(os, "posix_fadvise")
    with private.create(tmp_path / "long") as file:
        for _ in range(20):
            file.write(part)
        file.seek(3)
        file.write(b"again")
    assert (tmp_path / "long").read_bytes() == part[:3] + b"again" + (part * 20)[8:]
    at = [(size, 0, 0, os.POSIX_FADV_DONTNEED) for size in (8, 16)]
    assert sent == ([] if system == "knows nothing of it" else at)


@pytest.mark.parametrize("new_files", [0, 3])
def test_what_a_killed_run_left_is_put_back_and_removed(
    delivered: Path, monkeypatch: pytest.MonkeyPatch, new_files: int
) -> None:
    before = contents(delivered)
    moves = 2 * 5 + 1 + new_files

    class Killed(BaseException):
        pass

    rename, done = Path.rename, []

    def kill(path: Path, target: Path) -> Path:
        done.append(path)
        if len(done) > moves:
            raise Killed
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", kill)
        patch.setattr(delivery, "_put_back", lambda *_: None)
        with pytest.raises(Killed):
            deliver(report_of(record={"again": 1}), delivered, ["csv", "parquet"])
    assert any(name.startswith(".ccbill-") for name in names(delivered))
    delivery._clear_leftovers(delivered)
    assert contents(delivered) == before


def test_replaced_files_wait_for_whom_they_are_left_to_and_keep_other_runs_away(
    delivered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, left = names(delivered), []
    delivery.deliver(Billed(report_of()), delivered, ["csv"], left.append)
    [stage] = delivered.glob(".ccbill-*.tmp")
    assert names(stage / "old") == before
    monkeypatch.setattr(private, "_PATIENCE", 0.0)
    with pytest.raises(BlockingIOError), private.only_run(delivered):
        pass
    [remove] = left
    remove()
    assert names(delivered) == sorted([*CSV_SET, "run.json"])
    with private.only_run(delivered):
        pass


def test_leftovers_are_removed_and_links_of_that_name_are_not_followed(
    delivered: Path, tmp_path: Path
) -> None:
    (delivered / ".ccbill-dead.tmp" / "new").mkdir(parents=True)
    (delivered / ".ccbill-dead.tmp" / "new" / "claims.csv").write_text("half")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "keep").write_text("keep")
    (delivered / ".ccbill-link.tmp").symlink_to(elsewhere)
    deliver(report_of(), delivered, ["csv"])
    assert names(delivered) == sorted([".ccbill-link.tmp", *CSV_SET, "run.json"])
    assert (elsewhere / "keep").exists()


def test_a_link_or_a_file_is_no_output_directory(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").write_text("keep")
    for name in ("link", "dangling", "file", "file/below"):
        with pytest.raises(CcbillError) as caught:
            deliver(report_of(), tmp_path / name, ["csv"])
        assert caught.value.code == Exit.OUTPUT
    assert names(tmp_path) == ["dangling", "file", "link", "real"]
    assert names(tmp_path / "real") == []


def test_a_link_in_place_of_a_file_is_replaced_and_not_written_through(
    delivered: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("keep")
    (delivered / "claims.csv").unlink()
    (delivered / "claims.csv").symlink_to(victim)
    deliver(report_of(), delivered, ["csv"])
    assert victim.read_text() == "keep"
    assert not (delivered / "claims.csv").is_symlink()


def test_a_directory_in_place_of_a_file_is_refused(out: Path) -> None:
    (out / "claims.csv").mkdir(parents=True)
    (out / "claims.csv" / "keep").write_text("keep")
    with pytest.raises(CcbillError) as caught:
        deliver(report_of(), out, ["csv"])
    assert "is a directory" in caught.value.messages[0].what
    assert list(contents(out)) == ["claims.csv/keep"]


def test_a_run_waits_for_another_that_delivers_there(
    delivered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private, "_PATIENCE", 0.1)
    handle = os.open(delivered, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(CcbillError) as caught:
        deliver(report_of(), delivered, ["csv"])
    os.close(handle)
    assert caught.value.messages[0].what == "cannot be written: another run is writing there"
    deliver(report_of(), delivered, ["csv"])


@pytest.mark.parametrize(
    ("number", "says", "do"),
    [
        (errno.EACCES, "permission denied", "close it where it is open"),
        (errno.ENOSPC, "the disk is full", "make room"),
        (errno.EROFS, "the disk is read-only", "name another directory with --out"),
        (errno.EIO, "input/output error", "name another directory with --out"),
        (None, "the system refused", "name another directory with --out"),
    ],
)
def test_a_refusal_says_what_and_what_to_do(number: int | None, says: str, do: str) -> None:
    error = (
        OSError(number, "text of unknown origin", "/x/claims.xlsx") if number else OSError("text")
    )
    raised = private.output_error(Path("out"), error, delivery.OUR_NAMES)
    [message] = raised.messages
    assert raised.code == Exit.OUTPUT
    assert message.where == ("out/claims.xlsx" if number else "out")
    assert says in message.what
    assert message.fix.startswith(do)
    assert "text" not in str(message)
