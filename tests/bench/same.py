"""Whether two answers are the same: claim lines, and what became of each activity."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

PLANS = {
    "bcbsm-pdcm": "BCBSM",
    "priority-health": "Priority Health",
    "mi-medicaid-hmo": "Medicaid HMO",
    "medi-cal-ecm": "Medi-Cal ECM",
}
LINE = ["payer", "patient_id", "code", "modifier_1", "modifier_2", "day", "units"]
ANSWER = ["activity_id", "outcome", "code"]


def of_ccbill(out: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A run's claim lines and trace in the shape of the scripts'."""
    claims = _read(out / "claims.csv").rename(columns={"service_from": "day"})
    claims["payer"] = claims["plan"].map(PLANS)
    return _sorted(claims[LINE]), _sorted(_read(out / "activities.csv")[ANSWER])


def of_script(claims: Path, activities: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a reference script wrote."""
    return _sorted(_read(claims)[LINE]), _sorted(_read(activities)[ANSWER])


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(list(table.columns), ignore_index=True)
