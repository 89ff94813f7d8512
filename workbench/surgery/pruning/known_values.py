"""Values of tensors that are constants, or follow from constants by what predicates are made of.

Sources: the ops' documentation; `If` and `Case` in functional_ops.cc for what counts as true.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from workbench.disk import dtypes, tensor_proto
from workbench.disk.nodes import attr
from workbench.disk.schema import NodeDef
from workbench.model.op_classes import ENTERS, IDENTITY, MERGES, SWITCHES
from workbench.names import input_node, is_control, output_number

TWO_WAYS = SWITCHES - {"_SwitchN"}
_OUTPUTS = {"output_false": 0, "output_true": 1, "output": 0, "value_index": 1}
_MOST = 1024  # elements; predicates and what they are computed from are small
_DEEPEST = 100
_COMPARISONS = {
    "Equal": "equal",
    "NotEqual": "not_equal",
    "Less": "less",
    "LessEqual": "less_equal",
    "Greater": "greater",
    "GreaterEqual": "greater_equal",
    "LogicalAnd": "logical_and",
    "LogicalOr": "logical_or",
}


class KnownValues:
    """The known values of one graph or body.

    Args:
        nodes: its nodes.
        arguments: known values of the body's arguments.
        fed: nodes whose value comes from outside.
        frame: the v1 loop whose first iteration is computed: its Merges have the value that enters; or None.
    """

    def __init__(
        self,
        nodes: Mapping[str, NodeDef],
        arguments: Mapping[str, Any] | None = None,
        fed: Collection[str] = (),
        frame: bytes | None = None,
    ) -> None:
        self.nodes = nodes
        self.arguments = arguments or {}
        self.fed = fed
        self.frame = frame
        self._found: dict[str, Any] = {}
        self._sides: dict[str, Any] = {}

    def value(self, entry: str, depth: int = 0) -> Any:
        """Return the value of an input as an array, or None if it is not known."""
        name = input_node(entry)
        if is_control(entry) or depth > _DEEPEST or name in self.fed:
            return None
        if name not in self.nodes:
            return self.arguments.get(name)
        if is_switch(self.nodes[name]):
            if entry not in self._sides:
                self._sides[entry] = None
                self._sides[entry] = self._live(self.nodes[name], entry, depth)
            return self._sides[entry]
        if name not in self._found:
            self._found[name] = None  # while it is looked for: of a loop nothing is known
            self._found[name] = self._value(self.nodes[name], depth)
        return self._found[name]

    def _live(self, node: NodeDef, entry: str, depth: int) -> Any:
        """Return the value of a Switch's output where it is known to be the live one."""
        side = self.is_true(node.input[1], depth + 1)
        if side is None or output_index(entry) != int(side):
            return None
        return self.value(node.input[0], depth + 1)

    def is_true(self, entry: str, depth: int = 0) -> bool | None:
        """Return whether a predicate is true; None if that is not known."""
        found = self.value(entry, depth)
        if found is None:
            return None
        if found.ndim:
            return bool(found.size)
        return bool(found.item())

    def index(self, entry: str) -> int | None:
        """Return the value of a branch index, or None."""
        found = self.value(entry)
        return None if found is None or found.ndim or found.dtype.kind not in "iu" else int(found)

    def _value(self, node: NodeDef, depth: int) -> Any:
        data = [entry for entry in node.input if not is_control(entry)]

        def of(position: int) -> Any:
            return self.value(data[position], depth + 1) if position < len(data) else None

        if node.op == "Const":
            return _constant(node)
        if node.op in IDENTITY or (node.op in ENTERS and (attr(node, "is_constant").b or self._enters(node))):
            return of(0)
        if node.op in MERGES:
            sources = [self.nodes.get(input_node(entry)) for entry in data]
            enters = [one.name for one in sources if one is not None and self._enters(one)]
            return self.value(enters[0], depth + 1) if len(enters) == 1 else None
        if node.op == "LogicalNot":
            return _computed(lambda np: np.logical_not(of(0)), of(0))
        if node.op in _COMPARISONS:
            return _computed(lambda np: getattr(np, _COMPARISONS[node.op])(of(0), of(1)), of(0), of(1))
        if node.op == "Cast":
            return _cast(node, of(0))
        return None

    def _enters(self, node: NodeDef) -> bool:
        """Return whether a node is an Enter of the loop whose first iteration is computed."""
        return self.frame is not None and node.op in ENTERS and attr(node, "frame_name").s == self.frame


def is_switch(node: NodeDef) -> bool:
    """Return whether a node is a Switch of a value and a predicate."""
    return node.op in TWO_WAYS and len(node.input) > 1 and not any(map(is_control, node.input[:2]))


def output_index(entry: str) -> int:
    """Return which output of a Switch or Merge an input is: `n:k`, in a body `n:arg:k`."""
    parts = entry.split(":")
    if len(parts) == 3:
        return _OUTPUTS.get(parts[1], 0)
    return output_number(parts[1]) if len(parts) == 2 else 0


def _constant(node: NodeDef) -> Any:
    tensor = attr(node, "value").tensor
    size = 1
    for dim in tensor.tensor_shape.dim:
        size *= max(dim.size, 0)
    if size > _MOST or tensor.tensor_shape.unknown_rank:
        return None
    found = tensor_proto.to_array(tensor)
    return found if found is not None and found.dtype.kind in "biuf" else None


def _computed(function: Callable[[Any], Any], *values: Any) -> Any:
    """Return what numpy computes of values; None where one is not known, or they do not fit."""
    import numpy as np

    if any(value is None for value in values):
        return None
    try:
        return np.asarray(function(np))
    except (ValueError, TypeError):
        return None


def _cast(node: NodeDef, value: Any) -> Any:
    """Return a value in another dtype; None where the cast may lose something."""
    import numpy as np

    wanted = dtypes.numpy(dtypes.base(attr(node, "DstT").type))
    if value is None or wanted is None or wanted.kind not in "biuf":
        return None
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        return None
    with np.errstate(all="ignore"):
        found = value.astype(wanted)
        same = wanted.kind == "b" or np.array_equal(found.astype(value.dtype), value)
    return found if same else None
