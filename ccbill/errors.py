"""What stops a run: a message with its place and its fix, and the exit code that goes with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

SPELLING = 0.6  # words less alike than this are two words, not one misspelt


class Exit(IntEnum):
    """The exit codes that users and cron jobs rely on."""

    DONE = 0
    FOUND = 1
    REFUSED = 2
    INPUT = 3
    OUTPUT = 4
    FAULT = 70
    BUSY = 75
    HANG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that is wrong: where it is, what it means for the run, and what mends it.

    `where` is `FILE`, `FILE:ROW` or `FILE:ROW:COLUMN`, with rows and columns as the user's
    program shows them. None of the four texts may hold a patient's data.
    """

    where: str
    what: str
    consequence: str
    fix: str

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  {self.consequence}\n  fix: {self.fix}"


class CcbillError(Exception):
    """Stops the run with its messages, all of them, and an exit code."""

    def __init__(self, code: Exit, *messages: Message) -> None:
        super().__init__(*messages)
        self.code = code
        self.messages = messages


def nearest(word: str, known: list[str], likeness: float = 0.6) -> str | None:
    """The known word most like this one, or None where none is as like as `likeness`, 1 at most."""
    from difflib import get_close_matches  # noqa: PLC0415  (only on the way to a message)

    folded = {k.casefold(): k for k in known}
    found = get_close_matches(word.casefold(), list(folded), n=1, cutoff=likeness)
    return folded[found[0]] if found else None


def same_but_for_spelling(word: str, other: str) -> bool:
    """Whether words that stand for one another in two names are alike: `Helth` is, `Part A` isn't.

    A word that only one of the names has makes no difference.
    """
    from difflib import SequenceMatcher  # noqa: PLC0415  (only on the way to a message)

    ours, theirs = (re.findall(r"[^\W_]+", name.casefold()) for name in (word, other))
    return all(
        SequenceMatcher(None, "".join(ours[a:b]), "".join(theirs[c:d])).ratio() >= SPELLING
        for change, a, b, c, d in SequenceMatcher(None, ours, theirs).get_opcodes()
        if change == "replace"
    )


def did_you_mean(word: str, known: list[str]) -> str:
    """`use KNOWN` where a known word is near, else the list of known words."""
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near else f"use one of: {', '.join(sorted(known))}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 row`, `1,200 rows`, `2 kinds of problem`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
