"""Ops that join tensors, or take them apart."""

from __future__ import annotations

from workbench.graph.shape_inference.reductions import keep_apart
from workbench.graph.shape_inference.rules import Op, Pin, Refused, rule
from workbench.graph.shape_inference.sizes import BATCH, Facts, Rows, Size

_MOST_UNKNOWN = 64


@rule("Pack")
def packed(op: Op) -> list[Facts]:
    """Return the shape of the inputs with one more dimension; numbers become a vector."""
    if any(facts.kept for facts in op.inputs):
        return [_row_again(op)]
    op.same_rows(range(len(op.inputs)))
    first = next((facts for facts in op.inputs if facts.sizes is not None), Facts())
    if first.sizes is None:
        if op.carried():
            raise Refused("reshape-op", "the rank of an input is not known")
        return [Facts()]
    at = int(op.attr("axis").i)
    at = at if at >= 0 else at + len(first.sizes) + 1
    sizes = (*first.sizes[:at], len(op.inputs), *first.sizes[at:])
    value: tuple[Size, ...] | None = None
    if first.sizes == ():
        value = tuple(facts.value[0] if facts.value else None for facts in op.inputs)
    return [Facts(sizes, value, uniform=len(op.inputs) == 1 and first.uniform)]


def _row_again(op: Op) -> Facts:
    """Return the only row of a batch, which a Pack makes a batch again: it was kept as one."""
    facts = op.input(0)
    if len(op.inputs) > 1 or facts.axis != 0 or op.attr("axis").i not in (0, -(facts.rank or 0)):
        raise Refused("reshape-pinned", "it stacks a row that has lost the dimension of the batch before")
    op.pins.append(Pin(0, op="Identity"))
    return facts._replace(kept=False)


@rule("Unpack")
def unpacked(op: Op) -> list[Facts]:
    """Return the shape without one dimension, for each entry of it."""
    facts, count = op.input(0), op.outputs
    if facts.sizes is None:
        if op.carried():
            raise Refused("reshape-op", "the rank of its input is not known")
        return [Facts()] * count
    at = int(op.attr("axis").i)
    at = at if at >= 0 else at + len(facts.sizes)
    if facts.axis == at == 0 and op.batch == count == 1 and facts.sizes[0] == BATCH:
        op.pins.append(Pin(0, op="Identity"))
        return [facts._replace(kept=True)]
    keep_apart(op, facts, frozenset({at}), "takes apart")
    sizes = (*facts.sizes[:at], *facts.sizes[at + 1 :])
    if facts.value is not None and facts.rank == 1 and len(facts.value) == count:
        return [Facts((), (one,)) for one in facts.value]
    return [facts.of(sizes)] * count


@rule("ConcatV2 Concat")
def concatenated(op: Op) -> list[Facts]:
    """Return the shape of the inputs one after the other; vectors of integers keep their values."""
    first = op.node.op == "Concat"
    where = 0 if first else len(op.inputs) - 1
    positions = range(1, len(op.inputs)) if first else range(len(op.inputs) - 1)
    ranks = [facts.rank for position in positions if (facts := op.input(position)).rank is not None]
    at = op.scalar(where)
    kept = _shifted(op, positions, where, at)
    at = op.scalar(where) if not kept or at is None else at + (at >= 0)
    carried = any(op.has_rows(op.input(position)) for position in positions)
    if carried and (at is None or len(ranks) < len(positions)):
        raise Refused("reshape-op", "along which dimension it joins its inputs is not known")
    if at is None or not ranks:
        return [Facts()]
    rank = ranks[0]
    at = at if at >= 0 else at + rank
    for position in positions:
        keep_apart(op, op.input(position), frozenset({at}), "joins its inputs along")
    op.same_rows(positions)
    shapes = [op.input(position).sizes for position in positions]
    sizes: list[Size] = []
    for axis in range(rank):
        listed = [None if shape is None or axis >= len(shape) else shape[axis] for shape in shapes]
        sizes.append(_total(listed) if axis == at else _same(listed))
    return [Facts(tuple(sizes), _values(op, positions) if rank == 1 else None, kept=kept)]


def _shifted(op: Op, positions: range, where: int, at: int | None) -> bool:
    """Return whether all inputs have kept a batch that the source squeezed away; let the axis skip it."""
    if not any(op.input(position).kept for position in positions):
        return False
    if at is None or any(not op.input(one).kept or op.input(one).axis != 0 for one in positions):
        raise Refused("reshape-pinned", "it joins a row that has lost the dimension of the batch to others")
    if at >= 0:
        op.need(where, (at + 1,))
    return True


def _total(sizes: list[Size]) -> Size:
    total = 0
    for size in sizes:
        if not isinstance(size, int):
            return None
        total += size
    return total


def _same(sizes: list[Size]) -> Size:
    rows = next((size for size in sizes if isinstance(size, Rows)), None)
    return rows or next((size for size in sizes if size is not None), None)


def _values(op: Op, positions: range) -> tuple[Size, ...] | None:
    found: list[Size] = []
    for position in positions:
        facts = op.input(position)
        if facts.value is not None:
            found += facts.value
        elif facts.sizes is not None and isinstance(facts.sizes[0], int) and facts.sizes[0] <= _MOST_UNKNOWN:
            found += [None] * facts.sizes[0]
        else:
            return None
    return tuple(found)


@rule("Split SplitV")
def split(op: Op) -> list[Facts]:
    """Return the shapes of parts along one dimension."""
    whole = op.node.op == "Split"
    facts, at = op.input(1 if whole else 0), op.scalar(0 if whole else 2)
    if facts.sizes is None or at is None:
        if op.carried():
            raise Refused("reshape-op", "along which dimension it splits is not known")
        return [Facts(None if facts.sizes is None else (None,) * len(facts.sizes))] * op.outputs
    at = at if at >= 0 else at + len(facts.sizes)
    if op.outputs == 1:
        return [facts]
    keep_apart(op, facts, frozenset({at}), "splits")
    size = facts.sizes[at]
    if whole:
        each: list[Size] = [size // op.outputs if isinstance(size, int) else None] * op.outputs
    else:
        parts = op.ints(1) or (None,) * op.outputs
        rest = _total([one for one in parts if one != -1])
        left = size - rest if isinstance(size, int) and isinstance(rest, int) else None
        each = [left if one == -1 else one for one in parts]
    value = facts.value if facts.rank == 1 and whole and size == op.outputs else None
    return [
        Facts((*facts.sizes[:at], one, *facts.sizes[at + 1 :]), (value[number],) if value else None)
        for number, one in enumerate(each)
    ]
