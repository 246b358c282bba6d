"""What a run says on standard error, on a terminal and in a pipe."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from test_report_tables import claim, deliver, empty_report, exception, report_of, table_of

from ccbill.errors import CcbillError, Exit, Message
from ccbill.problems import PROBLEMS
from ccbill.report import tables
from ccbill.report.console import messages, record_text, summary
from ccbill.report.totals import balance_sentence


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def a_terminal_of_80(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")


def said(report: Any, stream: io.StringIO | None = None, **options: Any) -> str:
    stream = stream or io.StringIO()
    written = options.pop("written", [Path("out/claims.xlsx"), Path("out/exceptions.xlsx")])
    summary(report, written, stream=stream, **options)
    return stream.getvalue()


def lines_of(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip()]


def test_a_row_for_each_plan_and_one_for_all() -> None:
    balance = [
        {"plan": "bcbsm-pdcm", "rows_read": 10, "rows_counted": 8, "rows_left_out": 0},
        {"rows_read": 3, "rows_counted": 0, "rows_left_out": 0},
    ]
    held = [dict(row, rows_held=held) for row, held in zip(balance, (2, 3), strict=True)]
    lines = lines_of(said(report_of(balance=table_of(tables.BALANCE, held))))
    assert lines[:5] == [
        ["plan", "patients", "lines", "units", "charge", "expected", "held", "short"],
        ["(no", "plan)", "0", "0", "0", "3", "0"],
        ["bcbsm-pdcm", "1", "1", "1", "125.50", "94.05", "2", "0"],
        ["priority-health", "0", "0", "0", "0", "1"],
        ["all", "1", "1", "1", "125.50", "94.05", "5", "1"],
    ]


def test_the_balance_is_a_sentence() -> None:
    sentence = "12,408 rows read = 11,020 counted + 1,354 left out + 34 held"
    assert balance_sentence(report_of().balance) == sentence
    assert sentence in said(report_of()).splitlines()


def test_held_problems_come_by_money_and_the_rest_are_counted() -> None:
    held = [exception(problem=f"problem-{n}", amount=n * 100, rows=1_000) for n in range(7)]
    rows = [*held, exception(problem="problem-6", amount=None), exception(severity="note")]
    lines = said(report_of(exceptions=table_of(tables.EXCEPTIONS, rows))).splitlines()
    listed = [line.split() for line in lines if line.startswith("problem-")]
    assert [row[0] for row in listed] == [f"problem-{n}" for n in (6, 5, 4, 3, 2)]
    assert listed[0][1:3] == ["1,001", "6.00"]
    assert "  and 2 more problems, 1.00 at stake" in lines
    assert not any("credential-missing" in line for line in lines)


def test_each_held_problem_has_its_fix_in_words_without_data() -> None:
    held = [exception(fix="what one row needs"), exception(problem="of-a-later-day", amount=0)]
    text = " ".join(said(report_of(exceptions=table_of(tables.EXCEPTIONS, held))).split())
    assert " ".join(PROBLEMS["credential-missing"].fix.split()[:2]) in text
    assert "what one row needs" not in text
    assert "of-a-later-day 1 0.00 see the fix column" in text


def test_json_is_what_run_json_holds(tmp_path: Path) -> None:
    report = report_of(record={"lines": 3, "created": "2026-01-01"})
    written = deliver(report, tmp_path / "out", ["csv"])
    assert record_text(report, written) + "\n" == written[-1].read_text()


def test_no_cell_of_an_export_is_said() -> None:
    canary = "CANARY"
    cells = {name: canary for name, kind in tables.EXCEPTIONS.items() if kind == tables.TEXT}
    cells |= {"severity": "hold", "problem": "date-not-read", "plan": "bcbsm-pdcm"}
    line = {name: canary for name, kind in tables.CLAIMS.items() if kind == tables.TEXT}
    text = said(
        report_of(
            exceptions=table_of(tables.EXCEPTIONS, [exception(**cells)]),
            claims=table_of(tables.CLAIMS, [claim(**line | {"plan": "bcbsm-pdcm"})]),
        )
    )
    assert canary not in text


def test_the_next_step_says_where_to_bill_from_and_what_to_fix() -> None:
    lines = lines_of(said(report_of(record={"run": 3})))
    assert lines[-3:] == [
        ["bill", "from", "out/claims.xlsx"],
        ["fix", "out/exceptions.xlsx,", "then", "run", "again"],
        ["once", "sent", "ccbill", "ledger", "submit", "3"],
    ]
    assert said(report_of(), written=[]).splitlines()[-1] == "Nothing was written."
    only_csv = [Path("out/activities.csv"), Path("out/claims.csv")]
    assert "bill from  out/claims.csv" in said(report_of(), written=only_csv)


def test_a_long_path_stays_on_its_line() -> None:
    path = Path("/long") / ("d" * 120) / "claims.xlsx"
    assert f"bill from  {path}" in said(report_of(), written=[path]).splitlines()


def big_report() -> Any:
    total = {"plan": "mi-medicaid-hmo", "lines": 99_999, "units": 99_999}
    money = {"charge": 123_456_789_00, "expected_payment": 98_765_432_10}
    held = [exception(problem="original-claim-number-missing", amount=10**9, rows=10**6)]
    return report_of(
        summary=table_of(tables.SUMMARY, [total | money]),
        exceptions=table_of(tables.EXCEPTIONS, held),
    )


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
@pytest.mark.parametrize("report", [report_of(), empty_report(), big_report()])
def test_it_fits_80_columns(stream: Any, report: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = said(report, stream())
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "…" not in text


def test_colour_is_for_terminals_and_not_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in said(report_of(), Terminal())
    assert "\x1b" not in said(report_of(), io.StringIO())
    assert "\x1b" not in said(report_of(), Terminal(), plain=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in said(report_of(), Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in said(report_of(), Terminal())


def test_markup_and_control_characters_in_data_are_only_text() -> None:
    plan = "[red]x[/] \x1b[31m :smile:"
    lines = [claim(plan=plan)]
    text = said(report_of(claims=table_of(tables.CLAIMS, lines)), written=[Path("[b]/claims.csv")])
    assert "[red]x[/] \ufffd[31m :smile:" in " ".join(text.split())
    assert "bill from  [b]/claims.csv" in text


def message(row: int, what: str = "'x' is not a date") -> Message:
    return Message(f"a.csv:{row}:C (Date)", what, "The row is held.", "write 2026-03-17")


def heard(*all_messages: Message, stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    messages(CcbillError(Exit.INPUT, *all_messages), stream=stream)
    return stream.getvalue()


def test_a_message_is_its_place_its_consequence_and_its_fix() -> None:
    assert heard(message(2)) == f"{message(2)}\n"
    assert heard(message(2)).splitlines() == [
        "a.csv:2:C (Date): 'x' is not a date",
        "  The row is held.",
        "  fix: write 2026-03-17",
    ]


def test_the_first_five_of_a_kind_are_printed_and_the_rest_counted() -> None:
    rows = [message(n, f"'{n} May' is not a date") for n in range(2, 1_010)]
    lines = heard(*rows, message(3, "the column is missing")).splitlines()
    assert [line for line in lines if line.startswith("a.csv")] == [
        *(f"a.csv:{n}:C (Date): '{n} May' is not a date" for n in range(2, 7)),
        "a.csv:3:C (Date): the column is missing",
    ]
    assert "and 1,003 more like it" in lines


def test_a_message_is_not_read_as_markup() -> None:
    odd = Message("[b]x", "unknown key [bold]\x1b[1m", "c", "f")
    assert heard(odd).splitlines()[0] == "[b]x: unknown key [bold]\ufffd[1m"
    assert "\x1b[1m" in heard(message(2), stream=Terminal())


def test_nothing_heavy_is_imported_to_print_an_error() -> None:
    program = (
        "import sys, ccbill.report.console as c; from ccbill.errors import *;"
        "c.messages(CcbillError(Exit.INPUT, Message('f', 'w', 'c', 'x')));"
        "print([m for m in ('pandas', 'numpy', 'pyarrow', 'xlsxwriter') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    assert done.stderr.startswith("f: w\n")
