"""What may be meant by the numbers on a wire, and warnings where the two sides seem to mean different things (R5).

Guesses, read off the ops next to the wire: whether an image comes as 0-255 or 0-1 and what the taker expects, and
whether channels stand first or last. Nothing here can stop a merge.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from workbench import names
from workbench.disk.nodes import attr
from workbench.disk.schema import Message
from workbench.findings import Finding
from workbench.model import MetaGraph, Shape
from workbench.model.shapes import text
from workbench.names import show
from workbench.surgery.join import Link

Range = Literal["0-255", "0-1"]
_STEPS = 200
_CHANNELS = (1, 3, 4)
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
# Ops that move values about and leave them as they are.
_MOVES = frozenset(
    [
        "Identity",
        "IdentityN",
        "Reshape",
        "ExpandDims",
        "Squeeze",
        "StopGradient",
        "EnsureShape",
        "PlaceholderWithDefault",
        "Transpose",
        "Pad",
        "PadV2",
        "MirrorPad",
        "ReverseV2",
        "StridedSlice",
        "Slice",
        "Pack",
        "ConcatV2",
        "Cast",
        "ResizeBilinear",
        "ResizeNearestNeighbor",
        "ResizeBicubic",
        "ResizeArea",
        "CropAndResize",
    ]
)
_DECODERS = frozenset(
    {"DecodePng", "DecodeJpeg", "DecodeImage", "DecodeBmp", "DecodeGif", "DecodeAndCropJpeg"}
)
_UINT8 = 4


@dataclass(frozen=True, slots=True)
class _Place:
    """A node in the main graph or in a body, with the way back to the call."""

    nodes: Mapping[str, Message]
    outer: tuple[_Place, Message, tuple[str, ...]] | None
    name: str
    arg: str = ""
    index: int = 0


def remarks(link: Link, source: MetaGraph, target: MetaGraph) -> Iterator[Finding]:
    """The warnings about a wire's meaning."""
    where = show(str(link))
    layout = _layout(link.source.shapes[0], link.target.shapes[0])
    if layout is not None:
        yield Finding(
            "R5-layout", "warning", where, layout, "If so, a tf.transpose between the models would help."
        )
    if len(link.source.tensors) != 1:
        return
    given = given_range(source, link.source.tensors[0])
    wanted = wanted_range(target, link.target.tensors[0])
    if given == "0-1" and wanted == "0-255":
        yield Finding(
            "R5-range", "warning", where,
            "The output seems to be scaled to 0-1 already, and the model that takes it divides by 255 again.",
            "Wire the tensor before the scaling, or behind the taker's own.",
        )  # fmt: skip
    elif given == "0-255" and wanted is None:
        yield Finding(
            "R5-range", "warning", where,
            "The output seems to be pixels of 0-255, and the model that takes it does not scale them; many expect 0-1.",
            "If it does, put a division by 255 between the models.",
        )  # fmt: skip


def _layout(have: Shape, want: Shape) -> str | None:
    if have is None or want is None or len(have) != 4 or len(want) != 4:
        return None
    last, first = (
        have[3] in _CHANNELS and have[1] not in _CHANNELS,
        want[1] in _CHANNELS and want[3] not in _CHANNELS,
    )
    if last and first:
        return f"The output {text(have)} looks like NHWC, the input {text(want)} like NCHW."
    last, first = (
        want[3] in _CHANNELS and want[1] not in _CHANNELS,
        have[1] in _CHANNELS and have[3] not in _CHANNELS,
    )
    if last and first:
        return f"The output {text(have)} looks like NCHW, the input {text(want)} like NHWC."
    return None


def given_range(meta: MetaGraph, tensor: str) -> Range | None:
    """What range an output is in, if the ops before it tell: decoded pixels, scaled or not."""
    parsed = names.input_tensor(tensor)
    place: _Place | None = _Place(meta.nodes, None, parsed.node, "", parsed.index)
    for _ in range(_STEPS):
        node = place.nodes.get(place.name) if place is not None else None
        if place is None or node is None:
            return None
        if node.op in _DECODERS:
            return "0-255"
        if node.op in ("Mul", "RealDiv", "Div"):
            return "0-1" if _is_scaling(node, place.nodes) else None
        if node.op in _CALLS:
            place = _into(meta, place, node)
        elif node.op in _MOVES and node.input:
            if node.op == "Cast" and attr(node, "SrcT").type == _UINT8:
                return "0-255"
            place = _back(place, node.input[0])
        else:
            return None
    return None


def _into(meta: MetaGraph, place: _Place, call: Message) -> _Place | None:
    function = meta.functions.get(attr(call, "f").func.name)
    if function is None or place.index >= len(function.signature.output_arg):
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
    """`0-255` if the first thing done with an input is to scale it down; None if nothing tells."""
    parsed = names.input_tensor(tensor)
    return _wanted(meta, meta.nodes, {parsed.node}, 0)


def _wanted(meta: MetaGraph, nodes: Mapping[str, Message], names_: set[str], depth: int) -> Range | None:
    carriers, changed = set(names_), True
    while changed and len(carriers) < _STEPS:
        changed = False
        for node in nodes.values():
            if node.name in carriers or not any(names.input_node(text_) in carriers for text_ in node.input):
                continue
            if node.op in ("Mul", "RealDiv", "Div") and _is_scaling(node, nodes):
                return "0-255"
            if node.op in _CALLS and depth < 8:
                found = _wanted_in_body(meta, node, carriers, depth)
                if found is not None:
                    return found
            if node.op in _MOVES:
                carriers.add(node.name)
                changed = True
    return None


def _wanted_in_body(meta: MetaGraph, call: Message, carriers: set[str], depth: int) -> Range | None:
    function = meta.functions.get(attr(call, "f").func.name)
    if function is None:
        return None
    arguments = [
        arg.name
        for arg, text_ in zip(function.signature.input_arg, call.input, strict=False)
        if names.input_node(text_) in carriers
    ]
    inner = {node.name: node for node in function.node_def}
    return _wanted(meta, inner, set(arguments), depth + 1)


def _is_scaling(node: Message, nodes: Mapping[str, Message]) -> bool:
    """Whether a product or quotient takes 0-255 to 0-1 or about it (1/255, 1/127.5)."""
    for text_ in node.input[:2]:
        constant = nodes.get(names.input_node(text_))
        while constant is not None and constant.op in ("Identity", "Cast"):
            constant = nodes.get(names.input_node(constant.input[0]))
        if constant is None or constant.op != "Const":
            continue
        value = _scalar(attr(constant, "value").tensor)
        if value is None or value == 0:
            continue
        factor = value if node.op == "Mul" else 1 / value
        if 1 / 256.5 <= factor <= 1 / 127:
            return True
    return False


_SCALARS = {1: ("<f", "float_val"), 2: ("<d", "double_val"), 3: ("<i", "int_val"), 9: ("<q", "int64_val")}


def _scalar(tensor: Message) -> float | None:
    """The one number in a TensorProto of a common dtype; numpy would cost more to import than a merge takes."""
    if tensor.dtype not in _SCALARS or any(dim.size != 1 for dim in tensor.tensor_shape.dim):
        return None
    layout, field = _SCALARS[tensor.dtype]
    if len(tensor.tensor_content) == struct.calcsize(layout):
        return float(struct.unpack(layout, tensor.tensor_content)[0])
    values = getattr(tensor, field)
    return float(values[0]) if len(values) == 1 else None
