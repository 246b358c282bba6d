"""What inputs are made of: sheets, headings and rows, of any table, whatever its columns mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ccbill.cells.limits import Limits
from ccbill.config import Settings
from ccbill.errors import CcbillError, Exit, Message
from ccbill.intake import checks, columns, files, sniff, workbook
from ccbill.intake.columns import Wanted
from ccbill.intake.table import Table, letter

ANY = Wanted("any table", frozenset(), (), {}, {}, ())


def structure(paths: Sequence[str], sheet: str | None, limits: Limits) -> dict[str, Any]:
    """Each file with its format and sheets, as JSON has them; `sheet` names the only one wanted.

    CcbillError with all files that cannot be read.
    """
    found: list[dict[str, Any]] = []
    messages: list[Message] = []
    paths = files.in_folders(paths)
    for path, name in zip(paths, files.labels(paths), strict=True):
        try:
            found.append(_file(path, name, sheet, limits))
        except CcbillError as error:
            messages.extend(error.messages)
    if messages:
        raise CcbillError(Exit.INPUT, *messages)
    return {"files": found}


def _file(path: str, name: str, sheet: str | None, limits: Limits) -> dict[str, Any]:
    data = files.contents(path, name)
    content = sniff.content(name, data)
    about: dict[str, Any] = {"name": name, "format": content.format}
    if content.format in sniff.WORKBOOKS:
        return about | {"gzip": content.packed, "sheets": _sheets(name, content, sheet, limits)}
    table = files.of_bytes(name, data, _wanted(), None)
    if not _is_log(table):
        table = files.of_bytes(name, data, ANY, None)
    about |= {key: table.about.get(key) for key in ("encoding", "delimiter", "gzip")}
    return about | {"sheets": [{"sheet": None, "visible": True} | _table(table)]}


def _sheets(
    name: str, content: sniff.Content, sheet: str | None, limits: Limits
) -> list[dict[str, Any]]:
    """A workbook's sheets, all of them or the one that is asked for."""
    found = workbook.sheets(name, content, _wanted(), limits)
    if not any(each.table and _is_log(each.table) for each in found):
        found = workbook.sheets(name, content, ANY, limits)
    if sheet is not None and sheet not in [each.name for each in found]:
        fix = f"name one of: {', '.join(each.name for each in found)}"
        raise sniff.refused(name, f"has no sheet {sheet!r}", fix)
    return [
        {"sheet": each.name, "visible": each.visible}
        | (_table(each.table) if each.table else {"rows": 0, "heading_row": None})
        for each in found
        if sheet in (None, each.name)
    ]


def _wanted() -> Wanted:
    return columns.wanted_activities(Settings())


def _is_log(table: Table) -> bool:
    matched = columns.match(table.headings, _wanted())
    return not checks.missing(matched, list(_wanted().needed))


def _table(table: Table) -> dict[str, Any]:
    """Rows below the heading, and the headings unless they look like a patient's row."""
    matched = columns.match(table.headings, _wanted())
    headings = [
        {"letter": letter(at), "heading": heading} for at, heading in enumerate(table.headings)
    ]
    return {
        "rows": len(table.rows),
        "ragged": len(table.ragged),
        "heading_row": table.heading_row,
        "columns": len(headings),
        "headings": headings if checks.shown(table, matched) else None,
    }
