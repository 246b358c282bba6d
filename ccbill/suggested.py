"""What rows with unknown words would bring, if each word meant what ccbill suggests for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ccbill import new_words
from ccbill.new_words import COLUMNS
from ccbill.rules.assign import assign
from ccbill.rules.decisions import Decisions, Stake
from ccbill.rules.facts import Facts
from ccbill.rules.model import Plan
from ccbill.rules.payers import plan_of_rows
from ccbill.rules.prior import History
from ccbill.tables import Ints, Mask


def stakes(
    facts: Facts, decisions: Decisions, payers: Mapping[str, str], history: History | None
) -> list[Stake]:
    """What those rows would add to their patients' months, each with the line of ccbill.toml that
    the exceptions print for it. Of a word that nothing is suggested for, nothing can be said.
    """
    waiting = _held_for_a_word(facts, decisions)
    if not waiting.any():
        return []
    patient = facts.codes("patient")
    rows = np.flatnonzero(np.isin(patient, np.unique(patient[waiting])))
    wait = waiting[rows]
    activities = facts.activities.iloc[rows].reset_index(drop=True)
    for column in COLUMNS:
        strange = wait & (decisions.plan[rows] < 0) if column == "payer" else wait
        activities[column] = _suggested(activities[column], column, decisions.plans, strange)
    problem = activities["problem"].cat.codes.to_numpy().copy()
    problem[wait] = -1
    activities["problem"] = pd.Categorical.from_codes(
        problem, categories=activities["problem"].cat.categories
    )
    would = Facts(activities, facts.patients, facts.given)
    plan, _ = plan_of_rows(would, decisions.plans, payers)
    found = assign(would, decisions.plans, plan, history, waiting=wait)
    return [_at(stake, rows, wait) for stake in found.stakes]


def _held_for_a_word(facts: Facts, decisions: Decisions) -> Mask:
    problems = [f"{column}-not-known" for column in COLUMNS]
    held = np.array([answer.problem in problems for answer in decisions.book])
    waiting: Mask = held[decisions.answer] & (facts.codes("patient") >= 0)
    return waiting


def _suggested(cells: pd.Series, column: str, plans: Sequence[Plan], rows: Mask) -> pd.Series:
    """The column with what is suggested for the unknown words of some rows."""
    known = set() if column == "payer" else {*new_words.known(column)}
    words = cells[rows].dropna().unique()
    strange = [word for word in words if not {*word.split(", ")} <= known]
    meant = {word: new_words.near(column, word, plans) or word for word in strange}
    said = cells.astype(object)
    return said.where(~rows, said.replace(meant)).astype("category") if meant else cells


def _at(stake: Stake, rows: Ints, waiting: Mask) -> Stake:
    """The stake at the rows that wait, numbered as the whole log has them."""
    kept = np.append(waiting, False)[np.minimum(stake.rows, len(waiting))]
    return replace(stake, rows=rows[stake.rows[kept]], units=stake.units[kept])
