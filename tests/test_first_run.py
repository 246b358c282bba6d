"""From an export that ccbill has never seen to its claims: three commands and one edit at most."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import ccbill
from test_init import complete

SAMPLE = Path(__file__).parents[1] / "sample_data"
REGENERATE = bool(os.environ.get("CCBILL_REGENERATE"))
NPI = 'npi = "1999999901"'


@dataclass(frozen=True)
class Layout:
    """An export, the files that go with it, and the lines that its user completes."""

    export: str
    edit: tuple[str, ...]
    companions: tuple[str, ...] = ()


LAYOUTS = {
    "small_log": Layout(
        "small_log.csv",
        (
            *(NPI, 'patient_id = "Chart"', 'service_date = "Seen On"', 'kind = "What We Did"'),
            *('payer = "Insurer"', 'minutes = "Length"', 'mode = "How"', 'credential = "Title"'),
            '"CM Call" = "care-management-contact"',
            '"Shoreline Health Plan" = "mi-medicaid-hmo"',
        ),
    ),
    "call_log": Layout(
        "call_log.csv",
        (
            *(NPI, 'payer = "Medicare"', 'credential = "RN"'),
            *('"CCM Call" = "care-coordination"', '"Pharmacy Call" = "care-coordination"'),
            *('"Care Plan Review" = "care-coordination"', '"Chart Review" = "chart-prep"'),
        ),
    ),
    "home_care": Layout(
        "home_care.csv",
        (
            *(NPI, 'payer = "BCBSM"', 'mode = "phone"', '"Coordination" = "care-coordination"'),
            '"Phone Visit" = "care-management-contact"',
        ),
        ("--staff", "home_care_staff.csv"),
    ),
    "encounters": Layout(
        "encounters.csv",
        (
            *(NPI, '"coordination" = "care-coordination"', '"visit" = "care-management-contact"'),
            *('"portal" = "portal-message"', '"assessment" = "comprehensive-assessment"'),
            *('"conference" = "team-conference"', '"discharge call" = "post-discharge-call"'),
            *('"prep" = "chart-prep"', '"no answer" = "voicemail"'),
        ),
        ("--staff", "staff.csv", "--patients", "patients.csv"),
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_file_of_each_layout_is_billed_after_three_commands_and_one_edit(
    tmp_path: Path, name: str
) -> None:
    layout = LAYOUTS[name]
    companions = [word for word in layout.companions if not word.startswith("--")]
    for file in (layout.export, *companions):
        shutil.copyfile(SAMPLE / file, tmp_path / file)
    inputs = (layout.export, *layout.companions)
    settings = tmp_path / "ccbill.toml"
    assert ccbill("init", *inputs, cwd=tmp_path).returncode == 0
    settings.write_text(complete(settings.read_text(), *layout.edit))
    assert ccbill("check", *inputs, cwd=tmp_path).returncode == 0
    run = ccbill(
        *("run", *inputs, "--no-ledger", "--today", "2026-11-02", "--format", "csv"), cwd=tmp_path
    )
    assert run.returncode == 0, run.stderr
    made = (tmp_path / "ccbill-out" / "claims.csv").read_text(encoding="utf-8")
    expected = SAMPLE / "expected" / name / "claims.csv"
    if REGENERATE:
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(made, encoding="utf-8")
    assert made.count("\n") > 1
    assert made == expected.read_text(encoding="utf-8")


def test_a_plain_log_needs_one_command(tmp_path: Path) -> None:
    shutil.copyfile(SAMPLE / "outreach.csv", tmp_path / "outreach.csv")
    done = ccbill("run", "outreach.csv", "--no-ledger", "--today", "2026-11-02", cwd=tmp_path)
    assert (done.returncode, (tmp_path / "ccbill-out" / "claims.xlsx").exists()) == (0, True)
