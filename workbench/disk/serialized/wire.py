"""Protobuf's wire format, field by field.

For messages that the schema does not have, and for where bytes lie.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from workbench.errors import DamagedFile

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}


Buffer = bytes | memoryview


class Field(NamedTuple):
    """One field of a serialised message.

    Attributes:
        number: of the field.
        kind: its wire type.
        start: where it begins, tag included.
        body: where its content begins: after the length, if it has one.
        end: behind its last byte.
        value: of a varint; else 0.
    """

    number: int
    kind: int
    start: int
    body: int
    end: int
    value: int


def fields(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Field]:
    """Yield the fields of the message in `data[start:end]`, as they are written.

    Raises:
        DamagedFile: it is no message: a length leads out of it, a number does not end, a group begins.
    """
    stop = len(data) if end is None else end
    at = start
    while at < stop:
        tag, body = data[at], at + 1
        if tag >= 0x80:  # numbers of one byte are by far the most
            tag, body = varint(data, at, stop)
        number, kind, value = tag >> 3, tag & 7, 0
        if kind == BYTES:
            length = data[body] if body < stop else 0x80
            if length < 0x80:
                body += 1
            else:
                length, body = varint(data, body, stop)
            after = body + length
        elif kind == VARINT:
            value, after = varint(data, body, stop)
        elif kind in _FIXED:
            after = body + _FIXED[kind]
        else:
            raise DamagedFile(f"There is a field of wire type {kind} at byte {at}; it can't be read.")
        if after > stop or not number:
            raise DamagedFile(f"The field at byte {at} does not end where its message ends.")
        yield Field(number, kind, at, body, after, value)
        at = after


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return a number and where the next byte is.

    Raises:
        DamagedFile: it does not end before `end`, or has more than ten bytes.
    """
    value = shift = 0
    for place in range(at, min(end, at + 10)):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place + 1
        shift += 7
    raise DamagedFile(f"The number at byte {at} does not end.")


def encode_varint(value: int) -> bytes:
    """Return a number >= 0 in base 128, low digits first, as protobuf and LevelDB write it."""
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def delimited(number: int, parts: Sequence[Buffer]) -> list[Buffer]:
    """Return the field with that number whose content the given bytes are together, in parts."""
    return [encode_varint(number << 3 | BYTES), encode_varint(sum(map(len, parts))), *parts]
