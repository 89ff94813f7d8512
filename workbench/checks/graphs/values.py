"""What nodes say of their own outputs: the shapes noted beside them, and the values of constants."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from workbench.checks.codes import Code, Found
from workbench.disk import dtypes
from workbench.disk.nodes import attr
from workbench.model import shapes
from workbench.model.op_classes import PLACEHOLDERS

if TYPE_CHECKING:
    from workbench.disk.schema import NodeDef
    from workbench.graph.body import Body

NOTED_SHAPES = Code(
    "noted-shapes", "error", "the shapes noted beside a node are not those of its outputs",
    "The attr `_output_shapes` has one shape for each output, as they were when the graph was made. Where there are "
    "fewer, or one contradicts the node, TensorFlow refuses to import the graph.",
    "Delete the attr `_output_shapes` of the node, or save the model again.",
)  # fmt: skip
CONST_VALUE = Code(
    "const-value", "error", "a constant's value does not fit its dtype or shape",
    "The bytes of the value are more or fewer than dtype and shape ask for, or its dtype is not the node's: the graph "
    "can't be imported, or fails when it runs.",
    "Save the model again; a tool that edited the constant did not edit all of it.",
)  # fmt: skip

_NOTED = "_output_shapes"


def check(body: Body, found: Found) -> None:
    """Check the values of a body's constants."""
    for name, node in body.nodes.items():
        if node.op == "Const":
            problem = _value(node)
            if problem:
                found.add(CONST_VALUE, body.where(name), problem)
        if _NOTED in node.attr:
            problem = _noted(body, name, node)
            if problem:
                found.add(NOTED_SHAPES, body.where(name), problem)


def _noted(body: Body, name: str, node: NodeDef) -> str | None:
    noted = node.attr[_NOTED].list.shape
    outputs = body.output_types(name)
    if outputs is not None and len(noted) < len(outputs):  # more than enough is fine: Keras 2 saves LSTMs so
        return f"It has {len(outputs)} outputs; `{_NOTED}` has {len(noted)} shapes."
    for index, shape in enumerate(noted):
        if any(dim.size < -1 for dim in shape.dim):
            return f"`{_NOTED}` has a size below -1 for output {index}."
    own = _own_shape(node) if len(noted) == 1 else None
    if own is not None and shapes.fits(own, shapes.from_proto(noted[0])) == "refuted":
        return f"Its shape is {shapes.text(own)}; `{_NOTED}` says {shapes.text(shapes.from_proto(noted[0]))}."
    return None


def _own_shape(node: NodeDef) -> shapes.Shape:
    if node.op == "Const":
        return shapes.from_proto(attr(node, "value").tensor.tensor_shape)
    if node.op in PLACEHOLDERS and "shape" in node.attr:
        shape = shapes.from_proto(node.attr["shape"].shape)
        return shape or None  # before graph version 22 a scalar meant that nothing is known
    return None


def _value(node: NodeDef) -> str | None:
    tensor, dtype = attr(node, "value").tensor, attr(node, "dtype").type
    if dtype and tensor.dtype and dtype != tensor.dtype:
        return f"It is declared {dtypes.name(dtype)}; its value is {dtypes.name(tensor.dtype)}."
    sizes = [dim.size for dim in tensor.tensor_shape.dim]
    if tensor.tensor_shape.unknown_rank or any(size < 0 for size in sizes):
        return "The shape of its value is not fully known."
    each = dtypes.size(tensor.dtype)
    content = len(tensor.tensor_content)
    if content and each is not None and content != each * math.prod(sizes):
        what = f"{dtypes.name(tensor.dtype)} of shape {shapes.text(tuple(sizes))}"
        return f"Its value has {content} bytes; {what} takes {each * math.prod(sizes)}."
    return None
