"""Each setting with its value and where that came from: an option, the environment, a file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccbill import config
from ccbill.config import CHECKS, LIMITS
from ccbill.errors import counted

DEFAULT = "default"
PRACTICE = "practice"
# What a setting is where nobody has said it.
USUAL: dict[str, dict[str, Any]] = {
    "claims": {"complete": False},
    "checks": dict.fromkeys(CHECKS, "note") | LIMITS,
    "rules": {"overlays": []},
    "ledger": {"lock_timeout": 10},
    "intake": {"fill_down": [], "ignore_columns": []},
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting, as text, and its source."""

    name: str
    value: str
    source: str


def settings(
    file: Path | None, config_option: Path | None, ledger_option: Path | None, ledger: Path
) -> Iterator[Setting]:
    """Those that the file sets, and those that have a default; a sound file is expected."""
    table = tomllib.loads(file.read_text(encoding="utf-8-sig")) if file else {}
    if file:
        named = "CCBILL_CONFIG" if os.environ.get("CCBILL_CONFIG") else "nearest"
        yield Setting("configuration", str(file.absolute()), "--config" if config_option else named)
    yield Setting("ledger", str(ledger), _ledger_source(ledger_option, table, file))
    if day := os.environ.get("CCBILL_TODAY"):
        yield Setting("today", day, "CCBILL_TODAY")
    for section, expected in config.schema().items():
        given, usual = table.get(section, {}), USUAL.get(section, {})
        if not isinstance(expected, dict):  # the practice's own words, which are not shown
            if given:
                yield Setting(f"[{section}]", counted(len(given), "word"), _name(file))
            continue
        for key in [key for key in expected if key in given or key in usual]:
            if (section, key) != ("ledger", "path"):
                value = given.get(key, usual.get(key))
                source = _name(file) if key in given else DEFAULT
                yield Setting(f"[{section}] {key}", _text(section, key, value), source)


def _name(file: Path | None) -> str:
    return file.name if file else DEFAULT


def _ledger_source(option: Path | None, table: dict[str, Any], file: Path | None) -> str:
    if option is not None:
        return "--ledger"
    if os.environ.get("CCBILL_LEDGER"):
        return "CCBILL_LEDGER"
    return _name(file) if "path" in table.get("ledger", {}) else DEFAULT


def _text(section: str, key: str, value: Any) -> str:
    """The value; a practice's own details are only said to be set."""
    if section in (PRACTICE, "columns") and key != "timezone":
        return "set"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)
