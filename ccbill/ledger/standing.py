"""What stands: the submitted lines of the cases that a run speaks for, and of other cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from ccbill.ledger.packed import unpacked
from ccbill.ledger.store import Ledger
from ccbill.report.tables import CLAIMS, TEXT
from ccbill.tables import UNKNOWN, blank_text

CASE = ["patient_id", "plan", "practice", "month"]  # practice is '' where it is unnamed
HISTORY = [
    *("plan", "patient_id", "practice", "rendering_npi", "service_from", "month", "code"),
    *("modifiers", "units", "rule", "authorization_number"),
]
# A cross join has SQLite begin with the few that are wanted, and not with all lines.
_LIVE = """
    FROM temp.wanted w
    CROSS JOIN lines l ON l.patient_id = w.patient_id
    CROSS JOIN claims c ON c.claim_id = l.claim_id AND c.run = l.run
"""


def aliases(ledger: Ledger) -> dict[str, str]:
    """The id that each merged id leads to."""
    return dict(ledger.db.execute("SELECT old, new FROM aliases"))


def merged(known: Mapping[str, str], old: str, new: str) -> dict[str, str]:
    """The ids that lead to another once `old` is `new`."""
    last = known.get(new, new)
    return {each: last if to == old else to for each, to in known.items()} | {old: last}


def other_ids(ledger: Ledger, patient: str) -> list[str]:
    """The further ids of the patient, after merging."""
    known = aliases(ledger)
    one = known.get(patient, patient)
    ids = {one, *(old for old, new in known.items() if new == one)}
    return sorted(ids - {patient})


def person(ids: pd.Series[str], known: Mapping[str, str]) -> pd.Series[str]:
    """The one id of each patient who may have several."""
    texts = ids.astype(object)
    return texts.map(known).fillna(texts) if known else texts


def filled(column: pd.Series[str]) -> pd.Series[str]:
    """A text column with '' for a blank."""
    return column.astype(object).where(column.notna(), "").astype(str)


def texts(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Text columns of a table, with '' for blanks."""
    return pd.DataFrame({name: filled(table[name]) for name in names}, index=table.index)


def _want(ledger: Ledger, patients: Iterable[str], known: Mapping[str, str]) -> None:
    """Puts these patients, under every id that they have, into a table to join with."""
    people = {known.get(patient, patient) for patient in patients}
    ids = people | {old for old, new in known.items() if new in people}
    ledger.db.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (patient_id TEXT PRIMARY KEY)")
    ledger.db.execute("DELETE FROM temp.wanted")
    ledger.db.executemany("INSERT INTO temp.wanted VALUES (?)", ((each,) for each in sorted(ids)))


def standing(ledger: Ledger, cases: pd.DataFrame) -> pd.DataFrame:
    """The submitted lines of these cases (CASE) as they were sent, and their run and place in it.

    Besides CLAIMS there are `run`, `n`, `key`, `person`, `practice` (the case's own) and `loose`:
    from an import, whose blanks are not known to be blanks. A line whose practice is unnamed
    belongs to every practice's case.
    """
    known = aliases(ledger)
    _want(ledger, cases["patient_id"].astype(str).unique(), known)
    query = f"SELECT l.run, l.n, l.key, l.patient_id, l.plan, l.practice, l.month {_LIVE}"
    found = pd.DataFrame(
        ledger.db.execute(query).fetchall(),
        columns=["run", "n", "key", "patient_id", "plan", "practice", "month"],
    )
    found["person"] = person(found.pop("patient_id"), known)
    spoken = cases.assign(person=person(cases["patient_id"], known))
    spoken = spoken[["person", "plan", "practice", "month"]].astype(object)
    both = found.merge(spoken, on=["person", "plan", "month"], suffixes=("_then", ""))
    fits = (both["practice_then"] == both["practice"]) | (both["practice_then"] == "")
    both = both[fits].drop_duplicates(["run", "n"]).sort_values(["run", "n"], ignore_index=True)
    runs = both["run"].unique().tolist()
    parts = [_as_sent(ledger, run, both[both["run"] == run]) for run in runs]
    return pd.concat(parts, ignore_index=True) if parts else _none()


def _as_sent(ledger: Ledger, run: int, places: pd.DataFrame) -> pd.DataFrame:
    sent = claims_of(ledger, run).iloc[places["n"].to_numpy()].reset_index(drop=True)
    beside = places[["run", "n", "key", "person", "practice"]].reset_index(drop=True)
    [kind] = ledger.db.execute("SELECT kind FROM runs WHERE run = ?", (run,)).fetchone()
    return sent[list(CLAIMS)].join(beside).assign(loose=kind == "import")


def _none() -> pd.DataFrame:
    more = ("run", "n", "key", "person", "practice", "loose")
    texts = {name for name, kind in CLAIMS.items() if kind == TEXT} | {"key", "person", "practice"}
    return pd.DataFrame(
        {name: pd.Series(dtype=object if name in texts else np.int64) for name in (*CLAIMS, *more)}
    ).astype({"loose": bool})


def blob(ledger: Ledger, run: int, name: str) -> bytes | None:
    """One of a run's tables as it is kept, None where the run has none of that name."""
    query = "SELECT content FROM blobs WHERE run = ? AND name = ?"
    row = ledger.db.execute(query, (run, name)).fetchone()
    return None if row is None else row[0]


def claims_of(ledger: Ledger, run: int) -> pd.DataFrame:
    """The claim lines of a run in their order: CLAIMS, and the `key` of each.

    A column that was not there yet when the run was recorded is blank.
    """
    content = blob(ledger, run, "claims")
    assert content is not None
    lines = unpacked(content, CLAIMS)
    since = {
        name: blank_text(len(lines)) if kind == TEXT else UNKNOWN
        for name, kind in CLAIMS.items()
        if name not in lines
    }
    return lines.assign(**since)


def earned(ledger: Ledger, claim_ids: Sequence[str], runs: Iterable[int]) -> pd.DataFrame:
    """The activities that earned these claims in those runs: claim_id, activity_id, service_date.

    The date is in days since 1970-01-01.
    """
    names = ("decided_claim_id", "activity_id", "service_date")
    parts = [pd.DataFrame(columns=["claim_id", *names[1:]], dtype=object)]
    for run in sorted(set(runs)):
        content = blob(ledger, run, "activities")
        if content is not None:
            table = unpacked(content, dict.fromkeys(names[:2], TEXT), names)
            table = table.rename(columns={"decided_claim_id": "claim_id"})
            parts.append(table[table["claim_id"].isin(claim_ids)].astype(object))
    return pd.concat(parts, ignore_index=True)


_OTHERS = """
    SELECT DISTINCT l.run, l.claim_id, l.patient_id, l.plan, l.practice, l.month
    FROM lines l JOIN claims c ON c.claim_id = l.claim_id AND c.run = l.run
    WHERE l.month IN (SELECT month FROM temp.told)
"""


def earned_elsewhere(ledger: Ledger, did: pd.DataFrame, cases: pd.DataFrame) -> pd.Series[str]:
    """The claim of each entry that earned a standing one of another case than these (CASE).

    `did` has activity_id, service_date and month; the index of what is found is its own. An entry
    is known again by its id and its date: a number that an export gives out anew is another's.
    """
    nothing = pd.Series(dtype=object)
    ledger.db.execute("CREATE TEMP TABLE IF NOT EXISTS told (month TEXT PRIMARY KEY)")
    ledger.db.execute("DELETE FROM temp.told")
    ledger.db.executemany("INSERT INTO temp.told VALUES (?)", ((m,) for m in did["month"].unique()))
    names = ["run", "claim_id", "patient_id", "plan", "practice", "month"]
    live = pd.DataFrame(ledger.db.execute(_OTHERS).fetchall(), columns=names)
    if live.empty:
        return nothing
    known = aliases(ledger)
    live, spoken = (
        table.assign(person=person(table["patient_id"], known)) for table in (live, cases)
    )
    month = ["person", "plan", "month"]
    ours = _joined(live, month).isin(_joined(spoken, month))
    unnamed = live["practice"] == ""
    ours &= unnamed | _joined(live, [*month, "practice"]).isin(
        _joined(spoken, [*month, "practice"])
    )
    live = live[~ours]
    if live.empty:
        return nothing
    then = earned(ledger, list(live["claim_id"]), live["run"])
    then["service_date"] = then["service_date"].astype(np.int64)
    mine = did[did["activity_id"].isin(then["activity_id"])].reset_index()
    again = mine.merge(then, on=["activity_id", "service_date"]).drop_duplicates("index")
    return again.set_index("index")["claim_id"]


def _joined(table: pd.DataFrame, names: Sequence[str]) -> pd.Series[str]:
    """These texts of each row as one."""
    first, *rest = (table[name].astype(object) for name in names)
    for each in rest:
        first = first + "\x1f" + each
    return first


def history(
    ledger: Ledger, patients: Sequence[str], cases: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The submitted lines that stand for these patients: of other cases, and of these (CASE).

    The columns are HISTORY: `service_from` in days since 1970-01-01, `modifiers` sorted and joined
    by a space, `practice` '' where it is unnamed. Patients have the ids that they have here.
    """
    known = aliases(ledger)
    _want(ledger, patients, known)
    names = ", ".join(f"l.{name}" for name in HISTORY)
    rows = ledger.db.execute(f"SELECT {names} {_LIVE} ORDER BY l.run, l.n").fetchall()
    found = pd.DataFrame(rows, columns=HISTORY).astype({"service_from": np.int32, "units": int})
    here = pd.DataFrame({"patient_id": pd.Series(list(patients), dtype=object)})
    here["person"] = person(here["patient_id"], known)
    found["person"] = person(found.pop("patient_id"), known)
    found = found.merge(here, on="person").drop(columns="person")
    spoken = cases[CASE].astype(object).drop_duplicates().assign(spoken=True)
    own = np.zeros(len(found), bool)
    for practice in (spoken, spoken.assign(practice="").drop_duplicates()):
        own |= found[CASE].merge(practice, on=CASE, how="left")["spoken"].notna().to_numpy()
    others, ours = (found.loc[which, HISTORY].reset_index(drop=True) for which in (~own, own))
    return others, ours


def first_counted(ledger: Ledger) -> dict[tuple[str, str], int]:
    """The earliest counted day in submitted runs, by plan and staff id."""
    rows = ledger.db.execute("SELECT plan, staff, first_day FROM staff")
    return {(plan, staff): day for plan, staff, day in rows}
