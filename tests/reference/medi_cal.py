"""Medi-Cal Enhanced Care Management: one payment per member and month, and outreach before it.

A member is the patient within the plan, whichever practice did the work.

- Known enrolment: the earliest `enrollment_date` of the member's readable rows. An engagement's
  date is not one, but ends outreach as an enrolment does.
- Authorization is data the claim cannot do without: no such column holds every row that needs it.
- Outreach: an attempt that the second cap holds is not billed and does not fill the window.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable

from reference.common import (
    YES,
    Answer,
    Asked,
    Book,
    Entry,
    Services,
    Settings,
    by_day,
    by_service,
    conference_minutes,
    earliest_first,
    grouped,
    line_of,
    mode_among,
    no,
    read_date,
    screened,
    unsettled,
)

FIRST_DAY = dt.date(2022, 1, 1)

NON_CLINICAL = {
    *("chw", "care coordinator", "peer specialist", "promotor", "promotora", "promotor(a)"),
    "social service technician",
}
ELECTRONIC_OUTREACH = {"phone", "video", "text", "secure-email", "portal"}
PREFER = [
    ("clinical", "in-person"),
    ("clinical", "telehealth"),
    ("non-clinical", "in-person"),
    ("non-clinical", "telehealth"),
]


def staff_of(e: Entry) -> str:
    if e.group in {"physician", "app", "licensed"}:
        return "clinical"
    if e.credentials & NON_CLINICAL:
        return "non-clinical"
    return "unclear" if e.credentials else ""


def clinical_or_not(e: Entry) -> Answer:
    if not staff_of(e):
        return unsettled("credential-missing")
    return unsettled("credential-unclear") if staff_of(e) == "unclear" else YES


class Members:
    """What the rows say together about each member: the enrolment from all of them that have a
    day, the rest from those of the plan that can be read."""

    def __init__(self, entries: list[Entry], everything: list[Entry]) -> None:
        self.enrolled: dict[str, dt.date] = {}
        self.engaged: dict[str, dt.date] = {}
        self.first_service: dict[str, dt.date] = {}  # or engagement
        self.practices: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.community_health_worker_billed: set[tuple[str, str]] = set()
        for e in everything:
            if date := read_date(e.facts["enrollment_date"] or ""):
                self.earliest(self.enrolled, e, date)
        for e in entries:
            if e.kind == "ecm-engagement":
                self.earliest(self.engaged, e, e.date)
            if e.kind in {"ecm-service", "ecm-engagement"}:
                self.earliest(self.first_service, e, e.date)
            if e.kind == "ecm-service" and e.date >= FIRST_DAY:
                self.practices[e.patient, e.month].add(e.practice)
            if e.facts["chw_billed"] == "yes":
                self.community_health_worker_billed.add((e.patient, e.month))

    @staticmethod
    def earliest(of: dict[str, dt.date], e: Entry, date: dt.date) -> None:
        of[e.patient] = min(date, of.get(e.patient, date))

    def outreach_ends(self, e: Entry) -> dt.date:
        ends = [known[e.patient] for known in (self.enrolled, self.engaged) if e.patient in known]
        return min(ends, default=dt.date.max)

    def streamlined(self, e: Entry) -> bool:
        """Within 30 days of the enrolment, or where none is known of the first service."""
        start = self.enrolled.get(e.patient) or self.first_service[e.patient]
        return e.date < start + dt.timedelta(days=30)


class Screens:
    def __init__(self, entries: list[Entry], book: Book, settings: Settings) -> None:
        self.members = Members(entries, book.everything)
        self.settings = settings

    def of(self, e: Entry) -> Asked | None:
        """None: no rule for this kind or date, or its rule is switched off."""
        asks: dict[str, Callable[[Entry], Asked]] = {
            "ecm-service": self.service,
            "ecm-outreach": self.outreach,
        }
        if self.settings["engagement"]:
            asks["ecm-engagement"] = self.engagement
        if self.settings["conference"]:
            asks["team-conference"] = self.conference
        return asks[e.kind](e) if e.kind in asks and e.date >= FIRST_DAY else None

    # --- one payment a month ---

    def service(self, e: Entry) -> Asked:
        return "service", [
            self.service_mode(e),
            clinical_or_not(e),
            self.authorization(e),
            self.since_enrollment(e),
            self.no_health_worker_claim(e),
            self.one_practice(e),
        ]

    @staticmethod
    def service_mode(e: Entry) -> Answer:
        """Another mode is held, not left out."""
        if e.mode in {"in-person", "phone", "video"}:
            return YES
        return unsettled("rule-assumed" if e.mode else "mode-missing")

    def authorization(self, e: Entry) -> Answer:
        rule = self.settings["authorization"]
        if rule == "none" or (rule == "streamlined-30-days" and self.members.streamlined(e)):
            return YES
        if not e.facts["authorization_number"]:
            return unsettled("authorization-missing")
        begins = read_date(e.facts["authorization_from"] or "") or dt.date.min
        ends = read_date(e.facts["authorization_to"] or "") or dt.date.max
        return YES if begins <= e.date <= ends else unsettled("authorization-expired")

    def since_enrollment(self, e: Entry) -> Answer:
        enrolled = self.members.enrolled.get(e.patient)
        if enrolled is not None and e.month < enrolled.isoformat()[:7]:
            return unsettled("before-enrollment")
        return YES

    def no_health_worker_claim(self, e: Entry) -> Answer:
        billed = (e.patient, e.month) in self.members.community_health_worker_billed
        return unsettled("not-with") if billed else YES

    def one_practice(self, e: Entry) -> Answer:
        practices = self.members.practices[e.patient, e.month]
        return unsettled("two-practices") if len(practices) > 1 else YES

    # --- outreach ---

    def outreach(self, e: Entry) -> Asked:
        return "outreach", [
            mode_among(e, "in-person", *ELECTRONIC_OUTREACH),
            no("not-payable") if e.facts["outcome"] == "enrolled" else YES,
            YES if e.date < self.members.outreach_ends(e) else no("after-enrollment"),
            clinical_or_not(e),
        ]

    # --- engagement and conference ---

    def engagement(self, e: Entry) -> Asked:
        enrolled = e.facts["outcome"] == "enrolled" or e.patient in self.members.enrolled
        not_checked = e.facts["outcome"] is None and e.facts["enrollment_date"] is None
        shown = YES if enrolled or not_checked else unsettled("enrollment-missing")
        return "engagement", [shown, self.authorization(e)]

    def conference(self, e: Entry) -> Asked:
        who = clinical_or_not(e)
        if staff_of(e) == "non-clinical":
            who = no("left-out-credential")
        return "conference", [who, self.two_participants(e)]

    @staticmethod
    def two_participants(e: Entry) -> Answer:
        participants = e.facts["participants"]
        if participants is None:
            return YES
        if not participants.isdecimal():
            return unsettled("participants-missing")
        return YES if int(participants) >= 2 else no("not-payable")


def known_minutes(entries: list[Entry]) -> int | None:
    seconds = [e.seconds for e in entries if e.seconds is not None]
    return sum(seconds) // 60 if seconds else None


def settle_medi_cal(entries: list[Entry], book: Book, settings: Settings) -> None:
    screens = Screens(entries, book, settings)
    services: Services = by_service(screened(entries, screens.of, book))
    for month in grouped(services["service"], lambda e: (e.patient, e.month)):
        monthly_payment(month, book)
    for attempts in grouped(services["outreach"], lambda e: e.patient):
        outreach_caps(attempts, book, settings)
    for engagements in grouped(services["engagement"], lambda e: e.patient):
        book.counted(engagements[:1])
        book.line(engagements[:1], "G9012", 1, engagements[0].minutes)
        book.left_out(engagements[1:], "once-ever")
    for conference in grouped(services["conference"], by_day):
        if settings["conference_charge"]:
            book.counted(conference)
            book.line(conference, "G9007", 1, conference_minutes(conference))
        else:
            book.held(conference, "charge-missing")


# --- one payment a month ---


def encounter_type(e: Entry) -> tuple[str, str]:
    return staff_of(e), "in-person" if e.mode == "in-person" else "telehealth"


def service_code(e: Entry) -> tuple[str, tuple[str, ...]]:
    return {
        ("clinical", "in-person"): ("G9008", ("U1",)),
        ("clinical", "telehealth"): ("G9008", ("U1", "GQ")),
        ("non-clinical", "in-person"): ("G9012", ("U2",)),
        ("non-clinical", "telehealth"): ("G9012", ("U2", "GQ")),
    }[encounter_type(e)]


def monthly_payment(month: list[Entry], book: Book) -> None:
    """The last encounter of the most preferred type is the line; the others are encounters."""
    book.counted(month)
    best = min(month, key=lambda e: PREFER.index(encounter_type(e)))
    of_that_type = [e for e in month if encounter_type(e) == encounter_type(best)]
    line = max(of_that_type, key=earliest_first)
    for e in month:
        code, modifiers = service_code(e)
        if e is line:
            book.line([e], code, 1, e.minutes, modifiers)
        else:
            book.encounters.append(line_of([e], code, 1, e.minutes, modifiers))


# --- outreach ---


def outreach_code(e: Entry) -> tuple[str, tuple[str, ...]]:
    code = "G9008" if staff_of(e) == "clinical" else "G9012"
    return code, ("U8",) if e.mode == "in-person" else ("U8", "GQ")


def outreach_caps(attempts: list[Entry], book: Book, settings: Settings) -> None:
    """Five billed in any 30 days, day d looking back to d - 29; and five before engagement."""
    billed: list[Entry] = []
    seen: list[Entry] = []
    for e in sorted(attempts, key=earliest_first):
        counted = billed if settings["window_counts"] == "billed" else seen
        window_opens = e.date - dt.timedelta(days=29)
        if sum(1 for other in counted if other.date >= window_opens) >= 5:
            book.left_out([e], "outreach-cap")
        elif settings["lifetime_cap"] == 5 and len(billed) >= 5:
            book.held([e], "outreach-cap")
        else:
            book.counted([e])
            billed.append(e)
        seen.append(e)
    for alike in grouped(billed, lambda e: (by_day(e), outreach_code(e))):
        code, modifiers = outreach_code(alike[0])
        book.line(alike, code, len(alike), known_minutes(alike), modifiers)
