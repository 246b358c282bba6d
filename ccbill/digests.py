"""Ids made of hashes, many at once: from the same key always the same id, and no key from an id."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ccbill.slices import slices
from ccbill.tables import Ints

Bytes = npt.NDArray[np.uint8]

SEPARATOR = pa.scalar("\x1f", pa.large_string())  # of the texts that make a key
_IN_HEX = np.array([f"{byte:02x}" for byte in range(256)], "S2")


def digests(keys: pa.Array, empty: Any) -> Bytes:
    """The digest of each text, a row of bytes; `empty` is the hash of nothing (hashlib)."""
    found = []
    for key in keys.cast(pa.large_binary()).to_pylist():
        digest = empty.copy()
        digest.update(key)
        found.append(digest.digest())
    return np.frombuffer(b"".join(found), np.uint8).reshape(-1, empty.digest_size)


def numbered(keys: pa.Array, before: Ints, empty: Any) -> Bytes:
    """The same of things that each stand after so many with an equal key."""
    counts = pa.array(before).cast(pa.large_string())
    return digests(pc.binary_join_element_wise(keys, counts, SEPARATOR), empty)


def numbers(of: Bytes) -> npt.NDArray[np.uint64]:
    """The first eight bytes of each digest as a number, in the order of the digests."""
    eight = np.zeros((len(of), 8), np.uint8)
    eight[:, : of.shape[1]] = of[:, :8]
    return eight.view(">u8")[:, 0].astype(np.uint64)


def ids(of: Bytes, sign: str) -> pa.Array:
    """Digests in hexadecimal, after a sign that says what they are ids of."""
    found = np.empty(len(of), f"S{1 + 2 * of.shape[1]}")
    for part in slices(len(of)):
        in_hex = _IN_HEX[of[part]].view(f"S{2 * of.shape[1]}")[:, 0]
        found[part] = np.char.add(sign.encode(), in_hex)
    return pa.array(found).cast(pa.large_string())
