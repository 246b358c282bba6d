"""A TOML table that is read strictly: each key is asked for by type, and none is left over."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, TypeVar, overload

from ccbill.errors import CcbillError, Exit, Message, did_you_mean, nearest
from ccbill.rules.lines import Path, lines

MISSPELT = 0.75  # a key that is this like a missing one is that one misspelt
_REQUIRED: Any = object()
T = TypeVar("T", bound=str)


@dataclass(frozen=True, slots=True)
class Document:
    """The tables of one rule file, and where each of their keys was written.

    `file` is `PLAN/NAME`; `places` leads from a path to `FILE:LINE`, which is an overlay's where
    an overlay wrote the key; `text` is what the file said, and `sha256` of its bytes.
    """

    file: str
    data: dict[str, Any]
    places: Mapping[Path, str]
    text: str
    sha256: str

    @classmethod
    def read(cls, file: str, data: bytes, place: str | None = None) -> Document:
        """The TOML of these bytes; `place` is the file's name in messages, if not `file`."""
        place = place or file
        try:
            text = data.decode("utf-8-sig").replace("\r\n", "\n")
            tables = tomllib.loads(text)
        except UnicodeDecodeError:
            raise refused(place, "is not UTF-8 text", "save it again as UTF-8") from None
        except tomllib.TOMLDecodeError as error:
            said = str(error)
            found = re.search(r" \(at line (\d+), column \d+\)$", said)
            line = int(found[1]) if found else text.count("\n") + 1
            what = f"is not TOML: {re.sub(r' [(]at .*[)]$', '', said)}"
            raise refused(f"{place}:{line}", what, "mend the line named") from None
        return cls(file, tables, Places(place, text), text, hashlib.sha256(data).hexdigest())

    @property
    def written(self) -> tuple[Path, ...]:
        """The paths to the left of an equals sign."""
        return lines(self.text)[1]

    @property
    def table(self) -> Table:
        """The whole file as one table, of which nothing has been read."""
        return Table(self, (), self.data)

    def refused(self, path: Path, what: str, fix: str) -> CcbillError:
        """What stops the program: `FILE:LINE: path`, what is wrong there, and its fix."""
        place = self.place(path)
        return refused(f"{place}: {'.'.join(path)}" if path else place, what, fix)

    def place(self, path: Path = ()) -> str:
        """`FILE:LINE` of the key, or of the nearest table around it; `FILE` where none has one."""
        return next(
            self.places[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.places
        )


class Places(Mapping[Path, str]):
    """`FILE:LINE` of every key of a text, looked for once somebody asks: mostly nobody does."""

    def __init__(self, file: str, text: str) -> None:
        self._file, self._text = file, text

    @cached_property
    def _found(self) -> dict[Path, str]:
        at, _ = lines(self._text)
        return {(): self._file, **{path: f"{self._file}:{n}" for path, n in at.items()}}

    def __getitem__(self, path: Path) -> str:
        return self._found[path] if path else self._file

    def __iter__(self) -> Iterator[Path]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def refused(where: str, what: str, fix: str) -> CcbillError:
    """What stops the program where a rule file is not understood."""
    return CcbillError(
        Exit.REFUSED, Message(where, what, "The rules are not used; nothing was written.", fix)
    )


class Table:
    """One table of a rule file, that knows its place and which of its keys have been read."""

    def __init__(self, document: Document, path: Path, data: dict[str, Any]) -> None:
        self.file = document.file
        self.path = path
        self._document = document
        self._data = data
        self._asked: dict[str, None] = {}

    def where(self) -> str:
        """`FILE:LINE` of the table."""
        return self._document.place(self.path)

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def names(self) -> list[str]:
        return list(self._data)

    def is_list(self, key: str) -> bool:
        return isinstance(self._data.get(key), list)

    def is_text(self, key: str) -> bool:
        return isinstance(self._data.get(key), str)

    @overload
    def text(self, key: str, default: str = ...) -> str: ...
    @overload
    def text(self, key: str, default: None) -> Any: ...
    def text(self, key: str, default: str | None = _REQUIRED) -> str | None:
        """A text; a key without a default, or with None where the caller checks it, must stand."""
        value = self._get(key, default)
        if value is not default and (not isinstance(value, str) or not value.strip()):
            raise self.refused(key, "is not a text", f'write {key} = "…"')
        return value

    def texts(self, key: str, default: tuple[str, ...] = _REQUIRED) -> tuple[str, ...]:
        value = self._get(key, default)
        if value is default:
            return default
        if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
            raise self.refused(key, "is not a list of texts", f'write {key} = ["…", "…"]')
        return tuple(value)

    @overload
    def number(self, key: str, *, low: int, high: int) -> int: ...
    @overload
    def number(self, key: str, default: None, *, low: int, high: int) -> int | None: ...
    def number(
        self, key: str, default: int | None = _REQUIRED, *, low: int, high: int
    ) -> int | None:
        value = self._get(key, default)
        if value is default:
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refused(key, "is not a whole number", f"write {key} = {low}")
        if not low <= value <= high:
            raise self.refused(key, f"is {value}", f"give a number from {low} to {high}")
        return value

    def day(self, key: str, default: int | None = _REQUIRED) -> int | None:
        """A date's ordinal."""
        value = self._get(key, default)
        if value is default:
            return default
        if not isinstance(value, date):
            raise self.refused(key, "is not a date", f"write {key} = 2026-04-01, without quotes")
        return value.toordinal()

    def choice(self, key: str, known: tuple[T, ...], default: T = _REQUIRED) -> T:
        value = self._get(key, default)
        for word in known:
            if value == word:
                return word
        raise self.refused(key, f"is {value!r}", did_you_mean(str(value), list(known)))

    def yes(self, key: str) -> bool:
        """True where the key says so, False where it does not stand."""
        value = self._get(key, False)
        if not isinstance(value, bool):
            raise self.refused(key, "is not true or false", f"write {key} = true")
        return value

    def table(self, key: str) -> Table:
        value = self._get(key, _REQUIRED)
        if not isinstance(value, dict):
            raise self.refused(key, "is not a table", f"write {key} = {{ … }}")
        return Table(self._document, (*self.path, key), value)

    def tables(self, key: str) -> list[Table]:
        """The tables of `[[key]]`, none where it does not stand."""
        value = self._get(key, None)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise self.refused(key, "is not a list of tables", f"write [[{key}]]")
        return [Table(self._document, (*self.path, key, str(n)), v) for n, v in enumerate(value, 1)]

    def tables_by_name(self, key: str) -> dict[str, Table]:
        table = self.table(key)
        return {name: table.table(name) for name in table.names()}

    def one_of(self, keys: tuple[T, ...]) -> T:
        """The one of these keys that stands here; two or none is refused."""
        found = [k for k in keys if k in self._data]
        if len(found) != 1:
            what = f"has both {found[0]} and {found[1]}" if found else "has none of its verbs"
            raise self.refused("", what, f"give exactly one of: {', '.join(keys)}")
        return found[0]

    def done(self) -> None:
        """Refuses the first key that nobody asked for."""
        for key in self._data:
            if key not in self._asked:
                near = did_you_mean(key, list(self._asked))
                raise self.refused(key, "is not known here", f"{near}, or take the line out")

    def refused(self, key: str, what: str, fix: str) -> CcbillError:
        """What stops the program: the key's place, or the table's, what is wrong and its fix."""
        return self._document.refused((*self.path, key) if key else self.path, what, fix)

    def _get(self, key: str, default: Any) -> Any:
        self._asked[key] = None
        if key in self._data:
            return self._data[key]
        if default is _REQUIRED:
            unasked = [k for k in self._data if k not in self._asked]
            near = nearest(key, unasked, MISSPELT)
            raise self.refused(key, "is missing", f"rename {near}" if near else f"add {key}")
        return default
