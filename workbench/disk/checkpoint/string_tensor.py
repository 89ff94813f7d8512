"""Tensors whose elements have no fixed size, in a checkpoint.

Strings and variants.

Source: `WriteStringTensor` and `WriteVariantTensor` in `tensorflow/core/util/tensor_bundle/tensor_bundle.cc`.
Strings: a varint length for each, the masked crc32c of the lengths (each as uint32, as uint64 from 4 GiB on,
little endian), the bytes of all. The entry's crc32c covers the lengths so widened, their checksum, and the
bytes. Variants: for each a varint length, the bytes, and the masked crc32c of all before it, lengths as uint64.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence

from workbench.disk import crc
from workbench.disk.serialized.wire import encode_varint
from workbench.errors import DamagedFile

Read = Callable[[int, int], bytes]
"""Gives `size` bytes from `offset` on, both within the tensor."""

_WINDOW = 64 << 10
_CHUNK = 1 << 20


def encode(strings: Sequence[bytes]) -> tuple[bytes, int]:
    """Return a string tensor's bytes and the masked crc32c for its entry."""
    lengths = [len(string) for string in strings]
    total = _extend(0, lengths)
    checksum = crc.mask(total).to_bytes(4, "little")
    body = b"".join(strings)
    data = b"".join(map(encode_varint, lengths)) + checksum + body
    return data, crc.mask(crc.extend(crc.extend(total, checksum), body))


def decode(data: bytes, count: int, where: str) -> tuple[list[bytes], int]:
    """Return the strings in a tensor's bytes, and the masked crc32c of its entry.

    Args:
        data: all of it.
        count: how many strings there are.
        where: what to call the tensor in an error.

    Raises:
        DamagedFile: the lengths do not fit the bytes or their own checksum.
    """
    lengths: list[int] = []
    total = check_strings(lambda offset, size: data[offset : offset + size], len(data), count, where, lengths)
    at = len(data) - sum(lengths)
    strings = []
    for length in lengths:
        strings.append(data[at : at + length])
        at += length
    return strings, total


def check_strings(read: Read, size: int, count: int, where: str, keep: list[int] | None = None) -> int:
    """Return the masked crc32c that a string tensor's entry must have.

    The bytes are read a piece at a time.

    Args:
        read: gives its bytes.
        size: how many bytes there are.
        count: how many strings there are.
        where: what to call the tensor in an error.
        keep: gets the length of each string.

    Raises:
        DamagedFile: the lengths do not fit the bytes or their own checksum.
    """
    total = end = sizes = 0
    for lengths, end in _lengths(read, size, count, where):  # noqa: B007  (where the last one ends is used below)
        total = _extend(total, lengths)
        sizes += sum(lengths)
        if keep is not None:
            keep.extend(lengths)
    if end + 4 + sizes != size:
        raise DamagedFile(
            f"Its {count} strings take {end} + 4 + {sizes} bytes; the index says {size}.", where=where
        )
    checksum = read(end, 4)
    if int.from_bytes(checksum, "little") != crc.mask(total):
        raise DamagedFile("The checksum of its strings' lengths is wrong.", where=where)
    total = crc.extend(total, checksum)
    for at in range(end + 4, size, _CHUNK):
        total = crc.extend(total, read(at, min(_CHUNK, size - at)))
    return crc.mask(total)


def check_variants(read: Read, size: int, count: int, where: str) -> int:
    """Return the masked crc32c of a variant tensor's entry; see `check_strings`."""
    total = at = 0
    for number in range(count):
        lengths, used = _varints(read(at, min(10, size - at)), 1)
        begin = at + used
        end = begin + sum(lengths)
        if not lengths or end + 4 > size:
            raise DamagedFile(
                f"Its variant {number} of {count} does not end within its {size} bytes.", where=where
            )
        total = crc.extend(total, struct.pack("<Q", end - begin))
        for place in range(begin, end, _CHUNK):
            total = crc.extend(total, read(place, min(_CHUNK, end - place)))
        checksum = read(end, 4)
        if int.from_bytes(checksum, "little") != crc.mask(total):
            raise DamagedFile(f"The checksum of its variant {number} is wrong.", where=where)
        total = crc.extend(total, checksum)
        at = end + 4
    if at != size:
        raise DamagedFile(f"Its {count} variants take {at} bytes; the index says {size}.", where=where)
    return crc.mask(total)


def _extend(total: int, lengths: Sequence[int]) -> int:
    if not lengths or max(lengths) < 1 << 32:
        return crc.extend(total, struct.pack(f"<{len(lengths)}I", *lengths))
    wide = b"".join(length.to_bytes(4 if length < 1 << 32 else 8, "little") for length in lengths)
    return crc.extend(total, wide)


def _lengths(read: Read, size: int, count: int, where: str) -> Iterator[tuple[list[int], int]]:
    """Yield `count` varints, some at a time, each time with the place they end at."""
    at = 0
    while count:
        window = read(at, min(_WINDOW, size - at))
        if window.isascii():  # all of one byte
            lengths = list(window[:count])
            used = len(lengths)
        else:
            lengths, used = _varints(window, count)
        if not lengths:
            raise DamagedFile(f"{count} of its elements have no length in its {size} bytes.", where=where)
        count -= len(lengths)
        at += used
        yield lengths, at


def _varints(window: bytes, count: int) -> tuple[list[int], int]:
    """Up to `count` varints that end within `window`, and where the last of them ends."""
    numbers = []
    used = number = shift = 0
    for place, byte in enumerate(window):
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 and number < 1 << 63:
            numbers.append(number)
            used, number, shift = place + 1, 0, 0
            if len(numbers) == count:
                break
        elif shift > 63:
            break
    return numbers, used
