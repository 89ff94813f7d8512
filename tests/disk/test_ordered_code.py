"""Keys of slices: bytes TensorFlow wrote, order, renaming. More against TensorFlow itself in test_bundle_tf.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.disk.checkpoint.ordered_code import FULL, is_slice_key, rename_slice, slice_key, slice_name

int64 = st.integers(-(2**63), 2**63 - 1)
names = st.one_of(
    st.binary(max_size=20), st.lists(st.sampled_from([b"\0", b"\xff", b"\1", b"w"])).map(b"".join)
)


def test_keys_that_tensorflow_wrote() -> None:
    assert slice_key(b"w", [(0, 2), (0, FULL)]) == b"\0w\0\1\1\2\x80\x82\x80\x7f"
    assert slice_key(b"w", [(2, 2), (0, FULL)]) == b"\0w\0\1\1\2\x82\x82\x80\x7f"
    assert slice_key(b"s", [(1, 2)]) == b"\0s\0\1\1\1\x81\x82"


def test_no_dimension_at_all() -> None:
    assert slice_key(b"s", []) == b"\0s\0\1\0"


def test_long_numbers_take_seven_bits_a_byte() -> None:
    assert slice_key(b"w", [(63, 64)]) == b"\0w\0\1\1\1\xbf\xc0\x40"
    assert slice_key(b"w", [(8191, 8192)]) == b"\0w\0\1\1\1\xdf\xff\xe0\x20\x00"
    assert slice_key(b"w", [(0, 2**63 - 1)]) == b"\0w\0\1\1\1\x80\xff\xc0" + b"\x7f" + b"\xff" * 7


@given(names, st.lists(st.tuples(int64, int64), max_size=4))
def test_name_comes_back(name: bytes, extents: list[tuple[int, int]]) -> None:
    key = slice_key(name, extents)
    assert is_slice_key(key)
    assert slice_name(key) == name
    assert slice_name(key + b"\0\1") == name  # a terminator in what follows does not matter


@given(names, names, st.lists(st.tuples(int64, int64), max_size=4))
def test_renamed_key_is_the_key_of_the_new_name(
    old: bytes, new: bytes, extents: list[tuple[int, int]]
) -> None:
    assert rename_slice(slice_key(old, extents), new) == slice_key(new, extents)


@given(st.lists(st.tuples(names, st.tuples(int64, int64)), min_size=2, max_size=8))
def test_keys_sort_as_what_they_mean(found: list[tuple[bytes, tuple[int, int]]]) -> None:
    by_key = sorted(found, key=lambda item: slice_key(item[0], [item[1]]))
    assert by_key == sorted(found)


@pytest.mark.parametrize(
    "key", [b"", b"w", b"\0", b"\0w", b"\0w\0", b"\0w\0\0\1", b"\0\xffw\0\1", b"w\0w\0\1"]
)
def test_what_is_no_key_of_a_slice(key: bytes) -> None:
    assert slice_name(key) is None
    with pytest.raises(ValueError, match="not the key of a slice"):
        rename_slice(key, b"x")
