"""An export that went wrong on its way is read right, or refused, or its rows are held."""

from __future__ import annotations

import csv
import os
import random
from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pollution_workbooks  # noqa: F401  (adds its kinds)
import pytest
from command import ccbill
from pollution import HELD, KINDS, REFUSED, SAME, Table, text

from ccbill import config, intake
from ccbill.errors import CcbillError, Exit
from ccbill.run import Request, run
from ccbill.tables import ROW_FIELDS, Intake

SAMPLE = Path(__file__).parent.parent / "sample_data"
NAME = "polluted"
COMPARED = ["patient", *ROW_FIELDS, "problem"]
PROBLEM = len(COMPARED) - 1
Row = tuple[Any, ...]
SWEEP = "CCBILL_SWEEP" in os.environ
SEEDS = range(10 if SWEEP else 1)
BILLED = ("other delimiter", "titles above")  # of which the claims are compared every time


@cache
def clean() -> Table:
    with (SAMPLE / "activities.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    ids = Counter(row[0] for row in rows)
    whole = [row for row in rows if len(row) == len(rows[0])]
    return [row for row in whole if row[0] and ids[row[0]] == 1]


def read(path: Path) -> Intake:
    settings = config.load(SAMPLE / "ccbill.toml")
    patients, staff = SAMPLE / "patients.csv", SAMPLE / "staff.csv"
    return intake.read([str(path)], settings, patients=patients, staff=staff, sheet=None)


@dataclass(frozen=True)
class Expected:
    """What is read from the clean export, and what it bills."""

    rows: Counter[Row]
    claims: list[dict[str, Any]]


def rows_of(found: Intake) -> Counter[Row]:
    """All that is known of each activity, without those that are left out as copies."""
    table = found.activities.loc[~found.activities["left_out"], COMPARED].astype(object)
    return Counter(table.where(table.notna(), None).itertuples(index=False, name=None))


def claims(path: Path) -> list[dict[str, Any]]:
    request = Request(
        exports=[str(path)],
        out=path.parent / "out",
        today=date(2026, 11, 2),
        patients=SAMPLE / "patients.csv",
        staff=SAMPLE / "staff.csv",
        fees=SAMPLE / "fees.csv",
        config=SAMPLE / "ccbill.toml",
        dry_run=True,
    )
    lines = run(request)[0].claims
    return lines.astype(object).where(lines.notna(), None).to_dict("records")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Expected:
    path = tmp_path_factory.mktemp("clean") / NAME
    path.write_text(text(clean()), encoding="utf-8", newline="")
    return Expected(rows_of(read(path)), claims(path))


def outcome(path: Path, clean_rows: Counter[Row]) -> str:
    """What came of a polluted export; AssertionError where a row differs and nobody is told."""
    try:
        rows = rows_of(read(path))
    except CcbillError as error:
        refusal = error
    else:
        new, lost = rows - clean_rows, clean_rows - rows
        assert not [row for row in new if row[PROBLEM] is None], "a row differs, and is not held"
        assert lost.total() <= new.total(), "rows are lost"
        return HELD if new else SAME
    assert refusal.code == Exit.INPUT
    assert all(message.where.startswith(NAME) for message in refusal.messages)
    return REFUSED


@pytest.mark.sweep
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_row_differs_in_silence(
    tmp_path: Path, expected: Expected, kind: str, seed: int
) -> None:
    path = tmp_path / NAME
    path.write_bytes(KINDS[kind].make(clean(), random.Random(f"{kind} {seed}")))
    found = outcome(path, expected.rows)
    assert found in KINDS[kind].may_be
    if found == SAME and seed == 0 and (SWEEP or kind in BILLED):
        assert claims(path) == expected.claims


@pytest.mark.parametrize(
    "kind", ["everything quoted", "a mark that opens a cell", "decimal commas"]
)
def test_the_command_says_what_came_of_it(tmp_path: Path, kind: str) -> None:
    path = tmp_path / NAME
    path.write_bytes(KINDS[kind].make(clean(), random.Random(kind)))
    options = ["--config", str(SAMPLE / "ccbill.toml"), "--no-ledger", "--today", "2026-11-02"]
    options += ["--patients", str(SAMPLE / "patients.csv"), "--format", "csv"]
    done = ccbill("run", str(path), *options, "--out", "out", cwd=tmp_path)
    assert "Traceback" not in done.stderr
    if KINDS[kind].may_be == {REFUSED}:
        assert done.returncode == Exit.INPUT
        assert done.stderr.startswith(f"{NAME}:")
        assert not (tmp_path / "out").exists()
    else:
        assert done.returncode == Exit.DONE
        rows = list(csv.DictReader((tmp_path / "out" / "activities.csv").open(encoding="utf-8")))
        assert {row["file"] for row in rows} == {NAME}
