"""What the records of the two binary workbooks, .xls and .xlsb, say that the library does not
hand over: errors and hidden rows. A formula always has a value there, 0 where none was worked out.
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree

from ccbill.cells.marks import DAMAGED, Marks, RefusedError

Record = tuple[int, bytes]

ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}


PADDED = RefusedError(
    "shows numbers with zeros in front, which cannot be seen in this kind of workbook",
    "save it as an Excel workbook (.xlsx)",
)


def marks_of_xlsb(data: bytes, at: int) -> Marks:
    """What the sheet at a position of an .xlsb says."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if "xl/styles.bin" in archive.namelist():
                styles = list(_records_12(archive.read("xl/styles.bin")))
                _refuse_padded(styles, 44, 47)
            return _xlsb(archive.read(_part(archive, at)))
    except (
        *(zipfile.BadZipFile, zlib.error, OSError, EOFError, KeyError, IndexError),
        *(struct.error, UnicodeDecodeError, ElementTree.ParseError),
    ):
        raise DAMAGED from None


def _refuse_padded(records: list[Record], formats: int, styles: int) -> None:
    """Refuses a workbook with a style whose number format is nothing but zeros."""
    padded = {
        body[:2]
        for kind, body in records
        if kind == formats and re.fullmatch(rb"[^0]{0,3}00+", body[2:].replace(b"\0", b""), re.S)
    }
    if any(body[2:4] in padded for kind, body in records if kind == styles):
        raise PADDED


def _part(archive: zipfile.ZipFile, at: int) -> str:
    """The member that holds the sheet, as the workbook lists them."""
    sheets = [body for kind, body in _records_12(archive.read("xl/workbook.bin")) if kind == 156]
    length = struct.unpack_from("<I", sheets[at], 8)[0]
    own = sheets[at][12 : 12 + 2 * length].decode("utf-16-le")
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.bin.rels"))
    target = next(link.get("Target", "") for link in links if link.get("Id") == own)
    return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


def _records_12(data: bytes) -> Iterator[Record]:
    """The records of an .xlsb: kind and size are written seven bits to a byte."""
    at = 0
    while at < len(data):
        kind, at = data[at], at + 1
        if kind & 0x80:
            kind, at = kind & 0x7F | data[at] << 7, at + 1
        size = shift = 0
        more = True
        while more:
            byte, at = data[at], at + 1
            size |= (byte & 0x7F) << shift
            shift += 7
            more = bool(byte & 0x80)
        yield kind, data[at : at + size]
        at += size


def _xlsb(data: bytes) -> Marks:
    found = Marks()
    row = 0
    for kind, body in _records_12(data):
        if kind == 0:  # a row begins
            row = struct.unpack_from("<I", body)[0]
            found.hidden_rows += body[11] >> 4 & 1
        elif kind in (3, 11):  # an error, given or worked out
            column = struct.unpack_from("<I", body)[0]
            found.texts[row, column] = ERRORS.get(body[8], "#VALUE!")
        elif kind == 163:  # the filter of a column
            found.filtered = True
        elif kind == 176:
            top, bottom, left, right = struct.unpack_from("<4I", body)
            found.merged.append(((top, left), (bottom, right)))
    return found


def marks_of_xls(data: bytes, at: int) -> Marks:
    """What the sheet at a position of an .xls says."""
    try:
        stream = _workbook_stream(data) if data[:2] == b"\xd0\xcf" else data
        book = list(_records(stream, 0))
        _refuse_padded(book, 0x041E, 0xE0)
        starts = [struct.unpack_from("<I", body)[0] for kind, body in book if kind == 0x85]
        return _xls(_records(stream, starts[at] if starts else 0))
    except (struct.error, IndexError, StopIteration, UnicodeDecodeError):
        raise DAMAGED from None


def _records(data: bytes, at: int) -> Iterator[Record]:
    """The records of an .xls from a byte on, to the end of the part that begins there."""
    depth = 0
    while at + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, at)
        depth += kind & 0xFF == 0x09 and size >= 4
        depth -= kind == 0x0A
        if depth == 1:  # not of a chart within
            yield kind, data[at + 4 : at + 4 + size]
        elif depth <= 0:
            return
        at += 4 + size


def _xls(records: Iterator[Record]) -> Marks:
    found = Marks()
    for kind, body in records:
        if kind == 0x0208:
            found.hidden_rows += len(body) >= 14 and body[12] >> 5 & 1
        elif kind == 0x009B:
            found.filtered = True
        elif kind == 0x0205 and body[7]:
            found.texts[struct.unpack_from("<HH", body)] = ERRORS.get(body[6], "#VALUE!")
        elif kind & 0xFF == 0x06 and body[12:14] == b"\xff\xff" and body[6] == 2:
            found.texts[struct.unpack_from("<HH", body)] = ERRORS.get(body[8], "#VALUE!")
    return found


def _workbook_stream(data: bytes) -> bytes:
    """The stream of an OLE file that holds the workbook."""
    size = 1 << struct.unpack_from("<H", data, 30)[0]
    small = 1 << struct.unpack_from("<H", data, 32)[0]
    directory, least, minis, next_lists = struct.unpack_from("<I4xI I4xI", data, 48)
    lists = list(struct.unpack_from("<109I", data, 76))
    while next_lists < 0xFFFFFFFA:
        more = struct.unpack_from(f"<{size // 4}I", data, size * (next_lists + 1))
        lists += more[:-1]
        next_lists = more[-1] if len(lists) * 4 < len(data) else 0xFFFFFFFE
    table = b"".join(data[size * (n + 1) : size * (n + 2)] for n in lists if n < 0xFFFFFFFA)
    sectors = _Chain(data[size:], table, size)
    entries = _joined(sectors, directory)
    by_name: dict[str, tuple[int, int]] = {}
    for at in range(0, len(entries) - 127, 128):
        length = struct.unpack_from("<H", entries, at + 64)[0]
        name = entries[at : at + max(0, length - 2)].decode("utf-16-le")
        by_name.setdefault(name.casefold(), struct.unpack_from("<IQ", entries, at + 116))
    start, length = by_name["workbook"] if "workbook" in by_name else by_name["book"]
    if length & 0xFFFFFFFF >= least:
        return _joined(sectors, start)[: length & 0xFFFFFFFF]
    root = _joined(sectors, struct.unpack_from("<I", entries, 116)[0])
    return _joined(_Chain(root, _joined(sectors, minis), small), start)[:length]


class _Chain(NamedTuple):
    """Sectors of one size, and the table that says which comes after which."""

    data: bytes
    table: bytes
    size: int


def _joined(chain: _Chain, start: int) -> bytes:
    """The sectors from one on, in their order."""
    found: list[bytes] = []
    most = len(chain.table) // 4
    while start < most and len(found) <= most:
        found.append(chain.data[chain.size * start : chain.size * (start + 1)])
        start = struct.unpack_from("<I", chain.table, 4 * start)[0]
    if len(found) > most:  # it goes in a circle
        raise struct.error
    return b"".join(found)
