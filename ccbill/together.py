"""What was decided of the shares of a log → what is decided of the whole log, and its lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd

from ccbill.claims import Claims
from ccbill.rules.decisions import Billed, Decisions, Short
from ccbill.rules.earn import Earned, Groups
from ccbill.rules.model import Plan, Service
from ccbill.rules.screen import Answer
from ccbill.tables import Ints, Mask, categorical

Decided = tuple[Decisions, Claims]
Services = dict[tuple[str, str], tuple[Plan, Service]]  # by the plan's name and the service's file


def small(decisions: Decisions, lines: Claims) -> Decided:
    """The same with text as its distinct values, groups in half the bytes, and no plan of rows,
    which the whole log has."""
    billed, encounters = (
        pd.DataFrame({name: _column([table[name]]) for name in table})
        for table in (lines.lines, lines.encounters)
    )
    line_of_row = lines.line_of_row.astype(np.int32)
    decisions = replace(
        decisions,
        plan=np.zeros(0, np.int16),
        billed=[_half(each) for each in decisions.billed],
        encounters=[_half(each) for each in decisions.encounters],
    )
    return decisions, Claims(billed, encounters, line_of_row, lines.uncharged)


def _half(billed: Billed) -> Billed:
    groups, earned = billed.groups, billed.earned
    numbers = [getattr(groups, each.name).astype(np.int32) for each in fields(groups)]
    units = {n: each.astype(np.int32) for n, each in earned.units.items()}
    return replace(
        billed,
        groups=Groups(*numbers),
        earned=Earned(earned.head.astype(np.int32), units),
        day=billed.day.astype(np.int32),
    )


def together(
    plan_of_row: Ints, plans: Sequence[Plan], rows: Sequence[Ints], parts: Sequence[Decided]
) -> Decided:
    """The decisions and lines of all shares, numbered as the whole log is.

    The tables of the parts are taken apart, so that there is never all of them twice.
    """
    read = len(plan_of_row)
    claim_lines = _lines_together(read, rows, [lines for _, lines in parts])
    services = [(plan, service) for plan in plans for service in plan.services]
    number: dict[Answer, int] = {}
    answer, service = np.zeros(read, np.int16), np.full(read, -1, np.int16)
    shares = [(mine, each) for mine, (each, _) in zip(rows, parts, strict=True)]
    for mine, each in shares:
        numbers = [number.setdefault(said, len(number)) for said in each.book]
        answer[mine] = np.array(numbers, np.int16)[each.answer]
        service[mine] = each.service
    named = {(plan.name, service.file): (plan, service) for plan, service in services}
    decisions = Decisions(
        plans=plans,
        services=services,
        plan=plan_of_row,
        service=service,
        answer=answer,
        book=[*number],
        billed=_billed([(m, b) for m, each in shares for b in each.billed], named),
        encounters=_billed([(m, b) for m, each in shares for b in each.encounters], named),
        short=[_moved(s, mine, named) for mine, each in shares for s in each.short],
        stakes=[replace(s, rows=mine[s.rows]) for mine, each in shares for s in each.stakes],
        on_claim=pd.concat([each.on_claim.set_axis(m[each.on_claim.index]) for m, each in shares]),
    )
    return decisions, claim_lines


def _moved(short: Short, rows: Ints, named: Services) -> Short:
    plan, service = named[short.plan.name, short.service.file]
    return replace(short, plan=plan, service=service, standing=rows[short.standing])


def _billed(parts: Sequence[tuple[Ints, Billed]], named: Services) -> list[Billed]:
    """What each service bills in all shares, in the order of services."""
    of: dict[tuple[str, str], list[tuple[Ints, Billed]]] = {key: [] for key in named}
    for rows, each in parts:
        of[each.plan.name, each.service.file].append((rows, each))
    return [_one(*named[key], theirs) for key, theirs in of.items() if theirs]


def _one(plan: Plan, service: Service, parts: Sequence[tuple[Ints, Billed]]) -> Billed:
    """The groups of one service, share after share."""
    billed = [each for _, each in parts]
    groups = [each.groups for each in billed]
    sizes = [len(each.starts) for each in groups]
    before = np.cumsum([0, *sizes])
    begun = np.cumsum([0, *(len(each.rows) for each in groups)])
    earned = [each.earned for each in billed]
    return Billed(
        plan,
        service,
        Groups(
            np.concatenate([mine[each.groups.rows] for mine, each in parts]),
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
        np.concatenate([each.day for each in billed]),
        _said([each.notes for each in billed], sizes),
        _said([each.standings for each in billed], sizes),
    )


def _said(parts: Sequence[list[tuple[str, Mask]]], sizes: Sequence[int]) -> list[tuple[str, Mask]]:
    """What is said of some groups of each share, of all groups."""
    texts = dict.fromkeys(text for part in parts for text, _ in part)
    none = [np.zeros(size, bool) for size in sizes]
    return [
        (text, np.concatenate([dict(p).get(text, n) for p, n in zip(parts, none, strict=True)]))
        for text in texts
    ]


def _lines_together(read: int, rows: Sequence[Ints], parts: Sequence[Claims]) -> Claims:
    """The lines of all shares in the order of the contract: by plan, then share after share."""
    sizes = [len(part.lines) for part in parts]
    lines, place = _by_plan([part.lines for part in parts])
    encounters, _ = _by_plan([part.encounters for part in parts])
    line_of_row: Ints = np.full(read, -1, np.int32)
    before = 0
    for mine, part, size in zip(rows, parts, sizes, strict=True):
        own = place[before : before + size]
        line_of_row[mine] = np.append(own, -1)[part.line_of_row]
        before += size
    uncharged = np.empty(len(lines), bool)
    uncharged[place] = np.concatenate([part.uncharged for part in parts])
    return Claims(lines, encounters, line_of_row, uncharged)


def _by_plan(parts: Sequence[pd.DataFrame]) -> tuple[pd.DataFrame, Ints]:
    """The lines of all parts by plan, and the place of each line in that order."""
    order = np.argsort(_column([part["plan"] for part in parts]).codes, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    table = {name: _column([p.pop(name) for p in parts]).take(order) for name in [*parts[0]]}
    return pd.DataFrame(table, copy=False), place


def _column(parts: Sequence[pd.Series[Any]]) -> Any:
    if all(part.dtype.kind in "biuf" for part in parts):
        return np.concatenate([part.to_numpy() for part in parts])
    texts = [pd.Categorical(part) for part in parts]
    words = [pd.Index(each.categories, dtype=str) for each in texts]
    number, known = pd.factorize(words[0].append(words[1:]), sort=True)
    ends = np.cumsum([len(each) for each in words])
    codes = [
        np.append(mine, -1)[each.codes]
        for each, mine in zip(texts, np.split(number, ends[:-1]), strict=True)
    ]
    return categorical(np.concatenate(codes), known)
