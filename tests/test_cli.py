"""The command line as its users meet it: what it prints, what it writes, and how it leaves."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pytest
from command import Upset, ccbill, upset

from ccbill import __version__

LOG = """\
patient_id,payer,service_date,minutes,kind,mode,credential
100001,BCBSM,2026-08-03,31,care-coordination,phone,RN
100002,BCBSM,2026-09-03,12,care-management-contact,phone,RN
100003,BCBSM,2026-09-04,12,care-management-contact,,RN
"""
WHOLE = {
    "patient_id": "100001",
    "payer": "BCBSM",
    "service_date": "2026-08-03",
    "minutes": "31",
    "kind": "care-coordination",
    "mode": "phone",
    "staff_id": "S1",
    "billing_npi": "1999999984",
    "rendering_npi": "1888888801",
    "place_of_service": "11",
    "diagnosis_codes": "I10",
    "member_id": "X1",
    "last_name": "Invented",
    "first_name": "Ivo",
    "birth_date": "1950-01-02",
    "sex": "M",
    "line_of_business": "commercial PPO",
}
STAFF = "staff_id,credential,training_date,scope_of_service\nS1,RN,2026-01-02,yes\n"
FEES = "plan,code,charge\nbcbsm-pdcm,99487,145.00\n"
CSV_SET = {
    "activities.csv",
    "balance.csv",
    "claims.csv",
    "encounters.csv",
    "exceptions.csv",
    "near_misses.csv",
    "submitted.csv",
    "unreadable_rows.csv",
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with one small log."""
    (tmp_path / "log.csv").write_text(LOG)
    return tmp_path


ALL = ("whole.csv", "--staff", "staff.csv")


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A folder with a log, staff, fees and practice that leave nothing to be told."""
    (tmp_path / "whole.csv").write_text(f"{','.join(WHOLE)}\n{','.join(WHOLE.values())}\n")
    (tmp_path / "staff.csv").write_text(STAFF)
    (tmp_path / "fees.csv").write_text(FEES)
    (tmp_path / "ccbill.toml").write_text('[practice]\ntin = "00-0000001"\n')
    return tmp_path


def run(here: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    usual = ("--no-ledger",) if "--today" in arguments else ("--no-ledger", "--today", "2026-11-02")
    return ccbill("run", *arguments, *usual, cwd=here, COLUMNS="200", **environment)


def refused(here: Path, code: int, *arguments: str) -> str:
    """What a run says that ends with this code and writes nothing at all."""
    before = sorted(here.rglob("*"))
    done = run(here, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert sorted(here.rglob("*")) == before
    return done.stderr


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# what is written


def long_log(here: Path, rows: int) -> None:
    """A log of so many rows, each of another patient and without its minutes."""
    heading, *_ = LOG.splitlines()
    row = {"activity_id": "", "payer": "BCBSM", "service_date": "2026-10-05", "credential": "RN"}
    row |= {"kind": "care-coordination", "mode": "phone"}
    names = heading.split(",")
    text = (
        ",".join((row | {"patient_id": f"P{n}"}).get(name, "") for name in names)
        for n in range(rows)
    )
    (here / "log.csv").write_text("\n".join([heading, *text]) + "\n")


def test_a_long_sheet_is_told_and_has_csv_files_beside_it(here: Path) -> None:
    long_log(here, 4)
    (here / "ccbill.toml").write_text("[output]\nworkbook_rows = 5\n")
    done = run(here, "log.csv")
    assert (
        "\nexceptions.xlsx: has a sheet of 6 rows, more than the 5 of workbook_rows; CSV files "
        "beside it have the same\n"
        "  fix: Work with the CSV files, or raise workbook_rows under [output] in ccbill.toml.\n"
    ) in done.stderr
    assert "claims.xlsx:" not in done.stderr
    written = {path.name for path in (here / "ccbill-out").iterdir()}
    assert written == {"claims.xlsx", "exceptions.xlsx", "run.json", *CSV_SET}
    record = json.loads((here / "ccbill-out/run.json").read_text())
    assert {*record["files"]} | {"run.json"} == written
    assert "workbook-large" in {note["problem"] for note in record["notes"]}
    assert len(rows(here / "ccbill-out/exceptions.csv")) == 6


@pytest.mark.parametrize(
    ("most", "formats"),
    [(6, ["xlsx"]), (5, ["csv"]), (5, ["xlsx", "csv"]), (5, ["xlsx", "parquet"])],
)
def test_nothing_is_told_or_added_where_sheets_are_short_or_other_files_asked_for(
    here: Path, most: int, formats: list[str]
) -> None:
    long_log(here, 4)
    (here / "ccbill.toml").write_text(f"[output]\nworkbook_rows = {most}\n")
    done = run(here, "log.csv", *(part for each in formats for part in ("--format", each)))
    assert "workbook_rows" not in done.stderr
    found = {path.suffix.removeprefix(".") for path in (here / "ccbill-out").iterdir()}
    assert found == {*formats, "json"}


# inputs that cannot be used: 3


def test_a_missing_column_shows_the_headings_found_beside_the_one_wanted(here: Path) -> None:
    (here / "log.csv").write_text(LOG.replace("service_date", "Servce Date", 1))
    assert refused(here, 3, "log.csv") == (
        "log.csv:1: no heading is known for service_date (the day of the work)\n"
        "  Nothing was read or written. Headings found: A (patient_id), B (payer), "
        "C (Servce Date), D (minutes), E (kind), F (mode), G (credential).\n"
        '  fix: add to ccbill.toml under [columns]: service_date = "Servce Date"; '
        "ccbill init writes such a file\n"
    )


def test_a_file_that_is_not_there(here: Path) -> None:
    assert refused(here, 3, "lgo.csv") == (
        "lgo.csv: cannot be read: no such file or directory\n"
        "  Nothing was read or written.\n"
        "  fix: check the name, and who may read it\n"
    )


def test_everything_that_cannot_be_used_is_told_at_once(here: Path) -> None:
    said = refused(here, 3, "lgo.csv", "log.csv", "--patients", "none.csv", "--staff", "no.csv")
    assert [line.split(":")[0] for line in said.splitlines() if not line.startswith(" ")] == [
        "lgo.csv",
        "none.csv",
        "no.csv",
    ]


def test_a_picture_is_no_export(here: Path) -> None:
    (here / "log.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(40))
    assert refused(here, 3, "log.png").startswith("log.png: ")


# usage, configuration and rules not understood: 2


def test_an_unknown_setting_names_its_line_and_the_nearest(here: Path) -> None:
    (here / "ccbill.toml").write_text('[practice]\nnmae = "Invented"\n')
    assert refused(here, 2, "log.csv") == (
        "ccbill.toml:2:[practice] nmae: is no setting that ccbill knows\n"
        "  Nothing was read or written.\n"
        "  fix: did you mean 'name'?\n"
    )


def test_a_payer_mapped_to_a_name_that_no_plan_has(here: Path) -> None:
    (here / "ccbill.toml").write_text('[payers]\n"Ours" = "bcbsm-pdmc"\n')
    assert refused(here, 2, "log.csv") == (
        "ccbill.toml:[payers] Ours: 'bcbsm-pdmc' is no payer's name and no plan\n"
        "  Nothing was read or written.\n"
        "  fix: did you mean 'bcbsm-pdcm'?\n"
    )


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "2026-10-05"])
def test_a_month_that_is_none(here: Path, month: str) -> None:
    assert refused(here, 2, "log.csv", "--month", month) == (
        f"--month: '{month}' is not a month\n"
        "  Nothing was read or written.\n"
        "  fix: write it as 2026-10\n"
    )


def test_a_day_that_is_none(here: Path) -> None:
    said = (
        "--today: '2026-02-30' is not a date\n"
        "  Nothing was read or written.\n"
        "  fix: write it as 2026-11-02\n"
    )
    assert refused(here, 2, "log.csv", "--today", "2026-02-30") == said
    done = ccbill("run", "log.csv", cwd=here, CCBILL_TODAY="2026-02-30")
    assert (done.returncode, done.stderr) == (2, said)


@pytest.mark.parametrize(
    ("arguments", "what", "nearest"),
    [
        (["run", "log.csv", "--formt", "csv"], "run: there is no option --formt", "--format? "),
        (["run", "log.csv", "--tody", "2026-11-02"], "run: there is no option --tody", "--today? "),
        (["ledger", "runs", "--jsn"], "ledger runs: there is no option --jsn", "--json? "),
        (["rnu", "log.csv"], "no such command 'rnu'", "'run'? "),
        (["ledger", "sbmit", "1"], "ledger: no such command 'sbmit'", "'submit'? "),
        (["run"], "run: missing argument 'EXPORT…'", ""),
        (["run", "log.csv", "--out"], "option '--out' requires an argument", ""),
        (["ledger", "show", "one"], "ledger show: invalid value for 'N': it is not a number", ""),
        (
            ["run", "log.csv", "--lock-timeout", "soon"],
            "run: invalid value for '--lock-timeout': it is not a number",
            "",
        ),
        (
            ["run", "log.csv", "--lock-timeout", "-3"],
            "run: invalid value for '--lock-timeout': it is less than 0",
            "",
        ),
        (["template", "a.xlsx", "b.xlsx"], "template: there are more words than it takes", ""),
        (
            ["run", "log.csv", "--format", "cvs"],
            "'cvs' is not one of 'xlsx', 'csv', 'parquet', 'html'",
            "'csv'? ",
        ),
        (
            ["run", "log.csv", "--fail-on", "holds"],
            "'holds' is not one of 'never', 'note', 'hold'",
            "'hold'? ",
        ),
    ],
)
def test_a_misspelt_word_gets_the_nearest_on_standard_error(
    here: Path, arguments: list[str], what: str, nearest: str
) -> None:
    done = ccbill(*arguments, cwd=here, COLUMNS="200")
    assert (done.returncode, done.stdout) == (2, "")
    wrong, consequence, fix = done.stderr.splitlines()
    assert wrong.startswith("ccbill")
    assert wrong.endswith(what)
    assert consequence == "  Nothing was read or written."
    assert fix.startswith("  fix: did you mean " + nearest if nearest else "  fix: ccbill")
    assert fix.endswith(" -h shows what there is")
    assert not (here / "ccbill-out").exists()


WHAT_IF = ("explain", "--minutes", "74", "--date", "2026-10-05")
KNOWN = {"--plan": "bcbsm-pdcm", "--kind": "care-coordination", "--credential": "RN"}


@pytest.mark.parametrize(
    ("option", "word", "nearest"),
    [
        ("--plan", "bcbsm-pcdm", "bcbsm-pdcm"),
        ("--kind", "care-cordination", "care-coordination"),
        ("--credential", "Pharmd.d", "PharmD"),
        ("--mode", "phon", "phone"),
        ("--with", "athorization_number=1", "authorization_number"),
    ],
)
def test_a_misspelt_word_of_ccbills_gets_the_nearest(
    here: Path, option: str, word: str, nearest: str
) -> None:
    given = KNOWN | {option: word}
    done = ccbill(*WHAT_IF, *(part for pair in given.items() for part in pair), cwd=here)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == f"  fix: did you mean '{nearest}'?"


@pytest.mark.parametrize(
    ("line", "nearest"),
    [
        ("[practise]", "practice"),
        ("[practice]\nnmae = 'x'", "name"),
        ("[columns]\nservce_date = 'x'", "service_date"),
        ("[kinds]\nCall = 'care-cordination'", "care-coordination"),
        ("[modes]\nCall = 'phon'", "phone"),
        ("[checks]\nlong-dya = 'hold'", "long-day"),
        ("[checks]\nlong-day = 'holds'", "hold"),
        ("[payers]\nOurs = 'bcbsm-pdmc'", "bcbsm-pdcm"),
    ],
)
def test_a_misspelt_word_of_the_settings_gets_the_nearest(
    here: Path, line: str, nearest: str
) -> None:
    (here / "ccbill.toml").write_text(f"{line}\n")
    assert refused(here, 2, "log.csv").splitlines()[-1] == f"  fix: did you mean '{nearest}'?"


# what a run writes and says


def test_a_run_writes_two_workbooks_and_its_record(here: Path) -> None:
    done = run(here, "log.csv")
    assert (done.returncode, done.stdout) == (0, "")
    written = sorted(path.name for path in (here / "ccbill-out").iterdir())
    assert written == ["claims.xlsx", "exceptions.xlsx", "run.json"]
    assert done.stderr.splitlines()[-3:] == [
        "3 rows read = 2 counted + 0 left out + 1 held",
        "bill from  ccbill-out/claims.xlsx",
        "fix        ccbill-out/exceptions.xlsx, then run again",
    ]


def test_only_the_formats_named_are_written_and_stale_ones_go(here: Path) -> None:
    out = here / "ccbill-out"
    assert run(here, "log.csv", "--format", "csv", "--format", "xlsx").returncode == 0
    both = {path.name for path in out.iterdir()}
    assert both == CSV_SET | {"claims.xlsx", "exceptions.xlsx", "run.json"}
    assert run(here, "log.csv", "--format", "csv").returncode == 0
    assert {path.name for path in out.iterdir()} == CSV_SET | {"run.json"}


def test_a_dry_run_writes_nothing(here: Path) -> None:
    done = run(here, "log.csv", "--dry-run")
    assert done.returncode == 0
    assert done.stderr.endswith("1 held\nNothing was written.\n")
    assert [path.name for path in here.iterdir()] == ["log.csv"]


def test_json_is_the_record_on_standard_output(here: Path) -> None:
    done = run(here, "log.csv", "--json", "--format", "csv")
    assert done.stdout == (here / "ccbill-out" / "run.json").read_text(encoding="utf-8")
    record = json.loads(done.stdout)
    assert record["counts"]["rows_read"] == 3
    assert record["today"] == "2026-11-02"
    assert set(record["files"]) == CSV_SET | {"run.json"}
    dry = run(here, "log.csv", "--json", "--dry-run")
    assert json.loads(dry.stdout) == record | {"files": []}


def test_quiet_is_silent_only_where_nothing_is_to_be_told(whole: Path) -> None:
    clean = run(whole, *ALL, "--fees", "fees.csv", "--quiet")
    assert (clean.returncode, clean.stdout, clean.stderr) == (0, "", "")
    (whole / "log.csv").write_text(LOG)
    told = run(whole, "log.csv", "--quiet")
    assert told.returncode == 0
    assert "mode-missing" in told.stderr


def test_the_log_may_come_from_standard_input(here: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ccbill", "run", "-", "--format", "csv", "--no-ledger"],
        cwd=here,
        input=LOG.encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert {row["file"] for row in rows(here / "ccbill-out" / "activities.csv")} == {
        "standard input"
    }


def test_two_runs_write_the_same_bytes(here: Path) -> None:
    for out in ("one", "two"):
        run(here, "log.csv", "--format", "csv", "--format", "xlsx", "--out", out)
    for path in (here / "one").iterdir():
        assert path.read_bytes() == (here / "two" / path.name).read_bytes(), path.name


# --fail-on


def test_fail_on_hold(here: Path) -> None:
    assert run(here, "log.csv", "--dry-run", "--fail-on", "never").returncode == 0
    assert run(here, "log.csv", "--fail-on", "hold").returncode == 1
    assert (here / "ccbill-out" / "claims.xlsx").exists()


def test_fail_on_holds_lines_that_lack_what_a_payer_will_want(here: Path) -> None:
    run(here, "log.csv", "--format", "csv", "--fail-on", "hold")
    assert rows(here / "ccbill-out" / "claims.csv") == []
    problems = [row["problem"] for row in rows(here / "ccbill-out" / "exceptions.csv")]
    assert problems.count("claim-incomplete") == 2


def test_fail_on_note(whole: Path) -> None:
    assert run(whole, *ALL, "--fees", "fees.csv", "--fail-on", "note").returncode == 0
    assert run(whole, *ALL, "--fail-on", "hold").returncode == 0
    assert run(whole, *ALL, "--format", "csv", "--fail-on", "note").returncode == 1
    problems = [row["problem"] for row in rows(whole / "ccbill-out" / "exceptions.csv")]
    assert problems == ["charge-missing"]


# --month


def test_other_months_are_left_out_and_bill_nothing(here: Path) -> None:
    run(here, "log.csv", "--format", "csv", "--month", "2026-08")
    out = here / "ccbill-out"
    assert [(row["patient_id"], row["code"]) for row in rows(out / "claims.csv")] == [
        ("100001", "99487")
    ]
    assert [(row["outcome"], row["problem"]) for row in rows(out / "activities.csv")] == [
        ("counted", ""),
        ("left-out", "other-month"),
        ("left-out", "other-month"),
    ]
    assert "hold" not in {row["severity"] for row in rows(out / "exceptions.csv")}


def test_a_month_without_work_bills_nothing(here: Path) -> None:
    done = run(here, "log.csv", "--format", "csv", "--month", "2025-01")
    assert done.returncode == 0, done.stderr
    assert rows(here / "ccbill-out" / "claims.csv") == []
    assert "3 rows read = 0 counted + 3 left out + 0 held" in done.stderr


def test_several_months(here: Path) -> None:
    run(here, "log.csv", "--format", "csv", "--month", "2026-08", "--month", "2026-09")
    assert len(rows(here / "ccbill-out" / "claims.csv")) == 2


def test_other_months_still_count_for_look_backs(here: Path) -> None:
    """Once a year: the assessment of February takes the year's one from that of October."""
    (here / "year.csv").write_text(
        "patient_id,payer,service_date,minutes,kind,mode,credential\n"
        "100001,Priority Health,2026-02-12,40,comprehensive-assessment,in-person,RN\n"
        "100001,Priority Health,2026-10-08,45,comprehensive-assessment,in-person,RN\n"
    )
    run(here, "year.csv", "--format", "csv", "--month", "2026-10")
    out = here / "ccbill-out"
    assert rows(out / "claims.csv") == []
    assert [row["problem"] for row in rows(out / "activities.csv")] == ["other-month", "unit-limit"]


# output that cannot be written: 4


def test_an_output_folder_that_cannot_be_made(here: Path) -> None:
    (here / "taken").write_text("mine")
    assert refused(here, 4, "log.csv", "--out", "taken") == (
        "taken: is a file, where the output needs something else\n"
        "  Nothing was written.\n"
        "  fix: move it away, or name another directory with --out\n"
    )
    assert (here / "taken").read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_an_output_folder_that_is_not_writable(here: Path) -> None:
    run(here, "log.csv", "--format", "csv")
    out = here / "ccbill-out"
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    out.chmod(0o500)
    try:
        done = run(here, "log.csv", "--format", "csv", "--month", "2026-09")
    finally:
        out.chmod(0o700)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("ccbill-out: cannot be written: permission denied\n")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_standard_output_that_is_full(here: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ccbill", "run", "log.csv", "--json", "--quiet", "--dry-run"],
            cwd=here,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 4
    assert done.stderr.splitlines()[0] == (
        "standard output: cannot be written: no space left on device"
    )


@pytest.mark.parametrize(
    "arguments", [["run", "log.csv", "--json", "--dry-run"], ["run", "-h"], ["--version"]]
)
def test_a_closed_pipe_is_no_failure(here: Path, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "ccbill", *arguments]
    nobody, ours = os.pipe()
    os.close(nobody)
    done = subprocess.run(
        command, cwd=here, stdout=ours, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(ours)
    assert done.returncode == 0
    assert "rror" not in done.stderr


# signals


WITH_SIGNAL = """
import signal
import sys

name, how = sys.argv.pop(1).split("=")
signal.signal(signal.Signals[name], signal.Handlers[how])
from ccbill.cli import main

main()
"""


def reading(here: Path, signal_is: str) -> subprocess.Popen[str]:
    """A run that reads a named pipe, with the signal as its parent left it."""
    os.mkfifo(here / "slow.csv")
    command = [sys.executable, "-c", WITH_SIGNAL, signal_is, "run", "slow.csv", "--no-ledger"]
    return subprocess.Popen(command, cwd=here, stderr=subprocess.PIPE, text=True)


def opened_by(process: subprocess.Popen[str], pipe: Path) -> BinaryIO:
    """The pipe's other end, once the process reads it; a plain open would wait for a dead one."""
    while process.poll() is None:
        with suppress(OSError):  # nobody reads it yet
            opened = os.fdopen(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK), "wb")
            time.sleep(0.3)  # until it waits for what is written
            return opened
        time.sleep(0.02)
    raise AssertionError(process.communicate()[1])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_leaves_earlier_output_as_it_was(here: Path, name: str) -> None:
    run(here, "log.csv", "--format", "csv")
    out = here / "ccbill-out"
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    process = reading(here, f"{name}=SIG_DFL")
    with opened_by(process, here / "slow.csv"):
        process.send_signal(signal.Signals[name])
        _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.Signals[name]
    assert said == "ccbill: stopped; earlier output is as it was\n"
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_nohup_is_respected(here: Path) -> None:
    process = reading(here, "SIGHUP=SIG_IGN")
    with opened_by(process, here / "slow.csv") as file:
        process.send_signal(signal.SIGHUP)
        file.write(LOG.encode())
    _, said = process.communicate(timeout=30)
    assert (process.returncode, "3 rows read" in said) == (0, True)


# help and version


def test_version(tmp_path: Path) -> None:
    done = ccbill("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"ccbill {__version__}\n", "")


def test_the_installed_command_is_the_module(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("ccbill")
    if not script.exists():
        pytest.skip("ccbill is not installed here")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=False)
    assert done.stdout == ccbill("--version", cwd=tmp_path).stdout


@pytest.mark.parametrize("arguments", [["-h"], ["run", "-h"], ["run", "--help"]])
def test_help_shows_the_exit_codes(tmp_path: Path, arguments: list[str]) -> None:
    done = ccbill(*arguments, cwd=tmp_path, COLUMNS="80")
    assert (done.returncode, done.stderr) == (0, "")
    words = " ".join(done.stdout.split())
    for said in (
        "Exit codes 0 done",
        "1 done, and --fail-on was reached",
        "2 usage, configuration or rule file refused",
        "3 an input cannot be used",
        "4 output or ledger could not be written",
        "70 a fault in ccbill",
        "75 another run holds the ledger",
        "129, 130, 143 stopped by a signal",
    ):
        assert said in words


@pytest.mark.parametrize("arguments", [["-h"], ["run", "-h"], ["--version"], ["run", "--formt"]])
def test_words_about_ccbill_load_no_table_library(tmp_path: Path, arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ccbill", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "typer" in loaded
    assert loaded.isdisjoint({"pandas", "numpy", "pyarrow", "xlsxwriter", "python_calamine"})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_the_exit_code_stands_where_nobody_can_be_told(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ccbill", "run", "log.csv", "--no-ledger"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=full,
            check=False,
        )
    assert (done.returncode, done.stdout) == (3, b"")


# a fault in ccbill itself

FAULTY = """
import sys
import ccbill.run
from ccbill import cli

def bill(read, *_):
    raise ValueError(f"cannot make sense of {list(read.activities['patient'])}")

ccbill.run.billed = bill
sys.argv = ["ccbill", *sys.argv[1:]]
cli.main()
"""


def fault(here: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", FAULTY, "run", "log.csv", "--no-ledger", *arguments],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_fault_says_its_place_and_no_cell(here: Path) -> None:
    done = fault(here)
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr == (
        "ccbill: a fault in ccbill: ValueError at __main__:7\n"
        "  Nothing was recorded; earlier output is as it was.\n"
        "  fix: report it with this line and the version of ccbill\n"
    )
    assert not (here / "ccbill-out").exists()


def test_a_run_that_fails_does_not_wait_for_what_goes_on_beside_it(here: Path) -> None:
    sleeping = FAULTY.replace(
        "sys.argv = ", "ccbill.plausible.asked = lambda *_: time.sleep(60)\nsys.argv = "
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", f"import time\n{sleeping}", "run", "log.csv", "--no-ledger"],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    assert time.monotonic() - began < 30
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr.startswith("ccbill: a fault in ccbill: ValueError at __main__:")


def test_a_fault_after_the_run_says_that_the_run_is_done(here: Path) -> None:
    by = Upset("ccbill.report.console:summary", says="10000")
    done = upset("run", "log.csv", cwd=here, by=by)
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr.splitlines()[1] == "  The run itself is done, and its files are whole."
    assert "10000" not in done.stderr
    assert (here / "ccbill-out" / "claims.xlsx").exists()


def test_a_fault_with_debug_says_the_way_there_and_no_cell(here: Path) -> None:
    done = fault(here, "--debug")
    assert done.returncode == 70
    assert "  ccbill.cli:" in done.stderr
    assert "  ccbill.run:" in done.stderr
    assert "10000" not in done.stderr
