"""What a node declares of its outputs: dtypes by the op table, shapes by attrs.

Nothing is inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from workbench.disk import optable
from workbench.disk.dtypes import DType
from workbench.disk.schema import FunctionDef, NodeDef
from workbench.model import shapes
from workbench.model.op_classes import PLACEHOLDERS, REF_VARIABLES
from workbench.model.shapes import Shape
from workbench.names import show

# ops whose attr `shape` is the shape of their output 0 (a VarHandleOp's is that of what it points to)
_SHAPE_ATTR = (
    PLACEHOLDERS
    | REF_VARIABLES
    | {
        "TemporaryVariable",
        "EnsureShape",
        "ImmutableConst",
        "ParallelConcat",
        "ReadVariableXlaSplitND",
    }
)
_LAST_PRODUCER_OF_VAGUE_SCALARS = 21


class Tensor(NamedTuple):
    """One tensor of a graph.

    Attributes:
        name: `n:k`.
        dtype: `float32`, a reference kept as one (`float32_ref`); `invalid` (0) if unknown.
        shape: None for an unknown rank.
    """

    name: str
    dtype: DType
    shape: Shape

    def __repr__(self) -> str:
        return f"<Tensor {show(self.name)} {shapes.typed(self.dtype, self.shape)}>"


def output_types(
    node: NodeDef, table: optable.OpTable, functions: Mapping[str, FunctionDef]
) -> list[int] | None:
    """Return the dtypes of a node's outputs; None for an unknown op.

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


def output_ranges(
    node: NodeDef, table: optable.OpTable, functions: Mapping[str, FunctionDef]
) -> list[optable.ArgRange] | None:
    """Return a node's output args with their flat outputs, or None if unknown.

    Args: as of `output_types`.
    """
    function = functions.get(node.op)
    op_def = table.get(node.op) if function is None else function.signature
    return None if op_def is None else optable.output_args(node, op_def)


def is_vague_scalar(node: NodeDef, producer: int) -> bool:
    """Return whether a node's scalar `shape` attr means that its rank is unknown.

    Early TensorFlow could not write an unknown rank. The shape functions still read a scalar as one: of `Placeholder`
    up to graph version 21 (array_ops.cc), of `Variable` always (state_ops.cc).

    Args:
        node: a NodeDef.
        producer: the version of its GraphDef; 0 where it has none.
    """
    if node.op == "Placeholder":
        if producer > _LAST_PRODUCER_OF_VAGUE_SCALARS:
            return False
    elif node.op != "Variable":
        return False
    return "shape" in node.attr and shapes.from_proto(node.attr["shape"].shape) == ()


def variable_shape(node: NodeDef) -> Shape:
    """Return the shape a variable's node declares, or None for any rank."""
    if "shape" not in node.attr or is_vague_scalar(node, _LAST_PRODUCER_OF_VAGUE_SCALARS):
        return None
    return shapes.from_proto(node.attr["shape"].shape)


def output_shape(node: NodeDef, index: int, producer: int) -> Shape:
    """Return the shape of an output, as the node declares it.

    By the `shape` attr, a constant's value, or `_output_shapes`.

    Args:
        node: a NodeDef.
        index: of the output.
        producer: the version of its GraphDef, see `is_vague_scalar`.
    """
    attr = node.attr
    if index == 0 and node.op in _SHAPE_ATTR and "shape" in attr and not is_vague_scalar(node, producer):
        return shapes.from_proto(attr["shape"].shape)
    if "_output_shapes" in attr:
        known = attr["_output_shapes"].list.shape
        if index < len(known):
            return shapes.from_proto(known[index])
    if node.op == "Const" and index == 0 and "value" in attr:
        return shapes.from_proto(attr["value"].tensor.tensor_shape)
    return None
