"""Which submitted claim a run's line belongs to, where its id alone doesn't say."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ccbill.ledger.standing import texts

_PARTS = ["billing_npi", "rendering_npi", "authorization_number"]


def adopted(lines: pd.DataFrame, live: pd.DataFrame, people: pd.Series[str]) -> pd.DataFrame:
    """The lines under the ids of the submitted claims that they belong to.

    A claim's id comes from its key. One of another key is the same claim still where the patient
    has two ids, the authorization changed, or an imported line leaves a part of the key blank: the
    person, plan, month and a code are one, and no other claim fits either of the two.
    """
    mine = lines[~lines["claim_id"].isin(live["claim_id"])]
    theirs = live[~live["claim_id"].isin(lines["claim_id"])]
    if mine.empty or theirs.empty:
        return lines
    pairs = _keyed(mine, people[mine.index]).merge(
        _keyed(theirs, theirs["person"]),
        on=["person", "plan", "month", "code"],
        suffixes=("", "_then"),
    )
    same = {name: pairs[name] == pairs[f"{name}_then"] for name in _PARTS}
    blank = {name: pairs[f"{name}_then"] == "" for name in _PARTS}
    fits = np.logical_and.reduce([same[n] | blank[n] for n in ("billing_npi", "rendering_npi")])
    first = _one_to_one(pairs[fits & same["authorization_number"]])
    rest = pairs[fits]
    rest = rest[~rest["claim_id"].isin(first)]
    rest = rest[~rest["claim_id_then"].isin(first.to_numpy())]
    ids = {**first, **_one_to_one(rest)}
    if not ids:
        return lines
    own = lines["claim_id"].astype(object)
    return lines.assign(claim_id=own.map(ids).fillna(own).astype("category"))


def _keyed(lines: pd.DataFrame, people: pd.Series[str]) -> pd.DataFrame:
    names = ["claim_id", "plan", "month", "code", *_PARTS]
    return texts(lines, names).assign(person=people.astype(object))


def _one_to_one(pairs: pd.DataFrame) -> pd.Series[str]:
    """The claims that fit one submitted claim which fits no other: its id, by theirs."""
    each = pairs[["claim_id", "claim_id_then"]].drop_duplicates()
    alone = ~each["claim_id"].duplicated(keep=False)
    alone &= ~each["claim_id_then"].duplicated(keep=False)
    return each[alone].set_index("claim_id")["claim_id_then"]
