"""How headings become columns, and what is said where they cannot."""

from pathlib import Path

import pytest
from test_intake_rows import column, problems, read

from ccbill.config import Practice, Settings
from ccbill.errors import CcbillError, Exit


def refusal(folder: Path, text: str, settings: Settings | None = None) -> list[str]:
    with pytest.raises(CcbillError) as refused:
        read(folder, text, settings=settings)
    assert refused.value.code == Exit.INPUT
    return [str(message) for message in refused.value.messages]


def test_headings_match_without_case_spaces_and_punctuation_and_by_spelling(
    tmp_path: Path,
) -> None:
    text = "MRN,Primary Payer,D.O.S.,Duration (min),ACTIVITY_TYPE,Contact Method,Credentials\n"
    result = read(tmp_path, text + "1,B,3/1/2026,12,Email,Telephone,rn\n")
    assert [column(result, c)[0] for c in ("patient", "kind", "mode", "credential")] == [
        *("1", "email", "phone", "RN")
    ]
    assert [(m["column"], m["letter"], m["how"]) for m in result.mapping if m["column"] < "m"] == [
        ("credential", "G", "spelling"),
        ("kind", "E", "spelling"),
    ]


def test_a_missing_column_shows_the_headings_and_the_nearest(tmp_path: Path) -> None:
    assert refusal(tmp_path, "patient_id,payer,Servce Date,minutes,kind\n1,B,3/1/2026,5,x\n") == [
        "export1.csv:1: no heading is known for service_date (the day of the work)\n"
        "  Nothing was read or written. Headings found: A (patient_id), B (payer), "
        "C (Servce Date), D (minutes), E (kind).\n"
        '  fix: add to ccbill.toml under [columns]: service_date = "Servce Date"; '
        "ccbill init writes such a file"
    ]


def test_all_problems_of_all_columns_are_told_at_once(tmp_path: Path) -> None:
    said = refusal(tmp_path, "MRN,Patient,How,Day\n1,1,phone,x\n1,1,video,y\n")
    assert [message.splitlines()[0] for message in said] == [
        "export1.csv:1: two headings for patient_id: A (MRN) and B (Patient)",
        "export1.csv:1: no heading is known for service_date (the day of the work)",
        "export1.csv:1: no heading is known for kind (the kind of work)",
        "export1.csv:1: no heading is known for payer (who pays)",
        "export1.csv:1:C (How): is not read, but 100% of its cells are a known mode",
    ]


def test_a_first_row_of_data_is_not_shown(tmp_path: Path) -> None:
    assert refusal(tmp_path, "Anna Doe,B,2026-03-01,12,email\n") == [
        "export1.csv:1: has no heading: the first row looks like data\n"
        "  Nothing was read or written.\n"
        "  fix: name the columns in a first row: patient_id, service_date, kind, payer, …"
    ]


def test_ccbill_toml_wins_over_spellings(tmp_path: Path) -> None:
    text = "MRN,Patient,payer,DOS,Client no,kind\n1,2,B,3/1/2026,9,email\n"
    settings = Settings(columns={"patient_id": "client NO"})
    assert column(read(tmp_path, text, settings=settings), "patient") == ["9"]


def test_a_heading_of_ccbill_toml_that_no_input_has_is_noted(tmp_path: Path) -> None:
    settings = Settings(columns={"minutes": "Minutos"}, path=tmp_path / "ccbill.toml")
    text = "patient_id,payer,service_date,minutes,kind\n1,B,3/1/2026,9,email\n"
    notes = read(tmp_path, text, settings=settings).notes
    assert [n.where for n in notes if n.problem == "heading-not-found"] == [
        "ccbill.toml:[columns] minutes"
    ]


def test_an_overlooked_column_can_be_ignored(tmp_path: Path) -> None:
    text = "patient_id,payer,service_date,minutes,kind,How\n1,B,3/1/2026,9,email,phone\n"
    assert len(refusal(tmp_path, text)) == 1
    assert problems(read(tmp_path, text, settings=Settings(ignore_columns=("how",)))) == [None]


def test_circlelink_activities(tmp_path: Path) -> None:
    text = (
        "type,duration,duration_unit,patient_id,provider_id,logger_id,performed_at\n"
        "Care Coordination,720,seconds,9,1234567893,L1,2026-03-01 10:00:00\n"
        "Care Coordination,12,minutes,9,77,L1,2026-03-02 10:00:00\n"
    )
    result = read(
        tmp_path, text, patients="patient_id,payer\n9,B\n", staff="staff_id,credential\nL1,RN\n"
    )
    assert problems(result) == [None, None]
    assert column(result, "seconds") == [720, 720]
    assert column(result, "rendering_npi") == ["1234567893", None]
    assert column(result, "staff") == ["L1", "L1"]
    assert column(result, "credential") == ["RN", "RN"]
    assert column(result, "payer") == ["B", "B"]


def test_a_home_care_coordinators_sheet(tmp_path: Path) -> None:
    text = 'Staff,Pt Name,Type,Date Only,Mins B,Notes\nAnn,"Doe, Jane 1/2/50",Email,3/4/26,12,hi\n'
    result = read(tmp_path, text, settings=Settings(defaults={"payer": "B"}))
    assert problems(result) == [None]
    assert column(result, "patient") == ["Doe, Jane 1/2/50"]
    patient = result.patients.loc["Doe, Jane 1/2/50"]
    assert (patient["last_name"], patient["first_name"]) == ("Doe", "Jane")
    assert patient["birth_date"] == -7304  # 1950-01-02
    assert column(result, "service_date") == [20516]
    assert {m["how"] for m in result.mapping} == {"profile"}


def test_encounters_to_the_second(tmp_path: Path) -> None:
    text = (
        "Id,START,STOP,PATIENT,PROVIDER,PAYER,ENCOUNTERCLASS,CODE,DESCRIPTION\n"
        "a,2026-03-01T15:00:00Z,2026-03-01T15:15:30Z,p,d,B,ambulatory,1,Check up\n"
        "b,2026-03-02T04:50:00Z,2026-03-02T05:15:30Z,p,d,B,wellness,1,Team conference\n"
    )
    settings = Settings(
        kinds={"ambulatory": "care-management-contact"},
        practice=Practice(timezone="America/Detroit"),
    )
    result = read(tmp_path, text, settings=settings)
    assert problems(result) == [None, None]
    assert column(result, "activity_id") == ["a", "b"]
    assert column(result, "kind") == ["care-management-contact", "team-conference"]
    assert column(result, "seconds") == [930, 1530]
    assert column(result, "service_date") == [20513, 20513]
    assert column(result, "start") == [10 * 3600, 23 * 3600 + 50 * 60]
    assert problems(read(tmp_path, text)) == ["date-not-read", "date-not-read"]


@pytest.mark.parametrize(
    ("start", "end", "minutes", "seconds", "problem"),
    [
        ("9:00", "9:12", "", 720, None),
        ("23:50", "0:05", "", 900, None),
        ("9:00", "9:00", "", None, "minutes-out-of-range"),
        ("9:00", "", "", None, None),
        ("9:00", "noon", "", None, "minutes-not-read"),
        ("9:00", "noon", "5", 300, None),
        ("9:00", "9:12", "10", 600, None),
    ],
)
def test_minutes_from_times(
    tmp_path: Path, start: str, end: str, minutes: str, seconds: int | None, problem: str | None
) -> None:
    heading = "patient_id,payer,service_date,kind,start_time,end_time,minutes"
    text = f"{heading}\n1,B,3/1/2026,email,{start},{end},{minutes}\n"
    result = read(tmp_path, text)
    assert problems(result) == [problem]
    if seconds:
        assert column(result, "seconds") == [seconds]
    differs = any(n.problem == "minutes-differ-from-times" for n in result.notes)
    assert differs == (minutes == "10")
