"""Published unit ceilings and pair edits, as bulk tables dated like rules.

`ccbill/edits/mue.<date>.csv` has the most units of a code that one practitioner is paid for one
patient and day; `ncci-ptp.<date>.csv` has pairs of which the second is not paid beside the first
on one day: never (0), or with a modifier only (1). A table is in force from its date until the
next. Only plans whose `payer.toml` names them under `edits` are bound.
"""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from importlib.resources import files

import numpy as np

from ccbill.rules.bill import standing
from ccbill.rules.decisions import Billed, Work
from ccbill.rules.limit import beside
from ccbill.rules.parse import EPOCH, FOREVER
from ccbill.rules.screen import Answer
from ccbill.tables import Mask, Outcome

WITHIN = ("patient", "practitioner", "day")
Edition = tuple[int, int, list[list[str]]]  # first and last day in force, and the rows


@cache
def editions(name: str) -> list[Edition]:
    """The dated tables of one name, oldest first."""
    found = []
    for file in (files("ccbill") / "edits").iterdir():
        table, _, day = file.name.removesuffix(".csv").partition(".")
        if table == name:
            rows = list(csv.reader(file.read_text(encoding="utf-8").splitlines()))[1:]
            found.append((date.fromisoformat(day).toordinal() - EPOCH, rows))
    found.sort(key=lambda edition: edition[0])
    ends = [*(first - 1 for first, _ in found[1:]), FOREVER]
    return [(first, last, rows) for (first, rows), last in zip(found, ends, strict=True)]


def apply_edits(work: Work) -> None:
    """Cuts units past their ceiling, and leaves out the second code of a pair never paid."""
    mine = [n for n, b in enumerate(work.decisions.billed) if b.plan is work.plan]
    for number in mine:
        _cut_units(work.decisions.billed[number])
    for number in mine:
        work.decisions.billed[number] = _without_pairs(work, work.decisions.billed[number])


def _cut_units(billed: Billed) -> None:
    for first, last, rows in editions("mue"):
        ceilings = {code: int(units) for code, units in rows}
        in_force = (billed.day >= first) & (billed.day <= last)
        for number, units in billed.earned.units.items():
            code = billed.service.bills[number].code
            over = in_force & (units > ceilings.get(code, np.iinfo(np.int64).max))
            if over.any():
                units[over] = ceilings[code]
                billed.notes.append((f"unit-limit: {code} is paid {ceilings[code]} times", over))


def _without_pairs(work: Work, billed: Billed) -> Billed:
    gone = np.zeros(len(billed.day), bool)
    codes = np.array([b.code for b in billed.service.bills], object)[billed.earned.head]
    for first, last, rows in editions("ncci-ptp"):
        in_force = (billed.day >= first) & (billed.day <= last)
        for code in np.unique(codes.astype(str)):
            for allowed in ("0", "1"):
                firsts = [a for a, b, modifier in rows if b == code and modifier == allowed]
                hit = in_force & (codes == code) & _on_one_day(work, billed, firsts)
                if allowed == "0":
                    gone |= hit
                elif hit.any():
                    billed.notes.append(("pair edit: paid with a modifier only", hit))
    why = "a pair edit: the code is not paid beside another of the day"
    answer = Answer(Outcome.LEFT_OUT, "not-with", billed.service.file, why, work.plan.edits)
    work.verdicts.say(answer, billed.groups.rows[gone[billed.groups.of]])
    return billed.only(~gone) if gone.any() else billed


def _on_one_day(work: Work, billed: Billed, codes: list[str]) -> Mask:
    """Which of the groups have one of the codes billed for their patient and day."""
    return beside(work.facts, billed.groups.first, codes, WITHIN, standing(work), billed.day)
