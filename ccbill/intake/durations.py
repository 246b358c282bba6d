"""Text → whole seconds, computed exactly, each distinct text once."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from ccbill.intake.dates import Ints, numbers
from ccbill.intake.text import Text, blank
from ccbill.tables import UNKNOWN, Mask
from ccbill.vocabulary import fold

NOT_READ, OUT_OF_RANGE = 1, 2
DAY = 86400
PART = 10**15  # a length is whole seconds and a rest in 1e-15 seconds
LONGEST = 10**6  # a whole part past this is out of range in every unit

Lengths = tuple[Ints, Ints]

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
    unit = _unit_of_bare(heading, default_unit)
    seconds, faults = _in_unit(text, unit)
    if units is not None:
        values = _unit_values(units)
        for own in set(values.tolist()) - {unit}:
            of_unit = units.spread(values == own, False)
            its_seconds, its_faults = _in_unit(text, own)
            seconds = np.where(of_unit, its_seconds, seconds)
            faults = np.where(of_unit, its_faults, faults)
    return seconds, faults


def _in_unit(text: Text, unit: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int8]]:
    """The same where all bare numbers are in one unit, or in none that is known."""
    bare = pc.extract_regex(text.values, _NUMBER)
    alike = _rounded(_bare(bare, unit), np.full(len(text.values), unit > 0))
    worded = _rounded(*_worded(text.values))
    is_bare = _filled(bare)
    return (
        text.spread(np.where(is_bare, alike[0], worded[0]), UNKNOWN),
        text.spread(np.where(is_bare, alike[1], worded[1]), 0),
    )


def without_unit(text: Text, units: Text | None, heading: str, default_unit: str | None) -> Mask:
    """The bare numbers whose unit nobody can say."""
    units = units or blank(len(text))
    without = np.append(_unit_values(units), _unit_of_bare(heading, default_unit)) == 0
    if not without.any():
        return np.zeros(len(text), bool)
    bare = text.spread(_filled(pc.extract_regex(text.values, _NUMBER)), False)
    return units.spread(without[:-1], without[-1]) & bare


def _filled(bare: Any) -> Mask:
    """Which distinct texts are numbers and no more."""
    digits = _length(bare.field("w")) + _length(bare.field("f"))
    found: Mask = bare.is_valid().to_numpy(zero_copy_only=False) & (digits > 0)
    return found


def _rounded(length: Lengths, known: Mask) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int8]]:
    """Lengths to the nearest second, half up, of those above nothing and up to a day."""
    whole, rest = length[0] + length[1] // PART, length[1] % PART
    fits = ((whole > 0) | (rest > 0)) & ((whole < DAY) | ((whole == DAY) & (rest == 0)))
    seconds = whole + (rest >= PART // 2)
    fault = np.where(known, np.where(fits, 0, OUT_OF_RANGE), NOT_READ)
    found = np.where(known & fits, seconds, UNKNOWN)
    return found.astype(np.int32), fault.astype(np.int8)


def _unit_of_bare(heading: str, default_unit: str | None) -> int:
    """The seconds in the unit of a bare number; 0 where nobody can say."""
    if default_unit:
        return UNITS[default_unit]
    said = heading_unit(heading)
    return 0 if said == 3600 else said or 60


def _unit_values(units: Text) -> Ints:
    return np.array([UNITS.get(fold(word), 0) for word in units.words()], np.int64)


def _bare(parts: Any, unit: int) -> Lengths:
    """Distinct bare numbers in a unit; one with a minus is below 0."""
    whole, rest = _times(parts.field("w"), parts.field("f"), unit)
    minus = _length(parts.field("minus")) > 0
    return np.where(minus, -1, whole), np.where(minus, 0, rest)


def _worded(values: Any) -> tuple[Lengths, Mask]:
    """Distinct lengths that say their own unit, and which of them can be read.

    No H:MM can, as soon as one is past 24:00: that one can only be MM:SS.
    """
    clock = pc.extract_regex(values, _CLOCK)
    hours, minutes, secs = (numbers(clock.field(name)) for name in "hms")
    clocked = clock.is_valid().to_numpy(zero_copy_only=False) & (minutes < 60) & (secs < 60)
    short = clocked & (_length(clock.field("s")) == 0)
    if (short & (hours * 60 + minutes > 1440)).any():
        clocked &= ~short
    whole = hours * 3600 + minutes * 60 + secs
    rest = _times(None, clock.field("f"), 1)[1]
    words = pc.extract_regex(values, _WORDS)
    spoken = words.is_valid().to_numpy(zero_copy_only=False)
    spoken &= sum(_length(words.field(name)) for name in "hms") > 0
    for name, unit in (("h", 3600), ("m", 60), ("s", 1)):
        part = _times(words.field(name), words.field(f"{name}f"), unit)
        whole, rest = whole + part[0], rest + part[1]
    return (whole, rest), clocked | spoken


def _times(whole: Any, fraction: Any, unit: int) -> Lengths:
    """A number times its unit, exact to thirty digits after the point."""
    filled = pc.fill_null(fraction, "")
    first, second = (
        numbers(pc.utf8_rpad(pc.utf8_slice_codeunits(filled, at, at + 15), 15, "0"))
        for at in (0, 15)
    )
    rest = first * unit + second * unit // PART
    count = np.zeros(len(rest), np.int64) if whole is None else numbers(whole)
    return np.minimum(count, LONGEST) * unit, rest


def _length(part: Any) -> Ints:
    found: Ints = pc.fill_null(pc.utf8_length(part), 0).to_numpy().astype(np.int64)
    return found
