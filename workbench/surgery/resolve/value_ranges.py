"""Which range the numbers on a wire are in, and which the model that takes them expects, as far as the graphs tell.

Read off the ops next to the wire: a decoder gives 0-255, what a scaling makes of that is followed; a network that
begins with a scaling, or takes a mean off, says what it expects. Nothing is guessed from names.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from workbench import names
from workbench.disk.nodes import attr
from workbench.disk.schema import NodeDef
from workbench.model import MetaGraph
from workbench.model.op_classes import CALLS, LOOPS

Range = Literal["0-255", "0-1", "-1-1"]
_STEPS = 200
_MAX_DEPTH = 8
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


@dataclass(frozen=True, slots=True)
class _Place:
    """A node in the main graph or in a body, with the way back to the call."""

    nodes: Mapping[str, NodeDef]
    outer: tuple[_Place, NodeDef, tuple[str, ...]] | None
    name: str
    arg: str = ""
    index: int = 0


def given_range(meta: MetaGraph, tensor: str, *, squashed: bool = True) -> Range | None:
    """Return the range of an output, if the ops before it tell: decoded pixels, scaled or not.

    Args:
        meta: the MetaGraph.
        tensor: of its main graph.
        squashed: also count what a sigmoid, softmax or tanh gives.
    """
    parsed = names.input_tensor(tensor)
    place: _Place | None = _Place(meta.nodes, None, parsed.node, "", parsed.index)
    shifted = False
    for _ in range(_STEPS):
        node = place.nodes.get(place.name) if place is not None else None
        if place is None or node is None:
            return None
        if node.op in _DECODERS or (node.op == "Cast" and attr(node, "SrcT").type == _UINT8):
            return None if shifted else "0-255"
        if node.op in _SQUASHED:
            return _SQUASHED[node.op] if squashed and not shifted else None
        if node.op in ("Mul", "RealDiv", "Div"):
            if not _is_scaling(node, place):
                return None
            return "-1-1" if shifted else "0-1"
        if node.op in ("Sub", "Add", "AddV2"):
            other = _other_than_constant(node, place)
            shifted, place = True, _back(place, other) if other is not None else None
        elif node.op in CALLS or node.op in LOOPS:
            place = _into(meta, place, node)
        elif node.op in _MOVES and len(node.input) > _MOVES[node.op]:
            place = _back(place, node.input[_MOVES[node.op]])
        else:
            return None
    return None


def _into(meta: MetaGraph, place: _Place, call: NodeDef) -> _Place | None:
    function = meta.functions.get(attr(call, "body" if call.op in LOOPS else "f").func.name)
    if function is None or place.index >= len(function.signature.output_arg):
        return None
    depth, outer = 0, place.outer
    while outer is not None:
        depth, outer = depth + 1, outer[0].outer
    if depth > _MAX_DEPTH:
        return None
    arguments = tuple(arg.name for arg in function.signature.input_arg)
    result = function.ret.get(function.signature.output_arg[place.index].name, "")
    inner = {node.name: node for node in function.node_def}
    return _back(_Place(inner, (place, call, arguments), ""), result)


def _back(place: _Place, text_: str) -> _Place | None:
    """The place an input names; the call's own input where it is an argument of the body."""
    name, _, rest = text_.partition(":")
    if place.outer is None:
        return _Place(place.nodes, None, name, "", names.output_number(rest))
    if name in place.nodes:
        arg, _, index = rest.partition(":")
        return _Place(place.nodes, place.outer, name, arg, names.output_number(index))
    caller, call, arguments = place.outer
    if name not in arguments or arguments.index(name) >= len(call.input):
        return None
    return _back(caller, call.input[arguments.index(name)])


def wanted_range(meta: MetaGraph, tensor: str) -> Range | None:
    """Return the range an input is expected in, by the first thing done with it; None if nothing tells."""
    parsed = names.input_tensor(tensor)
    return _wanted(meta, _Place(meta.nodes, None, ""), {parsed.node}, 0)


def _wanted(meta: MetaGraph, here: _Place, names_: set[str], depth: int) -> Range | None:
    consumers: dict[str, list[NodeDef]] = {}
    for node in here.nodes.values():
        for text_ in node.input:
            consumers.setdefault(names.input_node(text_), []).append(node)
    carriers, todo = set(names_), deque(names_)
    while todo and len(carriers) < _STEPS:
        for node in consumers.get(todo.popleft(), ()):
            if node.name in carriers:
                continue
            found = _expects(node, here)
            if found is None and node.op in (*CALLS, *LOOPS) and depth < _MAX_DEPTH:
                found = _wanted_in_body(meta, here, node, carriers, depth)
            if found is not None:
                return found
            if node.op in _MOVES:
                carriers.add(node.name)
                todo.append(node.name)
    return None


def _expects(node: NodeDef, here: _Place) -> Range | None:
    """What an op says about the range of what it takes: a scaling, or a mean that is taken off."""
    if node.op in ("Mul", "RealDiv", "Div"):
        if _is_scaling(node, here):
            return "0-255"
        factor = _factor(node, here)
        return "0-1" if factor is not None and 250 <= factor <= 256 else None
    if node.op == "Sub" and len(node.input) > 1:
        mean = _values(_constant(here, node.input[1]))
        if mean and _MEAN_OF_BYTES[0] <= max(mean) <= _MEAN_OF_BYTES[1]:
            return "0-255"
        if len(mean) == 3 and all(_MEAN_OF_ONE[0] <= one <= _MEAN_OF_ONE[1] for one in mean):
            return "0-1"
    return None


def _wanted_in_body(
    meta: MetaGraph, here: _Place, call: NodeDef, carriers: set[str], depth: int
) -> Range | None:
    function = meta.functions.get(attr(call, "body" if call.op in LOOPS else "f").func.name)
    if function is None:
        return None
    names_ = tuple(arg.name for arg in function.signature.input_arg)
    reached = {
        name for name, text_ in zip(names_, call.input, strict=False) if names.input_node(text_) in carriers
    }
    inner = {node.name: node for node in function.node_def}
    return _wanted(meta, _Place(inner, (here, call, names_), ""), reached, depth + 1)


# -- constants


def _is_scaling(node: NodeDef, here: _Place) -> bool:
    """Whether a product or quotient takes 0-255 to 0-1 or about it (1/255, 1/127.5)."""
    factor = _factor(node, here)
    return factor is not None and 1 / 256.5 <= factor <= 1 / 127


def _factor(node: NodeDef, here: _Place) -> float | None:
    """The one number by which a product or quotient scales."""
    for text_ in node.input[:2]:
        values = _values(_constant(here, text_))
        if len(values) == 1 and values[0] != 0:
            return values[0] if node.op == "Mul" else 1 / values[0]
    return None


def _other_than_constant(node: NodeDef, here: _Place) -> str | None:
    """The operand beside a constant."""
    if len(node.input) < 2:
        return None
    for text_, other in ((node.input[1], node.input[0]), (node.input[0], node.input[1])):
        if _values(_constant(here, text_)):
            return str(other)
    return None


def _constant(here: _Place, text_: str) -> NodeDef | None:
    """The Const behind an input, also where it comes into a body as an argument."""
    place = _back(here, text_)
    for _ in range(_MAX_DEPTH):
        node = place.nodes.get(place.name) if place is not None else None
        if place is None or node is None or node.op not in ("Identity", "Cast"):
            return node if node is not None and node.op == "Const" else None
        place = _back(place, node.input[0])
    return None


_FORMATS = {1: ("f", "float_val"), 2: ("d", "double_val"), 3: ("i", "int_val"), 9: ("q", "int64_val")}
_MOST = 4


def _values(constant: NodeDef | None) -> list[float]:
    """A few numbers of a common dtype; none otherwise. numpy would cost more to import than a merge takes."""
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
