"""A graph as a networkx graph, for those who want its algorithms; networkx is imported only when used."""

from __future__ import annotations

import json
import os
from typing import Any

from workbench.disk import dtypes
from workbench.graph.nest import Level
from workbench.model import MetaGraph, Model, as_model
from workbench.names import input_node, is_control, show


def to_networkx(
    model: MetaGraph | Model | str | os.PathLike[str],
    *,
    functions: bool = False,
    max_nodes: int = 1_000_000,
    plain: bool = False,
) -> Any:
    """Return a graph as a `networkx.MultiDiGraph`.

    Nodes are named by their place (`node`, or `CALL::node` in bodies) and carry `op`, `device`, `name` and
    `dtypes` (names of the outputs' dtypes, None for an unknown op). Edges go with the data and carry `source`
    (what the reader wrote: `n`, `n:1`, `n:out:0`), `position` (in the reader's inputs) and `control`. An
    input that names no node gives a node with `op=None`.

    Args:
        model: a MetaGraph, an opened model, or what `open_model` takes.
        functions: also put each body under its calls, to any depth. A body's arguments are nodes with op
            `_Arg`, its results are named in the calling node's attribute `returns`.
        max_nodes: where to stop unfolding.
        plain: for files: attributes are texts, numbers and flags only (lists joined by commas, `returns` as JSON,
            nothing as empty text), and what XML can't hold is written as an escape, in names as well.

    Raises:
        ValueError: there would be more nodes than `max_nodes`.
    """
    import networkx as nx

    meta = model if isinstance(model, MetaGraph) else as_model(model).meta
    graph: Any = nx.MultiDiGraph()
    for level in Level(meta).levels() if functions else (Level(meta),):
        _add_level(graph, level)
        if graph.number_of_nodes() > max_nodes:
            raise ValueError(f"more than {max_nodes} nodes; leave functions=False or raise max_nodes")
    return _plain(graph) if plain else graph


def _plain(graph: Any) -> Any:
    """The graph as every writer of networkx takes it; names that are shown alike get a number."""
    import networkx as nx

    names: dict[str, str] = {}
    taken: set[str] = set()
    for name in graph:
        shown, number = show(name, len(name)), 1
        while shown in taken:
            number += 1
            shown = f"{show(name, len(name))} #{number}"
        taken.add(shown)
        names[name] = shown
    found = nx.relabel_nodes(graph, names)
    for attributes in [data for _, data in found.nodes(data=True)] + [
        data for *_, data in found.edges(data=True)
    ]:
        for key, value in attributes.items():
            attributes[key] = _text(value)
    return found


def _text(value: Any) -> Any:
    if isinstance(value, list):
        value = ",".join(value)
    elif isinstance(value, dict):
        value = json.dumps(value)
    elif value is None:
        value = ""
    return show(value, len(value)) if isinstance(value, str) else value


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
