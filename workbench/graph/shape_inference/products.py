"""Products of matrices, and Einsum."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.graph.shape_inference.elementwise import broadcast_sizes
from workbench.graph.shape_inference.rules import Op, Pin, Refused, rule
from workbench.graph.shape_inference.sizes import Facts, Rows, Size

_SUMS = "it computes sums over dimension {axis} of its input {position}, which is the batch: rows depend on each other"


def _pair(op: Op, position: int, *, turned: bool) -> tuple[Size, Size]:
    """Return rows and columns of the matrices that an input is."""
    sizes = op.input(position).sizes
    if sizes is None or len(sizes) < 2:
        if op.has_rows(op.input(position)):
            raise Refused("reshape-op", "the rank of an input is not known")
        return None, None
    return (sizes[-1], sizes[-2]) if turned else (sizes[-2], sizes[-1])


def _multiplied(op: Op, *, left_turned: bool, right_turned: bool) -> tuple[Size, Size]:
    rows, inner = _pair(op, 0, turned=left_turned)
    other, columns = _pair(op, 1, turned=right_turned)
    for position, size in ((0, inner), (1, other)):
        if isinstance(size, Rows):
            raise Refused("reshape-rows", _SUMS.format(axis=op.input(position).axis, position=position))
    if isinstance(rows, Rows) and op.has_rows(op.input(1)):
        raise Refused("reshape-rows", "it multiplies each row of the batch with each other row")
    return rows, columns


@rule("MatMul SparseMatMul")
def matmul(op: Op) -> list[Facts]:
    """Return the shape of a product of two matrices."""
    turned = op.attr("transpose_a").b, op.attr("transpose_b").b
    left, right = op.input(0), op.input(1)
    if left.kept or right.kept:
        if left.axis != 0 or left.rank != 3 or op.has_rows(right) or right.rank != 2 or any(turned):
            raise Refused("reshape-pinned", "its input has lost the dimension of the batch before it")
        op.pins.append(Pin(0, op="BatchMatMulV2"))
        assert left.sizes is not None and right.sizes is not None
        return [Facts((*left.sizes[:2], right.sizes[1]), kept=True)]
    return [Facts(_multiplied(op, left_turned=turned[0], right_turned=turned[1]))]


@rule("BatchMatMul BatchMatMulV2 BatchMatMulV3")
def matmul_of_each(op: Op) -> list[Facts]:
    """Return the shape of products of matrices in the last two dimensions."""
    last = _multiplied(op, left_turned=op.attr("adj_x").b, right_turned=op.attr("adj_y").b)
    if any(facts.sizes is None for facts in op.inputs):
        return [Facts()]
    if op.node.op == "BatchMatMul":
        op.same_rows(range(2)) if any(
            facts.axis is not None and facts.axis < (facts.rank or 0) - 2 for facts in op.inputs
        ) else None
    first = broadcast_sizes(op, range(2), last=2)
    assert first is not None
    sizes = (*first, *last)
    if sum(isinstance(size, Rows) for size in sizes) > 1:
        raise Refused("reshape-rows", "it multiplies each row of the batch with each other row")
    return [Facts(sizes)]


@rule("Einsum")
def einsum(op: Op) -> list[Facts]:
    """Return the shape that an equation gives."""
    equation = op.attr("equation").s.decode("utf-8", "replace").replace(" ", "")
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    if not arrow or len(terms) != len(op.inputs):
        return _unread(op)
    if any(facts.rank is None for facts in op.inputs):
        return _unread(op)
    dots = max(
        (
            facts.rank - len(term.replace("...", ""))
            for facts, term in zip(op.inputs, terms, strict=True)
            if "..." in term and facts.rank
        ),
        default=0,
    )
    sizes: dict[str, Size] = {}
    batch: set[str] = set()
    for term, facts in zip(terms, op.inputs, strict=True):
        assert facts.sizes is not None
        labels = _labels(term, len(facts.sizes) - len(term.replace("...", "")), dots)
        if len(labels) != len(facts.sizes):
            return _unread(op)
        for label, size in zip(labels, facts.sizes, strict=True):
            if isinstance(size, Rows):
                batch.add(label)
            if sizes.get(label) in (None, 1) or isinstance(size, Rows):
                sizes[label] = size
    out = _labels(right, dots, dots)
    if len(batch) > 1:
        raise Refused("reshape-rows", "it combines each row of the batch with each other row")
    for label in batch:
        if label not in out:
            raise Refused("reshape-rows", f"it computes sums over the label {label!r}, which is the batch")
        _spread(op, terms, dots, label)
    return [Facts(tuple(sizes.get(label) for label in out))]


def _spread(op: Op, terms: Sequence[str], dots: int, label: str) -> None:
    """Repeat the rows of an input that has the old size of the batch under the batch's label."""
    for position, (term, facts) in enumerate(zip(terms, op.inputs, strict=True)):
        assert facts.sizes is not None
        labels = _labels(term, len(facts.sizes) - len(term.replace("...", "")), dots)
        if label in labels and isinstance(facts.sizes[labels.index(label)], int):
            if label.startswith(".") and facts.sizes[labels.index(label)] == 1:
                continue
            op.spread(position, labels.index(label))


def _labels(term: str, count: int, dots: int) -> list[str]:
    """Return a label for each dimension; `.1` is the last of those that `...` represents."""
    before, points, after = term.partition("...")
    between = [f".{dots - number}" for number in range(dots - count, dots)] if points else []
    return [*before, *between, *after]


def _unread(op: Op) -> list[Facts]:
    if op.carried():
        raise Refused("reshape-op", "its equation can't be followed")
    return [op.known()]
