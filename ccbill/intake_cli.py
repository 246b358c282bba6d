"""`ccbill check`, `ccbill init` and `ccbill template`: from a new export to its first run."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ccbill import options
from ccbill.cells.limits import Limits
from ccbill.errors import CcbillError, Exit, Message

NOTHING = "Nothing was written."


def check_command(
    exports: options.Exports,
    structure: Annotated[
        bool,
        typer.Option(
            "--structure",
            help="Any table: sheets, headings and rows, no columns.",
            rich_help_panel=options.SCOPE,
        ),
    ] = False,
    patients: options.Patients = None,
    staff: options.Staff = None,
    fees: options.Fees = None,
    sheet: options.Sheet = None,
    rules: options.Rules = None,
    config: options.Config = None,
    today: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DATE",
            envvar="CCBILL_TODAY",
            help="Take this as today's date.",
            rich_help_panel=options.RULES,
        ),
    ] = None,
    fail_on: Annotated[
        options.FailOn,
        typer.Option(
            metavar="WHEN",
            help="Exit 1 at a row that is held (hold), or also at a note (note).",
            rich_help_panel=options.OUTPUT,
        ),
    ] = options.FailOn.NEVER,
    workbook_seconds: options.WorkbookSeconds = None,
    workbook_megabytes: options.WorkbookMegabytes = None,
    as_json: options.AsJson = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            help="Say nothing where nothing is held or new.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
) -> None:
    """Show what a run would read, hold and leave out. Nothing is billed and nothing written.

    [bold]Examples[/bold]
    ccbill check activities.csv --patients patients.csv
    ccbill check --structure anything.xlsx   sheets and headings, no columns looked for
    """
    from ccbill.report import check_text  # noqa: PLC0415  (pandas only where it is used)

    limits = Limits(workbook_seconds, workbook_megabytes)
    if structure:
        from ccbill.config import load  # noqa: PLC0415
        from ccbill.structure import structure as structure_of  # noqa: PLC0415

        found = structure_of(exports, sheet, limits.over(load(config).workbook))
        if as_json:
            options.print_json(found)
        elif not quiet:
            check_text.structure(found)
        return
    from ccbill.check import check  # noqa: PLC0415
    from ccbill.inputs import Asked  # noqa: PLC0415

    day = (today or datetime.now()).date()
    told = check(Asked(exports, day, patients, staff, fees, sheet, config, rules or (), limits))
    held = told["rows"]["held"] > 0
    noted = any(each["outcome"] == "noted" for each in told["problems"]) or told["notes"]
    if as_json:
        options.print_json(told)
    elif not quiet or held or told["words"] or noted:
        check_text.check(told)
    if (held and fail_on is not options.FailOn.NEVER) or (noted and fail_on is options.FailOn.NOTE):
        raise typer.Exit(Exit.FOUND)


def init_command(
    exports: options.Exports,
    patients: options.Patients = None,
    staff: options.Staff = None,
    sheet: options.Sheet = None,
    config: options.Config = None,
    out: Annotated[
        Path,
        typer.Option(metavar="FILE", help="The file to write.", rich_help_panel=options.OUTPUT),
    ] = Path("ccbill.toml"),
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Replace the file; what it sets is kept.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
) -> None:
    """Write a ccbill.toml to complete: the columns found, those missing, and the unknown words.

    [bold]Examples[/bold]
    ccbill init activities.csv
    ccbill init activities.csv --patients patients.csv --staff staff.csv
    """
    if out.exists() and not force:
        what, fix = "is there already", "name another file with --out, or replace it with --force"
        raise CcbillError(Exit.REFUSED, Message(str(out), what, NOTHING, fix))
    from ccbill.config import NAME  # noqa: PLC0415
    from ccbill.init import draft  # noqa: PLC0415  (pandas only where it is used)
    from ccbill.report import private  # noqa: PLC0415

    made = draft(exports, patients=patients, staff=staff, sheet=sheet, config_file=config, out=out)
    with private.replaced(out) as file:
        file.write(made.text.encode())
    named = {"--patients": patients, "--staff": staff, "--sheet": sheet}
    named["--config"] = out if out != Path(NAME) else None
    words = [*exports, *(f"{name} {value}" for name, value in named.items() if value)]
    print(
        f"wrote {out}: columns to name: {made.columns}, words to explain: {made.words}\n"
        f"next  complete it, then see what is read: ccbill check {' '.join(words)}",
        file=sys.stderr,
    )


def template_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="The workbook to write.")],
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace the file.", rich_help_panel=options.OUTPUT),
    ] = False,
) -> None:
    """Write a blank activity log, with drop-downs and with what payers want documented.

    [bold]Examples[/bold]
    ccbill template log.xlsx   fill it in, then: ccbill run log.xlsx
    """
    if file.suffix.lower() != ".xlsx":
        fix = f"name it {file.with_suffix('.xlsx').name}"
        raise CcbillError(Exit.REFUSED, Message(str(file), "is no .xlsx file", NOTHING, fix))
    if file.exists() and not force:
        what, fix = "is there already", "name another file, or replace it with --force"
        raise CcbillError(Exit.REFUSED, Message(str(file), what, NOTHING, fix))
    from ccbill.report import private  # noqa: PLC0415
    from ccbill.template import workbook  # noqa: PLC0415

    with private.replaced(file) as written:
        written.write(workbook())
    print(f"wrote {file}; its sheet Instructions says how to fill it in", file=sys.stderr)
