"""Rules as text on standard output: at most 100 columns, with colour on a terminal only."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from ccbill.report.console import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ccbill.rules.catalog import Edition
    from ccbill.rules.diff import Changed

WIDEST = 100
LONG = 20  # letters in the heading of a column of the matrix
NOTHING = "-"


def editions(found: Sequence[Edition]) -> None:
    """A line for each edition: its plan, service, codes, dates, standing and last check."""
    headings = ("plan", "service", "codes", "from", "to", "standing", "checked")
    rows = []
    for n, each in enumerate(found):
        again = n > 0 and found[n - 1].plan == each.plan
        rows.append(
            [
                "" if again else each.plan,
                each.service,
                ", ".join(each.codes),
                each.first or "open",
                each.last or "",
                "\n".join(each.standing),
                each.checked,
            ]
        )
    console = _console()
    whole = tuple(name for name in headings if name != "codes")
    console.print(_columns(headings, rows, whole))
    changed = [f"{each.plan} {each.service}: {who}" for each in found for who in each.changed_by]
    _section(console, "Changed by overlays", changed)
    _out(console)


def page(told: dict[str, Any]) -> None:
    """One plan, in the order of `rules.page.page`."""
    console = _console()
    _line(console, f"{told['plan']}: {told['title']}", "bold")
    _line(console, f"on {told['on']}")
    _section(console, "Payers", [", ".join(told["payers"])])
    _section(console, "Changed by overlays", told["overlays"])
    _section(console, "Every line", told["settings"])
    _section(console, "Kinds of work decided whole", map(_sentence, told["kinds"]))
    _section(console, "Asked of every activity", map(_sentence, told["every_activity"]))
    for service in told["services"]:
        _service(console, service)
    _section(console, "Not in force on this day", told["not_in_force"])
    sorts = _sorts(told["roles"]["staff"])
    _section(console, "Sorts of staff", [f"{s}: {w}" for w, s in sorts.items() if s != w])
    if told["codes"]:
        _line(console, "")
        _line(console, "What earns each code", "bold")
        keys = ("code", "units", "staff", "standing", "cite")
        headings = ("code", "how much", "staff who may earn it", "standing", "source")
        named = [
            row | {"staff": "; ".join(sorts[s] for s in row["staff"])} for row in told["codes"]
        ]
        rows = [[row[key] for key in keys] for row in named]
        console.print(_columns(headings, rows, whole=("code", "standing", "source")))
    if told["roles"]["rows"]:
        _line(console, "")
        _line(console, "Which staff may earn which code", "bold")
        console.print(_matrix(told["roles"], sorts))
        _section(console, "Groups of staff", told["staff_groups"])
    _section(console, "No export shows these; attest them", told["cannot_check"])
    _section(console, "Sources", told["sources"])
    _out(console)


def _service(console: Console, told: dict[str, Any]) -> None:
    _line(console, "")
    _line(console, f"{told['service']}, {told['in_force']}", "bold")
    _line(console, f"{told['title']} [{told['cite']}]")
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
    grid = _grid()
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
    console = _console()
    if not found:
        print("no rule differs", file=sys.stderr)
    file = None
    for each in found:
        if each.file != file:
            _line(console, each.file, "bold")
        file = each.file
        grid = _grid()
        key = f"{each.key}: " if each.key else ""
        before, after = each.before or "(not there)", each.after or "(gone)"
        grid.add_row("", printable(f"{key}{before} → {after}"))
        console.print(grid)
    _out(console)


def lines_changed(rows: Sequence[Sequence[str]]) -> None:
    """Which patients' claims an overlay changes."""
    headings = ("patient", "plan", "month", "code", "units", "charge", "expected")
    if not rows:
        print("no claim changes", file=sys.stderr)
        return
    console = _console()
    console.print(_columns(headings, rows, whole=headings))
    _out(console)


def _sorts(staff: Sequence[str]) -> dict[str, str]:
    """What each sort of staff is called in the tables: itself, or a letter where one is long."""
    if all(len(words) <= LONG for words in staff):
        return {words: words for words in staff}
    return dict(zip(staff, ascii_uppercase, strict=False))


def _matrix(roles: dict[str, Any], sorts: dict[str, str]) -> Table:
    headings = ("kind", "mode", *(sorts[words] for words in roles["staff"]))
    rows = []
    before = None
    for row in roles["rows"]:
        kind = "" if row["kind"] == before else row["kind"]
        before = row["kind"]
        rows.append([kind, row["mode"], *(codes or NOTHING for codes in row["codes"])])
    return _columns(headings, rows, whole=("kind",))


def _section(console: Console, heading: str, sentences: Iterable[str]) -> None:
    said = list(sentences)
    if not said:
        return
    _line(console, "")
    _line(console, heading, "bold")
    grid = _grid(label=0)
    for sentence in said:
        grid.add_row("", printable(sentence))
    console.print(grid)


def _grid(label: int = 7) -> Table:
    from rich.table import Table  # noqa: PLC0415

    grid = Table.grid(padding=(0, 1, 0, 0), expand=False)
    grid.add_column(width=label + 1, no_wrap=True, justify="right" if label else "left")
    grid.add_column(overflow="fold")
    return grid


def _columns(
    headings: Sequence[str], rows: Sequence[Sequence[str]], whole: Sequence[str] = ()
) -> Table:
    """A table whose columns wrap at spaces, but for those that are kept `whole`."""
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, header_style="bold", overflow="fold", no_wrap=heading in whole)
    for row in rows:
        table.add_row(*(printable(cell) if "\n" not in cell else cell for cell in row))
    return table


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(printable(text), style=style)


def _out(console: Console) -> None:
    """Prints what the console has gathered, without blanks at the ends of lines."""
    for line in console.end_capture().splitlines():
        print(line.rstrip())


def _console() -> Console:
    """A console that gathers text for standard output; see `_out`."""
    from rich.console import Console  # noqa: PLC0415

    terminal = sys.stdout.isatty()
    plain = not terminal or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    console = Console(
        file=sys.stdout,
        width=min(shutil.get_terminal_size().columns, WIDEST) if terminal else WIDEST,
        color_system=None if plain else "auto",
        no_color=plain,
        markup=False,
        emoji=False,
        highlight=False,
    )
    console.begin_capture()
    return console
