"""Rules in words: one function for each part of a plan, and nothing left unsaid.

What a part holds and no phrase here speaks of is said by its own name and value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from datetime import date, timedelta
from typing import Any

from ccbill import vocabulary
from ccbill.errors import counted
from ccbill.rules.model import (
    Between,
    Bill,
    Blank,
    Clock,
    Compared,
    Given,
    HasCode,
    KindRule,
    Limit,
    LineNote,
    Matcher,
    NoneOf,
    OneOf,
    Screen,
    Service,
    Source,
    Test,
    Tests,
)
from ccbill.rules.parse import EPOCH, FOREVER

OVER = {
    "leave-out": "left out",
    "hold": "held",
    "encounter": "listed as encounters without a charge",
    "count": "counted without a line",
}
PERIODS = {"activity": "in one activity", "day": "in a day", "month": "in a month"}


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# The fields that the phrases below speak of, or that stand beside them.
SCREEN = _names("verb tests why cite problem holds blank where months within field keep")
BILL = _names(
    "code modifiers when once_at step after part_counts at_most needs standing cite why note of "
    "pays pays_line charge_required"
)
LIMIT = _names(
    "at_most not_with within keep prefer days counts lifetime over problem why cite note standing"
)


def listed(words: Sequence[str], last: str = "or") -> str:
    """`a, b or c`."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))


def day(days: int) -> str:
    """A date, or nothing where the rule has no start or no end."""
    if not 1 - EPOCH < days < FOREVER:
        return ""
    return (date(1970, 1, 1) + timedelta(days=days)).isoformat()


def span(service: Service) -> str:
    """From when to when an edition is in force."""
    first, last = day(service.first_day), day(service.last_day)
    return f"{first or 'open start'} to {last}" if last else f"from {first or 'an open start'}"


def groups() -> dict[str, list[str]]:
    """The members of each group of credentials."""
    found: dict[str, list[str]] = {}
    for credential, group in vocabulary.credentials().items():
        found.setdefault(group, []).append(credential)
    return found


def credentials(values: Sequence[str]) -> list[str]:
    """Credentials, with the name of a group in place of all its members."""
    whole = {g: members for g, members in groups().items() if set(members) <= set(values)}
    inside = {member for members in whole.values() for member in members}
    return [*whole, *(v for v in values if v not in inside)]


def matcher(name: str, asked: Matcher) -> str:
    """What the field must be."""
    field = name.replace("_", " ")
    match asked:
        case OneOf(values):
            said = f"is {listed(credentials(values) if name == 'credential' else values)}"
        case NoneOf(values):
            said = f"is not {listed(credentials(values) if name == 'credential' else values)}"
        case Between(low, high):
            said = _bounds(low, high)
        case Given():
            said = "is given"
        case Blank():
            said = "is blank"
        case HasCode(ranges):
            said = f"has {listed([a if a == b else f'{a}-{b}' for a, b in ranges])}"
        case Compared(op, others, days, by_month):
            month = "in a month " if by_month else ""
            plus = f" plus {days} days" if days else ""
            names = listed([f"the {o.replace('_', ' ')}" for o in others])
            said = f"is {month}{op.replace('_', ' ')} {'that of ' if by_month else ''}{names}{plus}"
        case _:
            said = f"is {asked}"
    return f"{field} {said}"


def _bounds(low: int | None, high: int | None) -> str:
    if low is None:
        return f"up to {high}"
    if high is None:
        return f"of {low} or more"
    return f"of {low}" if low == high else f"from {low} to {high}"


def test(asked: Test) -> str:
    return " and ".join(matcher(name, each) for name, each in asked.items())


def tests(asked: Tests) -> str:
    return ", or ".join(test(each) for each in asked)


def screen(asked: Screen) -> str:
    """What is asked of each activity, and what a failing answer does."""
    fails = "held" if asked.holds else "left out"
    within = f"in one {listed(asked.within, 'and')}" if asked.within else ""
    what = tests(asked.tests)
    match asked.verb:
        case "leave_out" | "hold_when":
            said = f"{fails.capitalize()} where {what}"
        case "count_only":
            said = f"Counts only where {what}; else {fails}"
        case "require":
            said = f"Where an input has the column: counts only where {what}; else {fails}"
        case "nobody":
            said = f"{fails.capitalize()} where any activity {within} has: {what}"
        case "same":
            who = "those unlike the first are" if asked.keep == "earliest" else "all are"
            field = asked.field.replace("_", " ")
            said = f"Activities {within} have the same {field}; else {who} {fails}"
        case "someone":
            said = f"Someone among them has: {what}; else {fails}"
        case "trained":
            field = next(iter(asked.tests[0])).replace("_", " ")
            said = (
                f"More than {asked.months} months after a staff member's first counted entry, "
                f"counts only where the {field} is on or before the service; else {fails}"
            )
        case _:
            said = f"{asked.verb.replace('_', ' ').capitalize()}: {what}; else {fails}"
    blank = {"counts": "; a blank counts", "leaves-out": "; a blank is left out"}
    where = f"Where {tests(asked.where)}: " if asked.where else ""
    said = where + (said[0].lower() + said[1:] if where else said)
    return said + blank.get(asked.blank, "") + _rest(asked, SCREEN)


def kind_rule(rule: KindRule) -> str:
    return f"{'Held' if rule.holds else 'Left out'}: {listed(rule.kinds, 'and')}"


def clock(each: Clock) -> str:
    """Whose minutes are added apart."""
    said = f"{each.name} minutes: {test(each.who)}"
    if each.joins:
        said += f"; they join the {each.joins} minutes"
        if each.alone_from < FOREVER:
            said += f" where there are any, or where they are fewer than {each.alone_from}"
    return said + _rest(each, ("name", "who", "joins", "alone_from"))


def amount(bill: Bill) -> str:
    """How many units: `1 unit at 31 minutes`."""
    parts = []
    if bill.once_at is not None:
        parts.append(f"1 unit at {bill.once_at} minutes" if bill.once_at else "1 unit")
    if bill.step is not None:
        each = f"each {'started' if bill.part_counts else 'full'} {bill.step} minutes"
        after = f" past {bill.after}" if bill.after else ""
        parts.append(f"1 {'more' if parts else 'unit'} for {each}{after}")
    said = ", ".join(parts) or "1 unit"
    if bill.of:
        said += f" of {bill.of} time"
    return said + (f", at most {bill.at_most}" if bill.at_most is not None else "")


def conditions(bill: Bill) -> str:
    """What a bill asks for besides minutes."""
    parts = [f"beside {bill.needs} only"] if bill.needs else []
    if bill.when:
        parts.append(f"where {test(bill.when)}")
    if bill.pays is not None:
        parts.append(f"pays {_money(bill.pays)} a unit")
    if bill.pays_line is not None:
        parts.append(f"pays {_money(bill.pays_line)} a line")
    if bill.charge_required:
        parts.append("a charge is required")
    return ", ".join(parts) + _rest(bill, BILL)


def bill(service: Service, each: Bill) -> str:
    """The whole rule as a sentence: `99487: 1 unit at 31 minutes in a month, per patient …`."""
    period = next((words for key, words in PERIODS.items() if key in service.per), "")
    per = listed([key for key in service.per if key not in PERIODS], "and")
    said = f"{' '.join([each.code, *each.modifiers])}: {amount(each)} {period}".rstrip()
    said += f", per {per}" if per else ""
    more = conditions(each)
    return f"{said}, {more}" if more else said


def reason(service: Service, each: Bill) -> str:
    """What the work is that the bill pays for, in the rule's own words."""
    return each.why or service.title


def line(service: Service, each: Bill, units: int, minutes: int, activities: int) -> str:
    """Why a claim line has its units: `76 counted minutes in 3 activities earn 1 unit of 99487`."""
    work = counted(activities, "activity", "activities")
    one = activities == 1
    if service.uses_minutes or "minutes" in each.when:
        time = counted(minutes, "counted minute")
        if service.minutes == "longest" and not one:
            work += f", the longest of {time},"
        else:
            work, one = f"{time} in {work}", minutes == 1
    code = " ".join([each.code, *each.modifiers])
    earned = f"earn{'s' if one else ''} {counted(units, 'unit')} of {code}"
    beside = f" beside {each.needs}" if each.needs else ""
    return f"{work} {earned}{beside}: {reason(service, each)}."


def encounter(service: Service) -> str:
    """Why work that would earn a line has none of its own."""
    beyond = next(each for each in service.limits if each.over == "encounter")
    return f"an encounter without a charge: {beyond.why}"


def limit(each: Limit) -> str:
    """How many are billed, and what becomes of the others."""
    within = listed(each.within, "and")
    if each.not_with:
        said = f"Not where {listed(each.not_with)} is billed for the same {within}"
        said += f"; else {OVER.get(each.over, each.over)}"
    else:
        span = f" in any {each.days} days" if each.days else ""
        said = f"At most {each.at_most}{span} for one {within}"
        kept = "is kept" if each.at_most == 1 else "are kept"
        if each.days:
            said += f", counting {'all attempts' if each.counts == 'all' else 'those billed'}"
        elif not each.prefer:
            said += f"; the {each.keep} {kept}"
        said += f"; first {', then '.join(each.prefer)}" if each.prefer else ""
        said += f"; the others are {OVER.get(each.over, each.over)}"
        said += f"; past {each.lifetime} in all they are held" if each.lifetime else ""
    if each.note:
        said += f"; where others were there to choose from, the line says: {each.note}"
    return said + _rest(each, LIMIT)


def note(each: LineNote) -> str:
    """When a sentence stands on the claim line."""
    if each.beside:
        where = f"Beside {listed(each.beside)}"
    else:
        where = f"Where of everyone {test(each.everyone)}"
    if each.could_earn:
        where += f", and {each.could_earn} could be earned otherwise,"
    return f"{where} the line says: {each.say}" + (f" [{each.cite}]" if each.cite else "")


def grouping(service: Service) -> str:
    """What is added up, and how lines are made of it."""
    said = f"per {listed(service.per, 'and')}"
    if service.uses_minutes or service.minutes == "longest":
        said += ", the longest entry's minutes" if service.minutes == "longest" else ""
    if service.overlap_once:
        said += ", minutes that two entries share counted once"
    if service.line_per:
        said += f"; one line per {listed(service.line_per, 'and')}"
    return said + ("; alone on its claim" if service.own_claim else "")


def source(name: str, each: Source) -> str:
    at = f", {each.url}" if each.url else ""
    return f"{name}: {each.title}{at} (last checked {each.checked})"


def _money(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02}"


def _rest(part: Any, said: Sequence[str]) -> str:
    """Whatever the part holds besides what has been said and what it holds by default."""
    more = [
        f"; {f.name.replace('_', ' ')}: {value}"
        for f in fields(part)
        if f.name not in said
        for value in [getattr(part, f.name)]
        if value and (f.default is MISSING or value != f.default)
    ]
    return "".join(more)
