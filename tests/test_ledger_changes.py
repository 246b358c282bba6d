"""What a submission, a void and a rejection change, and what is refused of them."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path

import ledgers
import numpy as np
import pandas as pd
import pytest
from ledgers import Row, row

from ccbill import recorded
from ccbill.errors import CcbillError, Exit
from ccbill.ledger import carry, noted, seal, store, verify
from ccbill.ledger.months import BY_MONTH, earlier, standing_lines
from ccbill.ledger.packed import packed
from ccbill.ledger.record import RECEIPTED, amount, receipt, repeated
from ccbill.ledger.standing import CASE, claims_of, earned_elsewhere, first_counted
from ccbill.ledger.store import Ledger
from ccbill.ledger.submit import number_claims, reject, submit, void
from ccbill.report.tables import CLAIMS
from ccbill.rules import load
from ccbill.tables import UNKNOWN

NOW = "2026-11-02T00:00:00+00:00"
DAY = (date(2026, 8, 3) - date(1970, 1, 1)).days
FIRST = [
    row("A1", "100001", "2026-08-03", staff_id="S1"),
    row("A2", "100001", "2026-08-04", staff_id="S1"),
    row("A3", "100002", "2026-08-05", staff_id="S2"),
]
MORE = [*FIRST, row("A4", "100001", "2026-08-20", minutes="46", staff_id="S1")]


def bill(home: Path, rows: list[Row], *, sent: bool) -> None:
    ledgers.bill(home, rows, "plan,code,charge\nbcbsm-pdcm,99487,100\n", submit=sent)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run 1 billed two claims and is submitted; run 2 replaced one; run 3 is a draft of a third."""
    home = tmp_path_factory.mktemp("changes")
    (home / "ccbill.toml").touch()
    bill(home, FIRST, sent=True)
    bill(home, MORE, sent=True)
    bill(home, [row("B1", "100003", "2026-09-03", staff_id="S2")], sent=False)
    return home / "ledger.sqlite"


@pytest.fixture
def ledger(kept: Path, tmp_path: Path) -> Iterator[Ledger]:
    with store.opened(Path(shutil.copy(kept, tmp_path))) as found:
        yield found
        assert [*verify.differences(found)] == []


def claims(ledger: Ledger, run: int) -> list[str]:
    """The claims of which that run's version stands."""
    rows = ledger.db.execute("SELECT claim_id FROM claims WHERE run = ? ORDER BY 1", (run,))
    return [claim for (claim,) in rows]


@pytest.mark.parametrize("change", [void, reject])
def test_a_claim_that_another_run_submitted_last_is_left_alone(
    ledger: Ledger, change: object
) -> None:
    [replaced] = claims(ledger, 2)
    with pytest.raises(CcbillError) as refusal, store.writing(ledger):
        change(ledger, NOW, run=1, claim=replaced)  # type: ignore[operator]
    [message] = refusal.value.messages
    assert (message.what, message.fix) == (
        "the claim was submitted last by run 2",
        "name run 2, or no run",
    )
    assert refusal.value.code == Exit.REFUSED
    assert len(claims(ledger, 1)) == len(claims(ledger, 2)) == 1


def test_a_claim_may_be_named_with_its_run(ledger: Ledger) -> None:
    [claim] = claims(ledger, 1)
    with store.writing(ledger):
        done = void(ledger, NOW, run=1, claim=claim)
    assert (done.run, done.claims, done.left) == (1, 1, 0)
    assert claims(ledger, 1) == []


@pytest.mark.parametrize(
    ("change", "nothing"),
    [
        (void, "nothing of run 1 stands"),
        (reject, "no claim of it was submitted last by that run"),
    ],
)
def test_what_a_later_run_replaced_is_left_and_counted(
    ledger: Ledger, change: object, nothing: str
) -> None:
    with store.writing(ledger):
        done = change(ledger, NOW, run=1)  # type: ignore[operator]
    assert (done.run, done.claims, done.left, done.already) == (1, 1, 1, False)
    assert (claims(ledger, 1), len(claims(ledger, 2))) == ([], 1)
    with pytest.raises(CcbillError, match=nothing), store.writing(ledger):
        change(ledger, NOW, run=1)  # type: ignore[operator]


def test_a_run_that_is_submitted_stays_so(ledger: Ledger) -> None:
    with store.writing(ledger):
        assert submit(ledger, 2, NOW).already
        done = submit(ledger, 3, NOW)
    assert (done.claims, done.left, done.already) == (1, 0, False)


def test_a_run_that_was_taken_back_is_not_sent_again(ledger: Ledger) -> None:
    with store.writing(ledger):
        void(ledger, NOW, run=2)
    with pytest.raises(CcbillError, match="run 2 was submitted once and taken back"):
        submit(ledger, 2, NOW)


def test_the_first_counted_day_of_staff_is_of_what_was_submitted(ledger: Ledger) -> None:
    assert first_counted(ledger) == {
        ("bcbsm-pdcm", "S1"): DAY,
        ("bcbsm-pdcm", "S2"): DAY + 2,
    }


def test_staff_have_a_first_day_in_the_plans_that_they_worked_in(tmp_path: Path) -> None:
    other = {"payer": "Priority Health", "minutes": "60"}
    rows = [
        row("A1", "100001", "2026-08-03", staff_id="S1"),
        row("A2", "100002", "2026-08-04", staff_id="S2", **other),
    ]
    bill(tmp_path, rows, sent=True)
    with store.opened(tmp_path / "ledger.sqlite") as ledger:
        assert first_counted(ledger) == {
            ("bcbsm-pdcm", "S1"): DAY,
            ("priority-health", "S2"): DAY + 1,
        }


def test_a_draft_is_found_by_the_claims_that_it_has(ledger: Ledger) -> None:
    [drafted] = claims_of(ledger, 3)["claim_id"]
    assert repeated(ledger, [drafted, "C1"]) == {3: 1}
    assert repeated(ledger, claims(ledger, 2)) == {}
    with store.writing(ledger):
        submit(ledger, 3, NOW)
    assert repeated(ledger, [drafted]) == {}


def test_what_stands_is_told_as_it_was_sent(ledger: Ledger) -> None:
    lines = carry.standing_lines(ledger)
    assert [*lines.columns] == [*CLAIMS]
    found = Counter(zip(lines["patient_id"], lines["code"], lines["units"], strict=True))
    assert found == Counter(
        {("100001", "99487", 1): 1, ("100001", "99489", 2): 1, ("100002", "99487", 1): 1}
    )


def test_a_patients_other_id_leaves_each_practices_claim_its_own(tmp_path: Path) -> None:
    (tmp_path / "ccbill.toml").touch()
    rows = [
        row("A1", "100001", "2026-08-03", billing_npi="1999999984"),
        row("A2", "100001", "2026-08-04", billing_npi="1888888883", minutes="76"),
    ]
    bill(tmp_path, rows, sent=True)
    with store.opened(tmp_path / "ledger.sqlite") as ledger, store.writing(ledger):
        carry.merge(ledger, "100001", "900001")
    bill(tmp_path, [each | {"patient_id": "900001"} for each in rows], sent=False)
    with store.opened(tmp_path / "ledger.sqlite") as ledger:
        assert len(claims_of(ledger, 2)) == 0  # all is billed already


def test_a_date_or_number_that_cannot_be_read_is_not_taken_for_a_blank(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text(
        "plan,patient_id,code,service_from,units,charge\nbcbsm-pdcm,1,99489,8/14/2026,2,dear\n"
    )
    with pytest.raises(CcbillError) as refusal:
        carry.read_history(tmp_path / "old.csv", ["bcbsm-pdcm"], {})
    assert [message.what for message in refusal.value.messages][:2] == [
        "is not a date such as 2026-10-05",
        "is not a number",
    ]


def test_a_draft_of_the_same_cases_replaces_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "ccbill.toml").touch()
    for _ in range(2):
        bill(tmp_path, FIRST, sent=False)
    with store.opened(tmp_path / "ledger.sqlite") as ledger:
        found = ledger.db.execute("SELECT status FROM runs ORDER BY run").fetchall()
    assert found == [("replaced",), ("draft",)]


def test_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text(
        "plan,patient_id,code,service_from,units,minutes,charge,expected_payment,status\n"
        "bcbsm-pdcm,1,99489,2026-08-14,2,106,100.50,,submitted\n"
        "bcbsm-pdcm,2,99487,2026-08-15,1,,,7.25,void\n"
        "bcbsm-pdcm,2,99487,2026-08-16,1,,,7.25,\n"
    )
    lines = carry.read_history(tmp_path / "old.csv", ["bcbsm-pdcm"], {"billing_npi": "1"})
    names = ("service_from", "units", "minutes", "charge", "expected_payment", "line", "status")
    assert [*zip(*(lines[name] for name in names), strict=True)] == [
        (DAY + 11, 2, 106, 10_050, UNKNOWN, 1, "new"),
        (DAY + 13, 1, UNKNOWN, UNKNOWN, 725, 1, "new"),
    ]
    assert [*lines["month"]] == ["2026-08"] * 2
    assert [*lines["billing_npi"]] == ["1"] * 2
    assert lines["claim_id"].is_unique
    assert [*lines.columns] == [*CLAIMS]


@pytest.mark.parametrize(("before", "again"), [("", 0), ("T2", 1)])
def test_history_that_leaves_the_authorization_blank_is_the_same_claim(
    tmp_path: Path, before: str, again: int
) -> None:
    (tmp_path / "ccbill.toml").touch()
    (tmp_path / "old.csv").write_text(
        "plan,patient_id,code,modifier_1,service_from,units,authorization_number,rule\n"
        f"medi-cal-ecm,100001,G9008,U1,2026-08-03,1,{before},medi-cal-ecm/ecm-service.2022-01-01\n"
    )
    plans = load.plans([])
    lines = carry.read_history(tmp_path / "old.csv", [plan.name for plan in plans], {})
    with store.opened(tmp_path / "ledger.sqlite") as ledger, store.writing(ledger):
        carry.bring_in(ledger, lines, recorded.terms(plans), {}, NOW, NOW[:10])
    served = {"payer": "Medi-Cal", "kind": "ecm-service", "mode": "in-person"}
    bill(
        tmp_path,
        [row("A1", "100001", "2026-08-03", authorization_number="T1", **served)],
        sent=False,
    )
    with store.opened(tmp_path / "ledger.sqlite") as ledger:
        assert [*claims_of(ledger, 2)["status"]] == ["replacement"] * again


def test_an_authorization_that_is_given_later_replaces_the_claim(tmp_path: Path) -> None:
    sent = row("A1", "100001", "2026-08-03")
    bill(tmp_path, [sent], sent=True)
    bill(tmp_path, [sent | {"authorization_number": "T1"}], sent=False)
    with store.opened(tmp_path / "ledger.sqlite") as ledger:
        assert [*claims_of(ledger, 2)["status"]] == ["replacement"]


def test_the_months_of_what_stands(ledger: Ledger) -> None:
    def months(since: str, but: list[str]) -> list[tuple[str, int, int]]:
        lines = standing_lines(ledger, since, but)
        assert [*lines.columns] == BY_MONTH
        assert {str(lines[name].dtype) for name in BY_MONTH[1:]} == {"int64"}
        return [*zip(lines["month"], lines["units"], lines["charge"], strict=True)]

    [replaced] = claims(ledger, 2)
    rest = [("2026-08", 1, 10_000)]
    both = sorted([*rest, ("2026-08", 1, 10_000), ("2026-08", 2, UNKNOWN)])
    assert sorted(months("2026-08", [])) == both
    assert months("2026-08", [replaced]) == rest
    assert months("2026-09", []) == []


def test_a_run_is_worth_its_charges_else_what_it_is_expected_to_pay() -> None:
    lines = pd.DataFrame(
        {"charge": [500, UNKNOWN, UNKNOWN], "expected_payment": [200, 30, UNKNOWN]}, dtype=np.int64
    )
    assert amount(lines) == 530


def test_guards_against_formulas_are_taken_off_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text(
        "plan,patient_id,code,service_from,units\n"
        + "".join(f"bcbsm-pdcm,{who},99487,2026-08-14,1\n" for who in ("'-100", "1-2", "'s", "=3"))
    )
    lines = carry.read_history(tmp_path / "old.csv", ["bcbsm-pdcm"], {})
    assert {*lines["patient_id"]} == {"-100", "1-2", "'s", "=3"}


def test_the_next_months_and_years_work_stands_beside_what_was_sent(tmp_path: Path) -> None:
    (tmp_path / "ccbill.toml").touch()
    assessed = {"payer": "Priority Health", "kind": "comprehensive-assessment"}
    first = row("A1", "100001", "2026-08-03")
    bill(tmp_path, [first, row("A2", "100002", "2025-12-03", **assessed)], sent=True)
    second = [row("A3", "100001", "2026-09-03"), row("A4", "100002", "2026-01-05", **assessed)]
    bill(tmp_path, [*second, first | {"minutes": "5"}], sent=True)
    with store.opened(tmp_path / "ledger.sqlite") as ledger:
        found = carry.standing_lines(ledger)
        worth = ledger.db.execute("SELECT amount FROM runs ORDER BY run").fetchall()
    stands = [*zip(found["patient_id"], found["code"], found["month"], strict=True)]
    assert sorted(stands) == [
        ("100001", "99487", "2026-09"),
        ("100002", "G9001", "2025-12"),
        ("100002", "G9001", "2026-01"),
    ]
    assert worth == [(10_000,), (10_000,)]  # the claim that is taken back is worth nothing


def test_a_payers_number_may_come_again(ledger: Ledger) -> None:
    [claim] = claims(ledger, 2)
    with store.writing(ledger):
        for number in ("77001", "77002"):
            done = number_claims(ledger, {claim: number, "C1": "77003"}, 2, NOW)
            assert (done.claims, done.left) == (1, 1)
    query = "SELECT payer_claim_number FROM claims WHERE claim_id = ?"
    assert ledger.db.execute(query, (claim,)).fetchone() == ("77002",)


def test_what_is_noted_on_an_exception_is_remembered(ledger: Ledger) -> None:
    def remembered(*ids: str) -> list[tuple[str, int, str]]:
        found = noted.known(ledger, ids)
        return [*zip(found["id"], found["first_run"], found["note"], strict=True)]

    kept = [["E1", 1, 1, "open", None, "call"], ["E2", 1, 1, "open", None, "ask"]]
    with store.writing(ledger):
        noted.keep(ledger, 9, pd.DataFrame(kept, columns=noted.COLUMNS))
    assert remembered("E2", "E3") == [("E2", 1, "ask")]
    assert noted.moved(ledger, 9) == (1, 1)
    assert remembered("E1") == [("E1", 1, "call")]
    words = pd.DataFrame([["E1", "done", None, "called"]], columns=["id", *noted.WORDS])
    for written, note in ((0, "call"), (1, "called")):
        with store.writing(ledger):
            noted.note(ledger, 3, words, written)
        assert remembered("E1") == [("E1", 1, note)]


def test_a_run_of_this_ledger_is_told_from_others(ledger: Ledger) -> None:
    [text] = ledger.db.execute("SELECT record FROM runs WHERE run = 2").fetchone()
    record = json.loads(text) | {"run": 2}
    assert noted.is_run(ledger, record)
    assert not noted.is_run(ledger, record | {"ccbill": "another"})
    assert not noted.is_run(ledger, record | {"run": 9})
    assert not noted.is_run(ledger, {})


def test_verify_names_a_last_run_that_is_gone(kept: Path, tmp_path: Path) -> None:
    with store.opened(Path(shutil.copy(kept, tmp_path))) as ledger:
        ledger.db.execute("PRAGMA foreign_keys = OFF")
        for table in ("blobs", "runs"):
            ledger.db.execute(f"DELETE FROM {table} WHERE run = 3")
        assert (3, "it is gone") in verify.differences(ledger)


def test_a_named_practices_claim_is_its_own_next_time(tmp_path: Path) -> None:
    rows = [row("A1", "100001", "2026-08-03", billing_npi="1999999984")]
    for sent in (True, False):
        bill(tmp_path, rows, sent=sent)
    with store.opened(tmp_path / "ledger.sqlite") as ledger:
        assert len(claims_of(ledger, 2)) == 0  # all is billed already


def test_a_column_that_an_older_run_has_not_is_blank(kept: Path, tmp_path: Path) -> None:
    with store.opened(Path(shutil.copy(kept, tmp_path))) as ledger:
        older = claims_of(ledger, 1).drop(columns=["group_number", "expected_payment"])
        ledger.db.execute(
            "UPDATE blobs SET content = ? WHERE run = 1 AND name = 'claims'", (packed(older),)
        )
        lines = claims_of(ledger, 1)
        assert lines["group_number"].isna().all()
        assert [*lines["expected_payment"]] == [UNKNOWN] * len(lines)


@pytest.mark.parametrize(
    ("month", "found"), [("2026-08", 3), ("2026-09", 3), ("2026-10", 0), ("2026-07", 3)]
)
def test_beside_a_run_stands_what_was_sent_since_the_month_before(
    ledger: Ledger, month: str, found: int
) -> None:
    lines = pd.DataFrame({"month": [month, "2026-12"], "claim_id": ["C1", "C2"]})
    assert len(earlier(ledger, lines)) == found
    assert len(earlier(ledger, lines.iloc[:0])) == len(earlier(None, lines)) == 0


def test_what_a_hash_is_over_is_written_one_way(tmp_path: Path) -> None:
    """A ledger of an earlier ccbill is proved by the same hashes."""

    def hashed(text: str) -> str:
        return sha256(text.encode()).hexdigest()

    assert seal.seal("a", [1, "é"], "b") == hashed('["a", 1, "é", "b"]')
    assert seal.digest([("é", "new", 1, None, 1)]) == hashed('["é", "new", 1, null, 1]\n')
    said = ", ".join(f'"{name}": "é"' for name in sorted(["blobs", *RECEIPTED]))
    said = said.replace('"blobs": "é"', '"blobs": {"cases": "1", "claims": "2"}')
    row = dict.fromkeys(RECEIPTED, "é")
    assert receipt(row, {"claims": "2", "cases": "1"}) == hashed(f"{{{said}}}")
    (tmp_path / "old.csv").write_text(
        "plan,patient_id,code,service_from,units,claim_id\n"
        "bcbsm-pdcm,1,99487,2026-08-14,1,C1\nbcbsm-pdcm,2,99487,2026-08-14,1,C2\n"
    )
    lines = carry.read_history(tmp_path / "old.csv", ["bcbsm-pdcm"], {})
    terms = recorded.terms(load.plans([]))
    with store.opened(tmp_path / "ledger.sqlite") as ledger, store.writing(ledger):
        carry.bring_in(ledger, lines, terms, {"b": "é", "a": 1}, NOW, NOW[:10])
        assert ledger.db.execute("SELECT record FROM runs").fetchall() == [('{"a": 1, "b": "é"}',)]
        number_claims(ledger, {"C2": "2", "C1": "1"}, 1, NOW)
        [told] = ledger.db.execute("SELECT told FROM events WHERE what = 'numbered'").fetchall()
        assert told == ('{"numbers": {"C1": "1", "C2": "2"}}',)


def test_bringing_a_sealed_ledger_forward_seals_nothing_anew(kept: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(kept, tmp_path))
    with store.opened(copy) as ledger:
        sealed = ledger.db.execute("SELECT * FROM events").fetchall()
        ledger.db.execute("UPDATE claims SET payer_claim_number = '77001'")
        ledger.db.execute("PRAGMA user_version = 2")
    with store.opened(copy) as ledger:
        assert ledger.db.execute("PRAGMA user_version").fetchone() == (3,)
        assert ledger.db.execute("SELECT * FROM events").fetchall() == sealed


def elsewhere(ledger: Ledger, *case: str, days: int = 0) -> list[str]:
    """Which of the entries A1 to A4 earned a standing claim of another case than this one."""
    ids = ["A1", "A2", "A3", "A4"]
    when = [DAY + day + days for day in (0, 1, 2, 17)]
    did = pd.DataFrame({"activity_id": ids, "service_date": when, "month": "2026-08"})
    cases = pd.DataFrame([(*case, "2026-08")], columns=CASE)
    return [ids[place] for place in earned_elsewhere(ledger, did, cases).index]


def test_entries_that_earned_the_claim_of_another_case(ledger: Ledger, tmp_path: Path) -> None:
    for _ in range(2):  # a second question has its own answer
        assert elsewhere(ledger, "100009", "bcbsm-pdcm", "") == ["A1", "A2", "A3", "A4"]
        assert elsewhere(ledger, "100001", "bcbsm-pdcm", "") == ["A3"]
    # a claim of an unnamed practice is every practice's
    assert elsewhere(ledger, "100001", "bcbsm-pdcm", "1999999984") == ["A3"]
    assert elsewhere(ledger, "100001", "priority-health", "") == ["A1", "A2", "A3", "A4"]
    assert elsewhere(ledger, "100009", "bcbsm-pdcm", "", days=1) == []
    home = tmp_path / "named"
    home.mkdir()
    bill(home, [each | {"billing_npi": "1999999984"} for each in FIRST], sent=True)
    with store.opened(home / "ledger.sqlite") as named:
        assert elsewhere(named, "100001", "bcbsm-pdcm", "1999999984") == ["A3"]
        assert elsewhere(named, "100001", "bcbsm-pdcm", "1888888883") == ["A1", "A2", "A3"]
        assert elsewhere(named, "100001", "bcbsm-pdcm", "") == ["A1", "A2", "A3"]
