"""Michigan's SIM initiative, the oldest source's matrix of roles, in force through 2019.

Roles go by the credential itself and not by its group; of several the best role counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from reference.common import (
    YES,
    Answer,
    Asked,
    Book,
    Entry,
    Services,
    Settings,
    bill_conference,
    by_day,
    by_month,
    by_service,
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
    screened,
    started,
    total_minutes,
    unsettled,
)

LAST_DAY = dt.date(2019, 12, 31)

PROVIDERS = {"md", "do"}
CARE_MANAGERS = {
    *("rn", "lpn", "lvn", "msw", "lmsw", "lcsw", "lpc", "pharmd", "rph", "rd", "rdn"),
    *("np", "aprn", "fnp", "dnp", "pa", "pa-c"),
}
CARE_COORDINATORS = {
    *("bsw", "lbsw", "social service technician", "chw", "care coordinator", "cma"),
}
APPROVE_CARE_PLANS = PROVIDERS | {"np", "aprn", "fnp", "dnp", "pa", "pa-c"}


def role(e: Entry) -> str:
    if e.credentials & PROVIDERS:
        return "provider"
    if e.credentials & CARE_MANAGERS:
        return "care manager"
    if e.credentials & CARE_COORDINATORS:
        return "care coordinator"
    return "uncertified" if "ma" in e.credentials else "none"


def care_managers(e: Entry) -> Answer:
    if not e.group:
        return unsettled("credential-missing")
    return YES if role(e) == "care manager" else no("left-out-credential")


def care_managers_and_coordinators(e: Entry) -> Answer:
    """The source says certified MA; an MA may be one."""
    if role(e) == "uncertified":
        return unsettled("credential-unclear")
    return YES if role(e) == "care coordinator" else care_managers(e)


def sim(e: Entry) -> Asked | None:
    """None: the initiative has ended, or has no rule for this kind."""
    asks: dict[str, Callable[[Entry], Asked]] = {
        "care-coordination": care_coordination,
        "care-management-contact": contact,
        "post-discharge-call": phone,
        "comprehensive-assessment": assessment,
        "team-conference": team_conference,
        "care-plan-oversight": oversight,
        "group-education": group_education,
    }
    return asks[e.kind](e) if e.kind in asks and e.date <= LAST_DAY else None


def care_coordination(e: Entry) -> Asked:
    return "care-coordination", [not_written(e), care_managers(e), minutes_given(e)]


def contact(e: Entry) -> Asked:
    declined = e.mode == "phone" and e.video_declined
    if e.mode in {"in-person", "video"} or declined:
        return "G9002", [care_managers_and_coordinators(e), minutes_given(e)]
    if e.mode == "phone":
        return phone(e)
    return "contact", [mode_among(e), credential_given(e)]


def phone(e: Entry) -> Asked:
    who = care_managers_and_coordinators(e)
    return "phone", [mode_among(e, "phone", "video"), who, minutes_at_least(e, 5)]


def assessment(e: Entry) -> Asked:
    modes = ["in-person", "video", "phone"] if e.video_declined else ["in-person", "video"]
    return "G9001", [mode_among(e, *modes), care_managers(e)]


def team_conference(e: Entry) -> Asked:
    return "G9007", [credential_given(e)]


def oversight(e: Entry) -> Asked:
    """The provider's approval, by the primary care provider only."""
    if not e.group:
        who = unsettled("credential-missing")
    elif e.credentials & APPROVE_CARE_PLANS:
        who = YES
    else:
        who = no("left-out-credential")
    return "G9008", [who, no("left-out-credential") if e.specialist else YES]


def group_education(e: Entry) -> Asked:
    who = care_managers_and_coordinators(e)
    return "group", [who, minutes_given(e), group_of_two_to_eight(e)]


def settle_sim(entries: list[Entry], book: Book, _settings: Settings) -> None:
    earns(by_service(screened(entries, sim, book)), book)


def earns(services: Services, book: Book) -> None:
    for month in grouped(services["care-coordination"], by_month):
        care_coordination_month(month, book)
    for visits in grouped(services["G9002"], by_day):
        visits_of_the_day(visits, book)
    longest_call_of_the_day_bills(services["phone"], book)
    first_one_bills(services["G9001"], by_day, "G9001", book)
    for conference in conferences_with_provider(services["G9007"], book):
        bill_conference(conference, book)
    first_oversight_bills(services["G9008"], book)
    group_education_by_time(services["group"], book)


def care_coordination_month(month: list[Entry], book: Book) -> None:
    """31 minutes for 99487; 76-105 one 99489, 106-135 two, and so on."""
    book.counted(month)
    minutes = total_minutes(month)
    if minutes >= 31:
        book.line(month, "99487", 1, minutes)
    if minutes >= 76:
        book.line(month, "99489", started(minutes - 75, 30), minutes)


def visits_of_the_day(visits: list[Entry], book: Book) -> None:
    """Up to 45 minutes one, 46-75 two, 76-105 three, and so on."""
    book.counted(visits)
    minutes = total_minutes(visits)
    book.line(visits, "G9002", 1 + started(max(0, minutes - 45), 30), minutes)
