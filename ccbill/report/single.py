"""Claim lines as one file of their own, CSV or Parquet by the ending of its name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ccbill.errors import CcbillError, Exit, Message
from ccbill.report import private
from ccbill.report.csv_files import write_csv, write_parquet
from ccbill.report.tables import CLAIMS
from ccbill.report.typed import sliced

WRITERS = {".csv": write_csv, ".parquet": write_parquet}


def check(path: Path) -> None:
    """Refuses a name whose ending says nothing."""
    if path.suffix.lower() not in WRITERS:
        what = "ends in neither .csv nor .parquet"
        message = Message(str(path), what, "Nothing was written.", "name a .csv or .parquet file")
        raise CcbillError(Exit.REFUSED, message)


def write(lines: pd.DataFrame, path: Path) -> None:
    """Writes the lines (CLAIMS), private to the user; a file of that name is replaced whole."""
    with private.replaced(path) as file:
        WRITERS[path.suffix.lower()](sliced(lines, CLAIMS), file)
