"""Workbooks that tests write part by part, as no library would."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT = {
    MAIN: "http://purl.oclc.org/ooxml/spreadsheetml/main",
    LINKS: "http://purl.oclc.org/ooxml/officeDocument/relationships",
}
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def archive(members: Mapping[str, str | bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in members.items():
            made.writestr(name, text)
    return content.getvalue()


def xlsx_parts(
    sheet: str, *, settings: str = "", below: str = "", styles: str = "", root: str = "worksheet"
) -> dict[str, str | bytes]:
    """The parts of a workbook of one sheet; `sheet` is what stands in its sheetData."""
    link = f'<Relationship Id="rId1" Type="{LINKS}/'
    return {
        "[Content_Types].xml": f'{HEAD}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">'
        f'{link}officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{LINKS}">{settings}'
        '<sheets><sheet name="Log" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">'
        f'{link}worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{LINKS}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'{HEAD}<styleSheet xmlns="{MAIN}">{styles}</styleSheet>',
        "xl/worksheets/sheet1.xml": f'{HEAD}<{root} xmlns="{MAIN}" xmlns:r="{LINKS}">'
        f"<sheetData>{sheet}</sheetData>{below}</{root}>",
    }


def xlsx(sheet: str, *, settings: str = "", below: str = "", styles: str = "") -> bytes:
    return archive(xlsx_parts(sheet, settings=settings, below=below, styles=styles))


def strict(sheet: str) -> bytes:
    """The same in the strict form of Open XML, which has its own names for everything."""
    parts = xlsx_parts(sheet)
    for usual, own in STRICT.items():
        parts = {name: str(text).replace(usual, own) for name, text in parts.items()}
    return archive(parts)


def text_row(number: int, *cells: str) -> str:
    """A row of texts; a cell that begins with `<` is written as it stands."""
    made = (
        f'<c r="{letters(at)}{number}" t="inlineStr"><is><t>{cell}</t></is></c>'
        if not cell.startswith("<")
        else cell
        for at, cell in enumerate(cells)
        if cell
    )
    return f'<row r="{number}">{"".join(made)}</row>'


def letters(at: int) -> str:
    own = chr(ord("A") + at % 26)
    return letters(at // 26 - 1) + own if at >= 26 else own


def ods(rows: str, tables: str = "") -> bytes:
    """An OpenDocument spreadsheet; `rows` are the rows of its first sheet."""
    names = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
        for short, long in (("office", "office"), ("table", "table"), ("text", "text"))
    )
    own = 'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    return archive(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": f"{HEAD}<manifest/>",
            "content.xml": f"{HEAD}<office:document-content {names} {own}><office:body>"
            f'<office:spreadsheet><table:table table:name="Log">{rows}</table:table>{tables}'
            "</office:spreadsheet></office:body></office:document-content>",
        }
    )


def ods_row(*cells: str, about: str = "") -> str:
    """A row of texts; a cell that begins with `<` is written as it stands."""
    made = (
        f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>'
        if cell and not cell.startswith("<")
        else cell or "<table:table-cell/>"
        for cell in cells
    )
    return f"<table:table-row {about}>{''.join(made)}</table:table-row>"


def compound(directory_goes_on_at: int, stream_goes_on_at: int) -> bytes:
    """An OLE file of four sectors with a stream Workbook; -2 ends a chain, as it should."""
    head = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        *(0x3E, 3, 0xFFFE, 9, 6),
        *(0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0),
    )
    head += struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    chain = struct.pack("<4i", -3, directory_goes_on_at, stream_goes_on_at, -1)
    entries = b"".join(
        name.encode("utf-16-le").ljust(64, b"\0")
        + struct.pack("<HBBiii36xIQ", 2 * len(name) + 2, kind, 1, -1, -1, child, start, size)
        for name, kind, child, start, size in (
            ("Root Entry", 5, 1, 0xFFFFFFFE, 0),
            ("Workbook", 2, -1, 2, 1 << 16),
            ("", 0, -1, 0, 0),
            ("", 0, -1, 0, 0),
        )
    )
    return head + chain.ljust(512, b"\xff") + entries + bytes(512)


XlsCell = str | float | bytes | None  # bytes: the number of an error


def xls(rows: list[list[XlsCell]], hidden: tuple[int, ...] = (), shown: str = "") -> bytes:
    """An .xls of one sheet, in BIFF8; `shown` is a number format."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    def name(text: str, size: str) -> bytes:
        return struct.pack(f"<{size}B", len(text), 1) + text.encode("utf-16-le")

    def begin(what: int) -> bytes:
        return record(0x0809, struct.pack("<HHHHII", 0x0600, what, 0, 0, 0, 0))

    def cell(row: int, at: int, value: XlsCell) -> bytes:
        place = struct.pack("<HHH", row, at, 0)
        if isinstance(value, str):
            return record(0x0204, place + name(value, "H"))
        if isinstance(value, bytes):
            return record(0x0205, place + value + b"\1")
        return b"" if value is None else record(0x0203, place + struct.pack("<d", value))

    sheet = begin(0x10)
    for number, row in enumerate(rows):
        flags = 0x120 if number in hidden else 0x100
        sheet += record(0x0208, struct.pack("<HHHHHHHH", number, 0, len(row), 255, 0, 0, flags, 15))
        sheet += b"".join(cell(number, at, value) for at, value in enumerate(row))
    sheet += record(0x0A, b"")
    styles = record(0x041E, struct.pack("<H", 164) + name(shown, "H")) if shown else b""
    styles += record(0xE0, struct.pack("<HH", 0, 164).ljust(20, b"\0")) if shown else b""
    listed = record(0x85, struct.pack("<IH", 0, 0) + name("Log", "B"))
    start = len(begin(5) + styles + listed) + 4
    listed = record(0x85, struct.pack("<IH", start, 0) + name("Log", "B"))
    return _compound_of(begin(5) + styles + listed + record(0x0A, b"") + sheet)


def _compound_of(stream: bytes) -> bytes:
    sectors = max(8, -(-len(stream) // 512))
    frame = compound(-2, -2)
    head, entries = bytearray(frame[:512]), bytearray(frame[1024:1536])
    entries[128 + 120 : 128 + 128] = struct.pack("<Q", sectors * 512)
    chain = [-3, -2, *range(3, sectors + 2), -2]
    table = struct.pack(f"<{len(chain)}i", *chain).ljust(512, b"\xff")
    assert len(table) == 512, "more than one sector of table"
    return bytes(head) + table + bytes(entries) + stream.ljust(sectors * 512, b"\0")


def xlsb(rows: list[list[XlsCell]], hidden: tuple[int, ...] = (), merged: str = "") -> bytes:
    """An .xlsb of one sheet; `merged` are rows and columns from 0: `1 3 0 0`."""

    def record(kind: int, body: bytes = b"") -> bytes:
        sign = bytes([kind & 0x7F | 0x80, kind >> 7]) if kind > 0x7F else bytes([kind])
        assert len(body) < 0x80
        return sign + bytes([len(body)]) + body

    def words(text: str) -> bytes:
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    def cell(at: int, value: XlsCell) -> bytes:
        place = struct.pack("<II", at, 0)
        if isinstance(value, str):
            return record(6, place + words(value))
        if isinstance(value, bytes):
            return record(3, place + value)
        return b"" if value is None else record(5, place + struct.pack("<d", value))

    sheet = record(129) + record(148, struct.pack("<4I", 0, len(rows), 0, len(rows[0])))
    sheet += record(145)
    for number, row in enumerate(rows):
        flags = bytes([0, 0x10 if number in hidden else 0, 0])
        sheet += record(0, struct.pack("<IIH", number, 0, 300) + flags + bytes(4))
        sheet += b"".join(cell(at, value) for at, value in enumerate(row))
    sheet += record(146)
    if merged:
        sheet += record(177, bytes(4)) + record(176, struct.pack("<4I", *map(int, merged.split())))
    bundle = struct.pack("<II", 0, 1) + words("rId1") + words("Log")
    link = f'<Relationship Id="rId1" Type="{LINKS}/worksheet" Target="worksheets/sheet1.bin"/>'
    return archive(
        {
            "[Content_Types].xml": xlsx_parts("")["[Content_Types].xml"],
            "xl/workbook.bin": b"".join(
                (
                    *(record(131), record(153, bytes(12)), record(143), record(156, bundle)),
                    *(record(144), record(132)),
                )
            ),
            "xl/_rels/workbook.bin.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">'
            f"{link}</Relationships>",
            "xl/worksheets/sheet1.bin": sheet + record(130),
        }
    )
