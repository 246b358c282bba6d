"""Every threshold and date of every plan, one patient a case, in one export through the CLI."""

from __future__ import annotations

import csv
import tomllib
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from command import ccbill

from ccbill.rules.examples import activity, fields

CASES = [
    (f"{file.stem}: {case['says']}", tables["payer"], {"usual": tables.get("usual", "")} | case)
    for file in sorted((Path(__file__).parent / "cases").glob("*.toml"))
    for tables in [tomllib.loads(file.read_text())]
    for case in tables["case"]
]
PRACTICE = "1999999984"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CSV output of one run over every case."""
    folder = tmp_path_factory.mktemp("cases")
    rows = [
        {
            "billing_npi": PRACTICE,
            **fields(case["usual"]),
            **activity(did),
            "patient_id": name,
            "payer": payer,
        }
        for name, payer, case in CASES
        for did in case["did"]
    ]
    headings = dict.fromkeys(name for row in rows for name in row)
    with (folder / "activities.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(headings))
        writer.writeheader()
        writer.writerows(rows)
    done = ccbill(
        "run",
        "activities.csv",
        "--format",
        "csv",
        "--no-ledger",
        "--today",
        "2026-11-02",
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return folder / "ccbill-out"


def table(out: Path, name: str) -> dict[str, list[dict[str, str]]]:
    """The rows of one output file by patient."""
    found = defaultdict(list)
    with (out / name).open(newline="") as file:
        for row in csv.DictReader(file):
            found[row["patient_id"]].append(row)
    return found


def units(lines: list[dict[str, str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in lines:
        modifiers = [line[f"modifier_{n}"] for n in range(1, 5) if line[f"modifier_{n}"]]
        found[" ".join([line["code"], *modifiers])] += int(line["units"])
    return found


@pytest.mark.parametrize(("name", "case"), [(name, case) for name, _, case in CASES])
def test_case(out: Path, name: str, case: dict[str, Any]) -> None:
    lines = table(out, "claims.csv")[name]
    assert units(lines) == case["bills"]
    noted = {line["code"]: line["notes"] for line in lines}
    assert all(note in noted[code] for code, note in case.get("notes", {}).items())
    assert not any(note in noted[code] for code, note in case.get("no_notes", {}).items())
    assert units(table(out, "encounters.csv")[name]) == case.get("encounters", {})
    if "standing" in case:
        lines.sort(key=lambda line: line["service_from"])
        assert [line["rule_standing"] for line in lines] == case["standing"]
    trace = table(out, "activities.csv")[name]
    assert len(trace) == len(case["did"])
    held = {row["problem"] for row in trace if row["outcome"] == "held"}
    assert held == set(case.get("held", ()))
    assert all(row["rule"] for row in trace)
    near = {row["code"]: int(row["short_minutes"]) for row in table(out, "near_misses.csv")[name]}
    for code, minutes in case.get("short", {}).items():
        assert near[str(code)] == minutes
    told = table(out, "exceptions.csv")[name]
    for problem, codes in case.get("worth", {}).items():
        assert {row["code"] for row in told if row["problem"] == problem} == set(codes)
