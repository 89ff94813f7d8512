"""Whether running a part of a graph leaves everything as it was, and gives the same again.

Where it does, a second run needs no Session of its own. Nothing is executed; what is not known counts as impure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from workbench.disk.schema import NodeDef
from workbench.graph.adjacency import Adjacency
from workbench.graph.effects import changes_something
from workbench.graph.functions import reachable
from workbench.model import MetaGraph
from workbench.model.op_classes import ASSIGNS, FILLS, READING
from workbench.names import input_node


def is_pure(meta: MetaGraph, tensors: Iterable[str]) -> bool:
    """Return whether computing `tensors` (`n:k`) in a fresh graph always gives the same.

    The init op counts as well: what it fills with random numbers differs from Session to Session.
    """
    graph = Adjacency(meta.nodes)
    for node in _below(meta, graph, map(input_node, tensors)):
        if changes_something(meta, node):
            return False
    allowed = READING | ASSIGNS | FILLS
    return not any(changes_something(meta, node, allowed) for node in _below(meta, graph, meta.init_ops))


def _below(meta: MetaGraph, graph: Adjacency, starts: Iterable[str]) -> Iterator[NodeDef]:
    """Yield the nodes that some nodes need, and all nodes of the bodies these call."""
    nodes = [meta.nodes[name] for name in graph.ancestors(starts)]
    yield from nodes
    for name in reachable(meta.graph, nodes):
        yield from meta.functions[name].node_def
