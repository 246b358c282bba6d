"""`ccbill run` agrees with an independent reading of the rules, line by line and row by row.

A seeded tenth of the exports in every test run, all of them with `make sweep`.
"""

from __future__ import annotations

import csv
import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest
import reference
from reference import Line, generate

from ccbill.run import Request, run

Row = dict[str, str]
Split = list[tuple[str, list[Row]]]

SWEEP = "CCBILL_SWEEP" in os.environ
SEEDS = range(0, 50, 1 if SWEEP else 10)
PLANS = {"one-state": generate.MICHIGAN, "all-plans": generate.ALL_PLANS}


def as_it_is(rows: list[Row], _chance: random.Random) -> Split:
    return [("a.csv", rows)]


def shuffled(rows: list[Row], chance: random.Random) -> Split:
    return [("a.csv", chance.sample(rows, len(rows)))]


def split(rows: list[Row], chance: random.Random) -> Split:
    mixed = chance.sample(rows, len(rows))
    return [("a.csv", mixed[:700]), ("b.csv", mixed[700:900]), ("c.csv", mixed[900:])]


def as_workbook(rows: list[Row], _chance: random.Random) -> Split:
    return [("a.xlsx", rows)]


# An overlay, and the setting of the independent reading that it stands for.
OVERLAYS: dict[str, reference.Settings] = {
    "rolling-cap-only": {"lifetime_cap": 0},
    "all-attempts-window": {"lifetime_cap": 0, "window_counts": "all"},
    "streamlined": {"authorization": "streamlined-30-days"},
    "no-authorization": {"authorization": "none"},
    "practitioner-apart": {"practitioner_time": "separate"},
}


@pytest.mark.sweep
@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("seed", SEEDS[: 20 if SWEEP else 2])
def test_run_agrees_under_an_overlay(tmp_path: Path, seed: int, overlay: str) -> None:
    export = generate.export(seed, plans=generate.ALL_PLANS)
    expected = reference.bill(
        export.activities, export.patients, export.staff, settings=OVERLAYS[overlay]
    )
    rules = [Path(__file__).parent / "overlays" / overlay]
    check_agreement(export, [("a.csv", export.activities)], expected, tmp_path, rules)


@pytest.mark.sweep
@pytest.mark.parametrize("form", [as_it_is, shuffled, split, as_workbook])
@pytest.mark.parametrize("plans", PLANS)
@pytest.mark.parametrize("seed", SEEDS)
def test_run_agrees_with_the_independent_reading(
    tmp_path: Path, seed: int, plans: str, form: Callable[[list[Row], random.Random], Split]
) -> None:
    export = generate.export(seed, plans=PLANS[plans])
    expected = reference.bill(export.activities, export.patients, export.staff)
    check_agreement(export, form(export.activities, random.Random(seed)), expected, tmp_path)


def check_agreement(
    export: generate.Export,
    parts: Split,
    expected: reference.Result,
    tmp_path: Path,
    rules: Sequence[Path] = (),
) -> None:
    """Bills the files and compares every line, every row's outcome and the balance."""
    for name, rows in parts:
        if name.endswith(".xlsx"):
            generate.write_xlsx(rows, tmp_path / name, typed=export.typed)
        else:
            generate.write_csv(rows, tmp_path / name)
    companions = {}
    for name, rows in (("patients", export.patients), ("staff", export.staff)):
        if rows:
            companions[name] = tmp_path / f"{name}.csv"
            generate.write_csv(rows, companions[name])
    out = tmp_path / "out"
    names = [str(tmp_path / name) for name, _ in parts]
    run(Request(names, date(2026, 11, 2), out=out, formats=["csv"], rules=rules, **companions))
    assert _written(out, "claims.csv") == _expected(expected.lines)
    assert _written(out, "encounters.csv") == _expected(expected.encounters)
    told = {(row["file"], int(row["row"])): row for row in _table(out, "activities.csv")}
    assert len(told) == len(export.activities)
    ours = Counter(
        (tuple(sorted(row.items())), told[name, number]["outcome"])
        for name, rows in parts
        for number, row in enumerate(rows, 2)
    )
    theirs = Counter(
        (tuple(sorted(row.items())), outcome)
        for row, (outcome, _) in zip(export.activities, expected.outcomes, strict=True)
    )
    assert ours == theirs
    _check_balance(out, len(export.activities))
    _check_impossible(_table(out, "claims.csv"))
    for row in told.values():
        assert row["rule"] or row["problem"]


def _expected(lines: list[Line]) -> Counter[tuple[object, ...]]:
    return Counter(
        (
            line.plan,
            line.patient_id,
            line.practice,
            line.month,
            line.service_date,
            line.code,
            tuple(line.modifiers),
            line.units,
            line.minutes,
            line.activities,
        )
        for line in lines
    )


def _written(out: Path, name: str) -> Counter[tuple[object, ...]]:
    return Counter(
        (
            row["plan"],
            row["patient_id"],
            row["billing_npi"],
            row["month"],
            row["service_from"],
            row["code"],
            tuple(row[f"modifier_{n}"] for n in range(1, 5) if row[f"modifier_{n}"]),
            int(row["units"]),
            int(row["minutes"]) if row["minutes"] else None,
            int(row["activities"]),
        )
        for row in _table(out, name)
    )


def _table(out: Path, name: str) -> list[Row]:
    with (out / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _check_impossible(lines: list[Row]) -> None:
    """What no payer's rule ever bills, whatever the log says."""
    claims: dict[str, dict[str, int]] = {}
    for line in lines:
        units = claims.setdefault(line["claim_id"], {})
        units[line["code"]] = units.get(line["code"], 0) + int(line["units"])
    for units in claims.values():
        for addon, base in (("99489", "99487"), ("99439", "99490"), ("99437", "99491")):
            assert addon not in units or base in units
        assert units.get("99487", 1) == 1
        assert units.get("99439", 0) <= 2
        families = {"99487", "99490", "99491"} & set(units)
        assert len(families) <= 1


def _check_balance(out: Path, rows: int) -> None:
    table = _table(out, "balance.csv")
    for what in ("rows", "seconds"):
        for row in table:
            parts = sum(int(row[f"{what}_{part}"]) for part in ("counted", "left_out", "held"))
            assert parts == int(row[f"{what}_read"])
    assert sum(int(row["rows_read"]) for row in table) == rows
