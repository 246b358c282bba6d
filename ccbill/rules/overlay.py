"""Overlays: a practice's changes to the rules, each with its author, reason and date.

An overlay is a folder of `<plan>/payer.toml` and `<plan>/<service>.<date>.toml`. A file there is a
new one, or replaces the shipped file of its name whole (`replaces = true`), or changes it key by
key: `[set]` gives a value, `[add]` lengthens a list or table, `[remove]` takes from one. A new
plan or edition may begin as a copy of another (`based_on`). What comes out is read by the same
strict loader as the files that ship.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from ccbill.errors import did_you_mean
from ccbill.rules.edit import EDITS, edited
from ccbill.rules.model import Change, Plan
from ccbill.rules.table import Document, refused
from ccbill.tables import Note

PAYER = "payer.toml"
Files = Mapping[str, Mapping[str, Document]]  # plan → file name → its tables
# Changes that bear on no claim line; the file of a service that is added has a change of its own.
NO_EFFECT = (
    *(f"{v} {k}" for v in EDITS for k in ("title", "source", "cannot_check", "example")),
    "add services",
)
HEAD = {
    "author": '"who decided it"',
    "because": '"the letter, contract or decision"',
    "date": "2026-02-12",
}


@dataclass(frozen=True, slots=True)
class Laid:
    """The rule files with the overlays in them, and the changes of each plan in their order."""

    files: Files
    changes: Mapping[str, tuple[Change, ...]]


@dataclass(frozen=True, slots=True)
class _Head:
    """What stands above an overlay file's rules."""

    author: str
    because: str
    date: str
    replaces: bool
    based_on: str | None


def lay(shipped: Files, folders: Sequence[Path]) -> Laid:
    """The rule files after each folder is laid over what the folders before it left."""
    files = {plan: dict(documents) for plan, documents in shipped.items()}
    changes: dict[str, tuple[Change, ...]] = {}
    for folder in dict.fromkeys(each.resolve() for each in folders):
        before = {plan: dict(documents) for plan, documents in files.items()}
        changes_before = dict(changes)
        for plan, overlays in read(folder).items():
            heads = {name: _head(document) for name, document in overlays.items()}
            if plan not in files:
                head = heads.get(PAYER)
                files[plan] = _new_plan(folder, plan, head, overlays, before)
                base = (head and head.based_on) or ""
                changes[plan] = _carried(plan, changes_before.get(base, ()))
            for name, document in overlays.items():
                made, keys = _made(files[plan], name, document, heads[name])
                files[plan][name] = made
                if name == PAYER:
                    files[plan] = _listed(files[plan], made)
                change = _change(plan, name, document, heads[name], keys)
                changes[plan] = (*changes.get(plan, ()), change)
    return Laid(files, changes)


def overridden(plans: Sequence[Plan]) -> list[Note]:
    """A note for each key that two overlays give a value: the later one wins."""
    notes = []
    for plan in plans:
        first: dict[tuple[str | None, str], Change] = {}
        for change in plan.overlays:
            for key in (key for key in change.keys if key.startswith("set ")):
                before = first.get((change.service, key))
                if before is not None and before.file != change.file:
                    what = f"{key} is in {before.file} too; the later overlay wins"
                    notes.append(Note("overlay-overridden", change.file, what))
                first[change.service, key] = change
    return notes


def read(folder: Path) -> dict[str, dict[str, Document]]:
    """An overlay's files by plan and name, the plan's own first."""
    shown = folder.resolve().name
    if not folder.is_dir():
        raise refused(shown, "there is no such folder", "name the folder that holds <plan>/*.toml")
    loose = [path.name for path in sorted(folder.glob("*.toml"))]
    if loose:
        raise refused(
            f"{shown}/{loose[0]}", "is in no plan's folder", f"move it into {shown}/<plan>/"
        )
    found = {}
    for inside in sorted(path for path in folder.iterdir() if path.is_dir()):
        names = sorted(inside.glob("*.toml"), key=lambda path: (path.name != PAYER, path.name))
        found[inside.name] = {
            path.name: Document.read(
                f"{inside.name}/{path.name}",
                _bytes(path, f"{shown}/{inside.name}/{path.name}"),
                f"{shown}/{inside.name}/{path.name}",
            )
            for path in names
        }
    found = {plan: documents for plan, documents in found.items() if documents}
    if not found:
        raise refused(shown, "holds no rule file", "name the folder that holds <plan>/*.toml")
    return found


def _bytes(path: Path, shown: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise refused(shown, f"cannot be read: {error.strerror}", "allow reading it") from None


def _head(document: Document) -> _Head:
    table = document.table
    for key, value in HEAD.items():
        if key not in table or document.data[key] == "":
            raise table.refused(key, "is missing", f"write {key} = {value} at the top of the file")
    day = table.day("date")
    assert day is not None
    return _Head(
        author=table.text("author"),
        because=table.text("because"),
        date=date.fromordinal(day).isoformat(),
        replaces=table.yes("replaces"),
        based_on=table.text("based_on", None),
    )


def _new_plan(
    folder: Path, plan: str, head: _Head | None, overlays: Mapping[str, Document], before: Files
) -> dict[str, Document]:
    """The files that a new plan begins with: those of the plan that it is based on, or none.

    It never begins with the other plan's payers: a payer has one plan.
    """
    if head is None or (head.based_on is None and _edits(overlays[PAYER])):
        raise refused(
            overlays[PAYER].place() if head else f"{folder.resolve().name}/{plan}",
            f"no plan is called {plan!r}",
            f"{did_you_mean(plan, list(before))} (a new plan has a whole payer.toml, or one that "
            'begins with based_on = "…")',
        )
    if head.based_on is None:
        return {}
    if head.based_on not in before:
        raise overlays[PAYER].table.refused(
            "based_on",
            f"names no plan: {head.based_on!r}",
            did_you_mean(head.based_on, list(before)),
        )
    copied = {
        name: replace(document, file=f"{plan}/{name}")
        for name, document in before[head.based_on].items()
    }
    own = copied[PAYER]
    data = {key: value for key, value in own.data.items() if key != "payers"}
    places = {path: place for path, place in own.places.items() if path[:1] != ("payers",)}
    copied[PAYER] = replace(own, data=data, places={**places, (): overlays[PAYER].place()})
    return copied


def _carried(plan: str, changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """The changes of the plan that a new one is based on, as changes of the new one."""
    return tuple(
        replace(c, service=c.service and f"{plan}/{c.service.partition('/')[2]}")
        for c in changes
        if not c.payers
    )


def _made(
    files: Mapping[str, Document], name: str, document: Document, head: _Head
) -> tuple[Document, tuple[str, ...]]:
    """The rule file that an overlay file makes, and what it does in words."""
    edits = _edits(document)
    content = [key for key in document.data if key not in (*HEAD, "replaces", "based_on", *EDITS)]
    if content and (edits or head.based_on is not None):
        beside = "[set]" if edits else "based_on"
        raise document.table.refused(
            content[0],
            f"cannot stand beside {beside}",
            "put it under [set] or [add], or write the whole file with replaces = true",
        )
    if head.based_on is not None and name != PAYER:
        base = _copied(files, name, document, head.based_on)
    elif edits or head.based_on is not None:
        if name not in files:
            raise _no_such_file(files, name, document, "change")
        base = files[name]
    else:
        return _whole(files, name, document, head)
    made, keys = edited(base, document)
    return made, (f"based on {head.based_on}", *keys) if head.based_on else keys


def _listed(files: Mapping[str, Document], payer: Document) -> dict[str, Document]:
    """The plan's files without those of services that it no longer lists."""
    listed = payer.data.get("services", [])
    return {
        name: document
        for name, document in files.items()
        if name == PAYER or name.removesuffix(".toml").rpartition(".")[0] in listed
    }


def _edits(document: Document) -> bool:
    return any(key in document.data for key in EDITS)


def _whole(
    files: Mapping[str, Document], name: str, document: Document, head: _Head
) -> tuple[Document, tuple[str, ...]]:
    """The overlay's own file, without its head."""
    if head.replaces and name not in files:
        raise _no_such_file(files, name, document, "replace")
    if not head.replaces and name in files:
        raise refused(
            document.place(),
            "there is such a file already",
            "change it by [set], [add] and [remove], or write replaces = true at the top",
        )
    data = {key: v for key, v in document.data.items() if key not in (*HEAD, "replaces")}
    said = "replaces the file" if head.replaces else "a new file"
    return replace(document, data=data), (said,)


def _copied(
    files: Mapping[str, Document], name: str, document: Document, based_on: str
) -> Document:
    """A new edition that begins as a copy of another of the plan's files."""
    if name in files:
        raise refused(
            document.place(),
            "there is such a file already",
            "take `based_on` out, and change the file by [set], [add] and [remove]",
        )
    known = [file.removesuffix(".toml") for file in files if file != PAYER]
    if based_on not in known:
        raise document.table.refused(
            "based_on", f"names no rule file: {based_on!r}", did_you_mean(based_on, known)
        )
    base = files[f"{based_on}.toml"]
    return replace(base, file=document.file, places={**base.places, (): document.place()})


def _no_such_file(
    files: Mapping[str, Document], name: str, document: Document, verb: str
) -> Exception:
    return refused(
        document.place(),
        f"there is no file {name} to {verb}",
        f"{did_you_mean(name, list(files))} (a new file is written whole, or begins with based_on)",
    )


def _change(plan: str, name: str, document: Document, head: _Head, keys: tuple[str, ...]) -> Change:
    telling = [key for key in keys if not key.startswith(NO_EFFECT)]
    payers = document.data["add"]["payers"] if telling == ["add payers"] else ()
    return Change(
        file=document.place(),
        sha256=document.sha256,
        author=head.author,
        because=head.because,
        date=head.date,
        keys=keys,
        service=None if name == PAYER else f"{plan}/{name}",
        payers=tuple(payers),
        affects_lines=bool(telling),
    )
