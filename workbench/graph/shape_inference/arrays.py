"""Ops that make tensors, ask for shapes, or give the same elements another shape."""

from __future__ import annotations

from workbench.disk.schema import NodeDef, TensorProto
from workbench.graph.shape_inference.rules import Op, Pin, Refused, rule
from workbench.graph.shape_inference.sizes import (
    BATCH,
    Facts,
    Rows,
    Sizes,
    product,
    text,
    times,
)
from workbench.model import shapes

_MOST_ELEMENTS = 64
_MOST_COMPARED = 1 << 16
_INT32, _INT64 = 3, 9


def of_constant(node: NodeDef) -> Facts:
    """Return the facts of a Const: its shape, a few integers, whether all elements are equal."""
    if "value" not in node.attr:  # of a damaged model
        return Facts(None)
    tensor = node.attr["value"].tensor
    sizes = shapes.from_proto(tensor.tensor_shape)
    count = shapes.count(sizes)
    if count is None:
        return Facts(sizes)
    value = None
    if tensor.dtype in (_INT32, _INT64) and count <= _MOST_ELEMENTS:
        value = _elements(tensor, count)
    uniform = _is_uniform(tensor, count)
    return Facts(sizes, value, uniform=uniform, alike=uniform or _is_alike(tensor, sizes, count))


def _elements(tensor: TensorProto, count: int) -> tuple[int, ...] | None:
    if tensor.tensor_content:
        size = 4 if tensor.dtype == _INT32 else 8
        content = bytes(tensor.tensor_content)
        if len(content) != size * count:
            return None
        return tuple(
            int.from_bytes(content[at : at + size], "little", signed=True)
            for at in range(0, len(content), size)
        )
    listed = [int(one) for one in (tensor.int_val if tensor.dtype == _INT32 else tensor.int64_val)]
    if len(listed) > count:
        return None
    return tuple([*listed, *[listed[-1] if listed else 0] * (count - len(listed))])


def _is_alike(tensor: TensorProto, sizes: Sizes, count: int) -> bool:
    """Return whether all entries of the first dimension are equal, as far as the bytes tell."""
    content = bytes(tensor.tensor_content) if count <= _MOST_COMPARED else b""
    rows = sizes[0] if sizes else None
    if not isinstance(rows, int) or rows < 1 or not content or len(content) % rows:
        return False
    return content == content[: len(content) // rows] * rows


def _is_uniform(tensor: TensorProto, count: int) -> bool:
    """Return whether all elements are equal, as far as the bytes tell."""
    if count > _MOST_COMPARED:
        return False
    content = bytes(tensor.tensor_content)
    if content:
        size = len(content) // max(count, 1)
        return size > 0 and content == content[:size] * count
    if tensor.string_val:
        return len(set(tensor.string_val)) == 1 and len(tensor.string_val) in (1, count)
    values = next(
        (
            listed
            for listed in (
                tensor.float_val,
                tensor.double_val,
                tensor.int_val,
                tensor.int64_val,
                tensor.bool_val,
            )
            if listed
        ),
        (),
    )
    return len(set(values)) <= 1


@rule("Const")
def constant(op: Op) -> list[Facts]:
    """Return the shape of a constant, and its value if it is a few integers."""
    return [of_constant(op.node)]


@rule("Shape ShapeN")
def shape(op: Op) -> list[Facts]:
    """Return shapes as values."""
    return [Facts((facts.rank,), facts.sizes) for facts in op.inputs]


@rule("Size")
def size(op: Op) -> list[Facts]:
    """Return the number of elements as a value."""
    sizes = op.input(0).sizes
    return [Facts((), None if sizes is None else (product(sizes),))]


@rule("Rank")
def rank(op: Op) -> list[Facts]:
    """Return the number of dimensions as a value."""
    found = op.input(0).rank
    return [Facts((), None if found is None else (found,))]


@rule("Fill")
def filled(op: Op) -> list[Facts]:
    """Return a tensor of one value, of the shape that the first input is."""
    return [Facts(op.input(0).value, uniform=True)]


@rule("Range")
def numbers(op: Op) -> list[Facts]:
    """Return a vector of numbers from a start to a limit."""
    values = [op.input(at).value for at in range(3)]
    if any(value is None or len(value) != 1 for value in values):
        return [Facts((None,))]
    start, limit, step = (value[0] for value in values if value is not None)
    if isinstance(start, int) and isinstance(limit, int) and isinstance(step, int) and step:
        count = max(0, -(-(limit - start) // step))
        value = tuple(range(start, limit, step)) if count <= _MOST_ELEMENTS else None
        return [Facts((count,), value)]
    return [Facts((limit if start == 0 and step == 1 else None,))]


@rule("BroadcastTo")
def broadcast_to(op: Op) -> list[Facts]:
    """Return the shape that the second input is, which must have the rows of the first one."""
    facts, target = op.input(0), op.input(1).value
    if facts.axis is None:
        return [facts.of(target)]
    if target is None or facts.sizes is None:
        raise Refused("reshape-pinned", f"{op.named(1)} is not known")
    at = facts.axis + len(target) - len(facts.sizes)
    if op.is_batch(target[at]) and facts.sizes[facts.axis] == BATCH:
        target = (*target[:at], BATCH, *target[at + 1 :])
        op.need(1, target)
    elif target[at] != facts.sizes[facts.axis]:
        raise Refused(
            "reshape-pinned", f"{op.named(1)} is {text(target)}, which lacks the batch of its input"
        )
    return [facts.of(target)]


@rule("Tile")
def tiled(op: Op) -> list[Facts]:
    """Return each size times its multiple."""
    facts, multiples = op.input(0), op.input(1).value
    if facts.sizes is None or multiples is None or len(multiples) != len(facts.sizes):
        if op.carried():
            raise Refused("reshape-op", f"{op.named(1)} is not known")
        return [Facts(None if facts.sizes is None else (None,) * len(facts.sizes))]
    return [facts.of(tuple(times(many, one) for many, one in zip(multiples, facts.sizes, strict=True)))]


@rule("ExpandDims")
def expanded(op: Op) -> list[Facts]:
    """Return the shape with one more dimension of 1."""
    facts, at = op.input(0), op.scalar(1)
    if facts.sizes is None or at is None:
        if op.carried():
            raise Refused("reshape-op", f"{op.named(1)} is not known")
        return [Facts()]
    if facts.kept:
        return [_row_again(op, facts, at)]
    at = at if at >= 0 else at + len(facts.sizes) + 1
    return [facts.reshaped((*facts.sizes[:at], 1, *facts.sizes[at:]))]


def _row_again(op: Op, facts: Facts, at: int) -> Facts:
    """Return the only row of a batch with one more dimension, which may be that of the batch again."""
    assert facts.sizes is not None
    rank = len(facts.sizes) - 1  # of the row
    if facts.axis != 0:
        raise Refused("reshape-pinned", "its input has lost the dimension of the batch before it")
    if at in (0, -rank - 1):
        op.pins.append(Pin(0, op="Identity"))
        return facts._replace(kept=False)
    if at > 0:
        op.need(1, (at + 1,))
    place = at + 1 if at > 0 else at + rank + 2
    return facts.reshaped((*facts.sizes[:place], 1, *facts.sizes[place:]))


@rule("Squeeze")
def squeezed(op: Op) -> list[Facts]:
    """Return the shape without dimensions of 1, which must not be the batch."""
    facts = op.input(0)
    listed = list(op.attr("squeeze_dims").list.i or op.attr("axis").list.i)
    if facts.sizes is None:
        if op.carried():
            raise Refused("reshape-op", "the rank of its input is not known")
        return [Facts()]
    axes = {int(one) if one >= 0 else int(one) + len(facts.sizes) for one in listed}
    if facts.axis is None or op.batch is None:
        if not axes and None in facts.sizes:
            return [Facts()]
        kept = [one for at, one in enumerate(facts.sizes) if (at not in axes if axes else one != 1)]
        return [facts.reshaped(tuple(kept))]
    return [_squeezed_beside_batch(op, facts, axes)]


def _squeezed_beside_batch(op: Op, facts: Facts, axes: set[int]) -> Facts:
    """Return what a Squeeze leaves of a tensor with rows of the batch, whose dimension stays."""
    assert facts.sizes is not None and facts.axis is not None
    rows = facts.sizes[facts.axis]
    assert isinstance(rows, Rows)
    gone = op.batch == 1 and rows == BATCH and (not axes or facts.axis in axes)
    if not axes and None in facts.sizes:
        raise Refused(
            "reshape-op", f"which dimensions it removes is not known: its input is {text(facts.sizes)}"
        )
    rest = axes - {facts.axis} if axes else {at for at, one in enumerate(facts.sizes) if one == 1}
    if not axes or facts.axis in axes:
        op.pins.append(Pin(0, squeezed=tuple(sorted(rest))))
    left = tuple(one for at, one in enumerate(facts.sizes) if at not in rest)
    return facts._replace(sizes=left, kept=facts.kept or gone)


@rule("Transpose ConjugateTranspose")
def transposed(op: Op) -> list[Facts]:
    """Return the shape in another order."""
    facts, order = op.input(0), op.ints(1)
    if facts.sizes is None or order is None or sorted(order) != list(range(len(facts.sizes))):
        if op.carried():
            raise Refused("reshape-op", f"{op.named(1)} is not known")
        return [Facts(None if facts.sizes is None else (None,) * len(facts.sizes))]
    return [facts.of(tuple(facts.sizes[at] for at in order))]


@rule("OneHot")
def one_hot(op: Op) -> list[Facts]:
    """Return the shape of the indices with the depth as one more dimension."""
    sizes, at = op.input(0).sizes, int(op.attr("axis").i)
    if sizes is None:
        if op.carried():
            raise Refused("reshape-op", "the rank of its input is not known")
        return [Facts()]
    at = at if at >= 0 else len(sizes)
    return [Facts((*sizes[:at], op.scalar(1), *sizes[at:]))]
