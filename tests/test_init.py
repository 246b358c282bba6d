"""`ccbill init`: a first ccbill.toml that says what was found and what has to be completed."""

from __future__ import annotations

import csv
import re
import tomllib
from pathlib import Path

import pytest
from command import ccbill

from ccbill import config

SAMPLE = Path(__file__).parents[1] / "sample_data"
LOG = """\
Chart,Seen On,Insurer,What We Did,How,Length,Title
900017,10/5/2026,BCBSM,Care Coordination,Phone,18,RN
900017,10/19/2026,BCBSM,Chart Prep,Phone,16,RN
900023,10/6/2026,Shoreline,CM Call,Smoke,12,Wizard
900023,10/7/2026,BCBSM,Care Coordination,Phone,12,RN
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "log.csv").write_text(LOG)
    return tmp_path


def init(here: Path, *arguments: str) -> str:
    """The text of the file that is written."""
    done = ccbill("init", *arguments, cwd=here)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return (here / "ccbill.toml").read_text(encoding="utf-8")


def complete(text: str, *lines: str) -> str:
    """The text after an edit: each of these lines instead of the last comment that has its key."""
    found = text.split("\n")
    for line in lines:
        key = line.split(" = ")[0]
        (*_, at) = (n for n, old in enumerate(found) if old.startswith(f"# {key} = "))
        found[at] = line
    return "\n".join(found)


def test_unknown_headings_stand_beside_those_that_may_be_them(here: Path) -> None:
    text = init(here, "log.csv")
    assert text[text.index("[columns]") : text.index("[kinds]")] == (
        "[columns]\n"
        '# "log.csv" (your heading is on the right of the =)\n'
        '# patient_id = "Chart"  # needed, the patient\'s identifier\n'
        '# service_date = "Seen On"  # needed, the day of the work\n'
        '# kind = "What We Did"  # needed, the kind of work\n'
        '# minutes = "Length"  # asked for by most rules, how long it took\n'
        '# mode = "How"  # asked for by most rules, how the contact was made\n'
        '# credential = "Title"  # asked for by most rules, the staff member\'s credential\n'
        '# payer = "Insurer"  # needed, who pays\n'
        '# Nothing is read from: "Chart", "Seen On", "Insurer", "What We Did", "How", "Length", '
        '"Title"\n\n'
    )


def test_a_column_of_days_or_numbers_is_not_offered_for_words(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(
        "Chart Nbr,Encounter Dt,What Happened,Mins Worked,Guarantor Plan\n"
        "A-1,10/2/2026,Agency liaison,18,BCBSM\n"
    )
    lines = init(tmp_path, "log.csv").splitlines()
    assert '# minutes = "Mins Worked"  # asked for by most rules, how long it took' in lines
    assert '# kind = ""  # needed, the kind of work; or below, under [defaults]' in lines


def test_each_unknown_word_has_a_line_with_its_count(here: Path) -> None:
    text = init(here, "log.csv")
    for line in (
        '# "CM Call" = ""  # 1 row',
        '# "Shoreline" = ""  # 1 row',
        '# "Smoke" = ""  # 1 row',
        '# "Wizard" = ""  # 1 row',
    ):
        assert line in text.splitlines()
    assert "Care Coordination" not in text


def test_it_says_what_is_to_be_done(here: Path) -> None:
    done = ccbill("init", "log.csv", cwd=here)
    assert done.stderr == (
        "wrote ccbill.toml: columns to name: 7, words to explain: 4\n"
        "next  complete it, then see what is read: ccbill check log.csv\n"
    )


def test_it_loads_as_it_is_and_sets_nothing(here: Path) -> None:
    init(here, "log.csv")
    settings = config.load(here / "ccbill.toml")
    assert (settings.columns, settings.kinds, settings.payers) == ({}, {}, {})
    assert settings.practice == config.Practice()


def test_once_completed_the_export_is_read(here: Path) -> None:
    text = complete(
        init(here, "log.csv"),
        *('patient_id = "Chart"', 'service_date = "Seen On"', 'kind = "What We Did"'),
        *('minutes = "Length"', 'mode = "How"', 'credential = "Title"', 'payer = "Insurer"'),
        *('"CM Call" = "care-management-contact"', '"Smoke" = "phone"', '"Wizard" = "RN"'),
        '"Shoreline" = "mi-medicaid-hmo"',
    )
    (here / "ccbill.toml").write_text(text)
    done = ccbill("check", "log.csv", cwd=here)
    assert "4 rows read = 4 for the plans' rules + 0 left out + 0 held" in done.stdout


def test_what_is_found_and_what_is_missing_in_a_known_layout(here: Path) -> None:
    (here / "log.csv").write_text(
        "type,duration,duration_unit,patient_id,provider_id,logger_id,performed_at\n"
        "Telepathy,600,seconds,7,1888888801,4,2026-10-05 09:14:03\n"
    )
    text = init(here, "log.csv")
    assert '#   found: kind in A "type"\n' in text
    assert '# payer = ""  # needed, who pays; or below, under [defaults]\n' in text
    assert '[defaults]\n# mode = ""  # if it is the same in every row\n' in text
    assert '# "Telepathy" = ""  # 1 row\n' in text


def test_the_nearest_word_is_offered_and_never_set(here: Path) -> None:
    (here / "log.csv").write_text(
        "patient_id,payer,service_date,minutes,kind,mode,credential\n"
        "1,BCBSM,2026-10-05,12,care-coordinatoin,phone,RN\n"
    )
    text = init(here, "log.csv")
    assert '# "care-coordinatoin" = "care-coordination"  # 1 row (only the nearest word)\n' in text
    assert tomllib.loads(text) == {"practice": {}, "columns": {}, "kinds": {}}


def test_companions_give_columns_and_words_too(here: Path) -> None:
    (here / "people.csv").write_text("patient_id,payer\n900017,BCBSM\n900023,Moonshine\n")
    (here / "staff.csv").write_text("staff_id,credential\nS1,RN\nS2,Wizard\n")
    text = init(here, "log.csv", "--patients", "people.csv", "--staff", "staff.csv")
    assert '#   found: payer in B "payer"\n' in text
    assert '# "Moonshine" = ""  # 1 row\n' in text
    assert '# "Wizard" = ""  # 2 rows\n' in text


def test_two_headings_for_a_column_are_lines_to_choose_from(here: Path) -> None:
    (here / "log.csv").write_text(LOG.replace("Chart", "MRN").replace("Insurer", "Patient ID"))
    text = init(here, "log.csv")
    assert (
        "# Two headings for patient_id: keep one of these lines.\n"
        '# patient_id = "MRN"\n'
        '# patient_id = "Patient ID"\n'
    ) in text


def test_a_second_column_of_known_words_is_told(here: Path) -> None:
    (here / "log.csv").write_text(LOG.replace("What We Did", "Kind").replace("How", "Second"))
    text = init(here, "log.csv")
    assert '# mode = "Second"' in text
    (here / "log.csv").write_text(
        LOG.replace("What We Did", "Kind").replace("How", "Mode").replace("Phone", "Chart Prep")
    )
    text = init(here, "log.csv", "--force")
    assert "ignore_columns" not in text
    (here / "log.csv").write_text(
        "Kind,Room\nCare Coordination,Chart Prep\nChart Prep,Chart Prep\n"
    )
    text = init(here, "log.csv", "--force")
    assert '[intake]\n# ignore_columns = ["Room"]  # their cells are known words' in text


def test_an_existing_file_is_never_replaced_unasked(here: Path) -> None:
    (here / "ccbill.toml").write_text("# mine\n")
    done = ccbill("init", "log.csv", cwd=here)
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "ccbill.toml: is there already\n"
        "  Nothing was written.\n"
        "  fix: name another file with --out, or replace it with --force\n",
    )
    assert (here / "ccbill.toml").read_text() == "# mine\n"


def test_again_with_force_keeps_what_is_set_and_asks_for_the_rest(here: Path) -> None:
    settings = {
        "columns": {"patient_id": "Chart", "kind": "What We Did", "payer": "Insurer"},
        "kinds": {"CM Call": "care-management-contact", 'a "b" = ü': "email"},
        "practice": {"name": "Quince", "npi": "1999999901"},
        "claims": {"complete": True},
        "ledger": {"lock_timeout": 5},
        "rules": {"overlays": []},
    }
    (here / "ccbill.toml").write_text(
        '[columns]\npatient_id = "Chart"\nkind = "What We Did"\npayer = "Insurer"\n'
        '[kinds]\n"CM Call" = "care-management-contact"\n"a \\"b\\" = ü" = "email"\n'
        '[practice]\nname = "Quince"\nnpi = "1999999901"\n[claims]\ncomplete = true\n'
        "[ledger]\nlock_timeout = 5\n[rules]\noverlays = []\n",
        encoding="utf-8",
    )
    text = init(here, "log.csv", "--force")
    assert {k: v for k, v in tomllib.loads(text).items() if v} == settings
    assert '# service_date = "Seen On"' in text
    assert "CM Call" not in re.sub(r'^"CM Call" = ".*"$', "", text, flags=re.MULTILINE)
    assert '# "Shoreline" = ""  # 1 row' in text
    assert init(here, "log.csv", "--force") == text


def test_settings_of_a_folder_above_are_taken_along(here: Path) -> None:
    (here / "ccbill.toml").write_text(
        '[practice]\nname = "Quince"\n[ledger]\npath = "kept.sqlite"\n'
    )
    below = here / "october"
    below.mkdir()
    (below / "log.csv").write_text(LOG)
    init(below, "log.csv")
    settings = config.load(below / "ccbill.toml")
    assert settings.practice.name == "Quince"
    assert settings.ledger_path == here / "kept.sqlite"


def test_more_words_than_a_practice_has_kinds_are_not_listed(here: Path) -> None:
    rows = "".join(f"{n},BCBSM,2026-10-05,12,Name {n},phone,RN\n" for n in range(61))
    (here / "log.csv").write_text(
        f"patient_id,payer,service_date,minutes,kind,mode,credential\n{rows}"
    )
    text = init(here, "log.csv")
    assert "Name 5" not in text
    assert "# 61 words are not listed: is this column one of kinds?\n" in text


def test_no_cell_of_another_column_is_written(here: Path) -> None:
    text = init(here, str(SAMPLE / "activities.csv"), "--patients", str(SAMPLE / "patients.csv"))
    for name, allowed in (
        ("activities.csv", ("Activity Type", "Contact Method", "Credentials", "Payer")),
        ("patients.csv", ("Payer",)),
    ):
        with (SAMPLE / name).open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                for column, cell in row.items():
                    if column and column not in allowed and isinstance(cell, str) and len(cell) > 3:
                        assert f'"{cell}"' not in text, column


def test_it_is_for_its_owner_alone(here: Path) -> None:
    init(here, "log.csv")
    assert (here / "ccbill.toml").stat().st_mode & 0o777 == 0o600


def test_an_export_without_headings_is_refused(here: Path) -> None:
    (here / "log.csv").write_text("Ada Quill,B,2026-03-01,12,email\n" * 3)
    done = ccbill("init", "log.csv", cwd=here)
    assert done.returncode == 3
    assert done.stderr.startswith("log.csv:1: has no heading: the first row looks like data\n")
    assert not (here / "ccbill.toml").exists()
