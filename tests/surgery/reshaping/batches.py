"""Graphs by hand whose batch is fixed, for tests of what frees it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.surgery.tiny import Tiny
from workbench.disk import dtypes
from workbench.model import Model, open_model
from workbench.model.shapes import Shape


class Fixed(Tiny):
    """A model with an input `x` of a fixed batch, one row of four by default."""

    def __init__(self, folder: Path, shape: Shape = (1, 4)) -> None:
        super().__init__(folder)
        self.shape = shape
        self.placeholder("x", shape=shape)

    def ints(
        self, name: str, *values: int, scalar: bool = False, shape: Sequence[int] | None = None
    ) -> Fixed:
        """A Const of int32."""
        return self.value(name, values, "int32", () if scalar else shape or (len(values),))

    def floats(self, name: str, shape: Sequence[int], *values: float) -> Fixed:
        """A Const of float32; one value stands for all elements."""
        count = 1
        for size in shape:
            count *= size
        return self.value(name, values if len(values) == count else [*values] * count, "float32", shape)

    def value(self, name: str, values: Sequence[float], dtype: str, shape: Sequence[int]) -> Fixed:
        self.node(name, "Const", dtype=dtype)
        tensor = self.meta.graph_def.node[-1].attr["value"].tensor
        tensor.dtype = dtypes.enum(dtype)
        tensor.tensor_shape.SetInParent()
        for size in shape:
            tensor.tensor_shape.dim.add(size=size)
        tensor.tensor_content = struct.pack(f"<{len(values)}{'i' if dtype == 'int32' else 'f'}", *values)
        return self

    def op(self, name: str, kind: str, *inputs: str, **attrs: Any) -> Fixed:
        """A node of float32 with integer vectors of int32."""
        self.node(name, kind, *inputs, **attrs)
        return self

    def model(self, output: str = "y:0", shape: Shape = None) -> Model:
        """The saved model, with a signature from `x` to `y`."""
        self.signature(x_in=("x:0", "float32", self.shape), y_out=(output, "float32", shape))
        return open_model(self.save())
