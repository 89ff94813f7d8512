"""Recorders: nodes that hand values on the way to a Python function while a graph runs.

A recorder is a `PyFunc` with one input and no output, beside its tensor; what used the tensor uses an Identity instead,
which waits for the recorder. So it runs where and as often as the tensor is computed: in each iteration of a loop, in a
branch only if that is taken, in a frame of TF1, in either loader. No signature and no result of a function changes, and
nothing is held in memory but what the Python function keeps.

Functions on the way are cloned, each path of calls has clones of its own. Loops on the way run one iteration after the
other (`While` is not lowered, `parallel_iterations` is 1), and markers, recorders without an input, say when a loop and
each of its iterations begin: the function can tell to which iteration a value belongs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workbench import names
from workbench.disk import dtypes
from workbench.disk.schema import FunctionDef, GraphDef, MetaGraphDef, NodeDef
from workbench.graph.body import Output
from workbench.graph.calls import Call, named_function
from workbench.graph.control_flow import Inside, inside
from workbench.graph.level import Level, Value
from workbench.model.op_classes import ENTERS, INTO_CONTROL_FLOW, LOOPS
from workbench.surgery.rewrite.changed_body import ChangedBody, copy_function

_NAME = "recorded"
_COMPILED = "_XlaMustCompile"  # XLA can't compile a PyFunc
_PYTHON = ("PyFunc", "PyFuncStateless", "EagerPyFunc")
_LOWERED = "_lower_using_switch_merge"


@dataclass(slots=True)
class Recorders:
    """Recorders and markers, each with a slot: the place of its token.

    Attributes:
        loops: for each slot of a value the loops it is in, the outermost first.
        again: slots of values that may be computed several times: in a loop of TF1 or TF2.
        frames: those of them that are in a loop of TF1, whose iterations have no marker.
        starts: for each slot of a marker the loops that begin with it.
        rounds: for each slot of a marker the loop of which an iteration begins with it.
        nodes: names of the main graph's nodes that have to run for the values, by slot.
        passed: a tensor of the main graph to the one that has its value and waits for the recorder.
        clones: a function that the main graph calls to its clone.
    """

    loops: dict[int, list[int]] = field(default_factory=dict)
    again: set[int] = field(default_factory=set)
    frames: set[int] = field(default_factory=set)
    starts: dict[int, list[int]] = field(default_factory=dict)
    rounds: dict[int, int] = field(default_factory=dict)
    nodes: dict[int, str] = field(default_factory=dict)
    passed: dict[str, str] = field(default_factory=dict)
    clones: dict[str, str] = field(default_factory=dict)
    _made: list[tuple[int, NodeDef]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many slots there are."""
        return len(self.loops) + len(self.starts) + len(self.rounds)

    def set_tokens(self, graph: GraphDef, tokens: Sequence[str]) -> None:
        """Write the token of each slot into its node; Python ops of the model itself that have such a token lose it.

        Args:
            graph: with the recorders.
            tokens: by slot.
        """
        taken = {token.encode() for token in tokens}
        for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
            for node in nodes:
                if node.op in _PYTHON and node.attr["token"].s in taken:
                    node.attr["token"].s += b" of the process that made the model"
        for slot, node in self._made:
            node.attr["token"].s = tokens[slot].encode()


def record_values(meta_graph: MetaGraphDef, values: Sequence[Value]) -> Recorders:
    """Add a recorder for each value, and return what was added.

    Args:
        meta_graph: changed in place; equal to the MetaGraph that the values are of.
        values: all below one `Level`; the slot of each is its place. Those that are no tensors (resources, variants)
            get none, nor do those of ops that are not known.
    """
    work = _Recording(meta_graph, len(values))
    if values:
        level = values[0].level
        while level.caller is not None:
            level = level.caller
        root = _Tree(level)
        for slot, value in enumerate(values):
            root.add(slot, value)
        work.change(root, ChangedBody(level, meta_graph.graph_def, _NAME), [], None)
        _let_objects_call(meta_graph, work.done.clones)
    return work.done


@dataclass(slots=True)
class _Tree:
    """The values that are wanted in a body and below it."""

    level: Level
    own: dict[Output, list[int]] = field(default_factory=dict)
    below: dict[Call, _Tree] = field(default_factory=dict)

    def add(self, slot: int, value: Value) -> None:
        """Add a value of this body or below it."""
        tree = self
        for call in value.level.calls[len(self.level.calls) :]:
            if call not in tree.below:
                tree.below[call] = _Tree(tree.level.under(call))
            tree = tree.below[call]
        tree.own.setdefault((value.name, value.index), []).append(slot)

    def slots(self) -> list[int]:
        """Return the slots of all values in it."""
        found = [slot for slots in self.own.values() for slot in slots]
        return found + [slot for tree in self.below.values() for slot in tree.slots()]


class _Recording:
    """The recorders of one MetaGraph."""

    def __init__(self, meta_graph: MetaGraphDef, slots: int) -> None:
        self.meta_graph = meta_graph
        self.functions = {one.signature.name: one for one in meta_graph.graph_def.library.function}
        self.done = Recorders()
        self._next_slot = slots
        self._next_loop = 0
        self._framed: dict[str, bool] = {}

    def change(self, tree: _Tree, body: ChangedBody, loops: list[int], marker: str | None) -> None:
        """Add the recorders of a body and of those below it.

        Args:
            tree: the values.
            body: the body, which is changed.
            loops: that it is in.
            marker: the node that runs at the beginning of each iteration of the innermost of them.
        """
        for call, under in tree.below.items():
            self._enter(under, call, body, loops, marker)
        in_loop = False
        for (name, index), slots in tree.own.items():
            held = self._held(body, name)
            after = None if held == "loop" else marker  # no edge leads into a frame but through an Enter
            self._record(tree.level, body, (name, index), slots, held, after)
            in_loop |= held == "loop"
            for slot in slots:
                self.done.loops[slot] = loops
                if loops or held == "loop":
                    self.done.again.add(slot)
                if held == "loop":
                    self.done.frames.add(slot)
        if in_loop:
            for node in body.nodes.values():
                if node.op in ENTERS:
                    node.attr["parallel_iterations"].i = 1

    def _enter(
        self, tree: _Tree, call: Call, body: ChangedBody, loops: list[int], marker: str | None
    ) -> None:
        """Let a node call a clone of its function, in which there are recorders."""
        assert tree.level.function is not None
        node = body.nodes[call.node]
        clone = copy_function(self.meta_graph, tree.level.function, _NAME, self.functions)
        for attrs in (node.attr, clone.attr):
            if _COMPILED in attrs:
                del attrs[_COMPILED]
        inner = ChangedBody(tree.level, clone, _NAME)
        own_marker, in_frame = None, self._held(body, node.name) == "loop"
        if marker is not None and not in_frame:
            node.input.append(f"^{marker}")
        if node.op in LOOPS:
            loops = [*loops, self._next_loop]
            self._next_loop += 1
            if not in_frame:
                start = self._marker(body, f"{node.name}_starts", marker)
                self.done.starts[self._next_slot - 1] = [loops[-1]]
                node.input.append(f"^{start}")
            node.attr[_LOWERED].b = False
            node.attr["parallel_iterations"].i = 1
            own_marker = self._marker(inner, "iteration", None)
            self.done.rounds[self._next_slot - 1] = loops[-1]
        self.change(tree, inner, loops, own_marker)
        if node.op == call.function:
            node.op = clone.signature.name
        else:
            named_function(node, call.label).name = clone.signature.name
        if body.is_main:
            self.done.nodes.update(dict.fromkeys(tree.slots(), node.name))
            if call.kind == "call":
                self.done.clones.setdefault(call.function, clone.signature.name)

    def _record(
        self,
        level: Level,
        body: ChangedBody,
        output: Output,
        slots: list[int],
        held: Inside | None,
        marker: str | None,
    ) -> None:
        """Add the recorder of a value, and let what uses the value wait for it."""
        name, index = output
        dtype = _dtype(level, output)
        if dtypes.base(dtype) in (dtypes.INVALID, dtypes.RESOURCE, dtypes.VARIANT):
            return
        node = body.nodes.get(name)
        entry = body.entry(node, index) if node is not None else name
        last = ""
        for slot in slots:
            last = self._recorder(body, f"{name}_{index}", slot, [entry], [dtypes.base(dtype)], marker).name
            if body.is_main and held is None:
                self.done.nodes[slot] = last
        if dtype != dtypes.base(dtype):  # what uses a reference needs the reference
            return
        waits = [f"^{one.name}" for _, one in self.done._made[-len(slots) :]]
        passed = body.add(f"{name}_{index}/value", "Identity", [entry, *waits], T=dtype)
        given = body.entry(passed, 0)
        for user, position in level.body.uses(output):
            body.nodes[user.name].input[position] = given
        if isinstance(body.owner, FunctionDef):
            for result, text in body.owner.ret.items():
                if level.body.address(text) == output:
                    body.owner.ret[result] = given
        else:
            self.done.passed[f"{name}:{index}"] = f"{passed.name}:0"

    def _held(self, body: ChangedBody, node: str) -> Inside | None:
        """Return the control flow of TF1 that a node is in; a body that has none is looked through once."""
        level = body.level
        if level.path not in self._framed:
            self._framed[level.path] = any(one.op in INTO_CONTROL_FLOW for one in level.nodes.values())
        return inside(level.body, node) if self._framed[level.path] else None

    def _marker(self, body: ChangedBody, name: str, after: str | None) -> str:
        self._next_slot += 1
        return str(self._recorder(body, name, self._next_slot - 1, [], [], after).name)

    def _recorder(
        self,
        body: ChangedBody,
        name: str,
        slot: int,
        inputs: list[str],
        types: Sequence[int],
        after: str | None,
    ) -> NodeDef:
        waits = [f"^{after}"] if after is not None else []
        node = body.add(f"{name}/recorder", "PyFunc", [*inputs, *waits])
        node.attr["Tin"].list.type.extend(types)
        node.attr["Tin"].list.SetInParent()
        node.attr["Tout"].list.SetInParent()
        node.attr["token"].s = b""
        self.done._made.append((slot, node))
        return node


def _dtype(level: Level, output: Output) -> int:
    """Return the dtype of a value, a reference as such; INVALID if it is not known."""
    name, index = output
    node = level.nodes.get(name)
    if node is None:
        argument = level.body.arguments.get(name)
        plain = argument is not None and not (argument.number_attr or argument.type_list_attr)
        return int(argument.type) if argument is not None and plain else dtypes.INVALID
    types = level.meta.output_types(node) or ()
    return types[index] if index < len(types) else dtypes.INVALID


def _let_objects_call(meta_graph: MetaGraphDef, clones: Mapping[str, str]) -> None:
    """Let the objects of a MetaGraph call the clones of functions: `tf.saved_model.load` runs those they name."""
    if not meta_graph.HasField("object_graph_def"):
        return
    graph = meta_graph.object_graph_def
    for old, new in clones.items():
        if old in graph.concrete_functions:
            graph.concrete_functions[new].CopyFrom(graph.concrete_functions[old])
    for node in graph.nodes:
        kind = node.WhichOneof("kind")
        if kind == "bare_concrete_function":
            bare = node.bare_concrete_function
            bare.concrete_function_name = clones.get(bare.concrete_function_name, bare.concrete_function_name)
        elif kind == "function":
            listed = [clones.get(name, name) for name in node.function.concrete_functions]
            node.function.concrete_functions[:] = listed


def rerouted(tensors: Sequence[str], recorders: Recorders) -> tuple[str, ...]:
    """Return tensors of the main graph, as those that wait for their recorders."""
    return tuple(
        recorders.passed.get(str(names.input_tensor(tensor)), tensor) if tensor else tensor
        for tensor in tensors
    )
