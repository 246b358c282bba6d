"""What the exceptions report may say of activities, as columns of text with few distinct words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccbill.rules.decisions import Decisions
from ccbill.rules.facts import Facts
from ccbill.tables import UNKNOWN, Ints, Mask, blank_text, month_text, named

PLACED = ("payer", "practice", "patient", "staff", "file", "row", "activity_id")


def placed(facts: Facts, decisions: Decisions, rows: Ints) -> pd.DataFrame:
    """Where these activities stand, whose they are and when."""
    columns = {name: facts.activities[name].array.take(rows) for name in PLACED}
    days = facts.numbers("service_date")[rows]
    plan = named([*(p.name for p in decisions.plans), None], decisions.plan[rows])
    columns |= {"plan": plan, "service_date": days, "month": month_text(days)}
    return pd.DataFrame(columns, copy=False)


def described(facts: Facts, decisions: Decisions, rows: Ints) -> pd.DataFrame:
    """What the exceptions report may say of these activities."""
    table = placed(facts, decisions, rows)
    for name in ("kind", "mode", "credential"):
        table[name] = facts.activities[name].array.take(rows)
    table["answer"] = decisions.answer[rows]
    for name, texts in (
        ("why", [a.why for a in decisions.book]),
        ("rule", [a.rule.removesuffix(".toml") for a in decisions.book]),
        ("cite", [a.cite for a in decisions.book]),
    ):
        table[name] = named(texts, decisions.answer[rows])
    table["claim"] = (
        pd.Categorical(decisions.on_claim.reindex(rows))
        if len(decisions.on_claim)
        else blank_text(len(rows))
    )
    table["row_number"] = rows
    limits = np.array([*(p.filing_limit_days or UNKNOWN for p in decisions.plans), UNKNOWN])
    limit = limits[decisions.plan[rows]]
    known = (table["service_date"] != UNKNOWN) & (limit != UNKNOWN)
    table["file_by"] = np.where(known, table["service_date"] + limit, UNKNOWN)
    return table


def unlike(column: pd.Series[Any], others: Ints) -> Mask:
    """Which cells are not as the cells in these places are."""
    if isinstance(column.array, pd.Categorical):
        numbers = column.array.codes
        return numbers != numbers[others]
    if column.dtype.kind in "iu":
        return (column != column.array[others]).to_numpy(bool)
    cells = pc.fill_null(pa.array(column, from_pandas=True), "")
    return pc.not_equal(cells, cells.take(pa.array(others))).to_numpy(zero_copy_only=False)


def blanked(column: Any, mask: Mask) -> Any:
    """The column, blank or UNKNOWN where so marked."""
    if isinstance(column, pd.Categorical):
        codes = np.where(mask, np.int8(-1), column.codes)
        return pd.Categorical.from_codes(codes, dtype=column.dtype)
    if column.dtype.kind in "iu":
        return np.where(mask, UNKNOWN, column)
    return pd.Series(column).mask(mask, None).array
