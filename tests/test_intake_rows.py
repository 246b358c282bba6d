"""What becomes of each row: its problem, its id, its practice, its duplicates."""

from pathlib import Path

import pytest

from ccbill import intake
from ccbill.config import Practice, Settings
from ccbill.tables import UNKNOWN, Intake, check_activities

HEADING = "patient_id,payer,service_date,minutes,kind"


def read(
    folder: Path,
    *exports: str,
    settings: Settings | None = None,
    patients: str | None = None,
    staff: str | None = None,
) -> Intake:
    """The intake of these texts, written to files export1.csv, export2.csv, …"""
    paths = []
    for number, text in enumerate(exports, 1):
        path = folder / f"export{number}.csv"
        path.write_text(text, encoding="utf-8")
        paths.append(str(path))
    others: dict[str, Path | None] = {"patients": None, "staff": None}
    for name, content in (("patients", patients), ("staff", staff)):
        if content is not None:
            others[name] = folder / f"{name}.csv"
            (folder / f"{name}.csv").write_text(content, encoding="utf-8")
    return intake.read(paths, settings or Settings(), sheet=None, **others)


def column(result: Intake, name: str) -> list[object]:
    values = result.activities[name].astype(object)
    return values.where(values.notna(), None).tolist()


def problems(result: Intake) -> list[object]:
    return column(result, "problem")


def noted(result: Intake) -> list[str]:
    return [note.problem for note in result.notes]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("007,BCBSM,2026-03-01,12,email", None),
        (",BCBSM,2026-03-01,12,email", "patient-missing"),
        ("1.23E+15,BCBSM,2026-03-01,12,email", "cell-damaged"),
        ("007,BCBSM,,12,email", "date-not-read"),
        ("007,BCBSM,2026-02-30,12,email", "date-not-read"),
        ("007,BCBSM,2026-03-01,twelve,email", "minutes-not-read"),
        ("007,BCBSM,2026-03-01,0,email", "minutes-out-of-range"),
        ("007,BCBSM,2026-03-01,1440,email", None),
        ("007,BCBSM,2026-03-01,1440.01,email", "minutes-out-of-range"),
        ("007,BCBSM,2026-03-01,,email", None),
        ("007,BCBSM,2026-03-01,12,", "kind-missing"),
        ("007,BCBSM,2026-03-01,12,widget", "kind-not-known"),
        ("007,BCBSM,2026-03-01,12,#REF!", "cell-damaged"),
        ("007,,2026-03-01,12,email", "payer-missing"),
        (",,never,x,widget", "patient-missing"),
        ("007,,2026-03-01,0,widget", "minutes-out-of-range"),
    ],
)
def test_a_row_has_its_first_problem(tmp_path: Path, row: str, problem: str | None) -> None:
    result = read(tmp_path, f"{HEADING}\n{row}\n")
    assert problems(result) == [problem]
    check_activities(result.activities)


@pytest.mark.parametrize(
    ("mode", "credential", "problem"),
    [
        ("Phone call", "RN, BSN", None),
        ("", "", None),
        ("pigeon", "RN", "mode-not-known"),
        ("phone", "wizard", "credential-not-known"),
        ("pigeon", "wizard", "mode-not-known"),
    ],
)
def test_mode_and_credential(tmp_path: Path, mode: str, credential: str, problem: str) -> None:
    text = f'{HEADING},mode,credential\n007,BCBSM,2026-03-01,12,email,{mode},"{credential}"\n'
    assert problems(read(tmp_path, text)) == [problem]


@pytest.mark.parametrize(
    ("cell", "credential"),
    [
        ("RN, BSN", "RN"),
        ("bsn rn", "RN"),
        ("CHW / RN", "RN"),
        ("r.n.", "RN"),
        ("FNP-BC", "NP"),
        ("RN and MD", "MD"),
        ("ASW, MA", "MA"),
        ("Community Health Worker", "CHW"),
    ],
)
def test_the_highest_credential_of_a_cell_counts(
    tmp_path: Path, cell: str, credential: str
) -> None:
    text = f'{HEADING},credential\n007,BCBSM,2026-03-01,12,email,"{cell}"\n'
    assert column(read(tmp_path, text), "credential") == [credential]


def test_identifiers_keep_their_zeros_and_lose_their_spaces(tmp_path: Path) -> None:
    result = read(tmp_path, f"{HEADING}\n 007 ,BCBSM,2026-03-01,12,email\n")
    assert column(result, "patient") == ["007"]


def test_rows_are_numbered_as_a_spreadsheet_shows_them(tmp_path: Path) -> None:
    text = (
        f'Activity log\n\n{HEADING}\n007,"A\nB",2026-03-01,12,email\n\n'
        f"{HEADING}\n007,B,2026-03-02,12,email\nTotal,,,24,\n"
    )
    result = read(tmp_path, text)
    assert column(result, "row") == [4, 7]
    assert [n.where for n in result.notes if n.problem == "rows-dropped"] == [
        "export1.csv:5",
        "export1.csv:6",
        "export1.csv:8",
    ]
    assert result.inputs[0]["rows"] == 2


def test_a_ragged_row_is_held_in_its_place_with_its_cells(tmp_path: Path) -> None:
    text = (
        f"{HEADING}\n1,B,2026-03-01,12,email\n1,B,C,2026-03-01,12,email\n2,B,2026-03-01,9,email\n"
    )
    result = read(tmp_path, text)
    assert problems(result) == [None, "row-ragged", None]
    assert column(result, "row") == [2, 3, 4]
    assert result.unreadable.iloc[0].tolist()[1:] == [
        *(3, "row-ragged", "1", "B", "C", "2026-03-01", "12", "email")
    ]


def test_a_total_with_a_date_is_a_row_and_not_dropped(tmp_path: Path) -> None:
    result = read(tmp_path, f"{HEADING}\nTotal,B,2026-03-01,12,email\n")
    assert problems(result) == [None]


def test_unreadable_rows_come_with_their_cells(tmp_path: Path) -> None:
    result = read(tmp_path, f"{HEADING}\n,B,2026-03-01,12,email\n1,B,2026-03-01,0,email\n")
    assert result.unreadable[["row", "problem", "payer"]].to_numpy().tolist() == [
        [2, "patient-missing", "B"]
    ]


WITH_ID = f"activity_id,{HEADING}"


@pytest.mark.parametrize(
    ("rows", "expected", "left_out"),
    [
        (["A,1,B,2026-01-01,5,email"] * 2, [None, "duplicate-row"], [False, True]),
        (
            ["A,1,B,2026-01-01,5,email", "A,1,B,2026-01-01,6,email"],
            ["duplicate-row"] * 2,
            [False, False],
        ),
        (
            ["A,1,B,2026-01-01,5,email"] * 2 + ["A,1,B,2026-01-01,6,email"],
            ["duplicate-row"] * 3,
            [False] * 3,
        ),
        ([",1,B,2026-01-01,5,email"] * 2, [None, "duplicate-row"], [False, False]),
        ([",1,B,2026-01-01,5,email", "A,1,B,2026-01-01,5,email"], [None, None], [False, False]),
    ],
    ids=["same id", "same id, other cells", "two same, one other", "no id", "one id"],
)
def test_duplicates(
    tmp_path: Path, rows: list[str], expected: list[str | None], left_out: list[bool]
) -> None:
    together = read(tmp_path, "\n".join([WITH_ID, *rows]))
    apart = read(tmp_path, *(f"{WITH_ID}\n{row}\n" for row in rows))
    for result in (together, apart):
        assert problems(result) == expected
        if all(row.startswith("A") for row in rows) and expected[0]:
            assert column(result, "left_out") == [False] * len(rows)
        else:
            assert column(result, "left_out") == left_out


def test_a_made_id_is_the_same_everywhere(tmp_path: Path) -> None:
    """Ids are in ledgers: this one may never change."""
    first = read(tmp_path, f"{HEADING}\n007,BCBSM,2026-03-01,12,email\n")
    assert column(first, "activity_id") == ["0b56f15fac934046"]


def test_a_made_id_does_not_depend_on_the_order_of_rows_or_columns(tmp_path: Path) -> None:
    first = read(tmp_path, f"{HEADING}\n1,B,2026-03-01,12,email\n2,B,2026-03-01,12,email\n")
    second = read(
        tmp_path,
        "kind,Notes,minutes,DOS,payer,MRN\nemail,,12,2026-03-01,B,2\nemail,,12,2026-03-01,B,1\n",
    )
    assert column(first, "activity_id") == column(second, "activity_id")[::-1]


def test_equal_rows_have_ids_of_their_own(tmp_path: Path) -> None:
    ids = column(read(tmp_path, f"{HEADING}\n" + "1,B,2026-03-01,12,email\n" * 3), "activity_id")
    assert [str(i).removeprefix(str(ids[0])) for i in ids] == ["", "-2", "-3"]


NPI, OTHER = "1234567893", "1679576722"


@pytest.mark.parametrize(
    ("npis", "configured", "practices", "expected"),
    [
        ([NPI, ""], None, [NPI, NPI], [None, None]),
        ([NPI, ""], OTHER, [NPI, OTHER], [None, None]),
        ([NPI, OTHER, ""], None, [NPI, OTHER, None], [None, None, "practice-missing"]),
        (["", ""], None, ["", ""], [None, None]),
    ],
)
def test_practice(
    tmp_path: Path,
    npis: list[str],
    configured: str | None,
    practices: list[str | None],
    expected: list[str | None],
) -> None:
    rows = [f"{n},B,2026-03-01,12,email,{npi}" for n, npi in enumerate(npis)]
    settings = Settings(practice=Practice(npi=configured))
    result = read(tmp_path, "\n".join([f"{HEADING},billing_npi", *rows]), settings=settings)
    assert column(result, "practice") == practices
    assert problems(result) == expected
    assert ("practice-unnamed" in noted(result)) == (practices == ["", ""])


def test_an_npi_with_a_wrong_check_digit_is_noted(tmp_path: Path) -> None:
    result = read(tmp_path, f"{HEADING},billing_npi\n1,B,2026-03-01,12,email,1234567890\n")
    assert [n.where for n in result.notes if n.problem == "npi-invalid"] == [
        "export1.csv:2:F (billing_npi)"
    ]


def test_unknown_words_are_listed_once_with_the_line_to_add(tmp_path: Path) -> None:
    rows = ["1,B,2026-03-01,1,email", "1,B,2026-03-02,2,Care coordinatio", "1,B,2026-03-03,2,email"]
    note = next(n for n in read(tmp_path, "\n".join([HEADING, *rows])).notes if "kind" in n.problem)
    assert (note.where, note.rows) == ("export1.csv:3:E (kind)", 1)
    assert note.what == '"Care coordinatio" is not a kind that ccbill knows'
    assert note.fix == 'add to ccbill.toml under [kinds]: "Care coordinatio" = "care-coordination"'


def test_unknown_words_stay_private_where_most_are_unknown(tmp_path: Path) -> None:
    rows = ["1,B,2026-03-01,1,Anna Doe", "1,B,2026-03-02,2,John Roe", "1,B,2026-03-03,2,email"]
    result = read(tmp_path, "\n".join([HEADING, *rows]))
    said = " ".join(f"{n.what} {n.fix}" for n in result.notes)
    assert "Anna" not in said
    assert "Roe" not in said
    assert noted(result).count("kind-not-known") == 2


def test_an_export_without_rows_is_an_empty_intake(tmp_path: Path) -> None:
    result = read(tmp_path, HEADING)
    assert len(check_activities(result.activities)) == 0
    assert len(result.patients) == 0


def test_defaults_stand_in_for_blank_and_absent_columns(tmp_path: Path) -> None:
    settings = Settings(defaults={"payer": "BCBSM", "mode": "phone", "kind": "email"})
    result = read(
        tmp_path, "patient_id,service_date,minutes,mode\n1,2026-03-01,5,\n", settings=settings
    )
    assert [column(result, c)[0] for c in ("payer", "mode", "kind")] == ["BCBSM", "phone", "email"]
    assert {"payer", "mode", "kind"} <= result.given


def test_fill_down_takes_blank_cells_from_the_row_above(tmp_path: Path) -> None:
    text = f"{HEADING}\n1,B,2026-03-01,5,email\n,B,2026-03-02,5,email\n"
    assert problems(read(tmp_path, text)) == [None, "patient-missing"]
    result = read(tmp_path, text, settings=Settings(fill_down=("patient_id",)))
    assert column(result, "patient") == ["1", "1"]


def test_given_names_the_fields_that_have_a_column(tmp_path: Path) -> None:
    text = "patient_id,payer,service_date,start_time,end_time,kind,training_date\n"
    given = read(tmp_path, text).given
    assert {"payer", "service_date", "start", "end", "seconds", "kind"} == given


def test_columns_nobody_gave_are_blank(tmp_path: Path) -> None:
    result = read(tmp_path, f"{HEADING}\n1,B,2026-03-01,,email\n")
    assert column(result, "mode") == [None]
    assert column(result, "seconds") == column(result, "group_size") == [UNKNOWN]
