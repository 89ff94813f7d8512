"""A graph as a networkx graph, for those who want its algorithms; networkx is imported only when used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.disk import dtypes
from workbench.graph.nest import Level
from workbench.names import input_node, is_control

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph


def to_networkx(meta: MetaGraph, *, functions: bool = False, max_nodes: int = 1_000_000) -> Any:
    """The graph as a `networkx.MultiDiGraph`.

    Nodes are named by their place (`node`, or `CALL::node` in bodies) and carry `op`, `device`, `name` and
    `dtypes` (names of the outputs' dtypes, None for an unknown op). Edges go with the data and carry `source`
    (what the reader wrote: `n`, `n:1`, `n:out:0`), `position` (in the reader's inputs) and `control`. An
    input that names no node gives a node with `op=None`.

    Args:
        meta: the MetaGraph.
        functions: also put each body under its calls, to any depth. A body's arguments are nodes with op
            `_Arg`, its results are named in the calling node's attribute `returns`.
        max_nodes: where to stop unfolding.

    Raises:
        ValueError: there would be more nodes than `max_nodes`.
    """
    import networkx as nx

    graph: Any = nx.MultiDiGraph()
    for level in Level(meta).levels() if functions else (Level(meta),):
        _add_level(graph, level)
        if graph.number_of_nodes() > max_nodes:
            raise ValueError(f"more than {max_nodes} nodes; leave functions=False or raise max_nodes")
    return graph


def _add_level(graph: Any, level: Level) -> None:
    for argument in level.arguments:
        graph.add_node(
            level.full_name(argument.name),
            op="_Arg",
            device="",
            name=argument.name,
            dtypes=[dtypes.name(argument.dtype)],
        )
    for name, node in level.nodes.items():
        types = level.meta.output_types(node)
        graph.add_node(
            level.full_name(name),
            op=node.op,
            device=node.device,
            name=name,
            dtypes=None if types is None else [dtypes.name(dtype) for dtype in types],
        )
    for name, node in level.nodes.items():
        for position, entry in enumerate(node.input):
            source = level.full_name(input_node(entry))
            if source not in graph:
                graph.add_node(source, op=None, device="", name=input_node(entry), dtypes=None)
            graph.add_edge(
                source, level.full_name(name), source=entry, position=position, control=is_control(entry)
            )
    if level.function is not None and level.steps:
        *outer, step = level.steps
        caller = Level(level.meta, tuple(outer)).full_name(step.node)
        returns = {key: level.full_name(value) for key, value in level.function.ret.items()}
        graph.nodes[caller].setdefault("returns", {})[step.label] = returns
