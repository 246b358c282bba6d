"""Every row and second that was read is counted, left out or held: the sums, asserted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ccbill.report.tables import BALANCE
from ccbill.rules.decisions import Decisions
from ccbill.rules.facts import Facts
from ccbill.tables import UNKNOWN, Ints, Outcome, month_text, named

PLANS = 1024  # more than there can be: a plan's number and a month pack into one


def balance(facts: Facts, decisions: Decisions) -> pd.DataFrame:
    """Rows and seconds by plan, month and outcome, with the columns of BALANCE.

    Asserts that no row and no second is lost or counted twice.
    """
    rows = np.arange(len(facts.activities))
    seconds = facts.numbers("seconds").astype(np.int64)
    seconds = np.where(seconds == UNKNOWN, 0, seconds)
    dated = facts.numbers("service_date") != UNKNOWN
    month = np.where(dated, facts.months(), UNKNOWN)
    number, cells = pd.factorize(month.astype(np.int64) * PLANS + decisions.plan + 1)
    table = pd.DataFrame(index=range(len(cells)))
    for what, weight in (("rows", np.ones(len(rows), np.int64)), ("seconds", seconds)):
        table[f"{what}_read"] = _sums(number, weight, len(cells))
        for outcome in Outcome:
            name = f"{what}_{outcome.word.replace('-', '_')}"
            table[name] = _sums(number, weight * (decisions.outcome == outcome), len(cells))
        parts = table[[f"{what}_counted", f"{what}_left_out", f"{what}_held"]].sum(axis=1)
        assert (parts == table[f"{what}_read"]).all(), f"{what} do not balance"
        assert table[f"{what}_read"].sum() == weight.sum(), f"{what} were lost"
    plan, month = cells % PLANS - 1, cells // PLANS
    table["plan"] = named([*(p.name for p in decisions.plans), None], plan)
    first_days = np.where(month == UNKNOWN, 0, month).astype("M8[M]").astype("M8[D]")
    table["month"] = month_text(np.where(month == UNKNOWN, UNKNOWN, first_days.astype(np.int64)))
    order = table[["plan", "month"]].astype(object).fillna("").sort_values(["plan", "month"]).index
    return table.loc[order, list(BALANCE)].reset_index(drop=True)


def _sums(number: Any, weight: Ints, size: int) -> Ints:
    """Whole sums of weights by number; exact, since every partial sum is below 2**53."""
    return np.bincount(number, weight, size).astype(np.int64)
