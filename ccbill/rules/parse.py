"""The tables of a rule file → the parts of a plan, or a refusal that names file, key and fix."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import get_args

from ccbill import vocabulary
from ccbill.errors import CcbillError, Exit, Message, did_you_mean
from ccbill.problems import PROBLEMS
from ccbill.rules.model import (
    Between,
    Bill,
    Example,
    Given,
    KindRule,
    Limit,
    LineNote,
    Matcher,
    NoneOf,
    OneOf,
    Screen,
    Service,
    Source,
    Standing,
    Test,
    Tests,
    Verb,
)
from ccbill.rules.table import Table
from ccbill.tables import PATIENT_FIELDS, ROW_FIELDS

EPOCH = date(1970, 1, 1).toordinal()
FOREVER = date(9999, 12, 31).toordinal() - EPOCH
KEYS = ("patient", "practice", "day", "month", "year", "activity")
NUMBERS = ("minutes", "group_size", "participants")
VERBS: tuple[Verb, ...] = get_args(Verb)
FIELDS = (*ROW_FIELDS, *PATIENT_FIELDS)
FAILING = {
    "kind": "left-out-kind",
    "mode": "left-out-mode",
    "credential": "left-out-credential",
    "minutes": "below-threshold",
}


def source(table: Table) -> Source:
    source = Source(table.text("title"), table.text("url", ""), table.text("checked"))
    table.done()
    return source


def service(
    table: Table, name: str, first: int, last: int, sources: Mapping[str, Source]
) -> Service:
    ends = table.day("ends", None)
    if ends is not None and ends - EPOCH > last:
        raise refused(
            table.file,
            "`ends` is after the next edition begins",
            "end it the day before, or leave `ends` out",
        )
    cite = _cite(table, sources, None)
    service = Service(
        name=name,
        file=table.file,
        first_day=first,
        last_day=last if ends is None else ends - EPOCH,
        title=table.text("title"),
        cite=cite,
        takes=_tests(table, "takes"),
        screens=tuple(screen(t, sources, cite) for t in table.tables("screen")),
        per=_keys(table, "per"),
        minutes=table.choice("minutes", ("sum", "longest"), "sum"),
        bills=tuple(_bill(t, sources, cite) for t in table.tables("bill")),
        limits=tuple(_limit(t, sources, cite) for t in table.tables("limit")),
        notes=tuple(_note(t) for t in table.tables("note")),
        cannot_check=tuple(t.text("say") for t in table.tables("cannot_check")),
        examples=tuple(_example(t, sources, cite) for t in table.tables("example")),
    )
    table.done()
    bases = {b.code for b in service.bills if b.needs is None}
    for bill in service.bills:
        if bill.needs is not None and bill.needs not in bases:
            raise refused(
                table.file,
                f"`needs` names {bill.needs}, which this file does not bill",
                f"name one of: {', '.join(sorted(bases))}",
            )
    if not service.bills:
        raise refused(table.file, "there is no [[bill]]", "say which code it earns")
    return service


def screen(table: Table, sources: Mapping[str, Source], cite: str | None) -> Screen:
    verb = table.one_of(VERBS)
    months = 0
    tests: Tests
    if verb == "trained":
        inner = table.table("trained")
        field = inner.choice("by", ("training_date",))
        months = inner.number("within_months", low=0, high=120)
        inner.done()
        tests = [{field: Given()}]
    else:
        tests = _tests(table, verb)
    first = next(iter(tests[0]))
    holds = verb in ("hold_when", "someone", "trained") or (
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
        blank_counts=table.choice("blank", ("holds", "counts"), "holds") == "counts",
        where=_tests(table, "of") if "of" in table else (),
        months=months,
    )
    table.done()
    return screen


def _bill(table: Table, sources: Mapping[str, Source], cite: str) -> Bill:
    once = table.table("once_at") if "once_at" in table else None
    step = table.table("per_step") if "per_step" in table else None
    bill = Bill(
        code=table.text("code"),
        modifiers=table.texts("modifiers", ()),
        when=_test(table.table("when")) if "when" in table else {},
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
        holds=table.choice("over", ("leave-out", "hold"), "leave-out") == "hold",
        problem=_problem(table, "not-with" if "not_with" in table else "unit-limit"),
        why=table.text("why"),
        cite=_cite(table, sources, cite),
    )
    table.done()
    return limit


def _note(table: Table) -> LineNote:
    table.one_of(("beside", "everyone"))
    note = LineNote(
        say=table.text("say"),
        beside=table.texts("beside", ()),
        within=_keys(table, "within") if "beside" in table else (),
        everyone=_test(table.table("everyone")) if "everyone" in table else {},
    )
    table.done()
    return note


def kind_rule(table: Table, sources: Mapping[str, Source], verb: str) -> KindRule:
    rule = KindRule(
        kinds=tuple(_known(table, "kinds", kind, kinds()) for kind in table.texts("kinds")),
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
    )
    bills.done()
    table.done()
    return example


def _tests(table: Table, key: str) -> Tests:
    if table.is_list(key):
        return [_test(t) for t in table.tables(key)]
    return [_test(table.table(key))]


def _test(table: Table) -> Test:
    test = {name: _matcher(table, name) for name in table.names()}
    table.done()
    if not test:
        raise refused(table.where, "no field is named", "name a field and its values")
    return test


def _matcher(table: Table, name: str) -> Matcher:
    _known(table, name, name, [*FIELDS, "minutes"])
    if table.is_text(name):
        table.choice(name, ("given",))
        return Given()
    if name in NUMBERS:
        bounds = table.table(name)
        low = bounds.number("from", None, low=0, high=44_640)
        high = bounds.number("to", None, low=0, high=44_640)
        bounds.done()
        return Between(low, high)
    if table.is_list(name):
        return OneOf(_words(table, name, name))
    inner = table.table(name)
    values = _words(inner, "not", name)
    inner.done()
    return NoneOf(values)


def _words(table: Table, key: str, name: str) -> tuple[str, ...]:
    """The texts under a key, each known where the field has a vocabulary."""
    values = table.texts(key)
    if len(set(values)) < len(values):
        raise table.refused(key, "names something twice", "name each once")
    if name == "credential":
        return tuple(c for v in values for c in _credentials(table, key, v))
    known = {"kind": kinds(), "mode": list(vocabulary.modes())}.get(name)
    return values if known is None else tuple(_known(table, key, v, known) for v in values)


def _credentials(table: Table, key: str, word: str) -> list[str]:
    """A credential itself, or all the credentials of a group."""
    groups = vocabulary.credentials()
    if word in groups:
        return [word]
    members = [c for c, group in groups.items() if group == word]
    if not members:
        _known(table, key, word, [*groups, *set(groups.values())])
    return members


def kinds() -> list[str]:
    return list(vocabulary.kinds())


def missing_problem(field: str) -> str:
    """The name of the problem of a blank cell: `authorization_number` → `authorization-missing`."""
    stem = field.removesuffix("_date").removesuffix("_number").removesuffix("_codes")
    named = {"rendering_npi": "provider-missing", "diagnosis": "diagnoses-missing"}
    return named.get(stem, f"{stem.replace('_', '-')}-missing")


def _problem(table: Table, default: str | None) -> str:
    named = table.text("problem") if default is None else table.text("problem", default)
    return _known(table, "problem", named, list(PROBLEMS))


def _cite(table: Table, sources: Mapping[str, Source], default: str | None) -> str:
    named = table.text("cite") if default is None else table.text("cite", default)
    return _known(table, "cite", named, list(sources))


def _keys(table: Table, key: str) -> tuple[str, ...]:
    return tuple(_known(table, key, k, list(KEYS)) for k in table.texts(key))


def _known(table: Table, key: str, word: str, known: list[str]) -> str:
    if word not in known:
        raise refused(f"{table.where}: {key}", f"{word!r} is not known", did_you_mean(word, known))
    return word


def refused(where: str, what: str, fix: str) -> CcbillError:
    return CcbillError(
        Exit.REFUSED, Message(where, what, "The rules are not used; nothing was written.", fix)
    )
