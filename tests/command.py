"""The command line, in a process of its own, as a user's shell would start it."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

PRELOADED = ("ccbill.cli", "ccbill.run", "ccbill.report.console", "ccbill.ledger.submit")
CANNOT_COPY = "forkserver" not in multiprocessing.get_all_start_methods()

Done = subprocess.CompletedProcess[str]
SIGNALLED = "signalled"  # the file that says when, on the clock that all processes share


class Ended(Done):
    """What a command gave back; `seconds` went by from the first signal to its end."""

    seconds = 0.0


@dataclass(frozen=True, slots=True)
class Upset:
    """What befalls the process as it enters a function, `module:name`.

    It raises ValueError with the text `says`, or sends itself the signal `sends`.
    """

    at: str
    says: str = ""
    sends: str = ""


def ccbill(*arguments: str, cwd: Path, **environment: str) -> Done:
    """Runs `ccbill` with an environment that holds no setting of the person at the keyboard.

    The process is the copy of one that has imported everything already, which takes half the
    time; a setting of Python itself, of the language or of the clock needs a new one.
    """
    settings = _settings(cwd, environment)
    needs_its_own = any(name.startswith(("PYTHON", "LC_", "LANG", "TZ")) for name in environment)
    if needs_its_own or CANNOT_COPY:
        return afresh(*arguments, cwd=cwd, settings=settings)
    return upset(*arguments, cwd=cwd, **environment)


def afresh(*arguments: str, cwd: Path, settings: dict[str, str]) -> Done:
    """`python -m ccbill` with these settings and no others."""
    return subprocess.run(
        [sys.executable, "-m", "ccbill", *arguments],
        cwd=cwd,
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )


def upset(
    *arguments: str,
    cwd: Path,
    by: Upset | None = None,
    umask: int = 0o022,
    biggest_file: int | None = None,
    cores: bool = False,
    terminal: bool = False,
    **environment: str,
) -> Ended:
    """`ccbill` in a copied process that something befalls, or whose disk takes no file so big.

    With `cores` the system would write the memory of a process that it kills to a file.

    On a terminal, what was said there is all in `stdout`.
    """
    context: ForkServerContext = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED])
    settings = _settings(cwd, environment)
    with tempfile.TemporaryDirectory() as folder, _Screen(terminal) as screen:
        streams = [screen.path or str(Path(folder) / name) for name in ("stdout", "stderr")]
        signalled = Path(folder) / SIGNALLED
        given = (arguments, str(cwd), settings, streams, by, umask, biggest_file, cores, signalled)
        process = context.Process(target=_main, args=given)
        process.start()
        process.join()
        now = time.monotonic()
        since = float(signalled.read_text()) if signalled.exists() else now
        said = [Path(stream).read_text() for stream in streams if not screen.path]
    code = process.exitcode or 0
    ended = Ended(["ccbill", *arguments], code, *(said or [screen.said(), ""]))
    ended.seconds = now - since
    return ended


def _settings(cwd: Path, environment: dict[str, str]) -> dict[str, str]:
    keep = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    home = {"HOME": str(cwd), "XDG_CONFIG_HOME": str(cwd / ".config")}
    return keep | home | environment


class _Screen:
    """A terminal that is read while somebody writes to it, or none."""

    def __init__(self, wanted: bool) -> None:
        self.path = ""
        self._ends = os.openpty() if wanted else ()
        self._heard = bytearray()
        self._reader = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> _Screen:
        if self._ends:
            self.path = os.ttyname(self._ends[1])
            self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._ends:
            os.close(self._ends[1])
            self._reader.join(5)
            os.close(self._ends[0])

    def _listen(self) -> None:
        try:
            while heard := os.read(self._ends[0], 65536):
                self._heard += heard
        except OSError:  # nobody holds the other end any more
            return

    def said(self) -> str:
        return self._heard.decode()


def _main(
    arguments: tuple[str, ...],
    cwd: str,
    settings: dict[str, str],
    streams: list[str],
    by: Upset | None,
    umask: int,
    biggest_file: int | None,
    cores: bool,
    signalled: Path,
) -> None:
    for number, stream in enumerate(streams, 1):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    os.chdir(cwd)
    os.umask(umask)
    os.environ.clear()
    os.environ.update(settings)
    tempfile.tempdir = None
    sys.argv = ["ccbill", *arguments]
    if by is not None:
        _befall(by, signalled)
    if biggest_file is not None or cores:
        _limit(biggest_file, cores=cores)
    from ccbill import cli  # noqa: PLC0415

    cli.main()


def _limit(biggest_file: int | None, *, cores: bool) -> None:
    import resource  # noqa: PLC0415  (not on every system)

    if biggest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (biggest_file, biggest_file))
    if cores:
        most = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))


def _befall(by: Upset, signalled: Path) -> None:
    module, name = by.at.split(":")
    usual = getattr(importlib.import_module(module), name)

    def unusual(*given: Any, **named: Any) -> Any:
        if by.sends:
            if not signalled.exists():
                signalled.write_text(str(time.monotonic()))
            os.kill(os.getpid(), signal.Signals[by.sends])
            time.sleep(0.01)  # the signal is answered between two lines of Python
            return usual(*given, **named)
        raise ValueError(by.says)

    setattr(importlib.import_module(module), name, unusual)
