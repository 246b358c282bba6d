"""What the XML of an Office workbook says that the library does not hand over."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, reduce
from typing import IO
from xml.etree import ElementTree

from ccbill.cells.marks import DAMAGED, NO_VALUE, PROTECTED, Marks, RefusedError

PIECE = 1 << 20

_ROOT = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>)?\s*(?:<!--.*?-->\s*)*<(?P<prefix>[\w.-]+:)?\w",
    re.DOTALL,
)
_REFERENCE = re.compile(rb"""\br=["']([A-Z]{1,3})(\d{1,7})["']""")
MOST_AT_ONCE = 100 << 20  # bytes that a small archive may unpack to
MOST_TIMES = 150  # the size of the archive


def check_archive(data: bytes) -> None:
    """Refuses an archive that no spreadsheet program would have written."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if any(member.flag_bits & 1 for member in members):
                raise PROTECTED
            names = Counter(member.filename for member in members)
            if names.most_common(1)[0][1] > 1:
                raise RefusedError("is a zip archive that holds one member twice")
            if any(n.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", n) for n in names):
                raise RefusedError("is a zip archive with members outside its own folder")
            unpacked = sum(member.file_size for member in members)
            if unpacked > max(MOST_AT_ONCE, MOST_TIMES * len(data)):
                raise RefusedError(f"is a small file that unpacks to {unpacked >> 20:,} MB")
            for member in members:
                if member.filename.endswith((".xml", ".rels", ".vml")):
                    _check_start(archive, member)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError):
        raise DAMAGED from None


def _check_start(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Refuses XML that declares a document type, or is not UTF-8 from the first byte on."""
    with archive.open(member) as part:
        start = part.read(4096)
    if b"<!DOCTYPE" in start or b"<!ENTITY" in start:
        raise RefusedError(
            "declares entities of its own in its XML, as no spreadsheet program does"
        )
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or b"<\0" in start:
        raise RefusedError("is written in UTF-16, which ccbill does not read in a workbook")


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Where a sheet's XML is, and what of the workbook decides how it reads."""

    part: str
    prefix: bytes
    to_calculate: bool  # no program has worked out the formulas as yet
    padded: dict[bytes, int]  # styles that show a number with so many digits


def marks(data: bytes, at: int) -> Marks:
    """What the sheet's XML says: errors, formulas without a value, numbers shown with zeros in
    front, and hidden rows."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = Marks()
            sheet = _sheet(archive, at)
            with archive.open(sheet.part) as part:
                for piece in _pieces(part, sheet.prefix):
                    _mark(piece, sheet, found)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, KeyError, ElementTree.ParseError):
        raise DAMAGED from None
    return found


def _sheet(archive: zipfile.ZipFile, at: int) -> _Sheet:
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {link.get("Id"): link for link in links}
    tags = [tag for tag in book.iter() if _local(tag.tag) == "sheet"]
    own = next(value for key, value in tags[at].attrib.items() if key.endswith("}id"))
    part = _target(targets[own])
    calculation = next((tag for tag in book.iter() if _local(tag.tag) == "calcPr"), None)
    fresh = calculation is not None and calculation.get("fullCalcOnLoad") in ("1", "true")
    styles = [link for link in links if (link.get("Type") or "").endswith("/styles")]
    with archive.open(part) as xml:
        root = _ROOT.match(xml.read(4096))
    if root is None:
        raise RefusedError("has a sheet that does not begin as XML")
    return _Sheet(part, root["prefix"] or b"", fresh, _padded(archive, styles))


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _target(link: ElementTree.Element) -> str:
    return posixpath.normpath(posixpath.join("/xl", link.get("Target", ""))).lstrip("/")


def _padded(archive: zipfile.ZipFile, links: list[ElementTree.Element]) -> dict[bytes, int]:
    """The styles whose number format is nothing but zeros, such as 00000 for a ZIP code."""
    if not links or _target(links[0]) not in archive.namelist():
        return {}
    styles = ElementTree.fromstring(archive.read(_target(links[0])))
    width = {
        tag.get("numFmtId"): len(code)
        for tag in styles.iter()
        if _local(tag.tag) == "numFmt" and re.fullmatch("00+", code := tag.get("formatCode", ""))
    }
    formats = [tag for tag in styles.iter() if _local(tag.tag) == "cellXfs"]
    return {
        str(at).encode(): width[style.get("numFmtId")]
        for at, style in enumerate(formats[0] if formats else ())
        if style.get("numFmtId") in width
    }


def _pieces(part: IO[bytes], prefix: bytes) -> Iterator[bytes]:
    """The XML in pieces of whole rows, the last with what stands below the rows."""
    end = b"</" + prefix + b"row>"
    start = part.read(PIECE)
    rest = _ROOT.sub(b"", start, count=1)
    while piece := start or part.read(PIECE):
        rest += b"" if start else piece
        start = b""
        cut = rest.rfind(end)
        if cut >= 0:
            yield rest[: cut + len(end)]
            rest = rest[cut + len(end) :]
    yield rest


def _mark(piece: bytes, sheet: _Sheet, found: Marks) -> None:
    """Adds what one piece says. Single signs are looked for first, which costs next to nothing."""
    if (b"!" in piece and b"<!" in piece) or (b"?" in piece and b"<?" in piece):
        raise RefusedError("has remarks or instructions in the XML of its cells")
    tags = _tags(sheet.prefix)
    if b"hidden=" in piece:
        found.hidden_rows += len(tags.hidden.findall(piece))
    if b"#" in piece:
        for cell in tags.error.finditer(piece):
            found.texts[_place(cell["about"])] = (cell["value"] or b"").decode() or "#VALUE!"
    if b"f" in piece and b"<" + sheet.prefix + b"f" in piece:
        found.filtered |= b"filterColumn" in piece
        for cell in tags.formula.finditer(piece):
            if _unknown(cell, sheet.to_calculate):
                found.texts[_place(cell["about"])] = NO_VALUE
    if sheet.padded:
        for cell in tags.number.finditer(piece):
            width = sheet.padded.get(cell["style"])
            if width:
                found.texts[_place(cell[0])] = cell["value"].decode().zfill(width)


def _unknown(formula: re.Match[bytes], to_calculate: bool) -> bool:
    """Whether the formula has no value, or the 0 that stands for one until it is worked out."""
    if formula["value"]:
        return to_calculate and formula["value"] == b"0"
    text = re.search(rb"""\st=["']str["']""", formula["about"])
    return not text or not formula["given"]


def _place(attributes: bytes) -> tuple[int, int]:
    """Row and column, from 0, of a cell by its attributes."""
    found = _REFERENCE.search(attributes)
    if found is None:
        raise RefusedError("has errors or formulas in cells that do not say where they are")
    column = reduce(lambda total, letter: total * 26 + letter - 64, found[1], 0)
    return int(found[2]) - 1, column - 1


@dataclass(frozen=True, slots=True)
class _Tags:
    """The cells to look at, in a sheet whose tags have some prefix."""

    hidden: re.Pattern[bytes]
    error: re.Pattern[bytes]
    formula: re.Pattern[bytes]
    number: re.Pattern[bytes]


@cache
def _tags(prefix: bytes) -> _Tags:
    def pattern(text: str) -> re.Pattern[bytes]:
        return re.compile(text.replace("~", prefix.decode()).encode())

    formula = r"<~f\b(?:[^>]*/>|[^>]*>[^<]*</~f>)\s*"
    value = r"(?P<given><~v\b[^>]*/>|<~v\b[^>]*>(?P<value>[^<]*)</~v>)?\s*"
    return _Tags(
        pattern(r"""<~row\s[^>]*\bhidden=["'](?:1|true)"""),
        pattern(rf"""<~c(?P<about>\s[^>]*\bt=["']e["'][^>]*)>\s*(?:{formula})?{value}"""),
        pattern(rf"<~c(?P<about>\s[^>]*)>\s*{formula}{value}</~c>"),
        pattern(
            r"""<~c\s[^>]*\bs=["'](?P<style>\d+)["'][^>]*>\s*"""
            rf"(?:{formula})?<~v>(?P<value>\d{{1,15}})(?:\.0+)?</~v>"
        ),
    )
