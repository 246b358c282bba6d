"""Decisions and claim lines → the tables that a run writes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ccbill.problems import PROBLEMS
from ccbill.report.tables import ACTIVITIES, NOTES, RULES_USED, RUN, SUMMARY
from ccbill.rules import say
from ccbill.rules.decisions import Decisions
from ccbill.rules.facts import Facts
from ccbill.rules.model import Bill, Change, Plan, Service
from ccbill.rules.parse import EPOCH
from ccbill.tables import UNKNOWN, Ints, Note, Outcome, categorical, month_text, named

SUMMED, CHANGING = ["plan", "code", "month"], ["units", "charge"]


def trace(
    facts: Facts, decisions: Decisions, lines: pd.DataFrame, line_of_row: Ints
) -> pd.DataFrame:
    """One line for each row read: what became of it, by which rule, and on which claim."""
    answers = decisions.book
    by_answer: dict[str, list[str | None]] = {
        "outcome": [a.outcome.word for a in answers],
        "problem": [a.problem or None for a in answers],
        "rule": [a.rule.removesuffix(".toml") or None for a in answers],
        "cite": [a.cite or None for a in answers],
    }
    columns: dict[str, Any] = {
        name: facts.activities[source].array
        for name, source in (
            ("activity_id", "activity_id"),
            ("file", "file"),
            ("row", "row"),
            ("patient_id", "patient"),
            ("practice", "practice"),
            ("service_date", "service_date"),
            ("kind", "kind"),
            ("mode", "mode"),
            ("credential", "credential"),
        )
    }
    columns |= {name: named(values, decisions.answer) for name, values in by_answer.items()}
    columns["plan"] = named([*(p.name for p in decisions.plans), None], decisions.plan)
    columns["month"] = month_text(facts.numbers("service_date"))
    columns["minutes"] = _minutes(facts.numbers("seconds"))
    columns["code"] = _of_line(lines["code"], line_of_row)
    columns["claim_id"] = _of_line(lines["claim_id"], line_of_row)
    return pd.DataFrame(columns)[list(ACTIVITIES)]


def _minutes(seconds: Ints) -> Any:
    """Seconds as decimal minutes that read back to the second: 620 → 10.33, 660 → 11."""
    distinct, codes = np.unique(seconds, return_inverse=True)
    texts = [f"{s / 60:.2f}".rstrip("0").rstrip(".") for s in distinct if s != UNKNOWN]
    codes = codes - (len(distinct) - len(texts))  # UNKNOWN, the least number, becomes blank
    return categorical(codes, texts)


def _of_line(column: pd.Series[Any], line_of_row: Ints) -> Any:
    codes, words = pd.factorize(column.astype(object))
    return categorical(np.append(codes, -1)[line_of_row], words)


def summary(lines: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
    """SUMMARY of these lines (CLAIMS); `earlier` has what was billed before and stands."""
    known = lines.assign(
        charge=lines["charge"].where(lines["charge"] != UNKNOWN),
        expected_payment=lines["expected_payment"].where(lines["expected_payment"] != UNKNOWN),
    )
    by = known.groupby(SUMMED, observed=True, sort=True)
    table = by.agg(
        patients=("patient_id", "nunique"),
        lines=("line", "size"),
        units=("units", "sum"),
        charge=("charge", lambda cents: cents.sum(min_count=1)),
        expected_payment=("expected_payment", lambda cents: cents.sum(min_count=1)),
    ).reset_index()
    table = table.join(_changes(table, earlier))
    for name in ("charge", "expected_payment", "units_change", "charge_change"):
        table[name] = table[name].fillna(UNKNOWN).astype(np.int64)
    return table[list(SUMMARY)]


def _changes(table: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
    """How much more stands in each row's month than in the month before.

    Nothing is known of a month in which the plan has no line; a code without one had no units.
    """
    before = earlier.assign(charge=earlier["charge"].where(earlier["charge"] != UNKNOWN))
    both = pd.concat([each[[*SUMMED, *CHANGING]] for each in (table, before)])
    both = both.astype({"plan": object, "code": object} | dict.fromkeys(CHANGING, float))
    both["month"] = _months(both["month"])
    total = both.groupby(SUMMED, as_index=False)[CHANGING].sum(min_count=1)
    then = total.assign(month=total["month"] + 1, had=True)
    told = then[["plan", "month"]].drop_duplicates().assign(told=True)
    row = table[SUMMED].astype(object).assign(month=_months(table["month"]))
    row = row.merge(total, "left", SUMMED).merge(then, "left", SUMMED, suffixes=("", "_then"))
    row = row.merge(told, "left", ["plan", "month"])
    none = row["told"].notna() & row["had"].isna()
    return pd.DataFrame(
        {f"{name}_change": row[name] - row[f"{name}_then"].mask(none, 0) for name in CHANGING}
    )


def _months(texts: pd.Series[Any]) -> Ints:
    return texts.to_numpy(str).astype("M8[M]").astype(np.int64)


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


def counts(decisions: Decisions) -> dict[str, int]:
    """How many rows were counted, left out and held, by their words."""
    return {o.word: int((decisions.outcome == o).sum()) for o in Outcome}
