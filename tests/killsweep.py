"""Kills ccbill, or fails its disk, at every system call that writes, and looks at what is left.

usage: python tests/killsweep.py [COMMAND…] [--how kill|fault] [--part K/N]

A tiny practice has billed August. September comes with rows of August that were late, so that one
claim is new and one is replaced. The command is stopped at one system call, by kill -9 or by an
error of the disk, and then simply given again. Of the commands that write workbooks every eighth
point is tried; `--part 2/4` tries the second quarter of what would be tried. Needs strace.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ccbill.ledger import store, verify

CALLS = (
    *("write", "pwrite64", "fsync", "fdatasync", "rename", "renameat2", "unlink", "unlinkat"),
    "ftruncate",
)
HEADING = "activity_id,patient_id,payer,service_date,minutes,kind,mode,credential\n"
AUGUST = "A1,100001,BCBSM,2026-08-03,31,care-coordination,phone,RN\n"
LATE = (
    "A2,100001,BCBSM,2026-08-20,46,care-coordination,phone,RN\n"
    "A3,100002,BCBSM,2026-09-03,12,care-management-contact,phone,RN\n"
)
COMMANDS = {
    "run": ("run", "log.csv", "--format", "csv"),
    "run --submit": ("run", "log.csv", "--format", "csv", "--submit"),
    "submit": ("ledger", "submit", "2"),
    "run, workbooks": ("run", "log.csv"),
    "run --submit, workbooks": ("run", "log.csv", "--submit"),
}
WHOLE = ("run", "run --submit", "submit")  # the others have many writes alike, and are sampled
STRACE = ("strace", "-f", "--seccomp-bpf", "-qq")
Lines = Counter[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Point:
    """Where and how a command is stopped: at the n-th such call, by a signal or an error."""

    command: str
    call: str
    number: int
    how: str  # signal=SIGKILL | error=ENOSPC | error=EIO


@dataclass(frozen=True, slots=True)
class Practice:
    """What is there before the command, and what a command that nothing stops makes of it.

    That is looked at once: points are tried at the same time, and who looks into a ledger has
    SQLite's own files beside it meanwhile.
    """

    before: Path
    calls: dict[str, int]
    claims: Lines | None
    standing: Lines
    names: frozenset[str]


def environment(home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CCBILL_LEDGER": str(home / "ledger.sqlite"),
        "CCBILL_TODAY": "2026-11-02",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }


def give(home: Path, arguments: Sequence[str], *under: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*under, sys.executable, "-m", "ccbill", *arguments],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )


def must(home: Path, *arguments: str) -> None:
    done = give(home, arguments)
    assert done.returncode == 0, done.stderr


def prepare(folder: Path, command: str) -> Practice:
    """August is submitted; for `submit`, the run of September is a draft."""
    before, after = folder / "before", folder / "after"
    before.mkdir(parents=True)
    (before / "log.csv").write_text(HEADING + AUGUST)
    must(before, "run", "log.csv", "--format", "csv", "--submit")
    (before / "log.csv").write_text(HEADING + AUGUST + LATE)
    if command == "submit":
        must(before, "run", "log.csv", "--format", "csv")
    shutil.copytree(before, after)
    trace = folder / "trace"
    wanted = f"trace={','.join(CALLS)}"
    done = give(after, COMMANDS[command], *STRACE, "-o", str(trace), "-e", wanted)
    assert done.returncode == 0, done.stderr
    found = re.findall(r"^\d+ +(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE)
    calls = dict(Counter(found))
    return Practice(before, calls, claims(after / "ccbill-out"), standing(after), names(after))


def points(command: str, practice: Practice, hows: Sequence[str]) -> Iterator[Point]:
    for call, count in practice.calls.items():
        for number in range(1, count + 1):
            for how in hows:
                if how != "error=ENOSPC" or not call.startswith(("unlink", "f")):
                    yield Point(command, call, number, how)


def claims(out: Path) -> Lines | None:
    """The claim lines that stand in a folder, None where no whole file does."""
    if (out / "claims.csv").exists():
        with (out / "claims.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    elif (out / "claims.xlsx").exists():
        import python_calamine  # noqa: PLC0415

        book = python_calamine.CalamineWorkbook.from_path(str(out / "claims.xlsx"))
        heading, *cells = book.get_sheet_by_name("Claims").to_python()
        rows = [dict(zip(map(str, heading), map(str, row), strict=True)) for row in cells]
    else:
        return None
    names = ("claim_id", "frequency_code", "code")
    return Counter((*(r[n] for n in names), str(int(float(r["units"])))) for r in rows)


def standing(home: Path) -> Lines:
    """The lines that the ledger says were submitted and stand."""
    with closing(sqlite3.connect(home / "ledger.sqlite")) as db:
        rows = db.execute(
            "SELECT l.claim_id, l.code, l.units FROM live v JOIN lines l USING (run, n)"
        ).fetchall()
    return Counter((claim, code, str(units)) for claim, code, units in rows)


def violations(point: Point, practice: Practice, home: Path) -> list[str]:
    """What is wrong after the command was stopped at the point, and given again."""
    shutil.copytree(practice.before, home)
    inject = f"inject={point.call}:{point.how}:when={point.number}"
    under = (*STRACE, "-o", "/dev/null", "-e", f"trace={point.call}", "-e", inject)
    first = give(home, COMMANDS[point.command], *under)
    wanted = practice.claims
    found = [] if "Traceback" not in first.stderr else ["traceback"]
    try:
        stopped = claims(home / "ccbill-out")
    except Exception:  # whatever a reader says of half a file
        stopped, found = None, [*found, "torn"]
    if first.returncode == 0 and point.command != "submit" and stopped != wanted:
        found.append("exit 0 without the claims")
    again = give(home, COMMANDS[point.command])
    if again.returncode != 0:
        found.append(f"again: exit {again.returncode}")
    delivered = claims(home / "ccbill-out")
    if delivered != wanted and not (stopped == wanted and delivered == Counter()):
        found.append("lost")
    if "--submit" in point.command or point.command == "submit":
        found += ["not what was submitted"] * (standing(home) != practice.standing)
    else:
        must(home, "ledger", "submit", str(latest(home)))
        expected = Counter({(c, code, units) for c, _, code, units in wanted or ()})
        found += ["not what was submitted"] * (standing(home) != expected)
    return found + left_behind(home, practice)


def latest(home: Path) -> int:
    with closing(sqlite3.connect(home / "ledger.sqlite")) as db:
        return int(db.execute("SELECT max(run) FROM runs").fetchone()[0])


def names(home: Path) -> frozenset[str]:
    """The files of a practice and of its output."""
    found = (*home.iterdir(), *(home / "ccbill-out").rglob("*"))
    return frozenset(str(path.relative_to(home)) for path in found)


def left_behind(home: Path, practice: Practice) -> list[str]:
    """Names that do not belong there, and a ledger that does not verify."""
    with store.opened(home / "ledger.sqlite") as ledger:
        found = [f"ledger: {what}" for _, what in verify.differences(ledger)]
        [waiting] = ledger.db.execute("SELECT count(*) FROM deliveries").fetchone()
    found += ["undelivered"] * bool(waiting)
    return found + [f"left: {name}" for name in sorted(names(home) ^ practice.names)]


def spread(found: Sequence[Point], most: int) -> list[Point]:
    """So many of the points, at even distances; always the same ones."""
    step = max(len(found) / most, 1)
    return [found[int((n + 0.5) * step)] for n in range(min(most, len(found)))]


Choice = Callable[[list[Point]], list[Point]]


def sweep(command: str, hows: Sequence[str], choice: Choice) -> tuple[int, dict[Point, list[str]]]:
    """How many points were tried, and those where something is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        practice = prepare(Path(folder), command)
        chosen = choice(list(points(command, practice, hows)))

        def attempt(numbered: tuple[int, Point]) -> list[str]:
            number, point = numbered
            home = Path(folder) / f"p{number}"
            try:
                return violations(point, practice, home)
            finally:
                shutil.rmtree(home, ignore_errors=True)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            told = list(pool.map(attempt, enumerate(chosen)))
    return len(chosen), {p: wrong for p, wrong in zip(chosen, told, strict=True) if wrong}


def whole(command: str, part: int = 1, parts: int = 1) -> Choice:
    """The points that are to be tried of the command in all, or one part of them."""
    every = 1 if command in WHOLE else 8
    return lambda found: found[every // 2 :: every][part - 1 :: parts]


KILLS, FAULTS = ("signal=SIGKILL",), ("error=ENOSPC", "error=EIO")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", nargs="*", choices=[[], *COMMANDS], metavar="COMMAND")
    parser.add_argument("--how", choices=["kill", "fault"], action="append")
    parser.add_argument("--part", default="1/1", metavar="K/N")
    told = parser.parse_args()
    part, parts = map(int, told.part.split("/"))
    bad = 0
    for command in told.command or COMMANDS:
        for how in told.how or ("kill", "fault"):
            hows = KILLS if how == "kill" else FAULTS
            tried, wrong = sweep(command, hows, whole(command, part, parts))
            bad += len(wrong)
            print(f"{command}: {tried} points of {', '.join(hows)}: {len(wrong)} with violations")
            for point, what in wrong.items():
                print(f"  {point.call} {point.number} {point.how}: {'; '.join(what)}")
            sys.stdout.flush()
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
