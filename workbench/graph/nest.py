"""A read-only view of a graph with each function's body under the node that calls it, to any depth.

A place is written `CALL::CALL::node`, the first CALL a node of the main graph (`::` occurs in no name). A
node that has several bodies (While, If, Case) is followed by which one, `while[body]::x`,
`case[branches[1]]::x`; without that, the first body that has the rest of the path is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from workbench import names
from workbench.disk import dtypes, optable
from workbench.disk.schema import Message
from workbench.graph.functions import calls
from workbench.model import shapes, tensors
from workbench.model.tensors import Tensor

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

_STEP = re.compile(r"(?P<node>[^\[\]]+)(?:\[(?P<label>.+)\])?\Z")
MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Step:
    """One call on the way to a body: the calling node, which of its bodies, the function."""

    node: str
    label: str
    function: str
    alone: bool

    def __str__(self) -> str:
        return self.node if self.alone else f"{self.node}[{self.label}]"


class Level:
    """The nodes of the main graph or of one body, and the bodies under them.

    Args:
        meta: the MetaGraph.
        steps: the calls that lead here; empty for the main graph.
        function: the FunctionDef, or None for the main graph.
    """

    def __init__(
        self, meta: MetaGraph, steps: tuple[Step, ...] = (), function: Message | None = None
    ) -> None:
        self.meta = meta
        self.steps = steps
        self.function = function

    @cached_property
    def nodes(self) -> Mapping[str, Message]:
        """The nodes here by name, in the order of the file."""
        return self.meta.nodes if self.function is None else self.meta.function_nodes(self.function)

    @property
    def node_defs(self) -> Sequence[Message]:
        """The nodes here in the order of the file: to look at some of them, at no cost for the others."""
        graph: Sequence[Message] = self.meta.graph.node if self.function is None else self.function.node_def
        return graph

    @cached_property
    def path(self) -> str:
        """The written place of this level: empty, or `CALL::CALL`."""
        return names.CALL_SEPARATOR.join(map(str, self.steps))

    def full_name(self, node: str) -> str:
        """The written place of a node of this level."""
        return f"{self.path}{names.CALL_SEPARATOR}{node}" if self.steps else node

    def address(self, entry: str) -> tuple[str, int]:
        """Return node (or argument) and flat output index of a data input as a node of this level writes it."""
        name, _, rest = entry.partition(":")
        if not rest:
            return name, 0
        arg, _, number = rest.rpartition(":")
        index = names.parse_number(number) or 0
        node = self.nodes.get(name)
        if not arg or node is None:
            return name, index
        return name, first_of(self.meta, node, arg) + index

    @property
    def arguments(self) -> tuple[Tensor, ...]:
        """A body's arguments, named without index; a repeated or polymorphic one has dtype 0."""
        if self.function is None:
            return ()
        found = []
        for index, arg in enumerate(self.function.signature.input_arg):
            shape = None
            if index in self.function.arg_attr:
                attr = self.function.arg_attr[index].attr
                if "_output_shapes" in attr and attr["_output_shapes"].list.shape:
                    shape = shapes.from_proto(attr["_output_shapes"].list.shape[0])
            found.append(Tensor(arg.name, dtypes.dtype(arg.type), shape))
        return tuple(found)

    def steps_under(self, node: Message) -> list[Step]:
        """The calls under a node, without those that would repeat a function on the way here."""
        found = calls(node, self.meta.functions)
        on_the_way = {step.function for step in self.steps}
        alone = len(found) == 1
        return [
            Step(node.name, label, function, alone)
            for label, function in found
            if function not in on_the_way and len(self.steps) < MAX_DEPTH
        ]

    def under(self, step: Step) -> Level:
        """The body a call leads to."""
        return Level(self.meta, (*self.steps, step), self.meta.functions[step.function])

    def levels(self) -> Iterator[Level]:
        """This level and all below it, depth first. Bodies called twice come twice: take what is needed."""
        todo = [self]
        while todo:
            level = todo.pop()
            yield level
            below = [level.under(step) for node in level.nodes.values() for step in level.steps_under(node)]
            todo.extend(reversed(below))

    def tensor(self, node: str, index: int) -> Tensor | None:
        """A tensor of this level by node and flat output index, named with its whole place."""
        found = self.nodes.get(node)
        if found is None:
            return None
        types = self.meta.output_types(found)
        if types is not None and index >= len(types):
            return None
        dtype = types[index] if types is not None else 0
        shape = tensors.output_shape(found, index, self.meta.producer)
        return Tensor(f"{self.full_name(node)}:{index}", dtypes.dtype(dtype), shape)


def first_of(meta: MetaGraph, node: Message, arg: str) -> int:
    """The flat index of the first output of an output arg; 0 where it can't be told."""
    function = meta.functions.get(node.op)
    if function is not None:
        found = [out.name for out in function.signature.output_arg]
        return found.index(arg) if arg in found else 0
    op_def = meta.op_table.get(node.op)
    if op_def is None or len(op_def.output_arg) < 2:
        return 0
    for known in optable.output_args(node, op_def) or ():
        if known.arg == arg:
            return known.first
    return 0


@dataclass(frozen=True, slots=True)
class Place:
    """A node found by its written place."""

    level: Level
    node: str
    index: int

    @property
    def tensor(self) -> Tensor | None:
        """The tensor that is meant, or None if the node has no such output."""
        return self.level.tensor(self.node, self.index)


def find(meta: MetaGraph, text: str) -> Place | None:
    """The node that `CALL::CALL::node:k` (or `node:k`, `:k` may be left out) names; None if there is none.

    Where a step could lead into several bodies, the first of them that has the rest of the path is taken.
    """
    *call_steps, last = text.split(names.CALL_SEPARATOR)
    parsed = names.parse_tensor(last)
    if parsed is None:
        return None
    for level in _descend(Level(meta), call_steps):
        if parsed.node in level.nodes:
            return Place(level, parsed.node, parsed.index)
    return None


def _descend(level: Level, call_steps: list[str]) -> Iterator[Level]:
    if not call_steps:
        yield level
        return
    match = _STEP.match(call_steps[0])
    node = level.nodes.get(match["node"]) if match else None
    if match is None or node is None:
        return
    for step in level.steps_under(node):
        if match["label"] in (None, step.label):
            yield from _descend(level.under(step), call_steps[1:])
