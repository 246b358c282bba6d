"""Which heading may hold a column that no heading is known for."""

from __future__ import annotations

from collections.abc import Collection

from ccbill import vocabulary
from ccbill.errors import nearest
from ccbill.intake import dates
from ccbill.intake.table import Table
from ccbill.intake.text import Text
from ccbill.intake.words import recognised_share
from ccbill.vocabulary import fold

WORDED = ("kind", "mode", "credential", "payer")
MOSTLY = 0.9  # of a column's cells, for it to be one of dates


def likely(table: Table, taken: Collection[int], column: str) -> list[int]:
    """The free headings that may be the column's, by position, the likeliest first.

    The one whose name is nearest comes before those whose cells read as the column's.
    """
    free = [at for at, name in enumerate(table.headings) if name and at not in taken]
    if column in WORDED:
        free = [at for at in free if not _begins_with_digits(table.columns[at])]
    near = _nearest(column, [table.headings[at] for at in free])
    by_name = [at for at in free if table.headings[at] == near][:1]
    by_cells = [at for at in free if _reads_as(column, table.columns[at])]
    return list(dict.fromkeys([*by_name, *by_cells]))


def _nearest(column: str, headings: list[str]) -> str | None:
    """The heading most like the column's name or a spelling of it."""
    words = [w for w, name in vocabulary.column_spellings().items() if name == column]
    by_fold = {fold(heading): heading for heading in headings}
    for word in [fold(column), *words]:
        near = nearest(word, list(by_fold))
        if near:
            return by_fold[near]
    has_one = (each for each in headings if {*map(fold, each.split())} & {fold(w) for w in words})
    return next(has_one, None)


def _begins_with_digits(cells: Text) -> bool:
    """Whether every cell does, as those of numbers, days and times do."""
    return all(word[:1].isdigit() for word in cells.words() if word)


def _reads_as(column: str, cells: Text) -> bool:
    if column == "service_date":
        filled = int((~cells.blank).sum())
        read = int((~cells.blank & (dates.moments(cells, None).fault == 0)).sum())
        return filled > 0 and read >= MOSTLY * filled
    seen = recognised_share(cells) if column in ("kind", "mode", "credential") else None
    return seen is not None and seen[0] == column
