"""Ids made of hashes, many at once."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pytest

from ccbill import slices
from ccbill.digests import digests, ids, numbers

KEYS = ["", "007", "Blü", "a\x1fb", *map(str, range(500))]


@pytest.mark.parametrize("size", [7, 9])
def test_an_id_is_its_keys_hash_in_hexadecimal_after_a_sign(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(slices, "ROWS", 100)
    found = ids(digests(pa.array(KEYS, pa.large_string()), blake2b(digest_size=size)), "C")
    hashed = [blake2b(key.encode(), digest_size=size).hexdigest() for key in KEYS]
    assert found.to_pylist() == [f"C{each}" for each in hashed]


@pytest.mark.parametrize("size", [7, 9])
def test_numbers_are_in_the_order_of_the_ids(size: int) -> None:
    found = digests(pa.array(KEYS, pa.large_string()), blake2b(digest_size=size))
    by_number = np.argsort(numbers(found))
    assert ids(found[by_number], "C").to_pylist() == sorted(ids(found, "C").to_pylist())


def test_of_no_keys_there_are_no_ids() -> None:
    found = digests(pa.array([], pa.large_string()), blake2b(digest_size=7))
    assert (ids(found, "x").to_pylist(), len(numbers(found))) == ([], 0)
