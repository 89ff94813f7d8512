"""Nodes of a graph in the making: what adapters add for a chain, in a main graph or in the body of a loop.

A fragment knows the dtype of every tensor, so that type attrs are filled in from the OpDefs; names are deterministic.
Tables and assets are described as data; who places the fragment gives the files their place.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from workbench.disk import dtypes, optable, schema
from workbench.disk.schema import AttrValue, FunctionDef, NodeDef, TensorProto
from workbench.model import shapes

Number = int | float | Fraction
_FORMATS = {
    "float32": "f",
    "float64": "d",
    "float16": "e",
    "int8": "b",
    "uint8": "B",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "bool": "?",
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """An output of a node, or an argument of a body.

    Attributes:
        node: the node, or the argument.
        dtype: its DataType.
        index: the number of the output.
        arg: `ARG:INDEX` of the output as bodies write it; empty for an argument.
    """

    node: str
    dtype: int
    index: int = 0
    arg: str = ""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that the fragment reads when its table is filled.

    Attributes:
        node: the Const whose value is the path; a string scalar.
        path: the file as written in the chain.
    """

    node: str
    path: str


@dataclass(slots=True)
class _Shared:
    """What a fragment and its inner scopes fill together."""

    nodes: list[NodeDef] = field(default_factory=list)
    functions: list[FunctionDef] = field(default_factory=list)
    assets: list[Asset] = field(default_factory=list)
    init_ops: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)


class Fragment:
    """Nodes under a scope.

    Args:
        scope: stands before the names of all nodes; may be empty in a body.
        taken: names that are in use.
        body: whether the nodes go into the body of a function, where outputs are written `node:arg:index`.
    """

    def __init__(self, scope: str, taken: Collection[str] = (), *, body: bool = False) -> None:
        self.scope = scope
        self.body = body
        self._shared = _Shared(taken=set(taken))

    @property
    def nodes(self) -> list[NodeDef]:
        """The nodes, each after those that it takes from."""
        return self._shared.nodes

    @property
    def functions(self) -> list[FunctionDef]:
        """The functions that nodes name, for the library."""
        return self._shared.functions

    @property
    def assets(self) -> list[Asset]:
        """The files that tables read."""
        return self._shared.assets

    @property
    def init_ops(self) -> list[str]:
        """The nodes that fill tables, for the init op."""
        return self._shared.init_ops

    def inside(self, name: str) -> Fragment:
        """Return the same fragment under a scope further in, with a name that is not in use."""
        inner = Fragment(self._unique(name), body=self.body)
        inner._shared = self._shared
        return inner

    def for_body(self) -> Fragment:
        """Return an empty fragment for the body of a function."""
        return Fragment("", body=True)

    def function_name(self, name: str) -> str:
        """Return a name for a function of this scope."""
        return f"{self.scope}/{name}".strip("/").replace("/", "_").replace("-", "_")

    def op(self, kind: str, *inputs: Tensor | Sequence[Tensor], name: str = "", **attrs: Any) -> Tensor:
        """Add a node of one output; see `outputs`."""
        return self.outputs(kind, *inputs, name=name, **attrs)[0]

    def outputs(
        self, kind: str, *inputs: Tensor | Sequence[Tensor], name: str = "", **attrs: Any
    ) -> list[Tensor]:
        """Add a node.

        Args:
            kind: the op.
            *inputs: a tensor for each arg of the op, a sequence for an arg of several tensors.
            name: its last name; the op's name by default.
            **attrs: attrs that do not follow from the inputs' dtypes, as Python values.

        Returns:
            Its outputs.
        """
        op_def = optable.lookup(kind)
        assert op_def is not None, kind
        node = schema.NodeDef(name=self._unique(name or kind), op=kind)
        kinds = {attr.name: attr.type for attr in op_def.attr}
        for arg, given in zip(op_def.input_arg, inputs, strict=True):
            several = [given] if isinstance(given, Tensor) else list(given)
            node.input.extend(map(self.text, several))
            if arg.type_attr:
                node.attr[arg.type_attr].type = several[0].dtype
            if arg.number_attr:
                node.attr[arg.number_attr].i = len(several)
            if arg.type_list_attr:
                node.attr[arg.type_list_attr].list.type.extend(one.dtype for one in several)
        for key, value in sorted(attrs.items()):
            _set(node.attr[key], kinds[key], value)
        self.nodes.append(node)
        types, args = optable.output_types(node, op_def), optable.output_args(node, op_def)
        assert types is not None and args is not None, kind
        found = []
        for arg_range in args:
            for at in range(arg_range.size):
                index = arg_range.first + at
                found.append(Tensor(node.name, types[index], index, f"{arg_range.arg}:{at}"))
        return found or [Tensor(node.name, dtypes.INVALID)]

    def const(
        self,
        value: Number | bytes | Sequence[Number],
        dtype: str | int,
        name: str = "Const",
        shape: Sequence[int] | None = None,
    ) -> Tensor:
        """Add a constant: a scalar, a vector, or of the shape given."""
        number = dtypes.enum(dtype) if isinstance(dtype, str) else dtype
        node = schema.NodeDef(name=self._unique(name), op="Const")
        node.attr["dtype"].type = number
        node.attr["value"].tensor.CopyFrom(tensor_proto(value, number, shape))
        self.nodes.append(node)
        return Tensor(node.name, number, 0, "output:0")

    def text(self, tensor: Tensor) -> str:
        """Return a tensor as it stands in `NodeDef.input`."""
        if not self.body:
            return f"{tensor.node}:{tensor.index}" if tensor.index else tensor.node
        return f"{tensor.node}:{tensor.arg}" if tensor.arg else tensor.node

    def _unique(self, name: str) -> str:
        base = f"{self.scope}/{name}" if self.scope else name
        found, number = base, 0
        while found in self._shared.taken:
            number += 1
            found = f"{base}_{number}"
        self._shared.taken.add(found)
        return found


def free_scope(name: str, taken: Iterable[str]) -> str:
    """Return the first scope of `NAME_0`, `NAME_1`, … that no node is in.

    Args:
        name: of the operation.
        taken: names of nodes.
    """
    scopes = {node.partition("/")[0] for node in taken}
    return next(one for one in (f"{name}_{number}" for number in range(len(scopes) + 1)) if one not in scopes)


def tensor_proto(
    value: Number | bytes | Sequence[Number], dtype: int, shape: Sequence[int] | None = None
) -> TensorProto:
    """Return a TensorProto of numbers or of one string.

    numpy would cost more to import than a merge takes.
    """
    proto = schema.TensorProto(dtype=dtype)
    if isinstance(value, bytes):
        proto.tensor_shape.SetInParent()
        proto.string_val.append(value)
        return proto
    scalar = isinstance(value, (int, float, Fraction))
    values: list[Number] = [value] if isinstance(value, (int, float, Fraction)) else list(value)
    proto.tensor_shape.CopyFrom(shapes.to_proto(tuple(shape or (() if scalar else (len(values),)))))
    proto.tensor_content = _packed(values, dtypes.name(dtype))
    return proto


def _packed(values: Sequence[Number], dtype: str) -> bytes:
    if dtype == "bfloat16":  # the upper half of a float32, rounded to even
        bits = [int.from_bytes(struct.pack("<f", float(value)), "little") for value in values]
        return b"".join(((one + 0x7FFF + (one >> 16 & 1)) >> 16).to_bytes(2, "little") for one in bits)
    convert = float if dtype.startswith("float") else int
    return struct.pack(f"<{len(values)}{_FORMATS[dtype]}", *map(convert, values))


def _set(target: AttrValue, kind: str, value: Any) -> None:
    """Write an attr of the type that the OpDef gives it."""
    if kind == "type":
        target.type = dtypes.enum(value) if isinstance(value, str) else value
    elif kind == "shape":
        target.shape.CopyFrom(shapes.to_proto(value))
    elif kind == "func":
        target.func.name = value
    elif kind == "string":
        target.s = value if isinstance(value, bytes) else str(value).encode()
    elif kind == "list(int)":
        target.list.i.extend(value)
        target.list.SetInParent()
    elif kind == "list(type)":
        target.list.type.extend(value)
    elif kind == "list(shape)":
        target.list.shape.extend(map(shapes.to_proto, value))
    else:
        setattr(target, {"int": "i", "float": "f", "bool": "b"}[kind], value)
