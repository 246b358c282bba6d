"""The figures of a run as its screen and its report show them: by plan, and what is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ccbill.tables import UNKNOWN

if TYPE_CHECKING:
    from ccbill.report.tables import Report


def balance_sentence(balance: pd.DataFrame) -> str:
    """`12,408 rows read = 11,020 counted + 1,354 left out + 34 held`."""
    read, counted, left_out, held = (
        int(balance[f"rows_{part}"].sum()) for part in ("read", "counted", "left_out", "held")
    )
    return f"{read:,} rows read = {counted:,} counted + {left_out:,} left out + {held:,} held"


def plan_figures(report: Report) -> pd.DataFrame:
    """Per plan, blank where a row has none: the figures of the plan table, money in cents.

    Money is missing where no line of the plan has a price.
    """
    lines = (report.claims, report.encounters)
    known = [table[["plan", "patient_id"]].drop_duplicates() for table in lines]
    billed = pd.concat(known).drop_duplicates() if all(map(len, known)) else max(known, key=len)
    money = {name: _known(report.summary[name]) for name in ("charge", "expected_payment")}
    columns = {
        "patients": _by_plan(billed["plan"], 1),
        "lines": _by_plan(report.summary["plan"], report.summary["lines"]),
        "units": _by_plan(report.summary["plan"], report.summary["units"]),
        "charge": _by_plan(report.summary["plan"], money["charge"]),
        "expected": _by_plan(report.summary["plan"], money["expected_payment"]),
        "held": _by_plan(report.balance["plan"], report.balance["rows_held"]),
        "short": _by_plan(report.near_misses["plan"], 1),
    }
    table = pd.DataFrame(columns).fillna(0).astype("int64").sort_index()
    for name, source in (("charge", "charge"), ("expected", "expected_payment")):
        priced = report.summary[report.summary[source] != UNKNOWN]
        table[name] = table[name].where(table.index.isin(words(priced["plan"])))
    return table


def _by_plan(plans: pd.Series[str], numbers: pd.Series[int] | int) -> pd.Series[int]:
    text = pd.Categorical(plans)
    total, has = np.zeros(len(text.categories) + 1, np.int64), text.codes + 1
    np.add.at(total, has, numbers)
    found = np.bincount(has, minlength=len(total)) > 0
    return pd.Series(total[found], index=np.array(["", *text.categories], object)[found])


def words(texts: pd.Series[str]) -> pd.Series[str]:
    """A text column with an empty word in place of a blank."""
    return texts.astype("object").where(texts.notna(), "").astype(str)


def _known(cents: pd.Series[int]) -> pd.Series[int]:
    """Amounts with nothing in place of those that nobody knows."""
    return cents.where(cents != UNKNOWN, 0).astype("int64")


def held_problems(exceptions: pd.DataFrame) -> pd.DataFrame:
    """The problems that hold rows, the most money first: source rows, and cents at stake.

    The cents are missing where no row of the problem has a price.
    """
    holds = exceptions[(exceptions["severity"] == "hold").to_numpy(bool)]
    held = holds[["problem", "rows", "amount"]].assign(
        rows=_known(holds["rows"]),
        amount=holds["amount"].where(holds["amount"] != UNKNOWN),
    )
    by_problem = held.groupby("problem", observed=True).sum(min_count=1).reset_index()
    by_problem["problem"] = words(by_problem["problem"])
    return by_problem.sort_values(["amount", "rows", "problem"], ascending=[False, False, True])


def money_text(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02}"
