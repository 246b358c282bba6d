"""Recorded first, delivered after; what an interrupted run left comes the same to the byte."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from ledgers import Practice, Row, row, write_log

from ccbill.errors import CcbillError, Exit
from ccbill.handover import Redelivered
from ccbill.report import staged
from ccbill.run import Request, run

AUGUST = [row("A1", "100001", "2026-08-03"), row("A2", "100002", "2026-08-05")]
SEPTEMBER = [*AUGUST, row("A3", "100001", "2026-09-07")]

Bill = Callable[..., None]


class Killed(BaseException):
    """As kill -9 would: nothing is tidied up."""


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    (tmp_path / "ccbill.toml").touch()
    return Practice(tmp_path)


@pytest.fixture
def bill(practice: Practice) -> Bill:
    """Runs a log in this process."""

    def bill(rows: list[Row], *, submit: bool = True, out: Path | None = None) -> None:
        write_log(practice.home / "log.csv", rows)
        request = Request(
            [str(practice.home / "log.csv")],
            date(2026, 11, 2),
            out=out or practice.out,
            formats=["csv"],
            config=practice.home / "ccbill.toml",
            ledger=practice.ledger,
            submit=submit,
        )
        run(request)

    return bill


def contents(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}


@pytest.fixture
def wanted(tmp_path: Path) -> dict[str, bytes]:
    """What a run of August that nothing interrupts delivers."""
    other = Practice(tmp_path / "other")
    other.home.mkdir()
    (other.home / "ccbill.toml").touch()
    other.bill(AUGUST, "--submit")
    return contents(other.out)


def kill_at_move(bill: Bill, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Runs August, and kills the run at one of its moves."""
    rename, moves = Path.rename, []

    def move(path: Path, target: Path) -> Path:
        moves.append(path)
        if len(moves) > number:
            raise Killed
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", move)
        patch.setattr(staged, "_back", lambda *_: None)
        with pytest.raises(Killed):
            bill(AUGUST)


@pytest.mark.parametrize("number", [0, 4, 8])
def test_the_next_run_of_the_same_log_delivers_and_does_no_more(
    practice: Practice,
    bill: Bill,
    wanted: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    kill_at_move(bill, monkeypatch, number)
    with pytest.raises(Redelivered) as told:
        bill(AUGUST)
    assert told.value.run == 1
    assert contents(practice.out) == wanted
    assert practice.statuses() == ["submitted"]
    bill(AUGUST)
    assert practice.lines() == []


def test_a_run_of_another_log_waits_until_the_files_are_fetched(
    practice: Practice, bill: Bill, wanted: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_at_move(bill, monkeypatch, 3)
    with pytest.raises(CcbillError) as caught:
        bill(SEPTEMBER)
    assert caught.value.code == Exit.BUSY
    assert contents(practice.out) == wanted
    bill(SEPTEMBER)
    assert [line[1] for line in practice.lines()] == ["new"]


def test_a_run_into_another_folder_goes_on(
    practice: Practice, bill: Bill, wanted: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_at_move(bill, monkeypatch, 3)
    bill(SEPTEMBER, out=practice.home / "september")
    assert contents(practice.out) == wanted
    assert practice.statuses() == ["submitted", "submitted"]


@pytest.mark.parametrize("command", [("runs",), ("verify",), ("submit", "1")])
def test_any_ledger_command_delivers(
    practice: Practice,
    bill: Bill,
    wanted: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    kill_at_move(bill, monkeypatch, 2)
    said = practice.ccbill("ledger", *command).stderr
    assert "run 1 was recorded before and not delivered; its files are in their place" in said
    assert contents(practice.out) == wanted


def test_the_command_line_says_that_the_run_was_recorded_before(
    practice: Practice, bill: Bill, wanted: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_at_move(bill, monkeypatch, 2)
    done = practice.ccbill("run", "log.csv", "--format", "csv", "--submit", "--json")
    assert "run 1 was recorded before" in done.stderr
    assert done.stdout.encode() == wanted["run.json"]


def test_a_failure_before_the_record_leaves_nothing(
    practice: Practice, bill: Bill, monkeypatch: pytest.MonkeyPatch
) -> None:
    bill(AUGUST)
    before = contents(practice.out)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left")

    with monkeypatch.context() as patch:
        patch.setattr("ccbill.report.private.sync", fail)
        with pytest.raises(CcbillError) as caught:
            bill(SEPTEMBER)
    assert caught.value.code == Exit.OUTPUT
    assert contents(practice.out) == before
    assert practice.statuses() == ["submitted"]


def test_a_failure_while_moving_leaves_the_old_set_and_the_new_one_waits(
    practice: Practice, bill: Bill, monkeypatch: pytest.MonkeyPatch
) -> None:
    bill(AUGUST)
    before = contents(practice.out)
    rename, moves = Path.rename, []

    def fail(path: Path, target: Path) -> Path:
        moves.append(path)
        if len(moves) == 4:
            raise OSError(errno.EIO, "secret text")
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        with pytest.raises(CcbillError) as caught:
            bill(SEPTEMBER)
    [message] = caught.value.messages
    assert caught.value.code == Exit.OUTPUT
    assert message.consequence.startswith("Run 2 is in the ledger, and its files wait")
    assert "secret" not in str(message)
    there = {name: text for name, text in contents(practice.out).items() if os.sep not in name}
    assert there == before
    with pytest.raises(Redelivered):
        bill(SEPTEMBER)
    assert [line[1] for line in practice.lines()] == ["new"]


def test_what_was_never_recorded_is_removed_and_another_ledgers_files_are_not(
    practice: Practice, bill: Bill, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        def killed(*_: object) -> None:
            raise Killed

        patch.setattr("ccbill.handover.record", killed)
        patch.setattr(staged, "discard", lambda _: None)
        with pytest.raises(Killed):
            bill(AUGUST)
    [left] = practice.out.iterdir()
    other = practice.out / ".ccbill-00000000-other.run"
    other.mkdir()
    bill(AUGUST)
    assert not left.exists()
    assert other.exists()
    assert practice.lines()[0][1] == "new"
