"""From an export that ccbill has never seen to its claims: three commands and one edit at most."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import ccbill
from test_init import complete

SAMPLE = Path(__file__).parents[1] / "sample_data"
README = (SAMPLE.parent / "README.md").read_text(encoding="utf-8")
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


def transcript() -> Iterator[tuple[str, list[str]]]:
    """What the README's section shows: the language of each block, and its lines."""
    (section,) = (
        part for part in README.split("\n## ") if part.startswith("A new export in three commands")
    )
    for block in section.split("```")[1::2]:
        language, *lines = block.rstrip("\n").split("\n")
        yield language, lines


def typed(line: str) -> list[str]:
    """The words of a command of the README, without the ledger of the person at the keyboard."""
    words = line.removeprefix("$ ccbill ").split()
    return [*words, "--no-ledger"] if words[0] == "run" else words


def contains(said: list[str], shown: list[str]) -> bool:
    """Whether the lines shown were said: in this order, without a gap but at `...`."""
    at = 0
    chunk: list[str] = []
    for line in [*shown, "..."]:
        if line != "...":
            chunk.append(line)
            continue
        places = [n for n in range(at, len(said) + 1) if said[n : n + len(chunk)] == chunk]
        if not places:
            return False
        at, chunk = places[0] + len(chunk), []
    return True


def test_the_readme_shows_what_the_program_says(tmp_path: Path) -> None:
    shutil.copyfile(SAMPLE / "small_log.csv", tmp_path / "small_log.csv")
    settings = tmp_path / "ccbill.toml"
    commands = 0
    for language, lines in transcript():
        if language == "toml":
            edit = [line for line in lines if " = " in line]
            assert sorted(edit) == sorted(LAYOUTS["small_log"].edit)
            settings.write_text(complete(settings.read_text(), *edit))
            continue
        command, *shown = lines
        if shown[0].startswith("ccbill.toml"):
            settings.write_text(settings.read_text().replace("[kinds]", "[kindz]"))
        done = ccbill(*typed(command), cwd=tmp_path, COLUMNS="80", CCBILL_TODAY="2026-11-02")
        said = [line.rstrip() for line in (done.stdout + done.stderr).splitlines()]
        assert contains(said, shown), (command, said)
        commands += 1
    assert commands == 4  # three to the claims, and one with a misspelt section
