"""Text → whole seconds, computed exactly, each distinct text once."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from ccbill.intake.dates import Ints, numbers
from ccbill.intake.text import Text
from ccbill.tables import UNKNOWN, Mask
from ccbill.vocabulary import fold

NOT_READ, OUT_OF_RANGE = 1, 2
TENTH = 10**10  # lengths are integers of 1e-10 seconds (or of the unit of a bare number)
DAY = 86400 * TENTH
LONGEST = 200_000  # a whole part past this is out of range in every unit

_NUMBER = r"^(?P<minus>[-\x{2212}])?(?P<w>\d{0,9})(?:\.(?P<f>\d*))?$"
_CLOCK = r"^(?P<h>\d{1,3}):(?P<m>\d{2})(?::(?P<s>\d{2})(?:\.(?P<f>\d+))?)?$"
_PART = r"(?:(?P<{0}>\d{{1,6}})(?:\.(?P<{0}f>\d*))?\s*(?:{1})\.?)?"
_WORDS = (
    r"(?i)^"
    + _PART.format("h", "h|hr|hrs|hour|hours")
    + r"[\s,]*"
    + _PART.format("m", "m|min|mins|minute|minutes")
    + r"[\s,]*"
    + _PART.format("s", "s|sec|secs|second|seconds")
    + r"$"
)
UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600),
}


def heading_unit(heading: str) -> int | None:
    """The seconds in the unit that a heading names, None where it names none."""
    named = {UNITS[w] for w in re.findall(r"[a-z]+", heading.lower()) if w in UNITS and len(w) > 1}
    return named.pop() if len(named) == 1 else None


def seconds(
    text: Text, units: Text | None, heading: str, default_unit: str | None
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int8]]:
    """Whole seconds per row, half up, and NOT_READ or OUT_OF_RANGE.

    A bare number is in the row's unit, else `default_unit`, else minutes (or seconds, where the
    heading says seconds); under a heading that says hours it is NOT_READ, since 1.30 there may be
    an hour and a half hour or thirty minutes. `H:MM` is NOT_READ in a column in which some can
    only be MM:SS. Blank cells are UNKNOWN without a fault.
    """
    bare, bare_known = _bare(text.values)
    other, other_known, odd_clock = _worded(text.values)
    unit = _unit_of_bare(heading, default_unit)
    factor = np.full(len(text), unit, np.int64)
    if units is not None:
        factor = units.spread(_unit_values(units), unit)
    is_bare = text.spread(bare_known, False)
    known = (is_bare & (factor > 0)) | text.spread(other_known & ~odd_clock, False)
    length = np.where(is_bare, text.spread(bare, 0) * factor, text.spread(other, 0))
    fault = np.where(known, np.where((length <= 0) | (length > DAY), OUT_OF_RANGE, 0), NOT_READ)
    fault[text.blank] = 0
    whole = (length + TENTH // 2) // TENTH
    good = known & (fault == 0) & ~text.blank
    return np.where(good, whole, UNKNOWN).astype(np.int32), fault.astype(np.int8)


def _unit_of_bare(heading: str, default_unit: str | None) -> int:
    """The seconds in the unit of a bare number; 0 where nobody can say."""
    if default_unit:
        return UNITS[default_unit]
    said = heading_unit(heading)
    return 0 if said == 3600 else said or 60


def _unit_values(units: Text) -> Ints:
    return np.array([UNITS.get(fold(word), 0) for word in units.words()], np.int64)


def _bare(values: Any) -> tuple[Ints, Mask]:
    """Distinct bare numbers in 1e-10 of their unit; one with a minus is not above 0."""
    parts = pc.extract_regex(values, _NUMBER)
    whole, fraction = parts.field("w"), parts.field("f")
    digits = _length(whole) + _length(fraction)
    known = parts.is_valid().to_numpy(zero_copy_only=False) & (digits > 0)
    length = np.minimum(numbers(whole), LONGEST) * TENTH + _tenths(fraction)
    return np.where(_length(parts.field("minus")) > 0, -length, length), known


def _worded(values: Any) -> tuple[Ints, Mask, Mask]:
    """Distinct lengths that say their own unit, in 1e-10 seconds; and H:MM that are not to be read.

    Those are all of them as soon as one is past 24:00 or so, and can only be MM:SS.
    """
    clock = pc.extract_regex(values, _CLOCK)
    hours, minutes, secs = (numbers(clock.field(name)) for name in "hms")
    short = clock.is_valid().to_numpy(zero_copy_only=False) & (_length(clock.field("s")) == 0)
    fits = (minutes < 60) & (secs < 60)
    clocked = clock.is_valid().to_numpy(zero_copy_only=False) & fits
    length = (hours * 3600 + minutes * 60 + secs) * TENTH + _tenths(clock.field("f"))
    minutes_first = short & fits & (hours * 60 + minutes > 1440)
    odd = short & bool(minutes_first.any())
    words = pc.extract_regex(values, _WORDS)
    worded = words.is_valid().to_numpy(zero_copy_only=False)
    spoken = sum(
        (np.minimum(numbers(words.field(n)), LONGEST) * TENTH + _tenths(words.field(n + "f"))) * u
        for n, u in (("h", 3600), ("m", 60), ("s", 1))
    )
    worded &= sum(_length(words.field(name)) for name in "hms") > 0
    return np.where(worded, spoken, length), worded | clocked, odd


def _tenths(fraction: Any) -> Ints:
    """The digits after the point in 1e-10, never rounded down to nothing."""
    filled = pc.fill_null(fraction, "")
    nine = numbers(pc.utf8_rpad(pc.utf8_slice_codeunits(filled, 0, 9), 9, "0"))
    rest = pc.match_substring_regex(pc.utf8_slice_codeunits(filled, 9, None), "[1-9]")
    return nine * 10 + rest.to_numpy(zero_copy_only=False)


def _length(part: Any) -> Ints:
    found: Ints = pc.fill_null(pc.utf8_length(part), 0).to_numpy().astype(np.int64)
    return found
