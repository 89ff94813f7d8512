"""Which functions a node calls, and how it runs each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from workbench.disk.schema import FunctionDef, NameAttrList, NodeDef
from workbench.graph.functions import calls
from workbench.model.op_classes import BRANCHES, CALLS, FIRST_INPUT, LOOPS

Kind = Literal["call", "loop", "condition", "branch", "remote", "other"]
"""How a node runs a function.

- `call`: once; its inputs are the arguments, its outputs the results.
- `loop`: the body of a While, whose results are the arguments of the next round.
- `condition`: the condition of a While.
- `branch`: of an If or Case.
- `remote`: on another device, or for a batch or a row at a time; outputs are results all the same.
- `other`: in a way of its own.
"""
RETURNING: frozenset[Kind] = frozenset({"call", "loop", "branch", "remote"})
"""The kinds whose results are the outputs of the calling node."""
_REMOTE: Mapping[str, Mapping[str, int]] = {
    "TPUPartitionedCall": {"f": 0},
    "RemoteCall": {"f": 1},
    "BatchFunction": {"f": 0},
    "MapDefun": {"f": 0},
}


class Call(NamedTuple):
    """A function that a node calls.

    Attributes:
        node: name of the calling node.
        label: the attr that names the function (`f`, `body`, `branches[1]`), or the op that is its name.
        function: name of the function.
        alone: whether the node calls no other.
        kind: how the node runs it.
        first: the data input that is the first argument, the others follow; None where that is not known.
    """

    node: str
    label: str
    function: str
    alone: bool
    kind: Kind = "other"
    first: int | None = None

    def __str__(self) -> str:
        return self.node if self.alone else f"{self.node}[{self.label}]"


def calls_of(node: NodeDef, functions: Mapping[str, FunctionDef]) -> list[Call]:
    """Return the functions of the library that a node calls."""
    found = calls(node, functions) if functions else []
    alone = len(found) == 1
    return [Call(node.name, label, name, alone, *_manner(node, label, name)) for label, name in found]


def _manner(node: NodeDef, label: str, function: str) -> tuple[Kind, int | None]:
    """Return how a node runs a function, and its input that is the first argument."""
    op = node.op
    if op == function:
        return "call", 0
    attr = label.partition("[")[0]
    first = FIRST_INPUT.get(op, _REMOTE.get(op, {})).get(attr)
    if (
        first is None or named_function(node, label).name != function
    ):  # or it is named inside the attrs of another function
        return "other", None
    if op in CALLS:
        return "call", first
    if op in LOOPS:
        return ("loop" if attr == "body" else "condition"), first
    if op in BRANCHES:
        return "branch", first
    return ("remote" if op in _REMOTE else "other"), first


def named_function(node: NodeDef, label: str) -> NameAttrList:
    """Return the function that an attr of a node names, with its attrs."""
    attr, _, number = label.partition("[")
    value = node.attr[attr]
    return value.list.func[int(number[:-1])] if number else value.func
