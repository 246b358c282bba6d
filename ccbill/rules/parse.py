"""The tables of a rule file → the parts of a plan, or a refusal that names file, key and fix."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import get_args

from ccbill.problems import PROBLEMS
from ccbill.rules.conditions import FIELDS, kinds, known_word, read_test, read_tests
from ccbill.rules.model import (
    Bill,
    Clock,
    Example,
    Given,
    KindRule,
    Limit,
    LineNote,
    Screen,
    Service,
    Source,
    Standing,
    Tests,
    Verb,
)
from ccbill.rules.table import Table

EPOCH = date(1970, 1, 1).toordinal()
FOREVER = date(9999, 12, 31).toordinal() - EPOCH
KEYS = ("patient", "practice", "practitioner", "day", "month", "year", "activity")
NEVER_ALONE = 2**31
VERBS: tuple[Verb, ...] = get_args(Verb)
FAILING = {
    "kind": "left-out-kind",
    "mode": "left-out-mode",
    "credential": "left-out-credential",
    "minutes": "below-threshold",
}


def attested(table: Table) -> tuple[str, ...]:
    """What no export can show, by the texts of `[[cannot_check]]`."""
    tables = table.tables("cannot_check")
    texts = tuple(each.text("say") for each in tables)
    for each in tables:
        each.done()
    return texts


def source(table: Table) -> Source:
    source = Source(table.text("title"), table.text("url", ""), table.text("checked"))
    table.done()
    return source


def service(
    table: Table, name: str, first: int, last: int, sources: Mapping[str, Source]
) -> Service:
    ends = table.day("ends", None)
    if ends is not None and ends - EPOCH > last:
        raise table.refused(
            "ends",
            "is after the next edition begins",
            "end it the day before, or leave `ends` out",
        )
    if ends is not None and ends - EPOCH < first:
        raise table.refused(
            "ends", "is before the edition begins", "give a later day, or take the file away"
        )
    cite = _cite(table, sources, None)
    service = Service(
        name=name,
        file=table.file,
        first_day=first,
        last_day=last if ends is None else ends - EPOCH,
        title=table.text("title"),
        cite=cite,
        takes=read_tests(table, "takes"),
        screens=tuple(screen(t, sources, cite) for t in table.tables("screen")),
        per=_keys(table, "per"),
        line_per=_keys(table, "line_per") if "line_per" in table else (),
        overlap_once=table.choice("overlap", ("counts", "once"), "counts") == "once",
        clocks=tuple(_clock(t) for t in table.tables("clock")),
        own_claim=table.yes("own_claim"),
        minutes=table.choice("minutes", ("sum", "longest"), "sum"),
        bills=tuple(_bill(t, sources, cite) for t in table.tables("bill")),
        limits=tuple(_limit(t, sources, cite) for t in table.tables("limit")),
        notes=tuple(_note(t, sources) for t in table.tables("note")),
        cannot_check=attested(table),
        examples=tuple(_example(t, sources, cite) for t in table.tables("example")),
    )
    table.done()
    bases = {b.code for b in service.bills if b.needs is None}
    for bill, inner in zip(service.bills, table.tables("bill"), strict=True):
        if bill.needs is not None and bill.needs not in bases:
            raise inner.refused(
                "needs",
                f"names {bill.needs}, which this file does not bill",
                f"name one of: {', '.join(sorted(bases))}",
            )
    for note, inner in zip(service.notes, table.tables("note"), strict=True):
        if note.could_earn and note.could_earn not in bases:
            raise inner.refused(
                "could_earn",
                f"names {note.could_earn}, which this file does not bill",
                f"name one of: {', '.join(sorted(bases))}",
            )
    if not service.bills:
        raise table.refused("bill", "there is no [[bill]]", "say which code it earns")
    return service


def screen(table: Table, sources: Mapping[str, Source], cite: str | None) -> Screen:
    verb = table.one_of(VERBS)
    months = 0
    tests: Tests
    if verb == "same":
        tests = [{known_word(table, verb, table.text(verb), [*FIELDS, "practitioner"]): Given()}]
    elif verb == "trained":
        inner = table.table("trained")
        field = inner.choice("by", ("training_date",))
        months = inner.number("within_months", low=0, high=120)
        inner.done()
        tests = [{field: Given()}]
    else:
        tests = read_tests(table, verb)
    first = next(iter(tests[0]))
    holds = verb in ("hold_when", "nobody", "same", "someone", "trained") or (
        table.choice("otherwise", ("leave-out", "hold"), "leave-out") == "hold"
    )
    default = missing_problem(first) if verb == "trained" else FAILING.get(first)
    if verb == "hold_when":
        default = "rule-assumed"
    screen = Screen(
        verb=verb,
        tests=tests,
        why=table.text("why"),
        cite=_cite(table, sources, cite),
        problem=_problem(table, default),
        holds=holds,
        blank=table.choice("blank", ("holds", "counts", "leaves-out"), "holds"),
        where=read_tests(table, "of") if "of" in table else (),
        months=months,
        within=_keys(table, "within") if verb in ("nobody", "same") else (),
        field=first if verb == "same" else "",
        keep=table.choice("keep", ("none", "earliest"), "none") if verb == "same" else "none",
    )
    table.done()
    return screen


def _bill(table: Table, sources: Mapping[str, Source], cite: str) -> Bill:
    once = table.table("once_at") if "once_at" in table else None
    step = table.table("per_step") if "per_step" in table else None
    bill = Bill(
        code=table.text("code"),
        modifiers=table.texts("modifiers", ()),
        when=read_test(table.table("when")) if "when" in table else {},
        once_at=once.number("minutes", low=0, high=44_640) if once else None,
        step=step.number("minutes", low=1, high=44_640) if step else None,
        after=step.number("after", low=0, high=44_640) if step else 0,
        part_counts=(
            step.choice("part_step", ("counts", "does-not-count")) == "counts" if step else False
        ),
        at_most=table.number("at_most", None, low=1, high=1000),
        needs=table.text("needs", None),
        standing=table.choice("standing", get_args(Standing)),
        cite=_cite(table, sources, cite),
        why=table.text("why", ""),
        note=table.text("note", ""),
        of=table.text("of", ""),
        pays=_money(table, "pays"),
        pays_line=_money(table, "pays_line"),
        charge_required=table.yes("charge_required"),
    )
    for inner in (once, step, table):
        if inner is not None:
            inner.done()
    return bill


def _limit(table: Table, sources: Mapping[str, Source], cite: str) -> Limit:
    table.one_of(("at_most", "not_with"))
    limit = Limit(
        at_most=table.number("at_most", None, low=1, high=1000),
        not_with=table.texts("not_with", ()),
        within=_keys(table, "within"),
        keep=table.choice("keep", ("earliest", "longest"), "earliest"),
        prefer=table.texts("prefer", ()),
        days=table.number("days", None, low=1, high=3660),
        counts=table.choice("counts", ("billed", "all"), "billed"),
        lifetime=table.number("lifetime", None, low=0, high=1000) or None,
        over=table.choice("over", ("leave-out", "hold", "encounter", "count"), "leave-out"),
        problem=_problem(table, "not-with" if "not_with" in table else "unit-limit"),
        why=table.text("why"),
        cite=_cite(table, sources, cite),
        note=table.text("note", "") if "prefer" in table else "",
        standing=table.choice("standing", get_args(Standing)) if "note" in table else None,
    )
    table.done()
    return limit


def _clock(table: Table) -> Clock:
    clock = Clock(
        name=table.text("name"),
        who=read_test(table.table("who")),
        joins=table.text("joins", ""),
        alone_from=table.number("alone_from", None, low=1, high=44_640) or NEVER_ALONE,
    )
    table.done()
    return clock


def _money(table: Table, key: str) -> int | None:
    """Cents from a text like "400.00"."""
    text = table.text(key, None)
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,6}\.\d\d", text):
        raise table.refused(key, f"is {text!r}, no amount", f'write {key} = "400.00"')
    return int(text.replace(".", ""))


def _note(table: Table, sources: Mapping[str, Source]) -> LineNote:
    verb = table.one_of(("beside", "everyone"))
    note = LineNote(
        say=table.text("say"),
        beside=table.texts("beside", ()),
        within=_keys(table, "within") if verb == "beside" else (),
        everyone=read_test(table.table("everyone")) if verb == "everyone" else {},
        could_earn=table.text("could_earn", "") if verb == "everyone" else "",
        problem=_problem(table, None) if "could_earn" in table and "problem" in table else "",
        cite=_cite(table, sources, None) if "cite" in table else "",
    )
    table.done()
    return note


def kind_rule(table: Table, sources: Mapping[str, Source], verb: str) -> KindRule:
    rule = KindRule(
        kinds=tuple(known_word(table, "kinds", kind, kinds()) for kind in table.texts("kinds")),
        holds=verb == "hold",
        problem=_problem(table, "rule-assumed" if verb == "hold" else "left-out-kind"),
        why=table.text("why"),
        cite=_cite(table, sources, None),
    )
    table.done()
    return rule


def _example(table: Table, sources: Mapping[str, Source], cite: str) -> Example:
    bills = table.table("bills")
    example = Example(
        did=table.texts("did"),
        bills={code: bills.number(code, low=0, high=1000) for code in bills.names()},
        cite=_cite(table, sources, cite),
        on=table.text("on", ""),
        where=table.where,
    )
    bills.done()
    table.done()
    return example


def missing_problem(field: str) -> str:
    """The name of the problem of a blank cell: `authorization_number` → `authorization-missing`."""
    stem = field.removesuffix("_date").removesuffix("_number").removesuffix("_codes")
    named = {
        "rendering_npi": "provider-missing",
        "diagnosis": "diagnoses-missing",
        "diagnoses": "diagnoses-missing",
        "initiating_visit": "initiating-visit-missing",
    }
    return named.get(stem, f"{stem.replace('_', '-')}-missing")


def _problem(table: Table, default: str | None) -> str:
    named = table.text("problem") if default is None else table.text("problem", default)
    return known_word(table, "problem", named, list(PROBLEMS))


def _cite(table: Table, sources: Mapping[str, Source], default: str | None) -> str:
    named = table.text("cite") if default is None else table.text("cite", default)
    return known_word(table, "cite", named, list(sources))


def edits(table: Table, sources: Mapping[str, Source]) -> str:
    """The source of the published edits that bind the plan, blank where none do."""
    if "edits" not in table:
        return ""
    return known_word(table, "edits", table.text("edits"), list(sources))


def _keys(table: Table, key: str) -> tuple[str, ...]:
    return tuple(known_word(table, key, k, list(KEYS)) for k in table.texts(key))
