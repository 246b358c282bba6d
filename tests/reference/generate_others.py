"""Nasty rows for Medi-Cal, Medicare and SIM, beside the Michigan plans' in one export.

Avoided on purpose: initiating visits that differ from row to row, a patient's SIM work under
another payer, and dates of death or disenrolment.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from reference.generate_michigan import (
    ADMINISTRATIVE,
    MODES,
    PLAN_SHARES,
    Generator,
    Habits,
    Patient,
    Row,
    clock,
)

SIM = "mi-sim"
MEDI_CAL = "medi-cal-ecm"
MEDICARE = "medicare-ccm"
OTHERS = {SIM: 18, MEDI_CAL: 50, MEDICARE: 55}

ECM_KINDS = {
    "ecm-service": 40,
    "ecm-outreach": 39,
    "ecm-engagement": 3,
    "team-conference": 12,
    "care-coordination": 2,
    "administrative": 4,
}
ECM_SERVICE_MODES = ["in-person", "in-person", "phone", "phone", "video", "video", "text", ""]
OUTREACH_MODES = [
    *("in-person", "in-person", "phone", "phone", "phone", "video", "text", "secure-email"),
    *("portal", "mail", "none", ""),
]
GAPS = [0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5, 5, 7, 10, 20, 24, 25, 26, 28, 29, 30, 31]
RUN_STARTS = ["2025-12-03", "2025-12-20", "2026-02-01", "2026-02-20", "2026-03-01", "2026-03-31"]
ECM_EDGE_DAYS = ["2021-12-31", "2022-01-01", "2025-12-31", "2026-01-01"]
TRAINEES = ["ASW", "AMFT", "APCC", "intern"]

CCM_KINDS = {
    "care-coordination": 40,
    "portal-message": 10,
    "care-management-contact": 20,
    "post-discharge-call": 8,
    "comprehensive-assessment": 7,
    "care-plan-oversight": 7,
    "team-conference": 2,
    "advance-care-planning": 1,
    "administrative": 5,
}
TIMED = ["care-coordination", "portal-message", "care-management-contact", "post-discharge-call"]
STAFF_EDGES = [
    *(2, 19, 20, 39, 40, 59, 60, 60, 61, 65, 79, 85, 89, 90, 119, 120, 120, 125, 150, 240),
    *(359, 360, 390, 420),
]
OWN_EDGES = [19, 20, 29, 30, 35, 59, 60, 65, 89, 90, 119, 120]
OVERSIGHT_EDGES = [29, 30, 30, 31, 45, 60]
CCM_EDGE_DAYS = [
    *("2014-12-31", "2015-01-02", "2016-12-30", "2017-01-03", "2018-12-28", "2019-01-02"),
    *("2020-12-30", "2021-01-04", "2021-12-30", "2022-01-03"),
]
OTHER_SERVICES = [
    "90960",
    "G0557",
    "99424",
    "99426; 97110",
    "99495",
    "97110 90970",
    "99490",
    "g0556",
]
DIAGNOSES = ["I10", "E11.9", "N18.30", "J44.9", "F32.1"]


@dataclass
class Particulars:
    """What the patients file or the rows say about one patient, the same wherever it stands."""

    consent: str
    care_plan: str
    diagnoses: list[str]
    mdm: str
    initiating_visit: str
    enrollment: str
    authorization: str
    authorization_from: str
    authorization_to: str
    provider: str


class WiderGenerator(Generator):
    def __init__(self, seed: int, plans: Collection[str]) -> None:
        super().__init__(seed)
        shares = PLAN_SHARES | OTHERS
        self.plans = {plan: shares[plan] for plan in (*plans, "unknown")}
        self.particulars: dict[str, Particulars] = {}

    # --- what the export looks like ---

    def choose_habits(self) -> Habits:
        habits = super().choose_habits()
        more = {
            "consent_date": 0.25,
            "care_plan_date": 0.2,
            "diagnosis_codes": 0.4,
            "mdm": 0.85,
            "other_services": 0.5,
            "setting": 0.75,
            "initiating_visit_date": 0.3,
            "enrollment_date": 0.4,
            "authorization_number": 0.9,
            "authorization_from": 0.6,
            "authorization_to": 0.6,
            "chw_billed": 0.3,
            "participants": 0.7,
        }
        if self.chance(0.5):
            more |= {"start_time": 1.0, "end_time": 1.0}
        wanted = [column for column, share in more.items() if self.chance(share)]
        habits.columns += [column for column in wanted if column not in habits.columns]
        return habits

    def make_patients(self, count: int) -> list[Row]:
        records = super().make_patients(count)
        for patient in self.patients:
            self.settle_days(patient)
            self.particulars[patient.cell] = self.about(patient)
        self.put_particulars(records)
        return self.with_periods(records)

    def settle_days(self, patient: Patient) -> None:
        if SIM in patient.plans:
            patient.plans = [SIM]
            last = dt.date(2019, 12, 31)
            near = [last, last, last + dt.timedelta(days=1)]
            spread = [last - dt.timedelta(days=self.rng.randrange(70)) for _ in range(4)]
            patient.days = [*near, *spread]
        elif set(patient.plans) == {MEDICARE} and self.chance(0.12):
            days = [dt.date.fromisoformat(day) for day in self.rng.choices(CCM_EDGE_DAYS, k=3)]
            patient.days = [*patient.days[:2], *days]
        elif set(patient.plans) == {MEDI_CAL} and self.chance(0.15):
            days = [dt.date.fromisoformat(day) for day in self.rng.choices(ECM_EDGE_DAYS, k=2)]
            patient.days = [*patient.days[:3], *days]

    def about(self, patient: Patient) -> Particulars:
        rng = self.rng
        some_day = rng.choice(patient.days)
        begins = min(patient.days) - dt.timedelta(days=rng.choice([0, 0, 40, 200]))
        ends = max(patient.days) + dt.timedelta(days=rng.choice([-10, 0, 0, 90]))
        middle = rng.choice(patient.days).replace(day=rng.randint(1, 28))
        early = min(patient.days) - dt.timedelta(days=rng.choice([1, 30, 300]))
        return Particulars(
            consent="" if self.chance(0.06) else self.date_cell(rng.choice([early, early, middle])),
            care_plan="" if self.chance(0.05) else self.date_cell(rng.choice([early, some_day])),
            diagnoses=rng.sample(DIAGNOSES, rng.choices([0, 1, 2, 3], [4, 6, 50, 40])[0]),
            mdm=rng.choice(["moderate", "high", "High", "low", "straightforward", "", "moderate"]),
            initiating_visit="" if self.chance(0.1) else self.date_cell(some_day),
            enrollment="" if self.chance(0.55) else self.date_cell(rng.choice([some_day, middle])),
            authorization="" if self.chance(0.08) else f"TAR{rng.randrange(10**7):07d}",
            authorization_from=self.date_cell(begins),
            authorization_to=self.date_cell(ends),
            provider=rng.choice(self.habits.providers),
        )

    def diagnoses_cell(self, about: Particulars) -> str:
        return self.rng.choice([";", "; ", ", ", " ", "|"]).join(about.diagnoses)

    def put_particulars(self, records: list[Row]) -> None:
        shares = {
            "consent_date": 0.7,
            "care_plan_date": 0.7,
            "diagnosis_codes": 0.5,
            "initiating_visit_date": 0.6,
            "enrollment_date": 0.6,
        }
        columns = [column for column, share in shares.items() if self.chance(share)]
        for record in records:
            about = self.particulars[record["patient_id"]]
            cells = {
                "consent_date": about.consent,
                "care_plan_date": about.care_plan,
                "diagnosis_codes": self.diagnoses_cell(about),
                "initiating_visit_date": about.initiating_visit,
                "enrollment_date": about.enrollment,
            }
            for column in columns:
                record[column] = "" if self.chance(0.04) else cells[column]

    def with_periods(self, records: list[Row]) -> list[Row]:
        """In some exports a few patients change payer, by the patients file's dates."""
        if not records or "payer" not in records[0] or self.chance(0.5):
            return records
        by_id = {patient.cell: patient for patient in self.patients}
        plans = [plan for plan in self.plans if plan != SIM]
        made: list[Row] = []
        for record in records:
            patient = by_id[record["patient_id"]]
            changes = record["payer"] and patient.plans != [SIM] and self.chance(0.12)
            if not changes:
                made.append(record | {"from": "", "to": ""})
                continue
            later = self.rng.choice(plans)
            last = dt.date(2026, 3, 1) + dt.timedelta(days=self.rng.randrange(50))
            opens = last + dt.timedelta(days=1)
            patient.plans = [patient.plans[0], later]
            made.append(record | {"from": "", "to": last.isoformat()})
            made.append(
                record | {"payer": self.payer_cell(later), "from": opens.isoformat(), "to": ""}
            )
        return made

    # --- cells ---

    def more_cells(self, row: Row, patient: Patient) -> None:
        rng, about = self.rng, self.particulars[patient.cell]

        def mostly(cell: str, share: float) -> str:
            return cell if self.chance(share) else ""

        row["consent_date"] = mostly(about.consent, 0.8)
        row["care_plan_date"] = mostly(about.care_plan, 0.6)
        row["diagnosis_codes"] = mostly(self.diagnoses_cell(about), 0.6)
        row["initiating_visit_date"] = mostly(about.initiating_visit, 0.7)
        row["enrollment_date"] = mostly(about.enrollment, 0.6)
        row["mdm"] = mostly(about.mdm, 0.7)
        if self.chance(0.03):
            row["mdm"] = rng.choice(["high", "unsure", "low"])
        row["authorization_number"] = mostly(about.authorization, 0.9)
        row["authorization_from"] = mostly(about.authorization_from, 0.8)
        row["authorization_to"] = mostly(about.authorization_to, 0.8)
        row["chw_billed"] = rng.choices(["", "no", "yes", "Yes"], [70, 27, 2, 1])[0]
        row["participants"] = rng.choices(["2", "3", "1", "0", ""], [50, 30, 8, 2, 10])[0]
        row["other_services"] = rng.choice(OTHER_SERVICES) if self.chance(0.015) else ""
        if row["kind"] == "care-plan-oversight":
            settings = ["home-health", "hospice", "Home-Health", "office", ""]
            row["setting"] = rng.choices(settings, [40, 30, 10, 10, 10])[0]
        if MEDICARE in patient.plans:
            other = self.chance(0.04)
            row["rendering_npi"] = rng.choice(self.habits.providers) if other else about.provider
            row["billing_npi"] = rng.choice(patient.practices) if other else patient.practices[0]

    # --- rows that belong together ---

    def belonging_together(self, patient: Patient) -> None:
        plan = self.rng.choice(patient.plans)
        if plan == MEDI_CAL:
            bundles = [self.outreach_run, self.service_month, self.engagements, self.conference]
            self.rng.choices(bundles, [46, 40, 4, 10])[0](patient)
        elif plan == MEDICARE:
            bundles = [
                *(self.staff_month, self.own_month, self.two_practitioners, self.overlaps),
                *(self.oversight_month, self.initiating_assessments),
            ]
            self.rng.choices(bundles, [40, 16, 8, 18, 10, 8])[0](patient)
        else:
            super().belonging_together(patient)

    def anything(self, patient: Patient) -> None:
        plan = self.rng.choice(patient.plans)
        kinds = {MEDI_CAL: ECM_KINDS, MEDICARE: CCM_KINDS}.get(plan)
        if kinds is None:
            super().anything(patient)
            return
        kind = self.rng.choices(list(kinds), list(kinds.values()))[0]
        if kind == "administrative":
            kind = self.rng.choice(ADMINISTRATIVE)
        day = self.rng.choice(patient.days)
        cells = self.ecm_cells(kind) if plan == MEDI_CAL else self.ccm_cells(kind)
        self.add(patient, day, kind, self.edge_seconds(), **cells)

    # --- Medi-Cal ---

    def ecm_cells(self, kind: str) -> dict[str, str]:
        rng = self.rng
        cells = {"mode": rng.choice(MODES)}
        if kind == "ecm-service":
            cells["mode"] = rng.choice(ECM_SERVICE_MODES)
        elif kind == "ecm-outreach":
            cells["mode"] = rng.choice(OUTREACH_MODES)
            outcomes = ["not-reached", "reached", "declined", "enrolled", ""]
            cells["outcome"] = rng.choices(outcomes, [50, 20, 10, 4, 16])[0]
        elif kind == "ecm-engagement":
            cells["outcome"] = rng.choices(
                ["enrolled", "reached", "Enrolled", ""], [60, 10, 10, 20]
            )[0]
        if self.chance(0.15):
            cells["minutes"] = ""
        if self.chance(0.02):
            cells |= {"credential": rng.choice([*TRAINEES, "RN, intern", "CHW, MA"])}
        return cells

    def outreach_run(self, patient: Patient) -> None:
        """Attempts dense around the window of 30 days."""
        rng = self.rng
        day = rng.choice([dt.date.fromisoformat(rng.choice(RUN_STARTS)), rng.choice(patient.days)])
        for _ in range(rng.randint(4, 10)):
            cells = self.ecm_cells("ecm-outreach") | {"outcome": "not-reached"}
            cells["mode"] = rng.choice(["in-person", "phone", "phone", "text"])
            cells |= self.by("licensed") if self.chance(0.5) else self.by("unlicensed")
            self.add(patient, day, "ecm-outreach", self.edge_seconds(), **cells)
            day += dt.timedelta(days=rng.choice(GAPS))

    def service_month(self, patient: Patient) -> None:
        month, practice = self.rng.choice(patient.days), patient.practices[0]
        for _ in range(self.rng.randint(1, 5)):
            cells = self.ecm_cells("ecm-service") | {"billing_npi": practice}
            cells["mode"] = self.rng.choice(["in-person", "phone", "video"])
            cells |= self.by("licensed", "app") if self.chance(0.5) else self.by("unlicensed")
            if self.chance(0.04):
                cells["billing_npi"] = self.rng.choice(self.habits.npis)
            day = month.replace(day=self.rng.randint(1, 28))
            self.add(patient, day, "ecm-service", self.edge_seconds(), **cells)

    def engagements(self, patient: Patient) -> None:
        for day in self.rng.choices(patient.days, k=self.rng.randint(1, 2)):
            cells = self.ecm_cells("ecm-engagement")
            self.add(patient, day, "ecm-engagement", self.edge_seconds(), **cells)

    def conference(self, patient: Patient) -> None:
        day, practice = self.rng.choice(patient.days), self.rng.choice(patient.practices)
        for _ in range(self.rng.randint(1, 3)):
            cells = {"billing_npi": practice, **self.by("licensed", "physician", "unlicensed")}
            self.add(patient, day, "team-conference", self.edge_seconds(), **cells)

    # --- Medicare ---

    def ccm_cells(self, kind: str) -> dict[str, str]:
        cells: dict[str, str] = {}
        if kind in TIMED:
            cells["mode"] = self.rng.choice(
                ["phone", "phone", "none", "portal", "text", "video", ""]
            )
            if self.chance(0.04):
                cells["mode"] = "in-person"
        if kind in {"comprehensive-assessment", "care-plan-oversight"} and self.chance(0.8):
            cells |= self.by("physician", "app")
        return cells

    def timed(self, patient: Patient, day: dt.date, seconds: int, **cells: str) -> None:
        kind = self.rng.choice(TIMED)
        self.add(patient, day, kind, seconds, **self.ccm_cells(kind) | cells)

    def month_day(self, patient: Patient) -> dt.date:
        return self.rng.choice(patient.days).replace(day=self.rng.randint(1, 28))

    def staff_month(self, patient: Patient) -> None:
        month = self.month_day(patient)
        total = self.edge_total(STAFF_EDGES)
        for seconds in self.split(total, self.rng.randint(1, 4) if total > 600 else 1):
            groups = ["licensed", "assistant"] if self.chance(0.85) else ["app", "physician"]
            day = month.replace(day=self.rng.randint(1, 28))
            self.timed(patient, day, seconds, mode="phone", **self.by(*groups))

    def own_month(self, patient: Patient) -> None:
        """A practitioner's own minutes, now and then with a little of the staff's."""
        month = self.month_day(patient)
        for seconds in self.split(self.edge_total(OWN_EDGES), self.rng.randint(1, 3)):
            day = month.replace(day=self.rng.randint(1, 28))
            self.timed(patient, day, seconds, mode="phone", **self.by("physician", "app"))
        if self.chance(0.15):
            self.timed(patient, month, 60, mode="phone", **self.by("licensed"))

    def two_practitioners(self, patient: Patient) -> None:
        month = self.month_day(patient)
        for provider in self.rng.sample(self.habits.providers, 2):
            for seconds in self.split(self.edge_total([20, 40, 60, 90]), 2):
                day = month.replace(day=self.rng.choice([3, 4, 5, self.rng.randint(1, 28)]))
                cells = {"rendering_npi": provider, "mode": "phone", **self.by("licensed")}
                self.timed(patient, day, seconds, **cells)

    def overlaps(self, patient: Patient) -> None:
        """Two and more people in the same minutes of one patient."""
        day = self.month_day(patient)
        start = self.free_start(patient, day)
        if self.chance(0.1):
            start = 23 * 60 + self.rng.randrange(30)
        for _ in range(self.rng.randint(2, 5)):
            length = self.rng.choice([5, 10, 20, 20, 25, 30, 40])
            groups = ["licensed", "assistant"] if self.chance(0.7) else ["app"]
            cells = {
                "start_time": clock(start),
                "end_time": clock(start + length),
                "mode": "phone",
                **self.by(*groups),
            }
            if self.has("minutes") and self.chance(0.7):
                cells["minutes"] = self.rng.choice([str(length), "", str(length + 5)])
            self.timed(patient, day, length * 60, **cells)
            start += self.rng.choice([1, 5, 9, 10, 15, 20, 30])
            while (patient.cell, day, start) in self.starts:
                start += 1
            self.starts.add((patient.cell, day, start))

    def oversight_month(self, patient: Patient) -> None:
        month = self.month_day(patient)
        setting = self.rng.choice(["home-health", "hospice"])
        for seconds in self.split(self.edge_total(OVERSIGHT_EDGES), self.rng.randint(1, 3)):
            day = month.replace(day=self.rng.randint(1, 28))
            cells = {"setting": setting, **self.by("physician", "app")}
            self.add(patient, day, "care-plan-oversight", seconds, **cells)

    def initiating_assessments(self, patient: Patient) -> None:
        for day in self.rng.choices(patient.days, k=self.rng.randint(1, 3)):
            cells = self.by("physician", "app")
            self.add(patient, day, "comprehensive-assessment", self.edge_seconds(), **cells)
