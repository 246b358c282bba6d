"""One plan's rules in words, as `rules show` prints them and gives them as JSON."""

from __future__ import annotations

from typing import Any

from ccbill.rules import say
from ccbill.rules.model import Plan, Service
from ccbill.rules.roles import Roles, in_force, roles

Said = dict[str, str]  # say, why, standing, cite


def page(plan: Plan, on: int) -> dict[str, Any]:
    """What the plan says on a day: texts and lists of texts, in the order to be read."""
    now = in_force(plan, on)
    who = roles(plan, on)
    return {
        "plan": plan.name,
        "title": plan.title,
        "on": say.day(on),
        "payers": list(plan.payers),
        "overlays": [
            f"{c.said}: {c.service or 'payer.toml'}, {', '.join(c.keys)}" for c in plan.overlays
        ],
        "settings": _settings(plan),
        "kinds": [_said(say.kind_rule(k), k.why, k.cite) for k in plan.kind_rules],
        "every_activity": [_said(say.screen(s), s.why, s.cite) for s in plan.screens],
        "services": [_service(plan, service) for service in now.services],
        "not_in_force": [
            f"{s.name}, {say.span(s)}" for s in plan.services if s not in now.services
        ],
        "codes": [row for service in now.services for row in _codes(service, who)],
        "roles": {
            "staff": who.staff,
            "rows": [{"kind": k, "mode": m, "codes": codes} for k, m, codes in who.rows],
        },
        "staff_groups": [f"{group}: {', '.join(names)}" for group, names in say.groups().items()],
        "cannot_check": list(plan.cannot_check),
        "sources": [say.source(name, each) for name, each in plan.sources.items()],
    }


def _said(words: str, why: str, cite: str, standing: str = "") -> Said:
    return {"say": words, "why": why, "standing": standing, "cite": cite}


def _settings(plan: Plan) -> list[str]:
    """What holds for every line of the plan."""
    dated = {
        "last-activity": "of the last activity",
        "threshold-met": "on which the minutes were reached",
        "month-end": "at the end of the month",
    }
    day = dated.get(plan.date_of_service, plan.date_of_service)
    said = [f"The date of a month's line is that {day}."]
    if plan.filing_limit_days is not None:
        said.append(f"Claims are filed within {plan.filing_limit_days} days.")
    if plan.line_note:
        said.append(f"Every line says: {plan.line_note}.")
    if plan.edits:
        said.append("The published unit edits and pair edits bind this plan.")
    return said


def _service(plan: Plan, service: Service) -> dict[str, Any]:
    return {
        "service": service.name,
        "file": service.file,
        "in_force": say.span(service),
        "title": service.title,
        "cite": service.cite,
        "overlays": [c.said for c in plan.overlays if c.service == service.file],
        "takes": say.tests(service.takes),
        "counted": say.grouping(service),
        "clocks": [say.clock(each) for each in service.clocks],
        "asks": [_said(say.screen(s), s.why, s.cite) for s in service.screens],
        "earns": [
            _said(
                say.bill(service, b), "; ".join(filter(None, (b.why, b.note))), b.cite, b.standing
            )
            for b in service.bills
        ],
        "limits": [
            _said(say.limit(each), each.why, each.cite, each.standing or "")
            for each in service.limits
        ],
        "notes": [say.note(each) for each in service.notes],
        "cannot_check": list(service.cannot_check),
    }


def _codes(service: Service, who: Roles) -> list[dict[str, Any]]:
    """The decision table: what earns each code, how much, and which staff may earn it."""
    rows = []
    for number, bill in enumerate(service.bills):
        label = service.label(number)
        conditions = say.conditions(bill)
        rows.append(
            {
                "code": label,
                "units": f"{say.amount(bill)}, {conditions}" if conditions else say.amount(bill),
                "staff": _earners(label, service, who),
                "standing": bill.standing,
                "cite": bill.cite,
            }
        )
    return rows


def _earners(label: str, service: Service, who: Roles) -> list[str]:
    kinds = {kind for test in service.takes for kind in getattr(test.get("kind"), "values", ())}
    return [
        staff
        for number, staff in enumerate(who.staff)
        if any(label in codes[number].split(", ") for kind, _, codes in who.rows if kind in kinds)
    ]
