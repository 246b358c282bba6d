"""What a fault's report may say: versions, names of settings, counts and row numbers, no patient.

Only words of ccbill's own are told: of a configuration the keys that it knows, of a run the
problems, of a file its number among the inputs.
"""

from __future__ import annotations

import json
import platform
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from ccbill import __version__, config
from ccbill.errors import CcbillError, counted
from ccbill.explain import kept
from ccbill.ledger import store
from ccbill.problems import PROBLEMS

SHOWN = 20  # row numbers of a problem
ABOUT_INPUT = ("role", "format", "encoding", "rows")
COUNTS = ("rows_read", "counted", "left-out", "held", "claims", "lines", "units")


def lines(ledger: Path | None, settings: Path | None, folder: Path) -> Iterator[str]:
    """The report, line by line: of the ledger's last run, else of the run.json in `folder`.

    What cannot be read is said to be so; nothing is changed.
    """
    yield from _versions()
    yield from _configuration(config.file_of(settings))
    path = store.chosen_path(ledger, _ledger_of(settings))
    told = None
    try:
        with store.opened(path, make=False) as found:
            [runs] = found.db.execute("SELECT count(*) FROM runs").fetchone()
            [version] = found.db.execute("PRAGMA user_version").fetchone()
            yield f"ledger {path.name}: version {version}, {counted(runs, 'run')}"
            told = _last_run(found)
    except CcbillError as error:
        yield f"ledger {path.name}: refused with exit {int(error.code)}"
    yield from told or _written_run(folder)


def _versions() -> Iterator[str]:
    yield f"ccbill {__version__}"
    yield f"python {platform.python_version()}"
    yield f"system {platform.system()} {platform.release()} {platform.machine()}"
    try:
        wanted = metadata.requires("ccbill") or []
    except metadata.PackageNotFoundError:
        wanted = []
    for name in sorted(re.split(r"[^\w.-]", each)[0] for each in wanted if "extra ==" not in each):
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            yield f"{name} is not installed"


def _configuration(file: Path | None) -> Iterator[str]:
    """The keys that a configuration uses; words of the practice's own are counted only."""
    if file is None:
        yield "configuration: none"
        return
    yield f"configuration {file.name}"
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        yield "  cannot be read"
        return
    known = config.schema()
    for section in [name for name in known if isinstance(table.get(name), dict)]:
        keys, expected = table[section], known[section]
        if isinstance(expected, dict):
            yield f"  [{section}] {', '.join(sorted(keys.keys() & expected.keys()))}"
        else:
            yield f"  [{section}] {counted(len(keys), 'word')} of the practice's own"
    unknown = len(table.keys() - known.keys())
    if unknown:
        yield f"  {counted(unknown, 'section')} that ccbill does not know"


def _ledger_of(settings: Path | None) -> Path | None:
    try:
        return config.load(settings).ledger_path
    except CcbillError:
        return None


def _last_run(ledger: store.Ledger) -> list[str]:
    """What the ledger keeps of its last run over exports; nothing where there is none."""
    try:
        run = kept.run_of(ledger, None)
    except CcbillError:
        return []
    table = run.rows(["file", "row", "decided_outcome", "decided_problem"]).to_pandas()
    held = table[(table["decided_outcome"] == "held").to_numpy(bool)]
    names = [each["name"] for each in run.record["inputs"]]
    return [f"last run {run.number}, in the ledger", *_record(run.record), *_rows(held, names)]


def _rows(held: pd.DataFrame, names: list[str]) -> Iterator[str]:
    """The held rows' numbers by problem and input."""
    problem = held["decided_problem"].astype(str)
    by = held.groupby([problem, "file"], observed=True)["row"]
    for (name, file), rows in by:
        first = ", ".join(str(row) for row in sorted(rows)[:SHOWN])
        more = ", …" if len(rows) > SHOWN else ""
        number = names.index(str(file)) + 1
        yield f"  {name}: {counted(len(rows), 'row')} of input {number}: {first}{more}"


def _written_run(folder: Path) -> Iterator[str]:
    """What a folder's run.json says of the run that wrote it."""
    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        yield from ["last run, in run.json", *_record(record), *_held(record["held_by_problem"])]
    except OSError:
        yield "last run: none found"
    except (ValueError, KeyError, TypeError, AttributeError):
        yield "last run: its run.json cannot be read"


def _held(counts: Mapping[str, Any]) -> Iterator[str]:
    for problem in sorted(counts.keys() & PROBLEMS.keys()):
        yield f"  {problem}: {counted(int(counts[problem]), 'row')}"


def _record(record: Mapping[str, Any]) -> list[str]:
    """The counts of a run, and what its inputs were, without their names."""
    inputs: Iterable[Mapping[str, Any]] = record["inputs"]
    told = [
        f"  input {number}: "
        + ", ".join(f"{name} {each[name]}" for name in ABOUT_INPUT if each.get(name) is not None)
        for number, each in enumerate(inputs, 1)
    ]
    counts = record["counts"]
    numbers = ", ".join(f"{name} {int(counts[name]):,}" for name in COUNTS if name in counts)
    return [*told, f"  {numbers}"]
