"""Inlining: function calls are replaced by the bodies of their functions.

Only plain calls are inlined: PartitionedCall, StatefulPartitionedCall, and nodes whose op is a function's name. The
bodies of While, If, Case, map and the like stay functions, and so do the calls the saver makes.

Sources of the forms: function.proto (`node_def` inputs, `ret`, `control_ret`), and what TensorFlow does itself when it
inlines (`inline_function_utils.cc`: controls of the call go to the body's sources, `control_ret` and stateful nodes go
to who waits for the call).
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench import names
from workbench.disk import optable
from workbench.disk.nodes import attr
from workbench.disk.optable import OpTable
from workbench.disk.schema import AttrValue, FunctionDef, GraphDef, NodeDef
from workbench.errors import ModelError
from workbench.findings import Action, Hint
from workbench.graph.reach import ancestors, descendants
from workbench.model.op_classes import CALLS, INTO_CONTROL_FLOW, READS
from workbench.model.tensors import output_ranges
from workbench.names import show

if TYPE_CHECKING:
    from workbench.disk.schema import MessageMap

MAX_DEPTH = 64
MAX_NODES = 5_000_000
MAX_BYTES = 2**31 - 1


@dataclass(slots=True)
class Inlined:
    """The calls that were inlined and those that were left.

    Attributes:
        places: path of each call that was inlined (`CALL::CALL`) to the scope its body's nodes got.
        functions: path to the function.
        left: path of each call that would repeat a function on the way to it, and so stays a call.
    """

    places: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    def tensor(self, path: str, node: str, index: int) -> str:
        """Return the main graph's tensor for `PATH::node:index`."""
        return f"{self.places[path]}/{node}:{index}"


@dataclass(frozen=True, slots=True)
class _Call:
    """A call to inline."""

    node: NodeDef
    path: str
    stack: tuple[str, ...]


def called_function(node: NodeDef, functions: Container[str]) -> str | None:
    """Return the function that a plain call calls; None for any other node."""
    if node.op in CALLS:
        name = str(attr(node, "f").func.name)
    else:
        name = str(node.op)
    return name if name in functions else None


def inline_calls(
    graph_def: GraphDef,
    *,
    op_table: OpTable | None = None,
    which: Collection[str] | None = None,
    skip: Iterable[str] = (),
) -> Inlined:
    """Inline the calls of the main graph, and the calls in their bodies, in place.

    A body's node becomes `CALL/node`. The call's own name stays as an Identity or IdentityN of its outputs, so all that
    refers to it holds. The library is not touched: what is not called any more is for the caller to drop.

    Args:
        graph_def: a copy that may be changed.
        op_table: op definitions; None for TensorFlow's alone.
        which: paths `CALL::CALL` of the calls to open, with those above them; None for all.
        skip: nodes of the main graph that stay as they are: the saver's.

    Raises:
        ModelError: a body uses an op whose outputs nobody knows, or the graph would become too large.
    """
    wanted = None if which is None else _with_parents(which)
    work = _Inliner(graph_def, op_table or OpTable())
    skipped = frozenset(skip)
    todo = [
        _Call(node, node.name, ())
        for node in graph_def.node
        if node.name not in skipped and called_function(node, work.functions) is not None
    ]
    while todo:
        call = todo.pop()
        if wanted is not None and call.path not in wanted:
            continue
        todo += work.open(call)
    return work.done


def saver_calls(graph_def: GraphDef, filename: str) -> set[str]:
    """Return the main graph's nodes that depend on the checkpoint's file name.

    Args:
        graph_def: the graph.
        filename: `SaverDef.filename_tensor_name`, may be empty.
    """
    start = names.input_node(filename)
    if not start:
        return set()
    return descendants({node.name: node for node in graph_def.node}, [start], controls=False)


def _with_parents(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        steps = path.split(names.CALL_SEPARATOR)
        found.update(names.CALL_SEPARATOR.join(steps[:count]) for count in range(1, len(steps) + 1))
    return found


class _Inliner:
    """Inline one call after the other; nested calls come back as further calls."""

    def __init__(self, graph_def: GraphDef, op_table: OpTable) -> None:
        self.graph_def = graph_def
        self.op_table = op_table
        self.functions = {function.signature.name: function for function in graph_def.library.function}
        self.nodes = {node.name: node for node in graph_def.node}
        self.done = Inlined()
        self._bytes = int(graph_def.ByteSize())
        self._framed = any(node.op in INTO_CONTROL_FLOW for node in graph_def.node)

    def open(self, call: _Call) -> list[_Call]:
        """Replace one call by its body and return the calls in it."""
        name = called_function(call.node, self.functions)
        assert name is not None
        if name in call.stack or len(call.stack) >= MAX_DEPTH:
            self.done.left.append(call.path)
            return []
        function = self.functions[name]
        self._bytes += int(function.ByteSize())
        if len(self.nodes) + len(function.node_def) > MAX_NODES or self._bytes > MAX_BYTES:
            raise ModelError(
                "With its calls inlined the graph would have over "
                + (f"{MAX_NODES:,} nodes." if self._bytes <= MAX_BYTES else "2 GB, which no proto can have."),
                where=show(call.path),
                hint="Open fewer calls.",
            )
        body = _Body(self, call, function)
        added = body.expand()
        self.done.places[call.path] = body.scope
        self.done.functions[call.path] = name
        stack = (*call.stack, name)
        return [
            _Call(node, f"{call.path}{names.CALL_SEPARATOR}{own}", stack)
            for own, node in added.items()
            if called_function(node, self.functions) is not None
        ]

    def scope(self, name: str, inside: Iterable[str]) -> str:
        """Return a free scope for the call's nodes, its own name if possible."""
        inside = list(inside)
        scope, number = name, 1
        while any(f"{scope}/{node}" in self.nodes for node in inside):
            scope, number = f"{name}_{number}", number + 1
        return scope

    def add(self, name: str, op: str) -> NodeDef:
        """Add an empty node and return it."""
        node = self.graph_def.node.add(name=name, op=op)
        self.nodes[name] = node
        return node


class _Body:
    """The body of one call while it is copied into the main graph."""

    def __init__(self, work: _Inliner, call: _Call, function: FunctionDef) -> None:
        self.work = work
        self.call = call.node
        self.path = call.path
        self.function = function
        self.inside = {node.name: node for node in function.node_def}
        self.bound = self._bindings()
        self.data = [text for text in call.node.input if not text.startswith("^")]
        self.controls = [text for text in call.node.input if text.startswith("^")]
        self.scope = work.scope(call.node.name, [*self.inside, "input"])
        self.arguments = self._arguments()
        self.added: dict[str, NodeDef] = {}
        self._flat: dict[str, dict[str, tuple[int, int]]] = {}
        self._pivot: list[str] | None = None

    def expand(self) -> dict[str, NodeDef]:
        """Add the body's nodes, make the call an Identity, return the nodes by name."""
        for name, source in self.inside.items():
            node = self.work.add(f"{self.scope}/{name}", source.op)
            node.CopyFrom(source)
            node.name = f"{self.scope}/{name}"
            self._bind(node.attr)
            self.added[name] = node
        for name, source in self.inside.items():
            self._inputs(self.added[name], source)
            self._place(self.added[name])
        self._become_identity()
        return self.added

    # -- names of the body in the main graph

    def _bindings(self) -> Mapping[str, AttrValue]:
        """Return the values of the function's own attrs (`T`, …), with defaults."""
        given = attr(self.call, "f").func.attr if self.call.op in CALLS else self.call.attr
        bound = {
            known.name: known.default_value
            for known in self.function.signature.attr
            if known.HasField("default_value")
        }
        return {**bound, **{name: given[name] for name in given}}

    def _pseudo(self) -> NodeDef:
        """Return a node of the function's op with its attrs, for the op table."""
        node = NodeDef(name=self.call.name, op=self.function.signature.name)
        for name, value in self.bound.items():
            node.attr[name].CopyFrom(value)
        return node

    def _arguments(self) -> dict[str, list[str]]:
        """Return the main graph's inputs for each argument of the function."""
        signature = self.function.signature
        ranges = optable.input_args(self._pseudo(), signature)
        if ranges is None or sum(one.size for one in ranges) != len(self.data):
            raise ModelError(
                f"The call gives {len(self.data)} values to the function {show(signature.name)}, "
                f"which takes {len(signature.input_arg)} arguments.",
                where=show(self.path),
                hint=Hint("The model is damaged: ", Action("check-model")),
            )
        return {one.arg: self.data[one.first : one.first + one.size] for one in ranges}

    def _outputs(self, name: str) -> dict[str, tuple[int, int]]:
        """Return first flat output and size of each output arg of a body's node."""
        found = self._flat.get(name)
        if found is None:
            node = self.added[name]
            ranges = output_ranges(node, self.work.op_table, self.work.functions)
            if ranges is None:
                raise ModelError(
                    f"The outputs of the op {show(node.op)} are not known.",
                    where=f"{show(self.path)}{names.CALL_SEPARATOR}{show(name)}",
                    hint="Its call can't be inlined without its op definition.",
                )
            found = self._flat[name] = {one.arg: (one.first, one.size) for one in ranges}
        return found

    def resolve(self, text: str) -> list[str]:
        """Return the main graph's tensors for a body's data input (`arg:i`, `n:out:i`)."""
        head, *rest = text.split(":")
        index = names.output_number(rest[-1]) if len(rest) > (0 if head in self.arguments else 1) else 0
        if head in self.arguments:
            values = self.arguments[head]
            if not rest or len(values) <= 1:
                return list(values)
            if index < len(values):
                return [values[index]]
        if index == names.NO_OUTPUT or head in self.arguments:
            raise ModelError(
                f"The body names {show(text)!r}, which is no output of {show(head)!r}.", where=show(self.path)
            )
        if head not in self.inside:
            raise ModelError(
                f"The body names {show(head)!r}, which is neither a node nor an argument of it.",
                where=show(self.path),
            )
        outputs = self._outputs(head)
        first, size = outputs.get(rest[0], (0, 1)) if rest else (0, 1)
        indices = [first + index] if len(rest) > 1 else range(first, first + size)
        return [names.format_input(names.TensorName(f"{self.scope}/{head}", index)) for index in indices]

    def _control(self, name: str) -> list[str]:
        if name in self.inside:
            return [f"^{self.scope}/{name}"]
        return [f"^{names.input_node(text)}" for text in self.arguments.get(name, ())]

    # -- nodes

    def _inputs(self, node: NodeDef, source: NodeDef) -> None:
        data: list[str] = []
        controls: list[str] = []
        is_source = True
        for text in source.input:
            head = text[1:] if text.startswith("^") else text.partition(":")[0]
            is_source = is_source and head not in self.inside
            if text.startswith("^"):
                controls += self._control(head)
            else:
                data += self.resolve(text)
        if is_source:
            controls += self.controls
            if not data and not controls:
                controls += self._anchor()
        node.input[:] = [*data, *dict.fromkeys(controls)]

    def _anchor(self) -> list[str]:
        """Return the control input that keeps a constant in the call's v1 loop or branch."""
        if not self.work._framed or not self.data:
            return []
        if self._pivot is None:
            dtypes_ = optable.input_types(self._pseudo(), self.function.signature)
            node = self.work.add(f"{self.scope}/input", "Identity")
            node.input.append(self.data[0])
            node.attr["T"].type = dtypes_[0] if dtypes_ else 0
            self._pivot = [f"^{node.name}"]
        return self._pivot

    def _bind(self, attrs: MessageMap[str, AttrValue]) -> None:
        """Replace attrs that are placeholders of the function's attrs by their values."""
        for name in [name for name in attrs if attrs[name].WhichOneof("value") == "placeholder"]:
            value = self.bound.get(attrs[name].placeholder)
            if value is None:
                del attrs[name]
            else:
                attrs[name].CopyFrom(value)
        for name in list(attrs):
            value = attrs[name]
            if value.WhichOneof("value") == "func":
                self._bind(value.func.attr)
            elif value.WhichOneof("value") == "list":
                for function in value.list.func:
                    self._bind(function.attr)

    def _place(self, node: NodeDef) -> None:
        """Set the device, colocation and v1 loop frame of a node."""
        if not node.device:
            node.device = self.call.device
        if "_class" in node.attr:
            places = [self._colocated(place) for place in node.attr["_class"].list.s]
            kept = [place for place in places if place is not None]
            if kept:
                node.attr["_class"].list.s[:] = kept
            else:
                del node.attr["_class"]
        if "frame_name" in node.attr:
            node.attr["frame_name"].s = f"{self.scope}/".encode() + node.attr["frame_name"].s

    def _colocated(self, place: bytes) -> bytes | None:
        if not place.startswith(b"loc:@"):
            return place
        target = place[5:].decode("utf-8", "replace")
        if target in self.inside:
            return f"loc:@{self.scope}/{target}".encode()
        values = self.arguments.get(target)
        if values:
            return f"loc:@{names.input_node(values[0])}".encode()
        return None

    # -- the call itself

    def _become_identity(self) -> None:
        signature = self.function.signature
        results: list[str] = []
        for arg in signature.output_arg:
            results += self.resolve(self.function.ret.get(arg.name, arg.name))
        waits = dict.fromkeys(f"^{self.scope}/{node}" for node in self._controls() if node in self.inside)
        waits |= dict.fromkeys(f"^{self.scope}/{node}" for node in self._effects())
        types = optable.output_types(self._pseudo(), signature) or []
        shapes = AttrValue()
        keep_shapes = "_output_shapes" in self.call.attr
        if keep_shapes:
            shapes.CopyFrom(self.call.attr["_output_shapes"])
        place = [text for text in attr(self.call, "_class").list.s]
        self.call.attr.clear()
        if not results:
            self.call.op = "NoOp"
        elif len(results) == 1:
            self.call.op = "Identity"
            self.call.attr["T"].type = types[0]
        else:
            self.call.op = "IdentityN"
            self.call.attr["T"].list.type.extend(types)
        if keep_shapes and results:
            self.call.attr["_output_shapes"].CopyFrom(shapes)
        if place:
            self.call.attr["_class"].list.s.extend(place)
        waits |= dict.fromkeys(self.controls)  # an output may be an argument, which waits for nothing else
        self.call.input[:] = [*results, *waits]

    def _controls(self) -> list[str]:
        """Return the nodes a call waits for, sorted: a protobuf map has no order."""
        return sorted(self.function.control_ret.values())

    def _effects(self) -> list[str]:
        """Return the stateful nodes no output needs; TensorFlow runs them with the call."""
        asked = ancestors(self.inside, [*self.function.ret.values(), *self.function.control_ret.values()])
        return [name for name in self.inside if name not in asked and self._is_stateful(self.added[name])]

    def _is_stateful(self, node: NodeDef) -> bool:
        if node.op in READS:  # nobody misses a value that nothing asks for
            return False
        function = self.work.functions.get(node.op)
        op_def = function.signature if function is not None else self.work.op_table.get(node.op)
        return op_def is not None and bool(op_def.is_stateful)
