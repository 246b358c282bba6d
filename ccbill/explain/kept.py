"""The log of a run as the ledger keeps it: the patient's part, quickly, and what was submitted."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ccbill.config import Settings
from ccbill.errors import CcbillError, Exit, Message
from ccbill.explain.decide import Log
from ccbill.explain.part import hangs_on_training, needs_others
from ccbill.fees import FOREVER, Fees
from ccbill.intake.activities import COLUMN_OF
from ccbill.intake.columns import STAFF_ONLY
from ccbill.ledger import packed
from ccbill.ledger.standing import CASE, blob, first_counted, history, other_ids
from ccbill.ledger.store import Ledger
from ccbill.rules.facts import Facts
from ccbill.rules.model import Plan
from ccbill.rules.payers import plan_of_rows
from ccbill.rules.prior import History
from ccbill.tables import KEYS, PATIENT_FIELDS, ROW_FIELDS, TEXT, UNKNOWN

KINDS = {**KEYS, **ROW_FIELDS, "member_id": TEXT}
DECIDED = ("outcome", "problem")


@dataclass(frozen=True, slots=True)
class Run:
    """One run's kept tables; that of its activities is read by the column."""

    ledger: Ledger
    number: int
    record: Mapping[str, Any]
    file: pq.ParquetFile

    def rows(self, names: Sequence[str], patient: str | None = None) -> pa.Table:
        """These columns of the patient's activities, of all where it is None.

        A column with one value is not read for it: the file's own statistics say it.
        """
        found = {name: self._only_value(name) for name in names}
        varied = dict.fromkeys(["patient", *(n for n, value in found.items() if value is None)])
        groups = self._groups_of(patient)
        table = self.file.read_row_groups(groups, columns=[*varied], use_threads=False)
        if patient is not None:
            table = table.filter(_equal(table.column("patient"), patient))
        return pa.table(
            {
                name: table.column(name)
                if value is None
                else pa.chunked_array([pa.repeat(value, table.num_rows)])
                for name, value in found.items()
            }
        )

    def is_so(self, column: str, value: Any) -> Any:
        """Which activities have this value."""
        read = self.file.read(columns=[column], use_threads=False)
        return _equal(read.column(0), value)

    def _groups_of(self, patient: str | None) -> list[int]:
        """The groups of rows among which the patient's are."""
        if patient is None:
            return [*range(self.file.metadata.num_row_groups)]
        return [
            n
            for n, each in enumerate(self._said("patient"))
            if each is None or not each.has_min_max or each.min <= patient <= each.max
        ]

    def _said(self, name: str) -> list[Any]:
        """What the file says of a column's values in each group of rows, None where it doesn't."""
        at = self.file.schema_arrow.get_field_index(name)
        about = self.file.metadata
        return [about.row_group(n).column(at).statistics for n in range(about.num_row_groups)]

    def _only_value(self, name: str) -> Any:
        """The one value of a column, None where it may have several."""
        kind = self.file.schema_arrow.field(name).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        groups = self._said(name)
        if not groups or name == "patient" or any(each is None for each in groups):
            return None
        if sum(each.null_count for each in groups) == self.file.metadata.num_rows:
            return pa.scalar(None, kind)
        if any(each.null_count or not each.has_min_max for each in groups):
            return None
        ends = {end for each in groups for end in (each.min, each.max)}
        return pa.scalar(ends.pop(), kind) if len(ends) == 1 else None

    @property
    def given(self) -> frozenset[str]:
        """The fields that some input of the run had a column for."""
        roles = {each["name"]: each["role"] for each in self.record["inputs"]}
        field_of = {column: field for field, column in COLUMN_OF.items()} | {"staff_name": "staff"}
        columns = {
            each["column"]
            for each in self.record["mapping"]
            if roles.get(each["file"]) != "activities" or each["column"] not in STAFF_ONLY
        }
        fields = {field_of.get(column, column) for column in columns}
        return frozenset(fields & (ROW_FIELDS.keys() | PATIENT_FIELDS.keys()))


def run_of(ledger: Ledger, number: int | None) -> Run:
    """A run that read exports, the last one where none is named."""
    query = "SELECT run, record FROM runs WHERE kind = 'run' AND coalesce(run = ?, 1)"
    row = ledger.db.execute(f"{query} ORDER BY run DESC LIMIT 1", (number,)).fetchone()
    if row is None:
        what = "there is no run" if number is None else f"there is no run {number} of an export"
        fix = "see the runs with: ccbill ledger runs, or name an export"
        raise CcbillError(Exit.INPUT, Message("ledger", what, "Nothing was explained.", fix))
    texts = [name for name, kind in KINDS.items() if kind == TEXT]
    more = [f"decided_{name}" for name in (*DECIDED, "claim_id")]
    file = _file(ledger, row[0], "activities", [*texts, *more])
    return Run(ledger, int(row[0]), json.loads(row[1]), file)


def _file(ledger: Ledger, run: int, name: str, texts: Sequence[str]) -> pq.ParquetFile:
    content = blob(ledger, run, name)
    assert content is not None
    return packed.opened(content, texts)


def _equal(column: pa.ChunkedArray, value: Any) -> Any:
    return pc.fill_null(pc.equal(column, value), False)


def patient_of(run: Run, asked: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The patient and the problem of the first activity with these values, None for none."""
    marks = [run.is_so(name, value) for name, value in asked.items()]
    found = run.rows(["patient", "problem"]).filter(functools.reduce(pc.and_, marks))
    if not len(found):
        return None, None
    return found.column("patient")[0].as_py(), found.column("problem")[0].as_py()


def called(run: Run, patient: str) -> str:
    """The id that the run has for the patient: the one given, or another of the same person."""
    for each in [patient, *other_ids(run.ledger, patient)]:
        if len(run.rows(["patient"], each)):
            return each
    return patient


def log_of(
    run: Run, patient: str, plans: Sequence[Plan], settings: Settings, fees: Fees | None, today: int
) -> Log:
    """The part of the run's log that decides the patient."""
    facts = _facts(run, run.rows([*KINDS], patient))
    number, _ = plan_of_rows(facts, plans, settings.payers)
    if hangs_on_training(facts, plans, number) or needs_others(plans, number):
        facts = _facts(run, run.rows([*KINDS]))
        number, _ = plan_of_rows(facts, plans, settings.payers)
    return Log(
        facts,
        plans,
        number,
        settings,
        _prices(run, patient) if fees is None else fees,
        today,
        _history(run, patient),
    )


def _facts(run: Run, table: pa.Table) -> Facts:
    """Rows of the run, and their patients, as they were read."""
    columns = {name: packed.column(table.column(name), kind) for name, kind in KINDS.items()}
    activities = pd.DataFrame(columns, copy=False)
    names = pd.Index(activities["patient"].cat.categories)
    file = _file(run.ledger, run.number, "patients", [])
    kept = file.read(columns=["patient", *PATIENT_FIELDS], use_threads=False)
    place = pd.Index(kept.column("patient").to_pandas().astype(str)).get_indexer(names)
    kept = kept.take(pa.array(place))
    patients = {n: packed.column(kept.column(n), kind) for n, kind in PATIENT_FIELDS.items()}
    return Facts(activities, pd.DataFrame(patients, copy=False), run.given)


def _table(run: Run, name: str, patient: str, columns: Sequence[str]) -> pd.DataFrame:
    """The patient's lines of another of the run's tables."""
    file = _file(run.ledger, run.number, name, ["patient_id"])
    table = file.read(columns=[*columns], use_threads=False)
    return table.filter(_equal(table.column("patient_id"), patient)).to_pandas(use_threads=False)


def _prices(run: Run, patient: str) -> Fees:
    """The patient's charges as the run had them, a unit each."""
    lines = _table(run, "claims", patient, ["patient_id", "plan", "code", "units", "charge"])
    lines = lines[(lines["charge"] != UNKNOWN).to_numpy(bool)]
    lines = lines.drop_duplicates(["plan", "code"])
    table = {
        "for": lines["plan"].astype(object),
        "code": lines["code"].astype(object),
        "modifiers": "",
        "charge": lines["charge"] // lines["units"].clip(lower=1),
        "expected": UNKNOWN,
        "first_day": UNKNOWN,
        "last_day": FOREVER,
    }
    return Fees(pd.DataFrame(table)) if len(lines) else Fees.none()


def _history(run: Run, patient: str) -> History:
    spoken = _table(run, "cases", patient, CASE)
    others, own = history(run.ledger, [patient], spoken)
    return History(others, first_counted(run.ledger), own)


def said(run: Run, patient: str) -> dict[tuple[str, int], tuple[str | None, ...]]:
    """What the run itself said of each of the patient's rows, by file and row: see DECIDED."""
    decided = [f"decided_{name}" for name in DECIDED]
    theirs = run.rows(["file", "row", *decided], patient)
    columns = [theirs.column(name).to_pylist() for name in decided]
    places = zip(theirs.column("file").to_pylist(), theirs.column("row").to_pylist(), strict=True)
    return dict(zip(places, zip(*columns, strict=True), strict=True))
