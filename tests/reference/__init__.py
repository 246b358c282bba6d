"""A slow, plain reading of the payers' rules, kept apart from the engine to check it."""

from __future__ import annotations

from reference.common import MEDI_CAL, MEDICARE, SIM, Line, Result, Row, Settings, bill_plans
from reference.medi_cal import settle_medi_cal
from reference.medicare import settle_medicare
from reference.michigan import MICHIGAN
from reference.sim import settle_sim

__all__ = ["Line", "Result", "Settings", "bill"]

PLANS = MICHIGAN | {SIM: settle_sim, MEDI_CAL: settle_medi_cal, MEDICARE: settle_medicare}


def bill(
    activities: list[Row],
    patients: list[Row],
    staff: list[Row],
    *,
    settings: Settings | None = None,
) -> Result:
    """Every plan's claim lines and encounters, and what became of each row.

    `settings` varies what `reference.common.SETTINGS` names: lifetime_cap 5 | 0,
    window_counts billed | all, authorization required | streamlined-30-days | none,
    engagement, conference and conference_charge True | False, practitioner_time joins | separate.
    """
    return bill_plans(PLANS, activities, patients, staff, settings)
