"""What was billed before, standing beside what was read so that limits look back.

Each unit of a submitted line stands as an activity of its own after those of the export: it takes
part in limits and in what is first, and in nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ccbill.rules.facts import Facts
from ccbill.rules.model import OneOf, Plan, Service
from ccbill.tables import DAY, KEYS, ROW_FIELDS, TEXT, Ints, blank_text, categorical, unknowns

# The columns of a table of submitted lines; `rule` is `<plan>/<service>.<date>`.
LINES = {
    "patient_id": TEXT,
    "practice": TEXT,
    "rendering_npi": TEXT,
    "service_from": DAY,
    "code": TEXT,
    "units": "number",
    "rule": TEXT,
}


@dataclass(frozen=True, slots=True)
class History:
    """What earlier runs submitted: their `lines` (see LINES) of cases that this run does not speak
    for, and the day of each staff member's first counted entry by plan and staff id."""

    lines: pd.DataFrame
    first_counted: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Prior:
    """Units billed before: their places among the facts, and the service and code of each."""

    rows: Ints
    service: Any  # `<plan>/<service>`
    code: Any
    first_counted: Mapping[tuple[str, str], int]

    def of(self, plan: Plan, service: Service) -> Ints:
        """The units of one service, whichever edition billed them."""
        return self.rows[self.service == f"{plan.name}/{service.name}"]

    def of_plan(self, plan: Plan) -> Ints:
        """The units of one plan."""
        mine = [service.startswith(f"{plan.name}/") for service in self.service]
        return self.rows[np.array(mine, bool)]

    def lines(self, plan: Plan) -> list[tuple[str, Ints]]:
        """The codes of one plan, each with its units."""
        mine = self.of_plan(plan)
        codes = self.code[np.isin(self.rows, mine)]
        return [(code, mine[codes == code]) for code in sorted(set(codes))]


def with_prior(facts: Facts, history: History | None, plans: Sequence[Plan]) -> tuple[Facts, Prior]:
    """The facts with the submitted lines of their patients after them."""
    nothing = np.empty(0, object)
    none = Prior(np.empty(0, np.int64), nothing, nothing, history.first_counted if history else {})
    if history is None or not len(history.lines):
        return facts, none
    lines = history.lines
    patients = pd.Index(facts.categories("patient"))
    patient = patients.get_indexer(pd.Index(lines["patient_id"].astype(str)))
    kept = np.repeat(np.flatnonzero(patient >= 0), lines["units"].to_numpy(np.int64)[patient >= 0])
    if not len(kept):
        return facts, none
    lines, patient = lines.iloc[kept].reset_index(drop=True), patient[kept]
    services = lines["rule"].astype(str).str.rpartition(".")[0].to_numpy(object)
    told = {
        "practice": lines["practice"],
        "rendering_npi": lines["rendering_npi"],
        "kind": pd.Series(services).map(_kinds(plans)),
    }
    columns: dict[str, Any] = {}
    for name, kind in (KEYS | ROW_FIELDS).items():
        columns[name] = _longer(facts, name, kind, len(lines), told.get(name))
    read = len(facts.activities)
    columns["patient"] = categorical(
        np.append(facts.codes("patient"), patient), facts.categories("patient")
    )
    columns["service_date"][read:] = lines["service_from"]
    longer = Facts(pd.DataFrame(columns, copy=False), facts.patients, facts.given)
    rows = np.arange(read, read + len(lines))
    codes = lines["code"].astype(str).to_numpy(object)
    return longer, Prior(rows, services, codes, history.first_counted)


def _kinds(plans: Sequence[Plan]) -> dict[str, str]:
    """The kind of work that each service takes, where it takes one."""
    found = {}
    for plan in plans:
        for service in plan.services:
            kind = service.takes[0].get("kind")
            if isinstance(kind, OneOf) and len(kind.values) == 1:
                found[f"{plan.name}/{service.name}"] = kind.values[0]
    return found


def _longer(facts: Facts, name: str, kind: str, more: int, told: Any) -> Any:
    """A column with the values of the submitted lines, or blanks, after its own."""
    column = facts.activities[name]
    if told is not None:
        theirs = pd.Categorical(told.astype(object))
        known = facts.categories(name)
        new = [str(c) for c in theirs.categories if c not in known]
        codes = pd.Index([*known, *new]).get_indexer(pd.Index(theirs.astype(object)))
        return categorical(np.append(facts.codes(name), codes), [*known, *new])
    if kind == TEXT:
        codes = np.append(facts.codes(name), blank_text(more).codes)
        return categorical(codes, facts.categories(name))
    if column.dtype == np.int32:
        return np.append(column.to_numpy(), unknowns(more))
    if column.dtype == bool:
        return np.append(column.to_numpy(), np.zeros(more, bool))
    return pd.concat([column, pd.Series([""] * more, dtype=column.dtype)], ignore_index=True)
