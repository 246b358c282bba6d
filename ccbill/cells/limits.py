"""What reading one workbook may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and megabytes; None: as much as a workbook of its size should need."""

    seconds: float | None = None
    megabytes: int | None = None

    def over(self, others: Limits) -> Limits:
        """These limits, and the others where these say nothing."""
        return Limits(
            others.seconds if self.seconds is None else self.seconds,
            others.megabytes if self.megabytes is None else self.megabytes,
        )

    def of(self, size: int) -> tuple[float, int]:
        """Seconds and megabytes for a workbook of so many bytes."""
        usual = Limits(7 + 2 * size / 1e6, 400 + 50 * size // 10**6)
        found = self.over(usual)
        assert found.seconds is not None
        assert found.megabytes is not None
        return found.seconds, found.megabytes


USUAL = Limits()
