"""Value ranges of a wire: given and expected, as far as the graphs show them.

Read off the ops next to the wire: a decoder gives 0-255, what a scaling makes of that is followed; a network that
begins with a scaling, or takes a mean off, says what it expects. Nothing is guessed from names.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Mapping
from typing import Literal

from workbench.disk.nodes import attr
from workbench.disk.schema import NodeDef
from workbench.graph.calls import Kind
from workbench.graph.level import Level, Value
from workbench.graph.trace import origin, returned_by
from workbench.model import MetaGraph

Range = Literal["0-255", "0-1", "-1-1"]
_STEPS = 1_000
_INTO: frozenset[Kind] = frozenset({"call", "loop"})
_OF_CONSTANTS = frozenset({"Identity", "Cast"})
# Ops that move values about and leave them as they are, by the input that they take.
_MOVES = dict.fromkeys(
    """
    Identity IdentityN Reshape ExpandDims Squeeze StopGradient EnsureShape PlaceholderWithDefault Transpose Pad PadV2
    MirrorPad ReverseV2 StridedSlice Slice Pack ConcatV2 Cast ResizeBilinear ResizeNearestNeighbor ResizeBicubic
    ResizeArea CropAndResize TensorListStack TensorListFromTensor TensorListGetItem
    """.split(),  # noqa: SIM905
    0,
) | {"TensorListSetItem": 2}
_DECODERS = frozenset(
    {"DecodePng", "DecodeJpeg", "DecodeImage", "DecodeBmp", "DecodeGif", "DecodeAndCropJpeg"}
)
_SQUASHED: Mapping[str, Range] = {"Sigmoid": "0-1", "Softmax": "0-1", "Tanh": "-1-1"}
_UINT8 = 4
_MEAN_OF_BYTES, _MEAN_OF_ONE = (64.0, 192.0), (0.3, 0.7)


def given_range(meta: MetaGraph, tensor: str, *, squashed: bool = True) -> Range | None:
    """Return the value range of an output, if the ops before it show it.

    Args:
        meta: the MetaGraph.
        tensor: of its main graph.
        squashed: also count what a sigmoid, softmax or tanh gives.
    """
    value = Level.of(meta).value(tensor)
    shifted = False
    for _ in range(_STEPS):
        node = value.node if value is not None else None
        if value is None or node is None:
            return None
        level = value.level
        if node.op in _DECODERS or (node.op == "Cast" and attr(node, "SrcT").type == _UINT8):
            return None if shifted else "0-255"
        if node.op in _SQUASHED:
            return _SQUASHED[node.op] if squashed and not shifted else None
        if node.op in ("Mul", "RealDiv", "Div"):
            if not _is_scaling(node, level):
                return None
            return "-1-1" if shifted else "0-1"
        if node.op in ("Sub", "Add", "AddV2"):
            shifted, value = True, _other_than_constant(node, level)
        elif node.op in _MOVES:
            value = level.input(node, value.index if node.op == "IdentityN" else _MOVES[node.op])
        else:
            value = returned_by(value, _INTO)
        value = None if value is None else origin(value, passes=(), into=())
    return None


def wanted_range(meta: MetaGraph, tensor: str) -> Range | None:
    """Return the value range an input expects, by the first op that uses it."""
    value = Level.of(meta).value(tensor)
    return None if value is None else _wanted(value, set())


def _wanted(start: Value, seen: set[Value]) -> Range | None:
    """Return the value range expected of a value, in its level and in called bodies."""
    todo = deque([start])
    seen.add(start)
    while todo and len(seen) < _STEPS:
        value = todo.popleft()
        for use in value.level.uses(value):
            found = _expects(use.node, use.level)
            for argument in use.arguments() if found is None else ():
                call = argument.level.call
                if found is None and argument not in seen and call is not None and call.kind in _INTO:
                    found = _wanted(argument, seen)
            if found is not None:
                return found
            carrier = use.output(use.position if use.op == "IdentityN" else 0)
            if use.op in _MOVES and carrier not in seen:
                seen.add(carrier)
                todo.append(carrier)
    return None


def _expects(node: NodeDef, level: Level) -> Range | None:
    """Return the value range that an op expects of its input, or None."""
    if node.op in ("Mul", "RealDiv", "Div"):
        if _is_scaling(node, level):
            return "0-255"
        factor = _factor(node, level)
        return "0-1" if factor is not None and 250 <= factor <= 256 else None
    if node.op == "Sub" and len(node.input) > 1:
        mean = _values(_constant(level.input(node, 1)))
        if mean and _MEAN_OF_BYTES[0] <= max(mean) <= _MEAN_OF_BYTES[1]:
            return "0-255"
        if len(mean) == 3 and all(_MEAN_OF_ONE[0] <= one <= _MEAN_OF_ONE[1] for one in mean):
            return "0-1"
    return None


# -- constants


def _is_scaling(node: NodeDef, level: Level) -> bool:
    """Return whether a product or quotient scales 0-255 to about 0-1."""
    factor = _factor(node, level)
    return factor is not None and 1 / 256.5 <= factor <= 1 / 127


def _factor(node: NodeDef, level: Level) -> float | None:
    """Return the one factor by which a product or quotient scales, or None."""
    for position in (0, 1):
        values = _values(_constant(level.input(node, position)))
        if len(values) == 1 and values[0] != 0:
            return values[0] if node.op == "Mul" else 1 / values[0]
    return None


def _other_than_constant(node: NodeDef, level: Level) -> Value | None:
    """Return the operand beside a constant."""
    for position in (1, 0):
        if _values(_constant(level.input(node, position))):
            return level.input(node, 1 - position)
    return None


def _constant(value: Value | None) -> NodeDef | None:
    """Return the Const behind a value, also where it enters a body as an argument."""
    node = None if value is None else origin(value, _OF_CONSTANTS, into=()).node
    return node if node is not None and node.op == "Const" else None


_FORMATS = {1: ("f", "float_val"), 2: ("d", "double_val"), 3: ("i", "int_val"), 9: ("q", "int64_val")}
_MOST = 4


def _values(constant: NodeDef | None) -> list[float]:
    """Return up to a few numbers of a Const, of a common dtype.

    numpy would cost more to import than a merge takes.
    """
    if constant is None:
        return []
    tensor = attr(constant, "value").tensor
    count = 1
    for dim in tensor.tensor_shape.dim:
        count *= dim.size
    if tensor.dtype not in _FORMATS or not 0 < count <= _MOST:
        return []
    letter, field = _FORMATS[tensor.dtype]
    layout = f"<{count}{letter}"
    if len(tensor.tensor_content) == struct.calcsize(layout):
        return [float(one) for one in struct.unpack(layout, tensor.tensor_content)]
    values = [float(one) for one in getattr(tensor, field)[:count]]
    return values + values[-1:] * (count - len(values))
