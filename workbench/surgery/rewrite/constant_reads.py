"""One body of a conversion: what each node does with values instead of handles.

See `variables_to_constants` for the whole; here is what each node does with a value that comes where a handle came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from workbench import names
from workbench.disk import dtypes, optable
from workbench.disk.nodes import attr
from workbench.disk.optable import OpTable
from workbench.disk.schema import FunctionDef, NodeDef, OpDef
from workbench.graph.body import address
from workbench.model.op_classes import MERGES, SWITCHES, VALUE_FORM, VARIABLE_READS
from workbench.names import show

# Ops that pass on what they get; reference form → the form for values.
# Reading op → output arg before and after, where they differ.
_RENAMED = {"ReadVariableOp": ("value", "output"), "VarIsInitializedOp": ("is_initialized", "output")}
STALE = (
    "_output_shapes",
    "_read_only_resource_inputs",
    "_gradient_op_type",
    "forward_function_name",
    "backward_function_name",
    "_handle_dtypes",
    "_handle_shapes",
)

Tainted = dict[int, int]
"""Position of an input or output → dtype of the value used there instead of a handle."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """The reason why a variable can't become a constant.

    Attributes:
        variable: its node in the main graph.
        node: where it is used, `CALL::node` in a body.
        op: of that node.
        why: one sentence about the node.
    """

    variable: str
    node: str
    op: str
    why: str


class Work(Protocol):
    """What the graphs of one conversion share."""

    op_table: OpTable
    once: set[str]
    edits: list[Callable[[], Any]]

    def refuse(self, obstacle: Obstacle) -> None:
        """Note an obstacle."""

    def op_def(self, node: NodeDef) -> OpDef | None:
        """Return the definition of a node's op, which may be a function."""

    def new_node(self, level: ConvertedBody, name: str, op: str) -> NodeDef:
        """Add a node to a graph."""

    def called(self, level: ConvertedBody, node: NodeDef, inputs: Tainted, variable: str) -> Tainted | None:
        """Return the outputs of a calling node that carry values, or None.

        None if it has no function that could take values.
        """


class ConvertedBody:
    """Pass values instead of handles through the main graph or a function's copy."""

    def __init__(
        self, work: Work, nodes: Mapping[str, NodeDef], where: str, function: FunctionDef | None = None
    ):
        self.work = work
        self.nodes = nodes
        self.where = where
        self.function = function
        self.tainted: dict[tuple[str, int], tuple[int, str]] = {}
        self.reference: set[tuple[str, int]] = set()
        self.renamed: dict[str, tuple[str, str]] = {}
        self.added: list[NodeDef] = []
        self.consumers: dict[str, dict[str, None]] = {}
        for name, node in nodes.items():
            for text in node.input:
                if not text.startswith("^"):
                    self.consumers.setdefault(text.partition(":")[0], {})[name] = None

    def flat(self, text: str) -> tuple[str, int]:
        """Return the node (or argument) and flat output index that a data input names."""
        node = self.nodes.get(text.partition(":")[0]) if self.function is not None else None
        op_def = None if node is None else self.work.op_def(node)
        if node is None or op_def is None:
            return address(text, None)
        return address(text, {one.arg: one for one in optable.output_args(node, op_def) or ()})

    def inputs(self, node: NodeDef) -> dict[int, tuple[int, str, bool]]:
        """Return the data inputs that carry a value: dtype, variable, was a reference."""
        found: dict[int, tuple[int, str, bool]] = {}
        data = [text for text in node.input if not text.startswith("^")]
        for position, text in enumerate(data):
            key = self.flat(text)
            if key in self.tainted:
                found[position] = (*self.tainted[key], key in self.reference)
        return found

    def run(self, start: Mapping[tuple[str, int], tuple[int, str]], references: Iterable[str] = ()) -> None:
        """Follow the values from their start until no new node is reached."""
        self.tainted |= start
        self.reference |= {(name, 0) for name in references}
        queue = [consumer for name, _ in start for consumer in self.consumers.get(name, ())]
        later: list[str] = []  # nodes with bodies, when all that only passes on has been followed
        done: dict[str, frozenset[int]] = {}
        while queue or later:
            if queue:
                name = queue.pop()
                if self.nodes[name].op not in VALUE_FORM and self.nodes[name].op != "IdentityN":
                    later.append(name)
                    continue
            else:
                name = later.pop()
            node = self.nodes[name]
            inputs = self.inputs(node)
            if not inputs or done.get(name) == frozenset(inputs):
                continue
            done[name] = frozenset(inputs)
            outputs = self._outputs(node, inputs)
            origin = next(iter(inputs.values()))[1]
            ref = any(one[2] for one in inputs.values())
            for index, dtype in outputs.items():
                if (name, index) not in self.tainted:
                    self.tainted[name, index] = (dtype, origin)
                    if ref and node.op.startswith("Ref"):
                        self.reference.add((name, index))
                    queue += self.consumers.get(name, ())
        self._settle(done)

    # -- what a node does with a value

    def _refuse(self, node: NodeDef, variable: str, why: str) -> Tainted:
        self.work.refuse(Obstacle(variable, self.place(node), node.op, why))
        return {}

    def place(self, node: NodeDef) -> str:
        """Return the location of a node as a message shows it."""
        return f"{self.where}{names.CALL_SEPARATOR}{node.name}" if self.where else str(node.name)

    def _outputs(self, node: NodeDef, inputs: Mapping[int, tuple[int, str, bool]]) -> Tainted:
        """Return the outputs of a node that carry a value, or record an obstacle."""
        dtype, variable, reference = next(iter(inputs.values()))
        if node.op in VARIABLE_READS or (node.name in self.work.once and self.function is None):
            return {}
        if node.op in VALUE_FORM:
            if reference and not node.op.startswith("Ref"):
                return {}  # it takes the value of a reference anyway
            return {0: dtype, 1: dtype} if node.op in SWITCHES else {0: dtype}
        if node.op == "IdentityN":
            return {position: one[0] for position, one in inputs.items() if not one[2]}
        op_def = self.work.op_table.get(node.op)
        if reference:
            return self._refuse_writer(node, inputs, op_def)
        found = self.work.called(self, node, {position: one[0] for position, one in inputs.items()}, variable)
        if found is not None:
            return found
        return self._refuse(node, variable, f"{show(node.op)} writes to it or needs it as a variable")

    def _refuse_writer(
        self, node: NodeDef, inputs: Mapping[int, tuple[int, str, bool]], op_def: OpDef | None
    ) -> Tainted:
        ranges = optable.input_args(node, op_def) if op_def is not None else None
        for position, (_, variable, _) in inputs.items():
            demands = ranges is None or op_def is None
            for number, one in enumerate(ranges or ()):
                if one.first <= position < one.first + one.size and op_def is not None:
                    demands = bool(op_def.input_arg[number].is_ref)
            if demands:
                self._refuse(node, variable, f"{show(node.op)} writes to it or needs it as a variable")
        return {}

    # -- changing

    def _settle(self, reached: Iterable[str]) -> None:
        """Queue the change of each reached node."""
        for name in reached:
            node = self.nodes[name]
            inputs = self.inputs(node)
            _, variable, reference = next(iter(inputs.values()))
            data = sum(not text.startswith("^") for text in node.input)
            if node.op in MERGES and len(inputs) < data:
                self._refuse(node, variable, "another value than a variable flows together with it")
            if self.function is None and name in self.work.once:
                self.work.edits.append(partial(self._only_run, node))
                continue
            if reference and not node.op.startswith("Ref") and node.op not in VARIABLE_READS:
                continue
            if node.op in VARIABLE_READS or node.op in VALUE_FORM or node.op == "IdentityN":
                self.work.edits.append(partial(self._change, node, inputs))
                if node.op in _RENAMED:
                    self.renamed[name] = _RENAMED[node.op]

    def _change(self, node: NodeDef, inputs: Mapping[int, tuple[int, str, bool]]) -> None:
        dtype = next(iter(inputs.values()))[0]
        controls = [text for text in node.input if text.startswith("^")]
        data = [text for text in node.input if not text.startswith("^")]
        if node.op == "IdentityN":
            for position, (own, _, _) in inputs.items():
                node.attr["T"].list.type[position] = own
        elif node.op in VALUE_FORM:
            node.op = VALUE_FORM[node.op]
            node.attr["T"].type = dtype
        elif node.op == "ReadVariableOp":
            self._become(node, "Identity", T=dtype)
        elif node.op == "VariableShape":
            out = attr(node, "out_type").type or dtypes.INT32
            self._become(node, "Shape", T=dtype, out_type=out)
        elif node.op == "ResourceGatherNd":
            self._become(node, "GatherNd", Tparams=dtype, Tindices=attr(node, "Tindices").type)
        elif node.op == "ResourceGather":
            self._gather(node, dtype, data, controls)
        elif node.op == "DisableCopyOnRead":
            node.input[:] = controls
            self._become(node, "NoOp")
        else:
            node.input[:] = [*(self._control(text) for text in data), *controls]
            self._become(node, "Const", dtype=dtypes.BOOL)
            node.attr["value"].tensor.dtype = dtypes.BOOL
            node.attr["value"].tensor.tensor_shape.SetInParent()
            node.attr["value"].tensor.bool_val.append(True)
        for name in STALE:
            if name in node.attr:
                del node.attr[name]

    def _only_run(self, node: NodeDef) -> None:
        """Turn an assignment no longer needed into a NoOp that others can wait for."""
        node.input[:] = [text for text in node.input if text.startswith("^")]
        self._become(node, "NoOp")

    def _control(self, text: str) -> str:
        return f"^{text.partition(':')[0]}"

    def _become(self, node: NodeDef, op: str, **types: int) -> None:
        place = list(attr(node, "_class").list.s)
        node.op = op
        node.attr.clear()
        for name, dtype in types.items():
            node.attr[name].type = dtype
        if place:
            node.attr["_class"].list.s.extend(place)

    def _gather(self, node: NodeDef, dtype: int, data: list[str], controls: list[str]) -> None:
        batch_dims = attr(node, "batch_dims").i
        indices = attr(node, "Tindices").type
        axis = self.work.new_node(self, f"{node.name}/axis", "Const")
        if any(one.op == "Enter" for one in self.nodes.values()):
            axis.input.append(self._control(data[1]))  # keeps it in the loop the indices are in
        axis.attr["dtype"].type = dtypes.INT32
        axis.attr["value"].tensor.dtype = dtypes.INT32
        axis.attr["value"].tensor.tensor_shape.SetInParent()
        axis.attr["value"].tensor.int_val.append(batch_dims)
        self._become(node, "GatherV2", Tparams=dtype, Tindices=indices, Taxis=dtypes.INT32)
        node.attr["batch_dims"].i = batch_dims
        name = axis.name if self.function is None else f"{axis.name}:output:0"
        node.input[:] = [*data, name, *controls]
