"""Ops that make tensors, ask for shapes, or give the same elements another shape."""

from __future__ import annotations

from dataclasses import replace

from workbench.disk.nodes import attr
from workbench.disk.schema import NodeDef, TensorProto
from workbench.graph.shape_inference.rules import Op, Pin, Refused, rule
from workbench.graph.shape_inference.sizes import (
    BATCH,
    Facts,
    Rows,
    Size,
    Sizes,
    divided,
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
    tensor = attr(node, "value").tensor
    sizes = shapes.from_proto(tensor.tensor_shape)
    count = shapes.count(sizes)
    if count is None:
        return Facts(sizes)
    value = None
    if tensor.dtype in (_INT32, _INT64) and count <= _MOST_ELEMENTS:
        value = _elements(tensor, count)
    return Facts(sizes, value, uniform=_is_uniform(tensor, count))


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
        return replace(facts, kept=False)
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
    return replace(facts, sizes=left, kept=facts.kept or gone)


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


# -- Reshape


@rule("Reshape")
def reshaped(op: Op) -> list[Facts]:
    """Return the shape that the second input is; a constant with the old batch is replaced."""
    facts, target = op.input(0), op.input(1).value
    if op.has_rows(facts):
        sizes = _with_rows(op, facts, target)
        return [replace(facts.of(sizes), kept=False)]
    if target is None:
        return [facts.of((None,) * count if (count := _count_of(op)) is not None else None)]
    if any(isinstance(size, Rows) for size in target):
        raise Refused(
            "reshape-pinned", f"{op.named(0)} has no rows of the batch, and its new shape {text(target)} has"
        )
    sizes = _resolved(target, None if facts.sizes is None else product(facts.sizes))
    return [replace(facts.of(sizes), value=facts.value)]


def _count_of(op: Op) -> int | None:
    """Return how many elements the target has."""
    sizes = op.input(1).sizes
    return sizes[0] if sizes is not None and len(sizes) == 1 and isinstance(sizes[0], int) else None


def _resolved(target: tuple[Size, ...], total: Size) -> tuple[Size, ...]:
    """Return a target whose -1 is replaced by what is left of all elements."""
    if -1 not in target:
        return target
    at = target.index(-1)
    rest = product([*target[:at], *target[at + 1 :]])
    left = divided(total, rest) if rest != 0 else None
    return (*target[:at], left, *target[at + 1 :])


def _with_rows(op: Op, facts: Facts, target: tuple[Size, ...] | None) -> Sizes:
    """Return the new shape of a tensor with rows of the batch."""
    assert facts.sizes is not None and facts.axis is not None
    if target is None:
        raise Refused(
            "reshape-pinned",
            f"{op.named(1)} is not known, and may hold the old batch",
        )
    rows = facts.sizes[facts.axis]
    assert isinstance(rows, Rows)
    before = product(facts.sizes[: facts.axis])
    if not isinstance(before, int):
        before = None
    total = product(facts.sizes)
    outer = None if before is None else before * rows.outer
    holders = [at for at, size in enumerate(target) if isinstance(size, Rows)]
    if len(holders) > 1:
        raise Refused("reshape-rows", f"its new shape {text(target)} has the batch twice")
    if holders:
        return _placed(op, target, holders[0], outer, total)
    found = _find_holder(target, outer, total, op.batch)
    if found is None:
        raise Refused(
            "reshape-pinned",
            f"its new shape {text(target)} has no dimension for the batch of its input {text(facts.sizes)}",
        )
    at, held = found
    sizes = _resolved((*target[:at], 1, *target[at + 1 :]), _per_row(total, held))
    if target[at] != -1:
        known = [old if size is None else size for old, size in zip(target, sizes, strict=True)]
        op.need(1, (*known[:at], held, *known[at + 1 :]))
    return (*sizes[:at], held, *sizes[at + 1 :])


def _per_row(total: Size, held: Rows) -> Size:
    """Return the elements of all other dimensions beside that of the batch."""
    if not isinstance(total, Rows) or total.factor is None or not held.factor:
        return None
    return total.factor // held.factor


def _placed(op: Op, target: tuple[Size, ...], at: int, outer: int | None, total: Size) -> Sizes:
    """Return a target that has the batch already, its multiple split as the elements lie."""
    held = target[at]
    assert isinstance(held, Rows)
    before = _known_before(target, at)
    sizes = _resolved(target, total)
    if before is None or outer is None or held.factor is None:
        return (*sizes[:at], Rows(1, held.inner) if before == outer else held, *sizes[at + 1 :])
    if outer % before or held.factor % (outer // before):
        raise Refused("reshape-rows", f"its new shape {text(target)} mixes the rows of the batch")
    turns = outer // before
    return (*sizes[:at], Rows(turns, held.factor // turns), *sizes[at + 1 :])


def _known_before(target: tuple[Size, ...], at: int) -> int | None:
    before = product(target[:at])
    return before if isinstance(before, int) and -1 not in target[:at] else None


def _find_holder(
    target: tuple[Size, ...], outer: int | None, total: Size, batch: int | None
) -> tuple[int, Rows] | None:
    """Return the dimension of a target that holds the batch, and what it is.

    The elements before the batch stay before it. Of several dimensions it is the one with the smallest multiple, and
    the first of those.
    """
    whole = total.factor if isinstance(total, Rows) else None
    others = product(size for size in target if size != -1)
    found: list[tuple[int, int, Rows]] = []
    before: int | None = 1
    for at, size in enumerate(target):
        if before is None or outer is None or (outer % before if before else True):
            break
        turns = outer // before
        if size == -1:
            if whole is None or batch is None or not isinstance(others, int) or not others:
                found.append((1 << 62, at, Rows(turns, _inner_of_rest(whole, others, turns))))
                before = None
                continue
            size = whole * batch // others
        if not isinstance(size, int):
            break
        if batch and size % (batch * turns) == 0 and size:
            found.append((size // batch, at, Rows(turns, size // batch // turns)))
        before *= size
    if not found:
        return None
    _, at, rows = min(found, key=lambda one: one[:2])
    return at, rows


def _inner_of_rest(whole: int | None, others: Size, turns: int) -> int | None:
    """Return the multiple that -1 holds where the batch was free."""
    if whole is None or not isinstance(others, int) or not others or whole % (others * turns):
        return None
    return whole // others // turns
