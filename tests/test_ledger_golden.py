"""What a practice is given after a month was submitted: whole files beside tests/golden/ledger.

`CCBILL_REGENERATE=1 pytest tests/test_ledger_golden.py` writes them anew.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
from ledgers import Row, row, write_log

from ccbill.ledger.store import opened, writing
from ccbill.ledger.submit import void
from ccbill.run import Request, run

GOLDEN = Path(__file__).parent / "golden" / "ledger"
AUGUST = [row(f"A{n}", f"1000{n:02}", "2026-08-03") for n in range(1, 13)]
SEPTEMBER = [row("B1", "100001", "2026-09-07"), row("B2", "100090", "2026-09-08", minutes="76")]
LATE = [
    *(row(f"C{n}", f"1000{n:02}", "2026-08-20", minutes="46") for n in range(1, 9)),
    *(row(f"C{n}", f"1000{n:02}", "2026-08-21", minutes="5") for n in range(9, 13)),
    *(row(f"C{n}", f"1000{n:02}", "2026-08-22") for n in range(20, 28)),
]
SCENARIOS = {
    "run-twice": AUGUST,
    "run-a-superset": AUGUST + SEPTEMBER,
    "run-with-20-late-rows": AUGUST + LATE,
    "run-after-voiding": AUGUST,
}


def bill(home: Path, rows: list[Row], *, submit: bool = False) -> None:
    write_log(home / "log.csv", rows)
    request = Request(
        [str(home / "log.csv")],
        date(2026, 11, 2),
        out=home / "out",
        formats=["csv"],
        config=home / "ccbill.toml",
        ledger=home / "ledger.sqlite",
        submit=submit,
    )
    run(request)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_after_august_was_submitted(scenario: str, tmp_path: Path) -> None:
    assert len(LATE) == 20
    (tmp_path / "ccbill.toml").touch()
    bill(tmp_path, AUGUST, submit=True)
    if scenario == "run-after-voiding":
        with opened(tmp_path / "ledger.sqlite") as ledger, writing(ledger):
            void(ledger, "2026-11-02T00:00:00+00:00", run=1)
    bill(tmp_path, SCENARIOS[scenario])
    given = "\n".join(
        f"{name}\n{(tmp_path / 'out' / name).read_text(encoding='utf-8')}"
        for name in ("claims.csv", "submitted.csv")
    )
    path = GOLDEN / f"{scenario}.txt"
    if os.environ.get("CCBILL_REGENERATE"):
        path.write_text(given, encoding="utf-8")
    assert given == path.read_text(encoding="utf-8")
