"""Every problem that ccbill names, read from `problems.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in one sentence, what mends it, and what one exceptions row stands for.

    `severity` has each of "hold", "left-out" and "note" that the problem can be.
    """

    name: str
    severity: tuple[str, ...]
    says: str
    fix: str
    per: str


def _read() -> dict[str, Problem]:
    text = (files("ccbill") / "problems.toml").read_text(encoding="utf-8")
    return {
        name: Problem(name, tuple(facts["severity"]), facts["says"], facts["fix"], facts["per"])
        for name, facts in tomllib.loads(text).items()
    }


PROBLEMS = _read()
