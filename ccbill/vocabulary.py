"""The words ccbill knows: kinds of work, modes of contact, credentials and columns.

Every mapping is read-only and read once, from `vocabulary.toml`. The spelling tables are keyed by
`fold`ed words, so that case, spaces and punctuation never matter.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

# From the most to the least qualified: the highest group that a cell names is the one that counts.
GROUPS = ("physician", "app", "licensed", "unlicensed", "trainee")

_SIGNS = re.compile("[^0-9a-z]+")


def fold(words: str) -> str:
    """The words without case, spaces and punctuation."""
    if words.isascii():
        return _SIGNS.sub("", words.lower())
    plain = unicodedata.normalize("NFKC", words).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


@cache
def _words() -> dict[str, Any]:
    text = Path(__file__).with_name("vocabulary.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _spellings(names: Mapping[str, Iterable[str]]) -> Mapping[str, str]:
    """Each folded spelling with the name it stands for."""
    found: dict[str, str] = {}
    for name, others in names.items():
        for word in (name, *others):
            claimed = found.setdefault(fold(word), name)
            assert claimed == name, f"{word!r} stands for both {claimed!r} and {name!r}"
    return MappingProxyType(found)


@cache
def kinds() -> tuple[str, ...]:
    """Every kind of work, the administrative ones among them."""
    return tuple(_words()["kinds"])


@cache
def administrative_kinds() -> frozenset[str]:
    """The kinds that no plan pays for."""
    return frozenset(_words()["administrative"])


@cache
def modes() -> tuple[str, ...]:
    """Every way in which staff and patient meet."""
    return tuple(_words()["modes"])


@cache
def credentials() -> Mapping[str, str]:
    """Each credential with its group, from the most to the least qualified group."""
    table = _words()["credentials"]
    ranked = sorted(table, key=lambda name: GROUPS.index(table[name]["group"]))
    return MappingProxyType({name: table[name]["group"] for name in ranked})


@cache
def columns() -> tuple[str, ...]:
    """Every column that an export or a companion file may have."""
    return tuple(_words()["columns"])


@cache
def kind_spellings() -> Mapping[str, str]:
    return _spellings(_words()["kinds"])


@cache
def mode_spellings() -> Mapping[str, str]:
    return _spellings(_words()["modes"])


@cache
def credential_spellings() -> Mapping[str, str]:
    return _spellings({name: row["also"] for name, row in _words()["credentials"].items()})


@cache
def column_spellings() -> Mapping[str, str]:
    return _spellings(_words()["columns"])
