"""The conditions of a rule file: `{ field = what it must be }`, each field's values its own way."""

from __future__ import annotations

from typing import get_args

from ccbill import vocabulary
from ccbill.errors import did_you_mean
from ccbill.rules.model import (
    Between,
    Blank,
    Compared,
    Given,
    HasCode,
    Matcher,
    NoneOf,
    OneOf,
    Op,
    Test,
    Tests,
)
from ccbill.rules.table import Table
from ccbill.tables import DAY, PATIENT_FIELDS, ROW_FIELDS

FIELDS = (*ROW_FIELDS, *PATIENT_FIELDS)
NUMBERS = ("minutes", "group_size", "participants", "diagnoses")


def read_tests(table: Table, key: str) -> Tests:
    """The alternatives under a key, one table of conditions or a list of them."""
    if table.is_list(key):
        return [read_test(t) for t in table.tables(key)]
    return [read_test(table.table(key))]


def read_test(table: Table) -> Test:
    """The conditions of one table, all of which must hold."""
    test = {name: _matcher(table, name) for name in table.names()}
    table.done()
    if not test:
        raise table.refused("", "no field is named", "name a field and its values")
    return test


def _matcher(table: Table, name: str) -> Matcher:
    known_word(table, name, name, [*FIELDS, "minutes", "diagnoses"])
    if table.is_text(name):
        return Given() if table.choice(name, ("given", "blank")) == "given" else Blank()
    if {**ROW_FIELDS, **PATIENT_FIELDS}.get(name) == DAY:
        return _compared(table.table(name))
    if name == "other_services":
        inner = table.table(name)
        ranges = tuple(_code_range(inner, "has", words) for words in inner.texts("has"))
        inner.done()
        return HasCode(ranges)
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


def _compared(table: Table) -> Compared:
    op: Op = table.one_of(get_args(Op))
    days = [*(f for f, kind in {**ROW_FIELDS, **PATIENT_FIELDS}.items() if kind == DAY)]
    others = table.texts(op)
    for other in others:
        known_word(table, op, other, [*days, *(f"first {kind}" for kind in kinds())])
    compared = Compared(
        op=op,
        others=others,
        days=table.number("days", None, low=-3660, high=3660) or 0,
        by_month=table.choice("by", ("day", "month"), "day") == "month",
    )
    table.done()
    return compared


def _code_range(table: Table, key: str, words: str) -> tuple[str, str]:
    """A code, or `90951-90970`: all the codes between two of one length."""
    first, _, last = words.partition("-")
    if not first or (last and (len(first) != len(last) or first > last)):
        raise table.refused(key, f"has {words!r}, no code and no range", "write 90951-90970")
    return first, last or first


def _words(table: Table, key: str, name: str) -> tuple[str, ...]:
    """The texts under a key, each known where the field has a vocabulary."""
    values = table.texts(key)
    if len(set(values)) < len(values):
        raise table.refused(key, "names something twice", "name each once")
    if name == "credential":
        return tuple(c for v in values for c in _credentials(table, key, v))
    known = {"kind": kinds(), "mode": list(vocabulary.modes())}.get(name)
    return values if known is None else tuple(known_word(table, key, v, known) for v in values)


def _credentials(table: Table, key: str, word: str) -> list[str]:
    """A credential itself, or all the credentials of a group."""
    groups = vocabulary.credentials()
    if word in groups:
        return [word]
    members = [c for c, group in groups.items() if group == word]
    if not members:
        known_word(table, key, word, [*groups, *set(groups.values())])
    return members


def kinds() -> list[str]:
    return list(vocabulary.kinds())


def known_word(table: Table, key: str, word: str, known: list[str]) -> str:
    if word not in known:
        raise table.refused(key, f"{word!r} is not known", did_you_mean(word, known))
    return word
