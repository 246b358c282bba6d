"""Nothing about a patient leaves ccbill but in the output, the ledger and what explain prints.

A practice whose only patient is known by words that occur nowhere else runs every command, well
and badly; then everything that was said and every file that was left is searched for those words.
`make sweep` runs all of it, the ordinary tests a sample.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import CANNOT_COPY, Upset, upset

pytestmark = pytest.mark.skipif(CANNOT_COPY, reason="this system cannot copy a process")

WORDS = {
    "patient_id": "QX77ZEBRAFISH",
    "last_name": "Wolverhampton-Kestrel",
    "first_name": "Peregrina",
    "birth_date": "1931-07-23",
    "address": "5550199 Marmalade",
    "note": "spoke of the tangerine umbrella",
}
SEEN_AS = (*WORDS.values(), "7/23/1931", "07/23/1931", "1931-7-23", "zebrafish", "Wolverhampton")
HEADINGS = (
    *("activity_id", "patient_id", "payer", "service_date", "minutes", "kind", "mode"),
    *("credential", "last_name", "first_name", "birth_date", "address", "note", "billing_npi"),
    *("diagnosis_codes", "outcome"),
)
USUAL = {
    "payer": "BCBSM",
    "service_date": "2026-10-05",
    "minutes": "31",
    "kind": "care-coordination",
    "mode": "phone",
    "credential": "RN",
    "billing_npi": "1999999984",
    "diagnosis_codes": "E11.9",
    "outcome": "reached",
}
STAGES = (
    *("ccbill.intake:read", "ccbill.rules.load:plans", "ccbill.run:plan_of_rows"),
    *(
        "ccbill.shares:assign",
        "ccbill.shares:claims",
        "ccbill.run:settle",
        "ccbill.reported:exceptions",
    ),
    *("ccbill.reported:near_misses", "ccbill.reported:balance", "ccbill.report.build:trace"),
    *("ccbill.handover:record", "ccbill.handover:submit", "ccbill.report.staged:stage"),
    *("ccbill.report.staged:finish", "ccbill.report.console:summary"),
)
RUN = ("run", "log.csv", "--format", "csv", "--format", "xlsx", "--submit")
COMMANDS = {
    "run": RUN,
    "run without a ledger": ("run", "log.csv", "--no-ledger", "--format", "csv"),
    "dry run": ("run", "log.csv", "--dry-run"),
    "check": ("check", "log.csv"),
    "structure": ("check", "--structure", "log.csv"),
    "init": ("init", "log.csv"),
    "explain": ("explain", WORDS["patient_id"], "log.csv", "--month", "2026-10"),
    "explain nobody": ("explain", WORDS["patient_id"] + "9", "log.csv"),
    "ledger runs": ("ledger", "runs"),
    "ledger show": ("ledger", "show", "1"),
    "ledger submit": ("ledger", "submit", "1"),
    "ledger void": ("ledger", "void", "1"),
    "ledger reject": ("ledger", "reject", "1"),
    "ledger history": ("ledger", "history", WORDS["patient_id"]),
    "ledger history of nobody": ("ledger", "history", WORDS["patient_id"] + "9"),
    "ledger verify": ("ledger", "verify"),
    "ledger import": ("ledger", "import", "log.csv"),
    "ledger merge": ("ledger", "merge", WORDS["patient_id"], WORDS["patient_id"] + "9"),
    "bug-report": ("bug-report",),
    "rules check": ("rules", "check"),
}
PRINTS_PATIENTS = {"explain", "ledger show", "ledger history"}  # to standard output, as asked
TAKES_JSON = {
    *("run", "run without a ledger", "dry run", "check", "ledger runs", "ledger show"),
    *("ledger verify", "explain", "ledger history"),
}
SHOWN = {"payer", "kind", "mode", "credential"}  # a cell of these may be shown, shortened
TAKES_DEBUG = {"run", "run without a ledger", "dry run"}


@dataclass(frozen=True, slots=True)
class Case:
    """One command under one circumstance; the log's last row may be spoilt in one column."""

    command: str
    form: str = "plain"  # plain | terminal | json | debug
    spoilt: str = ""
    missing: str = ""
    corrupt: bool = False
    upset: Upset | None = None
    full_after: int | None = None  # bytes that the disk takes of one file

    def __str__(self) -> str:
        told = [self.command, self.form]
        told += [f"bad {self.spoilt}"] * bool(self.spoilt)
        told += [f"no {self.missing}"] * bool(self.missing)
        told += ["corrupt"] * self.corrupt
        told += [f"full at {self.full_after}"] * (self.full_after is not None)
        if self.upset:
            told += [self.upset.at, self.upset.sends or "fails"]
        return " ".join(told)


def forms(command: str) -> Iterator[str]:
    yield from ("plain", "terminal")
    if command in TAKES_JSON:
        yield "json"
    if command in TAKES_DEBUG:
        yield "debug"


def cases() -> Iterator[Case]:
    for command in COMMANDS:
        for form in forms(command):
            yield Case(command, form)
    words = " and ".join(SEEN_AS)
    for form in ("plain", "terminal", "json", "debug"):
        for column in HEADINGS:
            yield Case("run", form, spoilt=column)
        for stage in STAGES:
            yield Case("run", form, upset=Upset(stage, says=words))
        for column in ("patient_id", "service_date", "kind", "payer"):
            yield Case("run", form, missing=column)
        yield Case("run", form, corrupt=True)
        for size in (0, 2000, 40000):
            yield Case("run", form, full_after=size)
    for stage in STAGES:
        yield Case("run", upset=Upset(stage, sends="SIGKILL"))
        yield Case("run", upset=Upset(stage, sends="SIGTERM"))
    for command in ("check", "init", "explain", "structure"):
        for column in HEADINGS:
            yield Case(command, spoilt=column)
        yield Case(command, corrupt=True)
        yield Case(command, missing="patient_id")


CASES = list(cases())
SWEEP = bool(os.environ.get("CCBILL_SWEEP"))


def prepare(home: Path, case: Case) -> None:
    """A log of one patient, and a ledger with a draft of September for what reads one."""
    row = USUAL | WORDS
    lines = [
        row | {"activity_id": f"A{n}", "service_date": f"2026-{month}-0{n}"}
        for month in ("09", "10")
        for n in range(1, 6)
    ]
    if case.spoilt:
        bad = "no such word" if case.spoilt in SHOWN else " ".join(WORDS.values())
        lines[-1] = lines[-1] | {case.spoilt: bad}
    headings = [name for name in HEADINGS if name != case.missing]
    text = "\n".join([",".join(headings), *(",".join(r[h] for h in headings) for r in lines)])
    (home / "log.csv").write_text(text + "\n")
    if case.command.startswith("ledger"):
        done = upset("run", "log.csv", "--month", "2026-09", cwd=home, CCBILL_TODAY="2026-10-02")
        assert done.returncode == 0, done.stderr
    if case.corrupt:
        (home / "log.csv").write_bytes(b"PK\x03\x04" + text.encode())


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 200


@pytest.mark.parametrize("case", CASES if SWEEP else CASES[::12], ids=str)
def test_no_word_of_the_patient_gets_out(tmp_path: Path, case: Case) -> None:
    prepare(tmp_path, case)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    extra = {"json": ("--json",), "debug": ("--debug",)}.get(case.form, ())
    done = upset(
        *(*COMMANDS[case.command], *extra),
        cwd=tmp_path,
        by=case.upset,
        biggest_file=case.full_after,
        terminal=case.form == "terminal",
        TMPDIR=str(temporary),
        CCBILL_TODAY="2026-11-02",
    )
    assert done.returncode in (0, 1, 2, 3, 4, 70, 75, 143, -9)
    if case.command not in PRINTS_PATIENTS:
        assert found_in(done.stdout) == []
    assert found_in(done.stderr) == []
    ours = {tmp_path / "log.csv", tmp_path / "ccbill.toml"}
    for path in sorted(set(tmp_path.rglob("*")) - ours):
        if path.is_file() and (path.name == "run.json" or not kept_there(path)):
            assert found_in(path.read_bytes().decode("latin-1")) == [], path.name
    assert list(temporary.iterdir()) == [] or done.returncode == -9


def kept_there(path: Path) -> bool:
    """Whether the file is output or the ledger, where patients belong."""
    return "ccbill-out" in path.parts or path.name.startswith("ledger.sqlite")


def found_in(text: str) -> list[str]:
    """Those of the patient's words that are in a text."""
    lower = text.lower()
    return [word for word in SEEN_AS if word.lower() in lower]


def test_a_killed_process_leaves_no_core_file(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(",".join(HEADINGS) + "\n")
    by = Upset("ccbill.intake:read", sends="SIGABRT")
    done = upset("run", "log.csv", "--no-ledger", cwd=tmp_path, by=by, cores=True)
    assert done.returncode == -6
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]
