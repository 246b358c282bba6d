"""Times whole processes in turn, and prints medians, ratios and peak memory as Markdown.

usage: python -m bench [--rows N]… [--runs N] [--table FILE] [--chart FILE.svg]

Every reference script must first give the same claim lines and the same outcome for each activity
as ccbill. Four sets of figures: runs from CSV to CSV, reading alone, workbooks, and start-up.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from bench import exports, growth, same

HERE = Path(__file__).parent
CCBILL = [sys.executable, "-m", "ccbill", "run"]
OPTIONS = ["--quiet", "--today", "2026-11-02"]
NAIVE = "naive pandas script"
SCRIPTS = {"DuckDB script": "sql.py", "Polars script": "lazy.py", NAIVE: "naive.py"}
NAIVE_UP_TO = 1_000_000  # rows; it takes minutes
WORKBOOK_ROWS = 100_000
READING_ROWS = 1_000_000

Command = Sequence[str]


@dataclass(frozen=True, slots=True)
class Taken:
    """Medians of whole processes: seconds, and the peak megabytes of the largest."""

    seconds: float
    megabytes: float


def once(command: Command) -> tuple[float, float]:
    """Seconds and peak megabytes of a whole process, which must succeed."""
    measured = [sys.executable, str(HERE / "measure.py"), *command]
    done = subprocess.run(measured, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"failed: {' '.join(command)}")
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


def in_turn(commands: Mapping[str, Command], runs: int) -> dict[str, Taken]:
    """Each command once, then each a second time, and so on.

    Every other time from the last to the first: none always takes the memory, warm or cold, that
    one and the same command before it has let go.
    """
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    order = [*commands]
    for _ in range(runs):
        for name in order:
            figures[name].append(once(commands[name]))
        order.reverse()
    return {
        name: Taken(statistics.median(s for s, _ in taken), max(mb for _, mb in taken))
        for name, taken in figures.items()
    }


def table(title: str, figures: Mapping[str, Taken], beside: str) -> str:
    """The figures, each with its ratio to the one that is named."""
    base = figures[beside].seconds
    lines = [
        f"| {name} | {taken.seconds:.2f} | {taken.seconds / base:.2f} | {taken.megabytes:,.0f} |"
        for name, taken in figures.items()
    ]
    heading = f"| {title} | seconds | times {beside} | peak MB |\n|---|---:|---:|---:|"
    return "\n".join([heading, *lines])


def from_csv_to_csv(folder: Path, rows: int, runs: int) -> dict[str, Taken]:
    """ccbill beside the references, all on one export; the naive one, with a ledger, and on Dask,
    once each."""
    export, out = folder / f"{rows}.csv", folder / "out"
    exports.export(export, rows)
    to_csv = [*CCBILL, str(export), "--format", "csv", *OPTIONS, "--out", str(out)]
    commands: dict[str, Command] = {"ccbill run": [*to_csv, "--no-ledger"]}
    for name, script in SCRIPTS.items():
        if script != "naive.py" or rows <= NAIVE_UP_TO:
            written = [str(folder / f"{script}.{what}.csv") for what in ("claims", "activities")]
            commands[name] = [sys.executable, str(HERE / script), str(export), *written]
    checked = check(folder, out, commands)
    slow = {name: checked[name] for name in commands if name == NAIVE}
    commands.pop(NAIVE, None)
    reading = f"from pyarrow import csv; csv.read_csv({str(export)!r})"
    commands["pyarrow, reading alone"] = [sys.executable, "-c", reading]
    figures = in_turn(commands, runs)
    figures |= {f"{name}, once": Taken(*taken) for name, taken in slow.items()}
    ledger = folder / f"{rows}.sqlite"
    figures["ccbill run, with a ledger, once"] = Taken(*once([*to_csv, "--ledger", str(ledger)]))
    on_dask = [*to_csv, "--no-ledger", "--engine", "dask"]
    figures["ccbill run --engine dask, once"] = Taken(*once(on_dask))
    return figures


def check(
    folder: Path, out: Path, commands: Mapping[str, Command]
) -> dict[str, tuple[float, float]]:
    """What each took, once every script gives what ccbill gives; this also warms the disk."""
    taken = {name: once(command) for name, command in commands.items()}
    lines, answers = same.of_ccbill(out)
    for name in commands.keys() & SCRIPTS.keys():
        written = [folder / f"{SCRIPTS[name]}.{what}.csv" for what in ("claims", "activities")]
        theirs, their_answers = same.of_script(*written)
        if not (lines.equals(theirs) and answers.equals(their_answers)):
            raise SystemExit(f"the {name} gives another answer than ccbill")
    return taken


def workbooks(folder: Path, runs: int) -> str:
    """An export as a workbook in, workbooks out; and the same claim lines by openpyxl alone."""
    rows = exports.activities(WORKBOOK_ROWS)
    book, lines = folder / "export.xlsx", folder / "lines.parquet"
    write = [sys.executable, str(HERE / "write.py")]
    csv.write_csv(rows, folder / "export.csv")
    once([*write, "export", str(folder / "export.csv"), str(book)])
    out = ["--no-ledger", *OPTIONS, "--out", str(folder / "out")]
    reading = f"from python_calamine import CalamineWorkbook as W; W.from_path({str(book)!r})"
    reading += ".get_sheet_by_index(0).to_python()"
    exceptions = folder / "out" / "exceptions.parquet"
    once([*CCBILL, str(folder / "export.csv"), *out, "--format", "parquet"])
    once([*write, "lines", str(folder / "out" / "claims.parquet"), str(lines)])
    commands: dict[str, Command] = {
        "openpyxl, write-only and unformatted": [*write, "openpyxl", str(lines)],
        "ccbill's writer, formatted": [*write, "ccbill", str(lines), str(folder)],
    }
    written = table(f"{WORKBOOK_ROWS:,} claim lines", in_turn(commands, runs), next(iter(commands)))
    claims = str(folder / "out" / "claims.parquet")
    both = [*write, "both", claims, str(exceptions), str(folder)]
    read_and_write = f"import subprocess; {reading}; subprocess.run({both!r}, check=True)"
    whole: dict[str, Command] = {
        "calamine's read + the writer's write": [sys.executable, "-c", read_and_write],
        "ccbill run, XLSX to XLSX": [*CCBILL, str(book), *out[:-1], str(folder / "books")],
    }
    figures = in_turn(whole, runs)
    return f"{written}\n\n{table(f'{WORKBOOK_ROWS:,} activities', figures, next(iter(whole)))}"


def reading(folder: Path, runs: int) -> str:
    """Reading beside the libraries that read, all in one process; the first is the measure."""
    quoted, bare, book = (folder / name for name in ("quoted.csv", "bare.csv", "export.xlsx"))
    rows = exports.activities(READING_ROWS)
    csv.write_csv(rows, quoted)
    csv.write_csv(rows, bare, csv.WriteOptions(quoting_style="none"))
    command = [sys.executable, str(HERE / "reading.py"), str(runs), *map(str, (quoted, bare, book))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = ["| reading | seconds | of processor time | times the first |\n|---|---:|---:|---:|"]
    for name, readers in json.loads(done.stdout).items():
        _, first = next(iter(readers.values()))
        lines += [
            f"| {name}: {reader} | {seconds:.2f} | {busy:.2f} | {busy / first:.2f} |"
            for reader, (seconds, busy) in readers.items()
        ]
    return "\n".join(lines)


def start_up(folder: Path, runs: int) -> str:
    """What a command costs before it has anything to do."""
    export = folder / "small.csv"
    csv.write_csv(exports.activities(400), export)
    out = ["--no-ledger", *OPTIONS, "--out", str(folder / "small")]
    commands: dict[str, Command] = {
        "import pandas, pyarrow": [sys.executable, "-c", "import pandas, pyarrow"],
        "ccbill --help": [sys.executable, "-m", "ccbill", "--help"],
        "ccbill run, 400 activities": [*CCBILL, str(export), *out],
    }
    return table("start-up", in_turn(commands, runs), next(iter(commands)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, action="append", help="of an export; repeatable")
    parser.add_argument("--runs", type=int, default=5, help="of each command")
    parser.add_argument("--table", type=Path, help="where the figures go as well")
    parser.add_argument("--chart", type=Path, help="where the growth over several sizes is drawn")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = wanted.rows or [100_000, 1_000_000]
        runs = {rows: from_csv_to_csv(folder, rows, wanted.runs) for rows in sizes}
        grown = {n: (f["ccbill run"].seconds, f["ccbill run"].megabytes) for n, f in runs.items()}
        if wanted.chart:
            growth.chart(grown, wanted.chart)
        parts = [
            *(table(f"{n:,} activities, CSV to CSV", f, "DuckDB script") for n, f in runs.items()),
            *([f"Each further million: {growth.slope(grown):.2f} s."] if len(grown) > 1 else []),
            workbooks(folder, wanted.runs),
            reading(folder, wanted.runs),
            start_up(folder, wanted.runs),
        ]
    of = f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, pyarrow {pa.__version__}"
    text = "\n\n".join([*parts, f"Medians of {wanted.runs} runs in turn, whole processes; {of}."])
    print(text)
    if wanted.table:
        wanted.table.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
