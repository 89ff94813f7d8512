"""What a graph does with an input first: the range of numbers and the order of colours that it expects.

Arithmetic with constants is added up channel by channel, `scale * x + offset`, until the sum is one that networks
begin with: pixels divided by 255, less the mean of ImageNet, `2x - 1`. Nothing is guessed from names.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from workbench.disk.nodes import attr
from workbench.disk.schema import NodeDef
from workbench.graph.calls import Kind
from workbench.graph.level import Level, Use, Value
from workbench.graph.trace import given_out, origin
from workbench.model import MetaGraph

Range = Literal["0-255", "0-1", "-1-1"]
Order = Literal["RGB", "BGR"]
INTO: frozenset[Kind] = frozenset({"call", "loop"})
# Ops that move values about and leave them as they are, by the input that they take.
MOVES = dict.fromkeys(
    """
    Identity IdentityN Reshape ExpandDims Squeeze StopGradient EnsureShape PlaceholderWithDefault Transpose Pad PadV2
    MirrorPad ReverseV2 StridedSlice Slice Pack ConcatV2 Cast ResizeBilinear ResizeNearestNeighbor ResizeBicubic
    ResizeArea ScaleAndTranslate CropAndResize TensorListStack TensorListFromTensor TensorListGetItem
    """.split(),  # noqa: SIM905
    0,
) | {"TensorListSetItem": 2}
STEPS = 1_000
_OF_CONSTANTS = frozenset({"Identity", "Cast", "Reshape", "ExpandDims", "Squeeze"})
_IMAGENET = (123.68, 116.78, 103.94)
"""Means of red, green and blue, from 0 to 255; 0.485, 0.456 and 0.406 are these by 255."""
_NEAR = 2.6  # how far from these the means of other sets of pictures are: CLIP's, or rounded ones


class FirstOps(NamedTuple):
    """What a graph shows of an input by the first ops on it.

    Attributes:
        range: the range of numbers that it expects, or None.
        order: whether red or blue comes first, or None.
        range_by: the ops that show the range, in words: `x / 255`.
        order_by: the ops that show the order, in words.
    """

    range: Range | None = None
    order: Order | None = None
    range_by: str = ""
    order_by: str = ""


class _Trail(NamedTuple):
    """A value, and what it is of the input: `scale * x + offset`, one number or one for each channel."""

    value: Value
    scale: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)
    reversed: bool | None = False  # None where the order is not known any more
    words: str = "x"

    @property
    def means(self) -> tuple[float, ...]:
        """What is taken off the input before it is scaled."""
        scale, offset = _same_length(self.scale, self.offset)
        return tuple(-b / a for a, b in zip(scale, offset, strict=True))


def first_ops(meta: MetaGraph, tensor: str) -> FirstOps:
    """Return what the first ops on an input show.

    Args:
        meta: the MetaGraph.
        tensor: of its main graph.
    """
    start = Level.of(meta).value(tensor)
    found = FirstOps()
    if start is None:
        return found
    todo, seen = deque([_Trail(start)]), {start}
    while todo and len(seen) < STEPS:
        trail = todo.popleft()
        if trail.words != "x":
            range_, order = (_range(trail), _order(trail))
            if found.range is None and range_ is not None:
                found = found._replace(range=range_, range_by=trail.words)
            if found.order is None and order is not None:
                found = found._replace(order=order, order_by=trail.words)
            if found.range is not None and found.order is not None:
                return found
        for further in _next(trail):
            if further.value not in seen:
                seen.add(further.value)
                todo.append(further)
    return found


def _next(trail: _Trail) -> Iterator[_Trail]:
    """Yield what a value becomes by each op that uses it."""
    for use in trail.value.level.uses(trail.value):
        made = _arithmetic(trail, use)
        if made is not None:
            yield made
        elif _reverses(use) or (use.op == "Pack" and _channels(use) == (2, 1, 0)):
            words = f"{trail.words} with its channels reversed"
            turned = None if trail.reversed is None else not trail.reversed
            yield trail._replace(value=use.output(), reversed=turned, words=words)
        elif use.op in ("Pack", "ConcatV2") and len(use.node.input) >= 3 and _channels(use) != (0, 1, 2):
            yield trail._replace(value=use.output(), reversed=None)
        elif use.op in MOVES:
            yield trail._replace(value=use.output(use.position if use.op == "IdentityN" else 0))
        for argument in use.arguments() if made is None else ():
            if argument.level.call is not None and argument.level.call.kind in INTO:
                yield trail._replace(value=argument)
    for output in given_out(trail.value):
        yield trail._replace(value=output)


def _arithmetic(trail: _Trail, use: Use) -> _Trail | None:
    """Return what arithmetic with a constant makes of a value, or None."""
    if use.op not in ("Mul", "RealDiv", "Div", "Sub", "Add", "AddV2", "BiasAdd") or use.position > 1:
        return None
    numbers = values(use.input(1 - use.position))
    if not numbers or (use.position == 1 and use.op in ("RealDiv", "Div", "Sub")):
        return None
    text = " ".join(f"{one:.6g}" for one in numbers)
    first = trail.words if " " not in trail.words else f"({trail.words})"
    if use.op in ("Mul", "RealDiv", "Div"):
        if 0.0 in numbers:
            return None
        by = numbers if use.op == "Mul" else tuple(1 / one for one in numbers)
        scale, offset = _times(trail.scale, by), _times(trail.offset, by)
        words = f"{first} {'*' if use.op == 'Mul' else '/'} {text}"
        return trail._replace(value=use.output(), scale=scale, offset=offset, words=words)
    less = use.op == "Sub" or all(one < 0 for one in numbers)
    more = tuple(-one for one in numbers) if use.op == "Sub" else numbers
    if use.op != "Sub" and less:
        text = " ".join(f"{-one:.6g}" for one in numbers)
    one, other = _same_length(trail.offset, more)
    offset = tuple(a + b for a, b in zip(one, other, strict=True))
    words = f"{first} {'-' if less else '+'} {text}"
    return trail._replace(value=use.output(), offset=offset, words=words)


def _same_length(one: Sequence[float], other: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    most = max(len(one), len(other))
    first, second = (tuple(x) * most if len(x) == 1 else tuple(x) for x in (one, other))
    return first[: len(second)], second[: len(first)]


def _times(one: Sequence[float], other: Sequence[float]) -> tuple[float, ...]:
    return tuple(a * b for a, b in zip(*_same_length(one, other), strict=True))


def _reverses(use: Use) -> bool:
    """Return whether an op turns the order of the last dimension around."""
    if use.position != 0:
        return False
    if use.op == "ReverseV2":
        return values(use.input(1)) in ((-1.0,), (3.0,))
    if use.op == "StridedSlice":
        strides = values(use.input(3))
        return bool(strides) and strides[-1] == -1 and all(one == 1 for one in strides[:-1])
    last = values(use.input(2)) in ((-1.0,), (3.0,))
    return use.op == "GatherV2" and last and values(use.input(1)) == (2.0, 1.0, 0.0)


def _channels(use: Use) -> tuple[int, ...]:
    """Return which channels of one value an op puts beside each other; none where it does something else."""
    found: list[int] = []
    sources: set[Value | None] = set()
    for position in range(len(use.node.input)):
        value = use.input(position)
        node = value.node if value is not None else None
        if value is None or node is None or node.op != "StridedSlice":
            return ()
        begin = values(value.level.input(node, 1))
        sources.add(value.level.input(node, 0))
        if not begin or any(begin[:-1]) or not attr(node, "shrink_axis_mask").i:
            return ()
        found.append(int(begin[-1]))
    return tuple(found) if len(sources) == 1 else ()


def _range(trail: _Trail) -> Range | None:
    """Return the range of an input of which a network makes such numbers."""
    scale = sum(trail.scale) / len(trail.scale)
    offset, means = sum(trail.offset) / len(trail.offset), trail.means
    mean = sum(means) / len(means)
    if 1 / 300 <= scale <= 1 / 40:
        return "0-255"
    if 250 <= scale <= 256:
        return "0-1"
    if (0.45 <= scale <= 0.55 and 0.45 <= offset <= 0.55) or (126 <= scale <= 129 and 126 <= offset <= 129):
        return "-1-1"
    if scale == 1 and 64 <= max(means) <= 192:
        return "0-255"
    centred = all(0.3 <= one <= 0.7 for one in means)
    if (scale == 1 and centred and len(means) == 3) or (1.5 <= scale <= 6 and 0.3 <= mean <= 0.7 and centred):
        return "0-1"
    return None


def _order(trail: _Trail) -> Order | None:
    """Return whether red or blue comes first, by the means of ImageNet."""
    means = trail.means
    if len(means) != 3 or trail.reversed is None:
        return None
    for unit in (1.0, 255.0, 127.5):
        wanted = tuple(one / unit - (1 if unit == 127.5 else 0) for one in _IMAGENET)
        for order, listed in (("RGB", wanted), ("BGR", wanted[::-1])):
            if all(abs(a - b) <= _NEAR / unit for a, b in zip(means, listed, strict=True)):
                return "RGB" if (order == "RGB") != trail.reversed else "BGR"
    return None


# -- constants


def constant(value: Value | None) -> NodeDef | None:
    """Return the Const behind a value, also where it enters a body as an argument."""
    node = None if value is None else origin(value, _OF_CONSTANTS, into=()).node
    return node if node is not None and node.op == "Const" else None


_FORMATS = {1: ("f", "float_val"), 2: ("d", "double_val"), 3: ("i", "int_val"), 9: ("q", "int64_val")}
_MOST = 4


def values(value: Value | None) -> tuple[float, ...]:
    """Return up to a few numbers of the Const behind a value, of a common dtype.

    numpy would cost more to import than a merge takes.
    """
    node = constant(value)
    if node is None:
        return ()
    tensor = attr(node, "value").tensor
    count = 1
    for dim in tensor.tensor_shape.dim:
        count *= dim.size
    if tensor.dtype not in _FORMATS or not 0 < count <= _MOST:
        return ()
    letter, field = _FORMATS[tensor.dtype]
    layout = f"<{count}{letter}"
    if len(tensor.tensor_content) == struct.calcsize(layout):
        return tuple(float(one) for one in struct.unpack(layout, tensor.tensor_content))
    found = [float(one) for one in getattr(tensor, field)[:count]]
    return tuple(found + found[-1:] * (count - len(found)))
