"""Times reading alone, in one process and in turn: the libraries that read, and ccbill with them.

usage: python reading.py RUNS FILE…, which prints JSON: by file and reader the median seconds by the
clock and of processor time. ccbill's `table` is the export as checked text (encoding, quotation
marks, ragged rows, row numbers, hash); its `activities` have dates, minutes and words understood.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
from python_calamine import CalamineWorkbook

from ccbill import intake
from ccbill.config import Settings
from ccbill.intake import columns, files

IDENTIFIERS = ("activity_id", "patient_id")  # which nearly every row has its own of

Readers = dict[str, Callable[[], object]]


def of_csv(path: Path) -> Readers:
    """Arrow's reader as it comes, into text, and into distinct texts as ccbill keeps them; ccbill's
    own."""
    names = pa_csv.open_csv(path).schema.names
    text, distinct = pa.string(), pa.dictionary(pa.int32(), pa.string())
    few = {name: text if name in IDENTIFIERS else distinct for name in names}

    def arrow(types: dict[str, pa.DataType]) -> Callable[[], object]:
        return lambda: pa_csv.read_csv(
            path, convert_options=pa_csv.ConvertOptions(column_types=types)
        )

    return {
        "pyarrow, as it comes": lambda: pa_csv.read_csv(path),
        "pyarrow, into distinct texts": arrow(few),
        "pyarrow, into texts": arrow(dict.fromkeys(names, text)),
        **ours(path),
    }


def of_book(path: Path) -> Readers:
    def calamine() -> object:
        return CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()

    return {"calamine": calamine, **ours(path)}


def ours(path: Path) -> Readers:
    settings = Settings()
    wanted = columns.wanted_activities(settings)

    def activities() -> object:
        return intake.read([str(path)], settings, patients=None, staff=None, sheet=None)

    return {
        "ccbill, table": lambda: files.table(str(path), path.name, wanted, None),
        "ccbill, activities": activities,
    }


def in_turn(readers: Readers, runs: int) -> dict[str, list[float]]:
    """Medians of seconds by the clock and of processor time, children's among it."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
    for _ in range(runs + 1):
        for name, reader in readers.items():
            clock, busy = time.perf_counter(), processor()
            reader()
            taken[name].append((time.perf_counter() - clock, processor() - busy))
    return {
        name: [statistics.median(column) for column in zip(*each[1:], strict=True)]
        for name, each in taken.items()
    }


def processor() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> None:
    runs, *paths = sys.argv[1:]
    found = {}
    for path in map(Path, paths):
        readers = of_book(path) if path.suffix == ".xlsx" else of_csv(path)
        found[path.name] = in_turn(readers, int(runs))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
