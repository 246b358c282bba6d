"""What is true of a patient, settled from rows that may disagree, in any order of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccbill.errors import counted
from ccbill.intake.activities import Rows
from ccbill.intake.parts import Part
from ccbill.intake.text import Text, blank
from ccbill.tables import BY_PAYER, DAY, PATIENT_FIELDS, UNKNOWN, Mask, is_blank, unknowns

Whole = npt.NDArray[np.int32]

EARLIEST = ("consent_date", "enrollment_date")
COMPLEXITY = ("straightforward", "low", "moderate", "high")


def patients_table(rows: Rows, file: Part | None, file_patient: Whole) -> pd.DataFrame:
    """PATIENT_FIELDS, one line per patient: the earliest consent and enrollment, else the latest.

    The export speaks first, by service date; the patients file where the export says nothing.
    `file_patient` is the patient of each line of that file, as a code of `patient_id`.
    """
    patients = len(rows.text["patient_id"].values)
    table: dict[str, Any] = {}
    for name, kind in PATIENT_FIELDS.items():
        if kind == DAY:
            table[name] = _days(rows, file, file_patient, name, patients)
        else:
            table[name] = _text(rows, file, file_patient, name, patients).categorical()
    index = pd.Index(rows.text["patient_id"].values.to_numpy(zero_copy_only=False), dtype=str)
    return pd.DataFrame(table, index=index, copy=False)


def _days(rows: Rows, file: Part | None, file_patient: Whole, name: str, count: int) -> Whole:
    earliest = name in EARLIEST
    who, when = rows.text["patient_id"].codes, rows.days("service_date")
    own, differ = settled(who, when, rows.days(name), UNKNOWN, count, earliest)
    its = unknowns(count)
    if file is not None and name in file.whole:
        since = file.whole.get("from", unknowns(len(file_patient)))
        its, several = settled(file_patient, since, file.whole[name], UNKNOWN, count, earliest)
        differ |= several
    both = (own != UNKNOWN) & (its != UNKNOWN)
    found = np.where(own != UNKNOWN, own, its)
    if earliest:
        found = np.where(both, np.minimum(own, its), found)
    _note(rows, name, differ | (both & (own != its)))
    return found


def _text(rows: Rows, file: Part | None, file_patient: Whole, name: str, count: int) -> Text:
    who, when = rows.text["patient_id"].codes, rows.days("service_date")
    cells = rows.get(name).sorted()
    codes, differ = settled(who, when, cells.codes, -1, count, False)
    own, its = Text(codes, cells.values), blank(count)
    if file is not None and name in file.text:
        cells = file.text[name].sorted()
        since = file.whole.get("from", unknowns(len(file_patient)))
        found, several = settled(file_patient, since, cells.codes, -1, count, False)
        its = Text(found, cells.values)
        differ |= several & own.blank
    if name not in BY_PAYER:  # a change of payer is no disagreement
        _note(rows, name, differ | _unlike(own, its))
    return own.filled(its)


def _unlike(own: Text, its: Text) -> Mask:
    places = pc.index_in(own.values, its.values)
    same = pc.fill_null(places, -1).to_numpy(zero_copy_only=False).astype(np.int32)
    return ~own.blank & ~its.blank & (own.spread(same, -1) != its.codes)


def _note(rows: Rows, name: str, patients: Mask) -> None:
    number = int(patients.sum())
    if number:
        which = "earliest" if name in EARLIEST else "latest"
        what = (
            f"{name} has more than one value for {counted(number, 'patient')}: the {which} counts"
        )
        held = np.append(patients, False)[rows.text["patient_id"].codes]
        rows.note("patient-details-differ", held, what, "correct it in the record", name)


def settled(
    who: Whole, when: Whole, value: Whole, none: int, count: int, earliest: bool
) -> tuple[Whole, Mask]:
    """Each patient's value, and which patients have several.

    Of several, the lowest where `earliest`; else that of the latest day, and the highest of that
    day. `none` is the value that says nothing.
    """
    found, differ = np.full(count, none, np.int32), np.zeros(count, bool)
    if is_blank(value, none):
        return found, differ
    said = np.flatnonzero((who >= 0) & (value != none))
    if not len(said):
        return found, differ
    pairs = pd.unique((who[said].astype(np.int64) << 32) + value[said] + 2**31)
    patient, its = (pairs >> 32).astype(np.int32), ((pairs & 0xFFFFFFFF) - 2**31).astype(np.int32)
    found[patient] = its
    differ = np.bincount(patient, minlength=count) > 1
    if earliest:
        found[differ] = np.iinfo(np.int32).max
        np.minimum.at(found, patient, its)
        return found, differ
    unclear = said[differ[who[said]]]
    order = unclear[np.lexsort((value[unclear], when[unclear], who[unclear]))]
    found[who[order]] = value[order]  # the last one written stays
    return found, differ


def by_month(rows: Rows) -> None:
    """Gives every row of a patient and month its highest `mdm` and the union of its diagnoses."""
    if not {"mdm", "diagnosis_codes"} & rows.text.keys():
        return
    who, when = rows.text["patient_id"].codes, rows.days("service_date")
    months = np.where(when == UNKNOWN, 0, when).astype("datetime64[D]").astype("datetime64[M]")
    key = who.astype(np.int64) * 4096 + np.clip(months.astype(np.int64) + 2048, 0, 4095)
    known = (who >= 0) & (when != UNKNOWN)
    if "mdm" in rows.text:
        _highest_mdm(rows, key, known)
    if "diagnosis_codes" in rows.text:
        rows.text["diagnosis_codes"] = _tidy_diagnoses(rows.text["diagnosis_codes"])
        _united_diagnoses(rows, key, known, when)


def _highest_mdm(rows: Rows, key: npt.NDArray[np.int64], known: Mask) -> None:
    cells = rows.text["mdm"]
    rank = np.array([COMPLEXITY.index(w) if w in COMPLEXITY else -1 for w in cells.words()], int)
    ranks = cells.spread(rank, -1)
    at = np.flatnonzero(known)
    group, _ = pd.factorize(key[at])
    best = np.full(int(group.max(initial=-1)) + 1, -1)
    np.maximum.at(best, group, ranks[at])
    highest = np.full(len(rows), -1)
    highest[at] = best[group]
    differ = (ranks >= 0) & (highest != ranks)
    rows.note("patient-details-differ", differ, "mdm: the highest of the month counts", "", "mdm")
    levels = Text(highest.astype(np.int32), pa.array(COMPLEXITY, pa.string()))
    rows.text["mdm"] = levels.filled(cells.cleared(ranks >= 0))


def _tidy_diagnoses(cells: Text) -> Text:
    """Each cell's codes in capitals, each once, in its order, with `;` between them."""
    codes = pc.split_pattern_regex(pc.utf8_upper(cells.values), r"[;,|\s]+")
    tidy = [";".join(filter(None, dict.fromkeys(found))) for found in codes.to_pylist()]
    return cells.translated(tidy)


def _united_diagnoses(rows: Rows, key: npt.NDArray[np.int64], known: Mask, when: Whole) -> None:
    """Rewrites the diagnoses of months in which a patient's rows name different ones.

    The last row's stand first and in its order, since the first of them is the principal one.
    """
    cells = rows.text["diagnosis_codes"].sorted()
    at = np.flatnonzero(known & ~cells.blank)
    if not len(at):
        return
    which, pairs = pd.factorize(key[at] * len(cells.values) + cells.codes[at])
    months, cell = np.divmod(pairs, len(cells.values))
    again = pd.Series(months).duplicated(keep=False).to_numpy()
    if not again.any():
        rows.text["diagnosis_codes"] = _month_fill(cells, key, known)
        return
    last = np.full(len(pairs), UNKNOWN, np.int32)
    np.maximum.at(last, which, when[at])
    order = np.lexsort((-cell, -last.astype(np.int64), months))
    order = order[again[order]]
    lists = pc.split_pattern(cells.values, ";").take(pa.array(cell[order]))
    each = months[order][pc.list_parent_indices(lists).to_numpy()]
    coded = lists.flatten().dictionary_encode()
    named = pd.DataFrame({"key": each, "code": coded.indices.to_numpy()}).drop_duplicates()
    groups, first = np.unique(named["key"].to_numpy(), return_index=True)
    offsets = pa.array(np.append(first, len(named)).astype(np.int32))
    codes = coded.dictionary.take(pa.array(named["code"].to_numpy()))
    united = pc.binary_join(pa.ListArray.from_arrays(offsets, codes), ";")
    place = pd.Index(groups).get_indexer(pd.Index(key))
    place[~known] = -1
    changed = (place >= 0) & known
    what = "diagnosis_codes: the union of the month counts, in the order of its last row"
    rows.note("patient-details-differ", changed & ~cells.blank, what, "", "diagnosis_codes")
    rewritten = Text(np.where(changed, place, -1).astype(np.int32), united)
    rest = _month_fill(cells.cleared(changed), key, known)
    rows.text["diagnosis_codes"] = merged_text(rewritten).filled(rest)


def _month_fill(cells: Text, key: npt.NDArray[np.int64], known: Mask) -> Text:
    """Blank cells take what the patient's other rows of the month say."""
    wanting = np.flatnonzero(known & cells.blank)
    if not len(wanting):
        return cells
    said = np.flatnonzero(known & ~cells.blank)
    by_key = pd.Series(cells.codes[said], index=key[said])
    by_key = by_key[~by_key.index.duplicated()]
    place = by_key.index.get_indexer(pd.Index(key[wanting]))
    codes = cells.codes.copy()
    codes[wanting] = np.where(place >= 0, by_key.to_numpy()[place], -1) if len(by_key) else -1
    return Text(codes, cells.values)


def merged_text(text: Text) -> Text:
    """The column with equal values made one."""
    return text.translated(text.values)
