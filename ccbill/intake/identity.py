"""What makes two rows the same: a hash of their cells, the ids made from it, and duplicates.

The hash of a row adds up one number for each cell that is not blank, mixed from its column's name
and its text. So neither the order of the columns nor that of the rows matters, and a row keeps its
id on every platform. `tests/test_intake_identity.py` pins ids, so that no library changes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccbill.intake.text import Text
from ccbill.tables import Mask

Hashes = npt.NDArray[np.uint64]
EQUAL, UNLIKE = 1, 2  # a repeat of an earlier row; one id on rows that differ

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_HEX = np.frombuffer("".join(f"{n:02x}" for n in range(256)).encode(), np.uint16)


def row_hashes(columns: Iterable[tuple[str, Text]], rows: int) -> Hashes:
    """One number per row from the names and the texts of its cells."""
    total = np.zeros(rows, np.uint64)
    for name, text in columns:
        if not len(text.values):
            continue
        seed = np.frombuffer(blake2b(name.encode(), digest_size=8).digest(), "<u8")[0]
        objects = text.values.to_numpy(zero_copy_only=False).astype(object)
        cells = pd.util.hash_array(objects, categorize=False)
        total += text.spread(_mixed(cells ^ seed), 0)
    return _mixed(total)


def _mixed(numbers: Hashes) -> Hashes:
    """Each number spread over all its bits (the finalizer of splitmix64)."""
    mixed = numbers + _GOLDEN
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    return mixed ^ (mixed >> np.uint64(31))


def made_ids(hashes: Hashes) -> tuple[Any, Mask]:
    """An id for each row from its hash and its occurrence, and which rows repeat an earlier one."""
    words = _hex(hashes)
    repeats = pd.Series(hashes).duplicated().to_numpy()
    if not repeats.any():
        return words, repeats
    again = np.flatnonzero(repeats)
    nth = pd.Series(again).groupby(hashes[again]).cumcount().to_numpy() + 2
    counts = pa.array(nth).cast(pa.string())
    numbered = pc.binary_join_element_wise(words.take(pa.array(again)), counts, "-")
    return pc.replace_with_mask(words, pa.array(repeats), numbered), repeats


def _hex(hashes: Hashes) -> Any:
    """Sixteen hexadecimal digits for each number."""
    digits = _HEX[hashes.astype(">u8").view(np.uint8)]
    offsets = np.arange(len(hashes) + 1, dtype=np.int32) * 16
    return pa.StringArray.from_buffers(len(hashes), pa.py_buffer(offsets), pa.py_buffer(digits))


def repeated_ids(ids: Text) -> Mask:
    """The rows whose id stands on another row too."""
    if len(ids.values) == int((~ids.blank).sum()):
        return np.zeros(len(ids), bool)
    return ids.spread(ids.counts() > 1, False)


def id_clashes(ids: Text, hashes: Hashes, rows: Mask) -> npt.NDArray[np.int8]:
    """For rows that share an id: EQUAL for the later of equal ones, UNLIKE where any differ."""
    clash = np.zeros(len(ids), np.int8)
    at = np.flatnonzero(rows)
    if not len(at):
        return clash
    table = pd.DataFrame({"id": ids.codes[at], "hash": hashes[at]})
    groups = table.groupby("id", sort=False)["hash"]
    unlike = (groups.transform("min") != groups.transform("max")).to_numpy()
    later = table["id"].duplicated().to_numpy()
    clash[at] = np.where(unlike, UNLIKE, np.where(later, EQUAL, 0))
    return clash
