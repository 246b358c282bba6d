"""A path → its table of text, whatever the file turns out to be."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from ccbill.cells.limits import USUAL, Limits
from ccbill.intake import delimited, pieces, sniff, workbook
from ccbill.intake.columns import Wanted
from ccbill.intake.table import Table
from ccbill.tables import Note

STANDARD_INPUT = "-"
NO_PARTS = (".", "_", "~$")  # how hidden files, marks such as `_SUCCESS` and Excel's locks begin


def in_folders(paths: Sequence[str]) -> list[str]:
    """The exports, a folder's files in place of the folder, by name: they are parts of one export,
    as Dask and Spark write it. A folder without files, or with folders, is left to be refused."""
    return [file for path in paths for file in _parts(path) or [path]]


def _parts(path: str) -> list[str]:
    if path == STANDARD_INPUT or not Path(path).is_dir():
        return []
    with suppress(OSError):
        found = sorted(Path(path).iterdir())
        parts = [each for each in found if not each.name.startswith(NO_PARTS)]
        if not any(each.is_dir() for each in parts):
            return [str(each) for each in parts]
    return []


def labels(paths: list[str]) -> list[str]:
    """How each input is named in messages: by its file name, or in full where two share that."""
    names = ["standard input" if p == STANDARD_INPUT else Path(p).name or p for p in paths]
    return [n if names.count(n) == 1 else p for n, p in zip(names, paths, strict=True)]


def table(path: str, name: str, wanted: Wanted, sheet: str | None, limits: Limits = USUAL) -> Table:
    """The file's records as text below their headings; CcbillError where it cannot be used."""
    odd = path == STANDARD_INPUT or _is_lock(path)
    found = None if odd else pieces.read(path, name, wanted)
    if found is None:
        return of_bytes(name, contents(path, name), wanted, sheet, limits)
    _tell(found.table, wanted, pieces.PLAIN)
    found.table.about.update({"sha256": found.sha256, "bytes": found.bytes})
    return found.table


def of_bytes(
    name: str, data: bytes, wanted: Wanted, sheet: str | None, limits: Limits = USUAL
) -> Table:
    """The same, of a file's bytes."""
    with ThreadPoolExecutor(1) as aside:
        sha256 = aside.submit(lambda: hashlib.sha256(data).hexdigest())
        read = _read(name, data, wanted, sheet, limits)
    read.about.update({"sha256": sha256.result(), "bytes": len(data)})
    return read


def _read(name: str, data: bytes, wanted: Wanted, sheet: str | None, limits: Limits) -> Table:
    found = sniff.content(name, data)
    if found.format == sniff.TEXT:
        read = delimited.read(name, found.data, wanted)
    elif found.format == sniff.PARQUET:
        from ccbill.intake import parquet  # noqa: PLC0415  (slow to load)

        read = parquet.read(name, found.data)
    else:
        read = workbook.read(name, found, wanted, sheet, limits)
    _tell(read, wanted, found)
    if found.encoding == "windows-1252":
        what = "is not UTF-8, and was read as Windows-1252"
        fix = "save it as CSV (UTF-8) if accented letters look wrong"
        read.notes.append(Note("encoding-assumed", name, what, fix))
    return read


def _tell(read: Table, wanted: Wanted, found: sniff.Content) -> None:
    """Adds to what is recorded of a table what its file was found to be."""
    about = {
        "name": read.name,
        "role": wanted.role,
        "format": found.format,
        "encoding": found.encoding,
        "delimiter": None,
        "sheet": None,
        "gzip": found.packed,
    }
    read.about.update(about | read.about)


def _is_lock(path: str) -> bool:
    return Path(path).name.startswith("~$")


def contents(path: str, name: str) -> bytes:
    """The file's bytes, or those of standard input; CcbillError where they cannot be read."""
    if path == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    if _is_lock(path):
        fix = "name the workbook itself; close it in Excel first"
        raise sniff.refused(name, "is the lock file of a workbook that is open in Excel", fix)
    try:
        return Path(path).read_bytes()
    except IsADirectoryError:
        fix = "name a file; or, for exports, a folder that holds exports alone"
        raise sniff.refused(name, "is a folder", fix) from None
    except OSError as error:
        what = f"cannot be read: {(error.strerror or 'no reason given').lower()}"
        raise sniff.refused(name, what, "check the name, and who may read it") from None
