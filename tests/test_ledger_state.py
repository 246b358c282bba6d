"""Whatever is run, submitted, voided and logged late: what was submitted and not taken back is what
the rules give for the data that was last submitted, and no line stands twice."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from ledgers import Row, row, write_log

from ccbill.errors import CcbillError, Exit
from ccbill.ledger import submit, verify
from ccbill.ledger.store import opened, writing
from ccbill.report.tables import Report
from ccbill.run import Request, run

NOW = "2026-11-02T00:00:00+00:00"
Lines = Counter[tuple[str, int]]  # code and units

patients = st.sampled_from(["100001", "100002"])
days = st.sampled_from(["2026-08-03", "2026-08-04", "2026-08-20", "2026-09-01"])
kinds = st.sampled_from(["care-coordination", "care-management-contact"])
minutes = st.sampled_from(["4", "12", "31", "46", "76"])


@dataclass(frozen=True, slots=True)
class Draft:
    """What a draft would change: the lines of each claim, none for a void; and what stood then."""

    changes: dict[str, Lines]
    stood: dict[str, tuple[int, int]]


class Months(RuleBasedStateMachine):
    """A log that grows and is corrected, always exported whole, and its ledger."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.home = Path(self.folder.name)
        (self.home / "ccbill.toml").touch()
        self.log: list[Row] = []
        self.drafts: dict[int, Draft] = {}
        self.live: dict[str, tuple[int, Lines]] = {}  # the run whose version stands, and its lines
        self.touched: dict[str, int] = {}  # how often a claim was submitted or taken back
        self.runs = 0

    def teardown(self) -> None:
        self.folder.cleanup()

    def bill(self, ledger: Path | None, *, submitted: bool = False) -> Report:
        write_log(self.home / "log.csv", self.log)
        request = Request(
            [str(self.home / "log.csv")],
            date(2026, 11, 2),
            out=self.home / "out",
            formats=["csv"],
            config=self.home / "ccbill.toml",
            ledger=ledger,
            submit=submitted,
            dry_run=ledger is None,
        )
        return run(request)[0]

    @property
    def ledger(self) -> Path:
        return self.home / "ledger.sqlite"

    def by_rules(self) -> dict[str, Lines]:
        """The claims that the rules give for the whole log."""
        lines = self.bill(None).claims
        found: dict[str, Lines] = {}
        cells = (lines[n].tolist() for n in ("claim_id", "code", "units"))
        for claim, code, units in zip(*cells, strict=True):
            found.setdefault(claim, Counter())[code, units] += 1
        return found

    def draft(self) -> Draft:
        wanted = self.by_rules()
        changes = {
            c: lines for c, lines in wanted.items() if self.live.get(c, (0, None))[1] != lines
        }
        changes |= {claim: Counter() for claim in self.live if claim not in wanted}
        return Draft(changes, {claim: self.touched.get(claim, 0) for claim in changes})

    def apply(self, number: int, draft: Draft) -> None:
        for claim, lines in draft.changes.items():
            self.touched[claim] = self.touched.get(claim, 0) + 1
            self.live.pop(claim, None)
            if lines:
                self.live[claim] = (number, lines)

    @rule(patient=patients, day=days, kind=kinds, minutes=minutes)
    def log_work(self, patient: str, day: str, kind: str, minutes: str) -> None:
        number = f"A{len(self.log):03}"
        self.log.append(row(number, patient, day, kind=kind, minutes=minutes))

    @precondition(lambda self: self.log)
    @rule(data=st.data(), minutes=minutes)
    def correct_minutes(self, data: st.DataObject, minutes: str) -> None:
        data.draw(st.sampled_from(self.log))["minutes"] = minutes

    @precondition(lambda self: self.log)
    @rule(submitted=st.booleans())
    def run_it(self, submitted: bool) -> None:
        draft = self.draft()
        report = self.bill(self.ledger, submitted=submitted)
        self.runs += 1
        assert report.record["run"] == self.runs
        assert set(report.claims["claim_id"]) == set(draft.changes)
        if submitted:
            self.apply(self.runs, draft)
        else:
            self.drafts[self.runs] = draft

    @precondition(lambda self: self.drafts)
    @rule(data=st.data())
    def submit_a_draft(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.drafts)))
        draft = self.drafts.pop(number)
        stale = any(self.touched.get(claim, 0) != count for claim, count in draft.stood.items())
        with opened(self.ledger) as ledger:
            if stale:
                with pytest.raises(CcbillError) as caught, writing(ledger):
                    submit.submit(ledger, number, NOW)
                assert caught.value.code == Exit.REFUSED
            else:
                with writing(ledger):
                    submit.submit(ledger, number, NOW)
                self.apply(number, draft)

    @precondition(lambda self: self.live)
    @rule(data=st.data(), whole=st.booleans())
    def take_back(self, data: st.DataObject, whole: bool) -> None:
        claim = data.draw(st.sampled_from(sorted(self.live)))
        number = self.live[claim][0]
        gone = [c for c, (r, _) in self.live.items() if (r == number if whole else c == claim)]
        with opened(self.ledger) as ledger, writing(ledger):
            if whole:
                submit.void(ledger, NOW, run=number)
            else:
                submit.void(ledger, NOW, claim=claim)
        for each in gone:
            self.touched[each] += 1
            del self.live[each]

    @invariant()
    def what_was_submitted_and_not_taken_back_stands(self) -> None:
        if not self.ledger.exists():
            return
        with opened(self.ledger) as ledger:
            rows = ledger.db.execute(
                "SELECT v.run, l.claim_id, l.code, l.units, l.patient_id, l.month, l.service_from "
                "FROM live v JOIN lines l USING (run, n)"
            ).fetchall()
            assert list(verify.differences(ledger)) == []
        found: dict[str, tuple[int, Lines]] = {}
        for number, claim, code, units, *_ in rows:
            found.setdefault(claim, (number, Counter()))[1][code, units] += 1
        assert found == self.live
        keys = Counter((patient, month, code, day) for _, _, code, _, patient, month, day in rows)
        assert set(keys.values()) <= {1}


Months.TestCase.settings = settings(
    max_examples=60 if os.environ.get("CCBILL_SWEEP") else 8,
    stateful_step_count=12,
    deadline=None,
    derandomize=not os.environ.get("CCBILL_SWEEP"),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestMonths = Months.TestCase
