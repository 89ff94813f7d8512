"""What is known of a value by what it comes from: constants, shapes, random numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.disk import tensor_proto
from workbench.disk.nodes import attr
from workbench.disk.schema import NodeDef
from workbench.graph import trace
from workbench.graph.level import Value
from workbench.model import MetaGraph, Shape, shapes, tensors
from workbench.model.op_classes import SAME_IN_RUN, VARIABLES

if TYPE_CHECKING:
    import numpy as np

_MAX_BACK = 200
_MAX_RANGE = 100_000
_MAX_CONST = 1 << 20
_MAX_ARITHMETIC = 8
_UNIFORM = frozenset({"RandomUniform", "StatelessRandomUniform", "StatelessRandomUniformV2"})
PASSING = SAME_IN_RUN | {"IdentityN"}
"""Ops whose output is their first input when the graph runs (IdentityN: the same input)."""


def origin(value: Value) -> Value:
    """Return where a value comes from: back through Identity and its like, and out of bodies."""
    return trace.origin(value, PASSING, into=())


def is_random(value: Value | None) -> bool:
    """Whether a value is drawn from a uniform distribution: `minimum + random * (maximum - minimum)` is as well."""
    for _ in range(_MAX_ARITHMETIC):
        node = source_node(value)
        if node is None or value is None:
            return False
        if node.op in _UNIFORM:
            return True
        if node.op not in ("Add", "AddV2", "Mul", "Cast"):
            return False
        level = origin(value).level
        values = [level.input(node, position) for position in range(2)]
        value = next((one for one in values if one is not None and const(one) is None), None)
    return False


def source_node(value: Value | None) -> NodeDef | None:
    """The node a value really comes from, or None."""
    if value is None:
        return None
    return origin(value).node


def const(value: Value | None) -> np.ndarray[Any, Any] | None:
    """The value, if it is a constant or a range of such; unknown parts of a packed vector are -1."""
    node = source_node(value)
    if node is None or value is None:
        return None
    if node.op == "Const":
        return tensor_proto.to_array(attr(node, "value").tensor)
    level = origin(value).level
    if node.op == "Range":
        return _range([const(level.input(node, position)) for position in range(3)])
    if node.op == "Pack":
        import numpy as np

        parts = [const(level.input(node, position)) for position in range(attr(node, "N").i)]
        if parts and all(part is None or part.ndim == 0 for part in parts):
            return np.array([-1 if part is None else int(part) for part in parts])
    return None


def _range(bounds: list[np.ndarray[Any, Any] | None]) -> np.ndarray[Any, Any] | None:
    import numpy as np

    known = [int(bound) for bound in bounds if bound is not None and bound.ndim == 0]
    if len(known) < 3 or known[2] == 0 or abs(known[1] - known[0]) > _MAX_RANGE * abs(known[2]):
        return None
    return np.arange(*known)


def shape(value: Value | None) -> Shape:
    """The shape of a value as far as a node on the way back declares it; of a handle, its variable's."""
    if value is None:
        return None
    best: Shape = None
    for _ in range(_MAX_BACK):
        node = value.node
        if node is None:
            before = value.level.given(value)
        elif node.op in VARIABLES:
            return _more_known(_variable_shape(value.level.meta, node), best)
        else:
            best = _more_known(best, tensors.output_shape(node, value.index, value.level.meta.producer))
            before = trace.passed_on(value, PASSING)
        if before is None:
            return best
        value = before
    return best


def _variable_shape(meta: MetaGraph, node: NodeDef) -> Shape:
    written = tensors.variable_shape(node)
    if shapes.count(written) is None and meta.bundle is not None:
        for variable in meta.variables:
            if variable.name == node.name:
                return _more_known(written, variable.shape)
    return written


def _more_known(one: Shape, other: Shape) -> Shape:
    if one is None or other is None:
        return other if one is None else one
    return one if sum(size is None for size in one) <= sum(size is None for size in other) else other
