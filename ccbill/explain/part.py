"""One patient's part of a log, and what else of the log decides it.

The rules look at one patient at a time, but for when a staff member's work first counted; a rule
whose key leaves the patient out has all of its plan's work before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ccbill.rules.assign import asks_training, assign
from ccbill.rules.facts import Facts
from ccbill.rules.model import Bill, Plan, Service
from ccbill.shares import one_patient_at_a_time, part_of
from ccbill.tables import UNKNOWN, Ints, Mask, Outcome

FirstDays = dict[tuple[str, str], int]  # by plan and staff
FIRST_LOOK = 8  # rows of a staff member; each further look takes so many times more


def of_patients(facts: Facts, wanted: Mask) -> tuple[Facts, Ints]:
    """The facts of these patients alone and in the same order, and which rows those were.

    `wanted` has one element a patient.
    """
    rows = np.flatnonzero(np.append(wanted, False)[facts.codes("patient")])
    return part_of(facts, rows), rows


def needed_patients(facts: Facts, plans: Sequence[Plan], plan_of_row: Ints, patient: int) -> Mask:
    """The patient, and where a plan's keys leave patients out, all others of that plan."""
    wanted = np.zeros(len(facts.patients), bool)
    wanted[patient] = True
    codes = facts.codes("patient")
    for number in np.unique(plan_of_row[codes == patient]):
        if number >= 0 and not one_patient_at_a_time(plans[number]):
            wanted |= np.bincount(
                codes[(plan_of_row == number) & (codes >= 0)], minlength=len(wanted)
            ).astype(bool)
    return wanted


def needs_others(plans: Sequence[Plan], plan_of_row: Ints) -> bool:
    """Whether the work of other patients may decide that of these plans."""
    return any(n >= 0 and not one_patient_at_a_time(plans[n]) for n in np.unique(plan_of_row))


def first_days(facts: Facts, plans: Sequence[Plan], plan_of_row: Ints, patient: int) -> FirstDays:
    """The first day that counted of each staff member on whose training the work hangs."""
    found: FirstDays = {}
    mine = facts.codes("patient") == patient
    for number, plan in enumerate(plans):
        staff = np.unique(facts.codes("staff")[mine & _in_doubt(facts, plan, number, plan_of_row)])
        if len(staff):
            of_plan = (plan_of_row == number) & (facts.codes("problem") < 0)
            found |= _first_counted(facts, plan, np.flatnonzero(of_plan), staff)
    return found


def hangs_on_training(facts: Facts, plans: Sequence[Plan], plan_of_row: Ints) -> bool:
    """Whether any of the work counts only near its staff member's first."""
    return any(_in_doubt(facts, plan, n, plan_of_row).any() for n, plan in enumerate(plans))


def _in_doubt(facts: Facts, plan: Plan, number: int, plan_of_row: Ints) -> Mask:
    """The plan's activities of known staff who had no training by then, if that is asked."""
    if not asks_training(plan, facts.given):
        return np.zeros(len(plan_of_row), bool)
    trained, day = facts.numbers("training_date"), facts.numbers("service_date")
    untrained = (trained == UNKNOWN) | (trained > day)
    return (plan_of_row == number) & (facts.codes("staff") >= 0) & untrained


def _first_counted(facts: Facts, plan: Plan, of_plan: Ints, staff: Ints) -> FirstDays:
    """Looks at more and more of each one's earliest work, until some of it passes every screen."""
    found: FirstDays = {}
    names = facts.categories("staff")
    who, day = facts.codes("staff"), facts.numbers("service_date")
    screens = _screens_alone(plan)
    for each in staff:
        theirs = of_plan[who[of_plan] == each]
        theirs = theirs[np.argsort(day[theirs], kind="stable")]
        look = FIRST_LOOK
        while (plan.name, names[each]) not in found:
            wanted = np.zeros(len(facts.patients), bool)
            wanted[facts.codes("patient")[theirs[:look]]] = True
            passing = _passing_days(facts, wanted, of_plan, screens, names[each])
            last = len(theirs) <= look
            passing = passing if last else passing[passing <= day[theirs[look]]]
            if len(passing):
                found[plan.name, names[each]] = int(passing.min())
            if last:
                break
            look *= FIRST_LOOK
    return found


def _passing_days(facts: Facts, wanted: Mask, of_plan: Ints, plan: Plan, staff: str) -> Ints:
    """The days of the staff member's activities that the plan's screens let pass."""
    part, rows = of_patients(facts, wanted)
    decisions = assign(part, [plan], np.where(np.isin(rows, of_plan), 0, -1))
    theirs = np.array([*(n == staff for n in part.categories("staff")), False])
    counted = (decisions.outcome == Outcome.COUNTED) & theirs[part.codes("staff")]
    return part.numbers("service_date")[counted]


def _screens_alone(plan: Plan) -> Plan:
    """The plan with the screens that are asked before training, and nothing that comes after."""
    return replace(
        plan,
        edits="",
        screens=tuple(s for s in plan.screens if s.verb not in ("trained", "someone")),
        services=tuple(_asking_alone(service) for service in plan.services),
    )


def _asking_alone(service: Service) -> Service:
    any_time: Bill = replace(
        service.bills[0],
        when={},
        once_at=0 if service.uses_minutes else None,
        step=None,
        at_most=None,
        needs=None,
        of="",
    )
    return replace(
        service,
        screens=tuple(s for s in service.screens if s.verb != "someone"),
        bills=(any_time,),
        limits=(),
        notes=(),
    )
