"""`--engine dask`: the same files to the byte, and a clean end where workers die."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dask.dataframe
import pytest
from command import ccbill
from ledgers import row, write_log
from test_shares import same

from ccbill import __version__, on_dask, shares
from ccbill.errors import CcbillError, Exit
from ccbill.run import Request, run
from ccbill.shares import Share

SUMMARY = ["plan", "patients", "lines", "units", "charge", "expected", "held", "short"]
NOTHING = "Nothing was recorded; earlier output is as it was."


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    write_log(path, [row(f"A{n}", f"P{n % 60}", "2026-03-05") for n in range(300)])
    return path


def test_the_same_files_to_the_byte(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, log: Path
) -> None:
    monkeypatch.setattr(shares, "ROWS", 60)
    for engine in ("local", "dask"):
        asked = Request([str(log)], date(2026, 11, 2), out=tmp_path / engine, engine=engine)
        run(asked)
    same(tmp_path / "local", tmp_path / "dask")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_export_in_parts_as_a_cluster_writes_it(tmp_path: Path, log: Path, kind: str) -> None:
    parts = tmp_path / "parts"
    frame = dask.dataframe.read_csv(str(log), dtype=str, blocksize=4096)
    assert frame.npartitions > 3
    written = {"csv": frame.to_csv, "parquet": frame.to_parquet}[kind]
    written(str(parts), **({"index": False} if kind == "csv" else {"write_index": False}))
    for name, engine in ((log, "local"), (parts, "dask")):
        run(
            Request(
                [str(name)],
                date(2026, 11, 2),
                out=tmp_path / engine,
                formats=["csv"],
                engine=engine,
            )
        )
    lines = [(tmp_path / each / "claims.csv").read_text() for each in ("local", "dask")]
    assert lines[0] == lines[1]


def test_from_the_command_line_beside_another_cluster_nothing_is_left_behind(
    tmp_path: Path, log: Path
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    options = ("--engine", "dask", "--no-ledger", "--today", "2026-11-02")
    with on_dask.started(None):
        done = ccbill("run", log.name, *options, cwd=tmp_path, TMPDIR=str(temporary))
    assert done.returncode == 0
    assert done.stderr.splitlines()[0].split() == SUMMARY
    assert "300 rows read = 300 counted + 0 left out + 0 held" in done.stderr
    assert [*temporary.iterdir()] == []


def _dies_once(share: Share) -> tuple[object, object]:
    """Ends the first worker that is asked, as a system that is out of memory does."""
    marker = Path(os.environ["CCBILL_TEST_DIED"])
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return share.done


def _dies(_share: Share) -> tuple[object, object]:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def _fails(_share: Share) -> tuple[object, object]:
    raise ValueError("P000-SECRET")


def _shares() -> Iterator[Share]:
    for number in range(6):
        yield Share(None, None, (number, 0))


def test_a_share_whose_worker_died_is_decided_by_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CCBILL_TEST_DIED", str(tmp_path / "died"))
    with on_dask.started(None) as engine:
        assert [*engine(_dies_once, _shares())] == [(number, 0) for number in range(6)]
    assert (tmp_path / "died").exists()


def test_a_share_on_which_worker_after_worker_dies_ends_the_run() -> None:
    with on_dask.started(None) as engine, pytest.raises(CcbillError) as raised:
        [*engine(_dies, _shares())]
    assert raised.value.code == Exit.BUSY
    assert str(raised.value) == (
        "--engine dask: 4 workers died on one share of the patients\n"
        f"  {NOTHING}\n"
        "  fix: give the workers more memory, or leave out --engine dask"
    )


def test_a_fault_keeps_its_type_and_place_and_is_not_logged(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with on_dask.started(None) as engine, pytest.raises(ValueError, match="SECRET") as raised:
        [*engine(_fails, _shares())]
    assert raised.traceback[-1].name == "_fails"
    assert "SECRET" not in "".join(capfd.readouterr())


def refusal(*options: str, home: Path) -> str:
    done = ccbill("run", "log.csv", "--no-ledger", *options, cwd=home)
    assert done.returncode == Exit.REFUSED
    return done.stderr


def test_a_scheduler_goes_with_dask_alone(log: Path) -> None:
    assert refusal("--scheduler", "localhost:8786", home=log.parent) == (
        "--scheduler: stands without --engine dask\n"
        "  Nothing was read or written.\n"
        "  fix: add --engine dask\n"
    )


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_dask, "PATIENCE", 0.5)
    with pytest.raises(CcbillError) as raised, on_dask.started("127.0.0.1:9"):
        pass
    assert str(raised.value) == (
        "--scheduler: no Dask scheduler answers there\n"
        f"  {NOTHING}\n"
        "  fix: name one as HOST:PORT, or leave out --scheduler for workers on this machine"
    )


def test_workers_with_another_ccbill_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster  # noqa: PLC0415

    with LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        monkeypatch.setattr(on_dask, "__version__", "0.0.1")
        with pytest.raises(CcbillError) as raised, on_dask.started(cluster.scheduler_address):
            pass
    assert str(raised.value) == (
        f"--scheduler: its workers have ccbill {__version__}\n"
        f"  {NOTHING}\n"
        "  fix: install ccbill 0.0.1 on every worker, and start one at least"
    )


def test_without_dask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CcbillError) as raised, on_dask.started(None):
        pass
    assert raised.value.code == Exit.REFUSED
    assert str(raised.value) == (
        "--engine dask: needs Dask, which is not installed\n"
        f"  {NOTHING}\n"
        "  fix: install it: pip install 'ccbill[dask]', or leave out --engine dask"
    )
