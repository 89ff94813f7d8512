r"""The keys under which a checkpoint keeps the slices of a partitioned variable.

Source: `tensorflow/core/util/saved_tensor_slice_util.cc` (`EncodeTensorNameSlice`) and
`tensorflow/core/lib/strings/ordered_code.cc`. Such a key is `\0`, the escaped name, `\0\1`, the number of
dimensions, then start and length of the slice in each; all coded so that keys sort as what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

FULL = -1
"""The length that means a whole dimension; its start is 0."""

_NAME = re.compile(rb"\x00((?:[^\x00\xff]|\x00\xff|\xff\x00)*+)\x00\x01")


def is_slice_key(key: bytes) -> bool:
    """Return whether a key of an index belongs to a slice.

    No name of a tensor begins with a zero byte.
    """
    return key.startswith(b"\0")


def slice_key(name: bytes, extents: Iterable[tuple[int, int]]) -> bytes:
    """Return the key of a slice.

    Args:
        name: of the whole tensor.
        extents: start and length in each dimension, (0, `FULL`) where the slice takes all of it.
    """
    return next(slice_keys(name, [extents]))


def slice_keys(name: bytes, slices: Iterable[Iterable[tuple[int, int]]]) -> Iterator[bytes]:
    """Return the keys of several slices of one tensor, made one by one."""
    head = _head(name)
    for extents in slices:
        numbers = [number for extent in extents for number in extent]
        yield b"".join((head, _unsigned(len(numbers) // 2), *map(_signed, numbers)))


def slice_name(key: bytes) -> bytes | None:
    """Return the name of the tensor that a slice's key belongs to, or None."""
    match = _NAME.match(key)
    if match is None:
        return None
    return re.sub(rb"\x00\xff|\xff\x00", lambda pair: pair[0][:1], match[1])


def rename_slice(key: bytes, name: bytes) -> bytes:
    """Return the key of the same slice of a tensor of another name.

    Raises:
        ValueError: `key` is not the key of a slice.
    """
    match = _NAME.match(key)
    if match is None:
        raise ValueError(f"not the key of a slice: {key!r}")
    return _head(name) + key[match.end() :]


def _head(name: bytes) -> bytes:
    escaped = re.sub(rb"[\x00\xff]", lambda byte: b"\0\xff" if byte[0] == b"\0" else b"\xff\0", name)
    return b"\0" + escaped + b"\0\1"


def _unsigned(number: int) -> bytes:
    """`WriteNumIncreasing`: how many bytes, then the bytes, high ones first."""
    size = (number.bit_length() + 7) // 8
    return bytes((size,)) + number.to_bytes(size, "big")


def _signed(number: int) -> bytes:
    """`WriteSignedNumIncreasing`: 7 bits a byte, the leading bits say how many bytes; an int64."""
    size = (number if number >= 0 else ~number).bit_length() // 7 + 1
    # `size` ones, shifted to the top, turn the sign bits into the length; for a negative number into zeros
    header = ((1 << size) - 1) << (7 * size)
    return ((number & ((1 << 8 * size) - 1)) ^ header).to_bytes(size, "big")
