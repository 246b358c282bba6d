"""A path → its table of text, whatever the file turns out to be."""

from __future__ import annotations

import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ccbill.cells.limits import USUAL, Limits
from ccbill.intake import delimited, parquet, sniff, workbook
from ccbill.intake.columns import Wanted
from ccbill.intake.table import Table
from ccbill.tables import Note

STANDARD_INPUT = "-"


def labels(paths: list[str]) -> list[str]:
    """How each input is named in messages: by its file name, or in full where two share that."""
    names = ["standard input" if p == STANDARD_INPUT else Path(p).name or p for p in paths]
    return [n if names.count(n) == 1 else p for n, p in zip(names, paths, strict=True)]


def table(path: str, name: str, wanted: Wanted, sheet: str | None, limits: Limits = USUAL) -> Table:
    """The file's records as text below their headings; CcbillError where it cannot be used."""
    return of_bytes(name, contents(path, name), wanted, sheet, limits)


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
    about: dict[str, object] = {"name": name, "role": wanted.role, "format": found.format}
    if found.format == sniff.TEXT:
        read = delimited.read(name, found.data, wanted)
        about |= {"encoding": found.encoding, **read.about, "sheet": None}
    elif found.format == sniff.PARQUET:
        read = parquet.read(name, found.data)
        about |= {"encoding": None, "delimiter": None, "sheet": None}
    else:
        read = workbook.read(name, found, wanted, sheet, limits)
        about |= {"encoding": None, "delimiter": None, **read.about}
    about |= {"gzip": found.packed}
    read.about.update(about)
    if found.encoding == "windows-1252":
        what = "is not UTF-8, and was read as Windows-1252"
        fix = "save it as CSV (UTF-8) if accented letters look wrong"
        read.notes.append(Note("encoding-assumed", name, what, fix))
    return read


def contents(path: str, name: str) -> bytes:
    """The file's bytes, or those of standard input; CcbillError where they cannot be read."""
    if path == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    if Path(path).name.startswith("~$"):
        fix = "name the workbook itself; close it in Excel first"
        raise sniff.refused(name, "is the lock file of a workbook that is open in Excel", fix)
    try:
        return Path(path).read_bytes()
    except IsADirectoryError:
        fix = "name the files in it one by one"
        raise sniff.refused(name, "is a folder", fix) from None
    except OSError as error:
        what = f"cannot be read: {(error.strerror or 'no reason given').lower()}"
        raise sniff.refused(name, what, "check the name, and who may read it") from None
