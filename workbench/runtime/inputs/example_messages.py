"""`tf.train.Example` in the protobuf wire format, without its classes: `example.proto`, `feature.proto`."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.disk import dtypes
from workbench.disk.serialized.wire import delimited, encode_varint
from workbench.errors import InputError
from workbench.names import show

_ALLOWED = "a list of numbers, of booleans or of strings"


def example_of(features: Mapping[str, object], where: str) -> bytes:
    """Return a serialised Example.

    Args:
        features: key to a list of values: whole numbers and booleans become an `int64_list`, numbers a `float_list`,
            strings and bytes a `bytes_list`.
        where: the input that it is for, for errors.

    Raises:
        InputError: a key is no text, or a value no such list.
    """
    entries = b""
    for key, values in features.items():
        if not isinstance(key, str):
            raise InputError(f"The key {show(repr(key), 40)} of an Example is no text.", where=show(where))
        if not isinstance(values, list | tuple):
            raise InputError(
                f"Feature {show(key)!r} is {show(repr(values), 40)}; expected {_ALLOWED}.",
                where=show(where),
                hint=f"Write {{'{show(key)}': [{show(repr(values), 40)}]}}.",
            )
        entries += map_entry(key, _feature(key, list(values), where))
    return field_bytes(1, entries)


def _feature(key: str, values: list[Any], where: str) -> bytes:
    kinds = {_kind(value) for value in values}
    if kinds <= {dtypes.INT64} and all(-(2**63) <= value < 2**63 for value in values):
        return feature_of(dtypes.INT64, [int(value) for value in values])
    if kinds <= {dtypes.INT64, dtypes.FLOAT}:
        try:
            return feature_of(dtypes.FLOAT, [float(value) for value in values])
        except OverflowError:
            pass
    elif kinds == {dtypes.STRING}:
        texts = [value.encode() if isinstance(value, str) else value for value in values]
        return feature_of(dtypes.STRING, texts)
    raise InputError(
        f"Feature {show(key)!r} has {show(repr(values), 60)}; expected {_ALLOWED}.", where=show(where)
    )


def _kind(value: object) -> int:
    if isinstance(value, bool | int):
        return dtypes.INT64
    if isinstance(value, float):
        return dtypes.FLOAT
    return dtypes.STRING if isinstance(value, str | bytes) else dtypes.INVALID


def feature_of(dtype: int, values: Sequence[Any]) -> bytes:
    """Return a `Feature`: bytes_list 1, float_list 2, int64_list 3.

    Args:
        dtype: STRING, FLOAT or another for whole numbers.
        values: of it.

    Raises:
        OverflowError: a number is too large for float32.
    """
    if dtype == dtypes.STRING:
        return field_bytes(1, b"".join(field_bytes(1, value) for value in values))
    if dtype == dtypes.FLOAT:
        return field_bytes(2, field_bytes(1, struct.pack(f"<{len(values)}f", *values)))
    return field_bytes(3, field_bytes(1, b"".join(encode_varint(value % (1 << 64)) for value in values)))


def map_entry(key: str, value: bytes) -> bytes:
    """Return an entry of a map from keys to messages."""
    name = field_bytes(1, key.encode("utf-8", "surrogateescape"))
    return field_bytes(1, name + field_bytes(2, value))


def field_bytes(number: int, data: bytes) -> bytes:
    """Return one length-delimited field."""
    return b"".join(delimited(number, [data]))
