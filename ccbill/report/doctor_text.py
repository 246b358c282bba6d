"""What `ccbill doctor` found, as text on standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccbill.report import text
from ccbill.report.console import printable

if TYPE_CHECKING:
    from ccbill.doctor import Found

NUMBERS = ("rules", "published", "read", "assumed")
STYLES = {"ok": "green", "look": "yellow", "wrong": "bold red"}


def found(told: Found) -> None:
    """The checks, the settings, the plans, and the line for cron."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = text.console()
    checks = Table.grid(padding=(0, 2, 0, 0))
    checks.add_column(no_wrap=True)
    checks.add_column(no_wrap=True)
    checks.add_column(overflow="fold")
    for check in told.checks:
        said = printable(check.what) + (f"\nfix: {check.fix}" if check.fix else "")
        checks.add_row(Text(check.state, STYLES[check.state]), check.name, said)
    console.print(checks)
    text.line(console, "")
    text.line(console, "Settings", "bold")
    rows = [[each.name, each.value, each.source] for each in told.settings]
    console.print(text.columns(("setting", "value", "from"), rows, whole=("setting", "from")))
    text.line(console, "")
    text.line(console, "Rules in force", "bold")
    headings = ("plan", "rules", "last checked", "published", "read", "assumed")
    plans = [
        [each.plan, *map(str, (each.rules, each.checked, each.published, each.read, each.assumed))]
        for each in told.plans
    ]
    table = text.columns(headings, plans, whole=headings)
    for column in (each for each in table.columns if each.header in NUMBERS):
        column.justify = "right"
    console.print(table)
    text.line(console, "")
    text.line(console, "A line for cron, to be completed", "bold")
    text.out(console)
    print(printable(told.cron))
