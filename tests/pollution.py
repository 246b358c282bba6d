"""Ways in which an export goes wrong on its way, put onto a clean one.

Each kind gives the bytes of a polluted export, and says what may come of it: the same rows, rows
of which some are held, or a refusal. A kind of workbook is added to KINDS like those of text.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

SAME, HELD, REFUSED = "same", "held", "refused"

Table = list[list[str]]  # the heading and the rows below it


@dataclass(frozen=True, slots=True)
class Kind:
    """How the export is changed, and what may come of it."""

    make: Callable[[Table, random.Random], bytes]
    may_be: frozenset[str]


KINDS: dict[str, Kind] = {}


def kind(
    *outcomes: str,
) -> Callable[[Callable[[Table, random.Random], bytes]], Callable[[Table, random.Random], bytes]]:
    def added(
        make: Callable[[Table, random.Random], bytes],
    ) -> Callable[[Table, random.Random], bytes]:
        KINDS[make.__name__.replace("_", " ")] = Kind(make, frozenset(outcomes))
        return make

    return added


def text(
    table: Table, delimiter: str = ",", end: str = "\r\n", quoting: int = csv.QUOTE_MINIMAL
) -> str:
    out = io.StringIO()
    csv.writer(
        out,
        delimiter=delimiter,
        lineterminator=end,
        quoting=quoting,  # type: ignore[arg-type]
    ).writerows(table)
    return out.getvalue()


def lines(table: Table) -> list[str]:
    """The export line by line; no cell holds a line end."""
    return text(table).split("\r\n")[:-1]


def whole(all_lines: list[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in all_lines).encode()


def column(table: Table, heading: str) -> int:
    return table[0].index(heading)


def changed(table: Table, heading: str, change: Callable[[str], str]) -> Table:
    """The table with each filled cell of a column changed."""
    at = column(table, heading)
    rows = [[*row[:at], change(row[at]) if row[at] else "", *row[at + 1 :]] for row in table[1:]]
    return [table[0], *rows]


def some(table: Table, chance: random.Random, count: int = 3) -> list[int]:
    """Some rows below the heading, in order."""
    return sorted(chance.sample(range(1, len(table)), count))


def with_cells(
    table: Table, chance: random.Random, heading: str, change: Callable[[str], str]
) -> Table:
    """The table with some cells of a column changed."""
    at, rows = column(table, heading), some(table, chance, 5)
    found = [list(row) for row in table]
    for row in rows:
        found[row][at] = change(found[row][at])
    return found


def as_date(cell: str) -> date | None:
    read = re.fullmatch(r"(\d+)/(\d+)/(\d{4})", cell)
    try:
        return date(int(read[3]), int(read[1]), int(read[2])) if read else None
    except ValueError:
        return None


def dated(table: Table, shape: str) -> bytes:
    def again(cell: str) -> str:
        day = as_date(cell)
        return day.strftime(shape) if day else cell

    return text(changed(table, "Date of Service", again)).encode()


# The file as a whole


@kind(SAME)
def other_delimiter(table: Table, chance: random.Random) -> bytes:
    return text(table, chance.choice(";\t|")).encode()


@kind(SAME)
def sep_line(table: Table, chance: random.Random) -> bytes:
    delimiter = chance.choice(",;\t|")
    return f"sep={delimiter}\r\n{text(table, delimiter)}".encode()


@kind(SAME)
def everything_quoted(table: Table, chance: random.Random) -> bytes:
    return text(table, chance.choice(",;"), quoting=csv.QUOTE_ALL).encode()


@kind(SAME)
def other_line_ends(table: Table, chance: random.Random) -> bytes:
    return text(table, end=chance.choice(["\n", "\r", "\r\r\n"])).encode()


@kind(SAME)
def mixed_line_ends(table: Table, chance: random.Random) -> bytes:
    ends = ["\n", "\r", "\r\n"]
    return "".join(line + chance.choice(ends) for line in lines(table)).encode()


@kind(SAME)
def no_last_line_end(table: Table, _chance: random.Random) -> bytes:
    return text(table).rstrip().encode()


@kind(SAME)
def other_encoding(table: Table, chance: random.Random) -> bytes:
    found = with_cells(table, chance, "Notes", lambda cell: f"{cell} naïve “café”")
    return text(found).encode(chance.choice(["utf-8-sig", "utf-16", "cp1252", "utf-8"]))


@kind(REFUSED)
def mixed_encodings(table: Table, chance: random.Random) -> bytes:
    first, second = some(table, chance, 2)
    found = [line.encode() for line in lines(table)]
    found[first] += "é".encode()
    found[second] += "é".encode("cp1252")
    return b"\r\n".join(found)


@kind(REFUSED)
def utf_16_without_a_mark(table: Table, chance: random.Random) -> bytes:
    return text(table).encode(chance.choice(["utf-16-le", "utf-16-be"]))


@kind(SAME)
def gzipped(table: Table, _chance: random.Random) -> bytes:
    return gzip.compress(text(table).encode(), mtime=0)


@kind(REFUSED)
def gzip_cut_short(table: Table, chance: random.Random) -> bytes:
    packed = gzip.compress(text(table).encode(), mtime=0)
    return packed[: -chance.randint(1, len(packed) // 2)]


@kind(HELD, SAME)
def last_line_cut_short(table: Table, chance: random.Random) -> bytes:
    content = text(table).rstrip()
    return content[: -chance.randint(1, len(content) - content.rindex("\n"))].encode()


@kind(REFUSED)
def zero_bytes(table: Table, chance: random.Random) -> bytes:
    content = bytearray(text(table).encode())
    content[chance.randrange(len(content))] = 0
    return bytes(content)


@kind(HELD, SAME)
def end_of_file_sign(table: Table, _chance: random.Random) -> bytes:
    return text(table).encode() + b"\x1a"


@kind(REFUSED)
def fixed_width(table: Table, _chance: random.Random) -> bytes:
    width = [max(len(row[at]) for row in table) + 3 for at in range(len(table[0]))]
    padded = ("".join(c.ljust(w) for c, w in zip(row, width, strict=True)) for row in table)
    return "\n".join(padded).replace(",", " ").encode()


@kind(REFUSED)
def every_line_one_quoted_cell(table: Table, _chance: random.Random) -> bytes:
    return text([[line] for line in lines(table)], quoting=csv.QUOTE_ALL).encode()


# What stands around the rows


@kind(SAME)
def titles_above(table: Table, chance: random.Random) -> bytes:
    titles = ["Care management log", "Port Alder, all sites", "", '"Printed 11/2/2026, page 1"']
    return whole([*titles[: chance.randint(1, 4)], *lines(table)])


@kind(SAME)
def group_headings_above(table: Table, chance: random.Random) -> bytes:
    groups = ["" if chance.random() < 0.7 else f"Group {at}" for at in range(len(table[0]))]
    return text([groups, *table]).encode()


@kind(REFUSED)
def heading_over_two_lines(table: Table, _chance: random.Random) -> bytes:
    words = [(heading.split(" ") + [""] * 3)[:3] for heading in table[0]]
    first, second = [w[0] for w in words], [f"{w[1]} {w[2]}".strip() for w in words]
    return text([first, second, *table[1:]]).encode()


@kind(HELD)
def units_below_the_heading(table: Table, _chance: random.Random) -> bytes:
    units = ["(min)" if "min" in heading else "(text)" for heading in table[0]]
    return text([table[0], units, *table[1:]]).encode()


@kind(SAME, HELD)
def totals_below(table: Table, chance: random.Random) -> bytes:
    width = len(table[0])
    total = chance.choice(
        [["Total", "4,120"], ["Grand total:", *[""] * (width - 1)], ["Total rows: 358"]]
    )
    return text([*table, total]).encode()


@kind(HELD)
def words_below(table: Table, chance: random.Random) -> bytes:
    last = chance.choice(["Printed 11/2/2026 by the front desk", "# end", "*** End of report ***"])
    return whole([*lines(table), "", last])


@kind(SAME)
def blank_lines(table: Table, chance: random.Random) -> bytes:
    found = lines(table)
    for at in reversed(some(table, chance)):
        blank = chance.choice(["", "   ", "," * (len(table[0]) - 1)])
        found[at:at] = [blank] * chance.randint(1, 3)
    return whole(found)


@kind(SAME)
def repeated_headings(table: Table, chance: random.Random) -> bytes:
    found = lines(table)
    again = chance.choice([found[0], found[0].upper(), found[0] + ",,"])
    for at in reversed(some(table, chance)):
        found.insert(at, again)
    return whole(found)


@kind(SAME)
def one_export_after_another(table: Table, chance: random.Random) -> bytes:
    middle = chance.randrange(2, len(table))
    mark = chance.choice(["", "\ufeff"])
    return (text(table[:middle]) + mark + text([table[0], *table[middle:]])).encode()


@kind(REFUSED)
def another_order_of_columns_further_down(table: Table, chance: random.Random) -> bytes:
    middle = chance.randrange(2, len(table))
    order = chance.sample(range(len(table[0])), len(table[0]))
    below = [[row[at] for at in order] for row in [table[0], *table[middle:]]]
    return (text(table[:middle]) + text(below)).encode()


@kind(HELD, REFUSED)
def another_delimiter_further_down(table: Table, chance: random.Random) -> bytes:
    middle = chance.randrange(2, len(table))
    below = chance.choice([table[middle:], [table[0], *table[middle:]]])
    return (text(table[:middle]) + text(below, ";")).encode()


@kind(REFUSED, HELD)
def a_second_table_below(table: Table, chance: random.Random) -> bytes:
    summary = [["Staff ID", "Minutes", "Activity Type"], ["CM03", "310", "Phone"]]
    if chance.random() < 0.5:
        summary = [["Team", "Hours"], ["East", "31"]]
    if chance.random() < 0.5:
        summary = [row + [""] * (len(table[0]) - len(row)) for row in summary]
    return (text(table) + "\r\n" + text(summary)).encode()


@kind(REFUSED)
def no_heading(table: Table, _chance: random.Random) -> bytes:
    return text(table[1:]).encode()


# The columns


@kind(SAME)
def other_order_of_columns(table: Table, chance: random.Random) -> bytes:
    order = chance.sample(range(len(table[0])), len(table[0]))
    return text([[row[at] for at in order] for row in table]).encode()


@kind(SAME)
def other_case_of_headings(table: Table, chance: random.Random) -> bytes:
    change = chance.choice(
        [str.upper, str.lower, lambda h: h.replace(" ", "_"), lambda h: f"  {h}\u00a0"]
    )
    return text([[change(heading) for heading in table[0]], *table[1:]]).encode()


@kind(REFUSED)
def a_column_twice(table: Table, chance: random.Random) -> bytes:
    at = column(table, chance.choice(["Patient ID", "Payer", "Duration (min)", "Activity Type"]))
    return text([[*row, row[at]] for row in table]).encode()


@kind(SAME)
def a_column_without_heading(table: Table, chance: random.Random) -> bytes:
    at = chance.randrange(len(table[0]) + 1)
    return text([[*r[:at], "x" if n else "", *r[at:]] for n, r in enumerate(table)]).encode()


@kind(SAME)
def delimiters_at_every_line_end(table: Table, chance: random.Random) -> bytes:
    more = "," * chance.randint(1, 3)
    found = [line + more for line in lines(table)]
    return whole([found[0].rstrip(",") if chance.random() < 0.5 else found[0], *found[1:]])


@kind(HELD)
def delimiters_at_some_line_ends(table: Table, chance: random.Random) -> bytes:
    found = lines(table)
    for at in some(table, chance):
        found[at] += ","
    return whole(found)


@kind(HELD)
def a_cell_too_many_or_too_few(table: Table, chance: random.Random) -> bytes:
    found = [list(row) for row in table]
    for at in some(table, chance):
        place = chance.randrange(len(table[0]))
        found[at][place : place + 1] = chance.choice([[], [found[at][place], ""]])
    return text(found).encode()


@kind(HELD)
def a_line_end_in_a_bare_cell(table: Table, chance: random.Random) -> bytes:
    found = lines(table)
    at = some(table, chance, 1)[0]
    place = chance.choice([n for n, sign in enumerate(found[at]) if sign == ","])
    found[at] = f"{found[at][:place]}\n{found[at][place:]}"
    return whole(found)


# Quotation marks


def bare(table: Table, chance: random.Random) -> tuple[list[str], int, int]:
    """The lines, one of them without quotation marks, and the place of one of its delimiters."""
    found = lines(table)
    at = chance.choice([n for n, line in enumerate(found) if n and '"' not in line])
    return found, at, chance.choice([n for n, sign in enumerate(found[at]) if sign == ","])


@kind(REFUSED)
def a_mark_within_a_cell(table: Table, chance: random.Random) -> bytes:
    found, at, place = bare(table, chance)
    found[at] = f'{found[at][:place]} 5" wound{found[at][place:]}'
    return whole(found)


@kind(HELD, SAME)
def a_mark_where_there_are_no_others(table: Table, chance: random.Random) -> bytes:
    found = [list(row) for row in changed(table, "Notes", lambda cell: cell.replace('"', ""))]
    row, at = chance.randrange(1, len(found)), chance.randrange(len(found[0]))
    found[row][at] = chance.choice(['{0}"', '{0:.2}"{0}']).format(found[row][at] or "x")
    return "".join("\t".join(row) + "\n" for row in found).encode()


@kind(REFUSED)
def a_mark_that_opens_a_cell(table: Table, chance: random.Random) -> bytes:
    found, at, place = bare(table, chance)
    found[at] = f'{found[at][: place + 1]}"{found[at][place + 1 :]}'
    return whole(found)


@kind(REFUSED)
def two_marks_some_rows_apart(table: Table, chance: random.Random) -> bytes:
    place = column(table, "Notes")
    table = changed(table, "Notes", lambda cell: cell.replace('"', "").replace(",", ""))
    found = lines(table)
    first = chance.randrange(1, len(found) - 5)
    second = first + chance.randint(1, 4)
    head, _, note = found[first].rpartition(",")
    found[first] = f'{head},"{note}'
    found[second] = f'{found[second]}"'
    assert place == len(table[0]) - 1
    return whole(found)


@kind(REFUSED)
def backslashes_before_marks(table: Table, chance: random.Random) -> bytes:
    found = with_cells(table, chance, "Notes", lambda _: 'asked, "when?"')
    return text(found).replace('""', '\\"').encode()


@kind(REFUSED)
def spaces_before_marks(table: Table, _chance: random.Random) -> bytes:
    return text(table, quoting=csv.QUOTE_ALL).replace(",", ", ").encode()


@kind(SAME)
def line_ends_in_quoted_cells(table: Table, chance: random.Random) -> bytes:
    ends = chance.choice(["\n", "\r\n", "\n\n"])
    return text(with_cells(table, chance, "Notes", lambda c: f'{c}{ends}"more"')).encode()


@kind(REFUSED)
def other_marks_around_every_cell(table: Table, chance: random.Random) -> bytes:
    left, right = chance.choice(["''", "“”", "„“", "«»"])
    return text([[f"{left}{cell}{right}" for cell in row] for row in table]).encode()


@kind(HELD)
def other_marks_around_ids(table: Table, chance: random.Random) -> bytes:
    left, right = chance.choice([("'", "'"), ("“", "”"), ("'", ""), ('="', '"')])
    return text(with_cells(table, chance, "Patient ID", lambda c: f"{left}{c}{right}")).encode()


# The cells


@kind(SAME)
def spaces_around_cells(table: Table, chance: random.Random) -> bytes:
    blanks = ["", " ", "  ", "\u00a0", "\t", "\u200b", "\u3000", "\ufeff"]
    delimiter = chance.choice(",;")
    return text(
        [[f"{chance.choice(blanks)}{c}{chance.choice(blanks)}" for c in row] for row in table],
        delimiter,
    ).encode()


@kind(SAME, HELD)
def unseen_signs_in_cells(table: Table, chance: random.Random) -> bytes:
    """Held in an identifier, which another could look the same as; no part of a word."""
    sign = chance.choice(["\u200b", "\ufeff", "\u2060", "\u200e", "\u00ad"])

    def split(cell: str) -> str:
        return f"{cell[:2]}{sign}{cell[2:]}"

    heading = chance.choice(["Patient ID", "Payer", "Activity Type", "Date of Service"])
    return text(with_cells(table, chance, heading, split)).encode()


@kind(SAME)
def spaces_that_do_not_break(table: Table, _chance: random.Random) -> bytes:
    return text([[c.replace(" ", "\u00a0") for c in row] for row in table]).encode()


@kind(HELD)
def tabs_in_ids(table: Table, chance: random.Random) -> bytes:
    sign = chance.choice("\t\n\r")
    found = with_cells(table, chance, "Patient ID", lambda c: f"{c[:3]}{sign}{c[3:]}")
    return text(found, quoting=csv.QUOTE_ALL).encode()


@kind(HELD)
def ids_as_numbers(table: Table, chance: random.Random) -> bytes:
    shape = chance.choice(
        ["1.23E+15", "1,23E+15", "4,862", "1234567890123450", "#REF!", "########"]
    )
    return text(with_cells(table, chance, "Patient ID", lambda _: shape)).encode()


@kind(SAME)
def dates_in_another_form(table: Table, chance: random.Random) -> bytes:
    shapes = ["%Y-%m-%d", "%m/%d/%y", "%d/%m/%Y", "%Y/%m/%d", "%m-%d-%Y", "%Y-%m-%d 00:00:00"]
    return dated(table, chance.choice(shapes))


@kind(HELD)
def dates_in_no_form(table: Table, chance: random.Random) -> bytes:
    return dated(table, chance.choice(["%d.%m.%Y", "%b %d, %Y", "%Y%m%d", "%y/%m/%d", "%d-%b-%y"]))


@kind(HELD)
def dates_as_numbers(table: Table, _chance: random.Random) -> bytes:
    def number(cell: str) -> str:
        day = as_date(cell)
        return str((day - date(1899, 12, 30)).days) if day else cell

    return text(changed(table, "Date of Service", number)).encode()


@kind(HELD)
def dates_in_both_orders(table: Table, chance: random.Random) -> bytes:
    at, found = column(table, "Date of Service"), [list(row) for row in table]
    rows = some(table, chance, 100)
    for row in rows:
        day = as_date(found[row][at])
        found[row][at] = day.strftime("%d/%m/%Y") if day else found[row][at]
    return text(found).encode()


@kind(HELD)
def dates_that_are_none(table: Table, chance: random.Random) -> bytes:
    none = chance.choice(["2/30/2026", "13/13/2026", "0/0/0000", "2/29/1900", "TBD"])
    return text(with_cells(table, chance, "Date of Service", lambda _: none)).encode()


@kind(HELD)
def decimal_commas(table: Table, chance: random.Random) -> bytes:
    found = with_cells(table, chance, "Duration (min)", lambda _: "12,5")
    return text(found, chance.choice(",;")).encode()


@kind(HELD)
def thousands(table: Table, chance: random.Random) -> bytes:
    shape = chance.choice(["1,020", "1 020", "1.020,0", "1'020"])
    return text(with_cells(table, chance, "Duration (min)", lambda _: shape)).encode()


@kind(SAME)
def lengths_in_another_form(table: Table, chance: random.Random) -> bytes:
    shapes = ["{0} min", "{0} minutes", "{0}.0", "00:{0:0>2}:00", "0:{0:0>2}", "{0}m"]
    shape = chance.choice(shapes)

    def again(cell: str) -> str:
        return shape.format(cell) if re.fullmatch(r"[1-9]|[1-5]\d", cell) else cell

    return text(changed(table, "Duration (min)", again)).encode()


@kind(HELD)
def damaged_cells(table: Table, chance: random.Random) -> bytes:
    heading = chance.choice(["Payer", "Activity Type", "Duration (min)", "Date of Service"])
    sign = chance.choice(["#REF!", "#N/A", "#####", "#VALUE!", "Err:502"])
    return text(with_cells(table, chance, heading, lambda _: sign)).encode()


@kind(SAME)
def rows_twice(table: Table, chance: random.Random) -> bytes:
    return text([*table, *(table[at] for at in some(table, chance))]).encode()


@kind(SAME)
def rows_in_another_order(table: Table, chance: random.Random) -> bytes:
    return text([table[0], *chance.sample(table[1:], len(table) - 1)]).encode()
