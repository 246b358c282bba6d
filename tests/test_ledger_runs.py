"""Nothing is billed twice, nothing is lost, corrections are corrections: month after month."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ledgers import Practice, read, row, write_log

AUGUST = [
    row("A1", "100001", "2026-08-03"),
    row("A2", "100002", "2026-08-05"),
]
SEPTEMBER = [
    row("A3", "100001", "2026-09-07"),
    row("A4", "100003", "2026-09-08", kind="care-management-contact", minutes="12"),
]
NEW = [("100001", "new", "1", "99487", "1"), ("100002", "new", "1", "99487", "1")]


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    return Practice(tmp_path)


@pytest.fixture
def billed(practice: Practice) -> Practice:
    """A practice whose August is submitted."""
    practice.bill(AUGUST, "--submit")
    return practice


# drafts


def test_a_run_is_a_draft_and_a_draft_is_not_billed(practice: Practice) -> None:
    said = practice.bill(AUGUST)
    assert practice.lines() == NEW
    assert practice.statuses() == ["draft"]
    assert "once sent  ccbill ledger submit 1" in said
    assert json.loads((practice.out / "run.json").read_text())["status"] == "draft"


def test_a_new_draft_replaces_the_old_and_says_so(practice: Practice) -> None:
    practice.bill(AUGUST)
    said = practice.bill(AUGUST)
    assert practice.lines() == NEW
    assert practice.statuses() == ["replaced", "draft"]
    assert "ledger: 2 claims of draft run 1 stand in this run again" in said
    assert "ccbill ledger submit 1, then run again" in said


def test_a_draft_of_other_cases_stays(practice: Practice) -> None:
    practice.bill(AUGUST)
    practice.bill(SEPTEMBER)
    assert practice.statuses() == ["draft", "draft"]


def test_the_draft_that_was_sent_may_be_submitted_and_the_other_then_not(
    practice: Practice,
) -> None:
    practice.bill(AUGUST)
    practice.bill(AUGUST)
    practice.submit(1)
    assert practice.submit(2, exits=2) == (
        "ledger: 2 claims of run 2 were submitted or corrected after it was made\n"
        "  Nothing was recorded.\n"
        "  fix: run the export again and submit that run\n"
    )
    practice.bill(AUGUST)
    assert practice.lines() == []


def test_without_a_ledger_every_line_is_new_and_nothing_is_kept(billed: Practice) -> None:
    billed.bill(AUGUST, "--no-ledger")
    assert billed.lines() == NEW
    assert billed.statuses() == ["submitted"]
    billed.bill(AUGUST, "--no-ledger", "--submit", exits=2)
    billed.bill(AUGUST, "--dry-run", "--submit", exits=2)


def test_a_dry_run_looks_back_and_keeps_nothing(billed: Practice) -> None:
    said = billed.bill(AUGUST + SEPTEMBER, "--dry-run")
    assert "Nothing was written." in said
    assert billed.statuses() == ["submitted"]


# submitted


def test_run_twice_bills_once(billed: Practice) -> None:
    billed.bill(AUGUST, "--submit")
    assert billed.lines() == []
    assert [line[0] for line in billed.lines("submitted")] == ["100001", "100002"]
    assert billed.problems() == []
    billed.ccbill("ledger", "verify")


def test_a_superset_export_next_month_bills_what_is_new(billed: Practice) -> None:
    billed.on("2026-12-02").bill(AUGUST + SEPTEMBER)
    assert billed.lines() == [
        ("100001", "new", "1", "99487", "1"),
        ("100003", "new", "1", "98967", "1"),
    ]
    assert {line["month"] for line in read(billed.out / "claims.csv")} == {"2026-09"}
    assert len(billed.lines("submitted")) == 2


def test_the_export_of_the_next_month_alone_voids_nothing(billed: Practice) -> None:
    billed.bill(SEPTEMBER)
    assert [line[1] for line in billed.lines()] == ["new", "new"]
    assert billed.lines("submitted") == []


def test_twenty_late_rows_are_corrections_and_new_claims(practice: Practice) -> None:
    first = [row(f"A{n}", f"1000{n:02}", "2026-08-03") for n in range(20)]
    practice.bill(first, "--submit")
    (practice.home / "numbers.csv").write_text(
        "claim_id,payer_claim_number\n"
        + "".join(f"{line['claim_id']},P{n}\n" for n, line in enumerate(read_claims(practice)[:9]))
    )
    practice.submit(1, "--claim-numbers", "numbers.csv")
    late = [row(f"B{n}", f"1000{n:02}", "2026-08-20", minutes="46") for n in range(10)]
    late += [row(f"B{n}", f"1000{n:02}", "2026-08-21", minutes="5") for n in range(10, 15)]
    late += [row(f"B{n}", f"1000{n:02}", "2026-08-22") for n in range(20, 25)]
    practice.bill(first + late)
    status = [line[1] for line in practice.lines()]
    assert (status.count("replacement"), status.count("new")) == (20, 5)
    changed = [c for c in read_claims(practice) if c["status"] == "replacement"]
    assert {(c["code"], c["frequency_code"]) for c in changed} == {("99487", "7"), ("99489", "7")}
    numbers = {c["patient_id"]: c["original_claim_number"] for c in changed}
    assert numbers == {f"1000{n:02}": f"P{n}" if n < 9 else "" for n in range(10)}
    assert practice.problems() == ["original-claim-number-missing"]
    assert len(practice.lines("submitted")) == 10  # a later date alone changes nothing


def read_claims(practice: Practice) -> list[dict[str, str]]:
    return read(practice.out / "claims.csv")


def test_minutes_removed_with_every_activity_named_are_a_replacement_or_a_void(
    practice: Practice,
) -> None:
    two = [row("A1", "100001", "2026-08-03", minutes="76"), *AUGUST[1:]]
    practice.bill(two, "--submit")
    less = [row("A1", "100001", "2026-08-03"), row("A2", "100002", "2026-08-05", minutes="9")]
    practice.bill(less, "--submit")
    assert practice.lines() == [
        ("100001", "replacement", "7", "99487", "1"),
        ("100002", "void", "8", "99487", "1"),
    ]
    assert practice.problems() == ["original-claim-number-missing"] * 2
    practice.bill(less)
    assert practice.lines() == []
    practice.bill(AUGUST)
    assert practice.lines() == [("100002", "new", "1", "99487", "1")]


@pytest.mark.parametrize("left", [[], [row("A9", "100001", "2026-08-09", minutes="5")]])
def test_an_export_that_lacks_activities_never_takes_back(
    practice: Practice, left: list[dict[str, str]]
) -> None:
    two = [row("A1", "100001", "2026-08-03"), row("A2", "100001", "2026-08-05", minutes="45")]
    practice.bill(two, "--submit")
    practice.bill([two[0], *left])
    assert practice.lines() == []
    assert [line[3] for line in practice.lines("submitted")] == ["99487", "99489"]
    assert practice.problems() == ["log-incomplete"]
    [held] = [r for r in read(practice.out / "exceptions.csv") if r["severity"] == "hold"]
    assert (held["patient_id"], held["month"]) == ("100001", "2026-08")
    practice.bill([two[0], *left], "--complete")
    assert practice.lines() == [("100001", "replacement", "7", "99487", "1")]


def test_a_late_contact_in_a_file_of_its_own_is_held_and_not_lost(practice: Practice) -> None:
    contact = {"kind": "care-management-contact", "minutes": "12"}
    practice.bill([row("A1", "100001", "2026-08-03", **contact)], "--submit")
    practice.bill([row("A2", "100001", "2026-08-10", **contact)])
    assert practice.lines() == []
    assert practice.problems() == ["log-incomplete"]


def test_activities_that_are_held_now_take_nothing_back(billed: Practice) -> None:
    billed.bill([AUGUST[0] | {"credential": ""}, AUGUST[1]])
    assert billed.lines() == []
    assert len(billed.lines("submitted")) == 2
    assert "credential-missing" in billed.problems()


def test_a_changed_authorization_replaces_the_claim_under_its_first_id(practice: Practice) -> None:
    served = row(
        *("A1", "300001", "2026-08-03"),
        payer="Medi-Cal ECM",
        kind="ecm-service",
        mode="in-person",
        authorization_number="T1",
    )
    practice.bill([served], "--submit")
    [first] = read_claims(practice)
    practice.bill([served | {"authorization_number": "T2"}], "--submit")
    [second] = read_claims(practice)
    assert second["claim_id"] == first["claim_id"]
    assert (second["status"], second["authorization_number"]) == ("replacement", "T2")
    practice.bill([served | {"authorization_number": "T2"}])
    assert practice.lines() == []


CALL = row(
    *("A1", "300001", "2026-08-03"),
    payer="Medi-Cal ECM",
    kind="ecm-service",
    authorization_number="T1",
)
VISIT = CALL | {"activity_id": "A2", "service_date": "2026-08-20", "mode": "in-person"}


def ecm(practice: Practice, name: str) -> list[tuple[str, ...]]:
    """Status, code, modifiers and date of each line of an output file."""
    columns = ("status", "code", "modifier_1", "modifier_2", "service_from")
    return [tuple(line[c] for c in columns) for line in read(practice.out / f"{name}.csv")]


def test_a_better_encounter_that_comes_late_changes_nothing(practice: Practice) -> None:
    practice.bill([CALL], "--submit")
    [claim] = read_claims(practice)
    practice.bill([CALL, VISIT])
    assert practice.lines() == []
    assert ecm(practice, "submitted") == [("submitted", "G9008", "U1", "GQ", "2026-08-03")]
    assert ecm(practice, "encounters") == [("new", "G9008", "U1", "", "2026-08-20")]
    trace = read(practice.out / "activities.csv")
    assert [each["claim_id"] for each in trace] == [claim["claim_id"], ""]


@pytest.mark.parametrize(
    ("now", "options"),
    [
        ([CALL | {"mode": "in-person"}], []),
        ([VISIT], ["--complete"]),
        ([CALL | {"credential": "CHW"}, VISIT], []),
    ],
)
def test_a_payment_whose_encounter_is_no_more_is_replaced(
    practice: Practice, now: list[dict[str, str]], options: list[str]
) -> None:
    practice.bill([CALL], "--submit")
    practice.bill(now, *options)
    assert [line[:4] for line in ecm(practice, "claims")] == [("replacement", "G9008", "U1", "")]
    assert practice.lines("submitted") == []


def test_a_payment_whose_encounter_is_not_named_stays_as_submitted(practice: Practice) -> None:
    practice.bill([CALL], "--submit")
    practice.bill([VISIT])
    assert practice.lines() == []
    assert practice.problems("hold") == ["log-incomplete"]
    assert ecm(practice, "submitted") == [("submitted", "G9008", "U1", "GQ", "2026-08-03")]


ELSEWHERE = [
    {"patient_id": "100009"},  # it was in the wrong chart
    {"payer": "Priority Health", "minutes": "60"},
    {"billing_npi": "1888888883"},
]


@pytest.mark.parametrize("corrected", ELSEWHERE)
def test_work_that_earned_a_standing_claim_is_not_billed_again_in_another_chart(
    practice: Practice, corrected: dict[str, str]
) -> None:
    sent = [each | {"billing_npi": "1999999984"} for each in AUGUST]
    practice.bill(sent, "--submit")
    claims = {line["patient_id"]: line["claim_id"] for line in read_claims(practice)}
    moved = sent[0] | corrected
    rest = row("B1", moved["patient_id"], "2026-08-09", minutes="5") | corrected
    practice.bill([moved, rest | {"minutes": "5"}, sent[1]])
    assert practice.lines() == []
    [held] = [e for e in read(practice.out / "exceptions.csv") if e["severity"] == "hold"]
    assert (held["problem"], held["claim_id"]) == ("billed-elsewhere", claims["100001"])
    assert (held["patient_id"], held["payer"]) == (moved["patient_id"], moved["payer"])
    assert (held["rows"], held["file"], held["row"]) == ("2", "log.csv", "2")
    assert "ccbill ledger void --claim ID" in held["fix"]
    practice.ccbill("ledger", "void", "--claim", claims["100001"])
    practice.bill([moved, rest | {"minutes": "5"}, sent[1]])
    assert [line[:2] for line in practice.lines()] == [(moved["patient_id"], "new")]
    assert practice.problems("hold") == []


def test_work_moved_to_another_chart_of_the_same_export_voids_the_first(
    billed: Practice,
) -> None:
    other = row("B1", "100001", "2026-08-09", minutes="5")
    billed.bill([AUGUST[0] | {"patient_id": "100009"}, other, AUGUST[1]])
    assert [line[:2] for line in billed.lines()] == [("100001", "void"), ("100009", "new")]
    assert billed.problems("hold") == []


def test_work_moved_out_of_a_claim_that_has_to_stay_is_not_billed_again(
    practice: Practice,
) -> None:
    first = [row("A1", "100001", "2026-08-03"), row("A2", "100001", "2026-08-04", minutes="45")]
    practice.bill(first, "--submit")
    other = row("B1", "100001", "2026-08-09", minutes="5")
    practice.bill([first[0] | {"patient_id": "100009"}, other])
    assert practice.lines() == []
    assert sorted(practice.problems("hold")) == ["billed-elsewhere", "log-incomplete"]


def test_an_incomplete_log_is_one_thing_to_fix(practice: Practice) -> None:
    call = {"kind": "care-management-contact", "minutes": "12"}
    first = [
        row("A1", "100001", "2026-08-03"),
        row("A2", "100001", "2026-08-05", minutes="45"),
        row("A3", "100001", "2026-08-05", **call),
        row("A4", "100001", "2026-08-06", **call | {"mode": "in-person"}),
    ]
    practice.bill(first, "--submit")
    practice.bill([first[0], *first[2:]])
    held = [e for e in read(practice.out / "exceptions.csv") if e["severity"] == "hold"]
    assert [(e["problem"], e["rows"]) for e in held] == [("log-incomplete", "3")]


def test_a_number_that_an_export_gives_out_anew_is_other_work(billed: Practice) -> None:
    billed.bill([row("A1", "100007", "2026-08-21"), row("A2", "100001", "2026-09-05")])
    assert [line[:2] for line in billed.lines()] == [("100001", "new"), ("100007", "new")]
    assert billed.problems("hold") == []


def test_a_patient_whose_id_is_new_is_billed_once(billed: Practice) -> None:
    renamed = [each | {"patient_id": f"9{each['patient_id']}"} for each in AUGUST]
    billed.bill(renamed)
    assert billed.lines() == []
    assert billed.problems("hold") == ["billed-elsewhere"] * 2
    for each, new in zip(AUGUST, renamed, strict=True):
        billed.ccbill("ledger", "merge", each["patient_id"], new["patient_id"])
    billed.bill(renamed)
    assert (billed.lines(), billed.problems("hold")) == ([], [])
    assert len(billed.lines("submitted")) == 2


def test_a_code_of_once_a_year_looks_back_to_what_was_submitted(practice: Practice) -> None:
    usual = {"payer": "Priority Health", "kind": "comprehensive-assessment", "minutes": "40"}
    practice.bill([row("A1", "100001", "2026-02-12", **usual)], "--submit")
    practice.bill([row("A2", "100001", "2026-10-08", **usual)])
    assert practice.lines() == []


def test_only_the_months_asked_for_are_settled(billed: Practice) -> None:
    billed.bill([AUGUST[1], *SEPTEMBER], "--month", "2026-09")
    assert [line[0] for line in billed.lines()] == ["100001", "100003"]
    assert billed.lines("submitted") == []


# void and reject


def test_what_is_voided_is_billed_again_as_new(billed: Practice) -> None:
    billed.ccbill("ledger", "void", "1")
    assert billed.statuses() == ["void"]
    billed.bill(AUGUST)
    assert billed.lines() == NEW
    billed.ccbill("ledger", "export", "voids.csv", "--run", "1")
    assert {r["frequency_code"] for r in read(billed.home / "voids.csv")} == {"8"}
    billed.ccbill("ledger", "verify")


def test_a_rejected_run_is_not_said_to_be_void(billed: Practice) -> None:
    first, second = (line["claim_id"] for line in read_claims(billed))
    said = billed.ccbill("ledger", "reject", "--claim", first).stderr
    assert said == "run 1: 1 claim is billable again\n"
    assert billed.statuses() == ["submitted"]
    billed.ccbill("ledger", "reject", "--claim", second)
    assert billed.statuses() == ["rejected"]
    assert "run 1 was submitted once and rejected" in billed.submit(1, exits=2)
    billed.ccbill("ledger", "verify")


def test_a_run_of_which_a_claim_was_taken_back_is_void(billed: Practice) -> None:
    first, second = (line["claim_id"] for line in read_claims(billed))
    said = billed.ccbill("ledger", "void", "--claim", first).stderr
    assert said == "run 1: 1 claim is taken back\n"
    billed.ccbill("ledger", "reject", "--claim", second)
    assert billed.statuses() == ["void"]
    billed.ccbill("ledger", "verify")


def test_one_claim_is_said_as_one(practice: Practice) -> None:
    practice.bill(AUGUST[:1])
    said = practice.bill(AUGUST[:1])
    assert "ledger: 1 claim of draft run 1 stands in this run again" in said
    assert practice.submit(1) == "run 1 is submitted: 1 claim\n"
    assert "1 claim of run 2 was submitted or corrected after" in practice.submit(2, exits=2)
    said = practice.ccbill("ledger", "export", "billed.csv").stderr
    assert said == "1 line: billed.csv\n"
    practice.ccbill("ledger", "void", "1")
    said = practice.ccbill("ledger", "import", "billed.csv", "--ledger", "other.sqlite").stderr
    assert said == "run 1: 1 line on 1 claim counts as billed\n"


@pytest.mark.parametrize(
    "asked",
    [
        ("ledger", "runs"),
        ("ledger", "show", "1"),
        ("ledger", "history", "100001"),
        ("ledger", "verify"),
        ("ledger", "export", "billed.csv"),
        ("ledger", "submit", "1"),
        ("explain", "100001"),
        ("explain", "100001", "log.csv"),
    ],
)
def test_a_ledger_that_is_named_and_not_there_is_refused(
    billed: Practice, asked: tuple[str, ...]
) -> None:
    done = billed.ccbill(*asked, "--ledger", "ledgr.sqlite", exits=4)
    assert (done.stdout, done.stderr) == (
        "",
        f"{billed.home / 'ledgr.sqlite'}: there is no such file\n"
        "  Nothing was recorded or written.\n"
        "  fix: check the name; `ccbill run` and `ccbill ledger import` make a new one\n",
    )
    assert not (billed.home / "ledgr.sqlite").exists()


def test_no_ledger_at_the_usual_place_is_said_and_no_error(practice: Practice) -> None:
    done = practice.ccbill("ledger", "runs")
    assert (
        done.stderr == f"ledger: there is none yet at {practice.ledger}; the first run makes it\n"
    )
    assert practice.json("runs") == {"schema_version": 1, "runs": []}
    assert not practice.ledger.exists()


def test_one_claim_is_voided(billed: Practice) -> None:
    claim = read_claims(billed)[0]["claim_id"]
    billed.ccbill("ledger", "void", "--claim", claim)
    assert billed.statuses() == ["submitted"]
    billed.bill(AUGUST)
    assert billed.lines() == NEW[:1]


def test_a_rejected_run_is_billable_again_as_new(billed: Practice) -> None:
    billed.ccbill("ledger", "reject", "1")
    billed.bill(AUGUST)
    assert billed.lines() == NEW
    billed.ccbill("ledger", "verify")


def test_a_rejected_replacement_leaves_the_first_claim_standing(billed: Practice) -> None:
    more = [row("A1", "100001", "2026-08-03", minutes="76"), AUGUST[1]]
    billed.bill(more, "--submit")
    billed.ccbill("ledger", "reject", "2")
    [line] = [x for x in billed.json("history", "100001")["lines"] if x["state"] == "stands"]
    assert (line["run"], line["code"]) == (1, "99487")
    billed.bill(more)
    assert {x[1] for x in billed.lines()} == {"replacement"}
    billed.ccbill("ledger", "verify")


def test_a_claim_is_voided_in_the_run_whose_version_stands(billed: Practice) -> None:
    billed.bill([AUGUST[0] | {"minutes": "80"}, AUGUST[1]], "--submit")
    billed.ccbill("ledger", "reject", "2")
    claim = billed.json("history", "100001")["lines"][0]["claim_id"]
    assert billed.json("void", "--claim", claim)["run"] == 1
    assert billed.statuses() == ["submitted", "rejected"]
    other = billed.json("history", "100002")["lines"][0]["claim_id"]
    billed.ccbill("ledger", "void", "--claim", other)
    assert billed.statuses() == ["void", "rejected"]
    billed.ccbill("ledger", "verify")


def test_a_draft_has_nothing_to_void(practice: Practice) -> None:
    practice.bill(AUGUST)
    for command in ("void", "reject"):
        assert "is a draft" in practice.ccbill("ledger", command, "1", exits=2).stderr
        assert "has no run 9" in practice.ccbill("ledger", command, "9", exits=3).stderr
        practice.ccbill("ledger", command, exits=2)


# history from before, and to elsewhere


def test_imported_history_is_not_billed_again(practice: Practice, tmp_path: Path) -> None:
    other = Practice(tmp_path / "before")
    other.home.mkdir()
    other.bill([AUGUST[0] | {"patient_id": "-100"}, AUGUST[1]])
    imported = (other.out / "claims.csv").read_text()
    assert "'-100" in imported
    (practice.home / "before.csv").write_text(imported)
    practice.ccbill("ledger", "import", "before.csv")
    practice.bill([AUGUST[0] | {"patient_id": "-100"}, AUGUST[1], *SEPTEMBER])
    assert [line[0] for line in practice.lines()] == ["100001", "100003"]
    again = practice.ccbill("ledger", "import", "before.csv", exits=2).stderr
    assert "2 of its claims are in the ledger already" in again
    practice.ccbill("ledger", "verify")


def test_history_needs_only_what_says_what_was_billed(practice: Practice) -> None:
    (practice.home / "old.csv").write_text(
        "plan,patient_id,code,service_from,units\nbcbsm-pdcm,100001,99487,2026-08-14,1\n"
    )
    practice.ccbill("ledger", "import", "old.csv")
    practice.bill(AUGUST)
    assert practice.lines() == NEW[1:]
    assert len(practice.lines("submitted")) == 1


def test_history_that_cannot_be_read_is_refused_whole(practice: Practice) -> None:
    (practice.home / "old.csv").write_text(
        "plan,patient_id,code,service_from,units\n\n"
        "bcbsm-pdmc,100001,99487,2026-08-14,1\n"
        "bcbsm-pdcm,,99487,8/14/2026,x\n"
        "bcbsm-pdcm,100002,99487,2026-08-14,0\n"
    )
    said = practice.ccbill("ledger", "import", "old.csv", exits=3).stderr
    assert [line for line in said.splitlines() if line.startswith("old.csv")] == [
        "old.csv:4:D (service_from): is not a date such as 2026-10-05",
        "old.csv:4:E (units): is not a number",
        "old.csv:4:B (patient_id): is blank",
        "old.csv:5:E (units): is less than 1",
        "old.csv:3:A (plan): 'bcbsm-pdmc' is not a plan",
    ]
    (practice.home / "old.csv").write_text("plan,code\n")
    said = practice.ccbill("ledger", "import", "old.csv", exits=3).stderr
    assert "has no column patient_id" in said


def test_what_is_exported_can_be_imported(billed: Practice, tmp_path: Path) -> None:
    billed.bill([*AUGUST, *SEPTEMBER], "--submit")
    billed.ccbill("ledger", "export", "all.csv")
    billed.ccbill("ledger", "export", "all.parquet")
    billed.ccbill("ledger", "export", "all.txt", exits=2)
    other = Practice(tmp_path / "other")
    other.home.mkdir()
    (other.home / "all.csv").write_text((billed.home / "all.csv").read_text())
    other.ccbill("ledger", "import", "all.csv")
    other.bill([*AUGUST, *SEPTEMBER])
    assert other.lines() == []
    assert len(other.lines("submitted")) == 4


def test_two_ids_of_one_patient_are_one(billed: Practice) -> None:
    renamed = [AUGUST[0] | {"patient_id": "900001"}, AUGUST[1]]
    billed.ccbill("ledger", "merge", "100001", "900001")
    billed.bill(renamed)
    assert billed.lines() == []
    assert len(billed.lines("submitted")) == 2
    assert len(billed.json("history", "900001")["lines"]) == 1
    billed.ccbill("ledger", "merge", "nobody", "900001", exits=3)
    assert "nobody" not in billed.ccbill("ledger", "history", "nobody", exits=3).stderr


# what it says


def test_runs_and_show_as_json(billed: Practice) -> None:
    told = billed.json("runs")
    [run] = told["runs"]
    assert told["schema_version"] == 1
    assert {k: run[k] for k in ("run", "status", "month", "lines", "amount")} == {
        "run": 1,
        "status": "submitted",
        "month": "2026-08",
        "lines": 2,
        "amount": 0.0,
    }
    shown = billed.json("show", "1")
    assert shown["record"]["inputs"][0]["name"] == "log.csv"
    assert shown["summary"][0]["code"] == "99487"
    assert "100001" not in json.dumps(shown)


def test_an_empty_ledger_is_said_where_a_plan_looks_back(practice: Practice) -> None:
    assert "holds no submitted claims" in practice.bill(AUGUST)
    practice.submit(1)
    assert "holds no submitted claims" not in practice.bill(AUGUST)


def test_a_ledger_that_is_not_there_has_no_runs_and_is_not_made(practice: Practice) -> None:
    assert practice.json("runs")["runs"] == []
    assert not practice.ledger.exists()


def test_numbers_of_claims_that_nobody_knows_are_counted(billed: Practice) -> None:
    (billed.home / "numbers.csv").write_text("claim_id,payer_claim_number\nC1,77\n")
    said = billed.submit(1, "--claim-numbers", "numbers.csv")
    assert said.splitlines() == [
        "run 1 is submitted already: 2 claims; the payer's numbers of 0 claims are kept, "
        "1 is of no submitted claim"
    ]
    (billed.home / "numbers.csv").write_text("claim_id,number\n")
    said = billed.submit(1, "--claim-numbers", "numbers.csv", exits=3)
    assert "has no column payer_claim_number" in said


def test_no_message_names_a_patient(billed: Practice) -> None:
    less = [AUGUST[0] | {"minutes": "4"}, row("B1", "100002", "2026-08-09", minutes="3")]
    said = billed.bill(less) + billed.submit(2) + billed.ccbill("ledger", "void", "1").stderr
    assert "10000" not in said
    assert "10000" not in (billed.out / "run.json").read_text()


def test_the_settings_name_the_ledger(practice: Practice) -> None:
    (practice.home / "ccbill.toml").write_text('[ledger]\npath = "kept/here.sqlite"\n')
    write_log(practice.home / "log.csv", AUGUST)
    from command import ccbill  # noqa: PLC0415

    assert ccbill("run", "log.csv", cwd=practice.home).returncode == 0
    assert (practice.home / "kept" / "here.sqlite").exists()
    (practice.home / "ccbill.toml").unlink()
    assert ccbill("run", "log.csv", cwd=practice.home).returncode == 0
    made = [path for path in practice.home.rglob("ledger.sqlite") if "ccbill" in path.parts]
    assert len(made) == 1
