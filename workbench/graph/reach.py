"""Reach in a graph: one walk, with a choice of edges and of where it stops."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping

from workbench.disk.schema import NodeDef
from workbench.names import input_node, input_tensor

Edges = Callable[[str], Iterable[str]]
"""From a name to the names next to it."""


def reach(starts: Iterable[str], edges: Edges, stop: Container[str] = ()) -> set[str]:
    """Return the names reached from some names, those included.

    It is linear and needs no recursion.

    Args:
        starts: where to begin.
        edges: asked once for each name reached.
        stop: names that are reached and not looked behind.
    """
    seen = set(starts)
    todo = list(seen)
    while todo:
        name = todo.pop()
        if name in stop:
            continue
        for other in edges(name):
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def ancestors(
    nodes: Mapping[str, NodeDef], roots: Iterable[str], *, controls: bool = True, stop: Container[str] = ()
) -> set[str]:
    """Return the nodes of a graph that some tensors need, their own included.

    Args:
        nodes: the graph, or a body; a name that no node has is not reached.
        roots: as a node would write them: `n`, `n:k`, `n:arg:k`, `^n`.
        controls: whether what a node only waits for counts.
        stop: names of nodes that are reached and not looked behind.
    """
    known = nodes.__contains__

    def inputs(name: str) -> list[str]:
        entries = list(nodes[name].input)
        return entries if all(map(known, entries)) else existing(entries)

    def existing(entries: Iterable[str]) -> list[str]:
        found = [input_node(entry) for entry in entries if controls or entry[:1] != "^"]
        return [name for name in found if name in nodes]

    return reach(existing(roots), inputs, stop)


def consumers(nodes: Mapping[str, NodeDef], *, controls: bool = True) -> defaultdict[str, list[str]]:
    """Return the consumers of each node or argument, once for each use.

    Args:
        nodes: the graph, or a body.
        controls: whether a node that only waits for another counts.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, node in nodes.items():
        for entry in node.input:
            if entry in nodes:
                found[entry].append(name)
            elif controls or entry[:1] != "^":
                found[input_node(entry)].append(name)
    return found


def descendants(
    nodes: Mapping[str, NodeDef], starts: Iterable[str], *, controls: bool = True, stop: Container[str] = ()
) -> set[str]:
    """Return the nodes of a graph that need some nodes, those included.

    Args:
        nodes: the graph, or a body.
        starts: names of nodes; those that are not in the graph may be arguments of the body, and are in the answer.
        controls: whether a node that only waits for another counts.
        stop: names of nodes that are reached and not looked behind.
    """
    return reach(starts, consumers(nodes, controls=controls).__getitem__, stop)


def needed(
    nodes: Mapping[str, NodeDef],
    roots: Iterable[str],
    *,
    tensors: Mapping[str, str],
    waits: Mapping[str, str],
    controls: Container[str] | None = None,
    stop: Container[str] = (),
) -> set[str]:
    """Return what some tensors need where others are fed or replaced.

    Args:
        nodes: the graph; names that no node has are in the answer too.
        roots: as a node would write them: `n`, `n:k`, `^n`.
        tensors: tensor `n:k` to the name that is in the answer instead of its node.
        waits: node to the name that is in the answer where something only waits for the node.
        controls: the nodes that are worth waiting for, besides those of `waits`; None for all. A root that waits
            counts always.
        stop: names that are reached and not looked behind.
    """
    replaced = {input_node(tensor) for tensor in tensors}

    def behind(entry: str, always: bool) -> str | None:
        if entry[:1] != "^":
            tensor = input_tensor(entry)
            return tensors.get(str(tensor), tensor.node)
        name = entry[1:]
        counts = always or controls is None or name in controls or name not in nodes
        return waits.get(name, name if counts else None)

    seen = {name for entry in roots if (name := behind(entry, True)) is not None}
    todo = list(seen)
    while todo:  # the loop of `reach` once more: most of the time of a merge of many nodes is spent here
        here = todo.pop()
        node = nodes.get(here)
        if node is None or here in stop:
            continue
        for entry in node.input:
            name = entry if entry in nodes and entry not in replaced else behind(entry, False)
            if name is not None and name not in seen:
                seen.add(name)
                todo.append(name)
    return seen
