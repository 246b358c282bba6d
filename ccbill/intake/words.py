"""Cells → the kinds, modes and credentials that ccbill knows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ccbill import vocabulary
from ccbill.cells.marks import MERGED, NO_VALUE
from ccbill.config import Settings
from ccbill.errors import nearest
from ccbill.intake.table import Table
from ccbill.intake.text import MARKS, ODD, Text
from ccbill.tables import Mask, Note
from ccbill.vocabulary import fold

EXACT_DIGITS = 15  # that a spreadsheet program keeps of a number
SHOWN = 40  # letters of a cell that a message may show
LISTED = 200  # unknown words of a column that are listed one by one

_PARTS = re.compile(r"[,;/|&+()\n]|\band\b", re.IGNORECASE)
_ERROR = (
    r"(?i)^(#{2,}|#(n/a|ref!|value!|div/0!|name\?|num!|null!|spill!|calc!|field!|getting_data)"
    r"|err:\d+|#formula!|#merged!)$"
)

# The signs that a workbook's reader puts where a cell's value is not known.
UNSAID = {"formula-without-value": NO_VALUE, "merged-cells": MERGED}


@dataclass(frozen=True, slots=True)
class Words:
    """A column of words: the known ones in ccbill's spelling, the others as they stand."""

    text: Text
    unknown: Mask


Spelling = Mapping[str, str]


def spellings(column: str, settings: Settings) -> dict[str, str]:
    """The folded words of a column with what they stand for, the practice's own first."""
    known, own = {
        "kind": (vocabulary.kind_spellings, settings.kinds),
        "mode": (vocabulary.mode_spellings, settings.modes),
        "credential": (vocabulary.credential_spellings, settings.credentials),
    }[column]
    return {**known(), **{fold(word): name for word, name in own.items()}}


def understood(column: str, text: Text, settings: Settings) -> Words:
    """The column in ccbill's words. A cell of several credentials keeps those of the highest
    group that it names."""
    known = spellings(column, settings)
    found = _looked_up(text.values, known)
    if column == "credential":
        rank = {name: at for at, name in enumerate(vocabulary.credentials())}
        words = text.words()
        for at in [at for at, name in enumerate(found) if name is None]:
            found[at] = _highest(words[at], known, rank)
    unknown = np.array([name is None for name in found], bool)
    standing = pc.coalesce(pa.array(found, pa.string()), text.values)
    return Words(text.translated(standing), text.spread(unknown, False))


def _looked_up(values: Any, known: Spelling) -> list[str | None]:
    keys = pa.array(list(known), pa.string())
    names = pa.array(list(known.values()), pa.string())
    found: list[str | None] = names.take(pc.index_in(folded(values), keys)).to_pylist()
    return found


def _highest(cell: str, known: Spelling, rank: Mapping[str, int]) -> str | None:
    """The credentials of the most qualified group that a cell names, the others left away."""
    named: set[str] = set()
    for part in _PARTS.split(cell):
        whole = known.get(fold(part))
        named.update([whole] if whole else {known.get(fold(w), "") for w in part.split()})
    groups = vocabulary.credentials()
    ranked = sorted(named - {""}, key=lambda name: rank[name])
    return ", ".join(n for n in ranked if groups[n] == groups[ranked[0]]) or None


def folded(values: Any) -> Any:
    """`vocabulary.fold`, for an Arrow array at once."""
    if pc.all(pc.string_is_ascii(values)).as_py():
        return pc.replace_substring_regex(pc.ascii_lower(values), "[^0-9a-z]+", "")
    plain = pc.utf8_lower(pc.utf8_normalize(values, form="NFKC"))
    return pc.replace_substring_regex(plain, r"[^\p{L}\p{N}]+", "")


def damaged(text: Text) -> Mask:
    """The cells that hold a spreadsheet's error."""
    if not _any_sign(text, "#:"):
        return np.zeros(len(text), bool)
    return _matching(text, _ERROR)


def damaged_ids(text: Text) -> Mask:
    """The identifiers that a program has changed on their way.

    That is an error, a number written 1.23E+15 or 1,234, marks around the text, a line end, a tab
    or a sign that nobody sees in it, and, where all numbers of over 15 digits end in zeros from the
    16th on, those numbers: a spreadsheet program keeps 15 digits.
    """
    found = damaged(text)
    if _any_sign(text, "eE,."):
        found = found | _matching(text, r"(?i)^\d+([.,]\d+)?e\+?\d+$|^\d{1,3}(,\d{3})+$")
    if _any_sign(text, f'"{MARKS}\t\n\r'):
        found = found | _matching(text, rf'^[{MARKS}]|[{MARKS}]$|["\t\n\r]')
    if not pc.all(pc.string_is_ascii(text.values)).as_py():
        found = found | _matching(text, ODD)
    if (pc.max(pc.binary_length(text.values)).as_py() or 0) > EXACT_DIGITS:
        cut = _matching(text, rf"^\d{{{EXACT_DIGITS}}}0+$")
        if cut.any() and (cut == _matching(text, rf"^\d{{{EXACT_DIGITS + 1},}}$")).all():
            found = found | cut
    return found


def marked(text: Text) -> Mask:
    """The cells that hold a quotation mark."""
    return _matching(text, '"')


def _matching(text: Text, pattern: str) -> Mask:
    found = pc.match_substring_regex(text.values, pattern).to_numpy(zero_copy_only=False)
    return text.spread(found, False)


def _any_sign(text: Text, signs: str) -> bool:
    """Whether any of these signs may be in the text, which is told faster than a pattern is."""
    held = text.values.buffers()[2]
    letters = held.to_pybytes() if held else b""
    signs = "".join(filter(str.isascii, signs)) if letters.isascii() else signs
    return any(sign.encode() in letters for sign in signs)


def unsaid(text: Text) -> Iterator[tuple[str, Mask]]:
    """The problems of cells whose value a workbook does not say, each with its rows."""
    for problem, sign in UNSAID.items():
        code = pc.index(text.values, sign).as_py()
        if code >= 0:
            yield problem, text.codes == code


def unknown_notes(
    table: Table, column: str, at: int, text: Text, unknown: Mask, known: Iterable[str]
) -> list[Note]:
    """One note for each word that is not known, those in most rows first.

    The word itself is shown only where at least half of the column's rows hold a known word, so
    that a column of names taken for another stays private.
    """
    if not unknown.any():
        return []
    per_value = np.bincount(text.codes[unknown], minlength=len(text.values))
    order = np.argsort(-per_value, kind="stable")[: np.count_nonzero(per_value)]
    shown = 2 * int((~unknown & ~text.blank).sum()) >= len(text)
    notes = [
        _unknown_note(table, column, at, text, int(value), int(per_value[value]), shown, known)
        for value in order[:LISTED]
    ]
    rest = int(per_value[order[LISTED:]].sum())
    if rest:
        what = f"{len(order) - LISTED:,} more words are not known"
        notes.append(Note(f"{column}-not-known", table.place(None, at), what, rows=rest))
    return notes


def _unknown_note(
    table: Table,
    column: str,
    at: int,
    text: Text,
    value: int,
    rows: int,
    shown: bool,
    known: Iterable[str],
) -> Note:
    word = text.values[value].as_py()
    where = table.first(text.codes == value, at)
    short = word if len(word) <= SHOWN else f"{word[: SHOWN - 1]}…"
    said = json.dumps(short, ensure_ascii=False) if shown else "this cell"
    own = said if shown and short == word else '"the words of that cell"'
    to = (nearest(word, list(known)) if shown else None) or column.upper()
    what = f"{said} is not a {column} that ccbill knows"
    fix = f'add to ccbill.toml under [{column}s]: {own} = "{to}"'
    return Note(f"{column}-not-known", where, what, fix, rows)


def recognised_share(text: Text) -> tuple[str, float] | None:
    """Which vocabulary most of an unread column's cells belong to, and how many of them.

    None where it is no more than half. The mode `none` is too common a word to count.
    """
    tables: tuple[tuple[str, Callable[[], Spelling]], ...] = (
        ("kind", vocabulary.kind_spellings),
        ("mode", vocabulary.mode_spellings),
        ("credential", vocabulary.credential_spellings),
    )
    filled = int((~text.blank).sum())
    if not filled:
        return None
    cells, counts = folded(text.values), text.counts()
    for column, known in tables:
        words = pa.array([word for word in known() if word != "none"], pa.string())
        held = int(counts[pc.is_in(cells, words).to_numpy(zero_copy_only=False)].sum())
        if 2 * held > filled:
            return column, held / filled
    return None
