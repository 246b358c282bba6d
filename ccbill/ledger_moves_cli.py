"""`ccbill ledger import`, `export` and `merge`: what comes into a ledger, and what goes out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ccbill import complete, options
from ccbill.errors import counted
from ccbill.ledger_command import date_of, moment_of, opened, say


def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV laid out as claims.csv.")],
    at: options.LedgerFile = None,
    config: options.Config = None,
    lock_timeout: options.LockTimeout = None,
    today: options.Today = None,
    as_json: options.AsJson = False,
) -> None:
    """Bring in what was billed before ccbill, so that it is not billed again.

    [bold]Examples[/bold]
    ccbill ledger import billed-before.csv
    """
    from hashlib import sha256  # noqa: PLC0415

    from ccbill import config as settings_of  # noqa: PLC0415
    from ccbill import recorded  # noqa: PLC0415
    from ccbill.ledger import carry, store  # noqa: PLC0415
    from ccbill.rules import load  # noqa: PLC0415

    settings = settings_of.load(config)
    plans = load.plans(settings.overlays)
    practice = settings.practice
    fill = {"billing_npi": practice.npi, "rendering_npi": practice.rendering_npi}
    lines = carry.read_history(file, [plan.name for plan in plans], fill)
    told = {
        "inputs": [{"file": file.name, "sha256": sha256(file.read_bytes()).hexdigest()}],
        "counts": {"lines": len(lines)},
    }
    day = date_of(today).isoformat()
    with opened(at, config, lock_timeout, make=True) as ledger, store.writing(ledger):
        about = recorded.terms(plans)
        done = carry.bring_in(ledger, lines, about, told, moment_of(today), day)
    words = f"run {done.run}: {counted(len(lines), 'line')} on {counted(done.claims, 'claim')}"
    words += f" {'counts' if len(lines) == 1 else 'count'} as billed"
    say(words, {"run": done.run, "claims": done.claims, "lines": len(lines)}, as_json=as_json)


def export_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .csv or .parquet to write.")],
    run: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="This run's lines, not all that stand.",
            rich_help_panel=options.SCOPE,
            autocompletion=complete.runs,
        ),
    ] = None,
    at: options.LedgerFile = None,
    config: options.Config = None,
    as_json: options.AsJson = False,
) -> None:
    """Write the submitted lines that stand, or a run's, in the layout of claims.csv.

    [bold]Examples[/bold]
    ccbill ledger export billed.csv
    ccbill ledger export voids.csv --run 4
    """
    from ccbill.ledger import carry, submit  # noqa: PLC0415
    from ccbill.report import single  # noqa: PLC0415

    single.check(file)
    with opened(at, config) as ledger:
        if run is not None:
            submit.status_of(ledger, run)
        lines = carry.standing_lines(ledger) if run is None else carry.lines_of(ledger, run)
    single.write(lines, file)
    say(
        f"{counted(len(lines), 'line')}: {file}",
        {"file": str(file), "lines": len(lines)},
        as_json=as_json,
    )


def merge_command(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The id that was billed under.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The id that the patient has now.")],
    at: options.LedgerFile = None,
    config: options.Config = None,
    lock_timeout: options.LockTimeout = None,
    today: options.Today = None,
    as_json: options.AsJson = False,
) -> None:
    """Say that two ids are one patient, so that each counts for the other.

    [bold]Examples[/bold]
    ccbill ledger merge 004217 118204
    """
    from ccbill.ledger import carry, store  # noqa: PLC0415
    from ccbill.ledger.record import event  # noqa: PLC0415

    with opened(at, config, lock_timeout) as ledger, store.writing(ledger):
        carry.merge(ledger, old, new)
        event(ledger, "merged", None, moment_of(today), old=old, new=new)
    say("the two ids are one patient from now on", {"merged": True}, as_json=as_json)
