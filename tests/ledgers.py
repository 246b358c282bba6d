"""An invented practice with a log and a ledger, billed by the real command line."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from command import ccbill

from ccbill.report.tables import Report
from ccbill.run import Request, run

Row = dict[str, str]
USUAL = {
    "payer": "BCBSM",
    "kind": "care-coordination",
    "mode": "phone",
    "credential": "RN",
    "minutes": "31",
}


def row(activity_id: str, patient_id: str, service_date: str, **cells: str) -> Row:
    """One activity; 31 minutes of care coordination unless told otherwise."""
    told = {"activity_id": activity_id, "patient_id": patient_id, "service_date": service_date}
    return USUAL | told | cells


def write_log(path: Path, rows: Iterable[Row], *, without: Iterable[str] = ()) -> None:
    names = list(dict.fromkeys(name for each in rows for name in each if name not in without))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def bill(home: Path, rows: list[Row], fees: str, *, submit: bool = False) -> Report:
    """The report of a run over these rows, with a ledger and settings in the folder."""
    write_log(home / "log.csv", rows)
    (home / "fees.csv").write_text(fees, encoding="utf-8")
    (home / "ccbill.toml").touch()
    request = Request(
        [str(home / "log.csv")],
        date(2026, 11, 2),
        out=home / "out",
        formats=["csv"],
        fees=home / "fees.csv",
        config=home / "ccbill.toml",
        ledger=home / "ledger.sqlite",
        submit=submit,
    )
    return run(request)[0]


def read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True, slots=True)
class Practice:
    """A folder with a ledger of its own; every call must end as `exits` says."""

    home: Path
    today: str = "2026-11-02"

    @property
    def ledger(self) -> Path:
        return self.home / "ledger.sqlite"

    @property
    def out(self) -> Path:
        return self.home / "ccbill-out"

    def on(self, today: str) -> Practice:
        return replace(self, today=today)

    def ccbill(self, *arguments: str, exits: int = 0) -> subprocess.CompletedProcess[str]:
        done = ccbill(
            *arguments,
            cwd=self.home,
            CCBILL_LEDGER=str(self.ledger),
            CCBILL_TODAY=self.today,
            COLUMNS="200",
        )
        assert done.returncode == exits, done.stderr
        return done

    def bill(self, rows: Iterable[Row], *options: str, exits: int = 0) -> str:
        """Runs this log, and gives what was said."""
        write_log(self.home / "log.csv", list(rows))
        return self.ccbill("run", "log.csv", "--format", "csv", *options, exits=exits).stderr

    def submit(self, run: int, *options: str, exits: int = 0) -> str:
        return self.ccbill("ledger", "submit", str(run), *options, exits=exits).stderr

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ccbill("ledger", *arguments, "--json").stdout)

    def statuses(self) -> list[str]:
        return [run["status"] for run in self.json("runs")["runs"]]

    def lines(self, name: str = "claims") -> list[tuple[str, ...]]:
        """patient, status, frequency code, code and units of each line of the last run."""
        columns = ("patient_id", "status", "frequency_code", "code", "units")
        return [tuple(line[c] for c in columns) for line in read(self.out / f"{name}.csv")]

    def problems(self, *severities: str) -> list[str]:
        rows = read(self.out / "exceptions.csv")
        usual = ("charge-missing", "not-checked", "timely-filing")
        told = [r["problem"] for r in rows if r["severity"] in (severities or ("hold", "note"))]
        return [problem for problem in told if problem not in usual]
