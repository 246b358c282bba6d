"""What was billed before, standing beside what was read so that limits look back.

Each unit of a submitted line stands as an activity of its own after those of the export: it takes
part in limits and in what is first, and in nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    for, and the day of each staff member's first counted entry by plan and staff id.

    `own` are the lines of the run's own cases, with `modifiers` (sorted, joined by a space): where
    several encounters would do, the run bills one of the sort that was submitted.
    """

    lines: pd.DataFrame
    first_counted: Mapping[tuple[str, str], int]
    own: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True, slots=True)
class Before:
    """What was submitted of one service: units of other cases, and lines of the run's own, each
    with its code and its sorted modifiers."""

    rows: Ints
    own: Ints
    labels: Any


@dataclass(frozen=True, slots=True)
class Prior:
    """Units billed before: their places among the facts, and the service and code of each.

    `own` are those of the run's own cases, which have a `label` and bear on nothing else.
    """

    rows: Ints
    service: Any  # `<plan>/<service>`
    code: Any
    first_counted: Mapping[tuple[str, str], int]
    own: Ints
    own_service: Any
    label: Any

    def of(self, plan: Plan, service: Service) -> Before:
        """The units of one service, whichever edition billed them."""
        name = f"{plan.name}/{service.name}"
        mine = self.own_service == name
        return Before(self.rows[self.service == name], self.own[mine], self.label[mine])

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
    nothing, nowhere = np.empty(0, object), np.empty(0, np.int64)
    days = history.first_counted if history else {}
    none = Prior(nowhere, nothing, nothing, days, nowhere, nothing, nothing)
    if history is None:
        return facts, none
    own = _chosen(history.own, plans)
    parts = [part for part in (history.lines, own) if len(part)]
    if not parts:
        return facts, none
    lines = pd.concat(parts, ignore_index=True)
    patients = pd.Index(facts.categories("patient"))
    patient = patients.get_indexer(pd.Index(lines["patient_id"].astype(str)))
    kept = np.repeat(np.flatnonzero(patient >= 0), lines["units"].to_numpy(np.int64)[patient >= 0])
    if not len(kept):
        return facts, none
    is_own = kept >= len(lines) - len(own)
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
    labels = nothing
    if is_own.any():
        labels = (codes + " " + lines["modifiers"].to_numpy(object))[is_own]
    return longer, Prior(
        rows[~is_own],
        services[~is_own],
        codes[~is_own],
        days,
        rows[is_own],
        services[is_own],
        labels,
    )


def _chosen(own: pd.DataFrame, plans: Sequence[Plan]) -> pd.DataFrame:
    """The lines of services of which one encounter is chosen and the others are listed."""
    choosing = [
        f"{plan.name}/{service.name}"
        for plan in plans
        for service in plan.services
        for limit in service.limits
        if limit.prefer and limit.over == "encounter"
    ]
    if own.empty:
        return own
    rules = own["rule"].dropna().unique()
    return own[own["rule"].isin([each for each in rules if each.rpartition(".")[0] in choosing])]


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
