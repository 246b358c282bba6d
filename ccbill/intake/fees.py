"""A fee schedule's file → prices by plan or payer, code, modifiers and date."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from ccbill.cells.limits import USUAL, Limits
from ccbill.errors import CcbillError, Exit, Message, nearest
from ccbill.fees import FOREVER, Fees
from ccbill.intake import checks, columns, dates, heading
from ccbill.intake.columns import Matched, Wanted
from ccbill.intake.files import table as read_table
from ccbill.intake.table import Table
from ccbill.intake.text import Text, as_words, blank
from ccbill.tables import UNKNOWN, Mask
from ccbill.vocabulary import fold

COLUMNS = (
    "plan",
    "payer",
    "code",
    "modifiers",
    "charge",
    "expected_payment",
    "collection_rate",
    "from",
    "to",
)
SPELLINGS = {
    "cpt": "code",
    "hcpcs": "code",
    "procedure code": "code",
    "modifier": "modifiers",
    "fee": "charge",
    "price": "charge",
    "amount": "charge",
    "expected": "expected_payment",
    "allowed": "expected_payment",
    "effective from": "from",
    "effective to": "to",
}
# The columns of amounts, the most that each may say, and how one is written.
LIKE = (
    ("charge", 1_000_000, "125.00"),
    ("expected_payment", 1_000_000, "125.00"),
    ("collection_rate", 1, "0.33"),
)


def read_fees(path: Path, limits: Limits = USUAL, plan_of: Mapping[str, int] | None = None) -> Fees:
    """The prices in the file, or one CcbillError with every cell that is no price or date.

    A name under `plan` must be one of `plan_of`, where that is given.
    """
    wanted = Wanted(
        "fees",
        frozenset(COLUMNS),
        (("plan", "payer"), ("code",), ("charge", "expected_payment")),
        {},
        {fold(word): name for word, name in [*SPELLINGS.items(), *((c, c) for c in COLUMNS)]},
        (),
    )
    table = read_table(str(path), path.name, wanted, None, limits)
    matched = columns.match(table.headings, wanted)
    needed = checks.missing(matched, list(wanted.needed))
    found = checks.messages(table, matched, wanted, needed) + checks.unsaid(table, matched)
    if found or table.ragged:
        raise CcbillError(Exit.INPUT, *found, *_ragged(table))
    return _fees(heading.cleaned(table, matched), matched, plan_of)


def _ragged(table: Table) -> list[Message]:
    fix = "put quotes around cells that hold a delimiter"
    what = "has more or fewer cells than the heading"
    return [Message(table.place(r.row), what, checks.NOTHING, fix) for r in table.ragged]


def _fees(table: Table, matched: Matched, plan_of: Mapping[str, int] | None) -> Fees:
    text = {name: as_words(table.columns[places[0]]) for name, places in matched.columns.items()}
    messages: list[Message] = []
    prices = {}
    for name, most, like in LIKE:
        prices[name] = _decimals(table, matched, text, name, Decimal(most), like, messages)
    days = {name: _days(table, matched, text, name, messages) for name in ("from", "to")}
    if messages:
        raise CcbillError(Exit.INPUT, *messages)
    rows = len(table.rows)
    words = {
        name: _words(text.get(name, blank(rows))) for name in ("plan", "payer", "code", "modifiers")
    }
    charge = [_cents(price) for price in prices["charge"]]
    rates = zip(prices["charge"], prices["collection_rate"], strict=True)
    collected = [_cents(p * r) if p is not None and r is not None else UNKNOWN for p, r in rates]
    expected = [_cents(price) for price in prices["expected_payment"]]
    listed = pd.DataFrame(
        {
            "for": [
                (p or q).casefold() for p, q in zip(words["payer"], words["plan"], strict=True)
            ],
            "code": [code.upper() for code in words["code"]],
            "modifiers": [
                " ".join(sorted(m.replace(",", " ").replace(";", " ").upper().split()))
                for m in words["modifiers"]
            ],
            "charge": charge,
            "expected": np.where(np.array(expected) == UNKNOWN, collected, expected),
            "first_day": days["from"],
            "last_day": np.where(days["to"] == UNKNOWN, FOREVER, days["to"]),
        }
    )
    messages = _unclear(table, matched, listed)
    if plan_of is not None:
        messages += _unknown_plans(table, matched, words["plan"], plan_of)
    if messages:
        raise CcbillError(Exit.INPUT, *messages)
    return Fees(listed)


def _unclear(table: Table, matched: Matched, prices: pd.DataFrame) -> list[Message]:
    """What is wrong with prices that are for no code, for no day, or two for the same."""
    priced = (prices["charge"] != UNKNOWN) | (prices["expected"] != UNKNOWN)
    key = ["for", "code", "modifiers", "first_day"]
    whole = prices.drop_duplicates([*key, "charge", "expected"])
    again = whole.index[whole.duplicated(key)]
    whom = "plan" if "plan" in matched.columns else "payer"
    found = (
        (whom, priced & (prices["for"] == ""), "is blank", "name the plan or payer of the price"),
        ("code", priced & (prices["code"] == ""), "is blank", "write the code of the price"),
        (
            "to",
            prices["last_day"] < prices["first_day"],
            "is before the day in from",
            "correct one of the two",
        ),
        (
            "code",
            prices.index.isin(again),
            "has another price from the same day above",
            "keep the one that counts, or give each its from",
        ),
    )
    return [
        Message(table.place(int(row), matched.columns[name][0]), what, checks.NOTHING, fix)
        for name, wrong, what, fix in found
        for row in table.rows[np.asarray(wrong, bool)]
    ]


def _unknown_plans(
    table: Table, matched: Matched, names: list[str], plan_of: Mapping[str, int]
) -> list[Message]:
    """What is wrong with prices for a plan that nobody knows."""
    found = []
    for row, name in zip(table.rows, names, strict=True):
        if name and " ".join(name.split()).casefold() not in plan_of:
            near = nearest(name, list(plan_of))
            fix = f"did you mean {near!r}?" if near else "see the plans with: ccbill rules list"
            where = table.place(int(row), matched.columns["plan"][0])
            found.append(Message(where, "is no plan and no payer's name", checks.NOTHING, fix))
    return found


def _words(text: Text) -> list[str]:
    values = [*text.words(), ""]
    return [values[code] for code in text.codes]


def _decimals(
    table: Table,
    matched: Matched,
    text: dict[str, Text],
    name: str,
    most: Decimal,
    like: str,
    messages: list[Message],
) -> list[Decimal | None]:
    """The column's amounts; a cell that is none, or over `most`, adds a message."""
    rows = len(table.rows)
    if name not in text:
        return [None] * rows
    plain = pc.replace_substring_regex(text[name].values, r"[$,\s]", "")
    good = pc.match_substring_regex(plain, r"^\d+(\.\d+)?$").to_numpy(zero_copy_only=False)
    amounts = [
        Decimal(word) if ok and Decimal(word) <= most else None
        for word, ok in zip(plain.to_pylist(), good, strict=True)
    ]
    lost = np.array([*(a is None for a in amounts), False])[text[name].codes]
    messages += _unread(table, matched, name, lost, f"an amount from 0 to {most:,}", like)
    return [[*amounts, None][code] for code in text[name].codes]


def _days(
    table: Table, matched: Matched, text: dict[str, Text], name: str, messages: list[Message]
) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    if name not in text:
        return np.full(len(table.rows), UNKNOWN, np.int32)
    moments = dates.moments(text[name], None)
    messages += _unread(table, matched, name, moments.fault > 0, "a date", "2026-01-31")
    return moments.days


def _unread(
    table: Table, matched: Matched, name: str, lost: Mask, what: str, like: str
) -> list[Message]:
    column = matched.columns[name][0]
    return [
        Message(
            table.place(int(row), column), f"is not {what}", checks.NOTHING, f"write it as {like}"
        )
        for row in table.rows[lost]
    ]


def _cents(price: Decimal | None) -> int:
    if price is None:
        return UNKNOWN
    return int((price * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
