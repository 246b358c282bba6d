"""A run's claim lines against those submitted: new, replaced, taken back, or as they were.

A claim that was never submitted is `new`. One whose lines have the codes, units, modifiers and
authorization that were submitted is billed already. Any other comes again whole, and one of which
nothing is left is voided; unless that would take off units whose activities the run does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccbill.ledger.match import adopted
from ccbill.ledger.standing import CASE, aliases, earned, filled, person, standing, texts
from ccbill.ledger.store import Ledger
from ccbill.report.tables import CLAIMS, TEXT

MODIFIERS = [f"modifier_{n}" for n in range(1, 5)]
SAME = ["claim_id", "code", "modifiers", "authorization_number", "units"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What the rules say of the lines that they bill, by rule (`<plan>/<service>.<date>`).

    `period` is `day`, `month`, `year` or `ever`, within which a code is billed; `by_practice` names
    the rules that bill each practice apart.
    """

    period: Mapping[str, str]
    by_practice: frozenset[str]


@dataclass(frozen=True, slots=True)
class Scope:
    """What the run speaks for: its cases (CASE), and the activities that it names.

    `held` are the ids of activities that it names and cannot decide. `complete` says that the run
    has the whole log of its cases, whatever it lacks. `kept` are cases that stay as submitted.
    """

    cases: pd.DataFrame
    named: pd.Index[str]
    held: pd.Index[str]
    complete: bool
    kept: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Settled:
    """The lines to send; those billed before that stay; and the cases that cannot be settled.

    `lines` and `submitted` have CLAIMS, `submitted` also `key`. `adopted` is every line that came,
    in its order, under the id of the claim that it belongs to. `incomplete` is CASE and `why`.
    `unnumbered` has the claim ids whose payer's number is not known and is needed.
    """

    lines: pd.DataFrame
    submitted: pd.DataFrame
    adopted: pd.DataFrame
    incomplete: pd.DataFrame
    unnumbered: list[str]


def settle(ledger: Ledger, lines: pd.DataFrame, scope: Scope, terms: Terms) -> Settled:
    """Gives every line its status, frequency code and original claim number."""
    live = standing(ledger, scope.cases)
    if live.empty:
        return all_new(lines)
    known = aliases(ledger)
    lines = adopted(lines, live, person(lines["patient_id"], known))
    stays = _of_cases(live, scope.kept, known)
    moving = live[~live["claim_id"].isin(stays)]
    incomplete = _incomplete(ledger, _reduced(lines, moving, terms), scope, known)
    ours = lines[~lines["claim_id"].isin(stays)]
    changed = _changed(ours, moving)
    unchanged = set(moving["claim_id"]) & set(ours["claim_id"]) - changed
    gone = set(moving["claim_id"]) - set(ours["claim_id"])
    numbers = _numbers(ledger)
    parts = [
        _marked(ours[~ours["claim_id"].isin(moving["claim_id"])], "new", "1", {}),
        _marked(ours[ours["claim_id"].isin(changed)], "replacement", "7", numbers),
        _marked(live[live["claim_id"].isin(gone)], "void", "8", numbers),
    ]
    submitted = live[live["claim_id"].isin(unchanged | stays)]
    needed = {*parts[1]["claim_id"], *parts[2]["claim_id"]}
    return Settled(
        stacked([part[list(CLAIMS)] for part in parts]),
        stacked([submitted[[*CLAIMS, "key"]].assign(status="submitted")]),
        lines,
        incomplete,
        sorted(needed - set(numbers)),
    )


def all_new(lines: pd.DataFrame) -> Settled:
    """Lines of which nothing was billed before, in the order that they come in."""
    nothing = pd.DataFrame({name: pd.Series(dtype=object) for name in (*CLAIMS, "key")})
    return Settled(lines, nothing, lines, pd.DataFrame(columns=[*CASE, "why"]), [])


def _marked(
    lines: pd.DataFrame, status: str, frequency: str, numbers: Mapping[str, str]
) -> pd.DataFrame:
    """The lines as a clearinghouse is to take them. A payer that takes corrections otherwise than
    by frequency codes would have its say here."""
    number = lines["claim_id"].astype(object).map(numbers) if numbers else None
    return lines.assign(status=status, frequency_code=frequency, original_claim_number=number)


def stacked(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Claim lines of several origins as one table in the order of a report."""
    some = [part for part in parts if len(part)] or parts[:1]
    table = some[0] if len(some) == 1 else pd.concat(some, ignore_index=True)
    kinds = {name: "category" if kind == TEXT else np.int64 for name, kind in CLAIMS.items()}
    keys = texts(table, ["plan", "patient_id", "claim_id"])
    order = keys.assign(line=table["line"]).sort_values([*keys.columns, "line"], kind="stable")
    return table.loc[order.index].reset_index(drop=True).astype(kinds)


def modifiers(lines: pd.DataFrame) -> pd.Series[str]:
    """Each line's modifiers, sorted and joined by a space."""
    number, distinct = pd.factorize(pd.MultiIndex.from_frame(texts(lines, MODIFIERS)))
    words = [" ".join(sorted(each for each in row if each)) for row in distinct]
    return pd.Series(np.array([*words, ""], object)[number], lines.index, dtype=object)


def _numbers(ledger: Ledger) -> dict[str, str]:
    query = "SELECT claim_id, payer_claim_number FROM claims WHERE payer_claim_number IS NOT NULL"
    return dict(ledger.db.execute(query))


def _signed(lines: pd.DataFrame) -> pd.DataFrame:
    """What of each line the payer would have corrected; equal lines of a claim are numbered."""
    table = pd.DataFrame(
        {
            "claim_id": lines["claim_id"].astype(object),
            "code": lines["code"].astype(object),
            "modifiers": modifiers(lines),
            "authorization_number": filled(lines["authorization_number"]),
            "units": lines["units"].astype(np.int64),
        }
    )
    return table.assign(nth=table.groupby(SAME, sort=False).cumcount())


def _changed(lines: pd.DataFrame, live: pd.DataFrame) -> set[str]:
    """The submitted claims that the run bills otherwise."""
    now = _signed(lines[lines["claim_id"].isin(live["claim_id"])])
    then = _signed(live[live["claim_id"].isin(lines["claim_id"])])
    unknown = live.loc[then.index, "loose"] & (then["authorization_number"] == "")
    if unknown.any():
        told = now.drop_duplicates("claim_id").set_index("claim_id")["authorization_number"]
        then.loc[unknown, "authorization_number"] = then.loc[unknown, "claim_id"].map(told)
        then["nth"] = then.groupby(SAME, sort=False).cumcount()
    both = now.merge(then, on=[*SAME, "nth"], how="outer", indicator=True)
    return set(both.loc[both["_merge"] != "both", "claim_id"])


def _reduced(lines: pd.DataFrame, live: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """The lines of submitted claims that would lose units of a code, on a day or in the month."""

    def units(table: pd.DataFrame) -> pd.DataFrame:
        by_day = table["rule"].astype(object).map(terms.period).fillna("day") == "day"
        keyed = pd.DataFrame(
            {
                "claim_id": table["claim_id"].astype(object),
                "code": table["code"].astype(object),
                "modifiers": modifiers(table),
                "day": table["service_from"].where(by_day, 0).astype(np.int64),
                "units": table["units"].astype(np.int64),
            }
        )
        return keyed.groupby(["claim_id", "code", "modifiers", "day"]).sum().reset_index()

    mine = lines[lines["claim_id"].isin(live["claim_id"])]
    key = ["claim_id", "code", "modifiers", "day"]
    both = units(live).merge(units(mine), on=key, how="left", suffixes=("_then", ""))
    less = both[both["units"].fillna(0) < both["units_then"]]
    return live[live["claim_id"].isin(less["claim_id"])]


def _incomplete(
    ledger: Ledger, reduced: pd.DataFrame, scope: Scope, known: Mapping[str, str]
) -> pd.DataFrame:
    """The run's cases in which units would go although their activities are not all decided."""
    claims = reduced.drop_duplicates("claim_id")
    did = earned(ledger, list(claims["claim_id"]), claims["run"])
    told = set(did["claim_id"]) - set(did.loc[~did["activity_id"].isin(scope.named), "claim_id"])
    unsure = set(did.loc[did["activity_id"].isin(scope.held), "claim_id"])
    missing = set() if scope.complete else set(claims["claim_id"]) - told
    parts = [
        (missing, "the export does not name every activity that earned the submitted lines"),
        (unsure - missing, "activities that earned the submitted lines are held"),
    ]
    spoken = scope.cases.assign(person=person(scope.cases["patient_id"], known))
    found = [
        spoken.merge(
            claims.loc[claims["claim_id"].isin(ids), ["person", "plan", "practice", "month"]]
            .astype(object)
            .drop_duplicates(),
            on=["person", "plan", "practice", "month"],
        ).assign(why=why)
        for ids, why in parts
    ]
    return pd.concat(found, ignore_index=True).drop_duplicates(CASE)[[*CASE, "why"]]


def _of_cases(live: pd.DataFrame, cases: pd.DataFrame, known: Mapping[str, str]) -> set[str]:
    """The submitted claims of these cases."""
    wanted = cases.assign(person=person(cases["patient_id"], known))
    key = ["person", "plan", "practice", "month"]
    found = live[["claim_id", *key]].astype(object).merge(wanted[key].astype(object), on=key)
    return set(found["claim_id"])
