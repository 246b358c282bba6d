"""Quotation marks in delimited text: every one opens a cell, closes it, or stands there twice.

Readers differ about any other, and some take the rows up to the next one for a single cell. Only
where no cell begins with one do all agree that each is a letter like others. The bytes are looked
at 64 at a time, one bit each, so that this costs a fraction of the reading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from ccbill.errors import CcbillError, Exit, Message
from ccbill.intake.table import heading_text, letter

QUOTE, BACKSLASH, LF, CR = b'"\\\n\r'
BLOCK = 1 << 19  # small enough to stay in the cache with all that is made of it

Bits = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
_ONE, _LAST = np.uint64(1), np.uint64(63)

NOTHING = "Nothing was read or written."
TWICE = 'put the whole cell in quotation marks and write each one inside it twice: "5"" wound"'


@dataclass(frozen=True, slots=True)
class Source:
    """The text from its first record on, and what is known of it by its first records."""

    name: str
    text: bytes
    delimiter: str
    headings: list[str]
    heading_row: int
    heading_end: int  # the byte after the heading row
    known: bool  # the headings surely are headings, and no patient's row


@dataclass(frozen=True, slots=True)
class Marks:
    """What the quotation marks of a text are: none, around cells, or letters within them."""

    quoting: bool = False  # below the heading
    line_ends: bool = False  # a quoted cell holds one, maybe of the heading
    letters: bool = False


def marks_of(source: Source) -> Marks:
    """What the quotation marks are, once every one is known to be in place.

    CcbillError names the line and column where a cell with a misplaced one begins.
    """
    seen = _seen(source)
    if seen.wrong is not None:
        delimiter = re.escape(source.delimiter.encode())
        if not re.search(rb'(?:^|[%s\r\n])\s*"' % delimiter, source.text):
            return Marks(letters=True)
        raise _refusal(source, seen.wrong)
    if seen.inside:
        raise _refusal(source, len(source.text))
    return _marks(source, seen, len(source.text))


def marks_of_start(source: Source) -> tuple[Marks, int]:
    """The same of the records that end in the start of a text, and the byte after the last of them.

    That is 0 where none is found, or a mark is misplaced.
    """
    seen = _seen(source)
    if seen.wrong is not None or not seen.record_ends[-1]:
        return Marks(), 0
    return _marks(source, seen, seen.record_ends[-1]), seen.record_ends[-1]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What passes over a text up to its end, or its first misplaced mark, tell.

    `record_ends` are bytes after line ends outside of cells, far apart and in order, from 0 on.
    """

    record_ends: list[int]
    line_ends: bool = False  # a cell holds one
    inside: bool = False  # a cell is open at the end
    wrong: int | None = None


def _seen(source: Source) -> _Seen:
    text, delimiter = source.text, ord(source.delimiter)
    signs = np.frombuffer(text, np.uint8)
    rare = text.find(b"\r") >= 0, text.find(b"\\") >= 0
    inside, ends, line_ends = False, [0], False
    for start in range(0, len(signs), BLOCK):
        stop = start + BLOCK
        if not inside and text.find(b'"', start, stop) < 0:
            end = 1 + max(text.rfind(b"\n", start, stop), text.rfind(b"\r", start, stop))
            ends += [end] if end and stop >= len(signs) else []
            continue
        block = _block(signs, start, delimiter, inside, *rare)
        if block.wrong is not None:
            return _Seen(ends, wrong=block.wrong)
        inside = block.inside
        line_ends |= block.held_line_end
        ends += [block.record_end] if block.record_end else []
    return _Seen(ends, line_ends, inside)


def _marks(source: Source, seen: _Seen, end: int) -> Marks:
    """What the marks are, all in place up to a byte at which a record ends."""
    if seen.line_ends:
        signs = np.frombuffer(source.text, np.uint8)
        for start, stop in pairwise([*seen.record_ends, end]):
            _refuse_swallowed_rows(source, signs, start, stop)
    return Marks(source.text.find(b'"', source.heading_end, end) >= 0, seen.line_ends)


@dataclass(frozen=True, slots=True)
class _Block:
    """What one pass over some bytes tells."""

    wrong: int | None  # the first misplaced mark
    inside: bool  # a cell is open at its end
    held_line_end: bool  # a cell of it holds a line end
    record_end: int  # the byte after the last line end outside of cells, 0 where it has none


def _block(
    signs: Bytes, start: int, delimiter: int, inside: bool, returns: bool, slashes: bool
) -> _Block:
    """`returns` and `slashes`: the text has carriage returns, and backslashes, at all."""
    stop = min(start + BLOCK, len(signs))
    block = signs[start:stop]
    ends = _bits((block == LF) | (block == CR) if returns else block == LF)
    quotes = _bits(block == QUOTE)
    open_after = _running_parity(quotes)
    if inside:
        open_after = ~open_after
    marks = quotes | ends | _bits(block == delimiter)
    before = _shifted_up(marks, start == 0 or _is_mark(signs[start - 1], delimiter))
    after = _shifted_down(marks, stop == len(signs) or _is_mark(signs[stop], delimiter), len(block))
    wrong = quotes & ((open_after & ~before) | (~open_after & ~after))
    if slashes:
        before = _bits(block == BACKSLASH)
        wrong |= quotes & _shifted_up(before, start > 0 and signs[start - 1] == BACKSLASH)
    return _Block(
        start + _first(wrong) if wrong.any() else None,
        inside ^ bool(np.bitwise_count(quotes).sum() & 1),
        bool((ends & open_after).any()),
        start + _after_last(ends & ~open_after) if (ends & ~open_after).any() else 0,
    )


def _first(bits: Bits) -> int:
    word = int(np.argmax(bits != 0))
    value = int(bits[word])
    return word * 64 + (value & -value).bit_length() - 1


def _after_last(bits: Bits) -> int:
    word = int(np.flatnonzero(bits)[-1])
    return word * 64 + int(bits[word]).bit_length()


def _is_mark(sign: int, delimiter: int) -> bool:
    return sign in (QUOTE, LF, CR, delimiter)


def _bits(mask: npt.NDArray[np.bool_]) -> Bits:
    """One bit for each byte, the first the lowest."""
    packed = np.packbits(mask, bitorder="little")
    words = np.zeros(-(-len(packed) // 8) * 8, np.uint8)
    words[: len(packed)] = packed
    return words.view("<u8").astype(np.uint64, copy=False)


def _running_parity(bits: Bits) -> Bits:
    """For each bit, whether the bits up to it, itself among them, are odd in number."""
    found = bits.copy()
    for step in (1, 2, 4, 8, 16, 32):
        found ^= found << np.uint64(step)
    odd_before = np.zeros(len(bits), np.uint64)
    odd_before[1:] = np.bitwise_xor.accumulate(found >> _LAST)[:-1]
    found ^= np.uint64(0) - odd_before
    return found


def _shifted_up(bits: Bits, first: bool) -> Bits:
    """For each byte the bit of the one before it."""
    found = bits << _ONE
    found[1:] |= bits[:-1] >> _LAST
    found[0] |= np.uint64(first)
    return found


def _shifted_down(bits: Bits, last: bool, length: int) -> Bits:
    """For each byte the bit of the one after it."""
    found = bits >> _ONE
    found[:-1] |= bits[1:] << _LAST
    found[(length - 1) // 64] |= np.uint64(last) << np.uint64((length - 1) % 64)
    return found


def _refusal(source: Source, wrong: int) -> CcbillError:
    """What is wrong with the quotation mark at a byte, or with the open one at the text's end."""
    text = source.text
    opened = _last_opened(text, wrong)
    if wrong < len(text) and text[wrong - 1] == BACKSLASH:
        what = "a quotation mark with a backslash before it"
        fix = "write a quotation mark inside a quoted cell twice, without a backslash"
        return _refused(source, opened, what, fix)
    if wrong == len(text):
        what = "a quotation mark opens a cell here, and none closes it"
        return _refused(source, opened, what, "close it at the end of its cell, or delete it")
    if opened == wrong:
        what = "a quotation mark in a cell that does not begin with one"
        return _refused(source, wrong, what, f"delete it, or {TWICE}")
    ends = _line(text, wrong)
    at = f" in line {ends}" if ends != _line(text, opened) else ""
    what = f"a quotation mark opens a cell here, and text follows the one that closes it{at}"
    return _refused(source, opened, what, f"close the cell at its end, or {TWICE}")


def _last_opened(text: bytes, wrong: int) -> int:
    """Where the cell opens that the mark at a byte closes; the mark itself where none is open."""
    marks = np.flatnonzero(np.frombuffer(text, np.uint8, wrong) == QUOTE)
    if len(marks) % 2 == 0:
        return wrong
    opens, closes = marks[0::2], marks[1::2]
    first = np.append(True, opens[1:] != closes + 1)
    return int(opens[first][-1])


def _refused(source: Source, at: int, what: str, fix: str) -> CcbillError:
    where = f"{source.name}:{_line(source.text, at)}:{_column(source, at)}"
    return CcbillError(Exit.INPUT, Message(where, what, NOTHING, fix))


def _line(text: bytes, at: int) -> int:
    """The number of the line that a text editor shows for a byte."""
    return 1 + text.count(b"\n", 0, at) + text.count(b"\r", 0, at) - text.count(b"\r\n", 0, at)


def _column(source: Source, at: int) -> str:
    """The column of a byte outside quotation marks, by its letter and heading."""
    text, start = source.text, at
    while True:
        start = max(text.rfind(b"\n", 0, start), text.rfind(b"\r", 0, start))
        if start < 0 or text.count(b'"', start, at) % 2 == 0:
            break
    record = np.frombuffer(text[start + 1 : at], np.uint8)
    outside = np.cumsum(record == QUOTE) % 2 == 0
    position = int(((record == ord(source.delimiter)) & outside).sum())
    if at < source.heading_end or position >= len(source.headings) or not source.known:
        return letter(position)
    return heading_text(source.headings, position)


def _refuse_swallowed_rows(source: Source, text: Bytes, start: int, stop: int) -> None:
    """Refuses a quoted cell that holds line ends where each of the lines reads as a row too.

    Two stray marks in one column, some rows apart, look like one cell with the rows inside.
    """
    signs = text[start:stop]
    marks = np.flatnonzero(signs == QUOTE)
    if not len(marks):
        return
    opens, closes = marks[0::2], marks[1::2]
    apart = opens[1:] != closes[:-1] + 1
    opens, closes = opens[np.append(True, apart)], closes[np.append(apart, True)]
    ends = np.flatnonzero((signs == LF) | ((signs == CR) & (np.append(signs[1:], 0) != LF)))
    holding = _cell(opens, closes, ends)
    several = np.zeros(len(opens), bool)
    several[holding[holding >= 0]] = True
    delimiters = np.flatnonzero(signs == ord(source.delimiter))
    cell = _cell(opens, closes, delimiters)
    delimiters = delimiters[(cell < 0) | several[cell]]
    # Line n ends at ends[n], and its record goes on in the next one where that end is in a cell.
    per_line = np.diff(np.searchsorted(delimiters, np.append(ends, len(signs))), prepend=0)
    whole = per_line == len(source.headings) - 1
    record = np.cumsum(np.append(0, holding < 0))
    lines, as_rows = np.bincount(record), np.bincount(record, whole)
    doubtful = (lines > 1) & (lines == as_rows) & (len(source.headings) > 1)
    if doubtful.any():
        at = start + int(opens[holding[int(np.argmax(doubtful[record]))]])
        what = "the quoted cell that opens here holds line ends, and each line may be a row"
        fix = "delete the quotation mark if it is a stray one, or the line ends in the cell"
        raise _refused(source, at, what, fix)


def _cell(opens: Any, closes: Any, places: Any) -> Any:
    """The number of the quoted cell that each place lies in, -1 outside of any."""
    cell = np.searchsorted(opens, places) - 1
    return np.where((cell >= 0) & (places < closes[cell]), cell, -1)
