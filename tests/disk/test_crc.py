"""CRC-32C against the vectors of RFC 3720, B.4, and TensorFlow's mask against a value it wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.disk import crc

VECTORS = [
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(reversed(range(32))), 0x113FDB5C),
    (b"123456789", 0xE3069283),
]


@pytest.mark.parametrize(("data", "expected"), VECTORS)
def test_rfc_vectors(data: bytes, expected: int) -> None:
    assert crc.extend(0, data) == expected


@pytest.mark.parametrize(("data", "expected"), VECTORS)
def test_every_slicing_gives_the_same_sum(data: bytes, expected: int) -> None:
    for cut in range(len(data) + 1):
        assert crc.extend(crc.extend(0, data[:cut]), data[cut:]) == expected


def test_mask_of_nothing_is_what_tensorflow_stores_for_an_empty_tensor() -> None:
    assert crc.masked(b"") == 0xA282EAD8


@given(st.integers(0, 2**32 - 1))
def test_unmask_undoes_mask(value: int) -> None:
    assert crc.unmask(crc.mask(value)) == value
    assert 0 <= crc.mask(value) < 2**32
    assert crc.mask(value) != value
