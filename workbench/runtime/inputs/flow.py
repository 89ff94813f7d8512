"""Where a value goes and where one comes from, through function calls: what making inputs has to know.

A `Scope` is the main graph or one body under one call; a value is a `Spot`, a node or argument of a scope and
the flat index of its output. Bodies are entered by argument position and left by result position.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workbench.disk import optable, tensor_proto
from workbench.disk.nodes import attr
from workbench.disk.schema import FunctionDef, NodeDef
from workbench.model import MetaGraph, Shape, shapes, tensors
from workbench.model.op_classes import BRANCHES, CALLS, FIRST_INPUT, LOOPS, SAME_IN_RUN, VARIABLES
from workbench.names import is_control, parse_number

if TYPE_CHECKING:
    import numpy as np

MAX_DEPTH = 32
_MAX_BACK = 200
_MAX_RANGE = 100_000
_MAX_CONST = 1 << 20
_MAX_ARITHMETIC = 8
_UNIFORM = frozenset({"RandomUniform", "StatelessRandomUniform", "StatelessRandomUniformV2"})

# op: (attrs that hold its functions, position of the first input that is an argument)
_CALLS = {
    **{op: (tuple(FIRST_INPUT[op]), 0) for op in (*CALLS, *LOOPS, "TPUPartitionedCall")},
    **{op: (tuple(FIRST_INPUT[op]), 1) for op in (*BRANCHES, "RemoteCall")},
    "BatchFunction": (("f",), 0),
    "MapDefun": (("f",), 0),
}


@dataclass(frozen=True)
class Spot:
    """One value: output `index` of `name`, a node (or, in a body, an argument) of `scope`."""

    scope: Scope
    name: str
    index: int = 0


@dataclass(frozen=True)
class Use:
    """A node that takes a value, and the position among its data inputs."""

    scope: Scope
    node: NodeDef
    position: int

    @property
    def op(self) -> str:
        """The node's op."""
        return str(self.node.op)

    def output(self, index: int = 0) -> Spot:
        """One of the node's outputs."""
        return Spot(self.scope, self.node.name, index)

    def input(self, position: int) -> Spot | None:
        """Where one of the node's data inputs comes from."""
        return self.scope.input(self.node, position)


class Scope:
    """The main graph, or a function's body under one call."""

    def __init__(
        self, meta: MetaGraph, function: FunctionDef | None = None, call: Use | None = None, offset: int = 0
    ) -> None:
        self.meta = meta
        self.function = function
        self.call = call  # position is not used
        self.offset = offset
        self.depth: int = 0 if call is None else call.scope.depth + 1
        self._bodies: dict[str, list[Scope]] = {}
        self._ranges: dict[str, dict[str, int]] = {}

    @cached_property
    def nodes(self) -> dict[str, NodeDef]:
        """The nodes here by name."""
        if self.function is None:
            return self.meta.nodes
        return {node.name: node for node in self.function.node_def}

    @cached_property
    def arguments(self) -> dict[str, int]:
        """A body's arguments by name, with their positions."""
        if self.function is None:
            return {}
        return {arg.name: number for number, arg in enumerate(self.function.signature.input_arg)}

    @cached_property
    def _uses(self) -> dict[tuple[str, int], list[tuple[NodeDef, int]]]:
        found: dict[tuple[str, int], list[tuple[NodeDef, int]]] = {}
        for node in self.nodes.values():
            for position, entry in enumerate(node.input):
                if is_control(entry):
                    break
                found.setdefault(self._resolve(entry), []).append((node, position))
        return found

    @cached_property
    def _results(self) -> dict[tuple[str, int], list[int]]:
        if self.function is None:
            return {}
        found: dict[tuple[str, int], list[int]] = {}
        for number, arg in enumerate(self.function.signature.output_arg):
            entry = self.function.ret.get(arg.name)
            if entry:
                found.setdefault(self._resolve(entry), []).append(number)
        return found

    def _resolve(self, entry: str) -> tuple[str, int]:
        """An entry of `NodeDef.input` as (name, flat output index): `n:k`, in bodies also `n:arg:i`."""
        name, _, rest = entry.partition(":")
        arg, _, index = rest.rpartition(":")
        at = parse_number(index) or 0
        return name, at if not arg else self._first(name).get(arg, 0) + at

    def _first(self, name: str) -> dict[str, int]:
        """First flat output of each output arg of a node."""
        if name not in self._ranges:
            node = self.nodes.get(name)
            found: dict[str, int] = {}
            if node is not None:
                function = self.meta.functions.get(node.op)
                op_def = self.meta.op_table.get(node.op)
                if function is not None:
                    outputs = function.signature.output_arg
                    found = {arg.name: number for number, arg in enumerate(outputs)}
                elif op_def is not None:
                    ranges = optable.output_args(node, op_def) or []
                    found = {entry.arg: entry.first for entry in ranges}
            self._ranges[name] = found
        return self._ranges[name]

    def uses(self, spot: Spot) -> Iterator[Use]:
        """The nodes of this scope that take a value."""
        for node, position in self._uses.get((spot.name, spot.index), ()):
            yield Use(self, node, position)

    def results(self, spot: Spot) -> list[int]:
        """The positions at which a body returns a value."""
        return self._results.get((spot.name, spot.index), [])

    def input(self, node: NodeDef, position: int) -> Spot | None:
        """Where a data input of a node comes from; None if it has no such input."""
        if position >= len(node.input) or is_control(node.input[position]):
            return None
        return Spot(self, *self._resolve(node.input[position]))

    def bodies(self, node: NodeDef) -> list[Scope]:
        """The bodies under a call, in the order of its attrs; none where calls nest too deep or repeat."""
        if node.name not in self._bodies:
            names, offset = _called(node, self.meta)
            above = set()
            scope: Scope | None = self
            while scope is not None and scope.function is not None:
                above.add(scope.function.signature.name)
                scope = scope.call.scope if scope.call is not None else None
            self._bodies[node.name] = [
                Scope(self.meta, self.meta.functions[name], Use(self, node, 0), offset)
                for name in names
                if name in self.meta.functions and name not in above and self.depth < MAX_DEPTH
            ]
        return self._bodies[node.name]

    def argument(self, position: int) -> Spot | None:
        """The argument that the caller's data input `position` becomes."""
        assert self.function is not None
        arguments = self.function.signature.input_arg
        number = position - self.offset
        return Spot(self, arguments[number].name) if 0 <= number < len(arguments) else None

    def outside(self, name: str) -> Spot | None:
        """What the caller passed for an argument of this body."""
        if self.call is None or name not in self.arguments:
            return None
        return self.call.input(self.arguments[name] + self.offset)


def _called(node: NodeDef, meta: MetaGraph) -> tuple[list[str], int]:
    if node.op in meta.functions:
        return [node.op], 0
    if node.op not in _CALLS:
        return [], 0
    attrs, offset = _CALLS[node.op]
    names = []
    for name in attrs:
        if name in node.attr:
            value = node.attr[name]
            names += [function.name for function in value.list.func] or [value.func.name]
    return names, offset


# ---------------------------------------------------------------- where a value comes from


def origin(spot: Spot) -> Spot:
    """Where a value really comes from: back through Identity and its like and out of bodies."""
    for _ in range(_MAX_BACK):
        node = spot.scope.nodes.get(spot.name)
        if node is None:
            before = spot.scope.outside(spot.name)
        elif node.op in SAME_IN_RUN:
            before = spot.scope.input(node, 0)
        elif node.op == "IdentityN":
            before = spot.scope.input(node, spot.index)
        else:
            return spot
        if before is None:
            return spot
        spot = before
    return spot


def is_random(spot: Spot | None) -> bool:
    """Whether a value is drawn from a uniform distribution: `minimum + random * (maximum - minimum)` is as well."""
    for _ in range(_MAX_ARITHMETIC):
        node = source_node(spot)
        if node is None or spot is None:
            return False
        if node.op in _UNIFORM:
            return True
        if node.op not in ("Add", "AddV2", "Mul", "Cast"):
            return False
        scope = origin(spot).scope
        spots = [scope.input(node, position) for position in range(2)]
        spot = next((one for one in spots if one is not None and const(one) is None), None)
    return False


def source_node(spot: Spot | None) -> NodeDef | None:
    """The node a value really comes from, or None."""
    if spot is None:
        return None
    found = origin(spot)
    return found.scope.nodes.get(found.name)


def const(spot: Spot | None) -> np.ndarray[Any, Any] | None:
    """The value, if it is a constant or a range of such; unknown parts of a packed vector are -1."""
    node = source_node(spot)
    if node is None or spot is None:
        return None
    if node.op == "Const":
        return tensor_proto.to_array(attr(node, "value").tensor)
    scope = origin(spot).scope
    if node.op == "Range":
        return _range([const(scope.input(node, position)) for position in range(3)])
    if node.op == "Pack":
        import numpy as np

        parts = [const(scope.input(node, position)) for position in range(attr(node, "N").i)]
        if parts and all(part is None or part.ndim == 0 for part in parts):
            return np.array([-1 if part is None else int(part) for part in parts])
    return None


def _range(bounds: list[np.ndarray[Any, Any] | None]) -> np.ndarray[Any, Any] | None:
    import numpy as np

    known = [int(bound) for bound in bounds if bound is not None and bound.ndim == 0]
    if len(known) < 3 or known[2] == 0 or abs(known[1] - known[0]) > _MAX_RANGE * abs(known[2]):
        return None
    return np.arange(*known)


def shape(spot: Spot | None) -> Shape:
    """The shape of a value as far as some node on the way back tells it; of a handle, its variable's."""
    if spot is None:
        return None
    best: Shape = None
    for _ in range(_MAX_BACK):
        node = spot.scope.nodes.get(spot.name)
        before: Spot | None
        if node is None:
            before = spot.scope.outside(spot.name)
        elif node.op in VARIABLES:
            return _more_known(_variable_shape(spot.scope.meta, node), best)
        else:
            best = _more_known(best, tensors.output_shape(node, spot.index, spot.scope.meta.producer))
            if node.op == "IdentityN":
                before = spot.scope.input(node, spot.index)
            else:
                before = spot.scope.input(node, 0) if node.op in SAME_IN_RUN else None
        if before is None:
            return best
        spot = before
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
