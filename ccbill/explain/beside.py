"""What the ledger says beside an explanation: lines submitted before, and what a run said then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ccbill import recorded
from ccbill.errors import CcbillError
from ccbill.explain.kept import Run, said
from ccbill.ledger import tell
from ccbill.ledger.store import Ledger
from ccbill.recorded import Book
from ccbill.rules.facts import Facts
from ccbill.rules.model import Plan
from ccbill.rules.prior import History
from ccbill.tables import Ints

Told = dict[str, Any]


def look_back(ledger: Ledger, facts: Facts, plan_of_row: Ints, plans: Sequence[Plan]) -> History:
    """What a run over these activities would look back to."""
    spoken = recorded.cases(facts, plan_of_row, plans, ())
    before = recorded.billed_before(Book(ledger, recorded.terms(plans)), facts, spoken)
    assert before is not None
    return before


def with_ledger(told: Told, ledger: Ledger) -> Told:
    """The cases with the patient's submitted lines, each in its plan, practice and month."""
    try:
        lines = tell.history(ledger, told["patient_id"])
    except CcbillError:  # none
        lines = []
    names = ("run", "claim_id", "code", "modifiers", "units", "service_from", "state")
    cases = [
        case
        | {
            "ledger": [
                {name: line[name] for name in names}
                for line in lines
                if (line["plan"], line["month"]) == (case["plan"], case["month"])
                and line["practice"] in ("", case["practice"])
            ]
        }
        for case in told["cases"]
    ]
    return told | {"cases": cases}


def with_run(told: Told, run: Run, plans: Sequence[Plan]) -> Told:
    """The cases with how many of their rows the run itself decided otherwise, and what it said.

    `other_rules` are the files that the run was billed by and that are not these, or were not.
    """
    then = said(run, told["patient_id"])
    concerned = {case["plan"] for case in told["cases"]}
    return told | {
        "run": run.number,
        "other_rules": _other_rules(run, [plan for plan in plans if plan.name in concerned]),
        "cases": [case | {"otherwise": _otherwise(case, then)} for case in told["cases"]],
    }


def _other_rules(run: Run, plans: Sequence[Plan]) -> list[str]:
    rules, laid = run.record["rules"], run.record["overlays"]
    plans = [plan for plan in plans if any(f.startswith(f"{plan.name}/") for f in rules)]
    names = {plan.name for plan in plans}
    now = {file: sha for plan in plans for file, sha in plan.sha256.items()}
    now |= {change.file: change.sha256 for plan in plans for change in plan.overlays}
    then = {file: sha for file, sha in rules.items() if file.partition("/")[0] in names}
    then |= {each["file"]: each["sha256"] for each in laid if each["plan"] in names}
    return sorted({file for file, _ in now.items() ^ then.items()})


def _otherwise(case: Told, then: dict[tuple[str, int], tuple[str | None, ...]]) -> list[Told]:
    found: dict[tuple[str | None, str | None], int] = {}
    for each in case["activities"]:
        outcome, problem = then[each["file"], each["row"]]
        if (outcome, problem) != (each["outcome"], each["problem"]):
            found[outcome, problem] = found.get((outcome, problem), 0) + 1
    return [{"outcome": o, "problem": p, "rows": n} for (o, p), n in found.items()]
