"""Patients with nothing billed: the first reason that explain names is the specific one."""

from __future__ import annotations

from datetime import date

import pytest
from test_explain import write

from ccbill.explain.cases import Wanted
from ccbill.explain.decide import Log
from ccbill.explain.patient import Files, explain, read_log
from ccbill.rules.examples import activity

PAYERS = {
    "B": "BCBSM",
    "P": "Priority Health",
    "M": "Medicaid HMO",
    "S": "SIM",
    "E": "Medi-Cal",
    "C": "Medicare",
}
INCLUDED = "prior authorization, benefit checks, documentation, chart preparation and email are not"
# Payers, what was done, the code asked about, and how the reason begins.
CASES = [
    ("BPMS", "45 chart-prep RN", "99487", f"chart-prep: {INCLUDED} included"),
    ("BPMS", "45 documentation RN", "99487", f"documentation: {INCLUDED} included"),
    ("BPMS", "45 prior-authorization MA", "99487", f"prior-authorization: {INCLUDED} included"),
    ("BPMS", "45 email RN", "99487", f"email: {INCLUDED} included"),
    ("BPMS", "45 reminder RN", "99487", "reminder: sending reminders is part of day-to-day"),
    ("BPMS", "45 pre-screening RN", "99487", "pre-screening: identifying and pre-screening"),
    ("BPMS", "45 voicemail RN phone", "99487", "voicemail: a message left or sent to many"),
    ("BPMS", "61 care-coordination RN secure-email", "99487", "email and non-verbal"),
    ("C", "45 chart-prep RN", "99490", "chart-prep: administrative work is no care management"),
    ("E", "45 chart-prep RN", "G9008", "chart-prep: administrative work is no service"),
    ("B", "61 care-coordination MD phone", "99487", "the code is clinical staff time"),
    ("M", "61 care-coordination MD phone", "99487", "not billable by a physician"),
    ("S", "61 care-coordination CHW phone", "99487", "care managers bill care coordination"),
    ("P", "61 care-coordination CHW phone", "99487", "services must be by a physician or lice"),
    ("P", "61 portal-message RN portal", "99487", "portal-message: the portal rule is published"),
    ("BPMS", "4 care-management-contact RN phone", "98966", "a call under 5 minutes earns no"),
    ("M", "15 care-management-contact MD phone", "98967", "a physician's own calls are not"),
    ("BMS", "31 team-conference RN", "G9007", "the care team's discussion is billed with"),
    ("E", "30 ecm-service RN in-person", "G9008 U1", "a treatment authorization is required"),
    ("E", "30 ecm-service BSW in-person authorization_number=A1", "G9012", "no list says"),
    ("E", "- ecm-outreach CHW phone outcome=enrolled", "G9012 U8 GQ", "only attempts that did not"),
    ("E", "- ecm-outreach CHW mail", "G9012 U8 GQ", "an attempt is in person, by phone or"),
    ("C", "30 care-coordination RN in-person", "99490", "the codes are time without the patient"),
    ("C", "30 care-coordination CHW phone", "99490", "only the practitioner's and clinical"),
    ("BS", "30 care-coordination RN phone", "99487", "1 minute short of 31"),
    ("PM", "59 care-coordination RN phone", "99487", "1 minute short of 60"),
]
PATIENTS = [
    (PAYERS[payer], did, code, begins) for payers, did, code, begins in CASES for payer in payers
]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    rows = [
        {
            "patient_id": f"{n:03}",
            "payer": payer,
            "billing_npi": "1999999984",
            "service_date": "2019-06-03" if payer == "SIM" else "2026-06-03",
            **activity(did),
        }
        for n, (payer, did, _, _) in enumerate(PATIENTS)
    ]
    path = write(rows, tmp_path_factory.mktemp("reasons") / "a.csv")
    return read_log(Files([str(path)], date(2026, 11, 2)))


def test_fifty_patients() -> None:
    assert len(PATIENTS) >= 50


@pytest.mark.parametrize("number", range(len(PATIENTS)))
def test_the_first_reason_is_the_specific_one(log: Log, number: int) -> None:
    _, _, code, begins = PATIENTS[number]
    (case,) = explain(log, f"{number:03}", Wanted(code=code))["cases"]
    results = case["results"]
    assert [each["units"] for each in results] == [0] * len(results)
    assert results[0]["reason"].startswith(begins)
