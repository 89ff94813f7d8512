"""Ops with effects, for which a control edge must be kept.

TensorFlow's automatic control dependencies tie every stateful op of a function to those before it
(auto_control_deps.py), reads and lookups included. A control edge from a node that only reads, and all of whose
ancestors only read, orders nothing.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from workbench.disk.schema import NodeDef
from workbench.graph.functions import calls
from workbench.graph.reach import descendants
from workbench.model.op_classes import DRAWING, HOLDING, READING

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph


def changes_something(meta: MetaGraph, node: NodeDef, harmless: frozenset[str] = READING) -> bool:
    """Return whether a node itself, without called bodies, changes lasting state.

    Args:
        meta: the MetaGraph.
        node: of the main graph or of a body.
        harmless: stateful ops that count as changing nothing.
    """
    if node.op in harmless or node.op in meta.functions:
        return False
    op_def = meta.op_table.get(node.op)
    # an op that takes a ref writes to it, though TensorFlow does not call it stateful
    return op_def is None or op_def.is_stateful or any(arg.is_ref for arg in op_def.input_arg)


class Effects:
    """The nodes of the main graph that have an effect or depend on one.

    What depends on one is found when first asked for a node without an effect of its own.

    Args:
        meta: the MetaGraph.
    """

    def __init__(self, meta: MetaGraph) -> None:
        self._meta = meta
        self._ops: dict[str, bool | None] = {}
        self._bodies: dict[str, bool] = {}

    def __contains__(self, name: object) -> bool:
        node = self._meta.nodes.get(str(name))
        return node is not None and (self._has(node) or name in self._holding)

    @cached_property
    def _holding(self) -> set[str]:
        """Return the nodes with an effect, direct or called, and all that depend on one."""
        having = [name for name, node in self._meta.nodes.items() if self._has(node)]
        return descendants(self._meta.nodes, having) if having else set()

    def _has(self, node: NodeDef) -> bool:
        known = self._of_op(node)
        if known is not None:
            return known
        return any(self._in_body(name) for _, name in calls(node, self._meta.functions))

    def _of_op(self, node: NodeDef) -> bool | None:
        """Return whether an op has an effect; None if that depends on what it calls."""
        op = node.op
        if op not in self._ops:
            op_def = self._meta.op_table.get(op)
            if op in self._meta.functions:
                self._ops[op] = None
            elif op in HOLDING or changes_something(self._meta, node, READING | DRAWING):
                self._ops[op] = True
            else:
                may_call = op_def is None or any(attr.type in ("func", "list(func)") for attr in op_def.attr)
                self._ops[op] = None if may_call else False
        return self._ops[op]

    def _in_body(self, name: str) -> bool:
        """Return whether a function, or one that it calls, has a node with an effect."""
        if name not in self._bodies:
            seen, todo = {name}, [name]
            found = False
            while todo and not found:
                for node in self._meta.functions[todo.pop()].node_def:
                    known = self._of_op(node)
                    if known:
                        found = True
                        break
                    more = {one for _, one in calls(node, self._meta.functions)} if known is None else set()
                    todo += more - seen
                    seen |= more
            self._bodies[name] = found
        return self._bodies[name]
