"""The facts of a node's outputs, by the rule for its op."""

from __future__ import annotations

# each registers the rules for its ops
from workbench.graph.shape_inference import (  # noqa: F401
    arrays,
    elementwise,
    images,
    joining,
    lists,
    products,
    reductions,
    reshaping,
    slices,
    states,
)
from workbench.graph.shape_inference.rules import Op, Refused, rule_of
from workbench.graph.shape_inference.sizes import Facts, Sizes

_OF_ONE_ROW = frozenset(
    {
        elementwise.unary,
        elementwise.same,
        elementwise.broadcast,
        elementwise.biased,
        reshaping.reshaped,
        arrays.expanded,
        joining.packed,
        joining.concatenated,
        products.matmul,
        reductions.reduced,
        reductions.position_of_largest,
        reductions.normalised,
        slices.strided_slice,
    }
)
"""Rules that know what to do with a row that has lost the dimension of a batch of 1, and keeps it here."""


def infer(op: Op) -> list[Facts]:
    """Return the facts of a node's outputs.

    Raises:
        Refused: the node can't take any number of rows.
    """
    rule = rule_of(op.node.op)
    carried = op.carried()
    if rule not in _OF_ONE_ROW and any(facts.kept for facts in op.inputs):
        raise Refused("reshape-pinned", "its input has lost the dimension of the batch before it")
    if rule is None:
        if carried:
            raise Refused("reshape-op", "whether the op keeps the rows of a batch apart is not known")
        return [op.known(index) for index in range(op.outputs)]
    return [_refined(facts, op.known(index).sizes, carried=carried) for index, facts in enumerate(rule(op))]


def _refined(facts: Facts, declared: Sizes, *, carried: bool) -> Facts:
    """Return facts with the unknown sizes that the node declares; those of a batch are known already."""
    if declared is None or facts.lists or (carried and facts.axis is None):
        return facts
    if facts.sizes is None:
        return facts.reshaped(declared)
    if len(declared) != len(facts.sizes) or None not in facts.sizes:
        return facts
    return facts.reshaped(tuple(b if a is None else a for a, b in zip(facts.sizes, declared, strict=True)))
