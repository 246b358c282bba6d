"""Signals, full disks and open umasks at every stage of a run: what was there stays, or all is new.

`make sweep` tries every signal at every stage, the ordinary tests a sample.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from command import CANNOT_COPY, Upset, ccbill, upset

from ccbill.ledger import store, verify

pytestmark = pytest.mark.skipif(CANNOT_COPY, reason="this system cannot copy a process")

HEADING = "activity_id,patient_id,payer,service_date,minutes,kind,mode,credential\n"
AUGUST = "A1,100001,BCBSM,2026-08-03,31,care-coordination,phone,RN\n"
SEPTEMBER = "A2,100001,BCBSM,2026-09-03,46,care-coordination,phone,RN\n"
RUN = ("run", "log.csv", "--format", "csv", "--submit")
STAGES = (
    "ccbill.config:load",
    "ccbill.rules.load:plans",
    "ccbill.intake:read",
    "ccbill.handover:finish_before",
    "ccbill.run:billed",
    "ccbill.plausible:asked",
    "ccbill.run:plan_of_rows",
    "ccbill.shares:assign",
    "ccbill.shares:claims",
    "ccbill.shares:hold_unbillable",
    "ccbill.run:settle",
    "ccbill.reported:exceptions",
    "ccbill.reported:near_misses",
    "ccbill.reported:balance",
    "ccbill.report.build:trace",
    "ccbill.report.staged:clear",
    "ccbill.report.staged:stage",
    "ccbill.report.delivery:_write_tables",
    "ccbill.handover:record",
    "ccbill.handover:submit",
    "ccbill.report.staged:finish",
    "ccbill.report.console:summary",
)
ENDS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129, "SIGKILL": -9}
POINTS = [(signal, stage) for signal in ENDS for stage in STAGES]
SWEEP = bool(os.environ.get("CCBILL_SWEEP"))
SAMPLE = POINTS if SWEEP else POINTS[::7]


@pytest.fixture(scope="module")
def billed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A practice that has billed August, and has September's log."""
    home = tmp_path_factory.mktemp("billed")
    (home / "log.csv").write_text(HEADING + AUGUST)
    must(home)
    (home / "log.csv").write_text(HEADING + AUGUST + SEPTEMBER)
    return home


@pytest.fixture(scope="module")
def done(billed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same practice after a run that nothing befell."""
    home = shutil.copytree(billed, tmp_path_factory.mktemp("done") / "home")
    must(home)
    return home


@pytest.fixture
def home(billed: Path, tmp_path: Path) -> Path:
    return shutil.copytree(billed, tmp_path / "home")


def must(home: Path) -> None:
    run = ccbill(*RUN, cwd=home, **settings(home))
    assert run.returncode == 0, run.stderr


def settings(home: Path) -> dict[str, str]:
    return {"CCBILL_LEDGER": str(home / "ledger.sqlite"), "CCBILL_TODAY": "2026-10-02"}


def output(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (home / "ccbill-out").glob("[!.]*")}


@pytest.mark.parametrize(("signal", "stage"), SAMPLE)
def test_a_signal_leaves_what_was_there_or_all_that_is_new(
    home: Path, billed: Path, done: Path, signal: str, stage: str
) -> None:
    stopped = upset(*RUN, cwd=home, by=Upset(stage, sends=signal), **settings(home))
    assert stopped.returncode == ENDS[signal]
    assert 0 < stopped.seconds < 2
    if signal != "SIGKILL":
        assert stopped.stderr.splitlines()[-1].startswith("ccbill: stopped")
        assert "Traceback" not in stopped.stderr
    assert output(home) in (output(billed), output(done))
    must(home)
    assert output(home)["claims.csv"] in (output(done)["claims.csv"], nothing_new(home, done))
    assert not list((home / "ccbill-out").glob(".*"))
    with store.opened(home / "ledger.sqlite") as ledger:
        assert list(verify.differences(ledger)) == []
        [[lines]] = ledger.db.execute("SELECT count(*) FROM live").fetchall()
    assert lines == 2


def nothing_new(home: Path, done: Path) -> bytes:
    """The claims of a run that came after one that was complete: only their heading."""
    again = shutil.copytree(done, home.parent / "again")
    must(again)
    return output(again)["claims.csv"]


@pytest.mark.parametrize("stage", STAGES if SWEEP else STAGES[::5])
@pytest.mark.parametrize("how", ["SIGKILL", "fails"])
def test_nobody_else_can_read_what_a_run_leaves_under_an_open_umask(
    tmp_path: Path, stage: str, how: str
) -> None:
    (tmp_path / "log.csv").write_text(HEADING + AUGUST)
    by = Upset(stage, sends="SIGKILL") if how == "SIGKILL" else Upset(stage, says="")
    upset(*RUN, "--format", "xlsx", cwd=tmp_path, by=by, umask=0, **settings(tmp_path))
    assert open_to_others(tmp_path) == []
    whole = upset(*RUN, "--format", "xlsx", cwd=tmp_path, umask=0, **settings(tmp_path))
    assert whole.returncode == 0
    assert (tmp_path / "ccbill-out/claims.xlsx").exists()
    assert open_to_others(tmp_path) == []


def open_to_others(home: Path) -> list[str]:
    """Output and ledger files that somebody else may read, or folders that they may enter."""
    return [
        str(path.relative_to(home))
        for path in home.rglob("*")
        if path.name != "log.csv" and stat.S_IMODE(path.lstat().st_mode) & 0o077
    ]


@pytest.mark.parametrize("size", [600, 5_000, 50_000])
def test_a_full_disk_is_told_once_and_leaves_what_was_there(
    home: Path, billed: Path, done: Path, size: int
) -> None:
    full = upset(*RUN, cwd=home, biggest_file=size, **settings(home))
    assert full.returncode in (0, 4)
    assert "Traceback" not in full.stderr
    assert output(home) == output(done if full.returncode == 0 else billed)
    must(home)
    assert output(home)["claims.csv"] in (output(done)["claims.csv"], nothing_new(home, done))
