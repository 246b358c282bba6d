"""Dates, times of day and lengths, in every form that an export writes them."""

import numpy as np
import pytest

from ccbill.intake import dates, durations
from ccbill.intake.text import from_strings
from ccbill.tables import UNKNOWN

ZONE = "America/Detroit"


def day(cells: list[str], zone: str | None = None, year: int | None = None) -> list[str | None]:
    found = dates.moments(from_strings(cells), zone, year)
    words = {dates.NOT_READ: "not read", dates.AMBIGUOUS: "ambiguous"}
    return [
        words.get(int(fault)) or (str(np.datetime64(int(d), "D")) if d != UNKNOWN else None)
        for d, fault in zip(found.days, found.fault, strict=True)
    ]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026-03-04", "2026-03-04"),
        ("2026/03/04", "2026-03-04"),
        ("2026-3-4", "2026-03-04"),
        ("3/4/2026", "2026-03-04"),
        ("03/04/26", "2026-03-04"),
        ("3-4-2026", "2026-03-04"),
        ("2/29/2024", "2024-02-29"),
        ("2026-03-04T09:30:15", "2026-03-04"),
        ("2026-03-04 00:00:00.000", "2026-03-04"),
        ("3/4/2026 1:05 PM", "2026-03-04"),
        ("", None),
        ("2/29/2026", "not read"),
        ("3/4", "not read"),
        ("3.4.2026", "not read"),
        ("46085", "not read"),
        ("0026-03-04", "not read"),
        ("March 4, 2026", "not read"),
        ("3/4-2026", "not read"),
        ("2026-03-04 soon", "not read"),
        ("2026-03-04T02:00:00Z", "not read"),
    ],
)
def test_a_date(cell: str, expected: str | None) -> None:
    assert day([cell]) == [expected]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["3/4/2026", "3/14/2026"], ["2026-03-04", "2026-03-14"]),
        (["3/4/2026", "14/3/2026"], ["2026-04-03", "2026-03-14"]),
        (["3/4/2026", "2026-03-14"], ["2026-03-04", "2026-03-14"]),
        (["3/4/2026", "13/13/2026"], ["2026-03-04", "not read"]),
        (
            ["3/4/2026", "4/4/2026", "14/3/2026", "3/14/2026"],
            ["ambiguous", "2026-04-04", "2026-03-14", "2026-03-14"],
        ),
        (["14/3/26", "3/4/26"], ["2026-03-14", "2026-04-03"]),
        (["26/3/14", "26/3/15", "3/4/26"], ["ambiguous", "ambiguous", "ambiguous"]),
    ],
)
def test_slash_dates_of_a_column_share_one_order(cells: list[str], expected: list[str]) -> None:
    assert day(cells) == expected


@pytest.mark.parametrize(
    ("cell", "expected", "clock"),
    [
        ("2026-03-01T02:00:00Z", "2026-02-28", 21 * 3600),
        ("2026-07-01T02:00:00Z", "2026-06-30", 22 * 3600),
        ("2026-03-01 12:00:00-05:00", "2026-03-01", 12 * 3600),
        ("2026-03-01 12:00:00+0530", "2026-03-01", 5400),
    ],
)
def test_an_offset_becomes_the_practices_own_time(cell: str, expected: str, clock: int) -> None:
    assert day([cell], ZONE) == [expected]
    assert dates.moments(from_strings([cell]), ZONE).clock.tolist() == [clock]


def test_nobody_is_born_after_the_last_year_of_service() -> None:
    assert day(["3/4/26", "3/4/27", "3/4/50"], year=2026) == [
        "2026-03-04",
        "1927-03-04",
        "1950-03-04",
    ]


@pytest.mark.parametrize(
    ("cell", "clock"),
    [
        ("9:30", 34200),
        ("09:30:15", 34215),
        ("9:30 PM", 77400),
        ("12 am", 0),
        ("12:00pm", 43200),
        ("2026-03-01 12:00", 43200),
        ("2026-03-01", UNKNOWN),
        ("25:00", UNKNOWN),
        ("noon", UNKNOWN),
        ("13:00 PM", UNKNOWN),
    ],
)
def test_a_time_of_day(cell: str, clock: int) -> None:
    found = dates.clocks(from_strings([cell]), None)
    assert found.clock.tolist() == [clock]
    assert found.fault.tolist() == [int(clock == UNKNOWN)]


def length(
    cells: list[str], heading: str = "Minutes", default: str | None = None
) -> list[int | str]:
    seconds, fault = durations.seconds(from_strings(cells), None, heading, default)
    words = {durations.NOT_READ: "not read", durations.OUT_OF_RANGE: "out of range"}
    return [words.get(int(f)) or int(s) for s, f in zip(seconds, fault, strict=True)]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("12", 720),
        ("12.0", 720),
        ("12.5", 750),
        (".5", 30),
        ("0:12", 720),
        ("1:15", 4500),
        ("24:00", 86400),
        ("00:12:30", 750),
        ("00:12:30.5", 751),
        ("12 min", 720),
        ("12 Minutes", 720),
        ("12m", 720),
        ("1 h 15 min", 4500),
        ("1hr15", "not read"),
        ("1.5 hours", 5400),
        ("90 sec", 90),
        ("10.33", 620),
        ("0.0083333333333333", 0),
        ("0.0083333333333334", 1),
        ("1440", 86400),
        ("1440.0000000001", "out of range"),
        ("0", "out of range"),
        ("-5", "out of range"),
        ("99999999", "out of range"),
        ("12,5", "not read"),
        ("0:75", "not read"),
        ("twelve", "not read"),
        ("", UNKNOWN),
    ],
)
def test_a_length_in_whole_seconds(cell: str, expected: int | str) -> None:
    assert length([cell]) == [expected]


def test_every_hundredth_of_a_minute_is_rounded_half_up_and_exactly() -> None:
    cells = [f"{n // 100}.{n % 100:02d}" for n in range(1, 20_000)]
    assert length(cells) == [(n * 60 * 2 + 100) // 200 for n in range(1, 20_000)]


def test_hours_and_minutes_beside_minutes_and_seconds_are_not_read() -> None:
    assert length(["0:12", "45:30", "12", "00:12:00"]) == ["not read", "not read", 720, 720]


@pytest.mark.parametrize(
    ("heading", "default", "expected"),
    [
        ("Minutes", None, [720, 4500]),
        ("Hours", None, ["not read", 4500]),
        ("Time spent (hrs)", None, ["not read", 4500]),
        ("Hours", "hours", [43200, 4500]),
        ("Duration (sec)", None, [12, 4500]),
        ("Duration", "seconds", [12, 4500]),
    ],
)
def test_the_unit_of_a_bare_number(
    heading: str, default: str | None, expected: list[int | str]
) -> None:
    assert length(["12", "1:15"], heading, default) == expected


def test_a_unit_of_its_own_row() -> None:
    cells = from_strings(["720", "12", "1", "12", "12"])
    units = from_strings(["seconds", "Minutes", "hrs", "", "fortnights"])
    seconds, fault = durations.seconds(cells, units, "duration", None)
    assert seconds.tolist() == [720, 720, 3600, 720, UNKNOWN]
    assert fault.tolist() == [0, 0, 0, 0, durations.NOT_READ]
