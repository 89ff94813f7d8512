"""Tensors in TF1 loops and branches, which nothing outside may use or feed.

A value in a `while` exists once an iteration, in a frame of its own; a value in a `cond` may be dead. A Session refuses
to fetch either (`Graph.prevent_fetching`), and a value from outside led into a branch would be alive in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from workbench import names
from workbench.disk.schema import NodeDef
from workbench.graph.body import Body
from workbench.model.op_classes import ENTERS, EXITS, INTO_CONTROL_FLOW, MERGES, NEXT_ITERATIONS, SWITCHES

Inside = Literal["loop", "branch"]


def inside(body: Body, node: str) -> Inside | None:
    """Return the v1 `while` or `cond` that contains a node of a body, or None."""
    if not any(one.op in INTO_CONTROL_FLOW for one in body.nodes.values()):
        return None
    in_loops = _in_loops(body)
    if node in in_loops:
        return "loop"
    return "branch" if _depth(body.nodes, node, in_loops) > 0 else None


def _in_loops(body: Body) -> set[str]:
    """Return the nodes behind an Enter and before an Exit."""
    starts = [name for name, node in body.nodes.items() if node.op in ENTERS]
    if not starts:
        return set()
    exits = {name for name, node in body.nodes.items() if node.op in EXITS}
    return body.adjacency.descendants(starts, exits) - exits


def _depth(nodes: Mapping[str, NodeDef], node: str, in_loops: set[str]) -> int:
    """Return the number of branches a node is in.

    It is one more behind each Switch, one less behind each Merge.
    """
    known: dict[str, int] = {}
    todo = [node]
    while todo:
        name = todo[-1]
        message = nodes.get(name)
        if name in known or message is None:
            known.setdefault(name, 0)
            todo.pop()
            continue
        parents = [parent for parent in map(names.input_node, message.input) if not _is_back(nodes, parent)]
        missing = [parent for parent in parents if parent not in known]
        if missing:
            known_before = set(todo)
            todo += [parent for parent in missing if parent not in known_before]
            if todo[-1] == name:  # a cycle: found and told elsewhere
                known[name] = 0
            continue
        depth = max((known[parent] for parent in parents), default=0)
        if name not in in_loops:
            depth += (message.op in SWITCHES) - (message.op in MERGES)
        known[name] = max(depth, 0)
        todo.pop()
    return known[node]


def _is_back(nodes: Mapping[str, NodeDef], name: str) -> bool:
    message = nodes.get(name)
    return message is not None and message.op in NEXT_ITERATIONS
