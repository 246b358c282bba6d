"""report.html: its figures are those of the tables beside it, and it needs nothing else."""

from __future__ import annotations

import csv
import io
import re
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from command import ccbill
from ledgers import Practice
from ledgers import row as entry
from pages import Page
from test_report_tables import empty_report, exception, report_of, table_of

from ccbill.report import tables
from ccbill.report.html import write_report
from ccbill.report.tables import Report, Review

SAMPLE = Path(__file__).parents[1] / "sample_data"
COMPANIONS = ("--patients", "patients.csv", "--staff", "staff.csv", "--fees", "fees.csv")
Rows = list[dict[str, str]]


def bill(out: Path, *arguments: str, companions: Sequence[str] = COMPANIONS) -> Path:
    """Bills the sample practice as page and CSV; the output folder."""
    done = ccbill(
        *("run", "activities.csv", "encounters.csv", "--config", "ccbill.toml", *companions),
        *("--today", "2026-11-02", "--format", "html", "--format", "csv"),
        *("--out", str(out), *arguments),
        cwd=SAMPLE,
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bill(tmp_path_factory.mktemp("html") / "out", "--no-ledger")


@pytest.fixture(scope="module")
def text(out: Path) -> str:
    return (out / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def rows(out: Path, name: str) -> Rows:
    with (out / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def total(found: Rows, column: str) -> str:
    """The sum of a money column as the page writes it; blank where no row has an amount."""
    cells = [Decimal(row[column]) for row in found if row[column]]
    return f"${sum(cells):,.2f}" if cells else ""


def held(out: Path) -> Rows:
    return [row for row in rows(out, "exceptions") if row["severity"] == "hold"]


def nearly(out: Path) -> Rows:
    return [row for row in rows(out, "near_misses") if int(row["short_minutes"]) <= 15]


def of(found: Rows, **cells: str) -> Rows:
    return [row for row in found if all(row[name] == cell for name, cell in cells.items())]


def test_the_first_screen_says_how_much_what_is_stuck_and_what_is_left_behind(
    out: Path, page: Page
) -> None:
    claims, said = rows(out, "claims"), page.text["headline"]
    patients = len({row["patient_id"] for row in claims})
    assert f"To bill\n{total(claims, 'charge')}\n" in said
    assert f"of which {total(claims, 'expected_payment')} is expected" in said
    assert f"{len(claims)} lines for {patients} patients" in said
    stuck = held(out)
    assert f"Held until fixed\n{total(stuck, 'amount')}\n" in said
    assert f"{len({row['problem'] for row in stuck})} kinds of problem" in said
    short = nearly(out)
    assert f"Nearly earned\n{total(short, 'amount')}\n" in said
    assert f"in {len(short)} cases at most 15 minutes short" in said


def test_the_balance_is_said_in_rows_and_in_minutes(out: Path, page: Page) -> None:
    balance = rows(out, "balance")
    parts = ("read", "counted", "left_out", "held")
    count = {part: sum(int(row[f"rows_{part}"]) for row in balance) for part in parts}
    assert (
        "{read} rows read = {counted} counted + {left_out} left out + {held} held.".format(**count)
        in page.text["headline"]
    )
    time = {}
    for part in parts:
        seconds = sum(int(row[f"seconds_{part}"]) for row in balance)
        time[part] = f"{seconds // 60:,}:{seconds % 60:02}"
    assert (
        "In minutes: {read} read = {counted} counted + {left_out} left out + {held} held.".format(
            **time
        )
        in page.text["headline"]
    )


def test_money_by_plan_is_that_of_claims_exceptions_and_near_misses(out: Path, page: Page) -> None:
    claims = rows(out, "claims")
    [table] = page.sections["plans"]
    shown = table.records()
    assert set(shown) == {"(no plan)", "All plans", *(row["plan"] for row in claims)}
    for plan, cells in shown.items():
        mine = {"plan": "" if plan == "(no plan)" else plan} if plan != "All plans" else {}
        assert cells["Charge"] == total(of(claims, **mine), "charge"), plan
        assert cells["Expected"] == total(of(claims, **mine), "expected_payment"), plan
        assert cells["Held"] == total(of(held(out), **mine), "amount"), plan
        assert cells["Near"] == total(of(nearly(out), **mine), "amount"), plan
        assert int(cells["Units"]) == sum(int(row["units"]) for row in of(claims, **mine)), plan


def test_each_held_problem_has_its_rows_its_money_and_its_fix(out: Path, page: Page) -> None:
    stuck = held(out)
    [table] = page.sections["held"]
    shown = table.records()
    assert set(shown) == {"All problems", *(row["problem"] for row in stuck)}
    for problem, cells in shown.items():
        mine = stuck if problem == "All problems" else of(stuck, problem=problem)
        assert int(cells["Rows"]) == sum(int(row["rows"]) for row in mine), problem
        assert cells["At stake"] == total(mine, "amount"), problem
        assert cells["What mends it"] or problem == "All problems"
    amounts = [
        Decimal(cells["At stake"].strip("$").replace(",", "") or 0) for cells in shown.values()
    ][:-1]
    assert amounts == sorted(amounts, reverse=True)


def test_every_near_miss_is_in_one_column_of_the_histogram(out: Path, page: Page) -> None:
    short = rows(out, "near_misses")
    [table] = page.sections["short"]
    for label, cells in table.records().items():
        low, high = {"All": (1, 10**6), "31+": (31, 10**6)}.get(label) or map(int, label.split("-"))
        mine = [row for row in short if low <= int(row["short_minutes"]) <= high]
        assert int(cells["Cases"]) == len(mine), label
        assert cells["Worth"] == total(mine, "amount"), label
    assert sum(int(row[1]) for row in table.rows[:-1]) == len(short)


def test_minutes_per_case_are_those_of_the_trace(out: Path, page: Page) -> None:
    seconds: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for row in of(rows(out, "activities"), outcome="counted"):
        if "/care-coordination." not in row["rule"]:
            continue
        case = (row["patient_id"], row["practice"], row["month"])
        seconds[row["plan"]][case] += round(60 * Decimal(row["minutes"]))
    assert len(page.sections["lengths"]) == len(seconds)
    for table in page.sections["lengths"]:
        said = re.fullmatch(r"(\S+): 99487 from (\d+) minutes", table.caption)
        assert said
        cases = [total // 60 for total in seconds[said[1]].values()]
        for label, cells in table.records().items():
            low, high = (0, 10**6) if label == "All" else map(int, label.split("-"))
            assert int(cells["Cases"]) == sum(low <= case <= high for case in cases), label
            if label != "All":
                assert cells["First unit"] == ("earned" if low >= int(said[2]) else "not yet")


def test_without_a_ledger_the_months_are_those_of_the_run(out: Path, page: Page) -> None:
    claims = rows(out, "claims")
    [table] = page.sections["months"]
    assert table.heads == ["Month", "Lines", "Charge", "Expected"]
    for month, cells in table.records().items():
        mine = claims if month == "All months" else of(claims, month=month)
        assert int(cells["Lines"]) == len(mine)
        assert cells["Charge"] == total(mine, "charge")
        assert cells["Expected"] == total(mine, "expected_payment")
    assert "The months of this run only" in page.text["months"]


def test_with_a_ledger_the_months_have_what_earlier_runs_billed(tmp_path: Path) -> None:
    ledger = ("--ledger", str(tmp_path / "ledger.sqlite"))
    august = rows(bill(tmp_path / "a", *ledger, "--month", "2026-08", "--submit"), "claims")
    out = bill(tmp_path / "b", *ledger, "--month", "2026-08", "--month", "2026-09")
    september = rows(out, "claims")
    assert {row["month"] for row in september} == {"2026-09"}
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    [table] = page.sections["months"]
    shown = table.records()
    assert shown["2026-08"]["Lines before"] == f"{len(august)}"
    assert shown["2026-08"]["Charge before"] == total(august, "charge")
    assert shown["2026-08"]["Lines"] == "0"
    assert shown["2026-08"]["Charge"] == ""
    assert shown["2026-09"]["Lines before"] == "0"
    assert shown["2026-09"]["Lines"] == f"{len(september)}"
    assert shown["2026-09"]["Charge"] == total(september, "charge")
    assert "billed in earlier runs" in page.text["months"]
    assert "Run 2, draft, 2026-11-02" in page.text[""]


def test_a_line_that_this_run_replaces_is_not_counted_twice(tmp_path: Path) -> None:
    practice = Practice(tmp_path)
    practice.bill([entry("a-1", "000123", "2026-08-04")], "--submit")
    more = entry("a-2", "000123", "2026-08-05", minutes="45")
    practice.bill([entry("a-1", "000123", "2026-08-04"), more], "--format", "html")
    replaced = rows(practice.out, "claims")
    assert {line["status"] for line in replaced} == {"replacement"}
    page = Page((practice.out / "report.html").read_text(encoding="utf-8"))
    [table] = page.sections["months"]
    assert table.records()["2026-08"]["Lines before"] == "0"
    assert table.records()["2026-08"]["Lines"] == f"{len(replaced)}"


def test_staff_are_named_by_id_with_what_is_held_for_them(out: Path, page: Page) -> None:
    [table] = page.sections["staff"]
    stuck = [row for row in held(out) if row["staff_id"]]
    names = ("credential-", "training-missing", "scope-of-service-missing")
    mine = [row for row in stuck if row["problem"].startswith(names)]
    assert {row["staff_id"] for row in mine} <= set(table.records())
    for who, cells in table.records().items():
        ours = of(mine, staff_id=who)
        assert int(cells["Held rows"]) == sum(int(row["rows"]) for row in ours), who
        assert cells["At stake"] == total(ours, "amount"), who


def test_staff_of_whom_nothing_is_missing_are_not_listed() -> None:
    known = {"rows": 4, "without_credential": 0, "held_rows": 0}
    everyone = [{"staff_id": "N1", "trained": "yes"}, {"staff_id": "N2", "trained": "no"}]
    staff = table_of(tables.STAFF, [known | each for each in everyone])
    page = Page(written(report_of(), review_of(staff=staff)))
    assert list(page.sections["staff"][0].records()) == ["N2"]
    page = Page(written(report_of(), review_of(staff=staff.iloc[:1])))
    assert page.sections["staff"] == []
    assert "Nothing is missing of anybody." in page.text["staff"]


def test_the_share_of_the_panel_counts_everyone_in_the_patients_file(out: Path, page: Page) -> None:
    [table] = page.sections["panel"]
    shown = table.records()
    everyone = {
        (row["Patient ID"], row["Payer"])
        for row in csv.DictReader((SAMPLE / "patients.csv").open(encoding="utf-8"))
    }
    assert int(shown["All plans"]["On the panel"]) == len(everyone)
    people = {who for who, _ in everyone}
    for plan, cells in shown.items():
        billed = {
            (row["plan"], row["patient_id"])
            for name in ("claims", "encounters", "submitted")
            for row in rows(out, name)
            if row["patient_id"] in people and plan in (row["plan"], "All plans")
        }
        assert int(cells["Billed"]) == len(billed), plan
        whole = int(cells["On the panel"])
        assert cells["Share billed"] == f"{100 * len(billed) / whole:.1f} %", plan


def test_the_page_says_what_to_give_where_something_is_not_known(tmp_path: Path) -> None:
    out = bill(tmp_path / "out", "--no-ledger", companions=())
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    assert "Give the panel with --patients" in page.text["panel"]
    assert page.sections["panel"] == []
    assert "give them with --staff, as training_date" in page.text["staff"]


def test_completeness_is_of_the_counted_rows(out: Path, page: Page) -> None:
    counted = of(rows(out, "activities"), outcome="counted")
    [table] = page.sections["documented"]
    shown = table.records()
    assert {int(cells["Rows"]) for cells in shown.values()} == {len(counted)}
    for field, column in (
        ("date of service", "service_date"),
        ("duration", "minutes"),
        ("credential", "credential"),
        ("contact mode", "mode"),
    ):
        given = sum(bool(row[column]) for row in counted)
        assert int(shown[field]["Given"]) == given
        assert shown[field]["Share"] == f"{100 * given / len(counted):.1f} %"
    assert 0 < int(shown["nature of the discussion"]["Given"]) < len(counted)


def canaries() -> set[str]:
    """Whatever the sample's files say of a patient."""
    found = set()
    for row in csv.DictReader((SAMPLE / "patients.csv").open(encoding="utf-8")):
        private = ("Patient ID", "Last Name", "First Name", "Date of Birth", "Address", "Member ID")
        found |= {row[name] for name in private}
    for row in csv.DictReader((SAMPLE / "activities.csv").open(encoding="utf-8")):
        found |= {row["Patient ID"], row["Notes"] or ""}
    return {each for each in found if len(each) > 4}


def test_no_patient_is_on_the_page(text: str) -> None:
    assert [each for each in sorted(canaries()) if each in text] == []
    assert "No patient is named here" in text


def test_asked_for_patients_the_page_lists_who_is_held_and_who_is_short(
    out: Path, tmp_path: Path
) -> None:
    named = bill(tmp_path / "named", "--no-ledger", "--with-patients")
    page = Page((named / "report.html").read_text(encoding="utf-8"))
    stuck, short = page.sections["patients"]
    assert Counter(row[0] for row in stuck.rows) == Counter(
        row["patient_id"] for row in held(out) if row["patient_id"]
    )
    assert [row[0] for row in short.rows] == [r["patient_id"] for r in rows(out, "near_misses")]
    elsewhere = "".join(said for name, said in page.text.items() if name != "patients")
    assert [each for each in sorted(canaries()) if each in elsewhere] == []


def test_patients_are_named_on_a_page_only(tmp_path: Path) -> None:
    done = ccbill("run", "x.csv", "--with-patients", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "--with-patients: stands without --format html\n"
        "  Nothing was read or written.\n"
        "  fix: add --format html\n"
    )


def test_the_page_needs_nothing_and_may_load_nothing(text: str, page: Page) -> None:
    for word in ("http:", "https:", "//", "src=", "<script", "@import", "javascript:"):
        assert word not in text, word
    assert {address[:1] for address in re.findall(r"url\(([^)]*)\)", text)} == {"#"}
    for tag, about in page.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "form", "a", "base")
        assert not {name for name in about if name.startswith("on")} | ({"style"} & set(about))
    [policy] = [about for _, about in page.tags if "http-equiv" in about]
    style = text[text.index("<style>") + 7 : text.index("</style>")]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert policy["content"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_headings_are_in_order_and_tables_say_what_heads_what(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert {about.get("scope") for tag, about in page.tags if tag == "th"} == {"col", "row"}
    for name, found in page.sections.items():
        for table in found:
            assert table.caption, name
            assert all(len(row) == len(table.heads) for row in table.rows), name
    ids = [about["id"] for _, about in page.tags if "id" in about]
    assert len(ids) == len(set(ids))
    charts = [about for tag, about in page.tags if tag == "svg" and about.get("role") == "img"]
    assert len(charts) >= 6
    for chart in charts:
        assert set((chart["aria-labelledby"] or "").split()) <= set(ids)


def test_the_same_run_makes_the_same_page(out: Path, text: str, tmp_path: Path) -> None:
    again = bill(tmp_path / "again", "--no-ledger")
    assert (again / "report.html").read_text(encoding="utf-8") == text
    assert "report.html" in (out / "run.json").read_text(encoding="utf-8")


def review_of(**changed: Any) -> Review:
    parts: dict[str, Any] = {
        "practice": "",
        "with_patients": False,
        "from_ledger": False,
        "months": table_of(tables.MONTHS, []),
        "lengths": table_of(tables.LENGTHS, []),
        "staff": table_of(tables.STAFF, []),
        "panel": table_of(tables.PANEL, []),
        "documented": table_of(tables.DOCUMENTED, []),
    }
    return Review(**(parts | changed))


def written(report: Report, review: Review) -> str:
    file = io.BytesIO()
    record = {"today": "2026-11-02", "months": []} | report.record
    write_report(replace(report, review=review, record=record), file)
    return file.getvalue().decode()


def test_a_run_that_read_nothing_has_a_page_without_figures() -> None:
    page = Page(written(empty_report(), review_of(panel=None)))
    assert "0 rows read = 0 counted + 0 left out + 0 held." in page.text["headline"]
    assert "Nothing is held." in page.text["held"]
    assert "The log names no staff" in page.text["staff"]
    assert not [about for tag, about in page.tags if tag == "svg" and about.get("role") == "img"]


HOSTILE = "</td><script>alert(1)</script>=1+1&amp;\"'>{{ 7 * 7 }}"


def test_text_from_an_export_is_text_on_the_page() -> None:
    held_rows = [exception(staff_id=HOSTILE, patient_id=HOSTILE, plan=HOSTILE)]
    staff = [{"staff_id": HOSTILE, "rows": 1, "without_credential": 1, "held_rows": 1}]
    lengths = [{"plan": HOSTILE, "service": HOSTILE, "code": HOSTILE, "first_unit_at": 31}]
    text = written(
        report_of(exceptions=table_of(tables.EXCEPTIONS, held_rows)),
        review_of(
            practice=HOSTILE,
            with_patients=True,
            staff=table_of(tables.STAFF, staff),
            lengths=table_of(
                tables.LENGTHS, [row | {"from_minutes": 31, "cases": 2} for row in lengths]
            ),
        ),
    )
    assert "<script" not in text
    page = Page(text)
    assert page.sections["staff"][0].rows[0][0] == HOSTILE
    assert page.sections["patients"][0].rows[0][0] == HOSTILE
    assert {tag for tag, _ in page.tags} & {"script", "a", "img"} == set()
