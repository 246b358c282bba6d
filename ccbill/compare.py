"""Which claim lines an overlay changes: one log billed with it and without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ccbill import config, inputs
from ccbill.claims import modifier_sets
from ccbill.rules import load
from ccbill.run import Request, billed
from ccbill.tables import UNKNOWN

KEY = ["patient_id", "plan", "month", "code"]
COUNTED = ["units", "charge", "expected_payment"]


def compare(request: Request, overlays: Sequence[Path]) -> pd.DataFrame:
    """Lines that differ, with KEY and each of COUNTED `_before` and `_after`, 0 where none stands.

    Money that is not known is UNKNOWN. Before are the rules of the settings, without those of
    `overlays` that they name too.
    """
    settings = config.load(request.config)
    ours = {path.resolve() for path in overlays}
    standing = [path for path in settings.overlays if path.resolve() not in ours]
    before_plans, after_plans = load.plans(standing), load.plans([*standing, *overlays])
    read, fees = inputs.read(request, settings, after_plans)
    request = replace(request, dry_run=True)
    before = _counted(billed(read, before_plans, settings, fees, request).tables["claims"])
    after = _counted(billed(read, after_plans, settings, fees, request).tables["claims"])
    both = before.add_suffix("_before").join(after.add_suffix("_after"), how="outer")
    both = both.fillna(0).astype("int64")
    same = pd.Series(True, index=both.index)
    for name in COUNTED:
        same &= both[f"{name}_before"] == both[f"{name}_after"]
    return both[~same].sort_index().reset_index()


def _counted(lines: pd.DataFrame) -> pd.DataFrame:
    """Units and money by KEY; the code has its modifiers beside it."""
    if not len(lines):
        empty = pd.MultiIndex.from_arrays([[]] * len(KEY), names=KEY)
        return pd.DataFrame(columns=COUNTED, index=empty, dtype="int64")
    modifiers = modifier_sets(lines).astype(str)
    table = lines[[*KEY, *COUNTED]].astype(dict.fromkeys(KEY, str))
    table["code"] = (table["code"] + " " + modifiers).str.strip()
    for name in ("charge", "expected_payment"):
        table[name] = table[name].where(table[name] != UNKNOWN)
    found = table.groupby(KEY, sort=True)[COUNTED].sum(min_count=1)
    return found.fillna(UNKNOWN).astype("int64")
