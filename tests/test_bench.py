"""The benchmark's references decide as ccbill does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bench import exports, same

HERE = Path(__file__).parent / "bench"


@pytest.mark.parametrize(
    ("script", "library"), [("naive.py", "pandas"), ("sql.py", "duckdb"), ("lazy.py", "polars")]
)
def test_a_reference_script_gives_the_same_lines_and_outcomes(
    tmp_path: Path, script: str, library: str
) -> None:
    pytest.importorskip(library, reason="in the dependency group bench")
    export, claims, activities = (tmp_path / f"{n}.csv" for n in ("export", "claims", "activities"))
    exports.export(export, 3_000, seed=7)
    run = [sys.executable, "-m", "ccbill", "run", str(export), "--format", "csv", "--no-ledger"]
    options = ["--quiet", "--today", "2026-11-02", "--out", str(tmp_path / "out")]
    subprocess.run([*run, *options], check=True, capture_output=True)
    theirs = [sys.executable, str(HERE / script), str(export), str(claims), str(activities)]
    subprocess.run(theirs, check=True, capture_output=True)
    lines, answers = same.of_ccbill(tmp_path / "out")
    their_lines, their_answers = same.of_script(claims, activities)
    assert len(lines) > 200
    assert set(answers["outcome"]) == {"counted", "left-out", "held"}
    assert lines.equals(their_lines)
    assert answers.equals(their_answers)
