"""What a rule's questions make of blanks, of rows that wait, and of work that was billed before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_explain import write
from test_look_backs import OUTREACH, PLANS, attempts, before
from test_overlays import HEAD, laid
from test_report_tables import trace_of

from ccbill.drafts import beside
from ccbill.report.tables import Report
from ccbill.rules import edits
from ccbill.rules.examples import activity, billed
from ccbill.rules.parse import EPOCH, FOREVER
from ccbill.rules.screen import Answer, Verdicts
from ccbill.run import Request, run
from ccbill.tables import UNKNOWN, Outcome

FEES = "plan,code,charge\nbcbsm-pdcm,99487,100\nbcbsm-pdcm,99489,50\nbcbsm-pdcm,G9007,30\n"
HELD = "31 care-coordination - phone 2026-09-04"


def reported(tmp_path: Path, rows: list[dict[str, str]], **more: Any) -> Report:
    """What a run over these rows reports; one patient, payer and staff member unless told."""
    usual = {"patient_id": "1", "payer": "BCBSM", "staff_id": "S1"}
    path = write([usual | each for each in rows], tmp_path / "log.csv")
    request = Request([str(path)], date(2026, 11, 2), out=tmp_path, dry_run=True, **more)
    return run(request)[0]


def at_stake(tmp_path: Path, *did: str) -> list[tuple[str, str, int]]:
    """The problem, code and cents of everything that is held."""
    fees = tmp_path / "fees.csv"
    fees.write_text(FEES)
    table = reported(tmp_path, [activity(d) for d in did], fees=fees).exceptions
    held = table[table["severity"] == "hold"]
    return [*zip(held["problem"], held["code"], held["amount"], strict=True)]


@pytest.mark.parametrize(
    ("did", "code", "cents"),
    [
        ([HELD], "99487", 10_000),
        (["20 care-coordination RN phone 2026-09-03", HELD], "99487", 10_000),
        (["60 care-coordination RN phone 2026-09-03", HELD], "99489", 5_000),
        (["60 care-coordination RN phone 2026-08-03", HELD], "99487", 10_000),
    ],
)
def test_held_work_is_worth_what_it_would_add(
    tmp_path: Path, did: Sequence[str], code: str, cents: int
) -> None:
    assert at_stake(tmp_path, *did) == [("credential-missing", code, cents)]


def test_a_meeting_without_a_provider_is_worth_its_code(tmp_path: Path) -> None:
    assert at_stake(tmp_path, "15 team-conference RN 2026-09-03") == [
        ("provider-missing", "G9007", 3_000)
    ]


def test_a_line_that_cannot_go_out_is_held_and_worth_its_charge(tmp_path: Path) -> None:
    did = [
        activity("31 care-coordination RN phone 2026-09-03"),
        activity("20 care-coordination RN phone 2026-10-03"),  # earns no line
    ]
    fees = tmp_path / "fees.csv"
    fees.write_text(FEES)
    report = reported(tmp_path, did, fees=fees, complete=True)
    assert len(report.claims) == 0
    assert [*report.activities.text("outcome")] == ["held", "counted"]
    held = report.exceptions[report.exceptions["severity"] == "hold"]
    assert [*zip(held["problem"], held["code"], held["amount"], strict=True)] == [
        ("claim-incomplete", "99487", 10_000)
    ]
    [why] = held["why"]
    assert why.startswith("the claim lacks member_id, ")


def test_a_claim_that_lacks_fields_is_one_thing_to_fix(tmp_path: Path) -> None:
    """It is named where its lines are held, all that they lack once; what is held without a line
    names no claim."""
    usual = {"rendering_npi": "1999999984", "sex": "F"}
    did = [
        *(
            activity(f"30 care-management-contact RN in-person 2026-{day}")
            | {"place_of_service": "11"}
            for day in ("09-02", "10-05")
        ),
        activity("20 care-coordination RN phone 2026-09-03"),
        activity("20 care-coordination RN phone 2026-09-04"),
        activity("10 care-coordination - phone 2026-09-06") | {"patient_id": "2"},
    ]
    report = reported(tmp_path, [usual | each for each in did], complete=True)
    held = report.exceptions[report.exceptions["severity"] == "hold"].sort_values("month")
    lacking = held[held["problem"] == "claim-incomplete"]
    assert [*lacking["rows"]] == [3, 1]
    assert lacking["claim_id"].is_unique
    assert lacking["claim_id"].notna().all()
    both, one = (why.removeprefix("the claim lacks ").split(", ") for why in lacking["why"])
    assert sorted(both) == sorted([*one, "place_of_service"])
    [other] = held[held["problem"] != "claim-incomplete"].to_dict("records")
    assert (other["problem"], other["patient_id"]) == ("credential-missing", "2")
    assert pd.isna(other["claim_id"])


def test_late_filing_counts_the_rows_of_its_claim(tmp_path: Path) -> None:
    did = [
        "20 care-coordination RN phone 2026-03-03",
        "60 care-coordination RN phone 2026-03-04",
        "30 care-management-contact RN in-person 2026-03-04",
        "5 care-coordination RN phone 2026-04-04",
    ]
    table = reported(tmp_path, [activity(each) for each in did]).exceptions
    late = table[table["problem"] == "timely-filing"]
    assert [*zip(late["month"], late["rows"], strict=True)] == [("2026-03", 3)]


def test_every_unit_of_a_line_has_its_price(tmp_path: Path) -> None:
    fees = tmp_path / "fees.csv"
    fees.write_text("plan,code,charge,expected_payment\nbcbsm-pdcm,99489,50,40.25\n")
    did = activity("106 care-coordination RN phone 2026-09-03")
    claims = reported(tmp_path, [did], fees=fees).claims
    names = ("code", "units", "charge", "expected_payment")
    assert [*zip(*(claims[name] for name in names), strict=True)] == [
        ("99487", 1, UNKNOWN, UNKNOWN),
        ("99489", 2, 10_000, 8_050),
    ]


def test_the_practices_own_npi_stands_where_no_row_names_one(tmp_path: Path) -> None:
    (tmp_path / "ccbill.toml").write_text('[practice]\nrendering_npi = "1999999984"\n')
    did = activity("31 care-coordination RN phone 2026-09-03")
    rows = [did, did | {"patient_id": "2", "rendering_npi": "1888888883"}]
    claims = reported(tmp_path, rows, config=tmp_path / "ccbill.toml").claims
    assert [*claims["rendering_npi"]] == ["1999999984", "1888888883"]


def test_a_line_of_an_unnamed_practice_lacks_the_billing_npi(tmp_path: Path) -> None:
    did = activity("31 care-coordination RN phone 2026-09-03")
    [lacks] = reported(tmp_path, [did]).claims["missing"]
    assert "billing_npi" in lacks.split(", ")
    [lacks] = reported(tmp_path, [did | {"billing_npi": "1999999984"}]).claims["missing"]
    assert "billing_npi" not in lacks.split(", ")


def test_diagnoses_are_not_checked_only_where_nobody_gives_them(tmp_path: Path) -> None:
    did = activity("20 care-coordination RN phone 2026-09-03") | {"payer": "Medicare"}
    given = did | {"diagnosis_codes": "I10;E11.9"}
    for row, unchecked in ((did, True), (given, False)):
        [notes] = reported(tmp_path, [row]).claims["notes"]
        assert ("not checked: diagnosis_codes" in notes) == unchecked


def test_a_word_that_is_not_known_is_worth_what_it_may_mean(tmp_path: Path) -> None:
    assert at_stake(tmp_path, "31 care-cordination RN phone 2026-09-03") == [
        ("kind-not-known", "99487", 10_000)
    ]


@pytest.mark.parametrize(
    ("payers", "said", "line"),
    [
        (["Acme"], "a name is no plan's payer", '"…" = "the payer\'s name"'),
        (["BCBSM", "Acme", "Acme"], "a name is no plan's payer", '"…" = "the payer\'s name"'),
        (["BCBSM", "Acme"], "'Acme' is no plan's payer", '"Acme" = "the payer\'s name"'),
        (["BCBSM", "Medicar"], "'Medicar' is no plan's payer", '"Medicar" = "Medicare"'),
    ],
)
def test_an_unknown_payer_is_named_where_most_rows_name_a_payer(
    tmp_path: Path, payers: list[str], said: str, line: str
) -> None:
    did = activity("31 care-coordination RN phone 2026-09-03")
    rows = [did | {"patient_id": str(n), "payer": payer} for n, payer in enumerate(payers)]
    notes = reported(tmp_path, rows).notes
    unknown = notes[notes["problem"] == "payer-not-known"]
    assert [*unknown["what"]] == [said]
    assert [*unknown["rows"]] == [payers.count(payers[-1])]
    assert [*unknown["fix"]] == [f"under [payers] in ccbill.toml: {line}"]


def test_training_may_be_asked_for_in_any_plan(tmp_path: Path) -> None:
    text = f"""{HEAD}[[add.screen]]
trained = {{ by = "training_date", within_months = 6 }}
why = "staff are trained within 6 months"
cite = "ccbill"
"""
    (tmp_path / "ours" / "priority-health").mkdir(parents=True)
    (tmp_path / "ours" / "priority-health" / "payer.toml").write_text(text)
    (tmp_path / "staff.csv").write_text("staff_id,training_date\nS1,2026-12-01\n")
    rows = [
        activity(f"31 care-coordination RN phone {day}") | {"payer": "Priority Health"}
        for day in ("2026-01-15", "2026-07-15", "2026-08-15")
    ]
    made = reported(tmp_path, rows, rules=[tmp_path / "ours"], staff=tmp_path / "staff.csv")
    table = trace_of(made)
    assert [*table["outcome"]] == ["counted", "counted", "held"]
    assert table["rule"].str.startswith("priority-health/care-coordination").all()


def test_one_of_several_ways_to_meet_a_question_is_enough_whatever_else_is_blank(
    tmp_path: Path,
) -> None:
    either = '[{ outcome = ["reached"] }, { setting = ["office"] }]'
    says = 'problem = "not-payable"\nwhy = "either is enough"\ncite = "ccbill"\n'
    text = f"{HEAD}[[add.screen]]\ncount_only = {either}\n{says}"
    plan = laid(tmp_path, {"bcbsm-pdcm/payer.toml": text})["bcbsm-pdcm"]

    def units(cells: str) -> dict[str, int]:
        did = activity(f"31 care-coordination RN phone {cells}")
        return billed(plan, [{"service_date": "2026-09-03"} | did])

    assert units("outcome=reached") == units("setting=office") == {"99487": 1}
    assert units("outcome=declined") == units("outcome=declined setting=home") == {}


def test_a_blank_credential_is_held_only_where_it_would_decide(tmp_path: Path) -> None:
    either = '[{ credential = ["RN"] }, { setting = ["office"] }]'
    says = 'problem = "not-payable"\nwhy = "either is enough"\ncite = "ccbill"\n'
    text = f"{HEAD}[[add.screen]]\ncount_only = {either}\n{says}"
    (tmp_path / "ours" / "medi-cal-ecm").mkdir(parents=True)
    (tmp_path / "ours" / "medi-cal-ecm" / "payer.toml").write_text(text)
    did = activity("- ecm-engagement - phone 2026-09-03 outcome=enrolled authorization_number=T1")
    rows = [did | {"payer": "Medi-Cal", "patient_id": s, "setting": s} for s in ("office", "home")]
    table = trace_of(reported(tmp_path, rows, rules=[tmp_path / "ours"]))
    assert [*table["outcome"]] == ["counted", "held"]
    assert [*table["problem"].astype(object).fillna("")] == ["", "credential-missing"]


@pytest.mark.parametrize(
    ("first", "second", "units"), [("", "", 1), ("1", "1", 1), ("1", "2", 0), ("", "1", 0)]
)
def test_a_practice_that_is_not_named_is_another_practice(
    first: str, second: str, units: int
) -> None:
    did = [
        {"service_date": f"2026-03-0{day}", "practice": practice}
        | activity("30 ecm-service RN in-person authorization_number=T1")
        for day, practice in enumerate((first, second), 3)
    ]
    did = [{name: cell for name, cell in each.items() if cell} for each in did]
    assert billed(PLANS["medi-cal-ecm"], did).get("G9008 U1", 0) == units


def test_a_row_that_cannot_be_read_is_held_beside_what_was_billed_before() -> None:
    first, second = attempts("2026-04-01", "2026-04-02")
    history = before(OUTREACH, "G9012", "2026-03-31", units=1)
    did = [first, second | {"problem": "minutes-not-read"}]
    assert billed(PLANS["medi-cal-ecm"], did, history) == {"G9012 U8 GQ": 1}


@pytest.mark.parametrize(
    ("asked", "days"),
    {
        "before": [11],
        "on_or_before": [10, 11],
        "on": [10],
        "on_or_after": [9, 10],
        "after": [9],
    }.items(),
)
def test_a_date_is_compared_with_the_day_itself_in_or_out(
    tmp_path: Path, asked: str, days: list[int]
) -> None:
    says = 'problem = "not-payable"\nwhy = "by the date of consent"\ncite = "ccbill"\n'
    compared = f'{{ service_date = {{ {asked} = ["consent_date"] }} }}'
    text = f"{HEAD}[[add.screen]]\ncount_only = {compared}\n{says}"
    plan = laid(tmp_path, {"bcbsm-pdcm/payer.toml": text})["bcbsm-pdcm"]
    did = {"service_date": "2026-03-10"} | activity("31 care-coordination RN phone")
    consents = [did | {"consent_date": f"2026-03-{day:02}"} for day in (9, 10, 11)]
    assert [int(each["consent_date"][-2:]) for each in consents if billed(plan, [each])] == days


def test_a_member_id_is_of_the_patients_own_rows_for_that_payer(tmp_path: Path) -> None:
    other = {"payer": "Priority Health"}
    earlier = activity("5 care-coordination RN phone 2026-08-03")
    did = activity("31 care-coordination RN phone 2026-09-03")
    rows = [
        earlier | {"member_id": "M1"},
        earlier | other | {"member_id": "M2"},
        did,
        did | {"patient_id": "2"},
        earlier | other | {"patient_id": "2", "member_id": "M3"},
    ]
    claims = reported(tmp_path, rows).claims
    found = claims["member_id"].astype(object).fillna("")
    assert [*zip(claims["patient_id"], found, strict=True)] == [("1", "M1"), ("2", "")]


@pytest.mark.parametrize(("day", "units"), [("2026-03-10", 1), ("2026-04-01", 2)])
def test_a_table_of_edits_is_in_force_until_the_day_before_the_next(
    monkeypatch: pytest.MonkeyPatch, day: str, units: int
) -> None:
    last = date(2026, 3, 31).toordinal() - EPOCH  # on which the month's line is dated
    tables = {"mue": [(0, last, [["99489", "1"]]), (last + 1, FOREVER, [["99489", "5"]])]}
    monkeypatch.setattr(edits, "editions", lambda name: tables.get(name, []))
    did = activity(f"120 care-coordination RN phone {day} mdm=high consent_date=2026-01-01")
    assert billed(PLANS["medicare-ccm"], [did]) == {"99487": 1, "99489": units}


@pytest.mark.parametrize("name", ["mue", "ncci-ptp"])
def test_every_row_of_a_shipped_table_of_edits_is_in_force(name: str) -> None:
    [(first, last, rows)] = edits.editions(name)
    assert (first, last) == (date(2024, 7, 1).toordinal() - EPOCH, FOREVER)
    [file] = (Path(edits.__file__).parents[1] / "edits").glob(f"{name}.*.csv")
    assert [",".join(row) for row in rows] == file.read_text(encoding="utf-8").splitlines()[1:]


def test_the_practices_own_numbers_stand_on_lines_of_its_own_npi(tmp_path: Path) -> None:
    (tmp_path / "ccbill.toml").write_text(
        '[practice]\nnpi = "1999999984"\ntin = "123456789"\ntaxonomy = "207Q00000X"\n'
        'rendering_npi = "1888888883"\nrendering_taxonomy = "363L00000X"\n'
    )
    did = activity("31 care-coordination RN phone 2026-09-03")
    rows = [
        did | {"billing_npi": "1999999984"},
        did | {"patient_id": "2", "billing_npi": "1234567893", "rendering_npi": "1234567893"},
    ]
    claims = reported(tmp_path, rows, config=tmp_path / "ccbill.toml").claims
    names = ("billing_tin", "billing_taxonomy", "rendering_npi", "rendering_taxonomy")
    table = claims[[*names]].astype(object)
    assert [*table.where(table.notna(), None).itertuples(index=False, name=None)] == [
        ("123456789", "207Q00000X", "1888888883", "363L00000X"),
        (None, None, "1234567893", None),
    ]


def test_a_claim_has_its_first_twelve_diagnoses_and_points_to_four(tmp_path: Path) -> None:
    did = activity("31 care-coordination RN phone 2026-09-03")
    codes = [f"E11.{n:02}" for n in range(13)]
    rows = [
        did | {"patient_id": str(n), "diagnosis_codes": ";".join(codes[:n])} for n in (1, 4, 5, 13)
    ]
    claims = reported(tmp_path, rows).claims.set_index("patient_id")
    assert {*claims["diagnosis_pointer"].items()} == {
        *(("1", "A"), ("4", "ABCD"), ("5", "ABCD"), ("13", "ABCD")),
    }
    for who, number in (("1", 1), ("4", 4), ("5", 5), ("13", 12)):
        told = [claims.loc[who, f"diagnosis_{n}"] for n in range(1, 13)]
        assert [code for code in told if isinstance(code, str)] == codes[:number]


def test_a_first_engagement_that_never_was_is_not_known(tmp_path: Path) -> None:
    asked = 'count_only = { service_date = { before = ["first ecm-engagement"] } }'
    says = 'problem = "not-payable"\nwhy = "before the engagement"\ncite = "ccbill"\n'
    text = f"{HEAD}[[add.screen]]\n{asked}\n{says}"
    plan = laid(tmp_path, {"medi-cal-ecm/payer.toml": text})["medi-cal-ecm"]
    [attempt] = attempts("2026-04-01")
    engaged = attempt | {"kind": "ecm-engagement", "service_date": "2026-04-02"}
    assert billed(plan, [attempt]) == {}
    assert billed(plan, [attempt, engaged]) == {"G9012 U8 GQ": 1}


@pytest.mark.parametrize(("day", "counts"), [(20, True), (21, False)])
def test_days_are_added_to_the_date_that_is_compared_with(
    tmp_path: Path, day: int, counts: bool
) -> None:
    compared = '{ service_date = { on_or_before = ["consent_date"], days = 10 } }'
    says = 'problem = "not-payable"\nwhy = "within 10 days of consent"\ncite = "ccbill"\n'
    text = f"{HEAD}[[add.screen]]\ncount_only = {compared}\n{says}"
    plan = laid(tmp_path, {"bcbsm-pdcm/payer.toml": text})["bcbsm-pdcm"]
    did = activity(f"31 care-coordination RN phone 2026-03-{day} consent_date=2026-03-10")
    assert billed(plan, [did]) == ({"99487": 1} if counts else {})


@pytest.mark.parametrize(
    ("first", "last", "together"), [(30, 30, True), (31, 31, False), (32, 32, True)]
)
def test_pair_edits_bind_the_lines_of_the_days_that_they_are_in_force(
    monkeypatch: pytest.MonkeyPatch, first: int, last: int, together: bool
) -> None:
    before_march = date(2026, 2, 28).toordinal() - EPOCH
    pairs = (before_march + first, before_march + last, [["G0181", "G0182", "0"]])
    tables = {"ncci-ptp": [pairs]}
    monkeypatch.setattr(edits, "editions", lambda name: tables.get(name, []))
    did = [
        activity(f"30 care-plan-oversight MD 2026-03-05 setting={setting}")
        for setting in ("home-health", "hospice")
    ]
    both = {"G0181": 1, "G0182": 1}  # dated the last day of the month
    assert billed(PLANS["medicare-ccm"], did) == (both if together else {"G0181": 1})


def test_less_than_a_minute_is_short_of_the_first(tmp_path: Path) -> None:
    text = f'{HEAD}[set]\n"bill.99487.once_at.minutes" = 1\n[remove]\nexample = [2]\n'
    file = tmp_path / "ours" / "bcbsm-pdcm" / "care-coordination.2013-04-01.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    did = activity("0.5 care-coordination RN phone 2026-09-03")
    [near] = reported(tmp_path, [did], rules=[tmp_path / "ours"]).near_misses.to_dict("records")
    assert (near["code"], near["have_minutes"], near["need_minutes"]) == ("99487", 0, 1)


def test_every_answer_is_seen_and_the_first_stands() -> None:
    told: list[tuple[str, list[int]]] = []
    verdicts = Verdicts.of(3, lambda answer, rows: told.append((answer.problem, rows.tolist())))
    for problem, rows in (("mode-missing", [0]), ("not-with", [0, 2]), ("unit-limit", [])):
        answer = Answer(Outcome.HELD, problem, "a rule", "why", "")
        verdicts.say(answer, np.array(rows, np.int64))
    assert told == [("mode-missing", [0]), ("not-with", [0, 2])]
    assert [verdicts.book[n].problem for n in verdicts.held] == ["mode-missing", "", "not-with"]


@pytest.mark.parametrize(
    ("rendering", "billing", "second", "bills"),
    [
        ("1", "9", {"practice": "9"}, {"99490": 1}),
        ("1", "9", {"practice": "9", "rendering_npi": "1"}, {"99490": 1, "99439": 1}),
        ("1", "9", {"practice": "8", "rendering_npi": "1"}, {"99490": 1}),
        ("", "9", {"practice": "9"}, {"99490": 1, "99439": 1}),
        ("", "9", {"practice": "8"}, {"99490": 1}),
    ],
)
def test_the_practitioner_is_who_renders_at_a_practice_else_the_practice(
    rendering: str, billing: str, second: dict[str, str], bills: dict[str, int]
) -> None:
    first = {"practice": billing} | ({"rendering_npi": rendering} if rendering else {})
    did = [
        activity(f"20 care-coordination RN phone 2026-03-0{day} consent_date=2026-01-01") | where
        for day, where in enumerate((first, second), 3)
    ]
    assert billed(PLANS["medicare-ccm"], did) == bills


def test_an_encounter_says_why_it_has_no_line(tmp_path: Path) -> None:
    usual = {"payer": "Medi-Cal", "authorization_number": "T1"}
    did = [activity(f"- ecm-service {who} in-person 2026-09-03") | usual for who in ("RN", "CHW")]
    [why] = reported(tmp_path, did).encounters["why"]
    assert why == (
        "An encounter without a charge: one payment per enrollee and month; "
        "the order of preference is assumed."
    )


@pytest.mark.parametrize(
    ("plan", "payer", "code", "did", "reached"),
    [
        ("bcbsm-pdcm", "BCBSM", "99487", (20, 11, 5), "2026-09-10"),
        ("bcbsm-pdcm", "BCBSM", "99487", (20, 10, 5), "2026-09-20"),
        ("medicare-ccm", "Medicare", "99490", (9, 11, 5), "2026-09-10"),
        ("medicare-ccm", "Medicare", "99490", (9, 10, 5), "2026-09-20"),
    ],
)
def test_a_plan_may_want_the_day_on_which_the_minutes_were_reached(
    tmp_path: Path, plan: str, payer: str, code: str, did: tuple[int, ...], reached: str
) -> None:
    """Another patient's minutes of the same month, before these, are not among them."""
    laid(tmp_path, {f"{plan}/payer.toml": HEAD + '[set]\ndate_of_service = "threshold-met"\n'})
    rows = [
        {"patient_id": patient, "payer": payer}
        | activity(f"{minutes} care-coordination RN phone 2026-09-{day}")
        for patient, each in (("0", (60,)), ("1", did))
        for minutes, day in zip(each, ("03", "10", "20"), strict=False)
    ]
    lines = reported(tmp_path, rows, rules=[tmp_path / "ours"]).claims
    [line] = lines[(lines["patient_id"] == "1").to_numpy()].to_dict("records")
    assert (line["code"], str(np.datetime64(line["service_from"], "D"))) == (code, reached)


def test_what_else_is_said_stands_beside_every_text_that_there_was() -> None:
    said = [
        ("a", np.array([1, 1, 0, 0, 1], bool)),
        ("b", None),
        ("c", np.array([0, 1, 1, 0, 1], bool)),
    ]
    numbers, texts = beside(["", "x; ", "y; "], np.array([0, 1, 1, 2, 2]), said)
    assert [texts[n] for n in numbers.tolist()] == [
        "a; b; ",
        "x; a; b; c; ",
        "x; b; c; ",
        "y; b; ",
        "y; a; b; c; ",
    ]


def test_an_add_on_stands_after_the_code_that_it_is_added_to(tmp_path: Path) -> None:
    did = ("80 care-coordination RN phone 2026-09-20", "15 team-conference MD 2026-09-20")
    lines = reported(tmp_path, [activity(d) for d in did]).claims
    assert lines["claim_id"].nunique() == 1
    assert [*lines["code"]] == ["99487", "99489", "G9007"]
