"""Which files are read, found from their content, and how the others are refused."""

import datetime
import gzip
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from ccbill import intake
from ccbill.config import Settings
from ccbill.errors import CcbillError, Exit
from ccbill.intake.files import in_folders, labels
from ccbill.tables import Intake

TEXT = (
    "patient_id,payer,service_date,minutes,kind\n"
    "007,Blü,2026-03-01,12,email\n008,B,2026-03-02,9,email\n"
)
ROWS = [line.split(",") for line in TEXT.splitlines()]


def read(folder: Path, content: bytes, name: str = "export", sheet: str | None = None) -> Intake:
    path = folder / name
    path.write_bytes(content)
    return intake.read([str(path)], Settings(), patients=None, staff=None, sheet=sheet)


def refusal(folder: Path, content: bytes, name: str = "export", sheet: str | None = None) -> str:
    with pytest.raises(CcbillError) as refused:
        read(folder, content, name, sheet)
    assert refused.value.code == Exit.INPUT
    return "\n".join(map(str, refused.value.messages))


def workbook(*sheets: tuple[str, list[list[object]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


READABLE = {
    "utf-8": TEXT.encode(),
    "utf-8 with a mark": TEXT.encode("utf-8-sig"),
    "utf-16": TEXT.encode("utf-16"),
    "utf-16 big-endian": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "windows-1252": TEXT.encode("cp1252"),
    "gzip": gzip.compress(TEXT.encode()),
    "semicolons": TEXT.replace(",", ";").encode(),
    "tabs": TEXT.replace(",", "\t").encode(),
    "bars": TEXT.replace(",", "|").encode(),
    "sep=": b"sep=;\r\n" + TEXT.replace(",", ";").encode(),
    "crlf": TEXT.replace("\n", "\r\n").encode(),
    "cr": TEXT.replace("\n", "\r").encode(),
    "quoted": "\n".join(",".join(f'"{c}"' for c in row) for row in ROWS).encode(),
    "workbook": workbook(("Log", [list(row) for row in ROWS])),
}


@pytest.mark.parametrize("form", READABLE)
def test_one_export_in_every_form(tmp_path: Path, form: str) -> None:
    result = read(tmp_path, READABLE[form], "export.whatever")
    table = result.activities
    assert table["patient"].tolist() == ["007", "008"]
    assert table["payer"].tolist() == ["Blü", "B"]
    assert table["row"].tolist() == [2, 3]
    assert table["seconds"].tolist() == [720, 540]
    assert table["activity_id"].tolist() == ["13ec4c3dec63ce14", "072ad53c505a8c1e"]
    noted = [note.problem for note in result.notes]
    assert ("encoding-assumed" in noted) == (form == "windows-1252")


PDF = "open it in the program that wrote it and save it as CSV (UTF-8) or as an Excel workbook"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\n \n", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (gzip.compress(TEXT.encode(), mtime=0)[:30], "is a gzip file that cannot be unpacked"),
        (b"%PDF-1.7\n", "is a PDF document, which ccbill does not read"),
        (b"\x89PNG\r\n\x1a\n", "is a PNG image, which ccbill does not read"),
        (b"PAR1\0\0", "is a Parquet file that cannot be read: it is damaged or cut short"),
        (b"<html><table>", "is a web page (HTML), not a workbook"),
        (b'[{"patient_id": 1}]', "is a JSON file"),
        (TEXT.encode("utf-16-le"), "holds zero bytes"),
        (b"patient_id\n\x81\n", "is neither UTF-8, UTF-16 nor Windows-1252 text"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "is protected by a password",
        ),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"),
            "is a Word document",
        ),
        (workbook(("Log", []))[:900], "is a workbook or zip archive that cannot be opened"),
        (workbook(("Log", [])), "has no visible sheet with data"),
    ],
)
def test_what_is_no_export_is_refused_by_what_it_is(
    tmp_path: Path, content: bytes, what: str
) -> None:
    assert what in refusal(tmp_path, content)


def test_the_text_of_a_refusal(tmp_path: Path) -> None:
    assert refusal(tmp_path, b"%PDF-1.7\n", "log.csv") == (
        "log.csv: is a PDF document, which ccbill does not read\n"
        "  Nothing was read or written.\n"
        f"  fix: {PDF}"
    )


def test_a_word_document_and_a_zip_archive_are_refused(tmp_path: Path) -> None:
    for member, what in (("word/document.xml", "is a Word document"), ("a.csv", "a zip archive")):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr(member, "x")
        assert what in refusal(tmp_path, content.getvalue())


def test_files_that_are_not_there_and_folders_of_other_things(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "_SUCCESS").touch()
    with pytest.raises(CcbillError) as refused:
        intake.read(
            [str(tmp_path / "none.csv"), str(tmp_path), str(tmp_path / "empty")],
            Settings(),
            patients=None,
            staff=None,
            sheet=None,
        )
    said = [message.what for message in refused.value.messages]
    assert said == ["cannot be read: no such file or directory", "is a folder", "is a folder"]
    fix = "name a file; or, for exports, a folder that holds exports alone"
    assert {message.fix for message in refused.value.messages[1:]} == {fix}


def test_a_folder_stands_for_the_files_in_it(tmp_path: Path) -> None:
    parts, log = tmp_path / "export.csv", tmp_path / "log.csv"
    parts.mkdir()
    header, *lines = TEXT.splitlines()
    for name, content in {
        "part-1.csv": f"{header}\n{lines[1]}\n".encode(),
        "part-0.csv.gz": gzip.compress(f"{header}\n{lines[0]}\n".encode()),
        "_SUCCESS": b"",
        ".part-0.csv.crc": b"\1\2",
        "~$book.xlsx": b"lock",
    }.items():
        (parts / name).write_bytes(content)
    log.write_text(TEXT.replace("email", "phone"), encoding="utf-8")
    paths = [str(parts), str(log)]
    assert [Path(path).name for path in in_folders(paths)] == [
        "part-0.csv.gz",
        "part-1.csv",
        "log.csv",
    ]
    found = intake.read(paths, Settings(), patients=None, staff=None, sheet=None)
    assert found.activities["file"].tolist() == [
        "part-0.csv.gz",
        "part-1.csv",
        "log.csv",
        "log.csv",
    ]
    assert found.activities["patient"].tolist() == ["007", "008", "007", "008"]
    assert [each["name"] for each in found.inputs] == ["part-0.csv.gz", "part-1.csv", "log.csv"]


def test_a_file_beside_its_folder_is_named_twice(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(TEXT, encoding="utf-8")
    with pytest.raises(CcbillError, match="is named twice"):
        intake.read([str(tmp_path), str(path)], Settings(), patients=None, staff=None, sheet=None)


def test_every_input_has_a_name_in_messages() -> None:
    paths = [".", "-", "a/log.csv", "b/log.csv", "c/other.csv"]
    named = [".", "standard input", "a/log.csv", "b/log.csv", "other.csv"]
    assert labels(paths) == named


def test_a_lock_file_is_refused_by_its_name(tmp_path: Path) -> None:
    assert "is the lock file of a workbook" in refusal(tmp_path, b"x", "~$log.xlsx")


def test_cells_of_a_workbook_in_their_own_types(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Activity log"],
        ["patient_id", "payer", "service_date", "minutes", "kind", "mode", "start_time"],
        [7, "B", datetime.date(2026, 3, 1), datetime.time(0, 12), "email", "phone", None],
        ["007", "B", datetime.datetime(2026, 3, 1, 9), 10.33, "email", None, datetime.time(9, 30)],
        [8, "B", "3/1/2026", datetime.timedelta(minutes=5), "email", "#N/A", None],
        [1234567890123456, "B", 46000, 5, "email", None, None],
        [9, "B", "2026-03-01", 5, "=B1", None, None],
    ]
    table = read(tmp_path, workbook(("Log", rows))).activities
    assert table["patient"].tolist()[:3] == ["7", "007", "8"]
    assert table["row"].tolist() == [3, 4, 5, 6, 7]
    assert table["service_date"].tolist()[:3] == [20513] * 3
    assert table["seconds"].tolist() == [720, 620, 300, 300, 300]
    problems = table["problem"].astype(object).where(table["problem"].notna(), None).tolist()
    assert problems == [None, None, "cell-damaged", "cell-damaged", "formula-without-value"]


def test_several_sheets_need_a_name(tmp_path: Path) -> None:
    rows = [list(row) for row in ROWS]
    content = workbook(("March", rows), ("April", rows), ("Empty", []))
    assert refusal(tmp_path, content) == (
        "export: has several sheets with data: March, April\n"
        "  Nothing was read or written.\n"
        "  fix: name the one to read: --sheet 'March'"
    )
    assert "has no sheet 'Mai'" in refusal(tmp_path, content, sheet="Mai")
    assert read(tmp_path, content, sheet="April").inputs[0]["sheet"] == "April"


def test_what_is_recorded_of_an_input(tmp_path: Path) -> None:
    content = gzip.compress(READABLE["semicolons"])
    about = read(tmp_path, content, "log.csv").inputs[0]
    assert about.pop("sha256")
    assert about == {
        "name": "log.csv",
        "role": "activities",
        "format": "text",
        "encoding": "utf-8",
        "delimiter": "semicolon",
        "sheet": None,
        "gzip": True,
        "bytes": len(content),
        "rows": 2,
        "heading_row": 1,
        "not_read": [],
    }
