"""A first ccbill.toml for some exports: what is found in them, and what has to be completed.

All that is not certain stands in a comment, so that the file says as it is written what the
settings said before.
"""

from __future__ import annotations

import textwrap
import tomllib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccbill import config, first_look, new_words
from ccbill.config import DEFAULTS, Practice, Settings
from ccbill.errors import counted
from ccbill.first_look import Found, candidates
from ccbill.intake import checks
from ccbill.intake.table import letter
from ccbill.intake.words import recognised_share
from ccbill.new_words import Heard, quoted
from ccbill.rules import load
from ccbill.rules.model import Plan
from ccbill.rules.payers import numbers_of_names
from ccbill.vocabulary import fold

LISTED = 60  # new words of a column; more are not a practice's words for what it does
WIDTH = 98

MEANING = checks.MEANING | {
    "minutes": "how long it took",
    "mode": "how the contact was made",
    "credential": "the staff member's credential",
}
PRACTICE = {
    "npi": "ten digits",
    "tin": "the tax number that claims carry",
    "assignment": "yes or no",
    "timezone": "such as America/Detroit, where the export's times have an offset",
    "rendering_npi": "of the practitioner who supervises, where the log has none",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """The text of a ccbill.toml, and how many columns and words it leaves to complete."""

    text: str
    columns: int
    words: int


def draft(
    exports: Sequence[str],
    *,
    patients: Path | None,
    staff: Path | None,
    sheet: str | None,
    config_file: Path | None,
    out: Path,
) -> Draft:
    """The text of `out` for these exports, with all that the settings in force say already."""
    settings = config.load(config_file)
    plans = load.plans(list(settings.overlays))
    inputs = first_look.look(exports, settings, patients, staff, sheet)
    said = _settings_in_force(settings, out)
    payers = numbers_of_names(plans, settings.payers)
    heard = [first_look.heard(column, inputs, settings, plans) for column in new_words.COLUMNS]
    wanting = [first_look.wanting(found, inputs, settings) for found in inputs]
    sections = {
        "practice": [*_practice(said)],
        "columns": [
            line
            for found, missing in zip(inputs, wanting, strict=True)
            for line in _columns(found, missing, payers)
        ],
        "defaults": [*_defaults(inputs, wanting, payers)],
        **{f"{each.column}s": [*_words(each, plans)] for each in heard},
        "intake": [*_overlooked(inputs, settings)],
    }
    lines = [*_head([found.table.name for found in inputs])]
    for section in dict.fromkeys([*sections, *said]):
        body = [*_said(said.get(section, {})), *sections.get(section, [])]
        lines += ["", f"[{section}]", *body] if body else []
    new = sum(len(each.new) for each in heard)
    return Draft("\n".join(lines) + "\n", sum(map(len, wanting)), new)


def _head(names: Sequence[str]) -> Iterator[str]:
    yield "# What ccbill is to know of this practice and its exports."
    yield "# A line that begins with # does nothing: complete it and take the # away, then"
    yield f"# `ccbill check` and `ccbill run` read {', '.join(map(quoted, names))} with it."


def _settings_in_force(settings: Settings, out: Path) -> dict[str, Any]:
    """What the file in force says, its paths whole where `out` is in another folder."""
    if settings.path is None:
        return {}
    said = tomllib.loads(settings.path.read_text("utf-8-sig"))
    if settings.path.parent != out.absolute().parent:
        if settings.overlays:
            said["rules"]["overlays"] = [str(path) for path in settings.overlays]
        if settings.ledger_path:
            said["ledger"]["path"] = str(settings.ledger_path)
    return said


def _said(section: dict[str, Any]) -> Iterator[str]:
    """What the settings said before, as it was."""
    for key, value in section.items():
        name = key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else None
        yield f"{name or quoted(key)} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return quoted(value) if isinstance(value, str) else str(value)


def _practice(said: dict[str, Any]) -> Iterator[str]:
    for name in Practice.__slots__:
        if name not in said.get("practice", {}):
            hint = f"  # {PRACTICE[name]}" if name in PRACTICE else ""
            yield f'# {name} = ""{hint}'


def _columns(found: Found, wanting: Sequence[str], payers: Collection[str]) -> Iterator[str]:
    """The columns of one input: those found, those to name, and the headings that are left."""
    table, matched = found.table, found.matched
    yield f"# {quoted(table.name)} (your heading is on the right of the =)"
    for column, places in sorted(matched.columns.items()):
        headings = ", ".join(f"{letter(at)} {quoted(table.headings[at])}" for at in places)
        yield f"#   found: {column} in {headings}"
    for column, places in matched.doubled.items():
        yield f"# Two headings for {column}: keep one of these lines."
        yield from (f"# {column} = {quoted(table.headings[at])}" for at in places)
    needed = {group[0] for group in found.wanted.needed} | {"payer"}
    for column in wanting:
        near = candidates(found, column, payers)
        why = "needed" if column in needed else "asked for by most rules"
        meaning = f", {MEANING[column]}" if column in MEANING else ""
        if column in DEFAULTS and not near:
            meaning += "; or below, under [defaults]"
        for own in [quoted(table.headings[at]) for at in near] or ['""']:
            yield f"# {column} = {own}  # {why}{meaning}"
    free = [h for at, h in enumerate(table.headings) if h and at not in matched.taken()]
    if free:
        yield from _wrapped(f"Nothing is read from: {', '.join(map(quoted, free))}")


def _defaults(
    inputs: Sequence[Found], wanting: Sequence[Sequence[str]], payers: Collection[str]
) -> Iterator[str]:
    """A line for each column that no heading looks like and a whole log may have in common."""
    for column in dict.fromkeys(
        name
        for found, missing in zip(inputs, wanting, strict=True)
        for name in missing
        if name in DEFAULTS and not candidates(found, name, payers)
    ):
        yield f'# {column} = ""  # if it is the same in every row'


def _words(each: Heard, plans: Sequence[Plan]) -> Iterator[str]:
    """A line to complete for each new word, below the words that may stand on its right."""
    if not each.new:
        return
    if each.column == "payer":
        yield "# your payer = a plan, or a payer's name that the plan has:"
        yield from (f"#   {plan.name}: {plan.title}" for plan in plans)
    else:
        yield f"# your word = one of ccbill's {each.column}s:"
        yield from _wrapped(", ".join(new_words.known(each.column)), "  ")
    listed = each.new if len(each.new) <= LISTED else each.new[: LISTED if each.known else 0]
    for word in listed:
        rows = counted(word.rows, "row")
        near = " (only the nearest word)" if word.near else ""
        yield f"# {quoted(word.word)} = {quoted(word.near or '')}  # {rows}{near}"
    if len(listed) < len(each.new):
        more = f"{len(each.new) - len(listed):,} words"
        yield f"# {more} are not listed: is this column one of {each.column}s?"


def _overlooked(inputs: Sequence[Found], settings: Settings) -> Iterator[str]:
    """A line for headings that nothing is read from although their cells are known words.

    As long as neither `[columns]` nor this line names them, they stop a run.
    """
    ignored = {fold(name) for name in settings.ignore_columns}
    found = [
        each.table.headings[at]
        for each in inputs
        for at, cells in enumerate(each.table.columns)
        if each.wanted.role == "activities"
        and at not in each.matched.taken()
        and fold(each.table.headings[at]) not in ignored
        and (seen := recognised_share(cells))
        and seen[0] in each.matched.columns
    ]
    if found:
        headings = ", ".join(map(quoted, [*settings.ignore_columns, *found]))
        yield f"# ignore_columns = [{headings}]  # their cells are known words, and are not read"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"# {indent}",
        subsequent_indent=f"# {indent}",
        break_long_words=False,
        break_on_hyphens=False,
    )
