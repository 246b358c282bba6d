"""Delimited text is read right, or refused where it goes wrong."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ccbill import intake
from ccbill.config import Settings
from ccbill.errors import CcbillError, Exit
from ccbill.intake import quotes, text
from ccbill.intake.quotes import Marks, Source, marks_of, marks_of_start
from ccbill.tables import Intake

HEADING = "patient_id,payer,service_date,minutes,kind,note\n"
ROW = "007,B,2026-03-01,12,email,{}\n"


def read(folder: Path, content: str | bytes) -> Intake:
    path = folder / "log.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return intake.read([str(path)], Settings(), patients=None, staff=None, sheet=None)


def refusal(folder: Path, content: str | bytes) -> str:
    with pytest.raises(CcbillError) as refused:
        read(folder, content)
    assert refused.value.code == Exit.INPUT
    return "\n".join(map(str, refused.value.messages))


def problems(result: Intake) -> list[object]:
    column = result.activities["problem"].astype(object)
    return column.where(column.notna(), None).tolist()


def dropped(result: Intake) -> list[str]:
    return [note.what for note in result.notes if note.problem == "rows-dropped"]


# Quotation marks

TWICE = 'put the whole cell in quotation marks and write each one inside it twice: "5"" wound"'

FOLLOWED = "a quotation mark opens a cell here, and text follows the one that closes it"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            ROW.format('"a, b"') + ROW.format('5" wound'),
            "log.csv:3:F (note): a quotation mark in a cell that does not begin with one\n"
            f"  Nothing was read or written.\n  fix: delete it, or {TWICE}",
        ),
        (
            ROW.format("") + ROW.format('"5" wound"'),
            f"log.csv:3:F (note): {FOLLOWED}\n"
            f"  Nothing was read or written.\n  fix: close the cell at its end, or {TWICE}",
        ),
        (
            ROW.format('"a') + ROW.format("b") + ROW.format('"c"'),
            f"log.csv:2:F (note): {FOLLOWED} in line 4\n"
            f"  Nothing was read or written.\n  fix: close the cell at its end, or {TWICE}",
        ),
        (
            ROW.format("a") + ROW.format('"b') + ROW.format("c"),
            "log.csv:3:F (note): a quotation mark opens a cell here, and none closes it\n"
            "  Nothing was read or written.\n"
            "  fix: close it at the end of its cell, or delete it",
        ),
        (
            ROW.format('"say \\"when\\""'),
            "log.csv:2:F (note): a quotation mark with a backslash before it\n"
            "  Nothing was read or written.\n"
            "  fix: write a quotation mark inside a quoted cell twice, without a backslash",
        ),
        (
            ROW.format('"a') + ROW.format("b") + ROW.format('c"'),
            "log.csv:2:F (note): the quoted cell that opens here holds line ends, and each line "
            "may be a row\n  Nothing was read or written.\n"
            "  fix: delete the quotation mark if it is a stray one, or the line ends in the cell",
        ),
    ],
)
def test_a_misplaced_quotation_mark_is_refused_where_its_cell_begins(
    tmp_path: Path, rows: str, said: str
) -> None:
    assert refusal(tmp_path, HEADING + rows) == said


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_an_editor_does(tmp_path: Path, end: str) -> None:
    several = ROW.format('"a\nb\nc"')
    content = f'{HEADING}{several}{ROW.format("")}007,"B,x,1,email,'
    assert refusal(tmp_path, content.replace("\n", end)).startswith("log.csv:6:B (payer): ")


def test_the_cells_of_a_file_without_a_heading_are_not_told(tmp_path: Path) -> None:
    assert refusal(tmp_path, 'Ashgrove,3/14/1958,x\nBrack,"1,2\n').startswith("log.csv:2:B: a quo")


def test_marks_are_letters_where_no_cell_begins_with_one(tmp_path: Path) -> None:
    rows = ROW.format('5" wound') + '0"07,B,2026-03-01,12,email,\n007,B"B",2026-03-01,12,email,\n'
    assert problems(read(tmp_path, HEADING + rows)) == [None, "cell-damaged", "cell-damaged"]


def test_a_quoted_cell_may_hold_delimiters_marks_and_line_ends(tmp_path: Path) -> None:
    rows = ROW.format('"a, ""b""\n\nc, d"') + ROW.format('""') + ROW.format('"""x"""')
    result = read(tmp_path, HEADING + rows.replace("007", "1", 1).replace("007", "2", 1))
    assert problems(result) == [None, None, None]
    assert result.activities["row"].tolist() == [2, 3, 4]


@pytest.mark.parametrize("block", [64, 192, 1 << 20])
def test_marks_are_told_as_one_letter_after_another_would(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(quotes, "BLOCK", block)
    headings = ["x"] * 30
    for seed in range(300):
        content = _scribble(random.Random(seed))
        source = Source("f", content.encode(), ",", headings, 1, 0, True)
        expected, ends = _letter_by_letter(content)
        try:
            found: Marks | None = marks_of(source)
        except CcbillError:
            found = None
        assert (found if found and not found.letters else None) == expected
        end = marks_of_start(source)[1]
        assert end == ends[-1] if block > len(content) else end in ends


def _scribble(chance: random.Random) -> str:
    """A text that is well formed in two of three cases."""
    out = io.StringIO()
    rows = [
        ["".join(chance.choices('ab",\n', k=chance.randint(0, 9))) for _ in "abc"] for _ in "ab"
    ]
    csv.writer(out, quoting=chance.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])).writerows(rows * 9)
    content, place = out.getvalue(), chance.randrange(len(out.getvalue()))
    return content if chance.random() < 0.67 else f'{content[:place]}"{content[place:]}'


def _letter_by_letter(content: str) -> tuple[Marks | None, list[int]]:
    """The same as `marks_of` says, None where a mark is misplaced; and where records end, or 0."""
    begins, inside, line_ends, at, ends = True, False, False, 0, [0]
    while at < len(content):
        sign = content[at]
        if inside and content[at : at + 2] == '""':
            at += 1
        elif sign == '"' and inside:
            inside = False
            if content[at + 1 : at + 2] not in ("", ",", "\n", "\r"):
                return None, [0]
        elif sign == '"':
            if not begins:
                return None, [0]
            inside = True
        line_ends |= inside and sign in "\r\n"
        begins = sign in ",\r\n"
        at += 1
        if begins and sign != "," and not inside:
            ends.append(at)
    return None if inside else Marks('"' in content, line_ends), ends


# Rows and cells


@pytest.mark.parametrize("end", [",", ",,,"])
def test_delimiters_at_the_end_of_every_row_are_no_cells(tmp_path: Path, end: str) -> None:
    rows = ROW.format("x").replace("\n", f"{end}\n") + ROW.format("").replace("\n", f"{end}\n")
    assert problems(read(tmp_path, HEADING + rows)) == [None, None]


def test_rows_with_cells_too_many_or_too_few_are_held(tmp_path: Path) -> None:
    rows = ROW.format("x") + ROW.format("x,") + "008,B,2026-03-01\n" + ROW.format("y,z")
    result = read(tmp_path, HEADING + rows)
    assert problems(result) == [None, "row-ragged", "row-ragged", "row-ragged"]
    assert result.unreadable["row"].tolist() == [3, 4, 5]
    assert result.unreadable["note"].tolist()[2] == "y"
    assert result.unreadable["cells past the last heading"].tolist()[2] == "z"


def test_ragged_rows_among_quoted_line_ends_keep_their_numbers(tmp_path: Path) -> None:
    rows = ROW.format('"a\nb"') + "\n" + '1,"x\ny"\n' + ROW.format("c").replace("007", "8")
    result = read(tmp_path, HEADING + rows)
    assert result.activities["row"].tolist() == [2, 4, 5]
    assert problems(result) == [None, "row-ragged", None]
    assert dropped(result) == ["1 row not read: blank"]


@pytest.mark.parametrize(
    "again", [HEADING, HEADING.upper(), "\ufeff" + HEADING, HEADING.replace("\n", ",,\n")]
)
def test_a_repeated_heading_is_no_row(tmp_path: Path, again: str) -> None:
    result = read(tmp_path, HEADING + ROW.format("x") + again + ROW.format("y"))
    assert problems(result) == [None, None]
    assert len(dropped(result)) == 1


@pytest.mark.parametrize(
    "heading", ["kind,minutes,note,patient_id,payer,service_date\n", "Staff ID,Minutes,Kind\n"]
)
def test_a_second_table_is_refused_at_its_heading(tmp_path: Path, heading: str) -> None:
    content = HEADING + ROW.format("x") + "\n" + heading + "a,b,c\n"
    assert refusal(tmp_path, content) == (
        "log.csv:4: another heading row, with other columns than the one above\n"
        "  Nothing was read or written.\n"
        "  fix: put each table into a file of its own"
    )


def test_a_column_without_a_heading_is_noted(tmp_path: Path) -> None:
    result = read(tmp_path, HEADING.replace("\n", ",\n") + ROW.format("x,y"))
    note = next(note for note in result.notes if note.problem == "column-without-heading")
    assert (note.where, note.what) == ("log.csv:2:G", "1 cell below a blank heading: not read")


@pytest.mark.parametrize("sign", ["\u00a0", "\u200b", "\ufeff", " \t", "\u00ad"])
def test_blanks_and_signs_that_nobody_sees_are_no_part_of_a_cell(tmp_path: Path, sign: str) -> None:
    row = f'"{sign}007{sign}",{sign}B,{sign}2026-03-01,12{sign},email,\n'
    result = read(tmp_path, HEADING + row)
    assert result.activities["patient"].tolist() == ["007"]
    assert problems(result) == [None]


def test_text_is_kept_as_it_stands_and_words_are_read_without_odd_signs(tmp_path: Path) -> None:
    note = "a\u00a0b \u202egnp.exe\u2069."
    row = f"7,B\u00a0C\u200b,2026-03-01\u202f9:30\u00a0AM,1\u00a0h,e\u00admail,{note}\n"
    result = read(tmp_path, HEADING + row)
    assert problems(result) == [None]
    [found] = result.activities.to_dict("records")
    assert (found["payer"], found["kind"], found["seconds"]) == ("B C", "email", 3600)
    assert result.note is not None
    assert result.note[1].to_pylist() == [note]


@pytest.mark.parametrize(
    ("ids", "held"),
    [
        (["00\u200b7", "00\u00a07", "\u202e0\u202d07"], True),
        (["1.23E+15", "1,23E+15", "12E3", "4,862"], True),
        (["'007", "“007”", '"007', "0\n07", "0\t07", "#REF!"], True),
        (["1234567890123450", "12345678901234500000"], True),
        (["1234567890123450", "1234567890123451"], False),
        (["123456789012340", "12345", "E11", "1.234", "O'Neil", "0012-4"], False),
    ],
)
def test_an_id_that_a_program_has_changed_is_held(
    tmp_path: Path, ids: list[str], held: bool
) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(
        [each, "B", "2026-03-01", "12", "email", ""] for each in ids
    )
    expected = "cell-damaged" if held else None
    assert problems(read(tmp_path, HEADING + out.getvalue())) == [expected] * len(ids)


# The file as a whole


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "a;b,c;d\n" * 3,
            "log.csv: can be split at each comma as well as at each semicolon\n"
            "  Nothing was read or written.\n"
            "  fix: put a first line into it that names the delimiter: sep=,",
        ),
        (
            "Patient ID   Date of Service   Kind\n" + "007          2026-03-01        email\n" * 3,
            "log.csv: has columns of fixed width, with spaces and no delimiter between them",
        ),
        (
            HEADING.replace(",", "','").replace("patient", "'patient").replace("\n", "'\n"),
            "log.csv:1: its cells are between ' and '\n  Nothing was read or written.\n"
            '  fix: write them between plain quotation marks ("), or without any',
        ),
        (
            HEADING.encode() + "007,é\n".encode() + "007,é\n".encode("cp1252"),
            "log.csv:3: is in another encoding than the rest, which is UTF-8",
        ),
        (HEADING.encode() + b"007\0,B\n", "log.csv:2: holds zero bytes"),
        ("sep=^\npatient_id^kind\n", "log.csv:1: separates its cells with a sign"),
    ],
)
def test_a_text_that_may_be_read_in_two_ways_is_refused(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    assert refusal(tmp_path, content).startswith(said)


def test_many_rows_are_read_like_a_few(tmp_path: Path) -> None:
    """Columns of few and of many distinct cells, in a text of several blocks."""
    count = 40_000
    kinds = ["email", " reminder ", "", "documentation"]
    rows = "".join(
        f"P{n % 999},B,2026-03-{1 + n % 9:02},12,{kinds[n % 4]},{n}\n" for n in range(count)
    )
    table = read(tmp_path, HEADING + rows).activities
    assert table["patient"].tolist() == [f"P{n % 999}" for n in range(count)]
    found = table["kind"].astype(object).fillna("").tolist()
    assert found == [kinds[n % 4].strip() for n in range(count)]
    assert table["row"].tolist() == list(range(2, count + 2))


@pytest.mark.parametrize("count", [1, 127, 128, 129, 32_767, 32_768, 32_769])
def test_codes_are_as_small_as_their_number_allows(count: int) -> None:
    cells = [f"{n}" for n in range(count)]
    for found in (
        text.from_strings(cells * 2),
        text.joined([text.from_strings(some) for some in (cells[:200], cells[100:], cells)]),
    ):
        assert found.values.to_pylist() == cells
        assert found.codes.dtype.itemsize == (1 if count < 128 else 2 if count < 32_768 else 4)
        assert found.codes[-count:].tolist() == list(range(count))
        assert found.counts().tolist()[-1] == (found.codes == count - 1).sum()


def test_equal_cells_are_found_in_whatever_part_of_a_column() -> None:
    cells = [f"{n:08}" for n in range(text.MANY)]
    found = text.from_arrow(pa.chunked_array([cells, ["a-longer-one", cells[7]]]))
    assert found.codes[-1] == 7


@pytest.mark.parametrize("length", [3, 8, 9, 16, 17])
def test_distinct_cells_are_found_whatever_their_length(length: int) -> None:
    cells = [f"{n:x}".rjust(length, "z") for n in range(text.MANY + 5)]
    for twin in (False, True):
        found = text.from_strings([*cells, cells[7] if twin else "other"])
        assert len(found.values) == len(set(cells)) + (not twin)
        assert found.values.take(found.codes).to_pylist()[:-1] == cells
        assert np.unique(found.codes).size == len(found.values)
