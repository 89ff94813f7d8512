"""Conversion of variables to constants: values take the place of handles.

A handle is followed from its variable through Identity, Switch, Enter and the like, into the functions that nodes call
(plain calls, While, If, Case, batches, datasets), to the ops that read it. Those become ops on the value; a function
that takes a handle gets a copy that takes the value. Nothing is changed before all is known to work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.disk import optable
from workbench.disk.nodes import attr
from workbench.disk.optable import OpTable
from workbench.disk.schema import AttrValue, FunctionDef, NameAttrList, NodeDef, OpDef
from workbench.model.op_classes import BRANCHES, CALLS, LOOPS
from workbench.names import show
from workbench.surgery.imported import unique_name
from workbench.surgery.rewrite.constant_reads import STALE, ConvertedBody, Obstacle, Tainted


@dataclass(slots=True)
class _Clone:
    """A copy of a function that takes values instead of handles."""

    name: str
    outputs: Tainted


@dataclass
class Conversion:
    """One conversion of a graph's variables to constants.

    Args:
        nodes: the main graph's nodes by name; they are changed in place by `apply`.
        functions: the library; it is not changed.
        op_table: op definitions.
        add: makes a node of the main graph: name, op.
        once: nodes of the main graph that set a variable whose value is known without them.
    """

    nodes: Mapping[str, NodeDef]
    functions: Mapping[str, FunctionDef]
    op_table: OpTable
    add: Callable[[str, str], NodeDef]
    once: set[str] = field(default_factory=set)
    made: dict[str, FunctionDef] = field(default_factory=dict)
    obstacles: list[Obstacle] = field(default_factory=list)
    edits: list[Callable[[], Any]] = field(default_factory=list)
    _clones: dict[tuple[str, tuple[tuple[int, int], ...]], _Clone | None] = field(default_factory=dict)
    _open: set[tuple[str, tuple[tuple[int, int], ...]]] = field(default_factory=set)
    _taken: dict[str, Any] = field(default_factory=dict)

    def follow(self, variables: Mapping[str, int], references: Iterable[str] = ()) -> list[Obstacle]:
        """Follow the handles of variables and return the obstacles; change nothing.

        Args:
            variables: node → dtype of its value.
            references: those of them that are reference variables.
        """
        self._taken = dict.fromkeys(self.functions)
        level = ConvertedBody(self, self.nodes, "")
        level.run({(name, 0): (dtype, name) for name, dtype in variables.items()}, references)
        return self.obstacles

    def apply(self) -> dict[str, FunctionDef]:
        """Change the main graph and return the functions made for it, by name."""
        assert not self.obstacles
        for edit in self.edits:
            edit()
        self.edits.clear()
        return self.made

    def refuse(self, obstacle: Obstacle) -> None:
        """Record an obstacle, once."""
        if obstacle not in self.obstacles:
            self.obstacles.append(obstacle)

    def op_def(self, node: NodeDef) -> OpDef | None:
        """Return the definition of a node's op, which may be a function."""
        function = self.functions.get(node.op) or self.made.get(node.op)
        return function.signature if function is not None else self.op_table.get(node.op)

    def new_node(self, level: ConvertedBody, name: str, op: str) -> NodeDef:
        """Add a node to the main graph or to a body."""
        if level.function is None:
            return self.add(name, op)
        taken = {node.name: None for node in level.function.node_def}
        node: NodeDef = level.function.node_def.add(name=unique_name(name, taken), op=op)
        return node

    # -- functions

    def called(self, level: ConvertedBody, node: NodeDef, inputs: Tainted, variable: str) -> Tainted | None:
        """Return the outputs of a calling node that carry values, or None.

        None if it has no function that could take values.
        """
        if node.op in CALLS:
            return self._call(level, node, {"f": 0}, inputs, variable, "Tin", 0, "Tout")
        if node.op in self.functions:
            clone = self._clone(node.op, inputs, level.place(node), variable)
            if clone is None:
                return {}
            self.edits.append(lambda: setattr(node, "op", clone.name))
            return clone.outputs
        if node.op in LOOPS:
            return self._loop(level, node, inputs, variable)
        if node.op in BRANCHES:
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

    def _dataset(self, level: ConvertedBody, node: NodeDef, inputs: Tainted, variable: str) -> Tainted | None:
        """Return the outputs of a tf.data op that carry values, or None.

        `other_arguments` of these ops are the last arguments of their one function.
        """
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
        level: ConvertedBody,
        node: NodeDef,
        labels: Mapping[str, int],
        inputs: Tainted,
        variable: str,
        types: str,
        first: int,
        outs: str | None,
        shift: int = 0,
    ) -> Tainted | None:
        """Return the outputs of a call that carry values.

        The input `first + i` of the node is the argument `shift + i` of each of its functions.

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

    def _loop(self, level: ConvertedBody, node: NodeDef, inputs: Tainted, variable: str) -> Tainted:
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
        """Return a copy of a function that takes values for arguments, or None.

        None means that there is an obstacle.
        """
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
        function = FunctionDef()
        function.CopyFrom(original)
        function.signature.name = unique_name(f"{name}__frozen", self._taken)
        self._taken[function.signature.name] = None
        start: dict[tuple[str, int], tuple[int, str]] = {}
        for position, dtype in inputs.items():
            start[_take_value(function, position, dtype), 0] = (dtype, variable)
        level = ConvertedBody(self, {node.name: node for node in function.node_def}, where, function)
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


def _functions(value: AttrValue) -> list[NameAttrList]:
    return [value.func] if value.WhichOneof("value") == "func" else list(value.list.func)


def _clean(node: NodeDef) -> None:
    for name in STALE:
        if name in node.attr:
            del node.attr[name]


def _loosen(node: NodeDef, index: int) -> None:
    """Clear the declared shape of an output that was a handle."""
    for name in ("output_shapes", "_output_shapes"):
        if name in node.attr and index < len(node.attr[name].list.shape):
            shape = node.attr[name].list.shape[index]
            shape.Clear()
            shape.unknown_rank = True


def _take_value(function: FunctionDef, position: int, dtype: int) -> str:
    """Make an argument of a copied function a value and return its name."""
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


def _finish(function: FunctionDef, renamed: Mapping[str, tuple[str, str]], outputs: Tainted) -> None:
    """Rename the outputs in a copied function after its nodes have changed."""

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
