"""Levels: function bodies under one path of calls, with arguments and results.

A path is written `CALL::CALL::node`, the first CALL a node of the main graph (`::` occurs in no name). A node that has
several bodies (While, If, Case) is followed by which one, `while[body]::x`, `case[branches[1]]::x`; without that, the
first body that has the rest of the path is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

from workbench import names
from workbench.disk import dtypes, optable, schema
from workbench.disk.schema import NodeDef, OpDef
from workbench.graph.body import Bodies, Body, Output
from workbench.graph.calls import Call, named_function
from workbench.model import tensors
from workbench.model.tensors import Tensor
from workbench.names import is_control

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

MAX_DEPTH = 64
_STEP = re.compile(r"(?P<node>[^\[\]]+)(?:\[(?P<label>.+)\])?\Z")


class Level:
    """The main graph, or a function's body under one path of calls.

    Args:
        body: the body.
        caller: the level whose node calls it; None for the main graph, and for a function on its own.
        call: how it is called; None as for `caller`.
    """

    def __init__(self, body: Body, caller: Level | None = None, call: Call | None = None) -> None:
        self.body = body
        self.caller = caller
        self.call = call
        self.meta = body.meta
        self.function = body.function
        self._under: dict[Call, Level] = {}

    @classmethod
    def of(cls, meta: MetaGraph, function: str | None = None) -> Level:
        """Return the main graph of a MetaGraph, or one of its functions on its own."""
        bodies = Bodies(meta)
        body = bodies.main if function is None else bodies.get(function)
        if body is None:
            raise KeyError(function)
        return cls(body)

    @property
    def nodes(self) -> Mapping[str, NodeDef]:
        """The nodes by name, in the order of the file."""
        return self.body.nodes

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """The path of calls from the main graph; empty for the main graph."""
        if self.caller is None or self.call is None:
            return ()
        return (*self.caller.calls, self.call)

    @cached_property
    def path(self) -> str:
        """The path as it is written: empty, or `CALL::CALL`."""
        return names.CALL_SEPARATOR.join(map(str, self.calls))

    def full_name(self, node: str) -> str:
        """Return the name of a node with the path in front."""
        return f"{self.path}{names.CALL_SEPARATOR}{node}" if self.calls else node

    def tensor(self, node: str, index: int) -> Tensor | None:
        """Return a tensor by node and flat output index, or None."""
        found = self.nodes.get(node)
        if found is None:
            return None
        types = self.body.output_types(node)
        if types is not None and index >= len(types):
            return None
        dtype = types[index] if types is not None else 0
        shape = tensors.output_shape(found, index, self.meta.producer)
        return Tensor(f"{self.full_name(node)}:{index}", dtypes.dtype(dtype), shape)

    # -- levels above and below

    def calls_under(self, node: NodeDef) -> list[Call]:
        """Return the calls of a node, without recursive or too deep ones."""
        found = self.body.calls(node)
        if not found or len(self.calls) >= MAX_DEPTH:
            return []
        on_the_path = {self.body.name, *(call.function for call in self.calls)}
        return [call for call in found if call.function not in on_the_path]

    def under(self, call: Call) -> Level:
        """Return the body that a call runs; the same object for the same call."""
        if call not in self._under:
            self._under[call] = self._enter(call)
        return self._under[call]

    def levels_under(self, node: NodeDef) -> list[Level]:
        """Return the bodies that a node runs."""
        return [self.under(call) for call in self.calls_under(node)]

    def levels(self) -> Iterator[Level]:
        """Iterate over this level and all below it, depth first.

        A body called twice comes twice; none is kept.
        """
        todo = [self]
        while todo:
            level = todo.pop()
            yield level
            below = [level._enter(call) for node in level.nodes.values() for call in level.calls_under(node)]
            todo.extend(reversed(below))

    def _enter(self, call: Call) -> Level:
        body = self.body.bodies.get(call.function)
        assert body is not None, "calls are of functions that the library has"
        return Level(body, self, call)

    @property
    def calling_node(self) -> NodeDef | None:
        """The node that calls this body."""
        return None if self.caller is None or self.call is None else self.caller.nodes[self.call.node]

    # -- values

    def value(self, entry: str) -> Value | None:
        """Return the value that a data input names; None for a control input."""
        return None if is_control(entry) else Value(self, *self.body.address(entry))

    def input(self, node: NodeDef, position: int) -> Value | None:
        """Return the value of a data input of a node; None if it has no such input."""
        if position >= len(node.input):
            return None
        return self.value(node.input[position])

    def uses(self, value: Value) -> Iterator[Use]:
        """Iterate over the inputs of nodes of this level that are a value of it."""
        for node, position in self.body.uses((value.name, value.index)):
            yield Use(self, node, position)

    # -- arguments and results

    def argument(self, position: int) -> Value | None:
        """Return the argument that a data input of the calling node becomes."""
        for place in self._arguments.values():
            if place.first <= position < place.first + place.size:
                return Value(self, place.arg, position - place.first)
        return None

    def position(self, value: Value) -> int | None:
        """Return the calling node's data input that gives an argument, or None."""
        place = self._arguments.get(value.name)
        if place is None or value.index >= place.size or value.name in self.nodes:
            return None
        return place.first + value.index

    def given(self, value: Value) -> Value | None:
        """Return the value that the calling node gives for an argument, or None."""
        position, node = self.position(value), self.calling_node
        if position is None or node is None or self.caller is None:
            return None
        return self.caller.input(node, position)

    def result(self, index: int) -> Value | None:
        """Return the value that is the function's result of a number, or None."""
        if self.function is None:
            return None
        for place in self._result_places:
            entry = self.function.ret.get(place.arg)
            if entry and place.first <= index < place.first + place.size:
                name, first = self.body.address(entry)
                return Value(self, name, first + index - place.first)
        return None

    def returned(self, value: Value) -> list[int]:
        """Return the numbers of the results that are a value of this level."""
        return self._results.get((value.name, value.index), [])

    @cached_property
    def _arguments(self) -> Mapping[str, optable.ArgRange]:
        """Return the calling node's data inputs for each argument."""
        call = self.call
        if call is None or call.first is None or self.function is None:
            return {}
        places = self._places(self.function.signature.input_arg, optable.input_args)
        return {arg: optable.ArgRange(arg, call.first + first, size) for arg, first, size in places}

    @cached_property
    def _result_places(self) -> list[optable.ArgRange]:
        """Return the results of the function by their names in `ret`."""
        assert self.function is not None
        return self._places(self.function.signature.output_arg, optable.output_args)

    @cached_property
    def _results(self) -> Mapping[Output, list[int]]:
        found: dict[Output, list[int]] = {}
        for place in self._result_places if self.function is not None else ():
            for number in range(place.first, place.first + place.size):
                value = self.result(number)
                if value is not None:
                    found.setdefault((value.name, value.index), []).append(number)
        return found

    def _places(self, args: Iterable[OpDef.ArgDef], ranges: _Ranges) -> list[optable.ArgRange]:
        """Return the flat numbers of arguments or results.

        Lists have as many as the attrs of the call say.
        """
        if not any(arg.number_attr or arg.type_list_attr for arg in args):
            return [optable.ArgRange(arg.name, at, 1) for at, arg in enumerate(args)]
        node = self.calling_node
        if node is None or self.call is None or self.function is None:
            return []
        attrs = node.attr if node.op == self.call.function else named_function(node, self.call.label).attr
        called = schema.NodeDef(op=self.call.function)
        for name in attrs:
            called.attr[name].CopyFrom(attrs[name])
        return ranges(called, self.function.signature) or []


class _Ranges(Protocol):
    def __call__(self, node: NodeDef, op_def: OpDef, /) -> list[optable.ArgRange] | None: ...


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor at a level: an output of a node, or an argument of the function.

    Attributes:
        level: where it is.
        name: of the node or argument.
        index: of the node's flat outputs; in an argument that is a list, of its elements.
    """

    level: Level
    name: str
    index: int = 0

    @property
    def node(self) -> NodeDef | None:
        """The node that gives it; None for an argument, and where no node has the name."""
        return self.level.nodes.get(self.name)

    @property
    def tensor(self) -> Tensor | None:
        """Its dtype and shape as the node says them; None if the node has no such output."""
        return self.level.tensor(self.name, self.index)


class Use(NamedTuple):
    """An input of a node that uses a value.

    Attributes:
        level: where the node is.
        node: the node.
        position: among its data inputs.
    """

    level: Level
    node: NodeDef
    position: int

    @property
    def op(self) -> str:
        """The node's op."""
        return str(self.node.op)

    def output(self, index: int = 0) -> Value:
        """Return one of the node's outputs."""
        return Value(self.level, self.node.name, index)

    def input(self, position: int) -> Value | None:
        """Return the value of one of the node's data inputs."""
        return self.level.input(self.node, position)

    def arguments(self) -> Iterator[Value]:
        """Iterate over the arguments that the input becomes in the node's bodies."""
        for body in self.level.levels_under(self.node):
            argument = body.argument(self.position)
            if argument is not None:
                yield argument


def find(meta: MetaGraph, text: str) -> Value | None:
    """Return the tensor that `CALL::CALL::node:k` names, or None.

    Where a call on the path has several bodies, the first of them that has the rest of the path is taken.
    """
    *path, last = text.split(names.CALL_SEPARATOR)
    parsed = names.parse_tensor(last)
    if parsed is None:
        return None
    for level in descend(Level.of(meta), path):
        if parsed.node in level.nodes:
            return Value(level, parsed.node, parsed.index)
    return None


def descend(level: Level, path: Sequence[str]) -> Iterator[Level]:
    """Iterate over the levels that a path of `CALL` or `CALL[label]` reaches."""
    if not path:
        yield level
        return
    match = _STEP.match(path[0])
    node = level.nodes.get(match["node"]) if match else None
    if match is None or node is None:
        return
    for call in level.calls_under(node):
        if match["label"] in (None, call.label):
            yield from descend(level.under(call), path[1:])
