"""A patient's cases as text: at most 100 columns, and as readable without colour as with it."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ccbill.report.console import printable

WIDEST = 100
Told = dict[str, Any]
OUTCOMES = ("counted", "held", "left-out")
TOLD = ("not-with", "not-payable")  # the reason has said enough of the rule
NOTHING = "-"


def patient(told: Told) -> None:
    """Prints every case of a patient, as `ccbill.explain.cases` tells them."""
    lines = [f"{told['patient_id']}", *_other_rules(told)]
    for case in told["cases"]:
        lines += ["", *_case(case)]
    lines += _section("Sources", _sources(told["cases"]))
    _out(lines)


def _other_rules(told: Told) -> Iterator[str]:
    """That the run was billed by other rules than those that explain it here."""
    if told.get("other_rules"):
        files = ", ".join(told["other_rules"])
        yield from _wrapped(f"Run {told['run']} was billed by other rules than these: {files}.", "")
        yield from _wrapped("fix: name its overlays, if it had any, with --rules", "  ")


def what_if(told: Told) -> None:
    """Prints what an invented activity would earn, and at which minutes that changes."""
    _out(_what_if(told))


def _case(case: Told) -> Iterator[str]:
    practice = f", practice {case['practice']}" if case["practice"] else ""
    plan = case["plan"] or "no plan"
    yield _bold(f"{case['month'] or 'no date'}  {plan}{practice}")
    yield from _wrapped(case["title"] or "No plan has the payer's name.", "  ")
    yield from _results(case["results"])
    yield from _activities(case["activities"])
    yield from _section("Would change it", case["changes"])
    yield from _section("In the ledger already", map(_kept, case.get("ledger", [])))
    yield from _section("Decided otherwise by the run", map(_otherwise, case.get("otherwise", [])))
    yield from _section("Limits at work", map(_limit, case["limits"]))
    yield from _section("On the lines", _notes(case["results"]))
    said = [each for each in case["results"] if each["problem"] not in TOLD]
    yield from _section("Rules", map(_rule, said))
    yield from _section("Overlays", case["overlays"])
    unchecked = ", ".join(name.replace("_", " ") for name in case["not_checked"])
    yield from _section("Not checked, since no input has them", filter(None, [unchecked]))


def _notes(results: Sequence[Told]) -> list[str]:
    """What stands on the claim lines, but for what a section of its own says."""
    labels: dict[str, list[str]] = {}
    for each in results:
        for note in each["notes"]:
            if not note.startswith("not checked: "):
                labels.setdefault(note, []).append(_label(each))
    return [f"{note} ({', '.join(found)})" for note, found in labels.items()]


def _sources(cases: Sequence[Told]) -> list[str]:
    """Each text cited, once; with its plan where there are several."""
    several = len({case["plan"] for case in cases}) > 1
    texts = [
        f"{case['plan']} {text}" if several else text
        for case in cases
        for text in case["sources"].values()
    ]
    return list(dict.fromkeys(texts))


def _results(results: Sequence[Told]) -> Iterator[str]:
    """One line for each code: units, minutes, and the reason of nothing."""
    if not results:
        return
    heading = ("code", "units", "minutes", "need", "short", "why")
    rows = [
        (
            _label(each),
            str(each["units"]),
            *(_number(each[f"{name}"]) for name in ("minutes", "need_minutes", "short_minutes")),
            each["reason"],
        )
        for each in results
    ]
    yield ""
    yield from _table(heading, rows, right=(1, 2, 3, 4))


def _activities(activities: Sequence[Told]) -> Iterator[str]:
    """The activities by what became of them, each sort with its sum and its reason."""
    groups: dict[tuple[Any, ...], list[Told]] = {}
    for outcome in OUTCOMES:
        for each in activities:
            if each["outcome"] == outcome:
                groups.setdefault(_sort_of(each), []).append(each)
    widths = _widths([_row(each) for each in activities])
    for group in groups.values():
        yield ""
        yield from _group_heading(group)
        for each in group:
            day, time, *rest = _padded(_row(each), widths)
            first = f"{day}  {time.strip():>{widths[1]}}  "
            yield from _wrapped(f"{first}{'  '.join(rest)}", "    ", " " * (4 + len(first)))


def _sort_of(each: Told) -> tuple[Any, ...]:
    names = ("outcome", "problem", "why", "rule", "cite", "code")
    return (*(each[name] for name in names), tuple(each["also"]))


def _group_heading(group: Sequence[Told]) -> Iterator[str]:
    first = group[0]
    known = [each["seconds"] for each in group if each["seconds"] is not None]
    total = f" {_time(sum(known))}" if known else ""
    cite = f" [{first['cite']}]" if first["cite"] else ""
    earned = f", earned {first['code']}" if first["code"] else ""
    said = f"{first['why']}{earned}" if not first["problem"] else first["why"]
    problem = f" ({first['problem']})" if first["problem"] else ""
    head = f"{first['outcome'].replace('-', ' ')}{total}: {said}{problem}{cite}"
    yield from (_bold(line) for line in _wrapped(head, "  ", "    "))
    for why in first["also"]:
        yield from _wrapped(f"also: {why}", "    ", "      ")


def _row(each: Told) -> tuple[str, ...]:
    time = "" if each["seconds"] is None else _time(each["seconds"])
    who = " ".join(filter(None, (each["staff"], each["credential"])))
    place = f"{each['file']}:{each['row']}"
    cells = (each["service_date"], time, who, each["mode"], each["kind"], place)
    return tuple(printable(cell or NOTHING) for cell in cells)


def _rule(each: Told) -> str:
    return (
        f"{each['says']}. {each['standing']} [{each['rule_cite']}], "
        f"{each['rule'].rpartition('/')[2].rpartition('.')[0]}, {each['in_force']}"
    )


def _limit(each: Told) -> str:
    billed = f" Billed: {', '.join(each['billed'])}." if each["billed"] else ""
    return f"{each['says']} ({each['why']}). [{each['cite']}]{billed}"


def _kept(each: Told) -> str:
    label = f"{each['code']} {each['modifiers']}".strip()
    return (
        f"run {each['run']}: {each['units']} x {label} of {each['service_from']}, "
        f"claim {each['claim_id']}, {each['state']}"
    )


def _otherwise(each: Told) -> str:
    problem = f", {each['problem']}" if each["problem"] else ""
    outcome = str(each["outcome"]).replace("-", " ")
    rows = f"{each['rows']} {'row' if each['rows'] == 1 else 'rows'}"
    return f"{rows}: {outcome}{problem}; the rules, the ledger or its months have changed since"


def _label(each: Told) -> str:
    return " ".join([each["code"], *each["modifiers"]])


def _what_if(told: Told) -> Iterator[str]:
    words = [told["kind"], told["credential"], told["mode"]]
    said = " ".join(filter(None, words))
    yield _bold(f"{told['date']}  {told['plan']}: {_minutes(told['minutes'])}, {said}")
    yield ""
    reason = f": {told['why']} ({told['problem']})" if told["problem"] else ""
    cite = f" [{told['cite']}]" if told["cite"] and reason else ""
    yield from _wrapped(f"{told['outcome'].replace('-', ' ')}{reason}{cite}", "  ", "    ")
    for why in told["also"]:
        yield from _wrapped(f"also: {why}", "    ", "      ")
    yield ""
    rows = [
        (_span(each), each["earns"] or "nothing", "<- this" if each["this"] else "")
        for each in told["thresholds"]
    ]
    yield from _table(("minutes", "earns", ""), rows, right=())
    yield from _section("Rules", map(_rule, told["rules"]))
    unchecked = ", ".join(name.replace("_", " ") for name in told["not_checked"])
    yield from _section("Not checked, since nothing is given", filter(None, [unchecked]))
    yield from _section("Sources", told["sources"].values())


def _span(each: Told) -> str:
    low, high = each["from"], each["to"]
    if high is None:
        return f"{low} or more" if low else "any"
    if not low:
        return f"up to {high}"
    return str(low) if low == high else f"{low} to {high}"


def _minutes(number: float) -> str:
    return f"{number:g} minute" + ("" if number == 1 else "s")


def _time(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02}"


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _section(heading: str, sentences: Iterable[str]) -> Iterator[str]:
    said = list(sentences)
    if said:
        yield ""
        yield _bold(f"  {heading}")
        for sentence in said:
            yield from _wrapped(sentence, "    ", "      ")


def _table(
    heading: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]
) -> Iterator[str]:
    """Columns as wide as they need; the last one wraps."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = _widths([heading[:-1], *(row[:-1] for row in cells)])
    for n, row in enumerate([heading, *cells]):
        padded = [
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        before = "  " + "  ".join(padded) + "  "
        lines = [*_wrapped(row[-1], before, " " * len(before))] or [before]
        yield from (_bold(line) if n == 0 else line for line in lines)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _padded(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]


def _wrapped(text: str, first: str, later: str | None = None) -> list[str]:
    """The text in lines of the screen's width; runs of blanks within a line that fits stay."""
    whole = f"{first}{printable(text)}".rstrip()
    if len(whole) <= _width():
        return [whole]
    return textwrap.wrap(
        printable(text),
        _width(),
        initial_indent=first,
        subsequent_indent=first if later is None else later,
        break_on_hyphens=False,
    )


def _width() -> int:
    if not sys.stdout.isatty():
        return WIDEST
    return max(40, min(shutil.get_terminal_size().columns, WIDEST))


def _bold(line: str) -> str:
    plain = (
        not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    )
    return line if plain or not line else f"\033[1m{line}\033[0m"


def _out(lines: Iterable[str]) -> None:
    for line in lines:
        print(line.rstrip())
