"""Explain says what the batch says: units, minutes, outcomes and reasons, patient by patient."""

from __future__ import annotations

import csv
import os
import tomllib
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from reference import generate
from test_report_tables import trace_of

from ccbill.explain.cases import Wanted
from ccbill.explain.patient import Files, explain, read_log
from ccbill.report.tables import Report
from ccbill.rules.examples import activity, fields
from ccbill.run import Request, run
from ccbill.tables import UNKNOWN

SWEEP = "CCBILL_SWEEP" in os.environ
TODAY = date(2026, 11, 2)
PATIENTS = 1000 if SWEEP else 30  # of each kind of export
CASES = sorted((Path(__file__).parent / "cases").glob("*.toml"))
Told = dict[str, Any]


def write(rows: list[dict[str, str]], path: Path) -> Path:
    headings = dict.fromkeys(name for row in rows for name in row)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(headings))
        writer.writeheader()
        writer.writerows(rows)
    return path


def text(column: pd.Series) -> list[str]:
    return ["" if pd.isna(cell) else str(cell) for cell in column]


class Batch:
    """What a run said, by patient."""

    def __init__(self, report: Report) -> None:
        self.units: dict[str, Told] = defaultdict(dict)
        modifiers = [text(report.claims[f"modifier_{n}"]) for n in range(1, 5)]
        columns = [text(report.claims[n]) for n in ("patient_id", "plan", "month", "billing_npi")]
        codes = (text(report.claims[name]) for name in ("code", "rule"))
        amounts = (report.claims[name].tolist() for name in ("units", "minutes"))
        for patient, *key, code, rule, units, minutes, a, b, c, d in zip(
            *columns, *codes, *amounts, *modifiers, strict=True
        ):
            label = (*key, rule, code, *filter(None, (a, b, c, d)))
            before = self.units[patient].get(label, (0, None))
            known = [m for m in (before[1], minutes) if m not in (None, UNKNOWN)]
            self.units[patient][label] = (before[0] + units, sum(known) if known else None)
        self.rows: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        trace = trace_of(report)
        names = ("file", "row", "outcome", "problem", "rule", "cite", "code", "claim_id", "minutes")
        for patient, *row in zip(*(text(trace[n]) for n in ("patient_id", *names)), strict=True):
            self.rows[patient].add(tuple(row))
        self.near: dict[str, Counter[tuple[Any, ...]]] = defaultdict(Counter)
        near = report.near_misses
        names = ("plan", "month", "practice", "code", "have_minutes", "need_minutes")
        for patient, *row in zip(*(text(near[n]) for n in ("patient_id", *names)), strict=True):
            self.near[patient][tuple(row)] += 1

    def check(self, patient: str, told: Told) -> None:
        results = [(case, each) for case in told["cases"] for each in case["results"]]

        def key(case: Told, each: Told) -> tuple[str, ...]:
            place = (case["plan"], case["month"], case["practice"])
            return (*place, each["rule"], each["code"], *each["modifiers"])

        earned = {
            key(case, each): (each["units"], each["minutes"])
            for case, each in results
            if each["units"]
        }
        assert earned == self.units[patient]
        assert {row_of(each) for case in told["cases"] for each in case["activities"]} == (
            self.rows[patient]
        )
        for _, each in results:
            assert each["reason"]
            assert bool(each["problem"]) == (each["units"] == 0)
        short = {
            tuple(
                str(part)
                for part in (
                    *key(case, each)[:3],
                    *(each[name] for name in ("code", "minutes", "need_minutes")),
                )
            )
            for case, each in results
        }
        cases = Counter(row[:3] for row in self.near[patient].elements())
        for row in self.near[patient]:
            assert row in short or cases[row[:3]] > 1


def row_of(each: Told) -> tuple[str, ...]:
    names = ("file", "row", "outcome", "problem", "rule", "cite", "code", "claim_id", "minutes")
    found = []
    for name in names:
        value = each[name]
        if name == "minutes" and value is not None:
            value = f"{value:.2f}".rstrip("0").rstrip(".")
        found.append("" if value is None else str(value))
    return tuple(found)


def compare(exports: list[Path], most: int, **companions: Path) -> int:
    """Explains patients of an export, and how many."""
    names = [str(path) for path in exports]
    report, _ = run(Request(names, TODAY, out=Path(), dry_run=True, **companions))
    batch = Batch(report)
    log = read_log(Files(names, TODAY, **companions))
    people = log.facts.categories("patient")
    step = max(len(people) // most, 1)
    for patient in people[::step]:
        batch.check(patient, explain(log, patient, Wanted()))
    return len(people[::step])


@pytest.mark.sweep
def test_explain_is_the_batch_for_every_case_file(tmp_path: Path) -> None:
    rows = []
    patients = 0
    for file in CASES:
        tables = tomllib.loads(file.read_text())
        for case in tables["case"]:
            patients += 1
            usual = fields(case.get("usual", tables.get("usual", "")))
            about = {"billing_npi": "1999999984", "patient_id": f"{file.stem} {case['says']}"}
            rows += [
                {**about, **usual, **activity(did), "payer": tables["payer"]} for did in case["did"]
            ]
    most = patients if SWEEP else patients // 4
    assert compare([write(rows, tmp_path / "a.csv")], most) >= most


@pytest.mark.sweep
@pytest.mark.parametrize("plans", [generate.MICHIGAN, generate.ALL_PLANS])
def test_explain_is_the_batch_for_random_patients(tmp_path: Path, plans: tuple[str, ...]) -> None:
    done = 0
    for seed in range(200):
        if done >= PATIENTS:
            return
        export = generate.export(seed, plans=plans)
        folder = tmp_path / str(seed)
        folder.mkdir()
        companions = {
            name: write(rows, folder / f"{name}.csv")
            for name, rows in (("patients", export.patients), ("staff", export.staff))
            if rows
        }
        path = write(export.activities, folder / "a.csv")
        done += compare([path], PATIENTS // (1 if SWEEP else 2), **companions)
    raise AssertionError("too few patients")
