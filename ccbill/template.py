"""A blank activity log as a workbook, to be filled in by hand and read by `ccbill run` as it is."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field
from typing import Any

import xlsxwriter

from ccbill import vocabulary

ROWS = 5_000  # that drop-downs and checks reach to
MOST_MINUTES = 1440
WIDTH, LINE = 78, 15.5  # of the Instructions: letters in a line, and its height in points

LOG, INSTRUCTIONS, LISTS = "Activities", "Instructions", "Lists"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the log: its heading, what stands in it, and how a cell is checked.

    `words` make a drop-down. `number_format` is a spreadsheet's; @ keeps text as it is typed.
    """

    heading: str
    says: str
    width: int
    number_format: str = "@"
    needed: bool = False
    words: tuple[str, ...] = ()
    check: dict[str, Any] = field(default_factory=dict)


def columns() -> tuple[Column, ...]:
    """The columns of the log, from left to right."""
    day = {"validate": "date", "criteria": ">=", "value": "=DATE(2000,1,1)"}
    length = {"validate": "decimal", "criteria": "between", "minimum": 0, "maximum": MOST_MINUTES}
    return (
        Column("Patient ID", "The patient's identifier, as in every other file.", 14, needed=True),
        Column("Payer", "Who pays: the insurance as your record names it.", 22, needed=True),
        Column("Service Date", "The day of the work.", 13, "yyyy-mm-dd", needed=True, check=day),
        Column("Start Time", "When it began, as 14:05. Good to have.", 11, "hh:mm"),
        Column("Minutes", "How long it took, in minutes.", 10, "0.##", needed=True, check=length),
        Column("Kind", "The kind of work.", 26, needed=True, words=vocabulary.kinds()),
        Column("Mode", "How the contact was made.", 14, words=vocabulary.modes()),
        Column("Staff Name", "Who did it.", 22),
        Column(
            "Credential",
            "That person's credential.",
            16,
            words=tuple(vocabulary.credentials()),
        ),
        Column(
            "Outcome",
            "What came of it, for outreach and offers of the programme.",
            14,
            words=("reached", "not-reached", "enrolled", "declined"),
        ),
        Column(
            "Person Contacted",
            "The provider or community agency that was spoken to, or the patient.",
            26,
        ),
        Column(
            "Note",
            "The nature of the discussion, and what it has to do with the patient's care plan.",
            60,
        ),
    )


def workbook() -> bytes:
    """The log with its headings, drop-downs and instructions, without a row of work."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        log = book.add_worksheet(LOG)
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        body = book.add_format({"text_wrap": True, "valign": "top"})
        _instructions(book.add_worksheet(INSTRUCTIONS), bold, body)
        lists = book.add_worksheet(LISTS)
        lists.hide()
        for at, column in enumerate(columns()):
            cells = book.add_format({"num_format": column.number_format, "valign": "top"})
            log.set_column(at, at, column.width, cells)
            log.write_string(0, at, column.heading, bold)
            log.data_validation(1, at, ROWS, at, _check(column, at))
            lists.write_column(0, at, [column.heading, *column.words] if column.words else [])
        log.freeze_panes(1, 1)
        log.autofilter(0, 0, ROWS, len(columns()) - 1)
        log.set_landscape()
        log.set_paper(1)
        log.fit_to_pages(1, 0)
        log.repeat_rows(0)
    return content.getvalue()


def _check(column: Column, at: int) -> dict[str, Any]:
    """What a cell of the column may hold, and what a spreadsheet program says of it."""
    check: dict[str, Any] = {"validate": "any"} | column.check
    if column.words:
        letter = chr(ord("A") + at)
        source = f"={LISTS}!${letter}$2:${letter}${len(column.words) + 1}"
        check = {"validate": "list", "source": source}
    need = "Needed. " if column.needed else ""
    return check | {
        "input_title": column.heading,
        "input_message": f"{need}{column.says}",
        "error_title": column.heading,
        "error_message": "Take a word of the list, or leave the cell and read the Instructions."
        if column.words
        else "This is no such value; see the Instructions.",
        "error_type": "warning",
    }


def _instructions(sheet: Any, title: Any, body: Any) -> None:
    """Sentences in one column, so that the log is the only sheet that holds a table."""
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, WIDTH)
    sheet.set_paper(1)
    sheet.fit_to_pages(1, 0)
    sheet.write_string(0, 0, "How to fill in the sheet Activities", title)
    for row, sentence in enumerate(sentences(), 1):
        sheet.write_string(row, 0, sentence, body)
        sheet.set_row(row, LINE * math.ceil(len(sentence) / WIDTH))


def sentences() -> tuple[str, ...]:
    """What the Instructions say."""
    return (
        "One row for each piece of work, written on the day it was done. Leave the headings in "
        "row 1 as they are; add no totals and merge no cells.",
        *(f"{c.heading}{' (needed)' if c.needed else ''}: {c.says}" for c in columns()),
        "Payers recommend to document for every entry: the date and the duration; the staff "
        "member's name and credential; the provider or agency that was contacted; the nature of "
        "the discussion and how it serves the patient's care plan.",
        "ccbill check FILE.xlsx shows what would be read, before anything is billed. Patients' "
        "details, the training of staff and the fees may stand in files of their own: "
        "ccbill run FILE.xlsx --patients patients.csv --staff staff.csv --fees fees.csv",
        "Once it is filled in, this file holds patients' data: keep it where such data belong.",
    )
