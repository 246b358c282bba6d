"""The three Michigan plans, read row by row.

Every threshold stands where the payer's text puts it, and each plan has its own functions even
where two plans say the same thing. BCBSM's training rule looks at the rows that passed its screens.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Hashable

from reference.common import (
    BCBSM,
    HMO,
    PRIORITY,
    YES,
    Answer,
    Asked,
    Book,
    Entry,
    Line,
    Result,
    Row,
    Services,
    Settings,
    Settle,
    bill_conference,
    bill_plans,
    by_day,
    by_month,
    by_service,
    by_year,
    conference_minutes,
    conferences_with_provider,
    credential_given,
    first_one_bills,
    first_oversight_bills,
    group_education_by_time,
    group_of_two_to_eight,
    grouped,
    longest_call_of_the_day_bills,
    minutes_at_least,
    minutes_given,
    mode_among,
    no,
    not_written,
    phone_code,
    primary_care_only,
    screened,
    staff_among,
    started,
    total_minutes,
    unsettled,
)

__all__ = ["MICHIGAN", "Line", "Result", "bill"]

# --- BCBSM ---

BCBSM_SINCE = {
    "care-coordination": dt.date(2013, 4, 1),
    "portal-message": dt.date(2013, 4, 1),
    "team-conference": dt.date(2013, 4, 1),
    "care-plan-oversight": dt.date(2013, 4, 1),
    "care-management-contact": dt.date(2012, 4, 1),
    "post-discharge-call": dt.date(2012, 4, 1),
    "comprehensive-assessment": dt.date(2012, 4, 1),
    "group-education": dt.date(2012, 4, 1),
    "program-discussion": dt.date(2012, 4, 1),
    "advance-care-planning": dt.date(2014, 1, 1),
}


def bcbsm(e: Entry) -> Asked | None:
    """None: no rule in force for this kind on this date."""
    if e.kind not in BCBSM_SINCE or e.date < BCBSM_SINCE[e.kind]:
        return None
    service, answers = {
        "care-coordination": bcbsm_care_coordination,
        "portal-message": bcbsm_care_coordination,
        "care-management-contact": bcbsm_contact,
        "post-discharge-call": bcbsm_post_discharge_call,
        "comprehensive-assessment": bcbsm_assessment,
        "team-conference": bcbsm_team_conference,
        "care-plan-oversight": bcbsm_oversight,
        "group-education": bcbsm_group_education,
        "advance-care-planning": bcbsm_advance_care_planning,
        "program-discussion": bcbsm_program_discussion,
    }[e.kind](e)
    return service, [*answers, bcbsm_member_in_program(e), bcbsm_scope_of_service(e)]


def bcbsm_member_in_program(e: Entry) -> Answer:
    return unsettled("member-not-in-program") if e.outside_pdcm else YES


def bcbsm_scope_of_service(e: Entry) -> Answer:
    """Unlicensed staff need a scope-of-service document."""
    if e.group != "unlicensed" or e.scope_of_service is None:
        return YES
    if e.scope_of_service == "":
        return unsettled("scope-of-service-missing")
    return no("scope-of-service-missing") if e.scope_of_service == "no" else YES


def bcbsm_care_coordination(e: Entry) -> Asked:
    by_mode = not_written(e) if e.kind == "care-coordination" else YES
    who = unsettled("rule-assumed") if e.group == "physician" else credential_given(e)
    return "care-coordination", [by_mode, who, minutes_given(e)]


def bcbsm_g9002_open(e: Entry) -> bool:
    if e.mode == "in-person":
        return True
    if e.mode == "video":
        return e.group != "unlicensed"
    return e.mode == "phone" and e.video_declined and e.group != "unlicensed"


def bcbsm_contact(e: Entry) -> Asked:
    if bcbsm_g9002_open(e):
        return "G9002", [staff_among(e, "licensed", "app"), minutes_given(e)]
    if e.mode in {"phone", "video"}:
        return bcbsm_phone(e)
    return "contact", [mode_among(e), credential_given(e)]


def bcbsm_phone(e: Entry) -> Asked:
    who = staff_among(e, "licensed", "unlicensed", "app")
    return "phone", [mode_among(e, "phone", "video"), who, minutes_at_least(e, 5)]


def bcbsm_post_discharge_call(e: Entry) -> Asked:
    return bcbsm_phone(e)


def bcbsm_assessment(e: Entry) -> Asked:
    modes = ["in-person", "video", "phone"] if e.video_declined else ["in-person", "video"]
    return "G9001", [mode_among(e, *modes), staff_among(e, "licensed", "app")]


def bcbsm_team_conference(e: Entry) -> Asked:
    return "G9007", [credential_given(e)]


def bcbsm_oversight(e: Entry) -> Asked:
    return "G9008", [staff_among(e, "physician"), primary_care_only(e)]


def bcbsm_group_education(e: Entry) -> Asked:
    who = staff_among(e, "licensed", "app")
    return "group", [who, minutes_given(e), group_of_two_to_eight(e)]


def bcbsm_advance_care_planning(e: Entry) -> Asked:
    return "S0257", [staff_among(e, "licensed", "app", "physician")]


def bcbsm_program_discussion(e: Entry) -> Asked:
    """The patient declined: the contact's code with 2P, commercial PPO only."""
    if bcbsm_g9002_open(e):
        answers = [staff_among(e, "licensed", "app")]
    elif e.mode in {"phone", "video"}:
        answers = bcbsm_phone(e)[1]
    else:
        answers = [mode_among(e), credential_given(e)]
    if e.outcome == "":
        answers.append(unsettled("outcome-missing"))
    elif e.outcome != "declined":
        answers.append(no("not-payable"))
    if e.line_of_business == "":
        answers.append(unsettled("line-of-business-missing"))
    elif e.line_of_business not in {None, "commercial ppo"}:
        answers.append(no("not-payable"))
    return "2P", answers


def bcbsm_training(entries: list[Entry]) -> list[Entry]:
    """Entries later than six months after the member's first, without training by then."""
    first: dict[str, dt.date] = {}
    for e in entries:
        first[e.staff] = min(e.date, first.get(e.staff, e.date))
    missing = []
    for e in entries:
        trained = e.training is not None and e.training <= e.date
        late = e.staff == "" or e.date > six_months_after(first[e.staff])
        if e.training_known and late and not trained:
            missing.append(e)
    return missing


def six_months_after(day: dt.date) -> dt.date:
    year, month = (day.year, day.month + 6) if day.month <= 6 else (day.year + 1, day.month - 6)
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


# --- Priority Health ---


def priority(e: Entry) -> Asked | None:
    """None: no rule for this kind."""
    asks: dict[str, Callable[[Entry], Asked]] = {
        "care-coordination": priority_care_coordination,
        "portal-message": priority_portal_message,
        "care-management-contact": priority_contact,
        "post-discharge-call": priority_phone,
        "comprehensive-assessment": priority_assessment,
        "team-conference": priority_team_conference,
        "care-plan-oversight": priority_oversight,
        "group-education": priority_group_education,
        "advance-care-planning": priority_advance_care_planning,
    }
    return asks[e.kind](e) if e.kind in asks else None


def priority_care_coordination(e: Entry) -> Asked:
    who = staff_among(e, "physician", "app", "licensed")
    return "care-coordination", [not_written(e), who, minutes_given(e)]


def priority_portal_message(_e: Entry) -> Asked:
    return "portal-message", [no("left-out-kind")]


def priority_contact(e: Entry) -> Asked:
    if e.mode in {"in-person", "video"}:
        clinical = YES if e.medical_assistant else staff_among(e, "licensed")
        return "G9002", [clinical]
    if e.mode == "phone":
        return priority_phone(e)
    return "contact", [mode_among(e), credential_given(e)]


def priority_phone(e: Entry) -> Asked:
    return "phone", [mode_among(e, "phone"), staff_among(e, "licensed"), minutes_at_least(e, 5)]


def priority_assessment(e: Entry) -> Asked:
    return "G9001", [staff_among(e, "licensed", "app"), minutes_at_least(e, 30)]


def priority_team_conference(e: Entry) -> Asked:
    return "G9007", [credential_given(e)]


def priority_oversight(e: Entry) -> Asked:
    return "G9008", [staff_among(e, "physician"), primary_care_only(e)]


def priority_group_education(e: Entry) -> Asked:
    who = staff_among(e, "licensed", "app")
    return "group", [who, minutes_given(e), group_of_two_to_eight(e)]


def priority_advance_care_planning(e: Entry) -> Asked:
    return "S0257", [staff_among(e, "licensed", "app", "physician")]


# --- Michigan Medicaid HMO ---


def hmo(e: Entry) -> Asked | None:
    """None: no rule for this kind."""
    asks: dict[str, Callable[[Entry], Asked]] = {
        "care-coordination": hmo_care_coordination,
        "care-management-contact": hmo_contact,
        "post-discharge-call": hmo_phone,
        "comprehensive-assessment": hmo_assessment,
        "team-conference": hmo_team_conference,
        "care-plan-oversight": hmo_oversight,
    }
    return asks[e.kind](e) if e.kind in asks else None


def hmo_care_coordination(e: Entry) -> Asked:
    who = staff_among(e, "licensed", "app", "unlicensed")
    return "care-coordination", [not_written(e), who, minutes_given(e)]


def hmo_contact(e: Entry) -> Asked:
    if e.mode == "in-person":
        return "G9002", [staff_among(e, "licensed", "app"), minutes_at_least(e, 30)]
    if e.mode == "phone":
        return hmo_phone(e)
    return "contact", [mode_among(e), credential_given(e)]


def hmo_phone(e: Entry) -> Asked:
    who = staff_among(e, "licensed", "app", "unlicensed")
    return "phone", [mode_among(e, "phone"), who, minutes_at_least(e, 5)]


def hmo_assessment(e: Entry) -> Asked:
    return "G9001", [mode_among(e, "in-person"), staff_among(e, "licensed", "app")]


def hmo_team_conference(e: Entry) -> Asked:
    return "G9007", [credential_given(e), minutes_given(e)]


def hmo_oversight(_e: Entry) -> Asked:
    return "G9008", [unsettled("rule-assumed")]


# --- BCBSM ---


def bcbsm_earns(services: Services, book: Book) -> None:
    for month in grouped(services["care-coordination"], by_month):
        bcbsm_care_coordination_month(month, book)
    for visits in grouped(services["G9002"], by_day):
        bcbsm_g9002_day(visits, book)
    longest_call_of_the_day_bills(services["phone"], book)
    first_one_bills(services["G9001"], by_day, "G9001", book)
    bcbsm_conferences(services["G9007"], book)
    first_oversight_bills(services["G9008"], book)
    group_education_by_time(services["group"], book)
    first_one_bills(services["S0257"], by_day, "S0257", book)
    bcbsm_declined_once_a_year(services["2P"], book)


def bcbsm_care_coordination_month(month: list[Entry], book: Book) -> None:
    """31 minutes for 99487; 76-105 one 99489, 106-135 two, and so on."""
    book.counted(month)
    minutes = total_minutes(month)
    if minutes >= 31:
        book.line(month, "99487", 1, minutes)
    if minutes >= 76:
        book.line(month, "99489", started(minutes - 75, 30), minutes)


def bcbsm_g9002_day(visits: list[Entry], book: Book) -> None:
    """Up to 45 minutes one, 46-75 two, 76-105 three, and so on."""
    book.counted(visits)
    minutes = total_minutes(visits)
    book.line(visits, "G9002", 1 + started(max(0, minutes - 45), 30), minutes)


def bcbsm_conferences(entries: list[Entry], book: Book) -> None:
    """Once a day; from 2026-04-01 at most two a month."""
    billed_in_month: dict[Hashable, int] = defaultdict(int)
    for conference in conferences_with_provider(entries, book):  # earliest first
        one = conference[0]
        if one.date >= dt.date(2026, 4, 1) and billed_in_month[by_month(one)] == 2:
            book.left_out(conference, "unit-limit")
            continue
        billed_in_month[by_month(one)] += 1
        bill_conference(conference, book)


def bcbsm_declined_once_a_year(entries: list[Entry], book: Book) -> None:
    """Once per patient and calendar year in the plan, whichever the practice."""
    for declined in grouped(entries, lambda e: (e.patient, e.year)):
        one = declined[0]
        code = "G9002" if bcbsm_g9002_open(one) else phone_code(one.minutes or 0)
        book.counted([one])
        book.line([one], code, 1, one.minutes, ("2P",))
        book.left_out(declined[1:], "unit-limit")


# --- Priority Health ---


def priority_earns(services: Services, book: Book) -> None:
    for month in grouped(services["care-coordination"], by_month):
        priority_care_coordination_month(month, book)
    first_one_bills(services["G9002"], by_day, "G9002", book)
    longest_call_of_the_day_bills(services["phone"], book)
    first_one_bills(services["G9001"], by_year, "G9001", book)
    for conference in conferences_with_provider(services["G9007"], book):
        bill_conference(conference, book)
    first_oversight_bills(services["G9008"], book)
    group_education_by_time(services["group"], book)
    first_one_bills(services["S0257"], by_day, "S0257", book)


def priority_care_coordination_month(month: list[Entry], book: Book) -> None:
    """60 minutes for 99487; 99489 at 90 and 120, never more than two."""
    book.counted(month)
    minutes = total_minutes(month)
    if minutes >= 60:
        book.line(month, "99487", 1, minutes)
    if minutes >= 90:
        book.line(month, "99489", 2 if minutes >= 120 else 1, minutes)


# --- Michigan Medicaid HMO ---


def hmo_earns(services: Services, book: Book) -> None:
    for month in grouped(services["care-coordination"], by_month):
        hmo_care_coordination_month(month, book)
    visits = first_one_bills(services["G9002"], by_month, "G9002", book)
    months_with_visit = {by_month(e) for e in visits}
    beside = [e for e in services["G9001"] if by_month(e) in months_with_visit]
    alone = [e for e in services["G9001"] if by_month(e) not in months_with_visit]
    book.left_out(beside, "not-with")
    first_one_bills(alone, by_year, "G9001", book)
    longest_call_of_the_day_bills(services["phone"], book)
    hmo_conferences(services["G9007"], book)


def hmo_care_coordination_month(month: list[Entry], book: Book) -> None:
    """60 minutes for 99487; one 99489 for every full 30 after."""
    book.counted(month)
    minutes = total_minutes(month)
    if minutes >= 60:
        book.line(month, "99487", 1, minutes)
    if minutes >= 90:
        book.line(month, "99489", (minutes - 60) // 30, minutes)


def hmo_conferences(entries: list[Entry], book: Book) -> None:
    """Once a month, at least 30 minutes: a shorter one is left out, provider or not."""
    long_enough: list[Entry] = []
    for conference in grouped(entries, by_day):
        if (conference_minutes(conference) or 0) >= 30:
            long_enough += conference
        else:
            book.left_out(conference, "below-threshold")
    billed: set[Hashable] = set()
    for conference in conferences_with_provider(long_enough, book):  # earliest first
        if by_month(conference[0]) in billed:
            book.left_out(conference, "unit-limit")
            continue
        billed.add(by_month(conference[0]))
        bill_conference(conference, book)


def settle_bcbsm(entries: list[Entry], book: Book, _settings: Settings) -> None:
    passed = screened(entries, bcbsm, book)
    untrained = bcbsm_training([e for _, e in passed])
    book.held(untrained, "training-missing")
    held = {e.row for e in untrained}
    bcbsm_earns(by_service([(service, e) for service, e in passed if e.row not in held]), book)


def settle_priority(entries: list[Entry], book: Book, _settings: Settings) -> None:
    priority_earns(by_service(screened(entries, priority, book)), book)


def settle_hmo(entries: list[Entry], book: Book, _settings: Settings) -> None:
    hmo_earns(by_service(screened(entries, hmo, book)), book)


MICHIGAN: dict[str, Settle] = {
    BCBSM: settle_bcbsm,
    PRIORITY: settle_priority,
    HMO: settle_hmo,
}


def bill(activities: list[Row], patients: list[Row], staff: list[Row]) -> Result:
    """The Michigan plans alone; a payer of another plan is an error."""
    return bill_plans(MICHIGAN, activities, patients, staff)
