"""The words of an export that ccbill does not know, and the line of ccbill.toml for each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccbill import vocabulary
from ccbill.config import Settings
from ccbill.errors import nearest
from ccbill.intake.text import Text
from ccbill.intake.words import damaged, understood
from ccbill.rules.model import Plan
from ccbill.rules.payers import fold, nearest_name, numbers_of_names

COLUMNS = ("kind", "payer", "mode", "credential")


@dataclass(frozen=True, slots=True)
class NewWord:
    """A word that is not known, how many rows hold it, and the known word most like it."""

    word: str
    rows: int
    near: str | None
    seconds: int = 0
    first: int = 0  # place of its first row in the column


@dataclass(frozen=True, slots=True)
class Heard:
    """What a column of words holds: its new words, those of most rows first.

    `known` says that at least half of its rows hold a known word, so that it surely is the column
    that it is taken for and a message may show what is in it.
    """

    column: str
    new: Sequence[NewWord]
    known: bool


def heard(
    column: str,
    text: Text,
    settings: Settings,
    plans: Sequence[Plan],
    seconds: npt.NDArray[np.int64] | None = None,
) -> Heard:
    """What a column holds; `seconds`, one of each row, are added up for each new word."""
    strange = _strange(column, text, settings, plans)
    rows = np.bincount(text.codes[strange], minlength=len(text.values))
    lengths = np.zeros(len(text.values), np.int64)
    if seconds is not None:
        np.add.at(lengths, text.codes[strange], seconds[strange])
    words = text.words()
    new = [
        NewWord(
            words[at],
            int(rows[at]),
            near(column, words[at], plans),
            int(lengths[at]),
            int(np.argmax(text.codes == at)),
        )
        for at in np.argsort(-rows, kind="stable")[: np.count_nonzero(rows)]
    ]
    known = 2 * int((~strange & ~text.blank).sum()) >= len(text) > 0
    return Heard(column, new, known)


def _strange(
    column: str, text: Text, settings: Settings, plans: Sequence[Plan]
) -> npt.NDArray[np.bool_]:
    """The rows whose cell is a word that is not known, and no spreadsheet's error."""
    if column == "payer":
        names = numbers_of_names(plans, settings.payers)
        unknown = np.array([fold(word) not in names for word in text.words()], bool)
        strange = text.spread(unknown, False)
    else:
        strange = understood(column, text, settings).unknown
    return strange & ~damaged(text)


def near(column: str, word: str, plans: Sequence[Plan]) -> str | None:
    """The known word most like this one, None where none is like it."""
    if column == "payer":
        return nearest_name(word, [name for plan in plans for name in plan.payers])
    return nearest(word, list(known(column)))


def known(column: str) -> Iterator[str]:
    """ccbill's own words of a column of kinds, modes or credentials."""
    words = {
        "kind": vocabulary.kinds,
        "mode": vocabulary.modes,
        "credential": vocabulary.credentials,
    }
    yield from words[column]()


def toml_line(column: str, word: str, to: str | None) -> str:
    """The line that makes a word known, with the column's name where its meaning goes."""
    return f"{quoted(word)} = {quoted(to or column.upper())}"


def quoted(text: str) -> str:
    """The text as TOML writes it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
