"""Text → days and times of day, each distinct text once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccbill.intake.text import Text, merged
from ccbill.tables import UNKNOWN, Mask

Ints = npt.NDArray[np.int64]

NOT_READ, AMBIGUOUS = 1, 2
NO_OFFSET = -(10**6)

_SPLIT = r"^(?P<day>\d+[-/]\d+[-/]\d+)(?:[Tt]|,?\s+|$)(?P<time>.*)$"
_DAY = r"^(?P<a>\d{1,4})(?P<s>[-/])(?P<b>\d{1,2})(?P<z>[-/])(?P<c>\d{1,4})$"
_TIME = (
    r"^(?P<h>\d{1,2})(?::(?P<m>\d{2}))?(?::(?P<s>\d{2})(?:[.,]\d+)?)?\s*"
    r"(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<off>[Zz]|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?$"
)


@dataclass(frozen=True, slots=True)
class Moments:
    """Per row: whole days since 1970, whole seconds since midnight, and NOT_READ or AMBIGUOUS.

    UNKNOWN where there is none; `fault` is 0 where the cell is read or blank.
    """

    days: npt.NDArray[np.int32]
    clock: npt.NDArray[np.int32]
    fault: npt.NDArray[np.int8]


def moments(text: Text, zone: str | None, century_of: int | None = None) -> Moments:
    """Dates, with or without a time of day.

    ISO dates may stand beside slash dates. The slash dates share one order, month first unless one
    has a first part over 12; where both orders occur, those that could be either are AMBIGUOUS. A
    moment with an offset becomes local to `zone`, and is NOT_READ without one. A year of two digits
    is 20YY, or 19YY where that would be later than the year `century_of`.
    """
    days, clock, fault = _moments(text.values, zone, century_of)
    return Moments(text.spread(days, UNKNOWN), text.spread(clock, UNKNOWN), text.spread(fault, 0))


def clocks(text: Text, zone: str | None) -> Moments:
    """Times of day, each alone or with its date; `days` is UNKNOWN where it is alone."""
    clock, offset, fault = _clock(text.values)
    alone = (fault == 0) & (offset == NO_OFFSET)
    days, dated, faults = _moments(text.values, zone)
    dateless = (days != UNKNOWN) & (dated == UNKNOWN)  # which tells no time of day
    return Moments(
        text.spread(days, UNKNOWN),
        text.spread(np.where(alone, clock.astype(np.int32), dated), UNKNOWN),
        text.spread(np.where(alone, np.int8(0), faults | dateless), 0),
    )


def _moments(
    values: Any, zone: str | None, century_of: int | None = None
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int8]]:
    """The same for each distinct text."""
    parts = pc.extract_regex(values, _SPLIT)
    day_text, time_text = _coded(parts, "day"), _coded(parts, "time")
    days, fault = _days(day_text.values, century_of)
    clock, offset, time_fault = _clock(time_text.values)
    day = day_text.spread(days, UNKNOWN)
    bad = np.maximum(day_text.spread(fault, NOT_READ), time_text.spread(time_fault, 0))
    second = time_text.spread(clock, UNKNOWN)
    shift = time_text.spread(offset, NO_OFFSET)
    day, second, bad = _localised(day, second, shift, bad, zone)
    day, second = np.where(bad > 0, UNKNOWN, day), np.where(bad > 0, UNKNOWN, second)
    return day.astype(np.int32), second.astype(np.int32), bad.astype(np.int8)


def _coded(parts: Any, name: str) -> Text:
    """One part of each distinct text, as a column of its own; blank where it has none."""
    part = parts.field(name)
    if parts.null_count:
        part = pc.if_else(parts.is_valid(), part, None)
    return merged(np.arange(len(part), dtype=np.int32), part)


def numbers(part: Any) -> Ints:
    """A captured run of digits as integers, 0 where there is none."""
    filled = pc.fill_null(part, "0")
    found: Ints = pc.if_else(pc.equal(filled, ""), "0", filled).cast(pa.int64()).to_numpy()
    return found


def _days(values: Any, century_of: int | None) -> tuple[Ints, npt.NDArray[np.int8]]:
    """The day of each distinct date, and why it has none."""
    parts = pc.extract_regex(values, _DAY)
    a, b, c = (numbers(parts.field(name)) for name in "abc")
    long_a, long_c = (_length(parts.field(name)) for name in "ac")
    slash = _is(parts.field("s"), "/")
    alike = _valid(parts) & (slash == _is(parts.field("z"), "/"))
    iso = alike & (long_a == 4) & (long_c <= 2)
    short = slash & (long_c == 2)
    other = alike & (long_a <= 2) & ((long_c == 4) | short)
    year = np.where(iso, a, np.where(long_c == 2, _century(c, century_of), c))
    month_first = _calendar(year, a, b)
    day_first = _calendar(year, b, a)
    either = other & (month_first != UNKNOWN) & (day_first != UNKNOWN) & (a != b)
    only_day_first = other & (month_first == UNKNOWN) & (day_first != UNKNOWN)
    only_month_first = other & (month_first != UNKNOWN) & (day_first == UNKNOWN)
    slashed = np.where(only_day_first | (either & only_day_first.any()), day_first, month_first)
    days = np.where(iso, _calendar(year, b, c), np.where(other, slashed, UNKNOWN))
    fault = np.where(days == UNKNOWN, NOT_READ, 0)
    if only_day_first.any() and only_month_first.any():
        fault = np.where(either, AMBIGUOUS, fault)
    if _years_first(a[only_day_first & short], c[only_day_first & short]):
        fault = np.where(short & (either | only_day_first), AMBIGUOUS, fault)
    return days, fault.astype(np.int8)


def _years_first(first: Ints, last: Ints) -> bool:
    """Whether dates like 26/3/14 vary more in their last part than in their first.

    A log spans few years and many days, so that these may be YY/M/D as well as D/M/YY.
    """
    return len(np.unique(first)) < len(np.unique(last))


def _century(years: Ints, century_of: int | None) -> Ints:
    full = years + 2000
    return np.where(full > century_of, full - 100, full) if century_of else full


def _calendar(year: Ints, month: Ints, day: Ints) -> Ints:
    """Days since 1970, UNKNOWN where the calendar of 1900-2199 has no such day."""
    good = (year >= 1900) & (year < 2200) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = (np.where(good, year, 1970) - 1970) * 12 + np.where(good, month, 1) - 1
    start = months.astype("datetime64[M]")
    found = start.astype("datetime64[D]") + (np.where(good, day, 1) - 1)
    good &= found.astype("datetime64[M]") == start
    return np.where(good, found.astype(np.int64), UNKNOWN)


def _clock(values: Any) -> tuple[Ints, Ints, npt.NDArray[np.int8]]:
    """The second of each distinct time of day, its offset in minutes, and whether it is none."""
    parts = pc.extract_regex(values, _TIME)
    hour, minute, second = (numbers(parts.field(name)) for name in "hms")
    half = pc.utf8_lower(pc.fill_null(parts.field("half"), ""))
    pm, am = (pc.starts_with(half, sign).to_numpy(zero_copy_only=False) for sign in "pa")
    timed = _length(parts.field("m")) > 0
    good = _valid(parts) & (timed | am | pm) & (hour < 24) & (minute < 60) & (second < 60)
    good &= ~(am | pm) | ((hour >= 1) & (hour <= 12))
    hour = np.where(am | pm, hour % 12 + 12 * pm, hour)
    clock = np.where(good, hour * 3600 + minute * 60 + second, UNKNOWN)
    return clock, _offsets(parts.field("off")), np.where(good, 0, NOT_READ).astype(np.int8)


def _offsets(part: Any) -> Ints:
    """Minutes east of UTC, NO_OFFSET where none is given."""
    given = _length(part) > 0
    sign = pc.extract_regex(pc.fill_null(part, ""), r"^(?P<s>[+-])(?P<h>\d{2}):?(?P<m>\d{2})?$")
    minutes = numbers(sign.field("h")) * 60 + numbers(sign.field("m"))
    minutes = np.where(_is(sign.field("s"), "-"), -minutes, minutes)
    return np.where(given, minutes, NO_OFFSET)


def _localised(
    day: Ints, second: Ints, offset: Ints, fault: npt.NDArray[Any], zone: str | None
) -> tuple[Ints, Ints, npt.NDArray[Any]]:
    """Moments with an offset as the practice's own day and time of day."""
    shifted = (offset != NO_OFFSET) & (fault == 0)
    if not shifted.any():
        return day, second, fault
    if zone is None:
        return day, second, np.where(shifted, NOT_READ, fault)
    instant = (day * 86400 + second - offset * 60)[shifted]
    local = pd.DatetimeIndex(instant.astype("datetime64[s]"), tz="UTC").tz_convert(zone)
    local_seconds = local.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)
    day, second = day.copy(), second.copy()
    day[shifted], second[shifted] = np.divmod(local_seconds, 86400)
    return day, second, fault


def _length(part: Any) -> Ints:
    found: Ints = pc.fill_null(pc.utf8_length(part), 0).to_numpy().astype(np.int64)
    return found


def _is(part: Any, sign: str) -> Mask:
    found: Mask = pc.fill_null(pc.equal(part, sign), False).to_numpy(zero_copy_only=False)
    return found


def _valid(parts: Any) -> Mask:
    found: Mask = parts.is_valid().to_numpy(zero_copy_only=False)
    return found
