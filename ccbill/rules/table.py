"""A TOML table that is read strictly: each key is asked for by type, and none is left over."""

from __future__ import annotations

import tomllib
from datetime import date
from typing import Any, TypeVar, overload

from ccbill.errors import CcbillError, Exit, Message, did_you_mean

_REQUIRED: Any = object()
T = TypeVar("T", bound=str)


class Table:
    """One table of a rule file, that knows its place and which of its keys have been read."""

    def __init__(self, file: str, path: str, data: dict[str, Any]) -> None:
        self.file = file
        self.path = path
        self._data = data
        self._asked: dict[str, None] = {}

    @classmethod
    def read(cls, file: str, data: bytes) -> Table:
        try:
            return cls(file, "", tomllib.loads(data.decode()))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise CcbillError(
                Exit.REFUSED,
                Message(
                    file,
                    f"this is not TOML: {error}",
                    "The rules are not used; nothing was written.",
                    "mend the line named",
                ),
            ) from None

    @property
    def where(self) -> str:
        return f"{self.file}: {self.path}" if self.path else self.file

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

    def table(self, key: str) -> Table:
        value = self._get(key, _REQUIRED)
        if not isinstance(value, dict):
            raise self.refused(key, "is not a table", f"write {key} = {{ … }}")
        return Table(self.file, self._below(key), value)

    def tables(self, key: str) -> list[Table]:
        """The tables of `[[key]]`, none where it does not stand."""
        value = self._get(key, None)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise self.refused(key, "is not a list of tables", f"write [[{key}]]")
        return [Table(self.file, f"{self._below(key)} {n}", v) for n, v in enumerate(value, 1)]

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
        place = f"{self.file}: {self._below(key)}" if key else self.where
        return CcbillError(
            Exit.REFUSED, Message(place, what, "The rules are not used; nothing was written.", fix)
        )

    def _below(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _get(self, key: str, default: Any) -> Any:
        self._asked[key] = None
        if key in self._data:
            return self._data[key]
        if default is _REQUIRED:
            raise self.refused(key, "is missing", f"add {key}")
        return default
