"""What generated exports are made of, and the Michigan plans' nasty rows.

Everything is invented. What the contract leaves open is avoided on purpose: slash dates are always
month first, two activities never tie to the last cell, and a patient with a payer in the patients
file has no other plan in the export.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field
from itertools import pairwise

Row = dict[str, str]


@dataclass
class Export:
    seed: int
    activities: list[Row]
    patients: list[Row]
    staff: list[Row]
    typed: bool  # a workbook of this export has real dates and numbers


PAYER_NAMES = {
    "bcbsm-pdcm": [
        *("BCBSM", "BCBS of Michigan", "Blue Cross Blue Shield of Michigan", "BCN"),
        *("Blue Care Network", "BCN Advantage", "Medicare Plus Blue"),
    ],
    "priority-health": ["Priority Health"],
    "mi-medicaid-hmo": ["Medicaid HMO", "Michigan Medicaid", "Medicaid Health Plan"],
    "mi-sim": ["SIM", "SIM PCMH", "State Innovation Model"],
    "medi-cal-ecm": ["Medi-Cal", "Medi-Cal ECM", "ECM", "CalAIM ECM"],
    "medicare-ccm": ["Medicare", "Original Medicare", "Medicare Part B"],
    "unknown": ["Acme Mutual", "Lakeside Indemnity"],
}

PLAN_SHARES = {"bcbsm-pdcm": 46, "priority-health": 27, "mi-medicaid-hmo": 25, "unknown": 2}

SPELLINGS = {
    "physician": ["MD", "DO", "md", "MD, RN"],
    "app": ["NP", "PA", "CNS", "CNM", "APRN", "FNP", "DNP", "PA-C", "pa-c", "RN, NP", "MSN, FNP"],
    "licensed": [
        *("RN", "LPN", "LVN", "LMSW", "LCSW", "LBSW", "MSW", "LPC", "LMFT", "LMHC", "PharmD"),
        *("RPh", "RD", "RDN", "RRT", "CDCES", "CDE", "AE-C", "CHES", "nutritionist", "rn"),
        *("RN, BSN", "BSN RN", "MSW LMSW", "RD, CDCES", "RN", "RN", "LMSW"),
    ],
    "assistant": ["MA", "CMA", "ma", "CMA"],
    "unlicensed": [
        *("CHW", "care coordinator", "Social Service Technician", "Peer Specialist", "promotora"),
        *("promotor", "BSW", "chw"),
    ],
}
GROUPS = ["physician", "app", "licensed", "assistant", "unlicensed"]

ADMINISTRATIVE = [
    *("prior-authorization", "benefit-check", "documentation", "chart-prep", "email", "reminder"),
    *("pre-screening", "voicemail", "mass-communication", "program-administration"),
]
MODES = ["in-person", "video", "phone", "portal", "text", "secure-email", "mail", "none"]
KINDS = {
    "care-coordination": 28,
    "care-management-contact": 28,
    "comprehensive-assessment": 6,
    "portal-message": 6,
    "group-education": 5,
    "team-conference": 7,
    "care-plan-oversight": 3,
    "advance-care-planning": 3,
    "program-discussion": 4,
    "post-discharge-call": 5,
    "ecm-outreach": 1,
    "administrative": 4,
}
USUAL_MODES = {
    "care-coordination": ["none", "none", "phone", "phone", "portal", "", "in-person", "video"],
    "care-management-contact": ["in-person", "video", "phone", "phone"],
    "post-discharge-call": ["phone", "phone", "phone", "video"],
    "comprehensive-assessment": ["in-person", "in-person", "video", "phone"],
    "portal-message": ["portal", "portal", ""],
    "program-discussion": ["in-person", "video", "phone", "phone"],
}
EDGE_MINUTES = [
    *(4, 5, 6, 10, 10, 11, 15, 16, 20, 20, 21, 29, 30, 30, 31, 44, 45, 46, 59, 60, 61, 75, 76),
    *(89, 90, 91, 105, 106, 119, 120),
]
MONTH_EDGES = [31, 31, 60, 60, 75, 76, 90, 105, 106, 120, 135, 136, 150]
DAY_EDGES = [45, 46, 75, 76, 105, 106]
GROUP_EDGES = [15, 16, 45, 46, 75, 76]
EDGE_DAYS = ["2026-02-28", "2026-03-01", "2026-03-31", "2026-04-01"]
ODD_DATES = [
    *("2012-03-31", "2012-04-01", "2013-03-31", "2013-04-01", "2013-12-31", "2014-01-01"),
    *("2025-03-05", "2025-12-31"),
]
ODD_YEAR_STAFF = 5  # only these, one of each group, have activities in other years


@dataclass
class Patient:
    cell: str
    plans: list[str]
    payer_on_file: str
    practices: list[str]
    days: list[dt.date]


@dataclass
class Member:
    staff_id: str
    group: str
    credential: str


@dataclass
class Habits:
    """What this seed's export looks like."""

    columns: list[str] = field(default_factory=list)
    ids: str = "full"  # full, partial, none
    dates: str = "iso"  # iso, us, mixed
    long_span: bool = False
    staff_always: bool = False
    npis: list[str] = field(default_factory=list)
    providers: list[str] = field(default_factory=list)


def luhn_npi(rng: random.Random) -> str:
    """An invented NPI whose check digit holds with the prefix 80840."""
    first_nine = "1" + "".join(rng.choice("0123456789") for _ in range(8))
    total = 0
    for place, digit in enumerate(reversed("80840" + first_nine)):
        doubled = int(digit) * 2 if place % 2 == 0 else int(digit)
        total += doubled - 9 if doubled > 9 else doubled
    return first_nine + str(-total % 10)


class Generator:
    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.plans = PLAN_SHARES
        self.habits = self.choose_habits()
        self.starts: set[tuple[str, dt.date, int]] = set()
        self.rows: list[Row] = []
        self.patients: list[Patient] = []
        self.members: list[Member] = []

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    # --- what the export looks like ---

    def choose_habits(self) -> Habits:
        rng = self.rng
        ids = rng.choices(["full", "partial", "none"], [70, 18, 12])[0]
        minutes = not self.chance(0.08)
        times = ids != "full" or not minutes or self.chance(0.5)
        columns = ["patient_id", "service_date", "kind", "mode"]
        shares = {
            "activity_id": 1.0 if ids != "none" else 0.0,
            "payer": 0.93,
            "minutes": 1.0 if minutes else 0.0,
            "start_time": 1.0 if times else 0.0,
            "end_time": 1.0 if times and (not minutes or self.chance(0.7)) else 0.0,
            "credential": 0.92,
            "staff_id": 0.85,
            "billing_npi": 0.85,
            "rendering_npi": 0.6,
            "outcome": 0.8,
            "video_declined": 0.75,
            "provider_role": 0.5,
            "group_size": 0.85,
            "line_of_business": 0.5,
            "pdcm_eligible": 0.15,
            "note": 0.3,
        }
        columns += [column for column, share in shares.items() if self.chance(share)]
        if "credential" not in columns and "staff_id" not in columns:
            columns.append("credential")
        rng.shuffle(columns)
        practices = rng.choice([1, 2, 2, 3])
        return Habits(
            columns=columns,
            ids=ids,
            dates=rng.choice(["iso", "iso", "us", "mixed"]),
            long_span=self.chance(0.4),
            npis=[luhn_npi(rng) for _ in range(practices)],
            providers=[luhn_npi(rng) for _ in range(4)],
        )

    def has(self, column: str) -> bool:
        return column in self.habits.columns

    def make_patients(self, count: int) -> list[Row]:
        rng = self.rng
        payer_on_file = not self.has("payer") or self.chance(0.5)
        lob_on_file, eligible_on_file = self.chance(0.45), self.chance(0.6)
        records: list[Row] = []
        for number in range(count):
            plan = rng.choices(list(self.plans), list(self.plans.values()))[0]
            style = rng.choice(["P{:05d}", "{:07d}", "MRN-{}"])
            on_file = payer_on_file and (self.chance(0.8) or not self.has("payer"))
            second = rng.choice(list(self.plans)) if self.chance(0.06) else plan
            patient = Patient(
                cell=style.format(1000 + number),
                plans=[plan] if on_file else [plan, plan, plan, second],
                payer_on_file=self.payer_cell(plan) if on_file else "",
                practices=[rng.choice(self.habits.npis)] * 4 + [rng.choice(self.habits.npis)],
                days=[self.usual_day() for _ in range(7)],
            )
            self.patients.append(patient)
            record = {"patient_id": patient.cell}
            if payer_on_file:
                record["payer"] = patient.payer_on_file
            if lob_on_file:
                record["line_of_business"] = self.line_of_business()
            if eligible_on_file:
                record["pdcm_eligible"] = rng.choices(["yes", "no", "", "No"], [75, 6, 15, 2])[0]
            if len(record) > 1 and (on_file or self.chance(0.93)):
                records.append(record)
        rng.shuffle(records)
        return records

    def make_staff(self) -> list[Row]:
        rng = self.rng
        for number in range(20):
            group = GROUPS[number % 5]
            member = Member(f"S{number:02d}", group, rng.choice(SPELLINGS[group]))
            self.members.append(member)
        if not self.has("staff_id"):
            return []
        if self.has("credential") and self.chance(0.15):
            return []
        columns = [c for c in ("training_date", "scope_of_service") if self.chance(0.6)]
        self.habits.staff_always = bool(columns)
        with_credential = not self.has("credential") or self.chance(0.75) or not columns
        records: list[Row] = []
        for member in self.members:
            record = {"staff_id": member.staff_id}
            if with_credential:
                record["credential"] = "" if self.chance(0.04) else member.credential
            if "training_date" in columns:
                record["training_date"] = self.training_cell()
            if "scope_of_service" in columns:
                cell = rng.choices(["yes", "Yes", "no", ""], [60, 20, 10, 10])[0]
                record["scope_of_service"] = cell
            if not self.chance(0.04):
                records.append(record)
        return records

    def training_cell(self) -> str:
        if self.chance(0.3):
            return ""
        day = dt.date(2025, 6, 1) + dt.timedelta(days=self.rng.randrange(330))
        return self.date_cell(day, self.rng.choice(["iso", "us"]))

    # --- cells ---

    def payer_cell(self, plan: str) -> str:
        name = self.rng.choice(PAYER_NAMES[plan])
        name = self.rng.choice([name, name, name, name.upper(), name.lower()])
        return f"  {name} " if self.chance(0.05) else name

    def line_of_business(self) -> str:
        names = ["commercial PPO", "Commercial PPO", "Commercial HMO", "Medicare Advantage", ""]
        return self.rng.choices(names, [40, 30, 12, 10, 8])[0]

    def usual_day(self) -> dt.date:
        if self.habits.long_span and self.chance(0.25):
            if self.chance(0.4):
                return dt.date(2025, 8, 31)
            return dt.date(2025, 8, 31) + dt.timedelta(days=self.rng.randrange(110))
        if self.chance(0.15):
            return dt.date.fromisoformat(self.rng.choice(EDGE_DAYS))
        return dt.date(2026, 2, 10) + dt.timedelta(days=self.rng.randrange(95))

    def date_cell(self, day: dt.date, style: str = "") -> str:
        style = style or self.habits.dates
        if style == "mixed":
            style = self.rng.choice(["iso", "us"])
        if style == "iso":
            return day.isoformat()
        if self.chance(0.5):
            return day.strftime("%m/%d/%Y")
        return f"{day.month}/{day.day}/{day.year}"

    def minutes_cell(self, seconds: int) -> str:
        """The same time, in one of the forms in which exports write it."""
        hours, rest = divmod(seconds, 3600)
        minutes, left = divmod(rest, 60)
        forms = [f"{hours:02d}:{minutes:02d}:{left:02d}", f"{seconds / 60:.2f}"]
        if left == 0:
            plain = str(seconds // 60)
            forms += [plain, plain, plain, plain, plain, f"{hours}:{minutes:02d}"]
        if seconds % 3 == 2:  # half a second less, which rounds up again
            forms.append(f"{(seconds - 0.5) / 60:.3f}")
        return self.rng.choice(forms)

    def edge_seconds(self) -> int:
        if self.chance(0.01):
            return 1440 * 60
        minutes = self.rng.choice(EDGE_MINUTES)
        if self.chance(0.25):
            return minutes * 60 + self.rng.choice([-1, -1, 1, 20, 30, 59])
        return minutes * 60

    def credential_cell(self, member: Member) -> str:
        """The member's own credential, blank, or now and then something else."""
        blank = 0.3 if self.has("staff_id") else 0.04
        choice = self.rng.random()
        if choice < blank:
            return ""
        if choice < blank + 0.006:
            return self.rng.choice(["XYZ", "wizard"])
        if choice < blank + 0.12:
            return self.rng.choice(SPELLINGS[self.rng.choice(GROUPS)])
        return member.credential

    def member(self, *groups: str, odd_year: bool = False) -> Member:
        among = self.members[-ODD_YEAR_STAFF:] if odd_year else self.members[:-ODD_YEAR_STAFF]
        fitting = [m for m in among if m.group in groups] or among
        return self.rng.choice(fitting)

    def free_start(self, patient: Patient, day: dt.date) -> int:
        """A start that no other activity of this patient has on this day."""
        while True:
            late = self.chance(0.03)
            start = self.rng.randrange(1410, 1440) if late else self.rng.randrange(420, 1140)
            if (patient.cell, day, start) not in self.starts:
                self.starts.add((patient.cell, day, start))
                return start

    def put_times(self, row: Row, patient: Patient, day: dt.date, seconds: int) -> None:
        """Start, end and minutes; a row without an id always has its own start."""
        minutes_column = self.has("minutes")
        row["minutes"] = "" if not minutes_column else self.minutes_cell(seconds)
        needs_start = not row.get("activity_id") or not minutes_column
        if not self.has("start_time") or not (needs_start or self.chance(0.6)):
            return
        start = self.free_start(patient, day)
        row["start_time"] = clock(start)
        whole = max(1, seconds // 60)
        if self.has("end_time") and whole < 1440 and (not minutes_column or self.chance(0.7)):
            row["end_time"] = clock(start + whole)
            if minutes_column and self.chance(0.1):
                row["minutes"] = ""

    # --- rows ---

    def add(self, patient: Patient, day: dt.date, kind: str, seconds: int, **cells: str) -> None:
        """One activity; cells given here stand, the others follow the export's habits."""
        rng = self.rng
        odd_year = day.isoformat() in ODD_DATES
        member = self.member(*GROUPS, odd_year=odd_year)
        row = {"patient_id": patient.cell, "service_date": self.date_cell(day), "kind": kind}
        without_id = self.habits.ids == "none" or (
            self.habits.ids == "partial" and self.chance(0.3)
        )
        row["activity_id"] = "" if without_id else self.new_id()
        row["payer"] = self.row_payer(patient)
        row["staff_id"] = member.staff_id
        row["credential"] = self.credential_cell(member)
        row["mode"] = rng.choice(USUAL_MODES.get(kind, MODES))
        if self.chance(0.1):
            row["mode"] = rng.choice([*MODES, ""])
        row["billing_npi"] = rng.choice(patient.practices)
        row["rendering_npi"] = rng.choice(self.habits.providers) if self.chance(0.25) else ""
        row["video_declined"] = rng.choices(["yes", "Yes", "no", ""], [25, 5, 20, 50])[0]
        row["outcome"] = rng.choices(["", "reached", "not-reached"], [50, 40, 10])[0]
        if kind == "program-discussion":
            row["outcome"] = rng.choices(["declined", "enrolled", "", "reached"], [75, 10, 8, 7])[0]
        if kind == "group-education":
            row["group_size"] = rng.choice(["2", "3", "4", "4", "5", "5", "8", "1", "9", ""])
        if kind == "care-plan-oversight":
            row["provider_role"] = rng.choice(["PCP", "PCP", "specialist", ""])
        row["line_of_business"] = self.line_of_business()
        row["pdcm_eligible"] = rng.choices(["", "yes", "no"], [70, 28, 2])[0]
        row["note"] = rng.choice(["", 'said "call back"', "a, b; c", "=1+1", "naïve"])
        self.put_times(row, patient, day, seconds)
        self.more_cells(row, patient)
        row.update(cells)
        self.spoil(row)
        self.rows.append({column: row.get(column, "") for column in self.habits.columns})

    def more_cells(self, row: Row, patient: Patient) -> None:
        """Cells of columns that the Michigan plans do not ask for."""

    def new_id(self) -> str:
        number = len(self.rows) * 7 % 10007 + 10007 * (len(self.rows) // 10007)
        return f"A-{number}" if self.chance(0.3) else str(number)

    def row_payer(self, patient: Patient) -> str:
        if patient.payer_on_file.strip():
            plan = patient.plans[0]
            return "" if self.chance(0.3) else self.payer_cell(plan)
        return "" if self.chance(0.02) else self.payer_cell(self.rng.choice(patient.plans))

    def spoil(self, row: Row) -> None:
        """A few cells that nobody can read."""
        rng = self.rng
        if self.chance(0.006):
            row["minutes"] = "abc"
        elif self.chance(0.008):
            row["minutes"] = rng.choice(["0", "-5", "1441", "1500.5", "0:00", "-0.5"])
        elif self.chance(0.012):
            row["minutes"] = ""
            row["end_time"] = ""
        if self.chance(0.003):
            row["service_date"] = rng.choice(["", "soon", "2026-02-30"])
        if self.chance(0.002):
            row["patient_id"] = ""
        elif self.chance(0.02):
            row["patient_id"] = f" {row['patient_id']} "
        if self.chance(0.003):
            row["kind"] = rng.choice(["", "lawn-care"])
        if self.chance(0.003):
            row["mode"] = "smoke-signal"
        if self.chance(0.02):
            row["billing_npi"] = ""
        if not self.habits.staff_always and self.chance(0.05):
            row["staff_id"] = ""

    # --- rows that belong together ---

    def by(self, *groups: str) -> dict[str, str]:
        member = self.member(*groups)
        return {"staff_id": member.staff_id, "credential": member.credential}

    def split(self, total: int, parts: int) -> list[int]:
        """Seconds that add up to the total."""
        cuts = sorted(self.rng.sample(range(60, total - 59), parts - 1)) if parts > 1 else []
        if self.chance(0.5):
            cuts = [max(60, cut - cut % 60) for cut in cuts]
        edges = [0, *cuts, total]
        return [b - a for a, b in pairwise(edges) if b > a]

    def edge_total(self, edges: list[int]) -> int:
        return self.rng.choice(edges) * 60 + self.rng.choice([0, 0, -1, -30, 1, 59])

    def month_of_coordination(self, patient: Patient) -> None:
        month = self.rng.choice(patient.days)
        practice = self.rng.choice(patient.practices)
        for seconds in self.split(self.edge_total(MONTH_EDGES), self.rng.randint(2, 5)):
            kind = "portal-message" if self.chance(0.12) else "care-coordination"
            day = month.replace(day=self.rng.randint(1, 28))
            groups = ["licensed", "app"] if self.chance(0.8) else ["assistant", "unlicensed"]
            self.add(patient, day, kind, seconds, billing_npi=practice, **self.by(*groups))

    def day_of_contacts(self, patient: Patient) -> None:
        day, practice = self.rng.choice(patient.days), self.rng.choice(patient.practices)
        kind = "care-management-contact"
        for seconds in self.split(self.edge_total(DAY_EDGES), self.rng.randint(1, 3)):
            mode = self.rng.choice(["in-person", "video"])
            cells = {"billing_npi": practice, "mode": mode, **self.by("licensed", "app")}
            self.add(patient, day, kind, seconds, **cells)

    def day_of_calls(self, patient: Patient) -> None:
        day, practice = self.rng.choice(patient.days), self.rng.choice(patient.practices)
        seconds = self.edge_seconds()
        for _ in range(self.rng.randint(2, 3)):
            kind = "post-discharge-call" if self.chance(0.3) else "care-management-contact"
            cells = {"billing_npi": practice, "mode": "phone", **self.by("licensed")}
            length = seconds if self.chance(0.6) else self.edge_seconds()
            self.add(patient, day, kind, length, video_declined="", **cells)

    def day_of_group(self, patient: Patient) -> None:
        day, practice = self.rng.choice(patient.days), self.rng.choice(patient.practices)
        for seconds in self.split(self.edge_total(GROUP_EDGES), self.rng.randint(1, 3)):
            size = self.rng.choice(["2", "4", "4", "5", "8"])
            cells = {"billing_npi": practice, "group_size": size, **self.by("licensed", "app")}
            self.add(patient, day, "group-education", seconds, **cells)

    def month_of_conferences(self, patient: Patient) -> None:
        month, practice = self.rng.choice(patient.days), self.rng.choice(patient.practices)
        for number in self.rng.sample(range(1, 29), self.rng.randint(2, 4)):
            provider = self.chance(0.75)
            for place in range(self.rng.randint(1, 3)):
                groups = ["physician", "app"] if provider and place == 0 else ["licensed"]
                cells = {"billing_npi": practice, "rendering_npi": "", **self.by(*groups)}
                if self.chance(0.1):
                    cells["rendering_npi"] = self.rng.choice(self.habits.providers)
                seconds = self.rng.choice([29, 30, 31, 45, 60]) * 60 - self.rng.choice([0, 0, 1])
                self.add(patient, month.replace(day=number), "team-conference", seconds, **cells)

    def assessments(self, patient: Patient) -> None:
        practice = self.rng.choice(patient.practices)
        for day in self.rng.choices(patient.days, k=self.rng.randint(2, 3)):
            cells = {"billing_npi": practice, "mode": "in-person", **self.by("licensed", "app")}
            seconds = self.rng.choice([29, 30, 31, 60]) * 60 - self.rng.choice([0, 0, 1])
            self.add(patient, day, "comprehensive-assessment", seconds, **cells)

    def refusals(self, patient: Patient) -> None:
        for day in self.rng.choices(patient.days, k=2):
            cells = {"mode": self.rng.choice(["in-person", "phone"]), "outcome": "declined"}
            cells |= self.by("licensed")
            cells["line_of_business"] = "commercial PPO"
            self.add(patient, day, "program-discussion", self.edge_seconds(), **cells)

    def anything(self, patient: Patient) -> None:
        kind = self.rng.choices(list(KINDS), list(KINDS.values()))[0]
        if kind == "administrative":
            kind = self.rng.choice(ADMINISTRATIVE)
        elif kind == "ecm-outreach":
            kind = self.rng.choice(["ecm-service", "ecm-outreach", "ecm-engagement"])
        day = self.rng.choice(patient.days)
        if self.chance(0.04):
            day = dt.date.fromisoformat(self.rng.choice(ODD_DATES))
        self.add(patient, day, kind, self.edge_seconds())

    def repeat(self) -> None:
        """A row that comes again, whole or with one cell changed."""
        row = dict(self.rng.choice(self.rows))
        if row.get("activity_id") and self.chance(0.4):
            other = ["documentation", "care-coordination", "care-management-contact"]
            row["kind"] = self.rng.choice([kind for kind in other if kind != row["kind"]])
        self.rows.append(row)

    def belonging_together(self, patient: Patient) -> None:
        bundles = [
            *(self.month_of_coordination, self.day_of_contacts, self.day_of_calls),
            *(self.day_of_group, self.month_of_conferences, self.assessments, self.refusals),
        ]
        self.rng.choices(bundles, [30, 14, 14, 7, 10, 8, 6])[0](patient)

    def make(self, seed: int, rows: int) -> Export:
        patients = self.make_patients(max(5, rows // 20))
        staff = self.make_staff()
        while len(self.rows) < rows:
            patient = self.rng.choice(self.patients)
            if self.chance(0.02) and self.rows:
                self.repeat()
            elif self.chance(0.2):
                self.belonging_together(patient)
            else:
                self.anything(patient)
        activities = self.rows[:rows]
        self.rng.shuffle(activities)
        return Export(seed, activities, patients, staff, typed=seed % 2 == 1)


def clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"
