"""The nodes of functions that name more than their inputs, and the ops of all, found in one look at each body.

Most nodes of a body name nothing else: whoever follows calls or renames them need not look at those.
"""

from __future__ import annotations

from collections.abc import Mapping

from workbench.disk.schema import AttrValue, NodeDef
from workbench.model.meta import MetaGraph
from workbench.surgery.rewrite.prefix import NAMING_ATTRS, NAMING_OPS


class NamingNodes:
    """The naming nodes of the functions of a MetaGraph, each body looked at once.

    Args:
        meta: the MetaGraph.
    """

    def __init__(self, meta: MetaGraph) -> None:
        self._meta = meta
        self._positions: dict[str, list[int]] = {}
        self._ops: dict[str, set[str]] = {}

    def positions(self, name: str) -> list[int]:
        """Return where in its body the naming nodes of a function stand."""
        found = self._positions.get(name)
        if found is None:
            found = self._look(name)
        return found

    def ops(self, name: str) -> set[str]:
        """Return the ops that the body of a function has."""
        self.positions(name)
        return self._ops[name]

    def nodes(self, name: str) -> list[NodeDef]:
        """Return the naming nodes of a function."""
        positions = self.positions(name)
        if not positions:
            return []
        body = self._meta.functions[name].node_def
        return [body[position] for position in positions]

    def _look(self, name: str) -> list[int]:
        functions = self._meta.functions
        positions, ops = [], set()
        for position, node in enumerate(functions[name].node_def):
            op = node.op
            ops.add(op)
            if op in NAMING_OPS or op in functions or _names_something(node.attr):
                positions.append(position)
        self._positions[name], self._ops[name] = positions, ops
        return positions


def _names_something(attrs: Mapping[str, AttrValue]) -> bool:
    """Return whether the attributes of a node name a function or a resource, or one has no value."""
    for name in attrs:
        if name in NAMING_ATTRS:
            return True
        value = attrs[name]
        kind = value.WhichOneof("value")
        if kind == "func" or kind is None or (kind == "list" and value.list.func):
            return True
    return False
