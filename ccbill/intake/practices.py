"""Which practice bills a row, and whether the NPIs can be right."""

from __future__ import annotations

import numpy as np

from ccbill.config import Settings
from ccbill.errors import counted
from ccbill.intake.activities import Rows
from ccbill.intake.text import Text, constant
from ccbill.tables import Mask, Note

FIX_NPI = "correct it: an NPI has ten digits, and the last is a check digit"


def settle(rows: Rows, settings: Settings) -> None:
    """Gives each row its practice: its own, else the configured one, else the only one there is.

    A blank among several is held; where nobody names one, all rows share one unnamed practice.
    """
    own = rows.get("billing_npi")
    used = own.sorted().words()
    if settings.practice.npi:
        rows.text["practice"] = own.filled_with(settings.practice.npi)
    elif not used:
        rows.text["practice"] = constant("", len(rows))
        what = "no billing NPI is given: all rows are taken for one practice"
        fix = "set npi under [practice] in ccbill.toml, or add a billing_npi column"
        rows.notes.append(Note("practice-unnamed", "", what, fix, len(rows)))
    elif len(used) == 1:
        rows.text["practice"] = own.filled_with(used[0])
    else:
        rows.text["practice"] = own
        rows.hold("practice", "practice-missing", own.blank)


def check_npis(rows: Rows, settings: Settings) -> None:
    """Notes each column with NPIs whose check digit is wrong."""
    for column in ("billing_npi", "rendering_npi"):
        bad = invalid(rows.get(column))
        what = f"{column}: not a valid NPI in {counted(int(bad.sum()), 'row')}"
        rows.note("npi-invalid", bad, what, FIX_NPI, column)
        own = getattr(settings.practice, column.replace("billing_", ""))
        if own and not is_npi(own) and settings.path:
            where = f"{settings.path.name}:[practice] {column.replace('billing_', '')}"
            rows.notes.append(Note("npi-invalid", where, "is not a valid NPI", FIX_NPI))


def invalid(npis: Text) -> Mask:
    bad = np.array([not is_npi(npi) for npi in npis.words()], bool)
    return npis.spread(bad, False)


def is_npi(text: str) -> bool:
    """Whether the text is ten digits with the check digit that NPIs have (Luhn, after 80840)."""
    if len(text) != 10 or not (text.isascii() and text.isdigit()):
        return False
    doubled = "".join(str(int(digit) * 2) for digit in text[-2::-2])
    return (24 + sum(map(int, doubled)) + sum(map(int, text[-1::-2]))) % 10 == 0
