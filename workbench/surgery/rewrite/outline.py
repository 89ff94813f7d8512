"""Outlining: a part of a graph becomes a function.

Nodes `n:k` become `n:arg:i`, placeholders and handles become arguments.

Source of the forms: function.proto (FunctionDef, `node_def` inputs, `ret`, `handle_data`), and what
`tf.compat.v1.wrap_function` and `tf.saved_model.save` write.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from workbench import names
from workbench.disk import dtypes
from workbench.disk.optable import OpTable
from workbench.disk.schema import FunctionDef, FunctionDefLibrary, NodeDef, OpDef
from workbench.disk.serialized.packed import PackedBody
from workbench.graph.reach import needed
from workbench.model.op_classes import MUST_BE_FED, REF_TABLES, REF_VARIABLES
from workbench.model.shapes import Shape, to_proto
from workbench.model.tensors import output_ranges, output_types

_REFERENCES = REF_VARIABLES | REF_TABLES


class CannotOutline(Exception):
    """A graph that can't become a function, with the node that prevents it.

    Raised and caught inside the room.
    """

    def __init__(self, node: str, why: str) -> None:
        super().__init__(f"{node}: {why}")
        self.node = node
        self.why = why


class Argument(NamedTuple):
    """An argument of an outlined function.

    Attributes:
        tensor: the tensor of the graph it represents, `n:k`.
        name: as users name it; the argument's own name is made from it.
        dtype: DataType.
        shape: declared shape; for a resource that of the variable behind it.
        holds: for a resource that is a variable, the dtype of its value; else None.
    """

    tensor: str
    name: str
    dtype: int
    shape: Shape = None
    holds: int | None = None


@dataclass(slots=True)
class Outliner:
    """Make FunctionDefs out of one graph.

    Args:
        nodes: the graph's nodes by name.
        functions: the library by name.
        op_table: op definitions.
        set_up: nodes that an init op works on: a resource among them would not be set up.
        bodies: gets the nodes of each function, by its name; None to put them into the FunctionDef.
        captures: outputs and what is fed to what the function captures, and the objects that it is bound to.
    """

    nodes: Mapping[str, NodeDef]
    functions: Mapping[str, FunctionDef]
    op_table: OpTable
    set_up: Container[str] = ()
    bodies: dict[str, PackedBody] | None = None
    captures: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[list[Argument], list[int]]] = field(
        default_factory=dict
    )
    _single: dict[str, str | None] = field(default_factory=dict)
    _stateful: dict[str, bool] = field(default_factory=dict)
    _made: dict[tuple[object, ...], FunctionDef] = field(default_factory=dict)
    _last: tuple[tuple[str, ...], frozenset[str], list[str]] = ((), frozenset(), [])

    def needed(self, outputs: Iterable[str], fed: Iterable[str]) -> list[str]:
        """Return the nodes that compute tensors from given ones, in graph order.

        Args:
            outputs: tensors `n:k`, or `^n` for a node that only has to run.
            fed: tensors `n:k` that are given.
        """
        wanted, given = tuple(outputs), frozenset(fed)
        found = self._without_captures(wanted, given)
        if found is None:
            found = self._search(wanted, given)
        self._last = wanted, given, found
        return found

    def _without_captures(self, outputs: tuple[str, ...], fed: frozenset[str]) -> list[str] | None:
        """Return the last answer without nodes that are now given, if nothing else can be different.

        That is so if these have one output and no input, as what a function captures has.
        """
        before, less, found = self._last
        more = {tensor.removesuffix(":0") for tensor in fed - less}
        if outputs != before or not outputs or not less <= fed:
            return None
        for name in more:
            node = self.nodes.get(name)
            if node is None or node.input or self._only_output(node.op) is None:
                return None
        return [name for name in found if name not in more] if more else found

    def _search(self, outputs: Iterable[str], fed: Iterable[str]) -> list[str]:
        given = {tensor: f"^{tensor}" for tensor in fed}  # no node is called so
        waits = {tensor[:-2]: mark for tensor, mark in given.items() if tensor.endswith(":0")}
        seen = needed(self.nodes, outputs, tensors=given, waits=waits) - set(given.values())
        found = [name for name in self.nodes if name in seen]
        if len(found) < len(seen):
            raise CannotOutline(min(seen - self.nodes.keys()), "the graph has no such node")
        for name in reversed(found if self.set_up else ()):
            if name in self.set_up and self._is_resource(self.nodes[name]):
                raise CannotOutline(name, "the init op sets it up, which only the TF1 format runs")
        return found

    def add_function(
        self,
        library: FunctionDefLibrary,
        name: str,
        arguments: Iterable[Argument],
        outputs: Mapping[str, str],
        *,
        also_run: Iterable[str] = (),
    ) -> FunctionDef:
        """Add the FunctionDef that computes `outputs` from `arguments`.

        Args:
            library: the functions of the graph; made in place, as a body may be as large as the graph.
            name: of the function.
            arguments: in order; captures last.
            outputs: in order.
            also_run: nodes that have to run besides.

        Raises:
            CannotOutline: a reference variable, an unknown op, a placeholder that is no argument.
        """
        arguments, runs = list(arguments), list(also_run)
        key = (*arguments, *outputs.items(), *runs)
        result = library.function.add()
        if key in self._made:
            made = self._made[key]
            result.CopyFrom(made)
            result.signature.name = name
            if self.bodies is not None:
                self.bodies[name] = self.bodies[made.signature.name]
            return result
        try:
            self._fill(result, name, arguments, outputs, runs)
        except CannotOutline:
            del library.function[-1]
            raise
        self._made[key] = result
        return result

    def _fill(
        self,
        result: FunctionDef,
        name: str,
        arguments: Sequence[Argument],
        outputs: Mapping[str, str],
        also_run: Sequence[str],
    ) -> None:
        result.signature.name = name
        runs = [f"^{node}" for node in also_run]
        needed = self.needed([*outputs.values(), *runs], {argument.tensor for argument in arguments})
        inside = set(needed)
        taken: set[str] = set()
        fed: dict[str, str] = {}
        for number, argument in enumerate(arguments):
            own = _identifier(argument.name, taken, inside)  # arguments and nodes share one namespace
            fed.setdefault(argument.tensor, own)
            arg = result.signature.input_arg.add(name=own, type=argument.dtype)
            if argument.holds is not None:
                data = arg.handle_data.add(dtype=argument.holds)
                data.shape.CopyFrom(to_proto(argument.shape))
            result.arg_attr[number].attr["_user_specified_name"].s = argument.name.encode()
            if argument.dtype != dtypes.RESOURCE:
                shapes = result.arg_attr[number].attr["_output_shapes"].list.shape
                shapes.add().CopyFrom(to_proto(argument.shape))
        body = None if self.bodies is None else PackedBody()
        add = result.node_def.add if body is None else body.add
        stateful = False
        for node_name in needed:
            stateful |= self._copy(add(), node_name, fed, inside)
        for key, tensor in outputs.items():
            own = _identifier(key, taken)
            dtype = self._dtype(tensor, arguments)
            result.signature.output_arg.add(name=own, type=dtype)
            node = add()
            node.name, node.op = _identifier(f"result_{own}", taken, inside), "Identity"
            node.input.append(self._input(tensor, fed))
            node.input.extend(runs)
            node.attr["T"].type = dtype
            result.ret[own] = f"{node.name}:output:0"
        for node_name in also_run:
            result.signature.control_output.append(node_name)
            result.control_ret[node_name] = node_name
        result.signature.is_stateful = stateful
        result.attr["_construction_context"].s = b"kEagerRuntime"
        if body is not None:
            assert self.bodies is not None
            self.bodies[name] = body

    def _copy(self, node: NodeDef, name: str, fed: Mapping[str, str], inside: set[str]) -> bool:
        """Fill a node of a body from the graph's and return whether it is stateful."""
        source = self.nodes[name]
        if source.op in _REFERENCES:
            raise CannotOutline(name, f"{source.op} can't stand in a function")
        if source.op in MUST_BE_FED:
            raise CannotOutline(name, "it is a placeholder that no input feeds")
        node.CopyFrom(source)
        entries = list(source.input)
        if entries:
            data = [self._input(text, fed) for text in entries if text[:1] != "^"]
            node.input[:] = data + [text for text in entries if text[:1] == "^" and text[1:] in inside]
        if "_class" in node.attr:
            places = node.attr["_class"].list.s
            kept = [place for place in places if place[:5] != b"loc:@" or place[5:].decode() in inside]
            places[:] = kept
            if not kept:
                del node.attr["_class"]
        stateful = self._stateful.get(source.op)
        if stateful is None:
            op_def = self._op_def(source.op)
            stateful = self._stateful[source.op] = op_def is not None and bool(op_def.is_stateful)
        return stateful

    def _op_def(self, op: str) -> OpDef | None:
        return self.functions[op].signature if op in self.functions else self.op_table.get(op)

    def _is_resource(self, node: NodeDef) -> bool:
        return dtypes.RESOURCE in (output_types(node, self.op_table, self.functions) or ())

    def _input(self, text: str, fed: Mapping[str, str]) -> str:
        name, index = text, 0
        if text not in self.nodes:  # most are plain names
            tensor = names.input_tensor(text)
            name, index = tensor.node, tensor.index
        given = fed.get(f"{name}:{index}")
        if given is not None:
            return given
        node = self.nodes[name]
        if node.op not in self._single:
            self._single[node.op] = self._only_output(node.op)
        arg = self._single[node.op]
        if arg is None or index:
            arg, index = self._place(node, index)
        return f"{name}:{arg}:{index}"

    def _only_output(self, op: str) -> str | None:
        """Return the output arg of an op with just one tensor; None for other ops."""
        op_def = self._op_def(op)
        if op_def is None or len(op_def.output_arg) != 1:
            return None
        (arg,) = op_def.output_arg
        return None if arg.number_attr or arg.type_list_attr else arg.name

    def _place(self, node: NodeDef, index: int) -> tuple[str, int]:
        """Return the output arg of a flat output and the index within it."""
        ranges = output_ranges(node, self.op_table, self.functions)
        if ranges is None:
            raise CannotOutline(node.name, f"the outputs of the op {node.op} are not known")
        for place in ranges:
            if index < place.first + place.size:
                return place.arg, index - place.first
        raise CannotOutline(node.name, f"it has no output {index}")

    def _dtype(self, tensor: str, arguments: Iterable[Argument]) -> int:
        parsed = names.input_tensor(tensor)
        for argument in arguments:
            if argument.tensor == str(parsed):
                return argument.dtype
        types = output_types(self.nodes[parsed.node], self.op_table, self.functions)
        if types is None or parsed.index >= len(types):
            raise CannotOutline(parsed.node, "the dtypes of its outputs are not known")
        return dtypes.base(types[parsed.index])


def _identifier(text: str, taken: set[str], also: Container[str] = ()) -> str:
    """Return a valid, unique name for an argument ([a-z][a-z0-9_]*)."""
    base = re.sub(r"[^a-z0-9_]", "_", text.lower()).lstrip("_0123456789") or "arg"
    name, number = base, 0
    while name in taken or name in also:
        name, number = f"{base}_{number}", number + 1
    taken.add(name)
    return name
