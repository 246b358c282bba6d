"""Medicare's Chronic Care Management, by patient, practitioner and month.

The practitioner is the row's own rendering NPI, else its billing NPI, within one practice: time is
never added across practices.

What the patient's readable rows of the plan say together: the earliest consent; in the month the
highest decision-making, all diagnoses and all other services; else the latest non-blank cell.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections import defaultdict
from dataclasses import dataclass

from reference.common import (
    YES,
    Answer,
    Asked,
    Book,
    Entry,
    Services,
    Settings,
    by_service,
    earliest_first,
    grouped,
    minutes_given,
    no,
    read_date,
    screened,
    staff_among,
    unsettled,
)

SINCE = {
    "99490": 2015,
    "G0181": 2015,
    "G0182": 2015,
    "99487": 2017,
    "99489": 2017,
    "G0506": 2017,
    "99491": 2019,
    "99439": 2021,
    "99437": 2022,
}
TIMED = {"care-coordination", "portal-message", "care-management-contact", "post-discharge-call"}
WITHOUT_THE_PATIENT = {"care-coordination", "portal-message"}  # in person only if it says so
OVERSIGHT_CODES = {"home-health": "G0181", "hospice": "G0182"}
DIALYSIS = {str(code) for code in range(90951, 90971)}
ADVANCED_PRIMARY_CARE = {"g0556", "g0557", "g0558"}
PRINCIPAL_CARE = {"99424", "99425", "99426", "99427"}

Practitioner = tuple[str, str]
PatientMonth = tuple[str, str]


def in_force(code: str, e: Entry) -> bool:
    return e.year >= SINCE[code]


def practitioner(e: Entry) -> Practitioner:
    return e.rendering or e.practice, e.practice


def practitioner_month(e: Entry) -> tuple[str, Practitioner, str]:
    return e.patient, practitioner(e), e.month


def split_codes(cell: str | None) -> set[str]:
    return {code.replace(".", "") for code in re.split(r"[;,|\s]+", cell or "")} - {""}


PAIR_EDITS = dt.date(2024, 7, 1)


class Patients:
    """What the rows say together about each patient: details from all of them that have a day,
    services elsewhere and practitioners from those of the plan that can be read."""

    def __init__(self, entries: list[Entry], everything: list[Entry]) -> None:
        self.consent: dict[str, dt.date] = {}
        self.latest: dict[tuple[str, str], str] = {}
        self.diagnoses: dict[PatientMonth, set[str]] = defaultdict(set)
        self.complex: set[PatientMonth] = set()
        self.other_services: dict[PatientMonth, set[str]] = defaultdict(set)
        self.practitioners_services: dict[object, set[str]] = defaultdict(set)
        self.first_practitioner: dict[PatientMonth, Practitioner] = {}
        for e in sorted(everything, key=earliest_first):
            month = (e.patient, e.month)
            if date := read_date(e.facts["consent_date"] or ""):
                self.consent[e.patient] = min(date, self.consent.get(e.patient, date))
            for column in ("care_plan_date", "initiating_visit_date"):
                self.keep_date(e, column)
            for column in ("death_date", "disenrollment_date"):
                self.keep_date(e, column)
            self.diagnoses[month] |= split_codes(e.facts["diagnosis_codes"])
            if e.facts["mdm"] in {"moderate", "high"}:
                self.complex.add(month)
        for e in entries:
            month = (e.patient, e.month)
            self.other_services[month] |= split_codes(e.facts["other_services"])
            self.practitioners_services[practitioner_month(e)] |= split_codes(
                e.facts["other_services"]
            )
        self.choose_practitioners(entries)

    def keep_date(self, e: Entry, column: str) -> None:
        cell = e.facts[column] or ""
        if read_date(cell):
            self.latest[e.patient, column] = cell

    def date(self, e: Entry, column: str) -> dt.date | None:
        return read_date(self.latest.get((e.patient, column), ""))

    def last_day(self, e: Entry) -> dt.date:
        ends = [self.date(e, column) for column in ("death_date", "disenrollment_date")]
        return min((day for day in ends if day is not None), default=dt.date.max)

    def choose_practitioners(self, entries: list[Entry]) -> None:
        """The first to do work that could count; whether it earns anything is not asked."""
        first: dict[PatientMonth, tuple[dt.date, Practitioner]] = {}
        for e in entries:
            if e.kind not in TIMED or e.year < SINCE["99490"]:
                continue
            asked = [ccm_mode(e), ccm_staff(e), minutes_given(e), self.consented(e), self.alive(e)]
            if all(answer == YES for answer in asked):
                month = (e.patient, e.month)
                mine = (e.date, practitioner(e))
                first[month] = min(mine, first.get(month, mine))
        self.first_practitioner = {month: who for month, (_, who) in first.items()}

    # --- screens that ask about the patient ---

    def consented(self, e: Entry) -> Answer:
        if e.facts["consent_date"] is None:
            return YES
        if e.patient not in self.consent:
            return unsettled("consent-missing")
        return YES if e.date >= self.consent[e.patient] else no("service-before-consent")

    def two_diagnoses(self, e: Entry) -> Answer:
        if e.facts["diagnosis_codes"] is None or len(self.diagnoses[e.patient, e.month]) >= 2:
            return YES
        return unsettled("diagnoses-missing")

    def care_plan(self, e: Entry) -> Answer:
        if e.facts["care_plan_date"] is None or self.date(e, "care_plan_date"):
            return YES
        return unsettled("care-plan-missing")

    def alive(self, e: Entry) -> Answer:
        return YES if e.date <= self.last_day(e) else unsettled("service-after-end")

    def nothing_beside(self, e: Entry) -> Answer:
        by_anyone = self.other_services[e.patient, e.month] & (DIALYSIS | ADVANCED_PRIMARY_CARE)
        by_this_one = self.practitioners_services[practitioner_month(e)] & PRINCIPAL_CARE
        return unsettled("not-with") if by_anyone or by_this_one else YES

    def one_practitioner(self, e: Entry) -> Answer:
        first = self.first_practitioner.get((e.patient, e.month), practitioner(e))
        return YES if first == practitioner(e) else unsettled("one-practitioner")

    def initiating_visit(self, e: Entry) -> Answer:
        if e.facts["initiating_visit_date"] is None:
            return YES
        visit = self.date(e, "initiating_visit_date")
        if visit is None:
            return unsettled("initiating-visit-missing")
        return YES if visit == e.date else no("not-payable")

    # --- the services ---

    def screens(self, e: Entry) -> Asked | None:
        """None: no rule for this kind or date."""
        if e.kind in TIMED and in_force("99490", e):
            return "ccm", [
                ccm_mode(e),
                ccm_staff(e),
                minutes_given(e),
                self.consented(e),
                self.two_diagnoses(e),
                self.care_plan(e),
                self.alive(e),
                self.nothing_beside(e),
                self.one_practitioner(e),
            ]
        if e.kind == "comprehensive-assessment" and in_force("G0506", e):
            return "G0506", [staff_among(e, "physician", "app"), self.initiating_visit(e)]
        if e.kind == "care-plan-oversight" and in_force("G0181", e):
            setting = YES if e.facts["setting"] in OVERSIGHT_CODES else no("not-payable")
            who = staff_among(e, "physician", "app")
            return "oversight", [setting, who, minutes_given(e)]
        return None


def ccm_mode(e: Entry) -> Answer:
    if e.mode == "in-person":
        return no("left-out-mode")
    if not e.mode and e.kind not in WITHOUT_THE_PATIENT:
        return unsettled("mode-missing")
    return YES


def ccm_staff(e: Entry) -> Answer:
    if e.medical_assistant:
        return YES
    return staff_among(e, "physician", "app", "licensed")


def settle_medicare(entries: list[Entry], book: Book, settings: Settings) -> None:
    patients = Patients(entries, book.everything)
    services: Services = by_service(screened(entries, patients.screens, book))
    complex_dates: set[tuple[str, dt.date]] = set()
    months_with_ccm: set[object] = set()
    for month in grouped(services["ccm"], practitioner_month):
        book.counted(month)
        is_complex = (month[0].patient, month[0].month) in patients.complex
        for earned in ccm_month(month, is_complex, settings):
            date = month_total_date(earned.entries, patients)
            for code, units in earned.units.items():
                book.line(earned.entries, code, units, earned.minutes, on=date)
                months_with_ccm.add(practitioner_month(month[0]))
                if code == "99487":
                    complex_dates.add((month[0].patient, date))
    oversight_dates: set[object] = set()
    for month in grouped(services["oversight"], practitioner_month):
        oversight_dates |= oversight_month(month, patients, months_with_ccm, book)
    assessments(services["G0506"], complex_dates, oversight_dates, book)


def month_total_date(entries: list[Entry], patients: Patients) -> dt.date:
    """Month end, but not after the payer's period, the patient's death or disenrolment."""
    last = max(entries, key=earliest_first)
    month_end = last.date.replace(day=calendar.monthrange(last.date.year, last.date.month)[1])
    return min(month_end, last.payer_until or dt.date.max, patients.last_day(last))


# --- minutes ---


def counted_seconds(month: list[Entry]) -> dict[int, int]:
    """Seconds that count, by row: two people in the same minutes of one patient count once.

    The entries are those of one patient and practitioner. On each day those with a start and an
    end are taken by start, then activity id: each loses the part of its [start, end) that the
    entries before it have covered, and never goes below nothing. An end before its start is on the
    next day, where it meets no entry of that day; an end at its start covers nothing. An entry
    without both times counts whole and covers nothing. Where minutes and times differ, the minutes
    are what the overlap is taken from.
    """
    seconds: dict[int, int] = {}
    covered: dict[dt.date, set[int]] = defaultdict(set)  # minutes after midnight
    for e in sorted(month, key=earliest_first):
        whole = e.seconds or 0
        if e.start is None or e.end is None:
            seconds[e.row] = whole
            continue
        end = e.end + 24 * 60 if e.end < e.start else e.end
        interval = set(range(e.start, end))
        seconds[e.row] = max(0, whole - 60 * len(interval & covered[e.date]))
        covered[e.date] |= interval
    return seconds


@dataclass
class Earned:
    entries: list[Entry]
    minutes: int
    units: dict[str, int]


def ccm_month(month: list[Entry], is_complex: bool, settings: Settings) -> list[Earned]:
    """One family: the staff's, or the practitioner's own where the staff's earns nothing."""
    seconds = counted_seconds(month)
    own = [e for e in month if e.group in {"physician", "app"}]
    by_staff = [e for e in month if e.group not in {"physician", "app"}]
    staff_seconds = sum(seconds[e.row] for e in by_staff)
    own_seconds = sum(seconds[e.row] for e in own)
    own_minutes = own_seconds // 60
    own_pays = own_minutes >= 30 and in_force("99491", month[0])
    if settings["practitioner_time"] == "separate":
        staffs = Earned(by_staff, staff_seconds // 60, {})
    elif staff_seconds > 0 or not own_pays:
        staffs = Earned(month, (staff_seconds + own_seconds) // 60, {})
        own_pays = False
    else:
        staffs = Earned([], 0, {})
    if staffs.entries:
        staffs.units = staff_family(staffs.minutes, is_complex, month[0])
        if staffs.units:
            return [staffs]
    return [Earned(own, own_minutes, practitioner_family(own_minutes, own[0]))] if own_pays else []


def staff_family(minutes: int, is_complex: bool, e: Entry) -> dict[str, int]:
    """Complex at 60 with the decision-making, never on minutes alone; else 20, 40, 60."""
    if is_complex and minutes >= 60 and in_force("99487", e):
        units = {"99487": 1, "99489": min(10, (minutes - 60) // 30)}
    elif minutes >= 20:
        more = min(2, (minutes - 20) // 20) if in_force("99439", e) else 0
        units = {"99490": 1, "99439": more}
    else:
        units = {}
    return {code: number for code, number in units.items() if number}


def practitioner_family(minutes: int, e: Entry) -> dict[str, int]:
    """30 minutes, and 30 more at most twice."""
    more = min(2, (minutes - 30) // 30) if in_force("99437", e) else 0
    return {"99491": 1} | ({"99437": more} if more else {})


# --- assessment and oversight ---


def assessments(
    entries: list[Entry],
    complex_dates: set[tuple[str, dt.date]],
    oversight: set[object],
    book: Book,
) -> None:
    """Once ever, on the day of the visit; not on the date of a 99487, nor by CMS's pair edits of
    2024-07-01 on that of a G0181 or G0182."""
    beside = [e for e in entries if (e.patient, e.date) in complex_dates]
    alone = [e for e in entries if (e.patient, e.date) not in complex_dates]
    book.left_out(beside, "not-with")
    for candidates in grouped(alone, lambda e: e.patient):
        first = candidates[0]
        if (
            first.date >= PAIR_EDITS
            and (first.patient, practitioner(first), first.date) in oversight
        ):
            book.left_out([first], "not-with")
        else:
            book.counted([first])
            book.line([first], "G0506", 1, first.minutes)
        book.left_out(candidates[1:], "once-ever")


def oversight_month(
    month: list[Entry], patients: Patients, with_ccm: set[object], book: Book
) -> set[object]:
    """30 minutes in one setting; the two settings do not add. Held beside CCM of the month.

    Gives patient, practitioner and date of each line.
    """
    book.counted(month)
    billed: set[object] = set()
    for same in grouped(month, lambda e: e.facts["setting"]):
        minutes = sum(e.seconds or 0 for e in same) // 60
        if minutes >= 30 and practitioner_month(month[0]) in with_ccm:
            book.held(same, "not-with")
        elif minutes >= 30:
            code = OVERSIGHT_CODES[same[0].facts["setting"] or ""]
            date = month_total_date(same, patients)
            book.line(same, code, 1, minutes, on=date)
            billed.add((month[0].patient, practitioner(month[0]), date))
    return billed
