"""State that the saver restores, which a model without a checkpoint would lose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from workbench.disk.nodes import attr
from workbench.disk.optable import OpTable
from workbench.disk.schema import NodeDef
from workbench.graph.adjacency import Adjacency
from workbench.graph.functions import calls, reachable
from workbench.model import MetaGraph, saver
from workbench.model.op_classes import RESTORES, VARIABLES
from workbench.names import input_node


@dataclass(frozen=True, slots=True)
class Restored:
    """The nodes that a saver's restore op fills.

    Attributes:
        nodes: stateful nodes of the main graph that something fed from the checkpoint writes to, each with the op that
            writes, empty for a call.
        shared: their `shared_name`, and those of stateful nodes in the functions that restore.
        variables: those of the nodes whose key in the checkpoint is known.
    """

    nodes: Mapping[str, str]
    shared: frozenset[str]
    variables: frozenset[str]

    def lost(self, node: NodeDef, op_table: OpTable) -> bool:
        """Return whether a node is restored state other than a variable with a key."""
        if node.name in self.nodes:
            return node.name not in self.variables
        name = _shared_name(node)
        return bool(name) and name in self.shared and node.op not in VARIABLES and _is_state(node, op_table)


def restored(meta: MetaGraph) -> Restored:
    """Return what the restore op of a MetaGraph fills.

    Followed forwards from each op that reads the checkpoint, along data, to whatever takes it; then back from there to
    the resources it is given. A call whose function reads the checkpoint counts as taking it.
    """
    proto, nodes, functions = meta.proto, meta.nodes, meta.functions
    start = input_node(proto.saver_def.restore_op_name)
    if start not in nodes:
        return Restored({}, frozenset(), frozenset())
    above = Adjacency(nodes).ancestors([start])
    reading = {name for name in above if _reads(meta, nodes[name])}
    taking = _descendants(nodes, above, reading) - {name for name in reading if nodes[name].op in RESTORES}
    found: dict[str, str] = {}
    for name in sorted(taking):
        for behind in _behind(nodes, name):
            if behind not in taking and behind not in reading and _is_state(nodes[behind], meta.op_table):
                found.setdefault(behind, "" if _is_call(nodes[name]) else str(nodes[name].op))
    bodies = reachable(proto.graph_def, [nodes[name] for name in taking])
    inner = (node for name in bodies for node in functions[name].node_def)
    shared = {
        _shared_name(node)
        for node in (*inner, *(nodes[name] for name in found))
        if _is_state(node, meta.op_table)
    }
    read = saver.follow(nodes, functions, proto.saver_def)
    return Restored(found, frozenset(shared - {""}), frozenset(read.keys() & found.keys()))


def _reads(meta: MetaGraph, node: NodeDef) -> bool:
    """Return whether a node reads the checkpoint, itself or in what it calls."""
    if node.op in RESTORES:
        return True
    return bool(calls(node, meta.functions)) and any(
        inner.op in RESTORES
        for name in reachable(meta.graph, [node])
        for inner in meta.functions[name].node_def
    )


def _descendants(nodes: Mapping[str, NodeDef], within: Iterable[str], starts: Iterable[str]) -> set[str]:
    """Return the nodes of `within` that get data from `starts`, and `starts`."""
    consumers: dict[str, list[str]] = {}
    for name in within:
        for parent in _data(nodes[name]):
            consumers.setdefault(parent, []).append(name)
    seen = set(starts)
    queue = list(seen)
    while queue:
        for name in consumers.get(queue.pop(), ()):
            if name not in seen:
                seen.add(name)
                queue.append(name)
    return seen


def _behind(nodes: Mapping[str, NodeDef], start: str) -> Iterator[str]:
    """Yield the nodes from which a node gets data, directly or not."""
    seen: set[str] = set()
    queue = list(_data(nodes[start]))
    while queue:
        name = queue.pop()
        if name not in seen and name in nodes:
            seen.add(name)
            yield name
            queue += _data(nodes[name])


def _data(node: NodeDef) -> list[str]:
    return [input_node(text) for text in node.input if not text.startswith("^")]


def _is_state(node: NodeDef, op_table: OpTable) -> bool:
    """Return whether a node may hold state: its op says so, or is unknown."""
    op_def = op_table.get(node.op)
    return (op_def is None or op_def.is_stateful) and not _is_call(node)


def _is_call(node: NodeDef) -> bool:
    return any(node.attr[name].HasField("func") for name in node.attr)


def _shared_name(node: NodeDef) -> str:
    return str(attr(node, "shared_name").s.decode("utf-8", "surrogateescape"))
