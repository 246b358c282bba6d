"""A workbook → its cells, read in a process of its own that may not outgrow its limits."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import ccbill
from ccbill.cells.limits import Limits
from ccbill.cells.marks import AGAIN, DAMAGED
from ccbill.errors import CcbillError
from ccbill.intake.sniff import refused

OUT_OF_MEMORY = 12  # how the child leaves where it can still say so
OUT_OF_TIME = -24  # how it leaves where the system counts its seconds of processor time
PATIENCE = 1 if sys.platform == "win32" else 5  # by the clock, where others work too
FOLDER = str(Path(ccbill.__file__).parents[1])


@dataclass(frozen=True, slots=True)
class Cells:
    """One sheet: of each column the distinct texts, the first of them blank, and which of them
    stands in each row. A sheet that was not read has no columns."""

    name: str
    visible: bool
    values: list[list[str]]
    codes: npt.NDArray[np.int32]
    hidden_rows: int
    filtered: bool


def sheets(
    name: str,
    data: bytes,
    kind: str,
    limits: Limits,
    *,
    sheet: str | None = None,
    everything: bool = False,
    alone: bool = False,
) -> list[Cells]:
    """Every sheet of the workbook; read is one of them, or with `everything` each visible one.

    The sheet of a workbook that should stand `alone` cannot be named.

    CcbillError where the workbook cannot be read, or not within its limits.
    """
    seconds, megabytes = limits.of(len(data))
    asked = {
        "format": kind,
        "sheet": sheet,
        "everything": everything,
        "alone": alone,
        "seconds": math.ceil(seconds),
        "megabytes": megabytes,
    }
    done = _done(name, data, asked, seconds)
    head, _, codes = done.stdout.partition(b"\n")
    if done.returncode or not head:
        raise _failed(name, done, seconds, megabytes)
    answer = json.loads(head)
    if "refused" in answer:
        raise refused(name, *answer["refused"])
    return _cells(answer["sheets"], np.frombuffer(codes, np.int32))


def _done(
    name: str, data: bytes, asked: dict[str, Any], seconds: float
) -> subprocess.CompletedProcess[bytes]:
    """The child when it has ended, or been ended because it took too long."""
    try:
        return subprocess.run(
            [sys.executable, "-B", "-P", "-m", "ccbill.cells", json.dumps(asked)],
            input=data,
            capture_output=True,
            timeout=seconds * PATIENCE,
            check=False,
            env=_environment(),
        )
    except subprocess.TimeoutExpired:
        raise _late(name, seconds) from None


def _failed(
    name: str, done: subprocess.CompletedProcess[bytes], seconds: float, megabytes: int
) -> CcbillError:
    """Why the child gave no answer, by how it left and what its library said."""
    if done.returncode == OUT_OF_TIME:
        return _late(name, seconds)
    if done.returncode == OUT_OF_MEMORY or b"memory allocation" in done.stderr:
        what = f"is a workbook that takes more than {megabytes:,} MB of memory to read"
        fix = "delete what stands far below or beside the table, and save it again, or allow more:"
        return refused(name, what, f"{fix} {_more('megabytes', 4 * megabytes)}")
    return refused(name, DAMAGED.what, DAMAGED.fix)


def _late(name: str, seconds: float) -> CcbillError:
    what = f"is a workbook that was not read within {seconds:.0f} seconds"
    return refused(name, what, f"{AGAIN}, or allow more: {_more('seconds', max(60, 4 * seconds))}")


def _more(unit: str, value: float) -> str:
    return f"--workbook-{unit} {value:.0f}, or workbook_{unit} = {value:.0f} under [intake]"


def _environment() -> dict[str, str]:
    """The child finds this ccbill, keeps its memory in one place and its crashes short."""
    paths = [FOLDER, os.environ.get("PYTHONPATH", "")]
    own = {"MALLOC_ARENA_MAX": "1", "RUST_BACKTRACE": "0"}
    return os.environ | own | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _cells(about: list[dict[str, Any]], codes: npt.NDArray[np.int32]) -> list[Cells]:
    found, start = [], 0
    for each in about:
        values, rows = each.get("values", []), each.get("rows", 0)
        end = start + len(values) * rows
        found.append(
            Cells(
                each["name"],
                each["visible"],
                values,
                codes[start:end].reshape(len(values), rows),
                each.get("hidden_rows", 0),
                each.get("filtered", False),
            )
        )
        start = end
    return found
