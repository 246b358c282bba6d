"""Decisions → claim lines: which claim each line is on, its date, its details and its price.

A claim is one patient, plan, billing NPI, rendering NPI, month and authorization. Its id is a hash
of that key alone, so that more minutes or another date never change it, and holds no patient data.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccbill.config import Practice, Settings
from ccbill.digests import SEPARATOR, digests, ids, numbers
from ccbill.drafts import AS_DRAFTED, LATEST, beside, drafts
from ccbill.fees import Fees
from ccbill.report.tables import CLAIMS
from ccbill.report.typed import STRING, strings
from ccbill.rules import say
from ccbill.rules.bill import month_end
from ccbill.rules.decisions import Billed, Decisions
from ccbill.rules.facts import Facts
from ccbill.stacked import ranks
from ccbill.tables import (
    BY_PAYER,
    PATIENT_FIELDS,
    TEXT,
    UNKNOWN,
    Ints,
    Mask,
    always,
    blank_text,
    categorical,
    is_blank,
    month_text,
    together,
    worded,
)

# What a payer will want on every claim, where the data or the practice can give it.
WANTED = (
    "member_id",
    "last_name",
    "first_name",
    "birth_date",
    "sex",
    "place_of_service",
    "diagnosis_1",
    "rendering_npi",
    "billing_npi",
    "billing_tin",
)
CLAIM = ("plan", "patient_id", "billing_npi", "rendering_npi", "month", "authorization_number")
CLAIM_DIGEST = hashlib.blake2b(digest_size=9, person=b"ccbill-claim")
PLANS = 1024  # more than there can be: a patient and a plan's number pack into one
MODIFIERS = ["modifier_1", "modifier_2", "modifier_3", "modifier_4"]
POINTERS = ("A", "AB", "ABC", "ABCD")
NOTHING = pa.scalar("", STRING)
DIAGNOSES = 12  # on a claim


@dataclass(frozen=True, slots=True)
class Claims:
    """Claim lines in the order of the contract, and the line of each activity that earned one.

    `lines` and `encounters` have the columns of CLAIMS, encounters without a charge. `line_of_row`
    is the place of the activity's base line in `lines`, -1 where the activity earned none.
    `uncharged` marks the lines whose payer takes them with a charge only, and that have none.
    """

    lines: pd.DataFrame
    encounters: pd.DataFrame
    line_of_row: Ints
    uncharged: Mask


def claims(
    facts: Facts, decisions: Decisions, settings: Settings, fees: Fees, today: int
) -> Claims:
    """Every claim line that the decisions bill, priced; `today` is days since 1970-01-01."""
    lines, drafts = _table(facts, decisions, decisions.billed, settings)
    encounters, listed = lines.iloc[:0], drafts.iloc[:0]
    if decisions.encounters:
        encounters, listed = _table(facts, decisions, decisions.encounters, settings)
    _price(lines, drafts, fees)
    encounters = encounters.assign(charge=UNKNOWN, expected_payment=UNKNOWN)
    encounters["notes"] = always("encounter", len(encounters))
    encounters["why"] = _listed(decisions, listed)
    for table in (lines, encounters):
        table["missing"] = _missing(table)
    lines["notes"] = _notes(lines, drafts, today)
    return Claims(
        lines[list(CLAIMS)],
        encounters[list(CLAIMS)],
        _line_of_row(facts, decisions, drafts),
        (drafts["charge_required"] & (lines["charge"] == UNKNOWN)).to_numpy(bool),
    )


def _table(
    facts: Facts, decisions: Decisions, billed: list[Billed], settings: Settings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The lines of these groups in the order of the contract, and beside each its draft."""
    drafted = drafts(facts, billed)
    table = _details(facts, drafted, settings)
    for name in BY_PAYER:
        if name in facts.activities:  # a ledger of an earlier edition has no group number there
            table[name] = _by_payer(facts, decisions, drafted["standing"].to_numpy(), name)
    table["claim_id"] = _claim_ids(table, drafted)
    order = np.lexsort(
        [
            drafted["addon"].to_numpy(bool),
            drafted["base"].array.codes,
            table["service_from"].to_numpy(),
            table["claim_id"].array.codes,
            ranks(table["patient_id"], blank=-1),
            table["plan"].array.codes,
        ]
    )
    table, drafted = (
        pd.DataFrame({name: each[name].array.take(order) for name in each}, copy=False)
        for each in (table, drafted)
    )
    claim = table["claim_id"].array.codes
    begins = np.append(True, claim[1:] != claim[:-1])[: len(claim)]
    before = np.flatnonzero(begins)[np.cumsum(begins) - 1]
    table["line"] = np.arange(1, len(claim) + 1, dtype=np.int32) - before.astype(np.int32)
    return table, drafted


def _details(facts: Facts, drafts: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The columns of CLAIMS that say who, when, for whom and what."""
    standing = drafts["standing"].to_numpy()
    patient = facts.codes("patient")[standing]
    table = pd.DataFrame(
        {
            "plan": drafts["plan"],
            "patient_id": facts.activities["patient"].iloc[standing].array,
            "billing_npi": facts.activities["practice"].iloc[standing].array,
            **{name: _taken(facts, drafts, name) for name in LATEST},
            **{name: facts.patients[name].array.take(patient) for name in PATIENT_FIELDS},
            **{name: drafts[name] for name in AS_DRAFTED},
            "service_from": drafts["day"].astype(np.int32),
            "service_to": drafts["day"].astype(np.int32),
            "month": month_text(drafts["day"].to_numpy()),
            "status": always("new", len(drafts)),
            "frequency_code": always("1", len(drafts)),
            "original_claim_number": blank_text(len(drafts)),
        },
        copy=False,
    )
    plans = table["plan"].array
    table["payer_id"] = worded([settings.payer_ids.get(p) for p in plans.categories], plans.codes)
    _practice_details(table, settings.practice)
    _diagnoses(table)
    return table


def _by_payer(facts: Facts, decisions: Decisions, standing: Ints, name: str) -> Any:
    """The member id, or the like, on the day of the work, else another of the patient's rows for
    that plan.

    One that only another plan's rows give is never taken.
    """
    ids = facts.activities[name].array
    codes = ids.codes
    if is_blank(codes):
        return blank_text(len(standing))
    key = facts.codes("patient").astype(np.int64) * PLANS + decisions.plan
    given = np.flatnonzero(codes >= 0)
    by_day = given[np.argsort(facts.numbers("service_date")[given], kind="stable")]
    latest = pd.Series(codes[by_day], key[by_day])
    latest = latest[~latest.index.duplicated(keep="last")]
    others = latest.reindex(key[standing]).fillna(-1).to_numpy(np.int64)
    own = codes[standing]
    return categorical(np.where(own >= 0, own, others), ids.categories)


def _taken(facts: Facts, drafts: pd.DataFrame, name: str) -> Any:
    rows = drafts[name].to_numpy()
    if is_blank(facts.codes(name)):
        return blank_text(len(rows))
    codes = np.append(facts.codes(name), -1)[rows]  # row -1 is the blank appended
    known: Any = facts.activities[name].dtype
    return pd.Categorical.from_codes(codes, dtype=known)


def _practice_details(table: pd.DataFrame, practice: Practice) -> None:
    """The practice's own numbers, on lines that bill under its NPI."""
    own = always(practice.rendering_npi, len(table))
    table["rendering_npi"] = _first_given(table["rendering_npi"], table["supervising_npi"], own)
    ours = np.ones(len(table), bool)
    if practice.npi:
        ours = (table["billing_npi"].isna() | (table["billing_npi"] == practice.npi)).to_numpy()
    table["billing_tin"] = worded([practice.tin], np.where(ours, 0, -1))
    table["billing_taxonomy"] = worded([practice.taxonomy], np.where(ours, 0, -1))
    renders = (table["rendering_npi"] == practice.rendering_npi).to_numpy()
    table["rendering_taxonomy"] = worded([practice.rendering_taxonomy], np.where(renders, 0, -1))


def _first_given(*columns: Any) -> Any:
    """The text of the first of these columns that has one."""
    words: list[str] = []
    numbers = np.full(len(columns[0]), -1, np.int64)
    for column in columns:
        text = pd.Categorical(column)
        codes = text.codes.astype(np.int64)
        numbers = np.where((numbers < 0) & (codes >= 0), len(words) + codes, numbers)
        words.extend(text.categories)
    return worded(words, numbers)


def _diagnoses(table: pd.DataFrame) -> None:
    """Up to twelve diagnoses in a column each, and the pointer to the first four."""
    given = table["diagnosis_codes"].array
    lists, codes = [str(c).split(";") for c in given.categories], given.codes
    for n in range(DIAGNOSES):
        nth = [codes_[n] if len(codes_) > n else None for codes_ in lists]
        table[f"diagnosis_{n + 1}"] = worded(nth, codes)
    table["diagnosis_pointer"] = worded([POINTERS[min(len(x), 4) - 1] for x in lists], codes)


def _claim_ids(table: pd.DataFrame, drafts: pd.DataFrame) -> Any:
    columns = [drafts["own_claim"], *(table[name] for name in CLAIM)]
    number, first = together(*columns)
    own, *rest = (strings(column.array.take(first)) for column in columns)
    key = pc.binary_join_element_wise(*rest, NOTHING, SEPARATOR, null_handling="replace")
    keys = pc.binary_join_element_wise(own, key, NOTHING, null_handling="replace")
    hashed = digests(keys, CLAIM_DIGEST)
    order = np.lexsort((hashed[:, -1], numbers(hashed)))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return categorical(place[number], pd.array(ids(hashed[order], "C"), dtype="str"))


def _price(table: pd.DataFrame, drafts: pd.DataFrame, fees: Fees) -> None:
    """Charges and expected payments in whole cents, UNKNOWN where there is none.

    The schedule's expected payment goes before the one that the payer's own text gives.
    """
    modifiers = modifier_sets(table)
    unit_charge, unit_expected = fees.of(
        table["plan"], table["payer"], table["code"], modifiers, table["service_from"].to_numpy()
    )
    units = table["units"].to_numpy()
    table["charge"] = np.where(unit_charge == UNKNOWN, UNKNOWN, unit_charge * units)
    unit_expected = np.where(unit_expected == UNKNOWN, drafts["pays"], unit_expected)
    expected = np.where(unit_expected == UNKNOWN, UNKNOWN, unit_expected * units)
    table["expected_payment"] = np.where(expected == UNKNOWN, drafts["pays_line"], expected)


def modifier_sets(table: pd.DataFrame) -> Any:
    """Each line's modifiers as one text, sorted, so that their order does not matter."""
    number, first = together(*(table[name] for name in MODIFIERS))
    texts = table[MODIFIERS].iloc[first].astype(object).fillna("")
    words = [" ".join(sorted(filter(None, each))) for each in texts.to_numpy(object)]
    return pd.Series(np.array(words, object)[number], table.index)


def _missing(table: pd.DataFrame) -> Any:
    lacks = np.zeros(len(table), np.int64)  # a bit for each field
    for n, name in enumerate(WANTED):
        if PATIENT_FIELDS.get(name, TEXT) != TEXT:
            blank = (table[name] == UNKNOWN).to_numpy(bool)
        else:
            words, codes = table[name].cat.categories, table[name].array.codes
            blank = np.append(words == "", True)[codes]  # as the NPI of an unnamed practice is
        lacks |= blank.astype(np.int64) << n
    which, sets = pd.factorize(lacks)
    texts = [", ".join(name for n, name in enumerate(WANTED) if each >> n & 1) for each in sets]
    return worded(texts, which)


def _notes(table: pd.DataFrame, drafts: pd.DataFrame, today: int) -> Any:
    listed = table["diagnosis_codes"].cat
    counts = np.array([*(len(codes.split(";")) for codes in listed.categories), 0])
    given = counts[listed.codes]
    said = [
        (f"diagnoses: {n} given, {DIAGNOSES} on the claim", given == n)
        for n in np.unique(counts[counts > DIAGNOSES])
    ]
    said.append(("month-not-over", month_end(table["service_from"].to_numpy()) >= today))
    said.append(("charge-missing", (table["charge"] == UNKNOWN).to_numpy(bool)))
    notes = drafts["line_notes"].array
    numbers, texts = beside([*notes.categories], notes.codes.astype(np.int64), said)
    return worded([text.removesuffix("; ") for text in texts], numbers)


def _listed(decisions: Decisions, drafts: pd.DataFrame) -> Any:
    """Why each encounter has no line of its own."""
    texts = [f"{say.encounter(billed.service)}." for billed in decisions.encounters]
    return worded([text[:1].upper() + text[1:] for text in texts], drafts["billed"].to_numpy())


def _line_of_row(facts: Facts, decisions: Decisions, drafts: pd.DataFrame) -> Ints:
    line_of_row = np.full(len(facts.activities), -1, np.int64)
    base = np.flatnonzero(~drafts["addon"].to_numpy())
    of_billed, of_group = (drafts[name].to_numpy()[base] for name in ("billed", "group"))
    for number, billed in enumerate(decisions.billed):
        mine = of_billed == number
        line_of_group = np.empty(len(billed.groups.starts), np.int64)
        line_of_group[of_group[mine]] = base[mine]
        line_of_row[billed.groups.rows] = line_of_group[billed.groups.of]
    return line_of_row
