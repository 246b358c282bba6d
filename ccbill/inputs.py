"""The inputs that a run, a check, an explanation and a comparison read alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Protocol

from ccbill import intake, plausible
from ccbill.config import Settings
from ccbill.fees import Fees
from ccbill.intake.fees import read_fees
from ccbill.rules.parse import EPOCH
from ccbill.tables import Intake


class Asked(Protocol):
    """What of a request names its inputs."""

    @property
    def exports(self) -> Sequence[str]: ...
    @property
    def patients(self) -> Path | None: ...
    @property
    def staff(self) -> Path | None: ...
    @property
    def fees(self) -> Path | None: ...
    @property
    def sheet(self) -> str | None: ...
    @property
    def today(self) -> date: ...


def read(asked: Asked, settings: Settings) -> tuple[Intake, Fees]:
    """The log, with what an auditor would ask of it, and the fee schedule or one without fees."""
    fees = read_fees(asked.fees, settings.workbook) if asked.fees else Fees.none()
    log = intake.read(
        asked.exports,
        settings,
        patients=asked.patients,
        staff=asked.staff,
        sheet=asked.sheet,
    )
    return plausible.checked(log, settings, asked.today.toordinal() - EPOCH), fees
