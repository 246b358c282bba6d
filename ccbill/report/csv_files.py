"""The CSV and Parquet sets: every table of a run, one file each, written some rows at a time."""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from typing import BinaryIO

import pyarrow as pa

from ccbill.report.lines import heading, lines
from ccbill.report.typed import STRING, Sliced

ROWS_A_GROUP = 65_536  # of a Parquet file
ROWS_A_WORD = 4  # below which a word is written with each row that has it


class Stopped(Exception):  # noqa: N818 (no error)
    """Another thread told the writer to stop."""


def write_csv(table: Sliced, file: BinaryIO, stop: Event | None = None) -> None:
    """Write a typed table: UTF-8, `\\n`, quotes only where needed, no cell that acts as a formula.

    Text that begins with `= + - @`, tab or CR is written after an apostrophe; a null is a blank.
    Stopped is raised some thousand rows after `stop` is set.
    """
    file.write(heading(table.names))
    for some in lines(table):
        _go_on(stop)
        file.write(some)


def _go_on(stop: Event | None) -> None:
    if stop is not None and stop.is_set():
        raise Stopped


def write_parquet(table: Sliced, file: BinaryIO, stop: Event | None = None) -> None:
    """Write a typed table; a heading that occurs twice is numbered from its second time on."""
    import pyarrow.parquet as pq  # noqa: PLC0415  (slow to load)

    seen: dict[str, int] = {}
    names = []
    for name in table.names:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    table = replace(table, names=names)
    schema = _few_words(table.part(0, 0)).schema
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for part in table.parts(ROWS_A_GROUP):
            _go_on(stop)
            writer.write_table(_few_words(part))


def _few_words(part: pa.Table) -> pa.Table:
    """The rows with their texts spelled out where a group of rows has few of a column's words.

    A Parquet file repeats the words for each group.
    """
    for at, cells in enumerate(part.columns):
        if pa.types.is_dictionary(cells.type):
            words = len(cells.chunk(0).dictionary)
            if words * ROWS_A_WORD > ROWS_A_GROUP:
                part = part.set_column(at, part.column_names[at], cells.cast(STRING))
    return part
