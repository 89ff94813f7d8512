"""Where names are looked up: the main graph or one function's body, and what its inputs stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from workbench.disk import dtypes, optable
from workbench.disk.schema import Message
from workbench.graph.adjacency import Adjacency
from workbench.names import show

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

Types = tuple[int, ...]
UNKNOWN: Types = (dtypes.INVALID,)
"""One tensor of a dtype that can't be told."""


class Dangling(Exception):
    """An input names nothing; `part` is which part of it does not fit: `node` or `output`."""

    def __init__(self, part: str, have: int | None = None) -> None:
        super().__init__(part)
        self.part = part
        self.have = have


class Scope:
    """The nodes of a place by name, and the dtypes behind an entry of `NodeDef.input`.

    Args:
        meta: for the op table and the function library.
        label: empty for the main graph, else the function's name.
        nodes: the NodeDefs.
        function: the FunctionDef, or None for the main graph.
    """

    def __init__(
        self, meta: MetaGraph, label: str, nodes: Iterable[Message], function: Message | None = None
    ) -> None:
        self.meta = meta
        self.label = label
        self.function = function
        self.nodes: Mapping[str, Message] = (
            meta.nodes if function is None else {node.name: node for node in nodes}
        )
        self.arguments: dict[str, Message] = {}
        if function is not None:
            self.arguments = {arg.name: arg for arg in function.signature.input_arg}
        self._types: dict[str, Types | None] = {}
        self._ranges: dict[str, dict[str, optable.ArgRange] | None] = {}

    @cached_property
    def adjacency(self) -> Adjacency:
        """Who feeds whom in this place."""
        return Adjacency(self.nodes)

    def where(self, name: str) -> str:
        """A node of this place as a finding names it: `node`, or `function::node`."""
        return f"{show(self.label)}::{show(name)}" if self.label else show(name)

    def types(self, entry: str) -> Types:
        """The dtype of each tensor that a data input stands for; `UNKNOWN` where nothing tells it.

        Raises:
            Dangling: there is no such node, argument or output.
        """
        return self._in_main(entry) if self.function is None else self._in_body(entry)

    def outputs(self, name: str) -> Types | None:
        """The dtypes of a node's outputs, or None for an op that nobody knows."""
        if name not in self._types:
            found = self.meta.output_types(self.nodes[name])
            self._types[name] = None if found is None else tuple(found)
        return self._types[name]

    def _in_main(self, entry: str) -> Types:
        name, _, text = entry.partition(":")
        if name not in self.nodes:
            raise Dangling("node")
        outputs = self.outputs(name)
        index = _index(text) if text else 0
        if index is None:
            raise Dangling("node")
        if outputs is None:
            return UNKNOWN
        if index >= len(outputs):
            raise Dangling("output", len(outputs))
        return (outputs[index],)

    def _in_body(self, entry: str) -> Types:
        """`arg`, `arg:i` of a list, `node:out`, `node:out:i` (`function.cc`, FunctionInstantiationHelper)."""
        name, _, rest = entry.partition(":")
        argument = self.arguments.get(name)
        if argument is not None:
            if argument.number_attr or argument.type_list_attr:
                return UNKNOWN
            if rest not in ("", "0"):
                raise Dangling("output", 1)
            return (argument.type or dtypes.INVALID,)
        if name not in self.nodes:
            raise Dangling("node")
        ranges = self.ranges(name)
        if ranges is None:
            return UNKNOWN
        arg, _, text = rest.partition(":")
        place = ranges.get(arg)
        if place is None:
            raise Dangling("output", None)
        types = self.outputs(name)
        if text:
            index = _index(text)
            if index is None or index >= place.size:
                raise Dangling("output", place.size)
            return UNKNOWN if types is None else (types[place.first + index],)
        if types is None:
            return UNKNOWN * place.size
        return types[place.first : place.first + place.size]

    def ranges(self, name: str) -> dict[str, optable.ArgRange] | None:
        """The output args of a body's node by name, or None where they can't be told."""
        if name not in self._ranges:
            self._ranges[name] = self._read_ranges(self.nodes[name])
        return self._ranges[name]

    def _read_ranges(self, node: Message) -> dict[str, optable.ArgRange] | None:
        function = self.meta.functions.get(node.op)
        if function is not None:
            args = function.signature.output_arg
            if any(arg.number_attr or arg.type_list_attr for arg in args):
                return None
            return {arg.name: optable.ArgRange(arg.name, at, 1) for at, arg in enumerate(args)}
        op_def = self.meta.op_table.get(node.op)
        found = None if op_def is None else optable.output_args(node, op_def)
        return None if found is None else {one.arg: one for one in found}


def scopes(meta: MetaGraph) -> list[Scope]:
    """The main graph and each function's body."""
    found = [Scope(meta, "", meta.graph.node)]
    for function in meta.graph.library.function:
        found.append(Scope(meta, function.signature.name, function.node_def, function))
    return found


def _index(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
