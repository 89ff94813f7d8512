"""What a chain knows of a tensor between two adapters, and what it says where an adapter does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.disk import dtypes
from workbench.disk.schema import TensorInfo
from workbench.model import shapes
from workbench.model.shapes import Shape

FLOATS = frozenset({"float16", "bfloat16", "float32", "float64"})
INTEGERS = frozenset({"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"})


@dataclass(frozen=True, slots=True)
class TensorType:
    """Dtype and shape of a tensor.

    Attributes:
        dtype: its DataType.
        shape: its shape; None for an unknown rank.
        rows: whether the first dimension counts rows of a batch. False after a scalar.
        below: integers of the tensor are below this number (the classes of an argmax); None where unknown.
    """

    dtype: int
    shape: Shape
    rows: bool = True
    below: int | None = None

    @classmethod
    def of(cls, dtype: int | str, shape: Shape) -> TensorType:
        """Return the type of a tensor that no adapter made: all but a scalar have rows."""
        number = dtypes.enum(dtype) if isinstance(dtype, str) else dtypes.base(int(dtype))
        return cls(number, shape, shape != ())

    def __str__(self) -> str:
        return shapes.typed(self.dtype, self.shape)

    @property
    def name(self) -> str:
        """The name of the dtype."""
        return dtypes.name(self.dtype)

    @property
    def rank(self) -> int | None:
        """The number of dimensions, or None."""
        return None if self.shape is None else len(self.shape)

    @property
    def is_float(self) -> bool:
        """Whether it holds floating-point numbers."""
        return self.name in FLOATS

    @property
    def is_integer(self) -> bool:
        """Whether it holds integers."""
        return self.name in INTEGERS

    @property
    def is_number(self) -> bool:
        """Whether it holds numbers that can be calculated with."""
        return self.is_float or self.is_integer

    @property
    def is_string(self) -> bool:
        """Whether it holds strings."""
        return self.dtype == dtypes.STRING

    @property
    def last(self) -> int | None:
        """The size of the last dimension, or None."""
        return self.shape[-1] if self.shape else None

    def info(self, tensor: str) -> TensorInfo:
        """Return what a signature says of a tensor of this type."""
        found = TensorInfo(name=tensor, dtype=self.dtype)
        found.tensor_shape.CopyFrom(shapes.to_proto(self.shape))
        return found

    def with_shape(self, shape: Shape) -> TensorType:
        """Return the same with another shape."""
        return TensorType(self.dtype, shape, self.rows, self.below)

    def with_dtype(self, dtype: int | str) -> TensorType:
        """Return the same with another dtype."""
        number = dtypes.enum(dtype) if isinstance(dtype, str) else dtype
        return TensorType(number, self.shape, self.rows, self.below)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an adapter does not take a tensor.

    Attributes:
        takes: what it takes: `an image [height,width,channels], or a batch of them`.
        hint: the next move as a sentence, or None.
        has: what it has, where that is not the type of the tensor.
    """

    takes: str
    hint: str | None = None
    has: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """All tensors that a chain carries: the one that adapters work on, and companions of it.

    Attributes:
        main: the tensor that adapters work on.
        companions: other results by name: `indices` and `labels` of `top-k`.
    """

    main: TensorType
    companions: Mapping[str, TensorType] = field(default_factory=dict)
