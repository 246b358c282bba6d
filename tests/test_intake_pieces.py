"""A plain export is read in pieces, as it would be at once; any other is read at once."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from ccbill.config import Settings
from ccbill.intake import columns, files, pieces
from ccbill.intake.table import Table

SAMPLE = Path(__file__).parent.parent / "sample_data"
WANTED = columns.wanted_activities(Settings())
HEADING = "patient_id,payer,service_date,minutes,kind,note\n"
ROW = "007,B,2026-03-01,12,email,{}\n"
MANY = pieces.START // 20  # rows past those that a heading is looked for in
LOG = HEADING + ROW.format("a") + ROW.format("b")


def told(table: Table) -> dict[str, Any]:
    """All that a table says, its cells as texts and the texts of each column in their order."""
    values = [column.words() for column in table.columns]
    cells = [
        [None if code < 0 else words[code] for code in column.codes.tolist()]
        for words, column in zip(values, table.columns, strict=True)
    ]
    said = {name: getattr(table, name) for name in Table.__slots__ if name != "columns"}
    return said | {"rows": table.rows.tolist(), "values": values, "cells": cells}


def at_once(path: Path) -> dict[str, Any]:
    return told(files.of_bytes("log", path.read_bytes(), WANTED, None))


def in_pieces(path: Path) -> dict[str, Any]:
    assert pieces.read(str(path), "log", WANTED) is not None
    return told(files.table(str(path), "log", WANTED, None))


@pytest.mark.parametrize(
    "content",
    [
        LOG,
        HEADING,
        LOG.rstrip("\n"),
        LOG.replace("\n", "\r\n"),
        LOG.replace("\n", "\r"),
        "\ufeff" + LOG,
        "sep=;\n" + LOG.replace(",", ";"),
        "\ufeffsep=,\r\n" + LOG.replace("\n", "\r\n"),
        "The log of March\n\nof one practice, all of it\n" + LOG,
        HEADING + ROW.format("Zoë 💉") * 9,
        HEADING + ROW.format('"one, ""two""\r\nand a third"') * 9,
        HEADING + (ROW.format('"x\n\ny"') + ROW.format("")).replace("\n007", "\r\n007") * 4,
        "".join(f'"{cell}",' for cell in HEADING[:-1].split(","))[:-1] + "\n" + '"1",' * 5 + '"2"',
        HEADING + ROW.format(" a ") * 5 + ROW.format("a") + ROW.format("b"),
        HEADING + ROW.format("") * 5 + ROW.format("new at the end"),
        HEADING + "".join(ROW.format(n // 40) for n in range(80)),
        HEADING + "".join(ROW.format(max(n, 20)) for n in range(60)),
    ],
)
def test_it_is_the_same_wherever_a_piece_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(content.encode())
    expected = at_once(path)
    for size in [*range(80, 140), len(content.encode()), 1 << 20]:
        monkeypatch.setattr(pieces, "SIZE", size)
        assert in_pieces(path) == expected


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_long_export_in_which_everything_occurs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(pieces, "SIZE", 200_001)
    path = tmp_path / "log.csv"
    notes = ["", " ", "short", '"a, b"', '"two\nlines"', "é", " odd\u200b"]
    days = [f"2026-03-{1 + n % 9:02}" for n in range(60_000)]
    rows = [f"P{n % 999},B,{day},{n % 200},{n},{notes[n % 7]}" for n, day in enumerate(days)]
    rows += [f"P{n},B{n // 9},2026-04-01,{n},{n},last" for n in range(40_000)]
    path.write_bytes(end.join([HEADING[:-1], *rows]).encode())
    found = in_pieces(path)
    assert found == at_once(path)
    assert len(found["rows"]) == len(rows)


def test_the_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "SIZE", 1000)
    plain = [path for path in SAMPLE.glob("*.csv") if pieces.read(str(path), "log", WANTED)]
    assert len(plain) > 3  # and the others are not, on purpose
    for path in plain:
        assert in_pieces(path) == at_once(path)


ANYTHING_ELSE = {
    "nothing": b"",
    "empty lines": b"\n\n",
    "a cell too many": (HEADING + ROW.format("a") * 99 + ROW.format("a,b")).encode(),
    "a mark in a cell": (HEADING + ROW.format("a") * 99 + ROW.format('5" wound')).encode(),
    "an open mark": (HEADING + ROW.format("a") * 99 + ROW.format('"open')).encode(),
    "a mark in an early cell": (HEADING + ROW.format('5" wound') + ROW.format("a") * 99).encode(),
    "marks round rows": (
        HEADING + ROW.format('"a') + ROW.format("b") * 9 + ROW.format('c"')
    ).encode(),
    "marks round rows, no last line end": (
        (HEADING + ROW.format('"a') + ROW.format("b") * 9 + ROW.format('c"')).rstrip().encode()
    ),
    "Windows-1252": (HEADING + ROW.format("Zo\xeb") + ROW.format("a") * 99).encode("cp1252"),
    "Windows-1252 late": (HEADING + ROW.format("a") * MANY + ROW.format("Zo\xeb")).encode("cp1252"),
    "a zero byte at the end": (HEADING + ROW.format("a") * MANY + ROW.format("\0")).encode(),
    "a zero byte": (
        HEADING + ROW.format("a") * MANY + ROW.format("\0") + ROW.format("a") * 99
    ).encode(),
    "a line longer than a piece": (HEADING + ROW.format("x" * 2000) + ROW.format("a")).encode(),
    "UTF-16": LOG.encode("utf-16"),
    "gzip": gzip.compress(LOG.encode()),
    "Parquet": b"PAR1" + LOG.encode(),
    "PDF": b"%PDF-1.7" + LOG.encode(),
}


@pytest.mark.parametrize("content", ANYTHING_ELSE.values(), ids=ANYTHING_ELSE)
def test_anything_else_is_seen_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(pieces, "SIZE", 1000)
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    assert pieces.read(str(path), "log", WANTED) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_can_be_read_only_once_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    threading.Thread(target=path.write_bytes, args=[(HEADING + ROW).encode()], daemon=True).start()
    assert len(files.table(str(path), "log", WANTED, None).rows) == 1
