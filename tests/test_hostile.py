"""Workbooks made to do harm: each is refused in time, in little memory, and leaves no trace."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from books import (
    HEAD,
    MAIN,
    archive,
    compound,
    ods,
    ods_row,
    text_row,
    xlsx,
    xlsx_parts,
)

from ccbill import intake
from ccbill.cells.limits import Limits
from ccbill.config import Settings, load
from ccbill.errors import CcbillError, Exit

SHEET = "xl/worksheets/sheet1.xml"
SECONDS, MEGABYTES = 10, 512  # of the processor: the clock depends on what else runs

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha" * 10}">' for n in range(12))
ENTITY = '<row r="1"><c r="A1" t="inlineStr"><is><t>&{0};</t></is></c></row>'


def with_doctype(declared: str, name: str) -> bytes:
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{ENTITY.format(name)}</sheetData></worksheet>'
    return archive(xlsx_parts("") | {SHEET: f"{HEAD}<!DOCTYPE worksheet [{declared}]>{sheet}"})


def zip_bomb() -> bytes:
    return archive(xlsx_parts(" " * (160 << 20)))


def bomb_that_understates_its_size() -> bytes:
    """The same, whose directory says that the sheet is small."""
    size = 160 << 20
    sheet = (xlsx_parts(" " * size)[SHEET],)
    real = len(sheet[0]).to_bytes(4, "little")
    return archive(xlsx_parts("") | {SHEET: sheet[0]}).replace(real, b"\0\x10\0\0")


def doubled_member() -> bytes:
    parts = xlsx_parts(text_row(1, "a"))
    content = archive(parts | {"xl/worksheets/sheet2.xml": parts[SHEET]})
    return content.replace(b"sheet2.xml", b"sheet1.xml")


def encrypted_member() -> bytes:
    content = bytearray(archive(xlsx_parts(text_row(1, "a"))))
    at = content.rfind(b"PK\x01\x02")
    content[at + 8] |= 1
    return bytes(content)


def wide(columns: int) -> bytes:
    return xlsx(text_row(1, *(f"c{at}" for at in range(columns))) + text_row(2, *["1"] * columns))


def deep() -> bytes:
    return xlsx("<row>" * 300_000)


def far_apart() -> bytes:
    last = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    return xlsx(text_row(1, "patient_id") + last)


def repeated_in_ods() -> bytes:
    cell = '<table:table-cell table:number-columns-repeated="16384" office:value-type="string">'
    filled = f"{cell}<text:p>x</text:p></table:table-cell>"
    return ods(ods_row(filled, about='table:number-rows-repeated="1048576"'))


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "zip bomb": (zip_bomb, "is a small file that unpacks to 160 MB"),
    "zip bomb that understates its size": (bomb_that_understates_its_size, "is a workbook"),
    "gzip bomb": (lambda: gzip.compress(bytes(160 << 20)), "unpacks to"),
    "entities in entities": (lambda: with_doctype(LAUGHS, "l11"), "declares entities"),
    "a file as an entity": (
        lambda: with_doctype('<!ENTITY f SYSTEM "file:///etc/passwd">', "f"),
        "declares entities",
    ),
    "an address as an entity": (
        lambda: with_doctype('<!ENTITY f SYSTEM "http://127.0.0.1:9/">', "f"),
        "declares entities",
    ),
    "a member above the folder": (
        lambda: archive(xlsx_parts(text_row(1, "a")) | {"../../evil.xml": "<a/>"}),
        "members outside its own folder",
    ),
    "one member twice": (doubled_member, "holds one member twice"),
    "an encrypted member": (encrypted_member, "is protected by a password"),
    "cut short": (lambda: wide(50)[:-200], "cannot be opened"),
    "row 999,999,999": (
        lambda: xlsx('<row r="999999999"><c r="A999999999"><v>1</v></c></row>'),
        "beyond the last row or column",
    ),
    "both corners of the sheet": (far_apart, "MB of memory to read"),
    "10,000 columns": (lambda: wide(10_000), "has cells in 10,000 columns"),
    "rows within rows": (deep, "has no visible sheet with data"),
    "a remark in a number": (
        lambda: xlsx('<row r="1"><c r="A1"><v>1<!-- 0 -->2</v></c></row>'),
        "has remarks or instructions",
    ),
    "17 billion cells in ODS": (repeated_in_ods, "is a workbook"),
    "OLE directory in a circle": (lambda: compound(1, -2), "is a workbook"),
    "OLE stream in a circle": (lambda: compound(-2, 2), "has no visible sheet with data"),
}

READ_ALL = """
import os, resource, sys
from pathlib import Path
from ccbill.intake import columns, files
from ccbill.config import Settings
from ccbill.errors import CcbillError
for path in sys.argv[1:]:
    began = sum(os.times()[:4])
    try:
        files.table(path, Path(path).name, columns.wanted_activities(Settings()), None)
        said = "READ"
    except CcbillError as error:
        said = error.messages[0].what
    print(f"{sum(os.times()[:4]) - began:.2f}\\t{said}")
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
own = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
scale = 1024 if sys.platform == "darwin" else 1
child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // scale
print(max(child, *own, 0) // 1024)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hostile")
    for name, (content, _) in HOSTILE.items():
        (made / f"{name}.xlsx").write_bytes(content())
    return made


def test_each_is_refused_in_time_and_in_little_memory(folder: Path) -> None:
    command = [sys.executable, "-c", READ_ALL, *(f"{folder}/{name}.xlsx" for name in HOSTILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    *lines, peak = done.stdout.splitlines()
    for (name, (_, what)), line in zip(HOSTILE.items(), lines, strict=True):
        seconds, said = line.split("\t")
        assert what in said, name
        assert float(seconds) < SECONDS, name
    assert 0 < int(peak) < MEGABYTES  # of whichever process had most


def test_none_opens_a_socket_or_writes_a_file(folder: Path, tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    names = ["an address as an entity", "a file as an entity", "a member above the folder"]
    names += ["both corners of the sheet", "OLE stream in a circle"]
    log = tmp_path / "calls"
    calls = "network,openat,open,creat,mkdir,rename,renameat2,unlink,link,symlink"
    command = [strace, "-f", "-qq", "-e", f"trace={calls}", "-o", str(log), sys.executable, "-B"]
    subprocess.run(
        [*command, "-c", READ_ALL, *(f"{folder}/{name}.xlsx" for name in names)],
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    assert any("openat" in line for line in lines)
    made = ("O_CREAT", "O_WRONLY", "O_RDWR", "socket(", "connect(", "mkdir(", "symlink(", "rename")
    seen = [line for line in lines if any(word in line for word in made)]
    assert [line for line in seen if "/dev/null" not in line and "ENOENT" not in line] == []
    assert not any("/etc/passwd" in line for line in lines)
    assert [path.name for path in tmp_path.iterdir()] == ["calls"]


def test_the_command_names_the_file_and_the_fix(folder: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ccbill", "run", f"{folder}/row 999,999,999.xlsx", "--no-ledger"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr == (
        "row 999,999,999.xlsx: has cells beyond the last row or column that a sheet can have\n"
        "  Nothing was read or written.\n"
        "  fix: open it in a spreadsheet program and save it again as an Excel workbook (.xlsx)\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("seconds", "megabytes", "what", "fix"),
    [
        (
            0.0,
            None,
            "that was not read within 0 seconds",
            "allow more: --workbook-seconds 60, or",
        ),
        (None, 30, "that takes more than 30 MB of memory to read", "workbook_megabytes = 120"),
    ],
)
def test_a_limit_that_is_too_low_says_how_to_raise_it(
    tmp_path: Path, seconds: float | None, megabytes: int | None, what: str, fix: str
) -> None:
    path = tmp_path / "log.xlsx"
    path.write_bytes(xlsx("".join(text_row(row, *["x" * 40] * 20) for row in range(1, 5000))))
    settings = Settings(workbook=Limits(seconds, megabytes))
    with pytest.raises(CcbillError) as refused:
        intake.read([str(path)], settings, patients=None, staff=None, sheet=None)
    assert refused.value.code == Exit.INPUT
    assert what in str(refused.value.messages[0])
    assert fix in str(refused.value.messages[0])


def test_limits_come_from_the_command_line_then_from_ccbill_toml(tmp_path: Path) -> None:
    config = tmp_path / "ccbill.toml"
    config.write_text("[intake]\nworkbook_seconds = 5\nworkbook_megabytes = 900\n", "utf-8")
    own = load(config).workbook
    assert own == Limits(5, 900)
    assert Limits(None, 700).over(own) == Limits(5, 700)
    assert Limits().of(20_000_000) == (47, 1400)
