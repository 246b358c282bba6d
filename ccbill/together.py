"""What was decided of the shares of a log → what is decided of the whole log, and its lines.

Each share is taken as it comes: what it says of rows goes to their places in the whole log, and of
the rest only what the whole needs is kept, its numbers in half the bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from ccbill import memory
from ccbill.claims import Claims
from ccbill.rules.decisions import Billed, Decisions, Short, Stake
from ccbill.rules.earn import Earned, Groups
from ccbill.rules.model import Plan, Service
from ccbill.rules.screen import Answer
from ccbill.slices import slices
from ccbill.tables import Ints, Mask, categorical

Decided = tuple[Decisions, Claims]
Key = tuple[str, str]  # a plan's name and a service's file


def together(
    plan_of_row: Ints, plans: Sequence[Plan], shares: Iterable[tuple[Ints, Decided]]
) -> Decided:
    """The decisions and lines of all shares, each given with its rows, as the whole log is
    numbered."""
    whole = _Whole.of(plan_of_row, plans)
    for mine, (decisions, drafted) in shares:
        whole.add(mine, decisions, drafted)
        del decisions, drafted
        memory.give_back()
    return whole.decided()


@dataclass(slots=True)
class _Whole:
    """The whole log, as far as its shares are decided; `line_of_row` numbers lines as they came."""

    decisions: Decisions
    named: dict[Key, tuple[Plan, Service]]
    line_of_row: Ints
    number: dict[Answer, int] = field(default_factory=dict)
    billed: dict[Key, list[Billed]] = field(default_factory=dict)
    encounters: dict[Key, list[Billed]] = field(default_factory=dict)
    on_claim: list[pd.Series[str]] = field(default_factory=list)
    lines: list[pd.DataFrame] = field(default_factory=list)
    listed: list[pd.DataFrame] = field(default_factory=list)
    uncharged: list[Mask] = field(default_factory=list)

    @classmethod
    def of(cls, plan_of_row: Ints, plans: Sequence[Plan]) -> _Whole:
        read = len(plan_of_row)
        services = [(plan, service) for plan in plans for service in plan.services]
        answer, service_of_row = np.zeros(read, np.int16), np.full(read, -1, np.int16)
        decisions = Decisions(plans, services, plan_of_row, service_of_row, answer, [])
        named = {(plan.name, service.file): (plan, service) for plan, service in services}
        return cls(decisions, named, np.full(read, -1, np.int32))

    def add(self, mine: Ints, decisions: Decisions, drafted: Claims) -> None:
        """Takes in a share, whose rows are those that are `mine` of the log."""
        number = self.number
        numbers = [number.setdefault(said, len(number)) for said in decisions.book]
        self.decisions.answer[mine] = np.array(numbers, np.int16)[decisions.answer]
        self.decisions.service[mine] = decisions.service
        begun = sum(len(mask) for mask in self.uncharged)
        at = drafted.line_of_row
        self.line_of_row[mine] = np.where(at < 0, -1, at + begun)
        for kept, told in (
            (self.billed, decisions.billed),
            (self.encounters, decisions.encounters),
        ):
            for each in told:
                kept.setdefault(_key(each), []).append(_moved(each, mine))
        self.decisions.short.extend(self._short(each, mine) for each in decisions.short)
        self.decisions.stakes.extend(_stake(each, mine) for each in decisions.stakes)
        self.on_claim.append(decisions.on_claim.set_axis(mine[decisions.on_claim.index]))
        self.lines.append(drafted.lines)
        self.listed.append(drafted.encounters)
        self.uncharged.append(drafted.uncharged)

    def _short(self, short: Short, mine: Ints) -> Short:
        plan, service = self.named[_key(short)]
        numbers = (short.have, short.need, short.bill)
        return Short(plan, service, mine[short.standing], *(n.astype(np.int32) for n in numbers))

    def decided(self) -> Decided:
        """The whole, whose lines are in the order of the contract: by plan, then as they came."""
        decisions = replace(
            self.decisions,
            book=[*self.number],
            billed=self._joined(self.billed),
            encounters=self._joined(self.encounters),
            on_claim=pd.concat(self.on_claim),
        )
        lines, place = _by_plan(self.lines)
        encounters, _ = _by_plan(self.listed)
        uncharged = np.empty(len(lines), bool)
        uncharged[place] = np.concatenate(self.uncharged)
        place = np.append(place, np.int32(-1))
        for part in slices(len(self.line_of_row)):  # in its place: there is one for each row
            self.line_of_row[part] = place[self.line_of_row[part]]
        return decisions, Claims(lines, encounters, self.line_of_row, uncharged)

    def _joined(self, kept: dict[Key, list[Billed]]) -> list[Billed]:
        """What each service bills in all shares, in the order of services."""
        return [_one(*self.named[key], kept.pop(key)) for key in self.named if key in kept]


def _key(told: Billed | Short) -> Key:
    return told.plan.name, told.service.file


def _moved(billed: Billed, mine: Ints) -> Billed:
    """The same at rows of the whole log."""
    groups, earned = billed.groups, billed.earned
    numbers = {f.name: getattr(groups, f.name).astype(np.int32) for f in fields(groups)}
    numbers["rows"] = mine[groups.rows]
    units = {n: each.astype(np.int32) for n, each in earned.units.items()}
    return replace(
        billed,
        groups=Groups(**numbers),
        earned=Earned(earned.head.astype(np.int32), units),
        day=billed.day.astype(np.int32),
    )


def _stake(stake: Stake, mine: Ints) -> Stake:
    return replace(stake, rows=mine[stake.rows], units=stake.units.astype(np.int32))


def _one(plan: Plan, service: Service, parts: list[Billed]) -> Billed:
    """The groups of one service, share after share."""
    groups = [each.groups for each in parts]
    sizes = [len(each.starts) for each in groups]
    before = np.cumsum([0, *sizes], dtype=np.int32)
    begun = np.cumsum([0, *(len(each.rows) for each in groups)], dtype=np.int32)
    earned = [each.earned for each in parts]
    return Billed(
        plan,
        service,
        Groups(
            np.concatenate([each.rows for each in groups]),
            np.concatenate([each.of + n for each, n in zip(groups, before, strict=False)]),
            np.concatenate([each.starts + n for each, n in zip(groups, begun, strict=False)]),
            *(
                np.concatenate([getattr(each, name) for each in groups])
                for name in ("seconds", "minutes", "clock")
            ),
        ),
        Earned(
            np.concatenate([each.head for each in earned]),
            {n: np.concatenate([each.units[n] for each in earned]) for n in earned[0].units},
        ),
        np.concatenate([each.day for each in parts]),
        _said([each.notes for each in parts], sizes),
        _said([each.standings for each in parts], sizes),
    )


def _said(parts: Sequence[list[tuple[str, Mask]]], sizes: Sequence[int]) -> list[tuple[str, Mask]]:
    """What is said of some groups of each share, of all groups."""
    texts = dict.fromkeys(text for part in parts for text, _ in part)
    none = [np.zeros(size, bool) for size in sizes]
    return [
        (text, np.concatenate([dict(p).get(text, n) for p, n in zip(parts, none, strict=True)]))
        for text in texts
    ]


def _by_plan(parts: list[pd.DataFrame]) -> tuple[pd.DataFrame, Ints]:
    """The lines of all parts by plan, and the place of each line in that order.

    The parts are taken apart, so that there is never all of them twice.
    """
    parts = [part for part in parts if len(part)] or parts[:1]
    order = np.argsort(_column("plan", [part["plan"] for part in parts]).codes, kind="stable")
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order))
    table = {name: _column(name, [p.pop(name) for p in parts]).take(order) for name in [*parts[0]]}
    return pd.DataFrame(table, copy=False), place


def _column(name: str, parts: Sequence[pd.Series[Any]]) -> Any:
    """One column, one part below the other. Its words are in their order, for a table is grouped in
    that; but not those of patients and claims, of which no two shares have the same."""
    texts = [part.array for part in parts]
    if not all(isinstance(each, pd.Categorical) for each in texts):
        return np.concatenate([part.to_numpy() for part in parts])
    words = [each.categories for each in texts]
    ends = np.cumsum([len(each) for each in words])
    known = words[0].append(words[1:])
    if name in ("patient_id", "claim_id"):
        number = np.arange(ends[-1])
    else:
        number, known = pd.factorize(known, sort=True)
    codes = [
        np.append(mine, -1)[each.codes]
        for each, mine in zip(texts, np.split(number.astype(np.int32), ends[:-1]), strict=True)
    ]
    return categorical(np.concatenate(codes), known)
