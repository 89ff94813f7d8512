"""What a node says about its outputs: dtype by the op table, shape by its attrs. Nothing is inferred."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.disk import optable
from workbench.disk.schema import Message
from workbench.model import shapes
from workbench.model.shapes import Shape

PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2", "PlaceholderWithDefault"})
# ops whose attr `shape` is the shape of their output 0 (a VarHandleOp's is that of what it points to)
_SHAPE_ATTR = PLACEHOLDERS | {
    "VariableV2",
    "Variable",
    "TemporaryVariable",
    "EnsureShape",
    "ImmutableConst",
    "ParallelConcat",
    "ReadVariableXlaSplitND",
}
_LAST_PRODUCER_OF_SCALAR_PLACEHOLDERS = 21


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a graph.

    Attributes:
        name: `n:k`.
        dtype: enum of `types.proto`, a reference kept as one; 0 if nothing tells it.
        shape: None for an unknown rank.
    """

    name: str
    dtype: int
    shape: Shape


def output_types(node: Message, table: optable.OpTable, functions: Mapping[str, Message]) -> list[int] | None:
    """Dtype enum of each output tensor of `node`; None for an op that nobody knows.

    Args:
        node: a NodeDef of the main graph or of a body.
        table: the op table with the model's own ops.
        functions: the function library: an op may be the name of a function.
    """
    function = functions.get(node.op)
    if function is not None:
        return [arg.type for arg in function.signature.output_arg]
    op_def = table.get(node.op)
    return None if op_def is None else optable.output_types(node, op_def)


def output_shape(node: Message, index: int, producer: int) -> Shape:
    """Shape of output `index` of `node`: its own `shape` attr, a constant's value, or `_output_shapes`.

    Args:
        node: a NodeDef.
        index: of the output.
        producer: the graph's version; up to 21 a scalar `shape` of a placeholder meant "unknown"
            (`array_ops.cc`).
    """
    attr = node.attr
    if index == 0 and node.op in _SHAPE_ATTR and "shape" in attr:
        shape = shapes.from_proto(attr["shape"].shape)
        old = producer <= _LAST_PRODUCER_OF_SCALAR_PLACEHOLDERS
        if not (shape == () and old and node.op == "Placeholder"):
            return shape
    if "_output_shapes" in attr:
        known = attr["_output_shapes"].list.shape
        if index < len(known):
            return shapes.from_proto(known[index])
    if node.op == "Const" and index == 0:
        return shapes.from_proto(attr["value"].tensor.tensor_shape)
    return None
