"""Tensors of a graph in the making: how a node names one, and what it is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from workbench.disk import dtypes, schema

Array = np.ndarray[Any, Any]
WIDTH = 4
"""All that flows is `[?, 4]`; constants and variables are `[4]`."""


class Env:
    """One evaluation: values of the inputs by key, and what was computed."""

    def __init__(self, inputs: Mapping[str, Array]) -> None:
        self.inputs = inputs
        self.known: dict[int, Array] = {}


class Value:
    """A tensor.

    Attributes:
        ref: as an input of a node in its graph or body.
        dtype: by TensorFlow's name.
        node: the node it is of; empty for an argument of a function.
    """

    def __init__(self, ref: str, dtype: str, compute: Callable[[Env], Array], node: str = "") -> None:
        self.ref = ref
        self.dtype = dtype
        self.node = node
        self._compute = compute

    def of(self, env: Env) -> Array:
        """What it is worth."""
        if id(self) not in env.known:
            env.known[id(self)] = self._compute(env)
        return env.known[id(self)]


class Func(str):
    """A function's name, for an attribute."""


def set_attr(node: Any, name: str, value: Any) -> None:
    """An attribute: a dtype by name, a list of them, a function, a tensor, a shape (tuple), bytes, a number, a bool."""
    slot = node.attr[name]
    if isinstance(value, Func):
        slot.func.name = str(value)
    elif isinstance(value, str):
        slot.type = dtypes.enum(value)
    elif isinstance(value, bool):
        slot.b = value
    elif isinstance(value, int):
        slot.i = value
    elif isinstance(value, bytes):
        slot.s = value
    elif isinstance(value, tuple):
        slot.shape.SetInParent()
        for size in value:
            slot.shape.dim.add(size=-1 if size is None else size)
    elif isinstance(value, list):
        slot.list.SetInParent()
        slot.list.type.extend(dtypes.enum(each) for each in value)
    else:
        slot.tensor.CopyFrom(value)


def tensor(value: Array | Sequence[bytes], dtype: str) -> Any:
    """A TensorProto; strings as a list."""
    found = schema.TensorProto(dtype=dtypes.enum(dtype))
    found.tensor_shape.SetInParent()
    if dtype == "string":
        found.tensor_shape.dim.add(size=len(value))
        found.string_val.extend(value)
        return found
    array = np.asarray(value)
    for size in array.shape:
        found.tensor_shape.dim.add(size=size)
    found.tensor_content = array.astype(dtype).tobytes()
    return found
