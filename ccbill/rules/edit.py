"""Changing single keys of a rule file: `[set]`, `[remove]` and `[add]` of an overlay.

A path is written with dots; an element of a list is its number, from 1, or for a bill its code:
`limit.1.at_most`, `bill.99487.once_at.minutes`. All paths are those of the file as it stood before.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

from ccbill.errors import CcbillError, nearest
from ccbill.rules.lines import Path
from ccbill.rules.table import Document

EDITS = ("set", "add", "remove")


def edited(base: Document, overlay: Document) -> tuple[Document, tuple[str, ...]]:
    """The base with the overlay's changes in it, and what they are: `set limit.1.at_most`."""
    for name in EDITS:
        if not isinstance(overlay.data.get(name, {}), dict):
            raise overlay.refused((name,), "is not a table", f"write [{name}] above its keys")
    work = _Work(base, overlay)
    said = []
    for verb, change in (("set", work.set), ("remove", work.remove)):
        sources = [path for path in overlay.written if path[0] == verb and len(path) > 1]
        for source in sorted(sources, key=_depth, reverse=True):  # before what is around them goes
            target = ".".join(source[1:])
            change(target, source)
            said.append(f"{verb} {target}")
    if "add" in overlay.data:
        said.extend(f"add {target}" for target in work.add("", ("add",)))
    return replace(base, data=work.data, places=work.places), tuple(said)


class _Work:
    """A copy of the base that is being changed, and the overlay that changes it."""

    def __init__(self, base: Document, overlay: Document) -> None:
        self.file = base.file
        self.data = deepcopy(base.data)
        self.places = dict(base.places)
        self.overlay = overlay

    def set(self, target: str, source: Path) -> None:
        """Gives the key a value, whatever it had; a key may be new where its table is not."""
        *above, last = target.split(".")
        table = self._found(".".join(above), source, whole=target)
        holder = _at(self.data, table)
        if isinstance(holder, dict):
            holder[last] = self._value(source)
            self._graft((*table, last), source)
            return
        path = self._found(target, source, whole=target)
        holder[int(path[-1]) - 1] = self._value(source)
        self._graft(path, source)

    def remove(self, target: str, source: Path) -> None:
        """Takes texts from a list by what they say, tables by their number, keys by their name."""
        path = self._found(target, source, whole=target)
        holder = _at(self.data, path)
        going = self._value(source)
        if not isinstance(going, list) or not isinstance(holder, (list, dict)):
            raise self._refused(source, "is not a list of what goes", f'write {target} = ["…"]')
        if isinstance(holder, dict):
            for key in going:
                if key not in holder:
                    raise self._refused(source, f"has no {key!r} to remove", _near(key, holder))
                del holder[key]
                self._graft((*path, key), source)
            return
        numbers = sorted({self._number(holder, each, source) for each in going}, reverse=True)
        for number in numbers:
            del holder[number]
            self._close_gap(path, number + 1)

    def add(self, above: str, source: Path) -> Iterator[str]:
        """Lengthens lists and tables; the paths of those that were lengthened."""
        for key, value in self._value(source).items():
            target = f"{above}.{key}" if above else key
            here = (*source, key)
            *parents, last = target.split(".")
            parent = self._found(".".join(parents), here, whole=target)
            holder = _at(self.data, parent)
            standing = _step(holder, last)
            if standing is None and isinstance(holder, dict):
                holder[last] = deepcopy(value)
                self._graft((*parent, last), here)
                yield target
            elif standing is None:
                raise self._no_such_path(target, here)
            else:
                yield from self._lengthen((*parent, standing), target, here, value)

    def _lengthen(self, path: Path, target: str, source: Path, value: Any) -> Iterator[str]:
        holder = _at(self.data, path)
        if isinstance(value, dict) and isinstance(holder, (dict, list)):
            yield from self.add(target, source)
        elif isinstance(value, list) and isinstance(holder, list):
            for number, each in enumerate(value, 1):
                if each in holder:
                    raise self._refused(source, f"has {_short(each)} already", "take it out here")
                holder.append(deepcopy(each))
                self._graft((*path, str(len(holder))), (*source, str(number)))
            yield target
        else:
            fix = "give a new value under [set]"
            raise self._refused(source, "stands already, and is no list to add to", fix)

    def _number(self, holder: list[Any], each: Any, source: Path) -> int:
        """The place, from 0, of an element that goes."""
        if isinstance(each, int) and 1 <= each <= len(holder):
            return each - 1
        if each in holder:
            return holder.index(each)
        known = [h for h in holder if isinstance(h, str)]
        if known:
            raise self._refused(source, f"has no {each!r} to remove", _near(str(each), known))
        fix = f"give numbers from 1 to {len(holder)}"
        raise self._refused(source, f"has no {each!r} to remove", fix)

    def _found(self, target: str, source: Path, whole: str) -> Path:
        """The path in the base, each element of a list as its number."""
        path: Path = ()
        for part in target.split(".") if target else []:
            step = _step(_at(self.data, path), part)
            if step is None:
                raise self._no_such_path(whole, source)
            path = (*path, step)
        return path

    def _value(self, source: Path) -> Any:
        return deepcopy(_at(self.overlay.data, source))

    def _graft(self, path: Path, source: Path) -> None:
        """The value at the path now stands where the overlay wrote it."""
        for old in [p for p in self.places if p[: len(path)] == path]:
            del self.places[old]
        self.places[path] = self.overlay.place(source)
        for theirs, place in self.overlay.places.items():
            if theirs[: len(source)] == source:
                self.places[path + theirs[len(source) :]] = place

    def _close_gap(self, path: Path, number: int) -> None:
        """Elements after the one that went move up."""
        n = len(path)
        moved = {}
        for old, place in list(self.places.items()):
            if old[:n] == path and len(old) > n and int(old[n]) >= number:
                del self.places[old]
                if int(old[n]) > number:
                    moved[(*path, str(int(old[n]) - 1), *old[n + 1 :])] = place
        self.places.update(moved)

    def _no_such_path(self, target: str, source: Path) -> CcbillError:
        known = list(_paths(self.data))
        near = nearest(target, known)
        if near:
            fix = f"did you mean {near!r}?"
        else:
            fix = f"begin with one of: {', '.join(sorted(self.data))}"
        return self._refused(source, f"{self.file} has no such key", fix)

    def _refused(self, source: Path, what: str, fix: str) -> CcbillError:
        return self.overlay.refused(source, what, fix)


def _depth(source: Path) -> int:
    return ".".join(source).count(".")


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[int(part) - 1] if isinstance(data, list) else data[part]
    return data


def _step(holder: Any, part: str) -> str | None:
    """The key or number that the part of a path names in a table or list, if any."""
    if isinstance(holder, dict):
        return part if part in holder else None
    if not isinstance(holder, list):
        return None
    if part.isdecimal() and 1 <= int(part) <= len(holder):
        return part
    for name in (_label, _code):
        found = [n for n, each in enumerate(holder, 1) if name(each) == part]
        if len(found) == 1:
            return str(found[0])
    return None


def _label(bill: Any) -> str | None:
    code = _code(bill)
    return None if code is None else " ".join([code, *bill.get("modifiers", ())])


def _code(bill: Any) -> str | None:
    return bill.get("code") if isinstance(bill, dict) else None


def _paths(data: Any, above: str = "") -> Iterator[str]:
    inside = data.items() if isinstance(data, dict) else enumerate(data, 1)
    for key, value in inside:
        path = f"{above}.{key}" if above else str(key)
        yield path
        if isinstance(value, dict) or (
            isinstance(value, list) and any(isinstance(v, dict) for v in value)
        ):
            yield from _paths(value, path)


def _near(word: str, known: Any) -> str:
    near = nearest(word, list(known))
    return f"did you mean {near!r}?" if near else f"it has: {', '.join(map(repr, known))}"


def _short(value: Any) -> str:
    return repr(value) if isinstance(value, str) else "this"
