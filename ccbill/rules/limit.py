"""Limits: which of the candidates that one key allows are billed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccbill.rules.earn import Earned, Groups
from ccbill.rules.facts import Facts, in_order, packed
from ccbill.rules.model import Limit, Service
from ccbill.rules.prior import Before
from ccbill.tables import Ints, Mask


@dataclass(frozen=True, slots=True)
class Standing:
    """Lines of one code that are billed: an activity of each, and the day each line is dated."""

    code: str
    rows: Ints
    day: Ints


@dataclass(frozen=True, slots=True)
class Cut:
    """Which candidates a limit takes away, and which of the others it holds besides."""

    over: Mask
    held: Mask


def cut(
    facts: Facts,
    service: Service,
    limit: Limit,
    groups: Groups,
    earned: Earned,
    billed: Sequence[Standing],
    prior: Before,
) -> Cut:
    """What the limit does to the candidates.

    `billed` is what the plan's other services have billed; the units of this service that were
    submitted in earlier runs (`prior`) keep their place whatever their date.
    """
    before = prior.rows
    rows = groups.first
    nothing = np.zeros(len(rows), bool)
    if not len(rows):
        return Cut(nothing, nothing)
    if limit.not_with:
        return Cut(beside(facts, rows, limit.not_with, limit.within, billed), nothing)
    assert limit.at_most is not None
    both = packed(facts, np.concatenate([rows, before]), limit.within)
    key, key_before = both[: len(rows)], both[len(rows) :]
    if limit.days is not None:
        return _rolling(facts, limit, rows, before, both)
    order = in_order(facts, rows, key)
    if limit.keep == "longest":
        order = order[np.lexsort((-groups.seconds[order], key[order]))]
    if limit.prefer:
        place = _places(service, limit, earned)
        place[_as_submitted(facts, service, limit, rows, earned, prior)] = -1
        latest = np.empty(len(rows), np.int64)
        latest[order] = -np.arange(len(rows))
        order = np.lexsort((latest, place, key))
    rank = _ranks(key[order]) + _counts(key_before, key[order])
    over = np.zeros(len(rows), bool)
    over[order] = rank >= limit.at_most
    return Cut(over, nothing)


def _counts(among: Ints, keys: Ints) -> Ints:
    """How often each key stands among others."""
    ordered = np.sort(among)
    return np.searchsorted(ordered, keys, "right") - np.searchsorted(ordered, keys, "left")


def _ranks(key: Ints) -> Ints:
    """0, 1, 2 … within each run of one key."""
    fresh = np.ones(len(key), bool)
    fresh[1:] = key[1:] != key[:-1]
    starts = np.flatnonzero(fresh)
    return np.arange(len(key)) - starts[np.cumsum(fresh) - 1]


def _places(service: Service, limit: Limit, earned: Earned) -> Ints:
    """Where each candidate's bill stands in the order of preference, the unlisted last."""
    labels = [service.label(n) for n in range(len(service.bills))]
    listed = {label: n for n, label in enumerate(limit.prefer)}
    return np.array([listed.get(label, len(listed)) for label in labels])[earned.head]


def _as_submitted(
    facts: Facts, service: Service, limit: Limit, rows: Ints, earned: Earned, prior: Before
) -> Mask:
    """Which candidates are of the sort that was submitted for their key."""
    if not len(prior.own):
        return np.zeros(len(rows), bool)
    labels = [" ".join([bill.code, " ".join(sorted(bill.modifiers))]) for bill in service.bills]
    sort = {label: n for n, label in enumerate(dict.fromkeys(labels))}
    of_bill = np.array([sort[label] for label in labels])
    of_own = pd.Index([*sort]).get_indexer(pd.Index(prior.labels))
    both = packed(facts, np.concatenate([rows, prior.own]), limit.within)
    which = np.concatenate([of_bill[earned.head], of_own])
    key = both * (len(sort) + 1) + which + 1
    known = key[len(rows) :][which[len(rows) :] >= 0]
    return np.isin(key[: len(rows)], known)


def _rolling(facts: Facts, limit: Limit, rows: Ints, before: Ints, key: Ints) -> Cut:
    """At most so many within any span of days that ends on an attempt's day.

    Works through everyone's first attempt, then everyone's second, and so on. Units submitted
    before stand among the attempts on their days, and count against the lifetime from the start.
    """
    assert limit.at_most is not None
    assert limit.days is not None
    attempts = np.concatenate([rows, before])
    settled = np.arange(len(attempts)) >= len(rows)
    order = in_order(facts, attempts, key)
    rank = _ranks(key[order])
    day = facts.numbers("service_date")[attempts].astype(np.int64)
    _, who = np.unique(key, return_inverse=True)
    long_ago = np.int64(-(2**40))
    recent = np.full((int(who.max()) + 1, limit.at_most), long_ago)  # the last days that count
    billed = np.bincount(who[settled], minlength=len(recent))
    lifetime = limit.lifetime or np.iinfo(np.int64).max
    over = np.zeros(len(attempts), bool)
    held = np.zeros(len(attempts), bool)
    by_rank = order[np.argsort(rank, kind="stable")]
    ends = np.cumsum(np.bincount(rank))
    for first, last in zip(np.append(0, ends[:-1]), ends, strict=True):
        now = by_rank[first:last]
        person, fixed = who[now], settled[now]
        over[now] = ~fixed & (recent[person, 0] > day[now] - limit.days)
        held[now] = ~fixed & ~over[now] & (billed[person] >= lifetime)
        bills = ~over[now] & ~held[now]
        billed[person] += bills & ~fixed
        counts = np.ones(len(now), bool) if limit.counts == "all" else bills
        recent[person[counts], :-1] = recent[person[counts], 1:]
        recent[person[counts], -1] = day[now][counts]
    return Cut(over[: len(rows)], held[: len(rows)])


def beside(
    facts: Facts,
    rows: Ints,
    codes: Sequence[str],
    within: Sequence[str],
    billed: Sequence[Standing],
    days: Ints | None = None,
) -> Mask:
    """Whether one of the codes is billed within the key of each of these activities.

    `days` stand in for the activities' own where their lines are dated otherwise.
    """
    others = [standing for standing in billed if standing.code in codes]
    if not others:
        return np.zeros(len(rows), bool)
    theirs = np.concatenate([standing.rows for standing in others])
    own = facts.numbers("service_date")[rows] if days is None else days
    dated = np.concatenate([own, *(s.day for s in others)])
    key = packed(facts, np.concatenate([rows, theirs]), within, dated)
    return np.isin(key[: len(rows)], key[len(rows) :])
