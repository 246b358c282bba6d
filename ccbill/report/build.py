"""Decisions and claim lines → the tables that a run writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ccbill.problems import PROBLEMS
from ccbill.report.tables import ACTIVITIES, DAY, NOTES, RULES_USED, RUN, SUMMARY
from ccbill.report.typed import STRING, Coded, Column, Numbers, Sliced, coded, column
from ccbill.rules import say
from ccbill.rules.decisions import Decisions
from ccbill.rules.facts import Facts
from ccbill.rules.model import Bill, Change, Plan, Service
from ccbill.rules.parse import EPOCH
from ccbill.stacked import in_order, ranks
from ccbill.tables import UNKNOWN, Ints, Note, Outcome, known_span, together

SUMMED, CHANGING = ("plan", "code", "month"), ("units", "charge")

Case = tuple[str, str, int]  # a plan, a code, and a month since 1970-01


def trace(facts: Facts, decisions: Decisions, lines: pd.DataFrame, line_of_row: Ints) -> Sliced:
    """One line for each row read: what became of it, by which rule, and on which claim.

    Its rows are made when they are asked for.
    """
    work, day = facts.activities, facts.numbers("service_date")
    columns: dict[str, Column] = {
        "plan": coded([p.name for p in decisions.plans], decisions.plan),
        "month": _months_of(day),
        "service_date": Numbers(day, DAY),
        "minutes": _minutes(facts.numbers("seconds")),
        "code": coded(lines["code"], line_of_row),
        "claim_id": coded(lines["claim_id"], line_of_row),
    }
    of_answer: dict[str, list[str | None]] = {
        "outcome": [a.outcome.word for a in decisions.book],
        "problem": [a.problem or None for a in decisions.book],
        "rule": [a.rule.removesuffix(".toml") or None for a in decisions.book],
        "cite": [a.cite or None for a in decisions.book],
    }
    columns |= {name: coded(texts, decisions.answer) for name, texts in of_answer.items()}
    as_read = work.rename(columns={"patient": "patient_id"})
    for name in ACTIVITIES.keys() - columns.keys():
        columns[name] = column(as_read[name], ACTIVITIES[name])
    return Sliced(list(ACTIVITIES), [columns[name] for name in ACTIVITIES], len(work))


def _months_of(days: Ints) -> Coded:
    """`2026-03` for each day, blank where the day is not known."""
    first, last = known_span(days)
    months = np.arange(first, last + 1).astype("M8[D]").astype("M8[M]").astype(np.int64)
    names, places = np.unique(months, return_inverse=True)
    words = pa.array(names.astype("M8[M]").astype(str), STRING)
    return Coded(days, words, np.append(0, places + 1), first)


def _minutes(seconds: Ints) -> Coded:
    """Seconds as decimal minutes that read back to the second: 620 → 10.33, 660 → 11."""
    occurs = np.zeros(max(seconds.max(initial=0), 0) + 1, bool)
    occurs[seconds[seconds != UNKNOWN]] = True
    distinct = np.flatnonzero(occurs)
    texts = [f"{s / 60:.2f}".rstrip("0").rstrip(".") for s in distinct]
    places = np.zeros(len(occurs) + 1, np.int32)
    places[distinct + 1] = np.arange(1, len(distinct) + 1)
    return Coded(seconds, pa.array(texts, STRING), places)


def summary(lines: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
    """SUMMARY of these lines (CLAIMS); `earlier` has what was billed before and stands."""
    number, table = _sums(lines, ("units", "charge", "expected_payment"))
    _, first_of_patient = together(number, lines["patient_id"])
    table["patients"] = np.bincount(number[first_of_patient], minlength=len(table))
    table["lines"] = np.bincount(number, minlength=len(table))
    table = table.assign(**_changes(table, earlier))[list(SUMMARY)]
    return in_order(table, *(ranks(table[name], blank=-1) for name in SUMMED))


def _sums(lines: pd.DataFrame, names: Sequence[str]) -> tuple[Ints, pd.DataFrame]:
    """The number of each line's plan, code and month, and these figures of each; UNKNOWN where none
    of its lines has one."""
    number, first = together(*(lines[name] for name in SUMMED))
    table = {name: lines[name].array.take(first) for name in SUMMED}
    for name in names:
        values = lines[name].to_numpy(np.int64)
        known = values != UNKNOWN
        total = np.bincount(number, np.where(known, values, 0), len(first)).astype(np.int64)
        table[name] = np.where(np.bincount(number, known, len(first)) > 0, total, UNKNOWN)
    return number, pd.DataFrame(table, copy=False)


def _changes(table: pd.DataFrame, earlier: pd.DataFrame) -> dict[str, list[int]]:
    """How much more stands in each row's month than in the month before.

    Nothing is known of a month in which the plan has no line; a code without one had no units.
    """
    parts = [(_keys(each), each) for each in (table, _sums(earlier, CHANGING)[1])]
    had = {key for keys, _ in parts for key in keys}
    told = {(plan, month) for plan, _, month in had}
    changes: dict[str, list[int]] = {}
    for name in CHANGING:
        stands: dict[Case, int] = {}
        for keys, each in parts:
            for key, figure in zip(keys, each[name].tolist(), strict=True):
                if figure != UNKNOWN:
                    stands[key] = stands.get(key, 0) + figure
        changes[f"{name}_change"] = column = []
        for plan, code, month in parts[0][0]:
            before = (plan, code, month - 1)
            none = 0 if before not in had and (plan, month - 1) in told else UNKNOWN
            now, then = stands.get((plan, code, month), UNKNOWN), stands.get(before, none)
            column.append(UNKNOWN if UNKNOWN in (now, then) else now - then)
    return changes


def _keys(table: pd.DataFrame) -> list[Case]:
    months = table["month"].to_numpy(str).astype("M8[M]").astype(np.int64).tolist()
    return [*zip(table["plan"].tolist(), table["code"].tolist(), months, strict=True)]


def rules_used(decisions: Decisions) -> pd.DataFrame:
    """Each bill of each service that took a row, with its standing and source."""
    used = np.unique(decisions.service[decisions.service >= 0])
    rows = [
        _rule(plan, service, bill)
        for plan, service in (decisions.services[n] for n in used)
        for bill in service.bills
    ]
    table = pd.DataFrame(rows, columns=list(RULES_USED))
    return table.drop_duplicates(ignore_index=True)


def _rule(plan: Plan, service: Service, bill: Bill) -> dict[str, str]:
    source = plan.sources[bill.cite]
    changes = plan.changes_of(service)
    start = np.datetime64(service.first_day, "D")
    return {
        "plan": plan.name,
        "rule": service.file.removesuffix(".toml"),
        "in_force_from": "" if service.first_day == 1 - EPOCH else str(start),
        "code": " ".join([bill.code, *bill.modifiers]),
        "says": say.reason(service, bill),
        "standing": bill.standing,
        "cite": bill.cite,
        "source": source.title,
        "url": source.url,
        "checked": source.checked,
        "changed_by": "; ".join(f"{c.author}, {c.date}" for c in changes),
        "because": "; ".join(c.because for c in changes),
    }


def overlay(plan: Plan, change: Change) -> dict[str, Any]:
    """What run.json says of one overlay file."""
    return {
        "plan": plan.name,
        "file": change.file,
        "sha256": change.sha256,
        "author": change.author,
        "because": change.because,
        "date": change.date,
        "rule": change.service,
        "changes": list(change.keys),
    }


def notes_table(notes: list[Note]) -> pd.DataFrame:
    rows = [(n.problem, n.where, n.what, n.fix, n.rows) for n in notes]
    return pd.DataFrame(rows, columns=list(NOTES))


def file_notes(notes: list[Note]) -> list[dict[str, Any]]:
    """The notes about whole files, which no row of the exceptions says."""
    return [
        {
            "problem": n.problem,
            "where": n.where,
            "what": n.what,
            "fix": n.fix or PROBLEMS[n.problem].fix,
            "rows": n.rows,
        }
        for n in notes
        if PROBLEMS[n.problem].per == "file"
    ]


def run_table(record: dict[str, Any]) -> pd.DataFrame:
    """The run's record as a two-column table, one line for each value; notes have their own."""
    shown = {key: value for key, value in record.items() if key != "notes"}
    return pd.DataFrame(list(_flat("", shown)), columns=list(RUN))


def _flat(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        inner = [(f"{name} {key}".strip(), each) for key, each in value.items()]
    elif isinstance(value, list):
        return [(name, _in_a_line(each)) for each in value]
    else:
        return [(name, "" if value is None else str(value))]
    return [line for key, each in inner for line in _flat(key, each)]


def _in_a_line(value: Any) -> str:
    """One input or one column's heading in a line: `file patients.csv, column zip, …`."""
    if not isinstance(value, dict):
        return str(value)
    told = {key: each for key, each in value.items() if each or (each == 0 and each is not False)}
    return ", ".join(f"{key} {each}" for key, each in told.items())


def counts(balance: pd.DataFrame) -> dict[str, int]:
    """How many rows were counted, left out and held, by their words, of all that balance."""
    return {o.word: int(balance[f"rows_{o.word.replace('-', '_')}"].sum()) for o in Outcome}
