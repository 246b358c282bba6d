"""A question about a patient → the answer: from an export, as a run would bill it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ccbill import inputs
from ccbill.claims import claims
from ccbill.errors import CcbillError, Exit, Message, did_you_mean
from ccbill.explain import beside, kept
from ccbill.explain.cases import Wanted, cases
from ccbill.explain.decide import Log, decide
from ccbill.inputs import Asked
from ccbill.intake.fees import read_fees
from ccbill.ledger import store
from ccbill.problems import PROBLEMS
from ccbill.rules.assign import assign
from ccbill.rules.catalog import named
from ccbill.rules.facts import Facts
from ccbill.rules.model import Plan
from ccbill.rules.parse import EPOCH
from ccbill.rules.payers import numbers_of_names, plan_of_rows
from ccbill.tables import check_activities

NOTHING = "Nothing was explained."


class NothingFoundError(CcbillError):
    """There is no such patient, or nothing of theirs that was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files(Asked):
    """The exports to explain from, none for those of a run that the ledger keeps."""

    ledger: Path | None = None  # None: look back at nothing


def from_exports(files: Files, patient: str | None, wanted: Wanted) -> dict[str, Any]:
    """The patient's cases, as a run over the exports would bill them."""
    log = read_log(files)
    if files.ledger is None:
        return explain(log, patient, wanted)
    with store.opened(files.ledger, make=False) as ledger:
        before = beside.look_back(ledger, log.facts, log.plan_of_row, log.plans)
        told = explain(replace(log, history=before), patient, wanted)
        return beside.with_ledger(told, ledger)


def from_ledger(
    files: Files, number: int | None, patient: str | None, wanted: Wanted
) -> dict[str, Any]:
    """The patient's cases, as the ledger keeps them of a run: the last one, if none is named."""
    assert files.ledger is not None
    settings = inputs.settings_of(files)
    plans = inputs.plans_of(files, settings)
    wanted = checked(plans, wanted)
    fees = (
        read_fees(files.fees, plan_of=numbers_of_names(plans, settings.payers))
        if files.fees
        else None
    )
    with store.opened(files.ledger, make=False) as ledger:
        run = kept.run_of(ledger, number)
        problem = None
        if patient is None and wanted.place:
            file, row = wanted.place
            patient, problem = kept.patient_of(run, {"file": file, "row": row})
        elif patient is None:
            patient, _ = kept.patient_of(run, {"decided_claim_id": wanted.claim})
        if patient is None:
            if problem and wanted.place:
                raise _nobody(wanted.place, problem)
            raise unknown("--row" if wanted.place else "--claim", "the run has no such work")
        today = files.today.toordinal() - EPOCH
        patient = kept.called(run, patient.strip())
        log = kept.log_of(run, patient, plans, settings, fees, today)
        told = explain(log, patient, wanted)
        return beside.with_run(beside.with_ledger(told, ledger), run, plans)


def read_log(files: Files) -> Log:
    """The log of the exports, read as a run reads them."""
    settings = inputs.settings_of(files)
    plans = inputs.plans_of(files, settings)
    read, fees = inputs.read(files, settings, plans)
    facts = Facts(check_activities(read.activities), read.patients, read.given)
    plan_of_row, _ = plan_of_rows(facts, plans, settings.payers)
    return Log(facts, plans, plan_of_row, settings, fees, files.today.toordinal() - EPOCH)


def explain(log: Log, patient: str | None, wanted: Wanted) -> dict[str, Any]:
    """The patient's cases; the patient may be left out where a claim or a row tells who it is."""
    wanted = checked(log.plans, wanted)
    number = _patient(log, patient, wanted)
    decided = decide(log, number)
    found = cases(decided, wanted, log.today)
    if not found:
        raise _nothing(wanted)
    return {"patient_id": _name(log, number), "cases": found}


def checked(plans: Sequence[Plan], wanted: Wanted) -> Wanted:
    """What is wanted, with a plan and a code that there are; others are refused."""
    asked = [named(plans, wanted.plan)] if wanted.plan else list(plans)
    if wanted.code:
        known = {
            label: None
            for plan in asked
            for service in plan.services
            for n, bill in enumerate(service.bills)
            for label in (bill.code, service.label(n))
        }
        code = " ".join(wanted.code.upper().split())
        if code not in known:
            whose = f"no code of {wanted.plan}" if wanted.plan else "no plan's code"
            what, fix = f"is {whose}", did_you_mean(wanted.code, list(known))
            raise CcbillError(Exit.REFUSED, Message(wanted.code, what, NOTHING, fix))
        wanted = replace(wanted, code=code)
    return wanted


def _patient(log: Log, patient: str | None, wanted: Wanted) -> int:
    if patient is not None:
        names = log.facts.categories("patient")
        if patient.strip() not in names:
            raise unknown("PATIENT", "no row has that patient's id")
        return names.index(patient.strip())
    if wanted.place is None:
        return _of_claim(log, wanted.claim)
    files = log.facts.categories("file")
    code = files.index(wanted.place[0]) if wanted.place[0] in files else -1
    at = (log.facts.codes("file") == code) & (log.facts.numbers("row") == wanted.place[1])
    found = np.flatnonzero(at & (code >= 0))
    if not len(found):
        raise unknown("--row", "no activity of a patient stands there")
    number = int(log.facts.codes("patient")[found[0]])
    if number < 0:
        raise _nobody(wanted.place, str(log.facts.activities["problem"].iloc[found[0]]))
    return number


def _nobody(place: tuple[str, int], problem: str) -> NothingFoundError:
    """That the row has no patient, and what is wrong with it."""
    says = PROBLEMS[problem]
    what = says.says.removesuffix(".")
    return NothingFoundError(Exit.INPUT, Message(f"{place[0]}:{place[1]}", what, NOTHING, says.fix))


def _of_claim(log: Log, claim: str | None) -> int:
    """The patient of a claim that a run over the whole log would bill."""
    decisions = assign(log.facts, log.plans, log.plan_of_row, log.history)
    lines = claims(log.facts, decisions, log.settings, log.fees, log.today).lines
    found = lines["patient_id"][(lines["claim_id"] == claim).to_numpy(bool)]
    if not len(found):
        raise unknown("--claim", "no claim has that id")
    return log.facts.categories("patient").index(str(found.iloc[0]))


def unknown(where: str, what: str) -> NothingFoundError:
    """That there is no such patient; no other id is named, since those are people too."""
    fix = "write the id as the export does, with its leading zeros"
    if where != "PATIENT":
        fix = "write it as the output files do"
    return NothingFoundError(Exit.INPUT, Message(where, what, NOTHING, fix))


def _nothing(wanted: Wanted) -> NothingFoundError:
    what = "the patient has no such work"
    asked = {
        "--month": wanted.months,
        "--plan": wanted.plan,
        "--code": wanted.code,
        "--claim": wanted.claim,
        "--row": wanted.place,
    }
    where = ", ".join(option for option, value in asked.items() if value) or "PATIENT"
    fix = "leave out an option to see what there is"
    return NothingFoundError(Exit.INPUT, Message(where, what, NOTHING, fix))


def _name(log: Log, number: int) -> str:
    return str(log.facts.activities["patient"].cat.categories[number])
