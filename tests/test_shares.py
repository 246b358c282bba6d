"""A log in shares of its patients, of which two are decided at a time and their plans side by side,
bills what it bills in one and plan by plan, to the byte."""

from __future__ import annotations

import csv
import filecmp
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ledgers import bill, row, write_log
from reference import generate

from ccbill import shares
from ccbill.rules import assign
from ccbill.run import Request, run

TODAY = date(2026, 11, 2)
SAMPLE = Path(__file__).parent.parent / "sample_data"
SEED = 2  # of a log with a patients and a staff file
FEES = "plan,code,charge\nbcbsm-pdcm,G9001,100\n"


@pytest.fixture(params=[40, 200])
def rows_a_share(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def same(first: Path, second: Path) -> None:
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(path.name for path in second.iterdir())
    assert filecmp.cmpfiles(first, second, names, shallow=False) == (names, [], [])


def in_one_and_in_shares(
    monkeypatch: pytest.MonkeyPatch, home: Path, rows: int, **asked: Any
) -> None:
    run(Request(out=home / "one", today=TODAY, formats=["csv"], **asked))
    monkeypatch.setattr(shares, "ROWS", rows)
    monkeypatch.setattr(assign, "ROWS", 0)
    run(Request(out=home / "shares", today=TODAY, formats=["csv"], **asked))
    same(home / "one", home / "shares")


def test_the_sample(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rows_a_share: int) -> None:
    exports = [str(SAMPLE / name) for name in ("activities.csv", "encounters.csv")]
    named = {name: SAMPLE / f"{name}.csv" for name in ("patients", "staff", "fees")}
    named["config"] = SAMPLE / "ccbill.toml"
    in_one_and_in_shares(monkeypatch, tmp_path, rows_a_share, exports=exports, **named)


def test_plans_side_by_side(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    export = generate.export(SEED, plans=generate.ALL_PLANS)
    generate.write_csv(export.activities, tmp_path / "activities.csv")
    exports = [str(tmp_path / "activities.csv")]
    in_one_and_in_shares(monkeypatch, tmp_path, shares.ROWS, exports=exports)


@pytest.mark.parametrize("months", [frozenset(), frozenset({"2026-03"})])
def test_a_log_of_every_plan_with_companion_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, months: frozenset[str]
) -> None:
    export = generate.export(SEED, plans=generate.ALL_PLANS)
    for name in ("activities", "patients", "staff"):
        generate.write_csv(getattr(export, name), tmp_path / f"{name}.csv")
    in_one_and_in_shares(
        monkeypatch,
        tmp_path,
        700,
        exports=[str(tmp_path / "activities.csv")],
        patients=tmp_path / "patients.csv",
        staff=tmp_path / "staff.csv",
        months=months,
        complete=True,
    )


def test_training_counts_from_the_first_entry_with_any_patient(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Half a year after a first entry that is another patient's, in another share."""
    rows = [
        row("A1", "P1", "2026-01-05", staff_id="S1"),
        row("A2", "P2", "2026-08-05", staff_id="S1"),
    ]
    write_log(tmp_path / "log.csv", rows)
    (tmp_path / "staff.csv").write_text("staff_id,training_date\nS1,\n", encoding="utf-8")
    monkeypatch.setattr(shares, "ROWS", 1)
    report, _ = run(
        Request(
            [str(tmp_path / "log.csv")],
            TODAY,
            out=tmp_path / "out",
            staff=tmp_path / "staff.csv",
            dry_run=True,
        )
    )
    held = report.exceptions[report.exceptions["severity"] == "hold"]
    assert held[["problem", "patient_id"]].to_numpy().tolist() == [["training-missing", "P2"]]


def test_a_field_that_nobody_gives_is_noted_where_the_lines_own_service_asks_for_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The line of business is asked for by program discussion, and by no rule of care management's
    own."""
    rows = [
        row("A1", "P1", "2026-03-05"),
        row("A2", "P2", "2026-03-05", kind="program-discussion", outcome="declined"),
    ]
    write_log(tmp_path / "log.csv", rows)
    in_one_and_in_shares(monkeypatch, tmp_path, 1, exports=[str(tmp_path / "log.csv")])
    with (tmp_path / "shares/claims.csv").open(encoding="utf-8") as file:
        notes = {line["patient_id"]: line["notes"] for line in csv.DictReader(file)}
    assert "line_of_business" not in notes["P1"]
    assert "not checked: line_of_business; " in notes["P2"]


def test_history_is_looked_back_to_in_every_share(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = [row(f"A{n}", f"P{n}", "2026-03-05", kind="comprehensive-assessment") for n in range(9)]
    again = [row(f"B{n}", f"P{n}", "2026-05-05", kind="comprehensive-assessment") for n in range(9)]
    for name, rows in (("one", 500_000), ("shares", 2)):
        home = tmp_path / name
        home.mkdir()
        monkeypatch.setattr(shares, "ROWS", rows)
        bill(home, first, FEES, submit=True)
        bill(home, again, FEES)
    for name in ("claims.csv", "exceptions.csv", "activities.csv", "submitted.csv"):
        assert (tmp_path / "one/out" / name).read_bytes() == (
            tmp_path / "shares/out" / name
        ).read_bytes()


def test_no_patient_is_split_and_every_row_is_in_one_share(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    patients = ["P1", "", "P3", "P1", "P2", "P3", "P1", ""]
    rows = [row(f"A{n}", patient, "2026-03-05") for n, patient in enumerate(patients)]
    write_log(tmp_path / "log.csv", rows)
    monkeypatch.setattr(shares, "ROWS", 1)
    monkeypatch.setattr(shares, "AT_ONCE", 1)  # so that they are seen in order
    seen = []
    real = shares.decide

    def decide(share: shares.Share, terms: shares.Terms) -> Any:
        seen.append([*share.facts.activities["activity_id"]])
        return real(share, terms)

    monkeypatch.setattr(shares, "decide", decide)
    run(Request([str(tmp_path / "log.csv")], TODAY, out=tmp_path / "out", dry_run=True))
    assert seen == [["A1", "A7"], ["A0", "A3", "A6"], ["A4"], ["A2", "A5"]]
    assert np.concatenate(seen).size == len(rows)
