"""Plans and editions by name and date, as the commands about rules ask for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ccbill.errors import CcbillError, Exit, Message, did_you_mean
from ccbill.rules import load, overlay
from ccbill.rules.model import Plan, Service
from ccbill.rules.parse import EPOCH
from ccbill.rules.say import day
from ccbill.rules.table import Document

SHIPPED = "shipped"


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of one service, as `rules list` shows it."""

    plan: str
    service: str
    codes: list[str]
    first: str
    last: str
    standing: list[str]
    checked: str
    changed_by: list[str]


def named(plans: Sequence[Plan], name: str) -> Plan:
    """The plan of that name; refuses another name with the nearest."""
    for plan in plans:
        if plan.name == name:
            return plan
    raise _refused(name, "is no plan", did_you_mean(name, [plan.name for plan in plans]))


def editions(plans: Sequence[Plan], on: int | None) -> list[Edition]:
    """Every edition of every plan, or those in force on a day."""
    return [
        edition(plan, service)
        for plan in plans
        for service in plan.services
        if on is None or service.first_day <= on <= service.last_day
    ]


def edition(plan: Plan, service: Service) -> Edition:
    """What is told of an edition; it was last checked when its least lately checked source was."""
    cites = {service.cite, *(bill.cite for bill in service.bills)}
    return Edition(
        plan=plan.name,
        service=service.name,
        codes=list(dict.fromkeys(service.label(n) for n in range(len(service.bills)))),
        first=day(service.first_day),
        last=day(service.last_day),
        standing=list(dict.fromkeys(bill.standing for bill in service.bills)),
        checked=min(plan.sources[cite].checked for cite in cites),
        changed_by=[f"{c.author}, {c.date}" for c in plan.changes_of(service)],
    )


def rule_files(words: str, overlays: Sequence[Path]) -> Mapping[str, Document]:
    """The rule files that a word of `rules diff` means, by name.

    `shipped`, a folder laid over the shipped rules, a plan, or `PLAN@DATE`: the editions of a plan
    in force on a day, by service.
    """
    name, at, text = words.partition("@")
    if words == SHIPPED or Path(words).is_dir():
        folders = [] if words == SHIPPED else [Path(words)]
        files = overlay.lay(load.shipped_files(), folders).files
        load.plans(folders)  # refuses what is not sound
        return {document.file: document for plan in files.values() for document in plan.values()}
    plans = load.plans(overlays)
    known = [SHIPPED, *(plan.name for plan in plans)]
    if name not in known[1:]:
        raise _refused(words, "is no plan and no folder", did_you_mean(name, known))
    plan = named(plans, name)
    documents = overlay.lay(load.shipped_files(), overlays).files[plan.name]
    if not at:
        return documents
    on = on_day(text)
    now = [s for s in plan.services if s.first_day <= on <= s.last_day]
    return {
        load.PAYER: documents[load.PAYER],
        **{s.name: documents[s.file.partition("/")[2]] for s in now},
    }


def on_day(text: str, option: str = "--on") -> int:
    """Days since 1970-01-01."""
    try:
        return date.fromisoformat(text).toordinal() - EPOCH
    except ValueError:
        raise _refused(option, f"{text!r} is not a date", "write it as 2026-04-01") from None


def _refused(where: str, what: str, fix: str) -> CcbillError:
    return CcbillError(Exit.REFUSED, Message(where, what, "Nothing was read or written.", fix))
