"""A workbook on standard input → its cells on standard output; see `ccbill.intake.child`."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import Any

try:
    import resource
except ImportError:  # a system without such limits
    resource = None  # type: ignore[assignment]

from ccbill.cells import read
from ccbill.cells.marks import DAMAGED, RefusedError

OUT_OF_MEMORY = 12


def main() -> None:
    """Answers the question in the first argument, with one line of JSON and the codes below it.

    `{"refused": [what, fix]}` is an answer too.
    """
    asked: dict[str, Any] = json.loads(sys.argv[1])
    _limit(asked["seconds"], asked["megabytes"])
    answer: dict[str, Any]
    try:
        sheets, codes = _sheets(asked, sys.stdin.buffer.read())
        answer = {"sheets": sheets}
    except RefusedError as refusal:
        answer, codes = {"refused": [refusal.what, refusal.fix]}, []
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    for column in codes:
        sys.stdout.buffer.write(column)


def _sheets(asked: dict[str, Any], data: bytes) -> tuple[list[dict[str, Any]], list[Any]]:
    try:
        return read.book(data, asked["format"], asked["sheet"], asked["everything"], asked["alone"])
    except RefusedError:
        raise
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    except BaseException:  # a panic of the library is no Exception
        raise DAMAGED from None


def _limit(seconds: int, megabytes: int) -> None:
    """No more time and memory than this, and no file written, not even of a crash."""
    if resource is None:
        return
    for kind, most in (
        ("RLIMIT_AS", megabytes << 20),
        ("RLIMIT_CPU", seconds),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_CORE", 0),
    ):
        number = getattr(resource, kind)
        hard = resource.getrlimit(number)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(ValueError, OSError):  # a system that has the limit and does not take it
            resource.setrlimit(number, (least, hard))


main()
