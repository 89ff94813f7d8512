"""What runs while a graph is imported: constants that shape inference computes.

Where the shape of a node depends on a value (`Reshape`, `Fill`, `Range`, …), TensorFlow tries to compute that value
from constants: it cuts out the nodes behind it and runs them on the CPU if none is stateful, calls a function or takes
an argument (`tensorflow/core/common_runtime/shape_refiner.cc`, `eval_const_tensor.cc: ExtractConstantSubgraph`). Ops
like DebugIdentity, which writes to its URLs, and ReadFile are not marked as stateful. They run so in whatever is
imported, reached or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from workbench.checks.unsafe.ops import VERDICTS
from workbench.disk import optable
from workbench.disk.schema import NodeDef
from workbench.names import input_node, is_control

_BY_SHAPE = frozenset({"Shape", "ShapeN", "Size", "Rank", "TensorListElementShape"})
"""Ops whose value is known where the shape of their input is."""
_NEVER_EVALUATED = frozenset({"Enter", "RefEnter", "Exit", "RefExit", "Merge", "RefMerge", "NextIteration"})
_INTEGERS = frozenset({3, 5, 6, 9, 17, 22, 23})  # all but uint8, which pictures are of
_ASKS_ANY = frozenset({"RestoreV2", "Restore", "RestoreSlice", "SaveV2", "SaveSlices", "Range", "LinSpace"})
"""Ops whose shapes depend on values that are no integers."""
_VALUES_ONLY = """
    Abs Add AddN AddV2 AsString Assert Assign AssignAdd AssignAddVariableOp AssignSub AssignVariableOp Cast
    Equal FloorDiv FloorMod Greater GreaterEqual Identity IdentityN Less LessEqual LogicalAnd LogicalNot
    LogicalOr Maximum Minimum Mul Neg NoOp NotEqual OnesLike PreventGradient Print PrintV2 QueueEnqueueManyV2
    QueueEnqueueV2 Rank Shape ShapeN Sign Size Square StopGradient StringFormat Sub Switch ZerosLike
"""
_NEVER_ASKS = frozenset(_VALUES_ONLY.split())
"""Ops with integer inputs whose shapes do not depend on values."""


def evaluated(nodes: Mapping[str, NodeDef], suspects: Iterable[NodeDef]) -> list[NodeDef]:
    """Return those of some nodes that run while their graph is imported.

    Args:
        nodes: of the main graph or a function, by name.
        suspects: some of them. Only these are looked at, and an op that nobody knows counts as stateless.
    """
    candidates = [node for node in suspects if _may_run(node)]
    if not candidates:
        return []
    graph = _Constants(nodes)
    return [node for node in candidates if graph.is_constant(node.name) and graph.decides_a_shape(node.name)]


def may_run_op(op: str) -> bool:
    """Return whether shape inference may run a suspect of this op."""
    op_def = optable.lookup(op)
    return op_def is None or (op in VERDICTS and not op_def.is_stateful)


def _may_run(node: NodeDef) -> bool:
    """Return whether shape inference may run a node whose inputs are constants."""
    if node.op == "Const":
        return True
    op_def = optable.lookup(node.op)
    if node.op in _NEVER_EVALUATED or (op_def is not None and op_def.is_stateful):
        return False
    calls = any(value.HasField("func") or len(value.list.func) for value in node.attr.values())
    return not calls and any(not is_control(entry) for entry in node.input)


class _Constants:
    """The part of a graph that shape inference could compute."""

    def __init__(self, nodes: Mapping[str, NodeDef]) -> None:
        self._nodes = nodes
        self._known: dict[str, bool | None] = {}
        self._users: dict[str, list[tuple[NodeDef, int]]] | None = None

    def is_constant(self, name: str) -> bool:
        """Return whether a node and all before it may run while the graph is imported."""
        todo = [name]
        while todo:
            one = todo[-1]
            node = self._nodes.get(one)
            if self._known.get(one) is not None or node is None or not _may_run(node):
                self._known.setdefault(one, False)
                todo.pop()
                continue
            behind = [] if node.op in _BY_SHAPE else [input_node(e) for e in node.input if not is_control(e)]
            fresh = [entry for entry in behind if entry not in self._known]
            if fresh:
                self._known[one] = None  # not before what is behind it; a loop comes back here, and is none
                todo += fresh
            else:
                self._known[one] = all(self._known[entry] for entry in behind)
        return bool(self._known[name])

    def decides_a_shape(self, name: str) -> bool:
        """Return whether the shape of a node may ask for a value, or what is computed from it."""
        seen, todo = {name}, [name]
        while todo:
            for user, position in self._users_of(todo.pop()):
                if user.op in _ASKS_ANY or (user.op not in _NEVER_ASKS and _takes_integer(user, position)):
                    return True
                if user.name not in seen and self.is_constant(user.name):
                    seen.add(user.name)
                    todo.append(user.name)
        return False

    def _users_of(self, name: str) -> list[tuple[NodeDef, int]]:
        if self._users is None:
            self._users = {}
            for node in self._nodes.values():
                for position, entry in enumerate(node.input):
                    if not is_control(entry):
                        self._users.setdefault(input_node(entry), []).append((node, position))
        return self._users.get(name, [])


def _takes_integer(node: NodeDef, position: int) -> bool:
    """Return whether an input of a node may be int32 or int64."""
    op_def = optable.lookup(node.op)
    if op_def is None:
        return True
    for arg in op_def.input_arg:
        count = node.attr[arg.number_attr].i if arg.number_attr else 1
        types = [arg.type]
        if arg.type_attr:
            types = [node.attr[arg.type_attr].type] if arg.type_attr in node.attr else [0]
        elif arg.type_list_attr:
            types = list(node.attr[arg.type_list_attr].list.type)
            count = 1
        if position < len(types) * count:
            return types[position % len(types)] in (*_INTEGERS, 0)
        position -= len(types) * count
    return False
