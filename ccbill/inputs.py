"""The inputs that a run, a check, an explanation and a comparison read alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from ccbill import config, intake, memory, plausible
from ccbill.cells.limits import USUAL, Limits
from ccbill.config import Settings
from ccbill.fees import Fees
from ccbill.intake.fees import read_fees
from ccbill.rules import load
from ccbill.rules.model import Plan
from ccbill.rules.parse import EPOCH
from ccbill.rules.payers import numbers_of_names
from ccbill.tables import Intake


@dataclass(frozen=True, slots=True)
class Asked:
    """The inputs that a command names, and the rules and settings to read them by."""

    exports: Sequence[str]
    today: date
    patients: Path | None = None
    staff: Path | None = None
    fees: Path | None = None
    sheet: str | None = None
    config: Path | None = None
    rules: Sequence[Path] = ()  # overlays, laid over those of the settings
    workbook: Limits = USUAL  # where it says nothing, the settings do


def settings_of(asked: Asked) -> Settings:
    """The settings, with the limits that the command gives."""
    settings = config.load(asked.config)
    return replace(settings, workbook=asked.workbook.over(settings.workbook))


def plans_of(asked: Asked, settings: Settings) -> tuple[Plan, ...]:
    """The plans under the settings' overlays and the command's."""
    return load.plans([*settings.overlays, *asked.rules])


def read(asked: Asked, settings: Settings, plans: Sequence[Plan]) -> tuple[Intake, Fees]:
    """The log, with what an auditor would ask of it, and the fee schedule or one without fees."""
    plan_of = numbers_of_names(plans, settings.payers)
    fees = read_fees(asked.fees, settings.workbook, plan_of) if asked.fees else Fees.none()
    log = intake.read(
        asked.exports,
        settings,
        patients=asked.patients,
        staff=asked.staff,
        sheet=asked.sheet,
        plan_of=plan_of,
    )
    memory.give_back()
    log = plausible.checked(log, settings, asked.today.toordinal() - EPOCH)
    memory.give_back()
    return log, fees
