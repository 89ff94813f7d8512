"""Ops that compute one value from many: along dimensions, which must not be that of the batch."""

from __future__ import annotations

from workbench.graph.shape_inference.rules import Op, Refused, rule
from workbench.graph.shape_inference.sizes import Facts, Size, Sizes, product

_FIRST = frozenset({0})


def keep_apart(op: Op, facts: Facts, axes: frozenset[int] | None, what: str) -> None:
    """Refuse dimensions of which one is that of the batch.

    Args:
        op: the node.
        facts: of the input.
        axes: the dimensions; None if they are not known.
        what: the node does along them, `computes the sum over`.

    Raises:
        Refused: one of them is that of the batch, or may be.
    """
    if not op.has_rows(facts):
        return
    if facts.axis is None:
        raise Refused("reshape-op", "it takes a list of rows of the batch")
    if axes is None:
        raise Refused("reshape-op", f"which dimensions it {what} is not known")
    if facts.axis in axes:
        raise Refused(
            "reshape-rows", f"it {what} dimension {facts.axis}, the batch: rows depend on each other"
        )


def without(sizes: Sizes, axes: frozenset[int] | None, *, keep: bool) -> Sizes:
    """Return a shape after a reduction."""
    if sizes is None:
        return None
    if axes is None:
        return (None,) * len(sizes) if keep else None
    if keep:
        return tuple(1 if axis in axes else size for axis, size in enumerate(sizes))
    return tuple(size for axis, size in enumerate(sizes) if axis not in axes)


@rule("Sum Mean Max Min Prod All Any EuclideanNorm")
def reduced(op: Op) -> list[Facts]:
    """Return the shape without the reduced dimensions."""
    facts = op.input(0)
    axes = op.axes(1, facts)
    keep_apart(op, facts, axes, f"computes the {op.node.op.lower()} over")
    value: tuple[Size, ...] | None = None
    if facts.value is not None and facts.rank == 1 and axes == _FIRST and op.node.op == "Prod":
        value = (product(facts.value),)
    elif facts.value is not None and (facts.rank == 0 or len(facts.value) == 1):
        value = facts.value
    elif facts.value is not None and op.node.op in ("Max", "Min") and op.ints(0) and axes == _FIRST:
        numbers = op.ints(0) or ()
        value = (max(numbers) if op.node.op == "Max" else min(numbers),)
    sizes = without(facts.sizes, axes, keep=op.attr("keep_dims").b)
    uniform = facts.uniform and op.node.op in ("Max", "Min")
    return [Facts(sizes, value, uniform=uniform, random=facts.random, kept=facts.kept)]


@rule("ArgMax ArgMin")
def position_of_largest(op: Op) -> list[Facts]:
    """Return the shape without one dimension."""
    facts = op.input(0)
    axes = op.axes(1, facts)
    keep_apart(op, facts, axes, "compares the entries of")
    return [Facts(without(facts.sizes, axes, keep=False), kept=facts.kept)]


@rule("Softmax LogSoftmax")
def normalised(op: Op) -> list[Facts]:
    """Return the shape of the input, whose last dimension is normalised."""
    facts = op.input(0)
    last = None if facts.rank is None else frozenset({facts.rank - 1})
    keep_apart(op, facts, last, "normalises")
    return [facts.of(facts.sizes)]


@rule("Cumsum Cumprod CumulativeLogsumexp Reverse ReverseV2 Roll")
def along(op: Op) -> list[Facts]:
    """Return the shape of the input, along a dimension of which entries are combined or moved."""
    facts = op.input(0)
    position = 2 if op.node.op == "Roll" else 1
    axes = op.axes(position, facts)
    if op.node.op == "Reverse":  # a bool for each dimension
        axes = None
    keep_apart(op, facts, axes, "moves or adds up the entries of")
    return [facts.of(facts.sizes)._replace(uniform=False)]


@rule("ReverseSequence")
def reversed_sequences(op: Op) -> list[Facts]:
    """Return the shape of the input; each row is reversed up to its length."""
    facts = op.input(0)
    keep_apart(op, facts, frozenset({int(op.attr("seq_dim").i)}), "reverses")
    if facts.axis is not None and facts.axis != op.attr("batch_dim").i:
        raise Refused("reshape-rows", "the lengths are of another dimension than the batch")
    return [facts.of(facts.sizes)]


@rule("TopK TopKV2")
def largest(op: Op) -> list[Facts]:
    """Return the shapes of values and indices: the largest of the last dimension."""
    facts = op.input(0)
    last = None if facts.rank is None else frozenset({facts.rank - 1})
    keep_apart(op, facts, last, "sorts")
    count: Size = op.scalar(1) if op.node.op == "TopKV2" else int(op.attr("k").i)
    sizes = None if facts.sizes is None else (*facts.sizes[:-1], count)
    return [Facts(sizes), Facts(sizes)]


@rule("L2Loss")
def halved_squares(op: Op) -> list[Facts]:
    """Return a scalar."""
    if op.carried():
        raise Refused("reshape-rows", "it computes one number from all rows of the batch")
    return [Facts(())]


@rule("MatrixBandPart MatrixInverse Cholesky MatrixSetDiagV3 MatrixSetDiag")
def of_matrices(op: Op) -> list[Facts]:
    """Return the shape of the input, whose last two dimensions are matrices."""
    facts = op.input(0)
    last = None if facts.rank is None else frozenset({facts.rank - 2, facts.rank - 1})
    keep_apart(op, facts, last, "computes with")
    return [facts.of(facts.sizes)._replace(uniform=False)]
