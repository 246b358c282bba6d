"""What a run says of inputs that it can use in part only, and of lines to look at again."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from command import ccbill

HEADING = "activity_id,patient_id,payer,service_date,minutes,kind,mode,credential"
CALL = "care-coordination,phone,RN"
Row = dict[str, str]


def run(folder: Path, *arguments: str, log: list[str] | None = None, heading: str = HEADING) -> str:
    """Bills the log, and gives what the command says where it is refused."""
    if log is not None:
        (folder / "log.csv").write_text("\n".join([heading, *log]) + "\n")
    fixed = ("--format", "csv", "--no-ledger", "--today", "2026-11-02", *arguments)
    done = ccbill("run", "log.csv", *fixed, cwd=folder)
    assert done.returncode in (0, 3), done.stderr
    return done.stderr if done.returncode else ""


def table(folder: Path, name: str) -> list[Row]:
    with (folder / "ccbill-out" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def told(folder: Path, problem: str, *columns: str) -> list[tuple[str, ...]]:
    """These columns of the exceptions of one problem."""
    found = [each for each in table(folder, "exceptions") if each["problem"] == problem]
    return [tuple(each[column] for column in columns) for each in found]


def test_diagnoses_beyond_twelve_are_told_on_the_line(tmp_path: Path) -> None:
    given = " ".join(f"X{30 - n}" for n in range(14))
    rows = [f"1,P1,BCBSM,2026-10-05,31,{CALL},{given}", f"2,P2,BCBSM,2026-10-05,31,{CALL},I10"]
    run(tmp_path, log=rows, heading=f"{HEADING},diagnosis_codes")
    many, one = table(tmp_path, "claims")
    assert (many["diagnosis_1"], many["diagnosis_12"]) == ("X30", "X19")
    assert "diagnoses: 14 given, 12 on the claim" in many["notes"].split("; ")
    assert "on the claim" not in one["notes"]


@pytest.mark.parametrize(
    "payer", ["BCBSM", "Priority Health", "Medicaid HMO"], ids=["bcbsm", "priority", "medicaid"]
)
def test_a_phone_code_in_the_month_of_99487_says_that_the_pair_edits_forbid_it(
    tmp_path: Path, payer: str
) -> None:
    contact = "care-management-contact,phone,RN"
    rows = [
        f"1,P1,{payer},2026-09-05,60,{CALL}",
        f"2,P1,{payer},2026-09-25,15,{contact}",
        f"3,P1,{payer},2026-10-25,15,{contact}",
    ]
    run(tmp_path, log=rows)
    beside = {x["service_from"]: "pair edits" in x["notes"] for x in table(tmp_path, "claims")}
    assert beside == {"2026-09-05": False, "2026-09-25": True, "2026-10-25": False}


FEES = """\
plan,code,expected_payment
medicare-ccm,99490,60
medicare-ccm,99439,47
medicare-ccm,99487,131
medicare-ccm,99489,70
"""


def test_a_month_that_99487_needs_only_the_mdm_of_is_told_with_the_difference(
    tmp_path: Path,
) -> None:
    heading = f"{HEADING},diagnosis_codes,care_plan_date,consent_date,mdm"
    known = "E11.9;I10,2020-01-01,2020-01-01"
    rows = [
        f"1,P1,Medicare,2026-09-05,59,{CALL},{known},",
        f"2,P2,Medicare,2026-09-05,60,{CALL},{known},low",
        f"3,P3,Medicare,2026-09-05,80,{CALL},{known},",
        f"4,P3,Medicare,2026-09-06,10,{CALL},{known},",
    ]
    (tmp_path / "fees.csv").write_text(FEES)
    run(tmp_path, "--fees", "fees.csv", log=rows, heading=heading)
    assert told(tmp_path, "mdm-missing", "severity", "patient_id", "month", "code", "amount") == [
        ("note", "P3", "2026-09", "99487", "47.00")  # 131 + 70 for 60 + 2 x 47
    ]
    says = {x["patient_id"] for x in table(tmp_path, "claims") if "mdm-missing" in x["notes"]}
    assert says == {"P3"}


def test_an_ecm_line_that_the_order_of_preference_chose_stands_as_assumed(tmp_path: Path) -> None:
    rows = [
        "1,P1,Medi-Cal,2026-09-05,,ecm-service,phone,RN,A1",
        "2,P1,Medi-Cal,2026-09-06,,ecm-service,in-person,CHW,A1",
        "3,P2,Medi-Cal,2026-09-05,,ecm-service,in-person,CHW,A2",
        "4,P2,Medi-Cal,2026-09-06,,ecm-service,in-person,CHW,A2",
    ]
    run(tmp_path, log=rows, heading=f"{HEADING},authorization_number")
    lines = table(tmp_path, "claims")
    found = [(x["patient_id"], x["code"], x["rule_standing"]) for x in lines]
    assert found == [("P1", "G9008", "assumed"), ("P2", "G9012", "published")]
    assert ["order of preference" in x["notes"] for x in lines] == [True, False]


PATIENTS = """\
patient_id,payer,from,to,member_id,group_number
P1,Priority Health,,,PH1,G-PH
P2,Blue Care Network,,,M2,G2
P3,BCBSM,2026-01-01,2026-06-30,OLD,G-OLD
P3,Priority Health,2026-07-01,,NEW,G-NEW
P4,,,,ANY,G-ANY
"""


def test_a_member_id_and_a_group_are_those_of_the_payer_and_day(tmp_path: Path) -> None:
    days = {"P1": "2026-09-05", "P2": "2026-09-05", "P3": "2026-06-05", "P4": "2026-09-05"}
    rows = [
        f"{n},{patient},{'' if patient == 'P3' else 'BCBSM'},{day},31,{CALL}"
        for n, (patient, day) in enumerate(days.items())
    ]
    (tmp_path / "patients.csv").write_text(PATIENTS)
    run(tmp_path, "--patients", "patients.csv", log=rows)
    lines = table(tmp_path, "claims")
    assert [(x["patient_id"], x["member_id"], x["group_number"]) for x in lines] == [
        ("P1", "", ""),
        ("P2", "M2", "G2"),
        ("P3", "OLD", "G-OLD"),
        ("P4", "ANY", "G-ANY"),
    ]


def test_a_month_without_rows_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    run(tmp_path, "--month", "2026-09", log=[f"1,P1,BCBSM,2026-10-05,31,{CALL}"])
    assert told(tmp_path, "month-without-rows", "what", "fix") == [
        (
            "no row is in 2026-09, which --month names",
            "name a month that the exports have: 2026-10",
        )
    ]


def test_a_sheet_of_an_export_that_is_no_workbook(tmp_path: Path) -> None:
    run(tmp_path, "--sheet", "Log", log=[f"1,P1,BCBSM,2026-10-05,31,{CALL}"])
    assert told(tmp_path, "sheet-not-used", "file", "what") == [
        ("log.csv", "is no workbook, so there is no sheet to choose: --sheet was not used")
    ]


def test_a_heading_of_the_settings_that_no_input_has(tmp_path: Path) -> None:
    (tmp_path / "ccbill.toml").write_text('[columns]\nmdm = "Nope"\n')
    run(tmp_path, log=[f"1,P1,BCBSM,2026-10-05,31,{CALL}"])
    assert told(tmp_path, "heading-not-found", "file", "what", "fix") == [
        (
            "ccbill.toml",
            "[columns] mdm is a heading that no input has",
            "correct it, or delete the line",
        )
    ]


def test_coverage_that_ends_before_it_begins(tmp_path: Path) -> None:
    lines = "patient_id,payer,from,to\nP1,BCBSM,2026-12-31,2026-01-01\n"
    (tmp_path / "patients.csv").write_text(lines)
    run(tmp_path, "--patients", "patients.csv", log=[f"1,P1,BCBSM,2026-10-05,31,{CALL}"])
    assert told(tmp_path, "cell-not-read", "file", "row", "what") == [
        (
            "patients.csv",
            "2",
            "to: before the day in from, so the line covers no day, in 1 cell",
        )
    ]


@pytest.mark.parametrize(
    ("price", "said"),
    [
        ("bcbsm-pdc,", "is no plan and no payer's name\n  Nothing was read or written.\n"
         "  fix: did you mean 'bcbsm-pdcm'?"),
        (",", "is blank\n  Nothing was read or written.\n"
         "  fix: name the plan or payer of the price"),
    ],
)  # fmt: skip
def test_a_price_for_a_plan_that_there_is_none_of(tmp_path: Path, price: str, said: str) -> None:
    (tmp_path / "fees.csv").write_text(f"plan,payer,code,charge\n{price},99487,100\n")
    refused = run(tmp_path, "--fees", "fees.csv", log=[f"1,P1,BCBSM,2026-10-05,31,{CALL}"])
    assert refused.strip() == f"fees.csv:2:A (plan): {said}"


def test_a_price_may_be_under_a_payers_name(tmp_path: Path) -> None:
    (tmp_path / "fees.csv").write_text("plan,code,charge\nBCBS of Michigan,99487,100\n")
    log = [f"1,P1,BCBS of Michigan,2026-10-05,31,{CALL}"]
    assert run(tmp_path, "--fees", "fees.csv", log=log) == ""
    assert [x["charge"] for x in table(tmp_path, "claims")] == ["100.00"]


@pytest.mark.parametrize("heading", ["Duration (sec)", "Time Spent (seconds)", "Seconds"])
def test_a_heading_of_seconds_is_read_as_seconds(tmp_path: Path, heading: str) -> None:
    run(
        tmp_path,
        log=[f"1,P1,BCBSM,2026-10-05,1860,{CALL}"],
        heading=HEADING.replace("minutes", heading),
    )
    assert [(x["code"], x["minutes"]) for x in table(tmp_path, "claims")] == [("99487", "31")]


def test_a_heading_that_is_nearly_one_that_no_input_has(tmp_path: Path) -> None:
    heading = f"{HEADING.replace('minutes', 'minuts')},Floor,modes"
    run(tmp_path, log=[f"1,P1,BCBSM,2026-10-05,31,{CALL},3,"], heading=heading)
    assert told(tmp_path, "heading-nearly-known", "file", "row", "what", "fix") == [
        (
            "log.csv",
            "1",
            "is not read, and no input has the column minutes, which it is like",
            'if it is that, add to ccbill.toml under [columns]: minutes = "minuts"',
        )
    ]


def test_hours_without_a_unit_say_why_they_cannot_be_read(tmp_path: Path) -> None:
    rows = [f"1,P1,BCBSM,2026-10-05,1.30,{CALL}", f"2,P2,BCBSM,2026-10-05,soon,{CALL}"]
    run(tmp_path, log=rows, heading=HEADING.replace("minutes", "Hours"))
    number, word = told(tmp_path, "minutes-not-read", "why")
    assert number[0].startswith("a number without a unit: under a heading that says hours, 1.30")
    assert word == ("",)


def test_what_only_the_staff_file_gives_is_asked_for_there(tmp_path: Path) -> None:
    rows = [f"1,P1,BCBSM,2026-10-05,31,{CALL}", f"2,P2,Medicare,2026-10-05,31,{CALL}"]
    run(tmp_path, log=rows)
    found = dict(told(tmp_path, "not-checked", "why", "fix"))
    assert found["no input has the column training_date"] == "Give the column in the --staff file."
    other = found["no input has the column diagnosis_codes"]
    assert other == "Give the column in the export or a companion file."


def test_no_payer_is_suggested_that_a_word_tells_apart(tmp_path: Path) -> None:
    names = [*["BCBSM"] * 5, "Medicare Part A", "Priority Helth", "MediCal", "Medicaid PPO"]
    run(tmp_path, log=[f"{n},P{n},{p},2026-10-05,31,{CALL}" for n, p in enumerate(names)])
    fixes = {fix.partition(": ")[2] for (fix,) in told(tmp_path, "payer-not-known", "fix")}
    assert fixes == {
        '"Medicare Part A" = "PAYER"',
        '"Priority Helth" = "Priority Health"',
        '"MediCal" = "Medi-Cal"',
        '"Medicaid PPO" = "PAYER"',
    }


def test_administrative_work_is_left_out_whatever_its_mode_says(tmp_path: Path) -> None:
    rows = [
        *(f"{n},P1,BCBSM,2026-10-0{n},31,{CALL}" for n in range(1, 5)),
        "5,P1,BCBSM,2026-10-05,2,voicemail,Voice,RN",
        "6,P1,BCBSM,2026-10-06,2,email,Voice,RN",
        "7,P1,BCBSM,2026-10-07,15,care-management-contact,Voice,RN",
    ]
    run(tmp_path, log=rows)
    trace = [(x["outcome"], x["problem"]) for x in table(tmp_path, "activities")[4:]]
    assert trace == [("left-out", "left-out-kind")] * 2 + [("held", "mode-not-known")]
    assert told(tmp_path, "mode-not-known", "severity", "rows") == [("hold", "1")]


@pytest.mark.parametrize("kept", [True, False])
def test_a_row_without_a_patient_is_explained_by_what_is_wrong_with_it(
    tmp_path: Path, kept: bool
) -> None:
    (tmp_path / "log.csv").write_text(f"{HEADING}\n1,,BCBSM,2026-10-05,31,{CALL}\n")
    of = ["--ledger", "ledger.db"] if kept else ["log.csv", "--no-ledger"]
    if kept:
        ccbill("run", "log.csv", *of, cwd=tmp_path)
    done = ccbill("explain", "--row", "log.csv:2", *of, cwd=tmp_path)
    assert (done.returncode, done.stderr.strip()) == (
        3,
        "log.csv:2: The row names no patient\n"
        "  Nothing was explained.\n"
        "  fix: Enter the patient's id in the EHR and export again.",
    )


def test_notes_about_whole_files_are_in_the_record_of_a_run_without_workbooks(
    tmp_path: Path,
) -> None:
    log = f"{HEADING},note\n1,P1,BCBSM,2026-10-05,31,{CALL},café\n"
    (tmp_path / "log.csv").write_bytes(log.encode("windows-1252"))
    run(tmp_path)
    record = json.loads((tmp_path / "ccbill-out" / "run.json").read_text())
    found = {each["problem"]: each["what"] for each in record["notes"]}
    assert found["encoding-assumed"] == "is not UTF-8, and was read as Windows-1252"
    assert {"practice-unnamed", "plausibility-not-checked"} <= found.keys()
    assert "P1" not in json.dumps(record["notes"])
