"""Times one whole `ccbill run` over a made export, and reading it alone in the same session.

usage: python tests/bench.py [ROWS] [RUNS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

KINDS = [
    "care-coordination",
    "care-management-contact",
    "portal-message",
    "documentation",
    "chart-prep",
    "team-conference",
]
PAYERS = ["BCBSM", "BCN", "Priority Health", "Medicaid HMO"]


def export(path: Path, rows: int, seed: int = 1) -> None:
    """A CSV of about eight activities for each patient and month, over three months."""
    chance = np.random.default_rng(seed)
    patient = chance.integers(0, max(rows // 24, 1), rows)
    day = chance.integers(0, 92, rows)
    start = chance.integers(8 * 60, 17 * 60, rows)

    def pick(words: list[str], odds: list[float] | None = None) -> pa.Array:
        return pa.array(np.array(words)[chance.choice(len(words), rows, p=odds)])

    dates = (np.datetime64("2026-08-01") + day).astype(str)
    hours = np.char.add(np.char.zfill((start // 60).astype(str), 2), ":")
    table = pa.table(
        {
            "activity_id": pa.array(np.char.add("A", np.arange(rows).astype(str))),
            "patient_id": pa.array(np.char.add("P", np.char.zfill(patient.astype(str), 7))),
            "payer": pa.array(np.array(PAYERS)[patient % len(PAYERS)]),
            "service_date": pa.array(dates),
            "start_time": pa.array(np.char.add(hours, np.char.zfill((start % 60).astype(str), 2))),
            "minutes": pa.array(chance.integers(2, 25, rows).astype(str)),
            "kind": pick(KINDS, [0.5, 0.2, 0.1, 0.1, 0.05, 0.05]),
            "mode": pick(["phone", "in-person", "video", "portal"], [0.6, 0.2, 0.1, 0.1]),
            "staff_id": pa.array(np.char.add("S", (patient % 200).astype(str))),
            "credential": pick(["RN", "LMSW", "MA", "CHW", "NP", "MD"]),
            "outcome": pick(["reached", "not-reached"]),
            "billing_npi": pick(["1999999984"]),
            "rendering_npi": pick(["1888888883", ""]),
            "place_of_service": pick(["11"]),
        }
    )
    csv.write_csv(table, path)


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds and peak megabytes of a whole process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"failed: {' '.join(command)}")
    return seconds, used.ru_maxrss / 1024


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "activities.csv"
        export(path, rows)
        reading = f"from pyarrow import csv; csv.read_csv({str(path)!r})"
        commands = {
            "ccbill run, CSV to CSV": [
                *(sys.executable, "-m", "ccbill", "run", str(path), "--format", "csv", "--quiet"),
                *("--no-ledger", "--today", "2026-11-02", "--out", f"{folder}/out"),
            ],
            "pyarrow, reading alone": [sys.executable, "-c", reading],
        }
        figures = {
            name: [timed(command) for _ in range(runs)] for name, command in commands.items()
        }
    print(f"{rows:,} activities, median of {runs} runs, whole processes\n")
    print("| what | seconds | peak MB |\n|---|---|---|")
    for name, taken in figures.items():
        seconds = statistics.median(s for s, _ in taken)
        print(f"| {name} | {seconds:.2f} | {max(mb for _, mb in taken):,.0f} |")


if __name__ == "__main__":
    main()
