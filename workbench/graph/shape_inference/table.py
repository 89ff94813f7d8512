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
from workbench.graph.shape_inference.rules import Op, Refused, Rule, rule_of
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

_ROWS_STAY = {
    elementwise.unary: 0,
    elementwise.biased: 0,
    products.matmul: 0,
    images.convolution: 0,
    images.pool: 0,
    images.batch_norm: 0,
    reshaping.reshaped: 0,
    reductions.normalised: 0,
    slices.strided_slice: 0,
}
"""Rules of ops whose output has entries in its first dimension as the given input has, and from these alone."""


def infer(op: Op) -> list[Facts]:
    """Return the facts of a node's outputs.

    Raises:
        Refused: the node can't take any number of rows.
    """
    rule = rule_of(op.node.op)
    carried = op.carried()
    if rule not in _OF_ONE_ROW and any(facts.kept for facts in op.inputs):
        raise Refused("reshape-pinned", "its input has lost the dimension of the batch before it")
    of_row = any(facts.row for facts in op.inputs)
    if rule is None:
        if carried:
            raise Refused("reshape-op", "whether the op keeps the rows of a batch apart is not known")
        return [op.known(index)._replace(row=of_row) for index in range(op.outputs)]
    if of_row and carried:
        raise Refused("reshape-rows", "it combines one row of the batch with all rows")
    found = [_refined(facts, op.known(index).sizes, carried=carried) for index, facts in enumerate(rule(op))]
    if of_row:
        found = [facts if facts.lists else facts._replace(row=True) for facts in found]
    return [facts._replace(alike=True) for facts in found] if _is_alike(op, rule, found) else found


def _is_alike(op: Op, rule: Rule, found: list[Facts]) -> bool:
    """Return whether all rows of the outputs are equal, since those of the inputs are: initial states and the like."""
    if op.batch in (None, 1) or any(not facts.sizes or facts.sizes[0] != op.batch for facts in found):
        return False
    if rule in _ROWS_STAY:
        sources = [op.input(_ROWS_STAY[rule])]
    elif rule in (joining.split, joining.concatenated):
        sources = [facts for facts in op.inputs if facts.rank]
    else:
        return False
    same = all((facts.alike or facts.uniform) and (facts.sizes or ())[:1] == (op.batch,) for facts in sources)
    return same and not op.attr("transpose_a").b


def _refined(facts: Facts, declared: Sizes, *, carried: bool) -> Facts:
    """Return facts with the unknown sizes that the node declares; those of a batch are known already."""
    if declared is None or facts.lists or (carried and facts.axis is None):
        return facts
    if facts.sizes is None:
        return facts.reshaped(declared)
    if len(declared) != len(facts.sizes) or None not in facts.sizes:
        return facts
    return facts.reshaped(tuple(b if a is None else a for a, b in zip(facts.sizes, declared, strict=True)))
