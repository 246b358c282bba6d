"""The real command line, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def ccbill(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs `ccbill` with an environment that holds no setting of the person at the keyboard."""
    keep = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    home = {"HOME": str(cwd), "XDG_CONFIG_HOME": str(cwd / ".config")}
    return subprocess.run(
        [sys.executable, "-m", "ccbill", *arguments],
        cwd=cwd,
        env=keep | home | environment,
        capture_output=True,
        text=True,
        check=False,
    )
