"""The log's plausibility: what an auditor would ask about, told as a note or held."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from command import ccbill
from ledgers import Row, read, row, write_log
from test_report_tables import trace_of

from ccbill import slices
from ccbill.config import CHECKS
from ccbill.report.tables import Report
from ccbill.run import Request, run

TODAY = date(2026, 11, 2)


def checks(**severities: object) -> str:
    """A `[checks]` section; `_` stands for `-`."""
    lines = [f"{name.replace('_', '-')} = {value!r}" for name, value in severities.items()]
    return "\n".join(["[checks]", *lines])


def report(folder: Path, rows: list[Row], settings: str = "") -> Report:
    """What a run makes of this log."""
    write_log(folder / "log.csv", rows)
    (folder / "ccbill.toml").write_text(settings, encoding="utf-8")
    request = Request(
        [str(folder / "log.csv")],
        TODAY,
        out=folder / "out",
        config=folder / "ccbill.toml",
        dry_run=True,
    )
    return run(request)[0]


def found(made: Report, problem: str) -> list[tuple[str, str, int, int]]:
    """Severity, figures, row and number of rows of each exception with this problem."""
    table = made.exceptions[made.exceptions["problem"] == problem]
    names = ["severity", "why", "row", "rows"]
    return [tuple(values) for values in table[names].to_numpy(object).tolist()]


def at(staff: str, patient: str, start: str, minutes: int, **more: str) -> Row:
    """An entry of the sixth of October, named after what it says."""
    cells = {"staff_id": staff, "start_time": start, "minutes": str(minutes)} | more
    return row(f"{staff}{patient}{start}{minutes}", patient, "2026-10-06") | cells


# Overlaps


def test_a_staff_member_in_two_charts_at_once_is_noted(tmp_path: Path) -> None:
    made = report(tmp_path, [at("S1", "1", "09:00", 20), at("S1", "2", "09:12", 30)])
    why = "2 entries; 8 of their minutes are logged more than once"
    assert found(made, "overlap-same-staff") == [("note", why, 2, 2)]
    [note] = made.exceptions.query("problem == 'overlap-same-staff'").to_dict("records")
    assert (note["staff_id"], note["month"]) == ("S1", "2026-10")
    assert pd.isna(note["patient_id"])
    assert note["what"] == "One staff member is in two charts at the same time."


@pytest.mark.parametrize(
    "log",
    {
        "touching": [at("S1", "1", "09:00", 20), at("S1", "2", "09:20", 30)],
        "another's": [at("S1", "1", "09:00", 20), at("S2", "2", "09:10", 30)],
        "nobody's": [at("", "1", "09:00", 20), at("", "2", "09:10", 30)],
        "another day": [
            at("S1", "1", "09:00", 20),
            at("S1", "2", "09:10", 30, service_date="2026-10-07"),
        ],
        "one group": [
            at("S1", patient, "09:00", 60, kind="group-education", group_size="3")
            for patient in "123"
        ],
        "times not known": [at("S1", "1", "", 20), at("S1", "2", "", 30)],
    }.items(),
    ids=lambda case: case[0],
)
def test_no_overlap_of_one_staff_member(tmp_path: Path, log: tuple[str, list[Row]]) -> None:
    assert found(report(tmp_path, log[1]), "overlap-same-staff") == []


def test_an_end_counts_before_the_minutes_and_may_be_after_midnight(tmp_path: Path) -> None:
    late = at("S1", "1", "23:50", 5, end_time="00:10")
    early = at("S1", "2", "00:05", 30, service_date="2026-10-07")
    made = report(tmp_path, [late, early])
    why = [each for _, each, _, _ in found(made, "overlap-same-staff")]
    assert why == [
        "1 entries; 0 of their minutes are logged more than once",
        "1 entries; 5 of their minutes are logged more than once",
    ]


def test_a_long_entry_overlaps_all_that_it_spans(tmp_path: Path) -> None:
    """Also where the entry before is short and over."""
    log = [
        at("S1", "1", "09:00", 60),
        at("S1", "2", "09:05", 5),
        at("S1", "3", "09:30", 10),
        at("S1", "4", "10:00", 10),
    ]
    why = "3 entries; 15 of their minutes are logged more than once"
    assert found(report(tmp_path, log), "overlap-same-staff") == [("note", why, 2, 3)]


def test_one_patient_twice_is_no_second_chart(tmp_path: Path) -> None:
    """The two of one patient at 9 are that patient's overlap; the other one at 10 is a chart."""
    log = [
        at("S1", "1", "09:00", 20),
        at("S1", "1", "09:10", 60),
        at("S1", "2", "10:00", 20),
    ]
    made = report(tmp_path, log, checks(overlap_same_staff="hold"))
    held = trace_of(made)
    held = held[held["problem"] == "overlap-same-staff"]
    assert held["row"].tolist() == [3, 4]
    made = report(tmp_path, log[:2])
    assert found(made, "overlap-same-staff") == []
    assert [why for _, why, _, _ in found(made, "overlap-same-patient")] == [
        "2 entries; 10 of their minutes are logged more than once"
    ]


def test_two_staff_in_one_patients_minute_are_noted(tmp_path: Path) -> None:
    made = report(tmp_path, [at("S1", "1", "09:00", 20), at("S2", "1", "09:12", 30)])
    why = "2 entries; 8 of their minutes are logged more than once"
    assert found(made, "overlap-same-patient") == [("note", why, 2, 2)]
    [note] = made.exceptions.query("problem == 'overlap-same-patient'").to_dict("records")
    assert note["patient_id"] == "1"
    assert pd.isna(note["staff_id"])


def test_several_staff_in_one_conference_are_as_it_should_be(tmp_path: Path) -> None:
    log = [at(staff, "1", "09:00", 30, kind="team-conference") for staff in ("S1", "S2", "S3")]
    assert found(report(tmp_path, log), "overlap-same-patient") == []


@pytest.mark.parametrize("seed", range(5))
def test_overlaps_are_those_that_comparing_every_pair_finds(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    log = [
        at(chance.choice("ST"), chance.choice("12345"), f"{hour:02}:{minute:02}", length)
        | {"activity_id": str(n), "service_date": f"2026-10-{chance.choice((5, 6)):02}"}
        for n in range(60)
        for hour, minute in [(chance.randrange(8, 17), chance.randrange(0, 60, 5))]
        for length in [chance.choice((5, 10, 20, 90))]
    ]

    def meet(one: Row, other: Row) -> bool:
        begin, end = zip(*(_span(each) for each in (one, other)), strict=True)
        return one is not other and max(begin) < min(end)

    staff = checks(overlap_same_staff="hold")
    made = trace_of(report(tmp_path, log, staff)).set_index("activity_id")["problem"]
    charts = {
        one["activity_id"]
        for one in log
        for other in log
        if meet(one, other) and one["staff_id"] == other["staff_id"]
        if one["patient_id"] != other["patient_id"]
    }
    assert set(made.index[made == "overlap-same-staff"]) == charts
    patients = checks(overlap_same_patient="hold")
    made = trace_of(report(tmp_path, log, patients)).set_index("activity_id")["problem"]
    assert set(made.index[made == "overlap-same-patient"]) == {
        one["activity_id"]
        for one in log
        for other in log
        if meet(one, other) and one["patient_id"] == other["patient_id"]
    }


def _span(entry: Row) -> tuple[int, int]:
    hour, minute = map(int, entry["start_time"].split(":"))
    begin = int(entry["service_date"][-2:]) * 1440 + hour * 60 + minute
    return begin, begin + int(entry["minutes"])


# Long entries and days


@pytest.mark.parametrize(
    ("minutes", "noted"), [("120", []), ("120.02", ["120.02"]), ("150", ["150"])]
)
def test_an_entry_over_two_hours_is_noted(tmp_path: Path, minutes: str, noted: list[str]) -> None:
    made = report(tmp_path, [row("A", "1", "2026-10-06", minutes=minutes)])
    assert [why for _, why, _, _ in found(made, "long-entry")] == [
        f"{each} minutes; more than 120" for each in noted
    ]


def test_a_day_over_eight_hours_is_noted_for_each_staff_member(tmp_path: Path) -> None:
    log = [at("S1", str(n), f"{n + 8:02}:00", 60) for n in range(8)]
    assert found(report(tmp_path, log), "long-day") == []
    log = [*log, at("S1", "9", "16:00", 1), at("S2", "9", "16:00", 60)]
    why = "481 minutes; more than 480"
    assert found(report(tmp_path, log), "long-day") == [("note", why, 2, 9)]


def test_an_hour_with_a_group_is_one_hour_of_the_day(tmp_path: Path) -> None:
    group = [
        at("S1", str(n), "09:00", 90, kind="group-education", group_size="8") for n in range(8)
    ]
    assert found(report(tmp_path, group), "long-day") == []


def test_limits_are_settings(tmp_path: Path) -> None:
    settings = checks(long_entry_minutes=30, long_day_minutes=45)
    made = report(tmp_path, [at("S1", "1", "09:00", 31), at("S1", "2", "10:00", 15)], settings)
    assert [why for _, why, _, _ in found(made, "long-entry")] == ["31 minutes; more than 30"]
    assert [why for _, why, _, _ in found(made, "long-day")] == ["46 minutes; more than 45"]


# Copied notes


def copies(number: int, note: str = "Reviewed goals with pt.") -> list[Row]:
    return [at("S1", str(n), f"{n + 8:02}:00", 15, note=note) for n in range(number)]


def test_one_note_for_many_patients_is_noted_and_never_shown(tmp_path: Path) -> None:
    assert found(report(tmp_path, copies(4)), "copied-entry") == []
    log = copies(5)
    log[3]["note"] = "  reviewed GOALS with pt. "
    made = report(tmp_path, log)
    why = "5 patients have one note of 15 minutes"
    assert found(made, "copied-entry") == [("note", why, 2, 5)]
    for table in (made.exceptions, made.notes, trace_of(made), made.run):
        assert "goals" not in table.to_csv().casefold()


@pytest.mark.parametrize(
    "change",
    [{"note": ""}, {"minutes": "16"}, {"patient_id": "0"}, {"staff_id": "S2"}, {"staff_id": ""}],
    ids=str,
)
def test_what_is_no_copy(tmp_path: Path, change: Row) -> None:
    log = copies(5)
    log[4] |= change
    assert found(report(tmp_path, log), "copied-entry") == []


def test_blank_notes_never_match(tmp_path: Path) -> None:
    log = [*copies(9, note=" "), at("S2", "1", "09:00", 15, note="Called.")]
    assert found(report(tmp_path, log), "copied-entry") == []


# Dates and numbers


def test_a_date_after_today_is_noted(tmp_path: Path) -> None:
    log = [row("A", "1", "2026-11-02"), row("B", "1", "2026-11-03")]
    assert found(report(tmp_path, log), "date-in-future") == [("note", "after 2026-11-02", 3, 1)]


def test_a_service_before_consent_is_noted_but_for_what_comes_first(tmp_path: Path) -> None:
    consent = {"consent_date": "2026-10-10"}
    log = [
        row("A", "1", "2026-10-09", **consent),
        row("B", "1", "2026-10-10", **consent),
        row("C", "1", "2026-10-09", kind="program-discussion", outcome="enrolled", **consent),
        row("D", "2", "2026-10-09"),
    ]
    why = "before the consent of 2026-10-10"
    assert found(report(tmp_path, log), "service-before-consent") == [("note", why, 2, 1)]


@pytest.mark.parametrize("column", ["death_date", "disenrollment_date"])
def test_a_service_after_the_end_is_noted(tmp_path: Path, column: str) -> None:
    end = {column: "2026-10-10"}
    log = [row("A", "1", "2026-10-10", **end), row("B", "1", "2026-10-11", **end)]
    why = "after the end of 2026-10-10"
    assert found(report(tmp_path, log), "service-after-end") == [("note", why, 3, 1)]


def test_what_a_plans_rules_already_say_is_not_said_again(tmp_path: Path) -> None:
    """Medicare's own screens leave out what is before consent, and hold what is after the end."""
    cells = {"payer": "Medicare", "consent_date": "2026-10-05", "death_date": "2026-10-08"}
    log = [row("A", "1", "2026-10-02", **cells), row("B", "1", "2026-10-09", **cells)]
    made = report(tmp_path, log)
    assert found(made, "service-before-consent") == []
    assert [severity for severity, *_ in found(made, "service-after-end")] == ["hold"]


def test_an_npi_with_a_wrong_check_digit(tmp_path: Path) -> None:
    log = [
        row("A", "1", "2026-10-06", rendering_npi="1888888801"),
        row("B", "2", "2026-10-06", rendering_npi="1888888802"),
    ]
    assert [s for s, *_ in found(report(tmp_path, log), "npi-invalid")] == ["note"]
    assert found(report(tmp_path, log, checks(npi_invalid="off")), "npi-invalid") == []
    held = found(report(tmp_path, log, checks(npi_invalid="hold")), "npi-invalid")
    assert held == [("hold", "rendering_npi: 1888888802", 3, 1)]


# Settings, outcomes


def everything() -> list[Row]:
    """A log in which every check finds something, with a second row whose problem is its own."""
    ends = {"consent_date": "2026-10-03", "death_date": "2026-10-20"}
    return [
        *copies(5),
        *(at("S2", str(n), "09:00", 130, note="") for n in range(10, 14)),
        at("S3", "10", "09:30", 31),
        row("A", "20", "2026-10-02", **ends),
        row("B", "20", "2026-10-21", **ends),
        row("C", "21", "2026-11-30", rendering_npi="1888888802"),
        row("D", "22", "2026-10-06", kind="soup"),
        row("E", "22", "2026-10-06", minutes="200", kind="chart-prep"),
    ]


def test_notes_never_change_claims(tmp_path: Path) -> None:
    texts = {}
    for severity in ("note", "off"):
        write_log(tmp_path / "log.csv", everything())
        settings = checks(**dict.fromkeys(CHECKS, severity))
        (tmp_path / "ccbill.toml").write_text(settings, encoding="utf-8")
        arguments = ("run", "log.csv", "--no-ledger", "--format", "csv", "--today", "2026-11-02")
        assert ccbill(*arguments, cwd=tmp_path).returncode == 0
        out = tmp_path / "ccbill-out"
        texts[severity] = [
            (out / f"{name}.csv").read_bytes()
            for name in ("claims", "activities", "balance", "near_misses")
        ]
        told = {line["problem"] for line in read(out / "exceptions.csv")}
        assert (set(CHECKS) & told) == (set(CHECKS) if severity == "note" else set())
    assert texts["note"] == texts["off"]


@pytest.mark.parametrize("severity", ["note", "hold"])
def test_a_log_in_slices_of_a_few_rows_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, severity: str
) -> None:
    settings = checks(**dict.fromkeys(CHECKS, severity))
    whole = report(tmp_path, everything(), settings)
    monkeypatch.setattr(slices, "ROWS", 3)
    again = report(tmp_path, everything(), settings)
    for one, other in ((whole.exceptions, again.exceptions), (whole.balance, again.balance)):
        assert len(one) > 0
        assert one.astype(object).equals(other.astype(object))


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_set_to_hold_holds_what_it_finds_until_it_is_fixed(
    tmp_path: Path, check: str
) -> None:
    noted = report(tmp_path, everything())
    held = report(tmp_path, everything(), checks(**{check: "hold"}))  # the run asserts the balance
    trace = trace_of(held)
    trace = trace[trace["problem"] == check]
    assert len(trace)
    assert set(trace["outcome"]) == {"held"}
    assert set(trace["claim_id"].dropna()) == set()
    things = [(why, row, rows) for severity, why, row, rows in found(held, check)]
    assert {severity for severity, *_ in found(held, check)} == {"hold"}
    assert sum(rows for _, _, rows in things) == len(trace)
    if check != "npi-invalid":
        assert {why for why, *_ in things} >= {why for _, why, _, _ in found(noted, check)}


def test_a_held_row_keeps_the_problem_that_it_had(tmp_path: Path) -> None:
    log = [row("A", "1", "2026-10-06", minutes="130", kind="soup")]
    made = report(tmp_path, log, checks(long_entry="hold"))
    assert made.activities.text("problem").tolist() == ["kind-not-known"]


def test_a_note_is_of_what_may_be_billed(tmp_path: Path) -> None:
    log = [row("A", "1", "2026-10-06", minutes="200", kind="chart-prep")]
    assert found(report(tmp_path, log), "long-entry") == []


def test_columns_that_are_lacking_are_named_once_in_the_notes(tmp_path: Path) -> None:
    made = report(tmp_path, [row("A", "1", "2026-10-06")])
    notes = made.notes[made.notes["problem"] == "plausibility-not-checked"]["what"].tolist()
    assert notes == [
        f"no input has the column {column}, so these were not checked: {names}"
        for column, names in (
            ("consent_date", "service-before-consent"),
            ("death_date or disenrollment_date", "service-after-end"),
            ("staff_id", "overlap-same-staff, long-day, copied-entry"),
            ("start_time", "overlap-same-staff, overlap-same-patient"),
            ("note", "copied-entry"),
        )
    ]
    assert "plausibility-not-checked" not in set(made.exceptions["problem"])
    quiet = report(tmp_path, [row("A", "1", "2026-10-06")], checks(**dict.fromkeys(CHECKS, "off")))
    assert "plausibility-not-checked" not in set(quiet.notes["problem"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            'long-entri = "hold"',
            "ccbill.toml:2:[checks] long-entri: is no setting that ccbill knows\n"
            "  Nothing was read or written.\n  fix: did you mean 'long-entry'?",
        ),
        (
            'long-entry = "held"',
            "ccbill.toml:2:[checks] long-entry: is no severity\n"
            "  Nothing was read or written.\n  fix: did you mean 'hold'?",
        ),
        (
            "long-day-minutes = 0",
            "ccbill.toml:2:[checks] long-day-minutes: is not a whole number above 0\n"
            "  Nothing was read or written.\n  fix: use a number, 120 for example",
        ),
    ],
)
def test_a_setting_that_is_not_known_is_refused(tmp_path: Path, line: str, said: str) -> None:
    write_log(tmp_path / "log.csv", [row("A", "1", "2026-10-06")])
    (tmp_path / "ccbill.toml").write_text(f"[checks]\n{line}\n", encoding="utf-8")
    done = ccbill("run", "log.csv", cwd=tmp_path)
    assert (done.returncode, done.stderr.strip()) == (2, said)


def test_a_held_row_says_so_in_the_trace_and_in_explain(tmp_path: Path) -> None:
    write_log(tmp_path / "log.csv", [row("A", "1", "2026-10-06", minutes="130")])
    (tmp_path / "ccbill.toml").write_text(checks(long_entry="hold"), encoding="utf-8")
    arguments = {"cwd": tmp_path, "CCBILL_LEDGER": "ledger.sqlite", "CCBILL_TODAY": "2026-11-02"}
    assert ccbill("run", "log.csv", "--format", "csv", **arguments).returncode == 0
    [traced] = read(tmp_path / "ccbill-out" / "activities.csv")
    assert (traced["outcome"], traced["problem"]) == ("held", "long-entry")
    for words in (("1", "log.csv"), ("1",)):
        told = ccbill("explain", *words, **arguments).stdout
        assert "The entry is longer than is likely." in told
        assert "long-entry" in ccbill("explain", *words, "--json", **arguments).stdout
