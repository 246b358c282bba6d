"""What the XML of an OpenDocument spreadsheet says that the library does not hand over."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

from ccbill.cells.marks import DAMAGED, NO_VALUE, ROWS, Marks

# Without any of these a sheet holds nothing to mark.
SIGNS = (
    b"formula=",
    b'"error"',
    b"visibility=",
    b"rows-spanned=",
    b"columns-spanned=",
    b"#",
    b"Err:",
)
PADDED = re.compile(rb'value-type="float"[^>]*>\s*<text:p>0\d')
LONGEST = 1000
PIECE = 1 << 20


def marks(data: bytes, at: int) -> Marks:
    """What the sheet at a position says: errors, formulas without a value, merged cells, and
    hidden rows."""
    walk = _Walk(at)
    parser = expat.ParserCreate()
    parser.StartElementHandler = walk.begin
    parser.EndElementHandler = walk.end
    parser.CharacterDataHandler = walk.text
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            with archive.open("content.xml") as part:
                suspect = _is_suspect(part)
            if suspect:
                with archive.open("content.xml") as part:
                    parser.ParseFile(part)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, KeyError, expat.ExpatError):
        raise DAMAGED from None
    return walk.found


def _is_suspect(part: IO[bytes]) -> bool:
    """Whether the XML has any of the signs, looked for a piece at a time."""
    before = b""
    while piece := part.read(PIECE):
        both = before + piece
        if any(sign in both for sign in SIGNS) or PADDED.search(both):
            return True
        before = piece[-LONGEST:]
    return False


@dataclass(slots=True)
class _Walk:
    """Follows the XML to the rows and cells of one sheet."""

    at: int
    found: Marks = field(default_factory=Marks)
    sheet: int = -1
    row: int = 0
    column: int = 0
    rows: int = 1  # how often the present row stands there
    columns: int = 1
    hidden: str = ""
    filled: bool = False
    attributes: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table:table":
            self.sheet += 1
            self.row = 0
        if self.sheet != self.at:
            return
        if tag == "table:table-row":
            self.column, self.filled = 0, False
            self.rows = _times(attributes, "table:number-rows-repeated")
            self.hidden = attributes.get("table:visibility", "visible")
        elif tag in ("table:table-cell", "table:covered-table-cell"):
            self.columns = _times(attributes, "table:number-columns-repeated")
            self.attributes, self.words = attributes, []

    def text(self, words: str) -> None:
        self.words.append(words)

    def end(self, tag: str) -> None:
        if self.sheet != self.at:
            return
        if tag in ("table:table-cell", "table:covered-table-cell"):
            self._cell()
            self.column += self.columns
        elif tag == "table:table-row":
            if self.filled and self.hidden != "visible":
                self.found.hidden_rows += self.rows
                self.found.filtered |= self.hidden == "filter"
            self.row += self.rows

    def _cell(self) -> None:
        own = self.attributes
        self.filled |= "office:value-type" in own
        down = _times(own, "table:number-rows-spanned") - 1
        right = _times(own, "table:number-columns-spanned") - 1
        if down or right:
            last = (self.row + down, self.column + right)
            self.found.merged.append(((self.row, self.column), last))
        sign = _sign(own, "".join(self.words))
        if sign:
            for row in range(self.row, min(self.row + self.rows, ROWS)):
                for column in range(self.column, self.column + self.columns):
                    self.found.texts[row, column] = sign


def _times(attributes: dict[str, str], name: str) -> int:
    given = attributes.get(name, "1")
    return int(given) if given.isdigit() else 1


def _sign(attributes: dict[str, str], words: str) -> str | None:
    """The error that stands in a cell, or the sign of a formula whose value was not saved, or a
    number as it is shown, with zeros in front."""
    if attributes.get("office:value-type") == "float" and words.isdigit() and words[0] == "0":
        return words
    if attributes.get("calcext:value-type") == "error":
        return words or "#VALUE!"
    if "table:formula" not in attributes:
        return None
    if "office:value-type" not in attributes:
        return NO_VALUE
    return words if words.startswith(("#", "Err:")) else None
