"""Decisions, claim lines and the ledger → what a month-end report says besides a run's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ccbill.config import Settings
from ccbill.ledger.months import BY_MONTH, standing_lines
from ccbill.ledger.store import Ledger
from ccbill.report.tables import DOCUMENTED, LENGTHS, MONTHS, PANEL, STAFF, Review
from ccbill.rules.decisions import Decisions
from ccbill.rules.earn import group
from ccbill.rules.facts import Facts
from ccbill.rules.model import Plan, Service
from ccbill.rules.payers import fold, numbers_of_names
from ccbill.rules.units import next_at
from ccbill.tables import UNKNOWN, Intake, Ints, Mask, Outcome

MONTHS_BACK = 12
STEP, STEPS_PAST = 15, 8  # minutes, and steps past the first unit before "and more"

# What payers and their trainers recommend that an entry says, by its field here.
RECOMMENDED = {
    "service_date": "date of service",
    "seconds": "duration",
    "start": "start time",
    "staff": "staff member",
    "credential": "credential",
    "mode": "contact mode",
}

# Problems of who did the work.
OF_STAFF = (
    "credential-missing",
    "credential-not-known",
    "credential-unclear",
    "training-missing",
    "scope-of-service-missing",
)


def review(
    facts: Facts,
    decisions: Decisions,
    tables: Mapping[str, pd.DataFrame],
    read: Intake,
    ledger: Ledger | None,
    settings: Settings,
    with_patients: bool,
) -> Review:
    """The figures of a month-end report."""
    lines, panel = tables["claims"], read.panel
    kept = pd.concat([tables[name] for name in ("claims", "encounters", "submitted")])
    known = {"plan": kept["plan"].astype(object), "patient": kept["patient_id"].astype(object)}
    billed = pd.DataFrame(known)[(kept["status"] != "void").to_numpy(bool)]
    return Review(
        practice=settings.practice.name or "",
        with_patients=with_patients,
        from_ledger=ledger is not None,
        months=months(lines, ledger),
        lengths=lengths(facts, decisions),
        staff=staff(facts, tables["exceptions"]),
        panel=None if panel is None else share(facts, decisions, panel, billed, settings.payers),
        documented=documented(facts, decisions, read),
    )


def months(lines: pd.DataFrame, ledger: Ledger | None) -> pd.DataFrame:
    """MONTHS: this run's lines (CLAIMS, voids left out), and what stands beside them."""
    sent = lines[(lines["status"] != "void").to_numpy(bool)]
    now = sent[BY_MONTH].astype({"month": object})
    since = _months_before(now["month"].max(), MONTHS_BACK) if len(now) else ""
    before = now.iloc[:0]
    if ledger is not None:
        before = standing_lines(ledger, since, set(lines["claim_id"]))
    both = _by_month(before).add_suffix("_before").join(_by_month(now), how="outer")
    counts = both[["lines_before", "units_before", "lines", "units"]].fillna(0)
    both = both.fillna(UNKNOWN).assign(**counts).astype(np.int64)
    return both.rename_axis("month").reset_index()[list(MONTHS)]


def _months_before(month: str, count: int) -> str:
    return str(np.datetime64(month, "M") - count)


def _by_month(lines: pd.DataFrame) -> pd.DataFrame:
    """Lines, units and known money by month; money is missing where no line of a month has any."""
    money = {
        name: lines[source].where(lines[source] != UNKNOWN).astype(float)
        for name, source in (("charge", "charge"), ("expected", "expected_payment"))
    }
    table = lines.assign(lines=1, **money)
    table = table[["month", "lines", "units", *money]].astype({"lines": float, "units": float})
    return table.groupby("month").sum(min_count=1)


def lengths(facts: Facts, decisions: Decisions) -> pd.DataFrame:
    """LENGTHS of every service that bills by a month's minutes and counted some."""
    counted = decisions.outcome == Outcome.COUNTED
    parts: dict[tuple[str, str], list[tuple[Service, Ints]]] = {}
    for number, (plan, service) in enumerate(decisions.services):
        if service.uses_minutes and "month" in service.per:
            rows = np.flatnonzero(counted & (decisions.service == number))
            if len(rows):
                minutes = group(facts, service, rows).minutes
                parts.setdefault((plan.name, service.name), []).append((service, minutes))
    none = pd.DataFrame({name: pd.Series(dtype=object) for name in LENGTHS})
    tables = [
        _steps(plan, services[-1][0], np.concatenate([minutes for _, minutes in services]))
        for (plan, _), services in sorted(parts.items())
    ]
    return pd.concat(tables, ignore_index=True) if tables else none


def _steps(plan: str, service: Service, minutes: Ints) -> pd.DataFrame:
    """How many cases have how many minutes, with a step that begins at the first unit."""
    zero = np.zeros(1, np.int64)
    bases = [bill for bill in service.bills if bill.needs is None]
    first, code = min((int(next_at(bill, zero)[0]), bill.code) for bill in bases)
    known = minutes[minutes != UNKNOWN]
    below = -(-(first - 1) // STEP)
    step = np.clip((known - first + below * STEP) // STEP, 0, below + STEPS_PAST)
    cases = np.bincount(step.astype(np.int64), minlength=below)
    start = first + (np.arange(len(cases)) - below) * STEP
    end = start + STEP - 1
    end[below + STEPS_PAST :] = UNKNOWN
    return pd.DataFrame(
        {
            "plan": plan,
            "service": service.title,
            "code": code,
            "first_unit_at": first,
            "from_minutes": np.where(np.arange(len(cases)) == 0, 0, start),
            "to_minutes": end,
            "cases": cases,
        }
    )[list(LENGTHS)]


def staff(facts: Facts, exceptions: pd.DataFrame) -> pd.DataFrame:
    """STAFF, the most money held first."""
    names, who = facts.categories("staff"), facts.codes("staff")
    blank = facts.codes("credential") < 0
    trained = facts.numbers("training_date") != UNKNOWN
    rows, without, known = (
        np.bincount(who[(who >= 0) & mine], minlength=len(names))
        for mine in (np.ones(len(who), bool), blank, trained)
    )
    held = _held(exceptions).reindex(names)
    asked = "training_date" in facts.given
    table = pd.DataFrame(
        {
            "staff_id": pd.Series(names, dtype=object),
            "rows": rows,
            "without_credential": without,
            "trained": np.where(known > 0, "yes", "no") if asked else None,
            "held_rows": held["rows"].fillna(0).astype(np.int64).to_numpy(),
            "held_amount": held["amount"].fillna(UNKNOWN).astype(np.int64).to_numpy(),
        }
    )
    order = ["held_amount", "held_rows", "rows", "staff_id"]
    return table.sort_values(order, ascending=[False] * 3 + [True], ignore_index=True)[list(STAFF)]


def _held(exceptions: pd.DataFrame) -> pd.DataFrame:
    """Rows and money held for who did the work, by staff id."""
    mine = (exceptions["severity"] == "hold") & exceptions["problem"].isin(OF_STAFF)
    found = exceptions[mine.to_numpy(bool)]
    table = pd.DataFrame(
        {
            "staff": found["staff_id"].astype(object),
            "rows": found["rows"].astype(float),
            "amount": found["amount"].where(found["amount"] != UNKNOWN).astype(float),
        }
    )
    return table.groupby("staff").sum(min_count=1)


def share(
    facts: Facts,
    decisions: Decisions,
    panel: pd.DataFrame,
    billed: pd.DataFrame,
    mapped: Mapping[str, str],
) -> pd.DataFrame:
    """PANEL: of each plan's patients in the patients file, those with work and those billed.

    A patient whom the file puts under two plans is on both panels.
    """
    plans: Sequence[Plan] = decisions.plans
    known = numbers_of_names(plans, mapped)
    names = [plan.name for plan in plans]
    payers = panel["payer"].astype(object).fillna("").astype(str)
    of_payer = {payer: known.get(fold(payer), -1) for payer in payers.unique()}
    on = pd.DataFrame(
        {
            "plan": payers.map(of_payer).map(dict(enumerate(names))).astype(object),
            "patient": panel["patient"].astype(object),
        }
    )
    on = on.fillna({"plan": ""}).drop_duplicates()
    patients = np.array([*facts.categories("patient"), None], object)
    worked = set(patients[np.unique(facts.codes("patient"))])
    paid = pd.MultiIndex.from_frame(billed[["plan", "patient"]])
    on = on.assign(
        with_work=on["patient"].isin(worked),
        billed=pd.MultiIndex.from_frame(on[["plan", "patient"]]).isin(paid),
    )
    table = on.groupby("plan").agg(
        patients=("patient", "size"), with_work=("with_work", "sum"), billed=("billed", "sum")
    )
    return table.reset_index()[list(PANEL)]


def documented(facts: Facts, decisions: Decisions, read: Intake) -> pd.DataFrame:
    """DOCUMENTED: how many of the counted rows give each recommended field."""
    counted = decisions.outcome == Outcome.COUNTED
    given = {says: _given(facts, name) for name, says in RECOMMENDED.items()}
    noted = np.zeros(len(counted), bool) if read.note is None else read.note[0] >= 0
    rows = [
        (says, int(counted.sum()), int((counted & yes).sum()))
        for says, yes in (given | {"nature of the discussion": noted}).items()
    ]
    return pd.DataFrame(rows, columns=list(DOCUMENTED))


def _given(facts: Facts, name: str) -> Mask:
    return facts.codes(name) >= 0 if facts.is_text(name) else facts.numbers(name) != UNKNOWN
