"""No command opens a socket of the network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed: no call was watched"
)

SAMPLE = Path(__file__).parent.parent / "sample_data"
LOG = str(SAMPLE / "activities.csv")
WITH = ("--patients", str(SAMPLE / "patients.csv"), "--config", str(SAMPLE / "ccbill.toml"))
COMMANDS = (
    ("run", LOG, *WITH, "--format", "xlsx", "--format", "csv", "--format", "parquet"),
    ("run", "ccbill-out/claims.xlsx"),
    ("check", LOG, *WITH),
    ("init", LOG, "--out", "made.toml"),
    ("template", "template.xlsx"),
    ("explain", "900001", LOG, *WITH),
    ("rules", "check"),
    ("ledger", "runs"),
    ("ledger", "submit", "1"),
    ("ledger", "verify"),
    ("ledger", "export", "history.csv"),
    ("bug-report",),
    ("--help",),
)


def test_no_command_opens_a_socket_of_the_network(tmp_path: Path) -> None:
    settings = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CCBILL_TODAY": "2026-11-02"}
    for number, command in enumerate(COMMANDS):
        trace = tmp_path / f"{number}.trace"
        watch = ("strace", "-f", "-qq", "-e", "trace=network", "-o", str(trace))
        done = subprocess.run(
            [*watch, sys.executable, "-m", "ccbill", *command],
            cwd=tmp_path,
            env=settings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 3), (command, done.stderr)
        assert re.findall(r"AF_INET6?|AF_PACKET", trace.read_text()) == [], command
