"""Every row and second that was read is counted, left out or held: the sums, asserted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ccbill.report.tables import BALANCE
from ccbill.rules.decisions import Decisions
from ccbill.rules.facts import Facts
from ccbill.slices import slices
from ccbill.tables import UNKNOWN, Ints, Outcome, known_span, month_text, named


def balance(facts: Facts, decisions: Decisions) -> pd.DataFrame:
    """Rows and seconds by plan, month and outcome, with the columns of BALANCE.

    Asserts that no row and no second is lost or counted twice.
    """
    count = len(facts.activities)
    days = known_span(facts.numbers("service_date"))
    first, last = (int(day) for day in np.array(days).astype("M8[D]").astype("M8[M]").astype(int))
    shape = (last - first + 2, len(decisions.plans) + 1, len(Outcome))
    rows, seconds = (np.zeros(int(np.prod(shape)), np.int64) for _ in range(2))
    outcome_of = np.array([answer.outcome for answer in decisions.book], np.int8)
    read = 0
    for part in slices(count):
        month = np.maximum(facts.months(part).astype(np.int64) - first + 1, 0)  # 0: no date
        cell = month * shape[1] + decisions.plan[part] + 1
        cell = cell * shape[2] + outcome_of[decisions.answer[part]]
        length = facts.numbers("seconds")[part].astype(np.int64)
        length[length == UNKNOWN] = 0
        read += int(length.sum())
        rows += np.bincount(cell, minlength=len(rows))
        seconds += np.bincount(cell, length, len(rows)).astype(np.int64)  # exact below 2**53
    by_cell = rows.reshape(-1, len(Outcome)), seconds.reshape(-1, len(Outcome))
    assert rows.sum() == count, "rows were lost"
    assert seconds.sum() == read, "seconds were lost"
    return _table(*by_cell, decisions, first, shape[1])


def _table(rows: Ints, seconds: Ints, decisions: Decisions, first: int, plans: int) -> pd.DataFrame:
    """Sums by outcome as BALANCE: those of each month from `first` on, and before them of rows
    without one, by plan."""
    found = np.flatnonzero(rows.any(axis=1))
    month, plan = found // plans - 1 + first, found % plans - 1
    table = pd.DataFrame(index=range(len(found)))
    for what, sums in (("rows", rows[found]), ("seconds", seconds[found])):
        table[f"{what}_read"] = sums.sum(axis=1)
        for outcome in Outcome:
            table[f"{what}_{outcome.word.replace('-', '_')}"] = sums[:, outcome]
    days = month.astype("M8[M]").astype("M8[D]").astype(np.int64)
    table["plan"] = named([*(p.name for p in decisions.plans), None], plan)
    table["month"] = month_text(np.where(found < plans, UNKNOWN, days))
    order = table[["plan", "month"]].astype(object).fillna("").sort_values(["plan", "month"]).index
    return table.loc[order, list(BALANCE)].reset_index(drop=True)
