"""`ccbill rules`: read the rules, check them, copy them and see what a change of them changes."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccbill import complete, options
from ccbill.errors import CcbillError, Exit, Message
from ccbill.manual import Group, command, exits

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    name="rules",
    cls=Group,
    no_args_is_help=True,
    help="""Read, check, change and compare the payers' rules.

    [bold]Examples[/bold]
    ccbill rules list
    ccbill rules show PLAN
    ccbill rules check my-rules
    """,
    short_help="Read, check, change and compare the payers' rules.",
    epilog=exits(Exit.INPUT, Exit.OUTPUT, found="`rules check` found an example that fails"),
)

Overlays = Annotated[
    list[Path] | None,
    typer.Option(
        "--rules",
        "--overlay",
        metavar="DIR",
        help="Overlay to lay over the rules; repeatable.",
        rich_help_panel=options.RULES,
    ),
]
On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="DATE",
        help="The rules in force on this day.",
        rich_help_panel=options.SCOPE,
    ),
]


@command(app, "list")
def list_command(
    on: On = None,
    rules: Overlays = None,
    config: options.Config = None,
    as_json: options.AsJson = False,
) -> None:
    """List plans and services: codes, dates, standing, and when each was last checked.

    [bold]Examples[/bold]
    ccbill rules list
    ccbill rules list --on 2026-10-01
    """
    from dataclasses import asdict  # noqa: PLC0415

    from ccbill.report import rules_text  # noqa: PLC0415
    from ccbill.rules import catalog, load  # noqa: PLC0415

    plans = load.plans(_overlays(rules, config))
    found = catalog.editions(plans, None if on is None else catalog.on_day(on))
    if as_json:
        options.print_json({"editions": [asdict(each) for each in found]})
    else:
        rules_text.editions(found)


@command(app, "show")
def show_command(
    plan: Annotated[
        str,
        typer.Argument(
            metavar="PLAN", help="A plan of `ccbill rules list`.", autocompletion=complete.plans
        ),
    ],
    on: On = None,
    rules: Overlays = None,
    config: options.Config = None,
    today: options.Today = None,
    as_json: options.AsJson = False,
) -> None:
    """Show a plan's rules in words, each with its source and standing, and who may earn what.

    [bold]Examples[/bold]
    ccbill rules show PLAN
    ccbill rules show PLAN --on 2025-01-01 --overlay my-rules
    """
    from ccbill.report import rules_text  # noqa: PLC0415
    from ccbill.rules import catalog, load, page  # noqa: PLC0415

    found = catalog.named(load.plans(_overlays(rules, config)), plan)
    day = catalog.on_day(on) if on else catalog.on_day(_today(today), "--today")
    told = page.page(found, day)
    if as_json:
        options.print_json(told)
    else:
        rules_text.page(told)


@command(app, "check", found="an example fails")
def check_command(
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="DIR…", help="Overlays to check.")
    ] = None,
    rules: Overlays = None,
    config: options.Config = None,
    as_json: options.AsJson = False,
) -> None:
    """Check every rule file and bill every example in it; exit 1 where an example fails.

    [bold]Examples[/bold]
    ccbill rules check
    ccbill rules check my-rules
    """
    from ccbill.rules import examples, load  # noqa: PLC0415

    plans = load.plans(_overlays([*(folders or ()), *(rules or ())], config))
    failing = [message for plan in plans for message in examples.failures(plan)]
    services = [service for plan in plans for service in plan.services]
    counts = {
        "plans": len(plans),
        "rule_files": len(services),
        "examples": sum(len(service.examples) for service in services),
        "failing": len(failing),
    }
    if as_json:
        options.print_json(counts | {"failures": [str(message) for message in failing]})
    else:
        print(
            f"{counts['plans']} plans, {counts['rule_files']} rule files, "
            f"{counts['examples']} examples: {len(failing) or 'none'} failing"
        )
    if failing:
        raise CcbillError(Exit.FOUND, *failing)


@command(app, "export", Exit.OUTPUT)
def export_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the copies.")],
    plan: Annotated[
        str | None,
        typer.Argument(
            metavar="PLAN", help="This plan's files only.", autocompletion=complete.plans
        ),
    ] = None,
    today: options.Today = None,
) -> None:
    """Copy the shipped rule files to begin an overlay with; nothing is overwritten.

    [bold]Examples[/bold]
    ccbill rules export my-rules PLAN
    """
    from ccbill.rules import catalog, load, template  # noqa: PLC0415

    plans = load.shipped()
    names = [catalog.named(plans, plan).name] if plan else [each.name for each in plans]
    day = _today(today)
    catalog.on_day(day, "--today")
    for path in template.export(folder, names, day):
        print(path)


@command(app, "diff", Exit.INPUT)
def diff_command(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="A B | EXPORT…",
            help="Two of: shipped, an overlay's folder, PLAN, PLAN@DATE. With --overlay: exports.",
        ),
    ],
    overlay: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="Bill the exports with and without it; repeatable.",
            rich_help_panel=options.SCOPE,
        ),
    ] = None,
    rules: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="Overlay that PLAN is read with; repeatable.",
            rich_help_panel=options.RULES,
        ),
    ] = None,
    patients: options.Patients = None,
    staff: options.Staff = None,
    fees: options.Fees = None,
    sheet: options.Sheet = None,
    config: options.Config = None,
    today: options.Today = None,
    as_json: options.AsJson = False,
) -> None:
    """Show what changed between two sets of rules, or whose claims an overlay changes.

    [bold]Examples[/bold]
    ccbill rules diff shipped my-rules
    ccbill rules diff PLAN@2025-01-01 PLAN@2026-01-01
    ccbill rules diff --overlay my-rules activities.csv --fees fees.csv
    """
    if not overlay:
        _diff_rules(what, _overlays(rules, config), as_json=as_json)
        return
    from ccbill.compare import compare  # noqa: PLC0415
    from ccbill.rules.catalog import on_day  # noqa: PLC0415
    from ccbill.run import Request  # noqa: PLC0415

    day = _today(today)
    on_day(day, "--today")
    request = Request(
        exports=what,
        out=Path(),
        today=date.fromisoformat(day),
        patients=patients,
        staff=staff,
        fees=fees,
        sheet=sheet,
        config=config,
        dry_run=True,
    )
    _show_lines(compare(request, overlay), as_json=as_json)


def _diff_rules(what: list[str], overlays: list[Path], *, as_json: bool) -> None:
    from dataclasses import asdict  # noqa: PLC0415

    from ccbill.report import rules_text  # noqa: PLC0415
    from ccbill.rules import catalog, diff  # noqa: PLC0415

    if len(what) != 2:
        raise CcbillError(
            Exit.REFUSED,
            Message(
                "rules diff",
                f"takes two sets of rules, and {len(what)} stand here",
                "Nothing was read or written.",
                "name two folders or plans, or give --overlay DIR with exports",
            ),
        )
    found = diff.changed(*(catalog.rule_files(each, overlays) for each in what))
    if as_json:
        options.print_json({"changes": [asdict(each) for each in found]})
    else:
        rules_text.changes(found)


def _show_lines(lines: pd.DataFrame, *, as_json: bool) -> None:
    from ccbill.report import rules_text  # noqa: PLC0415
    from ccbill.tables import UNKNOWN  # noqa: PLC0415

    rows = lines.to_dict("records")
    if as_json:
        options.print_json(
            {"lines": [{k: None if v == UNKNOWN else v for k, v in row.items()} for row in rows]}
        )
        return

    def money(cents: int) -> str:
        return "?" if cents == UNKNOWN else f"{cents // 100:,}.{cents % 100:02}"

    rules_text.lines_changed(
        [
            [
                *(str(row[name]) for name in ("patient_id", "plan", "month", "code")),
                f"{row['units_before']} → {row['units_after']}",
                f"{money(row['charge_before'])} → {money(row['charge_after'])}",
                f"{money(row['expected_payment_before'])} → {money(row['expected_payment_after'])}",
            ]
            for row in rows
        ]
    )


def _overlays(named: list[Path] | None, config_file: Path | None) -> list[Path]:
    """The overlays of the settings, then those named."""
    from ccbill import config  # noqa: PLC0415

    return [*config.load(config_file).overlays, *(named or ())]


def _today(text: str | None) -> str:
    return date.today().isoformat() if text is None else text
