"""The command line, in a process of its own, as a user's shell would start it."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from multiprocessing.context import ForkServerContext
from pathlib import Path

PRELOADED = ("ccbill.cli", "ccbill.run", "ccbill.report.console", "ccbill.ledger.submit")

Done = subprocess.CompletedProcess[str]


def ccbill(*arguments: str, cwd: Path, **environment: str) -> Done:
    """Runs `ccbill` with an environment that holds no setting of the person at the keyboard.

    The process is the copy of one that has imported everything already, which takes a fifth of
    the time; a setting of Python itself, of the language or of the clock needs a new one.
    """
    keep = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    home = {"HOME": str(cwd), "XDG_CONFIG_HOME": str(cwd / ".config")}
    settings = keep | home | environment
    needs_its_own = any(name.startswith(("PYTHON", "LC_", "LANG", "TZ")) for name in environment)
    if needs_its_own or "forkserver" not in multiprocessing.get_all_start_methods():
        return afresh(*arguments, cwd=cwd, settings=settings)
    return _copied(arguments, cwd, settings)


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


def _copied(arguments: tuple[str, ...], cwd: Path, settings: dict[str, str]) -> Done:
    context: ForkServerContext = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED])
    with tempfile.TemporaryDirectory() as folder:
        streams = [str(Path(folder) / name) for name in ("stdout", "stderr")]
        process = context.Process(target=_main, args=(arguments, str(cwd), settings, streams))
        process.start()
        process.join()
        said = [Path(stream).read_text() for stream in streams]
    return subprocess.CompletedProcess(["ccbill", *arguments], process.exitcode or 0, *said)


def _main(
    arguments: tuple[str, ...], cwd: str, settings: dict[str, str], streams: list[str]
) -> None:
    for number, stream in enumerate(streams, 1):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(settings)
    sys.argv = ["ccbill", *arguments]
    from ccbill import cli  # noqa: PLC0415

    cli.main()
