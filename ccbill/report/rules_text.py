"""Rules as text on standard output: at most 100 columns, with colour on a terminal only."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from ccbill.report import text
from ccbill.report.console import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ccbill.rules.catalog import Edition
    from ccbill.rules.diff import Changed

LONG = 20  # letters in the heading of a column of the matrix
NOTHING = "-"
ABOUT = ("from", "to", "standing", "checked")
NARROW = 28  # letters of a service's codes, below it
WIDE = 100  # columns that every table has room in


def editions(found: Sequence[Edition]) -> None:
    """A line for each edition: its plan, service, codes, dates, standing and last check."""
    console = text.console()
    console.print(_whole(found) if console.width >= WIDE else _narrow(found))
    changed = [f"{each.plan} {each.service}: {who}" for each in found for who in each.changed_by]
    text.section(console, "Changed by overlays", changed)
    text.out(console)


def _whole(found: Sequence[Edition]) -> Table:
    headings = ("plan", "service", "codes", *ABOUT)
    rows = [
        ["" if again else each.plan, each.service, ", ".join(each.codes), *_about(each)]
        for each, again in _repeated(found)
    ]
    return text.columns(headings, rows, [name for name in headings if name != "codes"])


def _narrow(found: Sequence[Edition]) -> Table:
    """Plans as headings, and the codes below their service."""
    rows = []
    for each, again in _repeated(found):
        rows += [] if again else [[each.plan, *("" for _ in ABOUT)]]
        codes = textwrap.wrap(", ".join(each.codes), NARROW)
        rows.append(["\n    ".join([f"  {each.service}", *codes]), *_about(each)])
    return text.columns(("plan\n  service\n    codes", *ABOUT), rows, ABOUT)


def _repeated(found: Sequence[Edition]) -> Iterator[tuple[Edition, bool]]:
    """Each edition, and whether the one before it is of the same plan."""
    for n, each in enumerate(found):
        yield each, n > 0 and found[n - 1].plan == each.plan


def _about(each: Edition) -> list[str]:
    return [each.first or "open", each.last or "", "\n".join(each.standing), each.checked]


def page(told: dict[str, Any]) -> None:
    """One plan, in the order of `rules.page.page`."""
    console = text.console()
    text.line(console, f"{told['plan']}: {told['title']}", "bold")
    text.line(console, f"on {told['on']}")
    text.section(console, "Payers", [", ".join(told["payers"])])
    text.section(console, "Changed by overlays", told["overlays"])
    text.section(console, "Every line", told["settings"])
    text.section(console, "Kinds of work decided whole", map(_sentence, told["kinds"]))
    text.section(console, "Asked of every activity", map(_sentence, told["every_activity"]))
    for service in told["services"]:
        _service(console, service)
    text.section(console, "Not in force on this day", told["not_in_force"])
    sorts = _sorts(told["roles"]["staff"])
    text.section(console, "Sorts of staff", [f"{s}: {w}" for w, s in sorts.items() if s != w])
    if told["codes"]:
        text.line(console, "")
        text.line(console, "What earns each code", "bold")
        keys = ("code", "units", "staff", "standing", "cite")
        headings = ("code", "how much", "staff who may earn it", "standing", "source")
        named = [
            row | {"staff": "; ".join(sorts[s] for s in row["staff"])} for row in told["codes"]
        ]
        rows = [[row[key] for key in keys] for row in named]
        console.print(text.columns(headings, rows, whole=("code", "standing", "source")))
    if told["roles"]["rows"]:
        text.line(console, "")
        text.line(console, "Which staff may earn which code", "bold")
        console.print(_matrix(told["roles"], sorts, wide=console.width >= WIDE))
        text.section(console, "Groups of staff", told["staff_groups"])
    text.section(console, "No export shows these; attest them", told["cannot_check"])
    text.section(console, "Sources", told["sources"])
    text.out(console)


def _service(console: Console, told: dict[str, Any]) -> None:
    text.line(console, "")
    text.line(console, f"{told['service']}, {told['in_force']}", "bold")
    text.line(console, f"{told['title']} [{told['cite']}]")
    parts = [
        ("changed", told["overlays"]),
        ("takes", [told["takes"]]),
        ("counted", [told["counted"], *told["clocks"]]),
        ("asks", map(_sentence, told["asks"])),
        ("earns", map(_sentence, told["earns"])),
        ("limits", map(_sentence, told["limits"])),
        ("notes", told["notes"]),
        ("attest", told["cannot_check"]),
    ]
    grid = text.grid()
    for label, sentences in parts:
        for n, sentence in enumerate(sentences):
            grid.add_row("" if n else label, printable(sentence))
    console.print(grid)


def _sentence(said: dict[str, str]) -> str:
    """`99487: 1 unit at 31 minutes …. published [micmt-99487]`, and the payer's reason."""
    why = f" ({said['why']})" if said["why"] else ""
    standing = f"{said['standing']} " if said["standing"] else ""
    return f"{said['say']}{why}. {standing}[{said['cite']}]"


def changes(found: Sequence[Changed]) -> None:
    """A line for each key that differs, below the name of its file."""
    console = text.console()
    if not found:
        print("no rule differs", file=sys.stderr)
    file = None
    for each in found:
        if each.file != file:
            text.line(console, each.file, "bold")
        file = each.file
        grid = text.grid()
        key = f"{each.key}: " if each.key else ""
        before, after = each.before or "(not there)", each.after or "(gone)"
        grid.add_row("", printable(f"{key}{before} → {after}"))
        console.print(grid)
    text.out(console)


def lines_changed(rows: Sequence[Sequence[str]]) -> None:
    """Which patients' claims an overlay changes."""
    headings = ("patient", "plan", "month", "code", "units", "charge", "expected")
    if not rows:
        print("no claim changes", file=sys.stderr)
        return
    console = text.console()
    console.print(text.columns(headings, rows, whole=headings))
    text.out(console)


def _sorts(staff: Sequence[str]) -> dict[str, str]:
    """What each sort of staff is called in the tables: itself, or a letter where one is long."""
    if all(len(words) <= LONG for words in staff):
        return {words: words for words in staff}
    return dict(zip(staff, ascii_uppercase, strict=False))


def _matrix(roles: dict[str, Any], sorts: dict[str, str], *, wide: bool) -> Table:
    headings = ("kind", "mode", *(sorts[words] for words in roles["staff"]))
    rows = []
    before = None
    for row in roles["rows"]:
        kind = "" if row["kind"] == before else row["kind"]
        before = row["kind"]
        modes = row["mode"] if wide else row["mode"].replace(", ", ",\n")
        rows.append([kind, modes, *(codes or NOTHING for codes in row["codes"])])
    return text.columns(headings, rows, whole=("kind",) if wide else ("kind", "mode"))
