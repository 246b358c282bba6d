"""Limits: which of the candidates that one key allows are billed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ccbill.rules.earn import Groups
from ccbill.rules.facts import Facts, in_order, packed
from ccbill.rules.model import Limit
from ccbill.tables import Ints, Mask


def over(facts: Facts, limit: Limit, groups: Groups, billed: Sequence[tuple[str, Ints]]) -> Mask:
    """Which groups the limit takes away.

    `billed` has the codes billed by other services, each with the activities that stand for them.
    """
    rows = groups.first
    if limit.not_with:
        return beside(facts, rows, limit.not_with, limit.within, billed)
    assert limit.at_most is not None
    key = packed(facts, rows, limit.within)
    order = in_order(facts, rows, key)
    if limit.keep == "longest":
        order = order[np.lexsort((-groups.seconds[order], key[order]))]
    fresh = np.ones(len(rows), bool)
    fresh[1:] = key[order][1:] != key[order][:-1]
    starts = np.flatnonzero(fresh)
    rank = np.arange(len(rows)) - starts[np.cumsum(fresh) - 1] if len(rows) else order
    taken = np.zeros(len(rows), bool)
    taken[order] = rank >= limit.at_most
    return taken


def beside(
    facts: Facts,
    rows: Ints,
    codes: Sequence[str],
    within: Sequence[str],
    billed: Sequence[tuple[str, Ints]],
) -> Mask:
    """Whether one of the codes is billed within the key of each of these activities."""
    others = [standing for code, standing in billed if code in codes]
    if not others:
        return np.zeros(len(rows), bool)
    theirs = np.concatenate(others)
    key = packed(facts, np.concatenate([rows, theirs]), within)
    return np.isin(key[: len(rows)], key[len(rows) :])
