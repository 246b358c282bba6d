"""`ccbill ledger`: what was billed, what is a draft, and how one becomes the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccbill import complete, ledger_moves_cli, options
from ccbill.errors import CcbillError, Exit, Message, counted
from ccbill.ledger_command import NOTHING, moment_of, opened, say, table
from ccbill.manual import Group, command, exits

if TYPE_CHECKING:
    from ccbill.ledger.submit import Changed

app = typer.Typer(
    name="ledger",
    cls=Group,
    no_args_is_help=True,
    help="""See, submit and correct what was billed.

    [bold]Examples[/bold]
    ccbill ledger runs
    ccbill ledger submit 3
    ccbill ledger history 004217
    """,
    short_help="See, submit and correct what was billed.",
    epilog=exits(Exit.INPUT, Exit.OUTPUT, Exit.BUSY, found="`ledger verify` found something"),
)

A_RUN = "A run of `ccbill ledger runs`."
Run = Annotated[int, typer.Argument(metavar="N", help=A_RUN, autocompletion=complete.runs)]
SomeRun = Annotated[
    int | None, typer.Argument(metavar="N", help=A_RUN, autocompletion=complete.runs)
]
Claim = Annotated[
    str | None,
    typer.Option(metavar="ID", help="This claim only.", rich_help_panel=options.SCOPE),
]


@command(app, "runs", Exit.OUTPUT)
def runs_command(
    at: options.LedgerFile = None, config: options.Config = None, as_json: options.AsJson = False
) -> None:
    """List the runs: drafts, submitted, replaced, void and rejected.

    [bold]Examples[/bold]
    ccbill ledger runs
    ccbill ledger runs --json
    """
    from ccbill.ledger import tell  # noqa: PLC0415

    with opened(at, config) as ledger:
        found = tell.runs(ledger)
    if as_json:
        options.print_json({"runs": found})
    else:
        heading = ["run", "status", "month", "created", "lines", "amount"]
        table(heading, [[each[name] for name in heading] for each in found])


@command(app, "show", Exit.OUTPUT)
def show_command(
    run: Run,
    at: options.LedgerFile = None,
    config: options.Config = None,
    as_json: options.AsJson = False,
) -> None:
    """Show one run: its lines by plan, month and code, and what it was made from.

    [bold]Examples[/bold]
    ccbill ledger show 3
    """
    from ccbill.ledger import tell  # noqa: PLC0415

    with opened(at, config) as ledger:
        told = tell.run(ledger, run)
    if as_json:
        options.print_json(told)
        return
    for name in ("run", "kind", "status", "month", "created", "user", "version", "lines", "amount"):
        value = told[name]
        print(f"{name:8} {value:,.2f}" if isinstance(value, float) else f"{name:8} {value}")
    print()
    heading = ["plan", "month", "code", "status", "lines", "units", "amount"]
    table(heading, [[each[name] for name in heading] for each in told["summary"]])


@command(app, "submit", Exit.INPUT, Exit.OUTPUT, Exit.BUSY)
def submit_command(
    run: Run,
    claim_numbers: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV with claim_id and payer_claim_number.",
            rich_help_panel=options.INPUTS,
        ),
    ] = None,
    at: options.LedgerFile = None,
    config: options.Config = None,
    lock_timeout: options.LockTimeout = None,
    today: options.Today = None,
    as_json: options.AsJson = False,
) -> None:
    """Say that a draft was sent: from now on it counts as billed.

    [bold]Examples[/bold]
    ccbill ledger submit 3
    ccbill ledger submit 3 --claim-numbers numbers.csv
    """
    from ccbill.ledger import carry, store, submit  # noqa: PLC0415

    numbers = carry.read_numbers(claim_numbers) if claim_numbers else None
    moment = moment_of(today)
    with opened(at, config, lock_timeout) as ledger, store.writing(ledger):
        done = submit.submit(ledger, run, moment)
        if numbers is not None:
            kept = submit.number_claims(ledger, numbers, run, moment)
    said = "is submitted already" if done.already else "is submitted"
    told: dict[str, Any] = {"run": run, "status": "submitted", "claims": done.claims}
    words = f"run {run} {said}: {counted(done.claims, 'claim')}"
    if numbers is not None:
        told |= {"numbered": kept.claims, "numbers_left": kept.left}
        words += f"; the payer's numbers of {counted(kept.claims, 'claim')} are kept"
        words += f", {kept.left:,} {_are(kept.left)} of no submitted claim" if kept.left else ""
    say(words, told, as_json=as_json)


@command(app, "void", Exit.OUTPUT, Exit.BUSY)
def void_command(
    run: SomeRun = None,
    claim: Claim = None,
    at: options.LedgerFile = None,
    config: options.Config = None,
    lock_timeout: options.LockTimeout = None,
    today: options.Today = None,
    as_json: options.AsJson = False,
) -> None:
    """Take back a submitted run, or one claim, that the payer has.

    [bold]Examples[/bold]
    ccbill ledger void 3
    ccbill ledger void --claim ID
    ccbill ledger export voids.csv --run 4   then writes the void claims to send
    """
    from ccbill.ledger import store, submit  # noqa: PLC0415

    _named(run, claim, "ledger void")
    with opened(at, config, lock_timeout) as ledger, store.writing(ledger):
        done = submit.void(ledger, moment_of(today), run=run, claim=claim)
    _corrected(done, "void", "taken back", as_json=as_json)


@command(app, "reject", Exit.OUTPUT, Exit.BUSY)
def reject_command(
    run: SomeRun = None,
    claim: Claim = None,
    at: options.LedgerFile = None,
    config: options.Config = None,
    lock_timeout: options.LockTimeout = None,
    today: options.Today = None,
    as_json: options.AsJson = False,
) -> None:
    """Say that a clearinghouse refused a run, or one claim: it is billable again as it was.

    [bold]Examples[/bold]
    ccbill ledger reject 3
    ccbill ledger reject --claim ID
    """
    from ccbill.ledger import store, submit  # noqa: PLC0415

    _named(run, claim, "ledger reject")
    with opened(at, config, lock_timeout) as ledger, store.writing(ledger):
        done = submit.reject(ledger, moment_of(today), run=run, claim=claim)
    _corrected(done, "rejected", "billable again", as_json=as_json)


@command(app, "history", Exit.INPUT, Exit.OUTPUT)
def history_command(
    patient: Annotated[str, typer.Argument(metavar="PATIENT", help="A patient's id.")],
    at: options.LedgerFile = None,
    config: options.Config = None,
    as_json: options.AsJson = False,
) -> None:
    """Show every line ever submitted for a patient, and which of them stand.

    [bold]Examples[/bold]
    ccbill ledger history 004217
    """
    from ccbill.ledger import tell  # noqa: PLC0415

    with opened(at, config) as ledger:
        lines = tell.history(ledger, patient)
    if as_json:
        options.print_json({"patient_id": patient, "lines": lines})
    else:
        heading = ["run", "claim_id", "plan", "service_from", "code", "units", "state"]
        for each in lines:
            each["code"] = " ".join(filter(None, (each["code"], each["modifiers"])))
        table(heading, [[each[name] for name in heading] for each in lines])


@command(app, "verify", Exit.OUTPUT, found="something differs")
def verify_command(
    at: options.LedgerFile = None, config: options.Config = None, as_json: options.AsJson = False
) -> None:
    """Recompute every receipt and say what differs; exit 1 where anything does.

    [bold]Examples[/bold]
    ccbill ledger verify
    """
    from ccbill.ledger import verify  # noqa: PLC0415

    with opened(at, config) as ledger:
        found = list(verify.differences(ledger))
        [runs] = ledger.db.execute("SELECT count(*) FROM runs").fetchone()
        path = ledger.path
    if as_json:
        different = [{"run": run, "what": what} for run, what in found]
        options.print_json({"runs": runs, "differences": different})
    elif not found:
        print(f"{counted(runs, 'run')}: every receipt fits")
    if found:
        fix = "put back your latest backup of the ledger"
        consequence = "The ledger was changed by something other than ccbill."
        raise CcbillError(
            Exit.FOUND,
            *(
                Message(str(path) if run is None else f"run {run}", what, consequence, fix)
                for run, what in found
            ),
        )


command(app, "import", Exit.INPUT, Exit.OUTPUT, Exit.BUSY)(ledger_moves_cli.import_command)
command(app, "export", Exit.OUTPUT)(ledger_moves_cli.export_command)
command(app, "merge", Exit.OUTPUT, Exit.BUSY)(ledger_moves_cli.merge_command)


def _named(run: int | None, claim: str | None, command: str) -> None:
    if run is None and claim is None:
        what = "names neither a run nor a claim"
        message = Message(command, what, NOTHING, "name a run, or --claim ID")
        raise CcbillError(Exit.REFUSED, message)


def _corrected(done: Changed, status: str, said: str, *, as_json: bool) -> None:
    words = f"run {done.run}: {counted(done.claims, 'claim')} {_are(done.claims)} {said}"
    stay = "was corrected since and stays" if done.left == 1 else "were corrected since and stay"
    words += f"; {done.left:,} {stay}" if done.left else ""
    told = {"run": done.run, "status": status, "claims": done.claims, "left": done.left}
    say(words, told, as_json=as_json)


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
