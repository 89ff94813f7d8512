"""A part of a graph as a function: nodes `n:k` become `n:arg:i`, placeholders and handles become arguments.

Source of the forms: function.proto (FunctionDef, `node_def` inputs, `ret`, `handle_data`), and what
`tf.compat.v1.wrap_function` and `tf.saved_model.save` write.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

from workbench import names
from workbench.disk import dtypes
from workbench.disk.optable import OpTable
from workbench.disk.schema import FunctionDef, NodeDef
from workbench.graph.reach import needed
from workbench.model.op_classes import MUST_BE_FED, REF_TABLES, REF_VARIABLES
from workbench.model.shapes import Shape, to_proto
from workbench.model.tensors import output_ranges, output_types

_REFERENCES = REF_VARIABLES | REF_TABLES


class CannotUplift(Exception):
    """A graph that can't become a function; says which node is in the way. Never leaves the room."""

    def __init__(self, node: str, why: str) -> None:
        super().__init__(f"{node}: {why}")
        self.node = node
        self.why = why


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of the function.

    Attributes:
        tensor: the tensor of the graph it stands for, `n:k`.
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
class Uplift:
    """Makes FunctionDefs out of one graph.

    Args:
        nodes: the graph's nodes by name.
        functions: the library by name.
        op_table: op definitions.
        set_up: nodes that an init op works on: a resource among them would not be set up.
    """

    nodes: Mapping[str, NodeDef]
    functions: Mapping[str, FunctionDef]
    op_table: OpTable
    set_up: Container[str] = ()
    _outputs: dict[str, list[tuple[str, int]]] = field(default_factory=dict)

    def needed(self, outputs: Iterable[str], fed: Iterable[str]) -> list[str]:
        """Nodes that compute some tensors when others are given, in the order of the graph.

        Args:
            outputs: tensors `n:k`, or `^n` for a node that only has to run.
            fed: tensors `n:k` that are given.
        """
        given = {tensor: f"^{tensor}" for tensor in fed}  # no node is called so
        waits = {tensor[:-2]: mark for tensor, mark in given.items() if tensor.endswith(":0")}
        seen = needed(self.nodes, outputs, tensors=given, waits=waits) - set(given.values())
        missing = sorted(seen - self.nodes.keys())
        if missing:
            raise CannotUplift(missing[0], "the graph has no such node")
        for name in sorted(name for name in seen if name in self.set_up):
            if self._is_resource(self.nodes[name]):
                raise CannotUplift(name, "the init op sets it up, which only the TF1 format runs")
        return [name for name in self.nodes if name in seen]

    def function(
        self,
        name: str,
        arguments: Iterable[Argument],
        outputs: Mapping[str, str],
        *,
        also_run: Iterable[str] = (),
    ) -> FunctionDef:
        """The FunctionDef that computes `outputs` (user's name to tensor `n:k`) from `arguments`.

        Args:
            name: of the function.
            arguments: in order; captures last.
            outputs: in order.
            also_run: nodes that have to run besides.

        Raises:
            CannotUplift: a reference variable, an unknown op, a placeholder that is no argument.
        """
        arguments = list(arguments)
        result = FunctionDef()
        result.signature.name = name
        taken: set[str] = set()
        fed: dict[str, str] = {}
        for number, argument in enumerate(arguments):
            own = _identifier(argument.name, taken)
            fed.setdefault(argument.tensor, own)
            arg = result.signature.input_arg.add(name=own, type=argument.dtype)
            if argument.holds is not None:
                data = arg.handle_data.add(dtype=argument.holds)
                data.shape.CopyFrom(to_proto(argument.shape))
            result.arg_attr[number].attr["_user_specified_name"].s = argument.name.encode()
            if argument.dtype != dtypes.RESOURCE:
                shapes = result.arg_attr[number].attr["_output_shapes"].list.shape
                shapes.add().CopyFrom(to_proto(argument.shape))
        runs = [f"^{node}" for node in also_run]
        needed = self.needed([*outputs.values(), *runs], fed)
        inside = set(needed)
        stateful = False
        for node_name in needed:
            stateful |= self._add(result, node_name, fed, inside)
        for key, tensor in outputs.items():
            own = _identifier(key, taken)
            dtype = self._dtype(tensor, arguments)
            result.signature.output_arg.add(name=own, type=dtype)
            node = result.node_def.add(name=_identifier(f"result_{own}", taken), op="Identity")
            node.input.append(self._input(tensor, fed))
            node.input.extend(runs)
            node.attr["T"].type = dtype
            result.ret[own] = f"{node.name}:output:0"
        for node_name in also_run:
            result.signature.control_output.append(node_name)
            result.control_ret[node_name] = node_name
        result.signature.is_stateful = stateful
        result.attr["_construction_context"].s = b"kEagerRuntime"
        return result

    def _add(self, function: FunctionDef, name: str, fed: Mapping[str, str], inside: set[str]) -> bool:
        """Copies a node into a body; returns whether it is stateful."""
        source = self.nodes[name]
        if source.op in _REFERENCES:
            raise CannotUplift(name, f"{source.op} can't stand in a function")
        if source.op in MUST_BE_FED:
            raise CannotUplift(name, "it is a placeholder that no input feeds")
        node = function.node_def.add()
        node.CopyFrom(source)
        data = [self._input(text, fed) for text in source.input if not text.startswith("^")]
        controls = [text for text in source.input if text.startswith("^") and text[1:] in inside]
        node.input[:] = [*data, *controls]
        if "_class" in node.attr:
            places = node.attr["_class"].list.s
            kept = [place for place in places if place[:5] != b"loc:@" or place[5:].decode() in inside]
            places[:] = kept
            if not kept:
                del node.attr["_class"]
        if source.op in self.functions:
            return bool(self.functions[source.op].signature.is_stateful)
        op_def = self.op_table.get(source.op)
        return op_def is not None and bool(op_def.is_stateful)

    def _is_resource(self, node: NodeDef) -> bool:
        return dtypes.RESOURCE in (output_types(node, self.op_table, self.functions) or ())

    def _input(self, text: str, fed: Mapping[str, str]) -> str:
        tensor = names.input_tensor(text)
        given = fed.get(str(tensor))
        if given is not None:
            return given
        arg, index = self._place(tensor)
        return f"{tensor.node}:{arg}:{index}"

    def _place(self, tensor: names.TensorName) -> tuple[str, int]:
        """Output arg and index within it of a flat output."""
        if tensor.node not in self._outputs:
            self._outputs[tensor.node] = self._flat(self.nodes[tensor.node])
        places = self._outputs[tensor.node]
        if tensor.index >= len(places):
            raise CannotUplift(tensor.node, f"it has no output {tensor.index}")
        return places[tensor.index]

    def _flat(self, node: NodeDef) -> list[tuple[str, int]]:
        ranges = output_ranges(node, self.op_table, self.functions)
        if ranges is None:
            raise CannotUplift(node.name, f"the outputs of the op {node.op} are not known")
        return [(place.arg, index) for place in ranges for index in range(place.size)]

    def _dtype(self, tensor: str, arguments: Iterable[Argument]) -> int:
        parsed = names.input_tensor(tensor)
        for argument in arguments:
            if argument.tensor == str(parsed):
                return argument.dtype
        types = output_types(self.nodes[parsed.node], self.op_table, self.functions)
        if types is None or parsed.index >= len(types):
            raise CannotUplift(parsed.node, "the dtypes of its outputs are not known")
        return dtypes.base(types[parsed.index])


def _identifier(text: str, taken: set[str]) -> str:
    """A valid, unique name of an argument ([a-z][a-z0-9_]*)."""
    base = re.sub(r"[^a-z0-9_]", "_", text.lower()).lstrip("_0123456789") or "arg"
    name, number = base, 0
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    taken.add(name)
    return name
