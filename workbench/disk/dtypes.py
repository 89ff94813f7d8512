"""TensorFlow's `DataType` enum: names, sizes, numpy equivalents.

Source: `tensorflow/core/framework/types.proto` and `tf.dtypes.DType.name`. A reference dtype, as an old
VariableV2 gives it, is the enum of its base plus 100.
"""

from __future__ import annotations

from typing import Any

from workbench.errors import UnknownName
from workbench.names import did_you_mean, show

REF = 100
"""What the enum of a reference is above that of its base (`DT_FLOAT_REF` = 101)."""

INVALID, FLOAT, DOUBLE, INT32, UINT8, STRING, INT64, BOOL = 0, 1, 2, 3, 4, 7, 9, 10
RESOURCE, VARIANT = 20, 21

# enum: (name, bytes of one element in a checkpoint and in tensor_content; None where it varies or has none)
_TABLE: dict[int, tuple[str, int | None]] = {
    0: ("invalid", None),
    1: ("float32", 4),
    2: ("float64", 8),
    3: ("int32", 4),
    4: ("uint8", 1),
    5: ("int16", 2),
    6: ("int8", 1),
    7: ("string", None),
    8: ("complex64", 8),
    9: ("int64", 8),
    10: ("bool", 1),
    11: ("qint8", 1),
    12: ("quint8", 1),
    13: ("qint32", 4),
    14: ("bfloat16", 2),
    15: ("qint16", 2),
    16: ("quint16", 2),
    17: ("uint16", 2),
    18: ("complex128", 16),
    19: ("float16", 2),
    20: ("resource", None),
    21: ("variant", None),
    22: ("uint32", 4),
    23: ("uint64", 8),
    24: ("float8_e5m2", 1),
    25: ("float8_e4m3fn", 1),
    26: ("float8_e4m3fnuz", 1),
    27: ("float8_e4m3b11fnuz", 1),
    28: ("float8_e5m2fnuz", 1),
    29: ("int4", 1),
    30: ("uint4", 1),
    31: ("int2", 1),
    32: ("uint2", 1),
    33: ("float4_e2m1fn", 1),
}
_ENUMS = {name: number for number, (name, _) in _TABLE.items()}
_ALIASES = {"float": 1, "double": 2, "half": 19, "str": 7, "bytes": 7, "int": 3}
_IN_ML_DTYPES = frozenset({14, *range(24, 34)})


def name(enum: int) -> str:
    """Return a dtype's name: `float32`, `string`, `float32_ref`.

    `dtype_77` for a number TensorFlow 2.21 does not know.
    """
    if enum in _TABLE:
        return _TABLE[enum][0]
    if is_ref(enum) and base(enum) in _TABLE:
        return f"{_TABLE[base(enum)][0]}_ref"
    return f"dtype_{int(enum)}"


def shown(enum: int) -> str:
    """Return the name of a dtype, `?` for none (0)."""
    return name(enum) if enum else "?"


def enum(name: str) -> int:
    """Return the number of a name: `float32`, `float32_ref`, `DT_FLOAT`, `half`.

    Raises:
        UnknownName: there is no such dtype; the nearest are offered.
    """
    if name.startswith("DT_"):
        from workbench.disk import schema

        found = schema.enum("DataType").get(name)
    else:
        plain = name.removesuffix("_ref")
        found = _ENUMS.get(plain, _ALIASES.get(plain))
        if found is not None and plain != name:
            found += REF
    if found is None:
        raise UnknownName(
            f"There is no dtype {show(name)!r}.", hint=did_you_mean(name, _ENUMS, noun="dtypes")
        )
    return found


class DType(int):
    """A number of TensorFlow's `DataType` that reads as its name: `float32`.

    It is equal to its number and to its name, as a `tf.DType` is; as a key of a dict it is the number.
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name: `float32`; `dtype_77` for a number that TensorFlow 2.21 does not know."""
        return name(self)

    @property
    def numpy(self) -> Any:
        """The numpy dtype, or None where numpy has none; see `dtypes.numpy`."""
        return numpy(self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int):
            return int.__eq__(self, other)
        return name(self) == other if isinstance(other, str) else NotImplemented

    def __ne__(self, other: object) -> bool:
        if isinstance(other, int):
            return int.__ne__(self, other)
        return name(self) != other if isinstance(other, str) else NotImplemented

    __hash__ = int.__hash__

    def __str__(self) -> str:
        return name(self)

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(name(self), spec)


_KNOWN = {number: DType(number) for number in _TABLE}


def dtype(enum: int) -> DType:
    """Return the dtype of a number; the same object for the same known number."""
    found = _KNOWN.get(enum)
    return DType(enum) if found is None else found


def is_ref(enum: int) -> bool:
    """Return whether a dtype is a reference to a variable's buffer (`DT_FLOAT_REF`)."""
    return enum > REF


def base(enum: int) -> int:
    """Return the dtype without the reference; a plain dtype as it is."""
    return enum - REF if enum > REF else enum


def size(enum: int) -> int | None:
    """Return the bytes of one element on disk.

    None for strings, resources, variants and unknown numbers.

    `int4` and its like take a whole byte each, in `tensor_content` and in checkpoints alike.
    """
    return _TABLE.get(base(enum), ("", None))[1]


def numpy(enum: int) -> Any:
    """Return the numpy dtype in this machine's byte order, or None.

    `object` for strings (bytes), integers for quantised numbers.

    None where numpy has none: resource, variant, invalid, numbers nobody knows, and a dtype that the
    installed `ml_dtypes` is too old for.
    """
    import numpy as np

    number = base(enum)
    if number == STRING:
        return np.dtype(object)
    if size(number) is None:
        return None
    plain = name(number)
    if number in _IN_ML_DTYPES:
        import ml_dtypes

        found = getattr(ml_dtypes, plain, None)
        return None if found is None else np.dtype(found)
    return np.dtype(plain.removeprefix("q") if plain.startswith("q") else plain)
