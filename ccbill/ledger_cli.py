"""`ccbill ledger`: what was billed, what is a draft, and how one becomes the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccbill import complete, options
from ccbill.errors import CcbillError, Exit, Message, counted
from ccbill.manual import Group, command, exits

if TYPE_CHECKING:
    from ccbill.ledger.store import Ledger
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

NOTHING = "Nothing was recorded."
NUMBERS = ("run", "lines", "units", "amount")

A_RUN = "A run of `ccbill ledger runs`."
Run = Annotated[int, typer.Argument(metavar="N", help=A_RUN, autocompletion=complete.runs)]
SomeRun = Annotated[
    int | None, typer.Argument(metavar="N", help=A_RUN, autocompletion=complete.runs)
]
Claim = Annotated[
    str | None,
    typer.Option(metavar="ID", help="This claim only.", rich_help_panel=options.SCOPE),
]


def ledger_path(named: Path | None, config_file: Path | None, *, there: bool = False) -> Path:
    """The ledger that a command is to use; `there` as in `store.chosen_path`."""
    from ccbill import config  # noqa: PLC0415
    from ccbill.ledger import store  # noqa: PLC0415

    return store.chosen_path(named, config.load(config_file).ledger_path, there=there)


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

    with _opened(at, config) as ledger:
        found = tell.runs(ledger)
    if as_json:
        options.print_json({"runs": found})
    else:
        heading = ["run", "status", "month", "created", "lines", "amount"]
        _table(heading, [[each[name] for name in heading] for each in found])


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

    with _opened(at, config) as ledger:
        told = tell.run(ledger, run)
    if as_json:
        options.print_json(told)
        return
    for name in ("run", "kind", "status", "month", "created", "user", "version", "lines", "amount"):
        value = told[name]
        print(f"{name:8} {value:,.2f}" if isinstance(value, float) else f"{name:8} {value}")
    print()
    heading = ["plan", "month", "code", "status", "lines", "units", "amount"]
    _table(heading, [[each[name] for name in heading] for each in told["summary"]])


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
    moment = _moment(today)
    with _opened(at, config, lock_timeout) as ledger, store.writing(ledger):
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
    _say(words, told, as_json=as_json)


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
    with _opened(at, config, lock_timeout) as ledger, store.writing(ledger):
        done = submit.void(ledger, _moment(today), run=run, claim=claim)
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
    with _opened(at, config, lock_timeout) as ledger, store.writing(ledger):
        done = submit.reject(ledger, _moment(today), run=run, claim=claim)
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

    with _opened(at, config) as ledger:
        lines = tell.history(ledger, patient)
    if as_json:
        options.print_json({"patient_id": patient, "lines": lines})
    else:
        heading = ["run", "claim_id", "plan", "service_from", "code", "units", "state"]
        for each in lines:
            each["code"] = " ".join(filter(None, (each["code"], each["modifiers"])))
        _table(heading, [[each[name] for name in heading] for each in lines])


@command(app, "verify", Exit.OUTPUT, found="something differs")
def verify_command(
    at: options.LedgerFile = None, config: options.Config = None, as_json: options.AsJson = False
) -> None:
    """Recompute every receipt and say what differs; exit 1 where anything does.

    [bold]Examples[/bold]
    ccbill ledger verify
    """
    from ccbill.ledger import verify  # noqa: PLC0415

    with _opened(at, config) as ledger:
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


@command(app, "import", Exit.INPUT, Exit.OUTPUT, Exit.BUSY)
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
    day = _day(today).isoformat()
    with _opened(at, config, lock_timeout, make=True) as ledger, store.writing(ledger):
        about = recorded.terms(plans)
        done = carry.bring_in(ledger, lines, about, told, _moment(today), day)
    words = f"run {done.run}: {counted(len(lines), 'line')} on {counted(done.claims, 'claim')}"
    words += f" {'counts' if len(lines) == 1 else 'count'} as billed"
    _say(words, {"run": done.run, "claims": done.claims, "lines": len(lines)}, as_json=as_json)


@command(app, "export", Exit.OUTPUT)
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
    with _opened(at, config) as ledger:
        if run is not None:
            submit.status_of(ledger, run)
        lines = carry.standing_lines(ledger) if run is None else carry.lines_of(ledger, run)
    single.write(lines, file)
    _say(
        f"{counted(len(lines), 'line')}: {file}",
        {"file": str(file), "lines": len(lines)},
        as_json=as_json,
    )


@command(app, "merge", Exit.OUTPUT, Exit.BUSY)
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

    with _opened(at, config, lock_timeout) as ledger, store.writing(ledger):
        carry.merge(ledger, old, new)
        event(ledger, "merged", None, _moment(today), old=old, new=new)
    _say("the two ids are one patient from now on", {"merged": True}, as_json=as_json)


@contextmanager
def _opened(
    at: Path | None, config_file: Path | None, patience: float | None = None, *, make: bool = False
) -> Iterator[Ledger]:
    """The ledger, with the files of interrupted runs in their place.

    One that is not there is made only where something is to be kept, else it is said to be missing.
    """
    from ccbill import config, handover  # noqa: PLC0415
    from ccbill.ledger import store  # noqa: PLC0415
    from ccbill.report import console  # noqa: PLC0415

    settings = config.load(config_file)
    path = store.chosen_path(at, settings.ledger_path, there=not make)
    named = (patience, settings.lock_timeout, store.PATIENCE)
    seconds = next(each for each in named if each is not None)
    with store.opened(path, seconds, make=make) as ledger:
        if ledger.path is store.MEMORY:
            _note(f"ledger: there is none yet at {path}; the first run makes it")
        done, failed = handover.finish_deliveries(ledger)
        for each in done:
            console.redelivered(each.run, each.files)
        if failed:
            console.messages(CcbillError(Exit.OUTPUT, *failed))
        yield ledger


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
    _say(words, told, as_json=as_json)


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _say(words: str, told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        options.print_json(told)
    else:
        _note(words)


def _note(words: str) -> None:
    import sys  # noqa: PLC0415

    print(words, file=sys.stderr)


def _table(heading: list[str], rows: list[list[Any]]) -> None:
    """Columns of text on standard output, aligned, for people and for awk."""
    from ccbill.report.console import printable  # noqa: PLC0415

    def text(cell: Any) -> str:
        if isinstance(cell, float):
            return f"{cell:,.2f}"
        return printable("-" if cell in (None, "") else str(cell))

    cells = [[text(cell) for cell in row] for row in rows]
    for row in _aligned([heading, *cells], [name in NUMBERS for name in heading]):
        print("  ".join(row).rstrip())


def _aligned(rows: list[list[str]], right: list[bool]) -> Iterator[list[str]]:
    """The cells of each row, as wide as their column."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield [
            cell.rjust(width) if numbers else cell.ljust(width)
            for cell, width, numbers in zip(row, widths, right, strict=True)
        ]


def _day(text: str | None) -> date:
    return date.today() if text is None else options.day_of(text, "--today", NOTHING)


def _moment(today: str | None) -> str:
    from ccbill.recorded import moment  # noqa: PLC0415

    return moment(_day(today))
