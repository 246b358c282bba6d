"""Where each key of a TOML text stands, so that a refusal can name its line.

The text has been read by `tomllib` and is sound; this only follows its keys and brackets.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field

Path = tuple[str, ...]  # keys from the top; an element of a list is its number, from 1

_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_TEXT = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|'
    r"'''.*?'{3,5}|"
    r'"(?:\\.|[^"\\\n])*"|'
    r"'[^'\n]*'",
    re.DOTALL,
)
_WORD = re.compile(r"[^,\]}#\n]*")


def lines(text: str) -> tuple[dict[Path, int], tuple[Path, ...]]:
    """The line of every key, table and list element of a sound TOML text, from 1.

    And the paths that stand to the left of an equals sign, those within inline tables left out.
    """
    scan = _Scan(text)
    table: Path = ()
    while not scan.at_end():
        if scan.take("[["):
            path = scan.inside(scan.key())
            scan.counts[path] = scan.counts.get(path, 0) + 1
            table = (*path, str(scan.counts[path]))
            scan.note(table)
            scan.take("]]")
        elif scan.take("["):
            table = scan.inside(scan.key(), last=True)
            scan.note(table)
            scan.take("]")
        else:
            scan.written.append(scan.pair(table))
    return scan.found, tuple(scan.written)


@dataclass(slots=True)
class _Scan:
    """A place in the text that moves on as keys and values are read."""

    text: str
    at: int = 0
    found: dict[Path, int] = field(default_factory=dict)
    counts: dict[Path, int] = field(default_factory=dict)
    written: list[Path] = field(default_factory=list)

    def line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1

    def at_end(self) -> bool:
        self._skip(_GAP)
        return self.at >= len(self.text)

    def take(self, word: str) -> bool:
        """Passes the word, and blanks around it, if it stands here."""
        self._skip(_BLANK)
        if not self.text.startswith(word, self.at):
            return False
        self.at += len(word)
        self._skip(_BLANK)
        return True

    def key(self) -> Path:
        """A key, dotted or not, quoted or not."""
        parts = [self._part()]
        while self.take("."):
            parts.append(self._part())
        return tuple(parts)

    def note(self, path: Path) -> None:
        """Every key of the path stands on this line, but those that have stood before."""
        for length in range(1, len(path) + 1):
            self.found.setdefault(path[:length], self.line())

    def inside(self, parts: Path, *, last: bool = False) -> Path:
        """The path of a header: below a list of tables it is of the last element so far."""
        path: Path = ()
        for n, part in enumerate(parts, 1):
            path = (*path, part)
            if path in self.counts and (last or n < len(parts)):
                path = (*path, str(self.counts[path]))
        return path

    def pair(self, table: Path) -> Path:
        """Passes `key = value`, and whatever the value holds; the path of the key."""
        path = (*table, *self.key())
        self.note(path)
        self.take("=")
        self._value(path)
        return path

    def _value(self, path: Path) -> None:
        if self.take("["):
            number = 0
            while not self._closed("]"):
                number += 1
                self.found[(*path, str(number))] = self.line()
                self._value((*path, str(number)))
        elif self.take("{"):
            while not self._closed("}"):
                self.pair(path)
        elif text := _TEXT.match(self.text, self.at):
            self.at = text.end()
        else:
            self._skip(_WORD)

    def _closed(self, bracket: str) -> bool:
        self._skip(_GAP)
        if self.take(","):
            self._skip(_GAP)
        return self.take(bracket) or self.at >= len(self.text)

    def _part(self) -> str:
        self._skip(_BLANK)
        if text := _TEXT.match(self.text, self.at):
            self.at = text.end()
            return str(tomllib.loads(f"k = {text[0]}")["k"])
        start = self.at
        self._skip(_BARE)
        if self.at == start:  # not TOML: `tomllib` has refused it before
            self.at = len(self.text)
        return self.text[start : self.at]

    def _skip(self, pattern: re.Pattern[str]) -> None:
        if found := pattern.match(self.text, self.at):
            self.at = found.end()
