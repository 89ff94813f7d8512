"""The bodies of a MetaGraph, its main graph and functions, and their names.

An input in the main graph is `n` or `n:k`. In a function it is an argument, `n:out` or `n:out:i`, where `out` is an
output arg of the node's op. Both are brought to one form here: the node's name and the flat index of its output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from workbench.disk import dtypes, optable
from workbench.disk.schema import FunctionDef, NodeDef, OpDef
from workbench.graph.adjacency import Adjacency
from workbench.graph.calls import Call, calls_of
from workbench.model import shapes
from workbench.model.tensors import Tensor
from workbench.names import parse_number, show

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

Types = tuple[int, ...]
UNKNOWN: Types = (dtypes.INVALID,)
"""One tensor of an unknown dtype."""
Output = tuple[str, int]
"""A node and the flat index of one of its outputs; or an argument and the index in it, 0 unless it is a list."""


class Dangling(Exception):
    """The error for an input that names nothing.

    `part` is which part of it does not fit: `node` or `output`.
    """

    def __init__(self, part: str, have: int | None = None) -> None:
        super().__init__(part)
        self.part = part
        self.have = have


def address(entry: str, ranges: Mapping[str, optable.ArgRange] | None) -> Output:
    """Return the output that a data input names.

    Args:
        entry: the input.
        ranges: in a function, the output args of the node that the input names; None where they are not known, for an
            argument, and in the main graph.
    """
    name, _, rest = entry.partition(":")
    arg, _, number = rest.partition(":")
    place = None if ranges is None else ranges.get(arg)
    if place is not None:
        return name, place.first + (parse_number(number) or 0)
    return name, parse_number(rest.rpartition(":")[2]) or 0


class Bodies:
    """The bodies of one MetaGraph, each made at its first use.

    Args:
        meta: the MetaGraph.
    """

    def __init__(self, meta: MetaGraph) -> None:
        self.meta = meta
        self._of_functions: dict[str, Body] = {}
        self._may_call: dict[str, bool] = {}
        self._only_output: dict[str, str | None] = {}

    @cached_property
    def main(self) -> Body:
        """The main graph."""
        return Body(self, None)

    def get(self, name: str) -> Body | None:
        """Return the body of a function, or None if the library has no such function."""
        if name not in self._of_functions:
            function = self.meta.functions.get(name)
            if function is None:
                return None
            self._of_functions[name] = Body(self, function)
        return self._of_functions[name]

    def may_call(self, op: str) -> bool:
        """Return whether nodes of an op may call functions of the library.

        Most may not, and need no closer look.
        """
        if op not in self._may_call:
            functions, op_def = self.meta.functions, self.meta.op_table.get(op)
            self._may_call[op] = bool(functions) and (
                op in functions
                or op_def is None
                or any(attr.type in ("func", "list(func)") for attr in op_def.attr)
            )
        return self._may_call[op]

    def only_output(self, op: str) -> str | None:
        """Return `arg:0` where an op has one output arg: a body's input that ends so is output 0.

        Most ops are such, and the outputs of their nodes need no closer look. None for others.
        """
        if op not in self._only_output:
            function = self.meta.functions.get(op)
            op_def = self.meta.op_table.get(op) if function is None else function.signature
            args = [] if op_def is None else op_def.output_arg
            self._only_output[op] = f"{args[0].name}:0" if len(args) == 1 else None
        return self._only_output[op]

    def __iter__(self) -> Iterator[Body]:
        """Iterate over the main graph and each function's body, in the order of the file."""
        yield self.main
        functions = self.meta.functions
        for function in self.meta.graph.library.function:
            name = function.signature.name
            found = self.get(name) if functions[name] is function else None
            yield found or Body(self, function)  # one of several functions that share a name


class Body:
    """The main graph or the body of one function.

    Args:
        bodies: all bodies of the MetaGraph.
        function: the FunctionDef, or None for the main graph.
    """

    def __init__(self, bodies: Bodies, function: FunctionDef | None) -> None:
        self.bodies = bodies
        self.meta = bodies.meta
        self.function = function
        self._calls: dict[str, list[Call]] = {}
        self._types: dict[str, Types | None] = {}
        self._ranges: dict[str, dict[str, optable.ArgRange] | None] = {}
        self._addresses: dict[str, Output] = {}
        self._uses: dict[str, dict[int, list[tuple[NodeDef, int]]]] = {}

    @property
    def name(self) -> str:
        """The function's name; empty for the main graph."""
        return "" if self.function is None else str(self.function.signature.name)

    @cached_property
    def nodes(self) -> Mapping[str, NodeDef]:
        """The nodes by name, in the order of the file."""
        if self.function is None:
            return self.meta.nodes
        if self.meta.functions.get(self.name) is self.function:
            return self.meta.function_nodes(self.function)
        return {node.name: node for node in self.function.node_def}

    @property
    def node_defs(self) -> Sequence[NodeDef]:
        """The nodes in the order of the file, at no cost for those not read."""
        nodes: Sequence[NodeDef] = self.meta.graph.node if self.function is None else self.function.node_def
        return nodes

    @cached_property
    def arguments(self) -> Mapping[str, OpDef.ArgDef]:
        """The arguments of a function by name, in order."""
        return {} if self.function is None else {arg.name: arg for arg in self.function.signature.input_arg}

    @cached_property
    def argument_tensors(self) -> tuple[Tensor, ...]:
        """The arguments as tensors, named without index.

        A repeated or polymorphic one has dtype 0.
        """
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

    @cached_property
    def adjacency(self) -> Adjacency:
        """Which nodes feed which."""
        return Adjacency(self.nodes)

    @cached_property
    def _consumers(self) -> Mapping[str, NodeDef | list[NodeDef]]:
        """By node or argument, the node that uses its outputs, or a list where several do.

        Most have one, and a list for each would take more memory than the nodes.
        """
        found: dict[str, NodeDef | list[NodeDef]] = {}
        for node in self.nodes.values():
            for name in {entry.partition(":")[0] for entry in node.input if entry[:1] != "^"}:
                known = found.get(name)
                if known is None:
                    found[name] = node
                elif isinstance(known, list):
                    known.append(node)
                else:
                    found[name] = [known, node]
        return found

    def uses(self, output: Output) -> list[tuple[NodeDef, int]]:
        """Return the uses of an output or argument: (node, position in its `input`)."""
        name, index = output
        found = self._uses.get(name)
        if found is None:
            found = self._uses[name] = {}
            users = self._consumers.get(name, [])
            for node in users if isinstance(users, list) else [users]:
                for position, entry in enumerate(node.input):
                    if entry.partition(":")[0] == name:
                        found.setdefault(self.address(entry)[1], []).append((node, position))
        return found.get(index, [])

    def calls(self, node: NodeDef) -> list[Call]:
        """Return the functions of the library that a node of this body calls."""
        if not self.bodies.may_call(node.op):
            return []
        name = node.name
        if name not in self._calls:
            self._calls[name] = calls_of(node, self.meta.functions)
        return self._calls[name]

    def where(self, name: str) -> str:
        """Return how a finding names a node: `node`, or `function::node`."""
        return f"{show(self.name)}::{show(name)}" if self.function is not None else show(name)

    # -- what inputs name

    def address(self, entry: str) -> Output:
        """Return the output that a data input names.

        Of an unknown op it is the number that the input ends in.
        """
        if self.function is None:
            return address(entry, None) if ":" in entry else (entry, 0)
        found = self._addresses.get(entry)
        if found is None:
            name, _, rest = entry.partition(":")
            node = self.nodes.get(name) if name not in self.arguments else None
            if node is not None and rest == self.bodies.only_output(node.op):
                return name, 0
            found = self._addresses[entry] = address(
                entry, None if node is None else self.output_ranges(name)
            )
        return found

    def types(self, entry: str) -> Types:
        """Return the dtype of each tensor that a data input represents.

        A dtype that nothing tells is `UNKNOWN`.

        Raises:
            Dangling: there is no such node, argument or output.
        """
        return self._types_in_main(entry) if self.function is None else self._types_in_function(entry)

    def output_types(self, name: str) -> Types | None:
        """Return the dtypes of a node's outputs, or None for an unknown op."""
        if name not in self._types:
            found = self.meta.output_types(self.nodes[name])
            self._types[name] = None if found is None else tuple(found)
        return self._types[name]

    def output_ranges(self, name: str) -> dict[str, optable.ArgRange] | None:
        """Return the output args of a node by name, or None if they are not known."""
        if name not in self._ranges:
            found = self.meta.output_ranges(self.nodes[name])
            self._ranges[name] = None if found is None else {one.arg: one for one in found}
        return self._ranges[name]

    def _types_in_main(self, entry: str) -> Types:
        name, _, rest = entry.partition(":")
        index = parse_number(rest) if rest else 0
        if name not in self.nodes or index is None:
            raise Dangling("node")
        outputs = self.output_types(name)
        if outputs is None:
            return UNKNOWN
        if index >= len(outputs):
            raise Dangling("output", len(outputs))
        return (outputs[index],)

    def _types_in_function(self, entry: str) -> Types:
        """Return the dtypes of `arg`, `arg:i`, `node:out` or `node:out:i`.

        Source: `function.cc`, FunctionInstantiationHelper.
        """
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
        ranges = self.output_ranges(name)
        if ranges is None:
            return UNKNOWN
        arg, _, number = rest.partition(":")
        place = ranges.get(arg)
        if place is None:
            raise Dangling("output", None)
        first, size = place.first, place.size
        if number:
            index = parse_number(number)
            if index is None or index >= size:
                raise Dangling("output", size)
            first, size = first + index, 1
        types = self.output_types(name)
        if types is None or len(types) < first + size:  # of a polymorphic function nothing tells them
            return UNKNOWN * size
        return types[first : first + size]
