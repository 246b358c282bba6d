"""What changed between two sets of rules, key by key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from typing import Any

from ccbill.rules.table import Document


@dataclass(frozen=True, slots=True)
class Changed:
    """One key of one rule file, before and after; None where it does not stand."""

    file: str
    key: str
    before: str | None
    after: str | None


def changed(before: Mapping[str, Document], after: Mapping[str, Document]) -> list[Changed]:
    """Every key that differs, by the name of its file; a whole file is the key of no name."""
    found = []
    for file in sorted({*before, *after}):
        old, new = before.get(file), after.get(file)
        if old is None or new is None:
            word = "(the whole file)"
            found.append(Changed(file, "", word if old else None, word if new else None))
        else:
            found.extend(
                Changed(file, key, was, now) for key, was, now in _tables(old.data, new.data, "")
            )
    return found


Difference = tuple[str, str | None, str | None]


def _tables(old: Mapping[str, Any], new: Mapping[str, Any], above: str) -> Iterator[Difference]:
    for key in dict.fromkeys([*old, *new]):
        path = f"{above}.{key}" if above else key
        if key not in new:
            yield path, written(old[key]), None
        elif key not in old:
            yield path, None, written(new[key])
        else:
            yield from _values(old[key], new[key], path)


def _values(old: Any, new: Any, path: str) -> Iterator[Difference]:
    if old == new and type(old) is type(new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _tables(old, new, path)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _lists(old, new, path)
    else:
        yield path, written(old), written(new)


def _lists(old: list[Any], new: list[Any], path: str) -> Iterator[Difference]:
    """Elements that came and went; elements that stand where another stood are compared."""
    was, now = [written(v) for v in old], [written(v) for v in new]
    for sort, a, b, c, d in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if sort == "equal":
            continue
        pairs = min(b - a, d - c)
        for n in range(pairs):
            yield from _values(old[a + n], new[c + n], f"{path}.{a + n + 1}")
        for n in range(a + pairs, b):
            yield f"{path}.{n + 1}", was[n], None
        for n in range(c + pairs, d):
            yield f"{path}.{n + 1}", None, now[n]


def written(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}"'
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{k} = {written(v)}' for k, v in value.items())} }}"
    return str(value)
