"""What every plan's slow reading shares: reading rows, asking screens, keeping the book.

It shares nothing with the engine. How a row is settled:

1. Intake: a row that cannot be read is held.
2. Administrative kinds are left out; a kind or a date without a rule is held.
3. The row goes to one service, and every screen of that service is asked.
   One "no" leaves it out; else one "not settled" holds it; else it passes.
4. The rows that pass earn lines, within each service's limits.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

Row = dict[str, str]
Answer = tuple[str, str]  # ("yes" | "no" | "unsettled", problem)

BCBSM = "bcbsm-pdcm"
PRIORITY = "priority-health"
HMO = "mi-medicaid-hmo"
SIM = "mi-sim"
MEDI_CAL = "medi-cal-ecm"
MEDICARE = "medicare-ccm"


@dataclass(frozen=True)
class Line:
    plan: str
    patient_id: str
    practice: str
    month: str
    service_date: str
    code: str
    modifiers: tuple[str, ...]
    units: int
    minutes: int | None
    activities: int


@dataclass
class Result:
    lines: list[Line]
    outcomes: list[tuple[str, str]]
    encounters: list[Line] = field(default_factory=list)  # told to the plan, without a charge


# ---------------------------------------------------------------------------------------------
# What the payers and the care team call things

PAYERS = {
    "bcbsm": BCBSM,
    "bcbs of michigan": BCBSM,
    "blue cross blue shield of michigan": BCBSM,
    "bcn": BCBSM,
    "blue care network": BCBSM,
    "bcn advantage": BCBSM,
    "medicare plus blue": BCBSM,
    "priority health": PRIORITY,
    "medicaid hmo": HMO,
    "michigan medicaid": HMO,
    "medicaid health plan": HMO,
    "sim": SIM,
    "sim pcmh": SIM,
    "state innovation model": SIM,
    "medi-cal": MEDI_CAL,
    "medi-cal ecm": MEDI_CAL,
    "ecm": MEDI_CAL,
    "calaim ecm": MEDI_CAL,
    "medicare": MEDICARE,
    "original medicare": MEDICARE,
    "medicare part b": MEDICARE,
}

CREDENTIALS = {
    "physician": ["md", "do"],
    "app": ["np", "pa", "cns", "cnm", "aprn", "fnp", "dnp", "pa-c"],
    "licensed": [
        *("rn", "lpn", "lvn", "lmsw", "lcsw", "lbsw", "msw", "lpc", "lmft", "lmhc"),
        *("pharmd", "rph", "rd", "rdn", "nutritionist", "nutritionist (ms)", "rrt"),
        *("cdces", "cde", "ae-c", "ches"),
    ],
    "unlicensed": [
        *("ma", "cma", "chw", "care coordinator", "social service technician"),
        *("peer specialist", "promotor", "promotora", "promotor(a)", "bsw"),
    ],
}
GROUP_OF = {name: group for group, names in CREDENTIALS.items() for name in names}
HIGHEST_FIRST = ["physician", "app", "licensed", "unlicensed"]
TRAINEES = {"asw", "amft", "apcc", "intern"}  # known to Medi-Cal alone

ADMINISTRATIVE = {
    *("prior-authorization", "benefit-check", "documentation", "chart-prep", "email"),
    *("reminder", "pre-screening", "voicemail", "mass-communication", "program-administration"),
}
CARE_KINDS = {
    *("care-coordination", "care-management-contact", "comprehensive-assessment"),
    *("portal-message", "group-education", "team-conference", "care-plan-oversight"),
    *("advance-care-planning", "program-discussion", "post-discharge-call"),
    *("ecm-service", "ecm-outreach", "ecm-engagement"),
}
MODES = {"in-person", "video", "phone", "portal", "text", "secure-email", "mail", "none"}
FACTS = [
    *("outcome", "participants", "setting", "mdm", "other_services", "diagnosis_codes"),
    *("authorization_number", "authorization_from", "authorization_to", "chw_billed"),
    *("enrollment_date", "disenrollment_date", "death_date", "consent_date"),
    *("care_plan_date", "initiating_visit_date"),
]


# ---------------------------------------------------------------------------------------------
# Reading a row


@dataclass
class Entry:
    """One readable row, in the words of the rules."""

    row: int
    plan: str
    patient: str
    practice: str
    date: dt.date
    start: int | None  # minutes after midnight
    end: int | None
    activity_id: str
    cells: tuple[tuple[str, str], ...]
    kind: str
    mode: str
    group: str  # physician, app, licensed, unlicensed or blank
    medical_assistant: bool
    credentials: frozenset[str]  # every known one in the cell
    seconds: int | None
    group_size: int | None
    outcome: str
    video_declined: bool
    specialist: bool
    rendering: str
    outside_pdcm: bool
    line_of_business: str | None  # None: no such column anywhere
    staff: str
    training: dt.date | None
    training_known: bool  # the staff file has the column
    scope_of_service: str | None  # None: no such column anywhere
    payer_until: dt.date | None  # the last day of the payer's period, where the file says one
    facts: Mapping[str, str | None]  # the FACTS columns; None: no such column anywhere

    @property
    def minutes(self) -> int | None:
        return None if self.seconds is None else self.seconds // 60

    @property
    def day(self) -> str:
        return self.date.isoformat()

    @property
    def month(self) -> str:
        return self.day[:7]

    @property
    def year(self) -> int:
        return self.date.year


def earliest_first(e: Entry) -> tuple[dt.date, int, str, tuple[tuple[str, str], ...]]:
    return (e.date, 9999 if e.start is None else e.start, e.activity_id, e.cells)


def read_date(text: str) -> dt.date | None:
    iso = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text)
    slash = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text)
    try:
        if iso:
            return dt.date(int(iso[1]), int(iso[2]), int(iso[3]))
        if slash:
            return dt.date(int(slash[3]), int(slash[1]), int(slash[2]))
    except ValueError:
        return None
    return None


def read_clock(text: str) -> int | None:
    clock = re.fullmatch(r"(\d{1,2}):(\d{2})", text)
    return int(clock[1]) * 60 + int(clock[2]) if clock else None


def read_seconds(minutes: str, start: str, end: str) -> tuple[int | None, str]:
    """Whole seconds and a problem; no seconds and no problem when the time is blank."""
    if not minutes:
        begins, ends = read_clock(start), read_clock(end)
        if begins is None or ends is None:
            return None, ""
        exact = Decimal((ends - begins) % (24 * 60) * 60)
    elif hours := re.fullmatch(r"(\d+):([0-5]\d)(?::([0-5]\d))?", minutes):
        exact = Decimal(int(hours[1]) * 3600 + int(hours[2]) * 60 + int(hours[3] or 0))
    elif re.fullmatch(r"-?\d+(\.\d+)?", minutes):
        exact = Decimal(minutes) * 60
    else:
        return None, "minutes-not-read"
    if not 0 < exact <= 1440 * 60:
        return None, "minutes-out-of-range"
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)), ""


def credentials_in(text: str, trainees: bool = False) -> frozenset[str]:
    """Every known credential in the cell."""
    whole = " ".join(text.lower().split())
    pieces = [piece.strip() for piece in re.split(r"[,;/&]", whole)]
    words = [word for piece in pieces for word in piece.split()]
    known = GROUP_OF.keys() | (TRAINEES if trainees else set())
    return frozenset(name for name in [whole, *pieces, *words] if name in known)


def highest_group(credentials: frozenset[str]) -> str:
    groups = {GROUP_OF[name] for name in credentials if name in GROUP_OF}
    return next((group for group in HIGHEST_FIRST if group in groups), "")


def duplicates(activities: list[Row]) -> dict[int, str]:
    """Rows settled as duplicates: row number and outcome."""
    cells = [tuple(sorted((k, v.strip()) for k, v in row.items())) for row in activities]
    same_id: dict[str, list[int]] = defaultdict(list)
    same_cells: dict[tuple[tuple[str, str], ...], list[int]] = defaultdict(list)
    for i, row in enumerate(activities):
        if row.get("activity_id", "").strip():
            same_id[row["activity_id"].strip()].append(i)
        else:
            same_cells[cells[i]].append(i)
    settled: dict[int, str] = {}
    for rows in same_id.values():
        if len({cells[i] for i in rows}) == 1:
            settled.update(dict.fromkeys(rows[1:], "left-out"))
        else:
            settled.update(dict.fromkeys(rows, "held"))
    for rows in same_cells.values():
        settled.update(dict.fromkeys(rows[1:], "held"))
    return settled


class Intake:
    """What the whole export and its companion files say about each row."""

    def __init__(self, activities: list[Row], patients: list[Row], staff: list[Row]) -> None:
        self.patients: dict[str, list[Row]] = defaultdict(list)
        for record in patients:
            self.patients[record.get("patient_id", "").strip()].append(record)
        self.staff = {s.get("staff_id", "").strip(): s for s in staff}
        self.columns = {column for row in activities for column in row}
        self.patient_columns = {column for row in patients for column in row}
        self.staff_columns = {column for row in staff for column in row}
        self.eligible = self.latest_of_patient(activities, "pdcm_eligible")
        npis = {row.get("billing_npi", "").strip() for row in activities} - {""}
        self.one_practice = "" if not npis else npis.pop() if len(npis) == 1 else None

    def latest_of_patient(self, activities: list[Row], column: str) -> dict[str, str]:
        """Each patient's latest non-blank value, of one day the last in the alphabet; the patients
        file speaks where the export does not."""
        latest: dict[str, tuple[dt.date, str]] = {}
        for row in activities:
            if value := row.get(column, "").strip().lower():
                day = read_date(row.get("service_date", "").strip()) or dt.date.min
                patient = row.get("patient_id", "").strip()
                latest[patient] = max((day, value), latest.get(patient, (dt.date.min, "")))
        filed = {
            patient: record.get(column, "").strip().lower()
            for patient, records in self.patients.items()
            for record in records
            if record.get(column, "").strip()
        }
        return filed | {patient: value for patient, (_, value) in latest.items()}

    def of_patient(self, row: Row, column: str) -> str:
        """The activity's own non-blank value wins over the patients file."""
        own = row.get(column, "").strip()
        if own:
            return own
        records = self.patients.get(row.get("patient_id", "").strip(), [])
        cells = [record.get(column, "").strip() for record in records]
        return next((cell for cell in reversed(cells) if cell), "")

    def payer_and_last_day(self, row: Row) -> tuple[str, dt.date | None]:
        """A dated record that covers the day wins over the row's own payer.

        Among several the latest beginning wins, then the later record. A record with dates says
        nothing about other days.
        """
        date = read_date(row.get("service_date", "").strip())
        undated, covering = "", []
        for number, record in enumerate(self.patients.get(row.get("patient_id", "").strip(), [])):
            payer, begins, ends = (
                record.get(column, "").strip() for column in ("payer", "from", "to")
            )
            if not payer:
                continue
            if not begins and not ends:
                undated = payer
                continue
            first = read_date(begins) or dt.date.min
            last = read_date(ends) or dt.date.max
            if date is not None and first <= date <= last:
                covering.append((first, number, payer, read_date(ends)))
        if covering:
            return max(covering)[2:]
        return row.get("payer", "").strip() or undated, None

    def of_staff(self, row: Row, column: str) -> str:
        member = row.get("staff_id", "").strip()
        return self.staff.get(member, {}).get(column, "").strip() if member else ""

    def credential(self, row: Row) -> str:
        return row.get("credential", "").strip() or self.of_staff(row, "credential")

    def practice(self, row: Row) -> str | None:
        return row.get("billing_npi", "").strip() or self.one_practice

    def problem(self, row: Row) -> str:
        """The first reason why the row cannot be read, in the order of the readings."""
        payer = self.payer_and_last_day(row)[0].lower()
        trainees = PAYERS.get(payer) == MEDI_CAL
        kind = row.get("kind", "").strip()
        mode = row.get("mode", "").strip()
        credential = self.credential(row)
        time_problem = read_seconds(*self.time_cells(row))[1]
        asked = [
            (not row.get("patient_id", "").strip(), "patient-missing"),
            (read_date(row.get("service_date", "").strip()) is None, "date-not-read"),
            (bool(time_problem), time_problem),
            (not payer, "payer-missing"),
            (payer not in PAYERS, "payer-not-known"),
            (not kind, "kind-missing"),
            (kind.lower() not in ADMINISTRATIVE | CARE_KINDS, "kind-not-known"),
            (
                mode != "" and mode.lower() not in MODES and kind.lower() not in ADMINISTRATIVE,
                "mode-not-known",
            ),
            (credential != "" and not credentials_in(credential, trainees), "credential-not-known"),
            (self.practice(row) is None, "practice-missing"),
        ]
        return next((problem for wrong, problem in asked if wrong), "")

    @staticmethod
    def time_cells(row: Row) -> tuple[str, str, str]:
        minutes, start, end = (
            row.get(column, "").strip() for column in ("minutes", "start_time", "end_time")
        )
        return minutes, start, end

    def entry(self, number: int, row: Row) -> Entry:
        """A row of a patient on a day, as the rules see it."""

        def own(column: str) -> str:
            return row.get(column, "").strip()

        date = read_date(own("service_date"))
        practice = self.practice(row) or ""
        assert date is not None
        payer, payer_until = self.payer_and_last_day(row)
        plan = PAYERS.get(payer.lower(), "")
        credentials = credentials_in(self.credential(row), trainees=plan == MEDI_CAL)
        group = highest_group(credentials)
        asked_lob = "line_of_business" in self.columns | self.patient_columns
        lob = self.of_patient(row, "line_of_business").lower()
        scope = self.of_staff(row, "scope_of_service").lower()
        return Entry(
            row=number,
            plan=plan,
            patient=own("patient_id"),
            practice=practice,
            date=date,
            start=read_clock(own("start_time")),
            end=read_clock(own("end_time")),
            activity_id=own("activity_id"),
            cells=tuple(sorted(row.items())),
            kind=own("kind").lower(),
            mode=own("mode").lower(),
            group=group,
            medical_assistant=group == "unlicensed" and bool(credentials & {"ma", "cma"}),
            credentials=credentials,
            seconds=read_seconds(*self.time_cells(row))[0],
            group_size=int(own("group_size")) if own("group_size") else None,
            outcome=own("outcome").lower(),
            video_declined=own("video_declined").lower() == "yes",
            specialist=own("provider_role").lower() == "specialist",
            rendering=own("rendering_npi"),
            outside_pdcm=self.eligible.get(own("patient_id"), "") == "no",
            line_of_business=lob if asked_lob else None,
            staff=own("staff_id"),
            training=read_date(self.of_staff(row, "training_date")),
            training_known="training_date" in self.staff_columns,
            scope_of_service=scope if "scope_of_service" in self.staff_columns else None,
            payer_until=payer_until,
            facts={
                column: self.of_patient(row, column).lower()
                if column in self.columns | self.patient_columns
                else None
                for column in FACTS
            },
        )


# ---------------------------------------------------------------------------------------------
# Screens: each asks one question of one entry

YES: Answer = ("yes", "")


def no(problem: str) -> Answer:
    return ("no", problem)


def unsettled(problem: str) -> Answer:
    return ("unsettled", problem)


def mode_among(e: Entry, *modes: str) -> Answer:
    if not e.mode:
        return unsettled("mode-missing")
    return YES if e.mode in modes else no("left-out-mode")


def not_written(e: Entry) -> Answer:
    """Care coordination: email and non-verbal communication are not time; a blank mode is fine."""
    return no("left-out-mode") if e.mode in {"text", "secure-email", "mail"} else YES


def staff_among(e: Entry, *groups: str) -> Answer:
    if not e.group:
        return unsettled("credential-missing")
    return YES if e.group in groups else no("left-out-credential")


def credential_given(e: Entry) -> Answer:
    return YES if e.group else unsettled("credential-missing")


def minutes_given(e: Entry) -> Answer:
    return unsettled("minutes-missing") if e.minutes is None else YES


def minutes_at_least(e: Entry, least: int) -> Answer:
    if e.minutes is None:
        return unsettled("minutes-missing")
    return YES if e.minutes >= least else no("below-threshold")


def group_of_two_to_eight(e: Entry) -> Answer:
    if e.group_size is None:
        return unsettled("group-size-missing")
    return YES if 2 <= e.group_size <= 8 else unsettled("rule-assumed")


def primary_care_only(e: Entry) -> Answer:
    return unsettled("rule-assumed") if e.specialist else YES


Asked = tuple[str, list[Answer]]  # the service that the row goes to, and its screens' answers


# ---------------------------------------------------------------------------------------------
# Earning: the entries that passed, service by service


class Book:
    """The lines earned so far and what became of each row."""

    def __init__(self, rows: int) -> None:
        self.lines: list[Line] = []
        self.encounters: list[Line] = []
        self.everything: list[Entry] = []  # rows of a patient on a day, whatever else is wrong
        self.outcomes: list[tuple[str, str]] = [("held", "")] * rows

    def counted(self, entries: Iterable[Entry]) -> None:
        for e in entries:
            self.outcomes[e.row] = ("counted", "")

    def left_out(self, entries: Iterable[Entry], problem: str) -> None:
        for e in entries:
            self.outcomes[e.row] = ("left-out", problem)

    def held(self, entries: Iterable[Entry], problem: str) -> None:
        for e in entries:
            self.outcomes[e.row] = ("held", problem)

    def line(
        self,
        entries: list[Entry],
        code: str,
        units: int,
        minutes: int | None,
        modifiers: tuple[str, ...] = (),
        on: dt.date | None = None,
    ) -> None:
        """One line, on the day of the last of these entries unless another is given."""
        self.lines.append(line_of(entries, code, units, minutes, modifiers, on))


def line_of(
    entries: list[Entry],
    code: str,
    units: int,
    minutes: int | None,
    modifiers: tuple[str, ...] = (),
    on: dt.date | None = None,
) -> Line:
    last = max(entries, key=lambda e: e.date)
    return Line(
        plan=last.plan,
        patient_id=last.patient,
        practice=last.practice,
        month=last.month,
        service_date=last.day if on is None else on.isoformat(),
        code=code,
        modifiers=modifiers,
        units=units,
        minutes=minutes,
        activities=len(entries),
    )


def grouped(entries: Iterable[Entry], key: Callable[[Entry], Hashable]) -> list[list[Entry]]:
    groups: dict[Hashable, list[Entry]] = defaultdict(list)
    for e in sorted(entries, key=earliest_first):
        groups[key(e)].append(e)
    return list(groups.values())


def by_day(e: Entry) -> Hashable:
    return (e.patient, e.practice, e.date)


def by_month(e: Entry) -> Hashable:
    return (e.patient, e.practice, e.month)


def by_year(e: Entry) -> Hashable:
    return (e.patient, e.practice, e.year)


def by_practice(e: Entry) -> Hashable:
    return (e.patient, e.practice)


def total_minutes(entries: list[Entry]) -> int:
    """Whole seconds added, floored to minutes once."""
    return sum(e.seconds or 0 for e in entries) // 60


def started(minutes: int, step: int) -> int:
    return -(-minutes // step)


def first_one_bills(
    entries: list[Entry], key: Callable[[Entry], Hashable], code: str, book: Book
) -> list[Entry]:
    """The earliest of each group is billed, the rest are over the limit; returns the billed."""
    billed = []
    for group in grouped(entries, key):
        book.counted(group[:1])
        book.line(group[:1], code, 1, group[0].minutes)
        book.left_out(group[1:], "unit-limit")
        billed.append(group[0])
    return billed


def phone_code(minutes: int) -> str:
    if minutes >= 21:
        return "98968"
    return "98967" if minutes >= 11 else "98966"


def longest_call_of_the_day_bills(entries: list[Entry], book: Book) -> None:
    for calls in grouped(entries, by_day):
        longest = max(e.seconds or 0 for e in calls)
        billed = next(e for e in calls if e.seconds == longest)  # calls are earliest first
        minutes = billed.minutes or 0
        book.held([e for e in calls if e is not billed], "unit-limit")
        book.counted([billed])
        book.line([billed], phone_code(minutes), 1, minutes)


def first_oversight_bills(entries: list[Entry], book: Book) -> None:
    for group in grouped(entries, by_practice):
        book.counted(group[:1])
        book.line(group[:1], "G9008", 1, group[0].minutes)
        book.held(group[1:], "rule-assumed")


def group_education_code(e: Entry) -> str:
    return "98961" if (e.group_size or 0) <= 4 else "98962"


def group_education_by_time(entries: list[Entry], book: Book) -> None:
    """16-45 minutes once, then one more for each 30 begun."""
    for visits in grouped(entries, lambda e: (by_day(e), group_education_code(e))):
        book.counted(visits)
        minutes = total_minutes(visits)
        if minutes >= 16:
            units = 1 + started(max(0, minutes - 45), 30)
            book.line(visits, group_education_code(visits[0]), units, minutes)


def provider_took_part(conference: list[Entry]) -> bool:
    return any(e.group in {"physician", "app"} or e.rendering != "" for e in conference)


def conference_minutes(conference: list[Entry]) -> int | None:
    return max((e.minutes for e in conference if e.minutes is not None), default=None)


def conferences_with_provider(entries: list[Entry], book: Book) -> list[list[Entry]]:
    """One conference per patient, practice and day; those without a provider are held."""
    kept = []
    for conference in grouped(entries, by_day):
        if provider_took_part(conference):
            kept.append(conference)
        else:
            book.held(conference, "provider-missing")
    return kept


def bill_conference(conference: list[Entry], book: Book) -> None:
    book.counted(conference)
    book.line(conference, "G9007", 1, conference_minutes(conference))


Services = dict[str, list[Entry]]


# ---------------------------------------------------------------------------------------------
# The whole export

# What may be varied: Medi-Cal's switches, and whether a practitioner's time joins the staff's.
SETTINGS: dict[str, object] = {
    "lifetime_cap": 5,  # or 0: none
    "window_counts": "billed",  # or "all"
    "authorization": "required",  # or "streamlined-30-days", "none"
    "engagement": True,
    "conference": True,
    "conference_charge": False,  # the fee schedule has a charge for the informational G9007
    "practitioner_time": "joins",  # or "separate"
}
Settings = dict[str, object]
Settle = Callable[[list[Entry], Book, Settings], None]  # settles every entry of one plan


def bill_plans(
    plans: dict[str, Settle],
    activities: list[Row],
    patients: list[Row],
    staff: list[Row],
    settings: Settings | None = None,
) -> Result:
    """Every claim line that the export earns, and what became of each of its rows."""
    chosen = SETTINGS | (settings or {})
    if chosen.keys() != SETTINGS.keys():
        raise ValueError(f"unknown settings: {chosen.keys() - SETTINGS.keys()}")
    intake = Intake(activities, patients, staff)
    copies = duplicates(activities)
    book = Book(len(activities))
    entries: dict[str, list[Entry]] = {plan: [] for plan in plans}
    for number, row in enumerate(activities):
        if row.get("patient_id", "").strip() and read_date(row.get("service_date", "").strip()):
            book.everything.append(intake.entry(number, row))
        if number in copies:
            book.outcomes[number] = (copies[number], "duplicate-row")
        elif problem := intake.problem(row):
            book.outcomes[number] = ("held", problem)
        else:
            entry = intake.entry(number, row)
            if entry.plan not in plans:
                raise ValueError(f"this reading does not cover {entry.plan}")
            entries[entry.plan].append(entry)
    for plan, settle in plans.items():
        settle(entries[plan], book, chosen)
    return Result(in_order(book.lines), book.outcomes, in_order(book.encounters))


def in_order(lines: list[Line]) -> list[Line]:
    return sorted(lines, key=lambda ln: (ln.plan, ln.patient_id, ln.month, str(ln)))


def screened(
    entries: list[Entry], asks: Callable[[Entry], Asked | None], book: Book
) -> list[tuple[str, Entry]]:
    """The entries that pass every screen, each with its service; the book settles the others."""
    passed: list[tuple[str, Entry]] = []
    for e in entries:
        asked = asks(e)
        if e.kind in ADMINISTRATIVE:
            book.left_out([e], "left-out-kind")
        elif asked is None:
            book.held([e], "no-rule-in-force")
        elif nos := [problem for answer, problem in asked[1] if answer == "no"]:
            book.left_out([e], nos[0])
        elif holds := [problem for answer, problem in asked[1] if answer == "unsettled"]:
            book.held([e], holds[0])
        else:
            passed.append((asked[0], e))
    return passed


def by_service(passed: list[tuple[str, Entry]]) -> Services:
    services: Services = defaultdict(list)
    for service, e in passed:
        services[service].append(e)
    return services
