"""Which staff may earn which code, by kind of work and mode: found by asking the rules themselves.

Invented patients, one for each combination of what the rules ask for, are billed by the same code
as a run's. Credentials and modes that no rule tells apart stand together.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from ccbill import vocabulary
from ccbill.rules import say
from ccbill.rules.examples import billed_each
from ccbill.rules.model import (
    Between,
    Blank,
    Compared,
    Given,
    HasCode,
    Matcher,
    NoneOf,
    OneOf,
    Plan,
    Service,
    Test,
)
from ccbill.tables import DAY, PATIENT_FIELDS, ROW_FIELDS

AT_MOST = 600  # combinations of what one kind of work is asked for
REFUSING = ("leave_out", "hold_when", "nobody")
OWN = ("kind", "mode", "credential", "service_date")  # varied by themselves
LONG = 360  # minutes, past every step
APART = 40  # days, so that months differ too


@dataclass(frozen=True, slots=True)
class Roles:
    """Codes by kind and mode of work (`rows`) and by sort of staff (`staff`), blank for none."""

    staff: list[str]
    rows: list[tuple[str, str, list[str]]]  # kind, modes, the codes of each sort of staff


def roles(plan: Plan, on: int) -> Roles:
    """What each sort of staff may earn on a day; only work that earns something is listed."""
    now = in_force(plan, on)
    staff = _alike(now, "credential", list(vocabulary.credentials()))
    modes = _alike(now, "mode", list(vocabulary.modes()))
    codes: dict[tuple[str, int, int], dict[str, None]] = {}
    for kind in dict.fromkeys(kind for service in now.services for kind in _kinds(service)):
        others = _circumstances(now, kind, on)
        places = list(itertools.product([kind], range(len(modes)), range(len(staff)), others))
        did = [
            [{**each, "kind": kind, "mode": modes[m][0], "credential": staff[n][0]}]
            for _, m, n, each in places
        ]
        for (_, m, n, _), units in zip(places, billed_each(now, did), strict=True):
            codes.setdefault((kind, m, n), {}).update(dict.fromkeys(units))
    return _table(codes, staff, modes)


def in_force(plan: Plan, on: int) -> Plan:
    """The plan with the editions of one day alone."""
    services = tuple(s for s in plan.services if s.first_day <= on <= s.last_day)
    return replace(plan, services=services)


def _table(
    codes: Mapping[tuple[str, int, int], Mapping[str, None]],
    staff: list[list[str]],
    modes: list[list[str]],
) -> Roles:
    """Equal rows and equal columns are one; what earns nothing is left away."""
    columns: dict[tuple[str, ...], list[str]] = {}
    places = list(dict.fromkeys((kind, mode) for kind, mode, _ in codes))
    for number, members in enumerate(staff):
        cells = tuple(_said(codes[kind, mode, number]) for kind, mode in places)
        columns.setdefault(cells, []).extend(members)
    rows: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for n, (kind, mode) in enumerate(places):
        cells = tuple(column[n] for column in columns)
        if any(cells):
            rows.setdefault((kind, cells), []).extend(modes[mode])
    every = len(vocabulary.modes())
    return Roles(
        staff=[say.listed(say.credentials(members), "and") for members in columns.values()],
        rows=[
            (kind, "any" if len(names) == every else ", ".join(names), list(cells))
            for (kind, cells), names in rows.items()
        ],
    )


def _said(codes: Mapping[str, None]) -> str:
    return ", ".join(sorted(codes))


def _tests(plan: Plan) -> Iterator[tuple[Service | None, bool, Test]]:
    """Every test of the plan, its service, and whether meeting it speaks for the activity."""
    for service in plan.services:
        yield from ((service, True, test) for test in service.takes)
        yield from ((service, True, bill.when) for bill in service.bills)
        yield from ((service, True, clock.who) for clock in service.clocks)
    for owner, screens in ((None, plan.screens), *((s, s.screens) for s in plan.services)):
        for screen in screens:
            yield from ((owner, True, test) for test in screen.where)
            if screen.verb not in ("same", "trained"):
                fine = screen.verb not in REFUSING
                yield from ((owner, fine, test) for test in screen.tests)


def _words(matcher: Matcher | None) -> tuple[str, ...]:
    return matcher.values if isinstance(matcher, (OneOf, NoneOf)) else ()


def _alike(plan: Plan, field: str, known: Sequence[str]) -> list[list[str]]:
    """The words of a field, those together that no test tells apart."""
    asked = [_words(test[field]) for _, _, test in _tests(plan) if field in test]
    sorts: dict[tuple[bool, ...], list[str]] = {}
    for word in known:
        sorts.setdefault(tuple(word in values for values in asked), []).append(word)
    return list(sorts.values())


def _kinds(service: Service) -> tuple[str, ...]:
    return tuple(kind for test in service.takes for kind in _words(test.get("kind")))


def _circumstances(plan: Plan, kind: str, on: int) -> list[dict[str, str]]:
    """Combinations of the other fields that the rules for the kind of work ask for."""
    services = [s for s in plan.services if kind in _kinds(s)]
    wanted: dict[str, dict[str | None, None]] = {}
    minutes = {1, LONG}
    for service, fine, test in _tests(plan):
        if service is None or service in services:
            for name, matcher in test.items():
                if isinstance(matcher, Between) and name == "minutes":
                    minutes |= {matcher.low or 1, matcher.high or LONG}
                elif name not in OWN or isinstance(matcher, Compared):
                    for field, value in _favourable(name, matcher, fine, on):
                        wanted.setdefault(field, {})[value] = None
    for bill in (bill for service in services for bill in service.bills):
        minutes |= {bill.once_at or 1, bill.after + (bill.step or 1)}
    choices = [[(name, v) for v in (*values, None)] for name, values in wanted.items()]
    times = [("minutes", str(m)) for m in sorted(minutes)]
    fixed = {"service_date": _date(on)}
    combined = itertools.islice(itertools.product(*choices, times), AT_MOST)
    return [fixed | {name: v for name, v in each if v is not None} for each in combined]


def _favourable(
    name: str, matcher: Matcher, fine: bool, on: int
) -> Iterator[tuple[str, str | None]]:
    """Values that make the test say yes to the activity; a blank is tried everywhere besides."""
    kind = {**ROW_FIELDS, **PATIENT_FIELDS}.get(name)
    something = _date(on - APART) if kind == DAY else "1"
    if isinstance(matcher, Compared):
        if fine:
            yield from _dates(name, matcher, on)
    elif isinstance(matcher, NoneOf if not fine else OneOf):
        yield from ((name, value) for value in _words(matcher))
    elif isinstance(matcher, Blank if not fine else Given):
        yield name, something
    elif isinstance(matcher, HasCode) and fine:
        yield from ((name, first) for first, _ in matcher.ranges)
    elif isinstance(matcher, Between) and fine:
        number = matcher.high if matcher.low is None else matcher.low
        if name == "diagnoses":
            yield "diagnosis_codes", ";".join(f"A0{n}" for n in range(number or 0))
        else:
            yield name, str(number)


def _dates(name: str, matcher: Compared, on: int) -> Iterator[tuple[str, str]]:
    """Dates that are before, on or after one another, as the comparison asks."""
    apart = {"before": 1, "on_or_before": 1, "after": -1, "on_or_after": -1}.get(matcher.op, 0)
    if name != "service_date":
        yield name, _date(on - apart * APART)
        return
    for other in matcher.others:
        if other in ROW_FIELDS or other in PATIENT_FIELDS:
            yield other, _date(on + apart * APART - matcher.days)


def _date(days: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=days)).isoformat()
