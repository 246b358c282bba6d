"""A workbook's sheet → columns of text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ccbill.cells.limits import USUAL, Limits
from ccbill.errors import counted
from ccbill.intake import child, sniff
from ccbill.intake.child import Cells
from ccbill.intake.columns import Wanted
from ccbill.intake.heading import SEARCHED, heading_at
from ccbill.intake.table import Table
from ccbill.intake.text import Codes, Text, merged, plain, trimmed_values
from ccbill.tables import Note


@dataclass(frozen=True, slots=True)
class SheetInfo:
    """One sheet of a workbook. `table` is None where it is hidden or holds no cells."""

    name: str
    visible: bool
    table: Table | None


def read(
    name: str,
    content: sniff.Content,
    wanted: Wanted,
    sheet: str | None,
    limits: Limits = USUAL,
) -> Table:
    """The records below the heading of the named sheet, or of the only visible one with a table."""
    data, kind = content.data, content.format
    alone = wanted.role != "activities"
    found = child.sheets(name, data, kind, limits, sheet=sheet, alone=alone)
    chosen = next((each for each in found if each.values), None)
    if chosen is None:
        raise sniff.refused(name, "has no visible sheet with data", "name a sheet with --sheet")
    table = _table(name, chosen, wanted)
    table.notes.extend(_notes(name, chosen, found))
    return table


def sheets(
    name: str,
    content: sniff.Content,
    wanted: Wanted,
    limits: Limits = USUAL,
) -> list[SheetInfo]:
    """Every sheet of cells in the workbook's order; charts are none."""
    data, kind = content.data, content.format
    found = child.sheets(name, data, kind, limits, everything=True)
    return [
        SheetInfo(each.name, each.visible, _table(name, each, wanted) if each.values else None)
        for each in found
    ]


def _table(name: str, cells: Cells, wanted: Wanted) -> Table:
    first = [
        [plain(values[code]) for values, code in zip(cells.values, row, strict=True)]
        for row in cells.codes[:, :SEARCHED].T
    ]
    at = heading_at(first, wanted)
    if at is None:
        raise sniff.refused(name, f"has no cells in sheet {cells.name!r}", "name another --sheet")
    columns = [
        _text(values, codes[at + 1 :])
        for values, codes in zip(cells.values, cells.codes, strict=True)
    ]
    rows = np.arange(at + 2, cells.codes.shape[1] + 1, dtype=np.int32)
    return Table(name, first[at], at + 1, columns, rows, about={"sheet": cells.name})


def _text(values: list[str], codes: Codes) -> Text:
    """The column's cells below the heading, with the texts that stand there and no others."""
    used = np.bincount(codes, minlength=len(values)) > 0
    place = np.cumsum(used, dtype=np.int32) - 1
    texts = pa.array(values, pa.string()).filter(pa.array(used))
    return merged(place[codes], trimmed_values(texts))


def _notes(name: str, chosen: Cells, found: list[Cells]) -> list[Note]:
    """What of the workbook was not read, or was read though it does not show."""
    notes = []
    hidden = [each.name for each in found if not each.visible and each is not chosen]
    if hidden:
        what = f"hidden sheets are not read: {', '.join(map(repr, hidden))}"
        notes.append(Note("hidden-sheets", name, what, "name one with --sheet to read it"))
    if chosen.hidden_rows:
        how = "hidden by a filter" if chosen.filtered else "hidden"
        what = f"{counted(chosen.hidden_rows, 'row')} {how} in sheet {chosen.name!r}: read too"
        fix = "delete the rows that are not to be billed"
        notes.append(Note("hidden-rows", name, what, fix, chosen.hidden_rows))
    return notes
