"""Why a file's headings cannot be used: needed columns missing, doubled, or overlooked."""

from __future__ import annotations

import json
from dataclasses import replace

from ccbill import vocabulary
from ccbill.errors import Message
from ccbill.intake import words
from ccbill.intake.candidates import likely
from ccbill.intake.columns import Matched, Wanted
from ccbill.intake.table import Table, heading_text
from ccbill.intake.words import recognised_share
from ccbill.problems import PROBLEMS
from ccbill.vocabulary import fold

NOTHING = "Nothing was read or written."

SHOWN = 5  # cells of a kind that are listed one by one

MEANING = {
    "patient_id": "the patient's identifier",
    "service_date": "the day of the work",
    "kind": "the kind of work",
    "payer": "who pays",
    "staff_id": "the member of staff",
}
ELSEWHERE = {
    "payer": ", or name a patients file with --patients, or set payer under [defaults]",
    "kind": ", or set kind under [defaults]",
}


def messages(table: Table, matched: Matched, wanted: Wanted, needed: list[str]) -> list[Message]:
    """Everything about the headings that stops the run; `needed` are columns still without one."""
    found = [_doubled(table, column, places) for column, places in matched.doubled.items()]
    if needed and not shown(table, matched):
        what = "has no heading: the first row looks like data"
        fix = f"name the columns in a first row: {', '.join(needed)}, …"
        return [*found, Message(table.place(table.heading_row), what, NOTHING, fix)]
    told = [_missing(table, matched, wanted, column) for column in needed]
    for first in told[:1]:
        heard = ", ".join(heading_text(table.headings, at) for at in range(len(table.headings)))
        fix = first.fix
        if wanted.role == "activities":
            fix += "; ccbill init writes such a file"
        found.append(replace(first, consequence=f"{NOTHING} Headings found: {heard}.", fix=fix))
    return [*found, *told[1:]]


def missing(matched: Matched, groups: list[tuple[str, ...]]) -> list[str]:
    """The columns, one for each group, that no heading was taken for."""
    found = {*matched.columns, *matched.doubled}
    return [group[0] for group in groups if not found & set(group)]


def _doubled(table: Table, column: str, places: tuple[int, ...]) -> Message:
    named = " and ".join(heading_text(table.headings, at) for at in places)
    first = json.dumps(table.headings[places[0]], ensure_ascii=False)
    fix = f"name the one that counts in ccbill.toml under [columns]: {column} = {first}"
    if len({fold(table.headings[at]) for at in places}) == 1:
        fix = "rename or delete one of the two columns"
    where = table.place(table.heading_row)
    return Message(where, f"two headings for {column}: {named}", NOTHING, fix)


def _missing(table: Table, matched: Matched, wanted: Wanted, column: str) -> Message:
    meaning = f" ({MEANING[column]})" if column in MEANING else ""
    places = likely(table, matched.taken(), column)
    near = table.headings[places[0]] if places else None
    own = json.dumps(near, ensure_ascii=False) if near else '"its heading"'
    fix = f"add to ccbill.toml under [columns]: {column} = {own}"
    if wanted.role == "activities":
        fix += ELSEWHERE.get(column, "")
    if column not in vocabulary.columns():
        fix = f"rename {heading_named(near)} to {column}"
    what = f"no heading is known for {column}{meaning}"
    return Message(table.place(table.heading_row), what, NOTHING, fix)


def heading_named(near: str | None) -> str:
    return f"the heading {json.dumps(near, ensure_ascii=False)}" if near else "its heading"


def unsaid(table: Table, matched: Matched) -> list[Message]:
    """The cells whose value a workbook does not say; in a companion file no row can be held."""
    return [
        Message(
            table.place(int(row), at),
            PROBLEMS[problem].says.removesuffix("."),
            NOTHING,
            PROBLEMS[problem].fix,
        )
        for at in sorted(matched.taken())
        for problem, rows in words.unsaid(table.columns[at])
        for row in table.rows[rows][:SHOWN]
    ]


def shown(table: Table, matched: Matched) -> bool:
    """Whether the headings are headings, and no patient's row in a file without any."""
    digits = any(heading[:1].isdigit() for heading in table.headings)
    return len(matched.columns) > 1 or not digits


def overlooked(
    table: Table, matched: Matched, ignored: set[str], needed: list[str]
) -> list[Message]:
    """Headings that nothing was read from although most of their cells are words ccbill knows.

    Those of a column that is needed are told with it.
    """
    found: list[Message] = []
    for at, column in enumerate(table.columns if shown(table, matched) else []):
        if at in matched.taken() or fold(table.headings[at]) in ignored:
            continue
        seen = recognised_share(column)
        if seen and seen[0] not in needed:
            name, share = seen
            heading = json.dumps(table.headings[at], ensure_ascii=False)
            what = f"is not read, but {share:.0%} of its cells are a known {name}"
            fix = (
                f"add to ccbill.toml under [columns]: {name} = {heading}, "
                f"or under [intake]: ignore_columns = [{heading}]"
            )
            found.append(Message(table.place(table.heading_row, at), what, NOTHING, fix))
    return found
