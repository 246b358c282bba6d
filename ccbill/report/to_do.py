"""What is to be done, by problem: the page that a work list begins with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ccbill.problems import PROBLEMS
from ccbill.report.tables import TO_DO
from ccbill.tables import UNKNOWN

ENDED = ("done", "won't fix")


def to_do(exceptions: pd.DataFrame) -> pd.DataFrame:
    """TO_DO of these exceptions (EXCEPTIONS): holds before notes, the most money first."""
    months = exceptions["month"].astype(object) + "-01"
    starts = pd.to_datetime(months, format="%Y-%m-%d", errors="coerce").to_numpy()
    starts = np.where(np.isnat(starts), UNKNOWN, starts.astype("M8[D]").astype(np.int64))
    day = exceptions["service_date"].to_numpy(np.int64)
    table = pd.DataFrame(
        {
            "severity": exceptions["severity"].astype(object),
            "problem": exceptions["problem"].astype(object),
            "to_do": ~exceptions["status"].isin(ENDED),
            "rows": exceptions["rows"].astype(np.int64),
            "amount": _known(exceptions["amount"]),
            "oldest": _known(pd.Series(np.where(day == UNKNOWN, starts, day), exceptions.index)),
            "file_by": _known(exceptions["file_by"]),
            "fix": exceptions["fix"].astype(object),
        }
    )
    by = table.groupby(["severity", "problem"], sort=True)
    found = by.agg(
        exceptions=("rows", "size"),
        to_do=("to_do", "sum"),
        rows=("rows", "sum"),
        amount=("amount", lambda cents: cents.sum(min_count=1)),
        oldest=("oldest", "min"),
        file_by=("file_by", "min"),
        fix=("fix", "first"),
    ).reset_index()
    says = found["problem"].map({name: each.fix for name, each in PROBLEMS.items()})
    found["fix"] = says.fillna(found["fix"])
    for name in ("exceptions", "to_do", "rows", "amount", "oldest", "file_by"):
        found[name] = found[name].fillna(UNKNOWN).astype(np.int64)
    found = found.sort_values(["amount", "rows"], ascending=False, kind="stable")
    return found.sort_values("severity", kind="stable", ignore_index=True)[list(TO_DO)]


def _known(numbers: pd.Series[Any]) -> pd.Series[float]:
    """The numbers with nothing in place of those that nobody knows."""
    return numbers.where(numbers != UNKNOWN).astype(float)
