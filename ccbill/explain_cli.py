"""`ccbill explain`: why a patient's work earns what it earns, and what is missing."""

from __future__ import annotations

import sys
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccbill import complete, options
from ccbill.errors import CcbillError, Exit, Message, did_you_mean

if TYPE_CHECKING:
    from ccbill.explain.cases import Wanted
    from ccbill.explain.patient import Files

NOTHING = "Nothing was explained."
WHAT_IF = "What if"


Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATIENT [EXPORT…]",
        help="A patient's id, or - to read it from standard input; then activity exports, without "
        "any the ledger's last run.",
    ),
]
Months = Annotated[
    list[str] | None,
    typer.Option(
        "--month",
        metavar="YYYY-MM",
        help="This month only; repeatable.",
        rich_help_panel=options.SCOPE,
        autocompletion=complete.months,
    ),
]
PlanName = Annotated[
    str | None,
    typer.Option(
        metavar="PLAN",
        help="This plan only.",
        rich_help_panel=options.SCOPE,
        autocompletion=complete.plans,
    ),
]
Code = Annotated[
    str | None,
    typer.Option(
        metavar="CODE",
        help="This code only, with modifiers or not.",
        rich_help_panel=options.SCOPE,
        autocompletion=complete.codes,
    ),
]
Claim = Annotated[
    str | None,
    typer.Option(metavar="ID", help="The lines of a claim.", rich_help_panel=options.SCOPE),
]
Row = Annotated[
    str | None,
    typer.Option(metavar="FILE:ROW", help="What became of one row.", rich_help_panel=options.SCOPE),
]
Kind = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        help="Such work, without a patient.",
        rich_help_panel=WHAT_IF,
        autocompletion=complete.kinds,
    ),
]
Minutes = Annotated[
    str | None,
    typer.Option(metavar="MINUTES", help="So many minutes.", rich_help_panel=WHAT_IF),
]
Credential = Annotated[
    str | None,
    typer.Option(
        metavar="CREDENTIAL",
        help="By this credential.",
        rich_help_panel=WHAT_IF,
        autocompletion=complete.credentials,
    ),
]
Mode = Annotated[
    str | None,
    typer.Option(
        metavar="MODE",
        help="In this way.",
        rich_help_panel=WHAT_IF,
        autocompletion=complete.modes,
    ),
]
On = Annotated[
    str | None,
    typer.Option("--date", metavar="DATE", help="On this day.", rich_help_panel=WHAT_IF),
]
Given = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="FIELD=VALUE",
        help="With this too; repeatable.",
        rich_help_panel=WHAT_IF,
    ),
]
RunNumber = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="A run of the ledger; else its last one.",
        rich_help_panel=options.LEDGER,
        autocompletion=complete.runs,
    ),
]
NoLedger = Annotated[
    bool,
    typer.Option(
        "--no-ledger",
        help="Look back at nothing but the exports.",
        rich_help_panel=options.LEDGER,
    ),
]


def explain_command(
    words: Words = None,
    month: Months = None,
    plan: PlanName = None,
    code: Code = None,
    claim: Claim = None,
    row: Row = None,
    kind: Kind = None,
    minutes: Minutes = None,
    credential: Credential = None,
    mode: Mode = None,
    on: On = None,
    given: Given = None,
    patients: options.Patients = None,
    staff: options.Staff = None,
    fees: options.Fees = None,
    sheet: options.Sheet = None,
    as_json: options.AsJson = False,
    config: options.Config = None,
    rules: options.Rules = None,
    today: options.Today = None,
    run: RunNumber = None,
    ledger: options.LedgerFile = None,
    no_ledger: NoLedger = False,
) -> None:
    """Show what a patient's work earns, from which activities and by which rule, and what is short.

    [bold]Examples[/bold]
    ccbill explain 004217        from what the ledger keeps of its last run
    ccbill explain 004217 activities.csv --month 2026-10
    ccbill explain --plan PLAN --kind portal-message --minutes 74 --credential RN
    """
    day = options.day_of(today, "--today", NOTHING) if today else date.today()
    if kind is not None or minutes is not None or credential is not None:
        if words:
            raise refused("PATIENT", "stands beside --kind", "leave out one of the two")
        asked = {"--plan": plan, "--kind": kind, "--minutes": minutes, "--credential": credential}
        when = options.day_of(on, "--date", NOTHING) if on else day
        told = _what_if(asked, mode, when, given or [], rules or [], config)
        _print(told, as_json=as_json, patient=False)
        return
    from ccbill.explain.cases import Wanted  # noqa: PLC0415  (pandas only where it is used)
    from ccbill.explain.patient import Files  # noqa: PLC0415
    from ccbill.ledger_command import ledger_path  # noqa: PLC0415

    patient, exports = _split(words or [], alone=claim is not None or row is not None)
    _agree(exports=bool(exports), run=run, no_ledger=no_ledger, ledger=ledger)
    wanted = Wanted(
        frozenset(options.month_of(m, NOTHING) for m in month or ()), plan, code, claim, _place(row)
    )
    path = None if no_ledger else ledger_path(ledger, config, there=True)
    files = Files(exports, day, patients, staff, fees, sheet, config, rules or (), ledger=path)
    _explain(files, run, patient, wanted, as_json=as_json)


def _explain(
    files: Files, run: int | None, patient: str | None, wanted: Wanted, *, as_json: bool
) -> None:
    """Prints the cases; as JSON also that there are none, which is an error all the same."""
    from ccbill.explain.patient import NothingFoundError, from_exports, from_ledger  # noqa: PLC0415

    try:
        if files.exports:
            told = from_exports(files, patient, wanted)
        else:
            told = from_ledger(files, run, patient, wanted)
    except NothingFoundError:
        if as_json and patient is not None:
            _print({"patient_id": patient.strip(), "cases": []}, as_json=True, patient=True)
        raise
    _print(told, as_json=as_json, patient=True)


def _agree(*, exports: bool, run: int | None, no_ledger: bool, ledger: Path | None) -> None:
    """Refuses words that contradict one another."""
    if exports and run is not None:
        raise refused("--run", "stands beside an export", "leave out one of the two")
    if no_ledger and (ledger is not None or not exports):
        fix = "name the activity export to explain from, or leave out --no-ledger"
        raise refused("--no-ledger", "leaves nothing to explain from", fix)


def _split(words: list[str], *, alone: bool) -> tuple[str | None, list[str]]:
    """The patient, who may be left out beside a claim or a row, and the exports."""
    if alone and words and (words[0] == "-" or Path(words[0]).is_file()):
        return None, words
    if not words and not alone:
        raise refused("PATIENT", "is missing", "name a patient, or --kind and --minutes")
    if not words:
        return None, []
    patient, *exports = words
    return (_read_patient(exports) if patient == "-" else patient), exports


def _read_patient(exports: list[str]) -> str:
    """The id on the first line of standard input, which no list of processes shows."""
    if "-" in exports:
        what = "is to be read from standard input, and so is an export"
        raise refused("PATIENT", what, "name the export's file")
    try:
        patient = sys.stdin.buffer.readline().decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        patient = ""
    if not patient:
        what = "is not on the first line of standard input"
        raise refused("PATIENT", what, "write the id there as UTF-8 text, and nothing else")
    return patient


def _what_if(
    said: dict[str, str | None],
    mode: str | None,
    day: date,
    given: list[str],
    rules: list[Path],
    config_file: Path | None,
) -> dict[str, Any]:
    from ccbill import config, vocabulary  # noqa: PLC0415
    from ccbill.explain.whatif import Activity, what_if  # noqa: PLC0415
    from ccbill.rules import load  # noqa: PLC0415
    from ccbill.rules.catalog import named  # noqa: PLC0415
    from ccbill.rules.parse import EPOCH  # noqa: PLC0415

    asked = {name: _given(name, value) for name, value in said.items()}
    plans = load.plans([*config.load(config_file).overlays, *rules])
    found = named(plans, asked["--plan"])
    known = vocabulary.credential_spellings()
    credential = known.get(vocabulary.fold(asked["--credential"]), asked["--credential"])
    activity = Activity(
        kind=_word("--kind", asked["--kind"], vocabulary.kind_spellings()),
        seconds=_seconds(asked["--minutes"]),
        credential=_word("--credential", credential, known),
        day=day.toordinal() - EPOCH,
        mode=_word("--mode", mode, vocabulary.mode_spellings()) if mode else None,
        more=dict(_more(each) for each in given),
    )
    return what_if(found, activity)


def _word(option: str, text: str, spellings: Any) -> str:
    from ccbill.vocabulary import fold  # noqa: PLC0415

    found = spellings.get(fold(text))
    if found is None:
        known = list(dict.fromkeys(spellings.values()))
        raise refused(option, f"{text!r} is not known", did_you_mean(text, known))
    return str(found)


def _more(words: str) -> tuple[str, str | int]:
    from ccbill.rules.parse import EPOCH  # noqa: PLC0415
    from ccbill.tables import DAY, NUMBER, PATIENT_FIELDS, ROW_FIELDS  # noqa: PLC0415

    name, _, value = words.partition("=")
    fields = {**ROW_FIELDS, **PATIENT_FIELDS}
    if name not in fields or not value:
        raise refused("--with", f"{name!r} is no field with a value", did_you_mean(name, [*fields]))
    if fields[name] == DAY:
        return name, options.day_of(value, f"--with {name}", NOTHING).toordinal() - EPOCH
    if fields[name] == NUMBER:
        if not value.isdecimal():
            raise refused("--with", f"{name} is not a number", "write it as 4")
        return name, int(value)
    return name, value


def _given(option: str, value: str | None) -> str:
    if value is None:
        raise refused(option, "is missing", "give --plan, --kind, --minutes and --credential")
    return value


def _seconds(text: str) -> int:
    try:
        seconds = int((Decimal(text) * 60).to_integral_value())
    except (InvalidOperation, ValueError, OverflowError):
        seconds = 0
    if not 0 < seconds <= 44_640 * 60:
        raise refused("--minutes", f"{text!r} is no number of minutes", "write it as 74 or 74.5")
    return seconds


def _place(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    file, colon, number = text.rpartition(":")
    if not colon or not number.isdecimal():
        raise refused("--row", f"{text!r} is no row", "write it as activities.csv:12")
    return file, int(number)


def refused(where: str, what: str, fix: str) -> CcbillError:
    return CcbillError(Exit.REFUSED, Message(where, what, NOTHING, fix))


def _print(told: dict[str, Any], *, as_json: bool, patient: bool) -> None:
    if as_json:
        import json  # noqa: PLC0415

        print(json.dumps({"schema_version": 1, **told}, indent=2, ensure_ascii=False))
        return
    from ccbill.report import explain_text  # noqa: PLC0415

    (explain_text.patient if patient else explain_text.what_if)(told)
