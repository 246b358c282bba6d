"""What a file is, told from its bytes and not from its name."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zipfile
import zlib
from dataclasses import dataclass

from ccbill.cells.ooxml import MOST_AT_ONCE, MOST_TIMES
from ccbill.errors import CcbillError, Exit, Message

TEXT = "text"
PARQUET = "parquet"
WORKBOOKS = ("xlsx", "xlsm", "xlsb", "xls", "ods")

AS_CSV = "open it in the program that wrote it and save it as CSV (UTF-8) or as an Excel workbook"
AS_XLSX = "open it in a spreadsheet program and save it again as an Excel workbook (.xlsx)"

# How a file that ccbill does not read begins, what it is, and what to do.
FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF document", AS_CSV),
    (b"\x89PNG", "a PNG image", AS_CSV),
    (b"\xff\xd8\xff", "a JPEG image", AS_CSV),
    (b"GIF8", "a GIF image", AS_CSV),
    (b"II*\0", "a TIFF image", AS_CSV),
    (b"MM\0*", "a TIFF image", AS_CSV),
    (b"SQLite format 3\0", "an SQLite database", AS_CSV),
    (b"{\\rtf", "a rich-text document", AS_CSV),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it and name the file inside"),
    (b"Rar!", "a RAR archive", "unpack it and name the file inside"),
    (b"BZh", "a bzip2 archive", "unpack it and name the file inside"),
    (b"\xfd7zXZ", "an xz archive", "unpack it and name the file inside"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it and name the file inside"),
    (b"\x7fELF", "a program", AS_CSV),
    (b"MZ\x90\0", "a program", AS_CSV),
)


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes and what they are.

    `format` is TEXT, PARQUET or one of WORKBOOKS. For text, `data` is UTF-8 without a byte order
    mark, and `encoding` is what the file itself is written in. `packed` says that the file is
    gzipped.
    """

    data: bytes
    format: str
    encoding: str | None = None
    packed: bool = False


def refused(name: str, what: str, fix: str) -> CcbillError:
    """The refusal of a whole file."""
    return CcbillError(Exit.INPUT, Message(name, what, "Nothing was read or written.", fix))


def content(name: str, data: bytes) -> Content:
    """What the bytes are, unpacked and decoded; CcbillError where ccbill does not read that."""
    packed = data[:2] == b"\x1f\x8b"
    if packed:
        data = _unpacked(name, data)
    if not re.search(rb"[^\xef\xbb\xbf \t\r\n]", data):
        raise refused(name, "is empty", "export it again, and look at it before you run ccbill")
    kind = PARQUET if data.startswith(b"PAR1") else _workbook(name, data)
    if kind:
        return Content(data, kind, packed=packed)
    text, encoding = _decoded(name, data)
    _refuse_markup(name, text[:4096].lstrip().lower())
    return Content(text, TEXT, encoding, packed)


def _unpacked(name: str, data: bytes) -> bytes:
    most = max(MOST_AT_ONCE, MOST_TIMES * len(data))
    try:
        with gzip.open(io.BytesIO(data)) as packed:
            unpacked = packed.read(most + 1)
    except (OSError, EOFError, zlib.error):
        fix = "copy or download it again: the file is cut short or damaged"
        raise refused(name, "is a gzip file that cannot be unpacked", fix) from None
    if len(unpacked) > most:
        what = f"is a small gzip file that unpacks to more than {most >> 20:,} MB"
        raise refused(name, what, "unpack it, look at it, and name the file inside")
    return unpacked


def _workbook(name: str, data: bytes) -> str | None:
    """Which kind of workbook this is, None for text; anything else is refused."""
    if data.startswith(b"PK\x03\x04"):
        return _zipped(name, data)
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _compound(name, data)
    if data[:2] == b"\x09\x08" and data[2:4] in (b"\x10\0", b"\x08\0"):
        return "xls"
    if re.match(rb"RIFF....(WEBP|WAVE|AVI )|BM....\0\0\0\0", data, re.DOTALL):
        raise refused(name, "is an image or a recording", AS_CSV)
    for start, what, fix in FOREIGN:
        if data.startswith(start):
            raise refused(name, f"is {what}, which ccbill does not read", fix)
    return None


def _zipped(name: str, data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = set(archive.namelist())
            kind = (
                archive.read("mimetype")[:100].decode("ascii", "replace")
                if ("mimetype" in members and archive.getinfo("mimetype").file_size < 100)
                else ""
            )
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, zlib.error):
        fix = "copy it or export it again: the file is cut short or damaged"
        raise refused(name, "is a workbook or zip archive that cannot be opened", fix) from None
    if "xl/workbook.bin" in members:
        return "xlsb"
    if "xl/workbook.xml" in members:
        return "xlsm" if "xl/vbaProject.bin" in members else "xlsx"
    if kind.startswith("application/vnd.oasis.opendocument.spreadsheet"):
        return "ods"
    for part, what in (("word/", "a Word document"), ("ppt/", "a PowerPoint presentation")):
        if any(member.startswith(part) for member in members):
            raise refused(name, f"is {what}, which ccbill does not read", AS_CSV)
    if kind.startswith("application/vnd.oasis.opendocument"):
        raise refused(name, "is an OpenDocument file, but no spreadsheet", AS_CSV)
    raise refused(name, "is a zip archive", "unpack it and name the file inside")


def _compound(name: str, data: bytes) -> str:
    """The kind of an OLE file, by the names of the streams in it."""

    def holds(stream: str) -> bool:
        return stream.encode("utf-16-le") in data

    if holds("EncryptedPackage"):
        fix = "open it with its password and save a copy without one"
        raise refused(name, "is protected by a password", fix)
    if holds("Workbook") or holds("Book"):
        return "xls"
    what = "a Word document" if holds("WordDocument") else "an Office file, but no workbook"
    raise refused(name, f"is {what}", AS_CSV)


def _decoded(name: str, data: bytes) -> tuple[bytes, str]:
    """The text as UTF-8 without a byte order mark, and the encoding it was found in."""
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        raise refused(name, "is UTF-32 text, which ccbill does not read", "save it as CSV (UTF-8)")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return _no_zeros(name, data.decode("utf-16").encode()), "utf-16"
        except UnicodeError:
            raise refused(name, "is damaged UTF-16 text", "save it as CSV (UTF-8)") from None
    text = _no_zeros(name, data.removeprefix(b"\xef\xbb\xbf"))
    if is_utf8(text):
        return text, "utf-8"
    return _windows_1252(name, text), "windows-1252"


def is_utf8(text: bytes, whole: bool = True) -> bool:
    """Whether the text is UTF-8; where it is not the `whole` of one, its last letter may be cut."""
    try:
        return text.isascii() or bool(codecs.utf_8_decode(text, "strict", whole))
    except UnicodeDecodeError:
        return False


def _windows_1252(name: str, data: bytes) -> bytes:
    found = data.decode("utf-8", "surrogateescape")
    foreign = re.search("[\udc80-\udcff]", found)
    if foreign and not re.sub("[\udc80-\udcff]", "", found).isascii():
        where = _place(name, found[: foreign.start()].encode())
        what = "is in another encoding than the rest, which is UTF-8"
        raise refused(where, what, "save it as CSV (UTF-8)")
    try:
        return data.decode("cp1252").encode()
    except UnicodeDecodeError as error:
        what = "is neither UTF-8, UTF-16 nor Windows-1252 text"
        raise refused(_place(name, data[: error.start]), what, "save it as CSV (UTF-8)") from None


def _place(name: str, before: bytes) -> str:
    """The line of what comes after some bytes."""
    lines = len(re.findall(rb"\r\n|\r|\n", before))
    return f"{name}:{lines + 1}"


def _no_zeros(name: str, data: bytes) -> bytes:
    zero = data.find(b"\0")
    if zero >= 0:
        what = "holds zero bytes, so it is not plain text (or UTF-16 without a byte order mark)"
        raise refused(_place(name, data[:zero]), what, AS_CSV)
    return data


def _refuse_markup(name: str, start: bytes) -> None:
    if b"urn:schemas-microsoft-com:office:spreadsheet" in start:
        raise refused(name, "is an XML Spreadsheet 2003, not a workbook", AS_XLSX)
    if start.startswith((b"<html", b"<!doctype html", b"<table", b"<meta", b"<head", b"<style")):
        raise refused(name, "is a web page (HTML), not a workbook", AS_XLSX)
    if start.startswith((b"<?xml", b"<!doctype", b"<svg")):
        raise refused(name, "is an XML file", AS_CSV)
    if re.match(rb"[\[{]\s*[\"{\[]", start):
        raise refused(name, "is a JSON file", AS_CSV)
    if start.startswith(b"%!ps"):
        raise refused(name, "is a PostScript document", AS_CSV)
