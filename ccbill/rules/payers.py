"""Payer names → plans, by the names that the plans give and those that the practice maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ccbill.errors import CcbillError, Exit, Message, did_you_mean, nearest, same_but_for_spelling
from ccbill.rules.facts import Facts
from ccbill.rules.model import Plan
from ccbill.tables import Ints, Note

ALIKE = 0.85  # a name less like a payer's is another payer's


def nearest_name(name: str, known: list[str]) -> str | None:
    """The payer's name most like this one, None where they differ in a word of their own."""
    near = nearest(name, known, ALIKE)
    return near if near and same_but_for_spelling(name, near) else None


def plan_of_rows(
    facts: Facts, plans: Sequence[Plan], mapped: Mapping[str, str]
) -> tuple[Ints, list[Note]]:
    """The number of each activity's plan, -1 where its payer's name is no plan's.

    One note names each payer that is not known.
    """
    known = numbers_of_names(plans, mapped)
    names = facts.categories("payer")
    numbers = np.array([*(known.get(fold(name), -1) for name in names), -1], np.int16)
    codes = facts.codes("payer")
    fine = facts.codes("problem") < 0
    rows = np.bincount(codes[fine & (codes >= 0)], minlength=len(names))
    share = float((numbers[codes] >= 0).mean()) if len(codes) else 0.0
    spelled = [n for p in plans for n in p.payers]
    notes = [
        _unknown(name, int(rows[code]), spelled, shown=share >= 0.5)
        for code, name in enumerate(names)
        if numbers[code] < 0 and rows[code]
    ]
    return numbers[codes], notes


def numbers_of_names(plans: Sequence[Plan], mapped: Mapping[str, str]) -> dict[str, int]:
    """The number of the plan for each payer's name, in the form that `fold` gives it.

    A name matches whole, in any case, without outer spaces. `mapped` leads from the practice's
    words to a payer's name or a plan.
    """
    known = {fold(name): n for n, p in enumerate(plans) for name in (p.name, *p.payers)}
    for word, name in mapped.items():
        if fold(name) not in known:
            raise CcbillError(
                Exit.REFUSED,
                Message(
                    f"ccbill.toml:[payers] {word}",
                    f"{name!r} is no payer's name and no plan",
                    "Nothing was read or written.",
                    did_you_mean(name, [*(p.name for p in plans), *known]),
                ),
            )
        known[fold(word)] = known[fold(name)]
    return known


def _unknown(name: str, rows: int, known: list[str], *, shown: bool) -> Note:
    """A payer's name may stand in a message only where the column surely holds payers' names."""
    near = nearest_name(name, known)
    target = near or "the payer's name"
    word = f"{name[:40]!r}" if shown else "a name"
    fix = f'under [payers] in ccbill.toml: "{name[:40] if shown else "…"}" = "{target}"'
    return Note("payer-not-known", "", f"{word} is no plan's payer", fix, rows)


def fold(name: str) -> str:
    """A payer's name without regard to case and outer spaces."""
    return " ".join(name.split()).casefold()
