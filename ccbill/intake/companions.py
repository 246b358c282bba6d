"""What the patients file and the staff file say, put onto the rows of work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from ccbill import vocabulary
from ccbill.config import Settings
from ccbill.errors import CcbillError, Exit, Message
from ccbill.intake import details, words
from ccbill.intake.activities import Rows
from ccbill.intake.checks import NOTHING
from ccbill.intake.columns import ROW_DETAILS
from ccbill.intake.parts import Part
from ccbill.intake.text import Text, blank
from ccbill.tables import BY_PAYER, DAY, ROW_FIELDS, UNKNOWN, Mask, unknowns

Whole = npt.NDArray[np.int32]
NAMES = 10_000  # more than there are plans: numbers from here on are of names that no plan has


def places(values: Any, among: Any) -> Whole:
    """Where each value first stands in another array, -1 where it does not."""
    found = pc.index_in(values, among)
    return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int32)


def _line_of(text: Text, count: int) -> Whole:
    """The first line that holds each distinct value."""
    first = np.full(len(text.values), count, np.int32)
    said = np.flatnonzero(~text.blank)
    np.minimum.at(first, text.codes[said], said.astype(np.int32))
    return first


def add_staff(rows: Rows, staff: Part | None) -> None:
    """Names the member of staff, and adds credential, training and scope of service.

    The row's own credential wins. A member is found by id, else by name in any case.
    """
    name, own = rows.get("staff_name"), rows.get("staff_id")
    rows.text["staff_id"] = own.filled(name)
    unknown = np.zeros(len(rows), bool)
    if staff is not None:
        _refuse_unlike(staff)
        line = _staff_lines(rows, staff)
        ids = _of_line(staff.text.get("staff_id"), line)
        rows.text["staff_id"] = own.filled(ids).filled(name)
        credential = rows.get("credential")
        held = staff.held.get("credential", [])
        for problem, lines in held:
            if problem == "credential-not-known":
                unknown = np.append(lines, False)[line] & credential.blank
        rows.text["credential"] = credential.filled(_of_line(staff.text.get("credential"), line))
        rows.text["scope_of_service"] = _of_line(staff.text.get("scope_of_service"), line)
        rows.text["supervising_npi"] = _own_npi(rows, _of_line(staff.text.get("npi"), line))
        trained = staff.whole.get("training_date", unknowns(len(staff.table.rows)))
        rows.whole["training_date"] = np.append(trained, np.int32(UNKNOWN))[line]
    rows.hold("credential", "credential-not-known", unknown)


def _own_npi(rows: Rows, npi: Text) -> Text:
    """The NPI of staff who may report a service under it, blank for clinical staff."""
    groups = vocabulary.credentials()
    credential = rows.get("credential")
    reports = [groups.get(w.split(", ")[0]) in ("physician", "app") for w in credential.words()]
    return npi.cleared(~credential.spread(np.array(reports, bool), False))


def _of_line(text: Text | None, line: Whole) -> Text:
    """The companion's cell for each row, blank where no line of it belongs to the row."""
    if text is None:
        return blank(len(line))
    return Text(np.append(text.codes, text.codes.dtype.type(-1))[line], text.values)


def _staff_lines(rows: Rows, staff: Part) -> Whole:
    count = len(staff.table.rows)
    line = np.full(len(rows), -1, np.int32)
    for column in ("staff_name", "staff_id"):  # an id decides over a name
        ours, theirs = rows.get(column), staff.text.get(column)
        if theirs is None:
            continue
        if column == "staff_name":
            ours = ours.translated(words.folded(ours.values))
            theirs = theirs.translated(words.folded(theirs.values))
        at = places(ours.values, theirs.values)
        first = np.append(_line_of(theirs, count), np.int32(-1))[at]
        found = ours.spread(first.astype(np.int32), -1)
        line = np.where(found >= 0, found, line)
    return line


def _refuse_unlike(staff: Part) -> None:
    """Stops the run where one member of staff stands on two lines that say different things."""
    rows = len(staff.table.rows)
    said = pd.DataFrame(
        {
            "id": staff.text.get("staff_id", blank(rows)).codes,
            "name": staff.text.get("staff_name", blank(rows)).codes,
            "credential": staff.text["credential"].codes,
            "scope": staff.text.get("scope_of_service", blank(rows)).codes,
            "trained": staff.whole.get("training_date", unknowns(rows)),
        }
    )
    key = "id" if "staff_id" in staff.text else "name"
    once = said[said[key] >= 0].drop_duplicates([key, "credential", "scope", "trained"])
    again = once.index[once[key].duplicated()]
    if len(again):
        raise CcbillError(
            Exit.INPUT,
            *(
                Message(
                    staff.table.place(int(staff.table.rows[at])),
                    "names a member of staff again, with another credential, training or scope",
                    NOTHING,
                    "keep one line for each member of staff",
                )
                for at in again[:5]
            ),
        )


def add_patients(rows: Rows, file: Part | None, plan_of: Mapping[str, int]) -> Whole:
    """Fills what the rows leave blank, and decides payer and member id by the day of service.

    Gives the patient of each line of the file, as a code of the rows' `patient_id`. `plan_of` are
    the plans of payers' names: names of one plan are one payer.
    """
    patient = np.zeros(0, np.int32)
    if file is not None:
        patient = _patients_of(rows, file)
        chosen = _covering(rows, file, patient)
        _payer(rows, file, patient, chosen)
        _by_payer(rows, file, patient, chosen, plan_of)
        for column in ROW_DETAILS:
            if column != "payer":
                _fill(rows, file, patient, chosen, column)
    return patient


def panel(file: Part, settings: Settings) -> pd.DataFrame:
    """The patients file's lines that name a patient: `patient`, and `payer` where it says one."""
    payer = file.text.get("payer", blank(len(file.table.rows)))
    if "payer" in settings.defaults:
        payer = payer.filled_with(settings.defaults["payer"])
    who = file.text["patient_id"]
    table = pd.DataFrame({"patient": who.categorical(), "payer": payer.categorical()})
    return table[~who.blank]


def _patients_of(rows: Rows, file: Part) -> Whole:
    ours, theirs = rows.text["patient_id"], file.text["patient_id"]
    return theirs.spread(places(theirs.values, ours.values), -1)


def _covering(rows: Rows, file: Part, patient: Whole) -> Whole:
    """The line of the file whose payer and dates cover each row, -1 where none does.

    Where several do, the one that begins last; that they name different payers is noted.
    """
    lines = len(patient)
    begin, end = (file.whole.get(name, unknowns(lines)) for name in ("from", "to"))
    payer = file.text.get("payer", blank(lines)).sorted()
    told = [file.cells(name) for name in ("from", "to")]
    unread = np.zeros(lines, bool)
    for cells, found in zip(told, (begin, end), strict=True):
        unread |= ~cells.blank & (found == UNKNOWN) if cells is not None else False
    dated = ~payer.blank & ~unread & ((begin != UNKNOWN) | (end != UNKNOWN)) & (patient >= 0)
    at = np.flatnonzero(dated)
    at = at[np.lexsort((payer.codes[at], end[at], begin[at], patient[at]))]
    chosen = np.full(len(rows), -1, np.int32)
    several = np.zeros(len(rows), bool)
    day = rows.days("service_date")
    until = np.where(end == UNKNOWN, np.iinfo(np.int32).max, end)
    for nth in _by_rank(patient, at, len(rows.text["patient_id"].values)):
        line = np.append(nth, np.int32(-1))[rows.text["patient_id"].codes]
        covers = (line >= 0) & (day != UNKNOWN) & (day >= begin[line]) & (day <= until[line])
        several |= covers & (chosen >= 0) & (payer.codes[line] != payer.codes[chosen])
        chosen = np.where(covers, line, chosen)
    what = "the patients file names two payers for the day: the one that begins last counts"
    rows.note("payer-differs", several, what, "correct the dates in the patients file")
    return chosen


def _by_rank(patient: Whole, lines: npt.NDArray[np.intp], count: int) -> list[Whole]:
    """Everyone's first line, everyone's second, …: by patient, -1 where there is none."""
    nth = pd.Series(patient[lines]).groupby(patient[lines]).cumcount().to_numpy()
    found = []
    for rank in range(int(nth.max(initial=-1)) + 1):
        line = np.full(count, -1, np.int32)
        of_rank = lines[nth == rank]
        line[patient[of_rank]] = of_rank
        found.append(line)
    return found


def _undated(file: Part) -> Mask:
    """The lines that say nothing about when."""
    rows = np.ones(len(file.table.rows), bool)
    for name in ("from", "to"):
        cells = file.cells(name)
        if cells is not None:
            rows &= cells.blank
    return rows


def _per_patient(rows: Rows, file: Part, patient: Whole, text: Text) -> Text:
    """A column of the file for each row of work, the line that begins last deciding."""
    cells = text.sorted()
    count = len(rows.text["patient_id"].values)
    begin = file.whole.get("from", unknowns(len(patient)))
    codes, _ = details.settled(patient, begin, cells.codes, -1, count, False)
    return Text(np.append(codes, np.int32(-1))[rows.text["patient_id"].codes], cells.values)


def _payer(rows: Rows, file: Part, patient: Whole, chosen: Whole) -> None:
    """The payer: of the line that covers the day, else the row's own, else undated.

    What the row says besides of a payer that the file does not name for the day is not used.
    """
    own, covered = rows.get("payer"), _of_line(file.text.get("payer"), chosen)
    rows.whole["payer_to"] = np.append(
        file.whole.get("to", unknowns(len(patient))), np.int32(UNKNOWN)
    )[chosen]
    differ = _unlike(own, covered)
    what = "the patients file names another payer for the day, and its payer counts"
    rows.note("payer-differs", differ, what, "correct the export or the patients file", "payer")
    for column in BY_PAYER:
        rows.text[column] = rows.get(column).cleared(differ)
    if "payer" in file.text:
        rest = _per_patient(rows, file, patient, file.text["payer"].cleared(~_undated(file)))
        rows.text["payer"] = covered.filled(own).filled(rest)


def _by_payer(
    rows: Rows, file: Part, patient: Whole, chosen: Whole, plan_of: Mapping[str, int]
) -> None:
    """What each payer gives the patient: of the line that covers the day, else the row's own, else
    of an undated line that names the row's payer or none."""
    payer, theirs = rows.get("payer"), file.text.get("payer", blank(len(patient)))
    numbers = dict(plan_of)
    ours = payer.spread(_payer_numbers(payer, numbers), -1)
    named = theirs.spread(_payer_numbers(theirs, numbers), -1)
    undated = _undated(file) & (patient >= 0)
    for column in BY_PAYER:
        if column not in file.text:
            continue
        cells = file.text[column].sorted()
        at = np.flatnonzero(undated & ~cells.blank)
        at = at[np.lexsort((cells.codes[at], named[at], patient[at]))]
        found = np.full(len(rows), -1, np.int32)
        for nth in _by_rank(patient, at, len(rows.text["patient_id"].values)):
            line = np.append(nth, np.int32(-1))[rows.text["patient_id"].codes]
            fits = (line >= 0) & ((named[line] < 0) | (named[line] == ours))
            found = np.where(fits, line, found)
        own = rows.get(column)
        rows.text[column] = _of_line(cells, chosen).filled(own).filled(_of_line(cells, found))


def _payer_numbers(payers: Text, numbers: dict[str, int]) -> Whole:
    """A number for each name, the same for the names of one plan; a name met first gets one."""
    names = [" ".join(name.split()).casefold() for name in payers.words()]
    return np.array([numbers.setdefault(n, NAMES + len(numbers)) for n in names], np.int32)


def _unlike(own: Text, other: Text) -> Mask:
    """The rows on which both say something, in different words."""
    ours, theirs = (t.translated(words.folded(t.values)) for t in (own, other))
    place = places(ours.values, theirs.values)
    return ~ours.blank & ~theirs.blank & (ours.spread(place, -1) != theirs.codes)


def _fill(rows: Rows, file: Part, patient: Whole, chosen: Whole, column: str) -> None:
    """A detail that the row leaves blank: of the line that covers the day, else of the patient.

    The patient's practitioner is kept apart: who supervises and took no part in the row's work.
    """
    own = "supervising_npi" if column == "rendering_npi" else column
    if ROW_FIELDS.get(column) == DAY:
        if column in file.whole:
            its = file.whole[column]
            covering = np.append(its, np.int32(UNKNOWN))[chosen]
            count = len(rows.text["patient_id"].values)
            begin = file.whole.get("from", unknowns(len(patient)))
            any_, _ = details.settled(patient, begin, its, UNKNOWN, count, False)
            last = np.append(any_, np.int32(UNKNOWN))[rows.text["patient_id"].codes]
            ours = rows.days(column)
            found = np.where(ours != UNKNOWN, ours, np.where(covering != UNKNOWN, covering, last))
            rows.whole[column] = found
    elif column in file.text:
        covering_text = _of_line(file.text[column], chosen)
        last_text = _per_patient(rows, file, patient, file.text[column])
        rows.text[own] = rows.get(own).filled(covering_text).filled(last_text)
