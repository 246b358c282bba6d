"""`ccbill check`, `ccbill init` and `ccbill template`: from a new export to its first run."""

from __future__ import annotations

import contextlib
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ccbill.cells.limits import Limits
from ccbill.errors import CcbillError, Exit, Message

NOTHING = "Nothing was written."
Exports = Annotated[
    list[str], typer.Argument(metavar="EXPORT", help="Activity exports; - is standard input.")
]
Patients = Annotated[Path | None, typer.Option(help="Patients' details and payers.")]
Staff = Annotated[Path | None, typer.Option(help="Credentials and training of staff.")]
Sheet = Annotated[str | None, typer.Option(help="Sheet of a workbook that has several.")]
Config = Annotated[Path | None, typer.Option(help="The ccbill.toml to use.")]
Rules = Annotated[
    list[Path] | None,
    typer.Option(metavar="DIR", help="Overlay of the practice's own rules; repeatable."),
]


class FailOn(StrEnum):
    NEVER = "never"
    NOTE = "note"
    HOLD = "hold"


def check_command(
    exports: Exports,
    structure: Annotated[
        bool,
        typer.Option("--structure", help="Any table: sheets, headings and rows, no columns."),
    ] = False,
    patients: Patients = None,
    staff: Staff = None,
    fees: Annotated[Path | None, typer.Option(help="Fee schedule.")] = None,
    sheet: Sheet = None,
    rules: Rules = None,
    config: Config = None,
    today: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DATE",
            envvar="CCBILL_TODAY",
            help="Take this as today's date.",
        ),
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit 1 where a row is held, or also where there is a note.")
    ] = FailOn.NEVER,
    workbook_seconds: Annotated[
        float | None,
        typer.Option(min=0, metavar="SECONDS", help="How long reading one workbook may take."),
    ] = None,
    workbook_megabytes: Annotated[
        int | None,
        typer.Option(min=1, metavar="MB", help="How much memory reading one workbook may take."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Say nothing where nothing is held or new.")
    ] = False,
) -> None:
    """Show what a run would read, hold and leave out. Nothing is billed and nothing written.

    [bold]ccbill check activities.csv --patients patients.csv[/bold]

    [bold]ccbill check --structure anything.xlsx[/bold]
    """
    from ccbill.report import check_text  # noqa: PLC0415  (pandas only where it is used)

    limits = Limits(workbook_seconds, workbook_megabytes)
    if structure:
        from ccbill.config import load  # noqa: PLC0415
        from ccbill.structure import structure as structure_of  # noqa: PLC0415

        found = structure_of(exports, sheet, limits.over(load(config).workbook))
        if as_json:
            _print_json(found)
        elif not quiet:
            check_text.structure(found)
        return
    from ccbill.check import Request, check  # noqa: PLC0415

    day = (today or datetime.now()).date()
    told = check(Request(exports, day, patients, staff, fees, sheet, config, rules or (), limits))
    held = told["rows"]["held"] > 0
    noted = any(each["outcome"] == "noted" for each in told["problems"]) or told["notes"]
    if as_json:
        _print_json(told)
    elif not quiet or held or told["words"] or noted:
        check_text.check(told)
    if (held and fail_on is not FailOn.NEVER) or (noted and fail_on is FailOn.NOTE):
        raise typer.Exit(Exit.FOUND)


def init_command(
    exports: Exports,
    patients: Patients = None,
    staff: Staff = None,
    sheet: Sheet = None,
    config: Config = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("ccbill.toml"),
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file; what it sets is kept.")
    ] = False,
) -> None:
    """Write a ccbill.toml to complete: the columns found, those missing, and the unknown words.

    [bold]ccbill init activities.csv --patients patients.csv --staff staff.csv[/bold]
    """
    if out.exists() and not force:
        what, fix = "is there already", "name another file with --out, or replace it with --force"
        raise CcbillError(Exit.REFUSED, Message(str(out), what, NOTHING, fix))
    from ccbill.config import NAME  # noqa: PLC0415
    from ccbill.init import draft  # noqa: PLC0415  (pandas only where it is used)

    made = draft(exports, patients=patients, staff=staff, sheet=sheet, config_file=config, out=out)
    _write(out, made.text.encode())
    options = {"--patients": patients, "--staff": staff, "--sheet": sheet}
    options["--config"] = out if out != Path(NAME) else None
    words = [*exports, *(f"{name} {value}" for name, value in options.items() if value)]
    print(
        f"wrote {out}: columns to name: {made.columns}, words to explain: {made.words}\n"
        f"next  complete it, then see what is read: ccbill check {' '.join(words)}",
        file=sys.stderr,
    )


def template_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="The workbook to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """Write a blank activity log, with drop-downs and with what payers want documented.

    [bold]ccbill template log.xlsx[/bold], filled in, can be billed with [bold]ccbill run[/bold].
    """
    if file.suffix.lower() != ".xlsx":
        fix = f"name it {file.with_suffix('.xlsx').name}"
        raise CcbillError(Exit.REFUSED, Message(str(file), "is no .xlsx file", NOTHING, fix))
    if file.exists() and not force:
        what, fix = "is there already", "name another file, or replace it with --force"
        raise CcbillError(Exit.REFUSED, Message(str(file), what, NOTHING, fix))
    from ccbill.template import workbook  # noqa: PLC0415

    _write(file, workbook())
    print(f"wrote {file}; its sheet Instructions says how to fill it in", file=sys.stderr)


def _write(path: Path, content: bytes) -> None:
    """The file whole or not at all, for its owner alone; CcbillError where it cannot be written."""
    from ccbill.report import private  # noqa: PLC0415

    staged = path.with_name(f".{path.name}.tmp")
    try:
        staged.unlink(missing_ok=True)
        with private.create(staged) as file:
            file.write(content)
        staged.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            staged.unlink(missing_ok=True)
        raise private.output_error(path, error, ()) from None


def _print_json(told: dict[str, Any]) -> None:
    import json  # noqa: PLC0415

    print(json.dumps({"schema_version": 1, **told}, indent=2, ensure_ascii=False))
