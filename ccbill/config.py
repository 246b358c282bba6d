"""A practice's settings: `ccbill.toml`, checked key by key, as one frozen record.

Settings hold what the practice wrote; names are checked against the vocabulary, payers and plans
are not, since those belong to the rules.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ccbill import vocabulary
from ccbill.cells.limits import USUAL, Limits
from ccbill.errors import CcbillError, Exit, Message, did_you_mean

NAME = "ccbill.toml"

Words = Mapping[str, str]

# Columns that a default may stand in for: what a whole practice has in common.
DEFAULTS = (
    "payer",
    "kind",
    "mode",
    "credential",
    "minutes_unit",
    "place_of_service",
    "provider_role",
    "line_of_business",
    "setting",
    "rendering_npi",
    "video_declined",
    "chw_billed",
)
UNITS = ("seconds", "minutes", "hours")

# The checks of the log's plausibility, by the problem that each names; and where three begin.
CHECKS = (
    "npi-invalid",
    "date-in-future",
    "service-before-consent",
    "service-after-end",
    "overlap-same-staff",
    "overlap-same-patient",
    "long-entry",
    "long-day",
    "copied-entry",
)
SEVERITIES = ("note", "hold", "off")
WORKBOOK_ROWS = 200_000  # of a sheet, from which on a run writes CSV files beside its workbooks
LIMITS = {"long-entry-minutes": 120, "long-day-minutes": 480, "copied-entry-patients": 5}


@dataclass(frozen=True, slots=True)
class Practice:
    """The `[practice]` block: who bills, and the time zone that its dates are in."""

    name: str | None = None
    npi: str | None = None
    tin: str | None = None
    taxonomy: str | None = None
    address: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    assignment: str | None = None
    timezone: str | None = None
    rendering_npi: str | None = None
    rendering_taxonomy: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What `ccbill.toml` says, or the defaults where it says nothing or there is none.

    `columns` leads from a column to its heading; `kinds`, `modes` and `credentials` from the
    practice's words to ccbill's, `payers` to a payer's name or a plan; `defaults` from a column to
    the value of its blank cells; `checks` from a check to its severity, where that is not `note`,
    and `limits` from one of LIMITS to its value. With a sheet of more than `workbook_rows` a run
    writes CSV files beside its workbooks. Paths are absolute. `path` and `sha256` name the
    file itself.
    """

    columns: Words = field(default_factory=dict)
    kinds: Words = field(default_factory=dict)
    payers: Words = field(default_factory=dict)
    credentials: Words = field(default_factory=dict)
    modes: Words = field(default_factory=dict)
    defaults: Words = field(default_factory=dict)
    practice: Practice = field(default_factory=Practice)
    payer_ids: Words = field(default_factory=dict)
    checks: Words = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=lambda: LIMITS)
    claims_complete: bool = False
    overlays: tuple[Path, ...] = ()
    ledger_path: Path | None = None
    lock_timeout: float | None = None
    fill_down: tuple[str, ...] = ()
    ignore_columns: tuple[str, ...] = ()
    workbook: Limits = USUAL
    workbook_rows: int = WORKBOOK_ROWS
    path: Path | None = None
    sha256: str | None = None


def load(path: Path | None) -> Settings:
    """The settings of `path`, else of `CCBILL_CONFIG`, else of the nearest `ccbill.toml`.

    The nearest is the one in the working directory or a parent of it, else in the user's config
    directory. With none of these, every setting has its default.
    """
    found = file_of(path)
    if found is None:
        return Settings()
    try:
        content = found.read_bytes()
    except OSError as error:
        raise _refused(
            found, f"cannot be read: {error.strerror}", "name a file that exists"
        ) from None
    return _settings(found.absolute(), content, _parse(found, content))


def file_of(path: Path | None) -> Path | None:
    """The file that `load` reads, None where there is none."""
    named = path or (Path(os.environ["CCBILL_CONFIG"]) if os.environ.get("CCBILL_CONFIG") else None)
    return named or _nearest_file()


def _nearest_file() -> Path | None:
    here = Path.cwd()
    places = [here, *here.parents, user_directory()]
    return next((place / NAME for place in places if (place / NAME).is_file()), None)


def user_directory() -> Path:
    """Where this system keeps a user's settings for ccbill."""
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", Path.home() / "AppData" / "Roaming")) / "ccbill"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "ccbill"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "ccbill"


def _refused(file: Path, what: str, fix: str, line: int | None = None) -> CcbillError:
    where = f"{file.name}:{line}" if line else file.name
    return CcbillError(Exit.REFUSED, Message(where, what, "Nothing was read or written.", fix))


def _parse(file: Path, content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError:
        raise _refused(file, "is not UTF-8 text", "save it again as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        place = re.search(r" \(at line (\d+), column \d+\)$", said)
        line = int(place[1]) if place else content.count(b"\n") + 1
        what = f"is not TOML: {re.sub(r' [(]at .*[)]$', '', said)}"
        fix = 'write words = "words", with both sides in double quotes where they hold spaces'
        raise _refused(file, what, fix, line) from None


Problem = tuple[str, str, str]  # key, what, fix
Check = Callable[[Any], tuple[str, str] | None]  # a value → what is wrong and its fix


def _is_text(value: Any) -> tuple[str, str] | None:
    if isinstance(value, str) and value.strip():
        return None
    return "is not text", "put the value in double quotes"


def _is_yes_or_no(value: Any) -> tuple[str, str] | None:
    return None if isinstance(value, bool) else ("is neither true nor false", "use true or false")


def _is_seconds(value: Any) -> tuple[str, str] | None:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
    return None if good else ("is not a number of seconds", "use a number, 10 for example")


def _is_count(value: Any) -> tuple[str, str] | None:
    good = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return None if good else ("is not a whole number above 0", "use a number, 120 for example")


def _is_severity(value: Any) -> tuple[str, str] | None:
    known = list(SEVERITIES)
    return None if value in known else ("is no severity", did_you_mean(str(value), known))


def _is_list(value: Any) -> tuple[str, str] | None:
    if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
        return None
    return "is not a list of texts", 'use ["one", "two"]'


def _is_columns(value: Any) -> tuple[str, str] | None:
    known = list(vocabulary.columns())
    unknown = [item for item in value if item not in known] if _is_list(value) is None else []
    if unknown:
        return f"names no column: {unknown[0]!r}", did_you_mean(unknown[0], known)
    return _is_list(value)


def _is_zone(value: Any) -> tuple[str, str] | None:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, TypeError, OSError):
        return "is not a time zone", 'use a name such as "America/Detroit"'
    return None


def _one_of(known: tuple[str, ...], spellings: Words, noun: str) -> Check:
    """A check that the value is one of the known words, in any spelling."""

    def check(value: Any) -> tuple[str, str] | None:
        if not isinstance(value, str) or vocabulary.fold(value) not in spellings:
            return f"is not a {noun}: {value!r}", did_you_mean(str(value), list(known))
        return None

    return check


def _unit(value: Any) -> tuple[str, str] | None:
    return None if value in UNITS else ("is not a unit of time", f"use one of: {', '.join(UNITS)}")


def _vocabulary_checks() -> dict[str, Check]:
    return {
        "kind": _one_of(vocabulary.kinds(), vocabulary.kind_spellings(), "kind of work"),
        "mode": _one_of(vocabulary.modes(), vocabulary.mode_spellings(), "mode"),
        "credential": _one_of(
            tuple(vocabulary.credentials()), vocabulary.credential_spellings(), "credential"
        ),
    }


def schema() -> dict[str, dict[str, Check] | Check]:
    """Each section's keys with their checks, or one check where the keys are the practice's."""
    words = _vocabulary_checks()
    return {
        "columns": dict.fromkeys(vocabulary.columns(), _is_text),
        "kinds": words["kind"],
        "payers": _is_text,
        "credentials": words["credential"],
        "modes": words["mode"],
        "defaults": dict.fromkeys(DEFAULTS, _is_text) | words | {"minutes_unit": _unit},
        "practice": dict.fromkeys(Practice.__slots__, _is_text) | {"timezone": _is_zone},
        "payer_ids": _is_text,
        "claims": {"complete": _is_yes_or_no},
        "checks": dict.fromkeys(CHECKS, _is_severity) | dict.fromkeys(LIMITS, _is_count),
        "rules": {"overlays": _is_list},
        "ledger": {"path": _is_text, "lock_timeout": _is_seconds},
        "intake": {
            "fill_down": _is_columns,
            "ignore_columns": _is_list,
            "workbook_seconds": _is_seconds,
            "workbook_megabytes": _is_count,
        },
        "output": {"workbook_rows": _is_count},
    }


def _problems(table: dict[str, Any]) -> Iterator[tuple[str, Problem]]:
    """Everything in the file that ccbill does not understand, with its section."""
    known = schema()
    for section, content in table.items():
        expected = known.get(section)
        if expected is None:
            yield section, ("", "is no section that ccbill knows", did_you_mean(section, [*known]))
        elif not isinstance(content, dict):
            yield section, ("", "is not a section", f"write [{section}] on a line of its own")
        else:
            for key, value in content.items():
                problem = _problem(key, value, expected)
                if problem:
                    yield section, (key, *problem)


def _problem(key: str, value: Any, expected: dict[str, Check] | Check) -> tuple[str, str] | None:
    if not isinstance(expected, dict):
        return expected(value)
    if key not in expected:
        return "is no setting that ccbill knows", did_you_mean(key, list(expected))
    return expected[key](value)


def _line(lines: list[str], section: str, key: str) -> int | None:
    """The line that a section or a key of it stands on, as far as plain TOML shows it."""
    word = re.compile(rf"[\"']?{re.escape(key or section)}[\"']?\s*[.=]")
    inside = not key
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text.startswith("["):
            here = text.split("#")[0].strip("[] \t") == section
            if here and not key:
                return number
            inside = here and bool(key)
        elif inside and word.match(text):
            return number
    return None


def _settings(file: Path, content: bytes, table: dict[str, Any]) -> Settings:
    lines = content.decode("utf-8-sig").splitlines()
    messages = [
        Message(
            ":".join(str(part) for part in (file.name, _line(lines, section, key)) if part)
            + (f":[{section}] {key}" if key else f":[{section}]"),
            what,
            "Nothing was read or written.",
            fix,
        )
        for section, (key, what, fix) in _problems(table)
    ]
    if messages:
        raise CcbillError(Exit.REFUSED, *messages)
    return _frozen(file, hashlib.sha256(content).hexdigest(), table)


def _canonical(table: dict[str, str], spellings: Words) -> Words:
    return {word: spellings[vocabulary.fold(to)] for word, to in table.items()}


def _frozen(file: Path, sha256: str, table: dict[str, Any]) -> Settings:
    spellings = {
        "kind": vocabulary.kind_spellings(),
        "mode": vocabulary.mode_spellings(),
        "credential": vocabulary.credential_spellings(),
    }
    defaults = {
        name: spellings[name][vocabulary.fold(value)] if name in spellings else value.strip()
        for name, value in table.get("defaults", {}).items()
    }
    ledger, intake = table.get("ledger", {}), table.get("intake", {})
    checks = table.get("checks", {})
    paths = [Path(p).expanduser() for p in table.get("rules", {}).get("overlays", [])]
    return Settings(
        columns=dict(table.get("columns", {})),
        kinds=_canonical(table.get("kinds", {}), spellings["kind"]),
        payers=dict(table.get("payers", {})),
        credentials=_canonical(table.get("credentials", {}), spellings["credential"]),
        modes=_canonical(table.get("modes", {}), spellings["mode"]),
        defaults=dict(defaults),
        practice=Practice(**table.get("practice", {})),
        payer_ids=dict(table.get("payer_ids", {})),
        checks={name: checks[name] for name in CHECKS if name in checks},
        limits={name: checks.get(name, usual) for name, usual in LIMITS.items()},
        claims_complete=table.get("claims", {}).get("complete", False),
        overlays=tuple(file.parent / path for path in paths),
        ledger_path=file.parent / Path(ledger["path"]).expanduser() if "path" in ledger else None,
        lock_timeout=ledger.get("lock_timeout"),
        fill_down=tuple(intake.get("fill_down", ())),
        ignore_columns=tuple(intake.get("ignore_columns", ())),
        workbook=Limits(intake.get("workbook_seconds"), intake.get("workbook_megabytes")),
        workbook_rows=table.get("output", {}).get("workbook_rows", WORKBOOK_ROWS),
        path=file,
        sha256=sha256,
    )
