"""What the patients and staff files add, and what is settled where rows disagree."""

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_intake_rows import HEADING, column, noted, problems, read

from ccbill.errors import CcbillError
from ccbill.intake.fees import read_fees
from ccbill.tables import UNKNOWN


def number(date: str) -> int:
    return int(np.datetime64(date, "D").astype(int))


def test_staff_fill_what_the_row_leaves_blank(tmp_path: Path) -> None:
    text = (
        f"{HEADING},staff_id,staff_name,credential\n"
        "1,B,2026-03-01,5,email,S1,,\n1,B,2026-03-02,5,email,,ann lee,\n"
        "1,B,2026-03-03,5,email,S1,,CHW\n1,B,2026-03-04,5,email,S9,,\n"
    )
    staff = (
        "staff_id,staff_name,credential,training_date,scope_of_service\nS1,Ann Lee,RN,1/2/2025,Y\n"
    )
    result = read(tmp_path, text, staff=staff)
    assert column(result, "staff") == ["S1", "S1", "S1", "S9"]
    assert column(result, "credential") == ["RN", "RN", "CHW", None]
    assert column(result, "scope_of_service") == ["yes", "yes", "yes", None]
    assert column(result, "training_date") == [*[number("2025-01-02")] * 3, UNKNOWN]
    assert {"training_date", "scope_of_service", "credential"} <= result.given


def test_an_unknown_credential_of_the_staff_file_holds_the_rows_that_need_it(
    tmp_path: Path,
) -> None:
    rows = "1,B,2026-03-01,5,email,Ann,\n1,B,2026-03-02,5,email,Ann,RN\n"
    text = f"{HEADING},staff_name,credential\n{rows}"
    result = read(tmp_path, text, staff="Staff,Credential\nAnn,Wizard\n")
    assert problems(result) == ["credential-not-known", None]


def test_a_member_of_staff_with_two_credentials_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CcbillError) as refused:
        read(tmp_path, HEADING, staff="staff_id,credential\nS1,RN\nS2,MA\nS1,MA\n")
    assert str(refused.value.messages[0]) == (
        "staff.csv:4: names a member of staff again, with another credential, training or scope\n"
        "  Nothing was read or written.\n"
        "  fix: keep one line for each member of staff"
    )


def test_the_payer_of_the_day_wins(tmp_path: Path) -> None:
    text = (
        "patient_id,payer,service_date,minutes,kind,member_id\n"
        "1,Old,2026-03-31,5,email,\n1,Old,2026-04-01,5,email,\n1,,2027-01-01,5,email,\n"
        "2,,2026-03-01,5,email,\n2,Own,2026-03-02,5,email,M9\n3,,2026-03-01,5,email,\n"
    )
    patients = (
        "patient_id,payer,from,to,member_id\n1,Old,2026-01-01,2026-03-31,M1\n"
        "1,New,4/1/2026,12/31/2026,M2\n2,Undated,,,M3\n"
    )
    result = read(tmp_path, text, patients=patients)
    assert column(result, "payer") == ["Old", "New", None, "Undated", "Own", None]
    assert column(result, "member_id") == ["M1", "M2", None, "M3", "M9", None]
    assert problems(result) == [None, None, "payer-missing", None, None, "payer-missing"]
    assert [n.where for n in result.notes if n.problem == "payer-differs"] == [
        "export1.csv:3:B (payer)"
    ]
    assert result.patients.loc["1", "member_id"] == "M2"


def test_the_patients_file_fills_blank_details_only(tmp_path: Path) -> None:
    rows = "1,B,2026-03-01,5,email,HMO,\n1,B,2026-03-02,5,email,,\n"
    text = f"{HEADING},line_of_business,place_of_service\n{rows}"
    patients = (
        "patient_id,line_of_business,place_of_service,last_name,DOB\n"
        "1,commercial PPO,11,Doe,1/2/50\n"
    )
    result = read(tmp_path, text, patients=patients)
    assert column(result, "line_of_business") == ["HMO", "commercial PPO"]
    assert column(result, "place_of_service") == ["11", "11"]
    assert result.patients.loc["1", "last_name"] == "Doe"
    assert result.patients.loc["1", "birth_date"] == number("1950-01-02")


DETAILS = [
    "1,B,2026-03-05,5,email,Newer,2026-02-02,high,I10",
    "1,B,2026-03-01,5,email,Older,2026-01-01,Low,E11.9 I10",
    "1,B,2026-03-09,5,email,,2026-03-03,,",
    "1,B,2026-04-01,5,email,Newer,,low,J44.9",
    "2,B,2026-03-01,5,email,Only,,,",
]


def test_details_that_disagree_in_any_order_of_rows(tmp_path: Path) -> None:
    heading = f"{HEADING},last_name,consent_date,mdm,diagnosis_codes\n"
    for seed in range(5):
        rows = random.Random(seed).sample(DETAILS, len(DETAILS))
        result = read(tmp_path, heading + "\n".join(rows))
        assert result.patients["last_name"].tolist() == ["Newer", "Only"]
        assert result.patients["consent_date"].tolist() == [number("2026-01-01"), UNKNOWN]
        by_day = result.activities.sort_values(["patient", "service_date"])
        assert by_day["mdm"].astype(object).tolist()[:4] == ["high", "high", "high", "low"]
        assert by_day["diagnosis_codes"].tolist()[:4] == [*["I10;E11.9"] * 3, "J44.9"]
        assert pd.isna(by_day["diagnosis_codes"].iloc[4])
        assert noted(result).count("patient-details-differ") == 4


@pytest.mark.parametrize("reverse", [False, True])
def test_the_principal_diagnosis_is_the_first_that_the_last_row_lists(
    tmp_path: Path, reverse: bool
) -> None:
    rows = [
        "1,B,2026-03-01,5,email,Z1;E11.9 | A00; e11.9",
        "1,B,2026-03-08,5,email,I10 Z1",
        "2,B,2026-03-01,5,email,Z99;A00;Z99",
    ]
    lines = reversed(rows) if reverse else rows
    result = read(tmp_path, f"{HEADING},diagnosis_codes\n" + "\n".join(lines))
    told = result.activities.sort_values(["patient", "service_date"])["diagnosis_codes"]
    assert told.tolist() == [*["I10;Z1;E11.9;A00"] * 2, "Z99;A00"]


def test_the_earliest_consent_of_both_files_counts(tmp_path: Path) -> None:
    text = f"{HEADING},consent_date,city\n1,B,2026-03-01,5,email,2026-02-02,Flint\n"
    result = read(tmp_path, text, patients="patient_id,consent_date,city\n1,2026-01-01,Lansing\n")
    assert result.patients.loc["1", "consent_date"] == number("2026-01-01")
    assert result.patients.loc["1", "city"] == "Flint"


def test_lines_of_the_patients_file_that_disagree_are_noted(tmp_path: Path) -> None:
    text = f"{HEADING}\n1,B,2026-03-01,5,email\n2,B,2026-03-01,5,email\n"
    patients = (
        "patient_id,payer,member_id,from,to,last_name,birth_date\n"
        "1,B,M1,,2025-12-31,Older,1950-01-01\n1,B,M2,2026-01-01,,Newer,1950-01-02\n"
        "2,B,M3,,,Only,1950-01-03\n3,B,M4,,,One,1950-01-04\n3,B,M4,,,Other,1950-01-04\n"
    )
    result = read(tmp_path, text, patients=patients)
    assert result.patients["last_name"].tolist() == ["Newer", "Only"]
    assert [n.what for n in result.notes if n.problem == "patient-details-differ"] == [
        "last_name has more than one value for 1 patient: the latest counts",
        "birth_date has more than one value for 1 patient: the latest counts",
    ]


def test_patients_are_in_the_order_of_their_categories(tmp_path: Path) -> None:
    result = read(tmp_path, f"{HEADING}\n2,B,2026-03-01,5,email\n10,B,2026-03-01,5,email\n")
    assert list(result.patients.index) == list(result.activities["patient"].cat.categories)


def price(tmp_path: Path, text: str, code: str, date: str) -> tuple[int, int]:
    """The charge and the expected payment of one unit on a day, in cents."""
    (tmp_path / "fees.csv").write_text(text)
    line = (pd.Series([each]) for each in ("bcbsm-pdcm", "BCBSM", code, ""))
    [charge], [expected] = read_fees(tmp_path / "fees.csv").of(*line, np.array([number(date)]))
    return int(charge), int(expected)


FEES = (
    "plan,code,charge,collection_rate,from,to\n"
    "bcbsm-pdcm,g9002,80,0.5,2026-01-01,\nbcbsm-pdcm,G9002,90,0.5,2026-07-01,\n"
)


@pytest.mark.parametrize(
    ("date", "charge"), [("2025-12-31", UNKNOWN), ("2026-06-30", 8000), ("2026-07-01", 9000)]
)
def test_of_two_prices_the_one_that_begins_last_counts(
    tmp_path: Path, date: str, charge: int
) -> None:
    expected = UNKNOWN if charge == UNKNOWN else charge // 2
    for text in (FEES, "\n".join([FEES.splitlines()[n] for n in (0, 2, 1)])):
        assert price(tmp_path, text, "G9002", date) == (charge, expected)


def test_a_fee_schedule_that_says_two_things_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CcbillError) as refused:
        price(
            tmp_path,
            f"{FEES}bcbsm-pdcm,G9002,95,,2026-07-01,\nbcbsm-pdcm,,5,,,\n"
            "bcbsm-pdcm,98966,5,,2026-07-01,2026-06-30\n",
            "G9002",
            "2026-07-01",
        )
    assert [str(message) for message in refused.value.messages] == [
        "fees.csv:5:B (code): is blank\n  Nothing was read or written.\n"
        "  fix: write the code of the price",
        "fees.csv:6:F (to): is before the day in from\n  Nothing was read or written.\n"
        "  fix: correct one of the two",
        "fees.csv:4:B (code): has another price from the same day above\n"
        "  Nothing was read or written.\n"
        "  fix: keep the one that counts, or give each its from",
    ]
    with pytest.raises(CcbillError) as refused:
        price(tmp_path, FEES.replace("0.5", "50%"), "G9002", "2026-07-01")
    assert [str(message) for message in refused.value.messages][:1] == [
        "fees.csv:2:D (collection_rate): is not an amount from 0 to 1\n"
        "  Nothing was read or written.\n  fix: write it as 0.33"
    ]
