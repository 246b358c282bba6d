"""The inputs of a first ccbill.toml, as far as their headings are known."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ccbill import new_words
from ccbill.config import Settings
from ccbill.errors import CcbillError, Exit, Message
from ccbill.intake import checks, columns, files, heading
from ccbill.intake.candidates import likely
from ccbill.intake.columns import Matched, Wanted
from ccbill.intake.table import Table
from ccbill.intake.text import Text, as_words, joined
from ccbill.intake.words import recognised_share, understood
from ccbill.new_words import Heard
from ccbill.rules.model import Plan
from ccbill.rules.payers import fold, numbers_of_names

ASKED_BY_RULES = ("minutes", "mode", "credential")


@dataclass(frozen=True, slots=True)
class Found:
    """An input with the columns that its headings were taken for."""

    table: Table
    matched: Matched
    wanted: Wanted


def look(
    exports: Sequence[str],
    settings: Settings,
    patients: Path | None,
    staff: Path | None,
    sheet: str | None,
) -> list[Found]:
    """All inputs, or one error with those that cannot be read or have no headings."""
    asked = [(path, columns.wanted_activities(settings)) for path in files.in_folders(exports)]
    asked += [(str(patients), columns.wanted_patients(settings))] if patients else []
    asked += [(str(staff), columns.wanted_staff(settings))] if staff else []
    found: list[Found] = []
    messages: list[Message] = []
    names = files.labels([path for path, _ in asked])
    for (path, wanted), name in zip(asked, names, strict=True):
        try:
            own = sheet if wanted.role == "activities" else None
            table = files.table(path, name, wanted, own, settings.workbook)
        except CcbillError as error:
            messages.extend(error.messages)
            continue
        matched = columns.match(table.headings, wanted)
        needed = checks.missing(matched, list(wanted.needed))
        if needed and not checks.shown(table, matched):
            messages += checks.messages(table, matched, wanted, needed)
            continue
        found.append(Found(heading.cleaned(table, matched), matched, wanted))
    if messages:
        raise CcbillError(Exit.INPUT, *messages)
    return found


def wanting(found: Found, inputs: Sequence[Found], settings: Settings) -> list[str]:
    """The columns that a line is to be completed for: needed ones, and those most rules ask for.

    What a companion file has, or a default stands in for, an export need not have.
    """
    groups = [*found.wanted.needed]
    if found.wanted.role == "activities":
        elsewhere = set(settings.defaults)
        for each in inputs:
            if each.wanted.role != "activities":
                elsewhere |= each.matched.columns.keys()
        groups += [(name,) for name in (*ASKED_BY_RULES, "payer") if name not in elsewhere]
    missing = checks.missing(found.matched, groups)
    timed = {"start_time", "end_time"} <= found.matched.columns.keys()
    return [name for name in missing if name != "minutes" or not timed]


def heard(column: str, inputs: Sequence[Found], settings: Settings, plans: Sequence[Plan]) -> Heard:
    """What the column holds in all inputs that have it."""
    payers = numbers_of_names(plans, settings.payers)
    cells = [_cells(found, column, settings, payers) for found in inputs]
    texts = [text for text in cells if text is not None]
    if not texts:
        return Heard(column, [], known=False)
    return new_words.heard(column, as_words(joined(texts)), settings, plans)


def _cells(found: Found, column: str, settings: Settings, payers: Collection[str]) -> Text | None:
    """The column's cells, or those of a heading that nothing is read from and that surely is it."""
    table, places = found.table, found.matched.columns.get(column)
    if column not in found.wanted.columns:
        return None
    if places is None:
        near = candidates(found, column, payers)
        places = tuple(at for at in near if _is_mostly(column, table.columns[at], payers))[:1]
    if not places:
        return None
    cells = table.columns[places[-1]]
    for at in places[:-1]:  # a word that is known in an earlier column is the row's word
        seen = understood(column, table.columns[at], settings)
        cells = cells.cleared(~seen.unknown & ~seen.text.blank)
    return cells


def candidates(found: Found, column: str, payers: Collection[str]) -> list[int]:
    """The free headings that may be the column's; for a payer, also those of payers' names."""
    taken = found.matched.taken()
    near = likely(found.table, taken, column)
    if column == "payer":
        near += [
            at
            for at, cells in enumerate(found.table.columns)
            if at not in taken and at not in near and _is_mostly(column, cells, payers)
        ]
    return near


def _is_mostly(column: str, cells: Text, payers: Collection[str]) -> bool:
    if column == "payer":
        known = cells.spread(np.array([fold(w) in payers for w in cells.words()], bool), False)
        return 2 * int(known.sum()) > len(cells)
    seen = recognised_share(cells)
    return seen is not None and seen[0] == column
