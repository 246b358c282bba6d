"""Lines that must not go out: their activities are held, and what they would bring is at stake."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from ccbill.claims import Claims
from ccbill.rules.decisions import Decisions
from ccbill.rules.screen import Answer
from ccbill.tables import Mask, Outcome


def hold_unbillable(decisions: Decisions, drafted: Claims, *, complete: bool) -> Decisions:
    """The decisions with lines held that cannot go out: those without a charge that they must have,
    and with `complete` those that lack a field which their payer will want."""
    why = "it must be billed with a charged amount"
    if drafted.uncharged.any():
        decisions = _held(decisions, drafted, drafted.uncharged, "charge-missing", why)
    lacks = _lacking(drafted.lines) if complete else np.empty(0, object)
    if not (lacks != "").any():
        return decisions
    for each in sorted({*lacks} - {""}):
        why = f"the claim lacks {each}"
        decisions = _held(decisions, drafted, lacks == each, "claim-incomplete", why)
    line = np.append(lacks != "", False)[drafted.line_of_row]
    rows = np.flatnonzero(line)
    of_row = drafted.lines["claim_id"].astype(object).iloc[drafted.line_of_row[rows]]
    return _named(decisions, of_row.set_axis(rows))


def hold_elsewhere(decisions: Decisions, drafted: Claims, then: pd.Series[str]) -> Decisions:
    """The decisions with lines held of which an activity earned another claim that stands.

    `then` is that claim by the activity's row.
    """
    line = drafted.line_of_row[then.index]
    hit = np.zeros(len(drafted.lines), bool)
    hit[line] = True
    why = "the other claim stands, and this run does not speak for its case"
    decisions = _held(decisions, drafted, hit, "billed-elsewhere", why)
    of_line = pd.Series(then.to_numpy(), line)
    of_line = of_line[~of_line.index.duplicated()]
    rows = np.flatnonzero(np.append(hit, False)[drafted.line_of_row])
    beside = of_line.reindex(drafted.line_of_row[rows]).set_axis(rows)
    return _named(decisions, then.combine_first(beside))


def _lacking(lines: pd.DataFrame) -> npt.NDArray[np.object_]:
    """What the claim of each line lacks, as one text; nothing for a line that lacks nothing."""
    own = lines[["claim_id", "missing"]].astype(object)
    own = own[own["missing"] != ""]
    several = own.drop_duplicates()
    several = several[several["claim_id"].duplicated(keep=False)]
    fields = several.assign(missing=several["missing"].str.split(", ")).explode("missing")
    by_claim = fields.drop_duplicates().groupby("claim_id", sort=False)["missing"].agg(", ".join)
    mixed = own["claim_id"].isin(by_claim.index)
    whole = own["missing"].mask(mixed, own["claim_id"].map(by_claim).astype(object))
    return whole.reindex(lines.index, fill_value="").to_numpy(object)


def _held(decisions: Decisions, drafted: Claims, lines: Mask, problem: str, why: str) -> Decisions:
    """The decisions with the groups of these lines held, and what they would bring at stake."""
    held = np.append(lines, False)[drafted.line_of_row]
    for b in decisions.billed:
        mine = b.groups.rows[held[b.groups.rows]]
        if len(mine):
            answer = Answer(Outcome.HELD, problem, b.service.file, why, b.service.cite)
            decisions.book.append(answer)
            decisions.answer[mine] = len(decisions.book) - 1
    stakes = [each for b in decisions.billed for each in b.stakes(held[b.groups.first])]
    return replace(
        decisions,
        billed=[b.only(~held[b.groups.first]) for b in decisions.billed],
        stakes=[*decisions.stakes, *stakes],
    )


def _named(decisions: Decisions, claims: pd.Series[str]) -> Decisions:
    """The decisions with the claim that is to be named where each of these rows is held."""
    return replace(decisions, on_claim=claims.combine_first(decisions.on_claim))
