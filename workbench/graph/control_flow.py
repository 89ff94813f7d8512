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
    loops, branches = _depths(body.nodes, node)
    return "loop" if loops else "branch" if branches else None


def _depths(nodes: Mapping[str, NodeDef], node: str) -> tuple[int, int]:
    """Return the numbers of loops and of branches a node is in.

    It is in one loop more from an Enter on and in one less from an Exit on; outside loops likewise in branches behind a
    Switch and a Merge.
    """
    known: dict[str, tuple[int, int]] = {}
    todo, waiting = [node], {node}
    while todo:
        name = todo[-1]
        message = nodes.get(name)
        if name in known or message is None:
            known.setdefault(name, (0, 0))
            todo.pop()
            continue
        parents = [parent for parent in map(names.input_node, message.input) if not _is_back(nodes, parent)]
        missing = [parent for parent in parents if parent not in known]
        if missing:
            fresh = list(dict.fromkeys(parent for parent in missing if parent not in waiting))
            waiting.update(fresh)
            todo += fresh
            if not fresh:  # a cycle: found and reported elsewhere
                known[name] = 0, 0
            continue
        loops = max((known[parent][0] for parent in parents), default=0)
        loops = max(0, loops + (message.op in ENTERS) - (message.op in EXITS))
        branches = max((known[parent][1] for parent in parents), default=0)
        if not loops:
            branches += (message.op in SWITCHES) - (message.op in MERGES)
        known[name] = loops, max(branches, 0)
        todo.pop()
    return known[node]


def _is_back(nodes: Mapping[str, NodeDef], name: str) -> bool:
    message = nodes.get(name)
    return message is not None and message.op in NEXT_ITERATIONS
