"""Headings → columns: by ccbill.toml, by a known layout, by name, by a known spelling."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ccbill import vocabulary
from ccbill.config import Settings
from ccbill.tables import PATIENT_FIELDS
from ccbill.vocabulary import fold

COVERAGE = frozenset({"from", "to"})
STAFF_ONLY = frozenset({"training_date", "scope_of_service", "npi"})

# What a patients file may say of each of its patients' rows, besides the patient's own details.
ROW_DETAILS = (
    "payer",
    "billing_npi",
    "rendering_npi",
    "place_of_service",
    "authorization_number",
    "authorization_from",
    "authorization_to",
    "diagnosis_codes",
    "video_declined",
    "line_of_business",
    "setting",
    "mdm",
    "other_services",
    "chw_billed",
)


@dataclass(frozen=True, slots=True)
class Profile:
    """A layout that is known by its headings, all folded."""

    name: str
    headings: frozenset[str]
    columns: Mapping[str, tuple[str, ...]]
    npi_only: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns that one role of file may have, and the headings they go by.

    `needed` are groups of columns of which a file must have one each. `configured` and `lookup`
    lead from a folded heading to its column.
    """

    role: str
    columns: frozenset[str]
    needed: tuple[tuple[str, ...], ...]
    configured: Mapping[str, str]
    lookup: Mapping[str, str]
    profiles: tuple[Profile, ...]

    def score(self, cells: Sequence[str]) -> tuple[bool, int]:
        """Whether a record reads as the whole heading, and how many of its cells are known."""
        folded = {fold(cell) for cell in cells} - {""}
        found = {self.configured.get(f) or self.lookup.get(f) for f in folded} - {None}
        if any(profile.headings <= folded for profile in self.profiles):
            return True, max(len(found), 2)
        whole = all(any(column in found for column in group) for group in self.needed)
        return whole, len(found)


@dataclass(frozen=True, slots=True)
class Matched:
    """Which headings were taken for which columns, by position, and how each was recognised."""

    columns: Mapping[str, tuple[int, ...]]
    how: Mapping[str, str]
    doubled: Mapping[str, tuple[int, ...]]
    profile: Profile | None

    def taken(self, but: Sequence[str] = ()) -> set[int]:
        """The positions of the headings taken, but for those of some columns."""
        return {at for name, places in self.columns.items() if name not in but for at in places}


@cache
def profiles() -> tuple[Profile, ...]:
    """The layouts of profiles.toml, those with the most headings first."""
    text = Path(__file__).with_name("profiles.toml").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = tomllib.loads(text)["profile"]
    found = [
        Profile(
            row["name"],
            frozenset(map(fold, row["headings"])),
            {
                column: tuple(map(fold, [headings] if isinstance(headings, str) else headings))
                for column, headings in row["columns"].items()
            },
            tuple(row.get("npi_only", ())),
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda profile: -len(profile.headings)))


def wanted_activities(settings: Settings) -> Wanted:
    columns = frozenset(vocabulary.columns()) - COVERAGE - STAFF_ONLY
    needed = [("patient_id",), ("service_date",), ("kind",)]
    return _wanted("activities", columns, needed, settings, profiles())


def wanted_patients(settings: Settings) -> Wanted:
    columns = {"patient_id", *ROW_DETAILS, *PATIENT_FIELDS, *COVERAGE}
    return _wanted("patients", frozenset(columns), [("patient_id",)], settings, ())


def wanted_staff(settings: Settings) -> Wanted:
    columns = {"staff_id", "staff_name", "credential", *STAFF_ONLY}
    return _wanted("staff", frozenset(columns), [("staff_id", "staff_name")], settings, ())


def _wanted(
    role: str,
    columns: frozenset[str],
    needed: Sequence[tuple[str, ...]],
    settings: Settings,
    known: tuple[Profile, ...],
) -> Wanted:
    lookup = {f: c for f, c in vocabulary.column_spellings().items() if c in columns}
    configured = {fold(h): c for c, h in settings.columns.items() if c in columns}
    groups = tuple(g for g in needed if not any(column in settings.defaults for column in g))
    return Wanted(role, columns, groups, configured, lookup, known)


def match(headings: Sequence[str], wanted: Wanted) -> Matched:
    """The columns that the headings hold.

    ccbill.toml decides before a known layout, and that before names and spellings; a column that
    is decided takes no second heading. Columns with two equal claims are in `doubled` instead.
    """
    folded = [fold(heading) for heading in headings]
    claims: dict[str, list[int]] = {}
    how: dict[str, str] = {}
    for at, heading in enumerate(folded):
        if heading in wanted.configured:
            claims.setdefault(wanted.configured[heading], []).append(at)
    how.update(dict.fromkeys(claims, "config"))
    free = [at for at, heading in enumerate(folded) if heading not in wanted.configured]
    profile = next((p for p in wanted.profiles if p.headings <= set(folded)), None)
    if profile:
        free = _by_profile(profile, folded, free, claims, how)
    decided = set(claims)
    for at in free:
        column = wanted.lookup.get(folded[at])
        if column and column not in decided:
            claims.setdefault(column, []).append(at)
            how[column] = "exact" if folded[at] == fold(column) else "spelling"
    doubled = {
        column: tuple(places)
        for column, places in claims.items()
        if len(places) > (len({folded[at] for at in places}) if how[column] == "profile" else 1)
    }
    columns = {c: tuple(places) for c, places in claims.items() if c not in doubled}
    return Matched(columns, how, doubled, profile)


def _by_profile(
    profile: Profile,
    folded: list[str],
    free: list[int],
    claims: dict[str, list[int]],
    how: dict[str, str],
) -> list[int]:
    """Takes the layout's headings for its columns; the headings that are still free."""
    used: set[int] = set()
    for column, headings in profile.columns.items():
        places = [at for heading in headings for at in free if folded[at] == heading]
        if places and column not in claims:
            claims[column] = places
            how[column] = "profile"
            used.update(places)
    return [at for at in free if at not in used]
