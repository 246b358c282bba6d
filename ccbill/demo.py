"""The invented practice that `ccbill demo` bills: its files, and what is asked of them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ccbill.errors import CcbillError, Exit, Message
from ccbill.report import private

SETTINGS = "ccbill.toml"
FILES = (
    *("activities.csv", "encounters.csv", "patients.csv", "staff.csv", "fees.csv"),
    SETTINGS,
)
LEDGER = '\n[ledger]\npath = "ledger.sqlite"\n'
TODAY = "2026-11-02"  # the practice's log ends in October of that year

RUN = (
    "run activities.csv encounters.csv --patients patients.csv",
    f"--staff staff.csv --fees fees.csv --today {TODAY}",
)
EXPLAIN = "explain 005590 --month 2026-09"


def write(folder: Path) -> None:
    """The practice's files are in the folder, for their user alone, with settings that give them a
    ledger of their own; refuses a folder that holds anything."""
    try:
        if folder.is_dir() and any(folder.iterdir()):
            what, fix = "is there already and is not empty", "name another folder, or remove it"
            message = Message(str(folder), what, "Nothing was written.", fix)
            raise CcbillError(Exit.REFUSED, message)
        private.prepare(folder, ())
        for name in FILES:
            content = (files("ccbill") / "sample" / name).read_bytes()
            with private.create(folder / name) as file:
                file.write(content + (LEDGER.encode() if name == SETTINGS else b""))
    except OSError as error:
        raise private.output_error(folder, error, FILES) from None
