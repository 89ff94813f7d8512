"""Values led through a graph where handles of variables went: what turns a variable into a constant everywhere.

A handle is followed from its variable through Identity, Switch, Enter and the like, into the functions that nodes call
(plain calls, While, If, Case, batches, datasets), to the ops that read it. Those become ops on the value; a function
that takes a handle gets a copy that takes the value. Nothing is changed before all is known to work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from workbench import names
from workbench.disk import dtypes, optable, schema
from workbench.disk.nodes import attr
from workbench.disk.optable import OpTable
from workbench.disk.schema import Message
from workbench.names import show
from workbench.surgery.inline import CALL_OPS
from workbench.surgery.part import unique_name

_WHILE = frozenset({"While", "StatelessWhile"})
_BRANCHES = frozenset({"If", "StatelessIf", "Case", "StatelessCase"})
# Ops that pass on what they get; reference form → the form for values.
_PASS = {
    "Identity": "Identity",
    "Enter": "Enter",
    "Exit": "Exit",
    "NextIteration": "NextIteration",
    "Switch": "Switch",
    "Merge": "Merge",
    "RefIdentity": "Identity",
    "RefEnter": "Enter",
    "RefExit": "Exit",
    "RefNextIteration": "NextIteration",
    "RefSwitch": "Switch",
    "RefMerge": "Merge",
}
# Reading op → output arg before and after, where they differ.
_RENAMED = {"ReadVariableOp": ("value", "output"), "VarIsInitializedOp": ("is_initialized", "output")}
_READS = frozenset(
    {
        "ReadVariableOp",
        "ResourceGather",
        "ResourceGatherNd",
        "VariableShape",
        "VarIsInitializedOp",
        "IsVariableInitialized",
        "DisableCopyOnRead",
    }
)
_STALE = (
    "_output_shapes",
    "_read_only_resource_inputs",
    "_gradient_op_type",
    "forward_function_name",
    "backward_function_name",
    "_handle_dtypes",
    "_handle_shapes",
)

Tainted = dict[int, int]
"""Position of an input or output → dtype of the value that goes there instead of a handle."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a variable can't become a constant.

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


@dataclass(slots=True)
class _Clone:
    """A copy of a function that takes values."""

    name: str
    outputs: Tainted


class _Level:
    """The main graph, or one body that is a copy already."""

    def __init__(self, work: Devolution, nodes: Mapping[str, Message], where: str, function: Message = None):
        self.work = work
        self.nodes = nodes
        self.where = where
        self.function = function
        self.tainted: dict[tuple[str, int], tuple[int, str]] = {}
        self.reference: set[tuple[str, int]] = set()
        self.renamed: dict[str, tuple[str, str]] = {}
        self.added: list[Message] = []
        self.consumers: dict[str, dict[str, None]] = {}
        for name, node in nodes.items():
            for text in node.input:
                if not text.startswith("^"):
                    self.consumers.setdefault(text.partition(":")[0], {})[name] = None

    def flat(self, text: str) -> tuple[str, int]:
        """Node (or argument) and flat output index that a data input names."""
        head, *rest = text.split(":")
        if self.function is None:
            return head, int(rest[0]) if rest else 0
        if head not in self.nodes or not rest:
            return head, 0
        node = self.nodes[head]
        op_def = self.work.op_def(node)
        ranges = optable.output_args(node, op_def) if op_def is not None else None
        first = next((one.first for one in ranges or () if one.arg == rest[0]), 0)
        return head, first + (int(rest[1]) if len(rest) > 1 else 0)

    def inputs(self, node: Message) -> dict[int, tuple[int, str, bool]]:
        """Data inputs of a node that carry a value now: position → dtype, variable, whether it was a reference."""
        found: dict[int, tuple[int, str, bool]] = {}
        data = [text for text in node.input if not text.startswith("^")]
        for position, text in enumerate(data):
            key = self.flat(text)
            if key in self.tainted:
                found[position] = (*self.tainted[key], key in self.reference)
        return found

    def run(self, start: Mapping[tuple[str, int], tuple[int, str]], references: Iterable[str] = ()) -> None:
        """Follows the values from where they start until nothing new is reached."""
        self.tainted |= start
        self.reference |= {(name, 0) for name in references}
        queue = [consumer for name, _ in start for consumer in self.consumers.get(name, ())]
        later: list[str] = []  # nodes with bodies, when all that only passes on has been followed
        done: dict[str, frozenset[int]] = {}
        while queue or later:
            if queue:
                name = queue.pop()
                if self.nodes[name].op not in _PASS and self.nodes[name].op != "IdentityN":
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

    def _refuse(self, node: Message, variable: str, why: str) -> Tainted:
        self.work.refuse(Obstacle(variable, self.place(node), node.op, why))
        return {}

    def place(self, node: Message) -> str:
        """Where a node is, for people."""
        return f"{self.where}{names.CALL_SEPARATOR}{node.name}" if self.where else str(node.name)

    def _outputs(self, node: Message, inputs: Mapping[int, tuple[int, str, bool]]) -> Tainted:
        """The outputs that carry a value in turn, or an obstacle."""
        dtype, variable, reference = next(iter(inputs.values()))
        if node.op in _READS or (node.name in self.work.once and self.function is None):
            return {}
        if node.op in _PASS:
            if reference and not node.op.startswith("Ref"):
                return {}  # it takes the value of a reference anyway
            return {0: dtype, 1: dtype} if node.op in ("Switch", "RefSwitch") else {0: dtype}
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
        self, node: Message, inputs: Mapping[int, tuple[int, str, bool]], op_def: Message | None
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
        """Queues the change of each node that is reached."""
        for name in reached:
            node = self.nodes[name]
            inputs = self.inputs(node)
            _, variable, reference = next(iter(inputs.values()))
            data = sum(not text.startswith("^") for text in node.input)
            if node.op in ("Merge", "RefMerge") and len(inputs) < data:
                self._refuse(node, variable, "another value than a variable flows together with it")
            if self.function is None and name in self.work.once:
                self.work.edits.append(partial(self._only_run, node))
                continue
            if reference and not node.op.startswith("Ref") and node.op not in _READS:
                continue
            if node.op in _READS or node.op in _PASS or node.op == "IdentityN":
                self.work.edits.append(partial(self._change, node, inputs))
                if node.op in _RENAMED:
                    self.renamed[name] = _RENAMED[node.op]

    def _change(self, node: Message, inputs: Mapping[int, tuple[int, str, bool]]) -> None:
        dtype = next(iter(inputs.values()))[0]
        controls = [text for text in node.input if text.startswith("^")]
        data = [text for text in node.input if not text.startswith("^")]
        if node.op == "IdentityN":
            for position, (own, _, _) in inputs.items():
                node.attr["T"].list.type[position] = own
        elif node.op in _PASS:
            node.op = _PASS[node.op]
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
        for name in _STALE:
            if name in node.attr:
                del node.attr[name]

    def _only_run(self, node: Message) -> None:
        """An assignment that is no longer needed: who waits for it still can."""
        node.input[:] = [text for text in node.input if text.startswith("^")]
        self._become(node, "NoOp")

    def _control(self, text: str) -> str:
        return f"^{text.partition(':')[0]}"

    def _become(self, node: Message, op: str, **types: int) -> None:
        place = list(attr(node, "_class").list.s)
        node.op = op
        node.attr.clear()
        for name, dtype in types.items():
            node.attr[name].type = dtype
        if place:
            node.attr["_class"].list.s.extend(place)

    def _gather(self, node: Message, dtype: int, data: list[str], controls: list[str]) -> None:
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


@dataclass
class Devolution:
    """One run over a graph.

    Args:
        nodes: the main graph's nodes by name; they are changed in place by `apply`.
        functions: the library; it is not changed.
        op_table: op definitions.
        add: makes a node of the main graph: name, op.
        once: nodes of the main graph that set a variable whose value is known without them.
    """

    nodes: Mapping[str, Message]
    functions: Mapping[str, Message]
    op_table: OpTable
    add: Callable[[str, str], Message]
    once: set[str] = field(default_factory=set)
    made: dict[str, Message] = field(default_factory=dict)
    obstacles: list[Obstacle] = field(default_factory=list)
    edits: list[Callable[[], Any]] = field(default_factory=list)
    _clones: dict[tuple[str, tuple[tuple[int, int], ...]], _Clone | None] = field(default_factory=dict)
    _open: set[tuple[str, tuple[tuple[int, int], ...]]] = field(default_factory=set)
    _taken: dict[str, Any] = field(default_factory=dict)

    def follow(self, variables: Mapping[str, int], references: Iterable[str] = ()) -> list[Obstacle]:
        """Follows the handles of some variables; returns what stands in the way. Nothing is changed yet.

        Args:
            variables: node → dtype of its value.
            references: those of them that are reference variables.
        """
        self._taken = dict.fromkeys(self.functions)
        level = _Level(self, self.nodes, "")
        level.run({(name, 0): (dtype, name) for name, dtype in variables.items()}, references)
        return self.obstacles

    def apply(self) -> dict[str, Message]:
        """Changes the main graph; returns the functions that were made for it, by name."""
        assert not self.obstacles
        for edit in self.edits:
            edit()
        self.edits.clear()
        return self.made

    def refuse(self, obstacle: Obstacle) -> None:
        """Notes an obstacle, once."""
        if obstacle not in self.obstacles:
            self.obstacles.append(obstacle)

    def op_def(self, node: Message) -> Message | None:
        """The definition of a node's op, which may be a function."""
        function = self.functions.get(node.op) or self.made.get(node.op)
        return function.signature if function is not None else self.op_table.get(node.op)

    def new_node(self, level: _Level, name: str, op: str) -> Message:
        """A new node in the main graph or in a body."""
        if level.function is None:
            return self.add(name, op)
        taken = {node.name: None for node in level.function.node_def}
        node: Message = level.function.node_def.add(name=unique_name(name, taken), op=op)
        return node

    # -- functions

    def called(self, level: _Level, node: Message, inputs: Tainted, variable: str) -> Tainted | None:
        """The outputs of a node with bodies that carry values; None if it has none that could take them."""
        if node.op in CALL_OPS:
            return self._call(level, node, {"f": 0}, inputs, variable, "Tin", 0, "Tout")
        if node.op in self.functions:
            clone = self._clone(node.op, inputs, level.place(node), variable)
            if clone is None:
                return {}
            self.edits.append(lambda: setattr(node, "op", clone.name))
            return clone.outputs
        if node.op in _WHILE:
            return self._loop(level, node, inputs, variable)
        if node.op in _BRANCHES:
            labels = {name: 0 for name in ("then_branch", "else_branch", "branches") if name in node.attr}
            if 0 in inputs:
                return None
            return self._call(level, node, labels, inputs, variable, "Tin", 1, "Tout")
        if node.op == "BatchFunction" and "f" in node.attr:
            own = len(attr(node, "Tin").list.type)
            if any(position < own for position in inputs):
                return None
            return self._call(level, node, {"f": 0}, inputs, variable, "Tcaptured", own, None, own)
        return self._dataset(level, node, inputs, variable)

    def _dataset(self, level: _Level, node: Message, inputs: Tainted, variable: str) -> Tainted | None:
        """`other_arguments` of the tf.data ops are the last arguments of their one function."""
        op_def = self.op_table.get(node.op)
        labels = [name for name in node.attr if node.attr[name].WhichOneof("value") == "func"]
        ranges = optable.input_args(node, op_def) if op_def is not None else None
        place = next((one for one in ranges or () if one.arg == "other_arguments"), None)
        if place is None or len(labels) != 1 or min(inputs) < place.first:
            return None
        function = self.functions.get(node.attr[labels[0]].func.name)
        if function is None or max(inputs) >= place.first + place.size:
            return None
        shift = len(function.signature.input_arg) - place.size
        return self._call(
            level, node, {labels[0]: 0}, inputs, variable, "Targuments", place.first, None, shift
        )

    def _call(
        self,
        level: _Level,
        node: Message,
        labels: Mapping[str, int],
        inputs: Tainted,
        variable: str,
        types: str,
        first: int,
        outs: str | None,
        shift: int = 0,
    ) -> Tainted | None:
        """A node whose input `first + i` is the argument `shift + i` of each of its functions.

        Args:
            level: where the node is.
            node: the node.
            labels: the attrs that name the functions.
            inputs: its inputs that carry values.
            variable: for messages.
            types: the attr with the dtypes of these inputs.
            first: the first of them.
            outs: the attr with the dtypes of the outputs; None if they can't carry a handle.
            shift: the argument that the first of them is.
        """
        taken = {position - first + shift: dtype for position, dtype in inputs.items()}
        functions = [one for label in labels for one in _functions(node.attr[label])]
        clones = [self._clone(one.name, taken, level.place(node), variable) for one in functions]
        if not clones or any(clone is None for clone in clones):
            return {}
        outputs = clones[0].outputs if clones[0] is not None else {}
        if any(clone is not None and clone.outputs != outputs for clone in clones) or (
            outputs and outs is None
        ):
            level._refuse(node, variable, "its branches do not all give the variable back")
            return {}

        def change() -> None:
            for one, clone in zip(functions, clones, strict=True):
                if clone is not None:
                    one.name = clone.name
            for position, dtype in inputs.items():
                node.attr[types].list.type[position - first] = dtype
            for index, dtype in outputs.items():
                if outs is not None:
                    node.attr[outs].list.type[index] = dtype
                _loosen(node, index)
            _clean(node)

        self.edits.append(change)
        return outputs

    def _loop(self, level: _Level, node: Message, inputs: Tainted, variable: str) -> Tainted:
        functions = [node.attr["cond"].func, node.attr["body"].func]
        clones = [self._clone(one.name, inputs, level.place(node), variable) for one in functions]
        cond, body = clones
        if cond is None or body is None:
            return {}
        if body.outputs != inputs:
            level._refuse(node, variable, "the loop does not hand the variable on as it got it")
            return {}

        def change() -> None:
            functions[0].name, functions[1].name = cond.name, body.name
            for position, dtype in inputs.items():
                node.attr["T"].list.type[position] = dtype
                _loosen(node, position)
            _clean(node)

        self.edits.append(change)
        return dict(inputs)

    def _clone(self, name: str, inputs: Tainted, where: str, variable: str) -> _Clone | None:
        """A copy of a function that takes values for some of its arguments; None if there is an obstacle."""
        key = (name, tuple(sorted(inputs.items())))
        if key in self._clones:
            found = self._clones[key]
            if key in self._open:
                self.refuse(Obstacle(variable, where, "", f"the function {show(name)} calls itself"))
            return found
        self._clones[key] = None
        self._open.add(key)
        try:
            return self._make_clone(key, inputs, where, variable)
        finally:
            self._open.discard(key)

    def _make_clone(
        self, key: tuple[str, tuple[tuple[int, int], ...]], inputs: Tainted, where: str, variable: str
    ) -> _Clone | None:
        name = key[0]
        original = self.functions.get(name)
        arguments = original.signature.input_arg if original is not None else ()
        if original is None or any(arg.number_attr or arg.type_list_attr for arg in arguments):
            self.refuse(Obstacle(variable, where, "", f"the function {show(name)} is not known well enough"))
            return None
        count = len(self.obstacles)
        function = schema.FunctionDef()
        function.CopyFrom(original)
        function.signature.name = unique_name(f"{name}__frozen", self._taken)
        self._taken[function.signature.name] = None
        start: dict[tuple[str, int], tuple[int, str]] = {}
        for position, dtype in inputs.items():
            start[_take_value(function, position, dtype), 0] = (dtype, variable)
        level = _Level(self, {node.name: node for node in function.node_def}, where, function)
        level.run(start)
        outputs: Tainted = {}
        for index, output in enumerate(function.signature.output_arg):
            found_type = level.tainted.get(level.flat(function.ret[output.name]))
            if found_type is not None:
                outputs[index] = found_type[0]
        if len(self.obstacles) > count:
            return None
        self.edits.append(lambda: _finish(function, level.renamed, outputs))
        clone = self._clones[key] = _Clone(function.signature.name, outputs)
        self.made[clone.name] = function
        return clone


def _functions(value: Message) -> list[Message]:
    return [value.func] if value.WhichOneof("value") == "func" else list(value.list.func)


def _clean(node: Message) -> None:
    for name in _STALE:
        if name in node.attr:
            del node.attr[name]


def _loosen(node: Message, index: int) -> None:
    """The declared shape of an output that was a handle says nothing about the value."""
    for name in ("output_shapes", "_output_shapes"):
        if name in node.attr and index < len(node.attr[name].list.shape):
            shape = node.attr[name].list.shape[index]
            shape.Clear()
            shape.unknown_rank = True


def _take_value(function: Message, position: int, dtype: int) -> str:
    """Lets an argument of a function, a copy, be a value; its name."""
    argument = function.signature.input_arg[position]
    argument.type = dtype
    argument.ClearField("type_attr")
    argument.ClearField("handle_data")
    if position in function.arg_attr:
        for name in ("_output_shapes", "_handle_dtypes", "_handle_shapes"):
            if name in function.arg_attr[position].attr:
                del function.arg_attr[position].attr[name]
    if position in function.resource_arg_unique_id:
        del function.resource_arg_unique_id[position]
    return str(argument.name)


def _finish(function: Message, renamed: Mapping[str, tuple[str, str]], outputs: Tainted) -> None:
    """After a body's nodes have changed: the names of their outputs, the function's own outputs and attrs."""

    def new(text: str) -> str:
        head, colon, rest = text.partition(":")
        if head in renamed and colon:
            before, after = renamed[head]
            arg, more, index = rest.partition(":")
            if arg == before:
                return f"{head}:{after}{more}{index}"
        return text

    if renamed:
        for node in function.node_def:
            changed = [new(text) for text in node.input]
            if changed != list(node.input):
                node.input[:] = changed
        for name in list(function.ret):
            function.ret[name] = new(function.ret[name])
    for index, dtype in outputs.items():
        output = function.signature.output_arg[index]
        output.type = dtype
        output.ClearField("handle_data")
    for name in ("_input_shapes", "forward_function_name", "backward_function_name"):
        if name in function.attr:
            del function.attr[name]
